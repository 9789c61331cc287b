//! Events. On streams they go out as [`runs::EventRecord::json`], which has this shape.

use serde::{Serialize, Serializer};
use serde_json::Value;
use utoipa::ToSchema;

/// One thing that happened in a run.
///
/// The kinds `submitted`, `started`, `resumed`, `step_started`, `step_completed`, `step_failed`,
/// `gate_opened`, `gate_decided`, `timer_set`, `timer_fired`, `child_started`, `child_finished`,
/// `waiting`, `log`, `artifact_added`, `cancel_requested`, `rewound`, `completed`, `failed` and
/// `cancelled` are the engine's; any other is something the workflow says.
#[derive(ToSchema)]
#[schema(example = json!({
    "run_id": "run_01hv5k3m9x7q2w8e4r6t",
    "seq": 3,
    "ts": "2026-11-21T09:30:00.000Z",
    "kind": "log",
    "payload": {"level": "info", "message": "Loading sales.csv", "step": "s1"},
}))]
#[allow(dead_code, reason = "describes the shape; the bytes come from the record")]
pub(crate) struct EventShape {
    /// The run.
    run_id: String,
    /// The place in the run's log, from 1, without gaps.
    #[schema(minimum = 1)]
    seq: u64,
    /// When.
    #[schema(format = DateTime)]
    ts: String,
    /// What sort of thing.
    kind: String,
    /// What the kind says.
    payload: Value,
}

/// An event as it is sent: the bytes all its readers share.
pub(crate) struct Event(pub runs::EventRecord);

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, into: S) -> Result<S::Ok, S::Error> {
        let text = std::str::from_utf8(self.0.json()).expect("JSON is UTF-8");
        let raw: &serde_json::value::RawValue =
            serde_json::from_str(text).map_err(serde::ser::Error::custom)?;
        raw.serialize(into)
    }
}

impl utoipa::PartialSchema for Event {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        <EventShape as utoipa::PartialSchema>::schema()
    }
}

impl ToSchema for Event {
    fn name() -> std::borrow::Cow<'static, str> {
        "Event".into()
    }
}
