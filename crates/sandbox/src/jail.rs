//! The driver made of the Linux kernel alone.
//!
//! A run is one *launcher* process, which the server starts by executing itself, and which gets
//! the specification over a socket (never by arguments or environment). The launcher makes the
//! cgroup, clones *init* into new namespaces, and watches: the clock, the disk, the memory, and
//! the socket, whose end means that the server is gone or has lost interest. Init builds the new
//! root, gives up every privilege, starts the *program* and reaps. Killing init kills everything
//! inside, by the kernel's own rule for pid namespaces.
//!
//! ```text
//! server ──socket── launcher ──pipe── init (pid 1 inside) ── program ── …
//!    └──────────────stdout, stderr (pipes)────────────────────┘
//! ```
//!
//! A jail that stays ([`crate::Session`]) is made in the same way. Its init starts no program by
//! itself, but serves the server over a channel: for each program it forks a *keeper*, to whom all
//! orphans below it fall, so that a program's end can be told, or brought about, for all of it.
//!
//! ```text
//! server ──socket── launcher ──pipe── init ── keeper ── program ── …
//!    └───────────────channel──────────┘  └─── keeper ── program ── …
//! ```
//!
//! Invariant: everything that reads what a program controls (paths in its workspace, its output)
//! does so without trusting it. Start at [`launcher`] for what happens inside, at `supervise` for
//! the server's side.

mod cgroup;
mod channel;
mod copy;
pub mod launcher;
mod layout;
mod line;
mod output;
mod probe;
mod program;
mod session;
mod supervise;
mod wire;

use std::{
    ffi::OsString,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;

use crate::{Error, Execution, Finding, OutputSender, Request, Sandbox, Session, SessionRequest, Toolchain};

pub use copy::copy as copy_tree;
use launcher::PROXY_PORT;
pub use launcher::launcher_main;

/// How a [`Jail`] is set up.
#[derive(Clone, Debug, Default)]
pub struct JailOptions {
    /// The command that calls [`launcher_main`], usually this executable and a hidden subcommand.
    pub launcher: Vec<OsString>,
    /// The interpreters that are visible inside.
    pub toolchain: Toolchain,
    /// When the server is root: the host's user and group id that programs run as. Without it a
    /// number no person or service has. Ignored when the server is not root, because then
    /// programs run as its own user.
    pub host_id: Option<u32>,
    /// Do without cgroups even where there are some; for tests of the fallback.
    pub without_cgroups: bool,
}

/// Runs commands confined by the kernel of this machine.
#[derive(Debug)]
pub struct Jail {
    options: JailOptions,
    layout: layout::Layout,
    cgroups: cgroup::Cgroups,
    host_id: Option<u32>,
    runs: AtomicU64,
}

impl Jail {
    /// Looks once at the machine: its folders, its cgroups. Also removes what runs of a server
    /// that was killed may have left in the cgroup tree. Blocks for about a millisecond.
    #[must_use]
    pub fn new(options: JailOptions) -> Self {
        let cgroups = if options.without_cgroups {
            cgroup::Cgroups::none("switched off")
        } else {
            cgroup::Cgroups::detect()
        };
        cgroups.sweep();
        let host_id = nix::unistd::geteuid()
            .is_root()
            .then(|| options.host_id.unwrap_or_else(launcher::default_host_id));
        let layout = layout::Layout::detect(&options.toolchain);
        Self { options, layout, cgroups, host_id, runs: AtomicU64::new(1) }
    }

    /// The interpreters that are visible inside.
    #[must_use]
    pub fn toolchain(&self) -> &Toolchain {
        &self.options.toolchain
    }

    fn next_run(&self) -> String {
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        // The address tells two jails of one process apart.
        format!("{}-{:x}-{number}", std::process::id(), std::ptr::from_ref(self).addr())
    }
}

#[async_trait]
impl Sandbox for Jail {
    async fn execute(&self, request: Request, output: Option<OutputSender>) -> Result<Execution, Error> {
        supervise::execute(self, request, output).await
    }

    async fn open(&self, request: SessionRequest) -> Result<Arc<dyn Session>, Error> {
        Ok(Arc::new(session::open(self, request).await?))
    }

    fn probe(&self) -> Vec<Finding> {
        probe::probe(self)
    }
}
