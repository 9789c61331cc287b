//! Divides text that is too long for one chunk: at sentences, a sentence at words, a word anywhere.

use super::atoms::{Atom, CLAUSE, IN_WORD, ITEM, SENTENCE, Strength, WORD};

/// The atoms of a text that does not fit into a chunk. The gaps between them are what stands there.
pub(super) fn divide<'t>(text: &'t str, block: usize, max_chars: usize, atoms: &mut Vec<Atom<'t>>) {
    let mut cutter = Cutter { text, block, max_chars, at: 0, lines: 0, counted: 0, atoms };
    let mut start = 0;
    let mut strength = SENTENCE;
    for (end, next) in boundaries(text) {
        cutter.sentence(start, end, strength);
        start = end;
        strength = next;
    }
    cutter.sentence(start, text.len(), strength);
}

struct Cutter<'t, 'a> {
    text: &'t str,
    block: usize,
    max_chars: usize,
    /// Where the last atom ended.
    at: usize,
    /// The lines before `counted`.
    lines: u64,
    counted: usize,
    atoms: &'a mut Vec<Atom<'t>>,
}

impl<'t> Cutter<'t, '_> {
    fn sentence(&mut self, start: usize, end: usize, strength: Strength) {
        let sentence = &self.text[start..end];
        if sentence.trim().is_empty() {
            return;
        }
        if sentence.trim().chars().count() <= self.max_chars {
            let from = start + sentence.len() - self.without_indent(sentence, start).len();
            self.push(from, start + sentence.trim_end().len(), strength);
            return;
        }
        let mut strength = strength;
        for word in words(sentence) {
            let from = start + word.start;
            self.word(from, start + word.end, strength);
            let ends_clause =
                self.text[from..start + word.end].ends_with([',', ';', ':', ')', ']', '}', '—', '、', '，']);
            strength = if ends_clause { CLAUSE } else { WORD };
        }
    }

    /// A sentence that begins a line keeps its indentation.
    fn without_indent<'s>(&self, sentence: &'s str, start: usize) -> &'s str {
        let trimmed = sentence.trim_start();
        let blank = &sentence[..sentence.len() - trimmed.len()];
        let line = match blank.rfind('\n') {
            Some(end) => end + 1,
            None if start == 0 => 0,
            None => return trimmed,
        };
        let with_indent = &sentence[line..];
        // Only if it still fits.
        if with_indent.trim_end().chars().count() <= self.max_chars { with_indent } else { trimmed }
    }

    fn word(&mut self, from: usize, to: usize, strength: Strength) {
        let word = &self.text[from..to];
        // Most words are shorter in bytes already.
        if word.len() <= self.max_chars {
            return self.push(from, to, strength);
        }
        let mut start = from;
        let mut strength = strength;
        let mut chars = 0;
        for (index, letter) in word.char_indices() {
            // A mark stays with the letter that it changes.
            if chars >= self.max_chars.saturating_sub(8) && !is_joining(letter) || chars >= self.max_chars {
                self.push(start, from + index, strength);
                (start, chars, strength) = (from + index, 0, IN_WORD);
            }
            chars += 1;
        }
        self.push(start, to, strength);
    }

    fn push(&mut self, from: usize, to: usize, strength: Strength) {
        self.lines += self.text[self.counted..from].matches('\n').count() as u64;
        self.counted = from;
        let (text, gap) = (&self.text[from..to], &self.text[self.at..from]);
        self.atoms.push(Atom {
            text,
            gap,
            chars: text.chars().count(),
            gap_chars: gap.chars().count(),
            strength,
            block: self.block,
            lines_before: self.lines,
        });
        self.at = to;
    }
}

/// The words of a text, and scripts without spaces by their characters.
fn words(text: &str) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut letters = text.char_indices().peekable();
    std::iter::from_fn(move || {
        while letters.next_if(|(_, letter)| letter.is_whitespace()).is_some() {}
        let (start, first) = letters.next()?;
        let mut end = start + first.len_utf8();
        let mut last = first;
        while let Some((at, letter)) = letters.next_if(|(_, letter)| {
            !letter.is_whitespace() && (is_joining(*letter) || !(is_ideograph(last) || is_ideograph(*letter)))
        }) {
            end = at + letter.len_utf8();
            last = letter;
        }
        Some(start..end)
    })
}

/// Where sentences end, and how good a place to cut that is.
fn boundaries(text: &str) -> Vec<(usize, Strength)> {
    let mut found = Vec::new();
    let mut line = 0;
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let after = at + letter.len_utf8();
        match letter {
            '。' | '！' | '？' => found.push((after, SENTENCE)),
            '.' | '!' | '?' | '…' => {
                let mut end = after;
                while let Some((at, letter)) = letters.next_if(|(_, letter)| closes(*letter)) {
                    end = at + letter.len_utf8();
                }
                let white =
                    letters.peek().is_some_and(|(_, letter)| letter.is_whitespace() && *letter != '\n');
                if white && ends_sentence(text, line, at, letter) && begins_sentence(&text[end..]) {
                    found.push((end, SENTENCE));
                }
            }
            '\n' => {
                if text[after..].starts_with('\n') {
                    found.push((at, ITEM));
                } else if !is_wrapped(&text[line..at], &text[after..]) {
                    found.push((at, SENTENCE));
                }
                line = after;
            }
            _ => {}
        }
    }
    found
}

fn closes(letter: char) -> bool {
    matches!(letter, '.' | '!' | '?' | '"' | '\'' | ')' | ']' | '»' | '”' | '’')
}

/// Whether a full stop ends a sentence and not an abbreviation or an initial.
fn ends_sentence(text: &str, line: usize, at: usize, sign: char) -> bool {
    const ABBREVIATIONS: [&str; 30] = [
        "mr", "mrs", "ms", "dr", "prof", "st", "vs", "etc", "e.g", "i.e", "cf", "al", "fig", "no", "nr",
        "vol", "pp", "approx", "inc", "ltd", "jr", "sr", "z.b", "d.h", "u.a", "bzw", "ca", "sra", "dra",
        "ex",
    ];
    const LONGEST: usize = 12;
    if sign != '.' {
        return true;
    }
    let mut from = at.saturating_sub(LONGEST).max(line);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let word =
        text[from..at].rsplit(|letter: char| letter.is_whitespace() || letter == '(').next().unwrap_or("");
    let initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    !initial && !ABBREVIATIONS.contains(&word.to_lowercase().as_str())
}

fn begins_sentence(rest: &str) -> bool {
    rest.trim_start().chars().next().is_none_or(|letter| !letter.is_lowercase())
}

/// Whether a line was only broken because it was full.
fn is_wrapped(line: &str, next: &str) -> bool {
    const FULL: usize = 40;
    let ended = line.trim_end().ends_with(['.', '!', '?', ':', ';', '。', '…', '|', '}', '{']);
    let begins = next.trim_start().chars().next();
    let continues = begins.is_some_and(|letter| letter.is_lowercase());
    let item = begins.is_none_or(|letter| letter.is_numeric() || "-*•>#|[{(<\"'".contains(letter));
    continues || !(ended || item || line.len() < FULL)
}

fn is_joining(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{20d0}'..='\u{20ff}')
}

fn is_ideograph(letter: char) -> bool {
    matches!(letter, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' | '\u{e00}'..='\u{e7f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, sentences: &[&str]) {
        let mut start = 0;
        let mut found = Vec::new();
        for end in boundaries(text).into_iter().map(|(end, _)| end).chain([text.len()]) {
            found.push(text[start..end].trim());
            start = end;
        }
        found.retain(|sentence| !sentence.is_empty());
        assert_eq!(found, sentences);
    }

    #[test]
    fn sentences_end_where_a_reader_would_stop() {
        check("One. Two! Three?", &["One.", "Two!", "Three?"]);
        check("He said “Stop.” Then he left.", &["He said “Stop.”", "Then he left."]);
        check("Dr. Smith met J. Doe, e.g. today. Good.", &["Dr. Smith met J. Doe, e.g. today.", "Good."]);
        check("It costs 3.50 in v1.2.3 of a.b.c", &["It costs 3.50 in v1.2.3 of a.b.c"]);
        check("今日は。明日！", &["今日は。", "明日！"]);
        check("see etc. and so on. x", &["see etc. and so on. x"]);
        check(
            "a line of running text that is full and\ngoes on here",
            &["a line of running text that is full and\ngoes on here"],
        );
        check("2024-01-01 started\n2024-01-02 ended", &["2024-01-01 started", "2024-01-02 ended"]);
        check("", &[]);
    }
}
