//! What goes to a model and what comes back.
//!
//! [`Completion`] and what it is made of can be serialised, because a run records a model's answer
//! as a step's result and replays it; that recorded form is not a wire type.

use kernel::Privacy;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructions that stand above the conversation.
    System,
    /// The person, or the program in their name.
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: String,
}

impl Message {
    /// An instruction.
    pub fn system(content: impl Into<String>) -> Self {
        Self { role: Role::System, content: content.into() }
    }

    /// A person's message.
    pub fn user(content: impl Into<String>) -> Self {
        Self { role: Role::User, content: content.into() }
    }

    /// An earlier answer.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self { role: Role::Assistant, content: content.into() }
    }
}

/// A question to a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// Another model than the provider's own. The router also understands a provider's name and
    /// `provider/model`.
    pub model: Option<String>,
    /// 0 to 2; the model's own default where absent.
    pub temperature: Option<f32>,
    /// At most this many tokens of answer.
    pub max_tokens: Option<u32>,
    /// The JSON schema the answer has to follow.
    pub json_schema: Option<Value>,
    /// The strictest label among the parts of the prompt.
    pub privacy: Privacy,
}

impl Request {
    /// A request that carries `messages` and leaves the rest to the provider.
    pub fn new(messages: Vec<Message>) -> Self {
        Self { messages, ..Self::default() }
    }
}

/// What a call consumed, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub tokens_in: u64,
    /// Tokens of the answer.
    pub tokens_out: u64,
    /// Whether this was counted here, roughly, because the provider did not say.
    pub estimated: bool,
}

impl Usage {
    /// A rough count, four characters a token, for providers that report none.
    pub(crate) fn estimate(request: &Request, answer: &str) -> Self {
        let count = |text: &str| (text.chars().count() as u64).div_ceil(4);
        let tokens_in = request.messages.iter().map(|message| count(&message.content) + 4).sum();
        Self { tokens_in, tokens_out: count(answer), estimated: true }
    }
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model had said all.
    Stop,
    /// The limit of tokens was reached; the text is not complete.
    Length,
    /// The provider withheld the rest.
    ContentFilter,
    /// A reason this crate has no name for.
    Other(String),
}

impl From<&str> for FinishReason {
    fn from(text: &str) -> Self {
        match text {
            "stop" | "end_turn" | "eos" => Self::Stop,
            "length" | "max_tokens" => Self::Length,
            "content_filter" => Self::ContentFilter,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// The answer.
    pub text: String,
    /// What it consumed, without the attempts that failed.
    pub usage: Usage,
    /// The model as the provider names it.
    pub model: String,
    /// The provider's name.
    pub provider: String,
    /// Why it ended.
    pub finish_reason: FinishReason,
    /// From sending the request to the end of the answer.
    pub latency_ms: u64,
    /// Every attempt that led here, oldest first; the last one is the one that answered.
    pub attempts: Vec<Attempt>,
}

impl Completion {
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// It gave none.
    Failed {
        /// The error's stable code.
        code: String,
        /// The error's message.
        message: String,
    },
}
