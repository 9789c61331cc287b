//! The same over WebSocket: one text frame `{type, ts, seq, kind, payload}` an event.

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use kernel::{Clock, Timestamp};
use runs::{Event, EventRecord};

use super::{Follower, News};

/// Sends a run's events until it is over, the reader leaves or the server stops.
pub(crate) async fn send_run(socket: WebSocket, mut follower: Follower, clock: &dyn Clock) {
    let (mut sink, mut stream) = socket.split();
    // An error means that the reader has left, which ends the work here as well.
    let _ = send_all(&mut sink, &mut stream, &mut follower, clock).await;
}

async fn send_all(
    sink: &mut SplitSink<WebSocket, Message>,
    stream: &mut SplitStream<WebSocket>,
    follower: &mut Follower,
    clock: &dyn Clock,
) -> Result<(), axum::Error> {
    loop {
        let news = tokio::select! {
            news = follower.next() => news,
            received = stream.next() => match received {
                None | Some(Err(_) | Ok(Message::Close(_))) => return Ok(()),
                // Nothing a reader says means anything here. Pings are answered below.
                Some(Ok(_)) => continue,
            },
        };
        match news {
            Ok(News::Events(batch)) => {
                for record in &batch {
                    sink.feed(Message::Text(frame(record).into())).await?;
                }
                sink.flush().await?;
            }
            Ok(News::Silence) => {
                sink.send(Message::Text(heartbeat(clock.now(), follower.position()).into())).await?;
            }
            Ok(News::Over) => return close(sink, close_code::NORMAL, "end").await,
            Ok(News::Stopping) => return close(sink, close_code::AWAY, "the server stops").await,
            Err(error) => {
                tracing::warn!(%error, position = follower.position(), "a stream of events broke off");
                return close(sink, close_code::ERROR, "connect again").await;
            }
        }
    }
}

async fn close(
    sink: &mut SplitSink<WebSocket, Message>,
    code: u16,
    reason: &'static str,
) -> Result<(), axum::Error> {
    sink.send(Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::from_static(reason) }))).await
}

fn frame(record: &EventRecord) -> String {
    let event = record.event();
    let sort = match event {
        Event::Log(_) => "log",
        Event::Completed(_) => "result",
        Event::Failed(_) | Event::Cancelled(_) => "error",
        _ => "status",
    };
    let kind = serde_json::to_string(event.kind()).expect("a string is JSON");
    let payload = match event {
        Event::Cancelled(_) => r#"{"error":{"code":"cancelled","message":"The run was cancelled"}}"#,
        _ => record.payload_json(),
    };
    let (ts, seq) = (record.at(), record.seq());
    format!(r#"{{"type":"{sort}","ts":"{ts}","seq":{seq},"kind":{kind},"payload":{payload}}}"#)
}

fn heartbeat(now: Timestamp, position: u64) -> String {
    format!(r#"{{"type":"heartbeat","ts":"{now}","seq":{position},"kind":"heartbeat","payload":{{}}}}"#)
}
