//! `POST /api/v1/sessions/{id}/look`.

use ::studio::browser::{Looked, PageProblem, ProblemKind, Seen};
use axum::Json;
use axum::extract::State;
use kernel::Kind;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{PathSessionId, SessionPath, project};
use crate::app::App;
use crate::auth::{Caller, RunCode};
use crate::error::Error;
use crate::extract::{JsonBody, WireBody, unfit};

const LONGEST_PATH: usize = 2_000;
const LONGEST_SCRIPT: usize = 100_000;

/// What to look at.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"path": "/about", "script": "document.querySelectorAll('h2').length"}))]
pub(crate) struct LookAt {
    /// A path of the app, with its query; the first page where absent.
    #[schema(max_length = 2000, pattern = "^/")]
    path: Option<String>,
    /// A JavaScript expression that is evaluated in the page; a promise is waited for.
    #[schema(min_length = 1, max_length = 100_000)]
    script: Option<String>,
}

impl WireBody for LookAt {
    fn validate(&self) -> Result<(), Error> {
        if self.path.as_ref().is_some_and(|path| !path.starts_with('/') || path.len() > LONGEST_PATH) {
            return Err(unfit("`path` must begin with a slash, and not be very long"));
        }
        if self.script.as_ref().is_some_and(|script| script.is_empty() || script.len() > LONGEST_SCRIPT) {
            return Err(unfit("`script` is empty or very long"));
        }
        Ok(())
    }

    fn when_empty() -> Option<Self> {
        Some(Self::default())
    }
}

/// A page as a browser shows it. All texts are the page's own.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SeenPage)]
pub(crate) struct SeenView {
    /// Where the look ended.
    url: String,
    /// The status it was answered with; null where that is not known.
    #[schema(required)]
    status: Option<u16>,
    /// Its title.
    title: String,
    /// Its visible text, up to 4 kB.
    text: String,
    /// Whether there is nothing to be seen.
    is_blank: bool,
    /// What went wrong.
    problems: Vec<PageProblemView>,
    /// Up to five other pages that it links to.
    links: Vec<String>,
    /// What the script is; null without one.
    #[schema(required)]
    value: Value,
}

/// Something that went wrong on a page.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PageProblem)]
pub(crate) struct PageProblemView {
    /// What sort of thing.
    kind: PageProblemKind,
    /// What the browser says of it.
    message: String,
    /// Where; null where that is not known.
    #[schema(required)]
    at: Option<String>,
}

/// The sorts of problems.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PageProblemKind {
    /// An exception that nobody caught.
    Exception,
    /// An error in the console.
    Console,
    /// A request to the app that failed.
    Request,
    /// A request to another host that failed.
    Outside,
    /// The development tool covers the page with an error.
    Overlay,
    /// The page did not come to rest.
    Stuck,
}

impl From<PageProblem> for PageProblemView {
    fn from(problem: PageProblem) -> Self {
        let kind = match problem.kind {
            ProblemKind::Exception => PageProblemKind::Exception,
            ProblemKind::Console => PageProblemKind::Console,
            ProblemKind::Request => PageProblemKind::Request,
            ProblemKind::Outside => PageProblemKind::Outside,
            ProblemKind::Overlay => PageProblemKind::Overlay,
            ProblemKind::Stuck => PageProblemKind::Stuck,
        };
        Self { kind, message: problem.message, at: problem.at }
    }
}

/// Looks at a page of a session's app
///
/// In a browser without a window, inside the session's sandbox.
#[utoipa::path(
    post,
    path = "/api/v1/sessions/{id}/look",
    tag = "studio",
    params(SessionPath),
    request_body = LookAt,
    responses(
        (status = 200, description = "What is seen", body = SeenView),
        (status = 400, description = "`script_failed`: the script cannot be evaluated there"),
        (status = 404, description = "`session_not_found`: there is no such session"),
        (status = 503, description = "`browser_missing`, `page_not_seen`: there is no Chromium, or nothing to be seen"),
    ),
    security(("token" = ["run:code"])),
)]
pub(crate) async fn look_at(
    _caller: Caller<RunCode>,
    State(app): State<App>,
    PathSessionId(id): PathSessionId,
    JsonBody(body): JsonBody<LookAt>,
) -> Result<Json<SeenView>, Error> {
    let project = project(&app, &id).await?;
    let _hold = project.hold();
    let path = body.path.as_deref().unwrap_or("/");
    let seen = match project.look(path).await {
        Looked::Seen(seen) => seen,
        Looked::NoBrowser => {
            let error = kernel::Error::unavailable("browser_missing", "There is no Chromium on this machine");
            return Err(error.with_hint("Install Chromium with this machine's package manager").into());
        }
        Looked::Failed(why) => return Err(kernel::Error::unavailable("page_not_seen", why).into()),
    };
    let value = match &body.script {
        None => Value::Null,
        Some(script) => {
            let value = project.evaluate(path, script).await;
            value.map_err(|why| kernel::Error::new(Kind::Invalid, "script_failed", why))?
        }
    };
    let Seen { url, status, title, text, problems, is_blank, links, .. } = seen;
    let problems = problems.into_iter().map(Into::into).collect();
    Ok(Json(SeenView { url, status, title, text, is_blank, problems, links, value }))
}
