//! Keys that are held but never shown.

use std::fmt;

use serde::{Deserialize, Deserializer};

/// What stands in place of a key in any text.
pub(crate) const REDACTED: &str = "[redacted]";

/// A provider's key. It has no `Display` and no `Serialize`, and `Debug` prints a placeholder, so
/// that it cannot reach a log, an event or an error by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(Box<str>);

impl ApiKey {
    /// Holds `key`, without the white space a pasted key often brings.
    pub fn new(key: &str) -> Self {
        Self(key.trim().into())
    }

    /// The key itself, for the one header that carries it and for the store that keeps it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Its last characters, by which its owner knows it: at most four, and none of a short key.
    pub fn ending(&self) -> Option<String> {
        const SHORTEST: usize = 12;
        let length = self.0.chars().count();
        (length >= SHORTEST).then(|| self.0.chars().skip(length - 4).collect())
    }

    /// `text` with every occurrence of the key replaced, for what a server sends back.
    pub(crate) fn redact(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&*self.0, REDACTED) }
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl<'de> Deserialize<'de> for ApiKey {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|key| Self::new(&key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_shows_the_key() {
        let key = ApiKey::new(" canary-7f3a \n");
        assert_eq!(format!("{key:?} {:?}", Some(&key)), "[redacted] Some([redacted])");
        assert_eq!(key.redact("bad key canary-7f3a!"), "bad key [redacted]!");
        assert_eq!(key.expose(), "canary-7f3a");
        assert_eq!(key.ending(), None, "four characters of eleven would be too many");
        assert_eq!(ApiKey::new("canary-7f3a9").ending().as_deref(), Some("f3a9"));
    }
}
