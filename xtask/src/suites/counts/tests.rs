//! What the test programs print, as they print it.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::*;

#[track_caller]
fn check(read: Option<Counts>, passed: u64, failed: u64) {
    assert_eq!(read, Some(Counts::new(passed, failed)));
}

#[test]
fn reads_the_last_line_of_pytest() {
    let text = "..F\n\x1b[31m1 failed\x1b[0m, 12 passed, 3 skipped, 2 errors in 83.74s (0:01:23)\n";
    assert_eq!(pytest(text), Some(Counts { passed: 12, failed: 3, note: "3 skipped".into() }));
    assert_eq!(pytest("no tests were collected"), None);
}

#[test]
fn reads_nextest() {
    let text = "     Summary [   0.006s] 3 tests run: 2 passed, 1 failed, 0 skipped\n  FAIL [ 0.1s] x\n";
    check(nextest(text), 2, 1);
    check(
        nextest("     Summary [  61.2s] 140 tests run: 138 passed (2 slow), 2 timed out, 4 skipped"),
        138,
        2,
    );
    let coloured =
        "\x1b[32;1m     Summary\x1b[0m [   0.006s] \x1b[1m1\x1b[0m test run: \x1b[1m1\x1b[0m passed";
    check(nextest(coloured), 1, 0);
    assert_eq!(nextest("error: could not compile"), None);
}

#[test]
fn sums_the_binaries_of_cargo_test() {
    let text = "test result: ok. 5 passed; 0 failed; 1 ignored;\nx\ntest result: FAILED. 2 passed; 3 failed;";
    check(cargo_test(text), 7, 3);
    assert_eq!(cargo_test("error[E0425]"), None);
}

#[test]
fn reads_both_shapes_of_the_node_runner() {
    check(node_test("# tests 4\n# pass 3\n# fail 1\n# cancelled 0\n"), 3, 1);
    check(node_test("ℹ tests 4\nℹ pass 2\nℹ fail 1\nℹ cancelled 1\n"), 2, 2);
    assert_eq!(node_test("Error: no browser"), None);
}

#[test]
fn reads_vitest() {
    check(vitest(r#"{"numPassedTests": 4, "numFailedTests": 0, "success": true}"#), 4, 0);
    check(vitest(r#"{"numPassedTests": 4, "numFailedTests": 0, "success": false}"#), 4, 1);
    assert_eq!(vitest("{}"), None);
}

#[test]
fn reads_schemathesis() {
    let report = r#"{"operations": {"tested": 3}, "errors": [],
        "test_cases": {"generated": 512, "unique_failures": 2},
        "failures": [{"title": "Server error", "operations": ["GET /a", "POST /a"]},
                     {"title": "Undocumented status code", "operations": ["GET /a"]}]}"#;
    let (counts, cases) = schemathesis(report).unwrap();
    assert_eq!((counts.passed, counts.failed, cases), (1, 2, 512));
    assert_eq!(counts.note, "512 cases over 3 operations");
    assert!(schemathesis("{}").unwrap_err().to_string().contains("/test_cases/generated"));
}

fn ended(code: i32) -> Shown {
    Shown { status: Some(ExitStatus::from_raw(code << 8)), text: String::new() }
}

#[test]
fn nothing_that_went_wrong_counts_as_a_success() {
    assert_eq!(judged(Some(Counts::new(3, 0)), &ended(0)).unwrap(), Counts::new(3, 0));
    assert_eq!(judged(Some(Counts::new(3, 2)), &ended(1)).unwrap(), Counts::new(3, 2));
    assert_eq!(judged(Some(Counts::new(3, 0)), &ended(1)).unwrap().failed, 1);
    assert_eq!(judged(None, &ended(101)).unwrap().failed, 1);
    assert_eq!(judged(Some(Counts::new(0, 0)), &ended(0)).unwrap().failed, 1);
    let stopped = Shown { status: None, text: String::new() };
    assert_eq!(judged(Some(Counts::new(3, 0)), &stopped).unwrap().failed, 1);
}
