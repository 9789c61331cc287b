//! What is labelled `local` stays on this machine, whatever the settings, the request and the luck.

use futures::future::join_all;
use kernel::{Entropy, SeededEntropy};
use models::{BreakerOptions, Dialect, ModelsOptions, Policy, ProviderOptions, RetryOptions, TimeoutOptions};
use serde_json::{Value, json};
use testkit::{Fault, Reply, Script, ScriptedModel};

use crate::gateway::{CHAT, MESSAGES};
use crate::support::{Answer, Server, doubles};

const INFER: &str = "/api/v1/llm/infer";
const SETTINGS: usize = 70;
const REQUESTS: usize = 32;
const CLOUDS_WORDS: &str = "answered by the cloud";

struct Luck(SeededEntropy);

impl Luck {
    fn below(&self, count: usize) -> usize {
        usize::try_from(self.0.next_u64() % count as u64).unwrap()
    }

    fn of<T: Clone>(&self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }

    fn happens(&self) -> bool {
        self.below(2) == 0
    }
}

/// Providers on this machine, one for each way to fail and two that do not.
async fn local_models() -> Vec<ScriptedModel> {
    let text = || Reply::text("answered here and no further");
    let replies = [
        text(),
        text(),
        text().fault(Fault::CutAfter(2)),
        text().fault(Fault::ResetAfter(1)),
        text().fault(Fault::StallAfter(2)),
        text().fault(Fault::ErrorAfter(2)),
        text().fault(Fault::MalformedAfter(1)),
        text().fault(Fault::EndAfter(3)),
        text().fault(Fault::HangBeforeHeaders),
        text().fault(Fault::HangBeforeFirstToken),
        Reply::text(""),
        Reply::status(400, "no"),
        Reply::status(401, "no"),
        Reply::status(429, "no").retry_after("3600"),
        Reply::status(500, "no"),
    ];
    join_all(replies.map(|reply| ScriptedModel::start(Script::always(reply)))).await
}

/// Random settings over these models. The address 0.0.0.0 reaches this machine too, but it is no
/// loopback address, and so counts as remote.
fn settings(luck: &Luck, local: &[ScriptedModel], cloud: &[ScriptedModel]) -> ModelsOptions {
    let provider = |name: String, base_url: String| ProviderOptions {
        name,
        base_url,
        model: luck.of(&["m", "big", "gpt-4o"]).into(),
        dialect: luck.of(&[Dialect::Chat, Dialect::Anthropic]),
        concurrency: luck.of(&[None, Some(1), Some(4)]),
        ..ProviderOptions::default()
    };
    let mut providers: Vec<ProviderOptions> = Vec::new();
    for (place, model) in cloud.iter().enumerate() {
        let url = format!("http://0.0.0.0:{}/v1", model.address().port());
        providers.push(provider(format!("cloud-{place}"), url));
    }
    for place in 0..luck.below(4) {
        let model = &local[luck.below(local.len())];
        let at = luck.below(providers.len() + 1);
        providers.insert(at, provider(format!("local-{place}"), model.base_url()));
    }
    ModelsOptions {
        providers,
        policy: luck.of(&POLICIES),
        timeouts: TimeoutOptions { connect_ms: 500, first_content_ms: 60, stall_ms: 60, total_ms: 200 },
        retry: RetryOptions { attempts: luck.of(&[1, 2, 3]), first_pause_ms: 1, longest_pause_ms: 2 },
        breaker: BreakerOptions {
            failures: luck.of(&[1, 5]),
            pause_ms: luck.of(&[1, 10_000]),
            longest_pause_ms: 10_000,
        },
        hedge_after_ms: luck.of(&[None, Some(0), Some(5), Some(40)]),
        local_only: luck.below(4) == 0,
        chain: luck.of(&CHAINS).map(|chain| chain.iter().map(|name| (*name).into()).collect()),
    }
}

const CHAINS: [Option<&[&str]>; 4] =
    [None, None, Some(&["cloud-0", "cloud-1/gpt-4o"]), Some(&["cloud-0", "local-0", "local-1/big"])];

const POLICIES: [Policy; 5] =
    [Policy::LocalOnly, Policy::LocalFirst, Policy::CloudFirst, Policy::Cheapest, Policy::Fastest];

/// A random request of this label.
async fn ask(server: &Server, luck: &Luck, label: &str) -> Answer {
    let path = luck.of(&[CHAT, MESSAGES, INFER]);
    let model = luck.of(&[
        None,
        Some("cloud-0"),
        Some("cloud-1/gpt-4o"),
        Some("local-0"),
        Some("m"),
        Some("gpt-4o"),
        Some("nobody/knows"),
    ]);
    let policy = luck.happens().then(|| luck.of(&Policy::NAMES));
    let mut body = json!({"stream": luck.happens()});
    if let Some(model) = model {
        body["model"] = model.into();
    }
    if path == INFER {
        body["input"] = "a secret".into();
        body["privacy"] = label.into();
        if let Some(policy) = policy {
            body["policyOverride"] = policy.into();
        }
        return server.post(path, body).await;
    }
    body["max_tokens"] = 50.into();
    body["messages"] = json!([{"role": "user", "content": "a secret"}]);
    if luck.happens() {
        // Something that only providers of the client's own dialect can be asked.
        body["messages"][0]["content"] = json!([
            {"type": "text", "text": "a secret"},
            {"type": "document", "source": {"type": "text", "data": "secret"}},
        ]);
    }
    let mut request = server.request(axum::http::Method::POST, path);
    request.headers_mut().insert("x-atelier-privacy", label.parse().unwrap());
    if let Some(policy) = policy {
        request.headers_mut().insert("x-atelier-policy", policy.parse().unwrap());
    }
    *request.body_mut() = Value::to_string(&body).into();
    server.send(request).await
}

/// Over two thousand requests with random settings, models, policies and faults. Nobody even
/// connects to a provider that is not here.
#[tokio::test]
async fn nothing_labelled_local_reaches_the_cloud_whatever_the_settings_and_the_faults() {
    let luck = Luck(SeededEntropy::new(20_261_121));
    let base = Server::start().await;
    let local = local_models().await;
    let cloud = || ScriptedModel::start(Script::always(Reply::text(CLOUDS_WORDS)));
    let cloud = [cloud().await, cloud().await];
    let mut answered = 0;
    for round in 0..SETTINGS {
        let server = base.serving(doubles::router(&settings(&luck, &local, &cloud)));
        let answers = join_all((0..REQUESTS).map(|_| ask(&server, &luck, "local"))).await;
        for answer in answers {
            let text = answer.text();
            assert!(!text.contains(CLOUDS_WORDS), "{round}: {text}");
            assert_ne!(answer.status, 500, "{round}: {text}");
            answered += usize::from(answer.status == 200);
        }
        let connected: Vec<usize> = cloud.iter().map(ScriptedModel::connections).collect();
        assert_eq!(connected, [0, 0], "{round}");
    }
    assert!(answered > SETTINGS * REQUESTS / 5, "{answered} requests were answered here");
    // The same without the label does reach them, so that the test would notice.
    for _ in 0..4 {
        let server = base.serving(doubles::router(&settings(&luck, &local, &cloud)));
        join_all((0..REQUESTS).map(|_| ask(&server, &luck, "shareable"))).await;
    }
    assert!(cloud.iter().all(|model| model.connections() > 0 && !model.requests().is_empty()));
}
