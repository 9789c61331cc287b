//! What a score is made of.
//!
//! A score is the sum of its parts: features of the chunk, most of them between 0 and 1, times a
//! weight each, so that a person can be shown what made a hit a hit. The weights were fitted on half
//! of LoCoMo's conversations and on CoSQA's first half; `cargo xtask bench memory` measures them.
//!
//! Invariant: the ranking depends on the query, the settings and what is in the index alone, and
//! equals keep the order of their numbers.

use std::cmp::Ordering;
use std::sync::LazyLock;
use std::time::Duration;

use index::{Language, words};
use jiff::civil::Date;
use kernel::Timestamp;
use regex::Regex;

use crate::chunk::IndexedChunk;
use crate::question::{Question, pattern};
use crate::wording::{WordMatch, Wording};

/// How much of its window speaks for a passage, which says more by itself than a turn of a
/// conversation does.
const PASSAGE_WINDOW: f64 = 0.4;
const RECENCY_HALF_LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// From so near on, a chunk bears on a query without a word of it.
const NEAR: f64 = 0.45;
/// More than sums of the same shares differ by for being summed in another order.
const ROUNDING: f64 = 1e-9;

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
    /// The words of the query and what answers them best.
    pub words: Vec<WordMatch>,
    pub score: f64,
    pub parts: Vec<Part>,
}

impl Ranked {
    /// The better one first, equals by number.
    fn order(&self, other: &Self) -> Ordering {
        let number = |ranked: &Self| ranked.candidate.indexed.chunk.number;
        other.score.total_cmp(&self.score).then(number(self).cmp(&number(other)))
    }
}

/// Whether a cosine says that two texts have to do with each other.
pub(crate) fn is_near(similarity: f64) -> bool {
    similarity >= NEAR
}

/// The `count` best candidates, the best first. What a text itself says is looked at only while the
/// rest of what is known leaves room for it to be among them: that would be most of a search's work.
pub(crate) fn rank(
    candidates: Vec<Candidate>,
    question: &Question,
    weights: &Weights,
    now: Timestamp,
    wording: Wording<'_>,
    count: usize,
) -> Vec<Ranked> {
    let most = |of: fn(&Candidate) -> f64| candidates.iter().map(of).fold(f64::MIN_POSITIVE, f64::max);
    let best = Best {
        keyword: most(|candidate| candidate.keyword),
        window: most(|candidate| candidate.window),
        document: most(|candidate| candidate.document),
    };
    let mut judge = Judge { question, weights, now, wording, best };
    let mut waiting: Vec<(f64, Candidate)> =
        candidates.into_iter().map(|candidate| (judge.most(&candidate), candidate)).collect();
    waiting.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let mut ranked: Vec<Ranked> = Vec::new();
    for (most, candidate) in waiting {
        let is_full = ranked.len() >= count;
        if is_full && ranked.last().is_some_and(|last| most + ROUNDING < last.score) {
            break;
        }
        let judged = judge.judge(candidate);
        let place = ranked.partition_point(|other| other.order(&judged).is_lt());
        ranked.insert(place, judged);
        ranked.truncate(count);
    }
    ranked
}

/// What candidates for one query are judged with.
struct Judge<'q> {
    question: &'q Question,
    weights: &'q Weights,
    now: Timestamp,
    wording: Wording<'q>,
    best: Best,
}

/// The best scores among the candidates.
struct Best {
    keyword: f64,
    window: f64,
    document: f64,
}

impl Judge<'_> {
    fn judge(&mut self, candidate: Candidate) -> Ranked {
        let indexed = &candidate.indexed;
        let words = self.wording.answers(&indexed.chunk.content.embedded(&indexed.document));
        let covered = WordMatch::covered(&words);
        let part = |feature| {
            let value = self.value(feature, &candidate, covered);
            Part { feature, value, weight: self.weights.of(feature) }
        };
        let parts: Vec<Part> = FEATURES.map(part).into();
        Ranked { score: parts.iter().map(Part::share).sum(), candidate, words, parts }
    }

    /// No less than the score, whatever the text says.
    fn most(&self, candidate: &Candidate) -> f64 {
        let share = |feature| {
            let weight = self.weights.of(feature);
            match feature {
                Feature::Words => weight.max(0.0),
                Feature::Alone => {
                    let [least, most] = [0.0, 1.0].map(|covered| self.value(feature, candidate, covered));
                    (weight * least).max(weight * most)
                }
                _ if self.is_in_text(feature, candidate) => weight.max(0.0),
                _ => weight * self.value(feature, candidate, 0.0),
            }
        };
        FEATURES.map(share).iter().sum()
    }

    /// Whether the text has to be looked through for it.
    fn is_in_text(&self, feature: Feature, candidate: &Candidate) -> bool {
        match feature {
            Feature::First => candidate.indexed.author().is_some(),
            Feature::When => self.question.asks_when,
            Feature::Number => self.question.asks_number,
            Feature::Name => self.question.asks_name,
            _ => false,
        }
    }

    /// `covered` is how much of the query the words answer.
    fn value(&self, feature: Feature, candidate: &Candidate, covered: f64) -> f64 {
        let (question, best) = (self.question, &self.best);
        let indexed = &candidate.indexed;
        let said = || said(&indexed.chunk.content.text);
        let holds = |condition: bool| f64::from(condition);
        let similarity = candidate.similarity * candidate.similarity.abs();
        // What one person says in a conversation is too short for the number of words to tell anything.
        let is_passage = !candidate.is_alone && indexed.chunk.content.author.is_none();
        match feature {
            Feature::Similarity => similarity,
            Feature::Neighbours => candidate.similarities_around.iter().sum::<f64>() / 2.0,
            Feature::Words => covered,
            Feature::Keyword if is_passage => candidate.keyword / best.keyword,
            Feature::Window if is_passage => PASSAGE_WINDOW * candidate.window / best.window,
            Feature::Window if !candidate.is_alone => candidate.window / best.window,
            Feature::Document if !candidate.is_alone => candidate.document / best.document,
            Feature::Alone if candidate.is_alone => {
                let of = |feature| self.weights.of(feature);
                of(Feature::Similarity) * similarity + of(Feature::Words) * covered
            }
            Feature::Keyword | Feature::Window | Feature::Document | Feature::Alone => 0.0,
            Feature::Author if question.names.is_empty() => 0.0,
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
                let age = self.now.since(indexed.time()).as_secs_f64() / RECENCY_HALF_LIFE.as_secs_f64();
                (-age).exp2()
            }
        }
    }
}

/// Finds any of some words or phrases. Around them stands what is neither letter nor digit: `\b` says the
/// same, and is several times slower on text with accents.
fn whole_words(alternatives: &str) -> Regex {
    pattern(&format!(r"(?i)(?:^|[^\p{{L}}\p{{N}}])(?:{alternatives})(?:$|[^\p{{L}}\p{{N}}])"))
}

static TIME: LazyLock<Regex> = LazyLock::new(|| {
    whole_words(concat!(
        r"yesterday|today|tonight|tomorrow|ago|recently|lately",
        r"|(last|next|this|past|coming) (night|week|weekend|month|year|summer|winter|spring|fall|autumn",
        r"|monday|tuesday|wednesday|thursday|friday|saturday|sunday|few|couple|two|three)",
        r"|(mon|tues|wednes|thurs|fri|satur|sun)day",
        r"|january|february|march|april|june|july|august|september|october|november|december",
        r"|(19|20)\d\d|since|for (a|two|three|four|five|six|seven|\d+) (years?|months?|weeks?|days?)",
        r"|ontem|hoje|amanhã|anteontem|há (um|uma|dois|duas|três|\d+) (anos?|m[eê]s(es)?|semanas?|dias?)",
        r"|(semana|mês|ano|sábado|domingo) (passad[oa]|que vem)|próxim[oa] (semana|mês|ano)|desde",
        r"|(segunda|terça|quarta|quinta|sexta)-feira",
        r"|janeiro|fevereiro|março|abril|maio|junho|julho|agosto|setembro|outubro|novembro|dezembro",
    ))
});
static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    whole_words(concat!(
        r"\d+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|hundred",
        r"|thousand|once|twice|couple|few|several|many|dozen|dois|duas|três|quatro|cinco|sete|oito|nove",
        r"|dez|vinte|cem|mil|poucos|poucas|vários|várias|muitos|muitas|dúzia",
    ))
});
static PROPER: LazyLock<Regex> = LazyLock::new(|| pattern(r"[a-zà-ÿ,] (\p{Lu}\p{Ll}+)"));
static FIRST: LazyLock<Regex> = LazyLock::new(|| {
    whole_words(concat!(
        r"i|me|my|mine|myself|we|us|our|ours|ourselves|eu|meu|minha|meus|minhas|nós|nosso|nossa|nossos",
        r"|nossas",
    ))
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
    use std::sync::Arc;

    use kernel::{Entropy, FixedClock, Ids, SeededEntropy};

    use super::*;
    use crate::chunk::{Chunk, NewChunk};
    use crate::document::NewDocument;

    const SAID: [&str; 6] = [
        "I said it in March 2024.",
        "How many bakeries are there?",
        "The sourdough rests in twelve baskets.",
        "we went to Lisbon last week",
        "Nothing of that.",
        "The baker asks for the invoice of the bakery",
    ];

    fn candidate(number: u32, entropy: &SeededEntropy) -> Candidate {
        let share = || (entropy.next_u64() % 1_000) as f64 / 1_000.0;
        let ids = Ids::new(Arc::new(FixedClock::default()), Arc::new(SeededEntropy::new(number.into())));
        let new = NewDocument { collection: "notes".into(), key: number.to_string(), ..Default::default() };
        let document = new.checked(&ids, Timestamp(0)).expect("it can be stored");
        let content = NewChunk {
            text: SAID[number as usize % SAID.len()].into(),
            author: number.is_multiple_of(3).then(|| "Ana".to_owned()),
            ..NewChunk::default()
        };
        let chunk = Chunk { number, document: document.id.clone(), ordinal: 0, content };
        Candidate {
            indexed: IndexedChunk { document_number: number, document, chunk },
            similarity: share(),
            similarities_around: [share(), share()],
            keyword: share(),
            window: share(),
            document: share(),
            is_alone: number.is_multiple_of(4),
        }
    }

    #[test]
    fn the_best_are_those_of_all_whatever_is_left_out() {
        let entropy = SeededEntropy::new(7);
        for query in ["When did we ask how many bakeries there are?", "Who wrote the invoice?", "baskets"] {
            let question = Question::read(query, &[]);
            let sought = &question.content.words;
            for weights in [Weights::default(), Weights::default().with(Feature::Words, -0.5)] {
                let new = || (0..60).map(|number| candidate(number, &SeededEntropy::new(number.into())));
                let of_words = vec![1.0; sought.len()];
                let ranked = |count| {
                    let wording = Wording::new(sought, &of_words, None);
                    let all = new().collect();
                    let ranked = rank(all, &question, &weights, Timestamp(0), wording, count);
                    let told = |ranked: Ranked| (ranked.candidate.indexed.chunk.number, ranked.score);
                    ranked.into_iter().map(told).collect::<Vec<_>>()
                };
                let count = 1 + (entropy.next_u64() % 20) as usize;
                assert_eq!(ranked(count), ranked(60)[..count], "{query}");
            }
        }
    }

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
