//! What the routes of the Factory need from the planes and agents behind them.
//!
//! Each trait is one capability; the program that composes Atelier plugs the real ones in. The
//! structs are plain values: how they look on the wire is decided in [`crate::wire`].

use async_trait::async_trait;
use bytes::Bytes;
use kernel::{Actor, DispatchId, Page, PageRequest, Result, RunId, Timestamp};
use serde_json::Value;

/// Makes plans, and logs and indexes each one by itself.
#[async_trait]
pub trait Planner: Send + Sync {
    /// Plans what `prompt` asks for.
    async fn dispatch(&self, prompt: String, task_type: String, actor: Actor) -> Result<Dispatch>;
}

/// A plan that was made and logged.
#[derive(Clone, Debug)]
pub struct Dispatch {
    /// The entry in the log.
    pub id: DispatchId,
    /// What was asked for.
    pub prompt: String,
    /// What sort of task it was said to be.
    pub task_type: String,
    /// The plan, as recorded.
    pub plan: Value,
    /// When.
    pub created_at: Timestamp,
}

/// Runs code in the sandbox and keeps what came of it.
#[async_trait]
pub trait CodeRunner: Send + Sync {
    /// Runs `code` to its end. Dropping the future stops it.
    async fn run(&self, request: CodeRequest) -> Result<CodeRun>;

    /// What was run, the newest first.
    async fn list_runs(&self, page: &PageRequest) -> Result<Page<CodeRun>>;

    /// The `count` newest runs whose code or output holds `query`.
    async fn search(&self, query: &str, count: u32) -> Result<Vec<CodeRun>>;
}

/// Code to run.
#[derive(Clone, Debug)]
pub struct CodeRequest {
    /// The code.
    pub code: String,
    /// Its language.
    pub language: CodeLanguage,
    /// How long it may take.
    pub timeout_ms: Option<u64>,
    /// What it reads from its standard input.
    pub stdin: Option<String>,
    /// Who asks.
    pub actor: Actor,
}

/// The languages that are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeLanguage {
    /// Python 3.
    Python,
    /// JavaScript on Node.js.
    JavaScript,
    /// The system's shell.
    Shell,
}

/// How code ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeOutcome {
    /// With exit code 0.
    Completed,
    /// With another exit code, or by a signal.
    Failed,
    /// It was stopped at its time limit.
    TimedOut,
    /// It was stopped at its memory limit.
    OutOfMemory,
    /// It was stopped at its output limit.
    OutputLimit,
    /// It was stopped because nobody waited for it any more.
    Cancelled,
}

/// Code that was run.
#[derive(Clone, Debug)]
pub struct CodeRun {
    /// Its id.
    pub run_id: String,
    /// Its language.
    pub language: CodeLanguage,
    /// The code.
    pub code: String,
    /// How it ended.
    pub outcome: CodeOutcome,
    /// What it wrote to standard output, as far as it was kept.
    pub stdout: String,
    /// What it wrote to standard error, as far as it was kept.
    pub stderr: String,
    /// Its exit code, when it ended by itself.
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// How long it took.
    pub duration_ms: u64,
    /// Whether standard output was cut.
    pub stdout_truncated: bool,
    /// Whether standard error was cut.
    pub stderr_truncated: bool,
    /// The most memory it held, where that can be known.
    pub peak_memory_bytes: Option<u64>,
    /// When it began.
    pub created_at: Timestamp,
}

/// Submits goals to be carried out.
#[async_trait]
pub trait Supervisor: Send + Sync {
    /// Submits a run of the workflow [`Supervisor::workflow`]. It is on disk when this returns.
    async fn submit(&self, goal: Goal) -> Result<RunId>;

    /// The name of the workflow that carries goals out.
    fn workflow(&self) -> &'static str {
        "supervisor"
    }
}

/// A goal to be carried out.
#[derive(Clone, Debug)]
pub struct Goal {
    /// What is wanted: plain words, a list, or a Markdown runbook.
    pub goal: String,
    /// What the run is called; made from the goal if absent.
    pub title: Option<String>,
    /// What sort of task it is; `auto` leaves that to the planner.
    pub task_type: String,
    /// Whether the plan as a whole waits for approval before it is carried out; unset, when a
    /// model planned code.
    pub require_approval: Option<bool>,
    /// Files to start with. Each name is a relative path that stays inside the workspace.
    pub files: Vec<(String, Bytes)>,
    /// The model to use, if another than usual.
    pub model: Option<String>,
    /// Who asks.
    pub actor: Actor,
    /// A key under which the same request is only carried out once.
    pub idempotency_key: Option<String>,
}

/// Knows which models there are.
#[async_trait]
pub trait Models: Send + Sync {
    /// Every model that could be asked, the preferred first.
    async fn list(&self) -> Result<Vec<Model>>;
}

/// A model that could be asked.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// What provides it, such as `offline` or `openai_compatible`.
    pub kind: String,
    /// Whether what it is asked stays on this machine.
    pub local: bool,
    /// Whether it answers now.
    pub available: bool,
}

/// Keeps what people set for themselves.
#[async_trait]
pub trait Preferences: Send + Sync {
    /// What is set, by name.
    async fn load(&self) -> Result<Vec<(String, String)>>;

    /// Sets these, leaves the others; `None` unsets.
    async fn store(&self, changes: Vec<(String, Option<String>)>) -> Result<()>;
}
