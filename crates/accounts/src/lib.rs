//! Accounts: who is asking, and what they may do.
//!
//! Programs carry bearer tokens; the owner's browser carries a session cookie, which it gets by
//! opening a link with a one-time key or by pasting a token. All three are random [`Secret`]s that
//! are shown once.
//!
//! Invariants:
//! - A secret is stored only as its BLAKE3 hash and found by that hash; none is ever compared,
//!   printed or logged.
//! - A token that is revoked or over, and every session opened with it, stops being accepted within
//!   a second, whichever process revoked it.
//! - Whatever is wrong with a credential, the answer is the same.
//!
//! Start reading at [`service`].

mod cache;
pub mod error;
pub mod scope;
pub mod secret;
pub mod service;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;

pub use error::Error;
pub use scope::{Scope, Scopes};
pub use secret::{Secret, SecretHash};
pub use service::{Accounts, Identity, IssuedToken, NewSession, NewToken};
pub use store::{AccountStore, Session, Token};
