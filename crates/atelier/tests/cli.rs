//! The command line with the real server, as people and scripts use it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/desk.rs"]
mod desk;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use desk::Desk;
use insta::assert_snapshot;
use serde_json::Value;
use testkit::{FullDisk, ReadOnlyFolder};

const BOOK: &str = "\
# Sums

## Add

```python
print(sum(int(line) for line in open('numbers.txt')))
open('sum.txt', 'w').write('6')
```

- [ ] the output contains \"6\"

## Approval

Ask for approval before the rest.

## Say so

```sh
echo \"approved $(cat sum.txt)\"
```

Inputs: numbers.txt
";

#[test]
fn the_version_and_the_help_need_nothing() {
    let desk = Desk::new();
    assert_eq!(desk.run(&["version"]).expect(0).out, format!("atelier {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(desk.run(&["version", "--json"]).expect(0).json()["name"], "atelier");
    let help = desk.run(&["--help"]).expect(0).out;
    for word in ["serve", "run", "runs", "plan", "exec", "memory", "doctor", "Examples:", "Exit codes:"] {
        assert!(help.contains(word), "{word} is missing in {help}");
    }
    assert!(!desk.data.exists());
    desk.run(&["fly"]).expect(2);
    assert_eq!(desk.run(&["openapi"]).expect(0).json()["openapi"].as_str().map(|v| &v[..2]), Some("3."));
}

#[test]
fn a_runbook_is_watched_to_its_question_and_after_the_answer_to_its_end() {
    let desk = Desk::new().serving();
    desk.folder.write("book.md", BOOK);
    desk.folder.write("numbers.txt", "1\n2\n3\n");
    let watched = desk.run(&["run", "book.md", "--watch"]).expect(11);
    assert!(watched.out.contains("✓ Add"), "{}", watched.out);
    assert!(watched.out.contains("    6"), "{}", watched.out);
    assert!(
        watched.out.contains("The run waits for an answer: atelier runs approve run_"),
        "{}",
        watched.out
    );

    let runs = desk.run(&["runs", "list", "--status", "waiting_approval", "--json"]).expect(0).json();
    let id = runs["items"][0]["id"].as_str().unwrap().to_owned();
    let end = &id[id.len() - 6..];
    let shown = desk.run(&["runs", "show", end]).expect(0).out;
    assert!(shown.contains("⏸") && shown.contains("What is proposed:"), "{shown}");

    let answered = desk.run(&["runs", "approve", end, "--feedback", "fine", "--json"]).expect(0).json();
    assert_eq!(answered["id"], id.as_str());
    let lines = desk.run(&["runs", "watch", end, "--json"]).expect(0).out;
    let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (end_line, events) = events.split_last().unwrap();
    assert_eq!((&end_line["kind"], &end_line["run"]["status"]), (&"end".into(), &"completed".into()));
    assert!(events.iter().zip(1..).all(|(event, seq)| event["seq"] == seq), "{lines}");
    assert!(
        events.iter().any(|event| event["kind"] == "gate_decided" && event["payload"]["feedback"] == "fine")
    );

    desk.run(&["runs", "artifacts", end, "--output", "out"]).expect(0);
    assert_eq!(std::fs::read_to_string(desk.folder.join("out/sum.txt")).unwrap(), "6");
    desk.run(&["runs", "approve", end]).expect(5);
    desk.run(&["runs", "cancel", end]).expect(5);
    let forked = desk.run(&["runs", "fork", end, "--after", "s1", "--json"]).expect(0).json();
    assert_eq!(forked["forked_from"], id.as_str());
    let fork = forked["id"].as_str().unwrap();
    desk.run(&["runs", "watch", fork, "--yes", "--quiet"]).expect(0);
    desk.run(&["runs", "retry", fork, "--stage", "s3"]).expect(0);
}

#[test]
fn a_command_starts_a_server_for_itself_and_takes_it_along() {
    let desk = Desk::new();
    desk.folder.write("book.md", BOOK);
    desk.folder.write("numbers.txt", "1\n2\n3\n");
    let done = desk.run(&["run", "book.md", "--watch", "--yes", "--quiet", "--output", "out"]).expect(0);
    assert!(done.out.contains("✓ completed"), "{}", done.out);
    assert!(desk.folder.join("out/sum.txt").exists());
    assert!(!desk.data.join("server.json").exists(), "the server is still there");
}

#[test]
fn a_server_that_is_stopping_is_waited_for() {
    let mut desk = Desk::new().serving();
    desk.folder.write("slow.md", "# Slow\n\n```sh\nsleep 3\n```\n");
    let id = desk.run(&["run", "slow.md", "--json"]).expect(0).json()["id"].as_str().unwrap().to_owned();
    let pid = desk.server.as_ref().unwrap().id().to_string();
    assert!(Command::new("kill").arg(&pid).status().unwrap().success());
    // Its runs get their time to end; meanwhile it takes nothing new.
    desk.run(&["runs", "watch", &id]).expect(0);
    assert!(desk.server.take().unwrap().wait().unwrap().success());
}

#[test]
fn a_step_that_fails_fails_the_command() {
    let desk = Desk::new().serving();
    desk.folder.write("bad.md", "# Bad\n\n```sh\necho out; echo err >&2; exit 3\n```\n");
    let failed = desk.run(&["run", "bad.md", "--watch"]).expect(10);
    assert!(
        failed.out.contains("✗") && failed.out.contains("hint: atelier runs retry run_"),
        "{}",
        failed.out
    );
}

#[test]
fn a_plan_is_shown_and_remembered() {
    let desk = Desk::new().serving();
    desk.folder.write("book.md", BOOK);
    let plan = desk.run(&["plan", "book.md"]).expect(0).out;
    assert_snapshot!(plan, @r#"
    Sums (read from the runbook)
    ├─ s1 Add  [python]
    │     ☐ the output contains "6"
    ├─ ⏸ s2 Approval  [asks you]
    ├─ s3 Say so  [shell]
    └─ s4 Report  [report]
    "#);
    let logged = desk.run(&["memory", "logs", "--json"]).expect(0).json();
    assert_eq!(logged["items"][0]["plan"]["planner"], "runbook");
    let hits = desk.run(&["memory", "search", "sums", "--json"]).expect(0).json();
    assert!(!hits["items"].as_array().unwrap().is_empty());
    assert_eq!(desk.run(&["memory", "snapshot", "--json"]).expect(0).json()["count"], 1);
}

#[test]
fn memory_moves_out_and_in() {
    let desk = Desk::new().serving();
    desk.folder.write("Vault/.obsidian/workspace.json", "{}");
    desk.folder.write("Vault/.hidden.md", "nobody's");
    desk.folder.write("Vault/garden.md", "# Garden\n\nThe ficus needs water.\n");
    desk.folder.write("Vault/Meetings/march.md", "A kumquat.\r\n");
    let dry = desk.run(&["memory", "import", "Vault", "--dry-run"]).expect(0).out;
    assert!(dry.contains("would be 2 new"), "{dry}");
    let told = desk.run(&["memory", "import", "Vault", "--privacy", "local"]).expect(0).out;
    assert_eq!(told.split(';').next(), Some("Vault (obsidian): 2 new, 0 changed, 0 unchanged, 0 failed"));
    desk.run(&["memory", "export", "out.jsonl"]).expect(0);
    desk.run(&["memory", "export", "--format", "markdown", "notes"]).expect(0);
    desk.run(&["memory", "export", "--format", "markdown", "notes"]).expect(5);
    let exported = desk.run(&["memory", "export", "-"]).expect(0).out;
    assert_eq!(std::fs::read_to_string(desk.folder.join("out.jsonl")).unwrap(), exported);
    assert_eq!(
        desk.run(&["memory", "export", "--privacy", "shareable", "-"]).expect(0).out.lines().count(),
        1
    );
    let other = Desk::new().serving();
    let [lines, folder] = ["out.jsonl", "notes"].map(|name| desk.folder.join(name).display().to_string());
    let told = other.run(&["memory", "import", &lines, &folder, "--json"]).expect(0).json();
    let came = |at: usize| {
        let archive = &told["archives"][at];
        (archive["recognised"].as_str().unwrap().to_owned(), archive["totals"].clone())
    };
    assert_eq!((came(0).0.as_str(), &came(0).1["new"]), ("jsonl", &serde_json::json!(2)));
    assert_eq!((came(1).0.as_str(), &came(1).1["unchanged"]), ("markdown", &serde_json::json!(2)));
    assert_eq!(other.run(&["memory", "export", "-"]).expect(0).out, exported);
    let bad = other.folder.write("bad.jsonl", format!("{exported}nothing\n"));
    let bad = other.run(&["memory", "import", &bad.display().to_string()]).expect(2);
    assert!(
        bad.out.contains("2 unchanged, 1 failed") && bad.err.contains("line 4"),
        "{}{}",
        bad.out,
        bad.err
    );
    other.run(&["memory", "import", "missing.zip"]).expect(2);
    let refused = other.run(&["memory", "ingest", "http://127.0.0.1:1/", "--json"]).expect(2).json();
    assert_eq!(refused["items"][0]["error"]["code"], "egress_refused");
}

#[test]
fn a_folder_is_taken_in_without_what_holds_no_words() {
    let desk = Desk::new().serving();
    desk.folder.write("vault/rent.md", "The rent is due on the third.");
    desk.folder.write("vault/untitled.md", "");
    desk.folder.write("vault/pictures/door.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    let taken_in = desk.run(&["memory", "ingest", "vault"]).expect(0);
    let said = "1 new, 0 changed, 0 unchanged, 0 failed; 1 chunks; 2 files passed over\n";
    assert_eq!((taken_in.out.as_str(), taken_in.err.as_str()), (said, ""));
    let named = desk.run(&["memory", "ingest", "vault/pictures/door.png"]).expect(2);
    assert!(named.out.contains("1 failed") && named.err.contains("PNG"), "{}{}", named.out, named.err);
}

#[test]
fn code_keeps_its_output_and_exit_code() {
    let desk = Desk::new().serving();
    let done =
        desk.run(&["exec", "-c", "import sys; print(6 * 7); print('x', file=sys.stderr); sys.exit(3)"]);
    assert_eq!((done.code, done.out.as_str(), done.err.as_str()), (3, "42\n", "x\n"));
    let done = desk.run_with(&["exec", "-", "--language", "sh"], "printf 'a b'");
    assert_eq!((done.code, done.out.as_str()), (0, "a b"));
    desk.folder.write("sum.py", "print(sum(map(int, open(0))))");
    assert_eq!(desk.run_with(&["exec", "sum.py", "--stdin"], "1\n2\n").expect(0).out, "3\n");
    let late = desk.run(&["exec", "-c", "import time; time.sleep(60)", "--timeout", "1"]).expect(124);
    assert!(late.err.contains("at its time limit"), "{}", late.err);
    let document = desk.run(&["exec", "-c", "print(1)", "--json"]).expect(0).json();
    assert_eq!((&document["outcome"], &document["stdout"]), (&"completed".into(), &"1\n".into()));
    assert_snapshot!(desk.run(&["exec", "-c", "1", "--language", "cobol"]).expect(2).err, @r"
    error: `cobol` is not a language that is run
    hint: Use python, javascript or shell
    ");
}

#[test]
fn the_doctor_says_what_is_there_without_a_server() {
    let desk = Desk::new();
    let found = desk.run(&["doctor", "--json"]);
    let document = found.json();
    assert_eq!(document["ok"], found.code == 0);
    let names: Vec<_> =
        document["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    for name in [
        "data folder",
        "disk space",
        "server",
        "port",
        "kernel",
        "user namespaces",
        "jail",
        "Python",
        "language model",
    ] {
        assert!(names.contains(&name), "{name} is missing in {names:?}");
    }
    assert!(!desk.data.exists(), "the doctor changed something");
    assert!(desk.run(&["doctor"]).out.contains("Workspace\n"));
}

#[test]
fn tokens_are_issued_listed_and_revoked_beside_a_running_server() {
    let desk = Desk::new().serving();
    let issued =
        desk.run(&["token", "new", "--name", "notebook", "--scopes", "read:runs", "--json"]).expect(0).json();
    let token = issued["token"].as_str().unwrap();
    let place: Value =
        serde_json::from_str(&std::fs::read_to_string(desk.data.join("server.json")).unwrap()).unwrap();
    let url = place["url"].as_str().unwrap();
    let elsewhere = |words: &[&str]| desk.run(&[words, &["--url", url, "--token", token]].concat());
    elsewhere(&["runs", "list"]).expect(0);
    let refused = elsewhere(&["exec", "-c", "1"]).expect(3);
    assert!(refused.err.starts_with("error: These credentials lack the scope `run:code`"), "{}", refused.err);
    let listed = desk.run(&["token", "list", "--json"]).expect(0).json();
    assert!(listed["items"].as_array().unwrap().iter().any(|item| item["name"] == "notebook"));
    desk.run(&["token", "revoke", issued["id"].as_str().unwrap()]).expect(0);
    std::thread::sleep(Duration::from_millis(1_100));
    elsewhere(&["runs", "list"]).expect(3);
    let bare = desk.run(&["token", "new"]).expect(0);
    assert!(bare.out.starts_with("atl_") && bare.out.lines().count() == 1, "{}", bare.out);
    assert_snapshot!(desk.run(&["token", "new", "--scopes", "fly"]).expect(2).err, @r"
    error: There is no scope `fly`
    hint: The scopes are read:runs, write:runs, read:memory, write:memory, run:code, llm:invoke, write:canonical, admin
    ");

    let link = desk.run(&["open"]).expect(0).out;
    assert!(link.starts_with(&format!("{url}/open?key=ato_")), "{link}");
}

#[test]
fn what_is_wrong_is_told_with_what_to_do() {
    let desk = Desk::new().serving();
    let error = |words: &[&str], code| desk.run(words).expect(code).err;
    assert_snapshot!(error(&["runs", "show", "run_00000000000000000000"], 4), @r"
    error: There is no run run_00000000000000000000
    hint: List the runs with GET /api/v1/runs or `atelier runs list`
    ");
    assert_snapshot!(error(&["runs", "show", "zzzz"], 4), @r"
    error: No run's id begins or ends with `zzzz`
    hint: `atelier runs list` shows the runs
    ");
    assert_snapshot!(error(&["runs", "show", "../etc"], 2), @r"
    error: `../etc` is not the id of a run
    hint: Ids look like run_01hv5k3m9x7q2w8e4r6t; `atelier runs list` shows them
    ");
    assert_snapshot!(error(&["run", "🙂"], 2), @r"
    error: The goal “🙂” has no words to plan from
    hint: Write in words what should be done, for example: “Load data/sales.csv; sum it by region; write a report”
    ");
    assert_eq!(error(&["plan", "🙂"], 2), error(&["run", "🙂"], 2));
    assert_snapshot!(error(&["run", " "], 2), @r"
    error: The goal is empty
    hint: Write in words what should be done
    ");
    assert_snapshot!(error(&["run", "nowhere.md"], 4), @r"
    error: There is no file `nowhere.md`
    hint: Name a Markdown file, or write the goal in words
    ");
    assert_snapshot!(error(&["runs", "list", "--url", "ftp://x"], 2), @r"
    error: `ftp://x` is not the address of a server
    hint: Write it like http://127.0.0.1:8080
    ");
    let told = desk.run(&["runs", "show", "zzzz", "--json"]).expect(4).json();
    assert_eq!((&told["error"]["code"], &told["exit_code"]), (&"run_not_found".into(), &4.into()));
    let taken = desk.run(&["serve", "--listen", "127.0.0.1:0"]).expect(5);
    assert!(taken.err.contains("error: Another Atelier already serves"), "{}", taken.err);
}

#[test]
fn ids_may_be_cut_but_not_to_what_fits_several() {
    let desk = Desk::new().serving();
    let submit = || desk.run(&["run", "note this down", "--detach", "--json"]).expect(0).json();
    let (first, second) = (submit(), submit());
    let (first, second) = (first["id"].as_str().unwrap(), second["id"].as_str().unwrap());
    let shared = first.bytes().zip(second.bytes()).take_while(|(a, b)| a == b).count();
    assert!(shared >= 7, "ids that follow each other begin alike: {first} {second}");
    let ambiguous = desk.run(&["runs", "show", &first[..7]]).expect(5);
    assert!(ambiguous.err.contains(first) && ambiguous.err.contains(second), "{}", ambiguous.err);
}

#[test]
fn a_port_in_use_is_told() {
    let desk = Desk::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = desk.run(&["serve", "--listen", &address]).expect(5).err.replace(&address, "[address]");
    assert_snapshot!(refused, @r"
    error: Something already listens on [address]
    hint: Stop it, or choose another port with --listen 127.0.0.1:PORT
    ");
}

#[test]
fn a_folder_that_cannot_be_written_is_told_by_every_command() {
    let Some(folder) = ReadOnlyFolder::with(|_| {}) else {
        eprintln!("skipped: no read-only folder can be made here");
        return;
    };
    let desk = Desk::new();
    let data = folder.path().join("data");
    for words in [&["serve", "--listen", "127.0.0.1:0"][..], &["runs", "list"], &["token", "new"]] {
        let refused = desk.run(&[words, &["--data", data.to_str().unwrap()]].concat()).expect(7);
        assert!(refused.err.contains("cannot be used"), "{words:?}: {}", refused.err);
        assert!(refused.err.contains("hint: Make the folder writable"), "{words:?}: {}", refused.err);
    }
    assert_eq!(
        desk.run(&["doctor", "--data", data.to_str().unwrap(), "--json"]).expect(7).json()["ok"],
        false
    );
}

#[test]
fn a_database_from_a_newer_version_is_left_alone() {
    let desk = Desk::new();
    desk.run(&["token", "list"]).expect(0);
    let script = format!(
        "import sqlite3; c = sqlite3.connect({:?}); c.execute(\"insert into _sqlx_migrations select 99990101, 'later', \
         installed_on, 1, checksum, 0 from _sqlx_migrations limit 1\"); c.commit()",
        desk.data.join("workspace.sqlite3")
    );
    assert!(Command::new("python3").args(["-c", &script]).status().unwrap().success());
    for words in [&["serve", "--listen", "127.0.0.1:0"][..], &["runs", "list"], &["token", "list"]] {
        let refused = desk.run(words).expect(5);
        assert!(refused.err.contains("newer Atelier"), "{words:?}: {}", refused.err);
        assert!(refused.err.contains("hint: Update Atelier"), "{words:?}: {}", refused.err);
    }
}

#[test]
fn the_token_of_the_server_is_for_its_user_alone() {
    let desk = Desk::new().serving();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o077;
    assert_eq!(mode(&desk.data.join("server.json")), 0);
}

#[test]
fn a_full_disk_is_told_and_the_server_outlives_it() {
    let Some(disk) = FullDisk::with_capacity(32 << 20) else { return };
    let mut desk = Desk::new();
    desk.data = disk.path().join("data");
    let desk = desk.serving();
    desk.folder.write("big.txt", vec![b'x'; 1 << 20]);
    let submit = ["run", "note this down", "--file", "big.txt", "--watch"];
    disk.fill();
    let refused = desk.run(&submit).expect(7).err;
    assert!(refused.contains("disk is full") && refused.contains("hint: Free some space"), "{refused}");
    desk.run(&["runs", "list"]).expect(0);
    disk.free();
    desk.run(&submit).expect(0);
}

#[test]
fn a_runbook_says_how_long_its_code_may_run() {
    let desk = Desk::new().serving();
    let book = |timeout: &str| format!("---\ntimeout: {timeout}\n---\n# Slow\n\n```sh\nsleep 60\n```\n");
    desk.folder.write("slow.md", book("500 ms"));
    let late = desk.run(&["run", "slow.md", "--watch"]).expect(10).out;
    assert!(late.contains("The code ran longer than the 0.5 s it may"), "{late}");
    desk.folder.write("slow.md", book("soon"));
    assert_snapshot!(desk.run(&["run", "slow.md"]).expect(2).err, @r"
    error: The runbook's timeout “soon” is not a time from 100 ms to 24 hours
    hint: Write it as `timeout: 90s`, `5 min` or `1h`, or leave it out for 10 minutes
    ");
}

#[test]
fn a_model_that_no_source_has_is_told_with_every_source() {
    let desk = Desk::new();
    let port = testkit::free_port();
    desk.folder.write(
        "data/.env",
        format!("HF_ENDPOINT=http://127.0.0.1:{port}\nPIP_INDEX_URL=http://127.0.0.1:{port}/simple\n"),
    );
    let refused = desk.run(&["models", "pull"]).expect(7).err;
    assert_eq!(refused.matches(&format!("127.0.0.1:{port}: ")).count(), 2, "{refused}");
    assert!(refused.contains("hint: "), "{refused}");
    desk.run(&["models", "pull", "gpt-9"]).expect(4);
    let listed = desk.run(&["models", "list", "--json"]).expect(0).json();
    assert_eq!(listed["models"][0]["name"], "offline");
    assert_eq!(listed["files"][0]["files"][0]["state"], "missing");
    let checks = desk.run(&["doctor", "--json"]).json()["checks"].clone();
    let embedder =
        checks.as_array().unwrap().iter().find(|check| check["name"] == "all-MiniLM-L6-v2").unwrap();
    assert!(embedder["advice"].as_str().unwrap().contains("atelier models pull"), "{embedder}");
}

#[test]
fn a_store_of_vectors_that_is_away_leaves_the_words_and_is_named_by_the_doctor() {
    let desk = Desk::new();
    let address = format!("127.0.0.1:{}", testkit::free_port());
    let set = |url: &str| {
        let lines = format!("ATELIER_VECTORS_STORE=pgvector\nATELIER_VECTORS_URL={url}\n");
        desk.folder.write("data/.env", lines);
    };
    set(&format!("postgres://ana:hush-hush@{address}/notes"));
    let checks = desk.run(&["doctor", "--json"]).json()["checks"].clone();
    let look = checks.as_array().unwrap().iter().find(|check| check["name"] == "vector store").unwrap();
    assert_eq!(look["state"], "degraded");
    let detail = look["detail"].as_str().unwrap();
    assert!(detail.contains(&address) && detail.contains("does not answer"), "{detail}");
    assert!(!checks.to_string().contains("hush"), "{checks}");
    desk.run(&["exec", "--language", "python", "--", "print('sums')"]);
    let found = desk.run(&["memory", "search", "sums", "--json"]).expect(0).json();
    assert_eq!(found["has_meaning"], false, "{found}");
    set("ana:hush-hush@nowhere");
    let refused = desk.run(&["serve"]);
    assert!(refused.code != 0 && refused.err.contains("must begin with postgres://"), "{}", refused.err);
    assert!(!refused.err.contains("hush"), "{}", refused.err);
}

#[test]
fn what_agents_note_and_what_was_decided_is_kept_and_asked_for() {
    let desk = Desk::new().serving();
    let set = ["memory", "facts", "set", "scout", "customers/ana", "Ana prefers e-mail", "--json"];
    assert_eq!(desk.run(&set).expect(0).json()["version"], 1);
    let parsed =
        ["memory", "facts", "set", "scout", "position", r#"{"page": 3}"#, "--parse", "--if-version", "0"];
    desk.run(&parsed).expect(0);
    assert_eq!(
        desk.run(&["memory", "facts", "get", "scout", "position"]).expect(0).out.trim(),
        r#"{"page":3}"#
    );
    let listed = desk.run(&["memory", "facts", "list", "scout", "--prefix", "customers/"]).expect(0).out;
    assert!(listed.contains("customers/ana") && !listed.contains("position"), "{listed}");
    let found = desk.run(&["memory", "search", "how does Ana like e-mail", "--json"]).expect(0).json();
    assert_eq!(found["items"][0]["collection"], "facts");
    desk.run(&["memory", "facts", "delete", "scout", "customers/ana"]).expect(0);
    let history = desk.run(&["memory", "facts", "history", "scout", "customers/ana"]).expect(0).out;
    assert!(history.contains("(taken back)") && history.contains("Ana prefers e-mail"), "{history}");

    let decided = desk.run(&["memory", "decide", "Invoices go out on Mondays", "--why", "Ana asked for it"]);
    let first = decided.expect(0).out.trim().to_owned();
    desk.run(&["memory", "decide", "Invoices go out on Fridays", "--supersedes", &first]).expect(0);
    let all = desk.run(&["memory", "decisions"]).expect(0).out;
    assert!(all.contains("(superseded) Invoices go out on Mondays – Ana asked for it"), "{all}");
    let asked = desk.run(&["memory", "decisions", "when do invoices go out", "--json"]).expect(0).json();
    assert_eq!(asked["items"].as_array().unwrap().len(), 1);
    assert_eq!(asked["items"][0]["title"], "Invoices go out on Fridays");
    assert_eq!(desk.run(&["memory", "errors", "--json"]).expect(0).json()["items"], serde_json::json!([]));
}
