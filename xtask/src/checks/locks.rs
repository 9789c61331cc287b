//! Lock files name packages and digests, never a host: a mirror of today is gone tomorrow.

use anyhow::Result;

use crate::workshop::Workshop;

/// How cargo calls crates.io, whatever mirror it is read through.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Looks through the lock files and the pinned Python packages.
pub fn check(workshop: &Workshop) -> Result<()> {
    let mut found = Vec::new();
    for path in super::project_files(workshop)? {
        let name = path.rsplit('/').next().unwrap_or_default();
        let lock = ["Cargo.lock", "package-lock.json", "requirements.txt", ".npmrc"].contains(&name);
        let Some(text) = lock.then(|| std::fs::read_to_string(workshop.root.join(&path)).ok()).flatten()
        else {
            continue;
        };
        found.extend(hosts(name, &text).map(|(line, what)| format!("{path}:{line}: {what}")));
    }
    super::report(
        &found,
        "hosts in lock files; npm leaves them out with omit-lockfile-registry-resolved=true",
    )
}

fn hosts<'a>(name: &'a str, text: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    text.lines().enumerate().filter_map(move |(index, line)| {
        let line = line.trim();
        let place = match name {
            // A package's page or its author's, which npm copies into the lock file, is no source.
            "package-lock.json" => line.starts_with("\"resolved\""),
            _ => true,
        };
        let host = line.contains("://") && !line.contains(CRATES_IO);
        (place && host).then_some((index + 1, line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, line: &str, expected: bool) {
        assert_eq!(hosts(name, line).next().is_some(), expected, "{name}: {line}");
    }

    #[test]
    fn finds_mirrors_and_lets_the_packages_pages_be() {
        check("Cargo.lock", &format!("source = \"{CRATES_IO}\""), false);
        check("Cargo.lock", "source = \"registry+https://mirror.example/index\"", true);
        check("Cargo.lock", "source = \"git+https://github.com/a/b#c\"", true);
        check("package-lock.json", "\"resolved\": \"https://mirror.example/x.tgz\",", true);
        check("package-lock.json", "\"url\": \"https://opencollective.com/x\"", false);
        check("requirements.txt", "--index-url https://mirror.example", true);
        check("requirements.txt", "dbos==3.4.0", false);
        check(".npmrc", "registry=https://mirror.example", true);
    }
}
