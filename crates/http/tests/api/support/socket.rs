//! Just enough of a client for streams: SSE over one connection, and WebSocket after RFC 6455.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(20);

/// A connection on which a request was sent and whose answer is read piece by piece.
pub struct Connection {
    stream: TcpStream,
    pub head: String,
    buffer: Vec<u8>,
}

impl Connection {
    /// Sends a request and reads the answer's head.
    pub async fn open(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut connection = Self::send(stream, &format!("{request}\r\n")).await;
        connection.read_head().await;
        connection
    }

    /// Sends what is given, and nothing else; the answer is not looked at yet.
    pub async fn send(mut stream: TcpStream, text: &str) -> Self {
        stream.write_all(text.as_bytes()).await.unwrap();
        Self { stream, head: String::new(), buffer: Vec::new() }
    }

    pub async fn send_more(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    pub async fn read_head(&mut self) {
        let end = loop {
            if let Some(end) = self.buffer.windows(4).position(|part| part == b"\r\n\r\n") {
                break end;
            }
            assert!(self.fill().await, "no answer");
        };
        self.head = String::from_utf8(self.buffer.drain(..end + 4).collect()).unwrap();
    }

    /// Opens a WebSocket.
    pub async fn upgrade(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut all = vec![
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        all.extend(headers);
        Self::open(address, path, &all).await
    }

    async fn fill(&mut self) -> bool {
        let read = self.stream.read_buf(&mut self.buffer);
        let read = tokio::time::timeout(PATIENCE, read).await.expect("silence").unwrap();
        read > 0
    }

    async fn take(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < count {
            if !self.fill().await {
                return None;
            }
        }
        Some(self.buffer.drain(..count).collect())
    }

    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|part| part == b"\r\n") {
                let line = self.buffer.drain(..end + 2).take(end).collect();
                return Some(String::from_utf8(line).unwrap());
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    /// The next bytes of a body, which are text.
    pub async fn exactly(&mut self, count: usize) -> String {
        String::from_utf8(self.take(count).await.unwrap()).unwrap()
    }

    /// The next chunk of a chunked body; none at its end.
    pub async fn chunk(&mut self) -> Option<String> {
        let size = usize::from_str_radix(&self.line().await?, 16).unwrap();
        let chunk = self.take(size + 2).await?;
        (size > 0).then(|| String::from_utf8(chunk[..size].to_vec()).unwrap())
    }

    /// The next frame: its opcode and payload.
    pub async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let head = self.take(2).await?;
        let length = match head[1] & 0x7f {
            126 => u64::from(u16::from_be_bytes(self.take(2).await?.try_into().unwrap())),
            127 => u64::from_be_bytes(self.take(8).await?.try_into().unwrap()),
            short => u64::from(short),
        };
        let payload = self.take(usize::try_from(length).unwrap()).await?;
        Some((head[0] & 0x0f, payload))
    }
}

/// The ids, kinds and data of the messages in a text of server-sent events.
pub fn messages(text: &str) -> Vec<(Option<String>, String, String)> {
    let field = |message: &str, name: &str| {
        let line = message.lines().find(|line| line.starts_with(name))?;
        Some(line[name.len()..].to_owned())
    };
    let messages = text.split("\n\n").filter(|message| !message.is_empty() && !message.starts_with(':'));
    messages
        .map(|message| {
            let event = field(message, "event: ").unwrap();
            (field(message, "id: "), event, field(message, "data: ").unwrap())
        })
        .collect()
}
