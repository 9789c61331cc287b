//! Goals and the files that go with them, read from where the person is.
//!
//! Invariant: a runbook makes no file be sent that does not lie below the runbook's own folder,
//! links followed; what lies elsewhere is sent only when it is named with `--file`.

use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use agents::planner::runbook;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kernel::Kind;

use super::terminal::note;
use crate::client::{NewFile, Problem, Result};

/// The server takes 16 MiB in all, of which Base64 leaves three quarters.
const MOST_BYTES: u64 = 12 << 20;

/// A goal as it was given.
#[derive(Debug)]
pub struct Goal {
    /// Its text.
    pub text: String,
    /// What its files are relative to.
    base: PathBuf,
    /// Whether it came from a file, which then has to have its inputs.
    is_file: bool,
}

impl Goal {
    /// Reads a goal: `-` is standard input, the path of a file that exists is that file, anything
    /// else is the goal itself.
    ///
    /// # Errors
    /// When the file cannot be read, or the words look like a file that is not there.
    pub fn read(given: &str) -> Result<Self> {
        let goal = Self::find(given)?;
        if goal.text.trim().is_empty() {
            return Err(Problem::invalid("empty_goal", "The goal is empty")
                .with_hint("Write in words what should be done"));
        }
        Ok(goal)
    }

    fn find(given: &str) -> Result<Self> {
        let here = PathBuf::from(".");
        if given == "-" {
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes).map_err(|error| unreadable("standard input", &error))?;
            return Ok(Self { text: text(bytes, "standard input")?, base: here, is_file: false });
        }
        let path = Path::new(given);
        if path.is_file() {
            let bytes = read_file(path)?;
            let base =
                path.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or(here, Path::to_owned);
            return Ok(Self { text: text(bytes, given)?, base, is_file: true });
        }
        let is_one_word = !given.contains(char::is_whitespace);
        let extension =
            path.extension().is_some_and(|extension| extension == "md" || extension == "markdown");
        if is_one_word && (extension || path.is_dir()) {
            let message = if path.is_dir() {
                format!("`{given}` is a folder")
            } else {
                format!("There is no file `{given}`")
            };
            return Err(Problem::new(Kind::NotFound, "file_not_found", message)
                .with_hint("Name a Markdown file, or write the goal in words"));
        }
        Ok(Self { text: given.to_owned(), base: here, is_file: false })
    }

    /// The files the goal names as its inputs, and those that were named beside it.
    ///
    /// # Errors
    /// When one is missing, lies outside, or they are too large together.
    pub fn files(&self, named: &[PathBuf]) -> Result<Vec<NewFile>> {
        let mut files = Vec::new();
        let mut total = 0;
        let settings = runbook::settings(&self.text);
        for refused in settings.refused_inputs {
            note(&format!(
                "warning: the input `{refused}` lies outside the runbook's folder and is not sent; use --file"
            ));
        }
        for input in settings.inputs {
            if let Some(path) = self.input(&input)? {
                take(&mut files, &mut total, input, &path)?;
            }
        }
        for path in named {
            let name = name_of(path).ok_or_else(|| {
                Problem::invalid("invalid_file", format!("`{}` is not the path of a file", path.display()))
            })?;
            files.retain(|file: &NewFile| file.name != name);
            take(&mut files, &mut total, name, path)?;
        }
        Ok(files)
    }

    /// Where an input lies; `None` when a goal in words only seems to name one.
    fn input(&self, input: &str) -> Result<Option<PathBuf>> {
        let path = self.base.join(input);
        let Ok(real) = path.canonicalize() else {
            if !self.is_file {
                return Ok(None);
            }
            let message = format!("The runbook reads `{input}`, which is not at {}", path.display());
            return Err(Problem::new(Kind::NotFound, "input_not_found", message)
                .with_hint("Put the file there, or take it out of the runbook's inputs"));
        };
        let base =
            self.base.canonicalize().map_err(|error| unreadable(&self.base.display().to_string(), &error))?;
        if !real.starts_with(&base) {
            let message =
                format!("The runbook's input `{input}` is a link that leads out of the runbook's folder");
            return Err(Problem::new(Kind::Forbidden, "input_outside", message)
                .with_hint(format!("If it should be sent, name it with --file {}", real.display())));
        }
        Ok(Some(real))
    }
}

fn take(files: &mut Vec<NewFile>, total: &mut u64, name: String, path: &Path) -> Result<()> {
    let shown = path.display().to_string();
    let size = std::fs::metadata(path).map_err(|error| unreadable(&shown, &error))?;
    if !size.is_file() {
        return Err(Problem::invalid("invalid_file", format!("`{shown}` is not a file"))
            .with_hint("Name the files one by one; folders are not sent"));
    }
    *total += size.len();
    if *total > MOST_BYTES {
        return Err(Problem::new(Kind::Limit, "files_too_large", "The files are larger than 12 MB together")
            .with_hint("Send less, or let a step of the runbook make the data"));
    }
    files.push(NewFile { name, content_base64: BASE64_STANDARD.encode(read_file(path)?) });
    Ok(())
}

/// The name of a file in the run's folder: its path when that leads down from here, else its last
/// part.
fn name_of(path: &Path) -> Option<String> {
    let path = path.strip_prefix(".").unwrap_or(path);
    let leads_down = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let name = if leads_down { path } else { Path::new(path.file_name()?) };
    let parts: Option<Vec<_>> = name
        .components()
        .filter(|part| matches!(part, Component::Normal(_)))
        .map(|part| part.as_os_str().to_str())
        .collect();
    parts.filter(|parts| !parts.is_empty()).map(|parts| parts.join("/"))
}

fn read_file(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| unreadable(&path.display().to_string(), &error))
}

fn text(bytes: Vec<u8>, from: &str) -> Result<String> {
    String::from_utf8(bytes).map_err(|_| {
        Problem::invalid("not_text", format!("{from} is not text in UTF-8"))
            .with_hint("Send it with --file, and say in words what is to be done with it")
    })
}

fn unreadable(what: &str, error: &std::io::Error) -> Problem {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => Kind::NotFound,
        std::io::ErrorKind::PermissionDenied => Kind::Forbidden,
        _ => Kind::Unavailable,
    };
    Problem::new(kind, "cannot_read", format!("{what} cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Option<&str>) {
        assert_eq!(name_of(Path::new(path)).as_deref(), expected, "{path}");
    }

    #[test]
    fn files_keep_their_place_when_it_leads_down_from_here() {
        check("a.csv", Some("a.csv"));
        check("data/a.csv", Some("data/a.csv"));
        check("./data/./a.csv", Some("data/a.csv"));
        check("../other/a.csv", Some("a.csv"));
        check("/etc/hosts", Some("hosts"));
        check("..", None);
        check("/", None);
    }

    #[test]
    fn a_runbook_brings_its_inputs_and_nothing_from_outside() {
        let folder = tempfile::tempdir().unwrap();
        let runbook = folder.path().join("book");
        std::fs::create_dir_all(runbook.join("data")).unwrap();
        std::fs::write(runbook.join("data/a.csv"), "x").unwrap();
        std::fs::write(folder.path().join("secret"), "s").unwrap();
        let write = |inputs: &str| {
            std::fs::write(
                runbook.join("r.md"),
                format!("---\ninputs: [{inputs}]\n---\n# R\n\n```sh\ntrue\n```\n"),
            )
            .unwrap();
            Goal::read(runbook.join("r.md").to_str().unwrap()).unwrap().files(&[])
        };
        let names = |files: Vec<NewFile>| files.into_iter().map(|file| file.name).collect::<Vec<_>>();
        assert_eq!(names(write("data/a.csv").unwrap()), ["data/a.csv"]);
        assert_eq!(names(write("../secret").unwrap()), [""; 0]);
        assert_eq!(write("data/b.csv").unwrap_err().code, "input_not_found");
        std::os::unix::fs::symlink(folder.path().join("secret"), runbook.join("data/link")).unwrap();
        assert_eq!(write("data/link").unwrap_err().code, "input_outside");
    }

    #[test]
    fn a_path_that_is_not_there_is_not_taken_for_words() {
        assert_eq!(Goal::read("nowhere/report.md").unwrap_err().code, "file_not_found");
        assert_eq!(Goal::read("read report.md and sum it up").unwrap().text, "read report.md and sum it up");
    }
}
