//! Out of the workspace by the file system.

use crate::{case::Case, world::World};

pub fn cases() -> Vec<Case> {
    [ways_around(), mounts(), flags_of_mounts(), read_only(), nodes_and_bits(), owners(), strangers()]
        .into_iter()
        .flatten()
        .collect()
}

fn ways_around() -> Vec<Case> {
    vec![
        Case::new("up and out by ..", "mount namespace: a root of its own", r"
for path in (planted['SECRET'], planted['SECRET_AT_HOME']):
    for way in (path, '/workspace/../../../..' + path, '/tmp/..' + path, '/dev/fd/../../..' + path):
        refused(way, 'ENOENT EACCES', read, way)
"),
        Case::new("a symbolic link to a host file", "mount namespace: a root of its own", r"
import tempfile
folder = tempfile.mkdtemp(dir='/workspace')
os.symlink(planted['SECRET'], folder + '/file'); os.symlink(os.path.dirname(planted['SECRET']), folder + '/folder')
refused('file', 'ENOENT EACCES', read, folder + '/file')
refused('folder', 'ENOENT EACCES', read, folder + '/folder/secret.txt')
refused('new', 'ENOENT EACCES', write, folder + '/folder/new', b'x', os.O_CREAT)
").outside(|world, _| nothing_new(world)),
        Case::steps("a link that lay in the workspace before", "hand-over: links are not followed", |world| {
            Box::pin(crate::steps::planted_link(world))
        }),
        Case::new("/proc/self/root and cwd", "mount namespace: the old root is unmounted", r"
for base in ('/proc/self/root', '/proc/thread-self/root', '/proc/self/cwd/..'):
    refused(base, 'ENOENT EACCES', read, base + planted['SECRET'])
holds('another root', os.stat('/proc/self/root').st_ino == os.stat('/').st_ino)
"),
        Case::new("/proc/1/root, cwd, exe", "procfs: hidepid hides process 1", r"
for name in ('root/etc/shadow', 'cwd/etc/shadow', 'exe', 'fd/0', 'ns/mnt', 'map_files'):
    refused(name, 'ENOENT EACCES', os.stat, '/proc/1/' + name)
refused('readlink', 'ENOENT EACCES', os.readlink, '/proc/1/root')
"),
        Case::new("descriptors of host processes", "pid namespace", r"
for pid in planted['HOST_PIDS'].split():
    for name in ('', '/fd', '/root', '/environ', '/mem'): refused(pid + name, 'ENOENT', os.stat, '/proc/' + pid + name)
"),
        Case::new("descriptors left open by the server", "exec: descriptors are closed", r"
for fd in range(3, 300):
    try: target = os.readlink(f'/proc/self/fd/{fd}')
    except FileNotFoundError: continue
    holds(f'{fd} is {target}', target.startswith('/proc/') or target.startswith('/workspace'))
holds('standard input', not os.readlink('/proc/self/fd/0').startswith('socket:'))
"),
        Case::new("the folder above the workspace", "mount namespace: a root of its own", r"
here = os.open('/workspace', os.O_RDONLY)
above = os.open('..', os.O_RDONLY, dir_fd=here)
holds('above is not the root', os.fstat(above).st_ino == os.stat('/').st_ino and os.path.samefile('/', '/workspace/..'))
holds('the host folder', 'places' not in os.listdir(above) and 'other' not in os.listdir(above))
refused('moving it', 'EBUSY EROFS EACCES EXDEV', os.rename, '/workspace', '/elsewhere')
refused('writing there', 'EROFS EACCES', write, '/workspace/../x', b'x', os.O_CREAT)
"),
        Case::new("file handles (open_by_handle_at)", "seccomp: open_by_handle_at", r"
refused('name_to_handle_at', 'EPERM', call, SYS_name_to_handle_at, -100, b'/', buffer, buffer, 0)
refused('open_by_handle_at', 'EPERM', call, SYS_open_by_handle_at, -1, buffer, 0)
"),
        Case::new("chroot out of the root", "seccomp: chroot", r"
refused('chroot', 'EPERM', os.chroot, '/tmp')
refused('no folder', 'EPERM', call, SYS_chroot, b'/no/such/folder')
"),
        Case::new("hard links to host files", "mount namespace: mounts of their own", r"
for n, path in enumerate(('/etc/passwd', '/usr/bin/env', '/proc/self/status')):
    refused(path, 'EXDEV EPERM EACCES', os.link, path, f'/workspace/hard-{os.getpid()}-{n}')
    refused('by descriptor ' + path, 'EXDEV EPERM EACCES ENOENT', os.link, f'/proc/self/fd/{os.open(path, os.O_RDONLY)}', f'/workspace/soft-{os.getpid()}-{n}')
"),
        Case::new("nameless files in the system's folders (O_TMPFILE)", "mount namespace: read-only system", r"
for folder in ('/usr', '/usr/bin', '/etc', '/', '/dev'):
    refused(folder, 'EROFS EACCES EOPNOTSUPP', os.open, folder, os.O_TMPFILE | os.O_WRONLY, 0o600)
"),
    ]
}

fn mounts() -> Vec<Case> {
    vec![
        Case::new(
            "mount, remount, bind",
            "seccomp: mount",
            r"
# With addresses that cannot be read, which the kernel itself would answer with EFAULT.
refused('mount', 'EPERM', call, SYS_mount, 1, 1, 1, 0, 0)
for flags in (4096, 32 | 4096, 8192): refused(flags, 'EPERM', call, SYS_mount, b'/', b'/tmp', b'tmpfs', flags, 0)
refused('umount', 'EPERM', call, SYS_umount2, b'/proc', 2)
",
        ),
        Case::new(
            "the newer mount calls",
            "seccomp: open_tree, fsopen, move_mount",
            r"
refused('open_tree', 'EPERM', call, SYS_open_tree, -100, b'/', 0)
refused('open_tree clone', 'EPERM', call, SYS_open_tree, -100, b'/', 1)
refused('move_mount', 'EPERM', call, SYS_move_mount, -1, b'', -100, b'/usr', 4)
refused('fsopen', 'EPERM', call, SYS_fsopen, b'tmpfs', 0)
refused('fsmount', 'EPERM', call, SYS_fsmount, -1, 0, 0)
refused('fspick', 'EPERM', call, SYS_fspick, -1, b'/', 0)
refused('mount_setattr', 'EPERM', call, SYS_mount_setattr, -100, b'/usr', 0, buffer, 32)
",
        ),
        Case::new(
            "pivot_root",
            "seccomp: pivot_root",
            r"
refused('pivot_root', 'EPERM', call, SYS_pivot_root, b'.', b'.')
",
        ),
        Case::new(
            "debugfs, tracefs, cgroupfs",
            "mount namespace: no /sys",
            r"
for path in ('/sys', '/sys/kernel/debug', '/sys/kernel/tracing', '/sys/fs/cgroup', '/sys/fs/bpf', '/sys/kernel/security'):
    refused(path, 'ENOENT', os.listdir, path)
for kind in (b'debugfs', b'tracefs', b'cgroup', b'cgroup2', b'sysfs', b'bpf'):
    refused(kind, 'EPERM', call, SYS_mount, kind, b'/tmp', kind, 0, 0)
",
        ),
        Case::new(
            "cgroup files and release_agent",
            "mount namespace: no cgroup tree",
            r"
for path in ('release_agent', 'memory/release_agent', 'pids/pids.max', 'memory.max', 'cgroup.procs', 'notify_on_release'):
    refused(path, 'ENOENT', write, '/sys/fs/cgroup/' + path, b'/tmp/agent')
refused('uevent_helper', 'ENOENT', write, '/sys/kernel/uevent_helper', b'/tmp/agent')
",
        ),
    ]
}

fn flags_of_mounts() -> Vec<Case> {
    vec![
        Case::new(
            "the place in the host's cgroup tree",
            "cgroup namespace",
            r"
for line in open('/proc/self/cgroup'):
    own = line.strip().split(':', 2)[2]
    holds(line, own == '/')
",
        ),
        Case::new(
            "set-user-id bits on any mount",
            "mount: nosuid, nodev",
            r"
for line in open('/proc/self/mountinfo'):
    fields = line.split()
    at, options = fields[4], fields[5].split(',')
    holds(at + ' nosuid', 'nosuid' in options)
    holds(at + ' nodev', 'nodev' in options or at.startswith('/dev/'))
    holds(at + ' ro', 'ro' in options or at in ('/workspace', '/tmp', '/dev/shm', '/dev/pts') or at.startswith('/dev/'))
",
        ),
        Case::new(
            "executing from /dev/shm",
            "mount: noexec /dev/shm",
            r"
import shutil
name = f'/dev/shm/{os.getpid()}'
shutil.copy('/usr/bin/env', name); os.chmod(name, 0o755)
refused('exec', 'EACCES', os.execv, name, ['env'])
os.unlink(name)
",
        ),
    ]
}

fn read_only() -> Vec<Case> {
    vec![
        Case::new("writing to /usr, /bin, /lib", "mount namespace: read-only /usr", r"
for folder in ('/usr', '/usr/bin', '/usr/lib', '/bin', '/sbin', '/lib'):
    holds(folder + ' can be written to', os.statvfs(folder).f_flag & os.ST_RDONLY)
    refused(folder, 'EROFS EACCES', write, folder + '/new', b'x', os.O_CREAT)
refused('env', 'EROFS EACCES', write, '/usr/bin/env')
refused('unlink', 'EROFS EACCES', os.unlink, '/usr/bin/env')
refused('chmod', 'EROFS EPERM', os.chmod, '/usr/bin/env', 0o777)
"),
        Case::new("writing to /etc and the root", "mount namespace: read-only root", r"
holds('the root can be written to', os.statvfs('/').f_flag & os.ST_RDONLY and os.statvfs('/etc').f_flag & os.ST_RDONLY)
for path in ('/etc/passwd', '/etc/ld.so.preload', '/etc/new', '/new', '/dev/new'):
    refused(path, 'EROFS EACCES', write, path, b'x', os.O_CREAT)
refused('mkdir', 'EROFS EACCES', os.mkdir, '/sys')
refused('rename', 'EROFS EACCES', os.rename, '/etc/passwd', '/etc/gone')
"),
        Case::new("core_pattern, sysrq and other kernel settings", "procfs: subset=pid", r"
for path in ('sys/kernel/core_pattern', 'sys/kernel/modprobe', 'sys/kernel/hostname', 'sys/vm/drop_caches',
             'sys/fs/binfmt_misc/register', 'sysrq-trigger', 'sys/user/max_user_namespaces', 'irq/0/smp_affinity'):
    refused(path, 'ENOENT', write, '/proc/' + path, b'|/tmp/x')
"),
        Case::new("writing to /proc of oneself", "procfs: read-only", r"
for name in ('oom_score_adj', 'oom_adj', 'uid_map', 'gid_map', 'setgroups', 'mem', 'clear_refs', 'coredump_filter', 'loginuid', 'attr/current'):
    if os.path.exists('/proc/self/' + name): refused(name, 'EROFS EACCES', write, '/proc/self/' + name, b'0')
"),
        Case::new("the devices that are there", "mount namespace: devices are single files", r"
refused('chmod', 'EROFS EPERM', os.chmod, '/dev/null', 0)
refused('unlink', 'EROFS EACCES EBUSY', os.unlink, '/dev/null')
refused('rename', 'EROFS EACCES EBUSY EXDEV', os.rename, '/dev/zero', '/dev/null')
known = {'null', 'zero', 'full', 'random', 'urandom', 'shm', 'pts', 'ptmx', 'fd', 'stdin', 'stdout', 'stderr'}
present = set(os.listdir('/dev'))
holds(f'{present - known}', present <= known)
"),
        Case::new("what is left in /tmp and /dev/shm", "mount namespace: tmpfs of its own", r"
holds('the host is in /tmp', not os.path.exists(planted['ROOT']) and not any(n.startswith('abuse-') for n in os.listdir('/tmp')))
for folder in ('/tmp', '/dev/shm'): write(f'{folder}/atelier-abuse-left', b'x', os.O_CREAT)
").outside(|_, _| {
            let left = ["/tmp/atelier-abuse-left", "/dev/shm/atelier-abuse-left"];
            match left.iter().find(|path| std::path::Path::new(path).exists()) {
                Some(path) => Err(format!("{path} is on the host")),
                None => Ok(()),
            }
        }),
    ]
}

fn nodes_and_bits() -> Vec<Case> {
    vec![
        Case::new(
            "making device nodes",
            "capabilities: none",
            r"
for kind, device in ((stat.S_IFBLK, (254, 0)), (stat.S_IFBLK, (8, 0)), (stat.S_IFBLK, (7, 0)), (stat.S_IFCHR, (1, 1)), (stat.S_IFCHR, (10, 200))):
    for folder in ('/workspace', '/tmp', '/dev/shm'):
        refused(f'{folder} {device}', 'EPERM EACCES', os.mknod, f'{folder}/node-{os.getpid()}', kind | 0o666, os.makedev(*device))
",
        ),
        Case::new(
            "the device that anybody may make (0, 0)",
            "Landlock: no device nodes",
            r"
try: call(SYS_landlock_create_ruleset, 0, 0, 1)
except OSError: skip('this kernel has no Landlock')
refused('whiteout', 'EACCES', os.mknod, f'/workspace/node-{os.getpid()}', stat.S_IFCHR | 0o666, os.makedev(0, 0))
",
        ),
        Case::new(
            "making set-user-id files",
            "seccomp: modes with set-id bits",
            r"
import shutil
name = f'/workspace/id-{os.getpid()}'
shutil.copy('/usr/bin/env', name)
for bits in (0o4755, 0o2755, 0o6755):
    refused('chmod', 'EPERM', os.chmod, name, bits)
    refused('fchmod', 'EPERM', os.fchmod, os.open(name, os.O_RDONLY), bits)
    refused('open', 'EPERM', os.open, name + '-new', os.O_CREAT | os.O_WRONLY, bits)
    refused('mkdir', 'EPERM', os.mkdir, name + '-folder', bits)
    refused('mknod', 'EPERM', os.mknod, name + '-node', stat.S_IFREG | bits)
    refused('fchmodat2', 'EPERM', call, 452, -100, name.encode(), bits, 0)
    refused('O_TMPFILE', 'EPERM', os.open, '/workspace', os.O_TMPFILE | os.O_WRONLY, bits)
os.unlink(name)
",
        ),
    ]
}

fn owners() -> Vec<Case> {
    vec![
        Case::new(
            "capabilities of a file",
            "capabilities: none",
            r"
name = f'/workspace/capable-{os.getpid()}'
write(name, b'x', os.O_CREAT)
v2 = b'\x01\0\0\x02' + b'\xff' * 16
refused('security.capability', 'EPERM ENOTSUP', os.setxattr, name, 'security.capability', v2)
refused('v3', 'EPERM ENOTSUP', os.setxattr, name, 'security.capability', b'\x01\0\0\x03' + b'\xff' * 16 + b'\0' * 4)
refused('trusted', 'EPERM ENOTSUP', os.setxattr, name, 'trusted.x', b'x')
os.unlink(name)
",
        ),
        Case::new(
            "giving files to root",
            "user namespace: one user",
            r"
name = f'/workspace/given-{os.getpid()}'
write(name, b'x', os.O_CREAT)
for user in (0, 1, 65534): refused(user, 'EPERM EINVAL', os.chown, name, user, user)
os.unlink(name)
",
        ),
        Case::new(
            "files that cannot be removed (immutable)",
            "capabilities: none",
            r"
import fcntl
name = f'/workspace/for-ever-{os.getpid()}'
write(name, b'x', os.O_CREAT)
descriptor = os.open(name, os.O_RDONLY)
for flag in (0x10, 0x20):
    refused(flag, 'EPERM ENOTTY EOPNOTSUPP', fcntl.ioctl, descriptor, 0x40086602, flag.to_bytes(8, 'little'))
os.unlink(name)
",
        ),
    ]
}

fn strangers() -> Vec<Case> {
    vec![
        Case::new(
            "the workspace of another session",
            "mount namespace: its own workspace only",
            r"
refused('it', 'ENOENT EACCES', read, planted['OTHER'])
refused('its folder', 'ENOENT EACCES', os.listdir, os.path.dirname(planted['OTHER']))
",
        ),
        Case::new(
            "the socket of a container engine",
            "mount namespace: no host sockets",
            r"
for path in (planted['ENGINE'], '/var/run/docker.sock', '/run/docker.sock', '/run/containerd/containerd.sock',
             '/run/podman/podman.sock', '/run/dbus/system_bus_socket', '/run/systemd/private', '/run/user/0/bus'):
    refused(path, 'ENOENT EACCES', socket.socket(socket.AF_UNIX).connect, path)
",
        ),
        Case::steps(
            "links, pipes and holes in what a snapshot copies",
            "snapshot: links stay links, holes stay holes",
            |world| Box::pin(crate::steps::snapshot(world)),
        ),
        Case::new(
            "watching the whole system (fanotify)",
            "seccomp: fanotify_init",
            r"
for flags in (0, 0x200, 0x600): refused(flags, 'EPERM', call, SYS_fanotify_init, flags, 0)
",
        ),
    ]
}

/// Nobody has put anything beside the secret.
fn nothing_new(world: &World) -> Result<(), String> {
    let folder = std::fs::read_dir(world.root.path().join("host")).map_err(|error| error.to_string())?;
    let mut names: Vec<_> = folder.flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    if names == ["engine.sock", "secret.txt"] { Ok(()) } else { Err(format!("{names:?} on the host")) }
}
