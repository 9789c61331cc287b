//! Measures following: one run says ten thousand things while a thousand readers follow it over SSE
//! on real connections. Each reader must be given every event once, in order.
//!
//! Prints one line of JSON for `cargo xtask bench fanout`.

/// What the tests put behind the routes that have nothing to do with following.
#[path = "../tests/api/support"]
#[allow(dead_code, clippy::unwrap_used, reason = "the tests use all of it")]
mod support {
    pub const NOW: kernel::Timestamp = kernel::Timestamp(1_795_253_400_000);
    pub mod doubles;
    pub mod workflows;
}

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use accounts::testing::FakeAccountStore;
use accounts::{Accounts, NewToken, Scopes};
use async_trait::async_trait;
use futures::future::{join_all, try_join_all};
use http_surface::{App, AppParts, Lifetime, Options};
use kernel::{Actor, Ids, SystemClock, SystemEntropy};
use runs::engine::Parts;
use runs::{Engine, EngineOptions, Failure, Registry, RunContext, StepOptions, Submission, Workflow};
use serde_json::{Value, json};
use store::{SqlRunStore, Workspace};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EVENTS: usize = 10_000;
/// So many at a time, as a program writes its output.
const BURST: usize = 100;
const READERS: usize = 1_000;

/// Waits until it is allowed to, then says its lines.
struct Speaker {
    allowed: Arc<Semaphore>,
}

#[async_trait]
impl Workflow for Speaker {
    fn name(&self) -> &'static str {
        "speaker"
    }

    async fn run(&self, run: RunContext, _: Value) -> Result<Value, Failure> {
        run.step("speak", StepOptions::ONCE, async |step| {
            let _allowed = self.allowed.acquire().await;
            for burst in 0..EVENTS / BURST {
                let line = |number| json!({"text": format!("line {number} of what the program prints\n")});
                let lines = (0..BURST).map(|it| step.emit("output", line(burst * BURST + it)));
                try_join_all(lines).await?;
            }
            Ok(())
        })
        .await?;
        Ok(Value::Null)
    }
}

#[derive(Default)]
struct Heard {
    events: u64,
    out_of_place: u64,
    bytes: u64,
    last: Option<Instant>,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let folder = std::env::args().skip_while(|it| it != "--data").nth(1).map(PathBuf::from);
    let folder = folder.expect("--data names where the database is made");
    let workspace = Workspace::open(&folder).await.expect("the workspace opens");
    let allowed = Arc::new(Semaphore::new(0));
    let parts = Parts {
        store: Arc::new(SqlRunStore::new(workspace.database().clone())),
        blobs: Arc::new(workspace.blobs().clone()),
        registry: Registry::new().with(Speaker { allowed: allowed.clone() }),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    };
    let engine = Engine::start(parts, EngineOptions::default()).await.expect("the engine starts");
    let (app, token) = app(engine.clone()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
    let address = listener.local_addr().expect("it is bound");
    let (router, lifetime) = (http_surface::router(app.clone()), app.lifetime.clone());
    let serving = tokio::spawn(async move {
        http_surface::serve(listener, router, &Options::default(), &lifetime, std::future::pending()).await
    });

    let submission = Submission {
        workflow: "speaker".into(),
        title: "Ten thousand lines".into(),
        input: Value::Null,
        actor: Actor::Owner,
        idempotency_key: None,
    };
    let run = engine.submit(submission).await.expect("submitted");
    let path = format!("/api/v1/runs/{run}/stream");
    let readers: Vec<TcpStream> =
        join_all((0..READERS).map(|_| connect(address, &path, &token))).await.into_iter().collect();
    let readers: Vec<_> = readers.into_iter().map(|stream| tokio::spawn(listen(stream))).collect();
    tokio::time::sleep(Duration::from_millis(500)).await;

    let begun = Instant::now();
    allowed.add_permits(1);
    let state = engine.wait(&run, Duration::from_secs(120)).await.expect("it ends");
    let (said, total) = (begun.elapsed(), state.last_seq);
    let heard: Vec<Heard> =
        join_all(readers).await.into_iter().map(|it| it.expect("no reader panics")).collect();
    serving.abort();
    engine.stop(Duration::from_secs(1)).await;
    workspace.database().close().await;

    let delivered: u64 = heard.iter().map(|it| it.events).sum();
    let out_of_place: u64 = heard.iter().map(|it| it.out_of_place).sum();
    let last = heard.iter().filter_map(|it| it.last).max().unwrap_or(begun);
    let seconds = (last - begun).as_secs_f64();
    println!(
        "{}",
        json!({
            "system": "atelier", "readers": READERS, "events": total,
            "lost": total * READERS as u64 - delivered.min(total * READERS as u64),
            "doubled_or_out_of_order": out_of_place,
            "seconds": seconds, "seconds_to_store": said.as_secs_f64(),
            "deliveries_per_second": delivered as f64 / seconds,
            "bytes": heard.iter().map(|it| it.bytes).sum::<u64>(),
        })
    );
}

/// The routes' side of a server, and a token for it.
async fn app(engine: Engine) -> (App, String) {
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    let accounts =
        Arc::new(Accounts::new(Arc::new(FakeAccountStore::default()), clock.clone(), entropy.clone()));
    let new = NewToken { name: "bench".into(), scopes: Scopes::all(), expires_at: None };
    let issued = accounts.issue_token(new).await.expect("a token can be issued");
    let token = issued.secret.expose().to_owned();
    let app = App::from(AppParts {
        services: support::doubles::services(&engine).await,
        engine,
        accounts,
        ids: Ids::new(clock.clone(), entropy),
        clock,
        version: env!("CARGO_PKG_VERSION"),
        workspace: PathBuf::new(),
        options: Options::default(),
        preview_key: http_surface::PreviewKey::new([7; 32]),
        lifetime: Lifetime::default(),
    });
    (app, token)
}

async fn connect(address: SocketAddr, path: &str, token: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {address}\r\naccept: text/event-stream\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("the request is sent");
    stream
}

/// Reads until the server says that the run is over. A chunk holds whole events, so an event's `id`
/// begins a line whatever the chunks are.
async fn listen(mut stream: TcpStream) -> Heard {
    let mut heard = Heard::default();
    let mut buffer = Vec::with_capacity(1 << 17);
    let mut piece = vec![0; 1 << 16];
    loop {
        let count = stream.read(&mut piece).await.expect("the stream goes on until the end");
        assert!(count > 0, "the server hung up after {} events", heard.events);
        heard.bytes += count as u64;
        buffer.extend_from_slice(&piece[..count]);
        let mut from = 0;
        while let Some(length) = buffer[from..].iter().position(|byte| *byte == b'\n') {
            let line = &buffer[from..from + length];
            from += length + 1;
            if let Some(id) = line.strip_prefix(b"id: ") {
                let id: u64 = std::str::from_utf8(id).ok().and_then(|id| id.parse().ok()).expect("a number");
                heard.out_of_place += u64::from(id != heard.events + 1);
                heard.events += 1;
            } else if line == b"event: end" {
                heard.last = Some(Instant::now());
                return heard;
            }
        }
        buffer.drain(..from);
    }
}
