//! `/api/v1/llm/limits`: how much models may be asked, by whom, in which time.

use ::models::{Allowance, LimitStanding, LimitState, Subject, Window};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use kernel::LimitId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::{Admin, Caller, InvokeModels};
use crate::error::Error;
use crate::extract::{JsonBody, PathText, WireBody, present, unfit};
use crate::wire::{List, Moment};

/// The routes of limits.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_limits, create_limit))
        .routes(routes!(change_limit, delete_limit))
}

/// The largest number every program reads exactly.
const MOST: u64 = (1 << 53) - 1;
const MOST_USD: f64 = 1e9;
const LONGEST_NAME: usize = 64;

/// Whose consumption a limit limits.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum LimitScope {
    /// Everything that is asked.
    Workspace,
    /// What is asked with one token.
    Token,
    /// What one provider is asked.
    Provider,
}

/// The time in which consumption is counted.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum LimitWindow {
    /// The last sixty seconds.
    Minute,
    /// The day, in UTC.
    Day,
    /// The calendar month, in UTC.
    Month,
}

/// How a limit stands.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum LimitStateName {
    /// There is room.
    Ok,
    /// It is nearly used up.
    Warning,
    /// It is used up.
    Exhausted,
}

/// At most so much, by whom, in which time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Limit)]
struct LimitView {
    /// Its id.
    id: String,
    /// Whose consumption it limits.
    scope: LimitScope,
    /// The token's id or the provider's name; null for the workspace.
    #[schema(required)]
    subject: Option<String>,
    /// The time in which it is counted.
    window: LimitWindow,
    /// At most so many requests; of a provider, attempts.
    #[schema(required)]
    requests: Option<u64>,
    /// At most so many tokens of prompts and answers.
    #[schema(required)]
    tokens: Option<u64>,
    /// At most so many US dollars.
    #[schema(required)]
    usd: Option<f64>,
    /// From this share on a warning is given.
    warn_at: f64,
    /// What was used in the window.
    used: Consumed,
    /// How it stands.
    state: LimitStateName,
    /// When there is room again.
    resets_at: Moment,
}

/// What was used.
#[derive(Debug, Serialize, ToSchema)]
struct Consumed {
    /// Requests; of a provider, attempts.
    requests: u64,
    /// Tokens of prompts and answers.
    tokens: u64,
    /// US dollars, as far as prices are known.
    usd: f64,
}

impl From<LimitStanding> for LimitView {
    fn from(standing: LimitStanding) -> Self {
        let LimitStanding { limit, used, state, resets_at } = standing;
        Self {
            id: limit.id.to_string(),
            scope: match limit.subject {
                Subject::Workspace => LimitScope::Workspace,
                Subject::Token(_) => LimitScope::Token,
                Subject::Provider(_) => LimitScope::Provider,
            },
            subject: limit.subject.name().map(str::to_owned),
            window: match limit.window {
                Window::Minute => LimitWindow::Minute,
                Window::Day => LimitWindow::Day,
                Window::Month => LimitWindow::Month,
            },
            requests: limit.requests,
            tokens: limit.tokens,
            usd: limit.usd,
            warn_at: limit.warn_at,
            used: Consumed { requests: used.requests, tokens: used.tokens, usd: used.usd },
            state: match state {
                LimitState::Ok => LimitStateName::Ok,
                LimitState::Warning => LimitStateName::Warning,
                LimitState::Exhausted => LimitStateName::Exhausted,
            },
            resets_at: resets_at.into(),
        }
    }
}

/// A limit to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateLimit {
    scope: LimitScope,
    subject: Option<String>,
    window: LimitWindow,
    requests: Option<u64>,
    tokens: Option<u64>,
    usd: Option<f64>,
    warn_at: Option<f64>,
}

/// The shape that the document cannot derive: one a scope, each with at least one number.
pub(crate) fn complete_schemas(schemas: &mut Value) {
    let shape = |scope: &str, subject: Value, required: &[&str]| {
        let number = |minimum: f64, maximum: f64, text: &str| json!({"type": ["number", "null"], "minimum": minimum, "maximum": maximum, "description": text});
        let integer = |text: &str| json!({"type": ["integer", "null"], "minimum": 1, "maximum": MOST, "description": text});
        let has = |name: &str, kind: &str| json!({"required": [name], "properties": {name: {"type": kind}}});
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": required,
            "properties": {
                "scope": {"type": "string", "enum": [scope], "description": "Whose consumption it limits."},
                "subject": subject,
                "window": {"type": "string", "enum": ["minute", "day", "month"], "description": "The last sixty seconds, or the day or calendar month in UTC."},
                "requests": integer("At most so many requests; of a provider, attempts."),
                "tokens": integer("At most so many tokens of prompts and answers."),
                "usd": number(0.0, MOST_USD, "At most so many US dollars."),
                "warn_at": number(0.0, 1.0, "From this share on a warning is given; 0.8 where absent."),
            },
            "anyOf": [has("requests", "integer"), has("tokens", "integer"), has("usd", "number")],
        })
    };
    let named =
        |text: &str| json!({"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$", "description": text});
    schemas["CreateLimit"] = json!({
        "description": "A limit to be made; it limits at least one of requests, tokens and US dollars.",
        "example": {"scope": "workspace", "window": "day", "usd": 10.0},
        "oneOf": [
            shape("workspace", json!({"type": "null"}), &["scope", "window"]),
            shape("token", named("The token's id."), &["scope", "window", "subject"]),
            shape("provider", named("The provider's name."), &["scope", "window", "subject"]),
        ],
    });
}

impl WireBody for CreateLimit {
    fn validate(&self) -> Result<(), Error> {
        if matches!(self.scope, LimitScope::Workspace) != self.subject.is_none() {
            return Err(unfit("`subject`: a token's id or a provider's name goes with those scopes only"));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_name = |name: &String| (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(plain);
        if self.subject.as_ref().is_some_and(|name| !is_name(name)) {
            return Err(unfit("`subject`: it is no token's id and no provider's name"));
        }
        if self.requests.is_none() && self.tokens.is_none() && self.usd.is_none() {
            return Err(unfit("`usd`: at least one of requests, tokens and usd must be limited"));
        }
        check_numbers(self.requests, self.tokens, self.usd, self.warn_at)
    }
}

fn check_numbers(
    requests: Option<u64>,
    tokens: Option<u64>,
    usd: Option<f64>,
    warn_at: Option<f64>,
) -> Result<(), Error> {
    for (name, number) in [("requests", requests), ("tokens", tokens)] {
        if number.is_some_and(|number| !(1..=MOST).contains(&number)) {
            return Err(unfit(format!("`{name}`: it must be from 1 to {MOST}")));
        }
    }
    if usd.is_some_and(|usd| !(0.0..=MOST_USD).contains(&usd)) {
        return Err(unfit(format!("`usd`: it must be from 0 to {MOST_USD}")));
    }
    if warn_at.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
        return Err(unfit("`warn_at`: it must be from 0 to 1"));
    }
    Ok(())
}

/// Numbers to change. What is left out stays; null takes a number away, and sets `warn_at` to 0.8.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"usd": 25.0}))]
struct ChangeLimit {
    /// At most so many requests.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 9_007_199_254_740_991_u64)]
    requests: Option<Option<u64>>,
    /// At most so many tokens.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 9_007_199_254_740_991_u64)]
    tokens: Option<Option<u64>>,
    /// At most so many US dollars.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 1_000_000_000)]
    usd: Option<Option<f64>>,
    /// From this share on a warning is given.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 1)]
    warn_at: Option<Option<f64>>,
}

impl WireBody for ChangeLimit {
    fn validate(&self) -> Result<(), Error> {
        check_numbers(
            self.requests.flatten(),
            self.tokens.flatten(),
            self.usd.flatten(),
            self.warn_at.flatten(),
        )
    }
}

/// Which limit.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "describes the path")]
struct LimitPath {
    /// The limit's id.
    #[param(example = "lim_01hv5k3m9x7q2w8e4r6t")]
    id: String,
}

fn known(PathText([id]): PathText<1>) -> Result<LimitId, Error> {
    Ok(kernel::id::known(&id, "limit_not_found")?)
}

/// Lists limits
///
/// With what was used of each, the oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/llm/limits",
    tag = "workspace",
    responses((status = 200, description = "The limits", body = List<LimitView>)),
    security(("token" = ["llm:invoke"])),
)]
async fn list_limits(
    _caller: Caller<InvokeModels>,
    State(app): State<App>,
) -> Result<Json<List<LimitView>>, Error> {
    let limits = app.services.accounting.limits();
    Ok(Json(List::whole(limits.into_iter().map(LimitView::from).collect())))
}

/// Makes a limit
///
/// What was used in its window before counts.
#[utoipa::path(
    post,
    path = "/api/v1/llm/limits",
    tag = "workspace",
    request_body = CreateLimit,
    responses(
        (status = 201, description = "The limit", body = LimitView),
        (status = 409, description = "`limit_exists`: there is one for this subject and window"),
    ),
    security(("token" = ["admin"])),
)]
async fn create_limit(
    _caller: Caller<Admin>,
    State(app): State<App>,
    JsonBody(body): JsonBody<CreateLimit>,
) -> Result<(StatusCode, Json<LimitView>), Error> {
    let name = body.subject.unwrap_or_default();
    let subject = match body.scope {
        LimitScope::Workspace => Subject::Workspace,
        LimitScope::Token => Subject::Token(name),
        LimitScope::Provider => Subject::Provider(name),
    };
    let window = match body.window {
        LimitWindow::Minute => Window::Minute,
        LimitWindow::Day => Window::Day,
        LimitWindow::Month => Window::Month,
    };
    let allowance =
        Allowance { requests: body.requests, tokens: body.tokens, usd: body.usd, warn_at: body.warn_at };
    let made = app.services.accounting.create_limit(subject, window, allowance).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Changes a limit
///
/// What is left out stays.
#[utoipa::path(
    patch,
    path = "/api/v1/llm/limits/{id}",
    tag = "workspace",
    params(LimitPath),
    request_body = ChangeLimit,
    responses(
        (status = 200, description = "The limit as it is now", body = LimitView),
        (status = 404, description = "`limit_not_found`: there is no such limit"),
        (status = 409, description = "`limit_empty`: nothing would be limited any more"),
    ),
    security(("token" = ["admin"])),
)]
async fn change_limit(
    _caller: Caller<Admin>,
    State(app): State<App>,
    path: PathText<1>,
    JsonBody(body): JsonBody<ChangeLimit>,
) -> Result<Json<LimitView>, Error> {
    let change = move |old: Allowance| Allowance {
        requests: body.requests.unwrap_or(old.requests),
        tokens: body.tokens.unwrap_or(old.tokens),
        usd: body.usd.unwrap_or(old.usd),
        warn_at: body.warn_at.unwrap_or(old.warn_at),
    };
    let changed = app.services.accounting.update_limit(&known(path)?, change).await?;
    Ok(Json(changed.into()))
}

/// Removes a limit
///
/// What it limited goes on being counted.
#[utoipa::path(
    delete,
    path = "/api/v1/llm/limits/{id}",
    tag = "workspace",
    params(LimitPath),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "`limit_not_found`: there is no such limit"),
    ),
    security(("token" = ["admin"])),
)]
async fn delete_limit(
    _caller: Caller<Admin>,
    State(app): State<App>,
    path: PathText<1>,
) -> Result<StatusCode, Error> {
    app.services.accounting.delete_limit(&known(path)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
