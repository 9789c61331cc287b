//! The few system calls that no library wraps, each behind a safe function.

#![allow(unsafe_code)]

use std::{
    ffi::CStr,
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
    path::Path,
    time::Duration,
};

use nix::{NixPath, errno::Errno, sys::signal::SigSet, unistd::Pid};

/// Read-only, from `linux/mount.h`.
pub(super) const READ_ONLY: u64 = 0x0000_0001;
/// Set-user-id bits and file capabilities mean nothing.
pub(super) const NO_SUID: u64 = 0x0000_0002;
/// Device nodes cannot be opened.
pub(super) const NO_DEVICES: u64 = 0x0000_0004;
/// Nothing can be executed.
pub(super) const NO_EXECUTION: u64 = 0x0000_0008;

/// `struct mount_attr` of mount_setattr(2).
#[repr(C)]
#[derive(Default)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

const OPEN_TREE_CLONE: libc::c_uint = 1;
const OPEN_TREE_CLOEXEC: libc::c_uint = libc::O_CLOEXEC as libc::c_uint;
const MOVE_MOUNT_FROM_EMPTY_PATH: libc::c_uint = 4;

/// A copy of what is mounted at and below a path, not yet attached anywhere.
pub(super) fn clone_mounts(path: &Path) -> nix::Result<OwnedFd> {
    let flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | libc::AT_RECURSIVE as libc::c_uint;
    path.with_nix_path(|path: &CStr| {
        // SAFETY: the path is a valid C string for the duration of the call, which only reads it.
        let result = unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) };
        // SAFETY: on success the kernel returns a new descriptor that belongs to the caller.
        Errno::result(result).map(|fd| unsafe { OwnedFd::from_raw_fd(fd as i32) })
    })?
}

/// Attaches such a copy.
pub(super) fn attach(tree: BorrowedFd<'_>, target: &Path) -> nix::Result<()> {
    target.with_nix_path(|target: &CStr| {
        // SAFETY: both strings are valid C strings for the duration of the call, the descriptor is
        // borrowed for it.
        let result = unsafe {
            libc::syscall(
                libc::SYS_move_mount,
                tree.as_raw_fd(),
                c"".as_ptr(),
                libc::AT_FDCWD,
                target.as_ptr(),
                MOVE_MOUNT_FROM_EMPTY_PATH,
            )
        };
        Errno::result(result).map(drop)
    })?
}

/// Adds restrictions to a mount and to all below it.
pub(super) fn restrict_mounts(tree: BorrowedFd<'_>, restrictions: u64) -> nix::Result<()> {
    let attributes = MountAttributes { set: restrictions, ..Default::default() };
    set_attributes(tree.as_raw_fd(), c"", libc::AT_EMPTY_PATH | libc::AT_RECURSIVE, &attributes)
}

/// Adds restrictions to the one mount that is at a path.
pub(super) fn restrict_mount(path: &CStr, restrictions: u64) -> nix::Result<()> {
    let attributes = MountAttributes { set: restrictions, ..Default::default() };
    set_attributes(libc::AT_FDCWD, path, 0, &attributes)
}

fn set_attributes(fd: i32, path: &CStr, flags: i32, attributes: &MountAttributes) -> nix::Result<()> {
    // SAFETY: the path and the structure are valid for the duration of the call, which only reads
    // them, and the size is that of the structure.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            fd,
            path.as_ptr(),
            flags,
            std::ptr::from_ref(attributes),
            size_of::<MountAttributes>(),
        )
    };
    Errno::result(result).map(drop)
}

/// Clones this process as the first of a new process namespace; without root also into a new user
/// namespace, since only that allows the former. `None` is the clone.
pub(super) fn clone_init(is_root: bool) -> nix::Result<Option<Pid>> {
    let user = if is_root { 0 } else { libc::CLONE_NEWUSER };
    let flags = libc::CLONE_NEWPID | user | libc::SIGCHLD;
    // SAFETY: without CLONE_VM and with a null stack this is fork(2): the clone goes on with a
    // copy of everything. The launcher has one thread, so no lock is held by another one. The
    // other arguments are unused and zero, so their order, which differs by architecture, is too.
    let result = unsafe { libc::syscall(libc::SYS_clone, libc::c_long::from(flags), 0, 0, 0, 0) };
    Errno::result(result).map(|pid| (pid != 0).then(|| Pid::from_raw(pid as i32)))
}

/// Forks. `None` is the child.
pub(super) fn fork() -> nix::Result<Option<Pid>> {
    // SAFETY: the calling process has one thread, so the child may do all that the parent may.
    match unsafe { nix::unistd::fork() }? {
        nix::unistd::ForkResult::Parent { child } => Ok(Some(child)),
        nix::unistd::ForkResult::Child => Ok(None),
    }
}

/// Ends this process at once: no destructors, no flushing of what was copied from the parent.
pub(super) fn exit_now(code: i32) -> ! {
    // SAFETY: _exit has no preconditions.
    unsafe { libc::_exit(code) }
}

/// Closes every descriptor from 3 on when the next program is executed.
pub(super) fn close_on_exec() -> nix::Result<()> {
    // SAFETY: only sets a flag on descriptors; none is closed while it is in use here.
    let result =
        unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    Errno::result(result).map(drop)
}

/// Waits for any child to end; returns which and its raw status, which unlike that of `nix` knows
/// real-time signals.
pub(super) fn wait_any() -> nix::Result<(Pid, i32)> {
    let mut status = 0;
    // SAFETY: the out-pointer is valid for the duration of the call.
    let pid = Errno::result(unsafe { libc::waitpid(-1, &mut status, 0) })?;
    Ok((Pid::from_raw(pid), status))
}

/// Takes a child that has ended, its status raw; `None` when none has.
pub(super) fn wait_any_ended() -> nix::Result<Option<(Pid, i32)>> {
    let mut status = 0;
    // SAFETY: the out-pointer is valid for the duration of the call.
    let pid = Errno::result(unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG) })?;
    Ok((pid != 0).then(|| (Pid::from_raw(pid), status)))
}

/// Waits for one of some blocked signals. `None` when the time was over first, or for nothing.
pub(super) fn wait_for_signal(signals: &SigSet, patience: Option<Duration>) -> Option<i32> {
    let timeout = patience.map(|patience| libc::timespec {
        tv_sec: patience.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: patience.subsec_nanos().into(),
    });
    let timeout = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the set and the time are valid for the duration of the call; no information is asked
    // for beside the number.
    let signal = unsafe { libc::sigtimedwait(signals.as_ref(), std::ptr::null_mut(), timeout) };
    (signal > 0).then_some(signal)
}

/// Sets `IFF_UP` of an interface (netdevice(7)).
pub(super) fn switch_interface_on(socket: &OwnedFd, name: &CStr) -> nix::Result<()> {
    // SAFETY: ifreq is plain data, for which all zeros is a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.to_bytes().iter().take(libc::IFNAMSIZ - 1)) {
        *to = from.cast_signed();
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the structure is the one this request reads, and valid for the duration of the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as libc::Ioctl, &request) };
    Errno::result(result).map(drop)
}

/// Waits for a child to end; returns how, and the resources it and its reaped children used.
pub(super) fn wait_with_usage(pid: Pid) -> nix::Result<(i32, libc::rusage)> {
    let mut status = 0;
    // SAFETY: rusage is plain data, for which all zeros is a valid value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both out-pointers are valid and distinct for the duration of the call.
        match Errno::result(unsafe { libc::wait4(pid.as_raw(), &mut status, 0, &mut usage) }) {
            Ok(_) => return Ok((status, usage)),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// Restores every signal's default action: Rust ignores SIGPIPE, and ignored signals are
/// inherited by the next program.
pub(super) fn reset_signals() {
    for signal in 1..=64 {
        // SAFETY: setting the default action is always sound; SIGKILL, SIGSTOP and the two
        // numbers libc keeps for itself are refused, which does no harm.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// Removes one capability from what execve(2) may ever give back. `false` when there is no such
/// capability.
pub(super) fn drop_from_bounding_set(capability: u32) -> bool {
    // SAFETY: prctl with these arguments touches no memory.
    unsafe { libc::prctl(libc::PR_CAPBSET_DROP, libc::c_ulong::from(capability), 0, 0, 0) == 0 }
}

/// Gives up every capability this process has.
pub(super) fn clear_capabilities() -> nix::Result<()> {
    const VERSION_3: u32 = 0x2008_0522;
    let header: [u32; 2] = [VERSION_3, 0];
    let none = [0_u32; 6];
    // SAFETY: the header names version 3, for which the kernel reads two words of header and six
    // of data; both arrays have that size.
    let result = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) };
    Errno::result(result)?;
    // SAFETY: prctl with these arguments touches no memory.
    let result = unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) };
    Errno::result(result).map(drop)
}

/// Whether the reading end of a pipe is gone.
pub(super) fn is_reader_gone(pipe: BorrowedFd<'_>) -> bool {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let mut fds = [PollFd::new(pipe.as_fd(), PollFlags::empty())];
    poll(&mut fds, PollTimeout::ZERO).is_ok()
        && fds[0].revents().is_some_and(|events| events.contains(PollFlags::POLLERR))
}
