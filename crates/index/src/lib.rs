//! Indices of what is remembered: caches of what SQL holds, in files beside it, that can be thrown
//! away and made again at any time.
//!
//! [`Keywords`] finds texts by their words: folded, stemmed in English and Portuguese, scored by
//! BM25. [`Vectors`] finds them by their embeddings. What is indexed is called by a number that its
//! owner gives it.
//!
//! Invariants:
//! - An index tells how far along its owner's changes it is; after a crash it is as after some
//!   earlier change, and what came later is applied again.
//! - Damage is never an error and never a wrong answer: a damaged index is empty, or as it was
//!   before what is damaged.
//! - Searches never wait for changes.
//!
//! Start reading at [`keywords`] with [`analysis`], and at [`vectors`].

pub mod analysis;
pub mod error;
pub mod keywords;
mod stop_words;
pub mod vectors;
pub mod words;

pub use analysis::{Language, Sought, SoughtWord, telling_words};
pub use error::Error;
pub use keywords::{Change, Condition, Contexts, Entry, Keywords, Match, Reading, Rebuild};
pub use stop_words::is_common;
pub use vectors::Vectors;
