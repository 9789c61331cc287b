//! npm: `registry` and `@scope:registry` from the environment, the user's npmrc and the machine's.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{Address, Credential, Machine, Registries};

const DEFAULT: &str = "registry.npmjs.org";

pub(super) fn detect(machine: Machine<'_>, found: &mut Registries) {
    let settings = settings(machine);
    let is_registry = |key: &str| key == "registry" || (key.starts_with('@') && key.ends_with(":registry"));
    let registries: Vec<(&str, Address)> = settings
        .iter()
        .filter(|(key, _)| is_registry(key))
        .filter_map(|(key, value)| Some((key.as_str(), Address::read(value)?)))
        .collect();
    if !registries.iter().any(|(key, _)| *key == "registry") {
        found.reach_default(DEFAULT);
    }
    let mut lines = Vec::new();
    let mut is_any_lent = false;
    for (_, address) in &registries {
        found.reach(address);
        let credential = authorization(&settings, address);
        is_any_lent |= credential.is_some_and(|credential| found.lend(address, &credential));
    }
    for (key, address) in &registries {
        lines.push(format!("{key}={}", found.url_inside(address)));
    }
    if let Some(path) = settings.get("cafile") {
        found.certificates(path);
        lines.push(format!("cafile={path}"));
    }
    if is_any_lent {
        // Archives are named by `https://` URLs of the same host; they are to be fetched like the rest.
        lines.push("replace-registry-host=always".into());
    }
    if !lines.is_empty() {
        found.inside.files.insert(".npmrc".into(), lines.join("\n") + "\n");
    }
}

/// All settings; of several places the first wins.
fn settings(machine: Machine<'_>) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    for (name, value) in machine.environment {
        let Some(key) = name.get(..11).filter(|prefix| prefix.eq_ignore_ascii_case("npm_config_")) else {
            continue;
        };
        let key = &name[key.len()..];
        let key = match key.chars().next() {
            Some('@' | '/') => key.to_owned(),
            _ => key.to_lowercase().replace('_', "-"),
        };
        settings.insert(key, value.trim().to_owned());
    }
    let user = settings.get("userconfig").map_or_else(|| machine.home.join(".npmrc"), Into::into);
    let mut files = vec![user];
    files.extend(settings.get("globalconfig").map(Into::into));
    files.extend(["etc/npmrc", "usr/etc/npmrc", "usr/local/etc/npmrc"].map(|path| machine.root.join(path)));
    for text in files.iter().filter_map(|path| Machine::read(path)) {
        for (key, value) in lines(&text) {
            settings.entry(key).or_insert_with(|| expand(machine, &value));
        }
    }
    settings.retain(|_, value| !value.is_empty());
    settings
}

fn lines(text: &str) -> impl Iterator<Item = (String, String)> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with([';', '#', '[']))
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| {
            let value = value.trim();
            let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            (key.trim().to_owned(), unquoted.unwrap_or(value).to_owned())
        })
}

/// Puts in what `${NAME}` stands for; an unknown name stays as it is, as in npm.
fn expand(machine: Machine<'_>, value: &str) -> String {
    let mut expanded = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, after)) = after.split_once('}') else { break };
        expanded.push_str(before);
        match machine.environment.get(name.trim_end_matches('?')) {
            Some(value) => expanded.push_str(value),
            None if name.ends_with('?') => {}
            None => expanded.push_str(&format!("${{{name}}}")),
        }
        rest = after;
    }
    expanded + rest
}

/// The `Authorization` header for a registry: the settings for the longest part of its address
/// that has any, else the user and password in its URL.
fn authorization(settings: &BTreeMap<String, String>, address: &Address) -> Option<String> {
    let authority = address.host.authority(address.port, if address.is_secure() { 443 } else { 80 });
    let mut part = format!("//{authority}{}", address.url.path());
    loop {
        let own = |name: &str| {
            let with_slash = settings.get(&format!("{}/:{name}", part.trim_end_matches('/')));
            with_slash.or_else(|| settings.get(&format!("{}:{name}", part.trim_end_matches('/'))))
        };
        if let Some(token) = own("_authToken") {
            return Some(format!("Bearer {token}"));
        }
        if let Some(pair) = own("_auth") {
            return Some(format!("Basic {pair}"));
        }
        if let (Some(user), Some(password)) = (own("username"), own("_password")) {
            let password = BASE64_STANDARD.decode(password).ok().and_then(|it| String::from_utf8(it).ok())?;
            return Some(Credential { user: user.clone(), password }.basic());
        }
        let shorter = part.trim_end_matches('/').rfind('/').filter(|at| *at > 1)?;
        part.truncate(shorter);
        if part.len() <= 2 {
            break;
        }
    }
    address.credential.as_ref().map(Credential::basic)
}
