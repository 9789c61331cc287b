//! Reads to its end what nobody has read of a request's body.
//!
//! A request can be refused before its body is looked at. To leave the rest where it is would close
//! the connection: a client that sends first and listens later would never get its answer, and one
//! that goes on with its next request would find nobody there.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header::EXPECT;
use futures::StreamExt;
use hyper::body::{Frame, SizeHint};
use tokio::runtime::Handle;

use crate::extract::MEBIBYTE;

/// How much is read and thrown away; who sends more does not get its answer.
const LIMIT: usize = 128 * MEBIBYTE;
const PATIENCE: Duration = Duration::from_secs(10);

/// Has the body be read to its end, unless its client asks before it sends it.
pub(super) fn read_later(request: &mut Request) {
    if !request.body().is_end_stream() && !request.headers().contains_key(EXPECT) {
        let body = std::mem::take(request.body_mut());
        *request.body_mut() = Body::new(ReadToEnd(Some(body)));
    }
}

/// A body, until its end.
struct ReadToEnd(Option<Body>);

impl HttpBody for ReadToEnd {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.0 else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.0 = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for ReadToEnd {
    fn drop(&mut self) {
        let Some(body) = self.0.take().filter(|body| !body.is_end_stream()) else { return };
        if body.size_hint().lower() > LIMIT as u64 {
            return;
        }
        // Without a runtime there is no connection either.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(tokio::time::timeout(PATIENCE, read(body)));
        }
    }
}

async fn read(body: Body) {
    let mut pieces = body.into_data_stream();
    let mut left = LIMIT;
    while let Some(Ok(piece)) = pieces.next().await
        && piece.len() <= left
    {
        left -= piece.len();
    }
}
