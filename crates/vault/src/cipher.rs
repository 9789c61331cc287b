//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) over one entry at a time.
//!
//! Invariant: what an entry is called is authenticated with it, so that entries cannot be swapped;
//! a nonce is 192 random bits and used once.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use kernel::Entropy;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The bytes of a key.
pub(crate) type KeyBytes = Zeroizing<[u8; 32]>;

const NONCE_BYTES: usize = 24;

/// An entry as it stands in the file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sealed {
    nonce: String,
    text: String,
}

/// Encrypts `text` under `name`.
pub(crate) fn seal(key: &KeyBytes, name: &str, text: &str, entropy: &dyn Entropy) -> Sealed {
    let mut nonce = [0; NONCE_BYTES];
    nonce.chunks_exact_mut(8).for_each(|part| part.copy_from_slice(&entropy.next_u64().to_le_bytes()));
    let payload = Payload { msg: text.as_bytes(), aad: &context(name) };
    let sealed = XChaCha20Poly1305::new(key.as_slice().into()).encrypt(&XNonce::from(nonce), payload);
    let sealed = sealed.expect("only texts beyond 256 GiB cannot be encrypted");
    Sealed { nonce: hex(&nonce), text: hex(&sealed) }
}

/// Decrypts what was sealed under `name`; `None` when it was not, or not with this key.
pub(crate) fn open(key: &KeyBytes, name: &str, sealed: &Sealed) -> Option<Zeroizing<String>> {
    let nonce = <[u8; NONCE_BYTES]>::try_from(unhex(&sealed.nonce)?).ok()?;
    let text = unhex(&sealed.text)?;
    let payload = Payload { msg: &text, aad: &context(name) };
    let opened = XChaCha20Poly1305::new(key.as_slice().into()).decrypt(&XNonce::from(nonce), payload);
    String::from_utf8(opened.ok()?).ok().map(Zeroizing::new)
}

fn context(name: &str) -> Vec<u8> {
    [b"atelier secret\0", name.as_bytes()].concat()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
