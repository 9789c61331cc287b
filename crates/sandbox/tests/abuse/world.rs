//! What the host has, planted for the programs to reach for, and what is to be seen of it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    net::{TcpListener, UdpSocket},
    os::{
        fd::AsRawFd,
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixListener},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use sandbox::{Jail, JailOptions, Language, Sandbox, State, Toolchain};
use tempfile::TempDir;

/// In no output of any program.
pub const SECRET: &str = "swordfish-4711";

/// Two tests of one process would find each other's programs on the host.
pub static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The host, as far as programs are to be kept from it.
pub struct World {
    pub jail: Jail,
    /// The same without cgroups.
    pub bare: Jail,
    pub python: String,
    pub has_cgroup: bool,
    /// Everything of the suite on the disk is below it.
    pub root: TempDir,
    pub home: Option<TempDir>,
    pub listener: TcpListener,
    pub datagrams: UdpSocket,
    pub sockets: [UnixListener; 2],
    pub bystander: Child,
    /// A file that programs would find open, were descriptors inherited.
    _open_file: File,
    pub variables: BTreeMap<String, String>,
    numbers: AtomicU32,
    ipc: Ipc,
}

pub fn options() -> JailOptions {
    JailOptions {
        launcher: vec![env!("CARGO_BIN_EXE_jail-launcher").into()],
        toolchain: Toolchain::detect_only(&[Language::Python, Language::Shell]),
        ..JailOptions::default()
    }
}

impl World {
    pub fn new() -> Self {
        as_a_service_starts();
        let jail = Jail::new(options());
        let has_cgroup =
            jail.probe().iter().any(|finding| finding.name == "memory limit" && finding.state == State::Ok);
        let interpreter = jail.toolchain().interpreter(Language::Python).expect("Python 3");
        let python = interpreter.program.to_string_lossy().into_owned();
        let root = tempfile::Builder::new().prefix("abuse-").tempdir().expect("a folder");
        for folder in ["host", "other", "places"] {
            fs::create_dir(root.path().join(folder)).expect("a folder");
        }
        let secret = root.path().join("host/secret.txt");
        fs::write(&secret, SECRET).expect("a secret");
        fs::write(root.path().join("other/secret.txt"), SECRET).expect("a secret");
        let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_dir());
        let home = home.and_then(|home| tempfile::Builder::new().prefix(".abuse-").tempdir_in(home).ok());
        if let Some(home) = &home {
            fs::write(home.path().join("secret.txt"), SECRET).expect("a secret");
        }
        let listener = TcpListener::bind("0.0.0.0:0").expect("a port");
        listener.set_nonblocking(true).expect("set");
        let datagrams = UdpSocket::bind("0.0.0.0:0").expect("a port");
        datagrams.set_nonblocking(true).expect("set");
        let name = format!("atelier-abuse-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        let path = root.path().join("host/engine.sock");
        let sockets = [
            UnixListener::bind_addr(&address).expect("listens"),
            UnixListener::bind(&path).expect("listens"),
        ];
        sockets.iter().for_each(|socket| socket.set_nonblocking(true).expect("set"));
        let bystander = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().expect("a process");
        let open_file = File::open(&secret).expect("there");
        inherit(&open_file);
        let bare = Jail::new(JailOptions { without_cgroups: true, ..options() });
        let mut world = Self {
            jail,
            bare,
            python,
            has_cgroup,
            root,
            home,
            listener,
            datagrams,
            sockets,
            bystander,
            _open_file: open_file,
            variables: BTreeMap::new(),
            numbers: AtomicU32::new(1),
            ipc: Ipc::new(),
        };
        world.variables = world.planted(&name);
        world
    }

    /// What programs are told to reach for.
    fn planted(&self, abstract_name: &str) -> BTreeMap<String, String> {
        let path = |path: &Path| path.display().to_string();
        let port =
            |address: std::io::Result<std::net::SocketAddr>| address.expect("bound").port().to_string();
        let below = |name: &str| path(&self.root.path().join(name));
        let own: Vec<String> = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect();
        let home = self.home.as_ref().map_or_else(|| below("host"), |home| path(home.path()));
        [
            ("ROOT", path(self.root.path())),
            ("SECRET", below("host/secret.txt")),
            ("SECRET_AT_HOME", format!("{home}/secret.txt")),
            ("OTHER", below("other/secret.txt")),
            ("ENGINE", below("host/engine.sock")),
            ("ABSTRACT", abstract_name.to_owned()),
            ("HOST_PORT", port(self.listener.local_addr())),
            ("HOST_UDP", port(self.datagrams.local_addr())),
            ("HOST_PIDS", format!("{} {}", std::process::id(), self.bystander.id())),
            ("CORE_LIMIT", core_limit().min(1).to_string()),
            ("IPC_KEY", self.ipc.key.to_string()),
            ("HOST_NAME", host_name()),
            ("HOST_ADDRESSES", host_addresses().join(" ")),
            ("HOST_VARIABLES", own.join(" ")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// An argument for `sleep` that no other process of this machine has.
    pub fn mark(&self) -> String {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        format!("6{}.{number}", std::process::id())
    }

    /// An empty workspace.
    pub fn workspace(&self) -> TempDir {
        tempfile::tempdir_in(self.root.path().join("places")).expect("a folder")
    }

    /// Whoever came to what listens on the host.
    pub fn visitors(&self) -> Vec<String> {
        let mut visitors = Vec::new();
        while let Ok((_, from)) = self.listener.accept() {
            visitors.push(format!("TCP from {from}"));
        }
        let mut datagram = [0; 64];
        while let Ok((_, from)) = self.datagrams.recv_from(&mut datagram) {
            visitors.push(format!("UDP from {from}"));
        }
        for (socket, name) in self.sockets.iter().zip(["abstract", "named"]) {
            while socket.accept().is_ok() {
                visitors.push(format!("the {name} socket"));
            }
        }
        visitors
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.bystander.kill();
        let _ = self.bystander.wait();
    }
}

/// With few descriptors until it asks for more, and with rights that programs must not inherit.
fn as_a_service_starts() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if nix::unistd::geteuid().is_root() {
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
        setrlimit(Resource::RLIMIT_NOFILE, 1024, hard).expect("set");
        // Not every root may.
        let _ = setrlimit(Resource::RLIMIT_NICE, 40, 40);
    }
}

/// The most that this process could give to what it starts.
fn core_limit() -> u64 {
    use nix::sys::resource::{Resource, getrlimit};
    getrlimit(Resource::RLIMIT_CORE).expect("a limit").1
}

/// Lets a descriptor be inherited by what this process starts.
fn inherit(file: &File) {
    use nix::fcntl::{FcntlArg, FdFlag, fcntl};
    fcntl(file, FcntlArg::F_SETFD(FdFlag::empty())).expect("set");
    assert!(file.as_raw_fd() > 2);
}

pub fn host_name() -> String {
    nix::unistd::gethostname().expect("a name").to_string_lossy().into_owned()
}

/// Addresses of this machine that are not loopback's, by asking for the way to somewhere.
fn host_addresses() -> Vec<String> {
    [("0.0.0.0:0", "203.0.113.1:9"), ("[::]:0", "[2001:db8::1]:9")]
        .into_iter()
        .filter_map(|(from, to)| {
            let socket = UdpSocket::bind(from).ok()?;
            socket.connect(to).ok()?;
            Some(socket.local_addr().ok()?.ip().to_string())
        })
        .collect()
}

/// The processes of this machine that have an argument.
pub fn processes_with(argument: &str) -> Vec<u32> {
    let has_it = |pid: &u32| {
        std::fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| line.split(|byte| *byte == 0).any(|own| own == argument.as_bytes()))
    };
    fs::read_dir("/proc")
        .expect("/proc")
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(has_it)
        .collect()
}

/// System V objects of the host, with one key.
pub struct Ipc {
    key: i32,
    memory: i32,
    semaphores: i32,
    messages: i32,
}

#[allow(unsafe_code)]
impl Ipc {
    fn new() -> Self {
        let key = 0x0a7e_0000 | std::process::id().cast_signed();
        let flags = libc::IPC_CREAT | 0o666;
        // SAFETY: the three only make objects and return their numbers.
        let (memory, semaphores, messages) = unsafe {
            (libc::shmget(key, 4096, flags), libc::semget(key, 1, flags), libc::msgget(key, flags))
        };
        assert!(memory >= 0 && semaphores >= 0 && messages >= 0, "System V objects");
        Self { key, memory, semaphores, messages }
    }
}

#[allow(unsafe_code)]
impl Drop for Ipc {
    fn drop(&mut self) {
        // SAFETY: removing takes no memory of ours.
        unsafe {
            libc::shmctl(self.memory, libc::IPC_RMID, std::ptr::null_mut());
            libc::semctl(self.semaphores, 0, libc::IPC_RMID);
            libc::msgctl(self.messages, libc::IPC_RMID, std::ptr::null_mut());
        }
    }
}
