//! Extracts: sentences of a conversation, picked by what they have in them and put together as they
//! were said. No model is asked, and the same words always give the same extract.
//!
//! A sentence has a point for each of these: it is the first of its message; the person says it; it has
//! a number; it has a name, which is a capital letter that begins no sentence. It has three for a word
//! of deciding (`decide`, `must`, `never`, `always`, `agreed` and the like, in English and Portuguese)
//! and four for an open task (`- [ ]`, `TODO`). What was told before counts as first of its message.
//! The best are taken while there is room, of equals the later one.

use super::Speaker;
use crate::document::cut;
use crate::pack::TokenCounter;

/// What stands before an extract, so that nobody takes it for a summary.
const HEADING: &str = "(Sentences picked from what was said, not a summary:)";
/// A longer sentence is cut to this.
const MAX_SENTENCE_CHARS: usize = 300;
/// Beginnings of words that decide something.
const DECIDING: [&str; 26] = [
    "decid", "agree", "must", "never", "always", "should", "chose", "choose", "prefer", "instead",
    "deadline", "require", "want", "need", "combin", "acord", "precis", "deve", "nunca", "sempre", "escolh",
    "prefir", "prazo", "quer", "exig", "vamos",
];
const OPEN_TASKS: [&str; 3] = ["- [ ]", "* [ ]", "TODO"];

/// A line of an extract.
struct Line {
    text: String,
    score: u32,
}

/// What was told before and what was said since, in at most `tokens`.
pub(super) fn extract(
    earlier: &str,
    said: &[(Speaker, String)],
    tokens: usize,
    counter: &dyn TokenCounter,
) -> String {
    let lines = lines(earlier, said);
    let mut best: Vec<usize> = (0..lines.len()).collect();
    best.sort_by_key(|at| std::cmp::Reverse((lines[*at].score, *at)));
    let (mut taken, mut used) = (Vec::new(), counter.count(HEADING) + 1);
    for at in best {
        // With the break behind it.
        let count = counter.count(&lines[at].text) + 1;
        if used + count <= tokens {
            used += count;
            taken.push(at);
        }
    }
    taken.sort_unstable();
    if taken.is_empty() {
        return String::new();
    }
    let taken: Vec<&str> = taken.into_iter().map(|at| lines[at].text.as_str()).collect();
    within(&format!("{HEADING}\n{}", taken.join("\n")), tokens, counter)
}

/// As many whole lines of a text as have at most `tokens`, from the first.
pub(super) fn within(text: &str, tokens: usize, counter: &dyn TokenCounter) -> String {
    if counter.count(text) <= tokens {
        return text.to_owned();
    }
    let mut kept = String::new();
    for sentence in text.lines().flat_map(|line| [line, "\n"]).flat_map(sentences) {
        if counter.count(&kept) + counter.count(sentence) >= tokens {
            break;
        }
        kept.push_str(sentence);
    }
    kept.trim().to_owned()
}

fn lines(earlier: &str, said: &[(Speaker, String)]) -> Vec<Line> {
    let told = earlier.lines().map(str::trim).filter(|line| !line.is_empty() && *line != HEADING);
    let mut lines: Vec<Line> = told
        .map(|line| {
            let (speaker, text) = speaker_of(line);
            Line { text: line.to_owned(), score: score(speaker, text, true) }
        })
        .collect();
    for (speaker, text) in said {
        let said = text.lines().flat_map(sentences).map(str::trim);
        for (place, sentence) in said.filter(|sentence| sentence.contains(char::is_alphanumeric)).enumerate()
        {
            let sentence = cut(sentence, MAX_SENTENCE_CHARS);
            let score = score(Some(*speaker), &sentence, place == 0);
            lines.push(Line { text: format!("{}: {sentence}", speaker.name()), score });
        }
    }
    lines
}

fn speaker_of(line: &str) -> (Option<Speaker>, &str) {
    let speakers = [Speaker::Person, Speaker::Agent].into_iter();
    let mut spoken = speakers.filter_map(|speaker| {
        let text = line.strip_prefix(speaker.name())?.strip_prefix(": ")?;
        Some((Some(speaker), text))
    });
    spoken.next().unwrap_or((None, line))
}

fn score(speaker: Option<Speaker>, sentence: &str, is_first: bool) -> u32 {
    let lower = sentence.to_lowercase();
    let decides = lower
        .split(|letter: char| !letter.is_alphanumeric())
        .any(|word| DECIDING.iter().any(|beginning| word.starts_with(beginning)));
    let has_name = sentence
        .split_whitespace()
        .skip(1)
        .any(|word| word.trim_start_matches(['"', '(', '`']).starts_with(char::is_uppercase));
    let is_open = OPEN_TASKS.iter().any(|mark| sentence.starts_with(mark));
    u32::from(is_first)
        + u32::from(speaker == Some(Speaker::Person))
        + u32::from(sentence.contains(|letter: char| letter.is_ascii_digit()))
        + u32::from(has_name)
        + 3 * u32::from(decides)
        + 4 * u32::from(is_open)
}

/// The sentences of a line: each ends with `.`, `!` or `?` before a space, or with the line.
fn sentences(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let ends = rest.char_indices().zip(rest.chars().skip(1));
        let mut ends = ends.filter(|((_, end), next)| matches!(end, '.' | '!' | '?') && next.is_whitespace());
        let end = ends.next().map_or(rest.len(), |((at, end), _)| at + end.len_utf8());
        let (sentence, after) = rest.split_at(end);
        rest = after;
        Some(sentence)
    })
}
