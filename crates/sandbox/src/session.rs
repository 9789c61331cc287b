//! A sandbox that stays: programs come and go in it, and find what the ones before them left.
//!
//! Invariants, beside those of the crate:
//! - A program of a session has ended only when everything it started has ended as well.
//! - When the session is closed, dropped, or its server is killed, everything in it goes.
//! - What a program does to others of its session, its limits and its ways out, it does to its own
//!   session only.

use std::{
    collections::BTreeMap,
    net::{TcpListener, UdpSocket},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    sync::{mpsc, watch},
};
use tokio_util::sync::CancellationToken;

use crate::{Error, Execution, Mount, Outcome, OutputChunk, OutputSender};

/// What a session is opened with.
#[derive(Clone, Debug, Default)]
pub struct SessionRequest {
    /// The folder on the host that is `/workspace` inside; see [`crate::Request::workspace`].
    pub workspace: PathBuf,
    /// What every program of the session gets, beside the few variables all have.
    pub environment: BTreeMap<String, String>,
    /// What all programs together may use.
    pub limits: SessionLimits,
    /// Whether the session gets [`WaysOut`]. Its own loopback it has in any case.
    pub network: bool,
    /// Files that are visible inside, read-only: a path below `/etc` and the content.
    pub files: Vec<(PathBuf, String)>,
    /// Files and folders of the host that are visible inside, read-only, at the same path.
    pub mounts: Vec<Mount>,
}

/// What all programs of a session together may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// See [`crate::Limits::memory_bytes`]. The kernel ends the largest program when it is reached.
    pub memory_bytes: u64,
    /// Processes and threads at any one time; every program of the session takes one more.
    pub processes: u64,
    /// Thousandths of a processor; `None` for all there are.
    pub cpu_share: Option<u32>,
    /// The largest file a program can write.
    pub file_bytes: u64,
    /// See [`crate::Limits::disk_bytes`]. All programs of the session are ended when it is passed.
    pub disk_bytes: u64,
    /// See [`crate::Limits::inodes`].
    pub inodes: u64,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            memory_bytes: 2 << 30,
            processes: 512,
            cpu_share: None,
            file_bytes: 1 << 30,
            disk_bytes: 4 << 30,
            inodes: 250_000,
        }
    }
}

/// A program to run in a session.
#[derive(Clone, Debug, Default)]
pub struct Command {
    /// The program and its arguments; a program without a slash is looked up in the `PATH` inside.
    pub argv: Vec<String>,
    /// Where it starts, below the workspace; empty for the workspace itself.
    pub folder: String,
    /// Added to the session's variables; one given here wins.
    pub environment: BTreeMap<String, String>,
    /// What it reads. After it comes the end, for [`Session::execute`]; for [`Session::start`]
    /// whatever is written to [`Process::input`].
    pub stdin: Vec<u8>,
    /// Time on the clock; it is ended when it is over.
    pub wall: Option<Duration>,
    /// Processor time of it and all it starts; the same.
    pub cpu: Option<Duration>,
    /// Bytes kept of each of stdout and stderr by [`Session::execute`].
    pub output_bytes: usize,
    /// Cancels it; see [`crate::Request::cancel`].
    pub cancel: CancellationToken,
}

/// The size of a terminal, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalSize {
    /// From top to bottom.
    pub rows: u16,
    /// From left to right.
    pub columns: u16,
}

/// The sockets at which programs of a session arrive that connect to anything beyond it. Nobody
/// has to be told where: all addresses lead here.
#[derive(Debug)]
pub struct WaysOut {
    /// An HTTP proxy is expected here; the environment names it to programs that ask.
    pub proxy: TcpListener,
    /// What was sent to port 80 of any address; `local_addr` of a connection says which.
    pub http: TcpListener,
    /// What was sent to port 443 of any address.
    pub https: TcpListener,
    /// Questions for names.
    pub dns: UdpSocket,
}

/// What a session uses now, where the machine can tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionUsage {
    /// Of all its processes, with `/tmp` and cached files.
    pub memory_bytes: Option<u64>,
    /// Since it was opened.
    pub cpu_ms: Option<u64>,
    /// Processes and threads.
    pub processes: Option<u64>,
}

/// An open session. Dropping it closes it.
#[async_trait]
pub trait Session: Send + Sync {
    /// Runs a program to its end. Dropping the future ends the program and all it started.
    async fn execute(&self, command: Command, output: Option<OutputSender>) -> Result<Execution, Error>;

    /// Starts a program that stays, at a terminal of its own or with pipes. It goes on until it
    /// ends, is ended, or the session is closed.
    async fn start(&self, command: Command, terminal: Option<TerminalSize>) -> Result<Process, Error>;

    /// Connects to a port that a program inside listens on.
    async fn connect(&self, port: u16) -> Result<TcpStream, Error>;

    /// The ports from 1024 on that programs inside listen on, ascending.
    async fn ports(&self) -> Result<Vec<u16>, Error>;

    /// The sockets that lead out, once; `None` when there are none or somebody has them.
    fn take_ways_out(&self) -> Option<WaysOut>;

    /// Ends all programs at once. The session stays.
    async fn end_all(&self) -> Result<(), Error>;

    /// Stops all programs where they are, until [`Session::resume`].
    async fn pause(&self) -> Result<(), Error>;

    /// Lets them go on.
    async fn resume(&self) -> Result<(), Error>;

    /// Copies the workspace as it is, with no program writing to it meanwhile, to a folder that
    /// does not exist yet.
    async fn snapshot(&self, folder: PathBuf) -> Result<(), Error>;

    /// What it uses now.
    fn usage(&self) -> SessionUsage;

    /// Who owns the files that programs inside write, on the host: what the server writes for them
    /// has to be given to this user and group. `None` when it is the server's own.
    fn owner(&self) -> Option<(u32, u32)>;

    /// Ends everything and returns when it is gone.
    async fn close(&self);

    /// Returns when the session is closed, by whomever.
    async fn closed(&self);
}

/// A program that was started in a session.
pub struct Process {
    /// What it reads: its standard input, or what is typed at its terminal.
    pub input: Box<dyn AsyncWrite + Send + Unpin>,
    /// What it writes, as it comes; a terminal has [`crate::Stream::Stdout`] only. A program whose
    /// output is not taken waits. It ends when the program has.
    pub output: mpsc::Receiver<OutputChunk>,
    /// What can be done to it. It may outlive the other two.
    pub handle: ProcessHandle,
}

impl Process {
    /// Writes to its input.
    ///
    /// # Errors
    /// When it does not read any more.
    pub async fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.input.write_all(bytes).await?;
        self.input.flush().await
    }
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Process").finish_non_exhaustive()
    }
}

/// How a started program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Why.
    pub outcome: Outcome,
    /// From its start to the end of its last process.
    pub duration_ms: u64,
    /// Processor time of all its processes.
    pub cpu_ms: u64,
    /// The most memory its largest process held.
    pub peak_memory_bytes: Option<u64>,
}

/// What a driver does for a [`ProcessHandle`].
pub(crate) trait Control: Send + Sync {
    fn kill(&self);
    fn interrupt(&self);
    fn resize(&self, size: TerminalSize);
}

/// A started program, to be waited for or ended.
#[derive(Clone)]
pub struct ProcessHandle {
    pub(crate) control: Arc<dyn Control>,
    pub(crate) exit: watch::Receiver<Option<Result<Exit, Arc<Error>>>>,
}

impl ProcessHandle {
    /// Ends it and all it started.
    pub fn kill(&self) {
        self.control.kill();
    }

    /// What Ctrl-C does.
    pub fn interrupt(&self) {
        self.control.interrupt();
    }

    /// Tells its terminal its new size; does nothing without one.
    pub fn resize(&self, size: TerminalSize) {
        self.control.resize(size);
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn exit(&self) -> Option<Result<Exit, Arc<Error>>> {
        self.exit.borrow().clone()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it could not be started, or the session ended first.
    pub async fn wait(&self) -> Result<Exit, Arc<Error>> {
        let mut exit = self.exit.clone();
        match exit.wait_for(Option::is_some).await.map(|exit| exit.clone()) {
            Ok(Some(exit)) => exit,
            _ => Err(Arc::new(Error::SessionClosed)),
        }
    }
}

impl std::fmt::Debug for ProcessHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProcessHandle").field("exit", &*self.exit.borrow()).finish()
    }
}
