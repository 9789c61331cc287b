//! What cannot be asked of an embedder.

use kernel::Kind;

use super::MOST_TEXTS;
use crate::error::Error;

/// Why there are no vectors, beyond what any provider can say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the fields say what the messages say")]
pub enum EmbeddingFault {
    /// The embedder that was chosen cannot be used, and no other takes its place.
    #[error("there is no embedder: {reason}")]
    Missing { reason: String },
    /// A text must stay here and the embedder is elsewhere.
    #[error("`{embedder}` is not on this machine, and one of the texts must not leave it")]
    NotLocal { embedder: String },
    /// Too many texts, or none.
    #[error("{count} texts were given, and 1 to {MOST_TEXTS} are taken at once")]
    Count { count: usize },
    /// A text without anything in it.
    #[error("text number {} is empty", .place + 1)]
    EmptyText { place: usize },
    /// More components than there are.
    #[error("vectors of {wanted} dimensions were wanted, and there are 1 to {dimensions}")]
    TooLong { wanted: usize, dimensions: usize },
    /// Fewer components were wanted of one whose vectors lose their meaning by that.
    #[error("the vectors of `{embedder}` cannot be shortened: they have {dimensions} dimensions")]
    FixedLength { embedder: String, dimensions: usize },
    /// Its vectors are not what its settings say.
    #[error("`{embedder}` gave a vector of {found} dimensions where {expected} were expected")]
    Length { embedder: String, expected: usize, found: usize },
}

impl EmbeddingFault {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "no_embedder",
            Self::NotLocal { .. } => "embedder_not_local",
            Self::Count { .. } | Self::EmptyText { .. } => "embedding_input_invalid",
            Self::TooLong { .. } | Self::FixedLength { .. } => "embedding_dimensions_invalid",
            Self::Length { .. } => "embedding_dimensions_differ",
        }
    }

    /// Whose fault it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Missing { .. } | Self::NotLocal { .. } | Self::Length { .. } => Kind::Unavailable,
            Self::Count { .. } | Self::EmptyText { .. } | Self::TooLong { .. } | Self::FixedLength { .. } => {
                Kind::Invalid
            }
        }
    }

    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "`atelier doctor` tells what is missing and how to get it",
            Self::NotLocal { .. } => {
                "Choose an embedder on this machine in `embeddings` of settings.yaml, or take out what is \
                 labelled local"
            }
            Self::Count { .. } => "Send the texts in smaller lists",
            Self::EmptyText { .. } => "Leave empty texts out",
            Self::TooLong { .. } | Self::FixedLength { .. } => "Leave `dimensions` out",
            Self::Length { .. } => "Correct `embeddings.dimensions` in settings.yaml",
        }
    }
}

impl From<EmbeddingFault> for Error {
    fn from(fault: EmbeddingFault) -> Self {
        Self::Embedding(fault)
    }
}
