//! One clause of a message as a request. A clause begins with a verb, or goes on with the verb of
//! the one before it; what it is about is named in the words of the template.

mod colours;
mod pages;
mod texts;

use std::ops::Range;

use super::lexicon as says;
use super::schema::{Palette, Recipe, TextEntry};
use super::verbs::{Action, verb};
use super::words::{Kind, Message};

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) enum Request<'t> {
    /// A page, with sections on it; `is_list` if they were listed, and what follows may be one more.
    Page { title: Option<String>, sections: Vec<&'t Recipe>, is_list: bool },
    /// A section.
    Section { recipe: &'t Recipe, page: Option<PageName> },
    /// Another header or footer.
    Frame(&'t Recipe),
    /// A text by its name, and what it is to be.
    Text { entry: &'t TextEntry, value: Option<String> },
    /// A text by what it is now, and what it is to be. What was not quoted may be cut in several
    /// places; the first that fits is meant.
    Replace { tries: Vec<(String, String)>, is_quoted: bool },
    /// Other colours.
    Palette(&'t Palette),
    /// Colours that there are not.
    OtherColour,
    /// Colours of a part, where only all can be changed.
    ColourOfPart,
    /// Dark or light.
    DarkOrLight,
    /// The text of a page that is not in the file of texts.
    TextOfPage,
    /// What was done last is to be taken back.
    Undo,
    /// Something is to go.
    Remove,
}

/// How a page is named.
#[derive(Clone, Debug)]
pub(super) enum PageName {
    First,
    /// The one that the message named last.
    Last,
    /// By one of these, the longest first.
    Called(Vec<String>),
    /// By this, unless it is the name of something else.
    Perhaps(String),
}

/// A request as it was read.
#[derive(Clone, Debug)]
pub(super) struct Reading<'t> {
    pub(super) request: Request<'t>,
    /// Whether it ends in a text without quotation marks, which may go on.
    pub(super) is_open: bool,
}

/// How a clause begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// What its verb asks for.
    pub(super) action: Option<Action>,
    /// It only wishes.
    is_wish: bool,
    is_negated: bool,
    /// It asks somebody to do it, and may end in a question mark.
    is_question: bool,
    /// The first token after the verb and before what it is about.
    pub(super) rest: usize,
}

impl Head {
    pub(super) fn of(message: &Message<'_>, clause: &Range<usize>) -> Self {
        let mut head =
            Self { action: None, is_wish: false, is_negated: false, is_question: false, rest: clause.start };
        while head.rest < clause.end {
            let at = head.rest;
            let token = &message.tokens[at];
            let word = token.folded.as_str();
            if says::NEGATIONS.contains(&word) {
                head.is_negated = true;
            } else if says::WISHES.contains(&word) {
                head.is_wish = true;
            } else if verb(word).is_some() && !(word == "por" && message.is_word(at + 1, &["favor"])) {
                head.action = verb(word).map(|(action, _)| action);
                head.rest += 1;
                break;
            } else if !matches!(token.kind, Kind::Mark(_)) && !says::FILLERS.contains(&word) {
                break;
            }
            head.is_question |= says::ASKING.contains(&word);
            head.rest += 1;
        }
        head
    }
}

/// Reads a clause. `inherited` is the verb of the one it goes on with.
pub(super) fn read<'t>(
    message: &Message<'t>,
    clause: Range<usize>,
    inherited: Option<Action>,
) -> Option<Reading<'t>> {
    let head = Head::of(message, &clause);
    if head.is_negated {
        return None;
    }
    let reader = Reader { message, head, action: head.action.or(inherited), rest: head.rest..clause.end };
    reader.read()
}

struct Reader<'m, 't> {
    message: &'m Message<'t>,
    head: Head,
    action: Option<Action>,
    /// What comes after the verb.
    rest: Range<usize>,
}

impl<'t> Reader<'_, 't> {
    fn read(&self) -> Option<Reading<'t>> {
        let closed = |request| Some(Reading { request, is_open: false });
        match self.action {
            Some(Action::Undo) if self.palette().is_none() => return closed(Request::Undo),
            Some(Action::Remove) => return closed(Request::Remove),
            _ => {}
        }
        if let Some(title) = self.another_title() {
            return Some(title);
        }
        let begins_new = self.is(self.rest.start, says::INDEFINITE);
        let is_new = matches!(self.action, Some(Action::Add))
            || begins_new && (self.head.is_wish || self.action == Some(Action::Make));
        if is_new && let Some(reading) = self.added() {
            return Some(reading);
        }
        let changed = self.quoted_replacement().or_else(|| self.text()).or_else(|| self.colours());
        if changed.is_some() {
            return changed;
        }
        self.added().or_else(|| self.spoken_replacement()).or_else(|| self.text_without_value())
    }

    fn word(&self, at: usize) -> &str {
        self.message.tokens.get(at).filter(|_| at < self.rest.end).map_or("", |token| &token.folded)
    }

    fn is(&self, at: usize, words: &[&str]) -> bool {
        at < self.rest.end && self.message.is_word(at, words)
    }

    fn kind(&self, at: usize) -> Option<Kind> {
        self.message.kind(at).filter(|_| at < self.rest.end)
    }

    fn has(&self, mut tokens: Range<usize>, words: &[&str]) -> bool {
        tokens.any(|at| self.is(at, words))
    }

    fn quoted(&self, mut tokens: Range<usize>) -> Option<usize> {
        tokens.find(|at| self.kind(*at) == Some(Kind::Quoted))
    }

    fn inner(&self, at: usize) -> String {
        clean(self.message.inner(&self.message.tokens[at]))
    }

    fn skip(&self, mut at: usize, words: &[&str]) -> usize {
        while at < self.rest.end && self.is(at, words) {
            at += 1;
        }
        at
    }

    fn may_change(&self) -> bool {
        matches!(self.action, Some(Action::Change | Action::Name | Action::Make))
    }
}

/// Without control characters and with single spaces.
fn clean(text: &str) -> String {
    let letters: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Without “please” at the end.
fn without_courtesy(text: &str) -> &str {
    const COURTESY: [&str; 6] = ["please", "por favor", "thanks", "thank you", "obrigado", "obrigada"];
    let text = text.trim();
    let bare = text.trim_end_matches(['.', '!', '?', ' ']);
    for courtesy in COURTESY {
        let Some(begin) = bare.len().checked_sub(courtesy.len()) else { continue };
        if bare.is_char_boundary(begin)
            && bare[begin..].eq_ignore_ascii_case(courtesy)
            && bare[..begin].ends_with(' ')
        {
            return bare[..begin].trim_end_matches([' ', ',']);
        }
    }
    text
}
