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
    lower(Resource::RLIMIT_CORE, 0)?;
    lower(Resource::RLIMIT_NOFILE, process.open_files)?;
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
    if !spec.cgroup.has(Controller::Memory) {
        // Not RLIMIT_AS: Node reserves far more address space than it uses. Twice the limit, so
        // that it is the watch that ends a run, which tells "out of memory" from a crash.
        lower(Resource::RLIMIT_DATA, limits.memory_bytes.saturating_mul(2))?;
    }
    Ok(())
}

/// Sets both limits, never above what the server itself has.
fn lower(resource: Resource, value: u64) -> nix::Result<()> {
    let (_, hard) = getrlimit(resource)?;
    let value = value.min(hard);
    setrlimit(resource, value, value)
}
