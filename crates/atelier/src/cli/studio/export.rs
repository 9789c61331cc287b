//! `atelier studio export`.
//!
//! Invariant: a file that is there is replaced only when it was named, and never by half a zip file.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::find::find;
use crate::cli::Exit;
use crate::cli::terminal::{note, say, say_json, size, write_all};
use crate::client::{Client, Problem, Result};

#[derive(Args)]
#[command(after_help = "Examples:
  atelier studio export 4r6t                    bakery.zip, after the session's name
  atelier studio export 4r6t --out site.zip
  atelier studio export 4r6t --out - | bsdtar -tf -")]
pub struct Export {
    /// The session's id, or a part of it from its beginning or end; the session used last if left out
    id: Option<String>,
    /// The file to write; `-` is standard output
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub async fn export(client: &Client, export: Export, json: bool) -> Result<Exit> {
    let session = find(client, export.id.as_deref()).await?;
    let id = &session.session_id;
    if export.out.as_deref() == Some(Path::new("-")) {
        client
            .export_session(id, |piece| {
                write_all(piece);
                Ok(())
            })
            .await?;
        return Ok(Exit::Done);
    }
    let path = match export.out {
        Some(path) => path,
        None => free(&session.name)?,
    };
    let failed = |error: std::io::Error| {
        Problem::unavailable("cannot_write", format!("{} cannot be written: {error}", path.display()))
            .with_hint("Choose another place with --out")
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Readable for whom other new files are; a temporary one usually is for its owner alone.
    let permissions = std::fs::Permissions::from_mode(0o666);
    let mut partial =
        tempfile::Builder::new().permissions(permissions).tempfile_in(folder).map_err(failed)?;
    client.export_session(id, |piece| partial.write_all(piece)).await?;
    partial.as_file().sync_all().map_err(failed)?;
    let bytes = partial.as_file().metadata().map_err(failed)?.len();
    partial.persist(&path).map_err(|error| failed(error.error))?;
    if json {
        say_json(&json!({ "session": id, "path": path, "bytes": bytes }));
    } else {
        say(&path.display().to_string());
        note(&format!("{}, without what is installed or made by tools", size(bytes)));
    }
    Ok(Exit::Done)
}

/// A file called after the session.
fn free(name: &str) -> Result<PathBuf> {
    let path = PathBuf::from(format!("{}.zip", file_name(name)));
    if !path.exists() {
        return Ok(path);
    }
    let message = format!("There is a file {} already", path.display());
    Err(Problem::new(kernel::Kind::Conflict, "file_exists", message)
        .with_hint("Name the file to write with --out"))
}

fn file_name(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|character| if character.is_alphanumeric() { character.to_ascii_lowercase() } else { '-' })
        .collect();
    let parts: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "session".into() } else { parts.join("-") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_after_its_session() {
        assert_eq!(file_name("My  Bakery & Co."), "my-bakery-co");
        assert_eq!(file_name("../.."), "session");
        assert_eq!(file_name("Café"), "café");
    }
}
