//! Plain text, by paragraphs, and source code, as it is.

use crate::collector::Collector;
use crate::document::{Place, Role};
use crate::error::Result;
use crate::language::Language;

/// Paragraphs are divided by blank lines; a line that is underlined is a heading.
pub(crate) fn read(text: &str, collector: &mut Collector<'_>) -> Result<()> {
    let mut paragraph = Paragraph::default();
    for (number, line) in (1_u64..).zip(text.lines()) {
        if line.trim().is_empty() {
            paragraph.end(collector)?;
        } else if let Some(level) = paragraph.underlined_by(line) {
            let heading = std::mem::take(&mut paragraph.text);
            collector.set_title(&heading);
            collector.push(
                heading,
                Role::Heading(level),
                Place::Lines { first: number - 1, last: number },
            )?;
        } else {
            paragraph.add(line, number);
        }
    }
    paragraph.end(collector)
}

/// The whole source as one block; the chunker divides it by its structure.
pub(crate) fn read_code(text: &str, language: Option<Language>, collector: &mut Collector<'_>) -> Result<()> {
    // What the collector would drop at the start is dropped here, so that the lines are known.
    let blank = text.lines().take_while(|line| line.trim().is_empty());
    let (blank_lines, blank_bytes) =
        blank.fold((0, 0), |(lines, bytes), line| (lines + 1, bytes + line.len() + 1));
    let text = text.get(blank_bytes..).unwrap_or("");
    let first = blank_lines + 1;
    let last = first + text.trim_end().matches('\n').count() as u64;
    collector.push(text, Role::Code { language }, Place::Lines { first, last })
}

#[derive(Default)]
struct Paragraph {
    text: String,
    first: u64,
    last: u64,
}

impl Paragraph {
    fn add(&mut self, line: &str, number: u64) {
        if self.text.is_empty() {
            self.first = number;
        } else {
            self.text.push('\n');
        }
        self.text.push_str(line.trim_end());
        self.last = number;
    }

    /// The level of the heading that this line makes of the one line before it.
    fn underlined_by(&self, line: &str) -> Option<u8> {
        let line = line.trim_end();
        let sign = line.chars().next()?;
        let level = match sign {
            '=' | '#' => 1,
            '-' => 2,
            '~' | '^' => 3,
            _ => return None,
        };
        let long = line.len() >= 3 && line.len() * 2 >= self.text.len();
        let whole = line.chars().all(|letter| letter == sign);
        let one_line = !self.text.is_empty() && self.first == self.last;
        // A table in plain text is ruled with the same signs.
        let words = self.text.chars().any(char::is_alphanumeric) && !self.text.contains(['|', '\t']);
        (long && whole && one_line && words && self.text.len() <= 120).then_some(level)
    }

    fn end(&mut self, collector: &mut Collector<'_>) -> Result<()> {
        let place = Place::Lines { first: self.first, last: self.last };
        collector.push(std::mem::take(&mut self.text), Role::Paragraph, place)
    }
}
