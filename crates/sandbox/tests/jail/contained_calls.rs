//! System calls that must not work, each really made.

use sandbox::Outcome;

use crate::support::{Bench, text};

/// Makes calls inside and asserts how each fails. Arguments are Python expressions.
async fn assert_refused(calls: &[(&str, i64, &str, &str)]) {
    let bench = Bench::with_python();
    let mut script = String::from(
        "import ctypes, errno\nlibc = ctypes.CDLL(None, use_errno=True)\nbuffer = ctypes.create_string_buffer(4096)\n\
         def call(name, number, *arguments):\n    \
             result = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments))\n    \
             print(name, 'worked' if result >= 0 else errno.errorcode[ctypes.get_errno()], flush=True)\n",
    );
    for (name, number, arguments, _) in calls {
        script += &format!("call({name:?}, {number}, {arguments})\n");
    }
    let result = bench.python(&script).await;
    let expected: String = calls.iter().map(|(name, _, _, error)| format!("{name} {error}\n")).collect();
    assert_eq!(
        (text(&result.stdout), result.outcome),
        (expected, Outcome::Exited(0)),
        "{}",
        text(&result.stderr)
    );
}

#[tokio::test]
async fn io_uring() {
    assert_refused(&[
        ("io_uring_setup", libc::SYS_io_uring_setup, "8, buffer", "EPERM"),
        ("io_uring_enter", libc::SYS_io_uring_enter, "0, 0, 0, 0, 0", "EPERM"),
        ("io_uring_register", libc::SYS_io_uring_register, "0, 0, 0, 0", "EPERM"),
    ])
    .await;
}

#[tokio::test]
async fn tracing_and_reading_other_processes() {
    assert_refused(&[
        ("traceme", libc::SYS_ptrace, "0, 0, 0, 0", "EPERM"),
        ("attach", libc::SYS_ptrace, "16, 1, 0, 0", "EPERM"),
        ("process_vm_readv", libc::SYS_process_vm_readv, "2, buffer, 1, buffer, 1, 0", "EPERM"),
        ("process_vm_writev", libc::SYS_process_vm_writev, "2, buffer, 1, buffer, 1, 0", "EPERM"),
        ("pidfd_getfd", libc::SYS_pidfd_getfd, "0, 0, 0", "EPERM"),
        ("kcmp", libc::SYS_kcmp, "1, 2, 0, 0, 0", "EPERM"),
    ])
    .await;
}

#[tokio::test]
async fn keys() {
    assert_refused(&[
        ("keyctl", libc::SYS_keyctl, "0, -3, 0", "EPERM"),
        ("add_key", libc::SYS_add_key, "b'user', b'a', b'b', 1, -3", "EPERM"),
        ("request_key", libc::SYS_request_key, "b'user', b'a', 0, -3", "EPERM"),
    ])
    .await;
}

#[tokio::test]
async fn pushing_characters_into_a_terminal() {
    let tiocsti = libc::TIOCSTI;
    let hidden = format!("0, {}, buffer", (1_u64 << 32 | tiocsti).cast_signed());
    assert_refused(&[
        ("TIOCSTI", libc::SYS_ioctl, &format!("0, {tiocsti}, buffer"), "EPERM"),
        ("TIOCSTI with high bits", libc::SYS_ioctl, &hidden, "EPERM"),
        ("TIOCLINUX", libc::SYS_ioctl, &format!("0, {}, buffer", libc::TIOCLINUX), "EPERM"),
        ("an ordinary request", libc::SYS_ioctl, &format!("0, {}, buffer", libc::TCGETS), "ENOTTY"),
    ])
    .await;
}

#[tokio::test]
async fn mounting() {
    assert_refused(&[
        ("mount", libc::SYS_mount, "b'none', b'/tmp', b'tmpfs', 0, 0", "EPERM"),
        ("remount", libc::SYS_mount, "b'none', b'/usr', 0, 4128, 0", "EPERM"),
        ("umount2", libc::SYS_umount2, "b'/proc', 2", "EPERM"),
        ("pivot_root", libc::SYS_pivot_root, "b'.', b'.'", "EPERM"),
        ("open_tree", libc::SYS_open_tree, "-100, b'/', 1", "EPERM"),
        ("move_mount", libc::SYS_move_mount, "-100, b'/tmp', -100, b'/usr', 0", "EPERM"),
        ("fsopen", libc::SYS_fsopen, "b'tmpfs', 0", "EPERM"),
        ("fsmount", libc::SYS_fsmount, "0, 0, 0", "EPERM"),
        ("mount_setattr", libc::SYS_mount_setattr, "-100, b'/usr', 0, buffer, 32", "EPERM"),
    ])
    .await;
}

#[tokio::test]
async fn leaving_by_chroot_or_file_handles() {
    assert_refused(&[
        ("chroot", libc::SYS_chroot, "b'/tmp'", "EPERM"),
        ("name_to_handle_at", libc::SYS_name_to_handle_at, "-100, b'/', buffer, buffer, 0", "EPERM"),
        ("open_by_handle_at", libc::SYS_open_by_handle_at, "0, buffer, 0", "EPERM"),
    ])
    .await;
}

#[tokio::test]
async fn namespaces_of_ones_own() {
    let user = format!("{}, 0, 0, 0, 0", libc::CLONE_NEWUSER | libc::SIGCHLD);
    let network = format!("{}, 0, 0, 0, 0", libc::CLONE_NEWNET | libc::SIGCHLD);
    assert_refused(&[
        ("unshare user", libc::SYS_unshare, &libc::CLONE_NEWUSER.to_string(), "EPERM"),
        ("unshare mounts", libc::SYS_unshare, &libc::CLONE_NEWNS.to_string(), "EPERM"),
        ("setns", libc::SYS_setns, "0, 0", "EPERM"),
        ("clone user", libc::SYS_clone, &user, "EPERM"),
        ("clone network", libc::SYS_clone, &network, "EPERM"),
        // Its flags are in memory, where no filter can look; libraries fall back to clone.
        ("clone3", libc::SYS_clone3, "buffer, 88", "ENOSYS"),
    ])
    .await;
}

#[tokio::test]
async fn programs_in_the_kernel_and_its_counters() {
    assert_refused(&[
        ("bpf", libc::SYS_bpf, "0, buffer, 128", "EPERM"),
        ("perf_event_open", libc::SYS_perf_event_open, "buffer, 0, -1, -1, 0", "EPERM"),
        ("userfaultfd", libc::SYS_userfaultfd, "1", "EPERM"),
        ("memfd_secret", libc::SYS_memfd_secret, "0", "EPERM"),
        ("fanotify_init", libc::SYS_fanotify_init, "0, 0", "EPERM"),
        ("seccomp", libc::SYS_seccomp, "0, 0, 0", "EPERM"),
    ])
    .await;
}

#[tokio::test]
async fn the_machine_as_a_whole() {
    assert_refused(&[
        ("reboot", libc::SYS_reboot, "0, 0, 0, 0", "EPERM"),
        ("kexec_load", libc::SYS_kexec_load, "0, 0, 0, 0", "EPERM"),
        ("init_module", libc::SYS_init_module, "0, 0, 0", "EPERM"),
        ("finit_module", libc::SYS_finit_module, "0, b'', 0", "EPERM"),
        ("delete_module", libc::SYS_delete_module, "b'x', 0", "EPERM"),
        ("swapon", libc::SYS_swapon, "b'/dev/null', 0", "EPERM"),
        ("acct", libc::SYS_acct, "b'/tmp/acct'", "EPERM"),
        ("quotactl", libc::SYS_quotactl, "0, 0, 0, 0", "EPERM"),
        ("syslog", libc::SYS_syslog, "3, buffer, 100", "EPERM"),
        ("sethostname", libc::SYS_sethostname, "b'x', 1", "EPERM"),
        ("clock_settime", libc::SYS_clock_settime, "0, buffer", "EPERM"),
        ("personality", libc::SYS_personality, "0x0400000", "EPERM"),
    ])
    .await;
}

#[cfg(target_arch = "x86_64")]
#[tokio::test]
async fn other_numberings_of_the_system_calls() {
    const X32: i64 = 0x4000_0000;
    assert_refused(&[
        ("x32 getpid", X32 | libc::SYS_getpid, "", "ENOSYS"),
        ("x32 ptrace", X32 | 521, "0, 0, 0, 0", "ENOSYS"),
        ("one yet to come", 1000, "", "ENOSYS"),
    ])
    .await;
    // getpid by int 0x80, from code made at run time: mov eax, 20; int 0x80; ret.
    let bench = Bench::with_python();
    let result = bench
        .python(
            "import ctypes, mmap\nm = mmap.mmap(-1, 4096, prot=7)\nm.write(b'\\xb8\\x14\\0\\0\\0\\xcd\\x80\\xc3')\n\
             ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))()\nprint('worked')",
        )
        .await;
    assert_eq!((result.outcome, text(&result.stdout).as_str()), (Outcome::Signalled(libc::SIGSYS), ""));
}
