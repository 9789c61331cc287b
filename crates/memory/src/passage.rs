//! The passage of a text that answers a query best, and how it is shown.

use crate::similarity::{Coverage, Matcher};
use index::words::{Word, words};

/// The longest snippet, ellipses included.
pub(crate) const MAX_SNIPPET_CHARS: usize = 240;
/// What stands between two spaces and is longer than this may be cut.
const LONGEST_TOKEN_CHARS: usize = 60;
/// A piece fits into a snippet with a space and two ellipses.
const LONGEST_PIECE_CHARS: usize = MAX_SNIPPET_CHARS - 3;

/// The best passage of a text.
pub(crate) struct Passage {
    /// How well it answers each word of the query.
    pub(crate) coverage: Coverage,
    /// The bytes from its first word that answers to its last; none when no word does.
    pub(crate) span: Option<Span>,
}

/// A stretch of a text, from its first byte to the one behind its last.
pub(crate) type Span = (usize, usize);

/// A word that resembles words of the query.
struct Answer {
    start: usize,
    end: usize,
    first_char: usize,
    last_char: usize,
    resembled: Vec<(usize, f64)>,
}

/// Finds the stretch of at most a snippet's length that answers `matcher`'s query best, the first
/// of several.
pub(crate) fn best_passage(text: &str, matcher: &mut Matcher) -> Passage {
    let answers: Vec<Answer> = words(text).iter().filter_map(|word| answer(word, matcher)).collect();
    let mut everywhere = matcher.nothing();
    for answer in &answers {
        answer.add_to(&mut everywhere);
    }
    // No passage answers better than the whole text; the first that does as well ends the search.
    let attainable = matcher.answered(&everywhere);
    let mut best = Passage { coverage: matcher.nothing(), span: None };
    let mut best_score = 0.0;
    for (first, from) in answers.iter().enumerate() {
        if best_score >= attainable {
            break;
        }
        let mut coverage = matcher.nothing();
        let mut end = from.end;
        for to in answers[first..].iter().take_while(|to| to.last_char - from.first_char <= MAX_SNIPPET_CHARS)
        {
            if to.add_to(&mut coverage) {
                end = to.end;
            }
        }
        let score = matcher.answered(&coverage);
        if score > best_score {
            best_score = score;
            best = Passage { coverage, span: Some((from.start, end)) };
        }
    }
    best
}

impl Answer {
    /// Raises `coverage` to what this word answers; tells whether it did.
    fn add_to(&self, coverage: &mut Coverage) -> bool {
        let mut raised = false;
        for &(word, likeness) in &self.resembled {
            if likeness > coverage[word] {
                coverage[word] = likeness;
                raised = true;
            }
        }
        raised
    }
}

fn answer(word: &Word, matcher: &mut Matcher) -> Option<Answer> {
    let resembled = matcher.resembled(&word.folded);
    (!resembled.is_empty()).then(|| Answer {
        start: word.range.start,
        end: word.range.end,
        first_char: word.at,
        last_char: word.at + word.chars,
        resembled: resembled.to_vec(),
    })
}

/// At most [`MAX_SNIPPET_CHARS`] of `text` around `span`, or from its beginning, in one line. It is
/// cut between words only, with an ellipsis where something is left out; what has no space for
/// longer than a snippet is cut where a word of search ends, and failing that anywhere.
pub(crate) fn snippet(text: &str, span: Option<Span>) -> String {
    let pieces = pieces(text);
    let (start, end) = span.unwrap_or((0, 0));
    let first = pieces.partition_point(|piece| piece.end <= start);
    let mut shown = Stretch { pieces: &pieces, first, next: first, chars: 0 };
    while shown.next_starts_before(end) && shown.grow_after() {}
    // What room is left goes to both sides alike.
    loop {
        let (after, before) = (shown.grow_after(), shown.grow_before());
        if !after && !before {
            return shown.of(text);
        }
    }
}

/// The pieces that are shown.
struct Stretch<'a> {
    pieces: &'a [Piece],
    first: usize,
    next: usize,
    chars: usize,
}

impl Stretch<'_> {
    fn next_starts_before(&self, end: usize) -> bool {
        self.pieces.get(self.next).is_some_and(|piece| piece.start < end)
    }

    fn grow_after(&mut self) -> bool {
        let grown = self.pieces.get(self.next).is_some_and(|piece| self.take(piece));
        self.next += usize::from(grown);
        grown
    }

    fn grow_before(&mut self) -> bool {
        let grown = self.first > 0 && self.take(&self.pieces[self.first - 1]);
        self.first -= usize::from(grown);
        grown
    }

    /// Takes room for a piece and a space, if there is any, two ellipses kept free.
    fn take(&mut self, piece: &Piece) -> bool {
        let chars = self.chars + piece.chars + usize::from(piece.spaced);
        let fits = chars <= MAX_SNIPPET_CHARS - 2;
        if fits {
            self.chars = chars;
        }
        fits
    }

    fn of(&self, text: &str) -> String {
        let mut shown = String::from(if self.first > 0 { "…" } else { "" });
        for (at, piece) in self.pieces[self.first..self.next].iter().enumerate() {
            if at > 0 && piece.spaced {
                shown.push(' ');
            }
            shown.push_str(&text[piece.start..piece.end]);
        }
        if self.next < self.pieces.len() {
            shown.push('…');
        }
        shown
    }
}

/// A part of a text that is shown whole or not at all.
struct Piece {
    start: usize,
    end: usize,
    chars: usize,
    /// Whether space separates it from the one before.
    spaced: bool,
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for token in text.split_whitespace() {
        let start = token.as_ptr().addr() - text.as_ptr().addr();
        let chars = token.chars().count();
        if chars <= LONGEST_TOKEN_CHARS {
            pieces.push(Piece { start, end: start + token.len(), chars, spaced: true });
        } else {
            split_long(token, start, &mut pieces);
        }
    }
    pieces
}

/// Splits a long token before each of its words, and what is still too long anywhere.
fn split_long(token: &str, offset: usize, pieces: &mut Vec<Piece>) {
    let mut starts: Vec<usize> = words(token).iter().map(|word| word.range.start).collect();
    starts.insert(0, 0);
    starts.dedup();
    starts.push(token.len());
    let mut spaced = true;
    for pair in starts.windows(2) {
        let mut part = &token[pair[0]..pair[1]];
        let mut start = offset + pair[0];
        while !part.is_empty() {
            let length = part.char_indices().nth(LONGEST_PIECE_CHARS).map_or(part.len(), |(at, _)| at);
            let chars = part[..length].chars().count();
            pieces.push(Piece { start, end: start + length, chars, spaced });
            spaced = false;
            start += length;
            part = &part[length..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use index::Sought;

    fn shown(query: &str, text: &str) -> String {
        let words: Vec<String> = Sought::read(query).words.into_iter().map(|word| word.word).collect();
        let mut matcher = Matcher::new(&words);
        snippet(text, best_passage(text, &mut matcher).span)
    }

    #[track_caller]
    fn check(query: &str, text: &str, expected: &str) {
        assert_eq!(shown(query, text), expected);
    }

    #[test]
    fn shows_a_short_text_whole_in_one_line() {
        check("invoice", "The  invoice\n\tis paid.", "The invoice is paid.");
        check("nothing alike", "The invoice is paid.", "The invoice is paid.");
        check("invoice", "", "");
        check("invoice", " \n ", "");
    }

    #[test]
    fn shows_the_passage_that_answers_most() {
        let filler = "lorem ipsum dolor sit amet ".repeat(40);
        let text = format!("An invoice. {filler} The March invoice of Café Müller was paid late. {filler}");
        let snippet = shown("muller march invoce", &text);
        assert!(snippet.contains("The March invoice of Café Müller was paid late."), "{snippet}");
        assert!(snippet.starts_with('…') && snippet.ends_with('…'), "{snippet}");
        assert!(snippet.chars().count() > 200, "{snippet}");
    }

    #[test]
    fn never_exceeds_its_length_nor_cuts_a_word() {
        let text = "Über-große Straßenfußgänger überqueren möglichst öfter die Größenordnung ".repeat(30);
        let words: Vec<_> = text.split_whitespace().collect();
        for query in ["große", "öfter", "Größenordnung", "none"] {
            let snippet = shown(query, &text);
            assert!(snippet.chars().count() <= MAX_SNIPPET_CHARS, "{snippet}");
            for word in snippet.trim_matches('…').split(' ') {
                assert!(words.contains(&word), "{word} in {snippet}");
            }
        }
    }

    #[test]
    fn cuts_what_has_no_spaces_where_it_can() {
        let path = (0..100).map(|number| format!("folder{number}/")).collect::<String>();
        let snippet = shown("folder50", &path);
        assert!(snippet.contains("/folder50/"), "{snippet}");
        assert!(snippet.chars().count() <= MAX_SNIPPET_CHARS, "{snippet}");
        for long in ["x".repeat(5_000), "é".repeat(5_000), "会".repeat(5_000), "🚀".repeat(5_000)] {
            let snippet = shown("x é 会 🚀", &long);
            assert!((200..=MAX_SNIPPET_CHARS).contains(&snippet.chars().count()), "{snippet}");
        }
    }
}
