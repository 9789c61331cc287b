//! `cargo xtask gen`: what is derived from the code, written out so that reviews see it change.
//!
//! The binary prints its OpenAPI document, which becomes `web/openapi.json`; that becomes the UI's
//! types in `web/src/gen/`. `--check` writes nothing and fails if anything would change.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::binary::{self, Profile};
use crate::workshop::Workshop;
use crate::{process, ui};

const DOCUMENT: &str = "web/openapi.json";

/// `cargo xtask gen [--check]`.
pub fn generate(workshop: &Workshop, check: bool) -> Result<()> {
    // Without the UI, which cannot be built while its types are of yesterday.
    let binary = binary::compile(workshop, Profile::Dev)?;
    let made = document_of(&binary)?;
    let place = workshop.root.join(DOCUMENT);
    let there = std::fs::read_to_string(&place).unwrap_or_default();
    match first_difference(&there, &made) {
        Some(line) if check => {
            bail!("{DOCUMENT}:{line} would change; run `cargo xtask gen` and commit what it writes");
        }
        Some(_) => {
            write(&place, &made)?;
            eprintln!("wrote {DOCUMENT}");
        }
        None => {}
    }
    ui::install(workshop)?;
    let script = if check { "gen:check" } else { "gen" };
    let typed = process::run(workshop.node("npm").args(["run", "--silent", script]));
    typed.context(
        "the UI's types do not fit web/openapi.json; run `cargo xtask gen` and commit what it writes",
    )
}

/// The document as the binary prints it, indented alike whatever the binary does.
fn document_of(binary: &Path) -> Result<String> {
    let printed = process::output(std::process::Command::new(binary).arg("openapi"))?;
    let document: serde_json::Value =
        serde_json::from_str(&printed).context("`atelier openapi` did not print JSON")?;
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

/// The first line, from 1, in which the texts differ.
fn first_difference(there: &str, made: &str) -> Option<usize> {
    if there == made {
        return None;
    }
    let same = there.lines().zip(made.lines()).take_while(|(a, b)| a == b).count();
    Some(same + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_first_line_that_differs() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(first_difference("a\n", "a\nb\n"), Some(2));
        assert_eq!(first_difference("", "a\n"), Some(1));
        assert_eq!(first_difference("a", "a\n"), Some(2));
    }
}
