//! What is written to the terminal, and how.
//!
//! Invariant: text that came from elsewhere, the output of code or a title, reaches a terminal only
//! through [`plain`], so that it cannot move the cursor or rename the window. Colours are written
//! only to a terminal, and not where `NO_COLOR` is set.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::time::Duration;

use serde_json::Value;

/// Colours for one of the two outputs, or none.
#[derive(Clone, Copy, Debug)]
pub struct Ink {
    on: bool,
}

impl Ink {
    /// For standard output.
    pub fn stdout() -> Self {
        Self { on: io::stdout().is_terminal() && colours_are_welcome() }
    }

    /// For standard error.
    pub fn stderr() -> Self {
        Self { on: io::stderr().is_terminal() && colours_are_welcome() }
    }

    /// None, whatever the output.
    #[cfg(test)]
    pub fn none() -> Self {
        Self { on: false }
    }

    /// Bold.
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// Less visible.
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// Red: it failed.
    pub fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    /// Green: it is in order.
    pub fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// Yellow: look here.
    pub fn yellow(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// Cyan: something to type or follow.
    pub fn cyan(self, text: &str) -> String {
        self.paint("36", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

fn colours_are_welcome() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    !set("NO_COLOR") && !dumb
}

/// Whether questions can be asked and answered here.
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Writes a line to standard output. When whoever reads it has gone, `head` say, the program ends.
pub fn say(text: &str) {
    write_all(format!("{text}\n").as_bytes());
}

/// Writes bytes to standard output as they are.
pub fn write_all(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    if let Err(error) = out.write_all(bytes).and_then(|()| out.flush()) {
        std::process::exit(if error.kind() == ErrorKind::BrokenPipe { 0 } else { 1 });
    }
}

/// Writes a line to standard error.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Writes a JSON document to standard output: indented for a person, on one line for a program.
pub fn say_json(value: &Value) {
    let text = if io::stdout().is_terminal() {
        serde_json::to_string_pretty(value)
    } else {
        serde_json::to_string(value)
    };
    say(&text.expect("a JSON value is JSON"));
}

/// The text without anything a terminal would obey. Line feeds and tabs stay.
pub fn plain(text: &str) -> String {
    let shown = |c: &char| *c == '\n' || *c == '\t' || !(c.is_control() || is_bidi_control(*c));
    text.chars().filter(shown).collect()
}

/// The text on one line, cut to at most `longest` characters.
pub fn one_line(text: &str, longest: usize) -> String {
    let line = plain(text).split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= longest {
        return line;
    }
    let mut cut: String = line.chars().take(longest.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// Marks that turn the direction of text around, so that it shows other than it is.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Rows under headings, in columns as wide as they need to be.
pub fn table(headings: &[&str], rows: &[Vec<String>], ink: Ink) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(headings.get(column).map(|heading| heading.len())).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..headings.len()).map(width).collect();
    let line = |cells: &[String]| {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(&widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        line.trim_end().to_owned()
    };
    let headings: Vec<_> = headings.iter().map(|heading| heading.to_uppercase()).collect();
    let mut lines = vec![ink.dim(&line(&headings))];
    lines.extend(rows.iter().map(|row| line(row)));
    lines.join("\n")
}

/// A time span in a few characters: `0.4s`, `12s`, `3m 05s`, `2h 10m`.
pub fn short_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1}s", duration.as_secs_f64()),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// How long ago a time on the wire was.
pub fn age(time: &str) -> String {
    let Ok(time) = time.parse::<jiff::Timestamp>() else { return plain(time) };
    let seconds = jiff::Timestamp::now().as_second().saturating_sub(time.as_second());
    match seconds {
        ..5 => "now".into(),
        5..60 => format!("{seconds}s ago"),
        60..3600 => format!("{}m ago", seconds / 60),
        3600..86_400 => format!("{}h ago", seconds / 3600),
        _ => format!("{}d ago", seconds / 86_400),
    }
}

/// A size in a few characters: `312 B`, `4.2 kB`, `1.8 MB`.
pub fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 1000.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_passes() {
        assert_eq!(plain("a\x1b[31mred\x1b]0;title\x07\u{202e}b\r\n\tc\u{9b}2J"), "a[31mred]0;titleb\n\tc2J");
        assert_eq!(one_line("  two\n lines\x08  ", 80), "two lines");
        assert_eq!(one_line("abcdef", 4), "abc…");
    }

    #[test]
    fn spans_and_sizes_are_short() {
        let spans =
            [0, 440, 9_960, 12_000, 65_000, 7_800_000].map(|ms| short_duration(Duration::from_millis(ms)));
        assert_eq!(spans, ["0.0s", "0.4s", "10.0s", "12s", "1m 05s", "2h 10m"]);
        assert_eq!(
            [0, 999, 1_000, 1_234_567, 5_000_000_000_000].map(size),
            ["0 B", "999 B", "1.0 kB", "1.2 MB", "5.0 TB"]
        );
    }

    #[test]
    fn columns_line_up() {
        let rows = [vec!["a".into(), "completed".into()], vec!["long".into(), "é".into()]];
        insta::assert_snapshot!(table(&["id", "status"], &rows, Ink::none()), @r"
        ID    STATUS
        a     completed
        long  é
        ");
    }
}
