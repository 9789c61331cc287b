//! The small process between the server and a jail, and what it starts.
//!
//! It is single-threaded, starts with an empty environment, and makes one jail: receive the
//! specification, make the cgroup, clone init, watch, clean up, report. Read [`init`] next for
//! what happens inside, `session` for a jail that stays, `watch` for how a run is ended.
//!
//! Invariant: whichever way it ends (the server closes the socket, dies, or the run is over), init
//! is killed and reaped and the cgroup folders are gone before the process exits. If the launcher
//! itself is killed, init dies with it (`PR_SET_PDEATHSIG`), and only empty cgroup folders stay
//! until the server notices.

mod capabilities;
mod exec;
mod init;
mod keeper;
mod landlock;
mod quota;
mod resource_limits;
mod root;
mod seccomp;
mod session;
mod syscalls;
mod tree;
mod usage;
mod user_limits;
mod watch;
mod ways_out;

use std::{
    fs::File,
    io,
    os::{
        fd::{AsFd, AsRawFd, FromRawFd, OwnedFd},
        unix::net::UnixStream,
    },
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, SealFlag, fcntl},
    sys::memfd::{MFdFlags, memfd_create},
    unistd::{Gid, Uid},
};

use super::{
    cgroup::{Controller, Group},
    wire::{self, Purpose, Report, Spec},
};
pub(super) use landlock::abi as landlock_abi;
pub(super) use tree::default_host_id;
pub(super) use ways_out::PROXY_PORT;

/// The process a [`Jail`](super::Jail) starts for each run; never returns.
///
/// Call it first thing in `main`, before any thread is started: it clones itself without
/// executing anything, and a second thread's locks would stay locked in the clone.
pub fn launcher_main() -> ! {
    let code = match run() {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("the launcher could not read its specification: {error}");
            1
        }
    };
    std::process::exit(code)
}

/// A part of the confinement that the kernel refused.
#[derive(Debug)]
struct Failure {
    stage: String,
    errno: Errno,
}

/// Names the part that failed.
trait Stage<T> {
    fn stage(self, stage: &str) -> Result<T, Failure>;
}

impl<T> Stage<T> for nix::Result<T> {
    fn stage(self, stage: &str) -> Result<T, Failure> {
        self.map_err(|errno| Failure { stage: stage.to_owned(), errno })
    }
}

impl<T> Stage<T> for io::Result<T> {
    fn stage(self, stage: &str) -> Result<T, Failure> {
        self.map_err(|error| Failure {
            stage: stage.to_owned(),
            errno: error.raw_os_error().map_or(Errno::EIO, Errno::from_raw),
        })
    }
}

fn run() -> io::Result<()> {
    let mut control = take_control()?;
    let (spec, stdin) = wire::receive(&mut control, |_| Ok(File::from(new_memory_file()?)))?;
    let stdin = stdin.map(seal).transpose()?;
    let report = attempt(&spec, stdin.as_ref(), &control)
        .unwrap_or_else(|Failure { stage, errno }| Report::Refused { stage, errno: errno as i32 });
    wire::answer(&mut control, &report);
    Ok(())
}

/// The socket to the server arrives as standard input; it moves out of the way of the program's.
fn take_control() -> io::Result<UnixStream> {
    let moved = fcntl(io::stdin().as_fd(), FcntlArg::F_DUPFD_CLOEXEC(10))?;
    // SAFETY: the descriptor was made by the call above and belongs to nobody else.
    #[allow(unsafe_code)]
    let control = unsafe { OwnedFd::from_raw_fd(moved) };
    nix::unistd::dup2_stdin(File::open("/dev/null")?)?;
    Ok(UnixStream::from(control))
}

/// The way to the server arrives as standard output, which no program of a session inherits.
fn take_channel() -> nix::Result<OwnedFd> {
    let moved = fcntl(io::stdout().as_fd(), FcntlArg::F_DUPFD_CLOEXEC(10))?;
    // SAFETY: the descriptor was made by the call above and belongs to nobody else.
    #[allow(unsafe_code)]
    let channel = unsafe { OwnedFd::from_raw_fd(moved) };
    let null = File::open("/dev/null").map_err(|_| Errno::ENOENT)?;
    nix::unistd::dup2_stdout(&null)?;
    Ok(channel)
}

/// What the program reads lies in memory, so that nobody has to pump it while the program runs.
fn new_memory_file() -> nix::Result<OwnedFd> {
    memfd_create(c"stdin", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)
}

fn seal(mut file: File) -> io::Result<File> {
    io::Seek::rewind(&mut file)?;
    fcntl(&file, FcntlArg::F_ADD_SEALS(SealFlag::all()))?;
    Ok(file)
}

/// Removes the folders of the run however it ends.
struct OwnedGroup<'spec>(&'spec Group);

impl Drop for OwnedGroup<'_> {
    fn drop(&mut self) {
        self.0.remove();
    }
}

fn attempt(spec: &Spec, stdin: Option<&File>, control: &UnixStream) -> Result<Report, Failure> {
    let is_session = matches!(spec.purpose, Purpose::Session { .. });
    let conditions = seccomp::Conditions {
        has_memory_group: spec.cgroup.has(Controller::Memory),
        has_loopback: is_session,
    };
    let filters = seccomp::compile(conditions).stage("the seccomp filter")?;
    resource_limits::apply_to_launcher().stage("the limits of the launcher")?;
    let channel = is_session.then(take_channel).transpose().stage("the way to the server")?;
    let group = OwnedGroup(&spec.cgroup);
    group.0.create(&spec.limits, is_session).stage("the cgroup")?;
    // In a session the kernel ends the largest program, and the others go on.
    let memory_event =
        if is_session { None } else { group.0.watch_memory().stage("the cgroup's memory event")? };
    if let Some(id) = spec.host_id {
        hand_over(spec, id).stage("the hand-over of the workspace")?;
    }
    let quota = quota::Quota::new(&spec.workspace, &spec.limits, is_session).stage("the workspace")?;
    if quota.is_host_nearly_full() {
        return Ok(Report::DiskNearlyFull { free_bytes: quota.host_free_bytes() });
    }
    let (messages, sender) = nix::unistd::pipe2(OFlag::O_CLOEXEC).stage("a pipe")?;
    let is_root = spec.host_id.is_some();
    let user = (nix::unistd::geteuid(), nix::unistd::getegid());
    let inside = init::Inside { spec, filters: &filters, stdin, channel: channel.as_ref(), user };
    let Some(init) = syscalls::clone_init(is_root).stage("the user and process namespaces")? else {
        init::main(&inside, File::from(sender))
    };
    drop((sender, channel));
    let silenced = silence();
    let watch = watch::Watch::new(spec, init, control, File::from(messages), memory_event, quota);
    if silenced.is_err() {
        watch.abort();
    }
    silenced.stage("the closing of the outputs")?;
    Ok(watch.until_over())
}

/// As root: the program will be somebody else, who must be able to write to the workspace and to
/// open its own `/dev/stdout`.
fn hand_over(spec: &Spec, id: u32) -> nix::Result<()> {
    tree::give_to(&spec.workspace, id)?;
    for stream in [io::stdout().as_fd(), io::stderr().as_fd()] {
        // Not a pipe in a trial run, where it is /dev/null: that must stay as it is.
        let is_pipe = nix::sys::stat::fstat(stream)?.st_mode & libc::S_IFMT == libc::S_IFIFO;
        if is_pipe {
            nix::unistd::fchown(stream, Some(Uid::from_raw(id)), Some(Gid::from_raw(id)))?;
        }
    }
    Ok(())
}

/// Lets go of the program's outputs, so that they end when the program's side does.
fn silence() -> io::Result<()> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    debug_assert!(null.as_raw_fd() > 2);
    nix::unistd::dup2_stdout(&null)?;
    nix::unistd::dup2_stderr(&null)?;
    Ok(())
}
