//! The router over providers that exist only here, with time standing still.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;
use kernel::{Kind, SeededEntropy};
use std::time::Duration;
use tokio::time::Instant;

use super::*;
use crate::error::NoModel;
use crate::message::{FinishReason, Message, Outcome, Part, Usage};
use crate::options::Policy;
use crate::provider::{Delta, Piece};

/// What a made-up provider does when it is asked.
#[derive(Clone)]
enum Act {
    Say(&'static str),
    SayAndBreak(&'static str),
    Fail(u16),
    Limit(Option<u64>),
    Hang,
}

struct Made {
    name: &'static str,
    is_local: bool,
    acts: Mutex<VecDeque<Act>>,
    asked: Mutex<Vec<Option<String>>>,
}

impl Made {
    fn new(name: &'static str, is_local: bool, acts: impl IntoIterator<Item = Act>) -> Arc<Self> {
        let acts = Mutex::new(acts.into_iter().collect());
        Arc::new(Self { name, is_local, acts, asked: Mutex::default() })
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn completion(&self, text: &str) -> Completion {
        Completion {
            parts: vec![Part::text(text)],
            usage: Usage { tokens_in: 1, tokens_out: 1, ..Usage::default() },
            model: "made".into(),
            provider: self.name.into(),
            finish_reason: FinishReason::Stop,
            stop_sequence: None,
            latency_ms: 0,
            attempts: vec![],
            raw: None,
        }
        .with_own_attempt()
    }

    fn broken(&self) -> Error {
        Error::Interrupted { provider: self.name.into(), reason: "it broke".into() }
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
        self.is_local
    }

    async fn stream(&self, request: &Request) -> Result<SaidStream, Error> {
        self.asked.lock().unwrap().push(request.model.clone());
        let act = self.acts.lock().unwrap().pop_front().expect("the script is long enough");
        let (provider, message) = (self.name.into(), String::from("no"));
        match act {
            Act::Say(text) => {
                let whole = Said::Finished(self.completion(text));
                Ok(of([Ok(piece(text)), Ok(whole)]))
            }
            Act::SayAndBreak(text) => Ok(of([Ok(piece(text)), Err(self.broken())])),
            Act::Fail(status @ 400) => Err(Error::Rejected { provider, status, message }),
            Act::Fail(status @ 401) => Err(Error::KeyRefused { provider, status, message }),
            Act::Fail(status) => Err(Error::Upstream { provider, status, message, retry_after: None }),
            Act::Limit(seconds) => {
                let retry_after = seconds.map(Duration::from_secs);
                Err(Error::RateLimited { provider, message, retry_after })
            }
            Act::Hang => std::future::pending().await,
        }
    }

    async fn check(&self) -> Result<Vec<String>, Error> {
        Ok(vec![])
    }
}

fn piece(text: &str) -> Said {
    Said::Piece(Piece { deltas: vec![Delta::Text(text.into())], raw: None })
}

fn router(policy: Policy, providers: &[&Arc<Made>]) -> Router {
    let providers = providers.iter().map(|made| Arc::clone(made) as Arc<dyn Provider>).collect();
    let options = ModelsOptions { policy, ..ModelsOptions::default() };
    Router::new(providers, &options, Arc::new(SeededEntropy::new(1)))
}

fn request() -> Request {
    Request::new(vec![Message::user("What is the capital of France?")])
}

fn outcomes(attempts: &[Attempt]) -> Vec<(&str, &str)> {
    let code = |attempt: &'_ Attempt| match &attempt.outcome {
        Outcome::Answered => "answered",
        Outcome::Failed { code, .. } => match code.as_str() {
            "model_upstream_failed" => "upstream",
            "model_rate_limited" => "limited",
            "model_request_refused" => "rejected",
            "model_key_refused" => "key",
            "model_answer_interrupted" => "interrupted",
            "model_timeout" => "timeout",
            _ => "other",
        },
    };
    attempts.iter().map(|attempt| (attempt.provider.as_str(), code(attempt))).collect()
}

#[tokio::test]
async fn the_policy_decides_who_is_asked_first() {
    for (policy, expected) in
        [(Policy::LocalOnly, "near"), (Policy::LocalFirst, "near"), (Policy::CloudFirst, "far")]
    {
        let far = Made::new("far", false, [Act::Say("from afar")]);
        let near = Made::new("near", true, [Act::Say("from here")]);
        let answer = router(policy, &[&far, &near]).complete(&request()).await.unwrap();
        assert_eq!(answer.provider, expected, "{policy:?}");
        assert_eq!(far.asked() + near.asked(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn falls_to_the_next_provider_and_tells_every_attempt() {
    let near = Made::new("near", true, [Act::Fail(500), Act::Fail(503), Act::SayAndBreak("half")]);
    let far = Made::new("far", false, [Act::Say("whole")]);
    let answer = router(Policy::LocalFirst, &[&far, &near]).complete(&request()).await.unwrap();
    assert_eq!(answer.text(), "whole");
    let expected = [("near", "upstream"), ("near", "upstream"), ("near", "interrupted"), ("far", "answered")];
    assert_eq!(outcomes(&answer.attempts), expected);
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_or_key_is_not_put_again_to_the_same_provider() {
    for (status, code) in [(400, "rejected"), (401, "key")] {
        let near = Made::new("near", true, [Act::Fail(status)]);
        let far = Made::new("far", false, [Act::Say("ok")]);
        let answer = router(Policy::LocalFirst, &[&near, &far]).complete(&request()).await.unwrap();
        assert_eq!(outcomes(&answer.attempts), [("near", code), ("far", "answered")]);
    }
}

#[tokio::test(start_paused = true)]
async fn waits_as_long_as_a_provider_asks_but_not_longer_than_is_sensible() {
    let near = Made::new("near", true, [Act::Limit(Some(4)), Act::Say("ok")]);
    let started = Instant::now();
    let answer = router(Policy::LocalFirst, &[&near]).complete(&request()).await.unwrap();
    assert_eq!(outcomes(&answer.attempts), [("near", "limited"), ("near", "answered")]);
    assert_eq!(started.elapsed().as_secs(), 4);

    let near = Made::new("near", true, [Act::Limit(Some(3_600))]);
    let far = Made::new("far", false, [Act::Say("ok")]);
    let started = Instant::now();
    let answer = router(Policy::LocalFirst, &[&near, &far]).complete(&request()).await.unwrap();
    assert_eq!(outcomes(&answer.attempts), [("near", "limited"), ("far", "answered")]);
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_hangs_for_ever_is_left_after_the_total_time() {
    let near = Made::new("near", true, [Act::Hang]);
    let far = Made::new("far", false, [Act::Say("ok")]);
    let answer = router(Policy::LocalFirst, &[&near, &far]).complete(&request()).await.unwrap();
    assert_eq!(outcomes(&answer.attempts), [("near", "timeout"), ("far", "answered")]);
    assert_eq!(answer.attempts[0].latency_ms, 300_000);
}

#[tokio::test(start_paused = true)]
async fn a_local_prompt_never_leaves_whatever_policy_model_or_failure() {
    for policy in [Policy::LocalOnly, Policy::LocalFirst, Policy::CloudFirst] {
        for model in [None, Some("far"), Some("far/big"), Some("made"), Some("near"), Some("unknown")] {
            let far = Made::new("far", false, []);
            let near = Made::new("near", true, [Act::Fail(400)]);
            let both = router(policy, &[&far, &near]);
            let request = Request { privacy: Privacy::Local, model: model.map(str::to_owned), ..request() };
            assert_eq!(both.complete(&request).await.unwrap().provider, Offline::NAME);
            assert_eq!((far.asked(), near.asked()), (0, 1), "{policy:?} {model:?}");

            let alone = router(policy, &[&far]);
            assert!(!alone.has_model(Privacy::Local));
            let error = alone.complete_with_model(&request).await.unwrap_err();
            assert!(matches!(error, Error::NoModel(NoModel::PromptIsLocal)), "{error:?}");
            assert!(alone.stream(&request).await.is_ok());
            assert_eq!(far.asked(), 0);
        }
    }
}

#[tokio::test]
async fn without_a_model_offline_answers_text_and_says_what_it_is() {
    let empty = router(Policy::LocalFirst, &[]);
    let answer = empty.complete(&request()).await.unwrap();
    assert_eq!(answer.provider, Offline::NAME);
    assert!(answer.text().contains("not a language model"), "{}", answer.text());
    assert_eq!(outcomes(&answer.attempts), [("offline", "answered")]);

    let error = empty.complete_with_model(&request()).await.unwrap_err();
    let error = kernel::Error::from(error);
    assert_eq!((error.code, error.kind), ("no_model", Kind::Unavailable));
    assert!(error.hint.unwrap().contains("OPENAI_API_KEY"));

    let wants_json = Request { format: Format::Json, ..request() };
    assert_eq!(empty.complete(&wants_json).await.unwrap_err().code(), "no_model");
}

#[tokio::test]
async fn when_all_fail_the_error_names_each_and_its_kind_is_the_telling_one() {
    let near = Made::new("near", true, [Act::Fail(401)]);
    let far = Made::new("far", false, [Act::Fail(400)]);
    let error = router(Policy::LocalFirst, &[&near, &far]).complete_with_model(&request()).await.unwrap_err();
    assert_eq!(outcomes(error.attempts()), [("near", "key"), ("far", "rejected")]);
    let error = kernel::Error::from(error);
    assert_eq!((error.code, error.kind), ("no_model_answered", Kind::Invalid));
    assert!(
        error.message.contains("near refused the key") && error.message.contains("far refused the request")
    );
}

/// What a client sees of a stream: the text, and how it ended.
async fn seen(router: &Router) -> (String, Result<Completion, Error>) {
    let mut said = router.stream(&request()).await.unwrap();
    let mut text = String::new();
    loop {
        match said.next().await.expect("a stream ends with an end or an error") {
            Ok(Said::Piece(piece)) => text.extend(piece.deltas.into_iter().map(|delta| match delta {
                Delta::Text(text) => text,
                other => panic!("{other:?}"),
            })),
            Ok(Said::Finished(completion)) => return (text, Ok(completion)),
            Err(error) => return (text, Err(error)),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_mended_before_its_first_word() {
    let near = Made::new("near", true, [Act::Fail(500), Act::Say("here")]);
    let (text, completion) = seen(&router(Policy::LocalFirst, &[&near])).await;
    let completion = completion.unwrap();
    assert_eq!((text, completion.text()), ("here".into(), "here".into()));
    assert_eq!(outcomes(&completion.attempts), [("near", "upstream"), ("near", "answered")]);
}

#[tokio::test(start_paused = true)]
async fn a_broken_stream_is_gone_on_with_or_begun_anew_without_a_trace() {
    for second in ["half and half", " and half"] {
        let near = Made::new("near", true, [Act::SayAndBreak("half")]);
        let far = Made::new("far", false, [Act::Say(second)]);
        let (text, completion) = seen(&router(Policy::LocalFirst, &[&near, &far])).await;
        let completion = completion.unwrap();
        assert_eq!((text.as_str(), completion.text().as_str()), ("half and half", "half and half"));
        assert_eq!(outcomes(&completion.attempts), [("near", "interrupted"), ("far", "answered")]);
        assert!(completion.attempts[0].usage.unwrap().estimated);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_keeps_breaking_is_never_passed_off_as_whole() {
    let near = Made::new("near", true, ["ha", "half", "half a"].map(Act::SayAndBreak));
    let (text, end) = seen(&router(Policy::LocalFirst, &[&near])).await;
    assert_eq!(text, "half a");
    assert_eq!(outcomes(end.unwrap_err().attempts()), [("near", "interrupted"); 3]);
}

#[tokio::test(start_paused = true)]
async fn a_silent_provider_is_hedged_only_where_the_owner_wants_it() {
    for (hedge_after_ms, waited) in [(Some(50), 50), (None, 5_000)] {
        let near = Made::new("near", true, [Act::Hang]);
        let far = Made::new("far", false, [Act::Say("ok")]);
        let mut options = ModelsOptions { hedge_after_ms, ..ModelsOptions::default() };
        options.timeouts.total_ms = 5_000;
        let providers: Vec<Arc<dyn Provider>> = vec![near.clone(), far.clone()];
        let router = Router::new(providers, &options, Arc::new(SeededEntropy::new(1)));
        let started = Instant::now();
        let answer = router.complete(&request()).await.unwrap();
        assert_eq!(answer.provider, "far");

        assert_eq!(started.elapsed().as_millis(), waited);
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_keeps_failing_is_left_alone_and_tried_again_later() {
    let near = Made::new("near", true, std::iter::repeat_n(Act::Fail(500), 6).chain([Act::Say("back")]));
    let far = Made::new("far", false, std::iter::repeat_n(Act::Say("ok"), 9));
    let router = router(Policy::LocalFirst, &[&near, &far]);
    for asked in [3, 6, 6, 6] {
        assert_eq!(router.complete(&request()).await.unwrap().provider, "far");
        assert_eq!(near.asked(), asked);
    }
    assert!(router.providers()[0].standing.pause.is_some());
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(router.complete(&request()).await.unwrap().text(), "back");
    assert_eq!(router.providers()[0].standing.failures, 0);
}

#[tokio::test]
async fn a_named_provider_is_asked_first_and_its_model_of_it_alone() {
    for (model, first, asked_of_near, asked_of_far) in [
        ("far", "far", None, None),
        ("far/big", "far", None, Some("big")),
        ("far/org/big", "far", None, Some("org/big")),
        ("org/big", "near", Some("org/big"), Some("org/big")),
        ("big", "near", Some("big"), Some("big")),
    ] {
        let near = Made::new("near", true, [Act::Fail(400)]);
        let far = Made::new("far", false, [Act::Fail(400)]);
        let request = Request { model: Some(model.into()), ..request() };
        let both = router(Policy::LocalFirst, &[&near, &far]);
        let error = both.complete_with_model(&request).await.unwrap_err();
        assert_eq!(error.attempts()[0].provider, first, "{model}");
        let asked = |made: &Arc<Made>| made.asked.lock().unwrap()[0].clone();
        assert_eq!(
            (asked(&near).as_deref(), asked(&far).as_deref()),
            (asked_of_near, asked_of_far),
            "{model}"
        );
    }
}

#[tokio::test]
async fn lists_providers_in_the_order_they_are_asked() {
    let (near, far) = (Made::new("near", true, []), Made::new("far", false, []));
    let names: Vec<_> = router(Policy::LocalFirst, &[&far, &near]).providers().into_iter().collect();
    let names: Vec<_> = names.iter().map(|provider| (provider.name.as_str(), provider.is_model)).collect();
    assert_eq!(names, [("near", true), ("far", true), ("offline", false)]);
}
