//! Embeddings made in this process: texts become vectors whose cosine says how alike they are.
//!
//! [`MiniLm`] is all-MiniLM-L6-v2, tokenised and pooled as its reference implementation does it,
//! computed by kernels of our own for the processor at hand. [`HashingEmbedder`] needs no model
//! and is what there is before one was fetched. Which of them is used, and where the model's files
//! lie, is decided elsewhere; [`files`] says which files those are.
//!
//! Invariants:
//! - No text makes an embedder fail or panic, however long or strange.
//! - A text's vector does not depend on what else is embedded with it, nor on the number of threads.
//! - Vectors of two embedders are never compared: [`Precision::identity`] tells them apart.
//!
//! Start reading at [`minilm`], then [`network`]; [`simd`] is where processors differ.

pub mod error;
pub mod files;
mod hashing;
pub mod minilm;
mod network;
mod simd;
mod tokenizer;
mod weights;

pub use error::Error;
pub use hashing::HashingEmbedder;
pub use minilm::{MiniLm, Precision};
pub use tokenizer::{MAX_PIECES, Tokenizer};
