//! The server of a workspace folder on this machine: where it is, and one started for a single
//! command when there is none.
//!
//! A server writes `server.json` into its folder, readable only by its user: its address, its
//! process and a token for local commands, valid while it runs.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kernel::Kind;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::Url;
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::{Client, Endpoint, Problem, Result, RunsQuery, Source};

/// How long a server may take to listen, and to stop.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);
/// The code of the failure when another server holds the folder, and how long to leave it to that.
const IN_USE: &str = "workspace_in_use";
const IN_USE_PAUSE: Duration = Duration::from_millis(200);

/// What a server says about itself in its folder.
#[derive(Clone, Debug)]
pub struct Announcement {
    /// Where it is.
    pub endpoint: Endpoint,
    /// Its process.
    pub pid: i32,
}

#[derive(Deserialize)]
struct Written {
    url: String,
    pid: i32,
    #[serde(default)]
    token: Option<String>,
}

/// The server that says it serves `folder`, if its process lives.
pub fn announced(folder: &Path) -> Option<Announcement> {
    let text = std::fs::read(folder.join("server.json")).ok()?;
    let written: Written = serde_json::from_slice(&text).ok()?;
    let url = Url::parse(&written.url).ok()?;
    // Zero and negative numbers name groups of processes.
    let lives =
        written.pid > 0 && matches!(kill(Pid::from_raw(written.pid), None), Ok(()) | Err(Errno::EPERM));
    lives.then_some(Announcement { endpoint: Endpoint { url, token: written.token }, pid: written.pid })
}

/// A client of the server that serves `folder`, if there is one and it answers.
///
/// # Errors
/// When no HTTP client can be made.
pub async fn find(folder: &Path) -> Result<Option<(Client, Announcement)>> {
    let Some(found) = announced(folder) else { return Ok(None) };
    let client = Client::new(found.endpoint.clone(), Source::Folder(folder.to_owned()))?;
    Ok(client.is_ready().await.then_some((client, found)))
}

/// A server that was started for one command.
#[derive(Debug)]
pub struct OwnServer {
    process: Child,
}

/// Starts a server for `folder` in the background and waits until it answers. When another is
/// started at the same time, that one is used.
///
/// # Errors
/// What the server says when it cannot start.
pub async fn start(folder: &Path) -> Result<(Client, Option<OwnServer>)> {
    let log = folder.join("logs").join("server.out");
    let unusable = |error: std::io::Error| {
        Problem::unavailable(
            "workspace_read_only",
            format!("The workspace folder {} cannot be used: {error}", folder.display()),
        )
        .with_hint("Make the folder writable for this user, or choose another with --data")
    };
    std::fs::create_dir_all(folder.join("logs")).map_err(unusable)?;
    // It holds the link that opens the UI.
    let open =
        || File::options().create(true).write(true).truncate(true).mode(0o600).open(&log).map_err(unusable);
    let mut process = spawn(folder, open()?)?;
    let deadline = Instant::now() + LONGEST_WAIT;
    while Instant::now() < deadline {
        if let Some((client, found)) = find(folder).await? {
            let own = i64::from(found.pid) == i64::from(process.id());
            return Ok((client, own.then_some(OwnServer { process })));
        }
        if let Ok(Some(_)) = process.try_wait() {
            let problem = why_ended(&log);
            // Another server holds the folder: it is about to say where it is, or to stop.
            if problem.code != IN_USE || Instant::now() + IN_USE_PAUSE >= deadline {
                return Err(problem);
            }
            sleep(IN_USE_PAUSE).await;
            process = spawn(folder, open()?)?;
        }
        sleep(PAUSE).await;
    }
    let _ = process.kill();
    let _ = process.wait();
    let message = format!("The server did not begin to listen within {} s", LONGEST_WAIT.as_secs());
    Err(Problem::unavailable("server_slow", message).with_hint(format!("Look into {}", log.display())))
}

fn spawn(folder: &Path, output: File) -> Result<Child> {
    use std::os::unix::process::CommandExt;
    let failed = |error: std::io::Error| {
        Problem::unavailable("cannot_start", format!("No server can be started: {error}"))
    };
    let errors = output.try_clone().map_err(failed)?;
    let program = std::env::current_exe().map_err(failed)?;
    Command::new(program)
        .args(["serve", "--json", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        // What is typed at the terminal to stop the command does not reach the server.
        .process_group(0)
        .spawn()
        .map_err(failed)
}

/// What the server wrote before it ended: a failure as `--json` has it.
fn why_ended(log: &Path) -> Problem {
    #[derive(Deserialize)]
    struct Told {
        error: Failure,
        exit_code: i32,
    }
    #[derive(Deserialize)]
    struct Failure {
        code: String,
        message: String,
        hint: Option<String>,
    }
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    match text.lines().rev().find_map(|line| serde_json::from_str::<Told>(line).ok()) {
        Some(Told { error, exit_code }) => {
            let kind = crate::cli::kind_of_exit_code(exit_code).unwrap_or(Kind::Unavailable);
            Problem { hint: error.hint, ..Problem::new(kind, error.code, error.message) }
        }
        None => Problem::unavailable("server_did_not_start", "The server ended before it listened")
            .with_hint(format!("Look into {}", log.display())),
    }
}

impl OwnServer {
    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Stops it, unless a run is still being carried out. Tells whether it goes on.
    pub async fn stop_when_idle(mut self, client: &Client) -> bool {
        let status = Some("queued,running,waiting".to_owned());
        let active = client.runs(&RunsQuery { status, limit: Some(1), ..RunsQuery::default() }).await;
        if active.is_ok_and(|active| !active.items.is_empty()) {
            return true;
        }
        let Ok(pid) = i32::try_from(self.process.id()) else { return true };
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        let deadline = Instant::now() + LONGEST_WAIT;
        while Instant::now() < deadline {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return false;
            }
            sleep(PAUSE).await;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(content: &str, expected: Option<&str>) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("server.json"), content).unwrap();
        let found = announced(folder.path()).map(|found| found.endpoint.url.to_string());
        assert_eq!(found.as_deref(), expected, "{content}");
    }

    #[test]
    fn believes_only_the_word_of_a_process_that_lives() {
        let own = std::process::id();
        check(
            &format!(r#"{{"url":"http://127.0.0.1:8080","pid":{own},"token":"atl_x"}}"#),
            Some("http://127.0.0.1:8080/"),
        );
        check(r#"{"url":"http://127.0.0.1:8080","pid":2147483646}"#, None);
        check(r#"{"url":"http://127.0.0.1:8080","pid":0}"#, None);
        check(r#"{"url":"http://127.0.0.1:8080","pid":-1}"#, None);
        check(&format!(r#"{{"url":"nowhere","pid":{own}}}"#), None);
        check("", None);
    }

    #[test]
    fn a_server_that_did_not_start_is_told_in_its_own_words() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("server.out");
        let told = r#"{"error":{"code":"disk_full","message":"The disk is full","hint":"Free some space"},"exit_code":6}"#;
        std::fs::write(&log, format!("noise\n{told}\nerror: The disk is full\n")).unwrap();
        let problem = why_ended(&log);
        assert_eq!((problem.kind, problem.code.as_str()), (Kind::Limit, "disk_full"));
        assert_eq!(problem.hint.as_deref(), Some("Free some space"));
        assert_eq!(why_ended(&folder.path().join("none")).code, "server_did_not_start");
    }
}
