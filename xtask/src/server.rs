//! A server of our own for tests and measurements: on a temporary folder and a free port.
//!
//! Invariant: it is stopped by its process id when the value is dropped, whatever happened between.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process;

const START_LIMIT: Duration = Duration::from_secs(20);
const STOP_LIMIT: Duration = Duration::from_secs(12);

/// A running `atelier serve`.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// A bearer token for it.
    pub token: String,
    /// From the start of the process to its first answer.
    pub started_in: Duration,
}

impl Server {
    /// Starts the binary on `data` and waits until it answers; its log goes to `log`.
    pub fn start(binary: &Path, data: &Path, log: &Path) -> Result<Self> {
        let token = new_token(binary, data)?;
        // Nobody else is likely to take the port in the moment between this and the server's start.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log_file = std::fs::File::create(log)?;
        let mut command = Command::new(binary);
        command.arg("serve").arg("--data").arg(data).args(["--listen", &address.to_string()]);
        command.stdin(Stdio::null()).stdout(log_file.try_clone()?).stderr(log_file);
        let begin = Instant::now();
        let child = command.spawn().with_context(|| format!("{} cannot be started", binary.display()))?;
        let mut server = Self { child, address, token, started_in: Duration::ZERO };
        while get(server.address, "/api/v1/health", &server.token).is_err() {
            if let Some(status) = server.child.try_wait()? {
                bail!("the server ended at once ({status}); its log:\n{}", tail(log));
            }
            if begin.elapsed() > START_LIMIT {
                bail!("the server does not answer on {address}; its log:\n{}", tail(log));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        server.started_in = begin.elapsed();
        Ok(server)
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What it answers to `GET path`; an error unless the status is 200.
    pub fn get(&self, path: &str) -> Result<String> {
        get(self.address, path, &self.token)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = self.pid().to_string();
        let asked = process::succeeds(Command::new("kill").args(["-TERM", &pid]));
        let deadline = Instant::now() + STOP_LIMIT;
        while asked && Instant::now() < deadline {
            if !self.alive() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn new_token(binary: &Path, data: &Path) -> Result<String> {
    let mut command = Command::new(binary);
    command.args(["token", "new", "--name", "xtask", "--data"]).arg(data);
    let printed = process::output(&mut command)?;
    let token = printed.split_whitespace().find(|word| word.starts_with("atl_"));
    token.map(str::to_owned).with_context(|| format!("`atelier token new` printed no token:\n{printed}"))
}

/// One HTTP/1.0 request, so that the answer is never chunked and ends with the connection.
fn get(address: SocketAddr, path: &str, token: &str) -> Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer has no end of its head")?;
    let status = head.split_whitespace().nth(1).unwrap_or("none");
    if status != "200" {
        bail!("GET {path} answered {status}: {body}");
    }
    Ok(body.to_owned())
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Prints a token and serves, as the real one does, and says in a file that it was asked to stop.
    const SCRIPT: &str = r#"#!/usr/bin/env python3
import http.server, signal, sys
if sys.argv[1] == "token":
    sys.exit(print("New token (shown once):", "atl_secret"))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        fine = self.headers["Authorization"] == "Bearer atl_secret" and self.path != "/missing"
        self.send_response(200 if fine else 404)
        self.end_headers()
        self.wfile.write(self.path.encode())
def stop(*_):
    open(sys.argv[3] + ".stopped", "w").close()
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
host, port = sys.argv[5].split(":")
http.server.HTTPServer((host, int(port)), Handler).serve_forever()
"#;

    fn program(folder: &Path, text: &str) -> std::path::PathBuf {
        let path = folder.join("atelier");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn waits_for_the_server_asks_it_with_a_token_and_stops_it() {
        let folder = tempfile::tempdir().unwrap();
        let binary = program(folder.path(), SCRIPT);
        let mut server =
            Server::start(&binary, &folder.path().join("data"), &folder.path().join("log")).unwrap();
        assert_eq!(server.get("/api/v1/openapi.json").unwrap(), "/api/v1/openapi.json");
        assert_eq!(server.get("/missing").unwrap_err().to_string(), "GET /missing answered 404: /missing");
        assert!(server.alive());
        drop(server);
        assert!(folder.path().join("data.stopped").exists());
    }

    #[test]
    fn shows_the_log_of_a_server_that_ends_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let script = "#!/bin/sh\n[ $1 = token ] && echo atl_x && exit\necho the port is in use >&2\nexit 1\n";
        let binary = program(folder.path(), script);
        let started = Server::start(&binary, &folder.path().join("data"), &folder.path().join("log"));
        let error = started.err().unwrap().to_string();
        assert!(error.contains("ended at once") && error.contains("the port is in use"), "{error}");
    }
}
