//! Who may depend on whom: our crates among each other, the parts that belong to one crate, and the
//! folders of the web UI.

use super::tree::{Crate, File, Tree};
use super::{Rule, Violation};

const PLANES: [&str; 9] =
    ["runs", "models", "memory", "sandbox", "accounts", "vault", "embeddings", "worktree", "connectors"];
/// Crates that see nothing but `kernel` and that only `memory` and `atelier` see.
const LEAVES: [&str; 2] = ["extract", "index"];
const APPS: [&str; 4] = ["studio", "desk", "brands", "plugins"];
const SURFACES: [&str; 2] = ["store", "http-surface"];
/// What implements one plane's port over someone else's server.
const STORES: [&str; 1] = ["vector-stores"];

/// Edges that only tests have: `http` tests its real router over a real store.
/// The command line meets a server that answers as the test wants. Stores of vectors are tried under
/// the whole of memory.
const ONLY_IN_TESTS: [(&str, &str); 5] = [
    ("http-surface", "store"),
    ("atelier", "axum"),
    ("vector-stores", "store"),
    ("vector-stores", "embeddings"),
    ("vector-stores", "index"),
];

/// Parts that belong to some crates: nobody else depends on them.
const PARTS: [(&str, &[&str]); 7] = [
    ("axum", &["http-surface", "testkit"]),
    ("hyper", &["http-surface", "testkit", "sandbox"]),
    ("tower-http", &["http-surface", "testkit"]),
    ("sqlx", &["store", "vector-stores"]),
    ("libsqlite3-sys", &["store"]),
    ("rusqlite", &["store"]),
    ("anyhow", &["atelier", "xtask"]),
];

/// In the UI, what a folder may not import: imports flow `lib, ui → features → routes`.
const WEB_FLOW: [(&str, &[&str]); 3] = [
    ("web/src/lib", &["features", "routes"]),
    ("web/src/components/ui", &["features", "routes"]),
    ("web/src/features", &["routes"]),
];

pub fn check(tree: &Tree, violations: &mut Vec<Violation>) {
    let ours: Vec<&str> = tree.crates.iter().map(|krate| krate.name.as_str()).collect();
    for krate in &tree.crates {
        if allowed(&krate.name).is_none() {
            let message =
                format!("the crate `{}` has no place in the layers (xtask/src/tidy/edges.rs)", krate.name);
            violations.push(krate.violation(Rule::Edge, "name", message));
        }
        for dependency in dependencies(krate) {
            violations.extend(check_dependency(krate, &dependency, &ours));
        }
    }
    for file in &tree.files {
        check_imports(file, violations);
    }
}

/// What a crate may see; `None` for one that is in no layer.
fn allowed(name: &str) -> Option<Vec<&'static str>> {
    let below_surfaces = || [&["kernel", "agents"], &PLANES[..], &APPS[..]].concat();
    Some(match name {
        "kernel" | "xtask" => vec![],
        "testkit" => vec!["kernel"],
        "agents" => [&["kernel"], &PLANES[..]].concat(),
        "atelier" => [below_surfaces(), SURFACES.to_vec(), STORES.to_vec(), LEAVES.to_vec()].concat(),
        "memory" => vec!["kernel", "index", "extract"],
        leaf if LEAVES.contains(&leaf) => vec!["kernel"],
        plane if PLANES.contains(&plane) => vec!["kernel"],
        "vector-stores" => vec!["kernel", "memory"],
        app if APPS.contains(&app) => [&["kernel", "agents"], &PLANES[..]].concat(),
        surface if SURFACES.contains(&surface) => below_surfaces(),
        _ => return None,
    })
}

struct Dependency {
    /// As the manifest calls it.
    key: String,
    /// As the package is called.
    package: String,
    only_in_tests: bool,
}

fn dependencies(krate: &Crate) -> Vec<Dependency> {
    let targets = krate.manifest.get("target").and_then(|targets| targets.as_table());
    let targets = targets.into_iter().flat_map(|targets| targets.values()).filter_map(|it| it.as_table());
    let tables = std::iter::once(&krate.manifest).chain(targets);
    let mut found = Vec::new();
    for table in tables {
        for kind in ["dependencies", "build-dependencies", "dev-dependencies"] {
            let entries = table.get(kind).and_then(|entries| entries.as_table()).into_iter().flatten();
            found.extend(entries.map(|(key, value)| Dependency {
                key: key.clone(),
                package: value.get("package").and_then(|name| name.as_str()).unwrap_or(key).to_owned(),
                only_in_tests: kind == "dev-dependencies",
            }));
        }
    }
    found
}

fn check_dependency(krate: &Crate, dependency: &Dependency, ours: &[&str]) -> Option<Violation> {
    let (from, to) = (krate.name.as_str(), dependency.package.as_str());
    if dependency.only_in_tests && ONLY_IN_TESTS.contains(&(from, to)) {
        return None;
    }
    if let Some((_, owners)) = PARTS.iter().find(|(part, _)| *part == to) {
        let message = format!("`{from}` depends on `{to}`, which belongs to {}", owners.join(" and "));
        return (!owners.contains(&from)).then(|| krate.violation(Rule::Part, &dependency.key, message));
    }
    // A crate may name itself, to turn on a feature of its own for its tests.
    let foreign = !ours.contains(&to) && allowed(to).is_none();
    if foreign || from == to {
        return None;
    }
    let in_tests = dependency.only_in_tests && to == "testkit";
    if in_tests || allowed(from)?.contains(&to) {
        return None;
    }
    let message = format!("`{from}` may not see `{to}`");
    Some(krate.violation(Rule::Edge, &dependency.key, message))
}

fn check_imports(file: &File, violations: &mut Vec<Violation>) {
    let Some((folder, barred)) = WEB_FLOW.iter().find(|(folder, _)| file.path.starts_with(folder)) else {
        return;
    };
    for (index, line) in file.text.lines().enumerate() {
        let Some(module) = imported(line) else { continue };
        if let Some(name) = barred.iter().find(|name| module.split('/').any(|part| part == **name)) {
            let message = format!("{folder} imports from {name}/");
            violations.push(file.violation(Rule::WebImport, index + 1, message));
        }
    }
}

/// The module of `import … from "module"`, `export … from "module"` or `import("module")`.
fn imported(line: &str) -> Option<&str> {
    let after = ["from ", "import ", "import("].iter().find_map(|word| line.rsplit_once(word))?.1;
    let quote = after.trim_start().chars().next().filter(|letter| matches!(letter, '"' | '\''))?;
    after.trim_start()[1..].split(quote).next()
}
