//! What went wrong, as the command line tells it: a server's refusal or a failure on this side.

use std::fmt;

use kernel::Kind;
use serde::Deserialize;

/// A failure with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Decides the exit code.
    pub kind: Kind,
    /// A stable, snake_case identifier.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// The server's name for the request, under which its log says more.
    pub request_id: Option<String>,
}

/// The body of a refusal, `application/problem+json`.
#[derive(Deserialize)]
struct Body {
    detail: String,
    code: String,
    #[serde(default)]
    hint: Option<String>,
    #[serde(default)]
    request_id: Option<String>,
}

impl Problem {
    /// A failure of the given kind.
    pub fn new(kind: Kind, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, code: code.into(), message: message.into(), hint: None, request_id: None }
    }

    /// [`Kind::Invalid`].
    pub fn invalid(code: &str, message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, code, message)
    }

    /// [`Kind::Unavailable`].
    pub fn unavailable(code: &str, message: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, code, message)
    }

    /// [`Kind::Internal`].
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, "internal", message)
    }

    /// Adds what to do next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A failure that came as an event of a stream.
    pub fn of_event(data: &serde_json::Value) -> Self {
        let text = |member: &str| data[member].as_str().map(str::to_owned);
        let message = text("message").or(text("detail")).unwrap_or_default();
        let problem = Self::unavailable("stream_failed", message);
        Self { code: text("code").unwrap_or(problem.code), hint: text("hint"), ..problem }
    }

    /// The refusal in a response, if its body is one.
    pub(super) fn from_response(status: u16, body: &[u8]) -> Option<Self> {
        let body: Body = serde_json::from_slice(body).ok()?;
        Some(Self {
            kind: kind_of(status, &body.code),
            code: body.code,
            message: body.detail,
            hint: body.hint,
            request_id: body.request_id,
        })
    }
}

fn kind_of(status: u16, code: &str) -> Kind {
    match status {
        401 => Kind::Unauthenticated,
        403 => Kind::Forbidden,
        404 => Kind::NotFound,
        409 if code == "cancelled" => Kind::Cancelled,
        409 => Kind::Conflict,
        413 | 429 | 507 => Kind::Limit,
        408 | 502..=504 => Kind::Unavailable,
        400..=499 => Kind::Invalid,
        _ => Kind::Internal,
    }
}

impl From<kernel::Error> for Problem {
    fn from(error: kernel::Error) -> Self {
        let hint = match (error.kind, error.causes()) {
            // There is no server's log to look into: this is the one who asks.
            (Kind::Internal, Some(causes)) => Some(format!("This is a defect in Atelier: {causes}")),
            _ => error.hint,
        };
        Self { hint, ..Self::new(error.kind, error.code, error.message) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_its_code_and_hint_and_gets_the_kind_of_its_status() {
        let body = br#"{"type":"about:blank","title":"Not Found","status":404,"detail":"There is no run x",
            "code":"run_not_found","hint":"List the runs","request_id":"req_1","later":1}"#;
        let problem = Problem::from_response(404, body).unwrap();
        assert_eq!((problem.kind, problem.code.as_str()), (Kind::NotFound, "run_not_found"));
        assert_eq!(problem.to_string(), "There is no run x");
        assert_eq!(problem.hint.as_deref(), Some("List the runs"));
        assert_eq!(Problem::from_response(502, b"<html>"), None);
    }

    #[test]
    fn statuses_become_kinds() {
        for (status, kind) in [
            (400, Kind::Invalid),
            (401, Kind::Unauthenticated),
            (403, Kind::Forbidden),
            (409, Kind::Conflict),
            (413, Kind::Limit),
            (415, Kind::Invalid),
            (422, Kind::Invalid),
            (429, Kind::Limit),
            (500, Kind::Internal),
            (503, Kind::Unavailable),
            (507, Kind::Limit),
        ] {
            assert_eq!(kind_of(status, "x"), kind, "{status}");
        }
        assert_eq!(kind_of(409, "cancelled"), Kind::Cancelled);
    }
}
