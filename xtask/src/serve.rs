//! `cargo xtask serve`: builds what is out of date, then becomes the server.
//!
//! The server replaces this process, so that Ctrl-C and `SIGTERM` reach it and its exit code is
//! ours. It prints the link itself; where there is a desktop, a small companion waits until the
//! server answers and opens a fresh link in the browser.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::binary::{self, Profile};
use crate::process;
use crate::workshop::Workshop;

const LISTEN: &str = "127.0.0.1:8080";

/// Opens the link that `atelier open` prints, once the server answers; gives up after 30 s.
const OPEN_WHEN_READY: &str = r#"
for _ in $(seq 1 150); do
    link=$("$1" open --data "$2" 2>/dev/null | grep -o 'http://[^ ]*' | head -n 1)
    if [ -n "$link" ]; then exec "$3" "$link"; fi
    sleep 0.2
done"#;

/// `cargo xtask serve [-- <arguments>]`.
pub fn serve(workshop: &Workshop, further: Vec<String>) -> Result<()> {
    let binary = binary::build(workshop, Profile::Release)?;
    let arguments = with_defaults(further, |name| std::env::var(name).ok())?;
    let mut command = Command::new(&binary);
    command.arg("serve").args(&arguments);
    if let (Some(opener), Some(data)) = (browser_opener(), value_of(&arguments, "--data")) {
        open_when_ready(&binary, &data, opener)?;
    }
    eprintln!("$ {}", process::line(&command));
    Err(command.exec()).with_context(|| format!("{} cannot be started", binary.display()))
}

/// Adds `--data` and `--listen` unless the arguments or the environment already say them.
fn with_defaults(further: Vec<String>, variable: impl Fn(&str) -> Option<String>) -> Result<Vec<String>> {
    let mut arguments = Vec::new();
    if value_of(&further, "--data").is_none() {
        let folder = match variable("ATELIER_DATA") {
            Some(folder) => PathBuf::from(folder),
            None => default_data(&variable)?,
        };
        arguments.extend(["--data".to_owned(), folder.display().to_string()]);
    }
    if value_of(&further, "--listen").is_none() {
        let address = variable("ATELIER_LISTEN").unwrap_or_else(|| LISTEN.to_owned());
        arguments.extend(["--listen".to_owned(), address]);
    }
    arguments.extend(further);
    Ok(arguments)
}

fn default_data(variable: impl Fn(&str) -> Option<String>) -> Result<PathBuf> {
    if let Some(folder) = variable("XDG_DATA_HOME") {
        return Ok(Path::new(&folder).join("atelier"));
    }
    let home = variable("HOME").context("neither ATELIER_DATA nor HOME is set; pass --data <folder>")?;
    Ok(Path::new(&home).join(".local/share/atelier"))
}

fn value_of(arguments: &[String], name: &str) -> Option<String> {
    let position = arguments.iter().position(|word| word == name);
    let separate = position.and_then(|position| arguments.get(position + 1)).cloned();
    let prefix = format!("{name}=");
    separate.or_else(|| arguments.iter().find_map(|word| word.strip_prefix(&prefix).map(str::to_owned)))
}

/// The program that opens a link, if there is a desktop to open it on.
fn browser_opener() -> Option<&'static str> {
    let desktop = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let found = process::succeeds(Command::new("sh").args(["-c", &format!("command -v {opener}")]));
    ((desktop || cfg!(target_os = "macos")) && found).then_some(opener)
}

fn open_when_ready(binary: &Path, data: &str, opener: &str) -> Result<()> {
    let mut command = Command::new("sh");
    command.args(["-c", OPEN_WHEN_READY, "open-when-ready"]).arg(binary).args([data, opener]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    command.spawn().context("the browser cannot be opened")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(further: &[&str], environment: &[(&str, &str)], expected: &[&str]) {
        let variable = |name: &str| {
            environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let further = further.iter().map(|word| (*word).to_owned()).collect();
        assert_eq!(with_defaults(further, variable).unwrap(), expected);
    }

    #[test]
    fn says_where_and_on_what_unless_told() {
        let home = ("HOME", "/h");
        check(&[], &[home], &["--data", "/h/.local/share/atelier", "--listen", LISTEN]);
        check(&[], &[home, ("XDG_DATA_HOME", "/x")], &["--data", "/x/atelier", "--listen", LISTEN]);
        check(&["--data", "here"], &[home], &["--listen", LISTEN, "--data", "here"]);
        check(&["--listen=[::1]:1"], &[("ATELIER_DATA", "d")], &["--data", "d", "--listen=[::1]:1"]);
    }
}
