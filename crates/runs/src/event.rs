//! Events: what a run says, numbered from 1, append-only.
//!
//! The kinds below drive the engine. A workflow may say anything else under a kind of its own
//! ([`Event::Said`]); the engine stores and delivers it and never looks inside.

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use kernel::{RunId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Error;

/// Why a step or a run failed, as it is recorded and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A stable, snake_case identifier.
    pub code: String,
    /// What happened, for a person.
    pub message: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Whether trying again may help.
    #[serde(default)]
    pub retryable: bool,
    /// What the step had found out until then, in the shape of its result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Box<Value>>,
}

impl Failure {
    /// A failure that trying again does not mend.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), hint: None, retryable: false, detail: None }
    }
}

impl From<kernel::Error> for Failure {
    fn from(error: kernel::Error) -> Self {
        if error.kind == kernel::Kind::Internal {
            tracing::error!(code = error.code, source = ?error.source, "internal error in a run");
        }
        let retryable = error.kind == kernel::Kind::Unavailable;
        Self { code: error.code.into(), message: error.message, hint: error.hint, retryable, detail: None }
    }
}

/// How loud a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// For whoever looks closely.
    Debug,
    /// The normal course.
    Info,
    /// Something a person may want to look at.
    Warning,
    /// Something went wrong.
    Error,
}

/// A person's answer at a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Do exactly what the gate proposes.
    Approve,
    /// Go on without it.
    Skip,
    /// Stop here.
    Reject,
}

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident($payload:ident) = $kind:literal { $($(#[$field_attribute:meta])* $field:ident: $type:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
            #[allow(missing_docs, reason = "the fields are the event's payload, described by its kind")]
            pub struct $payload { $($(#[$field_attribute])* pub $field: $type),* }
        )*

        /// One thing that happened in a run.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Event {
            $($(#[$doc])* $variant($payload),)*
            /// What a workflow says under a kind of its own.
            Said {
                /// The kind, any other than the engine's own.
                kind: String,
                /// Whatever the workflow says.
                payload: Value,
            },
        }

        impl Event {
            /// The kinds that the engine gives a meaning.
            pub const KINDS: &'static [&'static str] = &[$($kind),*];

            /// The event's kind, as stored and sent.
            pub fn kind(&self) -> &str {
                match self {
                    $(Self::$variant(_) => $kind,)*
                    Self::Said { kind, .. } => kind,
                }
            }

            /// The payload as JSON text.
            pub fn payload_json(&self) -> String {
                match self {
                    $(Self::$variant(payload) => serde_json::to_string(payload),)*
                    Self::Said { payload, .. } => serde_json::to_string(payload),
                }
                .expect("payloads hold only what JSON can say")
            }

            /// Reads an event back from its stored form.
            ///
            /// # Errors
            /// [`Error::UnreadableEvent`] when the payload does not fit the kind.
            pub fn parse(kind: &str, payload: &str) -> Result<Self, Error> {
                let unreadable = |source| Error::UnreadableEvent { kind: kind.to_owned(), source };
                match kind {
                    $($kind => serde_json::from_str(payload).map(Self::$variant),)*
                    _ => serde_json::from_str(payload).map(|payload| Self::Said { kind: kind.to_owned(), payload }),
                }
                .map_err(unreadable)
            }
        }

        $(impl From<$payload> for Event {
            fn from(payload: $payload) -> Self {
                Self::$variant(payload)
            }
        })*
    };
}

events! {
    /// The run exists from here on.
    Submitted(Submitted) = "submitted" {
        workflow: String,
        version: u32,
        title: String,
        input: Value,
        actor: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent_id: Option<RunId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        forked_from: Option<RunId>,
    }
    /// A worker took the run up for the first time.
    Started(Started) = "started" { epoch: u64 }
    /// A worker took the run up again: after a wait, a retry or the loss of the worker before it.
    Resumed(Resumed) = "resumed" { epoch: u64 }
    /// A step's body began and did not end at once. A step that ends at once has no such event.
    StepStarted(StepStarted) = "step_started" { step: String, attempt: u32 }
    /// A step's result, recorded once.
    StepCompleted(StepCompleted) = "step_completed" { step: String, attempt: u32, started_at: Timestamp, result: Value }
    /// An attempt at a step failed; with `retry_at` there is another one.
    StepFailed(StepFailed) = "step_failed" {
        step: String,
        attempt: u32,
        error: Failure,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_at: Option<Timestamp>,
    }
    /// The run asks a person.
    GateOpened(GateOpened) = "gate_opened" { gate: String, title: String, detail: String, proposal: Value, digest: String }
    /// The person's answer.
    GateDecided(GateDecided) = "gate_decided" {
        gate: String,
        decision: Verdict,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        feedback: Option<String>,
        actor: String,
        digest: String,
    }
    /// The run will sleep until `due`.
    TimerSet(TimerSet) = "timer_set" { timer: String, due: Timestamp }
    /// The moment has come.
    TimerFired(TimerFired) = "timer_fired" { timer: String }
    /// A run of its own was submitted for a part of the work.
    ChildStarted(ChildStarted) = "child_started" { child: String, run_id: RunId }
    /// That run ended.
    ChildFinished(ChildFinished) = "child_finished" {
        child: String,
        run_id: RunId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<Value>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<Failure>,
    }
    /// The run holds no worker until one of `on` is answered or due.
    Waiting(Waiting) = "waiting" {
        on: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<Timestamp>,
    }
    /// A line for people.
    Log(Log) = "log" {
        level: LogLevel,
        message: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<String>,
    }
    /// A file the run produced; a later one of the same path replaces it.
    ArtifactAdded(ArtifactAdded) = "artifact_added" { path: String, content_type: String, size: u64, digest: String }
    /// Someone wants the run to stop.
    CancelRequested(CancelRequested) = "cancel_requested" { actor: String }
    /// What was recorded from `stage` on is forgotten and done again; with `input`, on another input.
    Rewound(Rewound) = "rewound" {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stage: Option<String>,
        actor: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        input: Option<Value>,
    }
    /// The run reached its end.
    Completed(Completed) = "completed" { result: Value }
    /// The run failed.
    Failed(Failed) = "failed" { error: Failure }
    /// The run was stopped.
    Cancelled(Cancelled) = "cancelled" {}
}

impl Event {
    /// Whether the fold of the log depends on this event.
    pub fn is_structural(&self) -> bool {
        !matches!(self, Self::Said { .. } | Self::Log(_))
    }

    /// Whether this event ends the run, until someone retries it.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Completed(_) | Self::Failed(_) | Self::Cancelled(_))
    }
}

/// An event with its place in the log. Cheap to clone.
#[derive(Clone, Debug)]
pub struct EventRecord(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    run_id: RunId,
    seq: u64,
    at: Timestamp,
    event: Event,
    payload: OnceLock<String>,
    json: OnceLock<bytes::Bytes>,
}

impl EventRecord {
    /// The event at place `seq` of the run's log.
    pub fn new(run_id: RunId, seq: u64, at: Timestamp, event: Event) -> Self {
        Self(Arc::new(Inner { run_id, seq, at, event, payload: OnceLock::new(), json: OnceLock::new() }))
    }

    /// The run.
    pub fn run_id(&self) -> &RunId {
        &self.0.run_id
    }

    /// The place in the run's log, from 1.
    pub fn seq(&self) -> u64 {
        self.0.seq
    }

    /// When it happened.
    pub fn at(&self) -> Timestamp {
        self.0.at
    }

    /// What happened.
    pub fn event(&self) -> &Event {
        &self.0.event
    }

    /// The payload as JSON text, made once however often it is asked for.
    pub fn payload_json(&self) -> &str {
        self.0.payload.get_or_init(|| self.0.event.payload_json())
    }

    /// The whole record as JSON (`run_id`, `seq`, `ts`, `kind`, `payload`), made once: a thousand
    /// subscribers share the bytes.
    pub fn json(&self) -> &bytes::Bytes {
        self.0.json.get_or_init(|| {
            let mut text = String::with_capacity(self.payload_json().len() + 120);
            let kind = serde_json::to_string(self.0.event.kind()).expect("a string is JSON");
            let Inner { run_id, seq, at, .. } = &*self.0;
            let payload = self.payload_json();
            write!(
                text,
                r#"{{"run_id":"{run_id}","seq":{seq},"ts":"{at}","kind":{kind},"payload":{payload}}}"#
            )
            .expect("writing to a string cannot fail");
            text.into()
        })
    }
}

impl PartialEq for EventRecord {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (&*self.0, &*other.0);
        (&a.run_id, a.seq, a.at, &a.event) == (&b.run_id, b.seq, b.at, &b.event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_back_what_it_wrote() {
        let events = [
            Event::from(Started { epoch: 1 }),
            Event::from(Cancelled {}),
            Event::from(StepFailed {
                step: "a".into(),
                attempt: 2,
                error: Failure::new("boom", "It broke"),
                retry_at: Some(Timestamp(5)),
            }),
            Event::Said { kind: "plan".into(), payload: json!({"steps": [1, 2]}) },
        ];
        for event in events {
            assert_eq!(Event::parse(event.kind(), &event.payload_json()).unwrap(), event);
        }
    }

    #[test]
    fn an_event_that_does_not_fit_its_kind_is_a_clear_error() {
        let error = Event::parse("started", "{}").unwrap_err();
        assert_eq!(error.to_string(), "an event of kind `started` cannot be read");
    }
}
