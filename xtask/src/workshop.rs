//! Where things are: the checkout and the folder that cargo builds into.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process;

/// The checkout that this command works on.
pub struct Workshop {
    /// The folder of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target folder, wherever the environment or the settings put it.
    pub target: PathBuf,
}

impl Workshop {
    /// Asks cargo, starting at this crate's folder when cargo runs us and else at the current one.
    pub fn find() -> Result<Self> {
        let mut command = Command::new(cargo());
        command.args(["metadata", "--no-deps", "--format-version", "1"]);
        if let Some(folder) = std::env::var_os("CARGO_MANIFEST_DIR") {
            command.current_dir(folder);
        }
        let metadata: Value = serde_json::from_str(&process::output(&mut command)?)?;
        let path = |key: &str| -> Result<PathBuf> {
            Ok(metadata[key].as_str().with_context(|| format!("cargo metadata names no {key}"))?.into())
        };
        Ok(Self { root: path("workspace_root")?, target: path("target_directory")? })
    }

    /// A cargo command in the checkout.
    pub fn cargo(&self) -> Command {
        let mut command = Command::new(cargo());
        command.current_dir(&self.root);
        // Ours, set by the cargo that runs us, would make every crate's build think it had changed.
        for (name, _) in std::env::vars_os() {
            let own = name.to_string_lossy();
            if own.starts_with("CARGO_PKG_") || own.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&name);
            }
        }
        command
    }

    /// An npm or npx command in the UI's folder.
    pub fn node(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.web())
            .env("NO_UPDATE_NOTIFIER", "1")
            .env("npm_config_update_notifier", "false");
        command
    }

    /// The folder of the UI.
    pub fn web(&self) -> PathBuf {
        self.root.join("web")
    }

    /// A folder of ours in the target folder, made if it is missing.
    pub fn scratch(&self, name: &str) -> Result<PathBuf> {
        let folder = self.target.join(name);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder)
    }

    /// A folder of ours in the target folder, emptied.
    pub fn empty_scratch(&self, name: &str) -> Result<PathBuf> {
        let folder = self.target.join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        self.scratch(name)
    }
}

fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
