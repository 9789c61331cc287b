//! cargo: `[source]` and `[registries]` from its configuration, tokens from its credentials.

use toml::{Table, Value};

use super::{Address, Machine, Registries};

/// The index, the files, and the old way to the files.
const DEFAULTS: [&str; 3] = ["index.crates.io", "static.crates.io", "crates.io"];
/// What a registry that wants a token is given inside; the real one replaces it on the way out.
const STAND_IN: &str = "brokered";

pub(super) fn detect(machine: Machine<'_>, found: &mut Registries) {
    let folder = machine.folder("CARGO_HOME", ".cargo");
    let table = |names: [&str; 2]| {
        let text = names.iter().find_map(|name| Machine::read(&folder.join(name)));
        text.and_then(|text| text.parse::<Table>().ok()).unwrap_or_default()
    };
    let mut config = table(["config.toml", "config"]);
    let credentials = table(["credentials.toml", "credentials"]);
    // What stands elsewhere (aliases, build flags, runners) is not about registries.
    config.retain(|key: &str, _| matches!(key, "source" | "registries" | "registry" | "http"));
    let replaced = at(&config, &["source", "crates-io", "replace-with"]).is_some();
    if !replaced {
        DEFAULTS.into_iter().for_each(|host| found.reach_default(host));
    }
    let mut inside = Table::new();
    if let Some(Value::Table(sources)) = config.get("source") {
        inside.insert("source".into(), Value::Table(self::sources(found, sources)));
    }
    let mut registries = match config.remove("registries") {
        Some(Value::Table(registries)) => registries,
        _ => Table::new(),
    };
    add_from_environment(machine, &mut registries);
    for (name, registry) in &registries {
        let Some(address) = registry.get("index").and_then(Value::as_str).and_then(index) else { continue };
        found.reach(&address);
        let variable = format!("CARGO_REGISTRIES_{}", name.to_uppercase().replace('-', "_"));
        let token = machine.variable(&format!("{variable}_TOKEN")).map(str::to_owned);
        let stored = at(&credentials, &["registries", name, "token"]).or_else(|| registry.get("token"));
        let token = token.or_else(|| stored.and_then(Value::as_str).map(str::to_owned));
        if token.is_some_and(|token| found.lend(&address, &token)) {
            found.set(&format!("{variable}_TOKEN"), STAND_IN);
        }
        found.set(&format!("{variable}_INDEX"), format!("sparse+{}", found.url_inside(&address)));
    }
    if let Some(path) = at(&config, &["http", "cainfo"]).and_then(Value::as_str) {
        found.certificates(path);
        found.set("CARGO_HTTP_CAINFO", path);
    }
    if let Some(name) = at(&config, &["registry", "default"]).and_then(Value::as_str) {
        found.set("CARGO_REGISTRY_DEFAULT", name);
    }
    if let Some(text) = toml_text(&inside) {
        found.inside.files.insert(".cargo/config.toml".into(), text);
    }
}

/// The sources as they go inside. Only their own few keys are taken over.
fn sources(found: &mut Registries, sources: &Table) -> Table {
    let mut inside = Table::new();
    for (name, source) in sources {
        let mut copy = Table::new();
        if let Some(other) = source.get("replace-with").and_then(Value::as_str) {
            copy.insert("replace-with".into(), Value::String(other.to_owned()));
        }
        if let Some(address) = source.get("registry").and_then(Value::as_str).and_then(index) {
            found.reach(&address);
            if let Some(credential) = &address.credential {
                found.lend(&address, &credential.basic());
            }
            copy.insert("registry".into(), Value::String(format!("sparse+{}", found.url_inside(&address))));
        }
        for key in ["directory", "local-registry"] {
            if let Some(folder) = source.get(key).and_then(Value::as_str).filter(|it| it.starts_with('/')) {
                found.inside.readable.insert(folder.into());
                copy.insert(key.into(), Value::String(folder.to_owned()));
            }
        }
        inside.insert(name.clone(), Value::Table(copy));
    }
    inside
}

/// `CARGO_REGISTRIES_<NAME>_INDEX` goes before the file.
fn add_from_environment(machine: Machine<'_>, registries: &mut Table) {
    for (variable, value) in machine.environment {
        let name = variable.strip_prefix("CARGO_REGISTRIES_").and_then(|rest| rest.strip_suffix("_INDEX"));
        if let Some(name) = name {
            let name = name.to_lowercase().replace('_', "-");
            let registry = registries.entry(name).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(registry) = registry {
                registry.insert("index".into(), Value::String(value.clone()));
            }
        }
    }
}

/// The address of an index. One that is a git repository is no plain HTTP for a tool, and is left out.
fn index(text: &str) -> Option<Address> {
    Address::read(text.strip_prefix("sparse+")?)
}

fn at<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Value> {
    let (last, tables) = path.split_last()?;
    let mut table = table;
    for name in tables {
        table = table.get(*name)?.as_table()?;
    }
    table.get(*last)
}

/// `[source.<name>]` tables, which is all that goes into the file. `None` where there are none.
fn toml_text(inside: &Table) -> Option<String> {
    let sources = inside.get("source")?.as_table()?;
    let mut text = String::new();
    // A string of JSON is one of TOML.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    for (name, source) in sources {
        text.push_str(&format!("[source.{}]\n", quoted(name)));
        for (key, value) in source.as_table()? {
            text.push_str(&format!("{key} = {}\n", quoted(value.as_str()?)));
        }
    }
    Some(text)
}
