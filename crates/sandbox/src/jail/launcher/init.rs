//! Process 1 of a jail: builds it from the inside, starts the program, reaps, and ends everything
//! when the program has ended. What it does in a jail that stays is in `session`.
//!
//! Its environment is empty from the start (the launcher was executed with none), it cannot be
//! traced or even seen by what it starts (not dumpable, and `/proc` is mounted with `hidepid`),
//! and signals from inside cannot end it.

use std::{
    fs::{self, File},
    io::Write,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::FileExt,
    },
    panic::{AssertUnwindSafe, catch_unwind},
};

use nix::{
    errno::Errno,
    sched::{CloneFlags, unshare},
    sys::{
        prctl,
        signal::{Signal, kill},
        stat::{Mode, umask},
    },
    unistd::{Gid, Pid, Uid, sethostname},
};
use serde::{Deserialize, Serialize};

use super::{
    Failure, Stage, capabilities,
    exec::{self, NotStarted, Stdio},
    resource_limits::ProcessLimits,
    root,
    seccomp::Filters,
    session, syscalls, usage,
    user_limits::UserLimits,
    ways_out,
};
use crate::jail::wire::{Program, Purpose, Spec};

/// What init and the program need of what the launcher prepared.
pub(super) struct Inside<'launcher> {
    pub spec: &'launcher Spec,
    pub filters: &'launcher Filters,
    pub stdin: Option<&'launcher File>,
    /// The way to the server, in a jail that stays.
    pub channel: Option<&'launcher OwnedFd>,
    /// Who the launcher is on the host; inside a fresh user namespace nobody can tell.
    pub user: (Uid, Gid),
}

/// What init tells the launcher, one JSON object a line. The first that says how it ended counts.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Message {
    Started,
    /// How many bytes the processes reaped so far have written to disk.
    ReapedWrote(u64),
    Exited(i32),
    Signalled(i32),
    Refused {
        stage: String,
        errno: i32,
    },
    CannotStart {
        errno: i32,
    },
}

impl Message {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).expect("plain data");
        line.push(b'\n');
        line
    }
}

pub(super) fn main(inside: &Inside<'_>, mut sender: File) -> ! {
    // A panic must not unwind into the launcher's copy of the world.
    let result = catch_unwind(AssertUnwindSafe(|| {
        let built = build(inside)?;
        if syscalls::is_reader_gone(sender.as_fd()) {
            // The launcher died before the tie to it was made.
            return Ok(());
        }
        match (&inside.spec.purpose, inside.channel) {
            (Purpose::Run(program), _) => start_and_reap(inside, program, &mut sender, built.accounting),
            (Purpose::Session { .. }, Some(channel)) => {
                session::serve(inside, channel.as_fd(), &built.ways_out, &mut sender)
            }
            (Purpose::Session { .. }, None) => Err(Errno::EBADF).stage("the way to the server"),
        }
    }));
    if let Ok(Err(Failure { stage, errno })) = result {
        let _ = sender.write_all(&Message::Refused { stage, errno: errno as i32 }.encode());
    }
    syscalls::exit_now(0)
}

/// What has to be opened while the jail is being built, and could not be afterwards.
struct Built {
    /// This process's `/proc/self/io`, where there is one.
    accounting: Option<File>,
    /// The sockets that lead out of a jail that stays.
    ways_out: Vec<OwnedFd>,
}

/// Builds the jail around this process.
fn build(inside: &Inside<'_>) -> Result<Built, Failure> {
    let spec = inside.spec;
    let proc_folder = capabilities::own_proc_folder()?;
    let accounting = File::open("/proc/self/io").ok();
    let user_limits = UserLimits::open();
    // Before the cgroup namespace is made, so that the run's own group is its root.
    spec.cgroup.join().stage("the joining of the cgroup")?;
    // Short of memory, the host ends a run before anything of the owner's.
    let _ = fs::write("/proc/self/oom_score_adj", "900");
    if spec.host_id.is_none() {
        capabilities::map_ids(&proc_folder, inside.user.0, inside.user.1)?;
    }
    unshare(
        CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWNET
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWUTS
            | CloneFlags::CLONE_NEWCGROUP,
    )
    .stage("the mount, network, ipc, uts and cgroup namespaces")?;
    sethostname("atelier").stage("the host name")?;
    let ways_out = match spec.purpose {
        Purpose::Run(_) => Vec::new(),
        Purpose::Session { network } => {
            ways_out::switch_loopback_on()?;
            if network { ways_out::open()? } else { Vec::new() }
        }
    };
    umask(Mode::from_bits_truncate(0o022));
    root::enter(spec)?;
    if let Some(id) = spec.host_id {
        capabilities::leave_root(&proc_folder, id)?;
    }
    if let Some(limits) = &user_limits {
        limits.apply();
    }
    drop((proc_folder, user_limits));
    capabilities::drop_all()?;
    prctl::set_dumpable(false).stage("the hiding of init")?;
    // Last, because a change of user resets it.
    prctl::set_pdeathsig(Signal::SIGKILL).stage("the tie to the launcher")?;
    Ok(Built { accounting, ways_out })
}

fn start_and_reap(
    inside: &Inside<'_>,
    program: &Program,
    sender: &mut File,
    accounting: Option<File>,
) -> Result<(), Failure> {
    // Once for both: installing a filter costs the kernel more than anything else here.
    inside.filters.apply().stage("the seccomp filter")?;
    let _ = sender.write_all(&Message::Started.encode());
    let Some(program) = syscalls::fork().stage("the program's process")? else {
        become_program(inside, program, sender)
    };
    super::silence().stage("the closing of the outputs")?;
    let message = wait_for(program, sender, accounting);
    let _ = sender.write_all(&message.encode());
    let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
    while syscalls::wait_any() != Err(Errno::ECHILD) {}
    Ok(())
}

fn become_program(inside: &Inside<'_>, program: &Program, sender: &mut File) -> ! {
    let limits = ProcessLimits::of_run(inside.spec);
    let stdio = Stdio::Inherited { stdin: inside.stdin.map(AsFd::as_fd) };
    let message = match exec::become_program(inside.spec, program, &limits, stdio) {
        NotStarted::Refused(Failure { stage, errno }) => Message::Refused { stage, errno: errno as i32 },
        NotStarted::CannotStart(errno) => Message::CannotStart { errno: errno as i32 },
    };
    let _ = sender.write_all(&message.encode());
    syscalls::exit_now(127)
}

/// Reaps whatever ends, until it is the program.
fn wait_for(program: Pid, sender: &mut File, accounting: Option<File>) -> Message {
    let mut told = 0;
    loop {
        match syscalls::wait_any() {
            Ok((pid, status)) if pid == program => {
                return if libc::WIFSIGNALED(status) {
                    Message::Signalled(libc::WTERMSIG(status))
                } else {
                    Message::Exited(libc::WEXITSTATUS(status))
                };
            }
            Err(Errno::ECHILD) => return Message::Signalled(libc::SIGKILL),
            _ => {}
        }
        let written = accounting.as_ref().map_or(0, written_by_reaped);
        if written > told + REPORTED_STEP {
            told = written;
            let _ = sender.write_all(&Message::ReapedWrote(written).encode());
        }
    }
}

/// The kernel adds what an ended process wrote to the one that reaped it.
fn written_by_reaped(accounting: &File) -> u64 {
    let mut content = [0; 512];
    let length = accounting.read_at(&mut content, 0).unwrap_or(0);
    usage::parse_written(&String::from_utf8_lossy(&content[..length]))
}

/// Smaller changes are not worth a message.
const REPORTED_STEP: u64 = 4 << 20;
