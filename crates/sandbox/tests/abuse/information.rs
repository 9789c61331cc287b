//! What a program can learn of the machine and of who owns it.

use crate::case::Case;

pub fn cases() -> Vec<Case> {
    [of_the_machine(), of_its_owner(), of_the_server()].into_iter().flatten().collect()
}

fn of_the_machine() -> Vec<Case> {
    vec![
        Case::new(
            "the host's name",
            "uts namespace",
            r"
if planted['HOST_NAME'] == 'atelier': skip('the host has the same name')
names = {socket.gethostname(), os.uname().nodename, read('/etc/hostname').decode().strip()}
holds(f'{names}', names == {'atelier'})
holds('hosts', planted['HOST_NAME'].encode() not in read('/etc/hosts').split())
",
        ),
        Case::new(
            "the host's users",
            "mount namespace: a made-up /etc",
            r"
import grp, pwd
holds('users', {entry.pw_name for entry in pwd.getpwall()} == {'worker', 'nobody'})
holds('groups', {entry.gr_name for entry in grp.getgrall()} == {'worker', 'nogroup'})
for path in ('shadow', 'gshadow', 'sudoers', 'ssh', 'subuid', 'crontab', 'fstab', 'systemd', 'ssl/private'):
    refused(path, 'ENOENT', os.stat, '/etc/' + path)
",
        ),
        Case::new(
            "the kernel's own files in /proc",
            "procfs: subset=pid",
            r"
for name in ('kcore', 'kallsyms', 'kmsg', 'keys', 'modules', 'iomem', 'ioports', 'slabinfo', 'interrupts', 'cmdline', 'config.gz',
             'partitions', 'diskstats', 'sched_debug', 'timer_list', 'vmallocinfo', 'sys', 'bus', 'fs', 'tty', 'sysvipc', 'acpi', 'scsi', 'uptime', 'version'):
    refused(name, 'ENOENT', os.stat, '/proc/' + name)
",
        ),
        Case::new(
            "memory, disks and virtual machines",
            "mount namespace: five devices",
            r"
for name in ('mem', 'kmem', 'port', 'sda', 'vda', 'nvme0n1', 'loop0', 'loop-control', 'mapper/control', 'fuse', 'kvm', 'vhost-net',
             'net/tun', 'tty', 'tty0', 'console', 'input', 'dri', 'snd', 'cpu/0/msr', 'hpet', 'rtc0', 'vsock', 'uinput', 'watchdog'):
    refused(name, 'ENOENT', os.open, '/dev/' + name, os.O_RDONLY)
",
        ),
    ]
}

fn of_its_owner() -> Vec<Case> {
    vec![
        Case::new(
            "the host's homes and its /var",
            "mount namespace: system folders only",
            r"
refused('a secret at home', 'ENOENT EACCES', read, planted['SECRET_AT_HOME'])
for path in ('/var', '/run', '/boot', '/srv', '/media', '/lost+found', '/sys', *(f'/root/{name}' for name in ('.ssh', '.bash_history', '.cargo'))):
    refused(path, 'ENOENT EACCES', os.listdir, path)
for name in os.listdir('/home') if os.path.isdir('/home') else []:
    for file in ('.ssh', '.bash_history', '.profile'): refused(file, 'ENOENT EACCES', os.stat, f'/home/{name}/{file}')
",
        ),
        Case::new(
            "what tells this machine from others",
            "mount namespace: a made-up /etc",
            r"
for path in ('/etc/machine-id', '/var/lib/dbus/machine-id', '/proc/sys/kernel/random/boot_id', '/sys/class/dmi/id/product_uuid',
             '/sys/class/net/eth0/address', '/sys/hypervisor/uuid'):
    refused(path, 'ENOENT EACCES', read, path)
",
        ),
        Case::new(
            "the host's network interfaces",
            "network namespace",
            r"
try: names = {name for _, name in socket.if_nameindex()}
except PermissionError: names = None
lines = open('/proc/self/net/dev').read().splitlines()[2:]
holds(f'{lines}', [line.split(':')[0].strip() for line in lines] == ['lo'])
holds(f'{names}', names in (None, {'lo'}))
for name in ('tcp', 'udp', 'unix'):
    holds(name, planted['HOST_PORT'] not in [str(int(l.split()[1].split(':')[1], 16)) for l in open('/proc/self/net/' + name).readlines()[1:] if name != 'unix'])
holds('an abstract name', planted['ABSTRACT'] not in open('/proc/self/net/unix').read())
",
        ),
    ]
}

fn of_the_server() -> Vec<Case> {
    vec![
        Case::new(
            "secrets among one's own variables",
            "server: nothing of its environment is passed on",
            r"
own = {'PATH', 'HOME', 'LANG', 'TMPDIR', 'PWD', 'OLDPWD', 'SHLVL', '_', 'LC_CTYPE'}
shared = set(os.environ) & (set(planted['HOST_VARIABLES'].split()) - own)
holds(f'{shared}', not shared)
",
        ),
        Case::steps("changing what one is given to read", "stdin: sealed memory", |world| {
            Box::pin(crate::steps::sealed_input(world))
        }),
    ]
}
