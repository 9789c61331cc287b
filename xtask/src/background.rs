//! Programs that run beside a measurement.
//!
//! Invariant: each is stopped by its process id when the value is dropped; its standard input stays
//! open until then, so that one that reads it can tell that nobody needs it any more.

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process;

/// A program that runs until this is dropped.
pub struct Background {
    child: Child,
    log: PathBuf,
    name: String,
}

impl Background {
    /// Starts the command; what it prints goes to `log`.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let file = File::create(log).with_context(|| format!("{} cannot be written", log.display()))?;
        command.stdin(Stdio::piped()).stdout(file.try_clone()?).stderr(file);
        let name = process::line(command);
        let child = command.spawn().with_context(|| format!("`{name}` cannot be started"))?;
        Ok(Self { child, log: log.to_owned(), name })
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The first line it prints.
    pub fn first_line(&mut self, patience: Duration) -> Result<String> {
        self.wait(patience, |printed| printed.split_once('\n').map(|(line, _)| line.to_owned()))
    }

    /// Waits until it listens on `address`.
    pub fn wait_for_port(&mut self, address: SocketAddr, patience: Duration) -> Result<()> {
        self.wait(patience, |_| TcpStream::connect(address).ok().map(drop))
    }

    fn wait<T>(&mut self, patience: Duration, look: impl Fn(&str) -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + patience;
        loop {
            let printed = std::fs::read_to_string(&self.log).unwrap_or_default();
            if let Some(found) = look(&printed) {
                return Ok(found);
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("`{}` ended at once ({status}):\n{printed}", self.name);
            }
            if Instant::now() >= deadline {
                bail!("`{}` is not ready after {} s:\n{printed}", self.name, patience.as_secs());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let (log, alive) = (folder.path().join("log"), Duration::from_secs(10));
        let mut command = Command::new("sh");
        command.args(["-c", "echo ready; cat"]);
        let mut running = Background::start(&mut command, &log).unwrap();
        assert_eq!(running.first_line(alive).unwrap(), "ready");
        let process = PathBuf::from(format!("/proc/{}", running.pid()));
        assert!(process.exists());
        drop(running);
        assert!(!process.exists());
    }

    #[test]
    fn shows_what_a_program_printed_that_ended() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "printf 'no such port' >&2; exit 3"]);
        let mut running = Background::start(&mut command, &folder.path().join("log")).unwrap();
        let error = running.first_line(Duration::from_secs(10)).unwrap_err().to_string();
        assert!(error.contains("ended at once") && error.contains("no such port"), "{error}");
    }
}
