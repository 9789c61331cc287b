//! What the Studio can do without a language model: the recipes that a template brings with it.
//!
//! [`understand`] reads a message by fixed rules, in English and Brazilian Portuguese, and answers
//! either with a [`Plan`] of calls of the agent's tools or with a text. Whichever it is says that no
//! language model was used. The words that things go by, what is written and where are in the
//! templates; `templates/README.md` says what they mean.
//!
//! Invariants: nothing is written here, and a project's files are only read through the function
//! that is handed over; the same message and files always give the same plan; a page that is there
//! is never overwritten; what was not understood is said and never guessed.

mod clauses;
mod draft;
mod edit;
mod lexicon;
mod request;
mod say;
mod schema;
#[cfg(test)]
mod tests;
mod verbs;
mod words;

use models::ToolCall;
use models::offline::Language;
use serde::{Deserialize, Serialize};

use crate::template::Template;
use draft::Draft;
use say::Note;
pub use schema::{
    Insert, Markers, Pages, Palette, Recipe, RecipeFile, RecipeKind, TextEntry, Texts, Theme, Words,
};
use words::{Kind, Message};

/// A longer message is no simple request, in bytes.
const LONGEST_MESSAGE: usize = 2_000;

/// What can be done for a message without a model.
#[derive(Clone, Debug)]
pub enum Understanding {
    /// The project is changed.
    Plan(Plan),
    /// Nothing is changed, and this is said, as Markdown: it was not understood, cannot be done, or
    /// is there already.
    Answer(String),
}

/// Changes, and what is said before and after them, as Markdown in the language of the message.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// Before: what will be done, and that no model is used.
    pub intro: String,
    /// The changes, in order. Each builds on those before it.
    pub changes: Vec<Change>,
    /// Afterwards: also what of the message was not done, and why.
    pub outro: String,
}

/// One change.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Change {
    /// What it is, in a few words.
    pub title: String,
    /// The calls that make it: `fs_write` with a file's whole new content.
    pub calls: Vec<ToolCall>,
}

/// Understands a message about a project that began with `template`. `read` gives the text of one of
/// its files, by its path; `None` if there is none.
pub fn understand(template: &Template, text: &str, read: &dyn Fn(&str) -> Option<String>) -> Understanding {
    let text = text.trim();
    let shown = &text[..text.floor_char_boundary(LONGEST_MESSAGE)];
    let message = Message::read(shown, template);
    let language = language_of(&message);
    if template.recipes.is_empty() {
        return Understanding::Answer(say::nothing_here(language));
    }
    let mut draft = Draft::new(template, language, read);
    if shown.len() < text.len() {
        draft.notes.push(Note::NotUnderstood(text.to_owned()));
    } else {
        for clause in clauses::clauses(&message) {
            match clause.request {
                Some(request) => draft.take(&request),
                None => draft.notes.push(Note::NotUnderstood(clause.text.to_owned())),
            }
        }
    }
    let Draft { changes, mut notes, has_samples, .. } = draft;
    notes.dedup();
    if changes.is_empty() {
        return Understanding::Answer(say::answer(template, language, &notes));
    }
    let titles: Vec<&str> = changes.iter().map(|change| change.title.as_str()).collect();
    let (intro, outro) = (say::intro(language, &titles), say::outro(template, language, has_samples, &notes));
    Understanding::Plan(Plan { intro, changes, outro })
}

/// The language of a message: that of its first verb, since titles may be in any; else of all of it.
fn language_of(message: &Message<'_>) -> Language {
    let verb = message.tokens.iter().find_map(|token| verbs::verb(&token.folded)?.1);
    if let Some(language) = verb {
        return language;
    }
    let spoken = message.tokens.iter().filter(|token| token.kind == Kind::Word);
    let spoken: Vec<&str> = spoken.map(|token| &message.text[token.range.clone()]).collect();
    let [english, portuguese] = message.named_in;
    let is_portuguese = portuguese > english
        || message.tokens.iter().any(|token| lexicon::PORTUGUESE.contains(&token.folded.as_str()));
    if is_portuguese { Language::Portuguese } else { Language::of(&spoken.join(" ")) }
}
