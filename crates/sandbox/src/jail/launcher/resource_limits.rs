//! Limits of a single process, the second line behind the cgroup and the watch.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::jail::{cgroup::Controller, wire::Spec};

/// What differs from program to program.
pub(super) struct ProcessLimits {
    pub cpu_ms: Option<u64>,
    pub file_bytes: u64,
    /// Descriptors that are open at one time.
    pub open_files: u64,
}

impl ProcessLimits {
    /// Those of the one program of a run.
    pub(super) fn of_run(spec: &Spec) -> Self {
        Self { cpu_ms: Some(spec.limits.cpu_ms), file_bytes: spec.limits.file_bytes, open_files: 1024 }
    }
}

/// Applies to the calling process and all it starts.
pub(super) fn apply(spec: &Spec, process: &ProcessLimits) -> nix::Result<()> {
    let limits = &spec.limits;
    lower(Resource::RLIMIT_NOFILE, process.open_files.min(open_files_of_init()? / 2))?;
    lower(Resource::RLIMIT_FSIZE, process.file_bytes)?;
    if let Some(cpu_ms) = process.cpu_ms {
        // Whoever watches ends the program before; this holds if the watch is late.
        lower(Resource::RLIMIT_CPU, cpu_ms.div_ceil(1000).saturating_add(2))?;
    }
    // Counted in the user namespace of the run (Linux 5.14), with init.
    lower(Resource::RLIMIT_NPROC, limits.processes + 1)?;
    lower(Resource::RLIMIT_MEMLOCK, 64 << 10)?;
    lower(Resource::RLIMIT_MSGQUEUE, 0)?;
    lower(Resource::RLIMIT_RTPRIO, 0)?;
    lower(Resource::RLIMIT_NICE, 0)?;
    if !spec.cgroup.has(Controller::Memory) {
        // Not RLIMIT_AS: Node reserves far more address space than it uses. Twice the limit, so
        // that it is the watch that ends a run, which tells "out of memory" from a crash.
        lower(Resource::RLIMIT_DATA, limits.memory_bytes.saturating_mul(2))?;
    }
    Ok(())
}

/// Applies to the launcher and, since it comes first, to init and every program as well.
///
/// No core is smaller than one byte, so none is written; and where the host hands cores to a program,
/// which runs as its root, this one number keeps it from being started (core(5)), while 0 does not.
/// The filter sees to it that it stays.
///
/// The kernel counts descriptors on their way through sockets for a user of the host, whom all jails
/// share, and refuses to send more when they are more than the sender may open. Programs may open
/// half of what init may, so init can send its own whatever they do.
pub(super) fn apply_to_launcher() -> nix::Result<()> {
    lower(Resource::RLIMIT_CORE, 1)?;
    let open_files = open_files_of_init()?;
    setrlimit(Resource::RLIMIT_NOFILE, open_files, open_files)
}

/// Before the limits of a program are applied they are still init's.
fn open_files_of_init() -> nix::Result<u64> {
    getrlimit(Resource::RLIMIT_NOFILE).map(|(_, hard)| hard)
}

/// Sets both limits, never above what the server itself has.
fn lower(resource: Resource, value: u64) -> nix::Result<()> {
    let (_, hard) = getrlimit(resource)?;
    let value = value.min(hard);
    setrlimit(resource, value, value)
}
