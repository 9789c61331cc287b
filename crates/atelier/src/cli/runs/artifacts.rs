//! `atelier runs artifacts`, and downloads.
//!
//! Invariant: nothing is written outside the folder that was named, whatever the paths say.

use std::path::{Component, Path};

use kernel::Kind;
use serde_json::json;

use crate::cli::Exit;
use crate::cli::terminal::{Ink, note, plain, say, say_json, size, table};
use crate::client::wire::Artifact;
use crate::client::{Client, Problem, Result};

pub async fn artifacts(client: &Client, id: &str, output: Option<&Path>, json: bool) -> Result<Exit> {
    let detail = client.run(id).await?;
    if let Some(folder) = output {
        download_all(client, id, &detail.artifacts, folder).await?;
    }
    if json {
        say_json(&json!({ "items": detail.raw["artifacts"], "folder": output }));
        return Ok(Exit::Done);
    }
    if detail.artifacts.is_empty() {
        note("The run has made no files.");
    } else {
        say(&list(&detail.artifacts, Ink::stdout()));
    }
    if let Some(folder) = output {
        note(&format!("{} in {}", count(detail.artifacts.len()), folder.display()));
    }
    Ok(Exit::Done)
}

/// The files of a run as a table.
pub fn list(artifacts: &[Artifact], ink: Ink) -> String {
    let row =
        |artifact: &Artifact| vec![plain(&artifact.path), size(artifact.size), plain(&artifact.content_type)];
    table(&["file", "size", "type"], &artifacts.iter().map(row).collect::<Vec<_>>(), ink)
}

/// `1 file`, `3 files`.
pub fn count(files: usize) -> String {
    if files == 1 { "1 file".into() } else { format!("{files} files") }
}

/// Downloads every artifact to its path below `folder`.
///
/// # Errors
/// When a path leads out of the folder, or a file cannot be had or written.
pub async fn download_all(client: &Client, id: &str, artifacts: &[Artifact], folder: &Path) -> Result<()> {
    for artifact in artifacts {
        let path = Path::new(&artifact.path);
        if !path.components().all(|part| matches!(part, Component::Normal(_))) || artifact.path.contains('\\')
        {
            let message = format!("The path `{}` leads out of the folder", plain(&artifact.path));
            return Err(Problem::new(Kind::Forbidden, "unsafe_path", message));
        }
        let target = folder.join(path);
        let failed = |error: std::io::Error| {
            Problem::unavailable("cannot_write", format!("{} cannot be written: {error}", target.display()))
                .with_hint("Choose another folder with --output")
        };
        let parent = target.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).map_err(failed)?;
        // A link below the folder may lead out of it.
        let inside = folder.canonicalize().and_then(|folder| Ok(parent.canonicalize()?.starts_with(folder)));
        if !inside.map_err(failed)? {
            let message = format!("{} is a link that leads out of the folder", parent.display());
            return Err(Problem::new(Kind::Forbidden, "unsafe_path", message));
        }
        // Written beside and moved into place: what was there before stays whole until then, and a
        // link in its place is replaced, not followed.
        let (file, temporary) = tempfile::NamedTempFile::new_in(parent).map_err(failed)?.into_parts();
        let mut file = tokio::fs::File::from_std(file);
        client.download(id, &artifact.path, &mut file).await?;
        temporary.persist(&target).map_err(|error| failed(error.error))?;
        readable(&target).map_err(failed)?;
    }
    Ok(())
}

/// Temporary files are for their owner alone; what was downloaded is an ordinary file.
fn readable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))
}
