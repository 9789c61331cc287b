//! Documents that the tests make: zip archives, DOCX and PDF files, and short ways to read them.

use std::io::{Cursor, Write};

use extract::{Block, Error, Extracted, Hint, Limits, Role};
use zip::write::SimpleFileOptions;

/// Reads a document of which only the name is known.
#[track_caller]
pub fn read(name: &str, bytes: impl AsRef<[u8]>) -> Extracted {
    match extract::extract(bytes.as_ref(), &Hint::named(name), &Limits::default()) {
        Ok(extracted) => extracted,
        Err(error) => panic!("{name}: {error}"),
    }
}

/// Reads a document that cannot be read, and gives its error's code.
#[track_caller]
pub fn code(name: &str, bytes: impl AsRef<[u8]>) -> &'static str {
    code_within(name, bytes, &Limits::default())
}

/// The same with other limits.
#[track_caller]
pub fn code_within(name: &str, bytes: impl AsRef<[u8]>, limits: &Limits) -> &'static str {
    match extract::extract(bytes.as_ref(), &Hint::named(name), limits) {
        Ok(extracted) => panic!("{name} was read: {:?}", extracted.blocks.first()),
        Err(error) => kernel::Error::from(error).code,
    }
}

/// The blocks as one line each: what they are, where they stand, and what they say.
pub fn outline(extracted: &Extracted) -> String {
    extracted.blocks.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn line(block: &Block) -> String {
    let role = match &block.role {
        Role::Heading(level) => format!("h{level}"),
        Role::Paragraph => "p".into(),
        Role::ListItem => "li".into(),
        Role::Code { language } => {
            format!("code {}", language.as_ref().map_or("?", |language| language.name()))
        }
        Role::TableRow { header: true } => "head".into(),
        Role::TableRow { header: false } => "row".into(),
        Role::Quote => "quote".into(),
        Role::Entry { .. } => "entry".into(),
        Role::Message { author, time } => format!(
            "message {} {}",
            author.as_deref().unwrap_or("?"),
            time.map_or("?".into(), |time| time.to_string())
        ),
        Role::Event { start, end, .. } => format!(
            "event {} {}",
            start.map_or("?".into(), |time| time.to_string()),
            end.map_or("?".into(), |time| time.to_string())
        ),
    };
    let place = format!("{:?}", block.place);
    let numbers: String =
        place.chars().map(|letter| if letter.is_ascii_digit() { letter } else { ' ' }).collect();
    let numbers = match &block.place {
        extract::Place::Path(path) => path.clone(),
        _ => numbers.split_whitespace().collect::<Vec<_>>().join("-"),
    };
    format!("{role} @{numbers} {:?}", block.text)
}

/// A zip archive of these parts.
pub fn zip(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for (name, bytes) in parts {
        writer.start_file(*name, options).expect("writing to memory");
        writer.write_all(bytes).expect("writing to memory");
    }
    writer.finish().expect("writing to memory").into_inner()
}

/// A DOCX with this body.
pub fn docx(body: &str) -> Vec<u8> {
    let document = format!(
        r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{body}</w:body></w:document>"#
    );
    let styles = r#"<w:styles><w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style><w:style w:type="paragraph" w:styleId="Zitat"><w:name w:val="Quote"/></w:style></w:styles>"#;
    let core = r#"<cp:coreProperties><dc:title>The plan</dc:title><dc:creator>Ada; Grace</dc:creator><dcterms:created>2024-05-01T08:00:00Z</dcterms:created></cp:coreProperties>"#;
    zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("docProps/core.xml", core.as_bytes()),
        ("word/styles.xml", styles.as_bytes()),
        ("word/document.xml", document.as_bytes()),
    ])
}

/// A PDF of these objects; the first is the catalog.
pub fn pdf(objects: &[&[u8]]) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n".to_vec();
    let mut offsets = Vec::new();
    for (number, object) in (1..).zip(objects) {
        offsets.push(file.len());
        file.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
        file.extend_from_slice(object);
        file.extend_from_slice(b"\nendobj\n");
    }
    let start = file.len();
    file.extend_from_slice(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).as_bytes());
    for offset in offsets {
        file.extend_from_slice(format!("{offset:010} 00000 n \n").as_bytes());
    }
    let trailer = format!(
        "trailer\n<< /Size {} /Root 1 0 R /Info << /Title (A title) /Author (Ada) /CreationDate (D:20240501100000+02'00') >> >>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1
    );
    file.extend_from_slice(trailer.as_bytes());
    file
}

/// A stream object that is packed.
pub fn packed(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).expect("writing to memory");
    let content = encoder.finish().expect("writing to memory");
    let mut object = format!("<< /Filter /FlateDecode /Length {} >>\nstream\n", content.len()).into_bytes();
    object.extend_from_slice(&content);
    object.extend_from_slice(b"\nendstream");
    object
}

/// A PDF of pages that draw these instructions with Helvetica as `F1` and its bold as `F2`.
pub fn pdf_of_pages(pages: &[&str]) -> Vec<u8> {
    let first = 5;
    let kids: String = (0..pages.len()).map(|page| format!("{} 0 R ", first + page * 2)).collect();
    let mut objects: Vec<Vec<u8>> = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Kids [{kids}] /Count {} >>", pages.len()).into_bytes(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_vec(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>".to_vec(),
    ];
    for (number, content) in pages.iter().enumerate() {
        let content_at = first + number * 2 + 1;
        objects.push(
            format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {content_at} 0 R /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>")
                .into_bytes(),
        );
        objects.push(packed(content.as_bytes()));
    }
    pdf(&objects.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// Whether an error is of this code.
pub fn has_code(result: Result<impl std::fmt::Debug, Error>, code: &str) -> bool {
    result.is_err_and(|error| kernel::Error::from(error).code == code)
}
