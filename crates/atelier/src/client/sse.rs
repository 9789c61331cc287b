//! Reads `text/event-stream`, after the WHATWG HTML standard, 9.2.6.

/// One event of the stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    /// The last `id` seen.
    pub id: String,
    /// The `event` field; empty means `message`.
    pub event: String,
    /// The `data` lines, joined by line feeds.
    pub data: String,
}

/// Takes bytes as they come and gives events as they are complete.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// Bytes of the line that has no end yet.
    line: Vec<u8>,
    /// Whether the last byte was a carriage return, whose line feed is to be passed over.
    after_return: bool,
    message: Message,
    has_data: bool,
}

impl Decoder {
    /// Takes the next bytes, returns the events they complete.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<Message> {
        let mut complete = Vec::new();
        for &byte in bytes {
            let after_return = std::mem::replace(&mut self.after_return, byte == b'\r');
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => complete.extend(self.end_line()),
                byte => self.line.push(byte),
            }
        }
        complete
    }

    fn end_line(&mut self) -> Option<Message> {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        if line.is_empty() {
            return self.end_message();
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" if !value.contains('\0') => value.clone_into(&mut self.message.id),
            "event" => value.clone_into(&mut self.message.event),
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.message.data.push('\n');
                }
                self.message.data.push_str(value);
            }
            // Comments, which have no name, and fields nothing is known of.
            _ => {}
        }
        None
    }

    fn end_message(&mut self) -> Option<Message> {
        let id = self.message.id.clone();
        let message = std::mem::replace(&mut self.message, Message { id, ..Message::default() });
        std::mem::take(&mut self.has_data).then_some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(stream: &str, expected: &[(&str, &str, &str)]) {
        let whole = Decoder::default().take(stream.as_bytes());
        let mut decoder = Decoder::default();
        let bytewise: Vec<_> = stream.bytes().flat_map(|byte| decoder.take(&[byte])).collect();
        assert_eq!(whole, bytewise, "cut into bytes: {stream:?}");
        let read: Vec<_> = whole.iter().map(|m| (m.id.as_str(), m.event.as_str(), m.data.as_str())).collect();
        assert_eq!(read, expected, "{stream:?}");
    }

    #[test]
    fn reads_events_however_they_are_cut_and_ended() {
        check("id: 1\nevent: log\ndata: {\"a\":1}\n\n", &[("1", "log", "{\"a\":1}")]);
        check("id: 1\r\ndata: a\r\n\r\nid: 2\r\ndata: b\r\n\r\n", &[("1", "", "a"), ("2", "", "b")]);
        check("data: a\r\rdata: b\r\r", &[("", "", "a"), ("", "", "b")]);
        check("data: first\ndata:second\ndata\n\n", &[("", "", "first\nsecond\n")]);
        check(": heartbeat\n\n: heartbeat\n\n", &[]);
        check("id: 7\n\ndata: x\n\n", &[("7", "", "x")]);
        check("event: end\ndata: {}\n\n", &[("", "end", "{}")]);
        check("data: não\n\n", &[("", "", "não")]);
        check("data: cut off", &[]);
    }
}
