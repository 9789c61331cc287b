//! What the kernel counts for a user of the host, whom all jails of a server share: no jail may take
//! all of it from the others.
//!
//! A user namespace has limits of its own beside those of the namespaces above it
//! (`/proc/sys/user`, namespaces(7)). Best effort: in a container `/proc/sys` is often read-only.

use std::{fs, os::fd::AsFd, os::fd::OwnedFd, path::Path};

use nix::{
    fcntl::{OFlag, open, openat},
    sys::stat::Mode,
};

/// The folder of the settings, which stays usable after the root changed. Whose settings they are
/// is decided when a file in it is opened.
pub(super) struct UserLimits {
    folder: OwnedFd,
    inotify_instances: u64,
    inotify_watches: u64,
}

impl UserLimits {
    /// To be called while the host's `/proc` is there.
    pub(super) fn open() -> Option<Self> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let folder = open(Path::new("/proc/sys/user"), flags, Mode::empty()).ok()?;
        let of_host = |name: &str| {
            let content = fs::read_to_string(format!("/proc/sys/fs/inotify/{name}")).ok()?;
            content.trim().parse::<u64>().ok()
        };
        Some(Self {
            folder,
            inotify_instances: of_host("max_user_instances")?,
            inotify_watches: of_host("max_user_watches")?,
        })
    }

    /// To be called in the user namespace of the jail, with its rights.
    pub(super) fn apply(&self) {
        // The filter refuses namespaces as well; this does not depend on its being complete.
        self.write("max_user_namespaces", 0);
        self.write("max_inotify_instances", self.inotify_instances / 2);
        self.write("max_inotify_watches", self.inotify_watches / 2);
    }

    fn write(&self, name: &str, value: u64) {
        let flags = OFlag::O_WRONLY | OFlag::O_CLOEXEC;
        if let Ok(file) = openat(self.folder.as_fd(), name, flags, Mode::empty()) {
            let _ = nix::unistd::write(file, value.to_string().as_bytes());
        }
    }
}
