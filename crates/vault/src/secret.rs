//! A secret in memory.

use zeroize::Zeroizing;

/// A text that is held and never shown. Its memory is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for whoever is to be given it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
