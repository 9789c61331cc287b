//! The files a model consists of, and what they must be.

/// One file of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelFile {
    /// Its name in the model's folder.
    pub name: &'static str,
    /// How many bytes it has.
    pub bytes: u64,
    /// Their SHA-256, in lower-case hexadecimal.
    pub sha256: &'static str,
}

pub(crate) const WEIGHTS: &str = "model.safetensors";
pub(crate) const VOCABULARY: &str = "vocab.txt";

/// What [`crate::MiniLm::load`] reads; nothing else is needed.
pub const MINILM: [ModelFile; 2] = [
    ModelFile {
        name: WEIGHTS,
        bytes: 90_868_376,
        sha256: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    },
    ModelFile {
        name: VOCABULARY,
        bytes: 231_508,
        sha256: "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    },
];
