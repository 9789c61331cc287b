//! `GET /api/v1/events`: every run at once, from now on.

use ::runs::EventRecord;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use futures::Stream;
use kernel::RunId;
use serde::Deserialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::{Caller, ReadRuns};
use crate::error::Error;
use crate::extract::{Parameters, invalid};
use crate::follow::sse;

/// The most events that become one chunk.
const BATCH: usize = 512;
const LONGEST_KIND: usize = 100;

/// The route of all events.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(stream_events))
}

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StreamQuery {
    /// Only events of this run.
    #[param(pattern = "^run_[0-9abcdefghjkmnpqrstvwxyz]{20}$", example = "run_01hv5k3m9x7q2w8e4r6t")]
    run_id: Option<String>,
    /// Only events of this kind.
    #[param(max_length = 100, example = "gate_opened")]
    kind: Option<String>,
}

/// Follows all runs
///
/// Server-sent events from now on, without replay: read lists anew after a reconnect. `id` is
/// `run_id:seq`. A reader that falls thousands of events behind gets `event: lagged` and the end of
/// the stream.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    tag = "runs",
    params(StreamQuery),
    responses(
        (status = 200, description = "The events, as they happen", content_type = "text/event-stream", body = String),
    ),
    security(("token" = ["read:runs"])),
)]
async fn stream_events(
    _caller: Caller<ReadRuns>,
    State(app): State<App>,
    Parameters(query): Parameters<StreamQuery>,
) -> Result<Response, Error> {
    let run_id = match query.run_id {
        Some(id) => Some(id.parse::<RunId>().map_err(|error| invalid("run_id", error.to_string()))?),
        None => None,
    };
    if query.kind.as_ref().is_some_and(|kind| kind.chars().count() > LONGEST_KIND) {
        return Err(invalid("kind", format!("it is longer than {LONGEST_KIND} characters")));
    }
    let listener = Listener { events: app.engine.feed().listen(), run_id, kind: query.kind, app };
    Ok(sse::response(listener.chunks()))
}

struct Listener {
    events: Receiver<EventRecord>,
    run_id: Option<RunId>,
    kind: Option<String>,
    app: App,
}

impl Listener {
    fn chunks(self) -> impl Stream<Item = Bytes> {
        futures::stream::unfold(Some(self), async |listener| {
            let mut listener = listener?;
            match listener.next().await {
                Ok(Some(chunk)) => Some((chunk, Some(listener))),
                Ok(None) => None,
                Err(missed) => Some((lagged(missed), None)),
            }
        })
    }

    /// The next chunk; none when the server stops. Fails with how many events were missed.
    async fn next(&mut self) -> Result<Option<Bytes>, u64> {
        let deadline = tokio::time::Instant::now() + self.app.options.heartbeat;
        let mut chunk = Vec::new();
        while chunk.is_empty() {
            let first = tokio::select! {
                biased;
                () = self.app.lifetime.stopping.cancelled() => return Ok(None),
                first = self.events.recv() => first,
                () = tokio::time::sleep_until(deadline) => return Ok(Some(sse::HEARTBEAT)),
            };
            match first {
                Ok(record) => self.push(&mut chunk, &record),
                Err(RecvError::Closed) => return Ok(None),
                Err(RecvError::Lagged(missed)) => return Err(missed),
            }
            self.push_waiting(&mut chunk)?;
        }
        Ok(Some(chunk.into()))
    }

    fn push_waiting(&mut self, chunk: &mut Vec<u8>) -> Result<(), u64> {
        for _ in 1..BATCH {
            match self.events.try_recv() {
                Ok(record) => self.push(chunk, &record),
                Err(TryRecvError::Lagged(missed)) => return Err(missed),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        Ok(())
    }

    fn push(&self, chunk: &mut Vec<u8>, record: &EventRecord) {
        let wanted = self.run_id.as_ref().is_none_or(|id| id == record.run_id())
            && self.kind.as_ref().is_none_or(|kind| kind == record.event().kind());
        if wanted {
            sse::push(chunk, format_args!("{}:{}", record.run_id(), record.seq()), record);
        }
    }
}

fn lagged(missed: u64) -> Bytes {
    format!("event: lagged\ndata: {{\"missed\":{missed}}}\n\n").into()
}
