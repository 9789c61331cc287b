//! Server-sent events, as a stream of bytes is cut into them.
//!
//! Follows the WHATWG HTML standard, section 9.2.6. Works on bytes, so that a character split
//! between two reads is no matter; what the bytes mean is for the one who asked.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

/// One event. Other fields than its data (`event`, `id`, `retry`) carry nothing a model's answer
/// needs; whoever passes the event on has them in the frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// All its lines, the empty one at its end included.
    pub frame: Bytes,
    /// What its `data` lines say.
    pub data: Bytes,
}

/// Cuts bytes into events, wherever the reads happened to end.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    buffer: BytesMut,
    /// Where in the buffer the line being read begins.
    line: usize,
    /// How far the buffer was searched for its end.
    searched: usize,
    /// Where in the buffer the event's data are.
    data: Vec<Range<usize>>,
    after_carriage_return: bool,
    begun: bool,
}

impl Parser {
    /// Takes the next bytes and hands on the events they complete.
    pub(crate) fn push(&mut self, bytes: &[u8], mut hand_on: impl FnMut(Event)) {
        self.buffer.extend_from_slice(bytes);
        while let Some(found) = memchr::memchr2(b'\n', b'\r', &self.buffer[self.searched..]) {
            let end = self.searched + found;
            let joins = self.after_carriage_return && self.buffer[end] == b'\n' && end == self.line;
            self.after_carriage_return = self.buffer[end] == b'\r';
            let line = self.line..end;
            self.line = end + 1;
            self.searched = end + 1;
            if joins {
                continue;
            }
            if line.is_empty() {
                let frame = self.buffer.split_to(end + 1).freeze();
                (self.line, self.searched) = (0, 0);
                let data = gather(&frame, &std::mem::take(&mut self.data));
                if let Some(data) = data {
                    hand_on(Event { frame, data });
                }
            } else {
                self.end_line(line);
            }
        }
        self.searched = self.buffer.len();
    }

    /// The data of the event that was begun when the stream ended, for servers that spare the last
    /// empty line.
    pub(crate) fn finish(mut self) -> Option<Bytes> {
        let rest = self.line..self.buffer.len();
        if !rest.is_empty() {
            self.end_line(rest);
        }
        gather(&self.buffer.freeze(), &self.data)
    }

    fn end_line(&mut self, mut line: Range<usize>) {
        if !std::mem::replace(&mut self.begun, true) && self.buffer[line.clone()].starts_with(b"\xef\xbb\xbf")
        {
            line.start += 3;
        }
        let text = &self.buffer[line.clone()];
        let start = match text.strip_prefix(b"data") {
            Some([]) => line.end,
            Some([b':', b' ', ..]) => line.start + 6,
            Some([b':', ..]) => line.start + 5,
            _ => return,
        };
        self.data.push(start..line.end);
    }
}

/// The data at these places, a line each; `None` if there are none.
fn gather(frame: &Bytes, places: &[Range<usize>]) -> Option<Bytes> {
    match places {
        [] => None,
        [place] => Some(frame.slice(place.clone())),
        places => {
            let lines: Vec<&[u8]> = places.iter().map(|place| &frame[place.clone()]).collect();
            Some(lines.join(&b'\n').into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `input` whole, byte by byte, and cut at every place: the events are always the same.
    #[track_caller]
    fn check(input: &str, expected: &[&str]) {
        let read = |pieces: &mut dyn Iterator<Item = &[u8]>| -> Vec<String> {
            let (mut parser, mut events) = (Parser::default(), Vec::new());
            for piece in pieces {
                parser.push(piece, |event| {
                    assert!(event.frame.len() > event.data.len());
                    events.push(String::from_utf8(event.data.to_vec()).unwrap());
                });
            }
            events
        };
        let input = input.as_bytes();
        assert_eq!(read(&mut [input].into_iter()), expected);
        assert_eq!(read(&mut input.chunks(1)), expected, "byte by byte");
        for cut in 0..input.len() {
            let (left, right) = input.split_at(cut);
            assert_eq!(read(&mut [left, right].into_iter()), expected, "cut at {cut}");
        }
    }

    #[test]
    fn cuts_a_stream_into_events() {
        check("data: a\n\ndata: b\n\n", &["a", "b"]);
        check("data: a\r\n\r\ndata: b\r\rdata:c\n\n", &["a", "b", "c"]);
        check(": a comment\n\n:\n\ndata: a\n: another\n\n", &["a"]);
        check("event: message\nid: 7\nretry: 10\ndata: a\n\n", &["a"]);
        check("data: one\ndata: two\n\n", &["one\ntwo"]);
        check("data:  two spaces\n\n", &[" two spaces"]);
        check("data\n\ndatabase: no\n\n", &[""]);
        check("\u{feff}data: after a mark\n\n", &["after a mark"]);
        check("data: ação 🦀\n\n", &["ação 🦀"]);
        check("data: never ended\n", &[]);
        check("\n\n\n", &[]);
    }

    #[test]
    fn frames_put_together_are_what_came() {
        let input = "event: a\ndata: 1\n\nevent: b\r\ndata: 2\r\n\r\n: kept alive\n\ndata: 3\n\n";
        let (mut parser, mut frames) = (Parser::default(), Vec::new());
        parser.push(input.as_bytes(), |event| frames.extend_from_slice(&event.frame));
        // The line feed after a carriage return opens the next frame, where it means nothing; what
        // says nothing is not handed on.
        let expected = "event: a\ndata: 1\n\nevent: b\r\ndata: 2\r\n\r\ndata: 3\n\n";
        assert_eq!(String::from_utf8(frames).unwrap(), expected.replace("2\r\n\r\n", "2\r\n\r"));
    }

    #[test]
    fn tells_what_was_begun_at_the_end() {
        let finish = |input: &str| {
            let mut parser = Parser::default();
            parser.push(input.as_bytes(), |_| {});
            parser.finish()
        };
        assert_eq!(finish("data: a\n").as_deref(), Some(&b"a"[..]));
        assert_eq!(finish("data: [DONE]").as_deref(), Some(&b"[DONE]"[..]));
        assert_eq!(finish("data: a\n\n"), None);
        assert_eq!(finish(""), None);
    }
}
