//! The accounts of a router over providers that exist only here, with time standing still.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, StreamExt};
use kernel::{Actor, Clock, FixedClock, PageRequest, SeededEntropy, Timestamp};
use models::testing::FakeLedger;
use models::{
    Accounting, Allowance, CacheOptions, Call, CallFilter, CallOutcome, Completion, Delta, Error,
    FinishReason, Message, ModelsOptions, Origin, Outcome, Part, Piece, Provider, Request, RetryOptions,
    Router, Said, SaidStream, Subject, Surface, Usage, Window,
};

/// 2026-11-21T09:30:00Z.
const NOW: Timestamp = Timestamp(1_795_253_400_000);

#[derive(Clone, Copy)]
enum Act {
    Say(&'static str),
    SayAndBreak(&'static str),
    SayAndHang(&'static str),
    Fail,
    Hang,
}

struct Made {
    name: &'static str,
    acts: Mutex<VecDeque<Act>>,
}

impl Made {
    fn provider(name: &'static str, acts: impl IntoIterator<Item = Act>) -> Arc<dyn Provider> {
        Arc::new(Self { name, acts: Mutex::new(acts.into_iter().collect()) })
    }

    fn completion(&self, text: &str) -> Completion {
        Completion {
            parts: vec![Part::text(text)],
            usage: Usage { tokens_in: 10, tokens_out: 5, ..Usage::default() },
            model: "made".into(),
            provider: self.name.into(),
            finish_reason: FinishReason::Stop,
            stop_sequence: None,
            latency_ms: 0,
            attempts: Vec::new(),
            raw: None,
        }
    }
}

#[async_trait]
impl Provider for Made {
    fn name(&self) -> &str {
        self.name
    }

    fn model(&self) -> &str {
        "made"
    }

    fn is_local(&self) -> bool {
        true
    }

    async fn stream(&self, _: &Request) -> Result<SaidStream, Error> {
        let act = self.acts.lock().unwrap().pop_front().expect("the script is long enough");
        let piece =
            |text: &str| Ok(Said::Piece(Piece { deltas: vec![Delta::Text(text.to_owned())], raw: None }));
        let provider = || self.name.to_owned();
        match act {
            Act::Say(text) => {
                Ok(stream::iter([piece(text), Ok(Said::Finished(self.completion(text)))]).boxed())
            }
            Act::SayAndBreak(text) => {
                let broken = Error::Interrupted { provider: provider(), reason: "it broke".into() };
                Ok(stream::iter([piece(text), Err(broken)]).boxed())
            }
            Act::SayAndHang(text) => Ok(stream::iter([piece(text)]).chain(stream::pending()).boxed()),
            Act::Fail => {
                let message = "no".to_owned();
                Err(Error::Upstream { provider: provider(), status: 500, message, retry_after: None })
            }
            Act::Hang => std::future::pending().await,
        }
    }

    async fn check(&self) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }
}

struct Desk {
    router: Router,
    accounting: Arc<Accounting>,
    clock: Arc<FixedClock>,
}

impl Desk {
    async fn new(providers: Vec<Arc<dyn Provider>>, options: ModelsOptions, cache: bool) -> Self {
        let clock = Arc::new(FixedClock::at(NOW));
        let entropy = Arc::new(SeededEntropy::new(1));
        let cache = CacheOptions { enabled: cache, ..CacheOptions::default() };
        let ledger = Arc::new(FakeLedger::default());
        let accounting = Accounting::start(ledger, &cache, clock.clone(), entropy.clone()).await.unwrap();
        let accounting = Arc::new(accounting);
        let options =
            ModelsOptions { retry: RetryOptions { attempts: 1, ..RetryOptions::default() }, ..options };
        let router = Router::new(providers, &options, entropy).with_accounting(accounting.clone());
        Self { router, accounting, clock }
    }

    async fn over(providers: impl IntoIterator<Item = Arc<dyn Provider>>) -> Self {
        Self::new(providers.into_iter().collect(), ModelsOptions::default(), false).await
    }

    async fn limit(&self, subject: Subject, window: Window, allowance: Allowance) {
        self.accounting.create_limit(subject, window, allowance).await.unwrap();
    }

    async fn calls(&self) -> Vec<Call> {
        let page = PageRequest::first(500);
        self.accounting.list_calls(&CallFilter::default(), &page).await.unwrap().items
    }

    async fn only_call(&self) -> Call {
        let mut calls = self.calls().await;
        assert_eq!(calls.len(), 1, "{calls:?}");
        calls.remove(0)
    }
}

fn request() -> Request {
    let origin = Origin {
        actor: Actor::Token("tok_1".into()),
        surface: Surface::Chat,
        request_id: Some("req_1".into()),
        run_id: None,
    };
    Request { origin, ..Request::new(vec![Message::user("What is the capital of France?")]) }
}

fn attempts(call: &Call) -> Vec<(&str, &str)> {
    let code = |outcome: &'_ Outcome| match outcome {
        Outcome::Answered => "answered",
        Outcome::Failed { code, .. } => match code.as_str() {
            "model_upstream_failed" => "failed",
            "model_answer_interrupted" => "interrupted",
            "model_call_cancelled" => "hung up",
            _ => "otherwise",
        },
    };
    call.attempts.iter().map(|attempt| (attempt.provider.as_str(), code(&attempt.outcome))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_call_is_written_down_with_every_attempt_whole_and_streamed() {
    for is_stream in [false, true] {
        let desk =
            Desk::over([Made::provider("one", [Act::Fail]), Made::provider("two", [Act::Say("Paris")])])
                .await;
        if is_stream {
            desk.router.stream_with_model(&request()).await.unwrap().collect::<Vec<_>>().await;
        } else {
            desk.router.complete_with_model(&request()).await.unwrap();
        }
        let call = desk.only_call().await;
        assert_eq!(attempts(&call), [("one", "failed"), ("two", "answered")]);
        assert_eq!((call.outcome, call.is_stream), (CallOutcome::Answered, is_stream));
        assert_eq!((call.provider.as_deref(), call.is_fallback()), (Some("two"), true));
        assert_eq!((call.usage.tokens_in, call.usage.tokens_out), (10, 5));
        assert_eq!(call.origin, request().origin);
        assert_eq!(call.first_content_ms.is_some(), is_stream);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_broke_off_is_charged_for_beside_the_one_that_went_on() {
    let desk = Desk::over([
        Made::provider("one", [Act::SayAndBreak("Par")]),
        Made::provider("two", [Act::Say("Paris")]),
    ])
    .await;
    desk.router.stream_with_model(&request()).await.unwrap().collect::<Vec<_>>().await;
    let call = desk.only_call().await;
    assert_eq!(attempts(&call), [("one", "interrupted"), ("two", "answered")]);
    assert!(call.usage.tokens_in > 10 && call.usage.estimated, "{:?}", call.usage);
}

#[tokio::test(start_paused = true)]
async fn whoever_goes_away_is_charged_for_what_came_until_then() {
    let desk =
        Desk::over([Made::provider("one", [Act::SayAndHang("Paris is the capital"), Act::Hang])]).await;
    let mut said = desk.router.stream_with_model(&request()).await.unwrap();
    said.next().await;
    drop(said);
    let call = desk.only_call().await;
    assert_eq!((call.outcome, attempts(&call)), (CallOutcome::Cancelled, vec![("one", "hung up")]));
    assert_eq!((call.usage.tokens_out, call.usage.estimated), (5, true));

    let request = request();
    let waiting = desk.router.complete_with_model(&request);
    assert!(tokio::time::timeout(Duration::from_millis(5), waiting).await.is_err());
    let calls = desk.calls().await;
    assert_eq!(calls.len(), 2);
    assert!(calls.iter().all(|call| call.outcome == CallOutcome::Cancelled && call.usage.tokens_in > 0));
}

#[tokio::test(start_paused = true)]
async fn who_lost_to_a_faster_provider_is_charged_for_too() {
    let options = ModelsOptions { hedge_after_ms: Some(50), ..ModelsOptions::default() };
    let providers = vec![Made::provider("one", [Act::Hang]), Made::provider("two", [Act::Say("Paris")])];
    let desk = Desk::new(providers, options, false).await;
    desk.router.complete_with_model(&request()).await.unwrap();
    let call = desk.only_call().await;
    assert_eq!(attempts(&call), [("one", "hung up"), ("two", "answered")]);
}

#[tokio::test(start_paused = true)]
async fn without_a_model_the_rules_answer_is_the_calls_answer() {
    let desk = Desk::over([Made::provider("one", [Act::Fail])]).await;
    desk.router.complete(&request()).await.unwrap();
    let call = desk.only_call().await;
    assert_eq!((call.outcome, call.provider.as_deref()), (CallOutcome::Answered, Some("offline")));
    assert_eq!(attempts(&call), [("one", "failed"), ("offline", "answered")]);
}

#[tokio::test(start_paused = true)]
async fn a_limit_refuses_clearly_and_only_those_it_is_meant_for() {
    let desk = Desk::over([Made::provider("one", [Act::Say("Paris"); 4])]).await;
    let allowance = Allowance { requests: Some(1), ..Allowance::default() };
    desk.limit(Subject::Token("tok_1".into()), Window::Minute, allowance).await;
    desk.router.complete_with_model(&request()).await.unwrap();
    let error = desk.router.complete_with_model(&request()).await.unwrap_err();
    assert_eq!((error.code(), error.retry_after()), ("rate_limited", Some(Duration::from_secs(61))));
    assert!(desk.router.stream_with_model(&request()).await.is_err());
    let other = Request { origin: Origin::default(), ..request() };
    desk.router.complete_with_model(&other).await.unwrap();
    let outcomes: Vec<_> = desk.calls().await.iter().map(|call| call.outcome).collect();
    assert_eq!(outcomes.iter().filter(|it| **it == CallOutcome::Refused).count(), 2);
    desk.clock.advance(Duration::from_secs(61));
    desk.router.complete_with_model(&request()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_is_used_up_warns_first_and_refuses_until_the_next_day() {
    let desk = Desk::over([Made::provider("one", [Act::Say("Paris"); 8])]).await;
    let allowance = Allowance { tokens: Some(45), ..Allowance::default() };
    desk.limit(Subject::Workspace, Window::Day, allowance).await;
    let small = Request { max_tokens: Some(2), ..request() };
    let ask = async || desk.router.complete_with_model(&small).await.map(drop).map_err(|it| it.code());
    let warning = || desk.accounting.warning(&small.origin, Some("one"));
    assert_eq!((ask().await, ask().await, warning()), (Ok(()), Ok(()), None));
    desk.accounting
        .update_limit(&desk.accounting.limits()[0].limit.id, |old| Allowance { tokens: Some(35), ..old })
        .await
        .unwrap();
    assert!(warning().unwrap().starts_with("85 % of the workspace's limit of 35 tokens a day is used"));
    assert_eq!(ask().await, Err("budget_exhausted"));
    desk.clock.advance(Duration::from_secs(86_400));
    assert_eq!((ask().await, warning()), (Ok(()), None));
}

#[tokio::test(start_paused = true)]
async fn a_providers_limit_hands_over_to_the_next_provider_and_refuses_when_none_is_left() {
    let desk =
        Desk::over([Made::provider("one", [Act::Say("1"); 2]), Made::provider("two", [Act::Say("2"); 2])])
            .await;
    for name in ["one", "two"] {
        let allowance = Allowance { requests: Some(1), ..Allowance::default() };
        desk.limit(Subject::Provider(name.into()), Window::Day, allowance).await;
    }
    let ask = async || desk.router.complete_with_model(&request()).await;
    assert_eq!(ask().await.unwrap().provider, "one");
    assert_eq!(ask().await.unwrap().provider, "two");
    let error = ask().await.unwrap_err();
    assert_eq!(error.code(), "budget_exhausted");
    let until_midnight = Duration::from_secs(14 * 3_600 + 1_800);
    assert_eq!(error.retry_after(), Some(until_midnight));
}

#[tokio::test(start_paused = true)]
async fn the_first_limit_is_made_once_and_not_again_when_it_was_removed() {
    let desk = Desk::over([]).await;
    desk.accounting.guard_spending().await.unwrap();
    desk.accounting.guard_spending().await.unwrap();
    let limits = desk.accounting.limits();
    assert_eq!((limits.len(), limits[0].limit.usd), (1, Some(10.0)));
    desk.accounting.delete_limit(&limits[0].limit.id).await.unwrap();
    desk.accounting.guard_spending().await.unwrap();
    assert_eq!(desk.accounting.limits(), []);
}

#[tokio::test(start_paused = true)]
async fn known_answers_cost_nothing_and_never_cross_privacy_labels() {
    let providers = vec![Made::provider("one", ["1", "2", "3", "4"].map(Act::Say))];
    let desk = Desk::new(providers, ModelsOptions::default(), true).await;
    let same = Request { temperature: Some(0.0), ..request() };
    let ask = async |request: &Request| desk.router.complete_with_model(request).await.unwrap();
    assert_eq!(ask(&same).await.text(), "1");
    let known = ask(&Request { origin: Origin::default(), ..same.clone() }).await;
    assert_eq!((known.text().as_str(), known.is_from_cache()), ("1", true));
    let local = Request { privacy: kernel::Privacy::Local, ..same.clone() };
    assert_eq!(ask(&local).await.text(), "2");
    assert_eq!(ask(&request()).await.text(), "3", "nothing says that it would be the same again");
    tokio::time::advance(Duration::from_secs(3_601)).await;
    assert_eq!(ask(&same).await.text(), "4");
    let cached = desk.calls().await.into_iter().find(|call| call.outcome == CallOutcome::FromCache).unwrap();
    assert_eq!((cached.usage, cached.provider.as_deref()), (Usage::default(), Some("one")));
    let limits = Subject::Workspace;
    desk.limit(limits, Window::Day, Allowance { requests: Some(9), ..Allowance::default() }).await;
    assert_eq!(desk.accounting.limits()[0].used.requests, 4, "a known answer does not count");
    assert_eq!(desk.clock.now(), NOW);
}
