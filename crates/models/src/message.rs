//! What goes to a model and what comes back, whichever dialect either side speaks.
//!
//! [`Completion`] and what it is made of can be serialised, because a run records a model's answer
//! as a step's result and replays it; that recorded form is not a wire type.

use std::sync::Arc;

use bytes::Bytes;
use kernel::Privacy;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::dialect::{Dialect, Raw};
use crate::ledger::Origin;
use crate::options::Policy;

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructions that stand above the conversation.
    System,
    /// The person, or the program in their name; also what tools gave.
    User,
    /// The model.
    Assistant,
}

impl Role {
    /// The name every OpenAI-compatible endpoint knows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<Part>,
}

/// A piece of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Part {
    /// Words.
    Text {
        /// They themselves.
        text: String,
    },
    /// A picture the person shows.
    Image {
        /// Where it is.
        image: Image,
    },
    /// What the model thought on the way. It goes back only to the dialect it came from.
    Thinking {
        /// The thought, or a summary of it; empty when the provider keeps it to itself.
        text: String,
        /// What proves to the provider that the thought is its own.
        signature: Option<String>,
    },
    /// The model wants a tool used.
    ToolCall {
        /// The call.
        call: ToolCall,
    },
    /// What a tool gave.
    ToolResult {
        /// The id of the call it answers.
        call_id: String,
        /// Texts and images.
        content: Vec<Part>,
        /// Whether the tool failed.
        is_error: bool,
    },
}

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Image {
    /// On the web, for the provider to fetch.
    Url {
        /// The address.
        url: String,
    },
    /// In the message.
    Inline {
        /// Such as `image/png`.
        media_type: String,
        /// The bytes in base64.
        data: String,
    },
}

/// A model's wish to have a tool used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// What the tool's answer refers to.
    pub id: String,
    /// The tool.
    pub name: String,
    /// A JSON object, as text, exactly as the model wrote it.
    pub arguments: String,
}

impl Part {
    /// Words.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }

    /// The words, if it is words.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text { text } => Some(text),
            _ => None,
        }
    }
}

impl Message {
    /// A message of one text.
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        Self { role, parts: vec![Part::text(text)] }
    }

    /// An instruction.
    pub fn system(text: impl Into<String>) -> Self {
        Self::new(Role::System, text)
    }

    /// A person's message.
    pub fn user(text: impl Into<String>) -> Self {
        Self::new(Role::User, text)
    }

    /// An earlier answer.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::new(Role::Assistant, text)
    }

    /// All its words.
    pub fn text(&self) -> String {
        text_of(&self.parts)
    }
}

pub(crate) fn text_of(parts: &[Part]) -> String {
    parts.iter().filter_map(Part::as_text).collect()
}

/// A tool a model may ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it does and when to use it.
    pub description: Option<String>,
    /// The JSON schema of its arguments.
    pub parameters: Value,
    /// Whether the arguments must follow the schema to the letter.
    pub strict: Option<bool>,
}

/// Whether and which tools are to be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ToolChoice {
    /// The model decides.
    #[default]
    Auto,
    /// None.
    Never,
    /// At least one.
    Any,
    /// This one.
    Named(String),
}

/// What an answer has to look like.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Format {
    /// Words.
    #[default]
    Text,
    /// Any JSON object.
    Json,
    /// JSON that follows a schema.
    Schema {
        /// What it is called.
        name: String,
        /// The JSON schema.
        schema: Value,
        /// Whether to the letter.
        strict: Option<bool>,
    },
}

/// A question to a model. A copy shares the conversation and the tools, since every attempt has one.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The conversation, oldest first.
    pub messages: Arc<Vec<Message>>,
    /// Another model than the provider's own. The router also understands a provider's name and
    /// `provider/model`.
    pub model: Option<String>,
    /// 0 to 2; the model's own default where absent.
    pub temperature: Option<f64>,
    /// 0 to 1.
    pub top_p: Option<f64>,
    /// At most this many tokens of answer.
    pub max_tokens: Option<u32>,
    /// The answer ends before any of these.
    pub stop: Vec<String>,
    /// For answers that can be repeated, where the provider can.
    pub seed: Option<i64>,
    /// The tools there are.
    pub tools: Arc<Vec<Tool>>,
    /// Which of them to use.
    pub tool_choice: ToolChoice,
    /// Whether several may be asked for at once.
    pub parallel_tool_calls: Option<bool>,
    /// What the answer has to look like.
    pub format: Format,
    /// How hard to think: `minimal`, `low`, `medium` or `high`.
    pub effort: Option<String>,
    /// The strictest label among the parts of the prompt.
    pub privacy: Privacy,
    /// Another policy than the owner's, for this request.
    pub policy: Option<Policy>,
    /// The request as a client wrote it, for providers that speak the same dialect.
    pub raw: Option<Raw>,
    /// Something in it that only the dialect of `raw` can say: then no other provider will do.
    pub untranslatable: Option<String>,
    /// Who asks, for the ledger and the limits.
    pub origin: Origin,
}

impl Request {
    /// A request that carries `messages` and leaves the rest to the provider.
    pub fn new(messages: Vec<Message>) -> Self {
        Self { messages: Arc::new(messages), ..Self::default() }
    }

    /// Whether it holds another dialect's proof of a thought, which a provider of `dialect` would
    /// refuse: it must not get the request as it came.
    pub(crate) fn has_foreign_thought(&self, dialect: Dialect) -> bool {
        let is_foreign = |part: &Part| match part {
            Part::Thinking { signature: Some(proof), .. } => !dialect.signed(proof),
            _ => false,
        };
        self.messages.iter().flat_map(|message| &message.parts).any(is_foreign)
    }

    /// The fewest tokens a model could cut the prompt into, where those are more than `most`: no
    /// language has eight letters a token.
    pub(crate) fn clearly_longer_than(&self, most: u64) -> Option<u64> {
        let texts = || self.messages.iter().flat_map(|message| &message.parts).filter_map(Part::as_text);
        let bytes: usize = texts().map(str::len).sum();
        if bytes as u64 / 8 <= most {
            return None;
        }
        let letters = |text: &str| text.chars().filter(|letter| letter.is_alphanumeric()).count();
        let least = texts().map(letters).sum::<usize>() as u64 / 8;
        (least > most).then_some(least)
    }

    /// How many tokens the prompt has, roughly: four characters each.
    pub fn estimated_tokens(&self) -> u64 {
        self.messages.iter().map(|message| estimate_tokens(&message.parts) + 4).sum()
    }
}

/// What a call consumed, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt, those read from the provider's cache included.
    pub tokens_in: u64,
    /// Tokens of the answer, thoughts included.
    pub tokens_out: u64,
    /// Tokens of the prompt that the provider had cached.
    #[serde(default)]
    pub tokens_cached: u64,
    /// Tokens of thought, where the provider tells them apart.
    #[serde(default)]
    pub tokens_thinking: u64,
    /// What it cost, in US dollars; 0 on this machine and where no price is known.
    #[serde(default)]
    pub usd: f64,
    /// Whether this was counted here, roughly, because the provider did not say.
    pub estimated: bool,
}

impl Usage {
    /// A rough count, four characters a token, for providers that report none.
    pub(crate) fn estimate(request: &Request, answer: &[Part]) -> Self {
        let (tokens_in, tokens_out) = (request.estimated_tokens(), estimate_tokens(answer));
        Self { tokens_in, tokens_out, estimated: true, ..Self::default() }
    }
}

/// An image counts as much as the dearest common tiling of a large one.
const IMAGE_TOKENS: u64 = 1_000;

pub(crate) fn estimate_tokens(parts: &[Part]) -> u64 {
    let count = |text: &str| (text.chars().count() as u64).div_ceil(4);
    let each = |part: &Part| match part {
        Part::Text { text } | Part::Thinking { text, .. } => count(text),
        Part::Image { .. } => IMAGE_TOKENS,
        Part::ToolCall { call } => count(&call.name) + count(&call.arguments),
        Part::ToolResult { content, .. } => estimate_tokens(content),
    };
    parts.iter().map(each).sum()
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model had said all.
    Stop,
    /// The limit of tokens was reached; the text is not complete.
    Length,
    /// It waits for what tools give.
    ToolCalls,
    /// The provider withheld the rest.
    ContentFilter,
    /// A reason this crate has no name for.
    Other(String),
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// The answer.
    pub parts: Vec<Part>,
    /// What it consumed, without the attempts that failed.
    pub usage: Usage,
    /// The model as the provider names it.
    pub model: String,
    /// The provider's name.
    pub provider: String,
    /// Why it ended.
    pub finish_reason: FinishReason,
    /// The stop sequence it ended at, where the provider says so.
    #[serde(default)]
    pub stop_sequence: Option<String>,
    /// From sending the request to the end of the answer.
    pub latency_ms: u64,
    /// Every attempt that led here, oldest first; the last one is the one that answered. None at all
    /// when the answer comes from the cache.
    pub attempts: Vec<Attempt>,
    /// If the request was written in the provider's dialect: the answer as it came in one piece, or
    /// the events that end a stream.
    #[serde(skip)]
    pub raw: Option<Bytes>,
}

impl Completion {
    /// All its words.
    pub fn text(&self) -> String {
        text_of(&self.parts)
    }

    /// Whether nobody was asked, because the answer was known.
    pub fn is_from_cache(&self) -> bool {
        self.attempts.is_empty()
    }

    /// The tools it wants used.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(|part| match part {
            Part::ToolCall { call } => Some(call),
            _ => None,
        })
    }

    /// Records the answer as its own, so far only, attempt.
    pub(crate) fn with_own_attempt(mut self) -> Self {
        self.attempts = vec![Attempt {
            provider: self.provider.clone(),
            model: self.model.clone(),
            outcome: Outcome::Answered,
            latency_ms: self.latency_ms,
            usage: Some(self.usage),
        }];
        self
    }
}

/// One try at one provider, for the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The provider's name.
    pub provider: String,
    /// The model that was asked.
    pub model: String,
    /// How it went.
    pub outcome: Outcome,
    /// How long it took.
    pub latency_ms: u64,
    /// What it consumed, where that is known.
    pub usage: Option<Usage>,
}

/// How an attempt went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Outcome {
    /// It gave the answer.
    Answered,
    /// It gave none, or only the beginning of one.
    Failed {
        /// The error's stable code.
        code: String,
        /// The error's message.
        message: String,
    },
}
