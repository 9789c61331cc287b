//! What a tool answered, as a model can be told.
//!
//! Invariant: an answer is bounded, and says what was left out of it.

use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};
use serde::{Deserialize, Serialize};

use crate::text;

/// The longest text that is kept of an answer, in bytes.
pub const TEXT_BYTES: usize = 256 << 10;
/// How many pieces of an answer are looked at.
const PIECES: usize = 1_000;

/// What a tool answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Its text, with a line in place of each thing that is none.
    pub text: String,
    /// Whether the tool says that it failed.
    pub is_error: bool,
}

impl Answer {
    pub(crate) fn of(result: &CallToolResult) -> Self {
        let mut pieces: Vec<String> = result.content.iter().take(PIECES).map(told).collect();
        if result.content.len() > PIECES {
            pieces.push(format!("[{} more pieces were left out]", result.content.len() - PIECES));
        }
        if let (true, Some(structured)) = (result.content.is_empty(), &result.structured_content) {
            pieces.push(structured.to_string());
        }
        let text = text::content(&pieces.join("\n"));
        let text = match text.len() {
            0 => "The tool answered nothing.".to_owned(),
            length if length > TEXT_BYTES => {
                let kept = text.floor_char_boundary(TEXT_BYTES);
                format!("{}\n[{} more bytes were left out]", &text[..kept], length - kept)
            }
            _ => text,
        };
        Self { text, is_error: result.is_error == Some(true) }
    }
}

fn told(piece: &ContentBlock) -> String {
    match piece {
        ContentBlock::Text(text) => text.text.clone(),
        ContentBlock::Image(image) => binary("image", &image.mime_type, image.data.len()),
        ContentBlock::Audio(audio) => binary("sound", &audio.mime_type, audio.data.len()),
        ContentBlock::Resource(resource) => match &resource.resource {
            ResourceContents::TextResourceContents { uri, text, .. } => {
                format!("[resource {}]\n{text}", line(uri))
            }
            ResourceContents::BlobResourceContents { uri, mime_type, blob, .. } => {
                let sort = format!("resource {} of type", line(uri));
                binary(&sort, mime_type.as_deref().unwrap_or("unknown"), blob.len())
            }
            _ => "[a resource of a kind that is not known here]".into(),
        },
        ContentBlock::ResourceLink(link) => {
            format!("[resource {}, not included: {}]", line(&link.uri), line(&link.name))
        }
        _ => "[something of a kind that is not known here]".into(),
    }
}

fn line(text: &str) -> String {
    text::label(text, 500).replace('\n', " ")
}

/// Names something that is no text; `encoded` is its length in base64.
fn binary(sort: &str, mime_type: &str, encoded: usize) -> String {
    format!("[{sort} {}, about {} bytes, not shown]", line(mime_type), encoded / 4 * 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn answer(result: Value) -> Answer {
        Answer::of(&serde_json::from_value(result).unwrap())
    }

    #[track_caller]
    fn check(content: Value, expected: &str) {
        assert_eq!(answer(json!({ "content": content })).text, expected);
    }

    #[test]
    fn text_is_kept_and_everything_else_is_named() {
        check(json!([{"type": "text", "text": "a\u{1b}[2J"}, {"type": "text", "text": "b"}]), "a[2J\nb");
        check(
            json!([{"type": "image", "data": "AAAAAAAA", "mimeType": "image/png"}]),
            "[image image/png, about 6 bytes, not shown]",
        );
        check(
            json!([{"type": "resource", "resource": {"uri": "file:///a", "text": "inside"}}]),
            "[resource file:///a]\ninside",
        );
        check(
            json!([{"type": "resource_link", "uri": "file:///b", "name": "b"}]),
            "[resource file:///b, not included: b]",
        );
        check(json!([]), "The tool answered nothing.");
    }

    #[test]
    fn long_answers_are_cut_and_say_so() {
        let long = answer(json!({"content": [{"type": "text", "text": "é".repeat(TEXT_BYTES)}]}));
        assert!(long.text.len() < TEXT_BYTES + 100 && long.text.ends_with("bytes were left out]"));
        let many: Vec<Value> = (0..1_500).map(|_| json!({"type": "text", "text": "x"})).collect();
        assert!(answer(json!({ "content": many })).text.ends_with("[500 more pieces were left out]"));
    }

    #[test]
    fn what_has_a_shape_but_no_text_is_told_as_json() {
        let shaped = answer(json!({"content": [], "structuredContent": {"a": 1}, "isError": true}));
        assert_eq!((shaped.text.as_str(), shaped.is_error), (r#"{"a":1}"#, true));
    }
}
