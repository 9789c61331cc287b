//! The server's side of a jail that stays.
//!
//! [`JailSession`] holds two things: the socket to the launcher, whose end is the end of the jail,
//! and the [`Line`] to init, which starts programs and answers.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    sync::watch,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{
    Jail, PROXY_PORT,
    cgroup::Group,
    channel::{self, Ask, ProgramLimits, Tell},
    line::Line,
    program::{self, Launched},
    supervise::{self, Environment, Launcher},
    wire::{Program, Purpose, Spec, SpecLimits},
};
use crate::{
    Command, Error, Execution, OutputSender, Process, Session, SessionRequest, SessionUsage, Stream,
    TerminalSize, WaysOut, jail::output,
};

/// How long the building of a jail may take on a loaded machine.
const BUILD_TIMEOUT: Duration = Duration::from_secs(20);
/// How long an answer may take that init gives at once.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a program inside may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of what a launcher complains of is kept.
const COMPLAINT_BYTES: usize = 2048;

/// A jail that stays.
pub(super) struct JailSession {
    line: Arc<Line>,
    group: Group,
    owner: Option<u32>,
    workspace: PathBuf,
    environment: Environment,
    file_bytes: u64,
    ways_out: Mutex<Option<WaysOut>>,
    closing: CancellationToken,
    is_closed: watch::Receiver<bool>,
}

/// Builds one and returns when programs can be started in it.
pub(super) async fn open(jail: &Jail, request: SessionRequest) -> Result<JailSession, Error> {
    supervise::validate_environment(&request.environment)?;
    let (spec, environment) = specification(jail, &request)?;
    let frame = supervise::encode(&spec, &[])?;
    let failed = |source| Error::Launcher { detail: "it has no channel".into(), source: Some(source) };
    let (ours, theirs) = channel::pair().map_err(failed)?;
    let mut started = supervise::start(&jail.options.launcher, theirs.into())?;
    let stderr = started.launcher.stderr();
    let (line, is_ready) = Line::open(ours).map_err(failed)?;
    let complaint = output::drain(stderr, Stream::Stderr, COMPLAINT_BYTES, None);
    let complaint = tokio::spawn(complaint);
    let sent = started.control.write_all(&frame).await;
    let closing = CancellationToken::new();
    let opened = timeout(BUILD_TIMEOUT, is_ready).await;
    let Ok(Ok(beside)) = opened else {
        // It says why on the way it was asked on, unless it is stuck.
        let answer = timeout(ANSWER_TIMEOUT, read_report(&mut started.control, opened.is_err())).await;
        let said = complaint.await.map(|kept| kept.bytes).unwrap_or_default();
        let answer = answer.unwrap_or_default();
        started.launcher.kill();
        sent.map_err(failed)?;
        return Err(supervise::refusal(&answer, &said, &spec));
    };
    let ways_out = ways_out(beside).map_err(failed)?;
    let (closed, is_closed) = watch::channel(false);
    let group = spec.cgroup.clone();
    tokio::spawn(hold(started.control, started.launcher, closing.clone(), group.clone(), closed));
    Ok(JailSession {
        line,
        group,
        owner: jail.host_id,
        workspace: spec.workspace,
        environment,
        file_bytes: request.limits.file_bytes,
        ways_out: Mutex::new(ways_out),
        closing,
        is_closed,
    })
}

fn specification(jail: &Jail, request: &SessionRequest) -> Result<(Spec, Environment), Error> {
    let limits = &request.limits;
    if limits.cpu_share.is_some_and(|share| share < 10) {
        let reason = "a share of less than 10 thousandths of a processor does not start anything";
        return Err(Error::InvalidRequest { reason: reason.into() });
    }
    if let Some((path, _)) = request.files.iter().find(|(path, _)| !path.starts_with("/etc")) {
        let reason = format!("{} is not below /etc, where files are shown", path.display());
        return Err(Error::InvalidRequest { reason });
    }
    let mut environment = supervise::base_environment(jail);
    if request.network {
        environment.extend(proxy_environment());
    }
    environment.extend(request.environment.clone());
    let mounts: Vec<&Path> = request.mounts.iter().map(|mount| mount.path.as_path()).collect();
    let spec = Spec {
        purpose: Purpose::Session { network: request.network },
        workspace: supervise::resolve(&request.workspace)?,
        layout: jail.layout.for_session(request.network, &request.files, &mounts),
        limits: SpecLimits {
            wall_ms: u64::MAX,
            cpu_ms: u64::MAX,
            cpu_share: limits.cpu_share,
            memory_bytes: limits.memory_bytes,
            processes: limits.processes,
            file_bytes: limits.file_bytes,
            disk_bytes: limits.disk_bytes,
            inodes: limits.inodes,
        },
        cgroup: jail.cgroups.group(&jail.next_run(), limits.cpu_share.is_some()),
        host_id: jail.host_id,
    };
    Ok((spec, environment))
}

/// Where programs that ask for a proxy find one. Both spellings are in use.
fn proxy_environment() -> Vec<(String, String)> {
    let proxy = format!("http://127.0.0.1:{PROXY_PORT}");
    let own = "localhost,127.0.0.1,::1,.localhost".to_owned();
    ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"]
        .into_iter()
        .map(|name| (name.to_owned(), proxy.clone()))
        .chain(["NO_PROXY", "no_proxy"].map(|name| (name.to_owned(), own.clone())))
        .collect()
}

/// In the order in which `launcher::ways_out` makes them.
fn ways_out(beside: Vec<OwnedFd>) -> io::Result<Option<WaysOut>> {
    let Ok([proxy, http, https, dns]) = <[OwnedFd; 4]>::try_from(beside) else { return Ok(None) };
    Ok(Some(WaysOut { proxy: proxy.into(), http: http.into(), https: https.into(), dns: dns.into() }))
}

/// Reads what the launcher has to say; one that is stuck is told to end.
async fn read_report(control: &mut UnixStream, is_stuck: bool) -> Vec<u8> {
    let mut answer = Vec::new();
    if is_stuck {
        let _ = control.shutdown().await;
    }
    let _ = control.read_to_end(&mut answer).await;
    answer
}

/// Holds the jail open until it is to be closed or ends by itself.
async fn hold(
    mut control: UnixStream,
    mut launcher: Launcher,
    closing: CancellationToken,
    group: Group,
    closed: watch::Sender<bool>,
) {
    let mut report = Vec::new();
    let (mut receiving, mut sending) = control.split();
    let reading = receiving.read_to_end(&mut report);
    tokio::pin!(reading);
    tokio::select! {
        _ = &mut reading => {}
        () = closing.cancelled() => {
            let _ = sending.shutdown().await;
            if timeout(ANSWER_TIMEOUT, &mut reading).await.is_err() {
                launcher.kill();
            }
        }
    }
    launcher.ended().await;
    // It does this itself, unless it was killed.
    group.remove();
    let _ = closed.send(true);
}

impl Drop for JailSession {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

impl JailSession {
    fn program(&self, command: &Command) -> Result<(Program, ProgramLimits), Error> {
        supervise::validate_argv(&command.argv)?;
        supervise::validate_environment(&command.environment)?;
        let mut environment = self.environment.clone();
        environment.extend(command.environment.clone());
        let below = Path::new(&command.folder);
        let is_below = below.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        if !is_below || command.folder.contains('\0') {
            let reason = format!("{} is not a folder below the workspace", command.folder);
            return Err(Error::InvalidRequest { reason });
        }
        let folder = Path::new("/workspace").join(below);
        let limits = ProgramLimits {
            cpu_ms: command.cpu.map(|cpu| u64::try_from(cpu.as_millis()).unwrap_or(u64::MAX)),
            file_bytes: self.file_bytes,
        };
        Ok((Program { argv: command.argv.clone(), environment, folder }, limits))
    }

    async fn launch(
        &self,
        command: &Command,
        terminal: Option<TerminalSize>,
        is_fed: bool,
    ) -> Result<Launched, Error> {
        let (program, limits) = self.program(command)?;
        let wanted = program::Wanted {
            program,
            limits,
            terminal,
            stdin: (!is_fed).then_some(command.stdin.as_slice()),
            wall: command.wall,
            cancel: command.cancel.clone(),
        };
        program::launch(&self.line, &self.group, self.owner, &self.closing, wanted).await
    }

    /// Something that init does at once.
    async fn simple(&self, ask: impl FnOnce(u64) -> Ask) -> Result<super::line::Answer, Error> {
        let mut answers = self.line.ask(ask, &[]).await?;
        timeout(ANSWER_TIMEOUT, answers.next()).await.map_err(|_| Error::Launcher {
            detail: "the jail's first process does not answer".into(),
            source: None,
        })?
    }

    async fn connect_over(&self, port: u16, is_v6: bool) -> Result<TcpStream, Error> {
        let failed = |source| Error::CannotConnect { port, source };
        match self.simple(|id| Ask::Connect { id, port, is_v6 }).await? {
            (Tell::Connection { errno: None, .. }, mut beside) => {
                let socket = beside.pop().ok_or_else(|| failed(io::ErrorKind::BrokenPipe.into()))?;
                let stream = TcpStream::from_std(socket.into()).map_err(failed)?;
                timeout(CONNECT_TIMEOUT, stream.writable())
                    .await
                    .map_err(|_| failed(io::ErrorKind::TimedOut.into()))?
                    .map_err(failed)?;
                match stream.take_error().map_err(failed)? {
                    Some(error) => Err(failed(error)),
                    None => {
                        let _ = stream.set_nodelay(true);
                        Ok(stream)
                    }
                }
            }
            (Tell::Connection { errno: Some(errno), .. }, _) => {
                Err(failed(io::Error::from_raw_os_error(errno)))
            }
            _ => Err(failed(io::ErrorKind::InvalidData.into())),
        }
    }
}

#[async_trait]
impl Session for JailSession {
    async fn execute(&self, command: Command, live: Option<OutputSender>) -> Result<Execution, Error> {
        let launched = self.launch(&command, None, false).await?;
        let ending = program::EndOnDrop(launched.handle.clone());
        let limit = command.output_bytes;
        let (stdout, stderr, exit) = tokio::join!(
            output::drain(launched.stdout, Stream::Stdout, limit, live.clone()),
            output::drain(launched.stderr, Stream::Stderr, limit, live),
            launched.handle.wait(),
        );
        drop(ending);
        let exit = exit.map_err(|error| program::owned(&error))?;
        Ok(Execution {
            outcome: exit.outcome,
            stdout: stdout.bytes,
            stderr: stderr.bytes,
            stdout_truncated: stdout.truncated,
            stderr_truncated: stderr.truncated,
            duration_ms: exit.duration_ms,
            cpu_ms: exit.cpu_ms,
            peak_memory_bytes: exit.peak_memory_bytes,
        })
    }

    async fn start(&self, command: Command, terminal: Option<TerminalSize>) -> Result<Process, Error> {
        let launched = self.launch(&command, terminal, true).await?;
        let mut process = launched.into_process();
        if !command.stdin.is_empty() {
            let failed = |source| Error::CannotStart { program: command.argv[0].clone(), source };
            process.write(&command.stdin).await.map_err(failed)?;
        }
        Ok(process)
    }

    async fn connect(&self, port: u16) -> Result<TcpStream, Error> {
        match self.connect_over(port, false).await {
            // Some servers listen on ::1 alone when they are told "localhost".
            Err(Error::CannotConnect { source, .. }) if source.kind() == io::ErrorKind::ConnectionRefused => {
                self.connect_over(port, true).await
            }
            other => other,
        }
    }

    async fn ports(&self) -> Result<Vec<u16>, Error> {
        match self.simple(|id| Ask::Ports { id }).await? {
            (Tell::Ports { ports, .. }, _) => Ok(ports),
            _ => Ok(Vec::new()),
        }
    }

    fn take_ways_out(&self) -> Option<WaysOut> {
        self.ways_out.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    async fn end_all(&self) -> Result<(), Error> {
        self.simple(|id| Ask::KillAll { id }).await.map(drop)
    }

    async fn pause(&self) -> Result<(), Error> {
        self.simple(|id| Ask::Pause { id }).await.map(drop)
    }

    async fn resume(&self) -> Result<(), Error> {
        self.simple(|id| Ask::Resume { id }).await.map(drop)
    }

    async fn snapshot(&self, folder: PathBuf) -> Result<(), Error> {
        self.pause().await?;
        let from = self.workspace.clone();
        let to = folder.clone();
        let copied = tokio::task::spawn_blocking(move || super::copy::copy(&from, &to)).await;
        self.resume().await?;
        let failed = |source| Error::Workspace { path: folder, source };
        copied.map_err(io::Error::other).and_then(|copied| copied).map_err(failed)
    }

    fn usage(&self) -> SessionUsage {
        SessionUsage {
            memory_bytes: self.group.memory_bytes(),
            cpu_ms: self.group.cpu_us().map(|us| us / 1000),
            processes: self.group.processes(),
        }
    }

    fn owner(&self) -> Option<(u32, u32)> {
        self.owner.map(|id| (id, id))
    }

    async fn close(&self) {
        self.closing.cancel();
        self.closed().await;
    }

    async fn closed(&self) {
        let mut is_closed = self.is_closed.clone();
        let _ = is_closed.wait_for(|closed| *closed).await;
    }
}

/// Gives a pipe to the user the programs run as, who may want to open it by name.
pub(super) fn give(descriptor: &OwnedFd, owner: Option<u32>) {
    if let Some(id) = owner {
        let (user, group) = (nix::unistd::Uid::from_raw(id), nix::unistd::Gid::from_raw(id));
        let _ = nix::unistd::fchown(descriptor.as_fd(), Some(user), Some(group));
    }
}
