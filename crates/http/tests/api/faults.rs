//! The sixteen faults a provider has, as a client of each dialect sees them.
//!
//! Each fault is put before every pair of dialects, streamed and whole, twice: before a provider
//! that can answer, which either begins anew or goes on where the first one broke off, and alone.
//! With a second provider the client gets the whole text once. Alone it gets an error in its own
//! dialect, and never a part that looks like the whole.

use futures::future::join_all;
use models::{Dialect, ModelsOptions, ProviderOptions, RetryOptions, TimeoutOptions};
use serde_json::{Value, json};
use testkit::{Fault, RecordedRequest, Reply, Script, ScriptedModel};
use tokio::net::TcpSocket;

use crate::gateway::{CHAT, MESSAGES, calls_of, events, question, text_of};
use crate::support::{Answer, Server, doubles};

const TEXT: &str = "Olá! One two three, ação 🦀 and so on to the end.";
const DIALECTS: [Dialect; 2] = [Dialect::Chat, Dialect::Anthropic];
/// Long enough for a busy machine, short enough to wait for.
const TIMEOUTS: TimeoutOptions =
    TimeoutOptions { connect_ms: 20_000, first_content_ms: 1_000, stall_ms: 1_000, total_ms: 2_500 };

/// How a provider misbehaves, and what may be seen of it.
struct Misbehaviour {
    /// `None` for a provider nobody can connect to.
    script: Option<fn() -> Script>,
    /// How often it is asked, at most, before the next one is.
    tries: usize,
    /// The status a client gets where nobody else can answer; 200 if the answer is whole all the same.
    status_alone: u16,
    /// Whether the second provider is needed at all.
    needs_another: bool,
}

impl Misbehaviour {
    fn always(script: fn() -> Script, tries: usize, status_alone: u16) -> Self {
        Self { script: Some(script), tries, status_alone, needs_another: true }
    }
}

/// A client, a first provider and, unless it is alone, a second one.
struct Case {
    path: &'static str,
    stream: bool,
    server: Server,
    first: Option<ScriptedModel>,
    second: Option<ScriptedModel>,
    what: String,
    _refusing: TcpSocket,
}

async fn case(
    base: &Server,
    misbehaviour: &Misbehaviour,
    path: &'static str,
    stream: bool,
    first: Dialect,
    second: Option<(Dialect, Script)>,
) -> Case {
    let what = format!("{path}, stream: {stream}, {first:?} then {:?}", second.as_ref().map(|it| it.0));
    // A socket that does not listen: whoever connects is refused, and nobody else gets the port.
    let refusing = TcpSocket::new_v4().unwrap();
    refusing.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let mut url = format!("http://{}/v1", refusing.local_addr().unwrap());
    let mut faulty = None;
    if let Some(script) = misbehaviour.script {
        let model = ScriptedModel::start(script()).await;
        url = model.base_url();
        faulty = Some(model);
    }
    let mut providers = vec![provider("first", url, first)];
    let mut sound = None;
    if let Some((dialect, script)) = second {
        let model = ScriptedModel::start(script).await;
        providers.push(provider("second", model.base_url(), dialect));
        sound = Some(model);
    }
    Case {
        path,
        stream,
        server: gateway_of(base, providers),
        first: faulty,
        second: sound,
        what,
        _refusing: refusing,
    }
}

fn provider(name: &str, base_url: String, dialect: Dialect) -> ProviderOptions {
    ProviderOptions { name: name.into(), base_url, model: "m".into(), dialect, ..ProviderOptions::default() }
}

fn gateway_of(base: &Server, providers: Vec<ProviderOptions>) -> Server {
    let options = ModelsOptions {
        providers,
        timeouts: TIMEOUTS,
        retry: RetryOptions { attempts: 2, first_pause_ms: 1, longest_pause_ms: 2 },
        ..ModelsOptions::default()
    };
    base.serving(doubles::router(&options))
}

/// What a model that was asked to go on would say: the rest of the text, else all of it.
fn going_on(request: &RecordedRequest) -> Reply {
    let messages = request.json["messages"].as_array().unwrap();
    let before = messages.len().checked_sub(2).map_or(&Value::Null, |place| &messages[place]);
    let content = &before["content"];
    let said = content.as_str().or(content[0]["text"].as_str()).filter(|_| before["role"] == "assistant");
    Reply::text(said.map_or(TEXT, |said| TEXT.strip_prefix(said).expect("what was said is the beginning")))
}

/// Puts the fault before every client.
async fn check(misbehaviour: Misbehaviour) {
    let base = Server::start().await;
    let mut cases = Vec::new();
    for path in [CHAT, MESSAGES] {
        for stream in [false, true] {
            for first in DIALECTS {
                cases.push(case(&base, &misbehaviour, path, stream, first, None).await);
                for second in DIALECTS {
                    let anew = Script::always(Reply::text(TEXT));
                    // Only a stream can be gone on with.
                    let goes_on = stream.then(|| Script::answering(going_on));
                    for script in [anew].into_iter().chain(goes_on) {
                        cases.push(
                            case(&base, &misbehaviour, path, stream, first, Some((second, script))).await,
                        );
                    }
                }
            }
        }
    }
    join_all(cases.iter().map(|case| async {
        let answer = case.server.post(case.path, question(case.stream)).await;
        if case.second.is_some() || misbehaviour.status_alone == 200 {
            assert_whole(case, &answer);
        } else {
            assert_refused(case, &answer, misbehaviour.status_alone);
        }
        if let (Some(first), Some(second)) = (&case.first, &case.second) {
            let asked = (first.requests().len(), second.requests().len());
            assert!((1..=misbehaviour.tries).contains(&asked.0), "{}: {asked:?}", case.what);
            assert_eq!(asked.1, usize::from(misbehaviour.needs_another), "{}", case.what);
        }
    }))
    .await;
}

#[track_caller]
fn assert_whole(case: &Case, answer: &Answer) {
    let what = format!("{}: {}", case.what, answer.text());
    assert_eq!(answer.status, 200, "{what}");
    if case.stream {
        assert_eq!(text_of(case.path, answer), (TEXT.to_owned(), true), "{what}");
        assert!(events(answer).iter().all(|event| event.get("error").is_none()), "{what}");
        let ends = if case.path == CHAT { "\"finish_reason\":\"" } else { "\"stop_reason\":\"" };
        assert_eq!(answer.text().matches(ends).count(), 1, "it ends once: {what}");
        return;
    }
    let body = answer.json();
    let (text, ending) = if case.path == CHAT {
        (&body["choices"][0]["message"]["content"], &body["choices"][0]["finish_reason"])
    } else {
        (&body["content"][0]["text"], &body["stop_reason"])
    };
    let expected = if case.path == CHAT { "stop" } else { "end_turn" };
    assert_eq!((text, ending), (&json!(TEXT), &json!(expected)), "{what}");
}

#[track_caller]
fn assert_refused(case: &Case, answer: &Answer, status: u16) {
    let what = format!("{}: {}", case.what, answer.text());
    let error = if answer.header("content-type") == "application/json" {
        assert_eq!(answer.status.as_u16(), status, "{what}");
        answer.json()
    } else {
        // The first words were there before it broke.
        let (text, is_whole) = text_of(case.path, answer);
        assert!(TEXT.starts_with(&text) && text.len() < TEXT.len() && !is_whole, "{what}");
        assert!(!answer.text().contains("_reason\":\""), "{what}");
        events(answer).pop().unwrap()
    };
    let kind = match (status, case.path == CHAT) {
        (400, _) => "invalid_request_error",
        (429, _) => "rate_limit_error",
        (_, true) => "server_error",
        (504, false) => "timeout_error",
        (_, false) => "api_error",
    };
    assert_eq!(error["error"]["type"], kind, "{what}");
    assert_eq!(error["error"]["provider"], "first", "{what}");
    assert_eq!(error["type"] == "error", case.path == MESSAGES, "{what}");
    assert!(error["error"]["message"].as_str().unwrap().contains("first"), "it names the provider: {what}");
}

fn always(reply: Reply) -> Script {
    Script::always(reply)
}

fn broken_by(fault: Fault) -> Script {
    always(Reply::text(TEXT).fault(fault))
}

#[tokio::test]
async fn fault_01_a_refused_connection() {
    check(Misbehaviour { script: None, tries: 0, status_alone: 502, needs_another: true }).await;
}

#[tokio::test]
async fn fault_02_status_500() {
    check(Misbehaviour::always(|| always(Reply::status(500, "broken")), 2, 502)).await;
}

#[tokio::test]
async fn fault_03_status_503() {
    check(Misbehaviour::always(|| always(Reply::status(503, "down")), 2, 502)).await;
}

/// With `Retry-After`, a wait that is too long is not waited; without, it is tried again once.
#[tokio::test]
async fn fault_04_status_429_with_and_without_retry_after() {
    check(Misbehaviour::always(|| always(Reply::status(429, "slow down")), 2, 429)).await;
    let limited = || always(Reply::status(429, "slow down").retry_after("3600"));
    check(Misbehaviour::always(limited, 1, 429)).await;
    let model = ScriptedModel::start(limited()).await;
    let providers = vec![provider("first", model.base_url(), Dialect::Chat)];
    let server = gateway_of(&Server::start().await, providers);
    for path in [CHAT, MESSAGES] {
        let answer = server.post(path, question(false)).await;
        assert_eq!((answer.header("retry-after"), model.requests().len() <= 2), ("3600", true), "{path}");
    }
}

#[tokio::test]
async fn fault_05_status_401() {
    check(Misbehaviour::always(|| always(Reply::status(401, "bad key")), 1, 502)).await;
}

/// It is never put to the same provider again. Another one is asked once: what one refuses (a
/// model's name, an option, the length of a prompt) another may take, and the words it gets may be
/// other ones. Where it refuses too, the client is told what the first one said.
#[tokio::test]
async fn fault_06_status_400_is_not_tried_again() {
    check(Misbehaviour::always(|| always(Reply::status(400, "no such option")), 1, 400)).await;
    let models = [
        ScriptedModel::start(always(Reply::status(400, "no such option"))).await,
        ScriptedModel::start(always(Reply::status(400, "other words"))).await,
    ];
    let providers = [("first", &models[0]), ("second", &models[1])]
        .map(|(name, model)| provider(name, model.base_url(), Dialect::Chat));
    let server = gateway_of(&Server::start().await, providers.to_vec());
    let answer = server.post(CHAT, question(false)).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("no such option"), "{}", answer.text());
    assert_eq!(models.map(|model| model.requests().len()), [1, 1]);
}

#[tokio::test]
async fn fault_07_a_hang_before_the_headers() {
    check(Misbehaviour::always(|| broken_by(Fault::HangBeforeHeaders), 2, 504)).await;
}

#[tokio::test]
async fn fault_08_a_hang_before_the_first_token() {
    check(Misbehaviour::always(|| broken_by(Fault::HangBeforeFirstToken), 2, 504)).await;
    check(Misbehaviour::always(|| broken_by(Fault::OnlyComments(50)), 2, 504)).await;
}

#[tokio::test]
async fn fault_09_a_stall_in_mid_stream() {
    check(Misbehaviour::always(|| broken_by(Fault::StallAfter(3)), 2, 504)).await;
}

#[tokio::test]
async fn fault_10_a_cut_in_mid_stream() {
    check(Misbehaviour::always(|| broken_by(Fault::CutAfter(3)), 2, 502)).await;
    check(Misbehaviour::always(|| broken_by(Fault::ResetAfter(3)), 2, 502)).await;
}

#[tokio::test]
async fn fault_11_an_error_event_inside_a_200_stream() {
    check(Misbehaviour::always(|| broken_by(Fault::ErrorAfter(3)), 2, 502)).await;
    check(Misbehaviour::always(|| broken_by(Fault::ErrorAfter(0)), 2, 502)).await;
}

/// If the model said that it had finished, the answer is whole, and its usage is counted here; if
/// it did not, the answer was cut.
#[tokio::test]
async fn fault_12_a_stream_that_ends_with_no_done_and_no_usage() {
    let unfinished = || broken_by(Fault::EndAfter(3));
    check(Misbehaviour::always(unfinished, 2, 502)).await;
    let finished = || broken_by(Fault::NoEpilogue);
    check(Misbehaviour { script: Some(finished), tries: 1, status_alone: 200, needs_another: false }).await;
}

#[tokio::test]
async fn fault_13_malformed_json_in_a_chunk() {
    check(Misbehaviour::always(|| broken_by(Fault::MalformedAfter(3)), 2, 502)).await;
}

#[tokio::test]
async fn fault_14_an_empty_answer() {
    check(Misbehaviour::always(|| always(Reply::text("")), 2, 502)).await;
}

#[tokio::test]
async fn fault_15_a_slow_drip() {
    check(Misbehaviour::always(|| broken_by(Fault::Drip(20)), 2, 504)).await;
}

/// Down, up, down, up: the second try finds it up.
#[tokio::test]
async fn fault_16_a_flapping_provider() {
    let flapping = || {
        let mut is_up = true;
        Script::answering(move |_| {
            is_up = !is_up;
            if is_up { Reply::text(TEXT) } else { Reply::status(503, "down") }
        })
    };
    check(Misbehaviour { script: Some(flapping), tries: 2, status_alone: 200, needs_another: false }).await;
}

/// A call that was cut inside its arguments leaves no trace: the client gets it once, and whole.
#[tokio::test]
async fn a_tool_call_that_is_cut_in_the_middle_comes_once_and_whole() {
    let calling = || Reply::text("I look.").calling("c1", "weather", json!({"city": "Ōsaka", "days": 3}));
    let base = Server::start().await;
    for cut_after in 0..=4 {
        for (first, second) in [(DIALECTS[0], DIALECTS[1]), (DIALECTS[1], DIALECTS[0])] {
            let dying = ScriptedModel::start(always(calling().fault(Fault::CutAfter(cut_after)))).await;
            let sound = ScriptedModel::start(always(calling())).await;
            let providers = vec![
                provider("first", dying.base_url(), first),
                provider("second", sound.base_url(), second),
            ];
            let server = gateway_of(&base, providers);
            for path in [CHAT, MESSAGES] {
                let answer = server.post(path, question(true)).await;
                let expected = ("c1".into(), "weather".into(), json!({"city": "Ōsaka", "days": 3}));
                assert_eq!(calls_of(path, &answer), [expected], "{cut_after} {path}: {}", answer.text());
                assert_eq!(text_of(path, &answer), ("I look.".into(), true), "{cut_after} {path}");
            }
        }
    }
}
