//! Measures the engine on a real database: runs of ten no-op steps, each durable before the next.
//!
//! Prints one JSON line per measurement; `cargo xtask bench runs` puts them beside the peers'.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use kernel::{Actor, SystemClock, SystemEntropy};
use runs::engine::Parts;
use runs::{
    Durability, Engine, EngineOptions, Failure, Registry, RunContext, StepOptions, Submission, Workflow,
};
use serde_json::{Value, json};
use store::{SqlRunStore, Workspace};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const STEPS: usize = 10;

struct TenSteps {
    options: StepOptions,
}

#[async_trait]
impl Workflow for TenSteps {
    fn name(&self) -> &'static str {
        "ten-steps"
    }

    async fn run(&self, context: RunContext, _: Value) -> Result<Value, Failure> {
        let mut total = 0;
        for index in 0..STEPS {
            let name = format!("step-{index}");
            total += context.step(&name, self.options, |_| async move { Ok(index) }).await?;
        }
        Ok(json!(total))
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let folder = PathBuf::from(argument("--data").expect("--data names where the database is made"));
    let seconds: f64 = argument("--seconds").map_or(3.0, |text| text.parse().expect("--seconds is a number"));
    let levels = argument("--concurrency").unwrap_or_else(|| "1,16,64,256".into());
    let durabilities = argument("--durability").unwrap_or_else(|| "lazy-inner,sync-every-step".into());
    for durability in durabilities.split(',') {
        for level in levels.split(',') {
            let concurrency = level.parse().expect("--concurrency lists numbers");
            measure(&folder, durability, concurrency, Duration::from_secs_f64(seconds)).await;
        }
    }
}

fn argument(name: &str) -> Option<String> {
    let mut arguments = std::env::args();
    arguments.by_ref().find(|argument| argument == name)?;
    arguments.next()
}

async fn measure(folder: &Path, durability: &str, concurrency: usize, time: Duration) {
    let folder = folder.join(format!("{durability}-{concurrency}-{}", std::process::id()));
    let workspace = Workspace::open(&folder).await.expect("the workspace opens");
    let level = if durability == "sync-every-step" { Durability::Disk } else { Durability::Process };
    let options = StepOptions { durability: level, ..StepOptions::ONCE };
    let parts = Parts {
        store: Arc::new(SqlRunStore::new(workspace.database().clone())),
        blobs: Arc::new(workspace.blobs().clone()),
        registry: Registry::new().with(TenSteps { options }),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    };
    let engine = Engine::start(parts, EngineOptions::default()).await.expect("the engine starts");
    carry_out(&engine, concurrency, Duration::from_millis(300)).await;
    let (cpu, clock) = (cpu_seconds(), Instant::now());
    let runs = carry_out(&engine, concurrency, time).await;
    let (seconds, cpu) = (clock.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    engine.stop(Duration::from_secs(1)).await;
    let total: usize =
        engine.store().count_runs().await.expect("counts").iter().map(|(_, count)| *count as usize).sum();
    workspace.database().close().await;
    let bytes = std::fs::metadata(folder.join("workspace.sqlite3")).map_or(0, |file| file.len());
    // A submission, ten results and an end.
    let operations = runs * (STEPS + 2);
    println!(
        "{}",
        json!({
            "system": "atelier", "durability": durability, "concurrency": concurrency, "runs": runs,
            "seconds": seconds, "cpu_seconds": cpu, "durable_operations": operations,
            "bytes_stored": bytes, "runs_stored": total,
            "runs_per_second": runs as f64 / seconds, "cpu_us_per_operation": cpu * 1e6 / operations as f64,
            "bytes_per_run": bytes as usize / total.max(1),
        })
    );
    std::fs::remove_dir_all(&folder).expect("the folder can be removed");
}

async fn carry_out(engine: &Engine, concurrency: usize, time: Duration) -> usize {
    let done = Arc::new(AtomicUsize::new(0));
    let end = Instant::now() + time;
    let submitters: Vec<_> = (0..concurrency)
        .map(|_| {
            let (engine, done) = (engine.clone(), done.clone());
            tokio::spawn(async move {
                while Instant::now() < end {
                    let submission = Submission {
                        workflow: "ten-steps".into(),
                        title: "Ten steps".into(),
                        input: Value::Null,
                        actor: Actor::Owner,
                        idempotency_key: None,
                    };
                    let run = engine.submit(submission).await.expect("submitted");
                    let state = engine.wait(&run, Duration::from_secs(60)).await.expect("waited");
                    assert_eq!(state.outcome, Some(Ok(json!(45))), "a run must end with its result");
                    done.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for submitter in submitters {
        submitter.await.expect("no submitter panics");
    }
    done.load(Ordering::Relaxed)
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux tells its processes' times");
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: Vec<f64> =
        after_name.split_whitespace().skip(11).take(2).filter_map(|text| text.parse().ok()).collect();
    ticks.iter().sum::<f64>() / 100.0
}
