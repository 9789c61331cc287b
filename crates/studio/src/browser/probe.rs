//! Whether a page is served, asked without a browser: for machines that have none.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::problems::cut;
use crate::project::Project;

/// As long as a development server may take to compile a page.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How much is read of an answer.
const ANSWER_BYTES: u64 = 64 << 10;
const TEXT_CHARACTERS: usize = 4096;
const HEADERS: usize = 100;

/// What a path is answered with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probed {
    /// The HTTP status.
    pub status: u16,
    /// What kind of content it says it is.
    pub content_type: Option<String>,
    /// Where it leads, if it leads elsewhere. That is not followed.
    pub location: Option<String>,
    /// The beginning of the content, up to 4 kB.
    pub text: String,
}

impl Project {
    /// Asks the dev server for a path, as a browser would, and gives the beginning of its answer.
    ///
    /// # Errors
    /// In words, when no answer comes within 20 s.
    pub async fn probe(&self, path: &str) -> Result<Probed, String> {
        let address = self.address(path)?;
        let answer = timeout(TIMEOUT, self.ask(address.port, path)).await;
        let answer = answer.map_err(|_| format!("It was not answered within {} s", TIMEOUT.as_secs()))??;
        read(&answer).ok_or_else(|| "The answer is no HTTP".into())
    }

    async fn ask(&self, port: u16, path: &str) -> Result<Vec<u8>, String> {
        let mut stream = self.connect(port).await.map_err(|error| error.to_string())?;
        let path = path.replace(' ', "%20");
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nAccept: text/html,*/*\r\n\
             Accept-Encoding: identity\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
        let mut answer = Vec::new();
        // One that breaks off has said something all the same.
        let _ = stream.take(ANSWER_BYTES).read_to_end(&mut answer).await;
        Ok(answer)
    }
}

fn read(answer: &[u8]) -> Option<Probed> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(end) = head.parse(answer).ok()? else { return None };
    let header = |name: &str| {
        let found = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        Some(cut(&String::from_utf8_lossy(found.value), 500))
    };
    let is_chunked = header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
    let content = if is_chunked { joined(&answer[end..]) } else { answer[end..].to_vec() };
    Some(Probed {
        status: head.code?,
        content_type: header("content-type"),
        location: header("location"),
        text: cut(&String::from_utf8_lossy(&content), TEXT_CHARACTERS),
    })
}

/// The content of chunks, as far as they came.
fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    while let Ok(httparse::Status::Complete((begin, length @ 1..))) = httparse::parse_chunk_size(chunks) {
        let rest = &chunks[begin..];
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(rest.len());
        content.extend_from_slice(&rest[..length]);
        // After each comes the end of a line.
        chunks = rest.get(length.saturating_add(2)..).unwrap_or_default();
    }
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(answer: &str, status: u16, text: &str) {
        let probed = read(answer.as_bytes()).expect("an answer");
        assert_eq!((probed.status, probed.text.as_str()), (status, text));
    }

    #[test]
    fn answers_are_read_whole_in_chunks_and_cut_off() {
        check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, "hi");
        check(
            "HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3;x=1\r\n th\r\n0\r\n\r\n",
            500,
            "hi th",
        );
        check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nhi", 200, "hi");
        check("HTTP/1.0 404\r\n\r\n", 404, "");
        let moved = read(b"HTTP/1.1 302 Found\r\nLOCATION: /login\r\n\r\n").expect("an answer");
        assert_eq!(moved.location.as_deref(), Some("/login"));
        for odd in ["", "HTTP/1.1 200 OK\r\n", "SSH-2.0-x\r\n\r\n"] {
            assert_eq!(read(odd.as_bytes()), None, "{odd}");
        }
    }
}
