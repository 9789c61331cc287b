//! A stricter doorman in front of hyper: it sees the raw head of every request before hyper does.
//!
//! hyper reads the requests, but it is lenient where a proxy must not be: it takes a bare line
//! feed for the end of a line, and drops a `Content-Length` beside a `Transfer-Encoding` without
//! telling. So the bytes of a head are held back until it is whole, judged, and only then passed
//! on; in place of a bad head hyper reads a substitute, for which it finds the fault on the list.
//!
//! Invariant: after a head whose body this gate cannot measure by itself (chunked, an upgrade,
//! `CONNECT`) the connection serves no further request: [`Head::is_last`].

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BytesMut};
use hyper::Uri;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::OwnedSemaphorePermit,
};

/// A head with long cookies is 16 KiB.
const MAX_HEAD_BYTES: usize = 64 * 1024;
const MAX_HEADERS: usize = 100;
/// What hyper reads in place of a head that was refused.
const SUBSTITUTE: &[u8] = b"GET / HTTP/1.1\r\nhost: malformed.invalid\r\nconnection: close\r\n\r\n";

/// What the gate knows of a head that hyper is about to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Whether the connection has to end after the answer.
    pub is_last: bool,
    /// What is wrong with it, if hyper reads a substitute.
    pub fault: Option<&'static str>,
}

/// The heads that were let through, first to last. Whoever serves a request takes one.
#[derive(Clone, Debug, Default)]
pub(super) struct Heads(Arc<Mutex<VecDeque<Head>>>);

impl Heads {
    /// The head of the request that hyper has just read.
    pub fn next(&self) -> Head {
        let missing = Head { is_last: true, fault: Some("its head was not seen") };
        self.0.lock().pop_front().unwrap_or(missing)
    }
}

/// A connection from inside, up to hyper.
pub(super) struct Gate<S> {
    stream: S,
    /// Its place among the connections at once, kept for as long as a tunnel made of it lasts.
    _permit: Option<OwnedSemaphorePermit>,
    buffer: BytesMut,
    /// Bytes at the front of the buffer that were looked at and may pass.
    released: usize,
    /// Bytes of an unfinished head that were looked at already, so that one that comes byte by
    /// byte costs no more than one that comes at once.
    scanned: usize,
    state: State,
    heads: Heads,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The next byte begins a head, or goes on with one.
    Head,
    /// So many bytes of a body are still to come.
    Body(u64),
    /// Everything passes, because no head follows.
    Open,
    /// Nothing passes any more.
    Shut,
}

impl<S> Gate<S> {
    pub fn new(stream: S, permit: Option<OwnedSemaphorePermit>) -> (Self, Heads) {
        let heads = Heads::default();
        let gate = Self {
            stream,
            _permit: permit,
            buffer: BytesMut::new(),
            released: 0,
            scanned: 0,
            state: State::Head,
            heads: heads.clone(),
        };
        (gate, heads)
    }

    /// Looks at what has been read; afterwards either something is released or more is needed.
    fn advance(&mut self) {
        match self.state {
            State::Head => {
                // An empty line before a request is no part of it (RFC 9112, section 2.2).
                while self.buffer.starts_with(b"\r\n") {
                    self.buffer.advance(2);
                }
                match judge(&self.buffer, self.scanned) {
                    Ok(Some((length, state))) => {
                        self.scanned = 0;
                        self.released = length;
                        self.state = state;
                        self.heads.0.lock().push_back(Head { is_last: state == State::Open, fault: None });
                    }
                    Ok(None) => self.scanned = self.buffer.len(),
                    Err(fault) => {
                        self.buffer = BytesMut::from(SUBSTITUTE);
                        self.released = SUBSTITUTE.len();
                        self.state = State::Shut;
                        self.heads.0.lock().push_back(Head { is_last: true, fault: Some(fault) });
                    }
                }
            }
            State::Body(left) => {
                let passing = usize::try_from(left).unwrap_or(usize::MAX).min(self.buffer.len());
                self.released = passing;
                let left = left - passing as u64;
                self.state = if left == 0 { State::Head } else { State::Body(left) };
            }
            State::Open => self.released = self.buffer.len(),
            State::Shut => self.buffer.clear(),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gate<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        loop {
            if gate.released > 0 {
                let passing = gate.released.min(into.remaining());
                into.put_slice(&gate.buffer[..passing]);
                gate.buffer.advance(passing);
                gate.released -= passing;
                return Poll::Ready(Ok(()));
            }
            if !gate.buffer.is_empty() {
                gate.advance();
                if gate.released > 0 {
                    continue;
                }
            }
            if gate.state == State::Shut {
                return Poll::Ready(Ok(()));
            }
            let mut piece = [0; 8192];
            let mut piece = ReadBuf::new(&mut piece);
            ready!(Pin::new(&mut gate.stream).poll_read(context, &mut piece))?;
            if piece.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            gate.buffer.extend_from_slice(piece.filled());
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gate<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The length of the head at the beginning of the bytes and what follows it; `None` while it is
/// not whole, an error if it can be read in two ways.
fn judge(bytes: &[u8], scanned: usize) -> Result<Option<(usize, State)>, &'static str> {
    let Some(length) = head_length(bytes, scanned)? else { return Ok(None) };
    let head = &bytes[..length];
    // Before the parser, which would call it only "an invalid name".
    if head.windows(3).any(|three| matches!(three, [b'\r', b'\n', b' ' | b'\t'])) {
        return Err("a header goes on in the next line");
    }
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Err("its head cannot be read"),
        Err(httparse::Error::TooManyHeaders) => return Err("it has more than 100 headers"),
        Err(_) => return Err("its head cannot be read"),
    }
    if request.path.is_none_or(|target| target.parse::<Uri>().is_err()) {
        return Err("its target cannot be read");
    }
    framing(&request).map(|state| Some((length, state)))
}

/// Where the head ends. Every line ends in both characters, and neither stands alone.
fn head_length(bytes: &[u8], scanned: usize) -> Result<Option<usize>, &'static str> {
    // The last byte once more: what stands after it was not known.
    for (at, byte) in bytes.iter().enumerate().skip(scanned.saturating_sub(1)) {
        match byte {
            b'\n' if at == 0 || bytes[at - 1] != b'\r' => return Err("a line feed stands alone"),
            b'\r' if bytes.get(at + 1).is_some_and(|next| *next != b'\n') => {
                return Err("a carriage return stands alone");
            }
            0 => return Err("there is a zero byte in its head"),
            b'\n' if bytes[..=at].ends_with(b"\r\n\r\n") => return Ok(Some(at + 1)),
            _ => {}
        }
        if at >= MAX_HEAD_BYTES {
            return Err("its head is longer than 64 KiB");
        }
    }
    Ok(None)
}

/// What follows a head, and whether there is only one answer to that.
fn framing(request: &httparse::Request<'_, '_>) -> Result<State, &'static str> {
    let values = |name: &str| -> Vec<&[u8]> {
        let named = request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        named.map(|header| header.value).collect()
    };
    let (lengths, encodings) = (values("content-length"), values("transfer-encoding"));
    match values("host").len() {
        0 if request.version == Some(1) => return Err("it has no Host header"),
        0 | 1 => {}
        _ => return Err("it has several Host headers"),
    }
    if lengths.len() > 1 {
        return Err("it has several Content-Length headers");
    }
    if !lengths.is_empty() && !encodings.is_empty() {
        return Err("it has both a Content-Length and a Transfer-Encoding");
    }
    match encodings.as_slice() {
        [] => {}
        [one] if request.version == Some(1) && one.eq_ignore_ascii_case(b"chunked") => {
            return Ok(State::Open);
        }
        _ => return Err("its Transfer-Encoding is not simply `chunked`"),
    }
    let length = lengths.first().map_or(Ok(0), |value| content_length(value))?;
    let is_open = request.method == Some("CONNECT") || !values("upgrade").is_empty();
    Ok(match length {
        _ if is_open => State::Open,
        0 => State::Head,
        length => State::Body(length),
    })
}

fn content_length(value: &[u8]) -> Result<u64, &'static str> {
    let fault = "its Content-Length is not a number";
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(fault);
    }
    str::from_utf8(value).ok().and_then(|text| text.parse().ok()).ok_or(fault)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[track_caller]
    fn check(head: &str, expected: Result<State, &'static str>) {
        let judged = judge(head.as_bytes(), 0).map(|judged| judged.expect("a whole head").1);
        assert_eq!(judged, expected, "{head:?}");
    }

    #[test]
    fn what_follows_a_head_is_known() {
        check("GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", Ok(State::Head));
        check("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 12\r\n\r\n", Ok(State::Body(12)));
        check("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", Ok(State::Open));
        check("CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n", Ok(State::Open));
        check(
            "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
            Ok(State::Open),
        );
        check("GET / HTTP/1.0\r\n\r\n", Ok(State::Head));
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        let both = "it has both a Content-Length and a Transfer-Encoding";
        let length = "its Content-Length is not a number";
        let encoding = "its Transfer-Encoding is not simply `chunked`";
        let folded = "a header goes on in the next line";
        let unreadable = "its head cannot be read";
        for (rest, fault) in [
            ("host: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked", both),
            ("host: a\r\ntransfer-encoding: chunked\r\ncontent-length: 1", both),
            ("host: a\r\ncontent-length: 1\r\ncontent-length: 1", "it has several Content-Length headers"),
            ("host: a\r\ncontent-length: +1", length),
            ("host: a\r\ncontent-length: 1, 1", length),
            ("host: a\r\ncontent-length: 99999999999999999999", length),
            ("host: a\r\ntransfer-encoding: gzip, chunked", encoding),
            ("host: a\r\ntransfer-encoding: xchunked", encoding),
            ("host: a\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked", encoding),
            ("host: a\r\nhost: b", "it has several Host headers"),
            ("x: y", "it has no Host header"),
            ("host: a\r\nx: y\r\n z: 1", folded),
            ("host: a\r\nx: y\r\n\tz: 1", folded),
            ("host: a\nx: y", "a line feed stands alone"),
            ("host: a\rx: y", "a carriage return stands alone"),
            ("host: a\0", "there is a zero byte in its head"),
            ("host : a", unreadable),
            ("ho st: a", unreadable),
            ("host", unreadable),
        ] {
            check(&format!("GET / HTTP/1.1\r\n{rest}\r\n\r\n"), Err(fault));
        }
        check("GET /  HTTP/1.1\r\nhost: a\r\n\r\n", Err(unreadable));
        check("GET / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", Err(encoding));
        check("GET http://[::1/ HTTP/1.1\r\nhost: a\r\n\r\n", Err("its target cannot be read"));
        let many = "x: y\r\n".repeat(MAX_HEADERS);
        check(&format!("GET / HTTP/1.1\r\nhost: a\r\n{many}\r\n"), Err("it has more than 100 headers"));
        assert_eq!(judge(&[b'a'; MAX_HEAD_BYTES + 1], 0), Err("its head is longer than 64 KiB"));
        assert_eq!(judge(&[b'a'; MAX_HEAD_BYTES], 0), Ok(None));
    }

    #[tokio::test]
    async fn every_head_of_a_connection_is_judged_and_bodies_are_not() {
        let input = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n\n\n\n\n\
                     \r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n\
                     GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\nGET / HTTP/1.1\r\nhost: c\r\n\r\n";
        let (mut gate, heads) = Gate::new(input.as_bytes(), None);
        let mut passed = String::new();
        gate.read_to_string(&mut passed).await.expect("text");
        let good = &input[..input.find("GET / HTTP/1.1\r\nhost: a\r\nhost: b").expect("the bad head")];
        let good = good.replacen("\n\n\r\nGET", "\n\nGET", 1);
        assert_eq!(passed, format!("{good}{}", str::from_utf8(SUBSTITUTE).expect("text")));
        let fine = Head { is_last: false, fault: None };
        assert_eq!((heads.next(), heads.next()), (fine, fine));
        assert_eq!(heads.next(), Head { is_last: true, fault: Some("it has several Host headers") });
    }
}
