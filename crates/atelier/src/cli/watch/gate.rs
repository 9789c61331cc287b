//! Questions of a run, answered at the terminal.

use std::io::BufRead;
use std::sync::OnceLock;

use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc};

use crate::cli::terminal::{Ink, note, one_line, plain};
use crate::client::wire::Gate;

/// What the person at the terminal wants.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// This answer, to be sent.
    Decided {
        /// `approve`, `skip` or `reject`.
        decision: &'static str,
        /// What was said with it.
        feedback: Option<String>,
    },
    /// Leave the run waiting.
    Later,
}

/// The body that answers `gate`. With the digest, so that only what was shown is approved.
pub fn body(gate: &Gate, decision: &str, feedback: Option<&str>) -> Value {
    let mut body = json!({ "gate": gate.name, "decision": decision });
    if let Some(digest) = &gate.digest {
        body["digest"] = json!(digest);
    }
    if let Some(feedback) = feedback.filter(|feedback| !feedback.trim().is_empty()) {
        body["feedback"] = json!(feedback);
    }
    body
}

/// A gate with its whole proposal, for a person.
pub fn describe(gate: &Gate, ink: Ink) -> String {
    let mut text = format!("{} {}\n", ink.yellow("⏸"), ink.bold(&one_line(&gate.title, 200)));
    if let Some(detail) = gate.detail.as_deref().filter(|detail| !detail.trim().is_empty()) {
        text.push_str(&indented(&plain(detail)));
    }
    if !gate.proposal.is_null() {
        text.push_str(&ink.dim("  What is proposed:\n"));
        text.push_str(&indented(&proposal(&gate.proposal, 0)));
    }
    text
}

/// JSON in the layout people read: names before values, texts as they are, nothing left out.
fn proposal(value: &Value, depth: usize) -> String {
    let margin = "  ".repeat(depth);
    let nested = |value: &Value| match value {
        Value::Object(map) if !map.is_empty() => format!("\n{}", proposal(value, depth + 1)),
        Value::Array(items) if !items.is_empty() => format!("\n{}", proposal(value, depth + 1)),
        Value::String(text) if text.contains('\n') => {
            plain(text).lines().map(|line| format!("\n{margin}    {line}")).collect::<String>() + "\n"
        }
        other => format!(" {}\n", proposal(other, 0).trim_end()),
    };
    match value {
        Value::Object(map) if map.is_empty() => "none".into(),
        Value::Array(items) if items.is_empty() => "none".into(),
        Value::Object(map) => {
            map.iter().map(|(name, value)| format!("{margin}{}:{}", plain(name), nested(value))).collect()
        }
        Value::Array(items) => items.iter().map(|item| item_of_list(item, &nested(item), depth)).collect(),
        Value::String(text) => plain(text),
        other => other.to_string(),
    }
}

/// The first line of an item stands beside its mark.
fn item_of_list(item: &Value, nested: &str, depth: usize) -> String {
    let margin = "  ".repeat(depth);
    match nested.trim_start_matches('\n').strip_prefix(&format!("{margin}  ")) {
        Some(text) if item.is_object() => format!("{margin}- {text}"),
        _ => format!("{margin}-{nested}"),
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// Asks on standard error and reads from standard input. Dropping the future leaves the line that
/// is being typed to the next question.
pub async fn ask(gate: &Gate) -> Answer {
    let ink = Ink::stderr();
    note("");
    note(describe(gate, ink).trim_end());
    loop {
        eprint!("  {} ", ink.cyan("[a]pprove, [s]kip, [r]eject, [l]ater?"));
        let Some(line) = next_line().await else { return Answer::Later };
        let (word, feedback) = match line.trim().split_once(char::is_whitespace) {
            Some((word, feedback)) => (word.to_owned(), Some(feedback.trim().to_owned())),
            None => (line.trim().to_owned(), None),
        };
        let decision = match word.to_lowercase().as_str() {
            "a" | "approve" | "y" | "yes" => "approve",
            "s" | "skip" => "skip",
            "r" | "reject" | "n" | "no" => "reject",
            "l" | "later" | "q" => return Answer::Later,
            _ => {
                note("  Type a, s, r or l; words behind it are kept with the answer.");
                continue;
            }
        };
        let feedback = match (decision, feedback) {
            ("approve", feedback) | (_, feedback @ Some(_)) => feedback,
            _ => {
                eprint!("  {} ", ink.cyan("Why? (may stay empty)"));
                next_line().await.map(|line| line.trim().to_owned())
            }
        };
        return Answer::Decided { decision, feedback: feedback.filter(|feedback| !feedback.is_empty()) };
    }
}

/// The next line that is typed. One thread reads them, because a read cannot be taken back.
pub async fn next_line() -> Option<String> {
    static LINES: OnceLock<Mutex<mpsc::UnboundedReceiver<String>>> = OnceLock::new();
    let lines = LINES.get_or_init(|| {
        let (sender, receiver) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines() {
                let Ok(line) = line else { break };
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Mutex::new(receiver)
    });
    lines.lock().await.recv().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_proposal_is_shown_and_nothing_a_terminal_obeys() {
        let gate = Gate {
            name: "s2".into(),
            title: "Approve\x1b[2J the plan".into(),
            detail: Some("Look at the totals.".into()),
            digest: Some("b3".into()),
            proposal: json!({
                "files": {"out/a.csv": "9f2c"},
                "next": [{"title": "Write", "code": "import os\nprint(1)\n", "depends_on": [], "n": 3}],
            }),
            decision: None,
            feedback: None,
        };
        insta::assert_snapshot!(describe(&gate, Ink::none()), @r"
        ⏸ Approve[2J the plan
          Look at the totals.
          What is proposed:
          files:
            out/a.csv: 9f2c
          next:
            - title: Write
              code:
                  import os
                  print(1)
              depends_on: none
              n: 3
        ");
        assert_eq!(body(&gate, "skip", Some(" ")), json!({"gate": "s2", "decision": "skip", "digest": "b3"}));
        assert_eq!(body(&gate, "reject", Some("no"))["feedback"], "no");
    }
}
