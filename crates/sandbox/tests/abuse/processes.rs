//! Other processes: seeing them, ending them, becoming them, outliving one's own end.

use sandbox::Outcome;

use crate::case::{Case, Places};

pub fn cases() -> Vec<Case> {
    [seeing(), ending(), outliving(), at_the_end(), looking_into(), scheduling()]
        .into_iter()
        .flatten()
        .collect()
}

fn seeing() -> Vec<Case> {
    vec![
        Case::new(
            "the host's list of processes",
            "pid namespace",
            r"
pids = [int(name) for name in os.listdir('/proc') if name.isdigit()]
holds('process 1 is seen', 1 not in pids)
holds(f'{pids}', os.getpid() in pids and all(str(pid) not in planted['HOST_PIDS'].split() for pid in pids))
for pid in pids:
    try: line = read(f'/proc/{pid}/cmdline')
    except OSError: continue
    holds(f'{line}', b'jail-launcher' not in line.split(b'\0')[0] and b'cargo' not in line.split(b'\0')[0] and line != b'sleep\x00600\x00')
",
        ),
        Case::new(
            "process 1's environment, arguments and memory",
            "init: not dumpable, hidepid",
            r"
for name in ('environ', 'cmdline', 'maps', 'mem', 'status', 'stat', 'auxv', 'mountinfo', 'task', 'io'):
    refused(name, 'ENOENT EACCES', read, '/proc/1/' + name)
",
        ),
        Case::new(
            "the keeper's descriptors and memory",
            "keeper: not dumpable, hidepid",
            r"
parent = os.getppid()
for name in ('fd', 'environ', 'mem', 'maps', 'exe', 'cwd'):
    refused(name, 'ENOENT EACCES', os.stat, f'/proc/{parent}/{name}')
refused('fd', 'ENOENT EACCES', os.listdir, f'/proc/{parent}/fd')
",
        ),
        Case::new(
            "secrets in the server's environment",
            "launcher: an empty environment",
            r"
own = {'PATH', 'HOME', 'LANG', 'TMPDIR', 'PWD', 'OLDPWD', 'SHLVL', '_', 'LC_CTYPE'}
foreign = set(planted['HOST_VARIABLES'].split()) - own
holds('there is none to look for', foreign)
for pid in [name for name in os.listdir('/proc') if name.isdigit()] + ['1', str(os.getppid())]:
    try: names = {entry.split(b'=')[0].decode() for entry in open(f'/proc/{pid}/environ', 'rb').read().split(b'\0')}
    except OSError: continue
    holds(f'{names & foreign} of {pid}', not names & foreign)
",
        ),
    ]
}

fn ending() -> Vec<Case> {
    vec![
        Case::new("signals to processes of the host", "pid namespace", r"
for pid in planted['HOST_PIDS'].split():
    refused(pid, 'ESRCH', os.kill, int(pid), signal.SIGKILL)
    refused('group ' + pid, 'ESRCH', os.killpg, int(pid), signal.SIGKILL)
    refused('pidfd ' + pid, 'ESRCH ENOENT', os.pidfd_open, int(pid))
"),
        Case::new("a signal to everybody (kill -1)", "pid namespace", r"
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
if child == 0:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    while True: time.sleep(9)
time.sleep(0.1)
os.kill(-1, signal.SIGTERM)
# It reached its own, in a session its keeper too, and not the bystander outside.
holds('its own child lives', os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM)
").at(Places::BothAlone).ends(&[Outcome::Exited(0), Outcome::Signalled(libc::SIGTERM)]),
        Case::new("ending process 1", "pid namespace: init takes no signal from inside", r"
for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGSEGV, 34):
    try: os.kill(1, number)
    except PermissionError: pass
time.sleep(0.2)
holds('it is gone', os.getppid() > 0 and os.path.exists('/proc/self'))
").at(Places::BothAlone),
        Case::new("killing the keeper", "init: what has lost its keeper is ended", r"
for _ in range(3): subprocess.Popen(['setsid', 'sleep', planted['MARK']])
os.kill(os.getppid(), signal.SIGKILL)
time.sleep(30)
").at(Places::SessionAlone).ends(&[Outcome::Signalled(libc::SIGKILL)]),
        Case::new("stopping the keeper", "keeper: continued before it is told to end", r"
subprocess.Popen(['setsid', 'sleep', planted['MARK']])
while True:
    os.kill(os.getppid(), signal.SIGSTOP)
    time.sleep(0.01)
").at(Places::SessionAlone).within(|limits| limits.wall_ms = 500).ends(&[Outcome::TimedOut]),
        Case::new("stopping oneself and all others", "wall clock", r"
subprocess.Popen(['setsid', 'sleep', planted['MARK']])
os.kill(os.getpid(), signal.SIGSTOP)
").at(Places::BothAlone).within(|limits| limits.wall_ms = 500).ends(&[Outcome::TimedOut]),
    ]
}

fn outliving() -> Vec<Case> {
    vec![
        Case::new(
            "a daemon that forks twice",
            "pid namespace; keeper: takes in orphans",
            r"
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in range(3): os.close(fd)
        os.execvp('sleep', ['sleep', planted['MARK']])
    os._exit(0)
time.sleep(0.2)
holds('it went on', True)
",
        ),
        Case::new(
            "a child of one's parent (CLONE_PARENT)",
            "pid namespace; keeper: ends all below it",
            r"
CLONE_PARENT = 0x8000
if call(SYS_clone, CLONE_PARENT | signal.SIGCHLD, 0, 0, 0, 0) == 0:
    os.setsid()
    os.execvp('sleep', ['sleep', planted['MARK']])
time.sleep(0.2)
holds('it went on', True)
",
        ),
        Case::new(
            "taking in orphans oneself (PR_SET_CHILD_SUBREAPER)",
            "pid namespace; keeper: ends all below it",
            r"
libc.prctl(36, 1, 0, 0, 0)
for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        libc.prctl(36, 1, 0, 0, 0)
        subprocess.Popen(['setsid', 'sleep', planted['MARK']], start_new_session=True)
        os._exit(0)
time.sleep(0.2)
holds('it went on', True)
",
        ),
        Case::new(
            "children that ignore every signal",
            "pid namespace; keeper: ends by SIGKILL",
            r"
for _ in range(5):
    if os.fork() == 0:
        for number in range(1, 65):
            try: signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError): pass
        os.setsid()
        os.execvp('sleep', ['sleep', planted['MARK']])
time.sleep(0.2)
holds('it went on', True)
",
        ),
    ]
}

fn at_the_end() -> Vec<Case> {
    vec![
        Case::new(
            "one that forks as fast as it is killed",
            "keeper: stops before it kills",
            r"
if os.fork() == 0:
    os.setsid()
    while True:
        try: child = os.fork()
        except OSError: continue
        if child: os._exit(0)
        if os.fork() == 0: os.execvp('sleep', ['sleep', planted['MARK']])
time.sleep(0.3)
holds('it went on', True)
",
        )
        .at(Places::BothAlone),
        Case::steps("programs of a session that is closed", "keeper: kill on close", |world| {
            Box::pin(crate::steps::closed_session(world))
        }),
    ]
}

fn looking_into() -> Vec<Case> {
    vec![
        Case::new(
            "ptrace",
            "seccomp: ptrace",
            r"
refused('traceme', 'EPERM', call, SYS_ptrace, 0, 0, 0, 0)
child = os.fork()
if child == 0:
    time.sleep(5)
    os._exit(0)
for pid in (1, os.getppid(), child):
    refused(f'attach {pid}', 'EPERM', call, SYS_ptrace, 16, pid, 0, 0)
    refused(f'seize {pid}', 'EPERM', call, SYS_ptrace, 0x4206, pid, 0, 0)
os.kill(child, signal.SIGKILL)
",
        ),
        Case::new(
            "process_vm_readv and writev",
            "seccomp: process_vm_readv",
            r"
# Of oneself, which the kernel would allow.
for number in (SYS_process_vm_readv, SYS_process_vm_writev):
    for pid in (os.getpid(), os.getppid(), 1): refused(pid, 'EPERM', call, number, pid, buffer, 0, buffer, 0, 0)
",
        ),
        Case::new(
            "pidfd_getfd",
            "seccomp: pidfd_getfd",
            r"
own = os.pidfd_open(os.getpid())
refused('of oneself', 'EPERM', call, SYS_pidfd_getfd, own, 0, 0)
",
        ),
        Case::new(
            "comparing kernel objects (kcmp)",
            "seccomp: kcmp",
            r"
refused('kcmp', 'EPERM', call, SYS_kcmp, os.getpid(), os.getpid(), 0, 0, 0)
",
        ),
        Case::new(
            "advice on another's memory",
            "seccomp: process_madvise",
            r"
refused('process_madvise', 'EPERM', call, SYS_process_madvise, -1, buffer, 0, 21, 0)
",
        ),
        Case::new(
            "another process's limits (prlimit)",
            "seccomp: prlimit of others",
            r"
import resource
for pid in (1, os.getppid()):
    refused(pid, 'EPERM', resource.prlimit, pid, resource.RLIMIT_NOFILE)
    refused(pid, 'EPERM', resource.prlimit, pid, resource.RLIMIT_CPU, (1, 1))
for name in ('NPROC', 'NOFILE', 'FSIZE', 'MEMLOCK'):
    kind = getattr(resource, 'RLIMIT_' + name)
    hard = resource.getrlimit(kind)[1]
    try: resource.setrlimit(kind, (hard + 1, hard + 1)); faults.append(name + ' was raised')
    except (ValueError, PermissionError): holds(name, True)
",
        ),
    ]
}

fn scheduling() -> Vec<Case> {
    vec![
        Case::new(
            "real-time scheduling",
            "rlimit: rtprio",
            r"
for policy in (os.SCHED_FIFO, os.SCHED_RR): refused(policy, 'EPERM', os.sched_setscheduler, 0, policy, os.sched_param(1))
deadline = (48).to_bytes(4, 'little') + (6).to_bytes(4, 'little') + bytes(16) + b''.join(n.to_bytes(8, 'little') for n in (10**6, 10**7, 10**7))
refused('deadline', 'EPERM', call, SYS_sched_setattr, 0, deadline, 0)
",
        ),
        Case::new(
            "a better nice value",
            "rlimit: nice",
            r"
refused('nice', 'EPERM EACCES', os.nice, -1)
refused('setpriority', 'EPERM EACCES', os.setpriority, os.PRIO_PROCESS, 0, -20)
",
        ),
        Case::new(
            "real-time access to the disk",
            "seccomp: ioprio_set is not listed",
            r"
refused('ioprio_set', 'ENOSYS', call, SYS_ioprio_set, 1, 0, (1 << 13) | 0)
",
        ),
        Case::new(
            "core dumps by a helper of the host",
            "rlimit: core of one byte; seccomp: it stays",
            r"
import resource
# A core_pattern that names a program starts it whatever the limit, but for this one (core(5)).
limit = (int(planted['CORE_LIMIT']),) * 2
holds(f'{resource.getrlimit(resource.RLIMIT_CORE)}', resource.getrlimit(resource.RLIMIT_CORE) == limit)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.prlimit(0, resource.RLIMIT_CORE, (0, 0))
for now in (resource.getrlimit(resource.RLIMIT_CORE), resource.prlimit(0, resource.RLIMIT_CORE)): holds(f'{now} now', now == limit)
refused('another limit', 'EPERM EINVAL', call, SYS_setrlimit, resource.RLIMIT_NOFILE, b'\xff' * 8 + b'\xff' * 7 + b'\x7f')
child = os.fork()
if child == 0:
    os.chdir('/tmp')
    os.abort()
holds('it left a core', not os.WCOREDUMP(os.waitpid(child, 0)[1]) and not any('core' in name for name in os.listdir('/tmp')))
",
        ),
    ]
}
