//! No file of the project names a path of the machine it was written on.

use std::path::Path;

use anyhow::Result;

use crate::workshop::Workshop;

/// Folders below which a person's name stands.
const HOMES: [&str; 3] = ["/home/", "/Users/", "C:\\Users\\"];
/// Names that stand for anybody.
const ANYBODY: [&str; 8] = ["user", "you", "me", "ada", "ana", "somebody", "sandbox", "<"];

/// Looks through every text file of the project.
pub fn check(workshop: &Workshop) -> Result<()> {
    let mut own = vec![workshop.root.display().to_string()];
    // A home such as `/root` is named in earnest by the jail's tests.
    own.extend(std::env::var("HOME").ok().filter(|home| home.matches('/').count() > 1));
    let mut found = Vec::new();
    for path in super::project_files(workshop)? {
        if let Ok(text) = std::fs::read_to_string(workshop.root.join(&path)) {
            // This very file has to name what it looks for.
            if !Path::new(&path).ends_with("checks/paths.rs") {
                found.extend(look(&text, &own).map(|(line, what)| format!("{path}:{line}: names {what}")));
            }
        }
    }
    super::report(&found, "paths of a machine; make them relative, or settings")
}

fn look<'a>(text: &'a str, own: &'a [String]) -> impl Iterator<Item = (usize, &'a str)> {
    text.lines().enumerate().filter_map(move |(index, line)| {
        let own = own.iter().find(|path| names_folder(line, path)).map(String::as_str);
        own.or_else(|| somebodys_home(line)).map(|what| (index + 1, what))
    })
}

/// Whether the path stands in the line as a whole, not as the beginning of another name.
fn names_folder(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let after = line[at + path.len()..].chars().next();
        !after.is_some_and(|letter| letter.is_alphanumeric() || "-_".contains(letter))
    })
}

fn somebodys_home(line: &str) -> Option<&str> {
    HOMES.iter().find_map(|home| {
        let (at, _) = line.match_indices(home).find(|(at, _)| {
            let before = line[..*at].chars().next_back();
            let name = &line[at + home.len()..];
            let named = name.starts_with(|letter: char| letter.is_alphanumeric() || letter == '<');
            // `https://example.org/home/x` is an address, `pointer = "/home/title"` a place in a JSON file.
            let folder = !line.trim_start().starts_with("pointer = ")
                && !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '.');
            named && folder && !ANYBODY.iter().any(|anybody| name.starts_with(anybody))
        })?;
        let end = line[at..].find(|letter: char| letter.is_whitespace() || "\"'`)".contains(letter));
        Some(&line[at..end.map_or(line.len(), |end| at + end)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<&str>) {
        let own = ["/src/atelier".to_owned()];
        assert_eq!(look(line, &own).next().map(|(_, what)| what), expected, "{line}");
    }

    #[test]
    fn finds_homes_and_the_checkout_and_lets_placeholders_be() {
        check("open(\"/home/carol/data.csv\")", Some("/home/carol/data.csv"));
        check("at `/Users/bob/x`", Some("/Users/bob/x"));
        check("cd /src/atelier && ls", Some("/src/atelier"));
        check("cd /src/atelier-old", None);
        check("/home/user/data.csv", None);
        check("https://example.org/home/page", None);
        check("/home/ is a folder", None);
        check("pointer = \"/home/hero/title\"", None);
    }
}
