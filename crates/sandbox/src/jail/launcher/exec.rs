//! The last steps of the process that becomes the program.

use std::{
    convert::Infallible,
    ffi::CString,
    io,
    os::fd::{AsFd, BorrowedFd},
    path::Path,
};

use nix::{
    errno::Errno,
    sys::signal::{SigSet, SigmaskHow, sigprocmask},
    unistd::{chdir, dup2_stderr, dup2_stdin, dup2_stdout, execve, setsid},
};

use super::{Failure, Stage, landlock, resource_limits, resource_limits::ProcessLimits, syscalls};
use crate::jail::wire::{Program, Spec};

/// What the program reads and writes.
pub(super) enum Stdio<'inside> {
    /// What the launcher was started with, but for what there is to read.
    Inherited { stdin: Option<BorrowedFd<'inside>> },
    /// Standard input, output and error.
    Pipes([BorrowedFd<'inside>; 3]),
    /// All three are this terminal, which becomes the one that controls the program.
    Terminal(BorrowedFd<'inside>),
}

/// Why a program was not executed.
pub(super) enum NotStarted {
    /// A part of its confinement was refused.
    Refused(Failure),
    /// There is no such program, or it is none.
    CannotStart(Errno),
}

/// Becomes the program; returns only to say why not.
pub(super) fn become_program(
    spec: &Spec,
    program: &Program,
    limits: &ProcessLimits,
    stdio: Stdio<'_>,
) -> NotStarted {
    match confine(spec, program, limits, stdio) {
        Ok(executable) => {
            let Err(errno) = executable.execute();
            NotStarted::CannotStart(errno)
        }
        Err(Outside::NoFolder(errno)) => NotStarted::CannotStart(errno),
        Err(Outside::Refused(failure)) => NotStarted::Refused(failure),
    }
}

/// Why it did not come to the execution.
enum Outside {
    NoFolder(Errno),
    Refused(Failure),
}

impl From<Failure> for Outside {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

fn confine(
    spec: &Spec,
    program: &Program,
    limits: &ProcessLimits,
    stdio: Stdio<'_>,
) -> Result<Executable, Outside> {
    setsid().stage("a new session")?;
    syscalls::reset_signals();
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None).stage("the signals")?;
    connect(stdio)?;
    enter(&program.folder)?;
    let executable = Executable::new(program).stage("the program's arguments")?;
    resource_limits::apply(spec, limits).stage("the resource limits")?;
    landlock::restrict(spec).map_err(io::Error::other).stage("Landlock")?;
    syscalls::close_on_exec().stage("the closing of descriptors")?;
    Ok(executable)
}

fn connect(stdio: Stdio<'_>) -> Result<(), Failure> {
    let stage = "the standard descriptors";
    match stdio {
        Stdio::Inherited { stdin: None } => Ok(()),
        Stdio::Inherited { stdin: Some(stdin) } => dup2_stdin(stdin).stage(stage),
        Stdio::Pipes([stdin, stdout, stderr]) => {
            dup2_stdin(stdin).stage(stage)?;
            dup2_stdout(stdout).stage(stage)?;
            dup2_stderr(stderr).stage(stage)
        }
        Stdio::Terminal(terminal) => {
            rustix::process::ioctl_tiocsctty(terminal).map_err(io::Error::from).stage("the terminal")?;
            connect(Stdio::Pipes([terminal.as_fd(); 3]))
        }
    }
}

/// A folder that is not there is the caller's mistake, not the kernel's refusal.
fn enter(folder: &Path) -> Result<(), Outside> {
    match chdir(folder) {
        Ok(()) => Ok(()),
        Err(errno @ (Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES | Errno::ELOOP)) => {
            Err(Outside::NoFolder(errno))
        }
        Err(errno) => Err(errno).stage("the workspace").map_err(Outside::Refused),
    }
}

/// What to execute.
struct Executable {
    candidates: Vec<CString>,
    arguments: Vec<CString>,
    environment: Vec<CString>,
}

impl Executable {
    fn new(program: &Program) -> io::Result<Self> {
        let strings = |strings: Vec<String>| -> io::Result<Vec<CString>> {
            strings.into_iter().map(|string| CString::new(string).map_err(io::Error::from)).collect()
        };
        let name = &program.argv[0];
        let candidates = if name.contains('/') {
            vec![name.clone()]
        } else {
            let path = program.environment.get("PATH").map_or("", String::as_str);
            path.split(':')
                .filter(|folder| !folder.is_empty())
                .map(|folder| format!("{folder}/{name}"))
                .collect()
        };
        let environment = program.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Ok(Self {
            candidates: strings(candidates)?,
            arguments: strings(program.argv.clone())?,
            environment: strings(environment)?,
        })
    }

    /// Tries the candidates in order, as a shell does; returns only if none could be executed.
    fn execute(&self) -> Result<Infallible, Errno> {
        let mut reason = Errno::ENOENT;
        for candidate in &self.candidates {
            match execve(candidate, &self.arguments, &self.environment) {
                Err(Errno::ENOENT | Errno::ENOTDIR) => {}
                Err(Errno::EACCES) => reason = Errno::EACCES,
                other => return other,
            }
        }
        Err(reason)
    }
}
