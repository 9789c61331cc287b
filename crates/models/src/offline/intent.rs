//! What a message asks for: by its key words, else by its likeness to things people say.

use super::language::{fold, words};
use super::likeness::Embedding;
use super::template::has_placeholders;

/// What an example stands for.
#[derive(Clone, Copy)]
enum Wish {
    Summarise,
    Help,
}

/// What is wanted, with what it is wanted of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Intent<'a> {
    Summarise(&'a str),
    /// A summary, but there is no text.
    SummariseWhat,
    /// A template and the values for it.
    Fill(&'a str, Vec<(&'a str, &'a str)>),
    Greet,
    Help,
    Unknown,
}

const SUMMARISE: &[&str] = &[
    "summarise",
    "summarize",
    "summary",
    "summarising",
    "summarizing",
    "tldr",
    "resuma",
    "resumir",
    "resumo",
    "resume",
    "sumarize",
    "sumarizar",
    "sintese",
    "sintetize",
];
const GREET: &[&str] = &["hello", "hi", "hey", "greetings", "ola", "oi"];
const GREET_PHRASES: &[&str] =
    &["good morning", "good afternoon", "good evening", "bom dia", "boa tarde", "boa noite"];
const HELP: &[&str] = &["help", "ajuda", "ajude"];
const HELP_PHRASES: &[&str] =
    &["what can you do", "who are you", "what are you", "o que voce faz", "o que sabe fazer", "quem e voce"];
/// What people say who want one of these, without its key words.
const EXAMPLES: &[(Wish, &[&str])] = &[
    (
        Wish::Summarise,
        &[
            "give me the gist of this text",
            "what are the main points of this",
            "make this text shorter",
            "the key points in a few sentences",
            "quais são os pontos principais deste texto",
            "deixe este texto mais curto",
            "as ideias principais em poucas frases",
        ],
    ),
    (
        Wish::Help,
        &[
            "what are you able to do",
            "which commands do you know",
            "how do I use this",
            "tell me what you are capable of",
            "do que você é capaz",
            "quais comandos você conhece",
            "como eu uso isto",
        ],
    ),
];
/// Less alike than this is something else.
const ALIKE: f64 = 0.62;
/// A greeting longer than this has another purpose.
const GREETING_WORDS: usize = 4;

impl<'a> Intent<'a> {
    /// What `asked` wants; `earlier` is the longest text said before, which a short request such as
    /// “summarise this” may mean.
    pub(super) fn of(asked: &'a str, earlier: Option<&'a str>) -> Self {
        if has_placeholders(asked) {
            return fill(asked);
        }
        // Only the instruction is searched: the text below it may say anything.
        let (instruction, text) = split(asked);
        let spoken: Vec<String> = words(instruction).map(|word| word.folded).collect();
        let phrase = spoken.join(" ");
        let says = |list: &[&str]| spoken.iter().any(|word| list.contains(&word.as_str()));
        let has = |phrases: &[&str]| phrases.iter().any(|part| phrase.contains(part));
        if says(SUMMARISE) || fold(instruction).contains("tl;dr") {
            return Self::summary(text.or(earlier));
        }
        if has(HELP_PHRASES) || (says(HELP) && spoken.len() <= GREETING_WORDS) {
            return Self::Help;
        }
        if spoken.len() <= GREETING_WORDS && (says(GREET) || has(GREET_PHRASES)) {
            return Self::Greet;
        }
        match resembled(instruction) {
            Some(Wish::Summarise) => Self::summary(text.or(earlier)),
            Some(Wish::Help) => Self::Help,
            None => Self::Unknown,
        }
    }

    fn summary(text: Option<&'a str>) -> Self {
        text.map_or(Self::SummariseWhat, Self::Summarise)
    }
}

/// What the most similar example stands for, if one is similar enough.
fn resembled(instruction: &str) -> Option<Wish> {
    let said = Embedding::of(instruction);
    let examples =
        EXAMPLES.iter().flat_map(|(wish, examples)| examples.iter().map(move |text| (*wish, *text)));
    let scored = examples.map(|(wish, example)| (said.cosine(&Embedding::of(example)), wish));
    let (score, wish) = scored.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
    (score >= ALIKE).then_some(wish)
}

/// The instruction, and the text that follows its first colon or line.
fn split(asked: &str) -> (&str, Option<&str>) {
    let asked = asked.trim();
    let Some(end) = asked.find([':', '\n']) else { return (asked, None) };
    let text = asked[end + 1..].trim();
    (&asked[..end], (!text.is_empty()).then_some(text))
}

/// Lines such as `name: value` or `name = value` without a placeholder are values; the rest, less
/// an instruction that ends in a colon, is the template.
fn fill(asked: &str) -> Intent<'_> {
    let (mut first, mut last) = (usize::MAX, 0);
    let mut values = Vec::new();
    let mut place = 0;
    for line in asked.split_inclusive('\n') {
        if has_placeholders(line) {
            first = first.min(place + instruction_length(line));
            last = place + line.len();
        } else if let Some((name, value)) = line.split_once([':', '=']) {
            let name = name.trim().trim_start_matches(['-', '*']).trim();
            if !name.is_empty() && name.split_whitespace().count() <= 3 && !value.trim().is_empty() {
                values.push((name, value.trim()));
            }
        }
        place += line.len();
    }
    Intent::Fill(asked[first.min(last)..last].trim(), values)
}

/// How much of a template's first line is the instruction before it, as in `Fill: Dear {{name}}`.
fn instruction_length(line: &str) -> usize {
    let before = line.find("{{").map_or(line, |brace| &line[..brace]);
    let is_instruction = |text: &str| {
        let verbs = ["fill", "complete", "preencha", "preencher", "complete", "template", "modelo"];
        words(text).any(|word| verbs.contains(&word.folded.as_str()))
    };
    match before.find(':') {
        Some(colon) if is_instruction(&before[..colon]) => colon + 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(asked: &str, expected: Intent<'_>) {
        assert_eq!(Intent::of(asked, None), expected, "{asked}");
    }

    #[test]
    fn goes_by_key_words_of_the_instruction() {
        check("Please summarize: one. two.", Intent::Summarise("one. two."));
        check("TL;DR\nhelp is near", Intent::Summarise("help is near"));
        check("Faça um resumo:\nhello", Intent::Summarise("hello"));
        check("Give me a summary", Intent::SummariseWhat);
        check("Hi there", Intent::Greet);
        check("boa noite, Atelier", Intent::Greet);
        check("Hi, how many people live in Lisbon today?", Intent::Unknown);
        check("help", Intent::Help);
        check("O que você faz?", Intent::Help);
        check("Write about this: a summary", Intent::Unknown);
        check("Give me the main points: one. two.", Intent::Summarise("one. two."));
        check("Quais os pontos principais?\num. dois.", Intent::Summarise("um. dois."));
        check("What are you capable of?", Intent::Help);
        check("Which commands do you know so far?", Intent::Help);
        check("Give me the main ingredients of a cake", Intent::Unknown);
        check("", Intent::Unknown);
    }

    #[test]
    fn means_what_was_said_before_when_there_is_no_text() {
        assert_eq!(Intent::of("summarise this", Some("earlier")), Intent::Summarise("earlier"));
        assert_eq!(Intent::of("summarise: this", Some("earlier")), Intent::Summarise("this"));
    }

    #[test]
    fn finds_a_template_and_its_values() {
        check("Fill: Dear {{name}}!\nname: Ana", Intent::Fill("Dear {{name}}!", vec![("name", "Ana")]));
        check(
            "Preencha o modelo:\n\nA {{a}}\ne\nB: {{b}}\n\n- a = 1\n- b: x: y",
            Intent::Fill("A {{a}}\ne\nB: {{b}}", vec![("a", "1"), ("b", "x: y")]),
        );
        check("{{a}}", Intent::Fill("{{a}}", vec![]));
    }
}
