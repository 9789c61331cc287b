//! Random secrets, and the hashes that are kept of them.
//!
//! A secret is a prefix that says what it opens, so that people and scanners recognise one that
//! leaked, and 256 random bits in 43 characters of URL-safe base 64. With that much randomness a
//! plain fast hash cannot be searched backwards, so no salt and no slow hash is needed.

use std::fmt;

use kernel::Entropy;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BODY_CHARS: usize = 43;
const REDACTED: &str = "[redacted]";

/// What a secret opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The API, for a program.
    Bearer,
    /// The API and the UI, for a browser.
    Session,
    /// One session.
    OpenKey,
}

impl Purpose {
    fn prefix(self) -> &'static str {
        match self {
            Self::Bearer => "atl_",
            Self::Session => "ats_",
            Self::OpenKey => "ato_",
        }
    }
}

/// A text that must reach only the person or program it is for. It has no `Serialize`, and
/// `Debug` and `Display` print a placeholder, so that it cannot reach a log by accident.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    pub(crate) fn mint(purpose: Purpose, entropy: &dyn Entropy) -> Self {
        let words: [u64; 4] = std::array::from_fn(|_| entropy.next_u64());
        let mut text = String::from(purpose.prefix());
        for place in 0..BODY_CHARS {
            // Six bits of the 256, from the first; two zero bits fill up the last character.
            let sextet = (0..6).fold(0, |sextet, bit| {
                let at = place * 6 + bit;
                let bit = words.get(at / 64).map_or(0, |word| word >> (63 - at % 64) & 1);
                sextet << 1 | bit as usize
            });
            text.push(char::from(ALPHABET[sextet]));
        }
        Self(text)
    }

    /// The text itself, for the one answer or cookie that carries it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub(crate) fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// The BLAKE3 hash of a secret, by which the store finds what belongs to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash of what a stranger presented; `None` when it is not even shaped like a secret for
    /// this purpose, whatever its length.
    pub(crate) fn of_presented(purpose: Purpose, text: &str) -> Option<Self> {
        let body = text.strip_prefix(purpose.prefix())?;
        let shaped = body.len() == BODY_CHARS && body.bytes().all(|byte| ALPHABET.contains(&byte));
        shaped.then(|| Self::of(text))
    }

    pub(crate) fn of(text: &str) -> Self {
        Self(*blake3::hash(text.as_bytes()).as_bytes())
    }

    /// The hash in 64 hexadecimal digits, as it is stored.
    pub fn to_hex(self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::SeededEntropy;

    struct Fixed(u64);

    impl Entropy for Fixed {
        fn next_u64(&self) -> u64 {
            self.0
        }
    }

    #[test]
    fn writes_all_bits_in_url_safe_base_64() {
        // What `base64.urlsafe_b64encode` of Python gives for the same 32 bytes.
        let ones = format!("atl_{}8", "_".repeat(42));
        assert_eq!(Secret::mint(Purpose::Bearer, &Fixed(u64::MAX)).expose(), ones);
        let counted = "ats_ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8";
        assert_eq!(Secret::mint(Purpose::Session, &Fixed(0x0123_4567_89ab_cdef)).expose(), counted);
    }

    #[test]
    fn is_recognised_and_hashed_alike_when_it_comes_back() {
        let secret = Secret::mint(Purpose::Bearer, &SeededEntropy::new(1));
        assert!(SecretHash::of_presented(Purpose::Bearer, secret.expose()) == Some(secret.hash()));
        assert!(SecretHash::of_presented(Purpose::Session, secret.expose()).is_none());
    }

    #[test]
    fn never_shows_itself() {
        let secret = Secret::mint(Purpose::OpenKey, &SeededEntropy::new(1));
        assert_eq!(format!("{secret} {secret:?} {:?}", secret.hash()), "[redacted] [redacted] [redacted]");
    }
}
