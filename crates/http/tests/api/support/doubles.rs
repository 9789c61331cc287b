//! Doubles for the services behind the Factory.

use std::sync::Mutex;

use async_trait::async_trait;
use connectors::Connectors;
use connectors::testing::{FakeConnectorStore, FakeSecrets, NoPrograms};
use http_surface::Services;
use http_surface::services::{
    CodeOutcome, CodeRequest, CodeRun, CodeRunner, Dispatch, Goal, Model, Models, Planner, Preferences,
    Supervisor,
};
use kernel::{Actor, Clock, FixedClock, Ids, Page, PageRequest, Result, RunId, SeededEntropy};
use memory::conversation::Bounds;
use memory::{Memory, NewDispatch};
use models::testing::{FakeKeyStore, FakeLedger, FakeProviderStore};
use models::{
    Accounting, CacheOptions, Embeddings, ModelsOptions, Presets, ProviderParts, Providers, Router,
};
use runs::{Engine, Submission};
use serde_json::json;
use std::sync::Arc;
use studio::agent::Turns;
use studio::testing::FakeSessionStore;
use studio::{SessionStore, Studio, StudioParts};
use vault::{KeySource, Secrets, SecretsOptions};

use super::{NOW, workflows};

/// Doubles for everything behind the routes but `engine`.
pub async fn services(engine: &Engine) -> Services {
    let (studio, sessions) = studio();
    let clock: Arc<dyn Clock> = Arc::new(FixedClock::at(NOW));
    let memory = memory::testing::memory(clock.clone());
    let scripted =
        Arc::new(Scripted { memory: memory.clone(), code: Mutex::default(), preferences: Mutex::default() });
    Services {
        planner: scripted.clone(),
        memory,
        conversations: memory::testing::conversations(clock.clone(), Bounds::default()),
        code: scripted.clone(),
        supervisor: Arc::new(ScriptedSupervisor(engine.clone())),
        models: scripted.clone(),
        router: router(&ModelsOptions::default()),
        accounting: accounting(&CacheOptions::default()).await,
        providers: providers(router(&ModelsOptions::default())),
        connectors: connectors(),
        embeddings: Embeddings::missing("none was chosen", Arc::new(SeededEntropy::new(3))),
        preferences: scripted,
        turns: Turns::new(engine.clone(), studio.clone(), sessions, clock),
        studio,
    }
}

/// Servers of tools in memory, of which none can be a program.
fn connectors() -> Connectors {
    Connectors::new(connectors::Parts {
        store: Arc::new(FakeConnectorStore::default()),
        secrets: Arc::new(FakeSecrets::default()),
        programs: Arc::new(NoPrograms),
        clock: Arc::new(FixedClock::at(NOW)),
        patience: <_>::default(),
    })
}

/// A Studio that cannot open anything: nothing here has a jail.
fn studio() -> (Arc<Studio>, Arc<dyn SessionStore>) {
    let sessions: Arc<dyn SessionStore> = Arc::new(FakeSessionStore::default());
    let clock: Arc<dyn Clock> = Arc::new(FixedClock::at(NOW));
    let studio = Studio::new(StudioParts {
        store: sessions.clone(),
        surroundings: futures::FutureExt::shared(futures::FutureExt::boxed(std::future::pending())),
        folder: std::env::temp_dir().join("atelier-no-studio"),
        secrets: no_secrets(),
        clock: clock.clone(),
        ids: Ids::new(clock, Arc::new(SeededEntropy::new(9))),
    });
    (Arc::new(studio), sessions)
}

/// Secrets that nobody keeps.
fn no_secrets() -> Secrets {
    let folder = std::env::temp_dir().join("atelier-no-studio");
    let (file, key) = (folder.join("secrets.json"), KeySource::File(folder.join("key")));
    Secrets::new(SecretsOptions { file, key, keychain: None }, Arc::new(SeededEntropy::new(10)))
}

/// Accounts that are kept in memory.
pub async fn accounting(cache: &CacheOptions) -> Arc<Accounting> {
    let clock: Arc<dyn Clock> = Arc::new(FixedClock::at(NOW));
    let ledger = Arc::new(FakeLedger::default());
    let accounting = Accounting::start(ledger, cache, clock, Arc::new(SeededEntropy::new(5))).await;
    Arc::new(accounting.expect("an empty ledger can be read"))
}

/// Providers that are kept in memory, and put before `router`.
pub fn providers(router: Arc<Router>) -> Arc<Providers> {
    let parts = ProviderParts {
        router,
        options: ModelsOptions::default(),
        fixed: Vec::new(),
        store: Arc::new(FakeProviderStore::default()),
        keys: Arc::new(FakeKeyStore::default()),
        variables: Arc::new(|_| None),
        presets: Presets::built_in(),
        required: Vec::new(),
        clock: Arc::new(FixedClock::at(NOW)),
    };
    Arc::new(futures::executor::block_on(Providers::open(parts)).expect("stores in memory do not fail"))
}

/// A router over these providers; without any, rules answer.
pub fn router(options: &ModelsOptions) -> Arc<Router> {
    let clock: Arc<dyn Clock> = Arc::new(FixedClock::at(NOW));
    Arc::new(Router::from_options(options, &clock, Arc::new(SeededEntropy::new(3))).expect("sound options"))
}

/// Remembers what it was asked and answers something that fits.
pub struct Scripted {
    memory: Memory,
    code: Mutex<Vec<CodeRun>>,
    preferences: Mutex<Vec<(String, String)>>,
}

#[async_trait]
impl Planner for Scripted {
    async fn dispatch(&self, prompt: String, task_type: String, actor: Actor) -> Result<Dispatch> {
        if prompt.contains("panic") {
            panic!("the planner's secret detail");
        }
        if prompt.contains("defect") {
            return Err(kernel::Error::internal("the planner's secret detail"));
        }
        let plan = workflows::plan(&prompt);
        let new = NewDispatch {
            prompt: prompt.clone(),
            task_type: task_type.clone(),
            plan: plan.clone(),
            actor,
            request_id: None,
        };
        let id = self.memory.log_dispatch(new).await?;
        Ok(Dispatch { id, prompt, task_type, plan, created_at: NOW })
    }
}

#[async_trait]
impl CodeRunner for Scripted {
    async fn run(&self, request: CodeRequest) -> Result<CodeRun> {
        let timed_out = request.code.contains("while True");
        let run = CodeRun {
            run_id: "run_01hv5k3m9x7q2w8e4r6t".into(),
            language: request.language,
            code: request.code,
            outcome: if timed_out { CodeOutcome::TimedOut } else { CodeOutcome::Completed },
            stdout: "4\n".into(),
            stderr: String::new(),
            exit_code: (!timed_out).then_some(0),
            signal: None,
            duration_ms: 21,
            stdout_truncated: false,
            stderr_truncated: false,
            peak_memory_bytes: None,
            created_at: NOW,
        };
        self.code.lock().unwrap().insert(0, run.clone());
        Ok(run)
    }

    async fn list_runs(&self, page: &PageRequest) -> Result<Page<CodeRun>> {
        Ok(Page::from_overfull(self.code.lock().unwrap().clone(), page.limit, |run| run.run_id.clone()))
    }

    async fn search(&self, query: &str, _: u32) -> Result<Vec<CodeRun>> {
        let all = self.code.lock().unwrap();
        Ok(all.iter().filter(|run| run.code.contains(query) || run.stdout.contains(query)).cloned().collect())
    }
}

#[async_trait]
impl Models for Scripted {
    async fn list(&self) -> Result<Vec<Model>> {
        Ok(vec![Model { name: "offline".into(), kind: "offline".into(), local: true, available: true }])
    }
}

#[async_trait]
impl Preferences for Scripted {
    async fn load(&self) -> Result<Vec<(String, String)>> {
        Ok(self.preferences.lock().unwrap().clone())
    }

    async fn store(&self, changes: Vec<(String, Option<String>)>) -> Result<()> {
        let mut all = self.preferences.lock().unwrap();
        for (name, value) in changes {
            all.retain(|(set, _)| *set != name);
            all.extend(value.map(|value| (name, value)));
        }
        Ok(())
    }
}

/// Submits the goal as it is.
pub struct ScriptedSupervisor(pub Engine);

#[async_trait]
impl Supervisor for ScriptedSupervisor {
    async fn submit(&self, goal: Goal) -> Result<RunId> {
        let files: Vec<_> =
            goal.files.iter().map(|(name, bytes)| json!({"name": name, "size": bytes.len()})).collect();
        let submission = Submission {
            workflow: self.workflow().into(),
            title: goal.title.unwrap_or_else(|| goal.goal.clone()),
            input: json!({
                "goal": goal.goal, "task_type": goal.task_type, "require_approval": goal.require_approval,
                "files": files,
            }),
            actor: goal.actor,
            idempotency_key: goal.idempotency_key,
        };
        Ok(self.0.submit(submission).await?)
    }
}
