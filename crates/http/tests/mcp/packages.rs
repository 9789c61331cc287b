//! Other people's packages for the tests, installed once beside the compiled tests.

use std::fs::{File, create_dir_all, read, read_to_string, write};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../http/tests/mcp/packages");

/// A folder below the target folder.
fn scratch(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    // target/debug/deps/test
    let folder = test.ancestors().nth(3).unwrap().join("test/mcp").join(name);
    create_dir_all(&folder).unwrap();
    folder
}

/// Does `install` in a folder of its own, unless the same was done there before. The tests are several
/// programs that begin at once.
fn once(name: &str, pinned: &str, install: impl FnOnce(&Path)) -> PathBuf {
    let folder = scratch(name);
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let wanted = read(Path::new(HERE).join(pinned)).unwrap();
    let marker = folder.join("installed");
    if !read(&marker).is_ok_and(|installed| installed == wanted) {
        install(&folder);
        write(marker, wanted).unwrap();
    }
    folder
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the registry must be reachable once: {command:?}: {told}");
}

/// Node's packages, with a Node of the version they want.
pub fn node() -> PathBuf {
    let folder = once("node", "package-lock.json", |folder| {
        for name in ["package.json", "package-lock.json"] {
            std::fs::copy(Path::new(HERE).join(name), folder.join(name)).unwrap();
        }
        run(Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
            .current_dir(folder));
    });
    folder.join("node_modules")
}

/// A Node of the version that the packages want.
pub fn node_program(modules: &Path) -> PathBuf {
    let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    modules.join(format!("node-linux-{machine}/bin/node"))
}

/// A Python with the protocol's package.
pub fn python() -> PathBuf {
    let folder = once("python", "requirements.txt", |folder| {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder.join("venv")));
        let mut pip = Command::new(folder.join("venv/bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        run(pip.arg(Path::new(HERE).join("requirements.txt")));
    });
    folder.join("venv/bin/python")
}

/// An official client of the protocol.
#[derive(Clone, Copy, Debug)]
pub enum ClientProgram {
    /// Over what it knows best.
    TypeScript,
    /// In one of its modes.
    Python(&'static str),
}

/// What a client finds at a server: over HTTP, or over the standard input and output of `program`.
#[track_caller]
pub fn found_by(client: ClientProgram, url: &str, token: &str, program: Option<&Path>) -> Value {
    let mut command = match client {
        ClientProgram::TypeScript => {
            let modules = node();
            let mut command = Command::new(node_program(&modules));
            // Said rather than named, it finds its packages from the folder it runs in.
            let script = read_to_string(Path::new(HERE).join("client.mjs")).unwrap();
            command.args(["--input-type=module", "--eval", &script]).current_dir(modules.parent().unwrap());
            command
        }
        ClientProgram::Python(mode) => {
            let mut command = Command::new(python());
            command.arg(Path::new(HERE).join("client.py")).env("MCP_MODE", mode);
            command
        }
    };
    command.env("MCP_URL", url).env("MCP_TOKEN", token).env("NO_PROXY", "127.0.0.1");
    if let Some(program) = program {
        command.env("MCP_COMMAND", program);
    }
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{client:?}: {told}");
    let text = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{told}"))
}
