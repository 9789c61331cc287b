//! How far a piece of content may travel.

/// A privacy label. Labels order from open to strict; what is made of several parts carries the
/// strictest of them (`max`):
///
/// ```
/// use kernel::Privacy;
///
/// let labels = [Privacy::Shareable, Privacy::Local, Privacy::Shareable];
/// assert_eq!(labels.into_iter().max(), Some(Privacy::Local));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Privacy {
    /// May be sent to any provider the owner configured.
    #[default]
    Shareable,
    /// Never leaves this machine.
    Local,
}

impl Privacy {
    /// The label as stored and sent: `shareable` or `local`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shareable => "shareable",
            Self::Local => "local",
        }
    }
}

impl std::str::FromStr for Privacy {
    type Err = crate::Error;

    fn from_str(text: &str) -> crate::Result<Self> {
        match text {
            "shareable" => Ok(Self::Shareable),
            "local" => Ok(Self::Local),
            _ => Err(crate::Error::invalid(
                "unknown_privacy_label",
                format!("`{text}` is not a privacy label"),
            )
            .with_hint("Use `shareable` or `local`")),
        }
    }
}
