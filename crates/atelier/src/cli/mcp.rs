//! `atelier mcp`: the Model Context Protocol over standard input and output, for programs that start
//! their servers themselves.
//!
//! It is a bridge: each line is a message for the running server's `/mcp`, each message of the server a
//! line. What HTTP says in headers and by closing a connection is put there, or taken from there.
//!
//! Invariants:
//! - Standard output holds messages of the protocol and nothing else.
//! - Every request gets a response, also when there is no server any more.
//! - A server that was started again is no matter: the session is opened anew, with what the client
//!   said when it opened the first one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::BufRead;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use futures::StreamExt;
use futures::future::{AbortHandle, Abortable};
use futures::stream::FuturesUnordered;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc};

use super::Exit;
use super::session::{Place, with_client_until_left};
use super::terminal::{note, say};
use crate::client::mcp::SESSION;
use crate::client::{Client, Problem, Result};

const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Where a request says which version it is of, if it stands alone.
const VERSION_IN_MESSAGE: &str = "io.modelcontextprotocol/protocolVersion";
const PARSE_ERROR: i32 = -32_700;
const INTERNAL_ERROR: i32 = -32_603;
/// How long answers are waited for once the client has nothing more to say.
const LEAVING: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Args)]
#[command(after_help = "Examples:
  atelier mcp                       for the workspace's server; starts one if there is none
  ATELIER_URL=https://… ATELIER_TOKEN=atl_… atelier mcp

In a client's settings: {\"mcpServers\": {\"atelier\": {\"command\": \"atelier\", \"args\": [\"mcp\"]}}}")]
pub struct Mcp {}

pub async fn mcp(place: &Place, _: Mcp) -> Result<Exit> {
    with_client_until_left(place, async |client| {
        note(&format!("Atelier at {}, over standard input and output", client.url()));
        Bridge::new(client).carry(lines()).await;
        Ok(Exit::Done)
    })
    .await
}

/// The lines of standard input. Reading them cannot be given up, so a thread does it.
fn lines() -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel(64);
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        loop {
            let mut line = Vec::new();
            match input.read_until(b'\n', &mut line) {
                Ok(1..) if sender.blocking_send(line).is_ok() => {}
                _ => return,
            }
        }
    });
    receiver
}

/// A client's messages, on their way to the server.
struct Bridge<'a> {
    client: &'a Client,
    session: RefCell<Option<Session>>,
    /// How the client opened its session.
    opening: RefCell<Option<Value>>,
    /// The version that was spoken last, for messages that do not say.
    version: RefCell<Option<String>>,
    opened: Notify,
    /// The requests that stand alone and are not answered yet.
    alone: RefCell<HashMap<String, AbortHandle>>,
}

struct Session {
    id: HeaderValue,
    version: String,
}

impl<'a> Bridge<'a> {
    fn new(client: &'a Client) -> Self {
        Self {
            client,
            session: RefCell::default(),
            opening: RefCell::default(),
            version: RefCell::default(),
            opened: Notify::new(),
            alone: RefCell::default(),
        }
    }

    /// Carries messages until there are no more lines.
    async fn carry(&self, mut lines: mpsc::Receiver<Vec<u8>>) {
        let mut under_way = FuturesUnordered::new();
        let mut ended = std::pin::pin!(ended());
        let mut listening = std::pin::pin!(self.listen());
        loop {
            tokio::select! {
                line = lines.recv() => {
                    let Some(line) = line else { break };
                    let Some(message) = read(&line) else { continue };
                    if message["method"] == "notifications/cancelled" && self.take_back(&message) {
                        continue;
                    }
                    // What is no request is short, and what comes after it builds on it.
                    if message["method"] == "initialize" || message.get("id").is_none_or(|_| message["method"].is_null()) {
                        self.forward(message).await;
                    } else {
                        under_way.push(self.forward_until_taken_back(message));
                    }
                }
                Some(()) = under_way.next() => {}
                () = &mut listening => {}
                () = &mut ended => break,
            }
        }
        let _ = tokio::time::timeout(LEAVING, async { while under_way.next().await.is_some() {} }).await;
        self.leave().await;
    }

    /// Gives up a request that stands alone, which over HTTP is done by leaving. Tells whether it was
    /// one.
    fn take_back(&self, message: &Value) -> bool {
        let taken = self.alone.borrow_mut().remove(&message["params"]["requestId"].to_string());
        taken.inspect(AbortHandle::abort).is_some()
    }

    async fn forward_until_taken_back(&self, message: Value) {
        if version_in(&message).is_none() {
            return self.forward(message).await;
        }
        let key = message["id"].to_string();
        let (handle, registration) = AbortHandle::new_pair();
        self.alone.borrow_mut().insert(key.clone(), handle);
        let _ = Abortable::new(self.forward(message), registration).await;
        self.alone.borrow_mut().remove(&key);
    }

    /// Sends a message and says what comes back.
    async fn forward(&self, message: Value) {
        let id = message.get("id").filter(|_| message["method"].is_string()).cloned();
        let answered = RefCell::new(false);
        let outcome = self.exchange(&message, |line| {
            *answered.borrow_mut() |= is_answer(&line, id.as_ref());
            say(&line);
        });
        let problem = match outcome.await {
            Err(problem) => problem,
            Ok(()) if id.is_none() || *answered.borrow() => return,
            Ok(()) => Problem::unavailable("no_answer", "The server ended its answer before it was whole"),
        };
        match id {
            Some(id) if !*answered.borrow() => say(&failure(INTERNAL_ERROR, &problem, Some(&id))),
            _ => note(&problem.message),
        }
    }

    async fn exchange(&self, message: &Value, mut hear: impl FnMut(String)) -> Result<()> {
        let body = message.to_string();
        if message["method"] == "initialize" {
            *self.opening.borrow_mut() = Some(message.clone());
            return self.open(&body, hear).await;
        }
        let mut response = self.client.speak(Method::POST, &self.headers(message), Some(&body)).await?;
        let in_session = version_in(message).is_none() && self.opening.borrow().is_some();
        if response.status() == StatusCode::NOT_FOUND && in_session {
            self.open_again().await?;
            response = self.client.speak(Method::POST, &self.headers(message), Some(&body)).await?;
        }
        self.client.hear(response, &mut hear).await.map(drop)
    }

    /// Opens a session.
    async fn open(&self, body: &str, mut hear: impl FnMut(String)) -> Result<()> {
        let response = self.client.speak(Method::POST, &HeaderMap::new(), Some(body)).await?;
        let id = response.headers().get(SESSION).cloned();
        let mut version = None;
        let read = |line: String| {
            let message: Value = serde_json::from_str(&line).unwrap_or_default();
            version = message["result"]["protocolVersion"].as_str().map(str::to_owned).or(version.take());
            hear(line);
        };
        self.client.hear(response, read).await?;
        if let (Some(id), Some(version)) = (id, version) {
            *self.session.borrow_mut() = Some(Session { id, version });
            self.opened.notify_one();
        }
        Ok(())
    }

    /// Opens the session anew, of which the client need not know.
    async fn open_again(&self) -> Result<()> {
        let Some(opening) = self.opening.borrow().clone() else { return Ok(()) };
        self.open(&opening.to_string(), |_| {}).await?;
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        let headers = self.headers(&ready);
        self.client.speak(Method::POST, &headers, Some(&ready.to_string())).await.map(drop)
    }

    /// Listens to what the server says of its own accord in a session.
    async fn listen(&self) {
        let mut last = None::<String>;
        loop {
            let headers = self.session.borrow().as_ref().map(session_headers);
            let Some(mut headers) = headers else {
                self.opened.notified().await;
                last = None;
                continue;
            };
            if let Some(last) = last.as_ref().and_then(|last| HeaderValue::from_str(last).ok()) {
                headers.insert(LAST_EVENT_ID, last);
            }
            match self.client.speak(Method::GET, &headers, None).await {
                Ok(response) if response.status().is_success() => {
                    let heard = self.client.hear(response, |line| say(&line)).await;
                    last = heard.ok().flatten().or(last);
                }
                // The session is gone; the next request opens another.
                Ok(_) => {
                    self.opened.notified().await;
                    last = None;
                }
                Err(_) => {}
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Ends the session.
    async fn leave(&self) {
        let headers = self.session.borrow_mut().take().as_ref().map(session_headers);
        if let Some(headers) = headers {
            let left = self.client.speak(Method::DELETE, &headers, None);
            let _ = tokio::time::timeout(LEAVING, left).await;
        }
    }

    /// What a message says in HTTP's headers.
    fn headers(&self, message: &Value) -> HeaderMap {
        let version = version_in(message);
        if let Some(version) = version {
            *self.version.borrow_mut() = Some(version.to_owned());
        } else if let Some(session) = &*self.session.borrow() {
            return session_headers(session);
        }
        let mut headers = HeaderMap::new();
        let params = &message["params"];
        let name = match message["method"].as_str() {
            Some("tools/call" | "prompts/get") => params["name"].as_str(),
            Some("resources/read") => params["uri"].as_str(),
            _ => None,
        };
        let spoken = self.version.borrow();
        let all = [(VERSION, spoken.as_deref()), (METHOD, message["method"].as_str()), (NAME, name)];
        for (header, value) in all {
            if let Some(value) = value.and_then(in_header) {
                headers.insert(header, value);
            }
        }
        headers
    }
}

/// Resolves when the program is told to end.
async fn ended() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// The message of a line. One that is none is answered at once; an empty line is nothing.
fn read(line: &[u8]) -> Option<Value> {
    if line.trim_ascii().is_empty() {
        return None;
    }
    match serde_json::from_slice::<Value>(line) {
        Ok(message) if message.is_object() => Some(message),
        _ => {
            let problem = Problem::invalid("malformed_json", "The line is not a JSON-RPC message");
            say(&failure(PARSE_ERROR, &problem, None));
            None
        }
    }
}

fn version_in(message: &Value) -> Option<&str> {
    message["params"]["_meta"][VERSION_IN_MESSAGE].as_str()
}

fn session_headers(session: &Session) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(SESSION, session.id.clone());
    if let Some(version) = in_header(&session.version) {
        headers.insert(VERSION, version);
    }
    headers
}

/// A text as a header's value; what a header cannot hold goes as base64.
fn in_header(text: &str) -> Option<HeaderValue> {
    let visible = |byte: u8| matches!(byte, 0x20..=0x7e);
    let plain = text.bytes().all(visible) && text.trim() == text && !text.starts_with("=?");
    let text = if plain { text.to_owned() } else { format!("=?base64?{}?=", BASE64_STANDARD.encode(text)) };
    HeaderValue::from_str(&text).ok()
}

/// Whether a line answers the request of this id.
fn is_answer(line: &str, id: Option<&Value>) -> bool {
    let message: Value = serde_json::from_str(line).unwrap_or_default();
    message["method"].is_null() && (message.get("id") == id || message.get("error").is_some())
}

/// A JSON-RPC error.
fn failure(code: i32, problem: &Problem, id: Option<&Value>) -> String {
    let data = json!({"code": problem.code, "hint": problem.hint});
    let mut message = json!({"jsonrpc": "2.0"});
    if let Some(id) = id {
        message["id"] = id.clone();
    }
    message["error"] = json!({"code": code, "message": problem.message, "data": data});
    message.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(in_header(text).unwrap(), expected, "{text}");
    }

    #[test]
    fn what_a_header_cannot_hold_goes_as_base64() {
        check("memory_search", "memory_search");
        check("atelier://runs/run_1", "atelier://runs/run_1");
        check("olá", "=?base64?b2zDoQ==?=");
        check("a\nb", "=?base64?YQpi?=");
        check(" a", "=?base64?IGE=?=");
        check("=?base64?x?=", "=?base64?PT9iYXNlNjQ/eD89?=");
    }
}
