//! Who does something, for the audit trail.

use std::fmt;

/// Who acts. Its text form (`owner`, `token:tok_…`, `system`) is what events and audit keep.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The person the workspace belongs to.
    Owner,
    /// A program with a token the owner issued, by the token's public id.
    Token(String),
    /// Atelier itself: timers, recovery, parents of child runs.
    System,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner => f.write_str("owner"),
            Self::Token(id) => write!(f, "token:{id}"),
            Self::System => f.write_str("system"),
        }
    }
}

impl From<&str> for Actor {
    fn from(text: &str) -> Self {
        match text.split_once(':') {
            Some(("token", id)) => Self::Token(id.to_owned()),
            _ if text == "owner" => Self::Owner,
            _ => Self::System,
        }
    }
}
