//! Google's `generateContent`, which is asked of providers only.
//!
//! The model is part of the path, not of the body; a stream ends without a mark of its end.

mod answer;
mod failure;
mod request;

pub(crate) use answer::Decoder;
pub(crate) use failure::{refuses_key, retry_delay};
pub(crate) use request::encode;

#[cfg(test)]
mod tests;
