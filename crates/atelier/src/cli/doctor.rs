//! `atelier doctor`: what Atelier needs, whether it is here, and what to do where it is not. Works
//! without a server, and changes nothing.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kernel::{Clock, Entropy, SystemClock, SystemEntropy};
use models::Router;
use sandbox::{Finding, Jail, JailOptions, Sandbox, State, Toolchain};
use serde_json::{Value, json};

use super::Exit;
use super::session::Place;
use super::terminal::{Ink, plain, say, say_json, size};
use crate::client::{Problem, Result, local};
use crate::composition;
use crate::embedding;
use crate::settings::Settings;

/// Below this, runs soon fail for want of space.
const LITTLE_SPACE: u64 = 1 << 30;
/// Below this, nothing works.
const NO_SPACE: u64 = 50 << 20;
const OLLAMA_TIMEOUT: Duration = Duration::from_millis(500);
const MODEL_TIMEOUT: Duration = Duration::from_secs(5);

/// One thing that was looked at.
#[derive(Clone)]
struct Look {
    name: String,
    state: State,
    detail: String,
    advice: Option<String>,
}

impl Look {
    fn new(name: &str, state: State, detail: impl Into<String>) -> Self {
        Self { name: name.into(), state, detail: detail.into(), advice: None }
    }

    fn ok(name: &str, detail: impl Into<String>) -> Self {
        Self::new(name, State::Ok, detail)
    }

    fn advise(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    fn sign(&self, ink: Ink) -> String {
        match self.state {
            State::Ok => ink.green("✓"),
            State::Degraded => ink.yellow("!"),
            State::Missing => ink.red("✗"),
        }
    }

    fn document(&self) -> Value {
        let state = match self.state {
            State::Ok => "ok",
            State::Degraded => "degraded",
            State::Missing => "missing",
        };
        json!({ "name": self.name, "state": state, "detail": self.detail, "advice": self.advice })
    }
}

impl From<Finding> for Look {
    fn from(finding: Finding) -> Self {
        Self {
            name: finding.name.into(),
            state: finding.state,
            detail: finding.detail,
            advice: finding.advice,
        }
    }
}

pub async fn doctor(place: &Place, json: bool) -> Result<Exit> {
    let folder = std::path::absolute(place.folder()).unwrap_or_else(|_| place.folder());
    let settings = Settings::load(&folder);
    let sections = [
        ("Workspace", workspace(&folder, &settings).await),
        ("Sandbox", sandbox_findings().await?),
        ("Models", [models(&settings).await, within_reach(&folder).await].concat()),
        ("Embeddings", [embeddings(&folder, &settings), vectors(&settings).await].concat()),
    ];
    let looks = || sections.iter().flat_map(|(_, looks)| looks);
    let fit = !looks().any(|look| look.state == State::Missing);
    if json {
        let checks: Vec<_> = sections
            .iter()
            .flat_map(|(section, looks)| {
                looks.iter().map(move |look| {
                    let mut document = look.document();
                    document["section"] = json!(section.to_lowercase());
                    document
                })
            })
            .collect();
        say_json(
            &json!({ "version": env!("CARGO_PKG_VERSION"), "ok": fit, "data": folder, "checks": checks }),
        );
    } else {
        say(&describe(&sections, fit, Ink::stdout()));
    }
    Ok(if fit { Exit::Done } else { Exit::Unfit })
}

fn describe(sections: &[(&str, Vec<Look>)], fit: bool, ink: Ink) -> String {
    let mut text = format!("atelier {} on {}\n", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH);
    for (name, looks) in sections {
        text.push_str(&format!("\n{}\n", ink.bold(name)));
        for look in looks {
            text.push_str(&format!("  {} {}: {}\n", look.sign(ink), look.name, plain(&look.detail)));
            for line in look.advice.iter().flat_map(|advice| advice.lines()) {
                text.push_str(&format!("      {} {}\n", ink.cyan("→"), plain(line)));
            }
        }
    }
    let verdict = if fit {
        ink.green("Everything that is needed is here.")
    } else {
        ink.red("Something that is needed is missing.")
    };
    format!("{text}\n{verdict}")
}

async fn workspace(folder: &Path, settings: &kernel::Result<Settings>) -> Vec<Look> {
    let running = local::find(folder).await.ok().flatten();
    let mut looks = vec![writable(folder), space(folder)];
    match &running {
        Some((client, found)) => {
            looks.push(Look::ok("server", format!("at {} (process {})", client.url(), found.pid)))
        }
        None => looks.push(Look::ok("server", "none on this folder; commands start their own")),
    }
    match settings {
        Ok(settings) => looks
            .push(port(settings, running.as_ref().map(|(client, _)| client.url().port_or_known_default()))),
        Err(error) => {
            let advice = error.hint.clone().unwrap_or_default();
            looks.push(Look::new("settings", State::Missing, error.message.clone()).advise(advice));
        }
    }
    looks
}

/// The nearest folder that exists: what is said of it holds for what is made below it.
fn existing(folder: &Path) -> PathBuf {
    folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/")).to_owned()
}

fn writable(folder: &Path) -> Look {
    let nearest = existing(folder);
    let shown = folder.display();
    match tempfile::tempfile_in(&nearest) {
        Ok(_) if nearest == folder => Look::ok("data folder", format!("{shown}, writable")),
        Ok(_) => Look::ok("data folder", format!("{shown}, made when it is needed")),
        Err(error) => {
            Look::new("data folder", State::Missing, format!("{shown} cannot be written to: {error}"))
                .advise("Make it writable for this user, or choose another with --data or ATELIER_DATA")
        }
    }
}

fn space(folder: &Path) -> Look {
    let name = "disk space";
    let free = match nix::sys::statvfs::statvfs(&existing(folder)) {
        Ok(found) => found.blocks_available().saturating_mul(found.fragment_size()),
        Err(error) => return Look::new(name, State::Degraded, format!("not known: {error}")),
    };
    let detail = format!("{} free", size(free));
    match free {
        ..NO_SPACE => Look::new(name, State::Missing, detail)
            .advise("Free some space, or choose another folder with --data"),
        NO_SPACE..LITTLE_SPACE => Look::new(name, State::Degraded, detail)
            .advise("Runs that make large files may fail; free some space"),
        _ => Look::ok(name, detail),
    }
}

fn port(settings: &Settings, running: Option<Option<u16>>) -> Look {
    let name = "port";
    let address = settings.listen;
    match TcpListener::bind(address) {
        Ok(_) => Look::ok(name, format!("{address} is free")),
        Err(_) if running.flatten() == Some(address.port()) => {
            Look::ok(name, format!("{address} is held by this folder's server"))
        }
        Err(error) => Look::new(name, State::Degraded, format!("{address} cannot be listened on: {error}"))
            .advise(
                "`atelier serve` needs another port: --listen 127.0.0.1:PORT; other commands do not need it",
            ),
    }
}

async fn sandbox_findings() -> Result<Vec<Look>> {
    let probe = tokio::task::spawn_blocking(|| {
        let options = JailOptions {
            launcher: composition::launcher(),
            toolchain: Toolchain::detect(),
            ..JailOptions::default()
        };
        Jail::new(options).probe()
    });
    let findings = probe
        .await
        .map_err(|error| Problem::internal(format!("The sandbox could not be looked at: {error}")))?;
    Ok(findings.into_iter().map(Look::from).collect())
}

/// Models that could be used and that nobody has set up yet, as far as can be seen without a server.
async fn within_reach(folder: &Path) -> Vec<Look> {
    if let Ok(Some((client, _))) = local::find(folder).await {
        let found = client.provider_suggestions().await.unwrap_or_default();
        let names =
            found["items"].as_array().into_iter().flatten().filter_map(|found| found["name"].as_str());
        return names.map(suggestion).collect();
    }
    let presets = match composition::presets(folder) {
        Ok(presets) => presets,
        Err(error) => {
            let advice = error.hint.unwrap_or_default();
            return vec![Look::new("presets", State::Missing, error.message).advise(advice)];
        }
    };
    let has_key = |name: &String| crate::settings::variable(name).is_some();
    let keyed = presets.iter().filter(|preset| preset.key_variable.as_ref().is_some_and(has_key));
    let mut looks: Vec<_> = keyed.map(|preset| suggestion(&preset.name)).collect();
    if let Some(preset) = presets.find("ollama")
        && is_ollama(&preset.base_url).await
    {
        looks.push(suggestion(&preset.name));
    }
    looks
}

/// Whether Ollama answers where its own variable says, or else where it usually does.
async fn is_ollama(usual: &str) -> bool {
    let host = crate::settings::variable("OLLAMA_HOST");
    let base_url = host.and_then(|host| models::providers::url_of_host(&host));
    let Ok(ollama) = models::Ollama::new("ollama", base_url.as_deref().unwrap_or(usual)) else {
        return false;
    };
    matches!(tokio::time::timeout(OLLAMA_TIMEOUT, ollama.version()).await, Ok(Ok(_)))
}

fn suggestion(name: &str) -> Look {
    let detail = format!("could be used; `atelier providers add {name}` sets it up");
    Look::ok(name, detail)
}

/// What makes vectors of texts, if anything does.
fn embeddings(folder: &Path, settings: &kernel::Result<Settings>) -> Vec<Look> {
    let Ok(settings) = settings else { return Vec::new() };
    let files = embedding::model_folder(folder, settings);
    let model = &crate::pull::MODELS[0];
    let fetched = if embedding::is_fetched(&files) {
        Look::ok(model.name, format!("its files are in {}", files.display()))
    } else {
        Look::ok(model.name, "its files are not here").advise("Fetch them with `atelier models pull`")
    };
    let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) =
        (Arc::new(SystemClock), Arc::new(SystemEntropy));
    let (embeddings, _) = embedding::choose(folder, settings, &settings.models(), &clock, &entropy);
    let chosen = match embeddings.identity() {
        Ok(identity) => {
            let place = if embeddings.is_local() { "on this machine" } else { "elsewhere" };
            let detail = format!("{}, {} dimensions, {place}", identity.name, identity.dimensions);
            Look::ok("embedder", detail)
        }
        Err(_) if embedding::is_elsewhere(settings) => {
            Look::ok("embedder", "made by a provider that is kept in the workspace, not looked at from here")
        }
        Err(error) => Look::new("embedder", State::Degraded, error.to_string()).advise(
            "Memory is searched by words alone, and /v1/embeddings answers nothing, until there is one",
        ),
    };
    vec![chosen, fetched]
}

/// Where vectors are searched, and whether it answers.
async fn vectors(settings: &kernel::Result<Settings>) -> Vec<Look> {
    const NAME: &str = "vector store";
    let Ok(settings) = settings else { return Vec::new() };
    let refused = |state, detail: String, error: kernel::Error| {
        Look::new(NAME, state, detail).advise(error.hint.unwrap_or_default())
    };
    let address = match settings.vector_store() {
        Ok(Some(address)) => address,
        Ok(None) => return vec![Look::ok(NAME, "embedded, in the workspace's folder")],
        Err(error) => return vec![refused(State::Missing, error.message.clone(), error)],
    };
    let share = match address.strictest() {
        kernel::Privacy::Local => "has all vectors",
        kernel::Privacy::Shareable => "has what is shareable; what is local stays in the workspace's folder",
    };
    let place = format!("{} at {address}, {share}", address.store());
    vec![match address.check().await {
        Ok(version) => Look::ok(NAME, format!("{place}; {version} answers")),
        Err(error) => {
            let error = kernel::Error::from(error);
            refused(State::Degraded, format!("{place}: {}", error.message), error)
        }
    }]
}

async fn models(settings: &kernel::Result<Settings>) -> Vec<Look> {
    let Ok(settings) = settings else { return Vec::new() };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let router = match Router::from_options(&settings.models(), &clock, Arc::new(SystemEntropy)) {
        Ok(router) => router,
        Err(error) => {
            let error = kernel::Error::from(error);
            let advice = error.hint.unwrap_or_else(|| "Correct `models` in settings.yaml".into());
            return vec![Look::new("models", State::Degraded, error.message).advise(advice)];
        }
    };
    let mut looks = Vec::new();
    for provider in router.providers() {
        let place = if provider.is_local { "on this machine" } else { "elsewhere" };
        let detail = format!("{} {place}", provider.model);
        let look = match tokio::time::timeout(MODEL_TIMEOUT, router.check(&provider.name)).await {
            Ok(Ok(models)) if provider.is_model => {
                // A provider that lists nothing may have it all the same.
                if models.is_empty() || models.contains(&provider.model) {
                    Look::ok(&provider.name, format!("{detail}, answers"))
                } else {
                    let known: Vec<_> = models.iter().take(5).map(String::as_str).collect();
                    Look::new(
                        &provider.name,
                        State::Degraded,
                        format!("{detail}: it answers, but lists no such model"),
                    )
                    .advise(format!("Choose one it has, such as {}", known.join(", ")))
                }
            }
            Ok(Ok(_)) => Look::ok(&provider.name, "fixed rules, always there; not a language model"),
            Ok(Err(error)) => {
                let error = kernel::Error::from(error);
                let advice = error.hint.unwrap_or_else(|| "Correct it in settings.yaml, or start it".into());
                Look::new(&provider.name, State::Degraded, format!("{detail}: {}", error.message))
                    .advise(advice)
            }
            Err(_) => Look::new(&provider.name, State::Degraded, format!("{detail}: no answer within 5 s"))
                .advise("Look whether it runs and can be reached"),
        };
        looks.push(look);
    }
    if !router.has_model(kernel::Privacy::Shareable) {
        looks.push(
            Look::ok("language model", "none set up; goals are planned by rules and runbooks as they are written")
                .advise("To have one: ATELIER_MODEL_BASE_URL, ATELIER_MODEL and ATELIER_MODEL_API_KEY, or `models` in settings.yaml"),
        );
    }
    looks
}
