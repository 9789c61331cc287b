//! What chunks come out of documents: golden lists.

use extract::{Chunk, ChunkOptions, Extracted};

use crate::made::read;

fn chunks(extracted: &Extracted, max_chars: usize, min_chars: usize) -> Vec<Chunk> {
    extract::chunk(extracted, &ChunkOptions { max_chars, min_chars })
}

/// One line for each chunk: its path, its place, and how its text begins and ends.
fn list(chunks: &[Chunk]) -> String {
    let line = |chunk: &Chunk| {
        let place = format!("{:?}", chunk.place);
        let numbers: String =
            place.chars().map(|letter| if letter.is_ascii_digit() { letter } else { ' ' }).collect();
        let numbers = numbers.split_whitespace().collect::<Vec<_>>().join("-");
        let numbers = if let extract::Place::Path(path) = &chunk.place { path.clone() } else { numbers };
        format!("[{}] @{numbers} {:?}", chunk.heading_path.join(" > "), chunk.text)
    };
    chunks.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn sections_are_chunks_and_short_neighbours_are_put_together() {
    let text = "# Book\n\nIntro of the book, which is long enough to stand alone in a chunk of its own, or so.\n\n## A\n\nShort.\n\n## B\n\nAlso short.\n\n## C\n\nThis one is long. It has several sentences. Each of them is whole. None is cut in the middle. That is the point of it all, is it not?\n";
    insta::assert_snapshot!(list(&chunks(&read("a.md", text), 100, 40)), @r#"
    [Book] @1-3 "Book\n\nIntro of the book, which is long enough to stand alone in a chunk of its own, or so."
    [Book] @5-11 "A\n\nShort.\n\nB\n\nAlso short."
    [Book > C] @13-15 "C\n\nThis one is long. It has several sentences. Each of them is whole. None is cut in the middle."
    [Book > C] @15-15 "That is the point of it all, is it not?"
    "#);
}

#[test]
fn a_sentence_is_cut_at_words_and_a_word_only_if_nothing_else_is_left() {
    let text = format!("A short one. {} {} end.", "word ".repeat(30).trim(), "x".repeat(150));
    insta::assert_snapshot!(list(&chunks(&read("a.txt", text), 64, 0)), @r#"
    [] @1-1 "A short one. word word word word word word word word word word"
    [] @1-1 "word word word word word word word word word word word word word"
    [] @1-1 "word word word word word word word"
    [] @1-1 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    [] @1-1 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    [] @1-1 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx end."
    "#);
}

#[test]
fn a_long_table_repeats_its_header() {
    let rows: String = (1..=6).map(|number| format!("person {number},city number {number}\n")).collect();
    insta::assert_snapshot!(list(&chunks(&read("a.csv", format!("name,city\n{rows}")), 80, 0)), @r#"
    [] @0-2 "name | city\nperson 1 | city number 1\nperson 2 | city number 2"
    [] @3-4 "name | city\nperson 3 | city number 3\nperson 4 | city number 4"
    [] @5-6 "name | city\nperson 5 | city number 5\nperson 6 | city number 6"
    "#);
}

#[test]
fn values_are_divided_by_subtrees() {
    let json = r#"{"users":[{"name":"Ada","email":"ada@example.org"},{"name":"Grace","email":"grace@example.org"}],"settings":{"colour":"blue","size":12}}"#;
    insta::assert_snapshot!(list(&chunks(&read("a.json", json), 80, 0)), @r#"
    [users > [0]] @users[0] "users[0].name: Ada\nusers[0].email: ada@example.org"
    [users > [1]] @users[1] "users[1].name: Grace\nusers[1].email: grace@example.org"
    [settings] @settings "settings.colour: blue\nsettings.size: 12"
    "#);
}

#[test]
fn a_message_is_a_chunk_however_short_and_keeps_its_author() {
    let chat = "{\"author\":\"Ada\",\"text\":\"Hi\",\"time\":\"2024-05-01T10:00:00Z\"}\n{\"author\":\"Bob\",\"text\":\"A long answer. It has two sentences that together are too long for one.\"}\n";
    let chunks = chunks(&read("a.jsonl", chat), 64, 0);
    insta::assert_snapshot!(list(&chunks), @r#"
    [] @1-1 "Hi"
    [] @2-2 "A long answer."
    [] @2-2 "It has two sentences that together are too long for one."
    "#);
    let authors: Vec<_> = chunks.iter().map(|chunk| chunk.author.as_deref()).collect();
    assert_eq!(authors, [Some("Ada"), Some("Bob"), Some("Bob")]);
    assert!(chunks[0].time.is_some());
}

#[test]
fn an_email_is_divided_into_what_is_said_and_what_is_quoted() {
    let mail = "From: Ada <a@x.y>\nTo: b@x.y\nSubject: Plan\nDate: Wed, 1 May 2024 12:00:00 +0000\n\nYes, that is good.\n\n> Shall we?\n";
    let chunks = chunks(&read("a.eml", mail), 400, 0);
    insta::assert_snapshot!(list(&chunks), @r#"
    [Plan] @1-1 "Plan\n\nFrom: Ada <a@x.y>\nTo: b@x.y\nDate: 2024-05-01T12:00:00Z\n\nYes, that is good."
    [Plan] @1-1 "Shall we?"
    "#);
    assert_eq!((chunks[0].author.as_deref(), chunks[1].author.as_deref()), (Some("Ada"), None));
}

#[test]
fn code_is_divided_by_definitions_with_their_comments() {
    let rust = "//! A module.\n\nuse std::fmt;\n\n/// A point.\n#[derive(Debug)]\npub struct Point {\n    x: i32,\n    y: i32,\n}\n\nimpl Point {\n    /// The sum of both.\n    pub fn sum(&self) -> i32 {\n        self.x + self.y\n    }\n\n    /// The product of both, which is often larger.\n    pub fn product(&self) -> i32 {\n        let product = self.x * self.y;\n        product\n    }\n}\n";
    insta::assert_snapshot!(list(&chunks(&read("a.rs", rust), 160, 0)), @r#"
    [] @1-3 "//! A module.\n\nuse std::fmt;"
    [Point] @5-10 "/// A point.\n#[derive(Debug)]\npub struct Point {\n    x: i32,\n    y: i32,\n}"
    [Point > sum] @12-16 "impl Point {\n    /// The sum of both.\n    pub fn sum(&self) -> i32 {\n        self.x + self.y\n    }"
    [Point > product] @18-23 "    /// The product of both, which is often larger.\n    pub fn product(&self) -> i32 {\n        let product = self.x * self.y;\n        product\n    }\n}"
    "#);
}

#[test]
fn every_language_is_divided_with_a_grammar_or_without() {
    #[track_caller]
    fn check(name: &str, source: &str, expected: &[&str]) {
        let chunks = chunks(&read(name, source), 90, 0);
        let paths: Vec<String> = chunks.iter().map(|chunk| chunk.heading_path.join(">")).collect();
        assert_eq!(paths, expected, "{name}: {}", list(&chunks));
    }
    let filler = "x = x + 1;  // and so on for a while";
    check(
        "a.py",
        &format!(
            "class A:\n    @property\n    def one(self):\n        {filler}\n\n    def two(self):\n        {filler}\n\ndef three():\n    pass\n"
        ),
        &["A>one", "A>two", "three"],
    );
    check(
        "a.ts",
        &format!(
            "export class A {{\n  one(): void {{\n    {filler}\n  }}\n  two() {{\n    {filler}\n  }}\n}}\nexport const three = () => {{\n  {filler}\n}};\n"
        ),
        &["A>one", "A>two", "three"],
    );
    check(
        "a.go",
        &format!(
            "package a\n\n// One does.\nfunc One() {{\n\t{filler}\n}}\n\nfunc (a *A) Two() {{\n\t{filler}\n}}\n"
        ),
        &["One", "Two"],
    );
    check(
        "A.java",
        &format!(
            "class A {{\n  /** One. */\n  void one() {{\n    {filler}\n  }}\n  void two() {{\n    {filler}\n  }}\n}}\n"
        ),
        &["A>one", "A>two"],
    );
    check(
        "a.c",
        &format!(
            "#include <x.h>\n\nint *one(int x) {{\n  {filler}\n}}\n\nstatic void two(void) {{\n  {filler}\n}}\n"
        ),
        &["one", "two"],
    );
    check(
        "a.cpp",
        &format!(
            "class A {{\n  void one() {{\n    {filler}\n  }}\n  void two() {{\n    {filler}\n  }}\n}};\n"
        ),
        &["A>one", "A>two"],
    );
    check(
        "a.rb",
        &format!(
            "class A\n  def one\n    {filler}\n  end\n\n  # Two.\n  def two\n    {filler}\n  end\nend\n"
        ),
        &["A>one", "A>two"],
    );
    check(
        "a.kt",
        &format!("fun one() {{\n    {filler}\n}}\n\nfun two() {{\n    {filler}\n}}\n"),
        &["one", "two"],
    );
    // Broken code is divided by its indentation.
    check(
        "b.rs",
        &format!(
            "fn one() {{\n    {filler}\n}}\n\n}}}} ((( fn two() {{\n\nfn three() {{\n    {filler}\n}}\n"
        ),
        &["one", "three"],
    );
}

#[test]
fn a_function_that_is_too_long_is_cut_between_its_least_indented_lines() {
    let body: String = (0..6)
        .map(|number| format!("    if condition_{number} {{\n        act({number});\n    }}\n"))
        .collect();
    insta::assert_snapshot!(list(&chunks(&read("a.rs", format!("fn long() {{\n{body}}}\n")), 110, 0)), @r#"
    [long] @1-7 "fn long() {\n    if condition_0 {\n        act(0);\n    }\n    if condition_1 {\n        act(1);\n    }"
    [long] @8-13 "    if condition_2 {\n        act(2);\n    }\n    if condition_3 {\n        act(3);\n    }"
    [long] @14-20 "    if condition_4 {\n        act(4);\n    }\n    if condition_5 {\n        act(5);\n    }\n}"
    "#);
}

#[test]
fn a_heading_stays_with_the_long_code_below_it() {
    let code: String = (0..8).map(|number| format!("let value_{number} = {number};\n")).collect();
    let chunks = chunks(&read("a.md", format!("# Example\n\n```js\n{code}```\n")), 100, 0);
    assert!(chunks[0].text.starts_with("Example\n\nlet value_0"), "{}", list(&chunks));
    assert!(chunks.iter().enumerate().all(|(index, chunk)| chunk.ordinal as usize == index));
}
