//! How documents are split into chunks.

use extract::{Block, ChunkOptions, Extracted, Hint, Kind, Limits, Place, Role};

use crate::chunk::NewChunk;
use crate::document::{Document, TEXT};

/// What chunks are like that have at most so many characters.
pub(crate) fn options(max_characters: usize) -> ChunkOptions {
    ChunkOptions { max_chars: max_characters, ..ChunkOptions::default() }
}

/// The chunks of a document that is stored as a text; at least one, unless it has neither text nor
/// title.
pub(crate) fn chunks_of(document: &Document, options: &ChunkOptions) -> Vec<NewChunk> {
    let name = document.attributes.get("path").map(String::as_str);
    let media_type = match document.format.as_str() {
        "markdown" => Some("text/markdown"),
        "code" => None,
        _ => Some("text/plain"),
    };
    let hint = Hint { name: name.filter(|_| document.format == "code"), media_type };
    match extract::extract(document.text.as_bytes(), &hint, &Limits::default()) {
        Ok(extracted) => chunks_from(&extracted, options),
        // There is nothing in it, or it is not what it is said to be.
        Err(_) => whole(document, options),
    }
}

/// The chunks of a document that has some already. What its text does not tell (pages, rows, who
/// said what) is taken over from those.
pub(crate) fn chunks_anew(document: &Document, before: &[NewChunk], options: &ChunkOptions) -> Vec<NewChunk> {
    let is_its_text = matches!(document.format.as_str(), TEXT | "markdown" | "code")
        && before.iter().all(|chunk| chunk.author.is_none() && chunk.time.is_none());
    if is_its_text || before.is_empty() {
        return chunks_of(document, options);
    }
    let groups = before.chunk_by(belong_together);
    groups.flat_map(|group| group_anew(group, options)).collect()
}

/// Whether two chunks that follow each other say nothing that a chunk of both would not.
fn belong_together(one: &NewChunk, next: &NewChunk) -> bool {
    let is_of_many = one.author.is_none() && one.time.is_none();
    one.headings == next.headings
        && (&one.author, one.time) == (&next.author, next.time)
        && (is_of_many || one.place == next.place)
}

fn group_anew(group: &[NewChunk], options: &ChunkOptions) -> Vec<NewChunk> {
    let Some(first) = group.first() else { return Vec::new() };
    let place = |chunk: &NewChunk| serde_json::from_value::<Place>(chunk.place.clone()).ok();
    let block = |chunk: &NewChunk| {
        let text = chunk.text.clone();
        Some(Block { text, role: Role::Paragraph, place: place(chunk)? })
    };
    // Where the place of one is not known, none can be told of what is put together.
    let Some(blocks) = group.iter().map(block).collect::<Option<Vec<_>>>() else { return group.to_vec() };
    let extracted = Extracted {
        kind: Kind::Text,
        title: None,
        language_of_code: None,
        authors: Vec::new(),
        created: None,
        blocks,
        notes: Vec::new(),
    };
    let made = extract::chunk(&extracted, options).into_iter().map(chunk_from);
    made.map(|chunk| NewChunk {
        headings: first.headings.clone(),
        author: first.author.clone(),
        time: first.time,
        ..chunk
    })
    .collect()
}

/// The chunks of what was read.
pub(crate) fn chunks_from(extracted: &Extracted, options: &ChunkOptions) -> Vec<NewChunk> {
    extract::chunk(extracted, options).into_iter().map(chunk_from).collect()
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
fn whole(document: &Document, options: &ChunkOptions) -> Vec<NewChunk> {
    let hint = Hint { name: None, media_type: Some("text/plain") };
    match extract::extract(document.text.as_bytes(), &hint, &Limits::default()) {
        Ok(extracted) => chunks_from(&extracted, options),
        Err(_) if document.title.trim().is_empty() => Vec::new(),
        Err(_) => vec![NewChunk { text: document.title.clone(), ..NewChunk::default() }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(author: Option<&str>, message: u32, text: &str) -> NewChunk {
        let place = json!({"messages": {"first": message, "last": message}});
        NewChunk { text: text.into(), author: author.map(str::to_owned), place, ..NewChunk::default() }
    }

    #[track_caller]
    fn check(before: &[NewChunk], max_characters: usize, expected: &[(Option<&str>, usize)]) {
        let document = crate::document::NewDocument {
            collection: "chat".into(),
            key: "k".into(),
            format: "chat".into(),
            ..Default::default()
        };
        let clock = std::sync::Arc::new(kernel::FixedClock::default());
        let ids = kernel::Ids::new(clock, std::sync::Arc::new(kernel::SeededEntropy::new(1)));
        let document = document.checked(&ids, kernel::Timestamp(1)).unwrap();
        let anew = chunks_anew(&document, before, &options(max_characters));
        let found: Vec<_> =
            anew.iter().map(|chunk| (chunk.author.as_deref(), chunk.text.chars().count())).collect();
        assert_eq!(found, expected);
        assert!(anew.iter().all(|chunk| chunk.place["messages"].is_object()));
    }

    #[test]
    fn what_somebody_said_stays_theirs_however_it_is_divided() {
        let long = "A sentence of thirty letters. ".repeat(10);
        let long = long.trim_end();
        let chat = [said(Some("Ana"), 1, long), said(Some("Rui"), 2, "Yes."), said(Some("Rui"), 3, "No.")];
        check(&chat, 1_200, &[(Some("Ana"), 299), (Some("Rui"), 4), (Some("Rui"), 3)]);
        check(&chat, 200, &[(Some("Ana"), 179), (Some("Ana"), 119), (Some("Rui"), 4), (Some("Rui"), 3)]);
        let pages = [said(None, 1, "One."), said(None, 2, "Two.")];
        check(&pages, 200, &[(None, 10)]);
    }
}
