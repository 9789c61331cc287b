//! `text/event-stream`, after the WHATWG HTML standard, 9.2.
//!
//! A batch of events becomes one chunk of the body. The JSON of an event is made once, however many
//! readers there are; a reader's chunk is a copy of bytes.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::Response;
use futures::Stream;
use runs::EventRecord;

use super::{Follower, News};

/// Goes out when nothing else has for a while. Readers take no notice of it.
pub(crate) const HEARTBEAT: Bytes = Bytes::from_static(b": heartbeat\n\n");
/// Tells that the run is over. It has no id, so that a reader who comes back anyway asks from the
/// last event.
const END: Bytes = Bytes::from_static(b"event: end\ndata: {}\n\n");

/// The response that is `chunks` as they come.
pub(crate) fn response(chunks: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    use futures::StreamExt;
    let mut response = Response::new(Body::from_stream(chunks.map(Ok::<_, Infallible>)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// A run's events, until it is over.
pub(crate) fn run_stream(follower: Follower) -> impl Stream<Item = Bytes> {
    futures::stream::unfold(Some(follower), async |follower| {
        let mut follower = follower?;
        match follower.next().await {
            Ok(News::Events(batch)) => {
                let mut chunk = Vec::with_capacity(batch.iter().map(|record| record.json().len() + 64).sum());
                for record in &batch {
                    push(&mut chunk, format_args!("{}", record.seq()), record);
                }
                Some((Bytes::from(chunk), Some(follower)))
            }
            Ok(News::Silence) => Some((HEARTBEAT, Some(follower))),
            Ok(News::Over) => Some((END, None)),
            Ok(News::Stopping) => None,
            Err(error) => {
                tracing::warn!(%error, position = follower.position(), "a stream of events broke off");
                None
            }
        }
    })
}

/// Writes one event.
pub(crate) fn push(chunk: &mut Vec<u8>, id: std::fmt::Arguments<'_>, record: &EventRecord) {
    use std::io::Write as _;
    let kind = record.event().kind();
    // A line break in a kind would begin another field.
    let kind = if kind.contains(['\n', '\r']) { "message" } else { kind };
    write!(chunk, "id: {id}\nevent: {kind}\ndata: ").expect("writing to memory cannot fail");
    chunk.extend_from_slice(record.json());
    chunk.extend_from_slice(b"\n\n");
}
