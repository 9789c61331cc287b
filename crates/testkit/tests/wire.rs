//! The scripted model as a client sees it, over a plain socket.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};

use testkit::{Fault, Reply, Script, ScriptedModel, TemporaryWorkspace};

/// Posts a body and reads until the connection ends.
fn post(address: SocketAddr, path: &str, body: &str) -> (String, std::io::Result<usize>) {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .expect("the server reads");
    let mut answer = Vec::new();
    let end = stream.read_to_end(&mut answer);
    (String::from_utf8_lossy(&answer).into_owned(), end)
}

async fn post_to(
    model: &ScriptedModel,
    path: &'static str,
    body: &'static str,
) -> (String, std::io::Result<usize>) {
    let address = model.address();
    tokio::task::spawn_blocking(move || post(address, path, body)).await.expect("the client does not panic")
}

const OPENAI: &str = "/v1/chat/completions";
const STREAM: &str = r#"{"stream": true, "stream_options": {"include_usage": true},
    "messages": [{"role": "user", "content": "one two"}]}"#;

#[tokio::test]
async fn speaks_chat_completions() {
    let model = ScriptedModel::start(Script::always(Reply::text("Hello there"))).await;
    let (whole, _) = post_to(&model, OPENAI, r#"{"messages": []}"#).await;
    assert!(whole.contains(r#""message":{"role":"assistant","content":"Hello there"}"#), "{whole}");
    let (stream, _) = post_to(&model, OPENAI, STREAM).await;
    for part in [
        "content-type: text/event-stream",
        r#""delta":{"content":"Hello "}"#,
        r#""finish_reason":"stop""#,
        r#""usage":{"prompt_tokens":2,"completion_tokens":2,"total_tokens":4}"#,
        "data: [DONE]\n\n",
        "\r\n0\r\n\r\n",
    ] {
        assert!(stream.contains(part), "{part} in {stream}");
    }
    let requests = model.requests();
    assert_eq!((requests.len(), requests[1].prompt().as_str()), (2, "one two"));
    assert_eq!(requests[1].header("Host"), Some("x"));
}

#[tokio::test]
async fn speaks_messages() {
    let model = ScriptedModel::start(Script::always(Reply::text("Hello there"))).await;
    let (whole, _) = post_to(&model, "/v1/messages", r#"{"messages": []}"#).await;
    assert!(
        whole.contains(r#""content":[{"type":"text","text":"Hello there"}],"stop_reason":"end_turn""#),
        "{whole}"
    );
    let (stream, _) = post_to(&model, "/v1/messages", STREAM).await;
    let events: Vec<&str> = stream.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    let expected = [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(events, expected);
}

#[tokio::test]
async fn speaks_responses() {
    let reply = Reply::text("Hello there").calling("c1", "look", serde_json::json!({"at": 1}));
    let model = ScriptedModel::start(Script::always(reply)).await;
    let (whole, _) = post_to(&model, "/v1/responses", r#"{"input": "one two"}"#).await;
    assert!(whole.contains(r#""type":"output_text","text":"Hello there""#), "{whole}");
    let (stream, _) = post_to(&model, "/v1/responses", r#"{"input": "one two", "stream": true}"#).await;
    let names: Vec<&str> = stream.lines().filter_map(|line| line.strip_prefix("event: response.")).collect();
    let expected = [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ];
    assert_eq!(names, expected);
    assert_eq!(model.requests()[1].prompt(), "one two");
}

#[tokio::test]
async fn speaks_generate_content() {
    let model = ScriptedModel::start(Script::always(Reply::text("Hello there"))).await;
    let body = r#"{"contents": [{"role": "user", "parts": [{"text": "one two"}]}]}"#;
    let (whole, _) = post_to(&model, "/v1/models/m:generateContent", body).await;
    assert!(whole.contains(r#""finishReason":"STOP""#) && whole.contains("Hello there"), "{whole}");
    let (stream, _) = post_to(&model, "/v1/models/m:streamGenerateContent?alt=sse", body).await;
    assert_eq!(stream.matches("data: {").count(), 3, "{stream}");
    assert!(stream.contains(r#""promptTokenCount":2"#), "{stream}");
    assert_eq!(model.requests()[1].prompt(), "one two");
}

#[tokio::test]
async fn a_cut_has_no_last_chunk_and_a_reset_is_one() {
    let faults =
        [Fault::CutAfter(1), Fault::ResetAfter(1), Fault::Reset, Fault::EndAfter(1), Fault::NoEpilogue];
    let replies = faults.map(|fault| Reply::text("Hello there").fault(fault));
    let model = ScriptedModel::start(Script::replies(replies)).await;
    let is_ended = |answer: &str| answer.ends_with("\r\n0\r\n\r\n");

    let (cut, end) = post_to(&model, OPENAI, STREAM).await;
    assert!(cut.contains("Hello ") && !is_ended(&cut) && end.is_ok(), "{cut}");
    let (reset, end) = post_to(&model, OPENAI, STREAM).await;
    assert!(reset.contains("Hello ") && !reset.contains("there"), "{reset}");
    assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    let (nothing, end) = post_to(&model, OPENAI, STREAM).await;
    assert_eq!((nothing.as_str(), end.unwrap_err().kind()), ("", std::io::ErrorKind::ConnectionReset));
    let (ended, _) = post_to(&model, OPENAI, STREAM).await;
    assert!(is_ended(&ended) && !ended.contains("finish_reason\":\"stop"), "{ended}");
    let (bare, _) = post_to(&model, OPENAI, STREAM).await;
    assert!(is_ended(&bare) && bare.contains("finish_reason\":\"stop") && !bare.contains("[DONE]"), "{bare}");
    let (exhausted, _) = post_to(&model, OPENAI, STREAM).await;
    assert!(exhausted.starts_with("HTTP/1.1 500") && exhausted.contains("no reply left"), "{exhausted}");
}

#[tokio::test]
async fn status_and_retry_after_are_sent() {
    let model = ScriptedModel::start(Reply::status(429, "slow down").retry_after("2")).await;
    let (answer, _) = post_to(&model, OPENAI, STREAM).await;
    assert!(answer.starts_with("HTTP/1.1 429") && answer.contains("retry-after: 2"), "{answer}");
}

#[test]
fn the_program_serves_a_script() {
    let workspace = TemporaryWorkspace::new();
    let script = workspace.write("script.json", r#"{"replies": [{"text": "From the file"}]}"#);
    let mut program = Command::new(env!("CARGO_BIN_EXE_scripted-model"))
        .args(["--listen", "127.0.0.1:0", "--script"])
        .arg(&script)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let address = url.trim().strip_prefix("http://").and_then(|url| url.strip_suffix("/v1")).unwrap();
    let (answer, _) = post(address.parse().unwrap(), OPENAI, STREAM);
    program.kill().unwrap();
    program.wait().unwrap();
    assert!(answer.contains("From "), "{answer}");
}

#[test]
fn the_program_says_what_is_wrong_with_its_arguments() {
    let workspace = TemporaryWorkspace::new();
    let script = workspace.write("script.json", r#"{"replies": [{"txt": 1}]}"#);
    for (arguments, message) in [
        (vec!["--port", "1"], "there is no flag `--port`"),
        (vec!["--listen"], "`--listen` needs a value"),
        (vec!["--listen", "nowhere"], "`nowhere`"),
        (vec!["--script", script.to_str().unwrap()], "unknown field `txt`"),
        (vec!["--script", "/does/not/exist"], "/does/not/exist"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_scripted-model")).args(&arguments).output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && errors.contains(message), "{arguments:?}: {errors}");
    }
}
