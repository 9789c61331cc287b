//! The code runner: one snippet, run in the sandbox, recorded and found again.
//!
//! A snippet is a run of the workflow `code` with the one step `execute`, so it is submitted,
//! watched, cancelled and kept like any other work. What it printed is indexed in the collection
//! `code`.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use kernel::{Actor, Page, PageRequest, RunId, Timestamp};
use memory::search::MAX_HITS;
use memory::{Filter, Memory, NewDocument, Query};
use runs::state::StepProgress;
use runs::{
    Engine, Failure, RecordKind, RunContext, RunFilter, RunState, StepOptions, StepScope, Submission,
    Workflow,
};
use sandbox::{Limits, WarmSnippets};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::Error;
use crate::plan::CodeLanguage;
use crate::tools::{PendingTools, describe, failed, language_of};

/// The workflow's name.
pub const WORKFLOW: &str = "code";
/// The collection snippets are found in.
pub const COLLECTION: &str = "code";
const STEP: &str = "execute";

/// The longest code, in bytes.
pub const CODE_BYTES: usize = 1 << 20;
/// How long a snippet runs when nothing else is said.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a snippet may ask to run.
pub const LONGEST_TIMEOUT: Duration = Duration::from_secs(120);

/// A snippet to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeRequest {
    /// Its language.
    pub language: CodeLanguage,
    /// The code.
    pub code: String,
    /// What it reads.
    #[serde(default)]
    pub stdin: String,
    /// How long it may run, in milliseconds.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
}

/// A snippet and what became of it.
#[derive(Clone, Debug)]
pub struct CodeRun {
    /// The run.
    pub run_id: RunId,
    /// What was asked for.
    pub request: CodeRequest,
    /// What became of it (`outcome`, `exit_code`, `stdout`, …); `None` while it runs.
    pub execution: Option<Value>,
    /// Why it could not be run.
    pub error: Option<Failure>,
    /// When it was submitted.
    pub created_at: Timestamp,
}

/// Runs snippets.
#[derive(Clone)]
pub struct CodeRunner {
    engine: Engine,
    memory: Memory,
}

impl CodeRunner {
    /// A runner over an engine that knows [`CodeWorkflow`].
    pub fn new(engine: Engine, memory: Memory) -> Self {
        Self { engine, memory }
    }

    /// Runs a snippet and waits for its end.
    ///
    /// # Errors
    /// When the code is empty or too large, the time is out of bounds, or the engine refuses.
    pub async fn run(&self, request: CodeRequest, actor: Actor) -> Result<CodeRun, Error> {
        if request.code.trim().is_empty() {
            return Err(Error::NoCode);
        }
        if request.code.len() > CODE_BYTES {
            return Err(Error::CodeTooLarge { bytes: request.code.len(), limit: CODE_BYTES });
        }
        let longest = millis(LONGEST_TIMEOUT);
        if let Some(given) = request.timeout_ms.filter(|given| !(1..=longest).contains(given)) {
            return Err(Error::TimeoutOutOfBounds { given, longest });
        }
        let first = request.code.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let submission = Submission {
            workflow: WORKFLOW.into(),
            title: format!(
                "{}: {}",
                request.language.name(),
                first.trim().chars().take(80).collect::<String>()
            ),
            input: serde_json::to_value(&request).map_err(kernel::Error::internal)?,
            actor,
            idempotency_key: None,
        };
        let run_id = self.engine.submit(submission).await.map_err(kernel::Error::from)?;
        let limit = LONGEST_TIMEOUT + Duration::from_secs(30);
        let state = self.engine.wait(&run_id, limit).await.map_err(kernel::Error::from)?;
        code_run(&state).ok_or_else(|| kernel::Error::internal("a snippet's input is none").into())
    }

    /// The newest snippets.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn list(&self, page: &PageRequest) -> Result<Page<CodeRun>, Error> {
        let filter = RunFilter { workflow: Some(WORKFLOW.into()), ..RunFilter::default() };
        let rows = self.engine.store().list_runs(&filter, page).await.map_err(kernel::Error::from)?;
        let mut items = Vec::with_capacity(rows.items.len());
        for row in rows.items {
            let state = self.engine.state(&row.run_id).await.map_err(kernel::Error::from)?;
            items.extend(code_run(&state));
        }
        Ok(Page { items, next_cursor: rows.next_cursor })
    }

    /// The snippets whose code or output is about `text`.
    ///
    /// # Errors
    /// When the query is empty or too long, or memory cannot be read.
    pub async fn search(&self, text: &str, limit: usize) -> Result<Vec<CodeRun>, Error> {
        let query = Query { filter: Filter::of_collection(COLLECTION), ..Query::new(text, MAX_HITS) };
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        for hit in self.memory.search(query).await?.hits {
            if found.len() == limit || !seen.insert(hit.document.id.clone()) {
                continue;
            }
            let Ok(run_id) = hit.document.key.parse::<RunId>() else { continue };
            match self.engine.state(&run_id).await {
                Ok(state) => found.extend(code_run(&state)),
                Err(runs::Error::RunNotFound(_)) => {}
                Err(error) => return Err(kernel::Error::from(error).into()),
            }
        }
        Ok(found)
    }
}

/// What a run says of a snippet; nothing when it was retried with an input that is none.
fn code_run(state: &RunState) -> Option<CodeRun> {
    let request = serde_json::from_value(state.input.clone()).ok()?;
    let execution = match state.records.get(STEP).map(|record| &record.kind) {
        Some(RecordKind::Step { progress: StepProgress::Completed(result), .. }) => Some(result.clone()),
        _ => None,
    };
    let error = match &state.outcome {
        Some(Err(failure)) => Some(failure.clone()),
        _ => None,
    };
    Some(CodeRun { run_id: state.run_id.clone(), request, execution, error, created_at: state.created_at })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Carries a snippet out.
pub struct CodeWorkflow {
    snippets: Shared<BoxFuture<'static, Arc<WarmSnippets>>>,
    memory: Memory,
}

impl CodeWorkflow {
    /// Snippets run in folders of their own below `folder`.
    pub fn new(tools: PendingTools, memory: Memory, folder: PathBuf) -> Self {
        let limits = Limits {
            memory_bytes: 512 << 20,
            disk_bytes: 256 << 20,
            output_bytes: 256 << 10,
            ..Limits::default()
        };
        let snippets =
            tools.map(|tools| Arc::new(WarmSnippets::new(tools.sandbox, tools.toolchain, folder, limits)));
        Self { snippets: snippets.boxed().shared(), memory }
    }

    async fn execute(&self, request: &CodeRequest) -> Result<Value, Failure> {
        let snippet = sandbox::Snippet {
            language: language_of(request.language),
            code: request.code.clone(),
            stdin: request.stdin.clone().into_bytes(),
            wall: request.timeout_ms.map_or(DEFAULT_TIMEOUT, Duration::from_millis),
        };
        let snippets = self.snippets.clone().await;
        Ok(describe(&snippets.run(snippet, None).await.map_err(failed)?))
    }

    async fn remember(
        &self,
        scope: &StepScope,
        request: &CodeRequest,
        execution: &Value,
    ) -> Result<(), Failure> {
        let text = |name: &str| {
            execution[name].as_str().unwrap_or_default().chars().take(20_000).collect::<String>()
        };
        let document = NewDocument {
            collection: COLLECTION.into(),
            key: scope.run_id().to_string(),
            title: request.language.name().into(),
            text: format!("{}\n\n{}\n{}", request.code, text("stdout"), text("stderr")),
            source: format!("run:{}", scope.run_id()),
            attributes: memory::document::Attributes::from([(
                "run_id".to_owned(),
                scope.run_id().to_string(),
            )]),
            ..NewDocument::default()
        };
        self.memory.remember(document).await.map(drop).map_err(Failure::from)
    }
}

#[async_trait]
impl Workflow for CodeWorkflow {
    fn name(&self) -> &'static str {
        WORKFLOW
    }

    async fn run(&self, context: RunContext, input: Value) -> Result<Value, Failure> {
        let request: CodeRequest = serde_json::from_value(input)
            .map_err(|error| Failure::new("invalid_input", format!("This is not a snippet: {error}")))?;
        let request = &request;
        let options = StepOptions::default();
        let execution: Value =
            context.step(STEP, options, |_| async move { self.execute(request).await }).await?;
        let outcome = execution["outcome"].clone();
        let executed = &execution;
        context
            .step("remember", options, |scope| async move { self.remember(&scope, request, executed).await })
            .await?;
        Ok(json!({ "outcome": outcome }))
    }
}
