//! Programs that are servers of tools, each in a jail of its own.
//!
//! Invariants: a program is started by the jail or not at all; it sees the folders and reaches the
//! hosts that were approved for it, and nothing else of this machine; it ends with whoever holds it.
//!
//! Its working folder stays from one start to the next, and its home is in it, so that what it
//! fetched once is there the next time.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agents::PendingTools;
use async_trait::async_trait;
use connectors::{Programs, RunningProgram, Starting};
use kernel::{Clock, Error, Result};
use parking_lot::Mutex;
use sandbox::egress::{self, Egress, Policy, Registries, Rule, Uplink};
use sandbox::{Command, Mount, ProcessHandle, Session, SessionLimits, SessionRequest, Stream};
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;

/// Where a program keeps caches and settings.
const HOME: &str = "/workspace/.home";
/// Where what belongs there lies before it is copied.
const HOME_SOURCE: &str = "/etc/atelier/home";
/// How much of what it writes waits to be read.
const PIPE_BYTES: usize = 256 << 10;
/// How much of its standard error is kept.
const COMPLAINT_BYTES: usize = 4 << 10;

/// Starts programs in jails.
pub(crate) struct JailedPrograms {
    /// The jail, once it is found.
    pub tools: PendingTools,
    /// Where the programs' folders are.
    pub folder: PathBuf,
    /// The registries this machine is set up with.
    pub registries: fn() -> Registries,
    /// This machine's way to the net.
    pub uplink: fn() -> Uplink,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

/// What a running program is kept by.
struct Held {
    handle: ProcessHandle,
    _session: Arc<dyn Session>,
    _egress: Option<Egress>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.handle.kill();
    }
}

#[async_trait]
impl Programs for JailedPrograms {
    async fn start(&self, starting: Starting<'_>) -> Result<RunningProgram> {
        let Starting { server, program, secrets } = starting;
        let folders = absent(&program.folders);
        if let Some(absent) = folders {
            let message = format!("The folder {absent} of the server `{server}` is not there");
            return Err(Error::invalid("connector_folder_missing", message)
                .with_hint("Give the folders that it reads, as absolute paths"));
        }
        let workspace = self.folder.join(server);
        tokio::fs::create_dir_all(&workspace).await.map_err(unusable)?;
        let registries = match program.registries {
            true => tokio::task::spawn_blocking(self.registries).await.unwrap_or_default(),
            false => Registries::default(),
        };
        let network = program.registries || !program.hosts.is_empty();
        let inside = registries.inside();
        let mut environment = inside.environment.clone();
        environment.insert("HOME".into(), HOME.into());
        let mounts = inside.readable.iter().cloned().chain(program.folders.iter().map(PathBuf::from));
        let files = inside.files.iter();
        let request = SessionRequest {
            workspace,
            environment,
            limits: SessionLimits::default(),
            network,
            files: files.map(|(path, text)| (Path::new(HOME_SOURCE).join(path), text.clone())).collect(),
            mounts: mounts.map(|path| Mount { path }).collect(),
        };
        let session = self.tools.clone().await.sandbox.open(request).await?;
        prepare_home(session.as_ref(), !inside.files.is_empty()).await?;
        let policy = policy_of(program, &registries)?;
        let egress = session.take_ways_out().map(|ways| self.egress(ways, policy)).transpose()?;
        let mut variables = program.environment.clone();
        variables.extend(secrets.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())));
        let argv = std::iter::once(&program.command).chain(&program.args).cloned().collect();
        let command = Command { argv, environment: variables, ..Command::default() };
        let process = session.start(command, None).await?;
        let complaints = Arc::new(Mutex::new(VecDeque::new()));
        let (written, output) = tokio::io::duplex(PIPE_BYTES);
        tokio::spawn(carry(process.output, written, complaints.clone()));
        let hold = Held { handle: process.handle, _session: session, _egress: egress };
        Ok(RunningProgram {
            input: process.input,
            output: Box::new(output),
            complaints: Box::new(move || {
                let bytes: Vec<u8> = complaints.lock().iter().copied().collect();
                String::from_utf8_lossy(&bytes).into_owned()
            }),
            hold: Box::new(hold),
        })
    }

    async fn forget(&self, server: &str) -> Result<()> {
        match tokio::fs::remove_dir_all(self.folder.join(server)).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(unusable(error)),
            _ => Ok(()),
        }
    }
}

impl JailedPrograms {
    fn egress(&self, ways: sandbox::WaysOut, policy: Policy) -> Result<Egress> {
        let listeners =
            egress::Listeners { proxy: ways.proxy, http: ways.http, https: ways.https, dns: ways.dns };
        let options = egress::Options {
            uplink: (self.uplink)(),
            limits: egress::Limits::default(),
            clock: self.clock.clone(),
            on_connection: Arc::new(|connection| tracing::debug!(?connection, "a server of tools went out")),
        };
        Egress::start(listeners, policy, options).map_err(unusable)
    }
}

fn unusable(error: std::io::Error) -> Error {
    Error::unavailable("connector_folder_unusable", format!("The folder of a server of tools: {error}"))
        .with_hint("Check that the workspace's disk is there and not full")
}

fn absent(folders: &std::collections::BTreeSet<String>) -> Option<&String> {
    folders.iter().find(|folder| !Path::new(folder).exists())
}

fn policy_of(program: &connectors::Program, registries: &Registries) -> Result<Policy> {
    let policy = Policy::default().allow_registries(registries);
    program.hosts.iter().try_fold(policy, |policy, host| {
        let rule: Rule = host.parse().map_err(|error: egress::RuleError| {
            let message = format!("`{host}` is no host that can be allowed: {error}");
            Error::invalid("egress_rule_invalid", message).with_hint("Name hosts like api.example.com")
        })?;
        Ok(policy.allow(rule))
    })
}

async fn prepare_home(session: &dyn Session, has_files: bool) -> Result<()> {
    let copying = if has_files { format!(" && cp -rf {HOME_SOURCE}/. {HOME}") } else { String::new() };
    let command = Command {
        argv: ["sh", "-c", &format!("mkdir -p {HOME}{copying}")].map(str::to_owned).into(),
        wall: Some(Duration::from_secs(20)),
        output_bytes: 1024,
        ..Command::default()
    };
    let execution = session.execute(command, None).await?;
    if execution.outcome.is_success() {
        return Ok(());
    }
    Err(unusable(std::io::Error::other(String::from_utf8_lossy(&execution.stderr).into_owned())))
}

/// Carries what a program writes to whoever reads it, and keeps the end of what it complains of.
async fn carry(
    mut chunks: mpsc::Receiver<sandbox::OutputChunk>,
    mut output: DuplexStream,
    complaints: Arc<Mutex<VecDeque<u8>>>,
) {
    while let Some(chunk) = chunks.recv().await {
        match chunk.stream {
            Stream::Stdout => {
                if output.write_all(&chunk.bytes).await.is_err() {
                    return;
                }
            }
            Stream::Stderr => {
                let mut kept = complaints.lock();
                kept.extend(chunk.bytes);
                let surplus = kept.len().saturating_sub(COMPLAINT_BYTES);
                kept.drain(..surplus);
            }
        }
    }
}
