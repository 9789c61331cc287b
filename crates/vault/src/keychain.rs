//! The operating system's keychain, through the program the system has for it: `secret-tool` for
//! the Secret Service on Linux, `security` on macOS.
//!
//! Invariant: a secret is written to a program's standard input, never among its arguments, where
//! other users could read it.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::error::Error;
use crate::secret::Secret;

/// A person may have to unlock it.
const PATIENCE: Duration = Duration::from_secs(60);
/// Whether there is one shows sooner.
const PROBE_PATIENCE: Duration = Duration::from_secs(3);
const SERVICE: &str = "atelier";

/// A keychain that can be used.
#[derive(Clone, Debug)]
pub struct Keychain {
    /// Tells the secrets of this workspace from those of others.
    workspace: String,
}

struct Answer {
    is_success: bool,
    out: Zeroizing<Vec<u8>>,
    err: String,
}

impl Keychain {
    /// The keychain of this machine for the workspace of this name, if there is one that answers.
    pub fn detect(workspace: &str) -> Option<Self> {
        let keychain = Self { workspace: workspace.to_owned() };
        // Nothing is called so; a keychain that answers says just that, and nothing to complain of.
        let answer = keychain.run(keychain.lookup("\u{1}"), None, PROBE_PATIENCE).ok()?;
        (!answer.is_success && (answer.err.is_empty() || is_absent(&answer))).then_some(keychain)
    }

    pub(crate) fn put(&self, name: &str, secret: &Secret) -> Result<(), Error> {
        let (command, input) = self.store(name, secret);
        let answer = self.run(command, Some(&input), PATIENCE)?;
        if answer.is_success { Ok(()) } else { Err(failed(&answer)) }
    }

    pub(crate) fn find(&self, name: &str) -> Result<Option<Secret>, Error> {
        let answer = self.run(self.lookup(name), None, PATIENCE)?;
        if answer.is_success {
            let text = Zeroizing::new(String::from_utf8_lossy(&answer.out).into_owned());
            return Ok(Some(Secret::new(text.trim_end_matches('\n').to_owned())));
        }
        if answer.err.is_empty() || is_absent(&answer) { Ok(None) } else { Err(failed(&answer)) }
    }

    pub(crate) fn delete(&self, name: &str) -> Result<(), Error> {
        let answer = self.run(self.clear(name), None, PATIENCE)?;
        if answer.is_success || answer.err.is_empty() || is_absent(&answer) {
            return Ok(());
        }
        Err(failed(&answer))
    }

    fn run(&self, mut command: Command, input: Option<&str>, patience: Duration) -> Result<Answer, Error> {
        let unusable = |error: std::io::Error| Error::Keychain { reason: error.to_string() };
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(unusable)?;
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
            stdin.write_all(input.as_bytes()).map_err(unusable)?;
        }
        let is_success = wait(&mut child, patience)?;
        let (mut out, mut err) = (Zeroizing::new(Vec::new()), String::new());
        // Both are short: neither fills a pipe and keeps the program from ending.
        if let Some(mut stream) = child.stdout.take() {
            stream.read_to_end(&mut out).map_err(unusable)?;
        }
        if let Some(mut stream) = child.stderr.take() {
            stream.read_to_string(&mut err).map_err(unusable)?;
        }
        Ok(Answer { is_success, out, err: err.trim().to_owned() })
    }
}

#[cfg(not(target_os = "macos"))]
impl Keychain {
    fn tool(&self, verb: &[&str], name: &str) -> Command {
        let mut command = Command::new("secret-tool");
        command.args(verb).args(["service", SERVICE, "workspace", &self.workspace, "name", name]);
        command
    }

    fn lookup(&self, name: &str) -> Command {
        self.tool(&["lookup"], name)
    }

    fn clear(&self, name: &str) -> Command {
        self.tool(&["clear"], name)
    }

    fn store(&self, name: &str, secret: &Secret) -> (Command, Zeroizing<String>) {
        let label = format!("--label=Atelier: {name}");
        (self.tool(&["store", &label], name), Zeroizing::new(secret.expose().to_owned()))
    }
}

#[cfg(target_os = "macos")]
impl Keychain {
    fn tool(&self, verb: &str, name: &str) -> Command {
        let mut command = Command::new("security");
        command.args([verb, "-s", &format!("{SERVICE} {}", self.workspace), "-a", name]);
        command
    }

    fn lookup(&self, name: &str) -> Command {
        let mut command = self.tool("find-generic-password", name);
        command.arg("-w");
        command
    }

    fn clear(&self, name: &str) -> Command {
        self.tool("delete-generic-password", name)
    }

    fn store(&self, name: &str, secret: &Secret) -> (Command, Zeroizing<String>) {
        // It takes whole commands from its standard input; as an argument everybody could see it.
        let hex = Zeroizing::new(crate::cipher::hex(secret.expose().as_bytes()));
        let service = format!("{SERVICE} {}", self.workspace);
        let line = format!("add-generic-password -U -s \"{service}\" -a \"{name}\" -X {}\n", *hex);
        let mut command = Command::new("security");
        command.arg("-i");
        (command, Zeroizing::new(line))
    }
}

fn wait(child: &mut Child, patience: Duration) -> Result<bool, Error> {
    let deadline = Instant::now() + patience;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status.success()),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(5)),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(Error::Keychain { reason: "it waits, perhaps to be unlocked".into() });
            }
            Err(error) => return Err(Error::Keychain { reason: error.to_string() }),
        }
    }
}

/// Whether it says that there is no such secret.
fn is_absent(answer: &Answer) -> bool {
    answer.err.contains("could not be found")
}

fn failed(answer: &Answer) -> Error {
    let reason: String =
        answer.err.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect();
    Error::Keychain { reason }
}
