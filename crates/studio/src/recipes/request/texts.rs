//! Texts that are to be other ones: by their names, or by what they are.

use std::ops::Range;

use super::super::lexicon as says;
use super::super::schema::TextEntry;
use super::super::verbs::Action;
use super::super::words::{Kind, Thing};
use super::colours::palette;
use super::{Reader, Reading, Request, clean, without_courtesy};

/// What a text is called, with all that is said beside it, has at most this many words.
const LONGEST_NAME: usize = 24;
/// In how many places “change A to B” is cut at most.
const MOST_TRIES: usize = 8;

impl<'t> Reader<'_, 't> {
    /// “change “A” to “B””.
    pub(super) fn quoted_replacement(&self) -> Option<Reading<'t>> {
        let old = self.quoted(self.rest.clone())?;
        let new = self.quoted(old + 1..self.rest.end)?;
        let leads = self.has(old + 1..new, says::BECOMES) && self.may_change();
        let tries = vec![(self.message.inner(&self.message.tokens[old]).to_owned(), self.inner(new))];
        leads.then_some(Reading { request: Request::Replace { tries, is_quoted: true }, is_open: false })
    }

    /// “change the title to …”, “the title should be …”, “use “…” as the title”.
    pub(super) fn text(&self) -> Option<Reading<'t>> {
        let begin = self.skip(self.rest.start, says::ARTICLES);
        let is_said = self.action.is_none_or(|action| action == Action::Add);
        if is_said && self.message.name_at(begin, self.rest.end, entry).is_none() {
            return None;
        }
        if let Some(quoted) = self.quoted(self.rest.clone()) {
            let outside = [self.rest.start..quoted, quoted + 1..self.rest.end];
            let entry = self.named_text(&outside)?;
            return self.text_reading(entry, Some(self.inner(quoted)), false);
        }
        for at in self.rest.clone().take(LONGEST_NAME) {
            let is_mark = matches!(self.kind(at), Some(Kind::Mark(':' | '=')));
            let leads = is_mark || self.is(at, says::BECOMES);
            let follows_name = self.action == Some(Action::Name)
                && self.is(at, says::SITE)
                && !self.is(at + 1, says::BECOMES);
            if !leads && !follows_name {
                continue;
            }
            let target = self.rest.start..if leads { at } else { at + 1 };
            if let Some(named) = self.named_text(&[target]) {
                let value = self.value(at + 1);
                // A colour that is meant is not a text, unless it is quoted.
                let is_colour = self.message.name_at(self.rest.end.min(at + 1), self.rest.end, palette);
                let is_colour = is_colour.is_some_and(|(end, _)| end == self.rest.end)
                    && value.as_ref().is_some_and(|value| value.starts_with(char::is_lowercase));
                if is_colour {
                    return Some(Reading { request: Request::ColourOfPart, is_open: false });
                }
                return self.text_reading(named, value, true);
            }
        }
        None
    }

    fn text_reading(&self, entry: Named<'t>, value: Option<String>, is_open: bool) -> Option<Reading<'t>> {
        let request = match entry {
            Named::Entry(entry) => Request::Text { entry, value },
            Named::OfPage => Request::TextOfPage,
        };
        Some(Reading { request, is_open })
    }

    /// The text that these tokens name: all words of one of its names are among them.
    fn named_text(&self, target: &[Range<usize>]) -> Option<Named<'t>> {
        if target.iter().map(|part| part.len()).sum::<usize>() > LONGEST_NAME {
            return None;
        }
        let words: Vec<&str> = target.iter().flat_map(|part| part.clone()).map(|at| self.word(at)).collect();
        if words.iter().any(|word| says::COLOURS.contains(word)) {
            return None;
        }
        let words: Vec<&str> =
            words.into_iter().map(says::canonical).filter(|word| !word.is_empty()).collect();
        let is_site = |word: &&str| says::SITE.contains(word);
        let site = (self.action == Some(Action::Name) && words.iter().any(is_site))
            .then(|| self.message.entry_of("/site/name"));
        let (found, name) = self.message.entry_among(&words).or(site.flatten())?;
        let known = [
            says::ARTICLES,
            says::MODALS,
            says::PAGE,
            says::SITE,
            says::FIRST_PAGE,
            says::FILLERS,
            says::PREPOSITIONS,
        ];
        let is_known = |word: &&&str| known.iter().any(|known| known.contains(*word));
        let is_generic = |word: &&&str| ["text", "texto", "label", "words", "palavras"].contains(*word);
        let others = words.iter().filter(|word| !name.iter().any(|part| part == *word));
        let others = others.filter(|word| !is_known(word) && !is_generic(word)).count();
        let of_page = words.iter().any(|word| says::PAGE.contains(word));
        match others {
            _ if of_page && found.pointer.starts_with("/site/") => Some(Named::OfPage),
            0 => Some(Named::Entry(found)),
            1.. if of_page => Some(Named::OfPage),
            1 if self.may_change() => Some(Named::Entry(found)),
            _ => None,
        }
    }

    /// What stands at the end of the clause, without quotation marks.
    fn value(&self, begin: usize) -> Option<String> {
        let marks = |at: &usize| matches!(self.kind(*at), Some(Kind::Mark(':' | '=' | '\n')));
        let begin = (begin..self.rest.end).find(|at| !marks(at))?;
        let text = without_courtesy(self.message.slice(begin..self.rest.end));
        let end: &[char] =
            if self.head.is_question { &['.', ',', ';', ':', '?'] } else { &['.', ',', ';', ':'] };
        let is_ellipsis = text.ends_with("...");
        let text = if is_ellipsis { text } else { text.trim_end_matches(end) };
        Some(clean(text)).filter(|text| !text.is_empty())
    }

    /// “change A to B”.
    pub(super) fn spoken_replacement(&self) -> Option<Reading<'t>> {
        if !matches!(self.action, Some(Action::Change | Action::Name)) {
            return None;
        }
        let begin = self.skip(self.rest.start, &["the", "text", "o", "texto", "words"]);
        let mut tries = Vec::new();
        for at in self.rest.clone().filter(|at| self.is(*at, says::BECOMES)).take(MOST_TRIES) {
            let new = self.quoted(at + 1..at + 2).map(|at| self.inner(at)).or_else(|| self.value(at + 1));
            for begin in [self.rest.start, begin] {
                let old = match self.quoted(begin..at) {
                    Some(quoted) => self.inner(quoted),
                    None if begin < at => self.message.slice(begin..at).to_owned(),
                    None => continue,
                };
                tries.extend(new.clone().map(|new| (old, new)));
            }
        }
        tries.dedup();
        let request = Request::Replace { tries, is_quoted: false };
        let has_tries = matches!(&request, Request::Replace { tries, .. } if !tries.is_empty());
        has_tries.then_some(Reading { request, is_open: true })
    }

    /// “change the title”.
    pub(super) fn text_without_value(&self) -> Option<Reading<'t>> {
        if !matches!(self.action, Some(Action::Change | Action::Name)) {
            return None;
        }
        let named = self.named_text(std::slice::from_ref(&self.rest))?;
        self.text_reading(named, None, false)
    }
}

/// A text that was named.
enum Named<'t> {
    Entry(&'t TextEntry),
    /// One that is in the file of a page.
    OfPage,
}

fn entry(thing: Thing<'_>) -> Option<&TextEntry> {
    if let Thing::Entry(entry) = thing { Some(entry) } else { None }
}
