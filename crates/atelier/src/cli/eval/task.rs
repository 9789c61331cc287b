//! Tasks, as they lie in a folder: `task.toml`, and the files that are laid into the session first.
//!
//! Invariant: a task that was read can be carried out: its texts are there, its patterns can be
//! read, its files are text below its folder.

use std::fs;
use std::path::{Path, PathBuf};

use kernel::Kind;
use serde::Deserialize;
use serde_json::{Value, json};

use super::checks::Check;
use crate::client::{Problem, Result};

const FILE: &str = "task.toml";
const FILES: &str = "files";
/// How deep folders of files may lie in one another.
const DEEPEST: usize = 16;

/// A task.
#[derive(Debug)]
pub struct Task {
    /// What it is called: its folder.
    pub name: String,
    /// One line for a person.
    pub title: String,
    /// What its session begins with.
    pub template: String,
    /// What is said, one turn after the other.
    pub turns: Vec<String>,
    /// How far each turn may go.
    pub limits: Limits,
    /// What has to hold at the end.
    pub checks: Vec<Check>,
    /// Files that are laid into the session first, with their contents.
    pub files: Vec<(String, String)>,
}

/// How far each turn of a task may go. What is left out has the server's usual value.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// How often the model is asked.
    pub steps: Option<u32>,
    /// Tokens in and out.
    pub tokens: Option<u64>,
    /// US dollars.
    pub usd: Option<f64>,
    /// Seconds of work.
    pub seconds: Option<u64>,
}

impl Limits {
    /// The limits of a turn, as they are sent; at most `left` US dollars.
    pub fn body(&self, left: Option<f64>) -> Value {
        let usd = match (self.usd, left) {
            (Some(own), Some(left)) => Some(own.min(left)),
            (own, left) => own.or(left),
        };
        let mut body = json!({});
        for (name, value) in [
            ("steps", self.steps.map(Value::from)),
            ("tokens", self.tokens.map(Value::from)),
            ("usd", usd.map(Value::from)),
            ("seconds", self.seconds.map(Value::from)),
        ] {
            if let Some(value) = value {
                body[name] = value;
            }
        }
        body
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    title: String,
    #[serde(default = "first_template")]
    template: String,
    turns: Vec<String>,
    #[serde(default)]
    limits: Limits,
    checks: Vec<Check>,
}

fn first_template() -> String {
    "vite-react".into()
}

/// The tasks of a folder that are wanted, by name; all of them if none is named.
///
/// # Errors
/// When there is no such folder or task, or one of them cannot be read.
pub fn read_all(folder: &Path, wanted: &[String]) -> Result<Vec<Task>> {
    let known = names(folder)?;
    if let Some(unknown) = wanted.iter().find(|name| !known.contains(name)) {
        return Err(Problem::new(
            Kind::NotFound,
            "task_not_found",
            format!("There is no task `{unknown}` in {}", folder.display()),
        )
        .with_hint(format!("There are: {}", known.join(", "))));
    }
    let names = known.iter().filter(|name| wanted.is_empty() || wanted.contains(name));
    names.map(|name| read(&folder.join(name), name)).collect()
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let none = |what: &str| {
        Problem::new(Kind::NotFound, "task_not_found", format!("{what} {}", folder.display()))
            .with_hint(format!("Name a folder with --tasks whose folders have a {FILE} each"))
    };
    let entries = fs::read_dir(folder).map_err(|_| none("There is no folder"))?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().join(FILE).is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    if names.is_empty() { Err(none("There are no tasks in")) } else { Ok(names) }
}

fn read(folder: &Path, name: &str) -> Result<Task> {
    let path = folder.join(FILE);
    let invalid = |why: String| {
        Problem::invalid("task_invalid", format!("{}: {why}", path.display()))
            .with_hint("docs/evaluation.md says what a task is made of")
    };
    let text = fs::read_to_string(&path).map_err(|error| invalid(error.to_string()))?;
    let Written { title, template, turns, limits, checks } =
        toml::from_str(&text).map_err(|error| invalid(error.to_string().trim_end().to_owned()))?;
    if turns.is_empty() || turns.iter().any(|turn| turn.trim().is_empty()) {
        return Err(invalid("`turns` is empty, or one of them is".into()));
    }
    if checks.is_empty() {
        return Err(invalid("without `checks` nothing could fail".into()));
    }
    for check in &checks {
        check.validate().map_err(&invalid)?;
    }
    let mut files = Vec::new();
    let laid = folder.join(FILES);
    if laid.is_dir() {
        collect(&laid, "", DEEPEST, &mut files).map_err(invalid)?;
    }
    files.sort();
    Ok(Task { name: name.to_owned(), title, template, turns, limits, checks, files })
}

/// The text files of a folder, by their paths below it.
fn collect(
    folder: &Path,
    below: &str,
    depth: usize,
    files: &mut Vec<(String, String)>,
) -> std::result::Result<(), String> {
    let failed = |path: &Path, error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    if depth == 0 {
        return Err(format!("the folders in `{FILES}` lie too deep"));
    }
    for entry in fs::read_dir(folder).map_err(|error| failed(folder, error))? {
        let entry = entry.map_err(|error| failed(folder, error))?;
        let path: PathBuf = entry.path();
        let name =
            entry.file_name().into_string().map_err(|name| format!("{} is no text", name.display()))?;
        let below = if below.is_empty() { name } else { format!("{below}/{name}") };
        let kind = entry.file_type().map_err(|error| failed(&path, error))?;
        if kind.is_dir() {
            collect(&path, &below, depth - 1, files)?;
        } else if kind.is_file() {
            files.push((below, fs::read_to_string(&path).map_err(|error| failed(&path, error))?));
        } else {
            return Err(format!("`{FILES}/{below}` is neither a file nor a folder"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let folder = tempfile::tempdir().unwrap();
        let task = folder.path().join("one");
        fs::create_dir_all(task.join("files/src")).unwrap();
        fs::write(task.join(FILE), text).unwrap();
        fs::write(task.join("files/src/a.txt"), "A").unwrap();
        match (read_all(folder.path(), &[]), expected) {
            (Ok(tasks), None) => {
                assert_eq!(tasks[0].files, [("src/a.txt".to_owned(), "A".to_owned())], "{text}");
            }
            (Err(problem), Some(expected)) => {
                assert_eq!(problem.code, "task_invalid");
                assert!(problem.message.contains(expected), "{}", problem.message);
            }
            (read, expected) => panic!("{expected:?}: {read:?}"),
        }
    }

    #[test]
    fn a_task_is_read_whole_or_refused_with_what_is_wrong() {
        let head = "title = 'T'\nturns = ['Go']\n";
        let with = |checks: &str| format!("{head}{checks}");
        check(&with("checks = [{ kind = 'file_exists', path = 'a.txt' }]"), None);
        check(&with("[[checks]]\nkind = 'page'\nvisible = ['x']\n[limits]\nsteps = 3\n"), None);
        check(head, Some("missing field `checks`"));
        check(&with("checks = []"), Some("nothing could fail"));
        check("title = 'T'\nturns = [' ']\nchecks = [{ kind = 'page' }]", Some("`turns` is empty"));
        check(&with("checks = [{ kind = 'file_exsts', path = 'a' }]"), Some("file_exsts"));
        check(&with("checks = [{ kind = 'file_exists', file = 'a' }]"), Some("file"));
        check(&with("checks = [{ kind = 'file_matches', path = 'a', pattern = '(' }]"), Some("pattern"));
        check(&with("checks = [{ kind = 'page', path = 'about' }]"), Some("begin with `/`"));
        check("no toml", Some("task.toml"));
    }

    #[test]
    fn an_unknown_task_is_answered_with_those_there_are() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read_all(folder.path(), &[]).unwrap_err().code, "task_not_found");
        fs::create_dir(folder.path().join("one")).unwrap();
        fs::write(folder.path().join("one").join(FILE), "").unwrap();
        let problem = read_all(folder.path(), &["two".into()]).unwrap_err();
        assert_eq!(problem.hint.as_deref(), Some("There are: one"));
    }

    #[test]
    fn what_is_left_of_the_whole_limits_each_turn() {
        let limits = Limits { steps: Some(3), usd: Some(1.0), ..Limits::default() };
        assert_eq!(limits.body(Some(0.25)), json!({"steps": 3, "usd": 0.25}));
        assert_eq!(limits.body(Some(7.0)), json!({"steps": 3, "usd": 1.0}));
        assert_eq!(Limits::default().body(None), json!({}));
    }
}
