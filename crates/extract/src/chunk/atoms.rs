//! Atoms: pieces of text that a chunk takes whole.

use crate::document::{Block, Place, Role};

use super::sentences;

/// How good a place to cut is, before an atom. Larger is better.
pub(super) type Strength = u8;

/// Between parts of a word.
pub(super) const IN_WORD: Strength = 0;
/// Between words.
pub(super) const WORD: Strength = 1;
/// After a comma and the like.
pub(super) const CLAUSE: Strength = 2;
/// Between sentences, or lines that are no running text.
pub(super) const SENTENCE: Strength = 3;
/// Between items of a list or rows of a table.
pub(super) const ITEM: Strength = 4;
/// Between paragraphs.
pub(super) const PARAGRAPH: Strength = 5;
/// Between sections; what is stronger still divides larger parts.
pub(super) const SECTION: Strength = 6;

/// A piece of text that is no longer than a chunk may be.
#[derive(Clone, Debug)]
pub(super) struct Atom<'t> {
    pub text: &'t str,
    /// What stands between it and the atom before it, if both are in one chunk.
    pub gap: &'t str,
    /// Characters of the text and of the gap.
    pub chars: usize,
    pub gap_chars: usize,
    /// How good it is to cut before it.
    pub strength: Strength,
    /// The index of its block, and the lines of the block before it.
    pub block: usize,
    pub lines_before: u64,
}

/// The atoms of a block: one if it is short enough, else its sentences.
pub(super) fn of_block<'t>(
    block: &'t Block,
    index: usize,
    before: Option<&Block>,
    max_chars: usize,
    atoms: &mut Vec<Atom<'t>>,
) {
    let (gap, strength) = before.map_or(("", SECTION), |before| between(&before.role, &block.role));
    let first = atoms.len();
    let chars = block.text.chars().count();
    if chars <= max_chars {
        atoms.push(Atom {
            text: &block.text,
            gap,
            chars,
            gap_chars: 0,
            strength,
            block: index,
            lines_before: 0,
        });
    } else {
        sentences::divide(&block.text, index, max_chars, atoms);
    }
    if let Some(atom) = atoms.get_mut(first) {
        (atom.gap, atom.strength) = (gap, strength);
        atom.gap_chars = gap.chars().count();
    }
}

/// The text of atoms that follow each other.
pub(super) fn text(atoms: &[Atom<'_>]) -> String {
    let mut text = String::with_capacity(atoms.iter().map(|atom| atom.text.len() + atom.gap.len()).sum());
    for (index, atom) in atoms.iter().enumerate() {
        if index > 0 {
            text.push_str(atom.gap);
        }
        text.push_str(atom.text);
    }
    text
}

/// Where atoms stand, from the first to the last.
pub(super) fn place(atoms: &[Atom<'_>], blocks: &[Block]) -> Option<Place> {
    let one = |atom: &Atom<'_>| {
        let place = &blocks.get(atom.block)?.place;
        let Place::Lines { first, last } = place else { return Some(place.clone()) };
        let from = (first + atom.lines_before).min(*last);
        let to = (from + atom.text.matches('\n').count() as u64).min(*last);
        // A block whose text is not line by line what the source is keeps its whole place.
        Some(Place::Lines {
            first: from,
            last: if atom.lines_before == 0 && is_whole(atom, blocks) { *last } else { to },
        })
    };
    Some(one(atoms.first()?)?.to(&one(atoms.last()?)?))
}

fn is_whole(atom: &Atom<'_>, blocks: &[Block]) -> bool {
    blocks.get(atom.block).is_some_and(|block| block.text.len() == atom.text.len())
}

fn between(before: &Role, role: &Role) -> (&'static str, Strength) {
    match (before, role) {
        (Role::ListItem, Role::ListItem) | (Role::TableRow { .. }, Role::TableRow { .. }) => ("\n", ITEM),
        (Role::Entry { path: before }, Role::Entry { path }) => {
            // The fewer keys two values share, the better it is to cut between them.
            const DEEPEST: usize = 40;
            let shared = before.iter().zip(path).take_while(|(one, two)| one == two).count().min(DEEPEST);
            ("\n", SECTION + u8::try_from(DEEPEST - shared).unwrap_or(0))
        }
        (_, Role::Heading(level)) => ("\n\n", SECTION + 7 - level.min(&6)),
        // A list or table belongs to the line that introduces it.
        (Role::Paragraph, Role::ListItem | Role::TableRow { .. } | Role::Code { .. }) => ("\n\n", ITEM),
        (Role::Heading(_), _) => ("\n\n", IN_WORD),
        _ => ("\n\n", PARAGRAPH),
    }
}
