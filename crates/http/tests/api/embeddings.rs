//! `/v1/embeddings` as OpenAI's clients see it, over a scripted provider.

use std::sync::Arc;

use axum::http::StatusCode;
use kernel::{SeededEntropy, SystemClock};
use models::{Embeddings, HttpEmbedder, ProviderOptions, RetryOptions, TimeoutOptions};
use serde_json::{Value, json};
use testkit::scripted_model::DIMENSIONS;
use testkit::{Reply, Script, ScriptedModel, vector_of};

use crate::support::{Answer, Server};

const PATH: &str = "/v1/embeddings";

/// A gateway whose embedder is `model` of the scripted server.
async fn gateway(base_url: &str, model: &str) -> Server {
    let provider = ProviderOptions {
        name: "first".into(),
        base_url: base_url.into(),
        model: "m".into(),
        ..ProviderOptions::default()
    };
    let timeouts = TimeoutOptions::default();
    let embedder = HttpEmbedder::new(&provider, model, Some(DIMENSIONS), timeouts, Arc::new(SystemClock));
    let retry = RetryOptions { attempts: 1, ..RetryOptions::default() };
    let mut server = Server::start().await;
    let entropy = Arc::new(SeededEntropy::new(5));
    server.app.services.embeddings = Embeddings::new(Arc::new(embedder.unwrap()), retry, entropy);
    server.router = http_surface::router(server.app.clone());
    server
}

async fn scripted(reply: Reply) -> ScriptedModel {
    ScriptedModel::start(Script::always(reply)).await
}

fn ask(more: Value) -> Value {
    let mut body = json!({"model": "first/small", "input": "one"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// The status and code of a refusal in OpenAI's shape.
#[track_caller]
fn refusal(answer: &Answer) -> (u16, String) {
    let error = &answer.json()["error"];
    assert!(error["message"].is_string() && error["type"].is_string(), "{error}");
    (answer.status.as_u16(), error["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn texts_become_vectors_in_their_order() {
    let model = scripted(Reply::default()).await;
    let server = gateway(&model.base_url(), "small").await;
    let answer = server.post(PATH, ask(json!({"input": ["one two", "three"], "user": "ada"}))).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let body = answer.json();
    assert_eq!((&body["object"], &body["model"]), (&json!("list"), &json!("first/small")));
    assert_eq!(body["usage"], json!({"prompt_tokens": 3, "total_tokens": 3}));
    for (place, text) in ["one two", "three"].into_iter().enumerate() {
        let item = &body["data"][place];
        assert_eq!((&item["object"], &item["index"]), (&json!("embedding"), &json!(place)));
        let components = item["embedding"].as_array().unwrap();
        let expected = vector_of(text, DIMENSIONS);
        assert_eq!(components.len(), expected.len());
        for (component, expected) in components.iter().zip(expected) {
            assert!((component.as_f64().unwrap() - f64::from(expected)).abs() < 1e-6);
        }
    }
    // One text alone, and the model without its provider.
    let answer = server.post(PATH, ask(json!({"model": "small"}))).await;
    assert_eq!(answer.json()["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn vectors_come_in_base64_where_the_client_wants_that() {
    let model = scripted(Reply::default()).await;
    let server = gateway(&model.base_url(), "small").await;
    let answer = server.post(PATH, ask(json!({"encoding_format": "base64"}))).await.json();
    let text = answer["data"][0]["embedding"].as_str().unwrap();
    // Four bytes a component, in groups of three bytes to four letters.
    assert_eq!(text.len(), (DIMENSIONS * 4).div_ceil(3) * 4);
}

#[tokio::test]
async fn vectors_are_shortened_only_where_the_model_can() {
    let model = scripted(Reply::default()).await;
    let server = gateway(&model.base_url(), "text-embedding-3-small").await;
    let shorter = json!({"model": "text-embedding-3-small", "input": "one", "dimensions": 4});
    let answer = server.post(PATH, shorter).await.json();
    assert_eq!(answer["data"][0]["embedding"].as_array().unwrap().len(), 4);
    let server = gateway(&model.base_url(), "small").await;
    let answer = server.post(PATH, ask(json!({"dimensions": 4}))).await;
    assert_eq!(refusal(&answer), (400, "embedding_dimensions_invalid".into()));
}

#[tokio::test]
async fn what_is_no_text_is_refused_in_openais_shape() {
    let model = scripted(Reply::default()).await;
    let server = gateway(&model.base_url(), "small").await;
    for (more, expected) in [
        (json!({"input": [1, 2]}), "invalid_request"),
        (json!({"input": [[1, 2], [3]]}), "invalid_request"),
        (json!({"input": {"text": "one"}}), "invalid_request"),
        (json!({"input": null}), "invalid_request"),
        (json!({"input": ["one", null]}), "invalid_request"),
        (json!({"input": []}), "embedding_input_invalid"),
        (json!({"input": ""}), "embedding_input_invalid"),
        (json!({"input": vec!["x"; 2_049]}), "embedding_input_invalid"),
        (json!({"encoding_format": "hex"}), "invalid_request"),
        (json!({"dimensions": -1}), "invalid_request"),
        (json!({"model": 7}), "invalid_request"),
    ] {
        let answer = server.post(PATH, ask(more.clone())).await;
        assert_eq!(refusal(&answer), (400, expected.into()), "{more}");
    }
    let answer = server.post(PATH, ask(json!({"input": [1, 2]}))).await;
    assert!(answer.text().contains("check_embedding_ctx_length"), "{}", answer.text());
    let answer = server.post(PATH, ask(json!({"model": "text-embedding-3-small"}))).await;
    assert_eq!(refusal(&answer), (404, "model_not_found".into()));
    assert_eq!(model.requests().len(), 0);
}

#[tokio::test]
async fn failures_say_who_failed_and_local_texts_stay_here() {
    let model = scripted(Reply::status(503, "overloaded")).await;
    let server = gateway(&model.base_url(), "small").await;
    assert_eq!(refusal(&server.post(PATH, ask(json!({}))).await).1, "model_upstream_failed");

    let server = gateway("https://models.example.org/v1", "small").await;
    let mut request = server.request(axum::http::Method::POST, PATH);
    request.headers_mut().insert("x-atelier-privacy", "local".parse().unwrap());
    *request.body_mut() = axum::body::Body::from(ask(json!({})).to_string());
    assert_eq!(refusal(&server.send(request).await), (503, "embedder_not_local".into()));

    // Without an embedder nothing stands in for it.
    let server = Server::start().await;
    let answer = server.post(PATH, ask(json!({}))).await;
    assert_eq!(refusal(&answer), (503, "no_embedder".into()));
}

#[tokio::test]
async fn only_who_may_ask_models_gets_vectors() {
    let model = scripted(Reply::default()).await;
    let server = gateway(&model.base_url(), "small").await;
    let mut request = server.request(axum::http::Method::POST, PATH);
    request.headers_mut().remove("authorization");
    *request.body_mut() = axum::body::Body::from(ask(json!({})).to_string());
    assert_eq!(refusal(&server.send(request).await), (401, "no_credentials".into()));
    assert_eq!(model.requests().len(), 0);
}

#[tokio::test]
async fn the_list_of_models_has_the_embedder() {
    let model = scripted(Reply::default()).await;
    let server = gateway(&model.base_url(), "small").await;
    let listed = server.get("/v1/models").await.json();
    let ids: Vec<_> = listed["data"].as_array().unwrap().iter().map(|it| it["id"].clone()).collect();
    assert_eq!(ids, ["offline/rules", "first/small"]);
    assert_eq!(server.get("/v1/models/first/small").await.json()["owned_by"], "first");
}
