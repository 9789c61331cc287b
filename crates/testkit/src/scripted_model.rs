//! A model server that does as its script says.
//!
//! It speaks OpenAI's chat completions at `/v1/chat/completions` and responses at `/v1/responses`,
//! Anthropic's messages at `/v1/messages` and Google's `generateContent` at `/v1/models/…`, streamed
//! or not, makes vectors at `/v1/embeddings`, lists its model at `/v1/models`, and records every
//! request. Tests in other languages read the record at `/scripted`.
//! A reply becomes a list of [`acts::Act`]s, which is where faults enter; [`connection`] can break
//! a TCP connection as a dying provider does.

mod acts;
mod connection;
mod vectors;
mod wire;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use axum::routing::{get, post};
use futures::StreamExt;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::script::{Fault, RecordedRequest, Script};
use connection::{BreakableListener, Breaker};
pub use vectors::{DIMENSIONS, vector_of};
use wire::Protocol;

/// The name of the model it claims to be.
pub const MODEL: &str = "scripted-1";

/// A running server. It stops when dropped.
#[derive(Debug)]
pub struct ScriptedModel {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    script: Mutex<Script>,
    requests: Mutex<Vec<RecordedRequest>>,
    /// The prompts whose answers were not taken to their end.
    abandoned: Mutex<Vec<String>>,
    arrival: Notify,
    connections: Arc<AtomicUsize>,
}

impl ScriptedModel {
    /// Starts on a free loopback port.
    ///
    /// # Panics
    /// When none is free.
    pub async fn start(script: impl Into<Script>) -> Self {
        Self::listen(SocketAddr::from(([127, 0, 0, 1], 0)), script).await.expect("a loopback port is free")
    }

    /// Starts on the given address.
    ///
    /// # Errors
    /// When it is taken.
    pub async fn listen(address: SocketAddr, script: impl Into<Script>) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            script: Mutex::new(script.into()),
            requests: Mutex::default(),
            abandoned: Mutex::default(),
            arrival: Notify::new(),
            connections: Arc::default(),
        });
        let speak = |protocol: Protocol| {
            post(move |state, connection, method, uri, headers, body| {
                answer(protocol, state, connection, method, uri, headers, body)
            })
        };
        let models = |headers: HeaderMap| async move {
            axum::Json(wire::models(MODEL, headers.contains_key("x-goog-api-key")))
        };
        let routes = Router::new()
            .route("/v1/chat/completions", speak(Protocol::OpenAi))
            .route("/v1/messages", speak(Protocol::Anthropic))
            .route("/v1/responses", speak(Protocol::Responses))
            .route("/v1/embeddings", speak(Protocol::Embeddings))
            .route("/v1/models/{call}", speak(Protocol::Gemini))
            .route("/v1/models", get(models))
            .route("/scripted", get(record_of))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(shared.clone())
            .into_make_service_with_connect_info::<Breaker>();
        let listener = BreakableListener { listener, accepted: shared.connections.clone() };
        let server = tokio::spawn(async move {
            // It serves until it is aborted.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self { address, shared, server })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What an OpenAI client takes for its base URL.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Every request so far, oldest first; those for the list of models are not kept.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        lock(&self.shared.requests).clone()
    }

    /// How often somebody connected, whether a request came or not.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Waits until `count` requests have come.
    pub async fn arrived(&self, count: usize) {
        loop {
            let arrival = self.shared.arrival.notified();
            if lock(&self.shared.requests).len() >= count {
                return;
            }
            arrival.await;
        }
    }

    /// Goes on with another script.
    pub fn follow(&self, script: impl Into<Script>) {
        *lock(&self.shared.script) = script.into();
    }

    /// A base URL at which every connection is refused.
    pub fn refusing_url() -> String {
        format!("http://127.0.0.1:{}/v1", crate::workspace::free_port())
    }

    /// Serves until the task is ended from outside.
    pub async fn serve(mut self) {
        // The server only ends with this task.
        let _ = (&mut self.server).await;
    }
}

impl Drop for ScriptedModel {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A script that panics fails its own request only.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(
    protocol: Protocol,
    State(shared): State<Arc<Shared>>,
    ConnectInfo(breaker): ConnectInfo<Breaker>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = record(&method, &uri, &headers, &body);
    lock(&shared.requests).push(request.clone());
    shared.arrival.notify_waiters();
    let reply = lock(&shared.script).next(&request);
    match reply.fault {
        Some(Fault::Reset) => {
            breaker.reset();
            std::future::pending::<()>().await;
        }
        Some(Fault::HangBeforeHeaders) => std::future::pending().await,
        _ => {}
    }
    let mut response = Response::builder().status(reply.status);
    if let Some(value) = &reply.retry_after {
        response = response.header("retry-after", value);
    }
    let (content_type, acts) = protocol.play(&request, &reply);
    let answering = Answering { shared, prompt: request.prompt(), has_ended: false };
    let end = futures::stream::once(async move {
        answering.end();
        Ok(Bytes::new())
    });
    let body = Body::from_stream(acts::perform(acts, breaker).chain(end));
    response
        .header("content-type", content_type)
        .body(body)
        .expect("the script's status and headers are valid")
}

/// An answer on its way, which notes when nobody takes the rest.
struct Answering {
    shared: Arc<Shared>,
    prompt: String,
    has_ended: bool,
}

impl Answering {
    fn end(mut self) {
        self.has_ended = true;
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if !self.has_ended {
            lock(&self.shared.abandoned).push(std::mem::take(&mut self.prompt));
        }
    }
}

async fn record_of(State(shared): State<Arc<Shared>>) -> axum::Json<serde_json::Value> {
    let requests: Vec<_> = lock(&shared.requests)
        .iter()
        .map(|request| serde_json::json!({"path": request.path, "prompt": request.prompt(), "body": request.json}))
        .collect();
    axum::Json(serde_json::json!({"requests": requests, "abandoned": *lock(&shared.abandoned)}))
}

fn record(method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> RecordedRequest {
    let header = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    RecordedRequest {
        method: method.to_string(),
        path: uri.to_string(),
        headers: headers.iter().map(header).collect(),
        body: String::from_utf8_lossy(body).into_owned(),
        json: serde_json::from_slice(body).unwrap_or_default(),
    }
}

/// Between the comments of a server that has nothing else to say, at least.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
