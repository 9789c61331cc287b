//! One HTTP/1.1 message after the other from a socket.

use std::io::{Error, ErrorKind, Result};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncReadExt};

const END_OF_HEAD: &[u8] = b"\r\n\r\n";
const END_OF_CHUNKS: &[u8] = b"\r\n0\r\n\r\n";

/// Reads messages; what came of the next one stays for it.
pub struct Reader<R> {
    from: R,
    bytes: Vec<u8>,
}

/// A message that has come whole.
pub struct Message {
    /// Its first line and headers, in lower case.
    pub head: String,
    /// As it came, the framing of chunks included.
    pub body: Vec<u8>,
    /// When its body began to come.
    pub body_began: Instant,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub fn new(from: R) -> Self {
        Self { from, bytes: Vec::with_capacity(64 * 1024) }
    }

    /// The next message; `None` when the other side has hung up in between.
    pub async fn next(&mut self) -> Result<Option<Message>> {
        let head_ends = loop {
            match find(&self.bytes, END_OF_HEAD) {
                Some(at) => break at + END_OF_HEAD.len(),
                None if self.more().await? => {}
                None if self.bytes.is_empty() => return Ok(None),
                None => return Err(ErrorKind::UnexpectedEof.into()),
            }
        };
        let head = String::from_utf8_lossy(&self.bytes[..head_ends]).to_ascii_lowercase();
        self.bytes.drain(..head_ends);
        let length = if head.contains("transfer-encoding: chunked") { None } else { Some(length_of(&head)?) };
        if self.bytes.is_empty() && length != Some(0) {
            self.expect_more().await?;
        }
        let body_began = Instant::now();
        let body_ends = match length {
            Some(length) => {
                while self.bytes.len() < length {
                    self.expect_more().await?;
                }
                length
            }
            None => self.end_of_chunks().await?,
        };
        let body = self.bytes.drain(..body_ends).collect();
        Ok(Some(Message { head, body, body_began }))
    }

    async fn end_of_chunks(&mut self) -> Result<usize> {
        let mut seen = 0;
        loop {
            let from = seen_before(seen);
            if let Some(at) = find(&self.bytes[from..], END_OF_CHUNKS) {
                return Ok(from + at + END_OF_CHUNKS.len());
            }
            seen = self.bytes.len();
            self.expect_more().await?;
        }
    }

    async fn more(&mut self) -> Result<bool> {
        Ok(self.from.read_buf(&mut self.bytes).await? > 0)
    }

    async fn expect_more(&mut self) -> Result<()> {
        if self.more().await? { Ok(()) } else { Err(ErrorKind::UnexpectedEof.into()) }
    }
}

/// Where a mark may begin that ends behind `seen` bytes.
fn seen_before(seen: usize) -> usize {
    seen.saturating_sub(END_OF_CHUNKS.len())
}

fn length_of(head: &str) -> Result<usize> {
    let Some((_, rest)) = head.split_once("content-length:") else { return Ok(0) };
    let digits = rest.split("\r\n").next().unwrap_or_default().trim();
    digits.parse().map_err(|_| Error::from(ErrorKind::InvalidData))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|part| part == wanted)
}
