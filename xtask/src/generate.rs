//! `cargo xtask gen`: what is derived from the code, written out so that reviews see it change.
//!
//! The binary prints its OpenAPI document, which becomes `web/openapi.json`, and from that the UI's
//! types in `web/src/gen/openapi.ts`. `--check` writes nothing and fails if either would change.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::binary::{self, Profile};
use crate::workshop::Workshop;
use crate::{process, ui};

const DOCUMENT: &str = "web/openapi.json";
const TYPES: &str = "web/src/gen/openapi.ts";

/// `cargo xtask gen [--check]`.
pub fn generate(workshop: &Workshop, check: bool) -> Result<()> {
    ui::install(workshop)?;
    let binary = binary::build(workshop, Profile::Dev)?;
    let folder = workshop.empty_scratch("gen")?;
    let document = folder.join("openapi.json");
    std::fs::write(&document, document_of(&binary)?)?;
    let types = folder.join("openapi.ts");
    let mut command = workshop.node("npx");
    command.args(["--no-install", "openapi-typescript"]).arg(&document).arg("--output").arg(&types);
    process::run(&mut command).context("openapi-typescript has to be a devDependency of web/")?;
    let mut changed = Vec::new();
    for (made, kept) in [(&document, DOCUMENT), (&types, TYPES)] {
        let made = std::fs::read_to_string(made)?;
        let place = workshop.root.join(kept);
        let there = std::fs::read_to_string(&place).unwrap_or_default();
        if let Some(line) = first_difference(&there, &made) {
            changed.push(format!("{kept}:{line}"));
            if !check {
                write(&place, &made)?;
                eprintln!("wrote {kept}");
            }
        }
    }
    if check && !changed.is_empty() {
        bail!("{} would change; run `cargo xtask gen` and commit what it writes", changed.join(" and "));
    }
    Ok(())
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
