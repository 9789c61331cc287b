//! Process 1 of a jail: builds it from the inside, starts the program, reaps, and ends everything
//! when the program has ended.
//!
//! Its environment is empty from the start (the launcher was executed with none), it cannot be
//! traced or even seen by what it starts (not dumpable, and `/proc` is mounted with `hidepid`),
//! and signals from inside cannot end it.

use std::{
    fs::{self, File},
    io::Write,
    os::{fd::AsFd, unix::fs::FileExt},
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

use super::{Failure, Stage, capabilities, exec, root, seccomp::Filters, syscalls, usage};
use crate::jail::wire::Spec;

/// What init and the program need of what the launcher prepared.
pub(super) struct Inside<'launcher> {
    pub spec: &'launcher Spec,
    pub filters: &'launcher Filters,
    pub stdin: Option<&'launcher File>,
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
        let accounting = build(inside)?;
        start_and_reap(inside, &mut sender, accounting)
    }));
    if let Ok(Err(Failure { stage, errno })) = result {
        let _ = sender.write_all(&Message::Refused { stage, errno: errno as i32 }.encode());
    }
    syscalls::exit_now(0)
}

/// Builds the jail around this process. Returns its open `/proc/self/io`, where there is one,
/// which it could not open any more afterwards.
fn build(inside: &Inside<'_>) -> Result<Option<File>, Failure> {
    let spec = inside.spec;
    let proc_folder = capabilities::own_proc_folder()?;
    let accounting = File::open("/proc/self/io").ok();
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
    umask(Mode::from_bits_truncate(0o022));
    root::enter(spec)?;
    if let Some(id) = spec.host_id {
        capabilities::leave_root(&proc_folder, id)?;
    }
    drop(proc_folder);
    capabilities::drop_all()?;
    prctl::set_dumpable(false).stage("the hiding of init")?;
    // Last, because a change of user resets it.
    prctl::set_pdeathsig(Signal::SIGKILL).stage("the tie to the launcher")?;
    Ok(accounting)
}

fn start_and_reap(inside: &Inside<'_>, sender: &mut File, accounting: Option<File>) -> Result<(), Failure> {
    if syscalls::is_reader_gone(sender.as_fd()) {
        // The launcher died before the tie was made.
        return Ok(());
    }
    // Once for both: installing a filter costs the kernel more than anything else here.
    inside.filters.apply().stage("the seccomp filter")?;
    let _ = sender.write_all(&Message::Started.encode());
    let Some(program) = syscalls::fork().stage("the program's process")? else { exec::main(inside, sender) };
    super::silence().stage("the closing of the outputs")?;
    let message = wait_for(program, sender, accounting);
    let _ = sender.write_all(&message.encode());
    let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
    while syscalls::wait_any() != Err(Errno::ECHILD) {}
    Ok(())
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
