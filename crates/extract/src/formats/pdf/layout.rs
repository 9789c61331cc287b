//! From pieces of text on a page to lines, and from lines to paragraphs.
//!
//! Programs write pages in the order they are read, so that order is kept; only where it jumps about
//! is a page sorted from top to bottom.

use crate::formats::table::BETWEEN_CELLS;

/// A character on the page.
pub(super) struct Glyph<'t> {
    text: &'t str,
    /// Where it begins and ends along its line, and its height on the page; sizes in points.
    start: f32,
    end: f32,
    line: f32,
    size: f32,
    direction: Direction,
    bold: bool,
}

/// Which way a line runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Right,
    Up,
    Left,
    Down,
}

/// Text that was drawn without a gap.
#[derive(Debug)]
pub(super) struct Piece {
    text: String,
    start: f32,
    end: f32,
    line: f32,
    size: f32,
    direction: Direction,
    bold: bool,
    /// Whether it is several pieces far from each other, as the cells of a row.
    row: bool,
}

/// Lines that belong together.
#[derive(Debug)]
pub(super) struct Paragraph {
    pub text: String,
    /// How many lines it was written in.
    pub lines: usize,
    /// The size of its letters, in points.
    pub size: f32,
    pub bold: bool,
    /// Whether it is a line of cells.
    pub row: bool,
    start: f32,
    last_line: f32,
    gap: f32,
    direction: Direction,
}

impl<'t> Glyph<'t> {
    /// A glyph whose square of the font's size is placed by `matrix`. `None` if it is nowhere.
    pub fn new(text: &'t str, matrix: [f32; 6], width: f32, bold: bool, vertical: bool) -> Option<Self> {
        let [a, b, c, d, x, y] = matrix;
        if !matrix.iter().all(|number| number.is_finite()) {
            return None;
        }
        // Vertical text runs down the page, so its lines are found as those of text that is turned.
        let (dx, dy) = if vertical { (-c, -d) } else { (a, b) };
        let (direction, start, line, length) = if dx.abs() >= dy.abs() {
            if dx >= 0.0 { (Direction::Right, x, y, dx) } else { (Direction::Left, -x, -y, -dx) }
        } else if dy > 0.0 {
            (Direction::Up, y, -x, dy)
        } else {
            (Direction::Down, -y, x, -dy)
        };
        let size = if vertical { a.hypot(b) } else { c.hypot(d) };
        Some(Self { text, start, end: start + length * width, line, size: size.max(0.01), direction, bold })
    }
}

impl Piece {
    pub fn begin(glyph: &Glyph<'_>) -> Self {
        let mut text = String::new();
        push_readable(&mut text, glyph.text);
        Self {
            text,
            start: glyph.start,
            end: glyph.end,
            line: glyph.line,
            size: glyph.size,
            direction: glyph.direction,
            bold: glyph.bold,
            row: false,
        }
    }

    /// Adds a glyph if it follows on the same line.
    pub fn extend(&mut self, glyph: &Glyph<'_>) -> bool {
        let size = self.size.max(glyph.size);
        let gap = glyph.start - self.end;
        let same_line = glyph.direction == self.direction && (glyph.line - self.line).abs() < size * 0.4;
        if !same_line || gap < -size * 0.5 || gap > size * 1.2 {
            return false;
        }
        if gap > size * 0.16 {
            self.space();
        }
        push_readable(&mut self.text, glyph.text);
        self.end = self.end.max(glyph.end);
        self.size = size;
        self.bold &= glyph.bold || glyph.text.trim().is_empty();
        true
    }

    fn space(&mut self) {
        if !self.text.ends_with(' ') {
            self.text.push(' ');
        }
    }

    /// Adds a piece that follows on the same line, however far.
    fn join(&mut self, next: &Self) -> bool {
        let size = self.size.max(next.size);
        let same_line = next.direction == self.direction && (next.line - self.line).abs() < size * 0.4;
        // A page in columns may go on with the next one at the same height, far to the right.
        if !same_line || next.start < self.end - size * 0.5 || next.start - self.end > size * 12.0 {
            return false;
        }
        if next.start - self.end > size * 1.5 {
            self.row = true;
            self.text.truncate(self.text.trim_end().len());
            self.text.push_str(BETWEEN_CELLS);
        } else if next.start - self.end > size * 0.16 {
            self.space();
        }
        self.row |= next.row;
        // The size of a line is that of most of it, not of its bullet.
        if next.text.len() > self.text.len() {
            self.size = next.size;
        }
        self.text.push_str(&next.text);
        self.end = self.end.max(next.end);
        self.bold &= next.bold;
        true
    }
}

/// The paragraphs of a page, in reading order.
pub(super) fn paragraphs(pieces: Vec<Piece>) -> Vec<Paragraph> {
    let mut lines = lines(pieces);
    if jumps_about(&lines) {
        lines.sort_by(|a, b| b.line.total_cmp(&a.line).then(a.start.total_cmp(&b.start)));
        lines = self::lines(lines);
    }
    let mut found: Vec<Paragraph> = Vec::new();
    for line in lines.into_iter().filter(|line| !line.text.trim().is_empty()) {
        let goes_on = found.last_mut().is_some_and(|paragraph| paragraph.go_on(&line));
        if !goes_on {
            found.push(Paragraph::begin(line));
        }
    }
    found
}

fn lines(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut lines: Vec<Piece> = Vec::new();
    for piece in pieces {
        if !lines.last_mut().is_some_and(|line| line.join(&piece)) {
            lines.push(piece);
        }
    }
    lines
}

/// Whether many lines begin above the one before them.
fn jumps_about(lines: &[Piece]) -> bool {
    let upright = lines.iter().all(|line| line.direction == Direction::Right);
    let up = lines.windows(2).filter(|pair| pair[1].line > pair[0].line + pair[0].size * 0.5).count();
    upright && lines.len() > 4 && up * 4 > lines.len()
}

impl Paragraph {
    fn begin(line: Piece) -> Self {
        Self {
            text: line.text.trim().to_owned(),
            lines: 1,
            size: line.size,
            bold: line.bold,
            row: line.row,
            start: line.start,
            last_line: line.line,
            gap: 0.0,
            direction: line.direction,
        }
    }

    /// Adds a line if it belongs to the same paragraph.
    fn go_on(&mut self, line: &Piece) -> bool {
        let gap = self.last_line - line.line;
        let like = (line.size - self.size).abs() < self.size * 0.12 && line.direction == self.direction;
        let follows = gap > 0.0 && gap < self.size * 1.75 && (self.gap == 0.0 || gap < self.gap * 1.25);
        // A first line that is indented begins a paragraph; in a list, every item does.
        let indented = self.lines > 1 && line.start > self.start + self.size * 0.8;
        let beside = (line.start - self.start).abs() > self.size * 6.0;
        if !like
            || !follows
            || indented
            || beside
            || self.row
            || line.row
            || self.bold != line.bold
            || begins_item(&line.text)
        {
            return false;
        }
        let text = line.text.trim();
        if self.text.ends_with('\u{ad}') || is_hyphenated(&self.text, text) {
            self.text.pop();
        } else {
            self.text.push(' ');
        }
        self.text.push_str(text);
        self.start = if self.lines == 1 { line.start } else { self.start.min(line.start) };
        self.lines += 1;
        self.last_line = line.line;
        self.gap = if self.gap == 0.0 { gap } else { self.gap.min(gap) };
        true
    }
}

fn begins_item(text: &str) -> bool {
    text.trim_start().starts_with(['•', '◦', '▪', '●', '‣', '–']) && text.trim().chars().count() > 1
}

/// Whether a word is divided between two lines.
fn is_hyphenated(before: &str, after: &str) -> bool {
    let mut letters = before.chars().rev();
    letters.next() == Some('-')
        && letters.next().is_some_and(char::is_lowercase)
        && after.starts_with(char::is_lowercase)
}

/// Adds text with ligatures as the letters they join.
fn push_readable(to: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '\u{fb00}' => to.push_str("ff"),
            '\u{fb01}' => to.push_str("fi"),
            '\u{fb02}' => to.push_str("fl"),
            '\u{fb03}' => to.push_str("ffi"),
            '\u{fb04}' => to.push_str("ffl"),
            '\u{a0}' | '\t' | '\n' | '\r' => to.push(' '),
            letter if letter.is_control() => {}
            letter => to.push(letter),
        }
    }
}
