//! How many tokens a text has, as a model counts them.
//!
//! OpenAI's models are counted exactly. Others keep their vocabularies to themselves or ship them with
//! their weights; for those a text counts a quarter more than for the newest of OpenAI's, which was
//! never too little on prose, code and Portuguese, so that a budget holds with all of them.

use tiktoken_rs::{CoreBPE, cl100k_base_singleton, o200k_base_singleton};

/// What a text counts for a model whose vocabulary is not known, in hundredths.
const MARGIN: usize = 125;

/// Counts tokens as one model does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenCounting {
    /// GPT-4o and all after it.
    O200k,
    /// GPT-4 and GPT-3.5.
    Cl100k,
    /// With a margin, for any other.
    WithMargin,
}

impl TokenCounting {
    /// How the model of this name counts; with or without its provider before a slash.
    pub fn of_model(name: &str) -> Self {
        let name = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
        let begins = |beginnings: &[&str]| beginnings.iter().any(|beginning| name.starts_with(beginning));
        if begins(&["gpt-4o", "gpt-4.1", "gpt-4.5", "gpt-5", "chatgpt-4o", "o1", "o3", "o4", "gpt-oss"]) {
            Self::O200k
        } else if begins(&["gpt-4", "gpt-3.5", "text-embedding-"]) {
            Self::Cl100k
        } else {
            Self::WithMargin
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::O200k => "o200k_base",
            Self::Cl100k => "cl100k_base",
            Self::WithMargin => "o200k_base+25%",
        }
    }

    /// How many tokens a text has.
    pub fn count(self, text: &str) -> usize {
        let exactly = |vocabulary: &CoreBPE| vocabulary.encode_ordinary(text).len();
        match self {
            Self::O200k => exactly(o200k_base_singleton()),
            Self::Cl100k => exactly(cl100k_base_singleton()),
            Self::WithMargin => (exactly(o200k_base_singleton()) * MARGIN).div_ceil(100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(model: &str, expected: TokenCounting) {
        assert_eq!(TokenCounting::of_model(model), expected, "{model}");
    }

    #[test]
    fn models_are_known_by_their_names() {
        check("gpt-4o-mini", TokenCounting::O200k);
        check("openai/gpt-4.1", TokenCounting::O200k);
        check("gpt-4-turbo", TokenCounting::Cl100k);
        check("ollama/llama3.2:3b", TokenCounting::WithMargin);
        check("", TokenCounting::WithMargin);
    }

    #[test]
    fn tokens_are_counted_as_the_reference_counts_them() {
        assert_eq!(TokenCounting::O200k.count("hello world"), 2);
        assert_eq!(TokenCounting::Cl100k.count("tiktoken is great!"), 6);
        assert_eq!(TokenCounting::WithMargin.count("hello world"), 3);
        assert_eq!(TokenCounting::O200k.count(""), 0);
        assert_eq!(TokenCounting::O200k.count("<|endoftext|>"), 7, "nothing in a text is special");
    }
}
