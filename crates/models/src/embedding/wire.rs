//! OpenAI's shape of embeddings, as it is read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::Embedded;

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Item {
    index: Option<usize>,
    embedding: Vector,
}

/// A server may not know `encoding_format` and answer in numbers all the same.
#[derive(Deserialize)]
#[serde(untagged)]
enum Vector {
    Base64(String),
    Numbers(Vec<f32>),
}

#[derive(Deserialize)]
struct Usage {
    prompt_tokens: Option<u64>,
    total_tokens: Option<u64>,
}

/// Reads the answer to `texts` texts; where it names no tokens, they are `estimated`.
pub(super) fn read(body: &[u8], texts: usize, estimated: u64) -> Result<Embedded, String> {
    let answer: Answer = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let mut vectors: Vec<Option<Vec<f32>>> = vec![None; texts];
    for (place, item) in answer.data.into_iter().enumerate() {
        let index = item.index.unwrap_or(place);
        let place = vectors.get_mut(index).ok_or_else(|| format!("a vector for text number {index}"))?;
        if place.replace(components(item.embedding)?).is_some() {
            return Err(format!("two vectors for text number {index}"));
        }
    }
    let vectors: Option<Vec<_>> = vectors.into_iter().collect();
    let vectors = vectors.ok_or_else(|| String::from("fewer vectors than texts"))?;
    let told = answer.usage.and_then(|usage| usage.prompt_tokens.or(usage.total_tokens));
    Ok(Embedded { vectors, tokens: told.unwrap_or(estimated) })
}

fn components(vector: Vector) -> Result<Vec<f32>, String> {
    let text = match vector {
        Vector::Numbers(numbers) => return Ok(numbers),
        Vector::Base64(text) => text,
    };
    let bytes = STANDARD.decode(text).map_err(|error| format!("a vector that is not base64: {error}"))?;
    let (numbers, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(format!("a vector of {} bytes", bytes.len()));
    }
    Ok(numbers.iter().map(|number| f32::from_le_bytes(*number)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, texts: usize, expected: Result<(Vec<Vec<f32>>, u64), &str>) {
        let read = read(body.as_bytes(), texts, 7).map(|read| (read.vectors, read.tokens));
        match (&read, &expected) {
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
            _ => assert_eq!(read, expected.map_err(str::to_owned), "{body}"),
        }
    }

    #[test]
    fn reads_numbers_and_base64_in_the_order_of_the_texts() {
        let base64 = STANDARD.encode([0.5_f32.to_le_bytes(), (-2.0_f32).to_le_bytes()].concat());
        check(
            &format!(
                r#"{{"data": [{{"index": 1, "embedding": "{base64}"}}, {{"index": 0, "embedding": [1, 0.25]}}],
                     "usage": {{"prompt_tokens": 3}}, "object": "list"}}"#
            ),
            2,
            Ok((vec![vec![1.0, 0.25], vec![0.5, -2.0]], 3)),
        );
        check(
            r#"{"data": [{"embedding": [1]}, {"embedding": [2]}]}"#,
            2,
            Ok((vec![vec![1.0], vec![2.0]], 7)),
        );
    }

    #[test]
    fn an_answer_that_does_not_fit_the_texts_is_none() {
        check(r#"{"data": [{"index": 2, "embedding": [1]}]}"#, 1, Err("text number 2"));
        check(r#"{"data": [{"index": 0, "embedding": [1]}, {"index": 0, "embedding": [1]}]}"#, 2, Err("two"));
        check(r#"{"data": [{"index": 1, "embedding": [1]}]}"#, 2, Err("fewer"));
        check(r#"{"data": [{"embedding": "AAA="}]}"#, 1, Err("2 bytes"));
        check(r#"{"data": [{"embedding": "?"}]}"#, 1, Err("base64"));
        check(r#"{"error": "no"}"#, 1, Err("data"));
    }
}
