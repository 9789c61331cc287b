//! Searching, mapping, and what both leave out.

use std::time::{Duration, Instant};

use worktree::search::Query;
use worktree::{Error, MapLimits};

use crate::support::Place;

#[track_caller]
fn check(place: &Place, query: &Query, expected: &[(&str, usize, usize)]) {
    let found = place.tree.search(query).unwrap();
    let places: Vec<_> = found.matches.iter().map(|it| (&*it.path, it.line, it.column)).collect();
    assert_eq!(places, expected);
}

#[test]
fn finds_lines_by_text_expression_case_and_glob() {
    let place = Place::new();
    place.put("a.ts", "let Total = 1;\r\nlet other = 2;\n");
    place.put("src/b.ts", "été total\n");
    place.put("src/c.md", "total\n");
    place.put("src/binary.ts", b"total\0");
    let text = Query::text("total");
    check(&place, &text, &[("a.ts", 1, 5), ("src/b.ts", 1, 5), ("src/c.md", 1, 1)]);
    check(&place, &Query { match_case: true, ..text.clone() }, &[("src/b.ts", 1, 5), ("src/c.md", 1, 1)]);
    let glob = |glob: &str| Query { glob: Some(glob.into()), ..text.clone() };
    check(&place, &glob("*.ts"), &[("a.ts", 1, 5), ("src/b.ts", 1, 5)]);
    check(&place, &glob("src/**"), &[("src/b.ts", 1, 5), ("src/c.md", 1, 1)]);
    let expression = Query { is_regex: true, ..Query::text(r"^let \w+ = \d;$") };
    check(&place, &expression, &[("a.ts", 1, 1), ("a.ts", 2, 1)]);
    check(&place, &Query::text("t.tal"), &[]);
    for bad in [Query::text(""), Query { is_regex: true, ..Query::text("(") }, glob("[")] {
        assert!(matches!(place.tree.search(&bad), Err(Error::QueryInvalid { .. })), "{bad:?}");
    }
    let first = place.tree.search(&Query { limit: 1, ..text }).unwrap();
    assert!(first.matches.len() == 1 && first.truncated);
}

#[test]
fn leaves_out_what_tools_make_and_what_gitignore_says() {
    let place = Place::new();
    for name in [
        "kept",
        "node_modules/x/y",
        ".git/config",
        "deep/dist/x",
        "logs/a.log",
        "logs/important.log",
        "secret/x",
        "sub/local",
        "other/local",
    ] {
        place.put(name, "needle");
    }
    place.put(".gitignore", "*.log\n!important.log\n/secret/\n[\n");
    place.put("sub/.gitignore", "local\n");
    let query = Query::text("needle");
    check(&place, &query, &[("kept", 1, 1), ("logs/important.log", 1, 1), ("other/local", 1, 1)]);
    let map = place.tree.map(MapLimits::default()).unwrap();
    let expected = ".gitignore 32 B\nkept 6 B\ndeep/\nlogs/\n  important.log 6 B\n\
                    other/\n  local 6 B\nsub/\n  .gitignore 6 B\n";
    assert_eq!(map.text, expected);
    assert!(!map.truncated && map.files == 5);
}

#[test]
fn five_thousand_files_are_searched_and_mapped_within_bounds() {
    let place = Place::new();
    for number in 0..5_000 {
        place
            .put(format!("d{:02}/e{:02}/f{number}.txt", number % 50, number % 7), format!("line {number}\n"));
    }
    let begun = Instant::now();
    let found = place.tree.search(&Query::text("line 4999")).unwrap();
    assert_eq!((found.matches.len(), found.files, found.truncated), (1, 5_000, false));
    let map = place.tree.map(MapLimits { bytes: 4_000, ..MapLimits::default() }).unwrap();
    assert!(map.text.len() <= 4_000 && map.truncated && map.files == 5_000, "{}", map.text.len());
    assert!(map.text.starts_with("d00/ (100 files)\n"), "{}", map.text);
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_search_stops_when_its_time_is_over() {
    let place = Place::new();
    for number in 0..2_000 {
        place.put(format!("f{number}"), "x".repeat(1_000));
    }
    let found = place.tree.search(&Query { time: Duration::ZERO, ..Query::text("y") }).unwrap();
    assert!(found.truncated && found.files == 0);
}
