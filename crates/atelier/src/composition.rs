//! Puts the planes, the agents and the surfaces together: the one place that knows which
//! implementation is used for what.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use accounts::Accounts;
use agents::{
    Chronicle, CodeRunner, CodeWorkflow, Dispatcher, Goals, PendingTools, SupervisorWorkflow, Tools,
};
use connectors::{Connectors, Parts as ConnectorParts};
use extract::{Limits, Workers};
use futures::FutureExt;
use http_surface::{App, AppParts, Lifetime, Options, PreviewKey, Services};
use index::Keywords;
use kernel::{Clock, Entropy, Ids, SystemClock, SystemEntropy};
use memory::conversation::Bounds;
use memory::{
    Conversations, Embedder, EmbeddingQueue, FactStore, Fetcher, LogStore, Memory, MemoryParts, MemoryStore,
    VectorParts, WordVectors,
};
use models::{Accounting, Embeddings, ModelsOptions, Presets, ProviderParts, Providers, Router};
use runs::engine::Parts;
use runs::{Engine, EngineOptions, Registry, RunStore};
use sandbox::egress::{Machine, MachineProxy, Registries, Uplink};
use sandbox::{Jail, JailOptions, SessionLimits, Toolchain};
use store::{
    SqlAccountStore, SqlConnectorStore, SqlEmbeddingStore, SqlLedger, SqlMemoryStore, SqlProviderStore,
    SqlRunStore, SqlStudioStore, Workspace,
};
use studio::agent::{TurnWorkflow, Turns};
use studio::{SessionStore, Studio, StudioParts, Surroundings};
use vault::{Keychain, Secrets, SecretsOptions};

use crate::adapters;
use crate::connector_programs::JailedPrograms;
use crate::embedding::{self, MemoryEmbedder};
use crate::fetching::Web;
use crate::settings::{self, Settings};
use crate::vectors;

/// How many documents are read at once.
const READERS: usize = 2;

/// Everything that runs behind the routes.
pub struct Workshop {
    /// The workspace's folder, database and blobs.
    pub workspace: Workspace,
    /// Carries runs out.
    pub engine: Engine,
    /// Keeps account of what models are asked.
    pub accounting: Arc<Accounting>,
    /// Makes, opens and closes sessions.
    pub studio: Arc<Studio>,
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

    let accounting = accounting(&workspace, settings, &clock, &entropy).await?;
    let secrets = secrets(folder).await;
    let models = Arc::new(router(settings, &clock, &entropy)?.with_accounting(accounting.clone()));
    let providers = Arc::new(providers(folder, settings, &workspace, &models, &secrets, &clock).await?);
    let (embeddings, words) = embedding::choose(folder, settings, &providers.options(), &clock, &entropy);
    let embeddings = embeddings.with_router(models.clone());
    let parts = memory_parts(folder, &workspace, settings, &embeddings, words, &clock, &entropy).await?;
    let reranker = Arc::new(adapters::Grades { router: models.clone() });
    let memory = Memory::new(MemoryParts { reranker: Some(reranker), ..parts });
    let conversations = conversations(&workspace, &models, &clock);
    let dispatcher = Dispatcher::new(models.clone(), memory.clone());
    let tools = tools();
    let sessions: Arc<dyn SessionStore> = Arc::new(SqlStudioStore::new(workspace.database().clone()));
    let connectors = connectors(folder, &workspace, &tools, &secrets, &clock);
    let studio = Arc::new(studio(folder, &sessions, &tools, secrets, &clock, &ids));
    let run_store = SqlRunStore::new(workspace.database().clone());
    let (runs, happenings): (Arc<dyn RunStore>, _) = (Arc::new(run_store.clone()), Arc::new(run_store));

    let turns = TurnWorkflow {
        studio: studio.clone(),
        sessions: sessions.clone(),
        runs: runs.clone(),
        models: models.clone(),
        memory: memory.clone(),
        conversations: conversations.clone(),
        connectors: connectors.clone(),
    };
    let registry = Registry::new()
        .with(turns)
        .with(CodeWorkflow::new(tools.clone(), memory.clone(), folder.join("tmp")))
        .with(SupervisorWorkflow::new(dispatcher.clone(), memory.clone(), tools, folder.join("runs")));
    let blobs = Arc::new(workspace.blobs().clone());
    let parts = Parts { store: runs, blobs, registry, clock: clock.clone(), entropy };
    let options = EngineOptions { concurrency: settings.concurrency.max(1), ..EngineOptions::default() };
    let engine = Engine::start(parts, options).await?;

    let services = Services {
        planner: Arc::new(adapters::Planner { dispatcher, clock: clock.clone() }),
        memory: memory.clone(),
        conversations,
        code: Arc::new(adapters::Code { runner: CodeRunner::new(engine.clone(), memory.clone()) }),
        supervisor: Arc::new(adapters::Supervisor { goals: Goals::new(engine.clone()) }),
        models: Arc::new(adapters::Models { router: models.clone() }),
        router: models,
        accounting: accounting.clone(),
        providers,
        connectors,
        embeddings,
        preferences: Arc::new(adapters::Preferences { database: workspace.database().clone() }),
        turns: Turns::new(engine.clone(), studio.clone(), sessions, clock.clone()),
        studio: studio.clone(),
    };
    let app = App::from(AppParts {
        engine: engine.clone(),
        accounts: Arc::new(accounts_of(&workspace)),
        clock,
        ids,
        version: env!("CARGO_PKG_VERSION"),
        workspace: folder.to_owned(),
        services,
        options: Options { allowed_hosts: settings.allowed_hosts.clone().into(), ..Options::default() },
        preview_key: preview_key(folder)?,
        lifetime: Lifetime::default(),
    });
    keep_up(&app, Chronicle::new(engine.clone(), happenings, memory.clone()), memory);
    Ok(Workshop { workspace, engine, accounting, studio, app })
}

/// Keeps indices and what memory knows of runs up to date until the server stops.
fn keep_up(app: &App, chronicle: Chronicle, memory: Memory) {
    let stopping = app.lifetime.stopping.clone();
    let keep_up = async move { tokio::join!(memory.keep_up(), chronicle.keep_up()) };
    tokio::spawn(async move { stopping.run_until_cancelled(keep_up).await });
}

/// The accounts of what models are asked.
async fn accounting(
    workspace: &Workspace,
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> kernel::Result<Arc<Accounting>> {
    let ledger = Arc::new(SqlLedger::new(workspace.database().clone()));
    let accounting =
        Accounting::start(ledger, &settings.models.cache, clock.clone(), entropy.clone()).await?;
    Ok(Arc::new(accounting))
}

/// What memory is made of but for models: the workspace's database, with its indices in files beside it or where `address` says.
async fn memory_parts(
    folder: &Path,
    workspace: &Workspace,
    settings: &Settings,
    embeddings: &Embeddings,
    words: Option<Arc<dyn WordVectors>>,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> kernel::Result<MemoryParts> {
    let address = settings.vector_store()?;
    let fetcher: Option<Arc<dyn Fetcher>> =
        Some(Arc::new(Web::new(&settings.fetch.private_hosts, uplink())?));
    let store = Arc::new(SqlMemoryStore::new(workspace.database().clone()));
    let (facts, log): (Arc<dyn FactStore>, Arc<dyn LogStore>) = (store.clone(), store.clone());
    let embedder = MemoryEmbedder::over(embeddings).map(Arc::new);
    let (files, last) = (folder.join("index"), store.last_change().await?);
    let identity = embedder.as_ref().map(|embedder| embedder.identity());
    let (in_time, random) = (clock.clone(), entropy.clone());
    // Opening takes a while, and a store elsewhere begins its connections on a thread of the runtime.
    let open = move || {
        let keywords = open_keywords(&files.join("words"), last)?;
        let open = |identity| vectors::open(&files, address.as_ref(), identity, last, in_time, &*random);
        Ok::<_, kernel::Error>((keywords, identity.as_ref().map(open).transpose()?))
    };
    let (keywords, vectors) = tokio::task::spawn_blocking(open).await.map_err(kernel::Error::internal)??;
    let vectors = embedder.zip(vectors).map(|(embedder, index)| {
        let vectors = SqlEmbeddingStore::new(workspace.database().clone());
        VectorParts { queue: EmbeddingQueue::new(Arc::new(vectors), embedder), index }
    });
    let readers = Workers::new(reader(), READERS, Limits::default());
    let (clock, entropy) = (clock.clone(), entropy.clone());
    let (keywords, readers) = (Arc::new(keywords), Some(Arc::new(readers)));
    let reranker = None;
    Ok(MemoryParts {
        store,
        facts,
        log,
        keywords,
        vectors,
        words,
        readers,
        fetcher,
        reranker,
        clock,
        entropy,
    })
}

/// Conversations whose summaries are in the workspace's database, written by whatever model may be
/// asked.
fn conversations(workspace: &Workspace, models: &Arc<Router>, clock: &Arc<dyn Clock>) -> Conversations {
    let store = Arc::new(SqlMemoryStore::new(workspace.database().clone()));
    let summaries = adapters::Summaries { router: models.clone() };
    let counter = Arc::new(adapters::Tokens);
    Conversations::new(store, Some(Arc::new(summaries)), counter, clock.clone(), Bounds::default())
}

/// Opens the keyword index in `folder`. One that is ahead of the database, which was put back to an
/// earlier state then, is made anew.
fn open_keywords(folder: &Path, last: u64) -> kernel::Result<Keywords> {
    let keywords = Keywords::open(folder, "")?;
    if keywords.position() <= last {
        return Ok(keywords);
    }
    drop(keywords);
    vectors::remove(folder)?;
    Ok(Keywords::open(folder, "")?)
}

/// The router, which is given its providers by [`providers`].
fn router(settings: &Settings, clock: &Arc<dyn Clock>, entropy: &Arc<dyn Entropy>) -> kernel::Result<Router> {
    let options = ModelsOptions { providers: Vec::new(), ..settings.models() };
    Ok(Router::from_options(&options, clock, entropy.clone())?)
}

/// The owner's providers: those of the settings, and those that are kept in the workspace.
async fn providers(
    folder: &Path,
    settings: &Settings,
    workspace: &Workspace,
    router: &Arc<Router>,
    secrets: &Secrets,
    clock: &Arc<dyn Clock>,
) -> kernel::Result<Providers> {
    let parts = ProviderParts {
        router: router.clone(),
        options: settings.models(),
        fixed: settings.fixed_providers(),
        store: Arc::new(SqlProviderStore::new(workspace.database().clone())),
        keys: Arc::new(adapters::Keys { secrets: secrets.clone() }),
        // A token or passphrase of Atelier's own is nothing to be sent to a provider.
        variables: Arc::new(|name| {
            let is_own = name.starts_with("ATELIER_") && name != "ATELIER_MODEL_API_KEY";
            (!is_own).then(|| settings::variable(name)).flatten()
        }),
        presets: presets(folder)?,
        required: settings.required_models()?,
        clock: clock.clone(),
    };
    Providers::open(parts).await
}

/// What is known by name, with what the workspace adds.
///
/// # Errors
/// When its file cannot be used.
pub fn presets(folder: &Path) -> kernel::Result<Presets> {
    match std::fs::read_to_string(folder.join("presets.yaml")) {
        Ok(text) => Presets::built_in().extended(&text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Presets::built_in()),
        Err(error) => {
            Err(kernel::Error::invalid("presets_invalid", format!("presets.yaml cannot be read: {error}")))
        }
    }
}

async fn secrets(folder: &Path) -> Secrets {
    let name = folder.display().to_string();
    let keychain = tokio::task::spawn_blocking(move || Keychain::detect(&name)).await.unwrap_or_default();
    let options =
        SecretsOptions { file: folder.join("secrets.json"), key: settings::secrets_key(), keychain };
    Secrets::new(options, Arc::new(SystemEntropy))
}

/// Looks after the local models and says what could be set up, while the server already listens.
pub async fn look_around(providers: Arc<Providers>, warm_up: bool) {
    providers.look_after_ollama(warm_up).await;
    for found in providers.suggestions().await.unwrap_or_default() {
        let name = &found.name;
        tracing::info!("{} could be used: `atelier providers add {name}` sets it up", found.title);
    }
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

/// The Studio, whose sandboxes are the jail's.
fn studio(
    folder: &Path,
    sessions: &Arc<dyn SessionStore>,
    tools: &PendingTools,
    secrets: Secrets,
    clock: &Arc<dyn Clock>,
    ids: &Ids,
) -> Studio {
    let (tools, surrounding) = (tools.clone(), clock.clone());
    let surroundings = async move {
        let sandbox = tools.await.sandbox;
        let registries = tokio::task::spawn_blocking(registries).await.unwrap_or_default();
        let (registries, uplink) = (Arc::new(registries), uplink());
        Surroundings { sandbox, registries, uplink, limits: SessionLimits::default(), clock: surrounding }
    };
    Studio::new(StudioParts {
        store: sessions.clone(),
        surroundings: surroundings.boxed().shared(),
        folder: folder.join("studio"),
        secrets,
        clock: clock.clone(),
        ids: ids.clone(),
    })
}

/// The servers of tools, whose programs run in the jail.
fn connectors(
    folder: &Path,
    workspace: &Workspace,
    tools: &PendingTools,
    secrets: &Secrets,
    clock: &Arc<dyn Clock>,
) -> Connectors {
    let programs = JailedPrograms {
        tools: tools.clone(),
        folder: folder.join("connectors"),
        registries,
        uplink,
        clock: clock.clone(),
    };
    Connectors::new(ConnectorParts {
        store: Arc::new(SqlConnectorStore::new(workspace.database().clone())),
        secrets: Arc::new(adapters::Keys { secrets: secrets.clone() }),
        programs: Arc::new(programs),
        clock: clock.clone(),
        patience: connectors::service::Patience::default(),
    })
}

/// The package registries that npm, pip and cargo of this machine are set up with.
fn registries() -> Registries {
    let environment = settings::environment();
    let home = environment.get("HOME").cloned().unwrap_or_default();
    Registries::detect(Machine { environment: &environment, home: Path::new(&home), root: Path::new("/") })
}

/// This machine's way to the net.
fn uplink() -> Uplink {
    match MachineProxy::from_environment(&settings::environment()) {
        Ok(Some(proxy)) => Uplink::default().through(proxy),
        Ok(None) => Uplink::default(),
        Err(error) => {
            tracing::warn!(%error, "sessions reach the net without this machine's proxy");
            Uplink::default()
        }
    }
}

/// The key that signs the addresses of previews: made once and kept, so that an open page stays
/// good over a restart.
fn preview_key(folder: &Path) -> kernel::Result<PreviewKey> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let file = folder.join("preview.key");
    if let Some(bytes) = std::fs::read(&file).ok().and_then(|bytes| bytes.try_into().ok()) {
        return Ok(PreviewKey::new(bytes));
    }
    let mut bytes = [0; 32];
    for part in bytes.chunks_exact_mut(8) {
        part.copy_from_slice(&SystemEntropy.next_u64().to_le_bytes());
    }
    let mut options = std::fs::File::options();
    let opened = options.write(true).create(true).truncate(true).mode(0o600).open(&file);
    let written = opened.and_then(|mut opened| opened.write_all(&bytes));
    written.map_err(|error| {
        kernel::Error::unavailable(
            "workspace_unusable",
            format!("{} cannot be written: {error}", file.display()),
        )
    })?;
    Ok(PreviewKey::new(bytes))
}

/// The command that becomes a reader of documents: this program again.
fn reader() -> Vec<OsString> {
    vec!["/proc/self/exe".into(), "__read".into()]
}

/// The command that becomes a jail's launcher: this program again.
pub fn launcher() -> Vec<OsString> {
    // The link stays right when the file is replaced by an update while the server runs.
    vec!["/proc/self/exe".into(), "__jail".into()]
}
