//! The parent's side of one child: starting it, asking it, and finding out how it ended.
//!
//! Invariant: nothing here waits longer than it was told to, whatever the child does or leaves undone.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::de::DeserializeOwned;

use super::protocol::{Answer, Header, PREFIX, Ready, Setup, frame};
use crate::error::{Error, Result};
use crate::limits::Limits;

/// How long a child may take to start.
const START: Duration = Duration::from_secs(30);
/// How often it is looked whether anyone still waits for the answer, in milliseconds.
const LOOK_EVERY: u16 = 200;

/// A child that reads documents. It is killed when this is dropped.
pub(super) struct Process {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    longest_answer: u64,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The child has ended or closed its output.
    Ended,
    /// The time is over.
    Late,
    /// Nobody waits any more.
    Unwanted,
    /// What it says makes no sense.
    Nonsense,
}

impl Process {
    /// Starts a child and waits until it has limited itself.
    pub fn start(program: &[OsString], setup: &Setup) -> Result<Self> {
        let unavailable = |reason: String| Error::WorkerUnavailable { reason };
        let Some((path, arguments)) = program.split_first() else {
            return Err(unavailable("no program is named".into()));
        };
        let mut command = Command::new(path);
        command.args(arguments).env_clear().current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| unavailable(error.to_string()))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(unavailable("it has no standard input or output".into()));
        };
        // Of each byte of text there are two copies in an answer, and JSON writes some bytes as six.
        let longest_answer = setup.limits.text_bytes.saturating_mul(16).saturating_add(64 << 20);
        let mut process = Self { child, input, output, longest_answer };
        let began = process.unblock().and_then(|()| frame(setup));
        let began = began.map_err(|error| unavailable(error.to_string()))?;
        let deadline = Instant::now() + START;
        let wanted = || false;
        let ready =
            process.write(&began, deadline, &wanted).and_then(|()| process.receive(deadline, &wanted));
        match ready {
            Ok(Ready { ready: true }) => Ok(process),
            _ => Err(unavailable("it does not answer".into())),
        }
    }

    /// Whether the child has ended while nothing was asked of it.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Gives the child a document and waits for what it makes of it.
    pub fn ask(
        &mut self,
        header: &Header,
        bytes: &[u8],
        wall: Duration,
        unwanted: &dyn Fn() -> bool,
    ) -> Result<Answer, Failure> {
        let deadline = Instant::now() + wall;
        let header = frame(header).map_err(|_| Failure::Nonsense)?;
        self.write(&header, deadline, unwanted)?;
        self.write(bytes, deadline, unwanted)?;
        self.receive(deadline, unwanted)
    }

    /// Ends the child and says what its failure means for the document.
    pub fn end(&mut self, failure: &Failure, limits: &Limits) -> Error {
        if !matches!(failure, Failure::Ended) {
            let _ = self.child.kill();
        }
        let too_slow = Error::TooSlow { seconds: limits.wall.as_secs() };
        match failure {
            Failure::Late => too_slow,
            Failure::Nonsense => Error::damaged("its reader gave no sensible answer"),
            Failure::Unwanted => Error::WorkerUnavailable { reason: "nobody waited for the answer".into() },
            Failure::Ended => match self.wait().and_then(|status| status.signal()) {
                Some(libc::SIGXCPU) => too_slow,
                Some(libc::SIGABRT | libc::SIGSEGV | libc::SIGBUS | libc::SIGKILL) => {
                    Error::too_complex("its reader ran out of memory or stack")
                }
                _ => Error::damaged("its reader ended without an answer"),
            },
        }
    }

    /// The status of a child that has closed its output and so should end at once.
    fn wait(&mut self) -> Option<std::process::ExitStatus> {
        const ENDS_WITHIN: Duration = Duration::from_secs(5);
        let deadline = Instant::now() + ENDS_WITHIN;
        while Instant::now() < deadline {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) => std::thread::sleep(Duration::from_millis(2)),
                Err(_) => return None,
            }
        }
        None
    }

    fn unblock(&self) -> io::Result<()> {
        fcntl(&self.input, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        fcntl(&self.output, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        Ok(())
    }

    fn write(
        &mut self,
        mut bytes: &[u8],
        deadline: Instant,
        unwanted: &dyn Fn() -> bool,
    ) -> Result<(), Failure> {
        while !bytes.is_empty() {
            match self.input.write(bytes) {
                Ok(0) => return Err(Failure::Ended),
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait_for(&self.input, PollFlags::POLLOUT, deadline, unwanted)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Failure::Ended),
            }
        }
        Ok(())
    }

    fn receive<T: DeserializeOwned>(
        &mut self,
        deadline: Instant,
        unwanted: &dyn Fn() -> bool,
    ) -> Result<T, Failure> {
        let mut prefix = [0; PREFIX];
        let bytes = self.read(PREFIX, deadline, unwanted)?;
        prefix.copy_from_slice(&bytes);
        let length = u64::from_le_bytes(prefix);
        if length > self.longest_answer {
            return Err(Failure::Nonsense);
        }
        let text = self.read(usize::try_from(length).unwrap_or(usize::MAX), deadline, unwanted)?;
        serde_json::from_slice(&text).map_err(|_| Failure::Nonsense)
    }

    /// Reads exactly so many bytes. Memory is taken as they come, not as they are announced.
    fn read(
        &mut self,
        length: usize,
        deadline: Instant,
        unwanted: &dyn Fn() -> bool,
    ) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        let mut part = vec![0; length.min(1 << 18)];
        while bytes.len() < length {
            let room = part.len().min(length - bytes.len());
            match self.output.read(&mut part[..room]) {
                Ok(0) => return Err(Failure::Ended),
                Ok(read) => bytes.extend_from_slice(&part[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait_for(&self.output, PollFlags::POLLIN, deadline, unwanted)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Failure::Ended),
            }
        }
        Ok(bytes)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until a pipe can be used or has ended.
fn wait_for(
    pipe: &impl AsFd,
    flags: PollFlags,
    deadline: Instant,
    unwanted: &dyn Fn() -> bool,
) -> Result<(), Failure> {
    loop {
        if unwanted() {
            return Err(Failure::Unwanted);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Failure::Late);
        }
        let millis = u16::try_from(left.as_millis()).unwrap_or(u16::MAX).clamp(1, LOOK_EVERY);
        let mut waiting = [PollFd::new(pipe.as_fd(), flags)];
        match poll(&mut waiting, PollTimeout::from(millis)) {
            Ok(0) | Err(nix::errno::Errno::EINTR) => {}
            Ok(_) => return Ok(()),
            Err(_) => return Err(Failure::Ended),
        }
    }
}
