//! A model server that does as its script says.
//!
//! It speaks OpenAI's chat completions at `/v1/chat/completions` and Anthropic's messages at
//! `/v1/messages`, streamed or not, makes vectors at `/v1/embeddings`, lists its model at
//! `/v1/models`, and records every request.
//! A reply becomes a list of [`acts::Act`]s, which is where faults enter; [`connection`] can break
//! a TCP connection as a dying provider does.

mod acts;
mod connection;
mod vectors;
mod wire;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use axum::routing::{get, post};
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
    arrival: Notify,
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
            arrival: Notify::new(),
        });
        let openai = |state, connection, method, uri, headers, body| {
            answer(Protocol::OpenAi, state, connection, method, uri, headers, body)
        };
        let anthropic = |state, connection, method, uri, headers, body| {
            answer(Protocol::Anthropic, state, connection, method, uri, headers, body)
        };
        let embeddings = |state, connection, method, uri, headers, body| {
            answer(Protocol::Embeddings, state, connection, method, uri, headers, body)
        };
        let routes = Router::new()
            .route("/v1/embeddings", post(embeddings))
            .route("/v1/chat/completions", post(openai))
            .route("/v1/messages", post(anthropic))
            .route("/v1/models", get(|| async { axum::Json(wire::models(MODEL)) }))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(shared.clone())
            .into_make_service_with_connect_info::<Breaker>();
        let server = tokio::spawn(async move {
            // It serves until it is aborted.
            let _ = axum::serve(BreakableListener(listener), routes).await;
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
    let body = Body::from_stream(acts::perform(acts, breaker));
    response
        .header("content-type", content_type)
        .body(body)
        .expect("the script's status and headers are valid")
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
