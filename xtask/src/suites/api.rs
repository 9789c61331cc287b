//! The `api` suite: Schemathesis reads the server's own OpenAPI document and tries to break it.
//!
//! All its checks are on. By default it gets a minute and a quarter; in the nightly profile it
//! goes on until it has made [`NIGHTLY_CASES`]. A stream that has no end cannot be fuzzed, so
//! operations that answer with one are left out here and tested in Rust, as are those that ask a
//! provider, of which there is none, and the few that [`LEFT_OUT`] names.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Plan;
use super::counts::{self, Counts};
use crate::server::Server;
use crate::{process, venv};

const DEFAULT_SECONDS: u64 = 75;
const NIGHTLY_CASES: u64 = 20_000;
/// One pass of the nightly profile; passes are repeated, with other seeds, until the cases are made.
const NIGHTLY_PASS_SECONDS: u64 = 10 * 60;
const NIGHTLY_SECONDS: u64 = 90 * 60;
/// Operations that ask a provider and fail with it, which is as it should be; that install packages;
/// that take a zip file, which the fuzzer cannot write.
const LEFT_OUT: [&str; 4] =
    ["list_provider_models", "warm_up_model", "create_studio_session", "upload_files"];
/// What a pass may take over its budget, for loading and the fixed phases.
const MARGIN: Duration = Duration::from_secs(120);

/// Runs the suite against a server of its own.
pub fn fuzz(plan: &Plan) -> Result<Counts> {
    let workshop = plan.workshop;
    let tools = venv::ensure(workshop, "api", &workshop.root.join("xtask/api/requirements.txt"))?;
    let folder = workshop.empty_scratch("api/run")?;
    let binary = plan.binary()?;
    let mut server = Server::start(&binary, &folder.join("data"), &folder.join("server.log"))?;
    let document = server.get("/api/v1/openapi.json")?;
    let fuzzer = Fuzzer { program: tools.join("st"), folder, root: workshop.root.clone(), document };
    let total =
        if plan.nightly { fuzzer.until_enough(&server)? } else { fuzzer.pass(&server, DEFAULT_SECONDS)?.0 };
    if !server.alive() {
        bail!("the server died; its log is {}", fuzzer.folder.join("server.log").display());
    }
    Ok(total)
}

struct Fuzzer {
    program: std::path::PathBuf,
    folder: std::path::PathBuf,
    root: std::path::PathBuf,
    document: String,
}

impl Fuzzer {
    /// Passes until enough cases are made, the time is up or something failed.
    fn until_enough(&self, server: &Server) -> Result<Counts> {
        let begin = Instant::now();
        let mut total = 0;
        loop {
            let (counts, cases) = self.pass(server, NIGHTLY_PASS_SECONDS)?;
            total += cases;
            let note = format!("{total} cases; last pass: {}", counts.note);
            if counts.failed > 0 || total >= NIGHTLY_CASES {
                return Ok(Counts { note, ..counts });
            }
            if begin.elapsed() > Duration::from_secs(NIGHTLY_SECONDS) {
                bail!("only {total} of {NIGHTLY_CASES} cases were made in {NIGHTLY_SECONDS} s");
            }
        }
    }

    /// One run of Schemathesis; answers what came out and how many cases it made.
    fn pass(&self, server: &Server, seconds: u64) -> Result<(Counts, u64)> {
        let report = self.folder.join("report.json");
        super::remove(&report)?;
        let mut command = self.command(server, seconds, &report);
        let mut left_out = endless_streams(&serde_json::from_str(&self.document)?);
        left_out.extend(LEFT_OUT.map(str::to_owned));
        for operation in &left_out {
            command.args(["--exclude-operation-id", operation]);
        }
        let shown = process::shown(&mut command, Duration::from_secs(seconds) + MARGIN)?;
        let written = std::fs::read_to_string(&report).context("Schemathesis wrote no report; see above")?;
        let (counts, cases) = counts::schemathesis(&written)?;
        let counts = counts::judged(Some(counts), &shown)?;
        let note = format!("{}; left out: {}", counts.note, left_out.join(", "));
        Ok((Counts { note, ..counts }, cases))
    }

    fn command(&self, server: &Server, seconds: u64, report: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.root).env("HYPOTHESIS_STORAGE_DIRECTORY", self.folder.join("hypothesis"));
        command.args([
            "--no-color",
            "--config-file",
            "xtask/schemathesis.toml",
            "run",
            &format!("http://{}/api/v1/openapi.json", server.address),
        ]);
        command.args(["--header", &format!("Authorization: Bearer {}", server.token)]);
        command.args(["--checks", "all", "--workers", "1", "--request-timeout", "40"]);
        command.args(["--max-time", &seconds.to_string(), "--generation-database", "none"]);
        command.args(["--report", "json", "--report-json-path"]).arg(report);
        command
    }
}

/// The operations whose answer is a stream of events.
fn endless_streams(document: &Value) -> Vec<String> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let operations = paths.filter_map(|(_, item)| item.as_object()).flatten();
    operations
        .filter(|(_, operation)| operation.pointer("/responses/200/content/text~1event-stream").is_some())
        .filter_map(|(_, operation)| operation["operationId"].as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_operations_that_answer_with_a_stream() {
        let document = serde_json::json!({"paths": {
            "/runs": {"get": {"operationId": "list_runs", "responses": {"200": {"content": {"application/json": {}}}}}},
            "/events": {
                "parameters": [],
                "get": {"operationId": "watch", "responses": {"200": {"content": {"text/event-stream": {}}}}},
            },
        }});
        assert_eq!(endless_streams(&document), ["watch"]);
    }
}
