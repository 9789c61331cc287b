//! `atelier memory import`.
//!
//! A folder is packed into a zip file on its way, so that the server reads it like any other archive.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use tempfile::TempPath;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::counts::Counts;
use crate::cli::Exit;
use crate::cli::terminal::{is_interactive, note, plain, say, say_json};
use crate::client::memory::WantedImport;
use crate::client::{Client, Problem, Result};

/// The exit code when something could not be taken in: it was not valid.
const INVALID: u8 = 2;
/// Files that are larger are not read by any server.
const LARGEST: u64 = 64 << 20;
/// By this folder a vault is known.
const VAULT: &str = ".obsidian";

#[derive(Args)]
#[command(after_help = "Examples:
  atelier memory import memory.jsonl                  what `memory export` wrote
  atelier memory import ~/Vault --privacy local       an Obsidian vault, or any folder of Markdown
  atelier memory import chatgpt-export.zip            ChatGPT, Claude, Telegram, Slack, WhatsApp
  atelier memory import notes.zip --dry-run")]
pub struct Import {
    /// Files and folders
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// The collection everything goes into; to where it was, or by what it is, where absent
    #[arg(long, short)]
    collection: Option<String>,
    /// How far documents without a label may travel: `shareable` or `local`
    #[arg(long, value_parser = ["shareable", "local"])]
    privacy: Option<String>,
    /// Replace what is newer here or came from elsewhere
    #[arg(long)]
    overwrite: bool,
    /// Only tell what would be done
    #[arg(long)]
    dry_run: bool,
}

pub async fn import(client: &Client, wanted: Import, json: bool) -> Result<Exit> {
    let mut archives = Vec::new();
    let mut failed = false;
    for path in &wanted.paths {
        let packed = if path.is_dir() { Some(pack(path)?) } else { None };
        let name = name_of(path)?;
        let request = WantedImport {
            name: if packed.is_some() { format!("{name}.zip") } else { name.clone() },
            collection: wanted.collection.clone(),
            privacy: wanted.privacy.clone(),
            overwrite: wanted.overwrite,
            dry_run: wanted.dry_run,
        };
        let bar = progress(&name);
        let mut counts = Counts::default();
        let mut items: Vec<Value> = Vec::new();
        let mut told = Value::Null;
        let archive = packed.as_deref().unwrap_or(path);
        let each = |line: Value| {
            if line.get("totals").is_some() {
                told = line;
                return;
            }
            bar.inc(1);
            bar.set_message(plain(line["name"].as_str().unwrap_or_default()));
            counts.add(&line, &bar, json);
            if json {
                items.push(line);
            }
        };
        let imported = client.import_memory(&request, archive, each).await;
        bar.finish_and_clear();
        imported?;
        failed |= told["totals"]["failed"].as_u64() != Some(0);
        if json {
            told["archive"] = json!(name);
            told["items"] = json!(items);
            archives.push(told);
        } else {
            let would = if wanted.dry_run { "would be " } else { "" };
            let what = plain(told["recognised"].as_str().unwrap_or_default());
            counts.passed_over = told["totals"]["passed_over"].as_u64().unwrap_or_default();
            say(&format!("{} ({what}): {would}{}", plain(&name), counts.summary()));
        }
    }
    if json {
        say_json(&json!({ "archives": archives }));
    }
    Ok(if failed { Exit::Code(INVALID) } else { Exit::Done })
}

/// What an archive is called: the name of its file or folder.
fn name_of(path: &Path) -> Result<String> {
    let whole = fs::canonicalize(path).map_err(|error| unreadable(path, &error))?;
    let name = whole.file_name().map(|name| name.to_string_lossy().into_owned());
    Ok(name.unwrap_or_else(|| "import".into()))
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    Problem::invalid("file_unreadable", format!("{} cannot be read: {error}", path.display()))
}

/// Packs the files of a folder, below its own name. Hidden ones and links stay outside.
fn pack(folder: &Path) -> Result<TempPath> {
    let name = name_of(folder)?;
    let failed = |error: io::Error| unreadable(folder, &error);
    let (file, path) = tempfile::NamedTempFile::new().map_err(failed)?.into_parts();
    let mut zip = ZipWriter::new(BufWriter::new(file));
    let options = SimpleFileOptions::default();
    let begin = |zip: &mut ZipWriter<BufWriter<File>>, below: &str| {
        zip.start_file(format!("{name}/{below}"), options).map_err(io::Error::from)
    };
    if folder.join(VAULT).is_dir() {
        begin(&mut zip, &format!("{VAULT}/app.json")).map_err(failed)?;
    }
    let mut folders = vec![folder.to_owned()];
    while let Some(within) = folders.pop() {
        let entries = match fs::read_dir(&within) {
            Ok(entries) => entries,
            // A folder within that cannot be read keeps no other from being read.
            Err(error) if within != folder => {
                note(&format!("{} is left out: {error}", within.display()));
                continue;
            }
            Err(error) => return Err(failed(error)),
        };
        for entry in entries.flatten() {
            let path = entry.path();
            let below = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
            let Ok(kind) = entry.file_type() else { continue };
            let name = entry.file_name();
            if name.to_string_lossy().starts_with('.') || name == "node_modules" {
                continue;
            }
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                let copied = copy(&path, &mut zip, &|zip: &mut _| begin(zip, &below));
                if let Err(error) = copied {
                    note(&format!("{} is left out: {error}", path.display()));
                }
            }
        }
    }
    zip.finish().map_err(|error| failed(error.into()))?;
    Ok(path)
}

type Zip = ZipWriter<BufWriter<File>>;

fn copy(path: &Path, zip: &mut Zip, begin: &dyn Fn(&mut Zip) -> io::Result<()>) -> io::Result<()> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    if length > LARGEST {
        return Err(io::Error::other(format!("it has {length} bytes; at most {LARGEST} are read")));
    }
    begin(zip)?;
    io::copy(&mut file, zip).map(|_| ())
}

fn progress(name: &str) -> ProgressBar {
    if !is_interactive() {
        return ProgressBar::hidden();
    }
    // How many documents there will be is known only at the end.
    let bar = ProgressBar::new_spinner();
    if let Ok(style) =
        ProgressStyle::with_template("{spinner} {prefix} {pos} documents, {elapsed} {wide_msg}")
    {
        bar.set_style(style);
    }
    bar.set_prefix(plain(name));
    bar
}
