//! Exchanges messages with a server, in either of the protocol's ways.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::api::support::Server;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The versions, and so the ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `initialize` and a session.
    Session,
    /// Every request stands alone.
    Alone,
}

pub const WAYS: [Way; 2] = [Way::Session, Way::Alone];

impl Way {
    pub fn version(self) -> &'static str {
        match self {
            Self::Session => "2025-11-25",
            Self::Alone => "2026-07-28",
        }
    }
}

/// Somebody who talks with a server.
pub struct Speaker<'a> {
    pub server: &'a Server,
    pub token: String,
    pub way: Way,
    pub session: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Every message, in order.
    pub messages: Vec<Value>,
}

impl Reply {
    /// The last message, which is the response.
    #[track_caller]
    pub fn response(&self) -> &Value {
        self.messages.last().unwrap_or_else(|| panic!("no message: {self:?}"))
    }

    /// The parameters of the notifications of this method.
    pub fn notified(&self, method: &str) -> Vec<&Value> {
        self.messages
            .iter()
            .filter(|message| message["method"] == method)
            .map(|message| &message["params"])
            .collect()
    }
}

impl<'a> Speaker<'a> {
    /// The owner.
    pub async fn owner(server: &'a Server, way: Way) -> Self {
        Self::with(server, way, server.token.clone()).await
    }

    pub async fn with(server: &'a Server, way: Way, token: String) -> Self {
        let mut speaker = Self { server, token, way, session: None };
        if way == Way::Session {
            let reply = speaker.send(&initialize()).await;
            assert_eq!(reply.status, 200, "{reply:?}");
            assert_eq!(reply.response()["result"]["protocolVersion"], way.version());
            speaker.session = Some(reply.headers["mcp-session-id"].to_str().unwrap().to_owned());
            let reply = speaker.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
            assert_eq!(reply.status, 202);
        }
        speaker
    }

    /// A request with all that belongs to it, for a test to change.
    pub fn request(&self, message: &Value) -> Request<Body> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri("/mcp")
            .header("host", "127.0.0.1:8080")
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream");
        if let Some(session) = &self.session {
            request =
                request.header("mcp-session-id", session).header("mcp-protocol-version", self.way.version());
        }
        if self.way == Way::Alone {
            request = request.header("mcp-protocol-version", self.way.version());
            request = request.header("mcp-method", message["method"].as_str().unwrap_or_default());
            let params = &message["params"];
            if let Some(name) = params["name"].as_str().or(params["uri"].as_str()) {
                request = request.header("mcp-name", name);
            }
        }
        request.body(Body::from(message.to_string())).unwrap()
    }

    pub async fn send(&self, message: &Value) -> Reply {
        self.send_request(self.request(message)).await
    }

    pub async fn send_request(&self, request: Request<Body>) -> Reply {
        // A stream that should not have been opened has no end.
        let answer = tokio::time::timeout(PATIENCE, self.server.send(request)).await.expect("it ends");
        let messages = match answer.headers.get("content-type").map(|kind| kind.to_str().unwrap()) {
            Some("text/event-stream") => events(&answer.text()),
            Some(_) => vec![answer.json()],
            None => Vec::new(),
        };
        Reply { status: answer.status, headers: answer.headers, messages }
    }

    /// The message of a request, with what the way wants in it.
    pub fn message(&self, method: &str, params: &Value) -> Value {
        let mut params = params.clone();
        if self.way == Way::Alone {
            if params.is_null() {
                params = json!({});
            }
            params["_meta"]["io.modelcontextprotocol/protocolVersion"] = self.way.version().into();
            params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
        }
        let mut message = json!({"jsonrpc": "2.0", "id": 7, "method": method});
        if !params.is_null() {
            message["params"] = params;
        }
        message
    }

    pub async fn ask(&self, method: &str, params: Value) -> Reply {
        self.send(&self.message(method, &params)).await
    }

    /// The result of a request.
    pub async fn result(&self, method: &str, params: Value) -> Value {
        let reply = self.ask(method, params).await;
        let response = reply.response();
        assert!(response["result"].is_object(), "{method}: {reply:?}");
        assert_eq!(response["id"], 7);
        response["result"].clone()
    }

    /// The error of a request.
    pub async fn error(&self, method: &str, params: Value) -> Value {
        let reply = self.ask(method, params).await;
        let error = &reply.response()["error"];
        assert!(error.is_object(), "{method}: {reply:?}");
        error.clone()
    }

    /// What a tool gives.
    pub async fn call(&self, tool: &str, arguments: Value) -> Value {
        let result = self.result("tools/call", json!({"name": tool, "arguments": arguments})).await;
        assert_eq!(result["isError"], false, "{tool}: {result}");
        let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(text, result["structuredContent"]);
        text
    }

    /// How a tool refuses.
    pub async fn refused(&self, tool: &str, arguments: Value) -> String {
        let result = self.result("tools/call", json!({"name": tool, "arguments": arguments})).await;
        assert_eq!(result["isError"], true, "{tool}: {result}");
        result["content"][0]["text"].as_str().unwrap().to_owned()
    }

    pub async fn tools(&self) -> Vec<String> {
        let tools = self.result("tools/list", Value::Null).await;
        tools["tools"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tool| tool["name"].as_str().unwrap().to_owned())
            .collect()
    }
}

pub fn initialize() -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"},
    }})
}

/// The messages of a stream of events.
pub fn events(text: &str) -> Vec<Value> {
    let data = |event: &str| {
        let lines = event.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim_start);
        lines.collect::<Vec<_>>().join("\n")
    };
    let all = text.split("\n\n").map(data).filter(|data| !data.is_empty());
    all.map(|data| serde_json::from_str(&data).unwrap_or_else(|error| panic!("{error}: {data}"))).collect()
}
