//! Words, sentences and languages: what the planners know of a text before they know its meaning.
//!
//! Invariant: everything here takes any text, never fails, and reads it once.

use crate::plan::Language;

/// The letters of `text` in lower case and without accents, so that `Aprovação` meets `aprovacao`.
#[must_use]
pub fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).filter_map(fold_char).collect()
}

fn fold_char(c: char) -> Option<char> {
    Some(match c {
        'á' | 'à' | 'â' | 'ã' | 'ä' | 'å' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        '’' => '\'',
        // Accents written as characters of their own.
        '\u{300}'..='\u{36f}' => return None,
        c => c,
    })
}

/// The folded words of `text`. A contracted `not` is a word of its own: `don't` → `do`, `not`.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    fold(text)
        .replace("can't", "can not")
        .replace("n't", " not")
        .replace("i'm", "i am")
        .replace("'s", "")
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The sentences of `text`. A line break ends one too when the line before is short and the next
/// begins like a sentence, so that text wrapped by an editor stays whole.
#[must_use]
pub fn sentences(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut line_start) = (0, 0);
    for (at, c) in text.char_indices() {
        let rest = &text[at + c.len_utf8()..];
        let ends = match c {
            '.' | '!' | '?' => {
                rest.starts_with(char::is_whitespace) && !is_abbreviation(&text[start..at], rest)
            }
            '\n' => {
                let short = at - line_start < 60;
                line_start = at + 1;
                let next = rest.trim_start_matches(' ').chars().next();
                rest.starts_with('\n') || short && next.is_some_and(|c| !c.is_lowercase())
            }
            _ => false,
        };
        if ends {
            found.push(&text[start..at + c.len_utf8()]);
            start = at + c.len_utf8();
        }
    }
    found.push(&text[start..]);
    found.into_iter().map(str::trim).filter(|sentence| !sentence.is_empty()).collect()
}

/// Whether the full stop after `before` belongs to a short form (`e.g.`, `Dr.`) or a number.
fn is_abbreviation(before: &str, rest: &str) -> bool {
    const SHORT_FORMS: [&str; 14] =
        ["e.g", "i.e", "etc", "dr", "mr", "mrs", "sr", "sra", "ex", "p.ex", "vs", "approx", "fig", "pag"];
    let tail_start = before.char_indices().rev().take(12).last().map_or(0, |(at, _)| at);
    let word =
        before[tail_start..].rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    let is_label = !word.is_empty() && before.trim() == word && word.chars().all(|c| c.is_ascii_digit());
    is_label
        || SHORT_FORMS.contains(&fold(word).as_str()) && !rest.trim_start().starts_with(char::is_uppercase)
}

/// `text` on one line, at most `chars` characters, cut at a word where there is one and marked `…`.
#[must_use]
pub fn shorten(text: &str, chars: usize) -> String {
    let mut line = String::new();
    let mut length = 0;
    let mut gap = false;
    for c in text.chars().filter(|c| !is_invisible(*c)) {
        if c.is_whitespace() || c.is_control() {
            gap = !line.is_empty();
            continue;
        }
        if std::mem::take(&mut gap) {
            line.push(' ');
            length += 1;
        }
        if length >= chars {
            let word = line.trim_end().rfind(' ').filter(|&at| at > line.len() / 2).unwrap_or(line.len());
            line.truncate(word);
            while line.chars().count() >= chars {
                line.pop();
            }
            line.push('…');
            return line;
        }
        line.push(c);
        length += 1;
    }
    line
}

/// Marks that change how text is shown without being seen: direction overrides, zero-width joins.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// `text` cut to at most `bytes`, at a character.
#[must_use]
pub fn cut(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes { text } else { &text[..text.floor_char_boundary(bytes)] }
}

/// `text` with its first letter in upper case.
#[must_use]
pub fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// A list marker or step label taken off the front: `3) `, `- `, `Step 2:`, `Passo 1 –`.
/// Answers the number, where there is one, and the rest.
#[must_use]
pub fn without_label(line: &str) -> (Option<usize>, &str) {
    let line = line.trim();
    if let Some(rest) = ["- ", "* ", "+ ", "• ", "– "].iter().find_map(|marker| line.strip_prefix(marker))
    {
        return (None, rest.trim_start());
    }
    let first = line.split_whitespace().next().unwrap_or_default();
    let labelled = matches!(fold(cut(first, 16)).as_str(), "step" | "passo" | "etapa");
    let numbered = if labelled { line[first.len()..].trim_start() } else { line };
    let digits = numbered.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 || digits > 4 {
        return (None, line);
    }
    let rest = &numbered[digits..];
    let after = rest.trim_start();
    let marks: &[char] = if labelled { &['.', ')', ':', '-', '–', '—'] } else { &['.', ')'] };
    match after.strip_prefix(marks) {
        // `1.5 times` is a number, not a label.
        Some(text) if text.starts_with(char::is_whitespace) && !text.trim().is_empty() => {
            (numbered[..digits].parse().ok(), text.trim_start())
        }
        _ => (None, line),
    }
}

/// The language `text` is written in: English unless more of its words are Portuguese.
#[must_use]
pub fn language_of(text: &str) -> Language {
    const EN: &str = " the an and of to is are it for with that this on then from by my our we what please make \
                      write create build how why when which about into its all each should must has have not or \
                      file report run tests test page team find compute check fix deploy draft send add ";
    const PT: &str = " um uma e de da dos das em na nos nas para por com que se sao nao meu minha depois crie criar \
                      faca fazer escreva rode calcule relatorio arquivo pelo pela ao aos ou mais sobre quanto qual \
                      como quando isso este esta seu sua antes entao tambem os pesquise resuma gere peca teste \
                      verifique leia limpe publique monte envie carregue preciso quero segue passo passos ";
    let (mut en, mut pt) = (0_u32, 0_u32);
    for word in cut(text, 20_000).split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()) {
        let folded = fold(word);
        let padded = format!(" {folded} ");
        en += u32::from(EN.contains(&padded));
        pt += u32::from(PT.contains(&padded) || folded != word.to_lowercase());
    }
    if pt > en { Language::Pt } else { Language::En }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_and_not_stands_alone() {
        assert_eq!(words("Don’t wait; Aprovação é já!"), ["do", "not", "wait", "aprovacao", "e", "ja"]);
    }

    #[track_caller]
    fn check_sentences(text: &str, expected: &[&str]) {
        assert_eq!(sentences(text), expected);
    }

    #[test]
    fn sentences_end_where_a_reader_ends_them() {
        check_sentences("Load it. Clean it! Done?", &["Load it.", "Clean it!", "Done?"]);
        check_sentences("Use v1.2 of a.csv, e.g. this one.", &["Use v1.2 of a.csv, e.g. this one."]);
        check_sentences("Ask for\napproval before it.", &["Ask for\napproval before it."]);
        check_sentences("Load the data\nAsk for approval", &["Load the data", "Ask for approval"]);
        check_sentences(" \n ", &[]);
    }

    #[test]
    fn shortening_keeps_whole_words_on_one_line() {
        assert_eq!(shorten("  a\n b\u{202e}c ", 10), "a bc");
        assert_eq!(shorten("one two three four", 10), "one two…");
        assert_eq!(shorten(&"x".repeat(50), 10).chars().count(), 10);
        assert_eq!(shorten("", 10), "");
    }

    #[test]
    fn labels_come_off() {
        assert_eq!(without_label("3) Load"), (Some(3), "Load"));
        assert_eq!(without_label("Step 2: Clean"), (Some(2), "Clean"));
        assert_eq!(without_label("Passo 10 – Limpar"), (Some(10), "Limpar"));
        assert_eq!(without_label("- item"), (None, "item"));
        assert_eq!(without_label("1.5 times"), (None, "1.5 times"));
        assert_eq!(without_label("2024 sales"), (None, "2024 sales"));
        assert_eq!(without_label("step"), (None, "step"));
    }

    #[track_caller]
    fn check_language(text: &str, expected: Language) {
        assert_eq!(language_of(text), expected, "{text}");
    }

    #[test]
    fn the_language_is_that_of_most_words() {
        check_language("Create a repo; add CI; write tests", Language::En);
        check_language("crie um repositório e escreva os testes", Language::Pt);
        check_language("calcule 17*23", Language::Pt);
        check_language("build a FastAPI app that greets users", Language::En);
        check_language("resuma o contrato", Language::Pt);
        check_language("2+2", Language::En);
    }
}
