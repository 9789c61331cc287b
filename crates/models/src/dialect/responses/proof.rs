//! A thought's proof: what is encrypted, and the item's id, which has to come back with it.

use std::borrow::Cow;

use crate::dialect::{Dialect, signature};

/// Neither an id nor what is encrypted has one.
const BETWEEN: char = '#';

/// The signature of a `reasoning` item as a provider or a client wrote it.
pub(super) fn read(id: &str, encrypted: &str) -> String {
    let proof = signature::read(Dialect::Responses, encrypted);
    match signature::own(Dialect::Responses, &proof) {
        Some(own) => signature::read(Dialect::Responses, &format!("{id}{BETWEEN}{own}")),
        // Another's proof; the id was made up here.
        None => proof,
    }
}

/// The id and what is encrypted, if it is this dialect's own.
pub(super) fn own(signature: &str) -> Option<(&str, &str)> {
    signature::own(Dialect::Responses, signature)?.split_once(BETWEEN)
}

/// The same for a client, with the id that another's proof is given.
pub(super) fn write<'a>(signature: &'a str, fresh_id: &'a str) -> (&'a str, Cow<'a, str>) {
    match own(signature) {
        Some((id, encrypted)) => (id, encrypted.into()),
        None => (fresh_id, signature::write(Dialect::Responses, signature)),
    }
}
