//! The calls, one method each.

use std::time::Duration;

use futures::StreamExt;
use kernel::{Entropy, SystemEntropy};
use reqwest::{Method, Response};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::wire::{
    CodeRun, Dispatch, Limit, List, MemoryIndex, Model, Run, RunDetail, Snapshot, UsageReport,
};
use super::{Answer, Call, Client, Result, problem::Problem};
use kernel::Kind;

const RUNS: [&str; 3] = ["api", "v1", "runs"];
const LIMITS: [&str; 4] = ["api", "v1", "llm", "limits"];
/// How often a submission whose answer got lost is sent again; its key keeps it single.
const SUBMISSIONS: u32 = 3;
const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(600);

/// A goal to submit.
#[derive(Debug, Default, Serialize)]
pub struct NewRun {
    /// What is wanted.
    pub goal: String,
    /// What the run is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What sort of task it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_type: Option<String>,
    /// Whether the plan as a whole waits for approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_approval: Option<bool>,
    /// Files to start with.
    pub files: Vec<NewFile>,
    /// The model to use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// A file for a run.
#[derive(Debug, Serialize)]
pub struct NewFile {
    /// Its path in the run's folder.
    pub name: String,
    /// Its content.
    pub content_base64: String,
}

/// Which runs.
#[derive(Clone, Debug, Default)]
pub struct RunsQuery {
    /// At one of these statuses, separated by commas.
    pub status: Option<String>,
    /// Of this workflow.
    pub workflow: Option<String>,
    /// At most this many.
    pub limit: Option<u32>,
    /// From here on.
    pub cursor: Option<String>,
}

impl Client {
    /// Submits a goal, once, however often the connection breaks meanwhile.
    pub async fn submit(&self, new: &NewRun) -> Result<Answer<Run>> {
        let body = serde_json::to_value(new).map_err(|error| Problem::internal(error.to_string()))?;
        let key = format!("cli-{:016x}{:016x}", SystemEntropy.next_u64(), SystemEntropy.next_u64());
        let mut attempt = 1;
        loop {
            let call = Call { idempotency_key: Some(key.clone()), ..Call::post(RUNS, body.clone()) };
            match self.ask(call).await {
                Err(problem) if problem.kind == Kind::Unavailable && attempt < SUBMISSIONS => {
                    tokio::time::sleep(Duration::from_millis(250) * attempt).await;
                    attempt += 1;
                }
                answer => return answer,
            }
        }
    }

    /// A page of runs.
    pub async fn runs(&self, query: &RunsQuery) -> Result<Answer<List<Run>>> {
        let call = Call::get(RUNS)
            .query("status", query.status.as_ref())
            .query("workflow", query.workflow.as_ref())
            .query("limit", query.limit)
            .query("cursor", query.cursor.as_ref());
        self.ask(call).await
    }

    /// A run with everything known of it.
    pub async fn run(&self, id: &str) -> Result<Answer<RunDetail>> {
        self.ask(Call::get(with(&RUNS, &[id]))).await
    }

    /// Answers a gate.
    pub async fn approve(&self, id: &str, answer: Value) -> Result<Answer<Run>> {
        self.ask(Call::post(with(&RUNS, &[id, "approve"]), answer)).await
    }

    /// Does a run again, from `stage` on.
    pub async fn retry(&self, id: &str, stage: Option<&str>) -> Result<Answer<Run>> {
        let body = stage.map_or_else(|| json!({}), |stage| json!({ "stage": stage }));
        self.ask(Call::post(with(&RUNS, &[id, "retry"]), body)).await
    }

    /// Stops a run.
    pub async fn cancel(&self, id: &str) -> Result<Answer<Run>> {
        self.ask(Call::new(Method::POST, with(&RUNS, &[id, "cancel"]))).await
    }

    /// Makes a new run of what this one had done after `step`.
    pub async fn fork(&self, id: &str, step: &str) -> Result<Answer<Run>> {
        self.ask(Call::post(with(&RUNS, &[id, "fork"]), json!({ "after_step": step }))).await
    }

    /// Writes an artifact's content to `file`.
    pub async fn download(&self, id: &str, path: &str, file: &mut tokio::fs::File) -> Result<()> {
        let parts: Vec<_> = [id, "artifacts"].into_iter().chain(path.split('/')).collect();
        let call = Call { timeout: DOWNLOAD_TIMEOUT, ..Call::get(with(&RUNS, &parts)) };
        let mut body = self.send(&call).await?.bytes_stream();
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|error| self.broken(&error))?;
            file.write_all(&piece).await.map_err(|error| cannot_write(path, &error))?;
        }
        file.flush().await.map_err(|error| cannot_write(path, &error))
    }

    /// Opens the stream of a run's events after `after`.
    pub(super) async fn open_stream(&self, id: &str, after: u64) -> Result<Response> {
        // The stream has no end of its own; silence is judged by who reads it.
        let call =
            Call { timeout: Duration::from_secs(365 * 24 * 3600), ..Call::get(with(&RUNS, &[id, "stream"])) };
        let request = self.request(&call).header("last-event-id", after.to_string());
        let response = request.send().await.map_err(|error| self.broken(&error))?;
        self.accept(response).await
    }

    /// Plans a goal.
    pub async fn plan(&self, prompt: &str, task_type: &str) -> Result<Answer<Dispatch>> {
        let body = json!({ "prompt": prompt, "task_type": task_type });
        self.ask(Call::post(["api", "v1", "planner", "dispatch"], body)).await
    }

    /// Runs code.
    pub async fn execute(&self, code: Value) -> Result<Answer<CodeRun>> {
        let limit = code["timeout_ms"].as_u64().unwrap_or(5_000);
        let timeout = Duration::from_millis(limit) + Duration::from_secs(60);
        self.ask(Call { timeout, ..Call::post(["api", "v1", "debugger", "run"], code) }).await
    }

    /// The planner's log.
    pub async fn memory_logs(&self, limit: u32) -> Result<Answer<List<Dispatch>>> {
        self.ask(Call::get(["api", "v1", "memory", "logs"]).query("limit", Some(limit))).await
    }

    /// Writes the planner's log to a file in the workspace.
    pub async fn snapshot_memory(&self, limit: u32) -> Result<Answer<Snapshot>> {
        self.ask(Call::get(["api", "v1", "memory", "snapshot"]).query("limit", Some(limit))).await
    }

    /// What models were asked since `from`, by days.
    pub async fn usage(&self, from: &str) -> Result<Answer<UsageReport>> {
        self.ask(Call::get(["api", "v1", "llm", "usage"]).query("from", Some(from))).await
    }

    /// The limits on models.
    pub async fn limits(&self) -> Result<Answer<List<Limit>>> {
        self.ask(Call::get(LIMITS)).await
    }

    /// Makes a limit.
    pub async fn create_limit(&self, limit: Value) -> Result<Answer<Limit>> {
        self.ask(Call::post(LIMITS, limit)).await
    }

    /// Gives a limit other numbers.
    pub async fn change_limit(&self, id: &str, numbers: Value) -> Result<Answer<Limit>> {
        let path = with(&LIMITS, &[id]);
        self.ask(Call { body: Some(numbers), ..Call::new(Method::PATCH, path) }).await
    }

    /// Removes a limit.
    pub async fn delete_limit(&self, id: &str) -> Result<()> {
        self.send(&Call::new(Method::DELETE, with(&LIMITS, &[id]))).await.map(drop)
    }

    /// How far the vectors of memory are.
    pub async fn memory_index(&self) -> Result<Answer<MemoryIndex>> {
        self.ask(Call::get(["api", "v1", "memory", "index"])).await
    }

    /// The models that can be asked.
    pub async fn list_models(&self) -> Result<Answer<List<Model>>> {
        self.ask(Call::get(["api", "v1", "models"])).await
    }

    /// Whether a server answers within a short time, and is not about to stop.
    pub async fn is_ready(&self) -> bool {
        let call = Call { timeout: Duration::from_secs(2), ..Call::get(["readyz"]) };
        self.request(&call).send().await.is_ok_and(|response| response.status().is_success())
    }
}

fn with<'a>(base: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [base, more].concat()
}

fn cannot_write(path: &str, error: &std::io::Error) -> Problem {
    Problem::unavailable("cannot_write", format!("`{path}` cannot be written: {error}"))
        .with_hint("Choose another folder with --output")
}
