//! The plane "a place where commands run": a workspace folder, limits, and nothing else of the
//! machine.
//!
//! [`Sandbox`] is the port: it runs one command to its end, or opens a [`Session`], in which programs
//! come and go. [`Jail`] is its first driver, made of what the Linux kernel has:
//! namespaces, `pivot_root`, seccomp, Landlock, rlimits and cgroups. It needs nothing installed
//! and never root. [`Toolchain`] finds the interpreters on this machine and says what of it has to
//! be visible inside.
//!
//! Invariants:
//! - A command runs confined or not at all. Where the kernel refuses a part that matters the
//!   answer is [`Error::Refused`], which names the part; there is no unconfined fallback.
//! - Nothing outlives its run: when [`Sandbox::execute`] returns, is dropped, or the process that
//!   called it is killed, every process, mount, cgroup folder and temporary file of the run goes.
//! - Only the workspace is written to on the host, and never past [`Limits::disk_bytes`] by more
//!   than the bound documented there.
//!
//! Start reading at [`request`], then [`jail`].

pub mod driver;
pub mod egress;
pub mod error;
pub mod jail;
pub mod request;
pub mod session;
pub mod toolchain;
pub mod warm;

pub use driver::{Finding, Sandbox, State};
pub use error::Error;
pub use jail::{Jail, JailOptions, copy_tree};
pub use request::{Execution, Limits, Outcome, OutputChunk, OutputSender, Request, Stream};
pub use session::{
    Command, Exit, Process, ProcessHandle, Session, SessionLimits, SessionRequest, SessionUsage,
    TerminalSize, WaysOut,
};
pub use toolchain::{Language, Mount, Toolchain};
pub use warm::{Snippet, WarmSnippets};
