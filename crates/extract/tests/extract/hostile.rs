//! Documents that are made to cost too much: each ends soon, with its text or with an error.

use std::time::{Duration, Instant};

use extract::{ChunkOptions, Hint, Limits};

use crate::made::{code, code_within, docx, packed, pdf, pdf_of_pages, read, zip};

/// What any of these may take without optimisation on a busy machine. What is not linear takes hours.
const SOON: Duration = Duration::from_secs(60);

/// Reads and divides a document, whatever comes of it, and holds how long that takes.
#[track_caller]
fn soon(name: &str, bytes: &[u8]) -> Result<usize, &'static str> {
    let began = Instant::now();
    let result = extract::extract(bytes, &Hint::named(name), &Limits::default());
    let result = result.map(|document| extract::chunk(&document, &ChunkOptions::default()).len());
    assert!(began.elapsed() < SOON, "{name} took {:?}", began.elapsed());
    result.map_err(|error| kernel::Error::from(error).code)
}

#[test]
fn two_gigabytes_are_refused_unread() {
    // The system gives zeros without memory until they are looked at.
    let bytes = vec![0_u8; 2 << 30];
    let began = Instant::now();
    assert_eq!(code("a.txt", &bytes), "document_too_large");
    assert!(began.elapsed() < Duration::from_secs(1));
    assert!(Limits::default().admit(2 << 30).is_err());
}

#[test]
fn more_text_than_is_kept_is_refused() {
    let limits = Limits { text_bytes: 10_000, ..Limits::default() };
    let lines = "A line of text, and another.\n\n".repeat(1000);
    let html = "<p>A line of text".repeat(1000);
    let json = format!("[{}\"x\"]", "{\"key\":\"value\"},".repeat(1000));
    for (name, text) in [("a.txt", &lines), ("a.md", &lines), ("a.html", &html), ("a.json", &json)] {
        assert_eq!(code_within(name, text, &limits), "document_too_large", "{name}");
    }
}

#[test]
fn archives_that_unpack_to_far_more_are_refused() {
    let zeros = vec![b' '; 40 << 20];
    let one = zip(&[("a.txt", &zeros)]);
    let nested = zip(&[("1.zip", &one), ("2.zip", &one), ("3.zip", &one)]);
    assert_eq!(code("42.zip", &nested), "unsupported_format");
    let huge = docx(&" ".repeat(40 << 20));
    assert!(huge.len() < 1 << 20);
    assert_eq!(code("a.docx", &huge), "document_bomb");
}

#[test]
fn a_pdf_that_unpacks_to_far_more_is_refused() {
    let content = vec![b' '; 40 << 20];
    let page = b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>";
    let pages = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>";
    let stream = packed(&content);
    let file = pdf(&[b"<< /Type /Catalog /Pages 2 0 R >>", pages, page, &stream]);
    assert_eq!(code("a.pdf", &file), "document_bomb");
    // Streams of objects are unpacked when the file is opened.
    let objects = String::from_utf8_lossy(&packed(&content)[..2]).into_owned();
    assert!(objects.starts_with("<<"));
    let mut stream = packed(&content);
    let kind = b"<< /Type /ObjStm /N 1 /First 4 ";
    stream.splice(0..2, kind.iter().copied());
    let file = pdf(&[b"<< /Type /Catalog /Pages 2 0 R >>", pages, page, &stream]);
    assert_eq!(code("a.pdf", &file), "document_bomb");
}

#[test]
fn a_pdf_that_goes_in_circles_ends() {
    // A page tree that holds itself, and a form that draws itself twice.
    let form = "<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /A 4 0 R >> >> /Length 12 >>\nstream\n/A Do /A Do \nendstream";
    let file = pdf(&[
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [2 0 R 3 0 R 3 0 R] /Count 9 /Parent 2 0 R >>",
        b"<< /Type /Page /Parent 2 0 R /Contents 5 0 R /Resources << /XObject << /A 4 0 R >> >> >>",
        form.as_bytes(),
        b"<< /Length 6 >>\nstream\n/A Do \nendstream",
    ]);
    assert_eq!(soon("a.pdf", &file), Err("document_empty"));
    let pages: Vec<&str> = vec![""; 50];
    let limits = Limits { pages: 49, ..Limits::default() };
    assert_eq!(code_within("a.pdf", pdf_of_pages(&pages), &limits), "document_too_complex");
}

#[test]
fn html_nested_a_million_deep_is_read() {
    let page = format!("<html>{}deep{}", "<div>".repeat(1_000_000), "<b>".repeat(1000));
    assert_eq!(soon("a.html", page.as_bytes()), Ok(1));
    let lists = format!("<html>{}deep", "<ul><li>".repeat(100_000));
    assert_eq!(soon("a.html", lists.as_bytes()), Ok(1));
    let attributes = format!("<html><p {}>text", "a=b ".repeat(200_000));
    assert_eq!(soon("a.html", attributes.as_bytes()), Ok(1));
    let tables = format!("<html>{}deep", "<table><tr><td>".repeat(50_000));
    assert_eq!(soon("a.html", tables.as_bytes()), Ok(1));
}

#[test]
fn values_nested_too_deep_are_refused_or_read_as_text() {
    let json = "[".repeat(100_000) + &"]".repeat(100_000);
    assert_eq!(soon("a.json", json.as_bytes()), Err("document_too_complex"));
    let json = "{\"a\":".repeat(100_000) + "1" + &"}".repeat(100_000);
    assert_eq!(soon("a.json", json.as_bytes()), Err("document_too_complex"));
    assert_eq!(soon("a.jsonl", json.as_bytes()), Err("document_too_complex"));
    assert!(soon("a.yaml", "[".repeat(100_000).as_bytes()).is_ok());
    assert!(soon("a.toml", format!("a = {}", "[".repeat(100_000)).as_bytes()).is_ok());
    assert!(soon("a.toml", format!("{}a = 1", "a.".repeat(50_000)).as_bytes()).is_ok());
    let blocks: String = (0..400).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    assert!(soon("a.yaml", blocks.as_bytes()).is_ok());
    let xml = "<w:tbl><w:tr><w:tc>".repeat(100_000) + "<w:p><w:r><w:t>deep</w:t></w:r></w:p>";
    assert_eq!(soon("a.docx", &docx(&xml)), Ok(1));
    assert!(soon("a.rs", "{(".repeat(200_000).as_bytes()).is_ok());
    assert!(soon("a.py", "if x:\n".repeat(10_000).as_bytes()).is_ok());
}

#[test]
fn a_yaml_that_repeats_itself_beyond_measure_is_bounded() {
    let mut yaml = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let before = format!("*a{},", level - 1).repeat(9);
        yaml += &format!("a{level}: &a{level} [{}]\n", before.trim_end_matches(','));
    }
    assert!(soon("a.yaml", yaml.as_bytes()).is_ok());
}

#[test]
fn what_is_said_of_every_part_cannot_be_endless() {
    let key = "k".repeat(1_000_000);
    let values: String = (0..1000).map(|number| format!("\"{number}\":1,")).collect();
    let json = format!("{{\"{key}\":{{{values}\"x\":1}}}}");
    assert_eq!(soon("a.json", json.as_bytes()), Err("document_too_large"));
    let heading = format!("# {key}\n\n{}", "Some words.\n\n".repeat(100_000));
    let document = read("a.md", &heading);
    let chunks = extract::chunk(&document, &ChunkOptions::default());
    assert!(chunks.iter().all(|chunk| chunk.heading_path[0].len() <= 200));
    let slack = format!(
        "[{{\"type\":\"message\",\"user\":\"U\",\"ts\":\"1714557600.1\",\"text\":\"{}\"}}]",
        "<".repeat(1_000_000)
    );
    assert!(soon("a.json", slack.as_bytes()).is_ok());
    let streams = format!("%PDF-1.7\n{}", "/ObjStm >>stream\n".repeat(100_000));
    assert_eq!(soon("a.pdf", streams.as_bytes()), Err("document_damaged"));
}

#[test]
fn a_row_of_a_million_columns_is_read() {
    let header: String = (0..1_000_000).map(|column| format!("c{column},")).collect();
    let chunks = soon("a.csv", format!("{header}x\n1,2,3\n").as_bytes());
    assert!(chunks.is_ok_and(|chunks| chunks > 1000));
    let limits = Limits { parts: 1000, ..Limits::default() };
    assert_eq!(code_within("a.csv", ",".repeat(5000), &limits), "document_too_complex");
}

#[test]
fn markdown_that_is_slow_elsewhere_is_not() {
    for (name, unit, end) in [
        ("emphasis", "*a _b ", ""),
        ("brackets", "[", ""),
        ("links", "[a](", ""),
        ("wiki links", "[[a|", ""),
        ("quotes", "> ", "text"),
        ("backticks", "`a``", ""),
        ("tables", "|a|b\n|-|-\n", ""),
        ("references", "[a]: b\n", ""),
        ("markup", "<a <!-- ", ""),
        ("lists", "- ", "text"),
    ] {
        let text = unit.repeat(200_000 / unit.len()) + end;
        let began = Instant::now();
        let _ = soon("a.md", text.as_bytes());
        assert!(began.elapsed() < SOON, "{name}");
    }
}

#[test]
fn text_without_anywhere_to_cut_is_divided() {
    let letters = "x".repeat(3_000_000);
    assert_eq!(soon("a.txt", letters.as_bytes()).map(|chunks| chunks > 2500), Ok(true));
    assert!(soon("a.js", format!("var a=[{}];", "1,".repeat(1_000_000)).as_bytes()).is_ok());
    assert!(soon("a.txt", ". ".repeat(1_000_000).as_bytes()).is_ok());
    assert!(soon("a.txt", "a\u{301}".repeat(500_000).as_bytes()).is_ok());
    assert!(soon("a.txt", "字".repeat(1_000_000).as_bytes()).is_ok());
}

#[test]
fn a_mailbox_of_a_hundred_thousand_messages_is_read() {
    let mailbox: String = (0..100_000)
        .map(|number| {
            format!("From a@x.y Wed May  1 12:00:00 2024\nFrom: a@x.y\nSubject: Number {number}\n\nText\n\n")
        })
        .collect();
    assert_eq!(soon("a.mbox", mailbox.as_bytes()), Ok(100_000));
    let parts = format!(
        "From: a@x.y\nTo: b@x.y\nContent-Type: multipart/mixed; boundary=b\n\n{}",
        "--b\nContent-Type: multipart/mixed; boundary=b\n\n".repeat(20_000)
    );
    let _ = soon("a.eml", parts.as_bytes());
    let headers = format!("From: a@x.y\nTo: {}\n\ntext", "a <b@c.d>, ".repeat(100_000));
    assert!(soon("a.eml", headers.as_bytes()).is_ok());
}

#[test]
fn a_calendar_of_one_endless_line_is_read() {
    let calendar =
        format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x\n{}\nEND:VEVENT", " folded\n".repeat(200_000));
    assert!(soon("a.ics", calendar.as_bytes()).is_ok());
    let events = format!("BEGIN:VCALENDAR\n{}", "BEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT\n".repeat(50_000));
    assert_eq!(soon("a.ics", events.as_bytes()), Ok(50_000));
}

#[test]
fn dividing_takes_time_in_proportion_to_the_text() {
    let paragraph = "Some words make a sentence. Others make another one, which is longer.\n\n";
    let time = |repeats: usize| {
        let document = read("a.md", paragraph.repeat(repeats));
        let times = (0..3).map(|_| {
            let began = Instant::now();
            std::hint::black_box(extract::chunk(&document, &ChunkOptions::default()));
            began.elapsed()
        });
        times.min().unwrap_or_default()
    };
    let (small, large) = (time(2_000), time(20_000));
    // Ten times the text; a hundred times the time would be what quadratic takes.
    assert!(large < small * 50 + Duration::from_millis(50), "{small:?} {large:?}");
}
