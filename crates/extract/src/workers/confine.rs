//! The limits a worker sets for itself before it reads anything.
//!
//! They are the system's, so not even code that a document has taken over can lift them: memory,
//! processor time, no core dumps, no byte written to any file, no file opened at all.

use std::io;
use std::time::Duration;

use nix::sys::prctl::set_pdeathsig;
use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use nix::sys::signal::Signal;
use nix::unistd::close;

/// Standard input, output and error: the only files a worker has.
const FILES: u64 = 3;

/// Limits this process for good, to so many bytes more than it has. It ends with the thread that started
/// it.
pub(super) fn process(memory: u64) -> io::Result<()> {
    // If the parent is gone already, its end of the pipe is closed and reading from it ends.
    set_pdeathsig(Signal::SIGKILL)?;
    let held = held()?;
    close_files()?;
    lower(Resource::RLIMIT_CORE, 0)?;
    lower(Resource::RLIMIT_FSIZE, 0)?;
    lower(Resource::RLIMIT_NOFILE, FILES)?;
    // What may be written to is counted, and what is held by now is no document's: with an allocator that
    // has taken as much as the limit, the next page could not be had. Address space is not memory
    // (allocators reserve more of it than they ever use), so its limit is wider.
    lower(Resource::RLIMIT_DATA, held.saturating_add(memory))?;
    const RESERVED: u64 = 4 << 30;
    lower(Resource::RLIMIT_AS, memory.saturating_mul(2).saturating_add(RESERVED))
}

/// Lets the process compute for so long from now. The parent ends it after that time on the clock; this
/// is for a parent that cannot.
pub(super) fn allow_time(wall: Duration) -> io::Result<()> {
    const SPARE: u64 = 2;
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let used = usage.user_time().tv_sec() + usage.system_time().tv_sec();
    let until = u64::try_from(used).unwrap_or(0).saturating_add(wall.as_secs()).saturating_add(SPARE);
    let (_, hard) = getrlimit(Resource::RLIMIT_CPU)?;
    Ok(setrlimit(Resource::RLIMIT_CPU, until.min(hard), hard)?)
}

/// How many bytes this process may write to, as the kernel counts them for its limit.
fn held() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let held = status.lines().find_map(|line| line.strip_prefix("VmData:")?.strip_suffix("kB"));
    let kib = held.and_then(|held| held.trim().parse::<u64>().ok());
    kib.map(|kib| kib << 10).ok_or_else(|| io::Error::other("the kernel does not tell of VmData"))
}

fn lower(resource: Resource, value: u64) -> io::Result<()> {
    let (_, hard) = getrlimit(resource)?;
    let value = value.min(hard);
    Ok(setrlimit(resource, value, value)?)
}

/// Closes what the parent may have left open.
fn close_files() -> io::Result<()> {
    let mut open = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let number = entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
        open.extend(number.filter(|number| u64::try_from(*number).is_ok_and(|number| number >= FILES)));
    }
    for number in open {
        // The list itself was one of them and is closed already.
        let _ = close(number);
    }
    Ok(())
}
