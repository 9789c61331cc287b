//! Answers as the client's dialect writes them.

use std::time::Duration;

use ::models::dialect::{Encode, Failure, Finish};
use ::models::{Completion, Error, Origin, Piece, Said, SaidStream};
use axum::body::{Body, Bytes};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use futures::{FutureExt, StreamExt};
use serde_json::Value;

use super::Manner;
use super::client::Client;
use super::refusal::Refusal;
use crate::app::App;
use crate::follow::sse;

const PROVIDER: &str = "x-atelier-provider";

/// A whole answer: as the provider wrote it where it speaks the client's dialect.
pub(super) fn whole(completion: &Completion, manner: &Manner) -> Response {
    let mut response = match &completion.raw {
        Some(raw) => json_bytes(raw.clone()),
        None => json(&manner.client.document(&manner.begun, completion)),
    };
    name_provider(&mut response, completion);
    response
}

/// The answer, with a word to whoever asked when a limit is nearly used up.
pub(super) fn warned(mut response: Response, app: &App, origin: &Origin) -> Response {
    let provider = response.headers().get(PROVIDER).and_then(|name| name.to_str().ok());
    let warning = app.services.accounting.warning(origin, provider);
    if let Some(Ok(value)) = warning.map(HeaderValue::try_from) {
        response.headers_mut().insert("x-atelier-warning", value);
    }
    response
}

fn name_provider(response: &mut Response, completion: &Completion) {
    if completion.is_from_cache() {
        response.headers_mut().insert("x-atelier-cache", HeaderValue::from_static("hit"));
    }
    if let Ok(value) = HeaderValue::try_from(&completion.provider) {
        response.headers_mut().insert(PROVIDER, value);
    }
}

/// Anthropic's clients look for the request's id in a header of their own.
pub(super) fn with_id(mut response: Response, client: Client, id: &str) -> Response {
    if let (Client::Anthropic, Ok(value)) = (client, HeaderValue::try_from(id)) {
        response.headers_mut().insert("request-id", value);
    }
    response
}

pub(super) fn json(value: &Value) -> Response {
    json_bytes(value.to_string().into())
}

/// As [`json`], for what is too large to be made into a value first.
pub(super) fn written(document: &impl serde::Serialize) -> Response {
    json_bytes(serde_json::to_vec(document).expect("numbers and texts can be written as JSON").into())
}

fn json_bytes(bytes: Bytes) -> Response {
    let mut response = Response::new(Body::from(bytes));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A streamed answer that has begun.
pub(super) fn stream(said: SaidStream, manner: Manner, app: &App, request_id: &str) -> Response {
    let writer = Writer::new(&manner, request_id);
    // Boxed, since it is moved in and out with each frame.
    let state = Box::new(State { said: Some(said), writer, heartbeat: app.options.heartbeat, manner });
    let chunks =
        futures::stream::unfold(state, |mut state| async { state.next().await.map(|next| (next, state)) });
    sse::response(chunks)
}

/// What has come is written together up to this size: a frame for each event would cost more than
/// the events do.
const FRAME_BYTES: usize = 16 * 1024;

struct State {
    said: Option<SaidStream>,
    writer: Writer,
    manner: Manner,
    heartbeat: Duration,
}

impl State {
    async fn next(&mut self) -> Option<Bytes> {
        let mut frame = Vec::new();
        while frame.is_empty() {
            let said = self.said.as_mut()?;
            let Ok(next) = tokio::time::timeout(self.heartbeat, said.next()).await else {
                return Some(self.manner.client.heartbeat());
            };
            self.take(next, &mut frame);
            while frame.len() < FRAME_BYTES
                && let Some(next) = self.said.as_mut().and_then(|said| said.next().now_or_never())
            {
                self.take(next, &mut frame);
            }
        }
        Some(frame.into())
    }

    fn take(&mut self, next: Option<Result<Said, Error>>, frame: &mut Vec<u8>) {
        match next {
            Some(Ok(Said::Piece(piece))) => return self.writer.piece(piece, frame),
            Some(Ok(Said::Finished(completion))) => self.writer.finish(&completion, frame),
            Some(Err(error)) => self.writer.fail(error, frame),
            None => {}
        }
        self.said = None;
    }
}

/// Writes the events of one stream.
struct Writer {
    encoder: Box<dyn Encode>,
    has_begun: bool,
    takes_epilogue: bool,
    request_id: String,
}

impl Writer {
    fn new(manner: &Manner, request_id: &str) -> Self {
        let Manner { client, begun, .. } = manner;
        Self {
            encoder: client.encoder(begun),
            has_begun: false,
            takes_epilogue: client.takes_epilogue(begun),
            request_id: request_id.to_owned(),
        }
    }

    fn piece(&mut self, piece: Piece, out: &mut Vec<u8>) {
        if let Some(event) = piece.raw {
            self.has_begun = true;
            self.encoder.adopt(&event);
            return out.extend_from_slice(&event.frame);
        }
        self.begin(out);
        for delta in &piece.deltas {
            self.encoder.delta(delta, out);
        }
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.has_begun, true) {
            self.encoder.begin(out);
        }
    }

    fn finish(&mut self, completion: &Completion, out: &mut Vec<u8>) {
        if let Some(epilogue) = completion.raw.as_ref().filter(|_| self.takes_epilogue && self.has_begun) {
            return out.extend_from_slice(epilogue);
        }
        self.begin(out);
        let finish = Finish {
            reason: &completion.finish_reason,
            stop_sequence: completion.stop_sequence.as_deref(),
            usage: &completion.usage,
        };
        self.encoder.finish(&finish, out);
    }

    fn fail(&mut self, error: Error, out: &mut Vec<u8>) {
        let refusal = Refusal::from(error);
        let failure = Failure { request_id: Some(&self.request_id), ..refusal.failure() };
        self.encoder.fail(&failure, out);
    }
}
