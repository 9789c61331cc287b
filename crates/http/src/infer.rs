//! `POST /api/v1/llm/infer`: one question to whichever model the router chooses.

use std::sync::Arc;

use ::models::{
    Accounting, Completion, Delta, Message, Origin, Outcome, Policy, Request, Role, Said, SaidStream, Surface,
};
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures::{Stream, StreamExt};
use kernel::Privacy;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::{Caller, InvokeModels};
use crate::error::Error;
use crate::extract::{JsonBody, WireBody};
use crate::follow::sse;
use crate::middleware::answer::Id;
use crate::wire::is_blank;

/// Where it is asked.
pub(crate) const PATH: &str = "/api/v1/llm/infer";

const MOST_STOPS: usize = 16;
/// Something that is seen, as [`is_blank`] has it.
const NOT_BLANK: &str = r"[^\s\x1c-\x1f\x85\ufeff]";

/// The route.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(infer))
}

/// A question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Infer, example = json!({"input": "Summarise: The only sentence here.", "params": {"max_tokens": 200}}))]
struct InferBody {
    /// A model, a provider or `provider/model`; the preferred one where absent.
    #[schema(min_length = 1, pattern = r"[^\s\x1c-\x1f\x85\ufeff]")]
    model: Option<String>,
    /// The question, or the conversation that ends with it.
    input: Input,
    /// How it is to be answered.
    #[serde(default)]
    params: Params,
    /// Another policy than the owner's, for this question.
    #[serde(rename = "policyOverride")]
    policy_override: Option<PolicyName>,
    /// Whether the question may leave this machine.
    #[serde(default)]
    privacy: PrivacyLabel,
    /// Whether the answer is streamed.
    #[serde(default)]
    stream: bool,
}

/// A question, or the conversation that ends with it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Input {
    /// One question.
    Text(String),
    /// A conversation, oldest first.
    Messages(Vec<InputMessage>),
}

impl PartialSchema for Input {
    fn schema() -> RefOr<Schema> {
        let message = RefOr::<Schema>::Ref(Ref::from_schema_name(InputMessage::name()));
        let schema = json!({
            "description": "A question, or the conversation that ends with it, oldest first.",
            "oneOf": [
                {"type": "string", "minLength": 1, "pattern": NOT_BLANK},
                {"type": "array", "minItems": 1, "items": message},
            ],
        });
        serde_json::from_value(schema).expect("this is a schema")
    }
}

impl ToSchema for Input {
    fn name() -> std::borrow::Cow<'static, str> {
        "InferInput".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((InputMessage::name().into(), InputMessage::schema()));
        InputMessage::schemas(schemas);
    }
}

/// One message of a conversation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InputMessage {
    /// Who says it.
    role: InputRole,
    /// What is said.
    content: String,
}

/// Who says a message.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum InputRole {
    /// Instructions.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// How a question is to be answered.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Params {
    /// How freely.
    #[schema(minimum = 0, maximum = 2)]
    temperature: Option<f64>,
    /// From how many of the likeliest words.
    #[schema(minimum = 0, maximum = 1)]
    top_p: Option<f64>,
    /// At most so many tokens.
    #[schema(minimum = 1)]
    max_tokens: Option<u32>,
    /// The answer ends before any of these.
    #[schema(max_items = 16)]
    stop: Vec<String>,
    /// For answers that can be repeated, where the provider can.
    seed: Option<i64>,
}

/// Which providers may answer, and who is asked first.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PolicyName {
    /// Only those on this machine; also `local`.
    #[serde(alias = "local")]
    LocalOnly,
    /// Those on this machine, then the others.
    LocalFirst,
    /// The others, then those on this machine; also `cloud`.
    #[serde(alias = "cloud")]
    CloudFirst,
    /// The one with the lowest price first.
    Cheapest,
    /// The one that answered soonest of late first.
    Fastest,
}

/// Whether something may leave this machine.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PrivacyLabel {
    /// It may go to any provider.
    #[default]
    Shareable,
    /// It never leaves this machine.
    Local,
}

impl WireBody for InferBody {
    fn validate(&self) -> Result<(), Error> {
        let unfit = |problem: &str| Err(Error::UnfitBody { problem: problem.into() });
        let within = |value: Option<f64>, most: f64| value.is_none_or(|value| (0.0..=most).contains(&value));
        match &self.input {
            Input::Text(text) if is_blank(text) => return unfit("`input` is empty"),
            Input::Messages(messages) if messages.is_empty() => return unfit("`input` is empty"),
            _ => {}
        }
        if self.model.as_deref().is_some_and(is_blank) {
            return unfit("`model` is empty");
        }
        if !within(self.params.temperature, 2.0) || !within(self.params.top_p, 1.0) {
            return unfit("`temperature` must be from 0 to 2, and `top_p` from 0 to 1");
        }
        if self.params.max_tokens == Some(0) || self.params.stop.len() > MOST_STOPS {
            return unfit("`max_tokens` must be at least 1, and `stop` hold at most 16 texts");
        }
        Ok(())
    }
}

impl From<InferBody> for Request {
    fn from(body: InferBody) -> Self {
        let messages = match body.input {
            Input::Text(text) => vec![Message::user(text)],
            Input::Messages(messages) => messages.into_iter().map(Message::from).collect(),
        };
        let policy = body.policy_override.map(Policy::from);
        let privacy = match body.privacy {
            PrivacyLabel::Shareable => Privacy::Shareable,
            PrivacyLabel::Local => Privacy::Local,
        };
        let Params { temperature, top_p, max_tokens, stop, seed } = body.params;
        let asked = Request::new(messages);
        Request { model: body.model, temperature, top_p, max_tokens, stop, seed, policy, privacy, ..asked }
    }
}

impl From<PolicyName> for Policy {
    fn from(name: PolicyName) -> Self {
        match name {
            PolicyName::LocalOnly => Self::LocalOnly,
            PolicyName::LocalFirst => Self::LocalFirst,
            PolicyName::CloudFirst => Self::CloudFirst,
            PolicyName::Cheapest => Self::Cheapest,
            PolicyName::Fastest => Self::Fastest,
        }
    }
}

impl From<Policy> for PolicyName {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::LocalOnly => Self::LocalOnly,
            Policy::LocalFirst => Self::LocalFirst,
            Policy::CloudFirst => Self::CloudFirst,
            Policy::Cheapest => Self::Cheapest,
            Policy::Fastest => Self::Fastest,
        }
    }
}

impl From<InputMessage> for Message {
    fn from(message: InputMessage) -> Self {
        let role = match message.role {
            InputRole::System => Role::System,
            InputRole::User => Role::User,
            InputRole::Assistant => Role::Assistant,
        };
        Message::new(role, message.content)
    }
}

/// An answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Inference, example = json!({
    "text": "The only sentence here.", "provider": "ollama", "model": "llama3.1:8b", "finish_reason": "stop",
    "usage": {"tokens_in": 12, "tokens_out": 6, "usd": 0.0, "estimated": false}, "latency_ms": 420,
    "attempts": [{"provider": "ollama", "model": "llama3.1:8b", "latency_ms": 420, "error": null}],
    "is_from_cache": false, "warning": null,
}))]
struct Inference {
    /// The answer.
    text: String,
    /// Who answered; `offline` is no language model.
    provider: String,
    /// The model as the provider names it.
    model: String,
    /// Why it ended: `stop`, `length`, `content_filter` or the provider's own word.
    finish_reason: String,
    /// What it consumed.
    usage: InferenceUsage,
    /// From the question to the end of the answer.
    latency_ms: u64,
    /// Everybody who was asked, in order.
    attempts: Vec<InferenceAttempt>,
    /// Whether nobody was asked, because the answer was known.
    is_from_cache: bool,
    /// Which limit is nearly used up, if one is.
    #[schema(required)]
    warning: Option<String>,
}

/// What an answer consumed.
#[derive(Debug, Serialize, ToSchema)]
struct InferenceUsage {
    /// Tokens of the prompt.
    tokens_in: u64,
    /// Tokens of the answer.
    tokens_out: u64,
    /// US dollars; 0 on this machine and where no price is known.
    usd: f64,
    /// Whether the tokens were counted here, roughly, because the provider did not say.
    estimated: bool,
}

/// One try at one provider.
#[derive(Debug, Serialize, ToSchema)]
struct InferenceAttempt {
    /// The provider.
    provider: String,
    /// The model it was asked for.
    model: String,
    /// How long it took.
    latency_ms: u64,
    /// The code of what went wrong; `null` for the one that answered.
    #[schema(required)]
    error: Option<String>,
}

impl From<Completion> for Inference {
    fn from(completion: Completion) -> Self {
        let usage = completion.usage;
        let attempt = |attempt: &::models::Attempt| InferenceAttempt {
            provider: attempt.provider.clone(),
            model: attempt.model.clone(),
            latency_ms: attempt.latency_ms,
            error: match &attempt.outcome {
                Outcome::Answered => None,
                Outcome::Failed { code, .. } => Some(code.clone()),
            },
        };
        let reason = serde_json::to_value(&completion.finish_reason).unwrap_or_default();
        let reason = reason.as_str().or(reason["other"].as_str()).unwrap_or_default().to_owned();
        Self {
            text: completion.text(),
            is_from_cache: completion.is_from_cache(),
            warning: None,
            finish_reason: reason,
            usage: InferenceUsage {
                tokens_in: usage.tokens_in,
                tokens_out: usage.tokens_out,
                usd: usage.usd,
                estimated: usage.estimated,
            },
            latency_ms: completion.latency_ms,
            attempts: completion.attempts.iter().map(attempt).collect(),
            provider: completion.provider,
            model: completion.model,
        }
    }
}

/// Asks a model
///
/// The router chooses who answers, tries again and falls to the next provider. Without any model the
/// rules of `offline` answer and say so. With `stream`, server-sent events follow: `token` with
/// `{text}`, `thinking` with the `{text}` of what a model thinks before it answers, then `done` with
/// the answer, or `error`.
#[utoipa::path(
    post,
    path = "/api/v1/llm/infer",
    tag = "workspace",
    request_body = InferBody,
    responses(
        (status = 200, description = "The answer", content((Inference = "application/json"), (String = "text/event-stream"))),
        (status = 429, description = "`no_model_answered`, `rate_limited`, `budget_exhausted`: every provider wants fewer requests, or a limit is used up"),
        (status = 502, description = "`no_model_answered`: no provider gave an answer"),
        (status = 504, description = "`no_model_answered`: no provider answered in time"),
    ),
    security(("token" = ["llm:invoke"])),
)]
async fn infer(
    caller: Caller<InvokeModels>,
    State(app): State<App>,
    Extension(id): Extension<Id>,
    JsonBody(body): JsonBody<InferBody>,
) -> Result<Response, Error> {
    let streams = body.stream;
    let origin =
        Origin { actor: caller.actor, surface: Surface::Infer, request_id: Some(id.0), run_id: None };
    let request = Request { origin: origin.clone(), ..Request::from(body) };
    let warned = Warned { accounting: app.services.accounting.clone(), origin };
    if streams {
        let said = app.services.router.stream(&request).await?;
        return Ok(sse::response(events(said, warned)));
    }
    let completion = app.services.router.complete(&request).await?;
    Ok(Json(warned.answer(completion)).into_response())
}

/// Adds to an answer what whoever asked should know.
struct Warned {
    accounting: Arc<Accounting>,
    origin: Origin,
}

impl Warned {
    fn answer(&self, completion: Completion) -> Inference {
        let warning = self.accounting.warning(&self.origin, Some(&completion.provider));
        Inference { warning, ..Inference::from(completion) }
    }
}

fn events(said: SaidStream, warned: Warned) -> impl Stream<Item = Bytes> {
    said.filter_map(move |next| {
        let shown = match next {
            Ok(Said::Piece(piece)) => {
                let said: String = piece.deltas.iter().filter_map(event_of).collect();
                (!said.is_empty()).then(|| said.into())
            }
            Ok(Said::Finished(completion)) => {
                let data = serde_json::to_value(warned.answer(completion)).unwrap_or_default();
                Some(event("done", &data).into())
            }
            Err(error) => {
                let error = Error::from(error);
                let data = json!({
                    "code": error.code(), "detail": error.to_string(), "hint": error.hint(),
                    "provider": error.provider(),
                });
                Some(event("error", &data).into())
            }
        };
        std::future::ready(shown)
    })
}

/// What is to be read of an answer: its words, and the thoughts before them apart from it.
fn event_of(delta: &Delta) -> Option<String> {
    match delta {
        Delta::Text(text) => Some(event("token", &json!({"text": text}))),
        Delta::Thinking(text) => Some(event("thinking", &json!({"text": text}))),
        Delta::Signature(_) | Delta::ToolCall(_) => None,
    }
}

fn event(name: &str, data: &Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}
