//! Providers that are changed while they are used.
#![allow(clippy::unwrap_used, reason = "everything here is a test")]

use std::sync::Arc;

use futures::StreamExt;
use kernel::{Clock, SeededEntropy, SystemClock};
use models::providers::{Fixed, KeyReference, NewKey, NewProvider, ProviderChange, RoutingChange, Source};
use models::testing::{FakeKeyStore, FakeProviderStore, provider_store_contract};
use models::{
    ApiKey, Message, ModelsOptions, Presets, ProviderOptions, ProviderParts, Providers, Request, Router, Said,
};
use testkit::{Reply, Script, ScriptedModel, ScriptedOllama};

const CANARY: &str = "canary-c0de-provider-key";

struct Desk {
    router: Arc<Router>,
    store: Arc<FakeProviderStore>,
    keys: Arc<FakeKeyStore>,
    fixed: Vec<Fixed>,
    variables: Vec<(String, String)>,
}

impl Desk {
    fn new() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let router = Router::from_options(&ModelsOptions::default(), &clock, Arc::new(SeededEntropy::new(3)));
        Self {
            router: Arc::new(router.unwrap()),
            store: Arc::default(),
            keys: Arc::default(),
            fixed: Vec::new(),
            variables: Vec::new(),
        }
    }

    async fn open(&self) -> Providers {
        let variables = self.variables.clone();
        let parts = ProviderParts {
            router: self.router.clone(),
            options: ModelsOptions::default(),
            fixed: self.fixed.clone(),
            store: self.store.clone(),
            keys: self.keys.clone(),
            variables: Arc::new(move |name| {
                variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
            }),
            presets: Presets::built_in(),
            required: vec!["small".parse().unwrap(), "llama3.1:8b@ffffffff".parse().unwrap()],
            clock: Arc::new(SystemClock),
        };
        Providers::open(parts).await.unwrap()
    }
}

fn new(name: &str, base_url: String) -> NewProvider {
    let key = Some(NewKey::Secret(ApiKey::new(CANARY)));
    NewProvider {
        name: Some(name.into()),
        base_url: Some(base_url),
        model: Some("m".into()),
        key,
        ..<_>::default()
    }
}

#[tokio::test]
async fn the_store_in_memory_keeps_the_contract() {
    provider_store_contract(&FakeProviderStore::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_streams_end_whole_while_their_provider_is_changed_and_removed() {
    let text = "every word of it ".repeat(40);
    let reply = Reply { pause_ms: 2, ..Reply::text(text.clone()) };
    let model = ScriptedModel::start(Script::always(reply)).await;
    let desk = Desk::new();
    let providers = desk.open().await;
    providers.create(new("busy", model.base_url())).await.unwrap();
    let request = Request::new(vec![Message::user("Say it")]);
    let streams = futures::future::join_all((0..100).map(|_| desk.router.stream(&request))).await;
    let reading = streams.into_iter().map(|said| async {
        let mut said = said.unwrap();
        while let Some(next) = said.next().await {
            if let Said::Finished(completion) = next.unwrap() {
                return completion;
            }
        }
        panic!("a stream ended without an end");
    });
    let changing = async {
        for enabled in [false, true, false, true] {
            let change = ProviderChange { enabled: Some(enabled), ..ProviderChange::default() };
            providers.update("busy", change).await.unwrap();
            let order = RoutingChange { local_only: Some(enabled), ..RoutingChange::default() };
            providers.update_routing(order).await.unwrap();
        }
        providers.delete("busy").await.unwrap();
    };
    let (completions, ()) = tokio::join!(futures::future::join_all(reading), changing);
    for completion in completions {
        assert_eq!((completion.text(), completion.attempts.len()), (text.clone(), 1));
    }
    assert_eq!(
        desk.router.complete(&request).await.unwrap().provider,
        "offline",
        "it is gone for the next one"
    );
}

#[tokio::test]
async fn a_provider_that_does_not_change_keeps_what_is_known_of_it() {
    let model = ScriptedModel::start(Script::always(Reply::text("ok"))).await;
    let desk = Desk::new();
    let providers = desk.open().await;
    providers.create(new("a", model.base_url())).await.unwrap();
    desk.router.complete(&Request::new(vec![Message::user("x")])).await.unwrap();
    let measured = providers.find("a").unwrap().health.first_content_ms;
    assert!(measured.is_some());
    providers.create(new("b", ScriptedModel::refusing_url())).await.unwrap();
    assert_eq!(providers.find("a").unwrap().health.first_content_ms, measured);
    let change = ProviderChange { model: Some("other".into()), ..ProviderChange::default() };
    providers.update("a", change).await.unwrap();
    assert_eq!(providers.find("a").unwrap().health.first_content_ms, None);
}

#[tokio::test]
async fn what_is_kept_is_there_after_a_restart_and_a_removed_key_is_forgotten() {
    let desk = Desk::new();
    let first = desk.open().await;
    first.create(new("a", "http://127.0.0.1:1/v1".into())).await.unwrap();
    first.create(new("b", "http://127.0.0.1:2/v1".into())).await.unwrap();
    first.update_routing(RoutingChange { order: Some(vec!["b".into()]), ..<_>::default() }).await.unwrap();
    let second = desk.open().await;
    let names: Vec<_> = second.list().into_iter().map(|view| view.record.name).collect();
    assert_eq!(names, ["b", "a"]);
    assert_eq!(second.find("a").unwrap().key.ending.as_deref(), Some("-key"));
    assert_eq!(desk.keys.count(), 2);
    second.delete("a").await.unwrap();
    second.update("b", ProviderChange { key: Some(None), ..<_>::default() }).await.unwrap();
    assert_eq!(desk.keys.count(), 0);
    let shown = format!("{:?} {:?}", second.list(), new("x", String::new()));
    assert!(!shown.contains(CANARY));
}

#[tokio::test]
async fn those_of_the_settings_can_be_looked_at_only() {
    let mut desk = Desk::new();
    let options = ProviderOptions {
        name: "fixed".into(),
        base_url: "http://127.0.0.1:1/v1".into(),
        model: "m".into(),
        ..ProviderOptions::default()
    };
    desk.fixed.push(Fixed { options, source: Source::Settings, key_variable: None });
    let providers = desk.open().await;
    assert_eq!(providers.find("fixed").unwrap().source, Source::Settings);
    let changed = providers.update("fixed", ProviderChange::default()).await.unwrap_err();
    let deleted = providers.delete("fixed").await.unwrap_err();
    assert_eq!((changed.code, deleted.code), ("provider_read_only", "provider_read_only"));
    let taken = providers.create(new("fixed", "http://127.0.0.1:1/v1".into())).await.unwrap_err();
    assert_eq!(taken.code, "provider_exists");
    assert_eq!(desk.keys.count(), 0, "no key stays of what was not made");
}

#[tokio::test]
async fn what_is_found_here_is_suggested_and_used_only_when_the_owner_says_so() {
    let ollama = ScriptedOllama::start(&[("qwen2.5:3b", "00")]).await;
    let mut desk = Desk::new();
    desk.variables = vec![
        ("OPENAI_API_KEY".into(), CANARY.into()),
        ("GROQ_API_KEY".into(), CANARY.into()),
        ("OLLAMA_HOST".into(), ollama.base_url().replace("/v1", "")),
    ];
    let providers = desk.open().await;
    let names = async || -> Vec<String> {
        providers.suggestions().await.unwrap().into_iter().map(|found| found.name).collect()
    };
    assert_eq!(names().await, ["groq", "ollama", "openai"]);
    assert_eq!(providers.suggestions().await.unwrap()[1].model, "qwen2.5:3b", "one that is there");
    assert_eq!(providers.list().len(), 0);
    providers.dismiss_suggestion("groq").await.unwrap();
    for preset in ["openai", "ollama"] {
        providers.create(NewProvider { preset: Some(preset.into()), ..<_>::default() }).await.unwrap();
    }
    assert_eq!(names().await, [""; 0]);
    let openai = providers.find("openai").unwrap();
    assert_eq!(openai.record.key, KeyReference::Variable("OPENAI_API_KEY".into()));
    assert_eq!(desk.keys.count(), 0, "a key in the environment stays there");
    assert_eq!(providers.find("ollama").unwrap().record.base_url, ollama.base_url());

    let models = providers.models("ollama").await.unwrap().unwrap();
    let seen: Vec<_> =
        models.iter().map(|model| (model.id.as_str(), model.is_required, model.is_installed)).collect();
    assert_eq!(
        seen,
        [("qwen2.5:3b", false, true), ("small:latest", true, false), ("llama3.1:8b", true, false)]
    );
    assert_eq!(models[2].other_digest_wanted.as_deref(), Some("ffffffff"));
}
