//! `atelier memory export`.
//!
//! Invariant: nothing that is there is replaced unless it was named, and never by half an export.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::cli::Exit;
use crate::cli::terminal::{note, say, say_json, size, write_all};
use crate::client::memory::WantedExport;
use crate::client::{Client, Problem, Result};

#[derive(Args)]
#[command(after_help = "Examples:
  atelier memory export                               memory.jsonl, everything
  atelier memory export --format markdown notes/      a folder of Markdown files
  atelier memory export --collection notes - | wc -l
  atelier memory export --privacy shareable for-a-friend.jsonl")]
pub struct Export {
    /// The file to write; `-` is standard output. Markdown goes into a folder, unless it is a `.zip`
    path: Option<PathBuf>,
    /// What it is written in
    #[arg(long, short, value_enum, default_value_t)]
    format: Format,
    /// Only this collection
    #[arg(long, short)]
    collection: Option<String>,
    /// `shareable` leaves out what stays on this machine
    #[arg(long, value_parser = ["shareable", "local"])]
    privacy: Option<String>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line of JSON for each document
    #[default]
    Jsonl,
    /// A file of Markdown for each document
    Markdown,
}

pub async fn export(client: &Client, wanted: Export, json: bool) -> Result<Exit> {
    let (format, default) = match wanted.format {
        Format::Jsonl => ("jsonl", "memory.jsonl"),
        Format::Markdown => ("markdown", "memory.zip"),
    };
    let request = WantedExport { format, collection: wanted.collection, privacy: wanted.privacy };
    if wanted.path.as_deref() == Some(Path::new("-")) {
        let print = |piece: &[u8]| {
            write_all(piece);
            Ok(())
        };
        client.export_memory(&request, print).await?;
        return Ok(Exit::Done);
    }
    let is_named = wanted.path.is_some();
    let path = wanted.path.unwrap_or_else(|| PathBuf::from(default));
    if !is_named && path.exists() {
        return Err(exists(&path, "Name another file to write"));
    }
    let is_zip = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip"));
    let written = if wanted.format == Format::Markdown && !is_zip {
        into_folder(client, &request, &path).await?
    } else {
        into_file(client, &request, &path).await?
    };
    if json {
        say_json(&json!({ "path": path, "bytes": written.bytes, "files": written.files }));
    } else {
        say(&path.display().to_string());
        note(&match written.files {
            Some(files) => format!("{files} files, {}", size(written.bytes)),
            None => size(written.bytes),
        });
    }
    Ok(Exit::Done)
}

struct Written {
    bytes: u64,
    files: Option<u64>,
}

async fn into_file(client: &Client, request: &WantedExport, path: &Path) -> Result<Written> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Readable for whom other new files are; a temporary one usually is for its owner alone.
    let permissions = fs::Permissions::from_mode(0o666);
    let partial = tempfile::Builder::new().permissions(permissions).tempfile_in(folder);
    let mut partial = partial.map_err(|error| unwritten(path, &error))?;
    client.export_memory(request, |piece| partial.write_all(piece)).await?;
    let length = partial.as_file().sync_all().and_then(|()| partial.as_file().metadata());
    let bytes = length.map_err(|error| unwritten(path, &error))?.len();
    partial.persist(path).map_err(|error| unwritten(path, &error.error))?;
    Ok(Written { bytes, files: None })
}

async fn into_folder(client: &Client, request: &WantedExport, path: &Path) -> Result<Written> {
    let failed = |error: io::Error| unwritten(path, &error);
    fs::create_dir_all(path).map_err(failed)?;
    if fs::read_dir(path).map_err(failed)?.next().is_some() {
        return Err(exists(path, "Name an empty folder or a new one"));
    }
    let mut archive = tempfile::tempfile_in(path).map_err(failed)?;
    client.export_memory(request, |piece| archive.write_all(piece)).await?;
    unpack(archive, path).map_err(failed)
}

/// Puts the files of an archive into a folder, and nothing beside it.
fn unpack(archive: File, folder: &Path) -> io::Result<Written> {
    let mut archive = zip::ZipArchive::new(io::BufReader::new(archive)).map_err(io::Error::from)?;
    let mut written = Written { bytes: 0, files: Some(0) };
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).map_err(io::Error::from)?;
        let below = PathBuf::from(member.name());
        if !below.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(io::Error::other(format!("{} leads elsewhere", below.display())));
        }
        let path = folder.join(below);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        written.bytes += io::copy(&mut member, &mut File::create_new(path)?)?;
        written.files = written.files.map(|files| files + 1);
    }
    Ok(written)
}

fn exists(path: &Path, hint: &'static str) -> Problem {
    let message = format!("There is something at {} already", path.display());
    Problem::new(kernel::Kind::Conflict, "file_exists", message).with_hint(hint)
}

fn unwritten(path: &Path, error: &io::Error) -> Problem {
    Problem::unavailable("cannot_write", format!("{} cannot be written: {error}", path.display()))
        .with_hint("Name another place")
}
