//! Other colours for the whole site.

use super::super::lexicon as says;
use super::super::schema::{Palette, RecipeKind};
use super::super::verbs::Action;
use super::super::words::{Kind, Thing};
use super::{Reader, Reading, Request};

impl<'t> Reader<'_, 't> {
    pub(super) fn palette(&self) -> Option<&'t Palette> {
        let lead = self.rest.clone().rfind(|at| self.is(*at, &["to", "into", "para", "pra", "por"]));
        let after = lead.map(|lead| lead + 1..self.rest.end);
        let places = after.into_iter().chain([self.rest.clone()]).flatten();
        places
            .into_iter()
            .find_map(|at| self.message.name_at(at, self.rest.end, palette))
            .map(|(_, found)| found)
    }

    pub(super) fn colours(&self) -> Option<Reading<'t>> {
        let closed = |request| Some(Reading { request, is_open: false });
        if matches!(self.action, Some(Action::Add | Action::Name))
            && !self.has(self.rest.clone(), says::COLOURS)
        {
            return None;
        }
        let found = self.palette();
        let is_shade = self.has(self.rest.clone(), says::DARK_OR_LIGHT);
        let names_mode = is_shade && self.has(self.rest.clone(), &["mode", "modo"]);
        let names_colours = names_mode || self.has(self.rest.clone(), says::COLOURS);
        let is_other = self.has(self.rest.clone(), says::OTHER_COLOURS)
            || self.rest.clone().any(|at| self.kind(at) == Some(Kind::Mark('#')));
        if found.is_none() && !is_shade && !is_other && !names_colours {
            return None;
        }
        let other_words = self.beside_colours();
        let is_command = self.action.is_some() || self.head.is_wish;
        // A word alone, such as “cool”, may mean anything.
        if !names_colours && (!is_command || other_words > 1) || !is_command && other_words > 0 {
            return None;
        }
        if self.names_part() {
            return closed(Request::ColourOfPart);
        }
        match found {
            Some(palette) => closed(Request::Palette(palette)),
            None if is_shade => closed(Request::DarkOrLight),
            None => closed(Request::OtherColour),
        }
    }

    /// How many words are neither of colours nor of no meaning beside them.
    fn beside_colours(&self) -> usize {
        let lists = [
            says::ARTICLES,
            says::FILLERS,
            says::SITE,
            says::COLOURS,
            says::DARK_OR_LIGHT,
            says::BESIDE_COLOURS,
            says::BECOMES,
            says::INTO,
            says::OTHER_COLOURS,
        ];
        let mut count = 0;
        let mut at = self.rest.start;
        while at < self.rest.end {
            if let Some((end, _)) = self.message.name_at(at, self.rest.end, palette) {
                at = end;
                continue;
            }
            let is_word = self.kind(at) == Some(Kind::Word);
            count += usize::from(is_word && !lists.iter().any(|list| self.is(at, list)));
            count += usize::from(self.kind(at) == Some(Kind::Quoted));
            at += 1;
        }
        count
    }

    /// Whether a part of a page is named, as in “make the footer green”.
    fn names_part(&self) -> bool {
        self.rest.clone().any(|at| {
            let named = self.message.name_at(at, self.rest.end, |thing| match thing {
                Thing::Recipe(recipe) => (recipe.kind != RecipeKind::Page).then_some(()),
                Thing::Entry(_) => Some(()),
                Thing::Palette(_) => None,
            });
            named.is_some()
        })
    }
}

pub(super) fn palette(thing: Thing<'_>) -> Option<&Palette> {
    if let Thing::Palette(palette) = thing { Some(palette) } else { None }
}
