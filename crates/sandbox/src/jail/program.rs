//! One program of a jail that stays, seen from the server.

use std::{
    fs::File,
    io::{self, Seek, Write},
    os::fd::{AsFd, OwnedFd},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use rustix::fs::{MemfdFlags, memfd_create};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    net::unix::pipe,
    sync::{mpsc, watch},
    time::{sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    cgroup::Group,
    channel::{Ask, End, ProgramLimits, Size, Tell},
    line::{Answers, Line},
    session::give,
    wire::Program,
};
use crate::{
    Error, Outcome, OutputChunk, Process, ProcessHandle, Stream, TerminalSize,
    session::{Control, Exit},
};

/// How long a program and all it started may take to go when they are ended.
const END_TIMEOUT: Duration = Duration::from_secs(5);
/// Chunks of output that wait to be taken.
const CHUNKS: usize = 64;

/// What is to be started.
pub(super) struct Wanted<'command> {
    pub program: Program,
    pub limits: ProgramLimits,
    pub terminal: Option<TerminalSize>,
    /// All it reads; `None` when more is to come.
    pub stdin: Option<&'command [u8]>,
    pub wall: Option<Duration>,
    pub cancel: CancellationToken,
}

/// A program that has a process.
pub(super) struct Launched {
    input: Option<Box<dyn AsyncWrite + Send + Unpin>>,
    pub stdout: Box<dyn AsyncRead + Send + Unpin>,
    pub stderr: Box<dyn AsyncRead + Send + Unpin>,
    pub handle: ProcessHandle,
}

/// Starts it. What becomes of it is told by the handle.
pub(super) async fn launch(
    line: &Arc<Line>,
    group: &Group,
    owner: Option<u32>,
    closing: &CancellationToken,
    wanted: Wanted<'_>,
) -> Result<Launched, Error> {
    let Wanted { program, limits, terminal, stdin, wall, cancel } = wanted;
    let name = program.argv[0].clone();
    let failed = |source| Error::CannotStart { program: name.clone(), source };
    let ends = match terminal {
        None => Some(Ends::new(stdin, owner).map_err(failed)?),
        Some(_) => None,
    };
    let (theirs, ours) = ends.map_or((Vec::new(), None), |ends| (ends.theirs.into(), Some(ends.ours)));
    let memory_kills = group.memory_kills();
    let size = terminal.map(|size| Size { rows: size.rows, columns: size.columns });
    let ask = |id| Ask::Start { id, program, limits, terminal: size };
    let mut answers = line.ask(ask, &theirs).await?;
    drop(theirs);
    let beside = match answers.next().await? {
        (Tell::Started { .. }, beside) => beside,
        (other, _) => return Err(refused(other, &name)),
    };
    let master = beside.into_iter().next().map(Arc::new);
    let (wishes, wished) = mpsc::unbounded_channel();
    let (exit, is_over) = watch::channel(None);
    let follow = Follow {
        line: Arc::clone(line),
        answers,
        group: group.clone(),
        memory_kills,
        started: Instant::now(),
        wall,
        cancel,
        wished,
        closing: closing.clone(),
        name: name.clone(),
    };
    tokio::spawn(async move {
        let _ = exit.send(Some(follow.until_over().await.map_err(Arc::new)));
    });
    let control = Arc::new(ByWish { wishes, terminal: master.clone() });
    let handle = ProcessHandle { control, exit: is_over };
    match (ours, master) {
        (Some(ours), _) => ours.launched(handle),
        (None, Some(master)) => at_terminal(&master, handle),
        (None, None) => Err(io::ErrorKind::BrokenPipe.into()),
    }
    .map_err(failed)
}

/// The ends of a program's pipes.
struct Ends {
    theirs: [OwnedFd; 3],
    ours: Ours,
}

struct Ours {
    input: Option<OwnedFd>,
    stdout: OwnedFd,
    stderr: OwnedFd,
}

impl Ends {
    fn new(stdin: Option<&[u8]>, owner: Option<u32>) -> io::Result<Self> {
        let (their_stdin, input) = match stdin {
            Some([]) => (OwnedFd::from(File::open("/dev/null")?), None),
            Some(bytes) => (in_memory(bytes)?, None),
            None => {
                let (reader, writer) = io::pipe()?;
                (OwnedFd::from(reader), Some(OwnedFd::from(writer)))
            }
        };
        let (stdout, their_stdout) = io::pipe()?;
        let (stderr, their_stderr) = io::pipe()?;
        let theirs = [their_stdin, their_stdout.into(), their_stderr.into()];
        for pipe in &theirs[usize::from(input.is_none())..] {
            give(pipe, owner);
        }
        Ok(Self { theirs, ours: Ours { input, stdout: stdout.into(), stderr: stderr.into() } })
    }
}

impl Ours {
    fn launched(self, handle: ProcessHandle) -> io::Result<Launched> {
        let input = self.input.map(pipe::Sender::from_owned_fd).transpose()?;
        Ok(Launched {
            input: input.map(|input| Box::new(input) as Box<dyn AsyncWrite + Send + Unpin>),
            stdout: Box::new(pipe::Receiver::from_owned_fd(self.stdout)?),
            stderr: Box::new(pipe::Receiver::from_owned_fd(self.stderr)?),
            handle,
        })
    }
}

/// What a program reads lies in memory, so that nobody has to pump it.
fn in_memory(bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(memfd_create("stdin", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
    file.write_all(bytes)?;
    file.rewind()?;
    let all = rustix::fs::SealFlags::SEAL
        | rustix::fs::SealFlags::SHRINK
        | rustix::fs::SealFlags::GROW
        | rustix::fs::SealFlags::WRITE;
    rustix::fs::fcntl_add_seals(&file, all)?;
    Ok(file.into())
}

fn at_terminal(master: &OwnedFd, handle: ProcessHandle) -> io::Result<Launched> {
    let [reading, writing] = [master.try_clone()?, master.try_clone()?];
    rustix::io::ioctl_fionbio(&reading, true)?;
    Ok(Launched {
        input: Some(Box::new(pipe::Sender::from_owned_fd_unchecked(writing)?)),
        stdout: Box::new(Master(pipe::Receiver::from_owned_fd_unchecked(reading)?)),
        stderr: Box::new(tokio::io::empty()),
        handle,
    })
}

/// What is shown at a terminal. When nobody is at its other side any more, reading fails with
/// `EIO` (tty_ioctl(4)); that is its end.
struct Master(pipe::Receiver);

impl AsyncRead for Master {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.0).poll_read(context, buffer) {
            Poll::Ready(Err(error)) if error.raw_os_error() == Some(libc::EIO) => Poll::Ready(Ok(())),
            other => other,
        }
    }
}

impl Launched {
    /// As whoever asked for a program that stays gets it.
    pub(super) fn into_process(self) -> Process {
        let (sender, output) = mpsc::channel(CHUNKS);
        for (source, stream) in [(self.stdout, Stream::Stdout), (self.stderr, Stream::Stderr)] {
            tokio::spawn(pass_on(source, stream, sender.clone()));
        }
        let input = self.input.unwrap_or_else(|| Box::new(tokio::io::sink()));
        Process { input, output, handle: self.handle }
    }
}

/// Waits for the receiver; when it is gone, reads on so that the program does not wait for ever.
async fn pass_on(
    mut source: Box<dyn AsyncRead + Send + Unpin>,
    stream: Stream,
    sender: mpsc::Sender<OutputChunk>,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = source.read(&mut buffer).await {
        let _ = sender.send(OutputChunk { stream, bytes: buffer[..read].to_vec(), missed_bytes: 0 }).await;
    }
}

/// What somebody wants done to a program.
enum Wish {
    Kill,
    Interrupt,
}

struct ByWish {
    wishes: mpsc::UnboundedSender<Wish>,
    terminal: Option<Arc<OwnedFd>>,
}

impl Control for ByWish {
    fn kill(&self) {
        let _ = self.wishes.send(Wish::Kill);
    }

    fn interrupt(&self) {
        let _ = self.wishes.send(Wish::Interrupt);
    }

    fn resize(&self, size: TerminalSize) {
        if let Some(terminal) = &self.terminal {
            let size = rustix::termios::Winsize {
                ws_row: size.rows,
                ws_col: size.columns,
                ws_xpixel: 0,
                ws_ypixel: 0,
            };
            let _ = rustix::termios::tcsetwinsize(terminal.as_fd(), size);
        }
    }
}

/// Ends a program when whoever waits for it lets go.
pub(super) struct EndOnDrop(pub ProcessHandle);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        if self.0.exit().is_none() {
            self.0.kill();
        }
    }
}

/// Waits for a program's end, and ends it when its time is over or somebody wants it.
struct Follow {
    line: Arc<Line>,
    answers: Answers,
    group: Group,
    memory_kills: u64,
    started: Instant,
    wall: Option<Duration>,
    cancel: CancellationToken,
    wished: mpsc::UnboundedReceiver<Wish>,
    closing: CancellationToken,
    name: String,
}

impl Follow {
    async fn until_over(mut self) -> Result<Exit, Error> {
        let deadline = self.wall.and_then(|wall| self.started.checked_add(wall));
        // Far enough; a clock cannot be waited for that has no end.
        let deadline = deadline.unwrap_or_else(|| self.started + Duration::from_secs(86_400 * 365));
        let mut has_handles = true;
        let cause = loop {
            tokio::select! {
                answer = self.answers.next() => return self.exit(answer?.0, None),
                () = sleep_until(deadline.into()) => break Outcome::TimedOut,
                () = self.cancel.cancelled() => break Outcome::Cancelled,
                wish = self.wished.recv(), if has_handles => match wish {
                    Some(Wish::Kill) => break Outcome::Cancelled,
                    Some(Wish::Interrupt) => self.line.add(&Ask::Interrupt { id: self.answers.id() }).await?,
                    None => has_handles = false,
                },
            }
        };
        let id = self.answers.id();
        self.line.add(&Ask::Kill { id }).await?;
        if let Ok(answer) = timeout(END_TIMEOUT, self.answers.next()).await {
            return self.exit(answer?.0, Some(cause));
        }
        tracing::warn!(program = %self.name, "a program does not end alone; all of its session are ended");
        let _all = self.line.ask(|id| Ask::KillAll { id }, &[]).await?;
        if let Ok(answer) = timeout(END_TIMEOUT, self.answers.next()).await {
            return self.exit(answer?.0, Some(cause));
        }
        self.closing.cancel();
        Err(Error::SessionClosed)
    }

    fn exit(&self, tell: Tell, cause: Option<Outcome>) -> Result<Exit, Error> {
        let Tell::Ended { end, cpu_us, peak_memory_bytes, .. } = tell else {
            return Err(refused(tell, &self.name));
        };
        let was_killed = end == End::Signalled(libc::SIGKILL);
        let outcome = match (cause, end) {
            (Some(cause), _) => cause,
            _ if was_killed && self.group.memory_kills() > self.memory_kills => Outcome::OutOfMemory,
            (None, End::Exited(code)) => Outcome::Exited(code),
            (None, End::CpuLimit | End::Signalled(libc::SIGXCPU)) => Outcome::CpuLimit,
            (None, End::DiskLimit | End::Signalled(libc::SIGXFSZ)) => Outcome::DiskLimit,
            (None, End::OutOfMemory) => Outcome::OutOfMemory,
            (None, End::Signalled(signal)) => Outcome::Signalled(signal),
        };
        Ok(Exit {
            outcome,
            duration_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            cpu_ms: cpu_us.div_ceil(1000),
            peak_memory_bytes: (peak_memory_bytes > 0).then_some(peak_memory_bytes),
        })
    }
}

/// The error that an answer stands for.
fn refused(tell: Tell, program: &str) -> Error {
    let system = io::Error::from_raw_os_error;
    match tell {
        Tell::CannotStart { errno, .. } => {
            Error::CannotStart { program: program.to_owned(), source: system(errno) }
        }
        Tell::Refused { stage, errno, .. } => Error::Refused { stage, source: system(errno) },
        _ => Error::SessionClosed,
    }
}

/// An error that several may have waited for.
pub(super) fn owned(error: &Error) -> Error {
    let again = |source: &io::Error| {
        source.raw_os_error().map_or_else(|| source.kind().into(), io::Error::from_raw_os_error)
    };
    match error {
        Error::CannotStart { program, source } => {
            Error::CannotStart { program: program.clone(), source: again(source) }
        }
        Error::Refused { stage, source } => Error::Refused { stage: stage.clone(), source: again(source) },
        _ => Error::SessionClosed,
    }
}
