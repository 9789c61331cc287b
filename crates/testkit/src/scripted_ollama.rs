//! Ollama's own API, played by a script: `/api/version`, `/api/tags`, `/api/ps`, `/api/pull` with
//! its lines of progress, `/api/generate` as it loads a model; and `/v1/models`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How fetching a model goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PullFault {
    /// To its end.
    #[default]
    None,
    /// It says that there is no such model, as the last line.
    NotFound,
    /// It breaks off.
    Cut,
    /// A line is no JSON.
    Malformed,
}

/// A running server. It stops when dropped.
#[derive(Debug)]
pub struct ScriptedOllama {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    server: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Names and digests.
    installed: BTreeMap<String, String>,
    loaded: Vec<String>,
    fault: PullFault,
}

impl ScriptedOllama {
    /// Starts on a free loopback port with these models, each with its digest.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start(installed: &[(&str, &str)]) -> Self {
        let installed = installed.iter().map(|(name, digest)| ((*name).into(), (*digest).into())).collect();
        let shared = Arc::new(Mutex::new(Shared { installed, ..Shared::default() }));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a loopback port is free");
        let address = listener.local_addr().expect("it listens");
        let routes = Router::new()
            .route("/api/version", get(|| async { Json(json!({"version": "0.12.3"})) }))
            .route("/api/tags", get(tags))
            .route("/api/ps", get(loaded))
            .route("/api/pull", post(pull))
            .route("/api/generate", post(generate))
            .route("/v1/models", get(models))
            .with_state(shared.clone());
        let server = tokio::spawn(async move {
            // It serves until it is aborted.
            let _ = axum::serve(listener, routes).await;
        });
        Self { address, shared, server }
    }

    /// What a provider takes for its base URL.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// From now on fetching goes like this.
    pub fn fail_pulls(&self, fault: PullFault) {
        lock(&self.shared).fault = fault;
    }

    /// The models that are in memory.
    pub fn loaded(&self) -> Vec<String> {
        lock(&self.shared).loaded.clone()
    }
}

impl Drop for ScriptedOllama {
    fn drop(&mut self) {
        self.server.abort();
    }
}

type Script = State<Arc<Mutex<Shared>>>;

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn tags(State(shared): Script) -> Json<Value> {
    let model = |(name, digest): (&String, &String)| json!({"name": name, "size": 1_234, "digest": digest, "modified_at": "2026-11-02T10:00:00Z"});
    Json(json!({"models": lock(&shared).installed.iter().map(model).collect::<Vec<_>>()}))
}

async fn loaded(State(shared): Script) -> Json<Value> {
    let models: Vec<_> = lock(&shared).loaded.iter().map(|name| json!({"name": name})).collect();
    Json(json!({"models": models}))
}

async fn models(State(shared): Script) -> Json<Value> {
    let models: Vec<_> = lock(&shared).installed.keys().map(|name| json!({"id": name})).collect();
    Json(json!({"object": "list", "data": models}))
}

async fn generate(State(shared): Script, Json(body): Json<Value>) -> Response {
    let name = body["model"].as_str().unwrap_or_default().to_owned();
    let mut shared = lock(&shared);
    if !shared.installed.contains_key(&name) {
        let refusal = json!({"error": format!("model '{name}' not found")});
        return (StatusCode::NOT_FOUND, Json(refusal)).into_response();
    }
    shared.loaded.push(name);
    Json(json!({"done": true, "done_reason": "load"})).into_response()
}

async fn pull(State(shared): Script, Json(body): Json<Value>) -> Response {
    let name = body["model"].as_str().unwrap_or_default().to_owned();
    let fault = lock(&shared).fault;
    let mut lines = vec![
        json!({"status": "pulling manifest"}).to_string(),
        json!({"status": "pulling 46e0c10c039e", "digest": "sha256:46e0c10c039e", "total": 100, "completed": 40})
            .to_string(),
    ];
    match fault {
        PullFault::None => {
            lock(&shared).installed.insert(name, "46e0c10c039e".into());
            lines.push(json!({"status": "success"}).to_string());
        }
        PullFault::NotFound => {
            lines.push(json!({"error": "pull model manifest: file does not exist"}).to_string())
        }
        PullFault::Malformed => lines.push("<html>".into()),
        PullFault::Cut => {}
    }
    // In pieces that do not end where lines do.
    let text: Vec<u8> = lines.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect();
    let pieces: Vec<_> =
        text.chunks(17).map(|piece| Ok::<_, std::io::Error>(Bytes::copy_from_slice(piece))).collect();
    Body::from_stream(futures::stream::iter(pieces)).into_response()
}
