//! Cuts a text into sentences.
//!
//! Prose ends a sentence at a full stop that is followed by a space and is none of an
//! abbreviation's, an initial's or a number's. List items, headings and the lines of a log are
//! sentences of their own; lines that were wrapped are joined. Code between fences, rules and
//! tables' borders are left out: they are no sentences.

use super::language::fold;

/// Lines this long, in characters, are taken for wrapped prose.
const WRAPPED_LINE: usize = 60;

const ABBREVIATIONS: &[&str] = &[
    "dr", "dra", "sr", "sra", "srta", "mr", "mrs", "ms", "prof", "profa", "st", "vs", "etc", "e.g", "i.e",
    "p.ex", "ex", "no", "nr", "fig", "cf", "al", "vol", "pag", "pp", "inc", "ltd", "ltda", "co", "av", "art",
    "approx", "jan", "feb", "fev", "mar", "apr", "abr", "jun", "jul", "aug", "ago", "sep", "sept", "set",
    "oct", "out", "nov", "dec", "dez",
];

/// The sentences of `text`, in order, with white space made plain.
pub(super) fn sentences(text: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    for block in blocks(text) {
        cut(&block, &mut sentences);
    }
    sentences
}

/// Paragraphs, list items, headings and single lines.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    let (mut in_code, mut open) = (false, false);
    let mut previous_length = 0;
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with("```") || line.starts_with("~~~") {
            (in_code, open) = (!in_code, false);
            continue;
        }
        if in_code || !line.contains(char::is_alphanumeric) {
            open = false;
            continue;
        }
        let item = without_marker(line);
        let starts_lower = line.chars().next().is_some_and(char::is_lowercase);
        let continues = open && item.is_none() && (previous_length >= WRAPPED_LINE || starts_lower);
        let content = item.unwrap_or(line).split_whitespace().collect::<Vec<_>>().join(" ");
        match blocks.last_mut().filter(|_| continues) {
            Some(block) => {
                block.push(' ');
                block.push_str(&content);
            }
            None => blocks.push(content),
        }
        previous_length = line.chars().count();
        open = !line.starts_with('#');
    }
    blocks
}

/// A list item's or heading's text without its marker; `None` for any other line.
fn without_marker(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches('#');
    if rest.len() < line.len() && rest.starts_with(' ') {
        return Some(rest.trim());
    }
    if let Some(rest) = ["- ", "* ", "+ ", "• ", "> "].iter().find_map(|marker| line.strip_prefix(marker)) {
        let boxes = ["[ ] ", "[x] ", "[X] "];
        return Some(boxes.iter().find_map(|mark| rest.strip_prefix(mark)).unwrap_or(rest).trim());
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = line[digits..].strip_prefix(". ").or_else(|| line[digits..].strip_prefix(") "));
    rest.filter(|_| (1..=3).contains(&digits)).map(str::trim)
}

fn cut(block: &str, sentences: &mut Vec<String>) {
    let mut start = 0;
    let mut letters = block.char_indices().peekable();
    while let Some((place, letter)) = letters.next() {
        if !matches!(letter, '.' | '!' | '?' | '…' | '。' | '！' | '？') {
            continue;
        }
        let mut end = place + letter.len_utf8();
        let closing =
            |next: char| matches!(next, '.' | '!' | '?' | '…' | '"' | '\'' | ')' | ']' | '”' | '’' | '»');
        while let Some(&(at, next)) = letters.peek().filter(|(_, next)| closing(*next)) {
            end = at + next.len_utf8();
            letters.next();
        }
        let is_wide = matches!(letter, '。' | '！' | '？');
        let at_gap = is_wide || block[end..].starts_with(' ');
        let is_abbreviated = letter == '.' && ends_in_abbreviation(&block[start..place], &block[end..]);
        if at_gap && !is_abbreviated {
            push(&block[start..end], sentences);
            start = end;
        }
    }
    push(&block[start..], sentences);
}

fn push(sentence: &str, sentences: &mut Vec<String>) {
    let sentence = sentence.trim();
    if sentence.contains(char::is_alphanumeric) {
        sentences.push(sentence.to_owned());
    }
}

/// Whether the full stop between `before` and `after` belongs to the word before it.
fn ends_in_abbreviation(before: &str, after: &str) -> bool {
    let word = before.rsplit([' ', '(', '"', '“']).next().unwrap_or_default();
    let is_initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    let goes_on_lower = after.trim_start().chars().next().is_some_and(char::is_lowercase);
    // "etc." may end a sentence: then the next word begins with a capital.
    let is_listed = ABBREVIATIONS.contains(&fold(word).as_str());
    is_initial || goes_on_lower || (is_listed && word != "etc" && !word.chars().all(char::is_numeric))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(sentences(text), expected);
    }

    #[test]
    fn cuts_prose_where_a_sentence_ends() {
        check("One. Two! Three? Four", &["One.", "Two!", "Three?", "Four"]);
        check(
            "It cost 3.14 euros. See example.org/a.b for more.",
            &["It cost 3.14 euros.", "See example.org/a.b for more."],
        );
        check(
            "Dr. Silva met Mr. J. Smith, e.g. at noon. They left.",
            &["Dr. Silva met Mr. J. Smith, e.g. at noon.", "They left."],
        );
        check(
            "Pães, bolos, etc. Depois, o Sr. Lima saiu.",
            &["Pães, bolos, etc.", "Depois, o Sr. Lima saiu."],
        );
        check("He said “Stop.” She did... Then?! Yes.", &["He said “Stop.”", "She did...", "Then?!", "Yes."]);
        check("一。二。", &["一。", "二。"]);
        check("", &[]);
        check("... !!! 🦀", &[]);
    }

    #[test]
    fn keeps_lines_apart_unless_they_were_wrapped() {
        check("Loaded 10 rows\nComputed the total", &["Loaded 10 rows", "Computed the total"]);
        check(
            "# Report\n\n- first\n* second\n3. third\n- [x] done",
            &["Report", "first", "second", "third", "done"],
        );
        check(
            "This line is long enough to have been wrapped by an editor, before\nLisbon and what\nfollows it.",
            &[
                "This line is long enough to have been wrapped by an editor, before Lisbon and what follows it.",
            ],
        );
    }

    #[test]
    fn leaves_out_code_and_rules() {
        check(
            "Before.\n```python\nprint('no. Not this.')\n```\nAfter.\n---\n|---|\n",
            &["Before.", "After."],
        );
    }
}
