//! `GET /api/v1/llm/usage` and `GET /api/v1/llm/calls`: what models were asked, and what it cost.

use ::models::ledger::{self, Bucket, UsageQuery, UsageReport};
use ::models::{Attempt, Call, CallFilter, CallOutcome, Outcome};
use axum::Json;
use axum::extract::State;
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::{Caller, InvokeModels};
use crate::error::Error;
use crate::extract::{Parameters, invalid};
use crate::wire::{List, Moment, page_request};

/// The routes of the ledger.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_usage)).routes(routes!(list_calls))
}

const DAY_MS: i64 = 86_400_000;
const USUAL_DAYS: i64 = 7;
/// The longest times that are shown by hours and by days.
const MOST_HOURLY_DAYS: i64 = 31;
const MOST_DAYS: i64 = 400;
const LONGEST_NAME: usize = 200;

/// Which usage.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct UsageParameters {
    /// From the hour of this moment on; a week before `to` where absent. A later moment than
    /// `to` changes places with it; one too long before it is moved, as the answer's `from` tells.
    #[param(value_type = Option<String>, format = DateTime, example = "2026-11-14T00:00:00Z")]
    from: Option<String>,
    /// To the hour of this moment; now where absent.
    #[param(value_type = Option<String>, format = DateTime, example = "2026-11-21T09:00:00Z")]
    to: Option<String>,
    /// How finely the series is divided: by days of UTC (the default), at most 400, or by hours, at
    /// most 31 days.
    #[param(inline)]
    bucket: Option<BucketName>,
    /// Of this provider only.
    #[param(max_length = 200, example = "openai")]
    provider: Option<String>,
    /// Of the token with this id only.
    #[param(max_length = 200, example = "tok_01hv5k3m9x7q2w8e4r6t")]
    token: Option<String>,
}

/// How finely a series is divided.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum BucketName {
    /// By hours.
    Hour,
    /// By days of UTC.
    #[default]
    Day,
}

impl UsageParameters {
    fn query(self, now: Timestamp) -> Result<UsageQuery, Error> {
        let to = moment("to", self.to.as_deref())?.unwrap_or(now);
        let from = moment("from", self.from.as_deref())?;
        let from = from.unwrap_or(Timestamp(to.0.saturating_sub(USUAL_DAYS * DAY_MS)));
        let (from, to) = (from.min(to), from.max(to));
        let (bucket, most) = match self.bucket.unwrap_or_default() {
            BucketName::Hour => (Bucket::Hour, MOST_HOURLY_DAYS),
            BucketName::Day => (Bucket::Day, MOST_DAYS),
        };
        let from = from.max(Timestamp(to.0.saturating_sub(most * DAY_MS)));
        check_length("provider", self.provider.as_deref())?;
        check_length("token", self.token.as_deref())?;
        Ok(UsageQuery { from, to, bucket, provider: self.provider, token: self.token })
    }
}

fn check_length(name: &str, value: Option<&str>) -> Result<(), Error> {
    match value {
        Some(value) if value.chars().count() > LONGEST_NAME => {
            Err(invalid(name, format!("it is longer than {LONGEST_NAME} characters")))
        }
        _ => Ok(()),
    }
}

fn moment(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, Error> {
    let read = |text: &str| text.parse::<jiff::Timestamp>().map(|at| Timestamp(at.as_millisecond()));
    text.map(read).transpose().map_err(|_| invalid(name, "it must be a moment such as 2026-11-21T09:30:00Z"))
}

/// What models were asked in some time, and what it cost.
#[derive(Debug, Serialize, ToSchema)]
struct UsageSummary {
    /// The beginning; its hour counts whole.
    from: Moment,
    /// The end; its hour counts whole.
    to: Moment,
    /// How finely the series is divided.
    bucket: BucketName,
    /// All of it.
    totals: Figures,
    /// By the provider that answered or was asked last.
    by_provider: Vec<ProviderFigures>,
    /// By provider and model.
    by_model: Vec<ModelFigures>,
    /// By who asked.
    by_token: Vec<TokenFigures>,
    /// By bucket and provider, the oldest first; those without a call are left out.
    series: Vec<SeriesFigures>,
}

/// Figures over calls.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageFigures)]
struct Figures {
    /// Calls, however they ended.
    requests: u64,
    /// Those that failed or were refused by a limit.
    failures: u64,
    /// Those another provider answered than the one that was asked first.
    fallbacks: u64,
    /// Those answered from the cache.
    cached: u64,
    /// Tokens of prompts.
    tokens_in: u64,
    /// Tokens of answers.
    tokens_out: u64,
    /// Tokens of prompts that providers had cached.
    tokens_cached: u64,
    /// US dollars, as far as prices are known.
    usd: f64,
    /// Whether tokens were counted here, roughly, or a provider's price is not known.
    is_estimated: bool,
    /// From the question to the end of the answer.
    #[schema(required)]
    latency_ms: Option<Percentiles>,
    /// From the question to the first word of a streamed answer.
    #[schema(required)]
    first_content_ms: Option<Percentiles>,
}

/// So many in a hundred took at most so many milliseconds.
#[derive(Debug, Serialize, ToSchema)]
struct Percentiles {
    /// 50.
    p50: f64,
    /// 95.
    p95: f64,
    /// 99.
    p99: f64,
}

/// Figures of a provider.
#[derive(Debug, Serialize, ToSchema)]
struct ProviderFigures {
    /// Its name; null where nobody was asked.
    #[schema(required)]
    provider: Option<String>,
    #[serde(flatten)]
    figures: Figures,
}

/// Figures of a model.
#[derive(Debug, Serialize, ToSchema)]
struct ModelFigures {
    /// The provider; null where nobody was asked.
    #[schema(required)]
    provider: Option<String>,
    /// The model; null where nobody was asked.
    #[schema(required)]
    model: Option<String>,
    #[serde(flatten)]
    figures: Figures,
}

/// Figures of a token.
#[derive(Debug, Serialize, ToSchema)]
struct TokenFigures {
    /// Its id; null for the owner and Atelier itself.
    #[schema(required)]
    token_id: Option<String>,
    /// What the owner called it, else `owner` or `system`.
    name: String,
    #[serde(flatten)]
    figures: Figures,
}

/// Figures of a provider in some time.
#[derive(Debug, Serialize, ToSchema)]
struct SeriesFigures {
    /// When the hour or day begins.
    start: Moment,
    /// The provider; null where nobody was asked.
    #[schema(required)]
    provider: Option<String>,
    #[serde(flatten)]
    figures: Figures,
}

impl From<ledger::Percentiles> for Percentiles {
    fn from(percentiles: ledger::Percentiles) -> Self {
        let ledger::Percentiles { p50, p95, p99 } = percentiles;
        Self { p50, p95, p99 }
    }
}

impl From<ledger::Figures> for Figures {
    fn from(figures: ledger::Figures) -> Self {
        Self {
            requests: figures.requests,
            failures: figures.failures,
            fallbacks: figures.fallbacks,
            cached: figures.cached,
            tokens_in: figures.tokens_in,
            tokens_out: figures.tokens_out,
            tokens_cached: figures.tokens_cached,
            usd: figures.usd,
            is_estimated: figures.is_estimated,
            latency_ms: figures.latency_ms.map(Percentiles::from),
            first_content_ms: figures.first_content_ms.map(Percentiles::from),
        }
    }
}

impl UsageSummary {
    fn new(query: &UsageQuery, report: UsageReport) -> Self {
        let by_provider = report.by_provider.into_iter();
        let by_model = report.by_model.into_iter();
        let by_token = report.by_token.into_iter();
        let series = report.series.into_iter();
        Self {
            from: query.from.into(),
            to: query.to.into(),
            bucket: match query.bucket {
                Bucket::Hour => BucketName::Hour,
                Bucket::Day => BucketName::Day,
            },
            totals: report.totals.into(),
            by_provider: by_provider
                .map(|(provider, figures)| ProviderFigures { provider, figures: figures.into() })
                .collect(),
            by_model: by_model
                .map(|(provider, model, figures)| ModelFigures { provider, model, figures: figures.into() })
                .collect(),
            by_token: by_token
                .map(|(who, figures)| TokenFigures {
                    token_id: who.token_id,
                    name: who.name,
                    figures: figures.into(),
                })
                .collect(),
            series: series
                .map(|(start, provider, figures)| SeriesFigures {
                    start: start.into(),
                    provider,
                    figures: figures.into(),
                })
                .collect(),
        }
    }
}

/// Sums usage up
///
/// Calls that were dropped from the list after ninety days still count.
#[utoipa::path(
    get,
    path = "/api/v1/llm/usage",
    tag = "workspace",
    params(UsageParameters),
    responses((status = 200, description = "The usage", body = UsageSummary)),
    security(("token" = ["llm:invoke"])),
)]
async fn get_usage(
    _caller: Caller<InvokeModels>,
    State(app): State<App>,
    Parameters(parameters): Parameters<UsageParameters>,
) -> Result<Json<UsageSummary>, Error> {
    let query = parameters.query(app.clock.now())?;
    let report = app.services.accounting.usage(&query).await?;
    Ok(Json(UsageSummary::new(&query, report)))
}

/// Which calls.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CallsParameters {
    /// Those that ended at this provider.
    #[param(max_length = 200, example = "openai")]
    provider: Option<String>,
    /// Those that ended so.
    #[param(inline)]
    outcome: Option<CallOutcomeName>,
    /// At most this many calls.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(pattern = "^[A-Za-z0-9_.:-]{1,200}$", example = "call_01hv5k3m9x7q2w8e4r6t")]
    cursor: Option<String>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum CallOutcomeName {
    /// With a whole answer.
    Answered,
    /// With an error.
    Failed,
    /// Whoever asked went away.
    Cancelled,
    /// A limit did not allow it.
    Refused,
    /// With an answer from the cache.
    FromCache,
}

impl From<CallOutcome> for CallOutcomeName {
    fn from(outcome: CallOutcome) -> Self {
        match outcome {
            CallOutcome::Answered => Self::Answered,
            CallOutcome::Failed => Self::Failed,
            CallOutcome::Cancelled => Self::Cancelled,
            CallOutcome::Refused => Self::Refused,
            CallOutcome::FromCache => Self::FromCache,
        }
    }
}

impl From<CallOutcomeName> for CallOutcome {
    fn from(outcome: CallOutcomeName) -> Self {
        match outcome {
            CallOutcomeName::Answered => Self::Answered,
            CallOutcomeName::Failed => Self::Failed,
            CallOutcomeName::Cancelled => Self::Cancelled,
            CallOutcomeName::Refused => Self::Refused,
            CallOutcomeName::FromCache => Self::FromCache,
        }
    }
}

/// One question to models.
#[derive(Debug, Serialize, ToSchema)]
struct ModelCall {
    /// Its id.
    id: String,
    /// When it was asked.
    at: Moment,
    /// By which door it came: `chat`, `messages`, `responses`, `embeddings`, `infer` or `run`.
    surface: String,
    /// Who asked: `owner`, `system` or `token:` and its id.
    actor: String,
    /// The HTTP request, if it was one.
    #[schema(required)]
    request_id: Option<String>,
    /// The run that asked, if one did.
    #[schema(required)]
    run_id: Option<String>,
    /// Who answered, or was asked last.
    #[schema(required)]
    provider: Option<String>,
    /// The model that answered, or was asked last.
    #[schema(required)]
    model: Option<String>,
    /// The model the request named.
    #[schema(required)]
    requested_model: Option<String>,
    /// Whether the answer was streamed.
    is_stream: bool,
    /// How it ended.
    outcome: CallOutcomeName,
    /// The code of what went wrong.
    #[schema(required)]
    error_code: Option<String>,
    /// Tokens of the prompt, of all attempts.
    tokens_in: u64,
    /// Tokens of the answer, of all attempts.
    tokens_out: u64,
    /// Tokens of the prompt that the provider had cached.
    tokens_cached: u64,
    /// Whether tokens were counted here, roughly, or the provider's price is not known.
    is_estimated: bool,
    /// US dollars, as far as prices are known.
    usd: f64,
    /// From the question to the first word of a streamed answer.
    #[schema(required)]
    first_content_ms: Option<u64>,
    /// From the question to the end.
    latency_ms: u64,
    /// Everybody who was asked, in the order of their ends.
    attempts: Vec<ModelAttempt>,
}

/// One try at one provider.
#[derive(Debug, Serialize, ToSchema)]
struct ModelAttempt {
    /// The provider.
    provider: String,
    /// The model it was asked for.
    model: String,
    /// `answered`, or `failed` also where only the beginning of an answer came.
    outcome: String,
    /// The code of what went wrong.
    #[schema(required)]
    code: Option<String>,
    /// What went wrong.
    #[schema(required)]
    message: Option<String>,
    /// How long it took.
    latency_ms: u64,
    /// Tokens of the prompt, where it is charged for.
    #[schema(required)]
    tokens_in: Option<u64>,
    /// Tokens of the answer, where it is charged for.
    #[schema(required)]
    tokens_out: Option<u64>,
    /// US dollars, where it is charged for.
    #[schema(required)]
    usd: Option<f64>,
}

impl From<Attempt> for ModelAttempt {
    fn from(attempt: Attempt) -> Self {
        let (outcome, code, message) = match attempt.outcome {
            Outcome::Answered => ("answered", None, None),
            Outcome::Failed { code, message } => ("failed", Some(code), Some(message)),
        };
        Self {
            provider: attempt.provider,
            model: attempt.model,
            outcome: outcome.to_owned(),
            code,
            message,
            latency_ms: attempt.latency_ms,
            tokens_in: attempt.usage.map(|usage| usage.tokens_in),
            tokens_out: attempt.usage.map(|usage| usage.tokens_out),
            usd: attempt.usage.map(|usage| usage.usd),
        }
    }
}

impl From<Call> for ModelCall {
    fn from(call: Call) -> Self {
        Self {
            id: call.id.to_string(),
            at: call.at.into(),
            surface: call.origin.surface.to_string(),
            actor: call.origin.actor.to_string(),
            request_id: call.origin.request_id,
            run_id: call.origin.run_id.map(|id| id.to_string()),
            provider: call.provider,
            model: call.model,
            requested_model: call.requested_model,
            is_stream: call.is_stream,
            outcome: call.outcome.into(),
            error_code: call.error_code,
            tokens_in: call.usage.tokens_in,
            tokens_out: call.usage.tokens_out,
            tokens_cached: call.usage.tokens_cached,
            is_estimated: call.usage.estimated,
            usd: call.usage.usd,
            first_content_ms: call.first_content_ms,
            latency_ms: call.latency_ms,
            attempts: call.attempts.into_iter().map(ModelAttempt::from).collect(),
        }
    }
}

/// Lists calls of models
///
/// The newest first, of the last ninety days.
#[utoipa::path(
    get,
    path = "/api/v1/llm/calls",
    tag = "workspace",
    params(CallsParameters),
    responses((status = 200, description = "A page of calls", body = List<ModelCall>)),
    security(("token" = ["llm:invoke"])),
)]
async fn list_calls(
    _caller: Caller<InvokeModels>,
    State(app): State<App>,
    Parameters(parameters): Parameters<CallsParameters>,
) -> Result<Json<List<ModelCall>>, Error> {
    check_length("provider", parameters.provider.as_deref())?;
    let page = page_request(parameters.limit, parameters.cursor)?;
    let filter =
        CallFilter { provider: parameters.provider, outcome: parameters.outcome.map(CallOutcome::from) };
    let calls = app.services.accounting.list_calls(&filter, &page).await?;
    Ok(Json(List::from_page(calls, ModelCall::from)))
}
