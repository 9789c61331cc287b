//! What the routes work with, put together by the program that serves them.

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use accounts::Accounts;
use kernel::{Clock, Ids};
use runs::Engine;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::services::{CodeRunner, Models, Planner, Preferences, Supervisor};
use crate::studio::preview::PreviewKey;

/// The state of the routes. Every layer around them clones it with each request, so it is one
/// pointer.
#[derive(Clone)]
pub struct App(Arc<AppParts>);

impl From<AppParts> for App {
    fn from(parts: AppParts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for App {
    type Target = AppParts;

    fn deref(&self) -> &AppParts {
        &self.0
    }
}

impl DerefMut for App {
    /// Changes this clone only.
    fn deref_mut(&mut self) -> &mut AppParts {
        Arc::make_mut(&mut self.0)
    }
}

/// What the state consists of.
#[derive(Clone)]
pub struct AppParts {
    /// Carries runs out.
    pub engine: Engine,
    /// Knows who asks.
    pub accounts: Arc<Accounts>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes the ids of requests.
    pub ids: Ids,
    /// Atelier's version, as shown.
    pub version: &'static str,
    /// The workspace's folder, for display only.
    pub workspace: PathBuf,
    /// The planes and agents behind the routes.
    pub services: Services,
    /// How the routes are served.
    pub options: Options,
    /// Signs the addresses of previews.
    pub preview_key: PreviewKey,
    /// What ends when the server stops.
    pub lifetime: Lifetime,
}

/// The services behind the routes of the Factory.
#[derive(Clone)]
pub struct Services {
    /// Makes plans.
    pub planner: Arc<dyn Planner>,
    /// Remembers and finds.
    pub memory: ::memory::Memory,
    /// Tells of conversations.
    pub conversations: ::memory::Conversations,
    /// Runs code.
    pub code: Arc<dyn CodeRunner>,
    /// Submits goals.
    pub supervisor: Arc<dyn Supervisor>,
    /// Knows which models there are.
    pub models: Arc<dyn Models>,
    /// Asks them.
    pub router: Arc<::models::Router>,
    /// Keeps account of what they are asked.
    pub accounting: Arc<::models::Accounting>,
    /// Knows the owner's providers, and changes them.
    pub providers: Arc<::models::Providers>,
    /// Knows the servers of tools, and calls these.
    pub connectors: ::connectors::Connectors,
    /// Makes vectors of texts.
    pub embeddings: ::models::Embeddings,
    /// Keeps what people set.
    pub preferences: Arc<dyn Preferences>,
    /// Makes, opens and closes sessions.
    pub studio: Arc<::studio::Studio>,
    /// Takes what people say to their agents.
    pub turns: ::studio::agent::Turns,
}

/// How the routes are served.
#[derive(Clone, Debug)]
pub struct Options {
    /// Host names that are answered for, beside the loopback ones, without ports.
    pub allowed_hosts: Arc<[String]>,
    /// Origins whose pages may use the server, beside its own, such as `http://localhost:5173`.
    pub allowed_origins: Arc<[String]>,
    /// The workflows that may be submitted as jobs, with their input as it is.
    pub job_types: Arc<[String]>,
    /// The longest a request may take until its answer begins. Streams go on after that.
    pub request_timeout: Duration,
    /// How long `supervisor/run` waits for the end.
    pub supervisor_wait: Duration,
    /// The longest a stream is silent.
    pub heartbeat: Duration,
    /// Whether [`serve`](crate::serve) accepts a listener that is not on loopback.
    pub beyond_loopback: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            allowed_hosts: Arc::new([]),
            allowed_origins: Arc::new([]),
            job_types: Arc::new(["supervisor".to_owned()]),
            request_timeout: Duration::from_secs(120),
            supervisor_wait: Duration::from_secs(30),
            heartbeat: Duration::from_secs(15),
            beyond_loopback: false,
        }
    }
}

/// The server's beginning and end.
#[derive(Clone)]
pub struct Lifetime {
    /// When the server began.
    pub started: Instant,
    /// Cancelled when it stops: every stream ends then.
    pub stopping: CancellationToken,
    /// The streams that outlive their request's answer.
    pub(crate) sockets: TaskTracker,
}

impl Default for Lifetime {
    fn default() -> Self {
        Self { started: Instant::now(), stopping: CancellationToken::new(), sockets: TaskTracker::new() }
    }
}
