//! Atelier's models for other programs: `/v1/chat/completions`, `/v1/responses` and
//! `/v1/embeddings` as OpenAI's clients speak, and `/v1/messages` as Anthropic's do. Any of them
//! works with Atelier by its base URL.
//!
//! Invariant: whatever happens, a client gets an answer in its own dialect, errors included. These
//! paths are not in the OpenAPI document, which describes Atelier's own interface.

mod answer;
mod client;
mod embeddings;
mod list;
mod refusal;

use ::models::{Dialect, Origin, Policy, Raw, Request, dialect};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, request};
use axum::response::Response;
use axum::routing::{any, get, post};
use kernel::{Privacy, RunId};

use crate::app::App;
use crate::auth::identify_client;
use crate::middleware::answer::Id;
use client::{Begun, Client};
use refusal::Refusal;

/// Pictures come inside the request.
const LARGEST_BODY: usize = 32 << 20;

/// The paths that are answered here.
const PATHS: [&str; 5] =
    ["/v1/chat/completions", "/v1/messages", "/v1/messages/count_tokens", "/v1/models", "/v1/responses"];

/// The routes.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route(PATHS[0], post(chat))
        .route(PATHS[1], post(messages))
        .route(PATHS[2], post(count_tokens))
        .route(PATHS[3], get(list::list))
        .route(embeddings::PATH, post(embeddings::embed))
        .route("/v1/models/{*id}", get(list::show))
        .route(PATHS[4], post(responses))
        .route("/v1/responses/{*id}", any(kept_response))
}

/// Whether a path is the gateway's.
pub(crate) fn answers(path: &str) -> bool {
    PATHS.contains(&path) || path == embeddings::PATH
}

async fn chat(State(app): State<App>, request: axum::extract::Request) -> Response {
    respond(app, Client::Chat, request).await
}

async fn messages(State(app): State<App>, request: axum::extract::Request) -> Response {
    respond(app, Client::Anthropic, request).await
}

async fn responses(State(app): State<App>, request: axum::extract::Request) -> Response {
    respond(app, Client::Responses, request).await
}

/// OpenAI keeps its answers for a while; their clients may ask for one by its id.
async fn kept_response(State(app): State<App>, request: axum::extract::Request) -> Response {
    let (parts, _) = request.into_parts();
    let refusal = match identify_client(&parts.headers, &app).await {
        Ok(_) => Refusal::nothing_kept(),
        Err(error) => error.into(),
    };
    refusal.response(Client::Responses, &id_of(&parts))
}

async fn respond(app: App, client: Client, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let id = id_of(&parts);
    // A program that asks a model is told when there is none: rules answer only who names them.
    let answered = async {
        let (asked, manner) = ask(&app, client, &parts, body).await?;
        if manner.stream {
            let said = app.services.router.stream_with_model(&asked).await?;
            Ok(answer::warned(answer::stream(said, manner, &app, &id), &app, &asked.origin))
        } else {
            let completion = app.services.router.complete_with_model(&asked).await?;
            Ok(answer::warned(answer::whole(&completion, &manner), &app, &asked.origin))
        }
    };
    let response = answered.await.unwrap_or_else(|refusal: Refusal| refusal.response(client, &id));
    answer::with_id(response, client, &id)
}

/// How a client wants its answer.
#[derive(Clone, Debug)]
struct Manner {
    client: Client,
    stream: bool,
    begun: Begun,
}

/// What the client asks, and how.
async fn ask(
    app: &App,
    client: Client,
    parts: &request::Parts,
    body: Body,
) -> Result<(Request, Manner), Refusal> {
    let identity = identify_client(&parts.headers, app).await?;
    let body = read_body(body).await?;
    let raw = Raw::read(client.dialect(), body)
        .map_err(|problem| Refusal::invalid(format!("The body is not a JSON object: {problem}")))?;
    let stream = raw.flag("stream");
    let wants_usage = raw.member("stream_options").is_some_and(|options| options["include_usage"] == true);
    let mut request = client.read(raw.clone()).map_err(|misread| Refusal::invalid(misread.0))?;
    (request.privacy, request.policy) = wishes(&parts.headers)?;
    request.origin = Origin {
        actor: identity.actor,
        surface: client.surface(),
        request_id: Some(id_of(parts)),
        run_id: None,
    };
    let begun = Begun {
        suffix: app.ids.fresh::<RunId>().as_str().trim_start_matches("run_").to_owned(),
        created: app.clock.now().0 / 1_000,
        model: request.model.clone().unwrap_or_default(),
        tokens_in: request.estimated_tokens(),
        wants_usage,
        request: raw,
    };
    Ok((request, Manner { client, stream, begun }))
}

async fn read_body(body: Body) -> Result<Bytes, Refusal> {
    to_bytes(body, LARGEST_BODY).await.map_err(|error| {
        let source = std::error::Error::source(&error);
        if source.is_some_and(|source| source.to_string().contains("length limit")) {
            Refusal::too_large(format!("The request is larger than {} MiB", LARGEST_BODY >> 20))
        } else {
            Refusal::invalid("The connection broke off before the whole body had arrived".into())
        }
    })
}

/// What Atelier's own headers say: `X-Atelier-Privacy` and `X-Atelier-Policy`.
fn wishes(headers: &HeaderMap) -> Result<(Privacy, Option<Policy>), Refusal> {
    let read = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let privacy = match read("x-atelier-privacy") {
        None | Some("shareable") => Privacy::Shareable,
        Some("local") => Privacy::Local,
        Some(_) => {
            return Err(Refusal::invalid(
                "The header X-Atelier-Privacy is not `local` or `shareable`".into(),
            ));
        }
    };
    let policy = read("x-atelier-policy").map(str::parse::<Policy>).transpose().map_err(|()| {
        Refusal::invalid(format!("The header X-Atelier-Policy is not one of {}", Policy::NAMES.join(", ")))
    })?;
    Ok((privacy, policy))
}

/// Anthropic's clients ask how large a prompt is before they send it.
async fn count_tokens(State(app): State<App>, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let id = id_of(&parts);
    let counted = async {
        identify_client(&parts.headers, &app).await?;
        let body = read_body(body).await?;
        let mut body: serde_json::Value = serde_json::from_slice(&body)
            .map_err(|error| Refusal::invalid(format!("The body is not valid JSON: {error}")))?;
        // No answer is asked for here.
        if body.is_object() {
            body["max_tokens"] = 1.into();
        }
        let raw = Raw::read(Dialect::Anthropic, body.to_string().into()).map_err(Refusal::invalid)?;
        let request = dialect::anthropic::read(raw).map_err(|misread| Refusal::invalid(misread.0))?;
        Ok(answer::json(&serde_json::json!({"input_tokens": request.estimated_tokens()})))
    };
    let response = counted.await.unwrap_or_else(|refusal: Refusal| refusal.response(Client::Anthropic, &id));
    answer::with_id(response, Client::Anthropic, &id)
}

fn id_of(parts: &request::Parts) -> String {
    parts.extensions.get::<Id>().map(|id| id.0.clone()).unwrap_or_default()
}
