//! The last steps of the process that becomes the program.

use std::{
    convert::Infallible,
    ffi::CString,
    fs::File,
    io::{self, Write},
    os::fd::AsFd,
};

use nix::{
    errno::Errno,
    sys::signal::{SigSet, SigmaskHow, sigprocmask},
    unistd::{chdir, dup2_stdin, execve, setsid},
};

use super::{
    Failure, Stage,
    init::{Inside, Message},
    landlock, resource_limits, syscalls,
};

/// Becomes the program, or tells the launcher why not.
pub(super) fn main(inside: &Inside<'_>, mut sender: &File) -> ! {
    let message = match confine(inside) {
        Err(Failure { stage, errno }) => Message::Refused { stage, errno: errno as i32 },
        Ok(program) => {
            let Err(errno) = program.execute();
            Message::CannotStart { errno: errno as i32 }
        }
    };
    let _ = sender.write_all(&message.encode());
    syscalls::exit_now(127)
}

fn confine(inside: &Inside<'_>) -> Result<Program, Failure> {
    let spec = inside.spec;
    setsid().stage("a new session")?;
    syscalls::reset_signals();
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None).stage("the signals")?;
    if let Some(stdin) = inside.stdin {
        dup2_stdin(stdin.as_fd()).stage("standard input")?;
    }
    chdir("/workspace").stage("the workspace")?;
    let program = Program::new(spec).stage("the program's arguments")?;
    resource_limits::apply(spec).stage("the resource limits")?;
    landlock::restrict(&spec.layout).map_err(io::Error::other).stage("Landlock")?;
    syscalls::close_on_exec().stage("the closing of descriptors")?;
    Ok(program)
}

/// What to execute.
struct Program {
    candidates: Vec<CString>,
    arguments: Vec<CString>,
    environment: Vec<CString>,
}

impl Program {
    fn new(spec: &crate::jail::wire::Spec) -> io::Result<Self> {
        let strings = |strings: Vec<String>| -> io::Result<Vec<CString>> {
            strings.into_iter().map(|string| CString::new(string).map_err(io::Error::from)).collect()
        };
        let name = &spec.argv[0];
        let candidates = if name.contains('/') {
            vec![name.clone()]
        } else {
            let path = spec.environment.get("PATH").map_or("", String::as_str);
            path.split(':')
                .filter(|folder| !folder.is_empty())
                .map(|folder| format!("{folder}/{name}"))
                .collect()
        };
        let environment = spec.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Ok(Self {
            candidates: strings(candidates)?,
            arguments: strings(spec.argv.clone())?,
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
