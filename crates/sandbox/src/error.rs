//! What can go wrong before, or outside of, a command; a command's own failures are outcomes.

use std::{io, path::PathBuf};

use crate::Language;

/// A failure of the sandbox itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request cannot be carried out as it is written.
    #[error("This command cannot be run: {reason}")]
    InvalidRequest {
        /// What is wrong with it.
        reason: String,
    },
    /// The workspace is not a folder that can be used.
    #[error("The workspace {path} cannot be used")]
    Workspace {
        /// The folder on the host.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The program does not exist inside, or cannot be executed.
    #[error("The program {program} cannot be started: {source}")]
    CannotStart {
        /// As it was asked for.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// The session was closed, or ended by itself.
    #[error("This sandbox is closed")]
    SessionClosed,
    /// Nothing inside listens on a port.
    #[error("Nothing answers on port {port} of the sandbox: {source}")]
    CannotConnect {
        /// The port.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// There is no interpreter for this language on the machine.
    #[error("{language} is not installed on this machine")]
    LanguageMissing {
        /// The language that was asked for.
        language: Language,
    },
    /// The host's disk is too full to start anything that writes.
    #[error("The disk that holds the workspace has only {free_bytes} bytes left")]
    DiskNearlyFull {
        /// What is left for unprivileged users.
        free_bytes: u64,
    },
    /// The kernel refused a part of the confinement, so nothing was run.
    #[error("This machine does not let Atelier confine programs: {stage} was refused ({source})")]
    Refused {
        /// Which part.
        stage: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The launcher process could not be started, or ended without a report.
    #[error("The sandbox launcher failed: {detail}")]
    Launcher {
        /// What is known about it.
        detail: String,
        /// What the system said, where it was asked.
        #[source]
        source: Option<io::Error>,
    },
}

impl From<Error> for kernel::Error {
    fn from(error: Error) -> Self {
        use kernel::Kind;
        let message = error.to_string();
        let (kind, code, hint) = match &error {
            Error::InvalidRequest { .. } => (Kind::Invalid, "command_invalid", None),
            Error::Workspace { .. } => (
                Kind::Invalid,
                "workspace_unusable",
                Some("Check that the folder exists and that Atelier may write to it".to_owned()),
            ),
            Error::CannotStart { .. } => (
                Kind::Invalid,
                "program_not_found",
                Some(
                    "Programs below /usr and the found interpreters are visible inside; `atelier doctor` lists them"
                        .to_owned(),
                ),
            ),
            Error::SessionClosed => {
                (Kind::Conflict, "sandbox_closed", Some("Open it again and repeat what you did".to_owned()))
            }
            Error::CannotConnect { .. } => (
                Kind::Unavailable,
                "port_unanswered",
                Some("Start the program that listens there, and look at what it wrote".to_owned()),
            ),
            Error::LanguageMissing { language } => {
                (Kind::Unavailable, "language_missing", Some(language.how_to_install().to_owned()))
            }
            Error::DiskNearlyFull { .. } => {
                (Kind::Unavailable, "disk_full", Some("Free some space and try again".to_owned()))
            }
            Error::Refused { stage, .. } => (Kind::Unavailable, "sandbox_refused", Some(refusal_hint(stage))),
            Error::Launcher { .. } => (
                Kind::Internal,
                "sandbox_launcher",
                Some("`atelier doctor` says whether this machine can run the jail".to_owned()),
            ),
        };
        let converted = Self::new(kind, code, message).with_source(error);
        match hint {
            Some(hint) => converted.with_hint(hint),
            None => converted,
        }
    }
}

/// What a person can do about a part of the confinement that was refused. Nothing ever runs
/// without it, so the way out is to allow it or to choose another driver.
fn refusal_hint(stage: &str) -> String {
    let allow = if stage.contains("user namespace") || stage.contains("namespaces") {
        "allow unprivileged user namespaces (sysctl user.max_user_namespaces, \
         kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0)"
    } else if stage.contains("seccomp") {
        "use a kernel built with CONFIG_SECCOMP_FILTER"
    } else if stage.contains("mount") || stage.contains("root") {
        "inside a container, give it its own user namespace and an unmasked /proc; else use Linux 5.14 or newer"
    } else if stage.contains("cgroup") {
        "check that Atelier may still write to its own cgroup"
    } else {
        "use Linux 5.14 or newer"
    };
    format!(
        "Either {allow}, or choose another sandbox driver with the setting `sandbox.driver`; \
         `atelier doctor` shows what is missing"
    )
}
