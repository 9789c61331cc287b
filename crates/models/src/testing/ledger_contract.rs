//! What every ledger does alike.

use std::sync::Arc;

use kernel::{Actor, FixedClock, Ids, PageRequest, SeededEntropy, Timestamp};

use crate::accounting::{Amount, Limit, Subject, Window};
use crate::ledger::{Bucket, Call, CallFilter, CallOutcome, Figures, Ledger, Origin, Surface, UsageQuery};
use crate::message::{Attempt, Outcome, Usage};

/// 2026-11-21T00:00:00Z.
const DAY: i64 = 1_795_219_200_000;
const HOUR: i64 = 3_600_000;

/// Runs the suite against an empty ledger.
pub async fn ledger_contract(ledger: Arc<dyn Ledger>) {
    calls_are_listed_the_newest_first_and_written_once(ledger.as_ref()).await;
    usage_adds_up(ledger.as_ref()).await;
    what_counts_for_limits_is_told(ledger.as_ref()).await;
    old_calls_go_and_their_sums_stay(ledger.as_ref()).await;
    limits_are_kept(ledger.as_ref()).await;
}

/// Three calls: answered after a fallback, refused, and answered from the cache.
fn calls() -> [Call; 3] {
    let call = |at: i64, outcome: CallOutcome| Call {
        id: Ids::new(Arc::new(FixedClock::at(Timestamp(at))), Arc::new(SeededEntropy::new(1))).fresh(),
        at: Timestamp(at),
        origin: Origin {
            actor: Actor::Token("tok_1".into()),
            surface: Surface::Chat,
            request_id: Some("req_1".into()),
            run_id: None,
        },
        provider: None,
        model: None,
        requested_model: Some("fast".into()),
        is_stream: false,
        outcome,
        error_code: None,
        usage: Usage::default(),
        first_content_ms: None,
        latency_ms: 20,
        attempts: Vec::new(),
    };
    let usage = |tokens_in, usd| Usage { tokens_in, tokens_out: 5, usd, ..Usage::default() };
    let attempt = |provider: &str, outcome, usage| Attempt {
        provider: provider.into(),
        model: "m".into(),
        outcome,
        latency_ms: 10,
        usage: Some(usage),
    };
    let broken = Outcome::Failed { code: "model_answer_interrupted".into(), message: "it broke".into() };
    let answered = Call {
        provider: Some("second".into()),
        model: Some("m".into()),
        is_stream: true,
        usage: Usage { tokens_out: 10, ..usage(40, 0.75) },
        first_content_ms: Some(7),
        attempts: vec![
            attempt("first", broken, usage(10, 0.25)),
            attempt("second", Outcome::Answered, usage(30, 0.5)),
        ],
        ..call(DAY, CallOutcome::Answered)
    };
    let refused = Call { error_code: Some("rate_limited".into()), ..call(DAY + HOUR, CallOutcome::Refused) };
    let cached = Call {
        provider: Some("second".into()),
        model: Some("m".into()),
        ..call(DAY + 25 * HOUR, CallOutcome::FromCache)
    };
    [answered, refused, cached]
}

async fn calls_are_listed_the_newest_first_and_written_once(ledger: &dyn Ledger) {
    let [answered, refused, cached] = calls();
    ledger.record(vec![answered.clone(), refused.clone()]).await.unwrap();
    // A batch whose outcome was not known is written again.
    ledger.record(vec![refused.clone(), cached.clone()]).await.unwrap();
    let first = ledger.list_calls(&CallFilter::default(), &PageRequest::first(2)).await.unwrap();
    assert_eq!(first.items, [cached.clone(), refused.clone()]);
    let page = PageRequest { limit: 2, cursor: first.next_cursor };
    let second = ledger.list_calls(&CallFilter::default(), &page).await.unwrap();
    assert_eq!((second.items, second.next_cursor), (vec![answered], None));
    let filter = CallFilter { provider: Some("second".into()), outcome: Some(CallOutcome::FromCache) };
    assert_eq!(
        ledger.list_calls(&filter, &PageRequest::first(9)).await.unwrap().items,
        std::slice::from_ref(&cached)
    );
    assert_eq!(ledger.calls_since(Timestamp(DAY + 2 * HOUR)).await.unwrap(), [cached]);
}

async fn usage_adds_up(ledger: &dyn Ledger) {
    let query = |bucket| UsageQuery {
        from: Timestamp(DAY),
        to: Timestamp(DAY + 30 * HOUR),
        bucket,
        provider: None,
        token: Some("tok_1".into()),
    };
    let report = ledger.usage(&query(Bucket::Day)).await.unwrap();
    let totals = Figures { latency_ms: None, first_content_ms: None, ..report.totals.clone() };
    let expected = Figures {
        requests: 3,
        failures: 1,
        fallbacks: 1,
        cached: 1,
        tokens_in: 40,
        tokens_out: 10,
        usd: 0.75,
        ..Figures::default()
    };
    assert_eq!(totals, expected);
    assert_eq!(report.totals.latency_ms.unwrap().p95, 20.0);
    assert_eq!(report.totals.first_content_ms.unwrap().p50, 7.0);
    let by_provider: Vec<_> =
        report.by_provider.iter().map(|(name, it)| (name.as_deref(), it.requests, it.usd)).collect();
    assert_eq!(by_provider, [(None, 1, 0.0), (Some("first"), 0, 0.25), (Some("second"), 2, 0.5)]);
    assert_eq!(report.by_token.len(), 1);
    assert_eq!(report.by_token[0].0.token_id.as_deref(), Some("tok_1"));
    let starts = |report: &crate::ledger::UsageReport| {
        let mut starts: Vec<_> = report.series.iter().map(|(start, ..)| (start.0 - DAY) / HOUR).collect();
        starts.dedup();
        starts
    };
    assert_eq!(starts(&report), [0, 24]);
    assert_eq!(starts(&ledger.usage(&query(Bucket::Hour)).await.unwrap()), [0, 1, 25]);
    let nobody = UsageQuery { token: Some("tok_2".into()), ..query(Bucket::Day) };
    assert_eq!(ledger.usage(&nobody).await.unwrap().totals, Figures::default());
}

async fn what_counts_for_limits_is_told(ledger: &dyn Ledger) {
    let spending = ledger.spending(Timestamp(DAY)).await.unwrap();
    let amount = |requests, tokens, usd| Amount { requests, tokens, usd };
    assert_eq!(spending.by_actor, [("token:tok_1".to_owned(), amount(1, 50, 0.75))]);
    let mut by_provider = spending.by_provider;
    by_provider.retain(|(_, used)| used.requests > 0);
    assert_eq!(
        by_provider,
        [("first".to_owned(), amount(1, 15, 0.25)), ("second".to_owned(), amount(1, 35, 0.5))]
    );
    let later = ledger.spending(Timestamp(DAY + HOUR)).await.unwrap();
    assert!(later.by_actor.iter().all(|(_, used)| *used == Amount::default()), "{later:?}");
}

async fn old_calls_go_and_their_sums_stay(ledger: &dyn Ledger) {
    while ledger.drop_calls_before(Timestamp(DAY + 2 * HOUR)).await.unwrap() {}
    let left = ledger.list_calls(&CallFilter::default(), &PageRequest::first(9)).await.unwrap();
    assert_eq!(left.items.len(), 1);
    let all = UsageQuery {
        from: Timestamp(DAY),
        to: Timestamp(DAY + 30 * HOUR),
        bucket: Bucket::Day,
        provider: None,
        token: None,
    };
    assert_eq!(ledger.usage(&all).await.unwrap().totals.requests, 3);
}

async fn limits_are_kept(ledger: &dyn Ledger) {
    let ids = Ids::new(Arc::new(FixedClock::at(Timestamp(DAY))), Arc::new(SeededEntropy::new(2)));
    let limit = |subject, window| Limit {
        id: ids.fresh(),
        subject,
        window,
        requests: None,
        tokens: Some(1_000),
        usd: Some(2.5),
        warn_at: 0.8,
    };
    let first = limit(Subject::Workspace, Window::Day);
    assert!(ledger.create_first_limit(&first).await.unwrap());
    assert!(!ledger.create_limit(&limit(Subject::Workspace, Window::Day)).await.unwrap());
    let other = limit(Subject::Provider("p".into()), Window::Minute);
    assert!(ledger.create_limit(&other).await.unwrap());
    let changed = Limit { requests: Some(7), tokens: None, ..other };
    assert!(ledger.update_limit(&changed).await.unwrap());
    let listed = ledger.list_limits().await.unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.contains(&first) && listed.contains(&changed), "{listed:?}");
    for limit in [first, changed] {
        assert!(ledger.delete_limit(&limit.id).await.unwrap());
        assert!(!ledger.delete_limit(&limit.id).await.unwrap());
        assert!(!ledger.update_limit(&limit).await.unwrap());
    }
    // The owner removed it; it does not come back.
    assert!(!ledger.create_first_limit(&limit(Subject::Workspace, Window::Day)).await.unwrap());
    assert_eq!(ledger.list_limits().await.unwrap(), []);
}
