//! Divides source code by its functions and classes.
//!
//! A grammar ([`syntax`]) or, for languages without one and for code that is not whole, indentation
//! and keywords ([`indentation`]) tell where definitions begin and end. What fits stays whole, with
//! the comments above it; a class that is too long is divided into its members, a function that is too
//! long at its least indented lines.
//!
//! Start reading at [`divide`], then [`Divider::unit`].

mod indentation;
mod syntax;

use std::ops::Range;

use super::Chunks;
use super::atoms::{Atom, ITEM, PARAGRAPH, SECTION, Strength};
use super::pack::pack;
use super::sentences;
use crate::document::Place;
use crate::language::Language;

/// A definition and those within it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Unit {
    /// Its lines, from 0.
    lines: Range<usize>,
    name: Option<String>,
    members: Vec<Unit>,
}

/// A line of code.
#[derive(Clone, Copy)]
struct Line<'t> {
    text: &'t str,
    chars: usize,
    /// How far it is indented; a tab counts four. `None` if it is blank.
    indent: Option<usize>,
}

/// Lines that become chunks of their own, or one with their neighbours.
struct Leaf {
    lines: Range<usize>,
    path: Vec<String>,
    /// Whether the last name of the path is of this leaf alone.
    named: bool,
}

/// Divides a piece of code that stands at `place`, below `path`.
pub(super) fn divide(
    text: &str,
    language: Option<&Language>,
    place: &Place,
    path: &[String],
    chunks: &mut Chunks<'_>,
) {
    let lines: Vec<Line<'_>> = text.split('\n').map(Line::of).collect();
    let max_chars = chunks.options.max_chars;
    let definitions = language
        .and_then(|language| syntax::definitions(text, language, max_chars))
        .unwrap_or_else(|| indentation::definitions(&lines));
    let root = tree(&lines, definitions);
    let mut divider = Divider { lines: &lines, max_chars, leaves: Vec::new() };
    divider.unit(&root, path, 0);
    let leaves = merged(divider.leaves, &lines, max_chars, chunks.options.min_chars);
    for leaf in leaves {
        push(&lines, &leaf, place, chunks);
    }
}

impl<'t> Line<'t> {
    fn of(text: &'t str) -> Self {
        const TAB: usize = 4;
        let blank = text.len() - text.trim_start().len();
        let indent = text[..blank].chars().map(|letter| if letter == '\t' { TAB } else { 1 }).sum();
        let indent = (!text.trim().is_empty()).then_some(indent);
        Self { text, chars: text.chars().count(), indent }
    }
}

struct Divider<'l, 't> {
    lines: &'l [Line<'t>],
    max_chars: usize,
    leaves: Vec<Leaf>,
}

impl Divider<'_, '_> {
    fn unit(&mut self, unit: &Unit, path: &[String], depth: usize) {
        const DEEPEST: usize = 24;
        let mut path = path.to_vec();
        path.extend(unit.name.clone());
        let fits = unit.name.is_some() && chars(self.lines, &unit.lines) <= self.max_chars;
        if fits || unit.members.is_empty() || depth >= DEEPEST {
            self.leaves.push(Leaf { lines: unit.lines.clone(), path, named: unit.name.is_some() });
            return;
        }
        let mut at = unit.lines.start;
        for member in &unit.members {
            self.between(at..member.lines.start, &path);
            self.unit(member, &path, depth + 1);
            at = member.lines.end;
        }
        self.between(at..unit.lines.end, &path);
    }

    fn between(&mut self, lines: Range<usize>, path: &[String]) {
        if self.lines[lines.clone()].iter().any(|line| line.indent.is_some()) {
            self.leaves.push(Leaf { lines, path: path.to_vec(), named: false });
        }
    }
}

/// The characters of some lines with the ends of lines between them.
fn chars(lines: &[Line<'_>], range: &Range<usize>) -> usize {
    (lines[range.clone()].iter().map(|line| line.chars + 1).sum::<usize>()).saturating_sub(1)
}

/// Puts definitions into those that hold them, and the comments above them to them. Definitions come
/// in the order they begin, an outer one before its members.
fn tree(lines: &[Line<'_>], definitions: Vec<(Range<usize>, String)>) -> Unit {
    let mut open = vec![Unit { lines: 0..lines.len(), name: None, members: Vec::new() }];
    let close = |open: &mut Vec<Unit>| {
        let unit = open.pop();
        if let (Some(unit), Some(outer)) = (unit, open.last_mut()) {
            outer.members.push(unit);
        }
    };
    for (range, name) in definitions {
        while open.len() > 1 && open.last().is_some_and(|unit| unit.lines.end <= range.start) {
            close(&mut open);
        }
        let Some(outer) = open.last() else { break };
        // Not above the definition before it, nor above the first line of the outer one.
        let floor = outer
            .members
            .last()
            .map_or(outer.lines.start + usize::from(open.len() > 1), |member| member.lines.end);
        let range = range.start..range.end.min(outer.lines.end);
        // Two definitions that share a line cannot be told apart by lines.
        if range.start < floor || range.is_empty() {
            continue;
        }
        let start = with_comments(lines, range.start, floor);
        open.push(Unit { lines: start..range.end, name: Some(name), members: Vec::new() });
    }
    while open.len() > 1 {
        close(&mut open);
    }
    open.pop().unwrap_or_default()
}

/// The first line of the comments, attributes and decorators directly above a definition.
fn with_comments(lines: &[Line<'_>], start: usize, floor: usize) -> usize {
    const MARKS: [&str; 9] = ["//", "#", "/*", "*", "@", "--", ";;", "'''", "%%"];
    let mut first = start;
    while first > floor {
        let above = lines[first - 1].text.trim();
        if above.is_empty() {
            break;
        }
        if above.ends_with("*/") {
            let opening = (floor..first).rev().find(|line| lines[*line].text.trim_start().starts_with("/*"));
            let Some(opening) = opening else { break };
            first = opening;
        } else if MARKS.iter().any(|mark| above.starts_with(mark)) && !above.starts_with("#include") {
            first -= 1;
        } else {
            break;
        }
    }
    first
}

/// Puts together neighbours that are short or say nothing alone.
fn merged(leaves: Vec<Leaf>, lines: &[Line<'_>], max_chars: usize, min_chars: usize) -> Vec<Leaf> {
    let mut found: Vec<Leaf> = Vec::new();
    for leaf in leaves {
        if let Some(before) = found.last_mut() {
            let both = before.lines.start..leaf.lines.end;
            let fits = chars(lines, &both) <= max_chars;
            let short = |leaf: &Leaf| chars(lines, &leaf.lines) < min_chars;
            let same = container(before) == container(&leaf);
            if fits && is_slight(lines, &leaf) && !opens(lines, &leaf) {
                before.lines.end = leaf.lines.end;
                continue;
            }
            if fits && is_slight(lines, before) {
                *before = Leaf { lines: both, ..leaf };
                continue;
            }
            if fits && same && short(before) && short(&leaf) {
                before.path.truncate(container(before).len());
                before.lines.end = leaf.lines.end;
                before.named = false;
                continue;
            }
        }
        found.push(leaf);
    }
    found
}

/// The path of what a leaf stands in.
fn container(leaf: &Leaf) -> &[String] {
    &leaf.path[..leaf.path.len() - usize::from(leaf.named)]
}

/// Whether lines without a name say nothing alone, as the end of a class or its first line.
fn is_slight(lines: &[Line<'_>], leaf: &Leaf) -> bool {
    const FEW: usize = 120;
    let mut written = lines[leaf.lines.clone()].iter().filter(|line| line.indent.is_some());
    !leaf.named
        && (written.clone().count() <= 1 || written.all(|line| !line.text.contains(char::is_alphanumeric)))
        && chars(lines, &leaf.lines) <= FEW
}

/// Whether what follows belongs to the last of these lines.
fn opens(lines: &[Line<'_>], leaf: &Leaf) -> bool {
    let last = lines[leaf.lines.clone()].iter().rfind(|line| line.indent.is_some());
    last.is_some_and(|line| line.text.trim_end().ends_with(['{', '(', ':']))
}

/// Adds the chunks of a leaf: one if it fits, else cut between its least indented lines.
fn push(lines: &[Line<'_>], leaf: &Leaf, place: &Place, chunks: &mut Chunks<'_>) {
    let max_chars = chunks.options.max_chars;
    let mut atoms: Vec<Atom<'_>> = Vec::new();
    let mut blank = 0;
    for (number, line) in leaf.lines.clone().zip(&lines[leaf.lines.clone()]) {
        let Some(indent) = line.indent else {
            blank += 1;
            continue;
        };
        let first = atoms.len();
        let text = line.text.trim_end();
        if line.chars <= max_chars {
            let chars = text.chars().count();
            let strength = strength(text, indent, blank > 0);
            atoms.push(Atom { text, gap: "", chars, gap_chars: 0, strength, block: 0, lines_before: 0 });
        } else {
            sentences::divide(text, 0, max_chars, &mut atoms);
        }
        for (index, atom) in atoms[first..].iter_mut().enumerate() {
            atom.lines_before = number as u64;
            if index == 0 {
                // One blank line says as much as several.
                atom.gap = if blank > 0 { "\n\n" } else { "\n" };
                atom.gap_chars = atom.gap.len();
            }
        }
        blank = 0;
    }
    for range in pack(&atoms, |_| max_chars) {
        let atoms = &atoms[range];
        let (Some(first), Some(last)) = (atoms.first(), atoms.last()) else { continue };
        let place = match place {
            Place::Lines { first: start, .. } => {
                Place::Lines { first: start + first.lines_before, last: start + last.lines_before }
            }
            place => place.clone(),
        };
        chunks.push(&super::atoms::text(atoms), leaf.path.clone(), place, (None, None));
    }
}

/// How good it is to cut before a line: the less it is indented the better, and after a blank line
/// better still; never before what only ends something.
fn strength(text: &str, indent: usize, after_blank: bool) -> Strength {
    const DEEPEST: usize = 40;
    let trimmed = text.trim_start();
    if trimmed.starts_with(['}', ')', ']']) || trimmed == "end" {
        return ITEM;
    }
    let depth = u8::try_from(indent.min(DEEPEST) / 2).unwrap_or(20);
    let level = SECTION + 2 * (20 - depth.min(20));
    if after_blank { level + 1 } else { level.max(PARAGRAPH) }
}
