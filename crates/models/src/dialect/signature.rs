//! Whose proof of a thought it is.
//!
//! A signature means something only to the provider it came from, yet it travels through clients of
//! every dialect and comes back with the conversation. So it bears the mark of its dialect wherever
//! it is away from it; in a [`crate::Part`], Anthropic's bear none.

use std::borrow::Cow;

use super::Dialect;

/// What a client keeps of Anthropic's begins with this.
const ANTHROPIC: &str = "anthropic:";

/// The mark of the others. Chat completions have no signatures.
fn mark(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Responses => "responses:",
        Dialect::Gemini => "gemini:",
        Dialect::Anthropic | Dialect::Chat => "",
    }
}

fn owner(signature: &str) -> Dialect {
    let others = [Dialect::Responses, Dialect::Gemini];
    others.into_iter().find(|other| signature.starts_with(mark(*other))).unwrap_or(Dialect::Anthropic)
}

/// A signature that a provider or a client of `dialect` wrote.
pub(super) fn read(dialect: Dialect, written: &str) -> String {
    match written.strip_prefix(ANTHROPIC) {
        Some(bare) => bare.to_owned(),
        None if owner(written) != Dialect::Anthropic => written.to_owned(),
        None => format!("{}{written}", mark(dialect)),
    }
}

/// The signature as a provider of `dialect` wrote it, if one did.
pub(super) fn own(dialect: Dialect, signature: &str) -> Option<&str> {
    signature.strip_prefix(mark(dialect)).filter(|_| owner(signature) == dialect)
}

/// The signature as a client of `dialect` is to keep it.
pub(super) fn write(dialect: Dialect, signature: &str) -> Cow<'_, str> {
    match own(dialect, signature) {
        Some(own) => own.into(),
        None if owner(signature) == Dialect::Anthropic => format!("{ANTHROPIC}{signature}").into(),
        None => signature.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_comes_home_through_clients_of_any_dialect() {
        for provider in [Dialect::Anthropic, Dialect::Responses, Dialect::Gemini] {
            let read_once = read(provider, "c2ln");
            for client in [Dialect::Anthropic, Dialect::Responses] {
                let kept = write(client, &read_once);
                let back = read(client, &kept);
                assert_eq!(own(provider, &back), Some("c2ln"), "{provider:?} through {client:?}");
                for other in [Dialect::Anthropic, Dialect::Responses, Dialect::Gemini] {
                    assert_eq!(own(other, &back).is_some(), other == provider, "{other:?}");
                }
            }
        }
    }
}
