//! What the keyword index promises.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use index::{Change, Condition, Entry, Keywords, Sought};
use proptest::prelude::*;

struct Fixture {
    folder: tempfile::TempDir,
    keywords: Keywords,
}

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let keywords = Keywords::open(&folder.path().join("words"), "1").unwrap();
    Fixture { folder, keywords }
}

fn entry<'a>(number: u32, text: &'a str, facets: &'a [String]) -> Change<'a> {
    let (document, ordinal, time_ms) = (number / 10, number % 10, i64::from(number) * 1_000);
    Change::Put(Entry { number, document, ordinal, time_ms, text, facets })
}

impl Fixture {
    fn put(&self, number: u32, text: &str) {
        let position = self.keywords.position() + 1;
        self.keywords.apply(&[entry(number, text, &[])], position).unwrap();
    }

    fn find(&self, query: &str) -> Vec<u32> {
        self.find_where(query, &Condition::default())
    }

    fn find_where(&self, query: &str, condition: &Condition) -> Vec<u32> {
        let found = self.keywords.reading().search(&Sought::read(query), condition, 100).unwrap();
        assert!(found.windows(2).all(|pair| pair[0].score >= pair[1].score), "{found:?}");
        found.iter().map(|found| found.number).collect()
    }

    fn reopened(self, stamp: &str) -> Self {
        let Self { folder, keywords } = self;
        drop(keywords);
        let keywords = Keywords::open(&folder.path().join("words"), stamp).unwrap();
        Self { folder, keywords }
    }
}

#[test]
fn words_are_found_whatever_their_form_case_and_accents() {
    let f = fixture();
    f.put(1, "We decided to send the invoices on Mondays.");
    f.put(2, "Relatório de vendas. As decisões de março não foram fáceis.");
    f.put(3, "Jardim. Tomates e manjericão.");
    for query in ["invoice", "When do we send INVOICES?", "decide monday"] {
        assert_eq!(f.find(query), [1], "{query}");
    }
    for query in ["decisao", "DECISÃO de março", "relatorios", "Quais foram as vendas?", "facil"] {
        assert_eq!(f.find(query), [2], "{query}");
    }
    assert!(f.find("xylophone").is_empty());
}

#[test]
fn a_word_with_a_wrong_letter_is_found_when_it_is_nowhere() {
    let f = fixture();
    f.put(1, "The kubernetes cluster");
    f.put(2, "An invoice");
    assert_eq!(f.find("kuberntes"), [1]);
    assert_eq!(f.find("invocie"), [2]);
    assert!(f.find("cat").is_empty());
}

#[test]
fn nothing_is_syntax() {
    let f = fixture();
    f.put(1, "near not and or star");
    for query in ["\"", "sta*", "text:zebra", "'; DROP TABLE", "(", "\0", "", "AND OR NOT ~ ^"] {
        let _ = f.find(query);
    }
    assert_eq!(f.find("star"), [1]);
}

#[test]
fn conditions_hold() {
    let f = fixture();
    let facets = |list: &[&str]| list.iter().map(|facet| (*facet).to_owned()).collect::<Vec<_>>();
    let sets = [
        facets(&["collection=notes", "brand=a"]),
        facets(&["collection=notes", "brand=b"]),
        facets(&["collection=mail"]),
        facets(&[]),
    ];
    let changes: Vec<_> = (1..).zip(&sets).map(|(number, set)| entry(number, "kangaroo", set)).collect();
    f.keywords.apply(&changes, 1).unwrap();
    let check = |condition: Condition, expected: &[u32]| {
        let mut found = f.find_where("kangaroo", &condition);
        found.sort_unstable();
        assert_eq!(found, expected, "{condition:?}");
        let matching: Vec<u32> = f.keywords.reading().matching(&condition).unwrap().iter().collect();
        assert_eq!(matching, expected, "{condition:?}");
    };
    let one = |list: &[&str]| Condition { one_of_each: vec![facets(list)], ..Condition::default() };
    check(Condition::default(), &[1, 2, 3, 4]);
    check(one(&["collection=notes"]), &[1, 2]);
    check(one(&["collection=notes", "collection=mail"]), &[1, 2, 3]);
    check(one(&["collection=none"]), &[]);
    let both = vec![facets(&["collection=notes"]), facets(&["brand=b"])];
    check(Condition { one_of_each: both, ..Condition::default() }, &[2]);
    check(Condition { none_of: facets(&["brand=a"]), ..Condition::default() }, &[2, 3, 4]);
    check(Condition { since_ms: Some(2_000), until_ms: Some(4_000), ..Condition::default() }, &[2, 3]);
    let late = Condition { since_ms: Some(3_000), ..one(&["collection=notes"]) };
    check(late, &[]);
    // What is known of a condition holds until the index changes.
    check(one(&["collection=notes"]), &[1, 2]);
    f.keywords.apply(&[entry(5, "kangaroo", &sets[0]), Change::Remove(1)], 2).unwrap();
    check(one(&["collection=notes"]), &[2, 5]);
    check(one(&["collection=notes"]), &[2, 5]);
}

#[test]
fn what_stands_around_a_chunk_answers_for_it() {
    let f = fixture();
    // Document 0 speaks of the fox in its middle, document 1 only far away from its end.
    let texts = ["hello friend", "a red fox", "some trees", "goodbye friend", "evening came"];
    for (number, text) in (0..).zip(texts).chain((10..).zip(["red", "x", "y", "z", "u", "v"])) {
        f.put(number, text);
    }
    let reading = f.keywords.reading();
    let (contexts, best) = reading.contexts(&Sought::read("red fox"), None, 3).unwrap();
    assert_eq!(best, [0, 1, 3], "the shortest first, then by place");
    assert!(contexts.window(0, 3) > 0.0 && contexts.window(0, 4).abs() < 1e-9);
    assert!(contexts.window(1, 2) > 0.0 && contexts.window(1, 3).abs() < 1e-9);
    assert!(contexts.document(0) > contexts.document(1) && contexts.document(1) > 0.0);
    assert!(contexts.document(7).abs() < 1e-9);
    let allowed = [2, 10].into_iter().collect();
    assert_eq!(reading.contexts(&Sought::read("red fox"), Some(&allowed), 3).unwrap().1, [2, 10]);
    // What has stop words only is found by them.
    f.put(20, "To be, or not to be");
    let (contexts, best) =
        f.keywords.reading().contexts(&Sought::read("To be or not to be"), None, 1).unwrap();
    assert!(best == [20] && contexts.window(2, 0) > 0.0, "{best:?}");
}

#[test]
fn contexts_are_the_same_wherever_the_chunks_were_put() {
    let changes = |numbers: &[u32]| -> Vec<(u32, String)> {
        numbers.iter().map(|number| (*number, format!("word{} word{}", number % 3, number % 4))).collect()
    };
    let all: Vec<u32> = (0..30).collect();
    let at_once = fixture();
    let texts = changes(&all);
    let puts: Vec<Change<'_>> = texts.iter().map(|(number, text)| entry(*number, text, &[])).collect();
    at_once.keywords.apply(&puts, 1).unwrap();
    let one_by_one = fixture();
    // Others stood there before, and one comes and goes.
    one_by_one.put(29, "word0 word1 word2 and more");
    for (number, text) in changes(&all).into_iter().rev() {
        one_by_one.put(number, &text);
        one_by_one.put(35, "word1");
        one_by_one.keywords.apply(&[Change::Remove(35)], one_by_one.keywords.position() + 1).unwrap();
    }
    let scores = |f: &Fixture| {
        let (contexts, best) = f.keywords.reading().contexts(&Sought::read("word0 word3"), None, 40).unwrap();
        let windows: Vec<f32> = (0..30).map(|number| contexts.window(number / 10, number % 10)).collect();
        (windows, (0..3).map(|document| contexts.document(document)).collect::<Vec<_>>(), best)
    };
    let expected = scores(&at_once);
    assert_eq!(scores(&one_by_one), expected);
    assert_eq!(scores(&one_by_one.reopened("1")), expected);
}

#[test]
fn places_are_found_whatever_has_changed() {
    let f = fixture();
    let numbers = |places: &[(u32, u32)]| -> Vec<Option<u32>> {
        let reading = f.keywords.reading();
        places.iter().map(|(document, ordinal)| reading.number_at(*document, *ordinal)).collect()
    };
    assert_eq!(numbers(&[(0, 1)]), [None]);
    for number in [1, 2, 3, 12] {
        f.put(number, "text");
    }
    f.put(2, "another text");
    assert_eq!(numbers(&[(0, 2), (0, 1), (1, 2), (0, 4), (7, 0)]), [Some(2), Some(1), Some(12), None, None]);
    assert!(!f.keywords.reading().is_alone(0));
    f.keywords.apply(&[Change::Remove(3)], 9).unwrap();
    assert_eq!(numbers(&[(0, 3), (0, 2)]), [None, Some(2)]);
}

#[test]
fn values_of_a_facet_are_found_by_their_words() {
    let f = fixture();
    let facets = |author: &str| vec![format!("author={author}"), "authority=ana".to_owned()];
    let (ana, rui) = (facets("ana maria"), facets("rui"));
    f.keywords.apply(&[entry(1, "one", &ana), entry(2, "two", &rui), entry(3, "three", &[])], 1).unwrap();
    let reading = f.keywords.reading();
    let check = |words: &[&str], allowed: &[u32], expected: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let allowed = allowed.iter().copied().collect();
        assert_eq!(reading.values_with("author", &words, Some(&allowed)).unwrap(), expected, "{words:?}");
    };
    check(&["ana"], &[1, 2], &["ana maria"]);
    check(&["maria", "rui"], &[1, 2], &["ana maria", "rui"]);
    check(&["maria", "rui"], &[2], &["rui"]);
    check(&["authority"], &[1, 2], &[]);
}

#[test]
fn it_is_made_anew_while_it_is_searched() {
    let f = fixture();
    f.put(1, "kangaroo");
    let mut rebuild = f.keywords.rebuild().unwrap();
    rebuild.add(&[entry(2, "kangaroo", &[])], 7).unwrap();
    assert_eq!(f.find("kangaroo"), [1], "as it was");
    rebuild.add(&[entry(3, "a kangaroo too", &[])], 8).unwrap();
    rebuild.finish().unwrap();
    assert_eq!((f.find("kangaroo"), f.keywords.position()), (vec![2, 3], 8));
    let mut given_up = f.keywords.rebuild().unwrap();
    given_up.add(&[entry(4, "kangaroo", &[])], 9).unwrap();
    drop(given_up);
    f.put(5, "koala");
    assert_eq!((f.find("kangaroo"), f.find("koala")), (vec![2, 3], vec![5]));
    assert_eq!(f.keywords.reading().number_at(0, 3), Some(3));
    let f = f.reopened("1");
    assert_eq!((f.find("kangaroo"), f.keywords.len()), (vec![2, 3], 3));
}

#[test]
fn whoever_sees_a_position_finds_what_it_reaches() {
    const CHUNKS: u32 = 30;
    let f = fixture();
    std::thread::scope(|scope| {
        let putting = scope.spawn(|| (1..=CHUNKS).for_each(|number| f.put(number, "kangaroo")));
        while !putting.is_finished() {
            let position = f.keywords.position();
            let (chunks, found) = (f.keywords.len(), f.find("kangaroo").len() as u64);
            assert!(chunks >= position && found >= position, "{chunks} and {found} at {position}");
        }
    });
}

#[test]
fn what_a_killed_commit_left_is_in_nobodys_way() {
    let f = fixture();
    f.keywords.apply(&[entry(1, "kangaroo", &[]), entry(2, "kangaroo", &[])], 1).unwrap();
    // Operations are counted from the last commit when it is opened.
    let f = f.reopened("1");
    let copy = f.folder.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    let take = |wanted: fn(&str) -> bool| {
        for file in std::fs::read_dir(f.folder.path().join("words")).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            if wanted(&name) {
                std::fs::copy(f.folder.path().join("words").join(&name), copy.join(&name)).unwrap();
            }
        }
    };
    take(|name| !name.ends_with(".lock"));
    f.keywords.apply(&[Change::Remove(1)], 2).unwrap();
    // All of that commit but what makes it one.
    take(|name| name.ends_with(".del") || name == ".managed.json");
    let killed = Keywords::open(&copy, "1").unwrap();
    assert_eq!((killed.position(), killed.len()), (1, 2));
    killed.apply(&[Change::Remove(1)], 2).unwrap();
    assert_eq!((killed.position(), killed.len()), (2, 1));
}

#[test]
fn another_stamp_or_damage_makes_it_anew() {
    let f = fixture();
    f.put(1, "kangaroo");
    let f = f.reopened("1");
    assert_eq!((f.keywords.position(), f.find("kangaroo")), (1, vec![1]));
    assert!(f.keywords.is_sound());
    let f = f.reopened("2");
    assert_eq!((f.keywords.position(), f.find("kangaroo")), (0, vec![]));
    f.put(1, "kangaroo");
    let Fixture { folder, keywords } = f;
    drop(keywords);
    std::fs::write(folder.path().join("words/meta.json"), b"{").unwrap();
    let keywords = Keywords::open(&folder.path().join("words"), "2").unwrap();
    assert_eq!((keywords.position(), keywords.len()), (0, 0));
}

#[test]
fn it_has_one_owner() {
    let f = fixture();
    let second = Keywords::open(&f.folder.path().join("words"), "1").unwrap_err();
    assert_eq!(kernel::Error::from(second).code, "index_in_use");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_found_is_what_was_put_last(
        steps in prop::collection::vec((0u32..20, prop::option::of("[a-c]{3}( [a-c]{3}){0,4}")), 1..60),
        batch in 1usize..7,
    ) {
        let mut f = fixture();
        let mut model: BTreeMap<u32, String> = BTreeMap::new();
        let mut position = 0;
        for part in steps.chunks(batch) {
            let changes: Vec<Change<'_>> = part
                .iter()
                .map(|(number, text)| match text {
                    Some(text) => entry(*number, text, &[]),
                    None => Change::Remove(*number),
                })
                .collect();
            position += part.len() as u64;
            f.keywords.apply(&changes, position).unwrap();
            for (number, text) in part {
                match text {
                    Some(text) => drop(model.insert(*number, text.clone())),
                    None => drop(model.remove(number)),
                }
            }
            if position % 3 == 0 {
                f = f.reopened("1");
            }
            prop_assert_eq!(f.keywords.position(), position);
        }
        prop_assert_eq!(f.keywords.len(), model.len() as u64);
        for word in ["abc", "aaa", "cab"] {
            let mut found = f.find(word);
            found.sort_unstable();
            let has = |text: &String| text.split(' ').any(|other| other == word);
            let expected: Vec<u32> = model.iter().filter(|(_, text)| has(text)).map(|(at, _)| *at).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
