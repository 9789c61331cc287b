//! Vectors over the wire, from a real server.

use std::sync::Arc;

use kernel::{Privacy, SeededEntropy, SystemClock};
use models::{
    ApiKey, Dialect, EmbeddingRequest, Embeddings, Error, HttpEmbedder, ProviderOptions, RetryOptions,
    TimeoutOptions,
};
use serde_json::json;
use testkit::scripted_model::DIMENSIONS;
use testkit::{Fault, Reply, Script, ScriptedModel, vector_of};

const PATIENT: TimeoutOptions =
    TimeoutOptions { connect_ms: 20_000, first_content_ms: 20_000, stall_ms: 20_000, total_ms: 20_000 };
const RETRY: RetryOptions = RetryOptions { attempts: 2, first_pause_ms: 1, longest_pause_ms: 1 };

fn embedder(base_url: &str, model: &str, timeouts: TimeoutOptions) -> Result<HttpEmbedder, Error> {
    let options = ProviderOptions {
        name: "scripted".into(),
        base_url: base_url.into(),
        api_key: Some(ApiKey::new("canary-key")),
        model: "for-chats".into(),
        ..ProviderOptions::default()
    };
    HttpEmbedder::new(&options, model, Some(DIMENSIONS), timeouts, Arc::new(SystemClock))
}

fn over(embedder: HttpEmbedder) -> Embeddings {
    Embeddings::new(Arc::new(embedder), RETRY, Arc::new(SeededEntropy::new(1)))
}

async fn scripted(replies: impl IntoIterator<Item = Reply>) -> (Embeddings, ScriptedModel) {
    let server = ScriptedModel::start(Script::replies(replies)).await;
    let embedder = embedder(&server.base_url(), "text-embedding-3-small", PATIENT).expect("sound options");
    (over(embedder), server)
}

fn request(texts: &[&str]) -> EmbeddingRequest {
    EmbeddingRequest::new(texts.iter().map(|text| (*text).to_owned()).collect(), Privacy::Local)
}

#[tokio::test]
async fn each_text_gets_its_vector_over_the_wire() {
    let (embeddings, server) = scripted([Reply::default()]).await;
    let embedded = embeddings.embed(&request(&["one two", "olá 🦀"])).await.unwrap();
    let expected = ["one two", "olá 🦀"].map(|text| vector_of(text, DIMENSIONS));
    for (vector, expected) in embedded.vectors.iter().flatten().zip(expected.iter().flatten()) {
        assert!((vector - expected).abs() < 1e-6);
    }
    assert_eq!((embedded.vectors.len(), embedded.tokens), (2, 4));

    let seen = &server.requests()[0];
    assert_eq!(seen.path, "/v1/embeddings");
    assert_eq!(seen.header("authorization"), Some("Bearer canary-key"));
    assert_eq!(seen.json["model"], "text-embedding-3-small");
    assert_eq!(seen.json["input"], json!(["one two", "olá 🦀"]));
    assert!(seen.json.get("dimensions").is_none());
}

#[tokio::test]
async fn shorter_vectors_are_asked_of_the_model_itself() {
    let (embeddings, server) = scripted([Reply::default()]).await;
    let shorter = EmbeddingRequest { dimensions: Some(4), ..request(&["one"]) };
    assert_eq!(embeddings.embed(&shorter).await.unwrap().vectors[0].len(), 4);
    assert_eq!(server.requests()[0].json["dimensions"], 4);
}

#[tokio::test]
async fn a_server_that_answers_in_numbers_is_understood() {
    let vector = vector_of("one", DIMENSIONS);
    let numbers = json!({"data": [{"index": 0, "embedding": vector}]}).to_string();
    let (embeddings, _server) = scripted([Reply::raw("application/json", numbers)]).await;
    let embedded = embeddings.embed(&request(&["one"])).await.unwrap();
    assert_eq!((embedded.vectors, embedded.tokens), (vec![vector], 1));
}

#[tokio::test]
async fn a_moment_of_trouble_is_waited_out_and_a_refusal_is_not() {
    for trouble in [
        Reply::status(503, "overloaded"),
        Reply::status(429, "slow down").retry_after("0"),
        Reply::default().fault(Fault::Reset),
        Reply::default().fault(Fault::CutAfter(0)),
    ] {
        let (embeddings, server) = scripted([trouble.clone(), Reply::default()]).await;
        embeddings.embed(&request(&["one"])).await.unwrap_or_else(|error| panic!("{trouble:?}: {error}"));
        assert_eq!(server.requests().len(), 2);
    }
    for (status, expected) in [(401, "model_key_refused"), (400, "model_request_refused")] {
        let (embeddings, server) = scripted([Reply::status(status, "no, canary-key")]).await;
        let error = embeddings.embed(&request(&["one"])).await.unwrap_err();
        assert_eq!((error.code(), server.requests().len()), (expected, 1));
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let server = ScriptedModel::start(Reply::default().fault(Fault::HangBeforeHeaders)).await;
    let hasty = TimeoutOptions { total_ms: 30, ..PATIENT };
    let embeddings = over(embedder(&server.base_url(), "m", hasty).unwrap());
    assert_eq!(embeddings.embed(&request(&["one"])).await.unwrap_err().code(), "model_timeout");
}

#[test]
fn what_cannot_make_vectors_is_refused_at_once() {
    let options = |dialect| ProviderOptions {
        name: "p".into(),
        base_url: "http://127.0.0.1:1/v1".into(),
        model: "m".into(),
        dialect,
        ..ProviderOptions::default()
    };
    let new = |dialect, model, dimensions| {
        HttpEmbedder::new(&options(dialect), model, dimensions, PATIENT, Arc::new(SystemClock))
    };
    assert!(new(Dialect::Chat, "nomic-embed-text:latest", None).is_ok());
    assert!(new(Dialect::Chat, "mine", Some(5)).is_ok());
    for (dialect, model, dimensions) in
        [(Dialect::Anthropic, "m", Some(5)), (Dialect::Chat, "mine", None), (Dialect::Chat, "mine", Some(0))]
    {
        let error = new(dialect, model, dimensions).err().expect("it is refused");
        assert_eq!(error.code(), "model_settings_invalid", "{model}");
    }
}

#[tokio::test]
async fn a_local_text_is_not_sent_elsewhere() {
    let elsewhere = over(embedder("https://models.example.org/v1", "m", PATIENT).unwrap());
    assert!(!elsewhere.is_local());
    assert_eq!(elsewhere.embed(&request(&["one"])).await.unwrap_err().code(), "embedder_not_local");
}
