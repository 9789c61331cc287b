//! A jail over the real kernel, and the shortest way to run something in it.

use std::{path::PathBuf, time::Duration};

use sandbox::{Execution, Jail, JailOptions, Language, Limits, Request, Sandbox, Toolchain};
use tempfile::TempDir;

/// A jail, a workspace, and limits that keep the host safe whatever a test does.
pub struct Bench {
    pub jail: Jail,
    pub folder: TempDir,
    pub limits: Limits,
}

/// Finding Python takes a while where a version manager hides it, so most tests do without.
pub fn options() -> JailOptions {
    with_languages(&[Language::Shell])
}

pub fn python_options() -> JailOptions {
    with_languages(&[Language::Python, Language::Shell])
}

pub fn with_languages(languages: &[Language]) -> JailOptions {
    JailOptions {
        launcher: vec![env!("CARGO_BIN_EXE_jail-launcher").into()],
        toolchain: Toolchain::detect_only(languages),
        ..JailOptions::default()
    }
}

pub fn limits() -> Limits {
    Limits {
        wall: Duration::from_secs(10),
        cpu: Duration::from_secs(10),
        memory_bytes: 256 << 20,
        processes: 64,
        file_bytes: 64 << 20,
        disk_bytes: 128 << 20,
        inodes: 5_000,
        output_bytes: 256 << 10,
    }
}

impl Bench {
    pub fn new() -> Self {
        Self::with(options())
    }

    pub fn with_python() -> Self {
        Self::with(python_options())
    }

    pub fn with(options: JailOptions) -> Self {
        Self { jail: Jail::new(options), folder: tempfile::tempdir().expect("a folder"), limits: limits() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn request(&self, argv: &[&str]) -> Request {
        Request {
            workspace: self.folder.path().to_owned(),
            argv: argv.iter().map(|argument| (*argument).to_owned()).collect(),
            limits: self.limits.clone(),
            ..Request::default()
        }
    }

    pub async fn run(&self, argv: &[&str]) -> Execution {
        self.jail.execute(self.request(argv), None).await.expect("the jail runs it")
    }

    pub async fn shell(&self, script: &str) -> Execution {
        self.run(&["sh", "-c", script]).await
    }

    pub async fn python(&self, script: &str) -> Execution {
        std::fs::write(self.path("script.py"), script).expect("a script");
        let argv = self.jail.toolchain().command(Language::Python, "script.py").expect("Python 3");
        self.run(&argv.iter().map(String::as_str).collect::<Vec<_>>()).await
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The processes of this machine that have an argument.
pub fn processes_with(argument: &str) -> Vec<u32> {
    let wanted = argument.as_bytes();
    std::fs::read_dir("/proc")
        .expect("/proc")
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            std::fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| line.split(|byte| *byte == 0).any(|own| own == wanted))
        })
        .collect()
}

/// Waits, within reason, until something holds.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(5);
    while !holds() {
        assert!(std::time::Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
