//! The words after `cargo xtask`, taken one by one; what nobody took is an error.

use anyhow::{Result, bail};

/// The words that have not been taken yet.
pub struct Arguments {
    words: Vec<String>,
}

impl Arguments {
    pub fn new(words: Vec<String>) -> Self {
        Self { words }
    }

    /// Takes the first word that is not a flag.
    pub fn word(&mut self) -> Option<String> {
        let position = self.words.iter().position(|word| !word.starts_with("--"))?;
        Some(self.words.remove(position))
    }

    /// Takes `name` if it is there.
    pub fn flag(&mut self, name: &str) -> bool {
        let position = self.words.iter().position(|word| word == name);
        position.map(|position| self.words.remove(position)).is_some()
    }

    /// Everything else, without the `--` that may stand before it.
    pub fn rest(mut self) -> Vec<String> {
        if self.words.first().is_some_and(|word| word == "--") {
            self.words.remove(0);
        }
        self.words
    }

    /// Refuses what is left over.
    pub fn finish(&self) -> Result<()> {
        match self.words.first() {
            None => Ok(()),
            Some(word) => bail!("`{word}` is not understood here; `cargo xtask help` lists what is"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(line: &str) -> Arguments {
        Arguments::new(line.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn takes_words_and_flags_in_any_order() {
        let mut given = arguments("--nightly test gates");
        assert_eq!(given.word().as_deref(), Some("test"));
        assert!(given.flag("--nightly"));
        assert!(!given.flag("--nightly"));
        assert_eq!(given.word().as_deref(), Some("gates"));
        given.finish().unwrap();
    }

    #[test]
    fn refuses_what_nobody_took() {
        let error = arguments("--ngihtly").finish().unwrap_err().to_string();
        assert!(error.contains("`--ngihtly` is not understood"), "{error}");
    }

    #[test]
    fn passes_the_rest_on_without_the_separator() {
        let mut given = arguments("serve -- --data here");
        given.word();
        assert_eq!(given.rest(), ["--data", "here"]);
    }
}
