//! The `clients` suite: other people's clients against the real server.
//!
//! One scripted model stands behind two servers, whose only provider speaks one dialect each. The
//! tests of `clients/python` and `clients/node` run against both. Afterwards everything the servers
//! wrote and show, the log at its most talkative, is searched for the keys and tokens that were used.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use super::Plan;
use super::counts::{self, Counts};
use crate::server::Server;
use crate::workshop::Workshop;
use crate::{model_files, process, ui, venv};

/// The key of the model's provider. The model repeats it when it refuses, as some servers do.
const CANARY: &str = "canary-of-a-provider";
const KEY_VARIABLE: &str = "ATELIER_CLIENTS_CANARY";
/// Where the owner keeps it, and the only file it may be in.
const KEY_FILE: &str = ".env";

const DIALECTS: [&str; 2] = ["chat", "anthropic"];

/// Runs the tests in both languages.
pub fn run(plan: &Plan) -> Result<Counts> {
    let workshop = plan.workshop;
    let folder = workshop.root.join("clients");
    let tools = venv::ensure(workshop, "clients", &folder.join("python/requirements.txt"))?;
    ui::install_in(workshop, &folder.join("node"))?;
    let scratch = workshop.empty_scratch("clients/run")?;
    let binary = plan.binary()?;
    let model = Model::start(workshop, &folder.join("standard.json"))?;
    let minilm = model_files::minilm(workshop)?;
    let mut servers = DIALECTS
        .map(|dialect| serve(&binary, &scratch.join(dialect), dialect, &model.base_url, &minilm))
        .into_iter()
        .collect::<Result<Vec<Server>>>()?;

    let mut pytest = Command::new(tools.join("python"));
    pytest.args(["-m", "pytest", "--tb=short"]).env("PYTHONDONTWRITEBYTECODE", "1");
    tell(pytest.current_dir(folder.join("python")), &servers, &model);
    let shown = process::shown(&mut pytest, plan.limit())?;
    let python = counts::judged(counts::pytest(&shown.text), &shown)?;

    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=spec"]);
    tell(node.current_dir(folder.join("node")), &servers, &model);
    let shown = process::shown(&mut node, plan.limit())?;
    let node = counts::judged(counts::node_test(&shown.text), &shown)?;

    let mut shown = Vec::new();
    for (server, dialect) in servers.iter_mut().zip(DIALECTS) {
        if !server.alive() {
            bail!("a server died; the logs are in {}", scratch.display());
        }
        shown.push(said_by(server, &binary, &scratch.join(dialect))?);
    }
    let secrets: Vec<String> =
        servers.iter().map(|server| server.token.clone()).chain([CANARY.into()]).collect();
    drop(servers);
    let leaks = leaks(&scratch, &shown, &secrets)?;
    leaks.iter().for_each(|leak| eprintln!("a secret is in {leak}"));
    let notes = [("Python", python.note), ("Node", node.note)];
    let notes: Vec<String> = notes
        .into_iter()
        .filter(|(_, note)| !note.is_empty())
        .map(|(language, note)| format!("{language}: {note}"))
        .collect();
    Ok(Counts {
        passed: python.passed + node.passed + u64::from(leaks.is_empty()),
        failed: python.failed + node.failed + u64::from(!leaks.is_empty()),
        note: notes.join("; "),
    })
}

/// A server whose only provider is the model, asked in this dialect.
fn serve(binary: &Path, data: &Path, dialect: &str, model_url: &str, minilm: &Path) -> Result<Server> {
    std::fs::create_dir_all(data)?;
    // One try only: what fails is meant to. The log says all it can, to be searched for secrets.
    let settings = format!(
        "log: trace\nmodels:\n  retry: {{attempts: 1}}\n  providers:\n    - {{name: model, dialect: \
         {dialect}, base_url: \"{model_url}\", model: standard, api_key_env: {KEY_VARIABLE}}}\n\
         embeddings: {{provider: minilm, folder: {minilm:?}}}\n"
    );
    std::fs::write(data.join(KEY_FILE), format!("{KEY_VARIABLE}={CANARY}\n"))?;
    std::fs::write(data.join("settings.yaml"), settings)?;
    Server::start(binary, data, &data.with_extension("log"))
}

/// What a server shows of itself.
fn said_by(server: &Server, binary: &Path, data: &Path) -> Result<(String, String)> {
    let mut text = String::new();
    for path in ["/api/v1/health", "/api/v1/openapi.json", "/api/v1/events", "/v1/models"] {
        text += &server.get(path).unwrap_or_default();
    }
    let doctor = Command::new(binary).args(["doctor", "--data"]).arg(data).output()?;
    text += &String::from_utf8_lossy(&doctor.stdout);
    text += &String::from_utf8_lossy(&doctor.stderr);
    Ok((format!("what the server over {} shows", data.display()), text))
}

/// Where one of the secrets can be read: in what was shown, or in a file of the workspaces or logs.
fn leaks(folder: &Path, shown: &[(String, String)], secrets: &[String]) -> Result<Vec<String>> {
    let holds = |bytes: &[u8]| {
        secrets.iter().any(|secret| bytes.windows(secret.len()).any(|part| part == secret.as_bytes()))
    };
    let mut found: Vec<String> =
        shown.iter().filter(|(_, text)| holds(text.as_bytes())).map(|(name, _)| name.clone()).collect();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name != KEY_FILE) && holds(&std::fs::read(&path)?) {
                found.push(path.display().to_string());
            }
        }
    }
    Ok(found)
}

/// Tells the tests where everything is.
fn tell(command: &mut Command, servers: &[Server], model: &Model) {
    for (dialect, server) in DIALECTS.iter().zip(servers) {
        let name = format!("ATELIER_CLIENTS_{}", dialect.to_uppercase());
        command.env(&name, format!("http://{}", server.address));
        command.env(format!("{name}_TOKEN"), &server.token);
    }
    command.env("ATELIER_CLIENTS_MODEL", model.base_url.trim_end_matches("/v1"));
}

/// The running `scripted-model`; it is stopped when the value is dropped.
struct Model {
    child: Child,
    base_url: String,
}

impl Model {
    fn start(workshop: &Workshop, script: &Path) -> Result<Self> {
        let mut command = Command::new(Self::build(workshop)?);
        command.arg("--script").arg(script).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().context("the scripted model cannot be started")?;
        let output = child.stdout.take().context("the scripted model has no output")?;
        let mut line = String::new();
        let read = BufReader::new(output).read_line(&mut line);
        let model = Self { child, base_url: line.trim().to_owned() };
        if read? == 0 {
            bail!("the scripted model ended at once; see above");
        }
        Ok(model)
    }

    fn build(workshop: &Workshop) -> Result<PathBuf> {
        let mut command = workshop.cargo();
        // With the workspace's features, so that what the tests compiled is not compiled once more.
        command.args(["build", "--workspace", "--exclude", "xtask", "--bin", "scripted-model"]);
        process::run(&mut command)?;
        Ok(workshop.target.join("debug/scripted-model"))
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing to do about it either way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
