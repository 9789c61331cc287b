//! `GET /api/v1/runs`.

use ::runs::{RunFilter, Status};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::auth::{Caller, ReadRuns};
use crate::error::Error;
use crate::extract::{Parameters, invalid};
use crate::wire::{List, Run, RunStatus, page_request};

const LONGEST_TEXT: usize = 200;

/// Which runs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RunsQuery {
    /// Runs at one of these statuses, separated by commas.
    #[param(value_type = Option<Vec<RunStatus>>, style = Form, explode = false, min_items = 1, example = json!(["running", "waiting_approval"]))]
    status: Option<String>,
    /// Runs of this workflow.
    #[param(max_length = 200, example = "supervisor")]
    workflow: Option<String>,
    /// Runs whose title holds this, in any case.
    #[param(max_length = 200, example = "report")]
    q: Option<String>,
    /// At most this many runs.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(pattern = "^[A-Za-z0-9_.:-]{1,200}$")]
    cursor: Option<String>,
}

impl RunsQuery {
    fn filter(&self) -> Result<RunFilter, Error> {
        let statuses = self.status.as_deref().unwrap_or_default();
        let statuses = statuses.split(',').filter(|_| self.status.is_some());
        let statuses: Vec<Status> = statuses.map(str::parse).collect::<Result<_, kernel::Error>>()?;
        for (name, value) in [("workflow", &self.workflow), ("q", &self.q)] {
            if value.as_ref().is_some_and(|value| value.chars().count() > LONGEST_TEXT) {
                return Err(invalid(name, format!("it is longer than {LONGEST_TEXT} characters")));
            }
        }
        let text = self.q.clone().filter(|text| !text.is_empty());
        Ok(RunFilter { statuses, workflow: self.workflow.clone(), text, parent_id: None })
    }
}

/// Lists runs
///
/// The newest first.
#[utoipa::path(
    get,
    path = "/api/v1/runs",
    tag = "runs",
    params(RunsQuery),
    responses((status = 200, description = "A page of runs", body = List<Run>)),
    security(("token" = ["read:runs"])),
)]
pub(crate) async fn list_runs(
    _caller: Caller<ReadRuns>,
    State(app): State<App>,
    Parameters(query): Parameters<RunsQuery>,
) -> Result<Json<List<Run>>, Error> {
    let filter = query.filter()?;
    let page = page_request(query.limit, query.cursor)?;
    let runs = app.engine.store().list_runs(&filter, &page).await?;
    Ok(Json(List::from_page(runs, Run::from)))
}
