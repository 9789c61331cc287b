//! What a turn works on, what it records, and how it ends.

use kernel::{Actor, RunId, SessionId};
use models::{FinishReason, Part, Policy, ToolCall, Usage};
use serde::{Deserialize, Serialize};

use super::tools::{Permission, ToolUse, Used};

/// The workflow's name.
pub const WORKFLOW: &str = "studio";

/// A file that comes with what a person says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its name.
    pub name: String,
    /// Its text.
    pub content: String,
}

/// How far a turn may go.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// How often the model is asked.
    pub steps: u32,
    /// Tokens in and out, those from the provider's cache included.
    pub tokens: u64,
    /// US dollars.
    pub usd: f64,
    /// Seconds of work; waiting for a person does not count.
    pub seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 40, tokens: 2_000_000, usd: 5.0, seconds: 30 * 60 }
    }
}

/// Whether something is done at once or a person is asked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// It is done.
    Allow,
    /// A person is shown exactly what will be done, and decides.
    Ask,
}

/// What the agent may do in a session by itself. Looking at the project it always may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permissions {
    /// Change files.
    pub write: Rule,
    /// Run programs in the sandbox.
    pub execute: Rule,
    /// Reach hosts outside.
    pub network: Rule,
}

impl Default for Permissions {
    fn default() -> Self {
        Self { write: Rule::Allow, execute: Rule::Allow, network: Rule::Ask }
    }
}

impl Permissions {
    /// The rule for a permission.
    pub fn rule(&self, permission: Permission) -> Rule {
        match permission {
            Permission::Read => Rule::Allow,
            Permission::Write => self.write,
            Permission::Execute => self.execute,
            Permission::Network | Permission::Send => self.network,
        }
    }
}

/// A turn to be made.
#[derive(Clone, Debug)]
pub struct NewTurn {
    /// The session.
    pub session: SessionId,
    /// What the person says.
    pub text: String,
    /// Files that come with it.
    pub attachments: Vec<Attachment>,
    /// The model to ask; the session's, or the preferred one where absent.
    pub model: Option<String>,
    /// Another policy than the owner's.
    pub policy: Option<Policy>,
    /// How far it may go.
    pub limits: Limits,
    /// The turn it takes the place of, with those after it.
    pub replaces: Option<RunId>,
    /// Who asks.
    pub actor: Actor,
}

/// What a turn's run works on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TurnInput {
    /// The session.
    pub session: SessionId,
    /// What the person says.
    pub text: String,
    /// Files that come with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// The model to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Another policy than the owner's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// How far it may go.
    #[serde(default)]
    pub limits: Limits,
    /// The turn it takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<RunId>,
    /// Who asks, as events record it.
    pub actor: String,
}

/// The result of `begin`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Begun {
    /// The state of the files before this turn.
    pub checkpoint: String,
    /// The turns before this one, oldest first.
    pub earlier: Vec<RunId>,
}

/// The result of `think-n`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Thought {
    pub parts: Vec<Part>,
    pub usage: Usage,
    pub provider: String,
    pub model: String,
    pub finish: FinishReason,
    pub ms: u64,
}

impl Thought {
    pub fn text(&self) -> String {
        self.parts.iter().filter_map(Part::as_text).collect()
    }

    pub fn calls(&self) -> Vec<ToolCall> {
        let call = |part: &Part| match part {
            Part::ToolCall { call } => Some(call.clone()),
            _ => None,
        };
        self.parts.iter().filter_map(call).collect()
    }
}

/// The result of `use-n-k`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Prepared {
    pub call: ToolCall,
    /// What will be done, or what the model is told in its place.
    pub prepared: Result<ToolUse, Used>,
    /// Why a person is asked first, if one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asks: Option<String>,
}

/// The result of `tool-n-k`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Applied {
    pub used: Used,
    pub ms: u64,
}

/// Something that was looked at after a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What it is called.
    pub name: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found.
    pub text: String,
}

/// The result of `verify-n`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Verified {
    pub checks: Vec<Check>,
    pub ms: u64,
}

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The model had said and done all.
    Finished,
    /// A person stopped it.
    Stopped,
    /// It could not go on.
    Failed,
    /// It reached one of its limits.
    Limit,
}

/// The result of a turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// How it ended.
    pub outcome: Outcome,
    /// Why, where that is not plain.
    pub reason: Option<String>,
    /// The files it changed.
    pub changed: Vec<String>,
    /// What it consumed.
    pub usage: Usage,
    /// How long it worked.
    pub seconds: f64,
}
