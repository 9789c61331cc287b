//! A server to ask, and workflows for it to carry out.

pub mod doubles;
pub mod socket;
pub mod workflows;

use std::sync::Arc;
use std::time::Duration;

use accounts::testing::FakeAccountStore;
use accounts::{Accounts, NewToken, Scope, Scopes};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_surface::{App, AppParts, Lifetime, Options, PreviewKey};
use kernel::{FixedClock, Ids, SeededEntropy, Timestamp};
use runs::engine::Parts;
use runs::testing::{FakeBlobs, FakeRunStore};
use runs::{Engine, EngineOptions, Registry};
use serde_json::{Value, json};
use tower::ServiceExt;

/// 2026-11-21T09:30:00.000Z.
pub const NOW: Timestamp = Timestamp(1_795_253_400_000);

pub struct Server {
    pub app: App,
    pub router: Router,
    pub store: FakeRunStore,
    pub clock: Arc<FixedClock>,
    /// The owner's token.
    pub token: String,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no header {name}")).to_str().unwrap()
    }

    /// The status and the problem's code.
    #[track_caller]
    pub fn refusal(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json");
        (self.status.as_u16(), self.json()["code"].as_str().unwrap().to_owned())
    }
}

impl Server {
    pub async fn start() -> Self {
        Self::with_options(Options { heartbeat: Duration::from_secs(60), ..Options::default() }).await
    }

    pub async fn with_options(options: Options) -> Self {
        Self::over(FakeRunStore::new(), options).await
    }

    /// A server over a store that may have runs already.
    pub async fn over(store: FakeRunStore, options: Options) -> Self {
        let clock = Arc::new(FixedClock::at(NOW));
        let entropy = Arc::new(SeededEntropy::new(7));
        let parts = Parts {
            store: Arc::new(store.clone()),
            blobs: Arc::new(FakeBlobs::default()),
            registry: Registry::new().with(workflows::Goal).with(workflows::Chatter).with(workflows::Stuck),
            clock: clock.clone(),
            entropy: entropy.clone(),
        };
        let engine = Engine::start(parts, EngineOptions::default()).await.unwrap();
        let accounts =
            Arc::new(Accounts::new(Arc::new(FakeAccountStore::default()), clock.clone(), entropy.clone()));
        let token = issue(&accounts, Scopes::all()).await;
        let services = doubles::services(&engine).await;
        let job_types = ["supervisor", "chatter", "stuck"].map(str::to_owned);
        let options = Options { job_types: Arc::new(job_types), ..options };
        let app = App::from(AppParts {
            engine,
            accounts,
            ids: Ids::new(clock.clone(), entropy),
            clock: clock.clone(),
            version: "0.1.0",
            workspace: "/home/ada/atelier".into(),
            services,
            options,
            preview_key: PreviewKey::new([7; 32]),
            lifetime: Lifetime::default(),
        });
        Self { router: http_surface::router(app.clone()), app, store, clock, token }
    }

    /// The same server with other models behind it.
    pub fn serving(&self, models: Arc<models::Router>) -> Self {
        let mut app = self.app.clone();
        app.services.router = models;
        let router = http_surface::router(app.clone());
        Self { app, router, store: self.store.clone(), clock: self.clock.clone(), token: self.token.clone() }
    }

    /// The same server with another memory behind it.
    pub fn remembering(&self, memory: memory::Memory) -> Self {
        let mut app = self.app.clone();
        app.services.memory = memory;
        let router = http_surface::router(app.clone());
        Self { app, router, store: self.store.clone(), clock: self.clock.clone(), token: self.token.clone() }
    }

    /// A token that allows only this.
    pub async fn token_for(&self, scopes: &[Scope]) -> String {
        issue(&self.app.accounts, scopes.iter().copied().collect()).await
    }

    /// A request by the owner.
    pub fn request(&self, method: Method, path: &str) -> Request<Body> {
        let builder = Request::builder().method(method).uri(path).header("host", "127.0.0.1:8080");
        builder.header("authorization", format!("Bearer {}", self.token)).body(Body::empty()).unwrap()
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: impl Into<Value>) -> Answer {
        self.send_json(Method::POST, path, &body.into()).await
    }

    pub async fn send_json(&self, method: Method, path: &str, body: &Value) -> Answer {
        let mut request = self.request(method, path);
        request.headers_mut().insert("content-type", "application/json".parse().unwrap());
        *request.body_mut() = Body::from(body.to_string());
        self.send(request).await
    }

    /// Submits a job and gives its id.
    pub async fn submit(&self, workflow: &str, input: Value) -> String {
        let answer = self.post("/api/v1/jobs", json!({"type": workflow, "input": input})).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        answer.json()["jobId"].as_str().unwrap().to_owned()
    }

    /// Waits until a run stands at `status` and gives it in full.
    pub async fn until(&self, run_id: &str, status: &str) -> Value {
        let wait = async {
            loop {
                let run = self.get(&format!("/api/v1/runs/{run_id}")).await.json();
                if run["status"] == status {
                    return run;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("never {status}"))
    }

    /// Serves on a socket of its own until the test ends.
    pub async fn listen(&self) -> std::net::SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (router, options, lifetime) =
            (self.router.clone(), self.app.options.clone(), self.app.lifetime.clone());
        tokio::spawn(async move {
            http_surface::serve(listener, router, &options, &lifetime, std::future::pending()).await
        });
        address
    }
}

async fn issue(accounts: &Accounts, scopes: Scopes) -> String {
    let new = NewToken { name: "test".into(), scopes, expires_at: None };
    accounts.issue_token(new).await.unwrap().secret.expose().to_owned()
}
