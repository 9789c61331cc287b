//! The shapes on the wire that more than one route shares.
//!
//! Nothing of the planes is sent as it is: each shape here is converted to explicitly, so that a
//! change inside does not become a change of the interface unnoticed.

mod event;
mod list;
mod moment;
mod plan;
mod run;

pub(crate) use event::Event;
pub(crate) use list::{List, ListQuery, page_request};
pub(crate) use moment::Moment;
pub(crate) use plan::{CodeLanguage, Plan, PlanStepKind, PlannerKind};
pub(crate) use run::{Run, RunError, RunStatus};

/// Whether a text holds nothing but white space. The document says the same by the pattern
/// `[^\s\x1c-\x1f\x85\ufeff]`, which names what dialects of regular expressions see differently.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}' | '\u{feff}'))
}
