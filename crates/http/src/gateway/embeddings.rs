//! `POST /v1/embeddings`, in OpenAI's shape.

use ::models::{Embedded, EmbeddingRequest};
use axum::extract::State;
use axum::http::request;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;

use super::client::Client;
use super::refusal::Refusal;
use super::{answer, id_of, read_body, wishes};
use crate::app::App;
use crate::auth::identify_client;

pub(super) const PATH: &str = "/v1/embeddings";

pub(super) async fn embed(State(app): State<App>, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let id = id_of(&parts);
    let embedded = async {
        identify_client(&parts.headers, &app).await?;
        let body = read_body(body).await?;
        let body: Value = serde_json::from_slice(&body)
            .map_err(|error| Refusal::invalid(format!("The body is not valid JSON: {error}")))?;
        let asked = Asked::read(&body, &parts)?;
        let model = known_model(&app, &asked.model)?;
        let embedded = app.services.embeddings.embed(&asked.request).await?;
        Ok(asked.answer(model, &embedded))
    };
    embedded.await.unwrap_or_else(|refusal: Refusal| refusal.response(Client::Chat, &id))
}

/// What a client asks for.
struct Asked {
    model: String,
    in_base64: bool,
    request: EmbeddingRequest,
}

impl Asked {
    fn read(body: &Value, parts: &request::Parts) -> Result<Self, Refusal> {
        let invalid = |problem: &str| Refusal::invalid(problem.to_owned());
        let model = body["model"].as_str().ok_or_else(|| invalid("`model` must be a text"))?.to_owned();
        let in_base64 = match &body["encoding_format"] {
            Value::Null => false,
            Value::String(format) if format == "float" => false,
            Value::String(format) if format == "base64" => true,
            _ => return Err(invalid("`encoding_format` must be `float` or `base64`")),
        };
        let dimensions = match &body["dimensions"] {
            Value::Null => None,
            wanted => {
                let wanted = wanted.as_u64().and_then(|wanted| usize::try_from(wanted).ok());
                Some(wanted.ok_or_else(|| invalid("`dimensions` must be a whole number above zero"))?)
            }
        };
        let (privacy, _) = wishes(&parts.headers)?;
        let texts = texts(&body["input"])?;
        Ok(Self { model, in_base64, request: EmbeddingRequest { texts, privacy, dimensions } })
    }

    fn answer(&self, model: &str, embedded: &Embedded) -> Response {
        let item = |(index, vector): (usize, &Vec<f32>)| Item {
            object: "embedding",
            index,
            embedding: if self.in_base64 {
                let bytes: Vec<u8> = vector.iter().flat_map(|component| component.to_le_bytes()).collect();
                Vector::Base64(STANDARD.encode(bytes))
            } else {
                Vector::Numbers(vector.clone())
            },
        };
        answer::written(&List {
            object: "list",
            data: embedded.vectors.iter().enumerate().map(item).collect(),
            model: model.to_owned(),
            usage: Usage { prompt_tokens: embedded.tokens, total_tokens: embedded.tokens },
        })
    }
}

fn texts(input: &Value) -> Result<Vec<String>, Refusal> {
    let invalid = || Refusal::invalid("`input` must be a text or a list of texts".into());
    match input {
        Value::String(text) => Ok(vec![text.clone()]),
        Value::Array(items) if items.iter().any(|item| item.is_number() || item.is_array()) => {
            Err(Refusal::invalid(
                "`input` holds numbers of tokens, which only the model they were made for understands. \
                 Send the texts themselves; in LangChain, set `check_embedding_ctx_length=False`"
                    .into(),
            ))
        }
        Value::Array(items) => {
            items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(invalid)).collect()
        }
        _ => Err(invalid()),
    }
}

/// The embedder's name, if the client means it: with or without its provider's.
fn known_model<'a>(app: &'a App, model: &str) -> Result<&'a str, Refusal> {
    let name = app.services.embeddings.identity()?.name.as_str();
    if model == name || name.split_once('/').is_some_and(|(_, plain)| plain == model) {
        return Ok(name);
    }
    // Another one would make vectors that mean something else.
    Err(Refusal::not_found(format!("There is no embedding model `{model}` here; there is `{name}`")))
}

#[derive(Serialize)]
struct List {
    object: &'static str,
    data: Vec<Item>,
    model: String,
    usage: Usage,
}

#[derive(Serialize)]
struct Item {
    object: &'static str,
    index: usize,
    embedding: Vector,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Vector {
    Numbers(Vec<f32>),
    Base64(String),
}

#[derive(Serialize)]
struct Usage {
    prompt_tokens: u64,
    total_tokens: u64,
}
