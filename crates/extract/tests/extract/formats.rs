//! What is read from each format.

use encoding_rs::{SHIFT_JIS, WINDOWS_1251};
use extract::{Hint, Kind, Limits};

use crate::made::{code, docx, outline, pdf_of_pages, read, zip};

/// Reads a document and compares its kind and blocks.
#[track_caller]
fn check(name: &str, bytes: impl AsRef<[u8]>, kind: Kind, expected: &[&str]) {
    let extracted = read(name, bytes);
    assert_eq!(outline(&extracted), expected.join("\n"), "{:?}", extracted.notes);
    assert_eq!(extracted.kind, kind);
}

#[test]
fn plain_text_is_read_by_paragraphs_and_underlined_headings() {
    check(
        "notes.txt",
        "Title\n=====\n\nOne\ntwo\n\n\nthree\n",
        Kind::Text,
        &[r#"h1 @1-2 "Title""#, r#"p @4-5 "One\ntwo""#, r#"p @8-8 "three""#],
    );
}

#[test]
fn text_is_read_in_any_encoding_and_the_notes_say_what_was_guessed() {
    #[track_caller]
    fn check(bytes: &[u8], text: &str, noted: &str) {
        let extracted = read("letter.txt", bytes);
        assert_eq!(extracted.blocks[0].text, text);
        assert!(extracted.notes.join(" ").contains(noted), "{:?}", extracted.notes);
    }
    let russian = "Съешь же ещё этих мягких французских булок, да выпей чаю";
    check(&WINDOWS_1251.encode(russian).0, russian, "windows-1251");
    let japanese = "日本語の文章です。漢字とかなが混ざっています。";
    check(&SHIFT_JIS.encode(japanese).0, japanese, "Shift_JIS");
    check(b"\xFF\xFEh\0i\0", "hi", "");
    check(b"caf\xc3\xa9 \xc3\xbc\xc3\xb6\xc3\xa4\xc3\x9f \xff!", "café üöäß \u{fffd}!", "replaced");
}

#[test]
fn markdown_keeps_its_structure_and_the_words_of_its_links() {
    let text = "---\ntitle: My note\nauthor: [Ada, Grace]\ndate: 2024-05-01\ntags: [a, b]\n---\n# Head *one*\n\nSee [[Other page|that]] and [[Plain]] and [a link](http://x.y).\nSecond line.\n\n- one\n  - two `code`\n- [x] three\n\n1. first\n2. second\n\n> quoted\n\n```rust\nfn main() {}\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n<div>markup</div>\n";
    check(
        "note.md",
        text,
        Kind::Markdown,
        &[
            r#"p @1-6 "title: My note\nauthor: Ada, Grace\ndate: 2024-05-01\ntags: a, b""#,
            r#"h1 @7-7 "Head one""#,
            r#"p @9-10 "See that and Plain and a link.\nSecond line.""#,
            r#"li @12-12 "- one""#,
            r#"li @13-13 "  - two code""#,
            r#"li @14-14 "- [x] three""#,
            r#"li @16-16 "1. first""#,
            r#"li @17-17 "2. second""#,
            r#"quote @19-19 "quoted""#,
            r#"code Rust @21-22 "fn main() {}""#,
            r#"head @25-25 "a | b""#,
            r#"row @27-27 "1 | 2""#,
            r#"p @29-29 "markup""#,
        ],
    );
    let extracted = read("note.md", text);
    assert_eq!(extracted.title.as_deref(), Some("My note"));
    assert_eq!(extracted.authors, ["Ada", "Grace"]);
    assert_eq!(extracted.created.map(|time| time.to_string()).as_deref(), Some("2024-05-01T00:00:00.000Z"));
}

#[test]
fn of_a_web_page_the_main_text_is_kept_with_its_structure() {
    let page = r#"<!DOCTYPE html><html><head><meta charset=utf-8><title>A page</title>
        <meta name="author" content="Ada"><style>p{}</style><script>var x = "<p>no</p>";</script></head>
        <body><nav><a href=/>Home</a></nav><div class=menu>Advertisement</div>
        <main><h1>Head &amp; more<a class="headerlink" href=x>¶</a></h1><p>One  <b>bold</b>
        word.<p>Two<br>lines.<ul><li>one<li>two</ul><ol start=3><li><p>three</p></li></ol>
        <blockquote>said</blockquote><pre><code class="language-python">def f():
    pass</code></pre><table><tr><th>a<th>b<tr><td>1<td><p>2</table><div hidden>secret</div></main>
        <footer>Imprint</footer></body></html>"#;
    check(
        "page.html",
        page,
        Kind::Html,
        &[
            r#"h1 @1-1 "Head & more""#,
            r#"p @2-2 "One bold word.""#,
            r#"p @3-3 "Two\nlines.""#,
            r#"li @4-4 "- one""#,
            r#"li @5-5 "- two""#,
            r#"li @6-6 "3. three""#,
            r#"quote @7-7 "said""#,
            r#"code Python @8-8 "def f():\n    pass""#,
            r#"head @9-9 "a | b""#,
            r#"row @10-10 "1 | 2""#,
        ],
    );
    let extracted = read("page.html", page);
    assert_eq!((extracted.title.as_deref(), extracted.authors), (Some("A page"), vec!["Ada".into()]));
}

#[test]
fn a_web_page_is_read_in_the_encoding_it_declares_and_despite_what_never_ends() {
    let page = b"<html><head><meta http-equiv=Content-Type content='text/html; charset=iso-8859-2'></head><p>\xb1\xea\xbf";
    check("a.html", page, Kind::Html, &[r#"p @1-1 "ąęż""#]);
    check(
        "a.html",
        "<html><nav>Menu<p>All the text",
        Kind::Html,
        &[r#"p @1-1 "Menu""#, r#"p @2-2 "All the text""#],
    );
}

#[test]
fn a_pdf_gives_text_by_page_with_headings() {
    let line = |y: u32, text: &str| format!("BT /F1 10 Tf 72 {y} Td ({text}) Tj ET\n");
    let body = "These words are the body of the page, ".repeat(2);
    let pages: Vec<String> = (1..=4)
        .map(|page| {
            let mut content = format!(
                "BT /F1 9 Tf 72 800 Td (Report of 2024) Tj ET BT /F2 18 Tf 72 760 Td (Part {page}) Tj ET\n"
            );
            content += &line(730, &body);
            content += &line(718, "hyphen-");
            content += &line(706, "ated and \\(done\\).");
            content += &format!(
                "BT /F1 10 Tf 72 680 Td [(Ker) -20 (ned) -400 (words of ) ({})] TJ ET\n",
                ["one", "two", "three", "four"][page - 1]
            );
            content += &line(40, &format!("{page}"));
            content
        })
        .collect();
    let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
    let extracted = read("report.pdf", pdf_of_pages(&pages));
    let expected = r#"h1 @1-1 "Part 1"
p @1-1 "These words are the body of the page, These words are the body of the page, hyphenated and (done)."
p @1-1 "Kerned words of one""#;
    assert!(outline(&extracted).starts_with(expected), "{}", outline(&extracted));
    assert_eq!(extracted.blocks.len(), 12);
    assert_eq!((extracted.title.as_deref(), extracted.authors), (Some("A title"), vec!["Ada".into()]));
    assert_eq!(extracted.created.map(|time| time.to_string()).as_deref(), Some("2024-05-01T08:00:00.000Z"));
}

#[test]
fn a_docx_gives_headings_lists_tables_and_properties() {
    let body = r#"<w:p><w:pPr><w:pStyle w:val="berschrift1"/></w:pPr><w:r><w:t>Goals</w:t></w:r></w:p>
        <w:p><w:r><w:t xml:space="preserve">One &amp; </w:t></w:r><w:r><w:t>two</w:t><w:br/><w:t>three</w:t></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>
        <w:p><w:pPr><w:numPr><w:ilvl w:val="1"/><w:numId w:val="1"/></w:numPr></w:pPr><w:r><w:t>item</w:t></w:r></w:p>
        <w:p><w:pPr><w:pStyle w:val="Zitat"/></w:pPr><w:r><w:t>said</w:t></w:r></w:p>
        <w:tbl><w:tr><w:trPr><w:tblHeader/></w:trPr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc></w:tr>
        <w:tr><w:tc><w:p><w:r><w:t>1</w:t></w:r></w:p><w:p><w:r><w:t>2</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>3</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"#;
    check(
        "plan.docx",
        docx(body),
        Kind::Docx,
        &[
            r#"h1 @1-1 "Goals""#,
            r#"p @2-2 "One & two\nthree""#,
            r#"li @3-3 "  - item""#,
            r#"quote @4-4 "said""#,
            r#"head @5-5 "a | b""#,
            r#"row @6-6 "1 2 | 3""#,
        ],
    );
    let extracted = read("plan.docx", docx(body));
    assert_eq!(extracted.title.as_deref(), Some("The plan"));
    assert_eq!(extracted.authors, ["Ada", "Grace"]);
}

#[test]
fn tables_of_values_are_read_by_rows_with_their_header() {
    check(
        "people.csv",
        "name,city\nAda,\"London, \"\"UK\"\"\"\n,\nGrace,New York\n",
        Kind::Table,
        &[
            r#"head @0-0 "name | city""#,
            r#"row @1-1 "Ada | London, \"UK\"""#,
            r#"row @3-3 "Grace | New York""#,
        ],
    );
    check("x.csv", "1;2\n3;4\n", Kind::Table, &[r#"row @1-1 "1 | 2""#, r#"row @2-2 "3 | 4""#]);
    check("x.tsv", "a\tb\n1\t2\n", Kind::Table, &[r#"head @0-0 "a | b""#, r#"row @1-1 "1 | 2""#]);
}

#[test]
fn trees_of_values_are_read_with_the_keys_that_lead_to_them() {
    let expected = [
        r#"entry @a.b "a.b: 1""#,
        r#"entry @a.tags "a.tags: x, y""#,
        r#"entry @list[0].c "list[0].c: true""#,
        r#"entry @list[1].d "list[1].d: text""#,
    ];
    check(
        "x.json",
        r#"{"a":{"b":1,"tags":["x","y"]},"list":[{"c":true},{"d":"text"}]}"#,
        Kind::Json,
        &expected,
    );
    check("x.yaml", "a:\n  b: 1\n  tags: [x, y]\nlist:\n- c: true\n- d: text\n", Kind::Yaml, &expected);
    check(
        "x.toml",
        "[a]\nb = 1\ntags = ['x', 'y']\n[[list]]\nc = true\n[[list]]\nd = 'text'\n",
        Kind::Toml,
        &expected,
    );
    check(
        "x.jsonl",
        "{\"a\":1,\"b\":2}\nbroken\n{\"a\":3}\n",
        Kind::JsonLines,
        &[r#"entry @1-1 "a: 1\nb: 2""#, r#"entry @2-2 "broken""#, r#"entry @3-3 "a: 3""#],
    );
}

#[test]
fn what_is_not_as_its_name_says_is_read_as_text() {
    for (name, text) in [("x.json", "{not json"), ("x.yaml", "a: [b"), ("x.toml", "= no")] {
        let extracted = read(name, text);
        assert_eq!(extracted.blocks[0].text, text);
        assert!(extracted.notes[0].contains("plain text"), "{:?}", extracted.notes);
    }
}

#[test]
fn a_notebook_is_read_by_its_cells() {
    let notebook = r##"{"cells":[{"cell_type":"markdown","source":["# Title\n","text"]},{"cell_type":"code","source":"x = 1"}],"metadata":{"kernelspec":{"language":"python"}},"nbformat":4}"##;
    check(
        "x.ipynb",
        notebook,
        Kind::Json,
        &[r#"h1 @cells[0] "Title""#, r#"p @cells[0] "text""#, r#"code Python @cells[1] "x = 1""#],
    );
}

#[test]
fn exports_of_chats_are_read_by_messages() {
    check(
        "chat.jsonl",
        "{\"author\":\"Ada\",\"text\":\"Hi\",\"time\":\"2024-05-01T10:00:00Z\"}\n{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Ho\"}],\"timestamp\":1714557660}\n",
        Kind::Chat,
        &[
            r#"message Ada 2024-05-01T10:00:00.000Z @1-1 "Hi""#,
            r#"message user 2024-05-01T10:01:00.000Z @2-2 "Ho""#,
        ],
    );
    let gpt = r#"[{"title":"Trip","create_time":1714557600.5,"current_node":"c","mapping":{
        "a":{"message":null,"parent":null},
        "x":{"message":{"author":{"role":"user"},"content":{"parts":["not this one"]}},"parent":"a"},
        "b":{"message":{"author":{"role":"user"},"create_time":1714557600.5,"content":{"content_type":"text","parts":["Where to?"]}},"parent":"a"},
        "c":{"message":{"author":{"role":"assistant"},"create_time":1714557601,"content":{"parts":["Lisbon"]}},"parent":"b"}}}]"#;
    check(
        "conversations.json",
        gpt,
        Kind::Chat,
        &[
            r#"h1 @1-1 "Trip""#,
            r#"message user 2024-05-01T10:00:00.500Z @1-1 "Where to?""#,
            r#"message assistant 2024-05-01T10:00:01.000Z @2-2 "Lisbon""#,
        ],
    );
    let slack = r#"[{"type":"message","user":"U1","user_profile":{"real_name":"Ada"},"text":"See <https://x.y|this> &amp; <@U2>","ts":"1714557600.000100"},
        {"type":"message","user":"U2","text":"<@U1>: ok","ts":"1714557660.000200"}]"#;
    check(
        "2024-05-01.json",
        slack,
        Kind::Chat,
        &[
            r#"message Ada 2024-05-01T10:00:00.000Z @1-1 "See this (https://x.y) & @U2""#,
            r#"message U2 2024-05-01T10:01:00.000Z @2-2 "@Ada: ok""#,
        ],
    );
}

#[test]
fn whatsapp_is_read_in_both_of_its_forms() {
    check(
        "_chat.txt",
        "[01.05.24, 10:00:00] Ada: Hello\nsecond line\n\u{200e}[13.05.24, 10:01:00] Bob: \u{200e}image omitted\n",
        Kind::Chat,
        &[
            r#"message Ada 2024-05-01T10:00:00.000Z @1-1 "Hello\nsecond line""#,
            r#"message Bob 2024-05-13T10:01:00.000Z @2-2 "image omitted""#,
        ],
    );
    check(
        "WhatsApp Chat.txt",
        "5/1/24, 10:00 PM - Messages are encrypted\n5/1/24, 10:01\u{202f}PM - Ada: Hi: there\n",
        Kind::Chat,
        &[r#"message Ada 2024-05-01T22:01:00.000Z @1-1 "Hi: there""#],
    );
}

#[test]
fn an_email_is_read_with_its_envelope_and_what_it_quotes_apart() {
    let mail = "Return-Path: <ada@x.y>\r\nFrom: =?utf-8?q?Ad=C3=A4?= <ada@x.y>\r\nTo: Bob <bob@x.y>\r\nSubject: Re: Plan\r\nDate: Wed, 1 May 2024 12:00:00 +0200\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nSch=F6n.\r\n\r\nOn Monday, Bob wrote:\r\n> Shall we?\r\n--b\r\nContent-Type: application/pdf; name=plan.pdf\r\nContent-Disposition: attachment; filename=plan.pdf\r\n\r\nxxx\r\n--b--\r\n";
    check(
        "mail.eml",
        mail,
        Kind::Email,
        &[
            r#"h1 @1-1 "Re: Plan""#,
            r#"message Adä 2024-05-01T10:00:00.000Z @1-1 "From: Adä <ada@x.y>\nTo: Bob <bob@x.y>\nDate: 2024-05-01T12:00:00+02:00""#,
            r#"message Adä 2024-05-01T10:00:00.000Z @1-1 "Schön.""#,
            r#"quote @1-1 "On Monday, Bob wrote:\nShall we?""#,
            r#"message Adä 2024-05-01T10:00:00.000Z @1-1 "Attachments: plan.pdf""#,
        ],
    );
    let mail = "From: a@x.y\nTo: b@x.y\nSubject: Html\nContent-Type: text/html\n\n<p>One<p>Two<blockquote>old</blockquote>";
    check(
        "mail.eml",
        mail,
        Kind::Email,
        &[
            r#"h1 @1-1 "Html""#,
            r#"message a@x.y ? @1-1 "From: a@x.y\nTo: b@x.y""#,
            r#"message a@x.y ? @1-1 "One""#,
            r#"message a@x.y ? @1-1 "Two""#,
            r#"quote @1-1 "old""#,
        ],
    );
}

#[test]
fn a_mailbox_is_read_by_its_messages() {
    let mailbox = "From a@x.y Wed May  1 12:00:00 2024\nFrom: a@x.y\nSubject: One\n\nFirst\n\nFrom here on it is text.\n\nFrom b@x.y Wed May  1 12:00:00 2024\nFrom: b@x.y\nSubject: Two\n\nSecond\n";
    let extracted = read("mail.mbox", mailbox);
    let headings: Vec<&str> = extracted
        .blocks
        .iter()
        .filter(|block| block.role == extract::Role::Heading(1))
        .map(|block| &*block.text)
        .collect();
    // A line of text that begins so divides as well: mailboxes that escape it write `>From`.
    assert_eq!((headings.first(), headings.last()), (Some(&"One"), Some(&"Two")));
    assert_eq!(extracted.kind, Kind::Mailbox);
}

#[test]
fn a_calendar_is_read_by_its_events() {
    let calendar = "BEGIN:VCALENDAR\r\nX-WR-CALNAME:Work\r\nBEGIN:VEVENT\r\nSUMMARY:Plan\\, part\r\n  two\r\nDTSTART;TZID=Europe/Berlin:20240501T120000\r\nDTEND;TZID=Europe/Berlin:20240501T130000\r\nLOCATION:Room 1\r\nORGANIZER;CN=\"Ada; L\":mailto:ada@x.y\r\nATTENDEE;CN=Bob:mailto:bob@x.y\r\nATTENDEE:mailto:c@x.y\r\nRRULE:FREQ=WEEKLY;COUNT=3\r\nDESCRIPTION:Bring\\nnotes\r\nBEGIN:VALARM\r\nDESCRIPTION:not this\r\nEND:VALARM\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY:Holiday\r\nDTSTART;VALUE=DATE:20240502\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    check(
        "work.ics",
        calendar,
        Kind::Calendar,
        &[
            r#"event 2024-05-01T10:00:00.000Z 2024-05-01T11:00:00.000Z @1-1 "Plan, part two\nWhen: 2024-05-01 12:00 Europe/Berlin to 2024-05-01 13:00 Europe/Berlin\nRepeats: freq weekly, count 3\nWhere: Room 1\nOrganizer: Ada; L\nAttendees: Bob, c@x.y\n\nBring\nnotes""#,
            r#"event 2024-05-02T00:00:00.000Z ? @2-2 "Holiday\nWhen: 2024-05-02""#,
        ],
    );
    assert_eq!(read("work.ics", calendar).title.as_deref(), Some("Work"));
}

#[test]
fn source_code_is_one_block_in_its_language() {
    check("a.rs", "\n\nfn main() {}\n", Kind::Code, &[r#"code Rust @3-3 "fn main() {}""#]);
    check(
        "run",
        "#!/usr/bin/env python3\nx = 1\n",
        Kind::Code,
        &[r##"code Python @1-2 "#!/usr/bin/env python3\nx = 1""##],
    );
}

#[test]
fn documents_that_cannot_be_read_say_why() {
    assert_eq!(code("a.txt", ""), "document_empty");
    assert_eq!(code("a.txt", " \n\t\n"), "document_empty");
    assert_eq!(code("a.html", "<html><script>x</script>"), "document_empty");
    assert_eq!(code("a.pdf", pdf_of_pages(&[""])), "document_empty");
    assert_eq!(code("a.docx", docx("")), "document_empty");
    assert_eq!(code("a.png", b"\x89PNG\r\n\x1a\n"), "unsupported_format");
    assert_eq!(code("a.zip", zip(&[("a.txt", b"text")])), "unsupported_format");
    assert_eq!(code("a.xlsx", zip(&[("xl/workbook.xml", b"<x/>")])), "unsupported_format");
    assert_eq!(code("a.bin", [0_u8, 1, 2, 3, 250, 0, 0, 9]), "unsupported_format");
    assert_eq!(code("a.pdf", "%PDF-1.7\nnothing"), "document_damaged");
    assert_eq!(code("a.docx", &docx("<w:p/>")[..200]), "document_damaged");
    assert_eq!(code("a.docx", zip(&[("word/document.xml", b"<w:p><w:r")])), "document_damaged");
}

#[test]
fn a_name_is_not_needed() {
    let extracted =
        extract::extract(&docx("<w:p><w:r><w:t>x</w:t></w:r></w:p>"), &Hint::default(), &Limits::default());
    assert_eq!(extracted.map(|extracted| extracted.kind), Ok(Kind::Docx));
    let hint = Hint { name: None, media_type: Some("text/csv; charset=latin1") };
    let extracted = extract::extract(b"a,b\n\xe9,2\n", &hint, &Limits::default()).unwrap();
    assert_eq!(extracted.blocks[1].text, "é | 2");
}
