//! Answers as the client's dialect writes them.

use std::collections::VecDeque;
use std::time::Duration;

use ::models::dialect::{Encode, Failure, Finish, anthropic, chat};
use ::models::{Completion, Dialect, Error, Piece, Said, SaidStream};
use axum::body::{Body, Bytes};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use futures::StreamExt;
use kernel::RunId;
use serde_json::Value;

use super::Manner;
use super::refusal::Refusal;
use crate::app::App;
use crate::follow::sse;

/// A whole answer: as the provider wrote it where it speaks the client's dialect.
pub(super) fn whole(completion: &Completion, manner: &Manner, app: &App) -> Response {
    let mut response = match (&completion.raw, manner.dialect) {
        (Some(raw), _) => json_bytes(raw.clone()),
        (None, Dialect::Chat) => json(&chat::document(&fresh_id(app, "chatcmpl"), seconds(app), completion)),
        (None, Dialect::Anthropic) => json(&anthropic::document(&fresh_id(app, "msg"), completion)),
    };
    name_provider(&mut response, completion);
    response
}

fn name_provider(response: &mut Response, completion: &Completion) {
    if let Ok(value) = HeaderValue::try_from(&completion.provider) {
        response.headers_mut().insert("x-atelier-provider", value);
    }
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

fn fresh_id(app: &App, prefix: &str) -> String {
    let id = app.ids.fresh::<RunId>();
    format!("{prefix}-{}", id.as_str().trim_start_matches("run_"))
}

fn seconds(app: &App) -> i64 {
    app.clock.now().0 / 1_000
}

/// A streamed answer that has begun.
pub(super) fn stream(said: SaidStream, manner: Manner, app: &App, request_id: &str) -> Response {
    let writer = Writer::new(&manner, app, request_id);
    let state =
        State { said: Some(said), writer, heartbeat: app.options.heartbeat, manner, ready: VecDeque::new() };
    let chunks =
        futures::stream::unfold(state, |mut state| async { state.next().await.map(|next| (next, state)) });
    sse::response(chunks)
}

struct State {
    said: Option<SaidStream>,
    writer: Writer,
    manner: Manner,
    heartbeat: Duration,
    ready: VecDeque<Bytes>,
}

impl State {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Some(chunk);
            }
            let said = self.said.as_mut()?;
            let Ok(next) = tokio::time::timeout(self.heartbeat, said.next()).await else {
                return Some(heartbeat(self.manner.dialect));
            };
            match next {
                Some(Ok(Said::Piece(piece))) => self.ready.extend(self.writer.piece(piece)),
                Some(Ok(Said::Finished(completion))) => {
                    self.said = None;
                    self.ready.push_back(self.writer.finish(&completion));
                }
                Some(Err(error)) => {
                    self.said = None;
                    self.ready.push_back(self.writer.fail(error));
                }
                None => self.said = None,
            }
        }
    }
}

fn heartbeat(dialect: Dialect) -> Bytes {
    match dialect {
        Dialect::Chat => sse::HEARTBEAT,
        Dialect::Anthropic => Bytes::from_static(b"event: ping\ndata: {\"type\":\"ping\"}\n\n"),
    }
}

/// Writes the events of one stream.
struct Writer {
    encoder: Box<dyn Encode>,
    has_begun: bool,
    /// Whether the client wants what a provider says at the end as it says it.
    takes_epilogue: bool,
    request_id: String,
}

impl Writer {
    fn new(manner: &Manner, app: &App, request_id: &str) -> Self {
        let (encoder, takes_epilogue): (Box<dyn Encode>, bool) = match manner.dialect {
            Dialect::Chat => {
                let id = fresh_id(app, "chatcmpl");
                (Box::new(chat::Encoder::new(id, seconds(app), "", manner.wants_usage)), manner.wants_usage)
            }
            Dialect::Anthropic => {
                (Box::new(anthropic::Encoder::new(fresh_id(app, "msg"), "", manner.tokens_in)), true)
            }
        };
        Self { encoder, has_begun: false, takes_epilogue, request_id: request_id.to_owned() }
    }

    fn piece(&mut self, piece: Piece) -> Option<Bytes> {
        if let Some(event) = piece.raw {
            self.has_begun = true;
            self.encoder.adopt(&event);
            return Some(event.frame);
        }
        let mut out = Vec::new();
        self.begin(&mut out);
        for delta in &piece.deltas {
            self.encoder.delta(delta, &mut out);
        }
        (!out.is_empty()).then(|| out.into())
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.has_begun, true) {
            self.encoder.begin(out);
        }
    }

    fn finish(&mut self, completion: &Completion) -> Bytes {
        if let Some(epilogue) = completion.raw.clone().filter(|_| self.takes_epilogue && self.has_begun) {
            return epilogue;
        }
        let mut out = Vec::new();
        self.begin(&mut out);
        let finish = Finish {
            reason: &completion.finish_reason,
            stop_sequence: completion.stop_sequence.as_deref(),
            usage: &completion.usage,
        };
        self.encoder.finish(&finish, &mut out);
        out.into()
    }

    fn fail(&mut self, error: Error) -> Bytes {
        let refusal = Refusal::from(error);
        let mut out = Vec::new();
        let failure = Failure { request_id: Some(&self.request_id), ..refusal.failure() };
        self.encoder.fail(&failure, &mut out);
        out.into()
    }
}
