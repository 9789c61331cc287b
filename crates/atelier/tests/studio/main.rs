//! The Studio's agent on a real server, with a sandbox, and a model that plays a script over the
//! real wire protocol.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod connectors;
mod hard;
mod kills;
mod previews;
#[path = "../support/scripted.rs"]
mod scripted;
#[path = "../support/server.rs"]
mod server;
mod terminal;
#[path = "../../../connectors/tests/connectors/scripted.rs"]
#[allow(dead_code, reason = "the tests of the plane use all of it")]
mod tool_server;
mod turns;

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::{Value, json};
use server::Server;
use testkit::scripted_model::MODEL;
use testkit::{RecordedRequest, Reply, Script, ScriptedModel, TemporaryWorkspace};

/// A server with a scripted model, and a session.
struct Bench {
    folder: TemporaryWorkspace,
    model: ScriptedModel,
    server: Server,
    session: String,
}

/// An event of a turn: its kind and what it says.
type Event = (String, Value);

impl Bench {
    /// With a session from the template without a dev server.
    async fn new(script: Script) -> Self {
        Self::with("empty", script).await
    }

    async fn with(template: &str, script: Script) -> Self {
        let (folder, model, server) = scripted::serving(script).await;
        let (status, made) = server.post("/sessions", None, json!({ "template": template })).await.unwrap();
        assert_eq!(status, StatusCode::CREATED, "{made}");
        let session = made["sessionId"].as_str().unwrap().to_owned();
        Self { folder, model, server, session }
    }

    fn path(&self, rest: &str) -> String {
        format!("/sessions/{}{rest}", self.session)
    }

    /// Says something and follows the turn to its end.
    async fn say(&self, text: &str) -> Vec<Event> {
        self.send(json!({ "text": text })).await
    }

    async fn send(&self, body: Value) -> Vec<Event> {
        let response = self.begin(body).await;
        assert_eq!(response.status(), StatusCode::OK);
        events(&response.text().await.unwrap())
    }

    async fn begin(&self, body: Value) -> reqwest::Response {
        let url = format!("{}/api/v1{}", self.server.url, self.path("/messages"));
        let request = self.server.client.post(url).bearer_auth(&self.server.token).json(&body);
        request.send().await.unwrap()
    }

    /// A file of the session; null if it is not there.
    async fn read(&self, path: &str) -> Value {
        let url = format!("{}/api/v1{}", self.server.url, self.path(&format!("/fs/read?path={path}")));
        let response = self.server.client.get(url).bearer_auth(&self.server.token).send().await.unwrap();
        let read: Value = response.json().await.unwrap();
        read["content"].clone()
    }

    async fn conversation(&self) -> Value {
        self.server.get(&self.path("/messages")).await.unwrap()
    }

    /// Waits until the newest turn is in this state.
    async fn until(&self, status: &str) -> Value {
        let deadline = Instant::now() + server::PATIENCE;
        loop {
            let conversation = self.conversation().await;
            let turn = conversation["turns"].as_array().unwrap().last().cloned().unwrap_or_default();
            if turn["status"] == status {
                return turn;
            }
            assert!(Instant::now() < deadline, "the turn does not become {status}: {turn}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The events of a stream.
fn events(text: &str) -> Vec<Event> {
    text.split("\n\n")
        .filter_map(|block| {
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
            Some((field("event: ")?.to_owned(), serde_json::from_str(field("data: ")?).unwrap()))
        })
        .collect()
}

fn of<'a>(events: &'a [Event], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event.0 == kind).map(|event| &event.1).collect()
}

/// How a turn ended.
#[track_caller]
fn end(events: &[Event]) -> &Value {
    let done = of(events, "done");
    assert_eq!(done.len(), 1, "{events:#?}");
    done[0]
}

/// How many answers of tools the model has seen in this turn.
fn answers(request: &RecordedRequest) -> usize {
    let messages = request.json["messages"].as_array().unwrap();
    messages
        .iter()
        .rev()
        .take_while(|message| message["role"] != "user")
        .filter(|message| message["role"] == "tool")
        .count()
}

fn write(id: &str, path: &str, content: &str) -> Reply {
    Reply::default().calling(id, "fs_write", json!({ "path": path, "content": content }))
}

fn exec(id: &str, line: &str) -> Reply {
    Reply::default().calling(id, "exec", json!({ "cmd": line }))
}

fn say(text: &str) -> Reply {
    Reply::text(text).usage(100, 10)
}
