//! What a score is made of.
//!
//! A score is the sum of its parts: features of the chunk, most of them between 0 and 1, times a
//! weight each, so that a person can be shown what made a hit a hit. The weights were fitted on half
//! of LoCoMo's conversations and on CoSQA's first half; `cargo xtask bench memory` measures them.
//!
//! Invariant: the ranking depends on the query, the settings and what is in the index alone, and
//! equals keep the order of their numbers.

use std::sync::LazyLock;
use std::time::Duration;

use index::{Language, words};
use jiff::civil::Date;
use kernel::Timestamp;
use regex::Regex;

use crate::chunk::IndexedChunk;
use crate::question::{Question, pattern};
use crate::wording::WordMatch;

/// How much of its window speaks for a passage, which says more by itself than a turn of a
/// conversation does.
const PASSAGE_WINDOW: f64 = 0.4;
const RECENCY_HALF_LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// From so near on, a chunk bears on a query without a word of it.
const NEAR: f64 = 0.45;

/// What a chunk is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Feature {
    /// How near its meaning is: the cosine of its vector and the query's, squared with its sign.
    Similarity,
    /// How near the meanings of the chunks before and after it are, on average.
    Neighbours,
    /// Its words against the query's, alike or near in meaning, the rarer the more.
    Words,
    /// BM25 of it alone, as a share of the best; of passages only, neither turns of a conversation
    /// nor what stands alone.
    Keyword,
    /// BM25 of it and two chunks on either side, as a share of the best.
    Window,
    /// BM25 of its whole document, as a share of the best.
    Document,
    /// It stands alone, without neighbours to speak for it: its meaning and words count more.
    Alone,
    /// The query names its author.
    Author,
    /// It speaks of its author.
    First,
    /// It only asks.
    Asks,
    /// It is of the date the query names.
    Date,
    /// The query asks when, and it names a time.
    When,
    /// The query asks how many, and it names a number.
    Number,
    /// The query asks for a name, and it has one.
    Name,
    /// It is new.
    Recency,
}

/// All features, in the order in which they are shown.
pub const FEATURES: [Feature; 15] = [
    Feature::Similarity,
    Feature::Neighbours,
    Feature::Words,
    Feature::Keyword,
    Feature::Window,
    Feature::Document,
    Feature::Alone,
    Feature::Author,
    Feature::First,
    Feature::Asks,
    Feature::Date,
    Feature::When,
    Feature::Number,
    Feature::Name,
    Feature::Recency,
];

impl Feature {
    /// As settings and answers spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Similarity => "similarity",
            Self::Neighbours => "neighbours",
            Self::Words => "words",
            Self::Keyword => "keyword",
            Self::Window => "window",
            Self::Document => "document",
            Self::Alone => "alone",
            Self::Author => "author",
            Self::First => "first",
            Self::Asks => "asks",
            Self::Date => "date",
            Self::When => "when",
            Self::Number => "number",
            Self::Name => "name",
            Self::Recency => "recency",
        }
    }

    /// What it means, for a person.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Similarity => "How near its meaning is to the question's.",
            Self::Neighbours => "How near the meanings of the passages before and after it are.",
            Self::Words => {
                "How well its words answer the question's: the same words, or words near in meaning."
            }
            Self::Keyword => "How often it has the question's words, for its length.",
            Self::Window => "How well it answers together with the two passages on either side.",
            Self::Document => "How well its whole document answers.",
            Self::Alone => "It has no neighbours to speak for it, so its own meaning and words count more.",
            Self::Author => "The question names who wrote it.",
            Self::First => "Its author speaks of themselves in it.",
            Self::Asks => "It only asks, and does not answer.",
            Self::Date => "It is of the day, month or year that the question names.",
            Self::When => "The question asks when, and it names a time.",
            Self::Number => "The question asks how many, and it names a number.",
            Self::Name => "The question asks for a name, and it has one.",
            Self::Recency => "It is new.",
        }
    }

    /// The feature of this name.
    pub fn named(name: &str) -> Option<Self> {
        FEATURES.into_iter().find(|feature| feature.name() == name)
    }
}

/// How much each feature counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights([f64; FEATURES.len()]);

impl Default for Weights {
    fn default() -> Self {
        let of = |feature| match feature {
            Feature::Similarity => 1.0,
            Feature::Neighbours => 0.28,
            Feature::Words => 0.25,
            Feature::Keyword => 0.3,
            Feature::Window => 0.23,
            Feature::Document | Feature::First | Feature::Number => 0.12,
            Feature::Alone => 0.5,
            Feature::Author => 0.2,
            Feature::Asks => -0.1,
            Feature::Date => 0.3,
            Feature::When | Feature::Name => 0.15,
            Feature::Recency => 0.03,
        };
        Self(FEATURES.map(of))
    }
}

impl Weights {
    /// How much a feature counts.
    pub fn of(&self, feature: Feature) -> f64 {
        self.0[feature as usize]
    }

    /// Lets a feature count so much.
    #[must_use]
    pub fn with(mut self, feature: Feature, weight: f64) -> Self {
        self.0[feature as usize] = weight;
        self
    }

    /// Nothing counts.
    pub fn none() -> Self {
        Self([0.0; FEATURES.len()])
    }
}

/// A part of a score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// What was looked at.
    pub feature: Feature,
    /// What was found.
    pub value: f64,
    /// How much it counts.
    pub weight: f64,
}

impl Part {
    /// What it adds to the score.
    pub fn share(&self) -> f64 {
        self.value * self.weight
    }
}

/// A chunk that may become a hit, and what the indices say of it.
pub(crate) struct Candidate {
    pub indexed: IndexedChunk,
    pub similarity: f64,
    /// Of the chunk before it and the one after; 0 where there is none.
    pub similarities_around: [f64; 2],
    /// The words of the query and what answers them best.
    pub words: Vec<WordMatch>,
    /// BM25 of it alone; 0 when it is not among the candidates by words.
    pub keyword: f64,
    /// BM25 of its window.
    pub window: f64,
    /// BM25 of its document.
    pub document: f64,
    /// Whether its document has no other.
    pub is_alone: bool,
}

/// A candidate with its score.
pub(crate) struct Ranked {
    pub candidate: Candidate,
    pub score: f64,
    pub parts: Vec<Part>,
}

/// The best scores among the candidates.
struct Best {
    keyword: f64,
    window: f64,
    document: f64,
}

/// Whether a cosine says that two texts have to do with each other.
pub(crate) fn is_near(similarity: f64) -> bool {
    similarity >= NEAR
}

/// Ranks candidates, the best first.
pub(crate) fn rank(
    candidates: Vec<Candidate>,
    question: &Question,
    weights: &Weights,
    now: Timestamp,
) -> Vec<Ranked> {
    let most = |of: fn(&Candidate) -> f64| candidates.iter().map(of).fold(f64::MIN_POSITIVE, f64::max);
    let best = Best {
        keyword: most(|candidate| candidate.keyword),
        window: most(|candidate| candidate.window),
        document: most(|candidate| candidate.document),
    };
    let mut ranked: Vec<Ranked> = candidates
        .into_iter()
        .map(|candidate| {
            let value = |feature| value(feature, &candidate, question, weights, &best, now);
            let parts = FEATURES.map(|feature| (feature, value(feature), weights.of(feature)));
            let parts: Vec<Part> =
                parts.map(|(feature, value, weight)| Part { feature, value, weight }).into();
            Ranked { score: parts.iter().map(Part::share).sum(), candidate, parts }
        })
        .collect();
    let number = |ranked: &Ranked| ranked.candidate.indexed.chunk.number;
    ranked.sort_by(|one, other| other.score.total_cmp(&one.score).then(number(one).cmp(&number(other))));
    ranked
}

fn value(
    feature: Feature,
    candidate: &Candidate,
    question: &Question,
    weights: &Weights,
    best: &Best,
    now: Timestamp,
) -> f64 {
    let indexed = &candidate.indexed;
    let said = || said(&indexed.chunk.content.text);
    let holds = |condition: bool| f64::from(condition);
    let similarity = candidate.similarity * candidate.similarity.abs();
    // What one person says in a conversation is too short for the number of words to tell anything.
    let is_passage = !candidate.is_alone && indexed.chunk.content.author.is_none();
    let words = || WordMatch::covered(&candidate.words);
    match feature {
        Feature::Similarity => similarity,
        Feature::Neighbours => candidate.similarities_around.iter().sum::<f64>() / 2.0,
        Feature::Words => words(),
        Feature::Keyword if is_passage => candidate.keyword / best.keyword,
        Feature::Window if is_passage => PASSAGE_WINDOW * candidate.window / best.window,
        Feature::Window if !candidate.is_alone => candidate.window / best.window,
        Feature::Document if !candidate.is_alone => candidate.document / best.document,
        Feature::Alone if candidate.is_alone => {
            weights.of(Feature::Similarity) * similarity + weights.of(Feature::Words) * words()
        }
        Feature::Keyword | Feature::Window | Feature::Document | Feature::Alone => 0.0,
        Feature::Author => holds(indexed.author().is_some_and(|author| {
            words::words(author).iter().any(|word| question.names.contains(&word.folded))
        })),
        Feature::First => holds(indexed.author().is_some() && speaks_of_its_author(said())),
        Feature::Asks => holds(said().trim_end().ends_with('?')),
        Feature::Date if question.date != Default::default() => {
            day_of(indexed.time()).map_or(0.0, |day| question.date.fits(day))
        }
        Feature::When if question.asks_when => holds(TIME.is_match(said())),
        Feature::Number if question.asks_number => holds(NUMBER.is_match(said())),
        Feature::Name if question.asks_name => holds(has_name(said(), indexed.author())),
        Feature::Date | Feature::When | Feature::Number | Feature::Name => 0.0,
        Feature::Recency => {
            let age = now.since(indexed.time()).as_secs_f64() / RECENCY_HALF_LIFE.as_secs_f64();
            (-age).exp2()
        }
    }
}

static TIME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(yesterday|today|tonight|tomorrow|ago|recently|lately",
        r"|(last|next|this|past|coming) (night|week|weekend|month|year|summer|winter|spring|fall|autumn",
        r"|monday|tuesday|wednesday|thursday|friday|saturday|sunday|few|couple|two|three)",
        r"|(mon|tues|wednes|thurs|fri|satur|sun)day",
        r"|january|february|march|april|june|july|august|september|october|november|december",
        r"|(19|20)\d\d|since|for (a|two|three|four|five|six|seven|\d+) (years?|months?|weeks?|days?)",
        r"|ontem|hoje|amanhã|anteontem|há (um|uma|dois|duas|três|\d+) (anos?|m[eê]s(es)?|semanas?|dias?)",
        r"|(semana|mês|ano|sábado|domingo) (passad[oa]|que vem)|próxim[oa] (semana|mês|ano)|desde",
        r"|(segunda|terça|quarta|quinta|sexta)-feira",
        r"|janeiro|fevereiro|março|abril|maio|junho|julho|agosto|setembro|outubro|novembro|dezembro)\b",
    ))
});
static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(\d+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|hundred",
        r"|thousand|once|twice|couple|few|several|many|dozen|dois|duas|três|quatro|cinco|sete|oito|nove",
        r"|dez|vinte|cem|mil|poucos|poucas|vários|várias|muitos|muitas|dúzia)\b",
    ))
});
static PROPER: LazyLock<Regex> = LazyLock::new(|| pattern(r"[a-zà-ÿ,] (\p{Lu}\p{Ll}+)"));
static FIRST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:^|[^\p{L}\p{N}])(i|me|my|mine|myself|we|us|our|ours|ourselves|eu|meu|minha|meus|minhas|nós|nosso|nossa|nossos|nossas)(?:$|[^\p{L}\p{N}])",
    )
});

/// A text without what describes something attached to it, in brackets at its end.
fn said(text: &str) -> &str {
    match text.trim_end().strip_suffix(']').and_then(|rest| rest.rfind('[')) {
        Some(at) if at > 0 => text[..at].trim_end(),
        _ => text,
    }
}

fn speaks_of_its_author(text: &str) -> bool {
    FIRST.is_match(text)
}

/// Whether a word inside a sentence is a name other than the author's.
fn has_name(text: &str, author: Option<&str>) -> bool {
    let of_author: Vec<String> =
        author.map(words::words).unwrap_or_default().into_iter().map(|word| word.folded).collect();
    PROPER.captures_iter(text).any(|found| {
        let word = words::words(&found[1]).into_iter().next().map(|word| word.folded).unwrap_or_default();
        !of_author.contains(&word) && !index::is_common(&word)
    })
}

fn day_of(moment: Timestamp) -> Option<Date> {
    let moment = jiff::Timestamp::from_millisecond(moment.0).ok()?;
    Some(moment.to_zoned(jiff::tz::TimeZone::UTC).date())
}

/// What the query's words and a chunk's are compared as.
pub(crate) fn stems(word: &str) -> [String; 2] {
    [Language::English.stem(word), Language::Portuguese.stem(word)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_kept_by_feature() {
        let weights = Weights::default().with(Feature::Date, 0.7);
        for feature in FEATURES {
            assert_eq!(Feature::named(feature.name()), Some(feature));
            let expected = if feature == Feature::Date { 0.7 } else { Weights::default().of(feature) };
            assert!((weights.of(feature) - expected).abs() < 1e-9);
        }
        assert_eq!(Feature::named("nothing"), None);
    }

    #[test]
    fn what_is_said_is_seen() {
        assert!(speaks_of_its_author("I'm glad") && speaks_of_its_author("É meu."));
        assert!(!speaks_of_its_author("He is glad, with memory."));
        assert_eq!(said("Look at this! [a photo of a dog]"), "Look at this!");
        assert_eq!(said("[1]"), "[1]");
        assert!(has_name("we went to Lisbon", None) && !has_name("Lisbon it was", None));
        assert!(!has_name("said Ana", Some("Ana")));
        assert!(TIME.is_match("It was last week") && TIME.is_match("foi na quinta-feira"));
        assert!(NUMBER.is_match("twelve of them") && !NUMBER.is_match("someone"));
    }
}
