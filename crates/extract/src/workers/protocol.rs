//! What the two sides say to each other over the child's standard input and output.
//!
//! A frame is the length of a JSON text, eight bytes in little endian, and the text. The parent begins
//! with a [`Setup`] and the child answers [`Ready`]. Then for each document the parent sends a
//! [`Header`] and, outside of any frame, its bytes; the child answers with an [`Answer`].

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::chunk::{Chunk, ChunkOptions};
use crate::document::Extracted;
use crate::error::Error;
use crate::limits::Limits;

/// The length of a frame's length.
pub(super) const PREFIX: usize = 8;

/// What holds for all documents of a child.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Setup {
    pub limits: Limits,
    pub options: ChunkOptions,
}

/// The child has limited itself and waits for documents.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ready {
    pub ready: bool,
}

/// What is known of the document whose bytes follow.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    pub name: Option<String>,
    pub media_type: Option<String>,
    pub bytes: u64,
}

/// What became of a document.
pub(super) type Answer = Result<(Extracted, Vec<Chunk>), Error>;

/// A frame that holds a value.
pub(super) fn frame(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; PREFIX];
    serde_json::to_writer(&mut frame, value)?;
    let length = (frame.len() - PREFIX) as u64;
    frame[..PREFIX].copy_from_slice(&length.to_le_bytes());
    Ok(frame)
}

pub(super) fn send(output: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    output.write_all(&frame(value)?)?;
    output.flush()
}

/// Receives a frame of at most so many bytes.
pub(super) fn receive<T: DeserializeOwned>(input: &mut impl Read, limit: u64) -> io::Result<T> {
    let mut prefix = [0; PREFIX];
    input.read_exact(&mut prefix)?;
    let length = u64::from_le_bytes(prefix);
    if length > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the frame is too long"));
    }
    let mut text = Vec::new();
    input.take(length).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}
