//! `POST /api/v1/debugger/run`, `GET …/logs`, `GET …/search`.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::{Caller, RunCode};
use crate::error::Error;
use crate::extract::{JsonBody, MEBIBYTE, Parameters, WireBody, unfit};
use crate::memory::SearchQuery;
use crate::services::{self, CodeRequest};
use crate::wire::{CodeLanguage, List, ListQuery, Moment, is_blank};

const LARGEST_CODE: usize = 1_000_000;
const LONGEST_TIMEOUT_MS: u64 = 60_000;

/// The routes of the code runner.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(run_code))
        .routes(routes!(list_code_runs))
        .routes(routes!(search_code_runs))
}

/// Code to run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RunCode, example = json!({"code": "print(2+2)", "language": "python"}))]
struct RunCodeBody {
    // Limited in bytes, for which JSON Schema has no word.
    /// The code, at most 1,000,000 bytes in UTF-8.
    #[schema(min_length = 1, pattern = r"[^\s\x1c-\x1f\x85\ufeff]")]
    code: String,
    /// Its language.
    language: CodeLanguage,
    /// How long it may take.
    #[serde(default, deserialize_with = "whole_number")]
    #[schema(minimum = 1, maximum = 60_000, default = 5_000)]
    timeout_ms: Option<u64>,
    /// What it reads from its standard input, at most 1,000,000 bytes in UTF-8.
    stdin: Option<String>,
}

impl WireBody for RunCodeBody {
    // A text of a megabyte can be several as JSON.
    const LIMIT_BYTES: usize = 8 * MEBIBYTE;

    fn validate(&self) -> Result<(), Error> {
        let parts = [("`code`", self.code.len()), ("`stdin`", self.stdin.as_ref().map_or(0, String::len))];
        if let Some((what, _)) = parts.into_iter().find(|(_, size)| *size > LARGEST_CODE) {
            return Err(Error::TooLarge { what, limit: "1,000,000 bytes".into() });
        }
        if is_blank(&self.code) {
            return Err(unfit("`code` is empty"));
        }
        match self.timeout_ms {
            Some(timeout) if !(1..=LONGEST_TIMEOUT_MS).contains(&timeout) => {
                Err(unfit(format!("`timeout_ms` must be from 1 to {LONGEST_TIMEOUT_MS}")))
            }
            _ => Ok(()),
        }
    }
}

/// JSON has one sort of number: 5000.0 is as whole as 5000.
fn whole_number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    let Some(number) = Option::<serde_json::Number>::deserialize(from)? else { return Ok(None) };
    let whole = |value: &f64| value.fract() == 0.0 && (0.0..=9_007_199_254_740_991.0).contains(value);
    let value = number.as_u64().or_else(|| number.as_f64().filter(whole).map(|value| value as u64));
    let wrong = || serde::de::Error::custom(format!("{number} is not a whole number from 0"));
    value.map(Some).ok_or_else(wrong)
}

/// How code ended.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum CodeOutcome {
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
    /// It was stopped before its end.
    Cancelled,
}

/// Code that was run.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "run_id": "run_01hv5k3m9x7q2w8e4r6t",
    "language": "python",
    "code": "print(2+2)",
    "outcome": "completed",
    "stdout": "4\n",
    "stderr": "",
    "exit_code": 0,
    "signal": null,
    "duration_ms": 21,
    "timed_out": false,
    "stdout_truncated": false,
    "stderr_truncated": false,
    "peak_memory_bytes": 9_801_728,
    "created_at": "2026-11-21T09:30:00.000Z",
}))]
struct CodeRun {
    /// Its id.
    run_id: String,
    /// Its language.
    language: CodeLanguage,
    /// The code.
    code: String,
    /// How it ended.
    outcome: CodeOutcome,
    /// What it wrote to standard output, as far as it was kept.
    stdout: String,
    /// What it wrote to standard error, as far as it was kept.
    stderr: String,
    /// Its exit code, when it ended by itself.
    #[schema(required)]
    exit_code: Option<i32>,
    /// The signal that ended it.
    #[schema(required)]
    signal: Option<i32>,
    /// How long it took.
    duration_ms: u64,
    /// Whether it was stopped at its time limit.
    timed_out: bool,
    /// Whether standard output was cut.
    stdout_truncated: bool,
    /// Whether standard error was cut.
    stderr_truncated: bool,
    /// The most memory it held, where that can be known.
    #[schema(required)]
    peak_memory_bytes: Option<u64>,
    /// When it began.
    created_at: Moment,
}

impl From<services::CodeRun> for CodeRun {
    fn from(run: services::CodeRun) -> Self {
        let (outcome, timed_out) = match run.outcome {
            services::CodeOutcome::Completed => (CodeOutcome::Completed, false),
            services::CodeOutcome::Failed => (CodeOutcome::Failed, false),
            services::CodeOutcome::TimedOut => (CodeOutcome::TimedOut, true),
            services::CodeOutcome::OutOfMemory => (CodeOutcome::OutOfMemory, false),
            services::CodeOutcome::OutputLimit => (CodeOutcome::OutputLimit, false),
            services::CodeOutcome::Cancelled => (CodeOutcome::Cancelled, false),
        };
        Self {
            run_id: run.run_id,
            language: match run.language {
                services::CodeLanguage::Python => CodeLanguage::Python,
                services::CodeLanguage::JavaScript => CodeLanguage::JavaScript,
                services::CodeLanguage::Shell => CodeLanguage::Shell,
            },
            code: run.code,
            outcome,
            stdout: run.stdout,
            stderr: run.stderr,
            exit_code: run.exit_code,
            signal: run.signal,
            duration_ms: run.duration_ms,
            timed_out,
            stdout_truncated: run.stdout_truncated,
            stderr_truncated: run.stderr_truncated,
            peak_memory_bytes: run.peak_memory_bytes,
            created_at: run.created_at.into(),
        }
    }
}

/// Runs code
///
/// In the sandbox, never plainly, without a network. Whatever the code does, the answer is 200 and
/// `outcome` tells how it ended.
#[utoipa::path(
    post,
    path = "/api/v1/debugger/run",
    tag = "factory",
    request_body = RunCodeBody,
    responses(
        (status = 200, description = "How it ended", body = CodeRun),
        (status = 413, description = "`too_large`: the code is larger than 1,000,000 bytes"),
    ),
    security(("token" = ["run:code"])),
)]
async fn run_code(
    caller: Caller<RunCode>,
    State(app): State<App>,
    JsonBody(body): JsonBody<RunCodeBody>,
) -> Result<Json<CodeRun>, Error> {
    let request = CodeRequest {
        code: body.code,
        language: match body.language {
            CodeLanguage::Python => services::CodeLanguage::Python,
            CodeLanguage::JavaScript => services::CodeLanguage::JavaScript,
            CodeLanguage::Shell => services::CodeLanguage::Shell,
        },
        timeout_ms: body.timeout_ms,
        stdin: body.stdin,
        actor: caller.actor,
    };
    Ok(Json(app.services.code.run(request).await?.into()))
}

/// Lists code that was run
///
/// The newest first.
#[utoipa::path(
    get,
    path = "/api/v1/debugger/logs",
    tag = "factory",
    params(ListQuery),
    responses((status = 200, description = "A page of runs of code", body = List<CodeRun>)),
    security(("token" = ["run:code"])),
)]
async fn list_code_runs(
    _caller: Caller<RunCode>,
    State(app): State<App>,
    Parameters(query): Parameters<ListQuery>,
) -> Result<Json<List<CodeRun>>, Error> {
    let page = app.services.code.list_runs(&query.page()?).await?;
    Ok(Json(List::from_page(page, CodeRun::from)))
}

/// Searches code that was run
///
/// In the code and its output; the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/debugger/search",
    tag = "factory",
    params(SearchQuery),
    responses((status = 200, description = "The runs of code that were found", body = List<CodeRun>)),
    security(("token" = ["run:code"])),
)]
async fn search_code_runs(
    _caller: Caller<RunCode>,
    State(app): State<App>,
    Parameters(query): Parameters<SearchQuery>,
) -> Result<Json<List<CodeRun>>, Error> {
    let (words, count) = query.checked()?;
    let runs = app.services.code.search(&words, count).await?;
    Ok(Json(List::whole(runs.into_iter().map(CodeRun::from).collect())))
}
