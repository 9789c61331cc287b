//! Reads an answer off the wire, against the clock.
//!
//! Invariant: [`Said::Finished`] comes only when the server said that its answer is whole (a finish
//! reason or the mark of the end), or sent it as one complete JSON document. Anything else that
//! ends is an error.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::time::{Instant, timeout_at};

use super::{quote, root_cause};
use crate::dialect::{Decode, Dialect, Fault, Transcript};
use crate::error::{Error, Phase};
use crate::message::{Completion, FinishReason, Request, Usage};
use crate::options::TimeoutOptions;
use crate::provider::{Delta, Piece, Said, SaidStream};
use crate::secret::ApiKey;
use crate::sse::{Event, Parser};

/// How long to wait for usage and the mark of the end once the answer is whole.
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

    /// For an answer that comes in one piece, when it is whole.
    pub(super) fn of_document(started: Instant, timeouts: TimeoutOptions) -> Self {
        let total = started + timeouts.total();
        Self { first_content: total, total, stall: None }
    }

    /// The deadline that comes next.
    pub(super) fn next(&self) -> (Instant, Phase) {
        let (deadline, phase) = match self.stall {
            Some(stall) => (stall, Phase::Stall),
            None => (self.first_content, Phase::FirstContent),
        };
        if self.total <= deadline { (self.total, Phase::Total) } else { (deadline, phase) }
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
    pub(super) dialect: Dialect,
    /// Whether whoever asked speaks the dialect and gets events as they came.
    pub(super) passes_on: bool,
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
    pub(super) fn said(self, body: Body, content_type: &str) -> SaidStream {
        let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if media_type == "text/html" {
            let reason = "a web page; the base URL may be wrong".into();
            let error = Error::Malformed { provider: self.provider, reason };
            return stream::iter([Err(error)]).boxed();
        }
        let cutter = if media_type == "application/json" {
            Cutter::Whole(BytesMut::new())
        } else {
            Cutter::Events(Parser::default())
        };
        // Boxed, since it is moved in and out with each piece.
        let state = Box::new(State {
            decoder: self.dialect.decoder(&self.request),
            reading: self,
            body,
            cutter,
            transcript: Transcript::default(),
            epilogue: BytesMut::new(),
            received_bytes: 0,
            ready: VecDeque::new(),
            held: Vec::new(),
            has_ended: false,
        });
        stream::unfold(state, |mut state| async { state.next().await.map(|said| (said, state)) }).boxed()
    }
}

/// Cuts the body into what a decoder understands.
enum Cutter {
    /// As events.
    Events(Parser),
    /// Not at all: a server that answers in one piece.
    Whole(BytesMut),
}

struct State {
    reading: Reading,
    body: Body,
    cutter: Cutter,
    decoder: Box<dyn Decode>,
    transcript: Transcript,
    /// The events that say that and how the answer ended, as they came.
    epilogue: BytesMut,
    received_bytes: usize,
    ready: VecDeque<Result<Said, Error>>,
    /// The events of a tool call that is not whole yet.
    held: Vec<(Event, Vec<Delta>)>,
    has_ended: bool,
}

impl State {
    async fn next(&mut self) -> Option<Result<Said, Error>> {
        loop {
            if let Some(said) = self.ready.pop_front() {
                return Some(said);
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
        let mut events = Vec::new();
        match &mut self.cutter {
            Cutter::Events(parser) => parser.push(bytes, |event| events.push(event)),
            Cutter::Whole(body) => body.extend_from_slice(bytes),
        }
        for event in events {
            self.take(event);
            if self.has_ended {
                return;
            }
        }
    }

    fn take(&mut self, event: Event) {
        let mut deltas = Vec::new();
        let result = self.decoder.event(&event.data, &mut deltas);
        self.note(&deltas);
        let ending = self.decoder.ending();
        if ending.is_whole() {
            self.reading.deadlines.progress(EPILOGUE.min(self.reading.timeouts.stall()));
        } else if ending.has_begun {
            self.reading.deadlines.progress(self.reading.timeouts.stall());
        }
        let (is_whole, is_done) = (ending.is_whole(), ending.is_done);
        if let Err(fault) = result {
            let api_key = self.reading.api_key.as_ref();
            return match fault {
                Fault::Reported(message) => {
                    let message = quote(&message, api_key);
                    self.end_early(|provider| Error::StreamFailed { provider, message });
                }
                Fault::Withheld(reason) => {
                    let reason = quote(&reason, api_key);
                    self.end_early(|provider| Error::Withheld { provider, reason });
                }
                Fault::Malformed(reason) => {
                    let reason = quote(&reason, api_key);
                    self.end_early(|provider| Error::Malformed { provider, reason });
                }
            };
        }
        if self.decoder.holds_back() {
            return self.held.push((event, deltas));
        }
        if is_whole && deltas.is_empty() && self.held.is_empty() {
            self.epilogue.extend_from_slice(&event.frame);
        } else {
            self.say(deltas, Some(event));
        }
        if is_done {
            self.finish(None);
        }
    }

    /// Hands on what an event brought, with whatever was held back before it.
    fn say(&mut self, deltas: Vec<Delta>, raw: Option<Event>) {
        let held = std::mem::take(&mut self.held).into_iter().map(|(event, deltas)| (deltas, Some(event)));
        for (deltas, raw) in held.chain([(deltas, raw)]) {
            let raw = raw.filter(|_| self.reading.passes_on);
            if raw.is_some() || !deltas.is_empty() {
                self.ready.push_back(Ok(Said::Piece(Piece { deltas, raw })));
            }
        }
    }

    fn note(&mut self, deltas: &[Delta]) {
        deltas.iter().for_each(|delta| self.transcript.push(delta));
    }

    fn end_of_body(&mut self) {
        match std::mem::replace(&mut self.cutter, Cutter::Whole(BytesMut::new())) {
            Cutter::Whole(body) => self.document(&body.freeze()),
            Cutter::Events(parser) => {
                // Half an event is no fault of its own: the cut is.
                if let Some(data) = parser.finish().filter(|data| is_complete(data)) {
                    let frame = [b"data: ", &data[..], b"\n\n"].concat().into();
                    self.take(Event { frame, data });
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
    fn document(&mut self, body: &Bytes) {
        if body.is_empty() {
            return;
        }
        let mut deltas = Vec::new();
        match self.decoder.document(body, &mut deltas) {
            Ok(()) => {
                self.note(&deltas);
                let is_answer = self.decoder.ending().is_whole() || !self.transcript.is_blank();
                if !is_answer {
                    let reason = "JSON without an answer in it".into();
                    return self.fail(|provider| Error::Malformed { provider, reason });
                }
                self.say(deltas, None);
                self.finish(Some(body.clone()));
            }
            Err(Fault::Reported(message)) => {
                let message = quote(&message, self.reading.api_key.as_ref());
                self.fail(|provider| Error::StreamFailed { provider, message });
            }
            Err(Fault::Withheld(reason)) => {
                let reason = quote(&reason, self.reading.api_key.as_ref());
                self.fail(|provider| Error::Withheld { provider, reason });
            }
            Err(Fault::Malformed(reason)) => self.fail(|provider| Error::Malformed { provider, reason }),
        }
    }

    /// Something went wrong; that is no matter if the answer was whole already.
    fn end_early(&mut self, error: impl FnOnce(String) -> Error) {
        if self.decoder.ending().is_whole() { self.finish(None) } else { self.fail(error) }
    }

    fn fail(&mut self, error: impl FnOnce(String) -> Error) {
        self.has_ended = true;
        self.ready.push_back(Err(error(self.reading.provider.clone())));
    }

    fn finish(&mut self, document: Option<Bytes>) {
        if self.transcript.is_blank() {
            let is_withheld = self.decoder.ending().finish_reason == Some(FinishReason::ContentFilter);
            return self.fail(|provider| match is_withheld {
                true => Error::Withheld { provider, reason: "its content filter stopped it".into() },
                false => Error::Empty { provider },
            });
        }
        self.has_ended = true;
        let (reading, ending) = (&self.reading, self.decoder.ending());
        let parts = std::mem::take(&mut self.transcript).into_parts();
        // Only an end that was said to the end can be passed on.
        let epilogue = (ending.is_done && !self.epilogue.is_empty()).then(|| self.epilogue.split().freeze());
        let completion = Completion {
            usage: ending.usage.unwrap_or_else(|| Usage::estimate(&reading.request, &parts)),
            parts,
            model: ending.model.clone().unwrap_or_else(|| reading.model.clone()),
            provider: reading.provider.clone(),
            finish_reason: ending.finish_reason.clone().unwrap_or(FinishReason::Stop),
            stop_sequence: ending.stop_sequence.clone(),
            latency_ms: u64::try_from(reading.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            attempts: Vec::new(),
            raw: document.or(epilogue).filter(|_| reading.passes_on),
        };
        self.ready.push_back(Ok(Said::Finished(completion.with_own_attempt())));
    }
}

fn is_complete(data: &[u8]) -> bool {
    data.trim_ascii() == b"[DONE]" || serde_json::from_slice::<serde::de::IgnoredAny>(data).is_ok()
}
