//! `atelier memory ingest`.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use futures::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::counts::Counts;
use crate::cli::Exit;
use crate::cli::terminal::{is_interactive, note, plain, say, say_json};
use crate::client::memory::FileToIngest;
use crate::client::{Client, Problem, Result};

/// How many files are sent at once.
const AT_ONCE: usize = 3;
/// Larger files are not read by any server.
const LARGEST: u64 = 64 << 20;
/// The exit code when a file could not be taken in: it was not valid.
const INVALID: u8 = 2;
/// What the server says of pictures, recordings, programs and empty files, which are no failure in a folder.
const NOTHING_TO_REMEMBER: [&str; 2] = ["unsupported_format", "empty_file"];
/// Folders that hold nobody's own words.
const SKIPPED: [&str; 8] =
    ["node_modules", "target", "__pycache__", "venv", "dist", "build", "vendor", "site-packages"];

#[derive(Args)]
#[command(
    after_help = "Examples:\n  atelier memory ingest ~/Notes\n  atelier memory ingest report.pdf --collection files --privacy local\n  atelier memory ingest https://example.com/page\n  git log | atelier memory ingest - --name history.txt"
)]
pub struct Ingest {
    /// Files, folders and addresses of the web; `-` reads standard input
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// The collection they go into; chosen by what each file is where absent
    #[arg(long, short)]
    collection: Option<String>,
    /// How far they may travel: `shareable` or `local`
    #[arg(long, value_parser = ["shareable", "local"])]
    privacy: Option<String>,
    /// What standard input is called
    #[arg(long)]
    name: Option<String>,
    /// Hidden files too, and folders of dependencies and builds
    #[arg(long)]
    all: bool,
}

/// A file to send, or an address of the web for the server to fetch.
struct Found {
    path: PathBuf,
    /// What it is called in memory: its path below the folder that was named.
    name: String,
    /// Whether it was found in a folder, and not named itself.
    is_within: bool,
}

pub async fn ingest(client: &Client, wanted: Ingest, json: bool) -> Result<Exit> {
    let mut files = Vec::new();
    for path in &wanted.paths {
        if path.as_os_str() == "-" {
            return standard_input(client, &wanted, json).await;
        }
        match address(path) {
            Some(url) => files.push(Found { path: path.clone(), name: url.to_owned(), is_within: false }),
            None => gather(path, wanted.all, &mut files)?,
        }
    }
    if files.is_empty() {
        note("There are no files to take in.");
        return Ok(Exit::Done);
    }
    let bar = progress(files.len());
    let mut results: Vec<Value> = Vec::new();
    let mut counts = Counts::default();
    let mut sending = stream::iter(files)
        .map(|found| async {
            let result = send(client, &wanted, &found).await;
            (found, result)
        })
        .buffered(AT_ONCE);
    while let Some((found, result)) = sending.next().await {
        let mut raw = match result {
            Ok(raw) => raw,
            // Of one file that cannot be read the others go on; without a server none does.
            Err(problem) if problem.kind == kernel::Kind::Unavailable => {
                bar.finish_and_clear();
                return Err(problem);
            }
            Err(problem) => json!({ "name": found.name, "state": "failed",
                "error": { "code": problem.code, "message": problem.message, "hint": problem.hint } }),
        };
        let code = raw["error"]["code"].as_str().unwrap_or_default();
        if found.is_within && NOTHING_TO_REMEMBER.contains(&code) {
            raw["state"] = json!("passed_over");
        }
        bar.set_message(plain(&found.name));
        bar.inc(1);
        counts.add(&raw, &bar, json);
        results.push(raw);
    }
    bar.finish_and_clear();
    if json {
        say_json(&json!({ "items": results }));
    } else {
        say(&counts.summary());
    }
    Ok(if counts.failed > 0 { Exit::Code(INVALID) } else { Exit::Done })
}

/// The path as an address of the web, if it is one.
fn address(path: &Path) -> Option<&str> {
    let text = path.to_str()?;
    ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme)).then_some(text)
}

async fn send(client: &Client, wanted: &Ingest, found: &Found) -> Result<Value> {
    if let Some(url) = address(&found.path) {
        let mut answer =
            client.ingest_page(url, wanted.collection.as_deref(), wanted.privacy.as_deref()).await?;
        return Ok(answer.raw["items"][0].take());
    }
    let unreadable = |error: std::io::Error| {
        Problem::invalid("file_unreadable", format!("{} cannot be read: {error}", found.path.display()))
    };
    let size = std::fs::metadata(&found.path).map_err(unreadable)?.len();
    if size > LARGEST {
        let text = format!("{} has {size} bytes; at most {LARGEST} are read", found.path.display());
        return Err(Problem::invalid("document_too_large", text).with_hint("Split it, or leave it out"));
    }
    let bytes = tokio::fs::read(&found.path).await.map_err(unreadable)?;
    let file = FileToIngest {
        name: found.name.clone(),
        collection: wanted.collection.clone(),
        privacy: wanted.privacy.clone(),
    };
    let mut answer = client.ingest_file(&file, bytes).await?;
    Ok(answer.raw["items"][0].take())
}

async fn standard_input(client: &Client, wanted: &Ingest, json: bool) -> Result<Exit> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| {
        Problem::invalid("file_unreadable", format!("Standard input cannot be read: {error}"))
    })?;
    let file = FileToIngest {
        name: wanted.name.clone().unwrap_or_else(|| "standard input".into()),
        collection: wanted.collection.clone(),
        privacy: wanted.privacy.clone(),
    };
    let answer = client.ingest_file(&file, bytes).await?;
    if json {
        say_json(&answer.raw);
    }
    let mut exit = Exit::Done;
    for document in &answer.items {
        if let Some(error) = &document.error {
            exit = Exit::Code(INVALID);
            note(&plain(&error.message));
        } else if !json {
            let collection = document.collection.as_deref().unwrap_or_default();
            say(&format!("{}  {}  {} chunks", plain(&document.state), plain(collection), document.chunks));
        }
    }
    Ok(exit)
}

fn progress(files: usize) -> ProgressBar {
    if !is_interactive() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(files as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {eta} {wide_msg}") {
        bar.set_style(style);
    }
    bar
}

/// All files at or below a path, in the order of their names.
fn gather(path: &Path, all: bool, files: &mut Vec<Found>) -> Result<()> {
    let unreadable = |error: std::io::Error| {
        Problem::invalid("file_unreadable", format!("{} cannot be read: {error}", path.display()))
    };
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if metadata.is_file() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.push(Found { path: path.to_owned(), name, is_within: false });
        return Ok(());
    }
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        // A folder within that cannot be read keeps no other from being read.
        let Ok(entries) = std::fs::read_dir(&folder) else {
            note(&format!("{} cannot be read and is left out", folder.display()));
            continue;
        };
        let mut entries: Vec<_> = entries.flatten().collect();
        entries.sort_by_key(std::fs::DirEntry::file_name);
        let mut within = Vec::new();
        for entry in entries {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            // A link could lead anywhere, and round in a circle.
            let Ok(kind) = entry.file_type() else { continue };
            if !all && (name.starts_with('.') || (kind.is_dir() && SKIPPED.contains(&&*name))) {
                continue;
            }
            if kind.is_dir() {
                within.push(entry.path());
            } else if kind.is_file() {
                let below = entry.path();
                let below = below.strip_prefix(path).unwrap_or(&below).to_string_lossy().into_owned();
                files.push(Found { path: entry.path(), name: below, is_within: true });
            }
        }
        folders.extend(within.into_iter().rev());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_gathered_without_what_nobody_wrote() {
        let folder = tempfile::tempdir().expect("a folder");
        for path in ["b.md", "a/c.txt", "a/.hidden", ".git/config", "node_modules/x/y.js"] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("it is made");
            std::fs::write(path, "x").expect("it is written");
        }
        let names = |all| {
            let mut files = Vec::new();
            gather(folder.path(), all, &mut files).expect("it can be read");
            files.into_iter().map(|found| found.name).collect::<Vec<_>>()
        };
        assert_eq!(names(false), ["b.md", "a/c.txt"]);
        assert_eq!(names(true).len(), 5);
        let mut files = Vec::new();
        assert!(gather(Path::new("/nowhere/at/all"), false, &mut files).is_err());
    }
}
