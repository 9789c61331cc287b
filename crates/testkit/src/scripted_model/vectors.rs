//! Vectors that depend on nothing but the words of a text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::MODEL;

/// How long its vectors are where a request does not say.
pub const DIMENSIONS: usize = 16;

/// A vector of norm 1: texts that share words have a common direction. The same everywhere, always.
pub fn vector_of(text: &str, dimensions: usize) -> Vec<f32> {
    let mut vector = vec![0.0_f32; dimensions];
    for word in text.split_whitespace() {
        // FNV-1a; any hash that stays the same will do.
        let hash = word.to_lowercase().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        vector[hash as usize % dimensions] += 1.0;
    }
    let norm = vector.iter().map(|component| component * component).sum::<f32>().sqrt();
    if norm > 0.0 {
        vector.iter_mut().for_each(|component| *component /= norm);
    }
    vector
}

/// OpenAI's answer to a request for vectors.
pub(super) fn document(request: &Value) -> Value {
    let texts: Vec<&str> = match &request["input"] {
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect(),
        input => input.as_str().into_iter().collect(),
    };
    let dimensions = request["dimensions"].as_u64().map_or(DIMENSIONS, |wanted| wanted as usize);
    let item = |(index, text): (usize, &&str)| {
        let vector = vector_of(text, dimensions);
        let embedding = if request["encoding_format"] == "base64" {
            let bytes: Vec<u8> = vector.iter().flat_map(|component| component.to_le_bytes()).collect();
            json!(STANDARD.encode(bytes))
        } else {
            json!(vector)
        };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    };
    let tokens: usize = texts.iter().map(|text| text.split_whitespace().count()).sum();
    json!({
        "object": "list", "model": MODEL,
        "data": texts.iter().enumerate().map(item).collect::<Vec<_>>(),
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    })
}
