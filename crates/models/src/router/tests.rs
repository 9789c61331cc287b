//! The router over providers that exist only here, with time standing still.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;
use kernel::SeededEntropy;

use super::*;
use crate::error::NoModel;
use crate::message::{FinishReason, Message, Usage};

/// What a made-up provider does when it is asked.
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
            text: text.into(),
            usage: Usage { tokens_in: 1, tokens_out: 1, estimated: false },
            model: "made".into(),
            provider: self.name.into(),
            finish_reason: FinishReason::Stop,
            latency_ms: 0,
            attempts: vec![],
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

    async fn stream(&self, request: &Request) -> Result<DeltaStream, Error> {
        self.asked.lock().unwrap().push(request.model.clone());
        let act = self.acts.lock().unwrap().pop_front().expect("the script is long enough");
        let (provider, message) = (self.name.into(), String::from("no"));
        match act {
            Act::Say(text) => {
                let whole = Delta::Finished(self.completion(text));
                Ok(stream::iter([Ok(Delta::Text(text.into())), Ok(whole)]).boxed())
            }
            Act::SayAndBreak(text) => {
                Ok(stream::iter([Ok(Delta::Text(text.into())), Err(self.broken())]).boxed())
            }
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

    async fn check(&self) -> Result<(), Error> {
        Ok(())
    }
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
    assert_eq!(answer.text, "whole");
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
    assert!(answer.text.contains("not a language model"), "{}", answer.text);
    assert_eq!(outcomes(&answer.attempts), [("offline", "answered")]);

    let error = empty.complete_with_model(&request()).await.unwrap_err();
    let error = kernel::Error::from(error);
    assert_eq!((error.code, error.kind), ("no_model", Kind::Unavailable));
    assert!(error.hint.unwrap().contains("OPENAI_API_KEY"));

    let wants_json = Request { json_schema: Some(serde_json::json!({})), ..request() };
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

#[tokio::test(start_paused = true)]
async fn a_stream_is_mended_before_its_first_word_and_never_passed_off_as_whole_after() {
    let near = Made::new("near", true, [Act::Fail(500), Act::Say("here")]);
    let deltas = router(Policy::LocalFirst, &[&near]).stream(&request()).await.unwrap();
    let deltas: Vec<_> = deltas.map(Result::unwrap).collect().await;
    let [Delta::Text(text), Delta::Finished(completion)] = &deltas[..] else { panic!("{deltas:?}") };
    assert_eq!((text.as_str(), completion.text.as_str()), ("here", "here"));
    assert_eq!(outcomes(&completion.attempts), [("near", "upstream"), ("near", "answered")]);

    let near = Made::new("near", true, [Act::SayAndBreak("half")]);
    let deltas: Vec<_> =
        router(Policy::LocalFirst, &[&near]).stream(&request()).await.unwrap().collect().await;
    assert!(matches!(&deltas[..], [Ok(Delta::Text(_)), Err(Error::Interrupted { .. })]), "{deltas:?}");
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
