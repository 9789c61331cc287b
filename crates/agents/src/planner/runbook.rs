//! The reader of Markdown runbooks.
//!
//! A text is a runbook when it has a heading or a list item, and at least one fenced code block,
//! `- [ ]` item or line that asks for approval. What becomes of its parts:
//!
//! - A single first heading above others is the title; prose under it introduces and is no step,
//!   and `- [ ]` items under it are judged at the very end.
//! - A heading, an ordered list item, a list item with code, and, where a section has no code,
//!   a bullet become steps; a title keeps its parent's before it (`Clean › Drop duplicates`).
//!   Prose becomes the step's detail.
//! - A fenced block in a language the sandbox runs becomes code; several under one heading become
//!   several steps. A block in another language, in none, or marked `no-run` is kept as a note.
//!   `Run \`command\`` in a list item is code too.
//! - A `- [ ]` or `- [x]` item becomes an acceptance criterion of the step above it in its
//!   section, or of the section's last step when it stands before all of them. See
//!   [`checks`](super::checks) for what is understood. Checks of output in a section without code
//!   belong to the code step before. A `- [ ]` item that asks for approval is a gate, and one that
//!   holds code is a step whose code must succeed.
//! - Front matter may say `title`, `language` (`en` or `pt`), `timeout` (for the code of each step:
//!   `90s`, `5 min`, `1h`; 10 minutes when absent) and `inputs` (the files it reads).
//! - A sentence that asks for approval becomes a gate where it stands; one that says the section
//!   needs approval, after its code, becomes a gate before that code.
//! - Every step waits for all that is above it, unless it says `(after X)` or `Depends on: X`,
//!   or its heading's parent says `(in parallel)`.
//! - A heading that names a report or summary and has no code is a report step; when the last
//!   step is no report, one is added. HTML is ignored.
//!
//! Invariant: any text is read without panic in time linear in its length, and nothing that was
//! not fenced or asked to run becomes code.

mod build;
mod document;
pub(super) mod fence;
mod link;
mod settings;
mod units;

use crate::Error;
use crate::plan::Plan;

pub use settings::Settings;

/// Whether the text is a runbook, by the rule above.
#[must_use]
pub fn is_runbook(text: &str) -> bool {
    document::Document::parse(text).is_runbook()
}

/// What a runbook asks for beside its steps: its title, a timeout for its code, the files it
/// reads. Plain words that name inputs on a line of their own are understood as well.
#[must_use]
pub fn settings(text: &str) -> Settings {
    document::Document::parse(text).settings()
}

/// The plan a runbook describes.
pub fn plan(text: &str) -> Result<Plan, Error> {
    from_document(text, &document::Document::parse(text))
}

/// The plan, if the text is a runbook.
pub(crate) fn try_plan(text: &str) -> Option<Result<Plan, Error>> {
    let document = document::Document::parse(text);
    document.is_runbook().then(|| from_document(text, &document))
}

fn from_document(text: &str, document: &document::Document) -> Result<Plan, Error> {
    let plan = build::plan(text, document)?;
    plan.validate()?;
    Ok(plan)
}

#[cfg(test)]
mod tests;
