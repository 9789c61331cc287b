//! The models a client can name.

use ::models::ProviderSummary;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};

use super::answer;
use super::client::Client;
use super::refusal::Refusal;
use crate::app::App;
use crate::auth::identify_client;

pub(super) async fn list(State(app): State<App>, headers: HeaderMap) -> Response {
    let client = client_of(&headers);
    if let Err(error) = identify_client(&headers, &app).await {
        return Refusal::from(error).response(client, "");
    }
    let mut named = named(&app);
    // Anthropic's clients know no embeddings.
    named.extend(embedder(&app).filter(|_| client != Client::Anthropic));
    let models: Vec<Value> = named.iter().map(|(id, owner)| describe(client, id, owner)).collect();
    answer::json(&match client {
        Client::Chat | Client::Responses => json!({"object": "list", "data": models}),
        Client::Anthropic => {
            let (first, last) = (models.first().map(|it| &it["id"]), models.last().map(|it| &it["id"]));
            json!({"data": models, "has_more": false, "first_id": first, "last_id": last})
        }
    })
}

pub(super) async fn show(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let client = client_of(&headers);
    if let Err(error) = identify_client(&headers, &app).await {
        return Refusal::from(error).response(client, "");
    }
    match named(&app).into_iter().chain(embedder(&app)).find(|(known, _)| *known == id) {
        Some((id, owner)) => answer::json(&describe(client, &id, &owner)),
        None => {
            let message = format!("There is no model `{id}` here; /v1/models lists what there is");
            Refusal::not_found(message).response(client, "")
        }
    }
}

/// Every provider's model by the name that asks for exactly it.
fn named(app: &App) -> Vec<(String, String)> {
    let name = |provider: ProviderSummary| (format!("{}/{}", provider.name, provider.model), provider.name);
    app.services.router.providers().into_iter().map(name).collect()
}

/// The embedder, if there is one, and who has it.
fn embedder(app: &App) -> Option<(String, String)> {
    let name = &app.services.embeddings.identity().ok()?.name;
    let owner = name.split_once('/').map_or("atelier", |(provider, _)| provider);
    Some((name.clone(), owner.to_owned()))
}

fn describe(client: Client, id: &str, owner: &str) -> Value {
    match client {
        Client::Chat | Client::Responses => {
            json!({"id": id, "object": "model", "created": 0, "owned_by": owner})
        }
        Client::Anthropic => {
            json!({"type": "model", "id": id, "display_name": id, "created_at": "1970-01-01T00:00:00Z"})
        }
    }
}

/// Anthropic's clients say so.
fn client_of(headers: &HeaderMap) -> Client {
    if headers.contains_key("anthropic-version") { Client::Anthropic } else { Client::Chat }
}
