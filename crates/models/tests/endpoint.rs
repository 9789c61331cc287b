//! The adapter against a real server that fails in every way a provider can.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use kernel::{FixedClock, Timestamp};
use models::{
    ApiKey, Completion, Delta, Dialect, Endpoint, Error, FinishReason, Format, Message, Part, Phase, Piece,
    Provider, ProviderOptions, Request, Said, TimeoutOptions, Usage,
};
use serde_json::json;
use testkit::{Fault, Reply, Script, ScriptedModel};

const TEXT: &str = "Olá, ação 🦀 and more";
/// Long enough never to pass by accident; tests of a timeout shorten that one.
const PATIENT: TimeoutOptions =
    TimeoutOptions { connect_ms: 20_000, first_content_ms: 20_000, stall_ms: 20_000, total_ms: 20_000 };

fn provider(base_url: &str, timeouts: TimeoutOptions) -> Endpoint {
    speaking(Dialect::Chat, base_url, timeouts)
}

fn speaking(dialect: Dialect, base_url: &str, timeouts: TimeoutOptions) -> Endpoint {
    let options = ProviderOptions {
        name: "scripted".into(),
        base_url: base_url.into(),
        api_key: Some(ApiKey::new("canary-key")),
        model: "the-model".into(),
        dialect,
        ..ProviderOptions::default()
    };
    // Sun, 06 Nov 1994 08:49:37 GMT
    let clock = FixedClock::at(Timestamp(784_111_777_000));
    Endpoint::new(&options, timeouts, Arc::new(clock)).expect("the options are sound")
}

fn request() -> Request {
    Request::new(vec![Message::system("Be brief."), Message::user("Say something")])
}

async fn ask_patiently(reply: Reply, timeouts: TimeoutOptions) -> (Result<Completion, Error>, ScriptedModel) {
    let server = ScriptedModel::start(reply).await;
    let answer = provider(&server.base_url(), timeouts).complete(&request()).await;
    assert_eq!(server.requests().len(), 1, "one call is one request");
    (answer, server)
}

async fn ask(reply: Reply) -> Result<Completion, Error> {
    ask_patiently(reply, PATIENT).await.0
}

async fn fault(fault: Fault) -> Result<Completion, Error> {
    ask(Reply::text(TEXT).fault(fault)).await
}

#[tokio::test]
async fn a_sound_stream_becomes_a_completion() {
    let (answer, server) = ask_patiently(Reply::text(TEXT).usage(7, 5), PATIENT).await;
    let answer = answer.unwrap();
    assert_eq!(answer.text(), TEXT);
    assert_eq!(answer.usage, Usage { tokens_in: 7, tokens_out: 5, ..Usage::default() });
    assert_eq!((answer.model.as_str(), answer.provider.as_str()), ("scripted-1", "scripted"));
    assert_eq!(answer.finish_reason, FinishReason::Stop);
    assert_eq!(answer.attempts.len(), 1);

    let seen = &server.requests()[0];
    assert_eq!(seen.path, "/v1/chat/completions");
    assert_eq!(seen.header("authorization"), Some("Bearer canary-key"));
    assert_eq!((&seen.json["model"], &seen.json["stream"]), (&json!("the-model"), &json!(true)));
    assert_eq!(seen.json["messages"][0], json!({"role": "system", "content": "Be brief."}));
}

/// The texts of the pieces; there is nothing else in them.
fn texts(said: &[Said]) -> Vec<&str> {
    let deltas = said.iter().flat_map(|said| match said {
        Said::Piece(piece) => &piece.deltas,
        Said::Finished(_) => panic!("it finished twice"),
    });
    deltas
        .map(|delta| match delta {
            Delta::Text(text) => text.as_str(),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[tokio::test]
async fn text_comes_in_pieces_and_the_whole_at_the_end() {
    let server = ScriptedModel::start(Reply::text(TEXT)).await;
    let said = provider(&server.base_url(), PATIENT).stream(&request()).await.unwrap();
    let said: Vec<Said> = said.map(Result::unwrap).collect().await;
    let Some((Said::Finished(completion), pieces)) = said.split_last() else { panic!("{said:?}") };
    assert_eq!(texts(pieces), ["Olá, ", "ação ", "🦀 ", "and ", "more"]);
    assert_eq!(completion.parts, [Part::text(TEXT)]);
    assert_eq!(completion.text(), TEXT);
}

#[tokio::test]
async fn a_schema_is_passed_on() {
    let server = ScriptedModel::start(Reply::json(&json!({"answer": 42}))).await;
    let schema = json!({"type": "object"});
    let request = Request {
        format: Format::Schema { name: "answer".into(), schema: schema.clone(), strict: None },
        model: Some("other".into()),
        ..request()
    };
    let answer = provider(&server.base_url(), PATIENT).complete(&request).await.unwrap();
    assert_eq!(answer.text(), r#"{"answer":42}"#);
    let seen = &server.requests()[0].json;
    assert_eq!(seen["response_format"]["json_schema"]["schema"], schema);
    assert_eq!(seen["model"], "other");
}

#[tokio::test]
async fn a_server_that_answers_in_one_piece_is_understood() {
    let answer = ask(Reply::text(TEXT).usage(3, 4).ignoring_stream()).await.unwrap();
    assert_eq!((answer.text().as_str(), answer.usage.tokens_out), (TEXT, 4));
    let cut = Reply { ignores_stream: true, ..Reply::text(TEXT).fault(Fault::CutAfter(0)) };
    assert!(matches!(ask(cut).await, Err(Error::Interrupted { .. })));
    let half = Reply { ignores_stream: true, ..Reply::text(TEXT).fault(Fault::EndAfter(0)) };
    assert!(matches!(ask(half).await, Err(Error::Malformed { .. })));
    assert!(matches!(ask(Reply::raw("application/json", "{}")).await, Err(Error::Malformed { .. })));
}

#[tokio::test]
async fn bytes_that_come_one_by_one_make_the_same_answer() {
    let server = ScriptedModel::start(Reply::text("ação 🦀").fault(Fault::Drip(0))).await;
    let answer = provider(&server.base_url(), PATIENT).complete(&request()).await.unwrap();
    assert_eq!(answer.text(), "ação 🦀");
}

#[tokio::test]
async fn carriage_returns_and_comments_do_not_matter() {
    let body = ": hello\r\n\r\nevent: message\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"ok\"}}]}\r\n\r\n: still \
                here\r\n\r\ndata: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\r\n\r\ndata: [DONE]\r\n";
    let answer = ask(Reply::raw("text/event-stream; charset=utf-8", body)).await.unwrap();
    assert_eq!((answer.text().as_str(), answer.finish_reason), ("ok", FinishReason::Length));
}

#[tokio::test]
async fn a_stream_without_usage_and_end_mark_is_whole_if_the_model_said_so() {
    let answer = fault(Fault::NoEpilogue).await.unwrap();
    assert_eq!(answer.text(), TEXT);
    assert!(answer.usage.estimated && answer.usage.tokens_out > 0);
}

#[tokio::test]
async fn nothing_after_the_end_of_the_text_can_spoil_it() {
    let whole = r#"data: {"choices":[{"delta":{"content":"ok"},"finish_reason":"stop"}]}"#;
    for epilogue in ["data: nonsense\n\n", "data: {\"error\":{\"message\":\"late\"}}\n\n", "data: [DO"] {
        let answer = ask(Reply::raw("text/event-stream", format!("{whole}\n\n{epilogue}"))).await.unwrap();
        assert_eq!(answer.text(), "ok");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_is_an_error_however_it_breaks() {
    for broken in
        [Fault::CutAfter(2), Fault::ResetAfter(2), Fault::EndAfter(2), Fault::Reset, Fault::EndAfter(0)]
    {
        let error = fault(broken.clone()).await.unwrap_err();
        assert!(matches!(error, Error::Interrupted { .. }), "{broken:?}: {error:?}");
        assert!(error.is_transient());
    }
}

#[tokio::test]
async fn what_came_before_the_break_was_delivered() {
    let server = ScriptedModel::start(Reply::text(TEXT).fault(Fault::CutAfter(2))).await;
    let said = provider(&server.base_url(), PATIENT).stream(&request()).await.unwrap();
    let mut said: Vec<_> = said.collect().await;
    assert!(matches!(said.pop(), Some(Err(Error::Interrupted { .. }))));
    let said: Vec<_> = said.into_iter().map(Result::unwrap).collect();
    assert_eq!(texts(&said).concat(), "Olá, ação ");
}

/// A body that ends at any byte is either an error or, once the model said so, the whole text.
#[tokio::test]
async fn a_stream_cut_at_any_byte_is_never_passed_off_as_whole() {
    let event = |delta: &str, reason: &str| {
        format!(
            "data: {{\"choices\":[{{\"delta\":{{\"content\":\"{delta}\"}},\"finish_reason\":{reason}}}]}}\n\n"
        )
    };
    let whole = event("a ", "null") + &event("ç🦀", "null") + &event("", "\"stop\"") + "data: [DONE]\n\n";
    let body = whole.clone();
    let mut end = 0;
    // The body is text, so a cut inside a character becomes a replacement character: no JSON is
    // spoilt by that alone, and neither may the answer be.
    let script = Script::answering(move |_| {
        let part = String::from_utf8_lossy(&body.as_bytes()[..end]).into_owned();
        end += 1;
        Reply::raw("text/event-stream", part)
    });
    let server = ScriptedModel::start(script).await;
    let provider = provider(&server.base_url(), PATIENT);
    let mut answers = 0;
    for end in 0..=whole.len() {
        match provider.complete(&request()).await {
            Ok(completion) => {
                assert_eq!(completion.text(), "a ç🦀", "cut at {end}");
                answers += 1;
            }
            Err(error) => assert!(error.is_transient(), "cut at {end}: {error:?}"),
        }
    }
    // From the last brace of the event with the finish reason on.
    assert_eq!(answers, whole.len() - whole.rfind("}\n").unwrap());
}

#[tokio::test]
async fn an_error_inside_a_stream_is_an_error() {
    for after in [0, 2] {
        let error = fault(Fault::ErrorAfter(after)).await.unwrap_err();
        assert_eq!(error.to_string(), "scripted reported an error in its answer: the server is overloaded");
    }
}

#[tokio::test]
async fn a_piece_that_is_no_json_is_an_error_and_not_a_gap() {
    assert!(matches!(fault(Fault::MalformedAfter(1)).await, Err(Error::Malformed { .. })));
    let page = ask(Reply::raw("text/html", "<html>Log in</html>")).await.unwrap_err();
    assert!(page.to_string().contains("a web page"), "{page}");
}

#[tokio::test]
async fn an_empty_answer_is_an_error() {
    assert!(matches!(ask(Reply::text("")).await, Err(Error::Empty { .. })));
    assert!(matches!(ask(Reply::text(" \n ")).await, Err(Error::Empty { .. })));
    assert!(matches!(ask(Reply::text("").ignoring_stream()).await, Err(Error::Empty { .. })));
    assert!(matches!(ask(Reply::raw("text/event-stream", "")).await, Err(Error::Empty { .. })));
}

#[tokio::test]
async fn a_refused_connection_is_unreachable() {
    let error = provider(&ScriptedModel::refusing_url(), PATIENT).complete(&request()).await.unwrap_err();
    assert!(matches!(&error, Error::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn each_status_means_what_it_should() {
    for (status, code, is_transient) in [
        (400, "model_request_refused", false),
        (401, "model_key_refused", false),
        (403, "model_key_refused", false),
        (404, "model_not_found", false),
        (422, "model_request_refused", false),
        (408, "model_upstream_failed", true),
        (429, "model_rate_limited", true),
        (500, "model_upstream_failed", true),
        (503, "model_upstream_failed", true),
        (307, "model_upstream_failed", true),
    ] {
        let error = ask(Reply::status(status, "because")).await.unwrap_err();
        assert_eq!((error.code(), error.is_transient()), (code, is_transient), "{status}");
        assert!(error.to_string().ends_with("because"), "{error}");
    }
}

#[tokio::test]
async fn the_wait_a_provider_asks_for_is_read_in_both_forms() {
    for (value, expected) in [
        (Some("7"), Some(7)),
        (Some("Sun, 06 Nov 1994 08:49:40 GMT"), Some(3)),
        (Some("whenever"), None),
        (None, None),
    ] {
        let reply = Reply { retry_after: value.map(str::to_owned), ..Reply::status(429, "slow down") };
        let error = ask(reply).await.unwrap_err();
        assert_eq!(error.retry_after(), expected.map(Duration::from_secs), "{value:?}");
    }
}

async fn phase(fault: Fault, timeouts: TimeoutOptions) -> Phase {
    match ask_patiently(Reply::text(TEXT).fault(fault), timeouts).await.0 {
        Err(Error::Timeout { phase, .. }) => phase,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_way_to_hang_ends_at_its_own_limit() {
    let first = TimeoutOptions { first_content_ms: 60, ..PATIENT };
    assert_eq!(phase(Fault::HangBeforeHeaders, first).await, Phase::FirstContent);
    assert_eq!(phase(Fault::HangBeforeFirstToken, first).await, Phase::FirstContent);
    assert_eq!(phase(Fault::OnlyComments(5), first).await, Phase::FirstContent);
    let stall = TimeoutOptions { stall_ms: 60, ..PATIENT };
    assert_eq!(phase(Fault::StallAfter(2), stall).await, Phase::Stall);
    let total = TimeoutOptions { total_ms: 200, ..PATIENT };
    assert_eq!(phase(Fault::Drip(5), total).await, Phase::Total);
}

#[tokio::test]
async fn an_answer_without_end_is_stopped() {
    let server = ScriptedModel::start(Reply::text(TEXT).fault(Fault::Endless)).await;
    let provider = provider(&server.base_url(), PATIENT).with_answer_limit(200_000);
    let error = provider.complete(&request()).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit_bytes: 200_000, .. }), "{error:?}");

    let page = Reply { body: Some("x".repeat(1_000_000)), ..Reply::status(500, "") };
    assert!(ask(page).await.unwrap_err().to_string().chars().count() < 400);
}

#[tokio::test]
async fn a_check_asks_for_the_models_only() {
    let server = ScriptedModel::start(Script::replies([])).await;
    assert_eq!(provider(&server.base_url(), PATIENT).check().await.unwrap(), ["scripted-1"]);
    assert!(server.requests().is_empty());
    let error = provider(&ScriptedModel::refusing_url(), PATIENT).check().await.unwrap_err();
    assert_eq!(error.code(), "model_unreachable");
}

#[tokio::test]
async fn a_dropped_stream_ends_the_call() {
    let server = ScriptedModel::start(Reply::text(TEXT).fault(Fault::StallAfter(1))).await;
    let mut said = provider(&server.base_url(), PATIENT).stream(&request()).await.unwrap();
    let first = said.next().await.unwrap().unwrap();
    assert!(matches!(first, Said::Piece(Piece { raw: None, .. })), "{first:?}");
    drop(said);
    server.follow(Reply::text("next"));
    assert_eq!(provider(&server.base_url(), PATIENT).complete(&request()).await.unwrap().text(), "next");
}

#[tokio::test]
async fn gemini_is_asked_at_the_models_own_path_with_the_key_in_its_own_header() {
    let server = ScriptedModel::start(Script::always(Reply::text(TEXT).usage(7, 5))).await;
    let gemini = speaking(Dialect::Gemini, &server.base_url(), PATIENT);
    let request = Request { model: Some("gemini-x".into()), ..request() };
    let answer = gemini.complete(&request).await.unwrap();
    assert_eq!((answer.text().as_str(), answer.model.as_str()), (TEXT, "scripted-1"));
    assert_eq!(answer.usage, Usage { tokens_in: 7, tokens_out: 5, ..Usage::default() });
    let seen = &server.requests()[0];
    assert_eq!(seen.path, "/v1/models/gemini-x:streamGenerateContent?alt=sse");
    assert_eq!((seen.header("x-goog-api-key"), seen.header("authorization")), (Some("canary-key"), None));
    assert_eq!(gemini.check().await.unwrap(), ["scripted-1"]);
}

#[tokio::test]
async fn what_google_says_in_an_errors_details_is_understood() {
    let failing = async |status: u16, detail: serde_json::Value| {
        let body = json!({"error": {"code": status, "message": "no", "details": [detail]}}).to_string();
        let server = ScriptedModel::start(Reply { status, body: Some(body), ..Reply::default() }).await;
        speaking(Dialect::Gemini, &server.base_url(), PATIENT).complete(&request()).await.unwrap_err()
    };
    let limited = failing(429, json!({"retryDelay": "17s"})).await;
    assert_eq!(
        (limited.code(), limited.retry_after()),
        ("model_rate_limited", Some(Duration::from_secs(17)))
    );
    let refused = failing(400, json!({"reason": "API_KEY_INVALID"})).await;
    assert_eq!(refused.code(), "model_key_refused");
    assert_eq!(failing(400, json!({})).await.code(), "model_request_refused");
}

#[tokio::test]
async fn an_answer_that_is_withheld_is_not_asked_for_again() {
    let blocked = json!({"promptFeedback": {"blockReason": "SAFETY"}});
    let filtered = json!({"candidates": [{"content": {}, "finishReason": "SAFETY"}]});
    for event in [blocked, filtered] {
        let server =
            ScriptedModel::start(Reply::raw("text/event-stream", format!("data: {event}\n\n"))).await;
        let gemini = speaking(Dialect::Gemini, &server.base_url(), PATIENT);
        let error = gemini.complete(&request()).await.unwrap_err();
        assert_eq!((error.code(), error.is_transient()), ("model_answer_withheld", false), "{event}");
    }
}

#[tokio::test]
async fn responses_end_at_a_stop_sequence_that_the_provider_knows_nothing_of() {
    let server = ScriptedModel::start(Script::always(Reply::text("one two three"))).await;
    let request = Request { stop: vec![" three".into()], ..request() };
    let answer = speaking(Dialect::Responses, &server.base_url(), PATIENT).complete(&request).await.unwrap();
    assert_eq!((answer.text().as_str(), answer.stop_sequence.as_deref()), ("one two", Some(" three")));
    let seen = &server.requests()[0];
    assert_eq!((seen.path.as_str(), seen.json.get("stop")), ("/v1/responses", None));
    assert_eq!(seen.header("authorization"), Some("Bearer canary-key"));
}
