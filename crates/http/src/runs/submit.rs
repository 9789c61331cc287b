//! `POST /api/v1/runs`.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{IdempotencyHeader, LONGEST_NAME, idempotency_key, run_now};
use crate::app::App;
use crate::auth::{Caller, WriteRuns};
use crate::error::Error;
use crate::extract::{JsonBody, MEBIBYTE, WireBody, unfit};
use crate::services::Goal;
use crate::wire::{Run, is_blank};

const LONGEST_GOAL: usize = 1_000_000;
const LONGEST_TITLE: usize = 200;
const MOST_FILES: usize = 64;
/// Some encoders leave bits in the last character that say nothing.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// A goal to be carried out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "goal": "Summarise sales.csv by region",
    "require_approval": true,
    "files": [{"name": "sales.csv", "content_base64": "cmVnaW9uLHRvdGFsCm5vcnRoLDQK"}],
}))]
pub(crate) struct SubmitRun {
    /// What is wanted: plain words, a list, or a Markdown runbook.
    #[schema(min_length = 1, max_length = 1_000_000, pattern = r"[^\s\x1c-\x1f\x85\ufeff]")]
    goal: String,
    /// What the run is called on screen; made from the goal if absent.
    #[schema(min_length = 1, max_length = 200, pattern = r"[^\s\x1c-\x1f\x85\ufeff]")]
    title: Option<String>,
    /// What sort of task it is.
    #[serde(default)]
    #[schema(default = "auto")]
    task_type: TaskType,
    /// Whether the plan as a whole waits for approval before it is carried out. Absent, it does
    /// when a model planned code. Gates inside the plan ask in any case.
    require_approval: Option<bool>,
    /// Files to start with.
    #[serde(default)]
    #[schema(max_items = 64)]
    files: Vec<InputFile>,
    /// The model to use, if another than usual.
    #[schema(min_length = 1, max_length = 200, pattern = r"[^\s\x1c-\x1f\x85\ufeff]")]
    model: Option<String>,
}

/// What sort of task a goal is.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TaskType {
    /// Told from the words of the goal.
    #[default]
    Auto,
    /// Programs.
    Coding,
    /// Texts.
    Writing,
    /// Finding things out.
    Research,
    /// Numbers and tables.
    Data,
}

impl TaskType {
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Coding => "coding",
            Self::Writing => "writing",
            Self::Research => "research",
            Self::Data => "data",
        }
    }
}

/// A file for the run's workspace.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InputFile {
    /// Where, relative to the workspace, with `/`. No part may begin with a dot.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^/\\.\x00-\x1f][^/\\\x00-\x1f]*(/[^/\\.\x00-\x1f][^/\\\x00-\x1f]*)*$"
    )]
    name: String,
    /// Its content in Base64, padded.
    #[schema(
        content_encoding = "base64",
        pattern = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)?$"
    )]
    content_base64: String,
}

impl WireBody for SubmitRun {
    const LIMIT_BYTES: usize = 16 * MEBIBYTE;

    fn validate(&self) -> Result<(), Error> {
        check_text("goal", &self.goal, LONGEST_GOAL)?;
        if let Some(title) = &self.title {
            check_text("title", title, LONGEST_TITLE)?;
        }
        if let Some(model) = &self.model {
            check_text("model", model, LONGEST_TITLE)?;
        }
        if self.files.len() > MOST_FILES {
            return Err(unfit(format!(
                "`files` has {} entries, and at most {MOST_FILES} are taken",
                self.files.len()
            )));
        }
        self.files.iter().try_for_each(|file| check_name(&file.name))
    }
}

/// Checks a text that a person should recognise and that has a limit.
pub(crate) fn check_text(name: &str, text: &str, longest: usize) -> Result<(), Error> {
    if is_blank(text) {
        return Err(unfit(format!("`{name}` is empty")));
    }
    check_length(name, text, longest)
}

/// Checks a text's limit, in characters.
pub(crate) fn check_length(name: &str, text: &str, longest: usize) -> Result<(), Error> {
    if text.len() > longest && text.chars().count() > longest {
        return Err(unfit(format!("`{name}` is longer than {longest} characters")));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), Error> {
    let part_fits = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && !part.contains(|c: char| c == '\\' || c <= '\u{1f}')
    };
    if name.chars().count() <= LONGEST_NAME && name.split('/').all(part_fits) {
        return Ok(());
    }
    Err(Error::UnsafePath(name.chars().take(100).collect()))
}

/// Submits a goal
///
/// The goal is planned and carried out as a durable run; watch it at `/api/v1/runs/{id}/stream`.
#[utoipa::path(
    post,
    path = "/api/v1/runs",
    tag = "runs",
    params(IdempotencyHeader),
    request_body = SubmitRun,
    responses(
        (status = 202, description = "The run is on disk and will be carried out", body = Run,
            headers(("Location" = String, description = "Where the run is"))),
        (status = 409, description = "`idempotency_key_reused`: the key was used for another request"),
        (status = 413, description = "`too_large`: the body is larger than 16 MiB"),
    ),
    security(("token" = ["write:runs"])),
)]
pub(crate) async fn submit_run(
    caller: Caller<WriteRuns>,
    State(app): State<App>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<SubmitRun>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<Run>), Error> {
    let idempotency_key = idempotency_key(&headers, &caller.actor)?;
    let files = body.files.into_iter().map(decode).collect::<Result<_, _>>()?;
    let goal = Goal {
        goal: body.goal,
        title: body.title,
        task_type: body.task_type.name().to_owned(),
        require_approval: body.require_approval,
        files,
        model: body.model,
        actor: caller.actor,
        idempotency_key,
    };
    let run_id = app.services.supervisor.submit(goal).await?;
    let run = run_now(&app, &run_id).await?;
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, format!("/api/v1/runs/{run_id}"))], Json(run)))
}

fn decode(file: InputFile) -> Result<(String, Bytes), Error> {
    match BASE64.decode(&file.content_base64) {
        Ok(bytes) => Ok((file.name, bytes.into())),
        Err(error) => Err(unfit(format!("`content_base64` of `{}` is not Base64: {error}", file.name))),
    }
}
