//! Stores of vectors elsewhere, for [`memory`]: a Postgres with pgvector, and Chroma.
//!
//! Each is a cache of the vectors in the workspace's database, kept by someone else's server. It can be
//! emptied, lost or exchanged at any time, and is filled again from the position it says it has reached.
//! The SQL here is the protocol of such a server; what a workspace stores is known to `store` alone.
//!
//! Invariants:
//! - Vectors of two embedders, or of two workspaces, are never in one table or collection
//!   ([`Generation`]).
//! - A store that may be on another machine is given nothing that must stay on this one
//!   ([`Address::strictest`]).
//! - Nothing of what opens a store, a password or token, is shown, logged or part of an error.
//!
//! Start reading at [`Address`], then [`Pgvector`].

mod address;
mod chroma;
mod direction;
mod error;
mod generation;
mod pgvector;

pub use address::{Address, Store};
pub use chroma::Chroma;
pub use error::Error;
pub use generation::Generation;
pub use pgvector::Pgvector;
