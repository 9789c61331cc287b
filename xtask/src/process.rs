//! Running other programs: shown, captured, or both; a failure names the command and what to do.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Runs the command with our own input and output; fails if it does.
pub fn run(command: &mut Command) -> Result<()> {
    eprintln!("\x1b[2m$ {}\x1b[0m", line(command));
    let status = command.status().with_context(|| cannot_start(command))?;
    if !status.success() {
        bail!("`{}` failed ({status})", line(command));
    }
    Ok(())
}

/// Runs the command and answers what it printed; its errors are shown only if it fails.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| cannot_start(command))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed ({})\n{}", line(command), output.status, errors.trim_end());
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{}` printed no UTF-8", line(command)))
}

/// Whether the command can be started and ends well; prints nothing.
pub fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// What a command did that was shown while it ran.
pub struct Shown {
    /// How it ended; `None` if it was stopped for taking too long.
    pub status: Option<ExitStatus>,
    /// Everything it printed, output and errors as they came.
    pub text: String,
}

impl Shown {
    /// Whether it ended well and in time.
    pub fn success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }
}

/// Runs the command, shows what it prints and keeps it as well; stops it after `limit`.
pub fn shown(command: &mut Command, limit: Duration) -> Result<Shown> {
    eprintln!("\x1b[2m$ {}\x1b[0m", line(command));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| cannot_start(command))?;
    let text = Arc::new(Mutex::new(String::new()));
    let readers = [
        child.stdout.take().map(|pipe| copy(pipe, text.clone())),
        child.stderr.take().map(|pipe| copy(pipe, text.clone())),
    ];
    let deadline = Instant::now() + limit;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            break None;
        }
        std::thread::sleep(Duration::from_millis(25));
    };
    // Whatever the command left behind may hold the pipes open; what it printed has been read by then.
    let patience = Instant::now() + Duration::from_secs(2);
    for reader in readers.into_iter().flatten() {
        while !reader.is_finished() && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    let text = text.lock().expect("a reader never panics").clone();
    Ok(Shown { status, text })
}

/// How a person would type the command.
pub fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| quoted(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "-_./=:,+@%[]".contains(letter);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{word}'") }
}

fn cannot_start(command: &Command) -> String {
    let program = command.get_program().to_string_lossy().into_owned();
    format!("`{program}` cannot be started; is it installed and on the PATH?")
}

fn copy(pipe: impl Read + Send + 'static, text: Arc<Mutex<String>>) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
            let _ = std::io::stdout().write_all(&bytes);
            if let Ok(mut text) = text.lock() {
                text.push_str(&String::from_utf8_lossy(&bytes));
            }
            bytes.clear();
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_a_command_prints_and_how_it_ends() {
        let shown = shown(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]), MINUTE).unwrap();
        assert!(!shown.success());
        assert!(shown.text.contains("out\n") && shown.text.contains("err\n"), "{}", shown.text);
    }

    #[test]
    fn stops_a_command_that_takes_too_long() {
        let begin = Instant::now();
        let shown = shown(Command::new("sleep").arg("30"), Duration::from_millis(100)).unwrap();
        assert!(shown.status.is_none());
        assert!(begin.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn names_a_program_that_is_missing() {
        let error = format!("{:#}", output(&mut Command::new("no-such-program")).unwrap_err());
        assert!(error.contains("`no-such-program` cannot be started"), "{error}");
    }

    const MINUTE: Duration = Duration::from_secs(60);
}
