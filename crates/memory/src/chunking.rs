//! How documents are split into chunks.

use extract::{ChunkOptions, Extracted, Hint, Limits};

use crate::chunk::NewChunk;
use crate::document::Document;

/// The chunks of a document that is stored as a text; at least one, unless it has neither text nor
/// title.
pub(crate) fn chunks_of(document: &Document) -> Vec<NewChunk> {
    let name = document.attributes.get("path").map(String::as_str);
    let media_type = match document.format.as_str() {
        "markdown" => Some("text/markdown"),
        "code" => None,
        _ => Some("text/plain"),
    };
    let hint = Hint { name: name.filter(|_| document.format == "code"), media_type };
    match extract::extract(document.text.as_bytes(), &hint, &Limits::default()) {
        Ok(extracted) => chunks_from(&extracted),
        // There is nothing in it, or it is not what it is said to be.
        Err(_) => whole(document),
    }
}

fn chunks_from(extracted: &Extracted) -> Vec<NewChunk> {
    extract::chunk(extracted, &ChunkOptions::default()).into_iter().map(chunk_from).collect()
}

/// A chunk as it is stored.
pub(crate) fn chunk_from(chunk: extract::Chunk) -> NewChunk {
    NewChunk {
        text: chunk.text,
        headings: chunk.heading_path,
        place: serde_json::to_value(&chunk.place).unwrap_or_default(),
        author: chunk.author,
        time: chunk.time,
    }
}

/// All of it as plain text, or its title when it has none.
fn whole(document: &Document) -> Vec<NewChunk> {
    let hint = Hint { name: None, media_type: Some("text/plain") };
    match extract::extract(document.text.as_bytes(), &hint, &Limits::default()) {
        Ok(extracted) => chunks_from(&extracted),
        Err(_) if document.title.trim().is_empty() => Vec::new(),
        Err(_) => vec![NewChunk { text: document.title.clone(), ..NewChunk::default() }],
    }
}
