//! Server-sent events, as a stream of bytes is cut into them.
//!
//! Follows the WHATWG HTML standard, section 9.2.6. Works on bytes, so that a character split
//! between two reads is no matter; what the bytes mean is for the one who asked.

/// One event's data. Other fields (`event`, `id`, `retry`) carry nothing a model's answer needs.
pub(crate) type Data = Vec<u8>;

/// Cuts bytes into events, wherever the reads happened to end.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    line: Vec<u8>,
    data: Option<Data>,
    after_carriage_return: bool,
    begun: bool,
}

impl Parser {
    /// Takes the next bytes and returns the events they complete.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<Data> {
        let mut events = Vec::new();
        for &byte in bytes {
            let joins_carriage_return = byte == b'\n' && std::mem::take(&mut self.after_carriage_return);
            self.after_carriage_return = byte == b'\r';
            match byte {
                b'\n' if joins_carriage_return => {}
                b'\n' | b'\r' => events.extend(self.end_line()),
                _ => self.line.push(byte),
            }
        }
        events
    }

    /// The event that was begun when the stream ended, for servers that spare the last empty line.
    pub(crate) fn finish(mut self) -> Option<Data> {
        if !self.line.is_empty() {
            self.end_line();
        }
        self.data
    }

    fn end_line(&mut self) -> Option<Data> {
        let mut line = std::mem::take(&mut self.line);
        if !std::mem::replace(&mut self.begun, true) && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
        }
        if line.is_empty() {
            return self.data.take();
        }
        let value = match line.iter().position(|&byte| byte == b':') {
            Some(colon) if &line[..colon] == b"data" => &line[colon + 1..],
            None if line == b"data" => &[],
            _ => return None,
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &mut self.data {
            Some(data) => {
                data.push(b'\n');
                data.extend_from_slice(value);
            }
            None => self.data = Some(value.to_vec()),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `input` whole, byte by byte, and cut at every place: the events are always the same.
    #[track_caller]
    fn check(input: &str, expected: &[&str]) {
        let text = |events: Vec<Data>| -> Vec<String> {
            events.into_iter().map(|data| String::from_utf8(data).unwrap()).collect()
        };
        assert_eq!(text(Parser::default().push(input.as_bytes())), expected);
        let mut parser = Parser::default();
        let single = input.bytes().flat_map(|byte| parser.push(&[byte])).collect();
        assert_eq!(text(single), expected, "byte by byte");
        for cut in 0..input.len() {
            let (left, right) = input.as_bytes().split_at(cut);
            let mut parser = Parser::default();
            let mut events = parser.push(left);
            events.extend(parser.push(right));
            assert_eq!(text(events), expected, "cut at {cut}");
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
    fn tells_what_was_begun_at_the_end() {
        let finish = |input: &str| {
            let mut parser = Parser::default();
            parser.push(input.as_bytes());
            parser.finish()
        };
        assert_eq!(finish("data: a\n"), Some(b"a".to_vec()));
        assert_eq!(finish("data: [DONE]"), Some(b"[DONE]".to_vec()));
        assert_eq!(finish("data: a\n\n"), None);
        assert_eq!(finish(""), None);
    }
}
