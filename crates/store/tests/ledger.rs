//! The ledger on a real database keeps the contract, and sums up quickly however much there is.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Actor, FixedClock, Ids, SeededEntropy, SystemClock, SystemEntropy, Timestamp};
use models::ledger::{Bucket, Call, CallFilter, CallOutcome, Ledger, Origin, UsageQuery};
use models::{Accounting, Allowance, Attempt, CacheOptions, Outcome, Subject, Usage, Window};
use store::{SqlLedger, Workspace};

const DAY: i64 = 1_795_219_200_000;
const HOUR: i64 = 3_600_000;

async fn workspace() -> (Workspace, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    (Workspace::open(folder.path()).await.expect("the workspace opens"), folder)
}

fn ledger(workspace: &Workspace) -> Arc<SqlLedger> {
    Arc::new(SqlLedger::new(workspace.database().clone()))
}

fn calls(from: i64, count: u64, apart_ms: i64) -> Vec<Call> {
    let clock = Arc::new(FixedClock::at(Timestamp(from)));
    let ids = Ids::new(clock.clone(), Arc::new(SeededEntropy::new(from.unsigned_abs())));
    let one = |number: u64| {
        clock.advance(Duration::from_millis(apart_ms as u64));
        let provider = format!("provider-{}", number % 3);
        let usage = Usage { tokens_in: 100, tokens_out: 50, usd: 0.001, ..Usage::default() };
        let latency_ms = 20 + number * 7_919 % 30_000;
        Call {
            id: ids.fresh(),
            at: kernel::Clock::now(clock.as_ref()),
            origin: Origin { actor: Actor::Token(format!("tok_{}", number % 4)), ..Origin::default() },
            provider: Some(provider.clone()),
            model: Some("m".into()),
            requested_model: None,
            is_stream: true,
            outcome: CallOutcome::Answered,
            error_code: None,
            usage,
            first_content_ms: Some(latency_ms / 4),
            latency_ms,
            attempts: vec![Attempt {
                provider,
                model: "m".into(),
                outcome: Outcome::Answered,
                latency_ms,
                usage: Some(usage),
            }],
        }
    };
    (0..count).map(one).collect()
}

#[tokio::test]
async fn sqlite_keeps_the_contract_of_ledgers() {
    let (workspace, _folder) = workspace().await;
    models::testing::ledger_contract(ledger(&workspace)).await;
}

#[tokio::test]
async fn percentiles_over_many_batches_are_those_of_all_calls_together() {
    let (workspace, _folder) = workspace().await;
    let ledger = ledger(&workspace);
    let all = calls(DAY, 3_000, 1_000);
    for batch in all.chunks(70) {
        ledger.record(batch.to_vec()).await.expect("it is written");
    }
    let (from, to) = (Timestamp(DAY), Timestamp(DAY + 3 * HOUR));
    let query = UsageQuery { from, to, bucket: Bucket::Hour, provider: None, token: None };
    let report = ledger.usage(&query).await.expect("a report");
    let mut exact: Vec<u64> = all.iter().map(|call| call.latency_ms).collect();
    exact.sort_unstable();
    let read = report.totals.latency_ms.expect("there were answers");
    for (share, read) in [(0.50, read.p50), (0.95, read.p95), (0.99, read.p99)] {
        let exact = exact[(exact.len() as f64 * share).ceil() as usize - 1] as f64;
        assert!((read / exact - 1.0).abs() < 0.02, "{read} is not about {exact}");
    }
    assert_eq!((report.totals.requests, report.by_provider.len(), report.by_token.len()), (3_000, 3, 4));
}

#[tokio::test]
async fn a_restart_forgets_neither_limits_nor_what_was_used() {
    let (workspace, _folder) = workspace().await;
    let clock = Arc::new(FixedClock::at(Timestamp(DAY + HOUR)));
    let start = async || {
        let entropy = Arc::new(SystemEntropy);
        Accounting::start(ledger(&workspace), &CacheOptions::default(), clock.clone(), entropy).await
    };
    ledger(&workspace).record(calls(DAY, 12, 1_000)).await.expect("it is written");
    let accounting = start().await.expect("it starts");
    let allowance = Allowance { tokens: Some(2_000), ..Allowance::default() };
    let subject = Subject::Token("tok_1".into());
    accounting.create_limit(subject, Window::Month, allowance).await.expect("a limit");
    drop(accounting);
    let limits = start().await.expect("it starts again").limits();
    assert_eq!((limits.len(), limits[0].used.requests, limits[0].used.tokens), (1, 3, 450));
}

/// Run by hand with `--run-ignored only`; it fills a database with a million calls.
#[tokio::test]
#[ignore = "takes a minute"]
async fn a_month_of_a_million_calls_is_summed_up_in_a_tenth_of_a_second() {
    let (workspace, _folder) = workspace().await;
    let ledger = ledger(&workspace);
    let apart = 30 * 24 * HOUR / 1_000_000;
    let began = std::time::Instant::now();
    for batch in 0..1_000 {
        let from = DAY + batch * 1_000 * apart;
        ledger.record(calls(from, 1_000, apart)).await.expect("it is written");
    }
    println!("a million calls written in {:?}", began.elapsed());
    for bucket in [Bucket::Day, Bucket::Hour] {
        let (from, to) = (Timestamp(DAY), Timestamp(DAY + 31 * 24 * HOUR));
        let query = UsageQuery { from, to, bucket, provider: None, token: None };
        let began = std::time::Instant::now();
        let report = ledger.usage(&query).await.expect("a report");
        let took = began.elapsed();
        println!("by {bucket}: {took:?}, {} points", report.series.len());
        assert_eq!(report.totals.requests, 1_000_000);
        assert!(took < Duration::from_millis(100), "{took:?}");
    }
    let began = std::time::Instant::now();
    let filter = CallFilter { provider: Some("provider-1".into()), ..CallFilter::default() };
    ledger.list_calls(&filter, &kernel::PageRequest::default()).await.expect("a page");
    println!("a page of calls in {:?}", began.elapsed());
    let began = std::time::Instant::now();
    let cache = CacheOptions::default();
    let start = Accounting::start(ledger.clone(), &cache, Arc::new(SystemClock), Arc::new(SystemEntropy));
    start.await.expect("it starts");
    println!("restored in {:?}", began.elapsed());
}
