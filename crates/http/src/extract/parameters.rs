//! Query parameters: typed, without unknown names.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::nearest;
use crate::error::Error;

/// The query, read into a type that refuses unknown fields itself.
pub(crate) struct Parameters<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(refusal(&rejection.body_text())),
        }
    }
}

/// A parameter that does not have the form it should.
pub(crate) fn invalid(name: &str, problem: impl Into<String>) -> Error {
    Error::InvalidParameter { name: name.to_owned(), problem: problem.into() }
}

/// `Failed to deserialize query string: limit: invalid digit found in string`, for a person.
fn refusal(text: &str) -> Error {
    let text = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(text);
    if let Some((name, known)) = nearest::unknown_field(text) {
        return Error::UnknownParameter { hint: nearest::hint(name, &known), name: name.to_owned() };
    }
    if let Some(name) = text.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        return invalid(name, "it must be given");
    }
    match text.split_once(": ") {
        Some((name, problem)) if !name.contains(' ') => invalid(name, problem),
        _ => invalid("query", text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(refusal(&format!("Failed to deserialize query string: {text}")).to_string(), expected);
    }

    #[test]
    fn says_which_parameter_is_wrong() {
        check("limit: invalid digit", "The parameter `limit` is not valid: invalid digit");
        check("missing field `q`", "The parameter `q` is not valid: it must be given");
        check("duplicate field `q`", "The parameter `query` is not valid: duplicate field `q`");
        check("unknown field `lim`, expected `limit`", "There is no query parameter `lim` here");
    }
}
