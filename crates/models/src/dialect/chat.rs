//! OpenAI's chat completions.

mod answer;
mod request;

pub(crate) use answer::Decoder;
pub use answer::{Encoder, document, failure};
pub(crate) use request::encode;
pub use request::read;

#[cfg(test)]
mod tests;
