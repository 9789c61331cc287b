//! OpenAI's responses.
//!
//! Atelier keeps no answers, so what refers to an earlier one (`previous_response_id`, a
//! `conversation`, an item by its id) is only understood by a provider that speaks the same.

mod answer;
mod proof;
mod request;

pub(crate) use answer::Decoder;
pub use answer::{Encoder, Opening, document};
pub(crate) use request::encode;
pub use request::read;

#[cfg(test)]
mod tests;
