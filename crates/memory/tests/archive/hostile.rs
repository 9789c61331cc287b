//! Archives that somebody made to do harm, or that came to harm.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;

use crate::support::{world, zip_of};

#[tokio::test]
async fn a_bad_member_is_refused_and_the_others_are_taken() {
    let check = async |bad: Vec<u8>, name: &str, code: &str| {
        let world = world();
        let came = world.import("x.zip", &bad).await;
        assert_eq!((came.outcome(name), came.broken), (code, None), "{came:?}");
        assert_eq!(came.totals.new, 1, "{came:?}");
    };
    let beside = |name: &str, bytes: &[u8]| zip_of(&[("good.md", b"good"), (name, bytes)]);
    check(beside("../../etc/cron.d/x.md", b"evil"), "../../etc/cron.d/x.md", "archive_member_refused").await;
    check(beside("a/./b.md", b"evil"), "a/./b.md", "archive_member_refused").await;
    check(beside("/etc/x.md", b"evil"), "/etc/x.md", "archive_member_refused").await;
    check(beside("C:\\x.md", b"evil"), "C:/x.md", "archive_member_refused").await;
    check(beside("..\\x.md", b"evil"), "../x.md", "archive_member_refused").await;
    check(beside("a\nb.md", b"evil"), "a\nb.md", "archive_member_refused").await;
    check(beside("inner.zip", &zip_of(&[("a.md", b"a")])), "inner.zip", "unsupported_format").await;
    check(beside("bomb.txt", &vec![b'x'; 30 << 20]), "bomb.txt", "document_bomb").await;
    check(beside("bomb.md", &vec![b'x'; 30 << 20]), "bomb.md", "document_bomb").await;
    check(beside("large.bin", &vec![0; (64 << 20) + 1]), "large.bin", "document_too_large").await;
}

#[tokio::test]
async fn links_and_locked_members_are_refused() {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink("link.md", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    zip.start_file("good.md", SimpleFileOptions::default()).unwrap();
    zip.write_all(b"good").unwrap();
    let world = world();
    let came = world.import("x.zip", &zip.finish().unwrap().into_inner()).await;
    assert_eq!((came.outcome("link.md"), came.totals.new), ("archive_member_refused", 1), "{came:?}");
    // The bit that says so, in the list and before the member itself.
    let mut locked = zip_of(&[("locked.md", b"secret"), ("open.md", b"open")]);
    let local = locked.windows(4).position(|window| window == b"PK\x03\x04").unwrap();
    let central = locked.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    locked[local + 6] |= 1;
    locked[central + 8] |= 1;
    let came = world.import("x.zip", &locked).await;
    assert_eq!((came.outcome("locked.md"), came.totals.new), ("document_encrypted", 1), "{came:?}");
}

#[tokio::test]
async fn an_archive_that_cannot_be_read_says_so() {
    let good = zip_of(&[("a.md", b"a"), ("b.md", &[b'b'; 2000])]);
    let check = async |bytes: &[u8]| {
        let came = world().import("x.zip", bytes).await;
        assert_eq!((came.broken, came.totals.new), (Some("import_refused"), 0), "{came:?}");
    };
    check(&good[..good.len() / 2]).await;
    check(b"PK\x03\x04nothing else").await;
    check(b"{\"atelier\":\"memory\",\n").await;
    // Billions of members, each of which would get its room before it is looked for.
    let mut many = good.clone();
    let end = many.len() - 22;
    let tail = many.split_off(end);
    let offset = many.len() as u64;
    many.extend(b"PK\x06\x06");
    many.extend(44_u64.to_le_bytes());
    many.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    many.extend(u64::from(u32::MAX).to_le_bytes());
    many.extend(u64::from(u32::MAX).to_le_bytes());
    many.extend(0_u64.to_le_bytes());
    many.extend(0_u64.to_le_bytes());
    many.extend(b"PK\x06\x07");
    many.extend(0_u32.to_le_bytes());
    many.extend(offset.to_le_bytes());
    many.extend(1_u32.to_le_bytes());
    let mut tail = tail;
    tail[8..20].fill(0xff);
    many.extend(tail);
    check(&many).await;
}

#[tokio::test]
async fn a_member_that_came_to_harm_is_told_and_the_others_are_taken() {
    let bytes = zip_of(&[("a.md", b"something to read here, which is long enough"), ("b.md", b"b")]);
    let at = bytes.windows(4).position(|window| window == b"a.md").unwrap() + 8;
    let mut harmed = bytes.clone();
    harmed[at] ^= 0xff;
    let came = world().import("x.zip", &harmed).await;
    assert_eq!((came.outcome("a.md"), came.totals.new), ("document_damaged", 1), "{came:?}");
}
