//! What the tests need from the machine, and how to get it.
//!
//! Invariant: nothing is skipped in silence. What cannot be installed is named, with the command
//! that installs it, and whoever needed it is reported as failed.

use std::fmt;
use std::path::Path;
use std::process::Command;

use crate::process;

/// A program of the machine that the tests use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// What it is called in messages.
    pub name: &'static str,
    /// What it is needed for.
    pub purpose: &'static str,
    /// A shell command that succeeds when it is there.
    probe: &'static str,
    /// The Debian package that has it.
    package: &'static str,
}

/// A browser that Playwright can drive.
pub const CHROMIUM: Need = Need {
    name: "Chromium",
    purpose: "the browser tests",
    probe: "command -v chromium-headless-shell || command -v chromium",
    package: "chromium-headless-shell",
};

/// Python with its venv module.
pub const PYTHON: Need = Need {
    name: "Python 3 with venv",
    purpose: "the code runner's tests and the API fuzzer",
    probe: "python3 -c 'import ensurepip, venv'",
    package: "python3-venv",
};

/// Node, which both builds the UI and is run by the code runner.
pub const NODE: Need = Need {
    name: "Node 20 or newer",
    purpose: "the UI and the code runner's tests",
    probe: "node -e 'process.exit(Number(process.versions.node.split(`.`)[0]) >= 20 ? 0 : 1)'",
    package: "nodejs",
};

/// npm, which Debian packages apart from Node.
pub const NPM: Need =
    Need { name: "npm", purpose: "the UI's packages", probe: "command -v npm", package: "npm" };

/// A C compiler, for SQLite.
pub const COMPILER: Need = Need {
    name: "a C compiler",
    purpose: "building SQLite",
    probe: "command -v cc",
    package: "gcc libc6-dev",
};

/// Everything the tests need.
pub const ALL: [Need; 5] = [COMPILER, NODE, NPM, PYTHON, CHROMIUM];

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is missing, needed for {} (apt-get install {})", self.name, self.purpose, self.package)
    }
}

/// Installs what is missing where we may, and answers what is missing still.
pub fn install(needs: &[Need]) -> Vec<Need> {
    let missing = missing(needs);
    if missing.is_empty() || !may_install() {
        return missing;
    }
    let packages = missing.iter().flat_map(|need| need.package.split(' '));
    let mut update = apt_get();
    let mut install = apt_get();
    install.args(["install", "-y", "--no-install-recommends"]).args(packages);
    for command in [update.arg("update"), &mut install] {
        if let Err(error) = process::run(command) {
            eprintln!("{error:#}");
        }
    }
    self::missing(needs)
}

/// Which of them this machine does not have.
pub fn missing(needs: &[Need]) -> Vec<Need> {
    let there = |need: &Need| process::succeeds(Command::new("sh").args(["-c", need.probe]));
    needs.iter().copied().filter(|need| !there(need)).collect()
}

fn may_install() -> bool {
    let root = process::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    root && Path::new("/etc/debian_version").exists()
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").arg("-q");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_its_package_and_purpose() {
        let need =
            Need { name: "Frobnicator", purpose: "frobs", probe: "command -v frobnicate", package: "frob" };
        let there = Need { probe: "true", ..need };
        let missing = missing(&[need, there]);
        assert_eq!(missing, [need]);
        let expected = "Frobnicator is missing, needed for frobs (apt-get install frob)";
        assert_eq!(missing[0].to_string(), expected);
    }
}
