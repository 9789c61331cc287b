//! A query as a person means it: who is named, what is looked for, and what sort of answer is wanted.
//!
//! The names of authors are told apart from what is looked for. In a conversation a name in the text
//! says that somebody else is speaking, so that the words of a name mislead both indices.

use std::sync::LazyLock;

use index::{Sought, words};
use jiff::civil::Date;
use regex::Regex;

/// English, its short form, Portuguese; all in lower case.
const MONTHS: [[&str; 3]; 12] = [
    ["january", "jan", "janeiro"],
    ["february", "feb", "fevereiro"],
    ["march", "mar", "março"],
    ["april", "apr", "abril"],
    ["may", "may", "maio"],
    ["june", "jun", "junho"],
    ["july", "jul", "julho"],
    ["august", "aug", "agosto"],
    ["september", "sep", "setembro"],
    ["october", "oct", "outubro"],
    ["november", "nov", "novembro"],
    ["december", "dec", "dezembro"],
];

/// Words that ask, in English and Portuguese, and whether they ask for a moment.
const ASKING: [(&str, bool); 16] = [
    ("who", false),
    ("whom", false),
    ("whose", false),
    ("what", false),
    ("which", false),
    ("when", true),
    ("where", false),
    ("why", false),
    ("how", false),
    ("quem", false),
    ("qual", false),
    ("quais", false),
    ("quando", true),
    ("onde", false),
    ("porque", false),
    ("como", false),
];

static ASKS_NUMBER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b(how (many|much|often|long|old)|quant[oa]s?)\b"));
static ASKS_NAME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(where|who|whom|which|country|countries|city|cities|state|states|name|names|place|places|onde|quem|qual|quais|país|países|cidade|cidades|nome|nomes|lugar|lugares)\b",
    )
});
static YEAR: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b((?:19|20)\d\d)\b"));
static DATES: LazyLock<Vec<MonthPatterns>> = LazyLock::new(|| MONTHS.iter().map(MonthPatterns::of).collect());

/// The patterns are this file's own.
pub(crate) fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is well formed")
}

struct MonthPatterns {
    named: Regex,
    /// Whether `named` is looked for in the text as it is written.
    is_cased: bool,
    day: Regex,
}

impl MonthPatterns {
    fn of([name, short, portuguese]: &[&str; 3]) -> Self {
        // "May" and "March" are words of their own in lower case and at the beginning.
        let is_cased = matches!(*name, "may" | "march");
        let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
        let named = match is_cased {
            true => format!(r".\b{}\b|\b(?i:{portuguese})\b", capital(name)),
            false => format!(r"\b({name}|{short}|{portuguese})\b"),
        };
        let day = format!(
            r"(\d{{1,2}})(?:st|nd|rd|th|º)?,? (?:of |de )?(?:{name}|{portuguese})|{name} (\d{{1,2}})\b"
        );
        Self { named: pattern(&named), is_cased, day: pattern(&day) }
    }
}

/// A day, a month or a year that a query names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NamedDate {
    pub year: Option<i16>,
    pub month: Option<i8>,
    pub day: Option<i8>,
}

impl NamedDate {
    fn read(text: &str, lower: &str) -> Self {
        let year = YEAR.captures(lower).and_then(|found| found[1].parse().ok());
        for (month, patterns) in (1..).zip(&*DATES) {
            if patterns.named.is_match(if patterns.is_cased { text } else { lower }) {
                let found = patterns.day.captures(lower);
                let day = found.and_then(|found| found.get(1).or(found.get(2))?.as_str().parse().ok());
                return Self { year, month: Some(month), day };
            }
        }
        Self { year, month: None, day: None }
    }

    /// How well a moment's day fits, from 0 to 1.
    pub fn fits(self, date: Date) -> f64 {
        match (self.month, self.day) {
            (Some(month), Some(day)) => {
                let Ok(named) = Date::new(self.year.unwrap_or(date.year()), month, day) else { return 0.0 };
                match (named - date).get_days().abs() {
                    0 => 1.0,
                    1 => 0.5,
                    2..=7 => 0.25,
                    _ => 0.0,
                }
            }
            (Some(month), None) => {
                let is_of = |year: i16| self.year.is_none_or(|named| named == year);
                let before = if date.month() == 1 { 12 } else { date.month() - 1 };
                if date.month() == month && is_of(date.year()) {
                    1.0
                } else if date.day() <= 10 && before == month && is_of(date.year() - i16::from(before == 12))
                {
                    // What has just happened is told a little later.
                    0.3
                } else {
                    0.0
                }
            }
            (None, _) => f64::from(self.year == Some(date.year())) * 0.3,
        }
    }
}

/// What a query asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Question {
    /// The words of the query that are part of an author's name, folded.
    pub names: Vec<String>,
    /// What is looked for: everything but stop words and names.
    pub content: Sought,
    /// What an embedder is given: the query without the names.
    pub embedded: String,
    pub asks_when: bool,
    pub asks_number: bool,
    pub asks_name: bool,
    pub date: NamedDate,
}

impl Question {
    /// Reads a query. `authors` are names of authors that may be meant.
    pub fn read(text: &str, authors: &[String]) -> Self {
        let of_authors: Vec<String> =
            authors.iter().flat_map(|author| words::words(author)).map(|word| word.folded).collect();
        let names: Vec<String> =
            candidate_names(text).into_iter().filter(|name| of_authors.contains(name)).collect();
        let sought = Sought::read(text);
        let content = sought.without(&names);
        let is_more_than_names = sought.words.iter().any(|word| !names.contains(&word.word));
        let embedded = if is_more_than_names { without_names(text, &names) } else { text.to_owned() };
        let lower = text.to_lowercase();
        let asking = words::words(&lower)
            .into_iter()
            .find_map(|word| ASKING.iter().find(|(asking, _)| *asking == word.folded));
        Self {
            names,
            content,
            embedded: embedded.trim().to_owned(),
            asks_when: asking.is_some_and(|(_, is_moment)| *is_moment),
            asks_number: ASKS_NUMBER.is_match(&lower),
            asks_name: asking.is_some() && ASKS_NAME.is_match(&lower),
            date: NamedDate::read(text, &lower),
        }
    }
}

/// The words of a query that may be names, folded: those with a capital, or all when it has none.
pub(crate) fn candidate_names(text: &str) -> Vec<String> {
    let all = words::words(text);
    let is_capital = |word: &words::Word| text[word.range.clone()].starts_with(char::is_uppercase);
    let has_capitals = all.iter().any(is_capital);
    let mut names: Vec<String> = Vec::new();
    for word in all {
        let may_be = !has_capitals || is_capital(&word);
        if may_be && !index::is_common(&word.folded) && !names.contains(&word.folded) {
            names.push(word.folded);
        }
    }
    names
}

/// A query without names and what makes them possessive.
fn without_names(text: &str, names: &[String]) -> String {
    let mut left = String::with_capacity(text.len());
    let mut from = 0;
    for word in words::words(text).into_iter().filter(|word| names.contains(&word.folded)) {
        left.push_str(text.get(from..word.range.start).unwrap_or_default());
        let behind = &text[word.range.end..];
        let possessive = ["'s", "’s"].into_iter().find(|ending| behind.starts_with(ending));
        from = word.range.end + possessive.map_or(0, str::len);
    }
    left.push_str(&text[from..]);
    left.replace("  ", " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Question {
        Question::read(text, &["caroline".to_owned(), "jon".to_owned(), "ana maria".to_owned()])
    }

    #[test]
    fn names_are_no_part_of_what_is_looked_for() {
        let question = read("What did Caroline's friend research with Ana?");
        assert_eq!(question.names, ["caroline", "ana"]);
        let content: Vec<_> = question.content.words.iter().map(|word| word.word.as_str()).collect();
        assert_eq!(content, ["friend", "research"]);
        assert_eq!(question.embedded, "What did friend research with ?");
        assert_eq!(read("what does jon like").names, ["jon"]);
        assert_eq!(read("Which maria is it? maria").names, Vec::<String>::new());
    }

    #[test]
    fn nothing_but_a_name_is_looked_for_as_it_is() {
        let question = read("Who is Caroline?");
        assert_eq!((question.embedded.as_str(), question.content.words.len()), ("Who is Caroline?", 1));
    }

    #[test]
    fn intents_are_seen_in_both_languages() {
        let intents = |text: &str| {
            let question = read(text);
            (question.asks_when, question.asks_number, question.asks_name)
        };
        assert_eq!(intents("When did she move?"), (true, false, false));
        assert_eq!(intents("How many cats are there?"), (false, true, false));
        assert_eq!(intents("In which city do they live?"), (false, false, true));
        assert_eq!(intents("Quando foi a reunião?"), (true, false, false));
        assert_eq!(intents("Quantas faturas há?"), (false, true, false));
        assert_eq!(intents("Em que cidade? Onde?"), (false, false, true));
        assert_eq!(intents("the city name"), (false, false, false));
    }

    #[test]
    fn dates_are_read_and_fit() {
        #[track_caller]
        fn check(text: &str, expected: (Option<i16>, Option<i8>, Option<i8>)) {
            let NamedDate { year, month, day } = read(text).date;
            assert_eq!((year, month, day), expected, "{text}");
        }
        check("What happened on 7 May 2023?", (Some(2023), Some(5), Some(7)));
        check("May I ask something in june?", (None, Some(6), None));
        check("What did we do on July 4th, 2022", (Some(2022), Some(7), None));
        check("O que houve em 3 de março de 2024?", (Some(2024), Some(3), Some(3)));
        check("what was 2021 like", (Some(2021), None, None));
        check("nothing", (None, None, None));
        let date = |year, month, day| Date::new(year, month, day).expect("a day");
        let may = NamedDate { year: None, month: Some(5), day: None };
        assert!((may.fits(date(2023, 5, 31)) - 1.0).abs() < 1e-9);
        assert!((may.fits(date(2023, 6, 9)) - 0.3).abs() < 1e-9);
        assert!(may.fits(date(2023, 6, 11)).abs() < 1e-9);
        let day = NamedDate { year: Some(2023), month: Some(2), day: Some(31) };
        assert!(day.fits(date(2023, 2, 28)).abs() < 1e-9);
    }
}
