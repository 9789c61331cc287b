//! What the agent does, in words: a line for each call, and exactly what a gate is about.
//!
//! Invariant: what is asked for is shown whole, and a character that would hide some of it is shown
//! by its number.

use std::fmt::Write as _;

use serde_json::Value;

use crate::cli::terminal::{Ink, one_line, plain};

const WIDEST: usize = 140;

/// A call in one line: the tool and what it is about.
pub fn call(data: &Value) -> String {
    let name = plain(data["name"].as_str().unwrap_or("?"));
    let arguments = &data["arguments"];
    let about =
        ["path", "cmd", "url", "query", "dir", "label"].iter().find_map(|name| arguments[name].as_str());
    let about = match (about, arguments["args"].as_array()) {
        (Some(about), _) => about.to_owned(),
        (None, Some(words)) => words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        (None, None) => String::new(),
    };
    one_line(&format!("{name} {about}"), WIDEST)
}

/// A gate's question: what it is, why it is asked, and exactly what will be done.
pub fn question(data: &Value, ink: Ink) -> String {
    let text = |name: &str| data[name].as_str().unwrap_or_default();
    let mut question = format!("{} {}\n", ink.yellow("⏸"), ink.bold(&one_line(text("title"), 200)));
    if !text("detail").trim().is_empty() {
        let _ = writeln!(question, "  {}", visible(text("detail")));
    }
    for line in proposal(&data["proposal"]).lines() {
        let _ = writeln!(question, "  {line}");
    }
    question
}

fn proposal(proposal: &Value) -> String {
    let text = |name: &str| visible(proposal[name].as_str().unwrap_or_default());
    match proposal["kind"].as_str() {
        Some("run") => {
            let words = proposal["argv"].as_array().map(Vec::as_slice).unwrap_or_default();
            let words: Vec<String> = words.iter().filter_map(Value::as_str).map(quoted).collect();
            let folder = if text("folder").is_empty() { ".".to_owned() } else { text("folder") };
            let seconds = proposal["timeout_ms"].as_u64().unwrap_or_default() / 1000;
            format!("Runs in {folder}, for at most {seconds} s:\n{}", indented(&words.join(" ")))
        }
        Some("write") => {
            let what = if proposal["before"].is_null() { "Makes" } else { "Replaces" };
            format!("{what} {}, with:\n{}", text("path"), indented(&text("content")))
        }
        Some("start_dev") => {
            format!("Starts the dev server on port {}:\n{}", proposal["port"], indented(&text("command")))
        }
        Some("stop_dev") => "Stops the dev server.".into(),
        Some("fetch") => format!("Reads {}", text("url")),
        // Something a newer server asks: all that is known of it.
        _ => visible(&serde_json::to_string_pretty(proposal).unwrap_or_default()),
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// A word as a shell would have to be given it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    let word = visible(word);
    if !word.is_empty() && word.chars().all(is_plain) {
        word
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The text with every character shown: those that a terminal obeys, or that turn the direction of
/// text around, by their numbers.
fn visible(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        if c == '\n' || !plain(c.encode_utf8(&mut [0; 4])).is_empty() {
            shown.push(c);
        } else {
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        }
        shown
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_call_is_one_line() {
        let line = |name: &str, arguments: Value| call(&json!({ "name": name, "arguments": arguments }));
        assert_eq!(line("fs_write", json!({"path": "a.txt", "content": "x\ny"})), "fs_write a.txt");
        assert_eq!(line("exec", json!({"cmd": "npm test\n echo 1"})), "exec npm test echo 1");
        assert_eq!(line("install", json!({"pkgManager": "npm", "args": ["a", "b"]})), "install a b");
        assert_eq!(line("dev_stop", json!({})), "dev_stop");
        assert_eq!(line("x\x1b[2J", json!("broken")), "x[2J");
    }

    #[test]
    fn a_gate_hides_nothing_of_what_will_run() {
        let gate = json!({
            "title": "Run a command", "detail": "This session asks before this is done.",
            "proposal": {"kind": "run", "argv": ["sh", "-c", "touch 'a b'\u{202e}\x1b[8m; rm -rf ."], "folder": "",
                "timeout_ms": 60000, "checkpoint": "c", "installs": false},
        });
        insta::assert_snapshot!(question(&gate, Ink::none()), @r"
        ⏸ Run a command
          This session asks before this is done.
          Runs in ., for at most 60 s:
            sh -c 'touch '\''a b'\''\u{202e}\u{1b}[8m; rm -rf .'
        ");
        let write = json!({"title": "Write a file", "detail": "", "proposal":
            {"kind": "write", "path": "a.txt", "before": null, "content": "one\ntwo\n"}});
        insta::assert_snapshot!(question(&write, Ink::none()), @r"
        ⏸ Write a file
          Makes a.txt, with:
            one
            two
        ");
    }
}
