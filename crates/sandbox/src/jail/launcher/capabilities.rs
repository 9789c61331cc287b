//! Giving up privileges: the host's root first, then everything the namespaces gave.

use std::{
    fs::File,
    io::Write,
    os::fd::{AsFd, OwnedFd},
};

use nix::{
    fcntl::{OFlag, open, openat},
    sched::{CloneFlags, unshare},
    sys::{prctl, stat::Mode},
    unistd::{Gid, Uid, setgroups, setresgid, setresuid},
};

use super::{Failure, Stage, syscalls};
use crate::jail::layout::INSIDE_ID;

/// The folder of this process in the host's `/proc`, which stays usable after the root changed.
pub(super) fn own_proc_folder() -> Result<OwnedFd, Failure> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    open("/proc/self/", flags, Mode::empty()).stage("access to /proc")
}

/// Says who the one user of the new user namespace is: `outside` on the host, an ordinary number
/// inside. There is no root in it.
pub(super) fn map_ids(proc_folder: &OwnedFd, user: Uid, group: Gid) -> Result<(), Failure> {
    let write = |file: &str, content: String| {
        let fd = openat(proc_folder.as_fd(), file, OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())?;
        File::from(fd).write_all(content.as_bytes())
    };
    write("setgroups", "deny".into()).stage("the user namespace's groups")?;
    write("uid_map", format!("{INSIDE_ID} {user} 1")).stage("the user namespace's user")?;
    write("gid_map", format!("{INSIDE_ID} {group} 1")).stage("the user namespace's group")
}

/// As root: becomes somebody unprivileged on the host, and only then makes the user namespace.
/// What was set up before, mounts above all, belongs to the host's root and is out of reach for
/// whatever rights a process inside might gain.
pub(super) fn leave_root(proc_folder: &OwnedFd, id: u32) -> Result<(), Failure> {
    let (user, group) = (Uid::from_raw(id), Gid::from_raw(id));
    setgroups(&[]).stage("the change of user")?;
    setresgid(group, group, group).stage("the change of user")?;
    setresuid(user, user, user).stage("the change of user")?;
    // Changing the user hides /proc/self from us, and the maps are written there.
    prctl::set_dumpable(true).stage("the change of user")?;
    unshare(CloneFlags::CLONE_NEWUSER).stage("the user namespace")?;
    map_ids(proc_folder, user, group)
}

/// Gives up all capabilities, for this process and for all it will ever execute.
pub(super) fn drop_all() -> Result<(), Failure> {
    for capability in 0.. {
        if !syscalls::drop_from_bounding_set(capability) {
            break;
        }
    }
    syscalls::clear_capabilities().stage("the dropping of capabilities")?;
    prctl::set_no_new_privs().stage("no_new_privs")
}
