//! JSON bodies: limited, declared as JSON, without unknown members.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::error::Category;

use super::nearest;
use crate::error::Error;

pub(crate) const MEBIBYTE: usize = 1024 * 1024;

/// A type that is read from a body. It refuses unknown fields itself.
pub(crate) trait WireBody: DeserializeOwned {
    /// The largest body.
    const LIMIT_BYTES: usize = 2 * MEBIBYTE;

    /// Checks what the type cannot say by itself.
    fn validate(&self) -> Result<(), Error> {
        Ok(())
    }

    /// What an empty body means, where it may be left out.
    fn when_empty() -> Option<Self> {
        None
    }
}

/// The body, read and checked.
pub(crate) struct JsonBody<T>(pub T);

impl<T: WireBody, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let headers = request.headers().clone();
        let bytes = read(request, T::LIMIT_BYTES, state).await?;
        if bytes.is_empty()
            && let Some(value) = T::when_empty()
        {
            return Ok(Self(value));
        }
        expect_json(&headers)?;
        let value: T = parse(&bytes).map_err(|error| refusal(&error))?;
        // Serde also reads the members of a type in their order from an array.
        if bytes.trim_ascii_start().first() != Some(&b'{') {
            return Err(unfit("it must be an object"));
        }
        value.validate()?;
        Ok(Self(value))
    }
}

/// Tells null from a member that is not there.
pub(crate) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Reads a body; a whole number is one however it is written, as JSON Schema says.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(bytes).or_else(|error| {
        if error.classify() != Category::Data {
            return Err(error);
        }
        let Ok(mut value) = serde_json::from_slice(bytes) else { return Err(error) };
        write_whole_numbers(&mut value);
        serde_json::from_value(value).map_err(|_| error)
    })
}

/// Writes `2.0` as `2`.
fn write_whole_numbers(value: &mut Value) {
    const EXACT: f64 = (1_u64 << 53) as f64;
    match value {
        Value::Number(number) => {
            let whole = number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0);
            if let Some(whole) = whole.filter(|float| float.abs() < EXACT) {
                *number = (whole as i64).into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(write_whole_numbers),
        Value::Object(members) => members.values_mut().for_each(write_whole_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// A body that is of the right form and still cannot be meant.
pub(crate) fn unfit(problem: impl Into<String>) -> Error {
    Error::UnfitBody { problem: problem.into() }
}

pub(crate) async fn read<S: Send + Sync>(
    mut request: Request,
    limit: usize,
    state: &S,
) -> Result<Bytes, Error> {
    let too_large = || Error::TooLarge { what: "The body", limit: shown(limit) };
    let declared =
        request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: usize| length > limit) {
        return Err(too_large());
    }
    DefaultBodyLimit::max(limit).apply(&mut request);
    Bytes::from_request(request, state).await.map_err(|rejection| match rejection {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => too_large(),
        _ => Error::BodyCutOff,
    })
}

fn expect_json(headers: &HeaderMap) -> Result<(), Error> {
    let declared = headers.get(CONTENT_TYPE);
    let text = declared.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    let found = if essence.is_empty() { "missing".into() } else { format!("`{essence}`") };
    Err(Error::WrongContentType { found })
}

fn refusal(error: &serde_json::Error) -> Error {
    let text = error.to_string();
    let problem = text.split(" at line ").next().unwrap_or_default().to_owned();
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        Category::Data => match nearest::unknown_field(&text) {
            Some((name, known)) => {
                Error::UnknownMember { hint: nearest::hint(name, &known), name: name.to_owned() }
            }
            None if line > 0 => unfit(format!("{problem}, at line {line}, column {column}")),
            None => unfit(problem),
        },
        Category::Io | Category::Syntax | Category::Eof => Error::MalformedJson { problem, line, column },
    }
}

fn shown(bytes: usize) -> String {
    if bytes.is_multiple_of(MEBIBYTE) {
        format!("{} MiB", bytes / MEBIBYTE)
    } else {
        format!("{bytes} bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_however_they_are_written() {
        let read = |text: &str| parse::<u64>(text.as_bytes()).ok();
        assert_eq!(read("7"), Some(7));
        assert_eq!(read("7.0"), Some(7));
        assert_eq!(read("2.2e2"), Some(220));
        assert_eq!(read("2251799813685247.0"), Some(2_251_799_813_685_247));
        assert_eq!(read("7.5"), None);
        assert_eq!(read("-1"), None);
    }
}
