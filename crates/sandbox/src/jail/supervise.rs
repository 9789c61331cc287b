//! The server's side of a run: start the launcher, hand it the specification, read what the
//! program writes, and take the report.

use std::{
    io::{self, Read, Write},
    os::{fd::OwnedFd, unix::net::UnixStream as BlockingStream},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    process::{Child, Command},
};

use super::{
    Jail, output,
    wire::{self, Finished, Program, Purpose, Report, Spec},
};
use crate::{Error, Execution, OutputSender, Request, Stream};

/// Names and values of variables.
pub(super) type Environment = std::collections::BTreeMap<String, String>;

/// How much longer than the wall limit a launcher may take before it is taken for stuck. It has
/// to cover the building of the jail and the removal of what was in it on a loaded machine.
const LAUNCHER_GRACE: Duration = Duration::from_secs(30);

pub(super) async fn execute(
    jail: &Jail,
    request: Request,
    live: Option<OutputSender>,
) -> Result<Execution, Error> {
    validate_argv(&request.argv)?;
    validate_environment(&request.environment)?;
    let spec = specification(jail, &request)?;
    let frame = encode(&spec, &request.stdin)?;
    let deadline = request.limits.wall.saturating_add(LAUNCHER_GRACE);
    let limit = request.limits.output_bytes;
    let Started { mut control, mut launcher } = start(&jail.options.launcher, Stdio::piped())?;
    let (stdout, stderr) = launcher.outputs();
    let conversation = async {
        let talking = talk(&mut control, &frame, &request.cancel);
        tokio::join!(
            output::drain(stdout, Stream::Stdout, limit, live.clone()),
            output::drain(stderr, Stream::Stderr, limit, live),
            talking,
        )
    };
    // From here to the end, dropping this future drops `control`, and that kills the run.
    let Ok((stdout, stderr, answer)) = tokio::time::timeout(deadline, conversation).await else {
        launcher.kill();
        spec.cgroup.remove();
        return Err(Error::Launcher { detail: "it did not answer in time".into(), source: None });
    };
    let answer = answer.map_err(|source| Error::Launcher {
        detail: "the conversation broke off".into(),
        source: Some(source),
    })?;
    let finished = conclude(understand(&answer, &stderr.bytes, &spec)?, &request.argv)?;
    Ok(Execution {
        outcome: finished.ending.into(),
        stdout: stdout.bytes,
        stderr: stderr.bytes,
        stdout_truncated: stdout.truncated,
        stderr_truncated: stderr.truncated,
        duration_ms: finished.duration_ms,
        cpu_ms: finished.cpu_us.div_ceil(1000),
        peak_memory_bytes: finished.peak_memory_bytes,
    })
}

/// Sends the frame and waits for the report, passing a cancellation on as the end of our side.
async fn talk(
    control: &mut UnixStream,
    frame: &[u8],
    cancel: &tokio_util::sync::CancellationToken,
) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    // A launcher that gives up before it has read everything breaks the pipe, but may have said why.
    let sent = control.write_all(frame).await;
    let (mut receiving, mut sending) = control.split();
    let reading = receiving.read_to_end(&mut answer);
    tokio::pin!(reading);
    tokio::select! {
        read = &mut reading => { read?; }
        () = cancel.cancelled() => {
            let _ = sending.shutdown().await;
            reading.await?;
        }
    }
    match sent {
        Err(error) if answer.is_empty() => Err(error),
        _ => Ok(answer),
    }
}

fn understand(answer: &[u8], stderr: &[u8], spec: &Spec) -> Result<Report, Error> {
    serde_json::from_slice(answer).map_err(|error| {
        // The launcher is gone without a word, so its folders are ours to remove.
        spec.cgroup.remove();
        let said = String::from_utf8_lossy(&stderr[..stderr.len().min(500)]).trim().to_owned();
        Error::Launcher { detail: format!("no report ({error}); it wrote: {said:?}"), source: None }
    })
}

/// Why a jail that was to stay was not built.
pub(super) fn refusal(answer: &[u8], stderr: &[u8], spec: &Spec) -> Error {
    match understand(answer, stderr, spec).and_then(|report| conclude(report, &[String::new()])) {
        Err(error) => error,
        Ok(finished) => {
            let detail = format!("the jail ended while it was built: {:?}", finished.ending);
            Error::Launcher { detail, source: None }
        }
    }
}

/// What a report says happened, or the error it stands for.
fn conclude(report: Report, argv: &[String]) -> Result<Finished, Error> {
    let system = io::Error::from_raw_os_error;
    match report {
        Report::Finished(finished) => Ok(finished),
        Report::Refused { stage, errno } => Err(Error::Refused { stage, source: system(errno) }),
        Report::CannotStart { errno } => {
            Err(Error::CannotStart { program: argv[0].clone(), source: system(errno) })
        }
        Report::DiskNearlyFull { free_bytes } => Err(Error::DiskNearlyFull { free_bytes }),
    }
}

/// Refuses what cannot be executed.
pub(super) fn validate_argv(argv: &[String]) -> Result<(), Error> {
    if argv.first().is_none_or(String::is_empty) {
        return invalid("it names no program");
    }
    if argv.iter().any(|argument| argument.contains('\0')) {
        return invalid("it contains a NUL character");
    }
    Ok(())
}

/// Refuses what cannot be in an environment.
pub(super) fn validate_environment(environment: &Environment) -> Result<(), Error> {
    if environment.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
        return invalid("it contains a NUL character");
    }
    if environment.keys().any(|name| name.is_empty() || name.contains('=')) {
        return invalid("a variable of its environment has no proper name");
    }
    Ok(())
}

fn invalid(reason: &str) -> Result<(), Error> {
    Err(Error::InvalidRequest { reason: reason.to_owned() })
}

/// The few variables every program gets.
pub(super) fn base_environment(jail: &Jail) -> Environment {
    [
        ("HOME", "/workspace"),
        ("LANG", "C.UTF-8"),
        ("PATH", jail.layout.search_path.as_str()),
        ("TMPDIR", "/tmp"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

fn specification(jail: &Jail, request: &Request) -> Result<Spec, Error> {
    let mut environment = base_environment(jail);
    environment.extend(request.environment.clone());
    Ok(Spec {
        purpose: Purpose::Run(Program {
            argv: request.argv.clone(),
            environment,
            folder: "/workspace".into(),
        }),
        workspace: resolve(&request.workspace)?,
        layout: jail.layout.clone(),
        limits: (&request.limits).into(),
        cgroup: jail.cgroups.group(&jail.next_run(), false),
        host_id: jail.host_id,
    })
}

/// The workspace's own path, without links.
pub(super) fn resolve(workspace: &Path) -> Result<PathBuf, Error> {
    let failed = |source| Error::Workspace { path: workspace.to_owned(), source };
    let resolved = workspace.canonicalize().map_err(failed)?;
    if !resolved.is_dir() {
        return Err(failed(io::ErrorKind::NotADirectory.into()));
    }
    // Handing over or exposing one of these could only be a mistake.
    if resolved.parent().is_none_or(|parent| parent.parent().is_none()) {
        let reason = format!("{} is a folder of the system, not a workspace", resolved.display());
        return Err(Error::InvalidRequest { reason });
    }
    Ok(resolved)
}

/// The frame for a launcher.
pub(super) fn encode(spec: &Spec, stdin: &[u8]) -> Result<Vec<u8>, Error> {
    wire::encode(spec, stdin)
        .map_err(|_| Error::InvalidRequest { reason: "the path of its workspace is not UTF-8".into() })
}

/// A launcher that waits for its specification.
pub(super) struct Started {
    pub control: UnixStream,
    pub launcher: Launcher,
}

/// A launcher process that is waited for even when nobody asks for its end.
pub(super) struct Launcher {
    child: Option<Child>,
}

impl Launcher {
    fn outputs(&mut self) -> (tokio::process::ChildStdout, tokio::process::ChildStderr) {
        let child = self.child.as_mut().expect("taken only when dropped");
        (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"))
    }

    /// What it complains of, once; for a launcher whose standard output goes elsewhere.
    pub(super) fn stderr(&mut self) -> tokio::process::ChildStderr {
        self.child.as_mut().and_then(|child| child.stderr.take()).expect("piped, and taken once")
    }

    /// Returns when it has ended.
    pub(super) async fn ended(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.wait().await;
        }
    }

    pub(super) fn kill(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.start_kill();
        }
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        if let (Some(mut child), Ok(runtime)) = (self.child.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move { child.wait().await });
        }
    }
}

/// Starts a launcher, with something as its standard output.
pub(super) fn start(command: &[std::ffi::OsString], stdout: Stdio) -> Result<Started, Error> {
    let failed = |source| Error::Launcher { detail: "it could not be started".into(), source: Some(source) };
    let (ours, theirs) = BlockingStream::pair().map_err(failed)?;
    ours.set_nonblocking(true).map_err(failed)?;
    let control = UnixStream::from_std(ours).map_err(failed)?;
    let child = Command::from(bare_command(command)?)
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    Ok(Started { control, launcher: Launcher { child: Some(child) } })
}

/// The launcher with nothing of ours: no environment, and a process group of its own, so that a
/// Ctrl-C in the server's terminal does not reach it.
fn bare_command(command: &[std::ffi::OsString]) -> Result<std::process::Command, Error> {
    use std::os::unix::process::CommandExt;
    let [program, arguments @ ..] = command else {
        return Err(Error::Launcher { detail: "no launcher command is configured".into(), source: None });
    };
    let mut command = std::process::Command::new(program);
    command.args(arguments).env_clear().current_dir("/").process_group(0);
    Ok(command)
}

/// Runs a command to its end without an async runtime; for `probe`.
pub(super) fn check(jail: &Jail, request: &Request) -> Result<crate::Outcome, Error> {
    let failed = |source| Error::Launcher { detail: "the trial run failed".into(), source: Some(source) };
    let spec = specification(jail, request)?;
    let frame = encode(&spec, &request.stdin)?;
    let (mut ours, theirs) = BlockingStream::pair().map_err(failed)?;
    ours.set_read_timeout(Some(request.limits.wall + LAUNCHER_GRACE)).map_err(failed)?;
    let mut child = bare_command(&jail.options.launcher)?
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let mut answer = Vec::new();
    let read = ours.write_all(&frame).and_then(|()| ours.read_to_end(&mut answer));
    drop(ours);
    let _ = child.wait();
    read.map_err(failed)?;
    conclude(understand(&answer, b"", &spec)?, &request.argv).map(|finished| finished.ending.into())
}
