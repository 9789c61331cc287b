//! A Studio in a temporary folder, and a store in memory.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use kernel::{Clock, Ids, Page, PageRequest, Result, SessionId, SystemClock, SystemEntropy, Timestamp};
use parking_lot::Mutex;
use sandbox::egress::{Machine, Registries, SystemResolver, Uplink};
use sandbox::{Jail, JailOptions, SessionLimits, Toolchain};
use studio::{DevState, NewSession, Project, SessionStore, Studio, StudioParts, StudioSession, Surroundings};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub struct Bench {
    pub folder: TempDir,
    pub studio: Arc<Studio>,
}

impl Bench {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let studio = studio_in(folder.path(), Arc::new(FakeSessionStore::default()));
        Self { folder, studio }
    }

    /// A session whose dev server runs.
    pub async fn running(&self, template: &str) -> (StudioSession, Arc<Project>) {
        let new = NewSession { template: Some(template.into()), name: None };
        let session = self.studio.create(new).await.expect("a session");
        let project = self.studio.project(&session.id).await.expect("it opens");
        let mut states = project.dev_states();
        let settled = |state: &DevState| matches!(state, DevState::Running { .. } | DevState::Failed(_));
        let state = tokio::time::timeout(Duration::from_secs(120), states.wait_for(settled)).await;
        let state = state.expect("in time").expect("it is open").clone();
        let logs: Vec<_> = project.logs().follow().0.iter().map(|line| line.line.to_string()).collect();
        assert!(matches!(state, DevState::Running { .. }), "{state:?}\n{}", logs.join("\n"));
        (session, project)
    }
}

/// A Studio over a folder that another one may have used before.
pub fn studio_in(folder: &Path, store: Arc<dyn SessionStore>) -> Arc<Studio> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let environment: HashMap<String, String> = std::env::vars().collect();
    let home = std::path::PathBuf::from(environment.get("HOME").cloned().unwrap_or_default());
    let surrounding = clock.clone();
    let surroundings = async move {
        let machine = Machine { environment: &environment, home: &home, root: Path::new("/") };
        let launcher = vec![env!("CARGO_BIN_EXE_studio-jail-launcher").into()];
        let toolchain = tokio::task::spawn_blocking(Toolchain::detect).await.expect("looked");
        Surroundings {
            sandbox: Arc::new(Jail::new(JailOptions { launcher, toolchain, ..JailOptions::default() })),
            registries: Arc::new(Registries::detect(machine)),
            uplink: Uplink::new(Arc::new(SystemResolver)),
            limits: SessionLimits::default(),
            clock: surrounding,
        }
    };
    Arc::new(Studio::new(StudioParts {
        store,
        surroundings: surroundings.boxed().shared(),
        folder: folder.to_owned(),
        clock: clock.clone(),
        ids: Ids::new(clock, Arc::new(SystemEntropy)),
    }))
}

/// What a port answers to a request for a path.
pub async fn get(project: &Project, port: u16, path: &str) -> String {
    let mut stream = project.connect(port).await.expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    tokio::time::timeout(Duration::from_secs(60), reading).await.expect("in time").expect("read");
    String::from_utf8_lossy(&answer).into_owned()
}

#[derive(Default)]
pub struct FakeSessionStore {
    sessions: Mutex<Vec<(StudioSession, Option<Timestamp>)>>,
}

#[async_trait]
impl SessionStore for FakeSessionStore {
    async fn create_session(&self, session: &StudioSession) -> Result<()> {
        self.sessions.lock().push((session.clone(), None));
        Ok(())
    }

    async fn update_session(&self, session: &StudioSession) -> Result<bool> {
        let mut sessions = self.sessions.lock();
        let found = sessions.iter_mut().find(|(one, deleted)| one.id == session.id && deleted.is_none());
        Ok(found.map(|found| found.0 = session.clone()).is_some())
    }

    async fn find_session(&self, id: &SessionId) -> Result<Option<StudioSession>> {
        let sessions = self.sessions.lock();
        Ok(sessions.iter().find(|(one, deleted)| one.id == *id && deleted.is_none()).map(|found| found.0.clone()))
    }

    async fn list_sessions(&self, _page: &PageRequest) -> Result<Page<StudioSession>> {
        let sessions = self.sessions.lock();
        let items = sessions.iter().filter(|(_, deleted)| deleted.is_none()).map(|(one, _)| one.clone());
        Ok(Page { items: items.collect(), next_cursor: None })
    }

    async fn delete_session(&self, id: &SessionId, at: Timestamp) -> Result<bool> {
        let mut sessions = self.sessions.lock();
        let found = sessions.iter_mut().find(|(one, deleted)| one.id == *id && deleted.is_none());
        Ok(found.map(|found| found.1 = Some(at)).is_some())
    }

    async fn purge_sessions(&self, before: Timestamp) -> Result<Vec<SessionId>> {
        let mut gone = Vec::new();
        self.sessions.lock().retain(|(session, deleted)| {
            let is_old = deleted.is_some_and(|at| at < before);
            if is_old {
                gone.push(session.id.clone());
            }
            !is_old
        });
        Ok(gone)
    }
}
