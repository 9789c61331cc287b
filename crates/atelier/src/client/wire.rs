//! What the command line reads of the server's answers. Members it does not show are not listed and
//! may come and go.

use serde::Deserialize;
use serde_json::Value;

/// A page of a list.
#[derive(Debug, Deserialize)]
pub struct List<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins.
    #[serde(default)]
    pub next_cursor: Option<String>,
}

/// A run, as lists show it.
#[derive(Clone, Debug, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: String,
    /// What carries it out.
    #[serde(default)]
    pub workflow: String,
    /// What it is called.
    #[serde(default)]
    pub title: String,
    /// Where it stands.
    pub status: RunStatus,
    /// When it was submitted.
    #[serde(default)]
    pub created_at: String,
    /// When it ended.
    #[serde(default)]
    pub finished_at: Option<String>,
    /// The run it was forked from.
    #[serde(default)]
    pub forked_from: Option<String>,
    /// Who submitted it.
    #[serde(default)]
    pub actor: String,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<Failure>,
}

/// A run with its parts.
#[derive(Clone, Debug, Deserialize)]
pub struct RunDetail {
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// What came of it.
    #[serde(default)]
    pub result: Value,
    /// How its goal is to be reached.
    #[serde(default)]
    pub plan: Option<Plan>,
    /// Its steps.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// What it asked.
    #[serde(default)]
    pub gates: Vec<Gate>,
    /// The files it made.
    #[serde(default)]
    pub artifacts: Vec<Artifact>,
    /// What models cost.
    #[serde(default)]
    pub cost: Cost,
    /// The number of its last event.
    #[serde(default)]
    pub last_seq: u64,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// It waits for a worker.
    Queued,
    /// It is being carried out.
    Running,
    /// It waits for a time, a retry or another run.
    Waiting,
    /// It waits for a person.
    WaitingApproval,
    /// It reached its end.
    Completed,
    /// It failed.
    Failed,
    /// It was stopped.
    Cancelled,
    /// Something a newer server says.
    #[serde(other)]
    Unknown,
}

impl RunStatus {
    /// The words for a person.
    pub fn words(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::WaitingApproval => "waiting for approval",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
        }
    }
}

/// One step of a run.
#[derive(Clone, Debug, Deserialize)]
pub struct Step {
    /// Unique in the run.
    pub name: String,
    /// One line for a person.
    #[serde(default)]
    pub title: String,
    /// How far it came.
    pub status: StepStatus,
    /// How often it was begun.
    #[serde(default)]
    pub attempts: u32,
    /// When the last attempt began.
    #[serde(default)]
    pub started_at: Option<String>,
    /// How long it took.
    #[serde(default)]
    pub duration_ms: Option<u64>,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<Failure>,
    /// What had to hold.
    #[serde(default)]
    pub acceptance: Vec<Judged>,
}

/// How far a step came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// It has not begun.
    Pending,
    /// It is being carried out.
    Running,
    /// It is done.
    Completed,
    /// It failed.
    Failed,
    /// It was left out.
    Skipped,
    /// It waits for a person, a time, a retry or another run.
    Waiting,
    /// Something a newer server says.
    #[serde(other)]
    Unknown,
}

/// A criterion and whether it holds.
#[derive(Clone, Debug, Deserialize)]
pub struct Judged {
    /// As it was written.
    pub text: String,
    /// Whether it holds; nobody has looked if absent.
    #[serde(default)]
    pub passed: Option<bool>,
    /// What was found.
    #[serde(default)]
    pub detail: Option<String>,
}

/// A question to a person.
#[derive(Clone, Debug, Deserialize)]
pub struct Gate {
    /// Its name.
    #[serde(alias = "gate")]
    pub name: String,
    /// The question.
    #[serde(default)]
    pub title: String,
    /// What the person should know.
    #[serde(default)]
    pub detail: Option<String>,
    /// The digest of the proposal.
    #[serde(default)]
    pub digest: Option<String>,
    /// What will be done when it is approved.
    #[serde(default)]
    pub proposal: Value,
    /// The answer.
    #[serde(default)]
    pub decision: Option<String>,
    /// What was said with it.
    #[serde(default)]
    pub feedback: Option<String>,
}

/// A file a run made.
#[derive(Clone, Debug, Deserialize)]
pub struct Artifact {
    /// Where, relative to the run.
    pub path: String,
    /// Its type.
    #[serde(default)]
    pub content_type: String,
    /// Its size in bytes.
    #[serde(default)]
    pub size: u64,
}

/// What models cost.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Cost {
    /// Tokens sent.
    pub tokens_in: u64,
    /// Tokens received.
    pub tokens_out: u64,
    /// US dollars.
    pub usd: f64,
}

/// Why a run or step failed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Failure {
    /// What happened.
    #[serde(default)]
    pub message: String,
    /// What to do next.
    #[serde(default)]
    pub hint: Option<String>,
}

/// A plan that was made.
#[derive(Debug, Deserialize)]
pub struct Dispatch {
    /// The entry in the planner's log.
    pub id: String,
    /// The plan.
    pub plan: Plan,
    /// What was asked for; in lists only.
    #[serde(default)]
    pub prompt: String,
    /// When.
    #[serde(default)]
    pub created_at: String,
}

/// How a goal is to be reached.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Plan {
    /// One line.
    #[serde(default)]
    pub title: String,
    /// Which planner made it.
    #[serde(default)]
    pub planner: String,
    /// The steps.
    #[serde(default)]
    pub steps: Vec<PlanStep>,
}

/// One piece of work.
#[derive(Clone, Debug, Deserialize)]
pub struct PlanStep {
    /// Unique in the plan.
    pub id: String,
    /// One line.
    #[serde(default)]
    pub title: String,
    /// What carrying it out means.
    #[serde(default)]
    pub kind: String,
    /// The steps before it.
    #[serde(default)]
    pub depends_on: Vec<String>,
    /// The language of its code.
    #[serde(default)]
    pub language: Option<String>,
    /// What is run.
    #[serde(default)]
    pub code: Option<String>,
    /// What must hold once it is done.
    #[serde(default)]
    pub acceptance: Vec<Criterion>,
}

/// Something that must hold.
#[derive(Clone, Debug, Deserialize)]
pub struct Criterion {
    /// As it was written.
    pub text: String,
    /// How a program finds out; a person is asked if absent.
    #[serde(default)]
    pub check: Option<Value>,
}

/// Code that was run.
#[derive(Debug, Deserialize)]
pub struct CodeRun {
    /// How it ended.
    pub outcome: String,
    /// What it wrote.
    #[serde(default)]
    pub stdout: String,
    /// What it wrote to standard error.
    #[serde(default)]
    pub stderr: String,
    /// Its exit code, when it ended by itself.
    #[serde(default)]
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    #[serde(default)]
    pub signal: Option<i32>,
    /// How long it took.
    #[serde(default)]
    pub duration_ms: u64,
    /// Whether standard output was cut.
    #[serde(default)]
    pub stdout_truncated: bool,
    /// Whether standard error was cut.
    #[serde(default)]
    pub stderr_truncated: bool,
}

/// How far the vectors of memory are.
#[derive(Debug, Deserialize)]
pub struct MemoryIndex {
    /// What makes them, if anything does.
    #[serde(default)]
    pub embedder: Option<String>,
    /// How far they are, in a word.
    pub state: String,
    /// How many documents have been seen to.
    #[serde(default)]
    pub done: u64,
    /// How many there are.
    #[serde(default)]
    pub total: u64,
}

/// A model that could be asked.
#[derive(Debug, Deserialize)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// What provides it.
    #[serde(default)]
    pub kind: String,
    /// Whether what it is asked stays on the server's machine.
    #[serde(default)]
    pub local: bool,
    /// Whether it answers now.
    #[serde(default)]
    pub available: bool,
}

/// A snapshot that was written.
#[derive(Debug, Deserialize)]
pub struct Snapshot {
    /// Where, below the workspace's folder.
    pub path: String,
    /// How many entries it has.
    pub count: u64,
}

/// One thing that happened in a run.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    /// Its place in the run's log.
    pub seq: u64,
    /// When.
    #[serde(default)]
    pub ts: String,
    /// What sort of thing.
    pub kind: String,
    /// What the kind says.
    #[serde(default)]
    pub payload: Value,
}

/// What models were asked, and what it cost.
#[derive(Debug, Deserialize)]
pub struct UsageReport {
    /// All of it.
    pub totals: Figures,
    /// By provider.
    pub by_provider: Vec<NamedFigures>,
    /// By model.
    pub by_model: Vec<NamedFigures>,
    /// By token.
    pub by_token: Vec<NamedFigures>,
    /// By day and provider.
    pub series: Vec<NamedFigures>,
}

/// Figures over calls.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Figures {
    /// Calls.
    pub requests: u64,
    /// Those that failed.
    pub failures: u64,
    /// Tokens of prompts.
    pub tokens_in: u64,
    /// Tokens of answers.
    pub tokens_out: u64,
    /// US dollars.
    pub usd: f64,
    /// Whether some of it is only known roughly.
    pub is_estimated: bool,
    /// How long answers took.
    #[serde(default)]
    pub latency_ms: Option<Percentiles>,
}

/// So many in a hundred took at most so many milliseconds.
#[derive(Clone, Debug, Deserialize)]
pub struct Percentiles {
    /// 50.
    pub p50: f64,
    /// 95.
    pub p95: f64,
}

/// Figures with whatever names them.
#[derive(Clone, Debug, Deserialize)]
pub struct NamedFigures {
    /// The beginning of a day.
    #[serde(default)]
    pub start: String,
    /// A provider.
    #[serde(default)]
    pub provider: Option<String>,
    /// A model.
    #[serde(default)]
    pub model: Option<String>,
    /// What a token is called.
    #[serde(default)]
    pub name: String,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// A limit on what models may be asked.
#[derive(Debug, Deserialize)]
pub struct Limit {
    /// Its id.
    pub id: String,
    /// Whose consumption it limits.
    pub scope: String,
    /// The token or provider.
    pub subject: Option<String>,
    /// The time in which it is counted.
    pub window: String,
    /// At most so many requests.
    pub requests: Option<u64>,
    /// At most so many tokens.
    pub tokens: Option<u64>,
    /// At most so many US dollars.
    pub usd: Option<f64>,
    /// What was used.
    pub used: Used,
    /// How it stands.
    pub state: String,
    /// When there is room again.
    pub resets_at: String,
}

/// What was used of a limit.
#[derive(Debug, Deserialize)]
pub struct Used {
    /// Requests.
    pub requests: u64,
    /// Tokens.
    pub tokens: u64,
    /// US dollars.
    pub usd: f64,
}
