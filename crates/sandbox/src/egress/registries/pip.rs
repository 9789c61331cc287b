//! pip: `index-url`, `extra-index-url` and `find-links` from the environment and the pip.conf files.

use std::collections::BTreeMap;

use super::{Address, Host, Machine, Registries};

const DEFAULT: &str = "pypi.org";
/// Where the index above keeps its files.
const DEFAULT_FILES: &str = "files.pythonhosted.org";
/// Sections that say where packages come from.
const SECTIONS: [&str; 3] = ["global", "install", "download"];

pub(super) fn detect(machine: Machine<'_>, found: &mut Registries) {
    let settings = settings(machine);
    let values = |key: &str| -> Vec<&str> {
        settings.get(key).map(|value| value.split_whitespace().collect()).unwrap_or_default()
    };
    let addresses = |key: &str| values(key).into_iter().filter_map(Address::read).collect::<Vec<_>>();
    let index = addresses("index-url").into_iter().next();
    let (extra, links) = (addresses("extra-index-url"), addresses("find-links"));
    let all: Vec<&Address> = index.iter().chain(&extra).chain(&links).collect();
    if index.is_none() {
        found.reach_default(DEFAULT);
    }
    let is_default = |address: &&Address| address.host == Host::Name(DEFAULT.into());
    if index.is_none() || all.iter().any(is_default) {
        found.reach_default(DEFAULT_FILES);
    }
    let mut trusted: Vec<String> = values("trusted-host").into_iter().map(str::to_owned).collect();
    for address in &all {
        found.reach(address);
        if address.credential.as_ref().is_some_and(|credential| found.lend(address, &credential.basic())) {
            // pip uses a plain index only if it is told that this is meant.
            trusted.push(address.host.authority(address.port, 443));
        }
    }
    let joined = |found: &Registries, addresses: &[Address]| {
        addresses.iter().map(|address| found.url_inside(address)).collect::<Vec<_>>().join(" ")
    };
    let folders: Vec<&str> = values("find-links").into_iter().filter(|link| link.starts_with('/')).collect();
    found.inside.readable.extend(folders.iter().map(Into::into));
    let links = [folders.join(" "), joined(found, &links)].join(" ");
    let index = index.map(|address| found.url_inside(&address)).unwrap_or_default();
    let certificates = values("cert").join(" ");
    if !certificates.is_empty() {
        found.certificates(&certificates);
    }
    for (name, value) in [
        ("PIP_INDEX_URL", index),
        ("PIP_EXTRA_INDEX_URL", joined(found, &extra)),
        ("PIP_FIND_LINKS", links.trim().to_owned()),
        ("PIP_TRUSTED_HOST", trusted.join(" ")),
        ("PIP_NO_INDEX", values("no-index").join(" ")),
        ("PIP_CERT", certificates),
    ] {
        if !value.is_empty() {
            found.set(name, value);
        }
    }
}

/// All settings; the environment goes before the user's files, and those before the machine's.
fn settings(machine: Machine<'_>) -> BTreeMap<String, String> {
    let mut settings: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in machine.environment {
        if let Some(key) = name.strip_prefix("PIP_") {
            settings.insert(key.to_lowercase().replace('_', "-"), value.trim().to_owned());
        }
    }
    let mut files: Vec<_> = settings.get("config-file").map(Into::into).into_iter().collect();
    files.push(machine.folder("XDG_CONFIG_HOME", ".config").join("pip/pip.conf"));
    files.push(machine.home.join(".pip/pip.conf"));
    files.extend(["etc/pip.conf", "etc/xdg/pip/pip.conf"].map(|path| machine.root.join(path)));
    for text in files.iter().filter_map(|path| Machine::read(path)) {
        for (key, value) in entries(&text) {
            settings.entry(key).or_insert(value);
        }
    }
    settings.retain(|_, value| !value.is_empty());
    settings
}

/// The entries of the sections that matter. A line that begins with a blank goes on with the one
/// before.
fn entries(text: &str) -> BTreeMap<String, String> {
    let mut entries: BTreeMap<String, String> = BTreeMap::new();
    let mut is_read = false;
    let mut last = None;
    for line in text.lines() {
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        if let Some(section) = content.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            is_read = SECTIONS.contains(&section);
            last = None;
        } else if line.starts_with([' ', '\t']) {
            if let Some(value) = last.as_ref().and_then(|key| entries.get_mut(key)) {
                value.push(' ');
                value.push_str(content);
            }
        } else if let Some((key, value)) = content.split_once(['=', ':']).filter(|_| is_read) {
            let key = key.trim().to_lowercase().replace('_', "-");
            entries.insert(key.clone(), value.trim().to_owned());
            last = Some(key);
        } else {
            last = None;
        }
    }
    entries
}
