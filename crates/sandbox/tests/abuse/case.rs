//! One try to get out or to do harm.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use sandbox::{Execution, Limits, Outcome, SessionLimits};

use crate::world::World;

/// A row of the table.
pub struct Case {
    pub name: &'static str,
    /// What contains it, beginning with the part of the kernel or of the jail.
    pub mechanism: &'static str,
    pub places: Places,
    pub attempt: Attempt,
    pub limits: CaseLimits,
    /// How its program has to end; with `Exited(0)` it also has to say that it is contained.
    pub outcomes: &'static [Outcome],
    /// What is looked at from outside when it has ended.
    pub outside: Option<Look>,
    /// Without a memory cgroup it is not contained to the same degree, and is skipped.
    pub needs_cgroup: bool,
}

/// Where its program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Places {
    /// In a run of its own, and in a session beside the programs of others.
    Both,
    /// In a run and in a session, both of its own: it would disturb others.
    BothAlone,
    Run,
    Session,
    /// In a session of its own.
    SessionAlone,
    /// In a run and in a session of a jail that does without cgroups.
    BothBare,
}

/// Looks from outside at what a program has left; what it finds is wrong.
pub type Look = fn(&World, &Execution) -> Result<(), String>;
pub type Steps = Pin<Box<dyn Future<Output = Verdict> + Send>>;

/// What is tried.
pub enum Attempt {
    /// A Python program, between [`PRELUDE`] and [`POSTLUDE`].
    Python(&'static str),
    /// Something that takes more than one program, or that somebody outside takes part in.
    Steps(fn(Arc<World>) -> Steps),
}

/// What a program may use, in a run and in a session alike.
#[derive(Clone, Copy)]
pub struct CaseLimits {
    pub wall_ms: u64,
    pub cpu_ms: Option<u64>,
    pub memory_mb: u64,
    pub processes: u64,
    pub disk_mb: u64,
    pub inodes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Contained,
    /// Could not be tried here, and why.
    Skipped(String),
    Escaped(String),
}

impl Case {
    pub fn new(name: &'static str, mechanism: &'static str, program: &'static str) -> Self {
        Self::of(name, mechanism, Places::Both, Attempt::Python(program))
    }

    pub fn steps(name: &'static str, mechanism: &'static str, steps: fn(Arc<World>) -> Steps) -> Self {
        Self::of(name, mechanism, Places::SessionAlone, Attempt::Steps(steps))
    }

    fn of(name: &'static str, mechanism: &'static str, places: Places, attempt: Attempt) -> Self {
        Self {
            name,
            mechanism,
            places,
            attempt,
            limits: CaseLimits::default(),
            outcomes: &[Outcome::Exited(0)],
            outside: None,
            needs_cgroup: false,
        }
    }

    pub fn at(self, places: Places) -> Self {
        Self { places, ..self }
    }

    pub fn ends(self, outcomes: &'static [Outcome]) -> Self {
        Self { outcomes, ..self }
    }

    pub fn within(self, limit: impl FnOnce(&mut CaseLimits)) -> Self {
        let mut limits = self.limits;
        limit(&mut limits);
        Self { limits, ..self }
    }

    pub fn outside(self, look: Look) -> Self {
        Self { outside: Some(look), ..self }
    }

    pub fn with_cgroup(self) -> Self {
        Self { needs_cgroup: true, ..self }
    }
}

impl Default for CaseLimits {
    fn default() -> Self {
        Self { wall_ms: 20_000, cpu_ms: None, memory_mb: 256, processes: 64, disk_mb: 64, inodes: 2000 }
    }
}

/// The largest file, below what a workspace may hold.
const FILE_BYTES: u64 = 32 << 20;
/// What is kept of each output.
pub const OUTPUT_BYTES: usize = 64 << 10;

impl CaseLimits {
    pub fn of_run(&self) -> Limits {
        Limits {
            wall: Duration::from_millis(self.wall_ms),
            cpu: Duration::from_millis(self.cpu_ms.unwrap_or(15_000)),
            memory_bytes: self.memory_mb << 20,
            processes: self.processes,
            file_bytes: FILE_BYTES,
            disk_bytes: self.disk_mb << 20,
            inodes: self.inodes,
            output_bytes: OUTPUT_BYTES,
        }
    }

    pub fn of_session(&self) -> SessionLimits {
        SessionLimits {
            memory_bytes: self.memory_mb << 20,
            processes: self.processes,
            cpu_share: None,
            file_bytes: FILE_BYTES,
            disk_bytes: self.disk_mb << 20,
            inodes: self.inodes,
        }
    }
}

/// What every program can use: `refused` for a try that has to fail, and with which errors,
/// `holds` for something that has to be so. What the host has planted is in the environment.
pub const PRELUDE: &str = r"
import ctypes, errno, os, signal, socket, stat, subprocess, sys, time
libc = ctypes.CDLL(None, use_errno=True)
buffer = ctypes.create_string_buffer(4096)
planted = os.environ
faults, tried = [], 0

def call(number, *arguments):
    longs = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = libc.syscall(ctypes.c_long(number), *longs)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result

def refused(what, errors, attempt, *arguments):
    global tried
    tried += 1
    try: result = attempt(*arguments)
    except OSError as error:
        name = errno.errorcode.get(error.errno, repr(error))
        if name not in errors.split(): faults.append(f'{what}: {name}')
    else: faults.append(f'{what}: it worked, {result!r}')

def holds(what, is_so):
    global tried
    tried += 1
    if not is_so: faults.append(what)

def read(path):
    with open(path, 'rb') as file: return file.read(4096)

def write(path, content=b'x', flags=0):
    descriptor = os.open(path, os.O_WRONLY | flags, 0o600)
    try: return os.write(descriptor, content)
    finally: os.close(descriptor)

def skip(reason):
    print('skipped:', reason, flush=True)
    os._exit(0)

def status(name):
    for line in open('/proc/self/status'):
        if line.startswith(name + ':'): return line.split(None, 1)[1].strip()
";

pub const POSTLUDE: &str = r"
if not tried: faults.append('nothing was tried')
print('escaped: ' + '; '.join(faults) if faults else 'contained', flush=True)
";
