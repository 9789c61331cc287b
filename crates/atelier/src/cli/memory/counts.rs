//! What became of many documents, summed up.

use indicatif::ProgressBar;
use serde_json::Value;

use crate::cli::terminal::{Ink, note, plain};

/// How many documents came to what.
#[derive(Default)]
pub struct Counts {
    new: usize,
    changed: usize,
    unchanged: usize,
    kept: usize,
    pub failed: usize,
    /// Files that hold nothing to remember.
    pub passed_over: u64,
    chunks: u64,
}

impl Counts {
    /// Counts what the server said of a document, and says why one failed unless all is said as JSON.
    pub fn add(&mut self, raw: &Value, bar: &ProgressBar, json: bool) {
        self.chunks += raw["chunks"].as_u64().unwrap_or_default();
        match raw["state"].as_str().unwrap_or_default() {
            "new" => self.new += 1,
            "changed" => self.changed += 1,
            "unchanged" => self.unchanged += 1,
            "kept" => self.kept += 1,
            "passed_over" => self.passed_over += 1,
            _ => {
                self.failed += 1;
                if !json {
                    let text = |name: &str| plain(raw["error"][name].as_str().unwrap_or_default());
                    let name = plain(raw["name"].as_str().unwrap_or_default());
                    let ink = Ink::stderr();
                    bar.suspend(|| {
                        note(&format!("{} {name}: {}. {}", ink.red("failed"), text("message"), text("hint")));
                    });
                }
            }
        }
    }

    /// In one line.
    pub fn summary(&self) -> String {
        let Self { new, changed, unchanged, kept, failed, passed_over, chunks } = self;
        let kept = if *kept > 0 { format!("{kept} kept as they are here, ") } else { String::new() };
        let rest = match passed_over {
            0 => String::new(),
            1 => "; 1 file passed over".into(),
            _ => format!("; {passed_over} files passed over"),
        };
        format!(
            "{new} new, {changed} changed, {unchanged} unchanged, {kept}{failed} failed; {chunks} chunks{rest}"
        )
    }
}
