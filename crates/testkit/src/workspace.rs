//! Places to work in that leave nothing behind.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

const PAUSE: Duration = Duration::from_millis(50);

/// A folder of its own, removed with everything in it when dropped.
#[derive(Debug)]
pub struct TemporaryWorkspace(TempDir);

impl TemporaryWorkspace {
    /// An empty folder.
    ///
    /// # Panics
    /// When the system's temporary folder cannot be written.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("atelier-test-").tempdir();
        Self(folder.expect("the temporary folder can be written"))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The path of `name` in the folder.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file, with the folders it lies in, and returns its path.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        let folder = path.parent().expect("a file lies in a folder");
        std::fs::create_dir_all(folder).expect("the folder can be made");
        std::fs::write(&path, content).expect("the file can be written");
        path
    }
}

impl Drop for TemporaryWorkspace {
    fn drop(&mut self) {
        for _ in 0..20 {
            match std::fs::remove_dir_all(self.path()) {
                // What is still ending writes into it meanwhile.
                Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => std::thread::sleep(PAUSE),
                _ => break,
            }
        }
    }
}

impl Default for TemporaryWorkspace {
    fn default() -> Self {
        Self::new()
    }
}

/// Lets a Studio of a test use what those of other tests have installed, and they what it installs.
/// Kept beside the compiled tests. `studio` is the folder in which it keeps its sessions.
///
/// # Panics
/// When the folder cannot be linked.
pub fn share_installations(studio: &Path) {
    let test = std::env::current_exe().expect("a test knows where it lies");
    // target/debug/deps/test
    let target = test.ancestors().nth(3).expect("a test lies in its target folder");
    let shared = target.join("test/installed");
    std::fs::create_dir_all(&shared).expect("the target folder can be written");
    std::fs::create_dir_all(studio).expect("the folder can be made");
    std::os::unix::fs::symlink(shared, studio.join("installed")).expect("nothing is installed yet");
}

/// A loopback port that was free a moment ago. Nothing keeps it free: prefer binding to port 0.
///
/// # Panics
/// When no port is free.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port is free");
    listener.local_addr().expect("it is bound").port()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_is_gone_when_dropped() {
        let workspace = TemporaryWorkspace::new();
        let file = workspace.write("a/b.txt", "content");
        assert_eq!(std::fs::read(&file).unwrap(), b"content");
        let path = workspace.path().to_owned();
        drop(workspace);
        assert!(!path.exists());
    }

    #[test]
    fn a_free_port_can_be_bound() {
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, free_port())).is_ok());
    }
}
