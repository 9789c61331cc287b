//! What is asked of a sandbox and what it answers.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// One command to run.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The folder on the host that is `/workspace` inside, the working directory, and the only
    /// place that persists. When the server runs as root its content is handed over to the
    /// unprivileged user the command runs as.
    pub workspace: PathBuf,
    /// The program and its arguments; a program without a slash is looked up in the `PATH` inside.
    pub argv: Vec<String>,
    /// What the command reads from its standard input, which is then at its end.
    pub stdin: Vec<u8>,
    /// Added to the few variables every command gets (`PATH`, `HOME`, `LANG`, `TMPDIR`); a
    /// variable given here wins. Nothing of the server's environment is inherited.
    pub environment: BTreeMap<String, String>,
    /// What the command may use.
    pub limits: Limits,
    /// Cancels the command but keeps the future: it resolves with [`Outcome::Cancelled`] and what
    /// was written so far. Dropping the future cancels as well.
    pub cancel: CancellationToken,
}

/// What one command, with everything it starts, may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time on the clock, from the start of the command.
    pub wall: Duration,
    /// Processor time of all processes together.
    pub cpu: Duration,
    /// Memory of all processes together, with `/tmp`, `/dev/shm` and cached files.
    pub memory_bytes: u64,
    /// Processes and threads at any one time.
    pub processes: u64,
    /// The largest file the command can write. Going past it is `EFBIG`, or `SIGXFSZ`, for the
    /// writer.
    pub file_bytes: u64,
    /// Bytes below the workspace, with what was there before. The tree is watched, not fenced by
    /// the file system: a command that goes past this is killed, having overshot by at most what
    /// it can write in 2 ms at 4 GB/s plus the time a walk over the tree takes.
    pub disk_bytes: u64,
    /// Files and folders below the workspace; watched in the same way. A tree deeper than 256
    /// folders counts as past this limit.
    pub inodes: u64,
    /// Bytes kept of each of stdout and stderr. What comes after is read and thrown away: the
    /// command goes on, and [`Execution`] says that its output was cut.
    pub output_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall: Duration::from_secs(60),
            cpu: Duration::from_secs(60),
            memory_bytes: 1 << 30,
            processes: 128,
            file_bytes: 512 << 20,
            disk_bytes: 1 << 30,
            inodes: 100_000,
            output_bytes: 1 << 20,
        }
    }
}

/// How a command ended, and what it left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// Why it ended.
    pub outcome: Outcome,
    /// The first [`Limits::output_bytes`] of its standard output.
    pub stdout: Vec<u8>,
    /// The same of its standard error.
    pub stderr: Vec<u8>,
    /// Whether there was more standard output than was kept.
    pub stdout_truncated: bool,
    /// Whether there was more standard error than was kept.
    pub stderr_truncated: bool,
    /// From the start of the command to the end of its last process.
    pub duration_ms: u64,
    /// Processor time of all its processes.
    pub cpu_ms: u64,
    /// The most memory it held at one time: of all processes with their cached files where there
    /// is a memory cgroup, else of its largest process.
    pub peak_memory_bytes: Option<u64>,
}

/// Why a command ended. Each cause is observed where it is decided (the kernel's own counters,
/// the clock of the one that kills), never guessed from an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It returned this exit code.
    Exited(i32),
    /// It was ended by this signal, sent by itself or by one of its own processes.
    Signalled(i32),
    /// [`Limits::wall`] was over.
    TimedOut,
    /// [`Limits::cpu`] was used up.
    CpuLimit,
    /// [`Limits::memory_bytes`] was needed and more; all its processes were killed.
    OutOfMemory,
    /// [`Limits::disk_bytes`] or [`Limits::inodes`] was passed, the host's disk was nearly full,
    /// or a process was ended for writing past [`Limits::file_bytes`].
    DiskLimit,
    /// [`Request::cancel`] was triggered.
    Cancelled,
}

impl Outcome {
    /// Whether the command ended by itself with exit code 0.
    #[must_use]
    pub fn is_success(self) -> bool {
        self == Self::Exited(0)
    }
}

/// Where live output goes. A sandbox never waits for the receiver: what does not fit in the
/// channel is left out and counted in the next chunk's [`OutputChunk::missed_bytes`]; the
/// [`Execution`] has it all the same.
pub type OutputSender = mpsc::Sender<OutputChunk>;

/// A piece of output, as it came. Nothing past [`Limits::output_bytes`] is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputChunk {
    /// Which of the two streams.
    pub stream: Stream,
    /// What was written; not cut at line or character boundaries.
    pub bytes: Vec<u8>,
    /// Bytes of this stream that were left out just before, because the receiver was slow.
    pub missed_bytes: u64,
}

/// One of a command's two output streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}
