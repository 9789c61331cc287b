//! The launcher's loop: waits for the program to end, and ends it when it must. Of a jail that
//! stays it ends the programs, not the jail, and knows no time: the server keeps that.
//!
//! Invariant: a cause is decided once, by whoever saw it first; what init says afterwards (the
//! program was killed, of course) does not change it.

use std::{
    fs::File,
    io::Read,
    os::{fd::AsFd, unix::net::UnixStream},
    time::{Duration, Instant},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        eventfd::EventFd,
        signal::{Signal, kill},
    },
    unistd::Pid,
};

use super::{init::Message, quota::Quota, session, syscalls, usage};
use crate::jail::{
    cgroup::Controller,
    wire::{Ending, Finished, Purpose, Report, Spec},
};

/// How long the building of a jail may take on a loaded machine, before its clock starts.
const BUILD_TIMEOUT: Duration = Duration::from_secs(20);
/// How often to look whether a session in which nothing happened has woken up.
const REST_INTERVAL: Duration = Duration::from_millis(100);
/// How often to count by hand what no cgroup counts.
const COUNTING_INTERVAL: Duration = Duration::from_millis(10);

pub(super) struct Watch<'run> {
    spec: &'run Spec,
    init: Pid,
    control: &'run UnixStream,
    messages: File,
    memory_event: Option<EventFd>,
    quota: Quota,
    received: Vec<u8>,
    started: Option<Instant>,
    built_by: Instant,
    said: Option<Message>,
    cause: Option<Ending>,
    counted: usage::Usage,
    /// What the session's group had used at the last look, and whether that was all it used since.
    cpu_us: Option<u64>,
    is_at_rest: bool,
    /// When it was last seen at work.
    active_at: Instant,
    /// What those wrote that init has reaped.
    reaped_wrote: u64,
}

impl<'run> Watch<'run> {
    pub(super) fn new(
        spec: &'run Spec,
        init: Pid,
        control: &'run UnixStream,
        messages: File,
        memory_event: Option<EventFd>,
        quota: Quota,
    ) -> Self {
        Self {
            spec,
            init,
            control,
            messages,
            memory_event,
            quota,
            received: Vec::new(),
            started: None,
            built_by: Instant::now() + BUILD_TIMEOUT,
            said: None,
            cause: None,
            counted: usage::Usage::default(),
            cpu_us: None,
            is_at_rest: false,
            active_at: Instant::now(),
            reaped_wrote: 0,
        }
    }

    /// Ends everything, when the launcher itself cannot go on.
    pub(super) fn abort(&self) {
        let _ = kill(self.init, Signal::SIGKILL);
    }

    /// Returns when init has ended and with it, by the kernel's rule, everything inside.
    pub(super) fn until_over(mut self) -> Report {
        while self.wait() {
            self.look();
        }
        let waited = syscalls::wait_with_usage(self.init);
        let ended = Instant::now();
        let usage = waited.map(|(_, usage)| usage).ok();
        self.report(ended, usage)
    }

    /// Waits for news or the next look. `false` when init is gone.
    fn wait(&mut self) -> bool {
        let timeout = PollTimeout::try_from(self.next_look()).unwrap_or(PollTimeout::from(50_u8));
        let mut fds = vec![
            PollFd::new(self.messages.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.control.as_fd(), PollFlags::POLLIN),
        ];
        if self.cause.is_some() {
            // Only the end is of interest, and a closed socket would wake us for ever.
            fds.truncate(1);
        } else if let Some(event) = &self.memory_event {
            fds.push(PollFd::new(event.as_fd(), PollFlags::POLLIN));
        }
        if poll(&mut fds, timeout).is_err() {
            return true;
        }
        let is_ready: Vec<bool> = fds.iter().map(|fd| fd.any().unwrap_or(true)).collect();
        drop(fds);
        let is_alive = !is_ready[0] || self.read_messages();
        if is_ready.get(1) == Some(&true) {
            self.end(Ending::Cancelled);
        }
        if is_ready.get(2) == Some(&true) {
            self.end(Ending::OutOfMemory);
        }
        is_alive
    }

    fn read_messages(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let Ok(read @ 1..) = self.messages.read(&mut buffer) else { return false };
        self.received.extend_from_slice(&buffer[..read]);
        while let Some(end) = self.received.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.received.drain(..=end).collect();
            match serde_json::from_slice(&line) {
                Ok(Message::Started) => self.started = Some(Instant::now()),
                Ok(Message::ReapedWrote(bytes)) => self.reaped_wrote = bytes,
                Ok(message) if self.said.is_none() => self.said = Some(message),
                _ => {}
            }
        }
        true
    }

    fn next_look(&self) -> Duration {
        let mut next = if self.is_at_rest { REST_INTERVAL } else { self.quota.interval() };
        if let Some(deadline) = self.deadline() {
            next = next.min(deadline.saturating_duration_since(Instant::now()));
        }
        if !self.spec.cgroup.has(Controller::Memory) {
            next = next.min(COUNTING_INTERVAL);
        }
        // Rounded up, or the last millisecond before a deadline is spent polling.
        next + Duration::from_millis(1)
    }

    fn deadline(&self) -> Option<Instant> {
        match self.started {
            Some(_) if self.is_session() => None,
            Some(started) => started.checked_add(Duration::from_millis(self.spec.limits.wall_ms)),
            None => Some(self.built_by),
        }
    }

    /// Looks at everything that gives no notice of itself.
    fn look(&mut self) {
        if self.cause.is_some() || self.said.is_some() {
            return;
        }
        // What was written just before it came to rest may not have been walked over yet.
        if self.is_session() && self.rests() && !self.quota.has_to_walk_since(self.active_at) {
            return;
        }
        let (init, reaped_wrote) = (self.init, self.reaped_wrote);
        if self.quota.is_exceeded(|| reaped_wrote + usage::written_bytes(init)) {
            self.end(Ending::DiskLimit);
        }
        let cpu = self.cpu();
        if !self.is_session() && cpu > Duration::from_millis(self.spec.limits.cpu_ms) {
            self.end(Ending::CpuLimit);
        }
        if !self.spec.cgroup.has(Controller::Memory)
            && self.counted.resident_bytes > self.spec.limits.memory_bytes
            && usage::proportional_bytes(self.init) > self.spec.limits.memory_bytes
        {
            self.end(Ending::OutOfMemory);
        }
        if self.deadline().is_some_and(|deadline| Instant::now() >= deadline) {
            self.end(Ending::TimedOut);
        }
    }

    /// Whether nothing ran in the session since the last look, so that nothing can have been
    /// written.
    fn rests(&mut self) -> bool {
        let cpu_us = self.spec.cgroup.cpu_us();
        self.is_at_rest = self.started.is_some() && cpu_us.is_some() && cpu_us == self.cpu_us;
        self.cpu_us = cpu_us;
        if !self.is_at_rest {
            self.active_at = Instant::now();
        }
        self.is_at_rest
    }

    fn cpu(&mut self) -> Duration {
        let is_counted_here =
            !self.spec.cgroup.has(Controller::Memory) || !self.spec.cgroup.has(Controller::Cpu);
        if is_counted_here {
            self.counted = usage::of(self.init);
        }
        self.spec.cgroup.cpu_us().map_or(self.counted.cpu, Duration::from_micros)
    }

    fn is_session(&self) -> bool {
        matches!(self.spec.purpose, Purpose::Session { .. })
    }

    fn end(&mut self, cause: Ending) {
        let of_programs = match cause {
            Ending::DiskLimit => Some(session::DISK_LIMIT),
            Ending::OutOfMemory => Some(session::OUT_OF_MEMORY),
            _ => None,
        };
        if let Some(signal) = of_programs.filter(|_| self.is_session() && self.started.is_some()) {
            let _ = kill(self.init, signal);
            self.quota.tolerate();
            return;
        }
        if self.cause.is_none() && self.said.is_none() {
            self.cause = Some(cause);
        }
        self.abort();
    }

    fn report(mut self, ended: Instant, usage: Option<libc::rusage>) -> Report {
        let group = &self.spec.cgroup;
        let counted_us = usage.map_or(0, |usage| micros(usage.ru_utime) + micros(usage.ru_stime));
        // What was killed together with init, nobody waited for: then the last count knows more.
        let last_us = u64::try_from(self.counted.cpu.as_micros()).unwrap_or(u64::MAX);
        let cpu_us = group.cpu_us().unwrap_or(counted_us.max(last_us));
        let largest = usage.and_then(|usage| u64::try_from(usage.ru_maxrss).ok()).map(|kib| kib * 1024);
        let peak_memory_bytes = group.peak_memory_bytes().or(largest);
        let Some(started) = self.started else { return self.never_started() };
        let duration = ended.saturating_duration_since(started);
        let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let ran_out = group.ran_out_of_memory();
        let ending = match (self.cause, self.said.take()) {
            (None, Some(Message::CannotStart { errno })) => return Report::CannotStart { errno },
            (None, Some(Message::Refused { stage, errno })) => return Report::Refused { stage, errno },
            (_, _) if ran_out => Ending::OutOfMemory,
            (Some(cause), _) => cause,
            // It may have been too short to be looked at; files without a name are gone by now.
            (None, _) if self.quota.is_exceeded(|| 0) => Ending::DiskLimit,
            (None, Some(Message::Exited(code))) => Ending::Exited(code),
            (None, Some(Message::Signalled(libc::SIGXFSZ))) => Ending::DiskLimit,
            (None, Some(Message::Signalled(libc::SIGXCPU))) => Ending::CpuLimit,
            (None, Some(Message::Signalled(signal))) => Ending::Signalled(signal),
            // Init ended without a word: somebody on the host killed it.
            (None, Some(Message::Started | Message::ReapedWrote(_)) | None) => {
                Ending::Signalled(libc::SIGKILL)
            }
        };
        Report::Finished(Finished { ending, duration_ms, cpu_us, peak_memory_bytes })
    }

    /// The program was never started, for a reason or because it was ended before.
    fn never_started(self) -> Report {
        match (&self.said, self.cause) {
            (Some(Message::Refused { stage, errno }), _) => {
                Report::Refused { stage: stage.clone(), errno: *errno }
            }
            (_, Some(Ending::TimedOut)) => {
                Report::Refused { stage: "the building of the jail in time".into(), errno: libc::ETIMEDOUT }
            }
            (_, Some(ending)) => self.nothing_done(ending),
            (_, None) if self.spec.cgroup.ran_out_of_memory() => self.nothing_done(Ending::OutOfMemory),
            (_, None) => Report::Refused { stage: "the start of init".into(), errno: libc::ECHILD },
        }
    }

    fn nothing_done(&self, ending: Ending) -> Report {
        let peak_memory_bytes = self.spec.cgroup.peak_memory_bytes();
        Report::Finished(Finished { ending, duration_ms: 0, cpu_us: 0, peak_memory_bytes })
    }
}

fn micros(time: libc::timeval) -> u64 {
    let (seconds, micros) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_usec));
    seconds.unwrap_or(0) * 1_000_000 + micros.unwrap_or(0)
}
