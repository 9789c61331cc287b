//! The process over one program of a session, and over all that the program starts.
//!
//! It is the one to whom orphans below it are handed (`PR_SET_CHILD_SUBREAPER`), so whatever a
//! program's children do to get away, they stay below its keeper. The keeper ends them all when
//! the program has ended or when it is told to, and only then says that the program has ended.
//!
//! A program has the same user and may kill its keeper; then what is below falls to init, which
//! ends it, and says it.

use std::{
    os::fd::BorrowedFd,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    sys::{
        prctl,
        resource::{UsageWho, getrusage},
        signal::{SigSet, Signal, kill},
        time::TimeValLike,
    },
    unistd::{Pid, getpid},
};

use super::{
    Failure, Stage,
    exec::{self, NotStarted, Stdio},
    resource_limits::ProcessLimits,
    syscalls, usage,
};
use crate::jail::{
    channel::{self, End, Tell},
    wire::{Program, Spec},
};

/// Tells a keeper to end what it keeps.
pub(super) const KILL: Signal = Signal::SIGUSR1;
/// Tells it to interrupt the program's process group.
pub(super) const INTERRUPT: Signal = Signal::SIGUSR2;

/// How often to look again at what does not go away by itself.
const ROUND: Duration = Duration::from_millis(1);
/// How often to look at the time the program has used.
const CPU_INTERVAL: Duration = Duration::from_millis(50);

/// What a keeper needs to know.
pub(super) struct Kept<'inside> {
    pub id: u64,
    pub spec: &'inside Spec,
    pub program: &'inside Program,
    pub limits: ProcessLimits,
    pub channel: BorrowedFd<'inside>,
}

/// What a keeper blocks and waits for; to be blocked before it is forked.
pub(super) fn signals() -> SigSet {
    [Signal::SIGCHLD, KILL, INTERRUPT].into_iter().collect()
}

/// Starts the program and stays until nothing of it is left.
pub(super) fn main(kept: &Kept<'_>, stdio: Stdio<'_>) -> ! {
    let tell = match keep(kept, stdio) {
        Ok(end) => ended(kept.id, end),
        Err(Failure { stage, errno }) => Tell::Refused { id: kept.id, stage, errno: errno as i32 },
    };
    say(kept.channel, &tell);
    syscalls::exit_now(0)
}

fn keep(kept: &Kept<'_>, stdio: Stdio<'_>) -> Result<End, Failure> {
    prctl::set_child_subreaper(true).stage("the keeper of the program")?;
    let Some(program) = syscalls::fork().stage("the program's process")? else {
        let tell = match exec::become_program(kept.spec, kept.program, &kept.limits, stdio) {
            NotStarted::Refused(Failure { stage, errno }) => {
                Tell::Refused { id: kept.id, stage, errno: errno as i32 }
            }
            NotStarted::CannotStart(errno) => Tell::CannotStart { id: kept.id, errno: errno as i32 },
        };
        say(kept.channel, &tell);
        syscalls::exit_now(127)
    };
    Ok(Keeper { program, limits: &kept.limits, end: None, is_out_of_time: false }.until_over())
}

struct Keeper<'inside> {
    program: Pid,
    limits: &'inside ProcessLimits,
    end: Option<End>,
    is_out_of_time: bool,
}

impl Keeper<'_> {
    fn until_over(mut self) -> End {
        let signals = signals();
        let mut is_ending = false;
        loop {
            let patience = if is_ending { Some(ROUND) } else { self.limits.cpu_ms.map(|_| CPU_INTERVAL) };
            match syscalls::wait_for_signal(&signals, patience) {
                Some(signal) if signal == KILL as i32 => is_ending = true,
                Some(signal) if signal == INTERRUPT as i32 && self.end.is_none() => {
                    let _ = kill(Pid::from_raw(-self.program.as_raw()), Signal::SIGINT);
                }
                _ => {}
            }
            let has_children = self.reap();
            self.is_out_of_time |= self.end.is_none() && self.has_used_its_time();
            is_ending |= self.end.is_some() || self.is_out_of_time;
            if !has_children {
                let end = self.end.unwrap_or(End::Signalled(libc::SIGKILL));
                return if self.is_out_of_time { End::CpuLimit } else { end };
            }
            if is_ending {
                end_all_below(getpid());
            }
        }
    }

    /// Takes what has ended. `false` when nothing is left.
    fn reap(&mut self) -> bool {
        loop {
            match syscalls::wait_any_ended() {
                Ok(Some((pid, status))) if pid == self.program => self.end = Some(end_of(status)),
                Ok(Some(_)) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }

    fn has_used_its_time(&self) -> bool {
        let Some(cpu_ms) = self.limits.cpu_ms else { return false };
        // Init's own use is small; this keeper's is none.
        usage::of(getpid()).cpu > Duration::from_millis(cpu_ms)
    }
}

/// How a status of waitpid(2) reads.
pub(super) fn end_of(status: i32) -> End {
    if libc::WIFSIGNALED(status) {
        End::Signalled(libc::WTERMSIG(status))
    } else {
        End::Exited(libc::WEXITSTATUS(status))
    }
}

/// Sends `SIGKILL` to everything below a process, and before it `SIGSTOP`, so that what forks as
/// fast as it is killed comes to rest: what is stopped has no children any more.
pub(super) fn end_all_below(top: Pid) {
    let deadline = Instant::now() + Duration::from_millis(20);
    let mut known = Vec::new();
    loop {
        let below = usage::below(top);
        let is_new = below.iter().any(|pid| !known.contains(pid));
        for pid in &below {
            let _ = kill(Pid::from_raw(*pid), Signal::SIGSTOP);
        }
        known = below;
        if !is_new || Instant::now() > deadline {
            break;
        }
    }
    for pid in known {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

fn ended(id: u64, end: End) -> Tell {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).ok();
    let micros = usage
        .map_or(0, |usage| usage.user_time().num_microseconds() + usage.system_time().num_microseconds());
    let peak_kib = usage.map_or(0, |usage| usage.max_rss());
    Tell::Ended {
        id,
        end,
        cpu_us: u64::try_from(micros).unwrap_or(0),
        peak_memory_bytes: u64::try_from(peak_kib).unwrap_or(0) * 1024,
    }
}

/// The server may be gone; then nobody is told.
pub(super) fn say(channel: BorrowedFd<'_>, tell: &Tell) {
    if let Some(encoded) = channel::encode(tell) {
        while matches!(channel::send(channel, &encoded, &[]), Err(error)
            if error.raw_os_error() == Some(Errno::EINTR as i32))
        {}
    }
}
