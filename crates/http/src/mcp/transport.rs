//! What happens to a request before and after rmcp has it.
//!
//! Before: the body is read up to its limit and must be one JSON-RPC message, and a session that is
//! somebody else's is not found. After: a refusal that rmcp writes as plain text becomes a JSON-RPC
//! error, without internal detail.
//!
//! Invariant: there are never more sessions than [`Limits`] says. Who opens one too many gives up the
//! one of their own that was quiet for longest; when everybody together has too many, nobody is
//! thrown out and the new one is refused.

mod sessions;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use rmcp::ServerHandler;
use rmcp::model::ErrorCode;
use rmcp::transport::streamable_http_server::session::local::{LocalSessionManager, SessionConfig};
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::error::Error;
use sessions::Sessions;

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
/// What rmcp has to say about a refusal is a sentence.
const LONGEST_REFUSAL: usize = 4 * 1024;
/// What is said over a session that does not exist; the code is that of the official servers.
const SESSION_NOT_FOUND: i32 = -32_001;
const TOO_MANY_SESSIONS: i32 = -32_000;

/// How much is taken.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest body, in bytes.
    pub body_bytes: usize,
    /// Open sessions, of everybody together.
    pub sessions: usize,
    /// Open sessions of one caller.
    pub sessions_each: usize,
    /// How long a session may be quiet before it is closed.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 8 << 20,
            sessions: 256,
            sessions_each: 32,
            // Assistants stay connected over a working day and say nothing for most of it.
            idle: Duration::from_secs(12 * 60 * 60),
        }
    }
}

/// Speaks the protocol over HTTP.
pub(super) struct Transport<H> {
    service: StreamableHttpService<H, LocalSessionManager>,
    sessions: Sessions,
    limits: Limits,
}

impl<H: ServerHandler> Transport<H> {
    /// Ends every stream when `stopping` is cancelled.
    pub fn new(
        handler: impl Fn() -> H + Send + Sync + 'static,
        stopping: &CancellationToken,
        limits: Limits,
    ) -> Self {
        let mut session = SessionConfig::default();
        session.keep_alive = Some(limits.idle);
        let mut manager = LocalSessionManager::default();
        manager.session_config = session;
        let manager = Arc::new(manager);
        let mut config = StreamableHttpServerConfig::default()
            // Hosts and origins are checked for every route alike.
            .disable_allowed_hosts()
            .with_cancellation_token(stopping.clone());
        config.max_request_body_bytes = limits.body_bytes;
        let service = StreamableHttpService::new(move || Ok(handler()), manager.clone(), config);
        Self { service, sessions: Sessions::new(manager), limits }
    }

    /// The answer to a request of `caller`.
    pub async fn answer(&self, caller: &str, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let (message, body) = match parts.method {
            Method::POST => match self.read(body).await {
                Ok(read) => read,
                Err(refusal) => return refusal,
            },
            _ => (Value::Null, Bytes::new()),
        };
        let session = session_of(&parts.headers);
        if let Some(session) = &session
            && !self.sessions.admit(session, caller)
        {
            let refusal = failure(SESSION_NOT_FOUND, "Session not found", &message["id"]);
            return (StatusCode::NOT_FOUND, refusal).into_response();
        }
        let ends = parts.method == Method::DELETE;
        let opens = session.is_none() && message["method"] == "initialize";
        let request = Request::from_parts(parts, Body::from(body));
        let response =
            if opens { self.open(caller, &message, request).await } else { self.serve(request).await };
        if ends
            && response.status().is_success()
            && let Some(session) = session
        {
            self.sessions.forget(&session);
        }
        told(response, &message).await
    }

    async fn serve(&self, request: Request) -> Response {
        match self.service.clone().call(request).await {
            Ok(response) => response.map(Body::new),
            Err(never) => match never {},
        }
    }

    /// Opens a session, one at a time, so that two cannot both be the last.
    async fn open(&self, caller: &str, message: &Value, request: Request) -> Response {
        let _turn = self.sessions.turn().await;
        if !self.sessions.make_room(caller, self.limits).await {
            let text = "The server has as many sessions as it takes; try again in a moment";
            let refusal = failure(TOO_MANY_SESSIONS, text, &message["id"]);
            return (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "10")], refusal).into_response();
        }
        let response = self.serve(request).await;
        if let Some(session) = session_of(response.headers()) {
            self.sessions.remember(session, caller);
        }
        response
    }

    /// The one message a body must be, with the body as it came.
    async fn read(&self, body: Body) -> Result<(Value, Bytes), Response> {
        let limit = self.limits.body_bytes;
        let Ok(body) = to_bytes(body, limit).await else {
            let limit = format!("{} KiB", limit / 1024);
            return Err(Error::TooLarge { what: "The body", limit }.into_response());
        };
        let refuse = |code: ErrorCode, text: &str, id: &Value| {
            (StatusCode::BAD_REQUEST, failure(code.0, text, id)).into_response()
        };
        let message: Value = serde_json::from_slice(&body)
            .map_err(|_| refuse(ErrorCode::PARSE_ERROR, "The body is not valid JSON", &Value::Null))?;
        match unfit(&message) {
            None => Ok((message, body)),
            Some(problem) => Err(refuse(ErrorCode::INVALID_REQUEST, problem, &message["id"])),
        }
    }
}

/// Why a value is no JSON-RPC message, if it is none.
fn unfit(message: &Value) -> Option<&'static str> {
    let Some(members) = message.as_object() else {
        return Some("The body must be one JSON-RPC message, not a list of them");
    };
    if message["jsonrpc"] != "2.0" {
        return Some("The member `jsonrpc` must be \"2.0\"");
    }
    if members.get("id").is_some_and(|id| !(id.is_string() || id.is_i64() || id.is_u64())) {
        return Some("The member `id` must be a text or a whole number");
    }
    if members.get("params").is_some_and(|params| !params.is_object()) {
        return Some("The member `params` must be an object");
    }
    match members.get("method") {
        Some(method) if !method.is_string() => Some("The member `method` must be a text"),
        None if !(members.contains_key("result") || members.contains_key("error")) => {
            Some("A message has a `method`, a `result` or an `error`")
        }
        _ => None,
    }
}

/// A JSON-RPC error. The id is left out where it is not known.
fn failure(code: i32, text: &str, id: &Value) -> ([(HeaderName, HeaderValue); 1], Body) {
    let mut message = json!({"jsonrpc": "2.0"});
    if id.is_string() || id.is_number() {
        message["id"] = id.clone();
    }
    message["error"] = json!({"code": code, "message": text});
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], Body::from(message.to_string()))
}

/// The response; a refusal in plain text as a JSON-RPC error.
async fn told(response: Response, message: &Value) -> Response {
    let status = response.status();
    let plain =
        response.headers().get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !(status.is_client_error() || status.is_server_error()) || !plain {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let text = to_bytes(body, LONGEST_REFUSAL).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let (code, text) = match status {
        StatusCode::NOT_FOUND => (SESSION_NOT_FOUND, "Session not found"),
        // It was JSON-RPC, so what does not fit is what the method takes.
        StatusCode::UNSUPPORTED_MEDIA_TYPE if text.starts_with("fail to deserialize") => {
            parts.status = StatusCode::BAD_REQUEST;
            (ErrorCode::INVALID_PARAMS.0, "The parameters do not fit the method")
        }
        status if status.is_server_error() => {
            tracing::error!(%status, detail = %text, "a message of the protocol could not be served");
            (ErrorCode::INTERNAL_ERROR.0, "Internal error")
        }
        _ => (ErrorCode::INVALID_REQUEST.0, text.as_ref()),
    };
    let (headers, body) = failure(code, text, &message["id"]);
    parts.headers.extend(headers);
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, body)
}

fn session_of(headers: &HeaderMap) -> Option<String> {
    headers.get(SESSION)?.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &str, fits: bool) {
        let message: Value = serde_json::from_str(message).unwrap();
        assert_eq!(unfit(&message).is_none(), fits, "{message}: {:?}", unfit(&message));
    }

    #[test]
    fn takes_one_message_and_nothing_else() {
        check(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, true);
        check(r#"{"jsonrpc":"2.0","id":"a","method":"ping","params":{}}"#, true);
        check(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, true);
        check(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, true);
        check(r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}"#, true);
        for unfit in [
            "1",
            "null",
            "[]",
            r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
            r#"{"id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
        ] {
            check(unfit, false);
        }
    }
}
