//! What is refused with `EPERM`, whole calls and arguments.

use std::collections::BTreeMap;

use seccompiler::{
    SeccompCmpArgLen::Dword,
    SeccompCmpOp::{self, Eq, MaskedEq, Ne},
    SeccompCondition, SeccompRule,
};

use super::Conditions;

/// Calls that are refused whatever their arguments.
pub(super) fn calls(conditions: Conditions) -> impl Iterator<Item = i64> {
    let uncounted: &[i64] = if conditions.has_memory_group { &[] } else { UNCOUNTED };
    WHOLE.iter().chain(uncounted).copied()
}

/// What makes memory that belongs to no process. A fresh ipc namespace allows a thousand million
/// semaphores, each with 64 bytes of the kernel's.
const UNCOUNTED: &[i64] = &[libc::SYS_memfd_create, libc::SYS_shmget, libc::SYS_semget, libc::SYS_msgget];

/// The rules of a filter that refuses on a match.
pub(super) fn arguments(conditions: Conditions) -> BTreeMap<i64, Vec<SeccompRule>> {
    let mut rules = BTreeMap::new();
    let families: &[i32] = if conditions.has_loopback {
        &[libc::AF_UNIX, libc::AF_INET, libc::AF_INET6]
    } else {
        &[libc::AF_UNIX]
    };
    // Sockets of no other family. Compared as 32 bits, like all that follows: the kernel ignores
    // the rest.
    let none_of: Vec<_> = families.iter().map(|family| (0, Ne, *family as u64)).collect();
    // And no protocol but the two that everybody uses; the others are large and seldom looked at.
    let other_protocol =
        [(0, Ne, libc::AF_UNIX), (2, Ne, 0), (2, Ne, libc::IPPROTO_TCP), (2, Ne, libc::IPPROTO_UDP)]
            .map(|(argument, operator, value)| (argument, operator, value as u64));
    for call in [libc::SYS_socket, libc::SYS_socketpair] {
        rules.insert(call, vec![rule(&none_of), rule(&other_protocol)]);
    }
    // Putting characters into a terminal's input, by either way, and changing its discipline.
    let requests = [libc::TIOCSTI, libc::TIOCLINUX, libc::TIOCSETD];
    rules.insert(libc::SYS_ioctl, requests.map(|request| rule(&[(1, Eq, request)])).into());
    rules.insert(libc::SYS_clone, NAMESPACES.map(|flag| rule(&[(0, MaskedEq(flag), flag)])).into());
    // Only "what is it" and the ordinary one.
    rules.insert(libc::SYS_personality, vec![rule(&[(0, Ne, 0), (0, Ne, 0xffff_ffff)])]);
    // Limits of oneself only: init and the keepers have the same user, which is all the kernel asks
    // for, and could be left without descriptors or ended for the time they used.
    rules.insert(libc::SYS_prlimit64, vec![rule(&[(0, Ne, 0)])]);
    rules.extend(set_id_rules());
    rules
}

/// No namespace of one's own.
const NAMESPACES: [u64; 7] = [
    libc::CLONE_NEWNS as u64,
    libc::CLONE_NEWCGROUP as u64,
    libc::CLONE_NEWUTS as u64,
    libc::CLONE_NEWIPC as u64,
    libc::CLONE_NEWUSER as u64,
    libc::CLONE_NEWPID as u64,
    libc::CLONE_NEWNET as u64,
];

/// No file that runs as its owner: the workspace is on the host, where somebody could run it.
fn set_id_rules() -> Vec<(i64, Vec<SeccompRule>)> {
    const SET_ID: [u64; 2] = [libc::S_ISUID as u64, libc::S_ISGID as u64];
    const CREATING: [u64; 2] = [libc::O_CREAT as u64, (libc::O_TMPFILE & !libc::O_DIRECTORY) as u64];
    let by_mode = |mode: u8| SET_ID.map(|bit| rule(&[(mode, MaskedEq(bit), bit)])).to_vec();
    // The mode of an open counts only if it creates; otherwise it may be anything.
    let by_open = |flags: u8, mode: u8| {
        CREATING
            .iter()
            .flat_map(|creating| {
                SET_ID.map(|bit| rule(&[(flags, MaskedEq(*creating), *creating), (mode, MaskedEq(bit), bit)]))
            })
            .collect::<Vec<_>>()
    };
    let mut rules = vec![
        (libc::SYS_fchmod, by_mode(1)),
        (libc::SYS_fchmodat, by_mode(2)),
        (super::allowed::FCHMODAT2, by_mode(2)),
        (libc::SYS_mkdirat, by_mode(2)),
        (libc::SYS_mknodat, by_mode(2)),
        (libc::SYS_openat, by_open(2, 3)),
    ];
    #[cfg(target_arch = "x86_64")]
    rules.extend([
        (libc::SYS_chmod, by_mode(1)),
        (libc::SYS_creat, by_mode(1)),
        (libc::SYS_mkdir, by_mode(1)),
        (libc::SYS_mknod, by_mode(1)),
        (libc::SYS_open, by_open(1, 2)),
    ]);
    rules
}

/// A rule whose conditions must all hold: argument, comparison, value.
fn rule(conditions: &[(u8, SeccompCmpOp, u64)]) -> SeccompRule {
    let conditions = conditions
        .iter()
        .map(|(argument, operator, value)| {
            SeccompCondition::new(*argument, Dword, operator.clone(), *value)
                .expect("there are six arguments")
        })
        .collect();
    SeccompRule::new(conditions).expect("no rule here is without conditions")
}

/// Refused altogether.
const WHOLE: &[i64] = &[
    // Looking into other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_perf_event_open,
    libc::SYS_lookup_dcookie,
    // Large, privileged or often broken parts of the kernel.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_bpf,
    libc::SYS_userfaultfd,
    libc::SYS_memfd_secret,
    libc::SYS_fanotify_init,
    libc::SYS_seccomp,
    libc::SYS_vhangup,
    // Keys.
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // Mounts and namespaces.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    // The machine as a whole.
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_syslog,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
    // Where memory lies, and message queues that nobody counts.
    libc::SYS_mbind,
    libc::SYS_set_mempolicy,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
];
