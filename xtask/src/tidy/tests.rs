//! A clean tree that breaks no rule, and the same tree broken in one place at a time.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;

/// Every rule; [`every_rule_has_a_case`] sees to it that none is forgotten here.
const RULES: [Rule; 11] = [
    Rule::Edge,
    Rule::Part,
    Rule::WebImport,
    Rule::FileSize,
    Rule::ModuleDocs,
    Rule::LibContents,
    Rule::ModFile,
    Rule::Name,
    Rule::Environment,
    Rule::Unfinished,
    Rule::Lints,
];

struct Case {
    rule: Rule,
    /// The file that is written over the clean tree.
    path: &'static str,
    text: String,
    /// Where the violation is expected.
    line: usize,
}

fn case(rule: Rule, path: &'static str, line: usize, text: impl Into<String>) -> Case {
    Case { rule, path, text: text.into(), line }
}

fn manifest(name: &str, dependencies: &str) -> String {
    format!("[package]\nname = \"{name}\"\n[lints]\nworkspace = true\n{dependencies}\n")
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

const LIB: &str = "//! Docs; see `todo!()`.\n#![doc = \"more; docs\"]\n\nmod core;\npub mod record;\n\n/* a note */\n\
    #[cfg(test)]\nmod tests;\n\npub use core::{\n    One,\n    Two,\n};\n";

const CORE: &str = "//! The core.\n\n/// Not a `ThingManager`.\npub struct One;\npub struct Two;\npub const ARCH: &str = std::env::consts::ARCH;\n\n\
    // dbg!(x), std::env\npub fn f() -> &'static str {\n    \"todo!() std::env::var utils\"\n}\n\n\
    #[cfg(test)]\nmod tests {\n    use std::env;\n}\n";

fn clean_tree(root: &Path) {
    write(root, "clippy.toml", "too-many-lines-threshold = 70\n");
    for (folder, name, dependencies) in [
        ("kernel", "kernel", ""),
        (
            "runs",
            "runs",
            "[dependencies]\nkernel.workspace = true\n[dev-dependencies]\ntestkit.workspace = true",
        ),
        ("agents", "agents", "[dependencies]\nkernel.workspace = true\nruns.workspace = true"),
        ("store", "store", "[dependencies]\nruns.workspace = true\nsqlx.workspace = true"),
        (
            "http",
            "http-surface",
            "[dependencies]\naxum.workspace = true\nagents.workspace = true\n[dev-dependencies]\nstore = \"1\"",
        ),
        ("testkit", "testkit", "[dependencies]\nkernel.workspace = true\naxum.workspace = true"),
        ("atelier", "atelier", "[dependencies]\nhttp-surface.workspace = true\nanyhow.workspace = true"),
    ] {
        write(root, &format!("crates/{folder}/Cargo.toml"), &manifest(name, dependencies));
        write(root, &format!("crates/{folder}/src/lib.rs"), LIB);
        write(root, &format!("crates/{folder}/src/core.rs"), CORE);
        write(root, &format!("crates/{folder}/src/record.rs"), &long(800));
    }
    write(root, "crates/runs/tests/story.rs", &format!("{}use std::env;\n", long(900)));
    write(root, "crates/atelier/src/settings.rs", "//! Settings.\nuse std::env;\n");
    write(root, "crates/http/src/gen/wire.rs", &"type A = u8;\n".repeat(900));
    write(root, "xtask/Cargo.toml", &manifest("xtask", "[dependencies]\nanyhow.workspace = true"));
    write(root, "web/src/routes/runs.tsx", "import { Runs } from \"@/features/runs/runs\";\n");
    write(root, "web/src/features/runs/runs.tsx", "import { time } from \"@/lib/time\";\n");
    write(root, "web/node_modules/x/utils.ts", "");
}

/// A documented module of so many lines.
fn long(lines: usize) -> String {
    format!("//! Long.\n{}", "const _: u8 = 0;\n".repeat(lines - 1))
}

fn cases() -> Vec<Case> {
    let core = |line: &str| format!("//! Core.\n\n{line}\n");
    let depends = |name: &str, line: &str| manifest(name, &format!("[dependencies]\n{line}"));
    let test_depends = |name: &str, line: &str| manifest(name, &format!("[dev-dependencies]\n{line}"));
    vec![
        case(Rule::Edge, "crates/runs/Cargo.toml", 6, depends("runs", "memory.workspace = true")),
        case(
            Rule::Edge,
            "crates/runs/Cargo.toml",
            6,
            depends("runs", "m = { package = \"memory\", path = \"x\" }"),
        ),
        case(Rule::Edge, "crates/kernel/Cargo.toml", 6, test_depends("kernel", "runs.workspace = true")),
        case(Rule::Edge, "crates/http/Cargo.toml", 6, depends("http-surface", "store.workspace = true")),
        case(Rule::Edge, "crates/testkit/Cargo.toml", 6, depends("testkit", "runs = { path = \"../runs\" }")),
        case(Rule::Edge, "crates/runs/Cargo.toml", 6, depends("runs", "testkit.workspace = true")),
        case(Rule::Edge, "crates/odd/Cargo.toml", 2, depends("odd", "")),
        case(Rule::Edge, "xtask/Cargo.toml", 6, depends("xtask", "kernel.workspace = true")),
        case(
            Rule::Edge,
            "crates/runs/Cargo.toml",
            5,
            manifest("runs", "[target.'cfg(unix)'.dependencies.store]\npath = \"../store\""),
        ),
        case(Rule::Part, "crates/atelier/Cargo.toml", 6, depends("atelier", "axum.workspace = true")),
        case(Rule::Part, "crates/memory/Cargo.toml", 6, depends("memory", "sqlx = \"0.9\"")),
        case(Rule::Part, "crates/runs/Cargo.toml", 6, test_depends("runs", "anyhow.workspace = true")),
        case(Rule::WebImport, "web/src/lib/time.ts", 2, "// x\nimport { a } from '../features/runs/api';\n"),
        case(Rule::WebImport, "web/src/features/runs/runs.tsx", 1, "export * from \"@/routes/root\";\n"),
        case(Rule::FileSize, "crates/runs/src/core.rs", 801, long(801)),
        case(Rule::FileSize, "web/src/routes/big.tsx", 801, "\n".repeat(801)),
        case(Rule::ModuleDocs, "crates/runs/src/core.rs", 1, "/// Not the module's.\npub struct X;\n"),
        case(Rule::ModuleDocs, "crates/runs/tests/story.rs", 1, "\n#[test]\nfn f() {}\n"),
        case(Rule::LibContents, "crates/runs/src/lib.rs", 4, "//! D.\nmod a;\n\npub fn f() {}\n"),
        case(Rule::LibContents, "crates/runs/src/lib.rs", 2, "//! D.\nmod a { use b::c; }\n"),
        case(Rule::LibContents, "crates/runs/src/lib.rs", 3, "//! D.\n#[derive(Debug)]\npub struct A;\n"),
        case(Rule::ModFile, "crates/runs/src/record/mod.rs", 1, "//! R.\n"),
        case(Rule::Name, "crates/runs/src/utils.rs", 1, "//! U.\n"),
        case(Rule::Name, "crates/runs/src/helpers/time.rs", 1, "//! T.\n"),
        case(Rule::Name, "web/src/lib/utils.ts", 1, ""),
        case(Rule::Name, "crates/runs/src/core.rs", 3, core("pub struct LeaseManager;")),
        case(Rule::Name, "crates/runs/src/core.rs", 3, core("mod misc;")),
        case(Rule::Environment, "crates/runs/src/core.rs", 3, core("use std::env;")),
        case(Rule::Environment, "crates/http/src/core.rs", 3, core("fn f() { env::var(\"X\"); }")),
        case(Rule::Unfinished, "crates/runs/src/core.rs", 3, core("fn f() { todo!() }")),
        case(Rule::Unfinished, "crates/runs/tests/story.rs", 3, core("fn f() { dbg!(1); }")),
        case(Rule::Unfinished, "crates/atelier/src/core.rs", 3, core("fn f() { unimplemented!(\"x\") }")),
        case(Rule::Lints, "clippy.toml", 1, "too-many-lines-threshold = 100\n"),
        case(Rule::Lints, "crates/kernel/Cargo.toml", 2, "[package]\nname = \"kernel\"\n"),
        case(Rule::Lints, "crates/runs/src/core.rs", 3, core("#[allow(clippy::too_many_lines)]")),
    ]
}

#[test]
fn a_clean_tree_breaks_nothing() {
    let root = tempfile::tempdir().unwrap();
    clean_tree(root.path());
    assert_eq!(tidy(root.path()), []);
}

#[test]
fn each_broken_rule_is_found_where_it_is_broken_and_nowhere_else() {
    for Case { rule, path, text, line } in cases() {
        let root = tempfile::tempdir().unwrap();
        clean_tree(root.path());
        write(root.path(), path, &text);
        let found: Vec<_> = tidy(root.path()).into_iter().map(|it| (it.rule, it.path, it.line)).collect();
        assert_eq!(found, [(rule, PathBuf::from(path), line)], "{path} with:\n{text}");
    }
}

#[test]
fn every_rule_has_a_case() {
    let broken: BTreeSet<Rule> = cases().iter().map(|case| case.rule).collect();
    assert_eq!(broken, RULES.into_iter().collect());
    assert_eq!(RULES.len(), Rule::Lints as usize + 1, "`Lints` is the last rule");
}

#[test]
fn a_violation_says_where_it_is_and_what_to_do() {
    let root = tempfile::tempdir().unwrap();
    clean_tree(root.path());
    write(root.path(), "crates/runs/Cargo.toml", &manifest("runs", "[dependencies]\nstore.workspace = true"));
    let expected = "crates/runs/Cargo.toml:6: `runs` may not see `store`; \
        declare a small port in this crate and let `atelier` plug the other one in";
    assert_eq!(tidy(root.path())[0].to_string(), expected);
}
