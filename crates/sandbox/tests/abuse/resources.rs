//! Using up what others need.

use sandbox::Outcome;

use crate::{
    case::{Case, OUTPUT_BYTES, Places},
    world::World,
};

const OUT_OF_MEMORY: &[Outcome] = &[Outcome::OutOfMemory];
const DISK_LIMIT: &[Outcome] = &[Outcome::DiskLimit];

pub fn cases() -> Vec<Case> {
    [processes(), memory(), temporary(), uncounted(), disk(), trees(), files(), time(), objects()]
        .into_iter()
        .flatten()
        .collect()
}

fn processes() -> Vec<Case> {
    vec![
        Case::new(
            "a fork bomb",
            "cgroup: pids; rlimit: nproc",
            r"
while True:
    try: os.fork()
    except OSError: pass
",
        )
        .at(Places::BothAlone)
        .within(|limits| limits.wall_ms = 1000)
        .ends(&[Outcome::TimedOut]),
        Case::new("as many processes as there can be", "cgroup: pids; rlimit: nproc", PROCESSES)
            .at(Places::BothAlone),
        Case::new(
            "as many threads as there can be",
            "cgroup: pids; rlimit: nproc",
            r"
import threading
threading.stack_size(1 << 16)
count = 0
over = threading.Event()
try:
    while count < 1000:
        threading.Thread(target=over.wait, daemon=True).start()
        count += 1
except RuntimeError: pass
holds(f'{count} threads', 16 < count <= 64)
over.set()
",
        )
        .at(Places::BothAlone),
        Case::new("as many processes without a cgroup", "rlimit: nproc", PROCESSES).at(Places::BothBare),
    ]
}

const PROCESSES: &str = r"
count = 0
try:
    while count < 1000:
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        count += 1
except OSError as error: holds(f'{error}', error.errno == errno.EAGAIN)
holds(f'{count} processes', 16 < count <= 64)
";

/// One that ends because memory does.
fn bomb(name: &'static str, program: &'static str) -> Case {
    Case::new(name, "cgroup: memory", program)
        .at(Places::BothAlone)
        .within(|limits| limits.memory_mb = 96)
        .ends(OUT_OF_MEMORY)
        .with_cgroup()
}

fn memory() -> Vec<Case> {
    vec![
        bomb(
            "a memory bomb",
            r"
b = bytearray(1 << 30)
for i in range(0, len(b), 4096): b[i] = 1
",
        ),
        bomb(
            "memory of many small processes",
            r"
for _ in range(20):
    if os.fork() == 0:
        b = b'x' * (20 << 20)
        time.sleep(20)
        os._exit(0)
os.wait()
time.sleep(20)
",
        )
        .at(Places::Run),
        bomb(
            "memory that belongs to no process (memfd)",
            r"
for _ in range(50):
    m = os.memfd_create('hidden')
    for _ in range(16): os.write(m, bytes(1 << 20))
",
        ),
        bomb(
            "buffers of Unix sockets",
            r"
kept = []
for _ in range(500):
    pair = socket.socketpair()
    for end in pair:
        end.setblocking(False)
        try:
            while True: end.send(bytes(1 << 16))
        except BlockingIOError: pass
    kept.append(pair)
print('all were filled')
",
        ),
    ]
}

fn temporary() -> Vec<Case> {
    vec![
        Case::new(
            "a memory bomb without a cgroup",
            "launcher: counts memory",
            r"
kept = []
try:
    while True:
        kept.append(b'x' * (1 << 20))
        if len(kept) > 96: time.sleep(0.005)
except MemoryError: pass
",
        )
        .at(Places::BothBare)
        .within(|limits| limits.memory_mb = 96)
        .ends(OUT_OF_MEMORY),
        Case::new(
            "filling /tmp and /dev/shm",
            "tmpfs: size",
            r"
for folder in ('/tmp', '/dev/shm'):
    def fill():
        descriptor = os.open(folder + '/full', os.O_CREAT | os.O_WRONLY)
        for _ in range(500): os.write(descriptor, bytes(1 << 19))
    refused(folder, 'ENOSPC EFBIG', fill)
    holds(f'{os.stat(folder).st_size}', os.statvfs(folder).f_blocks * os.statvfs(folder).f_bsize <= 128 << 20)
    os.unlink(folder + '/full')
",
        )
        .at(Places::BothAlone),
        Case::new(
            "a hundred thousand names in /tmp",
            "tmpfs: inodes",
            r"
def fill():
    for number in range(100000): os.close(os.open(f'/tmp/{number}', os.O_CREAT))
refused('/tmp', 'ENOSPC', fill)
holds('names', len(os.listdir('/tmp')) <= 2000)
",
        )
        .at(Places::BothAlone),
    ]
}

/// Memory that belongs to no process, where no cgroup counts it.
fn uncounted() -> Vec<Case> {
    vec![
        Case::new(
            "memory nobody counts, without a cgroup",
            "seccomp: memfd_create, shmget",
            r"
refused('memfd', 'EPERM', os.memfd_create, 'hidden')
refused('shmget', 'EPERM', call, SYS_shmget, 0, 1 << 20, 0o1600)
",
        )
        .at(Places::BothBare),
        Case::new(
            "semaphores and messages, without a cgroup",
            "seccomp: semget, msgget",
            r"
# A thousand million semaphores of 64 bytes is what a fresh ipc namespace allows.
refused('semget', 'EPERM', call, SYS_semget, 0, 32000, 0o1600)
refused('msgget', 'EPERM', call, SYS_msgget, 0, 0o1600)
",
        )
        .at(Places::BothBare),
        Case::new(
            "buffers of TCP on its own loopback",
            "cgroup: memory of sockets",
            r"
import resource
listener = socket.create_server(('127.0.0.1', 0), backlog=512)
kept, total = [], 0
for _ in range(150):
    near = socket.create_connection(listener.getsockname()); far = listener.accept()[0]
    kept += [near, far]
    for end in (near, far):
        end.setblocking(False)
        try:
            while total < 1 << 30: total += end.send(bytes(1 << 16))
        except BlockingIOError: pass
holds(f'{total >> 20} MB', total < 96 << 20)
",
        )
        .at(Places::SessionAlone)
        .within(|limits| limits.memory_mb = 96)
        .ends(&[Outcome::Exited(0), Outcome::OutOfMemory])
        .with_cgroup(),
    ]
}

/// One that ends because its workspace holds too much.
fn filling(name: &'static str, mechanism: &'static str, program: &'static str) -> Case {
    Case::new(name, mechanism, program).at(Places::BothAlone).ends(DISK_LIMIT)
}

fn disk() -> Vec<Case> {
    vec![
        filling(
            "one big file",
            "rlimit: fsize",
            r"
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
descriptor = os.open('/workspace/big', os.O_CREAT | os.O_WRONLY)
while True: os.write(descriptor, bytes(1 << 20))
",
        ),
        filling(
            "many big files",
            "disk quota: bytes",
            r"
for number in range(1000):
    with open(f'/workspace/{number}', 'wb') as file: file.write(bytes(20 << 20))
",
        ),
        filling(
            "files that were removed while open",
            "disk quota: what the file system lost",
            r"
kept = []
for number in range(20):
    descriptor = os.open('/workspace', os.O_TMPFILE | os.O_WRONLY, 0o600)
    for _ in range(20): os.write(descriptor, bytes(1 << 20))
    os.fsync(descriptor)
    kept.append(descriptor)
time.sleep(15)
",
        ),
        filling(
            "a small archive that holds much (zip bomb)",
            "disk quota: bytes",
            r"
import zlib
packed = zlib.compress(bytes(16 << 20), 9)
holds('it is small', len(packed) < 1 << 20)
for number in range(1000):
    with open(f'/workspace/{number}', 'wb') as file: file.write(zlib.decompress(packed))
",
        ),
    ]
}

fn trees() -> Vec<Case> {
    vec![
        filling(
            "a hundred thousand files",
            "disk quota: inodes",
            r"
for number in range(100000): os.close(os.open(f'/workspace/{number}', os.O_CREAT))
time.sleep(15)
",
        ),
        filling(
            "a hundred thousand names of one file",
            "disk quota: inodes",
            r"
write('/workspace/one', b'x', os.O_CREAT)
for number in range(60000): os.link('/workspace/one', f'/workspace/{number}')
time.sleep(15)
",
        ),
        filling(
            "folders deeper than anything real",
            "disk quota: depth",
            r"
os.chdir('/workspace')
for _ in range(3000):
    os.mkdir('d')
    os.chdir('d')
time.sleep(15)
",
        )
        .within(|limits| limits.inodes = 10_000),
    ]
}

fn files() -> Vec<Case> {
    vec![
        Case::new(
            "a file of a terabyte without content",
            "rlimit: fsize",
            r"
name = f'/workspace/sparse-{os.getpid()}'
descriptor = os.open(name, os.O_CREAT | os.O_RDWR)
refused('truncate', 'EFBIG', os.ftruncate, descriptor, 1 << 40)
refused('pwrite', 'EFBIG', os.pwrite, descriptor, b'x', 1 << 40)
os.unlink(name)
",
        ),
        Case::new(
            "as many open files as there can be",
            "rlimit: nofile",
            r"
kept = []
def open_all():
    while len(kept) < 100000: kept.append(os.open('/dev/null', os.O_RDONLY))
refused('open', 'EMFILE', open_all)
holds(f'{len(kept)}', 100 < len(kept) <= 16384)
for descriptor in kept: os.close(descriptor)
",
        ),
        Case::new(
            "large arguments and environments",
            "kernel: E2BIG",
            r"
refused('argument', 'E2BIG', os.execv, '/bin/true', ['true', 'x' * (1 << 20)])
refused('arguments', 'E2BIG', os.execv, '/bin/true', ['true'] + ['x' * 100000] * 100)
refused('environment', 'E2BIG', os.execve, '/bin/true', ['true'], {str(n): 'x' * 100000 for n in range(100)})
",
        ),
        Case::new(
            "terminals",
            "devpts: 16 at most",
            r"
kept = []
def open_all():
    while len(kept) < 100: kept.append(os.openpty())
refused('openpty', 'ENOSPC', open_all)
holds(f'{len(kept)}', 1 < len(kept) <= 16)
",
        )
        .at(Places::SessionAlone),
    ]
}

fn time() -> Vec<Case> {
    vec![
        Case::new("a flood of output", "output cap", r"
line = b'x' * (1 << 16)
for _ in range(2000): os.write(2, line)
holds('it went on', True)
").outside(|_: &World, execution| {
            let is_cut = execution.stderr_truncated && execution.stderr.len() == OUTPUT_BYTES;
            if is_cut { Ok(()) } else { Err(format!("{} bytes were kept", execution.stderr.len())) }
        }),
        Case::steps("a flood of output that nobody reads", "output: a program waits for its reader", |world| {
            Box::pin(crate::steps::unread_output(world))
        }),
        Case::new("burning the processors", "processor time", r"
for _ in range(3): os.fork()
while True: pass
").at(Places::BothAlone).within(|limits| limits.cpu_ms = Some(400)).ends(&[Outcome::CpuLimit]),
        Case::new("sleeping past the wall clock", "wall clock", r"
subprocess.Popen(['setsid', 'sleep', planted['MARK']])
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM): signal.signal(number, signal.SIG_IGN)
time.sleep(60)
").at(Places::BothAlone).within(|limits| limits.wall_ms = 400).ends(&[Outcome::TimedOut]),
    ]
}

/// What the kernel counts for the host's user, whom all jails of a server share.
fn objects() -> Vec<Case> {
    vec![
        Case::steps(
            "all of a user's file watchers (inotify)",
            "user namespace: max_inotify_instances",
            |world| Box::pin(crate::steps::watchers(world)),
        ),
        Case::steps(
            "all of a user's descriptors in flight",
            "init and server: more open files than a program",
            |world| Box::pin(crate::steps::descriptors_in_flight(world)),
        ),
    ]
}
