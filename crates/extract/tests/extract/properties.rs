//! What holds for every document, however odd.

use extract::{Block, Chunk, ChunkOptions, Extracted, Hint, Kind, Language, Limits, Place, Role};
use proptest::collection::vec;
use proptest::prelude::*;

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![
        (1_u8..=6).prop_map(Role::Heading),
        Just(Role::Paragraph),
        Just(Role::ListItem),
        Just(Role::Quote),
        Just(Role::TableRow { header: true }),
        Just(Role::TableRow { header: false }),
        Just(Role::Code { language: None }),
        Just(Role::Code { language: Language::of_fence("rust") }),
        vec("[a-c]", 0..4).prop_map(|path| Role::Entry { path }),
        proptest::option::of("[ab]").prop_map(|author| Role::Message { author, time: None }),
        Just(Role::Event { start: None, end: None, organizer: None }),
    ]
}

/// Words of every kind: long ones, marks, scripts without spaces, ends of sentences, lines.
fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[a-z]{1,8}",
        "[A-Z][a-z]{0,8}[.!?]",
        "[a-z]{60,200}",
        "[\u{4e00}-\u{4eff}]{1,90}",
        "e\u{301}{1,3}",
        Just("fn f() {".to_owned()),
        Just("}".to_owned()),
        Just("Mr.".to_owned()),
        "[0-9]{1,3}[,;:]",
    ];
    let gap = prop_oneof![Just(" "), Just("  "), Just("\n"), Just("\n\n"), Just("\n    "), Just("\t")];
    vec((part, gap), 1..40).prop_map(|parts| {
        let text: String = parts.iter().flat_map(|(part, gap)| [part.as_str(), gap]).collect();
        text.trim_end().to_owned()
    })
}

fn document() -> impl Strategy<Value = Extracted> {
    let kind = prop_oneof![
        Just(Kind::Markdown),
        Just(Kind::Code),
        Just(Kind::Chat),
        Just(Kind::Email),
        Just(Kind::Json),
        Just(Kind::Table),
    ];
    (kind, vec((role(), text()), 1..12)).prop_map(|(kind, blocks)| {
        let role_of = |role| {
            if kind == Kind::Code { Role::Code { language: Language::of_fence("rust") } } else { role }
        };
        let blocks = (1_u64..).zip(blocks).map(|(number, (role, text))| {
            let last = number + text.matches('\n').count() as u64;
            Block { text, role: role_of(role), place: Place::Lines { first: number, last } }
        });
        Extracted {
            kind,
            title: None,
            language_of_code: None,
            authors: vec![],
            created: None,
            blocks: blocks.collect(),
            notes: vec![],
        }
    })
}

/// Everything but white space, in order.
fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|letter| !letter.is_whitespace())
}

fn check(document: &Extracted, options: &ChunkOptions) -> Result<Vec<Chunk>, TestCaseError> {
    let chunks = extract::chunk(document, options);
    for (index, chunk) in chunks.iter().enumerate() {
        prop_assert!(!chunk.text.trim().is_empty());
        let chars = chunk.text.chars().count();
        prop_assert!(chars <= options.max_chars, "{chars} > {}: {:?}", options.max_chars, chunk.text);
        prop_assert_eq!(chunk.ordinal as usize, index);
    }
    // Headers of tables are repeated, so there may be more in the chunks than in the blocks.
    let mut said = chunks.iter().flat_map(|chunk| letters(&chunk.text));
    for block in &document.blocks {
        for letter in letters(&block.text) {
            prop_assert!(said.any(|said| said == letter), "{:?} is lost: {:?}", block.text, chunks);
        }
    }
    drop(said);
    Ok(chunks)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn no_word_is_lost_no_chunk_is_too_long_and_none_is_empty(
        document in document(),
        max_chars in 64_usize..400,
        min_chars in 0_usize..200,
    ) {
        let options = ChunkOptions { max_chars, min_chars };
        let chunks = check(&document, &options)?;
        prop_assert_eq!(chunks, extract::chunk(&document, &options));
    }

    #[test]
    fn no_bytes_make_a_reader_panic(
        bytes in vec(any::<u8>(), 0..400),
        name in prop_oneof![
            Just("a.txt"), Just("a.md"), Just("a.html"), Just("a.pdf"), Just("a.docx"), Just("a.rs"), Just("a.csv"),
            Just("a.json"), Just("a.jsonl"), Just("a.yaml"), Just("a.toml"), Just("a.eml"), Just("a.mbox"), Just("a.ics"),
        ],
    ) {
        if let Ok(document) = extract::extract(&bytes, &Hint::named(name), &Limits::default()) {
            check(&document, &ChunkOptions::default())?;
        }
    }

    #[test]
    fn no_text_makes_a_reader_panic_or_lose_it(
        lines in vec(prop_oneof![
            "[#>*+|`\\[\\]{}<>:=/&;\"' a-z0-9.-]{0,30}",
            Just("---".to_owned()), Just("From: a@b.c".to_owned()), Just("Subject: x".to_owned()),
            Just("BEGIN:VCALENDAR".to_owned()), Just("BEGIN:VEVENT".to_owned()), Just("SUMMARY;A=\":b".to_owned()),
            Just("<table><tr><td><ul><li>".to_owned()), Just("</li></ul></table>".to_owned()), Just("<nav>".to_owned()),
            Just("[1.1.24, 10:00] A: b".to_owned()), Just("{\"a\":[1,{\"b\":".to_owned()), Just("| a | b |\n|---|---|".to_owned()),
            Just("- [ ] x".to_owned()), Just("1. y".to_owned()), Just("   ```rust".to_owned()),
        ], 0..20),
        name in prop_oneof![
            Just("a"), Just("a.txt"), Just("a.md"), Just("a.html"), Just("a.py"), Just("a.rs"), Just("a.csv"), Just("a.json"),
            Just("a.jsonl"), Just("a.yaml"), Just("a.toml"), Just("a.eml"), Just("a.mbox"), Just("a.ics"),
        ],
    ) {
        let text = lines.join("\n");
        if let Ok(document) = extract::extract(text.as_bytes(), &Hint::named(name), &Limits::default()) {
            prop_assert!(document.blocks.iter().all(|block| !block.text.trim().is_empty()));
            check(&document, &ChunkOptions { max_chars: 100, min_chars: 30 })?;
        }
    }
}
