//! What is to be known of a project at a glance, read from its files: they change.

use serde_json::Value;
use worktree::{TreePath, Worktree};

use crate::error::Error;
use crate::session::{DevCommand, StudioSession};
use crate::template::Template;

/// A manifest is not read further than this.
const MANIFEST_BYTES: u64 = 256 << 10;
/// Files that name what a project needs, the surest first.
const MANIFESTS: [&str; 5] = ["package.json", "pyproject.toml", "requirements.txt", "Cargo.toml", "go.mod"];
/// Files that say which package manager is used.
const LOCKS: [(&str, &str); 9] = [
    ("package-lock.json", "npm"),
    ("pnpm-lock.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    ("bun.lock", "bun"),
    ("uv.lock", "uv"),
    ("poetry.lock", "poetry"),
    ("requirements.txt", "pip"),
    ("Cargo.lock", "cargo"),
    ("go.sum", "go"),
];
/// What a manifest has to name for a framework, the most telling first.
const FRAMEWORKS: [(&str, &str); 8] = [
    ("next", "nextjs"),
    ("react", "react"),
    ("vue", "vue"),
    ("svelte", "svelte"),
    ("express", "express"),
    ("fastapi", "fastapi"),
    ("flask", "flask"),
    ("django", "django"),
];

/// A project at a glance.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The file that names what the project needs, and its content: JSON where it is, else text.
    pub manifest: Option<(String, Value)>,
    /// `npm`, `pip`, …
    pub package_manager: Option<String>,
    /// `react`, `nextjs`, …
    pub framework: Option<String>,
    /// How the dev server is started.
    pub dev_command: Option<String>,
    /// The port it listens on.
    pub port: Option<u16>,
}

impl Snapshot {
    /// Reads the project's files. Blocks.
    pub(super) fn of(tree: &Worktree, template: &Template, session: &StudioSession) -> Result<Self, Error> {
        let has = |name: &str| TreePath::parse(name).is_ok_and(|path| tree.entry(&path).is_ok());
        let manifest = MANIFESTS.iter().find_map(|name| Some(((*name).to_owned(), read(tree, name)?)));
        let package_manager =
            LOCKS.iter().find(|(lock, _)| has(lock)).map(|(_, manager)| (*manager).to_owned());
        let framework = manifest.as_ref().and_then(|(_, content)| framework_of(content));
        let dev = &template.dev;
        let (dev_command, port) = match (&session.dev, dev) {
            (Some(DevCommand { command, port }), _) => (Some(command.clone()), Some(*port)),
            (None, Some(dev)) => {
                let command = dev.command.join(" ").replace("{port}", &dev.port.to_string());
                (Some(command), Some(dev.port))
            }
            (None, None) => (manifest.as_ref().and_then(|(_, content)| script_of(content)), None),
        };
        Ok(Self { manifest, package_manager, framework, dev_command, port })
    }
}

fn read(tree: &Worktree, name: &str) -> Option<Value> {
    let content = tree.read(&TreePath::parse(name).ok()?, MANIFEST_BYTES).ok()?;
    let text = content.text()?;
    Some(serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())))
}

fn framework_of(manifest: &Value) -> Option<String> {
    let needs = |name: &str| match manifest {
        Value::String(text) => text.lines().any(|line| {
            let line = line.trim().trim_start_matches('"').to_ascii_lowercase();
            line.strip_prefix(name).is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric()))
        }),
        json => ["dependencies", "devDependencies"].iter().any(|list| !json[list][name].is_null()),
    };
    FRAMEWORKS.iter().find(|(name, _)| needs(name)).map(|(_, framework)| (*framework).to_owned())
}

fn script_of(manifest: &Value) -> Option<String> {
    ["dev", "start"]
        .iter()
        .find(|script| manifest["scripts"][script].is_string())
        .map(|script| format!("npm run {script}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn frameworks_are_told_by_what_is_needed() {
        let check = |manifest: Value, expected: Option<&str>| {
            assert_eq!(framework_of(&manifest).as_deref(), expected, "{manifest}");
        };
        check(json!({ "dependencies": { "next": "1", "react": "1" } }), Some("nextjs"));
        check(json!({ "devDependencies": { "react": "1" } }), Some("react"));
        check(json!({}), None);
        check(json!("fastapi==0.1\nuvicorn"), Some("fastapi"));
        check(json!("fastapi-users==1\nFlask>=3"), Some("fastapi"));
        check(json!("reactive==1"), None);
    }
}
