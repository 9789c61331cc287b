//! A server of tools over HTTP that answers as a test wants, also as no server should.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What a client sent.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub head: String,
    pub body: Value,
    /// Which session the server has given out last.
    pub sessions: u32,
}

/// How it is answered.
pub enum Answer {
    /// The result of a request.
    Result(Value),
    /// A whole body of JSON.
    Body(String),
    /// Messages, and the stream's end.
    Events(Vec<Value>),
    /// Nothing but a status and a header.
    Status(u16, &'static str, String),
    /// Nothing, for so long.
    Silence(Duration),
    /// The beginning of an answer, and the connection's end.
    Cut,
    /// Bytes without an end.
    Endless,
}

type Script = dyn FnMut(&Asked) -> Option<Answer> + Send;

pub struct Scripted {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Scripted {
    /// A server with these tools, where `script` says nothing else.
    pub async fn start(
        tools: Vec<Value>,
        script: impl FnMut(&Asked) -> Option<Answer> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (script, sessions): (Arc<Mutex<Box<Script>>>, _) =
            (Arc::new(Mutex::new(Box::new(script))), Arc::new(Mutex::new(0)));
        let (tools, heard) = (Arc::new(tools), asked.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, tools) = (script.clone(), tools.clone());
                let (heard, sessions) = (heard.clone(), sessions.clone());
                tokio::spawn(serve(stream, move |mut asked| {
                    asked.sessions = *sessions.lock();
                    heard.lock().push(asked.clone());
                    let answer = script.lock()(&asked).unwrap_or_else(|| usual(&asked, &tools));
                    if asked.body["method"] == "initialize" {
                        *sessions.lock() += 1;
                    }
                    (answer, *sessions.lock())
                }));
            }
        });
        Self { url, asked }
    }

    /// The methods that were asked for, in order.
    pub fn methods(&self) -> Vec<String> {
        let asked = self.asked.lock();
        asked.iter().filter_map(|one| one.body["method"].as_str().map(str::to_owned)).collect()
    }

    pub fn heads(&self) -> String {
        self.asked.lock().iter().map(|one| one.head.clone()).collect()
    }

    pub fn count(&self, method: &str) -> usize {
        self.methods().iter().filter(|one| *one == method).count()
    }
}

/// What a server does that behaves.
fn usual(asked: &Asked, tools: &[Value]) -> Answer {
    if asked.method != "POST" {
        return Answer::Status(405, "allow", "POST".into());
    }
    if asked.body.get("id").is_none() {
        return Answer::Status(202, "x-taken", "yes".into());
    }
    match asked.body["method"].as_str().unwrap_or_default() {
        "initialize" => Answer::Result(json!({
            "protocolVersion": "2025-06-18", "capabilities": {"tools": {"listChanged": true}},
            "serverInfo": {"name": "scripted", "version": "1"},
        })),
        "tools/list" => Answer::Result(json!({ "tools": tools })),
        "tools/call" => Answer::Result(json!({
            "content": [{"type": "text", "text": asked.body["params"]["arguments"]["text"]}],
        })),
        _ => Answer::Body(
            json!({
                "jsonrpc": "2.0", "id": asked.body["id"],
                "error": {"code": -32601, "message": "Method not found"},
            })
            .to_string(),
        ),
    }
}

async fn serve(stream: TcpStream, mut answer: impl FnMut(Asked) -> (Answer, u32)) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            head.push_str(&line);
            if line == "\r\n" {
                break;
            }
        }
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok())
            .unwrap_or(0);
        let mut body = vec![0; length];
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let (id, method) = (body["id"].clone(), head.split(' ').next().unwrap_or_default().to_owned());
        let (answer, session) = answer(Asked { method, head, body, sessions: 0 });
        if reply(&mut stream, answer, &id, session).await.is_none() {
            return;
        }
    }
}

/// Writes the answer; `None` when the connection is to end.
async fn reply(stream: &mut BufReader<TcpStream>, answer: Answer, id: &Value, session: u32) -> Option<()> {
    let session = format!("mcp-session-id: s{session}\r\n");
    let json = |body: &str| {
        let length = body.len();
        format!(
            "HTTP/1.1 200 OK\r\n{session}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    };
    let text = match answer {
        Answer::Result(result) => json(&json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string()),
        Answer::Body(body) => json(&body),
        Answer::Events(events) => {
            let body: String =
                events.iter().map(|event| format!("event: message\ndata: {event}\n\n")).collect();
            format!(
                "HTTP/1.1 200 OK\r\n{session}content-type: text/event-stream\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
        }
        Answer::Status(status, name, value) => {
            format!("HTTP/1.1 {status} Said\r\n{name}: {value}\r\ncontent-length: 0\r\n\r\n")
        }
        Answer::Silence(time) => {
            tokio::time::sleep(time).await;
            return None;
        }
        Answer::Cut => {
            let begun =
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{\"json";
            stream.write_all(begun.as_bytes()).await.ok()?;
            return None;
        }
        Answer::Endless => {
            let begun = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: ";
            stream.write_all(begun.as_bytes()).await.ok()?;
            loop {
                stream.write_all(&[b'x'; 64 << 10]).await.ok()?;
            }
        }
    };
    stream.write_all(text.as_bytes()).await.ok()
}
