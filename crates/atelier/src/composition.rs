//! Puts the planes, the agents and the surfaces together: the one place that knows which
//! implementation is used for what.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use accounts::Accounts;
use agents::{CodeRunner, CodeWorkflow, Dispatcher, Goals, PendingTools, SupervisorWorkflow, Tools};
use futures::FutureExt;
use http_surface::{App, Lifetime, Options, Services};
use kernel::{Clock, Entropy, Ids, SystemClock, SystemEntropy};
use memory::{Memory, VectorIndex};
use models::{Embeddings, Router};
use runs::engine::Parts;
use runs::{Engine, EngineOptions, Registry};
use sandbox::{Jail, JailOptions, Toolchain};
use store::{SqlAccountStore, SqlMemoryStore, SqlRunStore, SqlVectorStore, Workspace};

use crate::adapters;
use crate::embedding::{self, MemoryEmbedder};
use crate::settings::Settings;

/// Everything that runs behind the routes.
pub struct Workshop {
    /// The workspace's folder, database and blobs.
    pub workspace: Workspace,
    /// Carries runs out.
    pub engine: Engine,
    /// What the routes work with.
    pub app: App,
}

/// Opens the workspace's accounts without a server: other processes may serve it meanwhile.
///
/// # Errors
/// When the workspace cannot be opened.
pub async fn open_accounts(folder: &Path) -> kernel::Result<(Accounts, Workspace)> {
    let workspace = Workspace::open(folder).await?;
    let accounts = accounts_of(&workspace);
    Ok((accounts, workspace))
}

fn accounts_of(workspace: &Workspace) -> Accounts {
    let store = SqlAccountStore::new(workspace.database().clone());
    Accounts::new(Arc::new(store), Arc::new(SystemClock), Arc::new(SystemEntropy))
}

/// Composes the workshop of the workspace in `folder`.
///
/// # Errors
/// When the workspace cannot be opened or a setting cannot be used.
pub async fn compose(folder: &Path, settings: &Settings) -> kernel::Result<Workshop> {
    let workspace = Workspace::open(folder).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let ids = Ids::new(clock.clone(), entropy.clone());

    let memory_store = SqlMemoryStore::new(workspace.database().clone());
    let memory = Memory::new(Arc::new(memory_store), clock.clone(), entropy.clone());
    let models = Arc::new(router(settings, &clock, &entropy)?);
    let embeddings = embedding::choose(folder, settings, &clock, &entropy);
    let index = vector_index(&workspace, &embeddings);
    let dispatcher = Dispatcher::new(models.clone(), memory.clone());
    let tools = tools();

    let registry = Registry::new()
        .with(CodeWorkflow::new(tools.clone(), memory.clone(), folder.join("tmp")))
        .with(SupervisorWorkflow::new(dispatcher.clone(), memory.clone(), tools, folder.join("runs")));
    let parts = Parts {
        store: Arc::new(SqlRunStore::new(workspace.database().clone())),
        blobs: Arc::new(workspace.blobs().clone()),
        registry,
        clock: clock.clone(),
        entropy,
    };
    let options = EngineOptions { concurrency: settings.concurrency.max(1), ..EngineOptions::default() };
    let engine = Engine::start(parts, options).await?;

    let services = Services {
        planner: Arc::new(adapters::Planner { dispatcher, clock: clock.clone() }),
        memory: Arc::new(adapters::MemoryReader {
            memory: memory.clone(),
            index: index.clone(),
            folder: folder.join("snapshots"),
        }),
        code: Arc::new(adapters::Code { runner: CodeRunner::new(engine.clone(), memory.clone()) }),
        supervisor: Arc::new(adapters::Supervisor { goals: Goals::new(engine.clone()) }),
        models: Arc::new(adapters::Models { router: models.clone() }),
        router: models,
        embeddings,
        preferences: Arc::new(adapters::Preferences { database: workspace.database().clone() }),
    };
    let app = App {
        engine: engine.clone(),
        accounts: Arc::new(accounts_of(&workspace)),
        clock,
        ids,
        version: env!("CARGO_PKG_VERSION"),
        workspace: folder.to_owned(),
        services,
        options: Options { allowed_hosts: settings.allowed_hosts.clone().into(), ..Options::default() },
        lifetime: Lifetime::default(),
    };
    if let Some(index) = index {
        let stopping = app.lifetime.stopping.clone();
        tokio::spawn(async move { stopping.run_until_cancelled(index.keep_up(&memory)).await });
    }
    Ok(Workshop { workspace, engine, app })
}

/// The vectors of memory, if something makes them.
fn vector_index(workspace: &Workspace, embeddings: &Embeddings) -> Option<VectorIndex> {
    let embedder = MemoryEmbedder::over(embeddings)?;
    let store = SqlVectorStore::new(workspace.database().clone());
    Some(VectorIndex::new(Arc::new(store), Arc::new(embedder)))
}

/// The models that can be used. One that is set up wrongly is left out and said, so that the rest
/// of Atelier works.
fn router(settings: &Settings, clock: &Arc<dyn Clock>, entropy: &Arc<dyn Entropy>) -> kernel::Result<Router> {
    let mut options = settings.models();
    options.providers.retain(|provider| {
        match models::Endpoint::new(provider, options.timeouts, clock.clone()) {
            Ok(_) => true,
            Err(error) => {
                tracing::error!(provider = provider.name, %error, "a model provider is left out");
                false
            }
        }
    });
    Ok(Router::from_options(&options, clock, entropy.clone())?)
}

/// The jail and the interpreters, found while the server already listens.
fn tools() -> PendingTools {
    let detection = tokio::task::spawn_blocking(|| {
        let toolchain = Toolchain::detect();
        let jail = Jail::new(JailOptions {
            launcher: launcher(),
            toolchain: toolchain.clone(),
            ..JailOptions::default()
        });
        Tools { sandbox: Arc::new(jail), toolchain: Arc::new(toolchain) }
    });
    detection.map(|tools| tools.expect("looking for interpreters does not panic")).boxed().shared()
}

/// The command that becomes a jail's launcher: this program again.
pub fn launcher() -> Vec<OsString> {
    // The link stays right when the file is replaced by an update while the server runs.
    vec!["/proc/self/exe".into(), "__jail".into()]
}
