//! The kernel's own surface: calls that are broken often, privileges that could come back.

use sandbox::Outcome;

use crate::case::Case;

/// The numbers that programs call by, which Python does not know.
pub const NUMBERS: &[(&str, i64)] = &[
    ("acct", libc::SYS_acct),
    ("add_key", libc::SYS_add_key),
    ("adjtimex", libc::SYS_adjtimex),
    ("bpf", libc::SYS_bpf),
    ("capset", libc::SYS_capset),
    ("chroot", libc::SYS_chroot),
    ("clock_adjtime", libc::SYS_clock_adjtime),
    ("clock_settime", libc::SYS_clock_settime),
    ("clone", libc::SYS_clone),
    ("clone3", libc::SYS_clone3),
    ("delete_module", libc::SYS_delete_module),
    ("fallocate", libc::SYS_fallocate),
    ("fanotify_init", libc::SYS_fanotify_init),
    ("finit_module", libc::SYS_finit_module),
    ("fsmount", libc::SYS_fsmount),
    ("fsopen", libc::SYS_fsopen),
    ("fspick", libc::SYS_fspick),
    ("init_module", libc::SYS_init_module),
    ("io_uring_enter", libc::SYS_io_uring_enter),
    ("io_uring_register", libc::SYS_io_uring_register),
    ("io_uring_setup", libc::SYS_io_uring_setup),
    ("ioctl", libc::SYS_ioctl),
    ("ioprio_set", libc::SYS_ioprio_set),
    ("kcmp", libc::SYS_kcmp),
    ("kexec_file_load", libc::SYS_kexec_file_load),
    ("kexec_load", libc::SYS_kexec_load),
    ("keyctl", libc::SYS_keyctl),
    ("landlock_create_ruleset", libc::SYS_landlock_create_ruleset),
    ("mbind", libc::SYS_mbind),
    ("memfd_secret", libc::SYS_memfd_secret),
    ("migrate_pages", libc::SYS_migrate_pages),
    ("mlock", libc::SYS_mlock),
    ("mlockall", libc::SYS_mlockall),
    ("mount", libc::SYS_mount),
    ("mount_setattr", libc::SYS_mount_setattr),
    ("move_mount", libc::SYS_move_mount),
    ("move_pages", libc::SYS_move_pages),
    ("mq_open", libc::SYS_mq_open),
    ("name_to_handle_at", libc::SYS_name_to_handle_at),
    ("open_by_handle_at", libc::SYS_open_by_handle_at),
    ("open_tree", libc::SYS_open_tree),
    ("perf_event_open", libc::SYS_perf_event_open),
    ("personality", libc::SYS_personality),
    ("pidfd_getfd", libc::SYS_pidfd_getfd),
    ("pivot_root", libc::SYS_pivot_root),
    ("process_madvise", libc::SYS_process_madvise),
    ("process_vm_readv", libc::SYS_process_vm_readv),
    ("process_vm_writev", libc::SYS_process_vm_writev),
    ("ptrace", libc::SYS_ptrace),
    ("quotactl", libc::SYS_quotactl),
    ("reboot", libc::SYS_reboot),
    ("request_key", libc::SYS_request_key),
    ("sched_setattr", libc::SYS_sched_setattr),
    ("seccomp", libc::SYS_seccomp),
    ("semget", libc::SYS_semget),
    ("msgget", libc::SYS_msgget),
    ("set_mempolicy", libc::SYS_set_mempolicy),
    ("setdomainname", libc::SYS_setdomainname),
    ("sethostname", libc::SYS_sethostname),
    ("setns", libc::SYS_setns),
    ("setrlimit", libc::SYS_setrlimit),
    ("settimeofday", libc::SYS_settimeofday),
    ("shmget", libc::SYS_shmget),
    ("swapoff", libc::SYS_swapoff),
    ("swapon", libc::SYS_swapon),
    ("syslog", libc::SYS_syslog),
    ("umount2", libc::SYS_umount2),
    ("unshare", libc::SYS_unshare),
    ("userfaultfd", libc::SYS_userfaultfd),
    ("vhangup", libc::SYS_vhangup),
    #[cfg(target_arch = "x86_64")]
    ("ioperm", libc::SYS_ioperm),
    #[cfg(target_arch = "x86_64")]
    ("iopl", libc::SYS_iopl),
    #[cfg(target_arch = "x86_64")]
    ("modify_ldt", libc::SYS_modify_ldt),
];

pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = [namespaces(), programs(), privileges(), confinement(), machine(), memory()]
        .into_iter()
        .flatten()
        .collect();
    #[cfg(target_arch = "x86_64")]
    cases.extend(of_this_architecture());
    cases
}

fn namespaces() -> Vec<Case> {
    vec![
        Case::new(
            "a user namespace of one's own",
            "seccomp: unshare",
            r"
for flag in (0x10000000, 0x20000, 0x40000000, 0x20000000, 0x8000000, 0x4000000, 0x2000000, 0x80):
    refused(hex(flag), 'EPERM', call, SYS_unshare, flag)
",
        ),
        Case::new(
            "clone into new namespaces",
            "seccomp: clone flags",
            r"
for flag in (0x10000000, 0x20000, 0x40000000, 0x20000000, 0x8000000, 0x4000000, 0x2000000):
    refused(hex(flag), 'EPERM', call, SYS_clone, flag | signal.SIGCHLD, 0, 0, 0, 0)
# Its flags are in memory, where no filter can look.
refused('clone3', 'ENOSYS', call, SYS_clone3, buffer, 88)
",
        ),
        Case::new(
            "joining another namespace",
            "seccomp: setns",
            r"
for name in os.listdir('/proc/self/ns'):
    refused(name, 'EPERM', call, SYS_setns, os.open('/proc/self/ns/' + name, os.O_RDONLY), 0)
refused('pidfd', 'EPERM', call, SYS_setns, os.pidfd_open(os.getpid()), 0x20000)
",
        ),
        Case::new(
            "the host's shared memory and semaphores",
            "ipc namespace",
            r"
key = int(planted['IPC_KEY'])
refused('shared memory', 'ENOENT EPERM', call, SYS_shmget, key, 0, 0)
refused('semaphores', 'ENOENT EPERM', call, SYS_semget, key, 0, 0)
refused('messages', 'ENOENT EPERM', call, SYS_msgget, key, 0)
refused('named messages', 'EPERM', call, SYS_mq_open, b'x', 0o100 | 2, 0o600, 0)
",
        ),
    ]
}

fn programs() -> Vec<Case> {
    vec![
        Case::new(
            "programs in the kernel (bpf)",
            "seccomp: bpf",
            r"
for command in (0, 5, 18): refused(command, 'EPERM', call, SYS_bpf, command, buffer, 128)
",
        ),
        Case::new(
            "io_uring",
            "seccomp: io_uring_setup",
            r"
refused('setup', 'EPERM', call, SYS_io_uring_setup, 8, buffer)
refused('enter', 'EPERM', call, SYS_io_uring_enter, -1, 0, 0, 0, 0)
refused('register', 'EPERM', call, SYS_io_uring_register, -1, 0, 0, 0)
",
        ),
        Case::new(
            "faults served in user space",
            "seccomp: userfaultfd",
            r"
for flags in (0, 1): refused(flags, 'EPERM', call, SYS_userfaultfd, flags)
refused('device', 'ENOENT', os.open, '/dev/userfaultfd', os.O_RDWR)
",
        ),
        Case::new(
            "the processor's counters",
            "seccomp: perf_event_open",
            r"
refused('perf_event_open', 'EPERM', call, SYS_perf_event_open, buffer, 0, -1, -1, 0)
",
        ),
        Case::new(
            "the kernel's key ring",
            "seccomp: keyctl",
            r"
refused('session keyring', 'EPERM', call, SYS_keyctl, 0, -3, 0)
refused('join', 'EPERM', call, SYS_keyctl, 1, 0)
refused('add', 'EPERM', call, SYS_add_key, b'user', b'a', b'b', 1, -3)
refused('request', 'EPERM', call, SYS_request_key, b'user', b'a', 0, -3)
for name in ('keys', 'key-users'): refused(name, 'ENOENT', read, '/proc/' + name)
",
        ),
        Case::new(
            "characters into a terminal's input",
            "seccomp: TIOCSTI",
            r"
for request in (0x5412, 0x541c, 0x5423):
    refused(hex(request), 'EPERM', call, SYS_ioctl, 0, request, buffer)
    refused('high bits ' + hex(request), 'EPERM', call, SYS_ioctl, 0, 1 << 32 | request, buffer)
refused('an ordinary request', 'ENOTTY', call, SYS_ioctl, 0, 0x5401, buffer)
",
        ),
        Case::steps("TIOCSTI at a real terminal", "seccomp: TIOCSTI", |world| {
            Box::pin(crate::steps::terminal(world))
        }),
        Case::new(
            "calls that are yet to come",
            "seccomp: what is not listed",
            r"
for number in (457, 458, 459, 467, 500, 1000, 4000): refused(number, 'ENOSYS', call, number, 0, 0, 0, 0)
",
        ),
    ]
}

fn privileges() -> Vec<Case> {
    vec![
        Case::new(
            "becoming root",
            "user namespace: one user",
            r"
holds('it is root', os.getresuid() == (1000, 1000, 1000) and os.getgroups() in ([1000], []))
for user in (0, 1, 65534):
    refused(f'setuid {user}', 'EPERM EINVAL', os.setuid, user)
    refused(f'setgid {user}', 'EPERM EINVAL', os.setgid, user)
    refused(f'setresuid {user}', 'EPERM EINVAL', os.setresuid, user, user, user)
refused('setgroups', 'EPERM EINVAL', os.setgroups, [0])
",
        ),
        Case::new(
            "capabilities",
            "capabilities: none",
            r"
for name in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'): holds(name, int(status(name), 16) == 0)
header = (0x20080522).to_bytes(4, 'little') + bytes(4)
refused('capset', 'EPERM', call, SYS_capset, header, b'\xff' * 24)
for capability in range(41): refused(capability, 'EPERM', lambda: libc.prctl(47, 2, capability, 0, 0) and call(SYS_capset, header, b'\xff' * 24))
",
        ),
        Case::new(
            "set-user-id programs of the system",
            "no_new_privs",
            r"
holds('NoNewPrivs', status('NoNewPrivs') == '1' and libc.prctl(39, 0, 0, 0, 0) == 1)
holds('taken back', libc.prctl(38, 0, 0, 0, 0) == -1)
found = [p for p in ('/usr/bin/su', '/bin/su', '/usr/bin/mount', '/usr/bin/passwd', '/usr/bin/chsh', '/usr/bin/newgrp') if os.path.exists(p) and os.stat(p).st_mode & stat.S_ISUID]
if not found: skip('there is no set-user-id program here')
# It sleeps inside while we look who it is: reading its own standard input, or gone at once.
for path in found:
    child = subprocess.Popen([path, '-c', 'id'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = child.communicate()[0]
    holds(f'{path}: {said}', b'uid=0' not in said)
",
        ),
        Case::new(
            "a program in memory keeps the confinement",
            "no_new_privs: kept over execution",
            r"
memory = 'no cgroup'
try: memory = os.memfd_create('x')
except PermissionError: skip('memory files are refused here')
with open('/usr/bin/grep', 'rb') as source: os.write(memory, source.read())
said = subprocess.run([f'/proc/self/fd/{memory}', '-E', '^(NoNewPrivs|Seccomp|CapEff|Uid):', '/proc/self/status'], pass_fds=[memory], capture_output=True, text=True)
facts = dict(line.split(':\t') for line in said.stdout.splitlines())
holds(f'{said}', facts == {'Uid': '1000\t1000\t1000\t1000', 'CapEff': '0' * 16, 'NoNewPrivs': '1', 'Seccomp': '2'})
",
        ),
        Case::new(
            "a set-user-id program by descriptor",
            "no_new_privs",
            r"
path = next((p for p in ('/usr/bin/su', '/bin/su', '/usr/bin/passwd') if os.path.exists(p) and os.stat(p).st_mode & stat.S_ISUID), None)
if not path: skip('there is no set-user-id program here')
descriptor = os.open(path, os.O_RDONLY)
child = os.fork()
if child == 0:
    null = os.open('/dev/null', os.O_RDWR)
    for fd in range(3): os.dup2(null, fd)
    os.execve(descriptor, [path, '-c', 'touch /workspace/by-root', 'root'], {})
holds('it worked', os.waitpid(child, 0)[1] != 0 and not os.path.exists('/workspace/by-root'))
",
        ),
    ]
}

fn confinement() -> Vec<Case> {
    vec![
        Case::new(
            "taking seccomp off",
            "seccomp: for good",
            r"
holds('mode', status('Seccomp') == '2' and int(status('Seccomp_filters') or 2) >= 2)
holds('strict', libc.prctl(22, 1, 0, 0, 0) == -1 and libc.prctl(22, 0, 0, 0, 0) == -1)
refused('another filter', 'EPERM', call, SYS_seccomp, 1, 0, buffer)
refused('listener', 'EPERM', call, SYS_seccomp, 1, 8, buffer)
",
        ),
        Case::new(
            "the settings of a process (prctl)",
            "capabilities: none",
            r"
holds('PR_SET_MM', libc.prctl(35, 1, 0, 0, 0) == -1)
holds('PR_SET_SECUREBITS', libc.prctl(28, 0x2f, 0, 0, 0) == -1)
holds('PR_CAPBSET', all(libc.prctl(23, c, 0, 0, 0) != 1 for c in range(64)))
holds('PR_CAP_AMBIENT', all(libc.prctl(47, 2, c, 0, 0) == -1 for c in range(41)))
",
        ),
        Case::new(
            "another personality",
            "seccomp: personality",
            r"
for what in (0x0040000, 0x0400000, 0x0100000, 0x0008, 0x0200000): refused(hex(what), 'EPERM', call, SYS_personality, what)
",
        ),
    ]
}

fn machine() -> Vec<Case> {
    vec![
        Case::new(
            "modules and another kernel",
            "seccomp: init_module, kexec_load",
            r"
refused('init_module', 'EPERM', call, SYS_init_module, buffer, 0, b'')
refused('finit_module', 'EPERM', call, SYS_finit_module, -1, b'', 0)
refused('delete_module', 'EPERM', call, SYS_delete_module, b'x', 0)
refused('kexec_load', 'EPERM', call, SYS_kexec_load, 0, 0, 0, 0)
refused('kexec_file_load', 'EPERM', call, SYS_kexec_file_load, -1, -1, 0, 0, 0)
",
        ),
        Case::new(
            "restarting the machine",
            "seccomp: reboot",
            r"
# Without the magic numbers, so that nothing would happen.
refused('reboot', 'EPERM', call, SYS_reboot, 0, 0, 0, 0)
",
        ),
        Case::new(
            "swap, quotas and accounting",
            "seccomp: swapon, quotactl, acct",
            r"
refused('swapon', 'EPERM', call, SYS_swapon, b'/workspace/none', 0)
refused('swapoff', 'EPERM', call, SYS_swapoff, b'/workspace/none')
refused('quotactl', 'EPERM', call, SYS_quotactl, 0x80000700, b'/dev/none', 0, buffer)
refused('acct', 'EPERM', call, SYS_acct, b'/workspace/none')
",
        ),
        Case::new(
            "the machine's name",
            "seccomp: sethostname; uts namespace",
            r"
refused('sethostname', 'EPERM', call, SYS_sethostname, b'taken', 5)
refused('setdomainname', 'EPERM', call, SYS_setdomainname, b'taken', 5)
",
        )
        .outside(|world, _| {
            let name = crate::world::host_name();
            if name == world.variables["HOST_NAME"] { Ok(()) } else { Err(format!("it is {name} now")) }
        }),
        Case::new(
            "the machine's clock",
            "seccomp: clock_settime",
            r"
refused('clock_settime', 'EPERM', call, SYS_clock_settime, -1, buffer)
refused('settimeofday', 'EPERM', call, SYS_settimeofday, 0, 0)
refused('adjtimex', 'EPERM', call, SYS_adjtimex, buffer)
refused('clock_adjtime', 'EPERM', call, SYS_clock_adjtime, 0, buffer)
",
        ),
        Case::new(
            "the kernel's log",
            "seccomp: syslog",
            r"
for kind in (3, 9, 10): refused(kind, 'EPERM', call, SYS_syslog, kind, buffer, 100)
refused('kmsg', 'ENOENT', os.open, '/dev/kmsg', os.O_RDONLY)
refused('/proc/kmsg', 'ENOENT', os.open, '/proc/kmsg', os.O_RDONLY)
",
        ),
        Case::new(
            "hanging up the terminal",
            "seccomp: vhangup",
            r"
refused('vhangup', 'EPERM', call, SYS_vhangup)
",
        ),
    ]
}

fn memory() -> Vec<Case> {
    vec![
        Case::new(
            "where memory lies",
            "seccomp: mbind, move_pages",
            r"
refused('mbind', 'EPERM', call, SYS_mbind, 0, 0, 0, 0, 0, 0)
refused('set_mempolicy', 'EPERM', call, SYS_set_mempolicy, 0, 0, 0)
refused('migrate_pages', 'EPERM', call, SYS_migrate_pages, os.getpid(), 0, 0, 0)
refused('move_pages', 'EPERM', call, SYS_move_pages, os.getpid(), 0, 0, 0, 0, 0)
",
        ),
        Case::new(
            "memory that nobody can look at",
            "seccomp: memfd_secret",
            r"
refused('memfd_secret', 'EPERM', call, SYS_memfd_secret, 0)
",
        ),
        Case::new(
            "memory that is never paged out",
            "rlimit: memlock",
            r"
refused('mlockall', 'EPERM ENOMEM', call, SYS_mlockall, 3)
megabyte = ctypes.create_string_buffer(1 << 20)
refused('mlock', 'EPERM ENOMEM', call, SYS_mlock, megabyte, 1 << 20)
",
        ),
        Case::new(
            "blocks without content (fallocate)",
            "seccomp: fallocate is not listed",
            r"
descriptor = os.open('/workspace', os.O_TMPFILE | os.O_WRONLY, 0o600)
refused('fallocate', 'ENOSYS', call, SYS_fallocate, descriptor, 0, 0, 1 << 20)
",
        ),
    ]
}

#[cfg(target_arch = "x86_64")]
fn of_this_architecture() -> Vec<Case> {
    vec![
        Case::new(
            "ports of the hardware",
            "seccomp: iopl, ioperm",
            r"
refused('iopl', 'EPERM', call, SYS_iopl, 0)
refused('ioperm', 'EPERM', call, SYS_ioperm, 0x80, 1, 0)
refused('/dev/port', 'ENOENT', os.open, '/dev/port', os.O_RDWR)
",
        ),
        Case::new(
            "segments of one's own",
            "seccomp: modify_ldt",
            r"
refused('read', 'EPERM', call, SYS_modify_ldt, 0, buffer, 0)
refused('write', 'EPERM', call, SYS_modify_ldt, 1, buffer, 16)
",
        ),
        Case::new(
            "the numbers of x32",
            "seccomp: what is not listed",
            r"
X32 = 0x40000000
for number in (39, 521, 101, 165, 272): refused(number, 'ENOSYS', call, X32 | number, 0, 0, 0, 0)
",
        ),
        Case::new(
            "32-bit calls (int 0x80)",
            "seccomp: foreign architectures are killed",
            r"
import mmap
# mov eax, 20 (getpid); int 0x80; ret
m = mmap.mmap(-1, 4096, prot=7)
m.write(b'\xb8\x14\0\0\0\xcd\x80\xc3')
ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))()
",
        )
        .ends(&[Outcome::Signalled(libc::SIGSYS)]),
    ]
}
