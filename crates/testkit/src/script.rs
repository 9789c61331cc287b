//! What a scripted model says, and how it fails.
//!
//! A [`Script`] gives each request a [`Reply`]: by rule if one fits, else the next of a queue, else
//! what it says otherwise, or, with `"standard": true`, what a model would. A reply may carry a [`Fault`]. All of it can be read from JSON:
//!
//! ```json
//! {
//!   "rules": [{ "when_contains": "plan", "reply": { "text": "1. Load the data" } }],
//!   "replies": [
//!     { "status": 429, "retry_after": "1", "body": "{\"error\": {\"message\": \"slow down\"}}" },
//!     { "text": "Hello there", "fault": { "cut_after": 1 } }
//!   ],
//!   "otherwise": { "text": "I have nothing more to say." }
//! }
//! ```

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

/// A request as it came over the wire.
#[derive(Clone, Debug)]
pub struct RecordedRequest {
    /// Such as `POST`.
    pub method: String,
    /// With the query.
    pub path: String,
    /// Names in lower case, in the order they came.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: String,
    /// The body read as JSON; `null` if it is none.
    pub json: Value,
}

impl RecordedRequest {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The text of the last message, whichever protocol it is in.
    pub fn prompt(&self) -> String {
        let messages = ["messages", "input", "contents"].map(|name| &self.json[name]);
        let messages = messages.into_iter().find(|messages| !messages.is_null()).unwrap_or(&Value::Null);
        let last = messages.as_array().and_then(|all| all.last()).unwrap_or(messages);
        let content = ["content", "parts"].map(|name| last.get(name)).into_iter().flatten().next();
        match content.unwrap_or(last) {
            Value::String(text) => text.clone(),
            Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
            _ => String::new(),
        }
    }

    pub(crate) fn wants_stream(&self) -> bool {
        // Google's clients say so in the path.
        self.json["stream"].as_bool().unwrap_or(false) || self.path.contains(":streamGenerateContent")
    }
}

/// How a reply goes wrong. Pieces are counted in the reply's texts: a stream sends one event each.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The connection is reset before any answer.
    Reset,
    /// No headers, ever.
    HangBeforeHeaders,
    /// Headers, then nothing, ever.
    HangBeforeFirstToken,
    /// Headers and comments to keep the connection alive, one each so many milliseconds, but no
    /// token, ever.
    OnlyComments(u64),
    /// So many pieces, then nothing, ever.
    StallAfter(usize),
    /// So many pieces, then the connection ends as if all were said.
    EndAfter(usize),
    /// So many pieces, then the connection closes in the middle of the next.
    CutAfter(usize),
    /// So many pieces, then the connection is reset.
    ResetAfter(usize),
    /// So many pieces, then an error event.
    ErrorAfter(usize),
    /// So many pieces, then an event that is not JSON; the rest follows.
    MalformedAfter(usize),
    /// All the text, but no `[DONE]` and no usage.
    NoEpilogue,
    /// All the text, in single bytes with so many milliseconds between them.
    Drip(u64),
    /// A stream without end, as fast as it can be sent.
    Endless,
}

/// What is said to one request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reply {
    /// The HTTP status; other than 200, `body` is sent.
    pub status: u16,
    /// The `Retry-After` header.
    pub retry_after: Option<String>,
    /// What is sent in place of an answer.
    pub body: Option<String>,
    /// The `Content-Type` of `body`.
    pub content_type: String,
    /// The answer.
    pub text: String,
    /// The text's pieces, where another cut is wanted than by words.
    pub pieces: Option<Vec<String>>,
    /// The tools it wants used, after the text.
    pub tool_calls: Vec<ToolUse>,
    /// Tokens of prompt and answer; counted by words where absent.
    pub usage: Option<(u64, u64)>,
    /// Why it ended, in OpenAI's words.
    pub finish_reason: String,
    /// Answers in one piece even if a stream is wanted.
    pub ignores_stream: bool,
    /// The model it says it is; `scripted-1` where absent.
    pub model: Option<String>,
    /// The stop sequence it ended at; only Anthropic's protocol tells it.
    pub stop_sequence: Option<String>,
    /// Waits so long before each piece.
    pub pause_ms: u64,
    /// How it goes wrong.
    pub fault: Option<Fault>,
}

/// A tool a reply wants used.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolUse {
    /// What the tool's answer refers to.
    pub id: String,
    /// The tool.
    pub name: String,
    /// Its arguments, an object.
    pub arguments: Value,
}

impl Default for Reply {
    fn default() -> Self {
        Self {
            status: 200,
            retry_after: None,
            body: None,
            content_type: "application/json".into(),
            text: String::new(),
            pieces: None,
            tool_calls: Vec::new(),
            usage: None,
            finish_reason: "stop".into(),
            ignores_stream: false,
            model: None,
            stop_sequence: None,
            pause_ms: 0,
            fault: None,
        }
    }
}

impl Reply {
    /// A sound answer.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// An answer that is a JSON document.
    pub fn json(value: &Value) -> Self {
        Self::text(value.to_string())
    }

    /// A failure with an error in OpenAI's shape.
    pub fn status(status: u16, message: &str) -> Self {
        let body = serde_json::json!({"error": {"message": message, "type": "scripted", "code": null}});
        Self { status, body: Some(body.to_string()), ..Self::default() }
    }

    /// Anything at all in place of an answer.
    pub fn raw(content_type: &str, body: impl Into<String>) -> Self {
        Self { content_type: content_type.into(), body: Some(body.into()), ..Self::default() }
    }

    /// An answer that wants a tool used as well; its finish reason says so.
    #[must_use]
    pub fn calling(mut self, id: &str, name: &str, arguments: Value) -> Self {
        self.tool_calls.push(ToolUse { id: id.into(), name: name.into(), arguments });
        self.finish_reason = "tool_calls".into();
        self
    }

    /// With a `Retry-After` header.
    #[must_use]
    pub fn retry_after(mut self, value: &str) -> Self {
        self.retry_after = Some(value.into());
        self
    }

    /// With a fault.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// With these numbers of tokens.
    #[must_use]
    pub fn usage(mut self, tokens_in: u64, tokens_out: u64) -> Self {
        self.usage = Some((tokens_in, tokens_out));
        self
    }

    /// In one piece even if a stream is wanted.
    #[must_use]
    pub fn ignoring_stream(mut self) -> Self {
        self.ignores_stream = true;
        self
    }

    /// The text as it is cut for a stream: given, or at its spaces.
    pub(crate) fn cut(&self) -> Vec<String> {
        match &self.pieces {
            Some(pieces) => pieces.clone(),
            None => self.text.split_inclusive(' ').map(str::to_owned).collect(),
        }
    }

    pub(crate) fn whole(&self) -> String {
        self.pieces.as_ref().map_or_else(|| self.text.clone(), |pieces| pieces.concat())
    }

    pub(crate) fn pause(&self) -> Duration {
        Duration::from_millis(self.pause_ms)
    }
}

type Answering = Box<dyn FnMut(&RecordedRequest) -> Reply + Send>;

/// Decides what is said to each request.
#[derive(Default)]
pub struct Script {
    answering: Option<Answering>,
    rules: Vec<Rule>,
    queue: VecDeque<Reply>,
    otherwise: Option<Reply>,
    /// Whether what no rule and no reply is for is answered as a model would.
    is_standard: bool,
}

impl Script {
    /// These replies, one for each request; after the last one the server fails with a message.
    pub fn replies(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self { queue: replies.into_iter().collect(), ..Self::default() }
    }

    /// The same reply to every request.
    pub fn always(reply: Reply) -> Self {
        Self { otherwise: Some(reply), ..Self::default() }
    }

    /// What the function says.
    pub fn answering(answer: impl FnMut(&RecordedRequest) -> Reply + Send + 'static) -> Self {
        Self { answering: Some(Box::new(answer)), ..Self::default() }
    }

    /// Reads a script in JSON, as the module's documentation shows it.
    ///
    /// # Errors
    /// When it is not one, with the place.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        let written: Written = serde_json::from_str(text)?;
        Ok(Self {
            answering: None,
            rules: written.rules,
            queue: written.replies.into(),
            otherwise: written.otherwise,
            is_standard: written.standard,
        })
    }

    pub(crate) fn next(&mut self, request: &RecordedRequest) -> Reply {
        if let Some(answer) = &mut self.answering {
            return answer(request);
        }
        let prompt = request.prompt();
        if let Some(rule) = self.rules.iter().find(|rule| prompt.contains(&rule.when_contains)) {
            return rule.reply.clone();
        }
        let reply = self.queue.pop_front().or_else(|| self.otherwise.clone());
        let reply = reply.or_else(|| self.is_standard.then(|| crate::standard::answer(request)));
        reply.unwrap_or_else(|| Reply::status(500, "the script has no reply left"))
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").field("queue", &self.queue).finish_non_exhaustive()
    }
}

impl From<Reply> for Script {
    fn from(reply: Reply) -> Self {
        Self::replies([reply])
    }
}

/// A reply to every request whose last message contains a text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    when_contains: String,
    reply: Reply,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    rules: Vec<Rule>,
    replies: Vec<Reply>,
    otherwise: Option<Reply>,
    standard: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn asking(prompt: &str) -> RecordedRequest {
        let json = json!({"messages": [{"role": "user", "content": prompt}]});
        RecordedRequest {
            method: "POST".into(),
            path: "/".into(),
            headers: vec![],
            body: String::new(),
            json,
        }
    }

    #[test]
    fn a_script_in_json_goes_by_rule_then_queue_then_otherwise() {
        let mut script = Script::from_json(
            r#"{"rules": [{"when_contains": "plan", "reply": {"text": "rule"}}],
                "replies": [{"text": "first"}, {"status": 429, "retry_after": "1", "body": "slow"},
                            {"text": "c", "fault": {"cut_after": 1}}, {"fault": "hang_before_headers"}],
                "otherwise": {"text": "otherwise"}}"#,
        )
        .unwrap();
        assert_eq!(script.next(&asking("x")), Reply::text("first"));
        assert_eq!(script.next(&asking("a plan")).text, "rule");
        assert_eq!(script.next(&asking("x")).retry_after.as_deref(), Some("1"));
        assert_eq!(script.next(&asking("x")).fault, Some(Fault::CutAfter(1)));
        assert_eq!(script.next(&asking("x")).fault, Some(Fault::HangBeforeHeaders));
        assert_eq!(script.next(&asking("x")).text, "otherwise");
    }

    #[test]
    fn a_mistake_in_a_script_is_an_error_and_an_empty_queue_says_so() {
        assert!(Script::from_json(r#"{"replies": [{"txt": "typo"}]}"#).is_err());
        let mut script = Script::replies([]);
        assert_eq!(script.next(&asking("x")).status, 500);
    }
}
