//! Init of a jail that stays: starts programs when it is asked to, tells what became of them, and
//! makes connections to their ports.
//!
//! It does nothing that a program could make it wait for. Every program has a keeper
//! ([`keeper`](super::keeper)); a child of init that is no keeper has lost its own, and is ended.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{Signal, kill},
        signalfd::{SfdFlags, SignalFd},
    },
    unistd::{Pid, getpid},
};

use super::{
    Failure, Stage,
    exec::Stdio,
    init::{Inside, Message},
    keeper::{self, Kept, say},
    resource_limits::ProcessLimits,
    syscalls, usage, ways_out,
};
use crate::jail::{
    channel::{self, Ask, End, ProgramLimits, Size, Tell},
    wire::Program,
};

/// The launcher's word that the workspace holds too much. Init waits for the signals that its
/// keepers wait for, which have them blocked from their first moment on.
pub(super) const DISK_LIMIT: Signal = keeper::KILL;
/// The launcher's word that the programs hold too much memory.
pub(super) const OUT_OF_MEMORY: Signal = keeper::INTERRUPT;
/// Node and its tools watch and read many files at once.
const OPEN_FILES: u64 = 16_384;

pub(super) struct Session<'inside> {
    inside: &'inside Inside<'inside>,
    channel: BorrowedFd<'inside>,
    signals: SignalFd,
    /// Keepers, with the number of the program they keep.
    keepers: HashMap<Pid, u64>,
    /// Why all programs are being ended, for those that are.
    cause: HashMap<u64, End>,
}

/// Serves until the other side of the channel is gone.
pub(super) fn serve(
    inside: &Inside<'_>,
    channel: BorrowedFd<'_>,
    ways_out: &[OwnedFd],
    sender: &mut File,
) -> Result<(), Failure> {
    let stage = "the session's signals";
    let awaited = keeper::signals();
    awaited.thread_block().stage(stage)?;
    let signals =
        SignalFd::with_flags(&awaited, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).stage(stage)?;
    super::silence().stage("the closing of the outputs")?;
    inside.filters.apply().stage("the seccomp filter")?;
    let _ = sender.write_all(&Message::Started.encode());
    let ready = channel::encode(&Tell::Ready).unwrap_or_default();
    let beside: Vec<BorrowedFd<'_>> = ways_out.iter().map(AsFd::as_fd).collect();
    channel::send(channel, &ready, &beside).stage("the first word to the server")?;
    let session = Session { inside, channel, signals, keepers: HashMap::new(), cause: HashMap::new() };
    session.until_over();
    Ok(())
}

impl Session<'_> {
    fn until_over(mut self) {
        let mut buffer = Vec::new();
        loop {
            let mut fds = [
                PollFd::new(self.channel, PollFlags::POLLIN),
                PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            ];
            if poll(&mut fds, PollTimeout::NONE).is_err() {
                continue;
            }
            let [is_asked, is_signalled] = fds.map(|fd| fd.any().unwrap_or(true));
            if is_signalled {
                self.read_signals();
            }
            if is_asked {
                match channel::receive::<Ask>(self.channel, &mut buffer) {
                    Ok(Some((ask, beside))) => self.answer(ask, beside),
                    Ok(None) => return,
                    // A message that cannot be read is the server's mistake, and it waits for an
                    // answer that will not come; the end of the jail is one.
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => return,
                }
            }
        }
    }

    fn answer(&mut self, ask: Ask, beside: Vec<OwnedFd>) {
        match ask {
            Ask::Start { id, program, limits, terminal } => {
                if let Err(Failure { stage, errno }) = self.start(id, &program, limits, terminal, &beside) {
                    self.say(&Tell::Refused { id, stage, errno: errno as i32 });
                }
            }
            Ask::Kill { id } => self.signal_keeper(id, keeper::KILL),
            Ask::Interrupt { id } => self.signal_keeper(id, keeper::INTERRUPT),
            Ask::KillAll { id } => {
                self.end_all(End::Signalled(libc::SIGKILL));
                self.say(&Tell::Done { id });
            }
            Ask::Pause { id } => self.signal_all(id, Signal::SIGSTOP),
            Ask::Resume { id } => self.signal_all(id, Signal::SIGCONT),
            Ask::Connect { id, port, is_v6 } => match ways_out::begin_connection(port, is_v6) {
                Ok(socket) => self.say_beside(&Tell::Connection { id, errno: None }, &[socket.as_fd()]),
                Err(errno) => self.say(&Tell::Connection { id, errno: Some(errno as i32) }),
            },
            Ask::Ports { id } => {
                let ports = ways_out::listening_ports().unwrap_or_default();
                self.say(&Tell::Ports { id, ports });
            }
        }
    }

    fn start(
        &mut self,
        id: u64,
        program: &Program,
        limits: ProgramLimits,
        terminal: Option<Size>,
        beside: &[OwnedFd],
    ) -> Result<(), Failure> {
        let terminal = terminal.map(open_terminal).transpose().stage("a terminal")?;
        let stdio = match (&terminal, beside) {
            (Some((_, slave)), _) => Stdio::Terminal(slave.as_fd()),
            (None, [stdin, stdout, stderr]) => Stdio::Pipes([stdin.as_fd(), stdout.as_fd(), stderr.as_fd()]),
            _ => return Err(Errno::EBADF).stage("the standard descriptors"),
        };
        let kept = Kept {
            id,
            spec: self.inside.spec,
            program,
            limits: ProcessLimits {
                cpu_ms: limits.cpu_ms,
                file_bytes: limits.file_bytes,
                open_files: OPEN_FILES,
            },
            channel: self.channel,
        };
        // Before the keeper can say anything.
        match &terminal {
            Some((master, _)) => self.say_beside(&Tell::Started { id }, &[master.as_fd()]),
            None => self.say(&Tell::Started { id }),
        }
        let Some(pid) = syscalls::fork().stage("the keeper of the program")? else {
            keeper::main(&kept, stdio)
        };
        self.keepers.insert(pid, id);
        Ok(())
    }

    fn signal_keeper(&self, id: u64, signal: Signal) {
        if let Some((pid, _)) = self.keepers.iter().find(|(_, kept)| **kept == id) {
            let _ = kill(*pid, signal);
            // It may be stopped, by a pause or by its own program.
            let _ = kill(*pid, Signal::SIGCONT);
        }
    }

    /// Everything inside but init itself, by the kernel's own loop.
    fn signal_all(&self, id: u64, signal: Signal) {
        let _ = kill(Pid::from_raw(-1), signal);
        self.say(&Tell::Done { id });
    }

    fn end_all(&mut self, cause: End) {
        for id in self.keepers.values() {
            self.cause.insert(*id, cause);
        }
        let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
    }

    fn read_signals(&mut self) {
        while let Ok(Some(information)) = self.signals.read_signal() {
            // Whoever is outside has no number in here; a program's own signal means nothing.
            if information.ssi_pid != 0 {
                continue;
            }
            match information.ssi_signo.cast_signed() {
                signal if signal == DISK_LIMIT as i32 => self.end_all(End::DiskLimit),
                signal if signal == OUT_OF_MEMORY as i32 => self.end_all(End::OutOfMemory),
                _ => {}
            }
        }
        self.reap();
    }

    fn reap(&mut self) {
        let mut may_have_strays = false;
        while let Ok(Some((pid, status))) = syscalls::wait_any_ended() {
            let id = self.keepers.remove(&pid);
            may_have_strays |= id.is_none() || status != 0;
            let Some(id) = id else { continue };
            let cause = self.cause.remove(&id);
            if status != 0 {
                // It did not get to say it.
                let end = cause.unwrap_or(keeper::end_of(status));
                self.say(&Tell::Ended { id, end, cpu_us: 0, peak_memory_bytes: 0 });
            }
        }
        if may_have_strays {
            self.end_strays();
        }
    }

    /// Ends what has lost its keeper. What that leaves behind falls to init again, and is found
    /// when the signal of its end comes.
    fn end_strays(&self) {
        for pid in usage::children(getpid().as_raw()) {
            let pid = Pid::from_raw(pid);
            if !self.keepers.contains_key(&pid) {
                keeper::end_all_below(pid);
                let _ = kill(pid, Signal::SIGKILL);
            }
        }
    }

    fn say(&self, tell: &Tell) {
        say(self.channel, tell);
    }

    fn say_beside(&self, tell: &Tell, beside: &[BorrowedFd<'_>]) {
        if let Some(encoded) = channel::encode(tell) {
            let _ = channel::send(self.channel, &encoded, beside);
        }
    }
}

/// A terminal of the jail's own: the side a person sits at, and the program's.
fn open_terminal(size: Size) -> io::Result<(OwnedFd, OwnedFd)> {
    use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags)?;
    unlockpt(&master)?;
    let slave = ioctl_tiocgptpeer(&master, flags)?;
    let size =
        rustix::termios::Winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(&slave, size)?;
    Ok((master, slave))
}
