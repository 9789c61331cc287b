//! The interpreters on this machine: where they really are, and what has to be visible inside a
//! sandbox for them to work.
//!
//! Version managers put small scripts in the `PATH` and the interpreter in a home folder. So each
//! interpreter is asked, once, where it is; then its own folder is mounted, read-only and at the
//! same path, and never the home folder around it.

use std::{
    fmt,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::Error;

/// How long an interpreter may take to say where it is.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// A language that a snippet of code can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    /// Python 3.
    Python,
    /// JavaScript, run by Node.
    JavaScript,
    /// The shell: bash where there is one, else sh.
    Shell,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Python, Self::JavaScript, Self::Shell];

    /// What a file of this language is called after its dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Python => "py",
            Self::JavaScript => "js",
            Self::Shell => "sh",
        }
    }

    /// What to do when it is missing.
    #[must_use]
    pub fn how_to_install(self) -> &'static str {
        match self {
            Self::Python => {
                "Install Python 3 (Debian and Ubuntu: `apt install python3`) and start Atelier again"
            }
            Self::JavaScript => {
                "Install Node 20 or newer (Debian and Ubuntu: `apt install nodejs`) and start Atelier again"
            }
            Self::Shell => {
                "Install a POSIX shell (Debian and Ubuntu: `apt install bash`) and start Atelier again"
            }
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Python => "Python 3",
            Self::JavaScript => "JavaScript (Node)",
            Self::Shell => "A shell",
        })
    }
}

/// A file or folder of the host that is visible inside, read-only, at the same path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mount {
    /// The absolute path.
    pub path: PathBuf,
}

/// One interpreter that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpreter {
    /// Its language.
    pub language: Language,
    /// The executable itself, not a shim.
    pub program: PathBuf,
    /// What has to be visible beside the system's own folders.
    pub mounts: Vec<Mount>,
}

/// The interpreters of this machine. Finding them starts each once, so do it when the server
/// starts and keep the result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Toolchain {
    interpreters: Vec<Interpreter>,
}

impl Toolchain {
    /// Looks for every language. Blocks until each interpreter has answered, or 10 s at most.
    #[must_use]
    pub fn detect() -> Self {
        Self::detect_only(&Language::ALL)
    }

    /// Looks for some languages.
    #[must_use]
    pub fn detect_only(languages: &[Language]) -> Self {
        let found = thread::scope(|scope| {
            let searches: Vec<_> = languages.iter().map(|l| scope.spawn(|| find(*l))).collect();
            searches.into_iter().filter_map(|search| search.join().ok().flatten()).collect()
        });
        Self { interpreters: found }
    }

    /// The interpreters that were found.
    #[must_use]
    pub fn interpreters(&self) -> &[Interpreter] {
        &self.interpreters
    }

    /// The interpreter of a language, or an error that says how to install one.
    pub fn interpreter(&self, language: Language) -> Result<&Interpreter, Error> {
        self.interpreters
            .iter()
            .find(|interpreter| interpreter.language == language)
            .ok_or(Error::LanguageMissing { language })
    }

    /// The command that runs a file of this language; the path is the one inside.
    pub fn command(&self, language: Language, file: &str) -> Result<Vec<String>, Error> {
        let program = self.interpreter(language)?.program.to_string_lossy().into_owned();
        Ok(match language {
            // Unbuffered, so that output is seen as it is written; no __pycache__ left behind.
            Language::Python => vec![program, "-u".into(), "-B".into(), file.into()],
            Language::JavaScript | Language::Shell => vec![program, file.into()],
        })
    }

    /// What has to be visible inside for all of them.
    #[must_use]
    pub fn mounts(&self) -> Vec<Mount> {
        let mut mounts: Vec<_> = self.interpreters.iter().flat_map(|i| i.mounts.iter().cloned()).collect();
        mounts.sort();
        mounts.dedup();
        mounts
    }

    /// The folders of interpreters that are not in the usual places, first to last, for `PATH`.
    #[must_use]
    pub fn search_path(&self) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = Vec::new();
        for folder in self.interpreters.iter().filter(|i| !i.mounts.is_empty()).map(|i| i.program.parent()) {
            match folder {
                Some(folder) if !folders.iter().any(|f| f == folder) => folders.push(folder.to_owned()),
                _ => {}
            }
        }
        folders
    }
}

fn find(language: Language) -> Option<Interpreter> {
    match language {
        Language::Python => ["python3", "/usr/bin/python3", "/usr/local/bin/python3"]
            .into_iter()
            .find_map(|program| ask(program, &["-c", PYTHON_QUESTION]))
            .and_then(|answer| interpreter(language, &answer)),
        Language::JavaScript => ["node", "/usr/bin/node", "/usr/local/bin/node", "nodejs"]
            .into_iter()
            .find_map(|program| ask(program, &["-p", "process.execPath"]))
            .and_then(|answer| interpreter(language, &answer)),
        Language::Shell => ["/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash", "/bin/sh"]
            .into_iter()
            .find(|path| Path::new(path).exists())
            .map(|path| Interpreter { language, program: path.into(), mounts: Vec::new() }),
    }
}

const PYTHON_QUESTION: &str = "import sys; assert sys.version_info[0] == 3; \
     print(sys.executable, sys.prefix, sys.base_prefix, sep='\\n')";

/// From what an interpreter answered: its executable, then the folders it lives in, one a line.
fn interpreter(language: Language, answer: &str) -> Option<Interpreter> {
    let mut lines = answer.lines().map(|line| PathBuf::from(line.trim()));
    let program = lines.next().filter(|path| path.is_absolute())?;
    let real = program.canonicalize().ok()?;
    let mut wanted: Vec<PathBuf> = lines.collect();
    wanted.push(own_folder(&program));
    wanted.push(own_folder(&real));
    let mut mounts: Vec<Mount> = wanted
        .into_iter()
        .filter(|path| path.is_absolute() && path.exists() && !is_system(path))
        .map(|path| Mount { path })
        .collect();
    if mounts.iter().any(|mount| is_too_wide(&mount.path)) {
        tracing::warn!(%language, program = %program.display(), "the interpreter's folder holds a home folder; it is not used");
        return None;
    }
    mounts.sort();
    mounts.dedup();
    let all = mounts.clone();
    mounts.retain(|mount| !all.iter().any(|other| other != mount && mount.path.starts_with(&other.path)));
    Some(Interpreter { language, program, mounts })
}

/// The installation an executable belongs to: the folder above its `bin`, else the file alone.
fn own_folder(program: &Path) -> PathBuf {
    if program.starts_with("/nix/store") {
        return "/nix/store".into();
    }
    match program.parent() {
        Some(folder) if folder.ends_with("bin") => folder.parent().unwrap_or(folder).to_owned(),
        _ => program.to_owned(),
    }
}

/// Whether a path is below the folders every sandbox shows.
fn is_system(path: &Path) -> bool {
    ["/usr", "/bin", "/sbin", "/lib", "/lib64"].iter().any(|system| path.starts_with(system))
}

/// Whether a folder is a home folder, or holds one, or is the root.
fn is_too_wide(path: &Path) -> bool {
    let home = nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten().map(|user| user.dir);
    let homes = [Some(PathBuf::from("/root")), Some(PathBuf::from("/home/somebody")), home];
    path.components().count() < 3
        || homes.into_iter().flatten().any(|home| home.starts_with(path))
        || path.parent() == Some(Path::new("/home"))
}

/// Runs a program for what it prints, with nothing on its standard input.
fn ask(program: &str, arguments: &[&str]) -> Option<String> {
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let deadline = Instant::now() + ANSWER_TIMEOUT;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(2)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    };
    let mut answer = String::new();
    child.stdout.take()?.take(64 * 1024).read_to_string(&mut answer).ok()?;
    status.success().then_some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_folder_is_never_mounted() {
        for path in ["/", "/root", "/home", "/home/ana", "/srv"] {
            assert!(is_too_wide(Path::new(path)), "{path}");
        }
        for path in ["/home/ana/.pyenv/versions/3.11.7", "/home/ana/.nvm/versions/node/v20", "/opt/python"] {
            assert!(!is_too_wide(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn a_missing_language_names_itself_and_how_to_install_it() {
        let error = Toolchain::default().command(Language::JavaScript, "main.js").expect_err("nothing found");
        let error = kernel::Error::from(error);
        assert_eq!(error.code, "language_missing");
        assert_eq!(error.message, "JavaScript (Node) is not installed on this machine");
        assert!(error.hint.expect("a hint").contains("apt install nodejs"));
    }

    #[test]
    fn the_shell_is_found_and_needs_nothing_mounted() {
        let toolchain = Toolchain::detect_only(&[Language::Shell]);
        assert!(toolchain.mounts().is_empty() && toolchain.search_path().is_empty());
        assert!(toolchain.command(Language::Shell, "a.sh").expect("a shell")[0].ends_with("sh"));
    }
}
