//! What is answered from here and not by the host that was asked for.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full, combinators::BoxBody};
use hyper::{
    Response, StatusCode,
    header::{CONNECTION, CONTENT_TYPE, HeaderValue},
};

use super::{Failure, Refusal, Stopped};

/// The body of an answer, whoever gives it.
pub(super) type Body = BoxBody<Bytes, hyper::Error>;

/// What a reader of an event is shown of a host that is none.
const MAX_SHOWN: usize = 253;

/// The answer to a request that was stopped, in words for whoever reads a tool's output.
pub(super) fn stopped(host: &str, stopped: &Stopped) -> Response<Body> {
    let shown = if host.is_empty() { "the host" } else { host };
    let text = match stopped {
        Stopped::Refused(refusal) if refusal.can_be_allowed() => format!(
            "Atelier refused to connect to {shown}: {refusal}.\n\
             The owner can allow it for this session.\n"
        ),
        Stopped::Refused(refusal) => format!("Atelier refused to connect to {shown}: {refusal}.\n"),
        Stopped::Failed(failure) => format!("Atelier could not connect to {shown}: {failure}.\n"),
    };
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = status(stopped);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    close_after(&mut response);
    response
}

fn status(stopped: &Stopped) -> StatusCode {
    match stopped {
        Stopped::Refused(
            Refusal::BadHost(_)
            | Refusal::HostHeaderDiffers
            | Refusal::Malformed(_)
            | Refusal::NotTls
            | Refusal::ServerNameMissing
            | Refusal::ServerNameDiffers
            | Refusal::ServerNameHidden,
        ) => StatusCode::BAD_REQUEST,
        Stopped::Refused(Refusal::TooSlow) => StatusCode::REQUEST_TIMEOUT,
        Stopped::Refused(
            Refusal::NotAllowed
            | Refusal::Denied
            | Refusal::Withdrawn
            | Refusal::AddressLiteral
            | Refusal::AddressForbidden { .. }
            | Refusal::UnknownAddress
            | Refusal::ReadOnly
            | Refusal::BudgetSpent,
        ) => StatusCode::FORBIDDEN,
        Stopped::Failed(Failure::TimedOut) => StatusCode::GATEWAY_TIMEOUT,
        Stopped::Failed(
            Failure::NameNotFound | Failure::Unreachable | Failure::NotSecure | Failure::NoAnswer,
        ) => StatusCode::BAD_GATEWAY,
    }
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Empty::new().map_err(|never| match never {}).boxed());
    *response.status_mut() = status;
    response
}

/// Ends the connection after this answer.
pub(super) fn close_after(response: &mut Response<Body>) {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
}

/// What of a host that is none can be shown: no user and password, nothing unprintable, not long.
pub(super) fn printable(text: &str) -> String {
    let host = text.rsplit('@').next().unwrap_or(text);
    host.chars().filter(|letter| letter.is_ascii_graphic()).take(MAX_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_refusal_says_which_host_why_and_what_to_do() {
        let answer = stopped("evil.test", &Refusal::NotAllowed.into());
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        let text = answer.into_body().collect().await.expect("a body").to_bytes();
        assert_eq!(
            str::from_utf8(&text).expect("text"),
            "Atelier refused to connect to evil.test: this host and port are not among those this \
             session may reach.\nThe owner can allow it for this session.\n"
        );
    }

    #[test]
    fn no_password_is_shown() {
        assert_eq!(printable("ana:secret@a.example:80"), "a.example:80");
        assert_eq!(printable("a\u{1b}[31m.example"), "a[31m.example");
        assert_eq!(printable(&"a".repeat(999)).len(), MAX_SHOWN);
    }
}
