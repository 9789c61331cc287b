//! Streams that break at any byte: the client sees one answer, whole.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use futures::StreamExt;
use kernel::{Clock, Entropy, SeededEntropy, SystemClock};
use models::{
    Completion, Delta, Dialect, Error, Message, ModelsOptions, ProviderOptions, Request, RetryOptions,
    Router, Said,
};
use testkit::{Reply, Script, ScriptedModel};

const TEXT: &str = "Olá! The quick brown 🦀 jumps over the lazy dog; ação e reação, and so on to the end.";

/// A whole stream as a provider sends it, in pieces of a few characters.
fn stream_of(dialect: Dialect) -> Vec<u8> {
    let pieces: Vec<String> =
        TEXT.chars().collect::<Vec<_>>().chunks(3).map(|piece| piece.iter().collect()).collect();
    let mut out = String::new();
    let mut event = |name: &str, data: serde_json::Value| match dialect {
        Dialect::Chat => out.push_str(&format!("data: {data}\n\n")),
        Dialect::Anthropic | Dialect::Responses => {
            out.push_str(&format!("event: {name}\ndata: {data}\n\n"));
        }
        Dialect::Gemini => out.push_str(&format!("data: {data}\r\n\r\n")),
    };
    match dialect {
        Dialect::Chat => {
            for piece in pieces {
                event("", serde_json::json!({"choices": [{"delta": {"content": piece}}]}));
            }
            event("", serde_json::json!({"choices": [{"delta": {}, "finish_reason": "stop"}]}));
            out.push_str("data: [DONE]\n\n");
        }
        Dialect::Anthropic => {
            event("message_start", serde_json::json!({"type": "message_start", "message": {}}));
            let start = serde_json::json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}});
            event("content_block_start", start);
            for piece in pieces {
                let delta = serde_json::json!({"type": "text_delta", "text": piece});
                let data = serde_json::json!({"type": "content_block_delta", "index": 0, "delta": delta});
                event("content_block_delta", data);
            }
            event("content_block_stop", serde_json::json!({"type": "content_block_stop", "index": 0}));
            let stop = serde_json::json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}});
            event("message_delta", stop);
            event("message_stop", serde_json::json!({"type": "message_stop"}));
        }
        Dialect::Responses => {
            let created = serde_json::json!({"type": "response.created", "response": {"model": "m"}});
            event("response.created", created);
            let item = serde_json::json!({"type": "message", "content": []});
            let name = "response.output_item.added";
            event(name, serde_json::json!({"type": name, "output_index": 0, "item": item}));
            let name = "response.output_text.delta";
            for piece in pieces {
                event(name, serde_json::json!({"type": name, "output_index": 0, "delta": piece}));
            }
            let name = "response.output_item.done";
            event(name, serde_json::json!({"type": name, "output_index": 0, "item": item}));
            let name = "response.completed";
            event(name, serde_json::json!({"type": name, "response": {"status": "completed"}}));
        }
        Dialect::Gemini => {
            let answer = |text: &str, reason: Option<&str>| {
                let content = serde_json::json!({"role": "model", "parts": [{"text": text}]});
                serde_json::json!({"candidates": [{"content": content, "finishReason": reason}]})
            };
            for piece in pieces {
                event("", answer(&piece, None));
            }
            event("", answer("", Some("STOP")));
        }
    }
    out.into_bytes()
}

/// What a provider does to its stream at a byte of its choice.
fn broken(stream: &[u8], entropy: &SeededEntropy) -> String {
    let at = usize::try_from(entropy.next_u64()).unwrap() % (stream.len() + 1);
    // A cut inside a character becomes a replacement character, as a careless provider sends it.
    let mut text = String::from_utf8_lossy(&stream[..at]).into_owned();
    match entropy.next_u64() % 4 {
        0 => {}
        1 => text.push_str("\n\ndata: {\"error\":{\"message\":\"overloaded\"},\"type\":\"error\"}\n\n"),
        2 => text.push_str("\n\ndata: {\"choices\": [{\"del\n\n"),
        _ => text.push_str("\u{0}\u{fffd}\n\n"),
    }
    text
}

async fn seen(router: &Router) -> (String, Result<Completion, Error>) {
    let mut said = match router.stream_with_model(&Request::new(vec![Message::user("Go on")])).await {
        Ok(said) => said,
        Err(error) => return (String::new(), Err(error)),
    };
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

fn router(servers: &[(&ScriptedModel, Dialect)], seed: u64) -> Router {
    let provider = |(place, (server, dialect)): (usize, &(&ScriptedModel, Dialect))| ProviderOptions {
        name: format!("provider-{place}"),
        base_url: server.base_url(),
        model: "m".into(),
        dialect: *dialect,
        ..ProviderOptions::default()
    };
    let mut options = ModelsOptions {
        providers: servers.iter().enumerate().map(provider).collect(),
        retry: RetryOptions { attempts: 2, first_pause_ms: 1, longest_pause_ms: 1 },
        ..ModelsOptions::default()
    };
    // Every stream begins with the first provider, however often it failed before.
    options.breaker.failures = u32::MAX;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Router::from_options(&options, &clock, Arc::new(SeededEntropy::new(seed))).unwrap()
}

/// A thousand streams broken at random bytes, in turn by every dialect, each whole in the end.
#[tokio::test]
async fn a_thousand_streams_broken_at_random_bytes_are_all_whole() {
    let entropy = SeededEntropy::new(20_261_121);
    let mut rescued = 0;
    const ALL: [Dialect; 4] = [Dialect::Chat, Dialect::Anthropic, Dialect::Responses, Dialect::Gemini];
    for (first, second) in ALL.into_iter().flat_map(|first| ALL.map(|second| (first, second))) {
        let seed = entropy.next_u64();
        let faults = SeededEntropy::new(seed);
        let stream = stream_of(first);
        let dying = ScriptedModel::start(Script::answering(move |_| {
            Reply::raw("text/event-stream", broken(&stream, &faults))
        }))
        .await;
        let whole = String::from_utf8(stream_of(second)).unwrap();
        let sound = ScriptedModel::start(Script::always(Reply::raw("text/event-stream", whole))).await;
        let router = router(&[(&dying, first), (&sound, second)], seed);
        for round in 0..64 {
            let (text, completion) = seen(&router).await;
            let completion =
                completion.unwrap_or_else(|error| panic!("{first:?} {second:?} {seed}, {round}: {error}"));
            assert_eq!(text, TEXT, "{seed}, {round}: {:?}", completion.attempts);
            assert_eq!(completion.text(), TEXT);
            rescued += usize::from(completion.attempts.len() > 1);
        }
    }
    assert!(rescued > 700, "{rescued} of 1,024 streams broke");
}
