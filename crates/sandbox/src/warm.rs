//! Interpreters that have started already: a snippet of code begins at once, in a session that
//! nobody used before it and nobody uses after it.
//!
//! A language is kept warm from its first snippet on, until none came for [`REST`]; so a machine
//! that runs no snippets holds nothing.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tempfile::TempDir;
use tokio::time::timeout;

use crate::{
    Command, Error, Execution, Language, Limits, Outcome, OutputChunk, OutputSender, Process, Sandbox,
    Session, SessionLimits, SessionRequest, Stream, Toolchain, session::Exit,
};

/// How many of a language wait.
const WAITING: usize = 2;
/// How long they wait for the next snippet.
const REST: Duration = Duration::from_secs(300);

/// A snippet of code that needs nothing but itself.
#[derive(Clone, Debug)]
pub struct Snippet {
    /// Its language.
    pub language: Language,
    /// The code.
    pub code: String,
    /// What it reads.
    pub stdin: Vec<u8>,
    /// How long it may run.
    pub wall: Duration,
}

/// Runs snippets, each in a folder and a session of its own.
pub struct WarmSnippets {
    inner: Arc<Inner>,
}

struct Inner {
    sandbox: Arc<dyn Sandbox>,
    toolchain: Arc<Toolchain>,
    folder: PathBuf,
    limits: Limits,
    waiting: Mutex<BTreeMap<Language, Vec<Warm>>>,
    /// Counts snippets, to see whether any came since.
    served: AtomicU64,
}

/// An interpreter that waits for its snippet.
struct Warm {
    session: Arc<dyn Session>,
    process: Process,
    // Removed when the session is closed, not before.
    folder: TempDir,
}

impl WarmSnippets {
    /// Snippets run in folders of their own below `folder`; of `limits` the time on the clock is
    /// each snippet's own.
    #[must_use]
    pub fn new(
        sandbox: Arc<dyn Sandbox>,
        toolchain: Arc<Toolchain>,
        folder: PathBuf,
        limits: Limits,
    ) -> Self {
        let (waiting, served) = (Mutex::default(), AtomicU64::new(0));
        Self { inner: Arc::new(Inner { sandbox, toolchain, folder, limits, waiting, served }) }
    }

    /// Runs a snippet to its end. Dropping the future ends it.
    ///
    /// # Errors
    /// When its language is not installed, or the sandbox fails.
    pub async fn run(&self, snippet: Snippet, live: Option<OutputSender>) -> Result<Execution, Error> {
        let language = snippet.language;
        let taken = self.inner.take(language);
        let warm = match taken {
            Some(warm) => warm,
            None => self.inner.warm_up(language).await?,
        };
        self.inner.served.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(Arc::clone(&self.inner).refill(language));
        let Warm { session, process, folder } = warm;
        let result = self.inner.serve(&snippet, process, folder.path(), live).await;
        // Its caller need not wait for the tidying up.
        tokio::spawn(async move {
            session.close().await;
            drop(folder);
        });
        result
    }
}

impl Inner {
    fn take(&self, language: Language) -> Option<Warm> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = waiting.get_mut(&language)?;
        // One that was ended meanwhile, by whomever, is of no use.
        waiting.retain(|warm| warm.process.handle.exit().is_none());
        waiting.pop()
    }

    async fn warm_up(&self, language: Language) -> Result<Warm, Error> {
        let program = self.toolchain.interpreter(language)?.program.to_string_lossy().into_owned();
        let unusable = |source| Error::Workspace { path: self.folder.clone(), source };
        let folder = tempfile::Builder::new().prefix("code-").tempdir_in(&self.folder).map_err(unusable)?;
        let limits = &self.limits;
        let request = SessionRequest {
            workspace: folder.path().to_owned(),
            limits: SessionLimits {
                memory_bytes: limits.memory_bytes,
                processes: limits.processes,
                cpu_share: None,
                file_bytes: limits.file_bytes,
                disk_bytes: limits.disk_bytes,
                inodes: limits.inodes,
            },
            ..SessionRequest::default()
        };
        let session = self.sandbox.open(request).await?;
        let argv = bootstrap(language, &program);
        let command = Command { argv, cpu: Some(limits.cpu), ..Command::default() };
        let process = session.start(command, None).await?;
        Ok(Warm { session, process, folder })
    }

    /// Makes up for what was taken, and gives everything up when it was not needed for long.
    async fn refill(self: Arc<Self>, language: Language) {
        let count = |inner: &Self| {
            let waiting = inner.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.get(&language).map_or(0, Vec::len)
        };
        while count(&self) < WAITING {
            match self.warm_up(language).await {
                Ok(warm) => {
                    let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                    waiting.entry(language).or_default().push(warm);
                }
                Err(error) => {
                    // The next snippet will meet it and say it.
                    tracing::warn!(%language, %error, "no interpreter could be kept warm");
                    break;
                }
            }
        }
        let served = self.served.load(Ordering::Relaxed);
        tokio::time::sleep(REST).await;
        if self.served.load(Ordering::Relaxed) == served {
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    async fn serve(
        &self,
        snippet: &Snippet,
        mut process: Process,
        folder: &std::path::Path,
        live: Option<OutputSender>,
    ) -> Result<Execution, Error> {
        let started = std::time::Instant::now();
        let file = folder.join(file_of(snippet.language));
        let unwritable = |source| Error::Workspace { path: file.clone(), source };
        tokio::fs::write(&file, &snippet.code).await.map_err(unwritable)?;
        let ending = EndOnDrop(process.handle.clone());
        let limit = self.limits.output_bytes;
        let mut kept = Kept { limit, live, ..Kept::default() };
        let Process { mut input, ref mut output, ref handle } = process;
        let feeding = async {
            use tokio::io::AsyncWriteExt;
            // Whoever does not read to the end does not want to.
            let _ = input.write_all(b"\n").await;
            let _ = input.write_all(&snippet.stdin).await;
            drop(input);
        };
        let reading = async {
            while let Some(chunk) = output.recv().await {
                kept.take(chunk);
            }
        };
        let (exit, is_late) = {
            let over = async {
                tokio::join!(feeding, reading);
                handle.wait().await
            };
            tokio::pin!(over);
            match timeout(snippet.wall, &mut over).await {
                Ok(exit) => (exit, false),
                Err(_) => {
                    handle.kill();
                    (over.await, true)
                }
            }
        };
        drop(ending);
        let exit: Exit = exit.map_err(|_| Error::SessionClosed)?;
        Ok(Execution {
            outcome: if is_late { Outcome::TimedOut } else { exit.outcome },
            stdout: kept.stdout,
            stderr: kept.stderr,
            stdout_truncated: kept.stdout_truncated,
            stderr_truncated: kept.stderr_truncated,
            duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            cpu_ms: exit.cpu_ms,
            peak_memory_bytes: exit.peak_memory_bytes,
        })
    }
}

struct EndOnDrop(crate::ProcessHandle);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        if self.0.exit().is_none() {
            self.0.kill();
        }
    }
}

/// The first bytes of each stream.
#[derive(Default)]
struct Kept {
    limit: usize,
    live: Option<OutputSender>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    stdout_truncated: bool,
    stderr_truncated: bool,
}

impl Kept {
    fn take(&mut self, chunk: OutputChunk) {
        let (kept, is_truncated) = match chunk.stream {
            Stream::Stdout => (&mut self.stdout, &mut self.stdout_truncated),
            Stream::Stderr => (&mut self.stderr, &mut self.stderr_truncated),
        };
        let fits = chunk.bytes.len().min(self.limit - kept.len());
        *is_truncated |= fits < chunk.bytes.len();
        kept.extend_from_slice(&chunk.bytes[..fits]);
        if let Some(live) = self.live.as_ref().filter(|_| fits > 0) {
            // Nobody waits for a reader that is slow.
            let _ = live.try_send(OutputChunk { bytes: chunk.bytes[..fits].to_vec(), ..chunk });
        }
    }
}

fn file_of(language: Language) -> String {
    format!(".snippet.{}", language.extension())
}

/// What an interpreter is started with: it waits for a line and then does what it would have done
/// with the file alone. An end instead of a line means that nobody wants it any more.
fn bootstrap(language: Language, program: &str) -> Vec<String> {
    let path = format!("/workspace/{}", file_of(language));
    let arguments: &[&str] = match language {
        Language::Python => &["-u", "-B", "-c", WAITING_PYTHON, &path],
        Language::JavaScript => &["-e", WAITING_NODE, &path],
        Language::Shell => &["-c", "read -r _ || exit 0; exec \"$0\" \"$1\"", program, &path],
    };
    std::iter::once(program).chain(arguments.iter().copied()).map(str::to_owned).collect()
}

/// What a program does at its end it does here too, but for the taking apart of every object, which
/// takes longer than all the rest.
const WAITING_PYTHON: &str = "\
import atexit, os, sys, threading
while (byte := os.read(0, 1)) != b'\\n':
    if not byte: os._exit(0)
sys.argv[:] = sys.argv[1:]
sys.path[0] = '/workspace'
path = sys.argv[0]
main = type(sys)('__main__')
main.__dict__.update(__file__=path, __builtins__=__builtins__)
sys.modules['__main__'] = main
try:
    with open(path, 'rb') as file: code = compile(file.read(), path, 'exec')
    exec(code, main.__dict__)
except SystemExit: raise
except BaseException as error:
    error = error.with_traceback(error.__traceback__.tb_next)
    sys.excepthook(type(error), error, error.__traceback__)
    sys.exit(1)
threading._shutdown()
atexit._run_exitfuncs()
sys.stdout.flush()
sys.stderr.flush()
os._exit(0)
";

const WAITING_NODE: &str = "\
const fs = require('node:fs');
const byte = Buffer.alloc(1);
do { if (fs.readSync(0, byte) === 0) process.exit(0); } while (byte[0] !== 10);
require('node:module').runMain(process.argv[1]);
";
