//! `cargo xtask check`: everything about the code that needs no running of it.
//!
//! Invariant: every step runs even if one before it failed, so that a person sees all there is to
//! do at once; the command fails if any did.

mod error_codes;
mod licences;
mod locks;
mod paths;

use std::process::Command;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::arguments::Arguments;
use crate::workshop::Workshop;
use crate::{generate, process, tidy, ui};

type Step = fn(&Workshop) -> Result<()>;

/// The steps, quick ones first.
const STEPS: [(&str, Step); 9] = [
    ("format", format),
    ("tidy", tidy::run),
    ("paths", paths::check),
    ("locks", locks::check),
    ("licences", licences::check),
    ("docs", error_codes::check),
    ("web", web),
    ("clippy", clippy),
    ("generated", |workshop| generate::generate(workshop, true)),
];

/// `cargo xtask check [<step>…]`.
pub fn check(workshop: &Workshop, mut arguments: Arguments) -> Result<()> {
    let chosen: Vec<String> = std::iter::from_fn(|| arguments.word()).collect();
    arguments.finish()?;
    if let Some(unknown) = chosen.iter().find(|word| STEPS.iter().all(|(name, _)| name != word)) {
        let names = STEPS.map(|(name, _)| name).join(", ");
        bail!("there is no step `{unknown}`; there are {names}");
    }
    let mut failed = Vec::new();
    let mut table = String::new();
    for (name, step) in STEPS {
        if !chosen.is_empty() && !chosen.iter().any(|word| word == name) {
            continue;
        }
        eprintln!("\n\x1b[1m── {name}\x1b[0m");
        let begin = Instant::now();
        let result = step(workshop);
        let verdict = if result.is_ok() { "ok" } else { "FAILED" };
        table += &format!("{name:<10} {:>8.1}  {verdict}\n", begin.elapsed().as_secs_f64());
        if let Err(error) = result {
            eprintln!("{error:#}");
            failed.push(name);
        }
    }
    print!("\n{:<10} {:>8}  result\n{table}", "step", "seconds");
    if !failed.is_empty() {
        bail!("not clean: {}", failed.join(", "));
    }
    Ok(())
}

fn format(workshop: &Workshop) -> Result<()> {
    process::run(workshop.cargo().args(["fmt", "--all", "--check"]))
}

fn web(workshop: &Workshop) -> Result<()> {
    ui::build(workshop)?;
    process::run(workshop.node("npm").args(["run", "check"]))?;
    process::run(workshop.node("npm").args(["run", "--if-present", "size"]))
}

fn clippy(workshop: &Workshop) -> Result<()> {
    // The crate that embeds the UI does not compile without it.
    ui::build(workshop)?;
    let mut command = workshop.cargo();
    command.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    process::run(&mut command)
}

/// The files of the project: tracked, or new and not ignored; paths from the root.
fn project_files(workshop: &Workshop) -> Result<Vec<String>> {
    let mut git = Command::new("git");
    git.current_dir(&workshop.root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listed = process::output(&mut git)?;
    Ok(listed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

/// Prints what is wrong, if anything, and fails then.
fn report(found: &[String], what: &str) -> Result<()> {
    for line in found {
        println!("{line}");
    }
    if !found.is_empty() {
        bail!("{} {what}", found.len());
    }
    Ok(())
}
