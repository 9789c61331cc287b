//! Reads an answer off the wire, against the clock.
//!
//! Invariant: [`Delta::Finished`] comes only when the server said that its text is whole (a finish
//! reason or `[DONE]`), or sent it as one complete JSON document. Anything else that ends is an
//! error.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::time::{Instant, timeout_at};

use super::wire::{Answer, Fault};
use super::{quote, root_cause};
use crate::error::{Error, Phase};
use crate::message::{Completion, FinishReason, Request, Usage};
use crate::options::TimeoutOptions;
use crate::provider::{Delta, DeltaStream};
use crate::secret::ApiKey;
use crate::sse::Parser;

/// How long to wait for usage and `[DONE]` once the text is whole.
const EPILOGUE: Duration = Duration::from_millis(1_000);

/// Until when to wait, and for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    first_content: Instant,
    total: Instant,
    stall: Option<Instant>,
}

impl Deadlines {
    pub(super) fn from(started: Instant, timeouts: TimeoutOptions) -> Self {
        Self {
            first_content: started + timeouts.first_content(),
            total: started + timeouts.total(),
            stall: None,
        }
    }

    /// The deadline that comes next.
    pub(super) fn next(&self) -> (Instant, Phase) {
        let (deadline, phase) = match self.stall {
            Some(stall) => (stall, Phase::Stall),
            None => (self.first_content, Phase::FirstContent),
        };
        if self.total < deadline { (self.total, Phase::Total) } else { (deadline, phase) }
    }

    /// The answer goes on: wait so long for what follows.
    fn progress(&mut self, wait: Duration) {
        self.stall = Some(Instant::now() + wait);
    }
}

/// The error for a deadline that passed.
pub(super) fn timeout(provider: &str, phase: Phase, timeouts: TimeoutOptions) -> Error {
    let after_ms = match phase {
        Phase::Connect => timeouts.connect_ms,
        Phase::FirstContent => timeouts.first_content_ms,
        Phase::Stall => timeouts.stall_ms,
        Phase::Total => timeouts.total_ms,
    };
    Error::Timeout { provider: provider.to_owned(), phase, after_ms }
}

/// What is needed to read one answer.
pub(super) struct Reading {
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) request: Request,
    pub(super) api_key: Option<ApiKey>,
    pub(super) timeouts: TimeoutOptions,
    pub(super) limit_bytes: usize,
    pub(super) started: Instant,
    pub(super) deadlines: Deadlines,
}

type Body = BoxStream<'static, reqwest::Result<Bytes>>;

impl Reading {
    /// The answer in `body` as it arrives.
    pub(super) fn deltas(self, body: Body, content_type: &str) -> DeltaStream {
        let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if media_type == "text/html" {
            let reason = "a web page; the base URL may be wrong".into();
            let error = Error::Malformed { provider: self.provider, reason };
            return stream::iter([Err(error)]).boxed();
        }
        let cutter = if media_type == "application/json" {
            Cutter::Whole(Vec::new())
        } else {
            Cutter::Events(Parser::default())
        };
        let state = State {
            reading: self,
            body,
            cutter,
            answer: Answer::default(),
            received_bytes: 0,
            ready: VecDeque::new(),
            has_ended: false,
        };
        stream::unfold(state, |mut state| async { state.next().await.map(|delta| (delta, state)) }).boxed()
    }
}

/// Cuts the body into what [`Answer::take`] understands.
enum Cutter {
    /// As events.
    Events(Parser),
    /// Not at all: a server that answers in one piece.
    Whole(Vec<u8>),
}

impl Cutter {
    fn push(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        match self {
            Self::Events(parser) => parser.push(bytes),
            Self::Whole(body) => {
                body.extend_from_slice(bytes);
                Vec::new()
            }
        }
    }
}

struct State {
    reading: Reading,
    body: Body,
    cutter: Cutter,
    answer: Answer,
    received_bytes: usize,
    ready: VecDeque<Result<Delta, Error>>,
    has_ended: bool,
}

impl State {
    async fn next(&mut self) -> Option<Result<Delta, Error>> {
        loop {
            if let Some(delta) = self.ready.pop_front() {
                return Some(delta);
            }
            if self.has_ended {
                return None;
            }
            let (deadline, phase) = self.reading.deadlines.next();
            match timeout_at(deadline, self.body.next()).await {
                Ok(Some(Ok(bytes))) => self.receive(&bytes),
                Ok(None) => self.end_of_body(),
                Ok(Some(Err(error))) => {
                    let reason = root_cause(&error);
                    self.end_early(|provider| Error::Interrupted { provider, reason });
                }
                Err(_) => {
                    let timeouts = self.reading.timeouts;
                    self.end_early(|provider| timeout(&provider, phase, timeouts));
                }
            }
        }
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.received_bytes += bytes.len();
        if self.received_bytes > self.reading.limit_bytes {
            let limit_bytes = self.reading.limit_bytes;
            return self.fail(|provider| Error::TooLarge { provider, limit_bytes });
        }
        for data in self.cutter.push(bytes) {
            self.take(&data);
            if self.has_ended {
                return;
            }
        }
    }

    fn take(&mut self, data: &[u8]) {
        match self.answer.take(data) {
            Ok(piece) => {
                let begun = piece.is_content || self.reading.deadlines.stall.is_some();
                if self.answer.is_whole() {
                    self.reading.deadlines.progress(EPILOGUE.min(self.reading.timeouts.stall()));
                } else if begun {
                    self.reading.deadlines.progress(self.reading.timeouts.stall());
                }
                if !piece.text.is_empty() {
                    self.ready.push_back(Ok(Delta::Text(piece.text)));
                }
                if self.answer.is_done {
                    self.finish();
                }
            }
            Err(Fault::Reported(message)) => {
                let message = quote(&message, self.reading.api_key.as_ref());
                self.end_early(|provider| Error::StreamFailed { provider, message });
            }
            Err(Fault::Malformed(reason)) => {
                self.end_early(|provider| Error::Malformed { provider, reason });
            }
        }
    }

    fn end_of_body(&mut self) {
        match std::mem::replace(&mut self.cutter, Cutter::Whole(Vec::new())) {
            Cutter::Whole(body) => {
                self.take(&body);
                if !self.has_ended {
                    self.end_of_document();
                }
            }
            Cutter::Events(parser) => {
                let rest = parser.finish();
                // Half an event is no fault of its own: the cut is.
                if let Some(data) = rest.filter(|data| is_complete(data)) {
                    self.take(&data);
                }
            }
        }
        if !self.has_ended {
            let nothing_came = self.received_bytes == 0;
            self.end_early(|provider| match nothing_came {
                true => Error::Empty { provider },
                false => Error::Interrupted { provider, reason: "it ended before it was whole".into() },
            });
        }
    }

    /// A complete document is a whole answer, whatever it says about its end.
    fn end_of_document(&mut self) {
        if self.answer.is_whole() || !self.answer.text.is_empty() {
            return self.finish();
        }
        let reason = "JSON without an answer in it".into();
        self.fail(|provider| Error::Malformed { provider, reason });
    }

    /// Something went wrong; that is no matter if the text was whole already.
    fn end_early(&mut self, error: impl FnOnce(String) -> Error) {
        if self.answer.is_whole() { self.finish() } else { self.fail(error) }
    }

    fn fail(&mut self, error: impl FnOnce(String) -> Error) {
        self.has_ended = true;
        self.ready.push_back(Err(error(self.reading.provider.clone())));
    }

    fn finish(&mut self) {
        let (reading, answer) = (&self.reading, std::mem::take(&mut self.answer));
        if answer.text.trim().is_empty() {
            return self.fail(|provider| Error::Empty { provider });
        }
        self.has_ended = true;
        let completion = Completion {
            usage: answer.usage.unwrap_or_else(|| Usage::estimate(&reading.request, &answer.text)),
            text: answer.text,
            model: answer.model.unwrap_or_else(|| reading.model.clone()),
            provider: reading.provider.clone(),
            finish_reason: answer.finish_reason.unwrap_or(FinishReason::Stop),
            latency_ms: u64::try_from(reading.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            attempts: Vec::new(),
        };
        self.ready.push_back(Ok(Delta::Finished(completion.with_own_attempt())));
    }
}

fn is_complete(data: &[u8]) -> bool {
    data.trim_ascii() == b"[DONE]" || serde_json::from_slice::<serde::de::IgnoredAny>(data).is_ok()
}
