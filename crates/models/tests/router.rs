//! The router over real servers: what is settled by faults, and what is never shown.

use std::io::Write;
use std::sync::{Arc, Mutex};

use kernel::{Clock, Privacy, SeededEntropy, SystemClock};
use models::{
    ApiKey, Message, ModelsOptions, Policy, ProviderOptions, Request, RetryOptions, Router, TimeoutOptions,
};
use testkit::{Fault, Reply, Script, ScriptedModel};

const CANARY: &str = "canary-4a1f-key";

fn options(base_urls: &[&str], timeouts: TimeoutOptions) -> ModelsOptions {
    let provider = |(place, base_url): (usize, &&str)| ProviderOptions {
        name: ["first", "second"][place].into(),
        base_url: (*base_url).into(),
        api_key: Some(ApiKey::new(CANARY)),
        model: "m".into(),
        ..ProviderOptions::default()
    };
    ModelsOptions {
        providers: base_urls.iter().enumerate().map(provider).collect(),
        policy: Policy::LocalFirst,
        timeouts,
        retry: RetryOptions { attempts: 2, first_pause_ms: 1, longest_pause_ms: 2 },
        ..ModelsOptions::default()
    }
}

fn router(base_urls: &[&str], timeouts: TimeoutOptions) -> Router {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Router::from_options(&options(base_urls, timeouts), &clock, Arc::new(SeededEntropy::new(3)))
        .expect("the options are sound")
}

fn request() -> Request {
    Request::new(vec![Message::user("Say something")])
}

/// Every fault a provider has, with how often it is asked before the next one is.
fn faults() -> Vec<(&'static str, Reply, usize)> {
    let text = || Reply::text("never to be seen whole");
    vec![
        ("500", Reply::status(500, "broken"), 2),
        ("503", Reply::status(503, "down"), 2),
        ("429", Reply::status(429, "slow down"), 2),
        ("429 for an hour", Reply::status(429, "slow down").retry_after("3600"), 1),
        ("401", Reply::status(401, &format!("bad key {CANARY}")), 1),
        ("400", Reply::status(400, &format!("bad request with {CANARY}")), 1),
        ("hang before the headers", text().fault(Fault::HangBeforeHeaders), 2),
        ("hang before the first token", text().fault(Fault::HangBeforeFirstToken), 2),
        ("stall", text().fault(Fault::StallAfter(1)), 2),
        ("cut", text().fault(Fault::CutAfter(1)), 2),
        ("reset", text().fault(Fault::ResetAfter(1)), 2),
        ("error event", text().fault(Fault::ErrorAfter(1)), 2),
        ("malformed", text().fault(Fault::MalformedAfter(1)), 2),
        ("end without end", text().fault(Fault::EndAfter(1)), 2),
        ("empty", Reply::text(""), 2),
        (
            "echo of the key",
            Reply::raw("text/event-stream", format!("data: {{\"error\":\"{CANARY}\"}}\n\n")),
            2,
        ),
        ("slow drip", Reply { pause_ms: 20, ..Reply::text("x ".repeat(500)) }, 1),
    ]
}

#[tokio::test]
async fn whatever_the_first_provider_does_the_second_one_answers_whole() {
    let timeouts =
        TimeoutOptions { connect_ms: 20_000, first_content_ms: 800, stall_ms: 800, total_ms: 4_000 };
    let checks = faults().into_iter().map(|(name, reply, asked)| async move {
        let first = ScriptedModel::start(Script::always(reply)).await;
        let second = ScriptedModel::start(Script::always(Reply::text("the whole answer").usage(2, 3))).await;
        let router = router(&[&first.base_url(), &second.base_url()], timeouts);
        let answer =
            router.complete_with_model(&request()).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            (answer.text().as_str(), answer.provider.as_str()),
            ("the whole answer", "second"),
            "{name}"
        );
        assert_eq!((first.requests().len(), second.requests().len()), (asked, 1), "{name}");
        assert_eq!(answer.attempts.len(), asked + 1, "{name}");
        assert!(!format!("{answer:?}").contains(CANARY), "{name}");
    });
    futures::future::join_all(checks).await;
}

#[tokio::test]
async fn a_flapping_or_refusing_provider_does_no_harm() {
    let mut is_up = false;
    let script = Script::answering(move |_| {
        is_up = !is_up;
        if is_up { Reply::status(503, "down") } else { Reply::text("up") }
    });
    let flapping = ScriptedModel::start(script).await;
    let router = router(&[&ScriptedModel::refusing_url(), &flapping.base_url()], TimeoutOptions::default());
    // After five failures the one that refuses is left alone.
    for attempts in [4, 4, 4, 2, 2] {
        let answer = router.complete_with_model(&request()).await.unwrap();
        assert_eq!((answer.text().as_str(), answer.attempts.len()), ("up", attempts));
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no writer panics").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Nothing a person or a log can see holds the key, whatever fails and whatever a server repeats.
#[tokio::test]
async fn the_key_is_shown_nowhere() {
    let log = Log::default();
    let sink = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || sink.clone());
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let timeouts = TimeoutOptions { connect_ms: 500, first_content_ms: 200, stall_ms: 200, total_ms: 1_000 };
    let mut shown = format!("{:?}", options(&["http://127.0.0.1:1/v1"], timeouts));
    for (name, reply, _) in faults() {
        let server = ScriptedModel::start(Script::always(reply)).await;
        let router = router(&[&server.base_url()], timeouts);
        let error = router.complete_with_model(&request()).await.expect_err(name);
        shown += &format!("{error} {error:?} {:?}", error.attempts());
        let error = kernel::Error::from(error);
        shown += &format!("{error} {error:?}");
        assert!(
            server.requests()[0].header("authorization").unwrap().contains(CANARY),
            "it was sent, though"
        );
    }
    shown += &String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        shown.contains("first refused the key") && shown.contains("[redacted]"),
        "it looked at the right things"
    );
    assert!(!shown.contains(CANARY), "{}", &shown[shown.find(CANARY).unwrap().saturating_sub(200)..]);
}

#[tokio::test]
async fn a_local_prompt_reaches_local_servers_only() {
    let server = ScriptedModel::start(Script::always(Reply::text("from here"))).await;
    let router = router(&["http://192.0.2.1/v1", &server.base_url()], TimeoutOptions::default());
    let request = Request { privacy: Privacy::Local, model: Some("first".into()), ..request() };
    let answer = router.complete(&request).await.unwrap();
    assert_eq!((answer.text().as_str(), answer.attempts.len()), ("from here", 1));
}

#[test]
fn names_of_providers_are_unique_and_offline_is_reserved() {
    let mut options = options(&["http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1"], TimeoutOptions::default());
    for name in ["first", "", "offline"] {
        options.providers[1].name = name.into();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let error = Router::from_options(&options, &clock, Arc::new(SeededEntropy::new(3))).err().unwrap();
        assert_eq!(error.code(), "model_settings_invalid", "{name}");
    }
}

#[test]
fn every_preset_can_be_set_up() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let presets = models::Presets::built_in();
    let providers = presets.iter().map(|preset| preset.options(None)).collect();
    let options = ModelsOptions { providers, ..ModelsOptions::default() };
    match Router::from_options(&options, &clock, Arc::new(SeededEntropy::new(3))) {
        Ok(router) => assert!(router.providers()[0].is_local),
        // A machine without certificates can set up none that is remote, and says so.
        Err(error) => assert!(error.to_string().contains("certificates"), "{error}"),
    }
}

#[tokio::test]
async fn what_is_clearly_too_long_goes_to_whoever_can_read_it_or_nowhere() {
    let (first, second) = (ScriptedModel::start(words()).await, ScriptedModel::start(words()).await);
    let mut options = options(&[&first.base_url(), &second.base_url()], TimeoutOptions::default());
    options.providers[0].context_tokens = Some(1_000);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let router = |options: &ModelsOptions| {
        Router::from_options(options, &clock, Arc::new(SeededEntropy::new(3))).unwrap()
    };
    let long = Request::new(vec![Message::user("letters ".repeat(2_000))]);
    assert_eq!(router(&options).complete_with_model(&long).await.unwrap().provider, "second");
    options.providers[1].context_tokens = Some(1_500);
    let error = router(&options).complete(&long).await.unwrap_err();
    assert_eq!(error.code(), "context_length_exceeded");
    assert!(error.to_string().contains("more than 1750 tokens, and it reads 1000"), "{error}");
    assert_eq!((first.requests().len(), second.requests().len()), (0, 1));
    // Whatever may fit is for the provider to count.
    let near = Request::new(vec![Message::user("1234567 ".repeat(1_000))]);
    assert_eq!(router(&options).complete_with_model(&near).await.unwrap().provider, "first");
}

fn words() -> Script {
    Script::always(Reply::text("read"))
}
