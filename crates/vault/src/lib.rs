//! Keeps secrets that must be read again: the keys of model providers.
//!
//! They go into the operating system's keychain where there is one that can be used, else into an
//! encrypted file in the workspace. Tokens of Atelier's own are not kept here; of those a hash is
//! enough.
//!
//! Invariants: no secret is ever on disk in the clear; a [`Secret`] has neither `Display` nor
//! `Debug`, and its memory is wiped; a file that the key does not open, or that was changed by
//! another hand, is never written over.
//!
//! Start reading at [`Secrets`]; why it is so is in `docs/adr/0007-secrets.md`.

mod cipher;
pub mod error;
mod file;
mod key;
mod keychain;
pub mod secret;
pub mod service;

pub use error::Error;
pub use key::KeySource;
pub use keychain::Keychain;
pub use secret::Secret;
pub use service::{Secrets, SecretsOptions, Storage};
