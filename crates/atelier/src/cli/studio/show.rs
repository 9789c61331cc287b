//! A turn as a person sees it: the agent's words on standard output, all else on standard error.

use std::collections::HashMap;
use std::time::Duration;

use indicatif::ProgressBar;
use serde_json::Value;

use super::what;
use crate::cli::terminal::{Ink, is_interactive, note, one_line, plain, short_duration, write_all};

/// How many lines of what a check found are shown.
const FOUND: usize = 12;
const WIDEST: usize = 160;
/// How many changed files are named.
const NAMED: usize = 12;

/// Shows a turn while it goes on.
pub struct Show {
    ink: Ink,
    is_live: bool,
    line: Option<ProgressBar>,
    /// Whether standard output is at the beginning of a line.
    at_start: bool,
    /// By id, the calls that were not answered yet.
    calls: HashMap<String, String>,
}

impl Show {
    /// Nothing is shown yet.
    pub fn new() -> Self {
        Self {
            ink: Ink::stderr(),
            is_live: is_interactive(),
            line: None,
            at_start: true,
            calls: HashMap::new(),
        }
    }

    /// Shows one event. Gates are asked elsewhere.
    pub fn event(&mut self, kind: &str, data: &Value) {
        let text = |name: &str| data[name].as_str().unwrap_or_default();
        match kind {
            "status" => self.phase(text("phase"), data["attempt"].as_u64().unwrap_or(1)),
            "token" => self.words(text("text")),
            "tool_call" => {
                let call = what::call(data);
                self.busy(&call);
                self.calls.insert(text("id").to_owned(), call);
            }
            "tool_result" => {
                let call = self.calls.remove(text("id")).unwrap_or_else(|| what::call(data));
                let line = if data["isError"] == true {
                    let why = text("text").lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
                    format!("  {} {call}: {}", self.ink.red("✗"), one_line(why, WIDEST))
                } else {
                    format!("  {} {}", self.ink.green("✓"), self.ink.dim(&call))
                };
                self.remark(&line);
            }
            "check" => self.check(text("name"), data["ok"] == true, text("text")),
            "gate_decided" => {
                let words = match text("decision") {
                    "approve" => "allowed",
                    "skip" => "not allowed",
                    _ => "refused; the turn ends",
                };
                self.remark(&self.ink.dim(&format!("  {words}")));
            }
            "error" => {
                let again = if data["willRetry"] == true { "; it is tried again" } else { "" };
                self.remark(&format!("  {} {}{again}", self.ink.red("error:"), plain(text("message"))));
                for line in plain(text("hint")).lines() {
                    self.remark(&format!("  {} {line}", self.ink.cyan("hint:")));
                }
            }
            "done" => self.conclude(data),
            _ => {}
        }
    }

    /// A remark beside the conversation.
    pub fn remark(&mut self, text: &str) {
        self.rest();
        note(text);
    }

    /// Stands still, at the beginning of a line, so that something can be asked.
    pub fn rest(&mut self) {
        if let Some(line) = self.line.take() {
            line.finish_and_clear();
        }
        if !self.at_start {
            write_all(b"\n");
            self.at_start = true;
        }
    }

    fn phase(&mut self, phase: &str, attempt: u64) {
        if phase == "thinking" && attempt > 1 && !self.at_start {
            self.remark(&self.ink.yellow("  The answer broke off; it begins again."));
        }
        if !self.at_start {
            return;
        }
        match phase {
            "preparing" | "thinking" => self.busy(phase),
            "verifying" => self.busy("looking at what was changed"),
            _ => {}
        }
    }

    fn busy(&mut self, what: &str) {
        if !self.is_live {
            return;
        }
        if !self.at_start {
            self.rest();
        }
        let line = self.line.get_or_insert_with(|| {
            let line = ProgressBar::new_spinner();
            line.enable_steady_tick(Duration::from_millis(100));
            line
        });
        line.set_message(what.to_owned());
    }

    fn words(&mut self, text: &str) {
        if let Some(line) = self.line.take() {
            line.finish_and_clear();
        }
        let text = plain(text);
        if let Some(last) = text.chars().last() {
            write_all(text.as_bytes());
            self.at_start = last == '\n';
        }
    }

    fn check(&mut self, name: &str, is_ok: bool, found: &str) {
        let name = one_line(name, 80);
        if is_ok {
            return self.remark(&format!("  {} {name}", self.ink.green("✓")));
        }
        self.remark(&format!("  {} {name}", self.ink.red("✗")));
        let found = plain(found);
        let lines: Vec<&str> = found.lines().filter(|line| !line.trim().is_empty()).collect();
        // What sums up an error stands at its end.
        for line in &lines[lines.len().saturating_sub(FOUND)..] {
            self.remark(&self.ink.dim(&format!("      {}", one_line(line, WIDEST))));
        }
    }

    fn conclude(&mut self, done: &Value) {
        let end = match done["outcome"].as_str() {
            Some("finished") => self.ink.green("✓ finished"),
            Some("stopped") => self.ink.yellow("■ stopped"),
            Some("limit") => self.ink.yellow("■ at a limit"),
            _ => self.ink.red("✗ failed"),
        };
        let seconds = done["seconds"].as_f64().filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
        let took =
            seconds.map(|seconds| format!("  {}", short_duration(Duration::from_secs_f64(seconds.min(1e9)))));
        self.remark(&format!("{end}{}{}", cost(&done["usage"]), took.unwrap_or_default()));
        if let Some(reason) = done["reason"].as_str() {
            self.remark(&format!("  {}", self.ink.yellow(&plain(reason))));
        }
        if let Some(changed) = changed(&done["changed"]) {
            self.remark(&format!("  {changed}"));
        }
    }
}

/// What models cost, where anything is known of it.
fn cost(usage: &Value) -> String {
    let number = |name: &str| usage[name].as_u64().unwrap_or_default();
    let (tokens_in, tokens_out) = (number("tokensIn"), number("tokensOut"));
    if tokens_in + tokens_out == 0 {
        return String::new();
    }
    let usd = usage["usd"].as_f64().unwrap_or_default();
    let price = if usd > 0.0 { format!(", ${usd:.4}") } else { String::new() };
    format!("  {tokens_in} tokens in, {tokens_out} out{price}")
}

fn changed(files: &Value) -> Option<String> {
    let files: Vec<String> = files.as_array()?.iter().filter_map(Value::as_str).map(plain).collect();
    let more = files.len().saturating_sub(NAMED);
    let mut named = files.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if more > 0 {
        named.push_str(&format!(" and {more} more"));
    }
    match files.len() {
        0 => None,
        1 => Some(format!("1 file changed: {named}")),
        count => Some(format!("{count} files changed: {named}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_end_says_what_it_cost_and_what_changed() {
        assert_eq!(
            cost(&json!({"tokensIn": 1200, "tokensOut": 34, "usd": 0.0012})),
            "  1200 tokens in, 34 out, $0.0012"
        );
        assert_eq!(cost(&json!({"tokensIn": 1200, "tokensOut": 34, "usd": 0.0})), "  1200 tokens in, 34 out");
        assert_eq!(cost(&json!(null)), "");
        assert_eq!(changed(&json!(["a", "b\x1b"])).as_deref(), Some("2 files changed: a, b"));
        assert_eq!(changed(&json!([])), None);
        let many: Vec<String> = (0..14).map(|number| number.to_string()).collect();
        assert!(changed(&json!(many)).unwrap().ends_with("11 and 2 more"));
    }
}
