//! The protocol's messages, cut out of what Chromium writes: JSON texts, each ended by a zero byte.

use serde::Deserialize;
use serde_json::value::RawValue;

/// A longer message is passed over; the longest that is wanted is a picture.
const MESSAGE_BYTES: usize = 8 << 20;

/// A message, with what depends on its sort not yet read.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Message {
    /// The call that it answers.
    pub id: Option<u64>,
    /// The page that it is about; none when it is about the browser.
    pub session_id: Option<String>,
    /// The event that it tells.
    pub method: Option<String>,
    pub params: Option<Box<RawValue>>,
    pub result: Option<Box<RawValue>>,
    pub error: Option<CallError>,
}

/// Why a call was refused.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CallError {
    pub message: String,
}

/// Cuts what comes in pieces.
#[derive(Default)]
pub(super) struct Cutter {
    rest: Vec<u8>,
    is_passing_over: bool,
}

impl Cutter {
    /// The messages that are complete with this piece. What is none is passed over.
    pub(super) fn take(&mut self, piece: &[u8]) -> Vec<Message> {
        let mut messages = Vec::new();
        for part in piece.split_inclusive(|byte| *byte == 0) {
            let (part, is_end) = match part.split_last() {
                Some((0, part)) => (part, true),
                _ => (part, false),
            };
            if self.is_passing_over || self.rest.len() + part.len() > MESSAGE_BYTES {
                self.is_passing_over = true;
                self.rest = Vec::new();
            } else {
                self.rest.extend_from_slice(part);
            }
            if is_end {
                let text = std::mem::take(&mut self.rest);
                let message = (!self.is_passing_over).then(|| serde_json::from_slice(&text).ok());
                messages.extend(message.flatten());
                self.is_passing_over = false;
            }
        }
        messages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cut_out_of_pieces() {
        let mut cutter = Cutter::default();
        assert!(cutter.take(b"{\"id\":1,\"res").is_empty());
        let messages = cutter.take(b"ult\":{}}\0{\"method\":\"A.b\",\"params\":{\"x\":[1]}}\0{");
        assert_eq!(messages.iter().map(|message| message.id).collect::<Vec<_>>(), [Some(1), None]);
        assert_eq!(messages[1].params.as_ref().map(|params| params.get()), Some("{\"x\":[1]}"));
    }

    #[test]
    fn what_is_no_message_or_too_long_is_passed_over() {
        let mut cutter = Cutter::default();
        let deep = "[".repeat(100_000);
        for odd in ["nonsense", "", "7", "{\"id\":-1}", &format!("{{\"params\":{deep}")] {
            assert!(cutter.take(format!("{odd}\0").as_bytes()).is_empty(), "{:.40}", odd);
        }
        for _ in 0..20 {
            assert!(cutter.take(&vec![b'x'; 1 << 20]).is_empty());
            assert!(cutter.rest.capacity() <= 2 * MESSAGE_BYTES);
        }
        assert_eq!(cutter.take(b"\0{\"id\":2}\0").len(), 1);
    }
}
