//! Pages, sections, headers and footers that are to be added, and the pages that they go into.

use std::ops::Range;

use super::super::edit::capitalised;
use super::super::lexicon as says;
use super::super::schema::{Recipe, RecipeKind};
use super::super::verbs::Action;
use super::super::words::{Kind, Thing};
use super::{PageName, Reader, Reading, Request, clean, without_courtesy};

impl<'t> Reader<'_, 't> {
    pub(super) fn added(&self) -> Option<Reading<'t>> {
        let is_change = matches!(self.action, Some(Action::Change | Action::Name | Action::Undo));
        match self.object()? {
            Object::Page { .. } if is_change => None,
            Object::Page { before, after } => Some(self.page(before, after)),
            Object::Recipe { recipe, .. } if recipe.kind == RecipeKind::Frame => {
                let is_text = is_change && self.quoted(self.rest.clone()).is_some();
                (!is_text).then_some(Reading { request: Request::Frame(recipe), is_open: false })
            }
            Object::Recipe { .. } if is_change => None,
            Object::Recipe { recipe, after } => {
                let page = self.page_name(after, true).or_else(|| self.page_name(self.rest.start, false));
                Some(Reading { request: Request::Section { recipe, page }, is_open: false })
            }
        }
    }

    /// What the verb is about: the first thing that is named in its object, not in what is said of it.
    fn object(&self) -> Option<Object<'t>> {
        let is_strict =
            self.head.is_wish || self.action != Some(Action::Add) && self.action != Some(Action::Make);
        let mut most_unknown = if is_strict { 0 } else { 3 };
        let mut at = self.rest.start;
        let mut before = None;
        while at < self.rest.end {
            if let Some((after, recipe)) = self.message.name_at(at, self.rest.end, recipe) {
                if recipe.kind == RecipeKind::Page {
                    return Some(Object::Page { before: before.map_or(at..at, |begin| begin..at), after });
                }
                if self.is(after, says::PAGE) {
                    return Some(Object::Page { before: before.unwrap_or(at)..after, after: after + 1 });
                }
                return self.is_whole(after).then_some(Object::Recipe { recipe, after });
            }
            if matches!(self.kind(at), Some(Kind::Mark(',' | '.' | ';' | ':' | '\n'))) {
                return None;
            } else if self.kind(at) != Some(Kind::Word) {
                at += 1;
            } else if let Some(end) = self.place(at) {
                at = end.max(at + 1);
            } else if self.is(at, says::GENERIC) && self.is(at + 1, says::GENERIC_LINKS) {
                at += 2;
            } else if self.is(at, says::ARTICLES)
                || self.is(at, says::ADJECTIVES)
                || self.is(at, says::FILLERS)
            {
                at += 1;
            } else if self.is(at, says::PREPOSITIONS) || most_unknown == 0 {
                return None;
            } else {
                before = before.or(Some(at));
                most_unknown -= 1;
                at += 1;
            }
        }
        None
    }

    fn has_accent(&self, at: usize) -> bool {
        !self.message.text[self.message.tokens[at].range.clone()].is_ascii()
    }

    /// Whether a thing that was named is what is wanted: without a verb of doing, hardly anything
    /// may follow.
    fn is_whole(&self, after: usize) -> bool {
        let is_new = self.is(self.rest.start, says::INDEFINITE);
        let is_end = (after..self.rest.end).all(|at| {
            self.kind(at) != Some(Kind::Word) || self.is(at, says::FILLERS) || self.is(at, says::INTO)
        });
        let is_placed = self.page_at(after, true).is_some();
        match self.action {
            None if !self.head.is_wish => is_new && (is_end || is_placed),
            Some(_) if !self.head.is_wish => true,
            _ => {
                is_end
                    || is_placed
                    || after + 1 == self.rest.end
                    || is_new && self.is(after, says::PREPOSITIONS)
            }
        }
    }

    /// The end of words that name the place of something, if they begin here: “to the about page”.
    fn place(&self, at: usize) -> Option<usize> {
        self.page_at(at, false).map(|(_, end)| end)
    }

    fn page_name(&self, from: usize, is_after: bool) -> Option<PageName> {
        (from..self.rest.end).find_map(|at| self.page_at(at, is_after)).map(|(name, _)| name)
    }

    /// A page that is named from here on, after the word that leads to it, and the end of its name.
    /// After the thing itself `a` is such a word too, as people write who leave out accents.
    fn page_at(&self, at: usize, is_after: bool) -> Option<(PageName, usize)> {
        if at > self.rest.start && self.is(at, says::THERE) {
            return Some((PageName::Last, at + 1));
        }
        let is_a = self.word(at) == "a" && (is_after || self.has_accent(at));
        if !self.is(at, says::INTO) && !is_a {
            return None;
        }
        let begin = self.skip(at + 1, says::ARTICLES);
        if self.is(begin, says::PAGE) {
            return Some(self.page_after(begin + 1));
        }
        if self.is(begin, says::FIRST_PAGE) {
            let end = self.skip(begin, says::FIRST_PAGE);
            return Some((PageName::First, self.skip(end, says::PAGE)));
        }
        if self.is(begin, says::THAT_PAGE) && !is_a {
            return Some((PageName::Last, begin + 1));
        }
        if let Some(quoted) = self.quoted(begin..begin + 1) {
            return Some((PageName::Called(vec![self.inner(quoted)]), self.skip(quoted + 1, says::PAGE)));
        }
        let page = (begin..self.rest.end.min(begin + 6)).find(|at| self.is(*at, says::PAGE));
        if let Some(page) = page {
            return Some((PageName::Called(vec![self.message.slice(begin..page).to_owned()]), page + 1));
        }
        let is_last = begin + 1 == self.rest.end && self.kind(begin) == Some(Kind::Word);
        let is_last = is_last && !is_a && !self.is(begin, says::SITE);
        is_last.then(|| (PageName::Perhaps(self.message.slice(begin..begin + 1).to_owned()), begin + 1))
    }

    /// The page that is named after the word “page”.
    fn page_after(&self, begin: usize) -> (PageName, usize) {
        let leads = [says::NAMED, &["de", "do", "da"][..]].concat();
        let begin = self.skip(begin, &leads);
        if self.is(begin, says::FIRST_PAGE) {
            return (PageName::First, begin + 1);
        }
        if let Some(quoted) = self.quoted(begin..begin + 1) {
            return (PageName::Called(vec![self.inner(quoted)]), quoted + 1);
        }
        let is_word = |at: &usize| self.kind(*at) == Some(Kind::Word);
        let end =
            (begin..self.rest.end.min(begin + 6)).take_while(is_word).last().map_or(begin, |last| last + 1);
        let names: Vec<String> =
            (begin + 1..=end).rev().map(|end| self.message.slice(begin..end).to_owned()).collect();
        let name = without_courtesy(names.first().map_or("", String::as_str)).to_owned();
        if name.is_empty() || self.is(begin, says::FILLERS) {
            return (PageName::Last, begin);
        }
        // Where the name ends is not known yet: what follows may be something else.
        (PageName::Called([vec![name], names].concat()), begin + 1)
    }

    /// In “add a page called “A” and “B””, what comes after “and”.
    pub(super) fn another_title(&self) -> Option<Reading<'t>> {
        let quoted = self.quoted(self.rest.clone()).filter(|_| self.head.action.is_none())?;
        let mut others = self.rest.clone().filter(|at| *at != quoted);
        let is_alone = others.all(|at| !matches!(self.kind(at), Some(Kind::Word | Kind::Quoted)));
        let title = Some(page_title(&self.inner(quoted))).filter(|title| !title.is_empty());
        let request = Request::Page { title, sections: Vec::new(), is_list: false };
        (is_alone && self.action == Some(Action::Add)).then_some(Reading { request, is_open: false })
    }

    fn page(&self, before: Range<usize>, after: usize) -> Reading<'t> {
        let with = (after..self.rest.end).find(|at| self.is(*at, says::WITH));
        let mut sections = with.map(|with| self.sections(with..self.rest.end)).unwrap_or_default();
        let with = with.filter(|_| !sections.is_empty());
        let end = with.unwrap_or(self.rest.end);
        let (title, is_open, topic) = self.title(before, after..end);
        if let Some(topic) = topic {
            // “A pricing page” has prices on it.
            let whole =
                self.message.name_at(topic.start, topic.end, recipe).filter(|(end, _)| *end == topic.end);
            let whole = whole.map(|(_, recipe)| recipe).filter(|recipe| recipe.kind == RecipeKind::Section);
            sections.splice(0..0, whole);
        }
        sections.dedup_by_key(|recipe| &recipe.id);
        let title = title.map(|title| page_title(&title)).filter(|title| !title.is_empty());
        Reading {
            request: Request::Page { title, sections, is_list: with.is_some() },
            is_open: is_open && with.is_none(),
        }
    }

    /// A page's title, whether it is open at its end, and the words that say what the page is about.
    fn title(
        &self,
        before: Range<usize>,
        after: Range<usize>,
    ) -> (Option<String>, bool, Option<Range<usize>>) {
        let rest = |begin: usize| match self.quoted(begin..begin + 1) {
            Some(quoted) => (Some(self.inner(quoted)), false, None),
            None => (Some(self.message.slice(begin..after.end).to_owned()), true, None),
        };
        for at in after.clone() {
            let is_colon = at == after.start && self.kind(at) == Some(Kind::Mark(':'));
            if is_colon || self.is(at, says::NAMED) {
                return rest(at + 1);
            }
            let noun = self.skip(at + 1, says::ARTICLES);
            if self.is(at, says::WITH) && self.is(noun, says::NAME_NOUNS) {
                return rest(self.skip(noun + 1, &["of", "de", "being"]));
            }
        }
        if let Some(quoted) = self.quoted(self.rest.clone()) {
            return (Some(self.inner(quoted)), false, None);
        }
        if !before.is_empty() {
            return (Some(capitalised(self.message.slice(before.clone()))), false, Some(before));
        }
        if self.is(after.start, says::TOPICS) {
            let begin = self.skip(after.start + 1, says::ARTICLES);
            let end = (begin..after.end).find(|at| self.is(*at, says::WITH)).unwrap_or(after.end);
            let is_meant = !(begin..end).all(|at| self.is(at, says::FILLERS));
            let title = is_meant.then(|| capitalised(without_courtesy(self.message.slice(begin..end))));
            return (title, true, Some(begin..end));
        }
        let is_name = |at: usize| {
            let text = self.message.slice(at..at + 1);
            text.starts_with(|letter: char| letter.is_uppercase() || letter.is_numeric())
        };
        if !after.is_empty() && is_name(after.start) { rest(after.start) } else { (None, false, None) }
    }

    fn sections(&self, mut tokens: Range<usize>) -> Vec<&'t Recipe> {
        let mut found: Vec<&Recipe> = Vec::new();
        while let Some(at) = tokens.next() {
            let named = self.message.name_at(at, tokens.end, recipe);
            if let Some((after, recipe)) = named.filter(|(_, recipe)| recipe.kind == RecipeKind::Section) {
                tokens.start = after;
                if !found.iter().any(|one| one.id == recipe.id) {
                    found.push(recipe);
                }
            }
        }
        found
    }
}

/// What a verb is about.
enum Object<'t> {
    /// A page, the words before “page” that say which, and what comes after.
    Page {
        before: Range<usize>,
        after: usize,
    },
    Recipe {
        recipe: &'t Recipe,
        after: usize,
    },
}

fn recipe(thing: Thing<'_>) -> Option<&Recipe> {
    if let Thing::Recipe(recipe) = thing { Some(recipe) } else { None }
}

fn page_title(title: &str) -> String {
    clean(without_courtesy(title).trim_matches([' ', '.', ',', ';', ':', '!', '?']))
}
