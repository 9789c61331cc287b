//! Puts a script into a page that is shown in the Studio's frame, so that the Studio learns of the
//! page's errors. Everything else of the page stays as it is.

use axum::body::{Body, Bytes};
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, Method, Request};
use axum::response::Response;
use futures::{Stream, StreamExt};

/// Where the script is.
pub(super) const PATH: &str = "/__atelier/frame.js";
/// It itself.
pub(super) const SCRIPT: &str = include_str!("frame.js");

const TAG: &[u8] = b"<script src=\"/__atelier/frame.js\"></script>";
const FETCH_DESTINATION: HeaderName = HeaderName::from_static("sec-fetch-dest");
/// A page whose head does not begin within so many bytes is left as it is.
const LOOKED_AT: usize = 16 << 10;

/// Whether a request is for a page in a frame. Its answer is asked for as it is, not compressed.
pub(super) fn is_for_a_frame<B>(request: &mut Request<B>) -> bool {
    let is_frame = request.method() == Method::GET
        && request.headers().get(FETCH_DESTINATION).is_some_and(|destination| destination == "iframe");
    if is_frame {
        request.headers_mut().remove(ACCEPT_ENCODING);
    }
    is_frame
}

/// The answer with the script, if it is a page.
pub(super) fn inject(mut response: Response) -> Response {
    if !is_plain_page(response.headers()) {
        return response;
    }
    response.headers_mut().remove(CONTENT_LENGTH);
    response.map(|body| Body::from_stream(with_tag(body.into_data_stream())))
}

fn is_plain_page(headers: &HeaderMap) -> bool {
    let is_html = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("text/html"));
    is_html && !headers.contains_key(CONTENT_ENCODING)
}

fn with_tag(
    body: impl Stream<Item = Result<Bytes, axum::Error>> + Send + 'static,
) -> impl Stream<Item = Result<Bytes, axum::Error>> {
    // What was held back until the place is found; `None` afterwards.
    let state = (Box::pin(body), Some(Vec::new()));
    futures::stream::unfold(state, async |(mut body, mut held)| {
        loop {
            let next = body.next().await;
            let Some(mut waiting) = held.take() else {
                return next.map(|next| (next, (body, None)));
            };
            let ended = match next {
                Some(Ok(bytes)) => {
                    waiting.extend_from_slice(&bytes);
                    false
                }
                Some(Err(error)) => return Some((Err(error), (body, None))),
                None => true,
            };
            if let Some(at) = end_of_head_tag(&waiting) {
                waiting.splice(at..at, TAG.iter().copied());
            } else if !ended && waiting.len() < LOOKED_AT {
                held = Some(waiting);
                continue;
            }
            return match waiting.is_empty() {
                true => None,
                false => Some((Ok(waiting.into()), (body, None))),
            };
        }
    })
}

/// The place right behind `<head …>`.
fn end_of_head_tag(html: &[u8]) -> Option<usize> {
    let begin = html.windows(5).position(|word| word.eq_ignore_ascii_case(b"<head"))?;
    // `<header>` is another one.
    let after = html.get(begin + 5)?;
    if !(after.is_ascii_whitespace() || *after == b'>') {
        return None;
    }
    let end = html[begin..].iter().position(|byte| *byte == b'>')?;
    Some(begin + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn page(chunks: &[&'static str]) -> String {
        let chunks: Vec<Result<Bytes, axum::Error>> =
            chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk.as_bytes()))).collect();
        let whole: Vec<_> =
            with_tag(futures::stream::iter(chunks)).map(|chunk| chunk.expect("no error")).collect().await;
        String::from_utf8(whole.concat()).expect("text")
    }

    #[tokio::test]
    async fn the_script_comes_first_in_the_head_and_nothing_else_changes() {
        let tag = String::from_utf8_lossy(TAG);
        assert_eq!(
            page(&["<!doctype html><head>", "<title>x"]).await,
            format!("<!doctype html><head>{tag}<title>x")
        );
        assert_eq!(
            page(&["<html><HE", "AD lang=\"en\"", "><b>"]).await,
            format!("<html><HEAD lang=\"en\">{tag}<b>")
        );
        for same in [&["<p>no head"][..], &["<header>", "x"], &[], &["<head"]] {
            assert_eq!(page(same).await, same.concat());
        }
    }
}
