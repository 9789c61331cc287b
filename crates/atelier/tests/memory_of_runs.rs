//! What happens in runs becomes part of memory by itself: what people decide, what fails, and the
//! files that are made, whenever the server ends in between.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/desk.rs"]
mod desk;

use std::time::{Duration, Instant};

use desk::Desk;
use serde_json::Value;

const BOOK: &str = "\
# Price list

## Write the list

```sh
echo 'The unicycle costs 20 zloty.' > prices.txt
head -c 20000 /dev/urandom > noise.bin
```

## Is the price right?

Ask for approval before going on.

## Print it

```sh
echo 'the inkwell is dry' >&2
exit 3
```
";

/// The best hit for a question in a collection, once there is one.
#[track_caller]
fn found(desk: &Desk, question: &str, collection: &str) -> Value {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let found = desk.run(&["memory", "search", question, "--json"]).expect(0).json();
        let hits = found["items"].as_array().unwrap();
        if let Some(hit) = hits.iter().find(|hit| hit["collection"] == collection) {
            return hit.clone();
        }
        assert!(Instant::now() < deadline, "nothing of `{collection}` is found: {found}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn decisions_failures_and_files_of_runs_are_found_after_a_crash() {
    let mut desk = Desk::new().serving();
    desk.folder.write("book.md", BOOK);
    let run = desk.run(&["run", "book.md", "--watch", "--json"]).expect(11);
    let run: Value = serde_json::from_str(run.out.lines().last().unwrap()).unwrap();
    let id = run["run"]["id"].as_str().unwrap().to_owned();
    desk.run(&["runs", "approve", &id, "--feedback", "the accountant agreed"]).expect(0);
    // Whatever of it was not taken in yet is taken in by the next server.
    let server = desk.server.as_mut().unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    std::fs::remove_file(desk.data.join("server.json")).unwrap();
    let desk = desk.serving();
    desk.run(&["runs", "watch", &id]).expect(10);

    let file = found(&desk, "what does the unicycle cost", "artifacts");
    assert_eq!((&file["title"], &file["attributes"]["run_id"]), (&"prices".into(), &id.as_str().into()));
    let decision = found(&desk, "what did the accountant say of the price", "decisions");
    assert!(decision["text"].as_str().unwrap().contains("the accountant agreed"), "{decision}");
    assert!(decision["title"].as_str().unwrap().starts_with("Approved: "), "{decision}");
    let failure = found(&desk, "the inkwell is dry", "errors");
    assert!(failure["text"].as_str().unwrap().contains("Price list"), "{failure}");
    assert_eq!(failure["source"], format!("run:{id}"));
}
