//! A server of tools: where it is or how it is started, and what of that was approved.
//!
//! Invariant: [`Server::digest`] covers everything that decides what is contacted or started. Two
//! servers with the same digest do the same, but for the values of secrets, of which it knows the
//! names and how often they were changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};
use serde_json::json;
use url::{Host, Url};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::reach;

/// The longest name of a server.
pub const NAME_BYTES: usize = 32;
const URL_BYTES: usize = 500;
const TEXT_BYTES: usize = 4 << 10;
const ARGUMENTS: usize = 64;
const VARIABLES: usize = 64;
const HOSTS: usize = 64;
const FOLDERS: usize = 16;

/// Where a secret is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretStorage {
    /// In the operating system's keychain.
    Keychain,
    /// In the workspace's encrypted file.
    EncryptedFile,
}

/// The value of a secret. It is never shown, and wiped from memory.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for whoever is to be given it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// How a server is talked to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Transport {
    /// At an address, over streamable HTTP.
    Http {
        /// The address.
        url: String,
        /// Where the token is that is sent to it, if there is one.
        token: Option<SecretStorage>,
    },
    /// A program, over its standard input and output.
    Stdio(Program),
}

/// A program that is a server, and the little it gets of the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// The program.
    pub command: String,
    /// Its arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// Its variables that are no secrets.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Its variables that are secrets, with where their values are.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretStorage>,
    /// How often the values of its secrets were changed.
    #[serde(default)]
    pub secrets_revision: u64,
    /// The hosts it may reach.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Whether it may reach the package registries this machine is set up with.
    #[serde(default)]
    pub registries: bool,
    /// Folders of this machine that it may read.
    #[serde(default)]
    pub folders: BTreeSet<String>,
}

/// A server of tools that the workspace knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name, unique.
    pub name: String,
    /// How it is talked to.
    pub transport: Transport,
    /// Whether its tools are used.
    pub enabled: bool,
    /// The digest that the owner approved last.
    pub approved_digest: Option<String>,
}

/// Whether a server is what was approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// It is.
    Approved,
    /// It was imported, and nobody approved it.
    Proposed,
    /// It was changed since it was approved.
    Withdrawn,
}

impl Server {
    /// Over everything that would be contacted or started.
    pub fn digest(&self) -> String {
        let covered = match &self.transport {
            // Which token is sent changes nothing about who gets it.
            Transport::Http { url, token: _ } => json!({ "kind": "http", "url": url }),
            Transport::Stdio(program) => json!({
                "kind": "stdio",
                "command": program.command,
                "args": program.args,
                "environment": program.environment,
                "secrets": program.secrets.keys().collect::<Vec<_>>(),
                "secrets_revision": program.secrets_revision,
                "hosts": program.hosts,
                "registries": program.registries,
                "folders": program.folders,
            }),
        };
        blake3::hash(covered.to_string().as_bytes()).to_hex().to_string()
    }

    /// Whether it is what was approved.
    pub fn approval(&self) -> Approval {
        match &self.approved_digest {
            None => Approval::Proposed,
            Some(digest) if *digest == self.digest() => Approval::Approved,
            Some(_) => Approval::Withdrawn,
        }
    }

    /// Whether what its tools are given stays on this machine.
    pub fn is_local(&self) -> bool {
        match &self.transport {
            Transport::Http { url, .. } => Url::parse(url).is_ok_and(|url| reach::is_this_machine(&url)),
            Transport::Stdio(program) => program.hosts.is_empty() && !program.registries,
        }
    }

    /// Refuses what cannot be meant.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let is_name = (1..=NAME_BYTES).contains(&self.name.len())
            && self.name.bytes().all(|one| matches!(one, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
        if !is_name {
            return unfit(format!("its name must have 1 to {NAME_BYTES} of a-z, 0-9, `_` and `-`"));
        }
        match &self.transport {
            Transport::Http { url, token } => check_url(url, token.is_some()),
            Transport::Stdio(program) => check_program(program),
        }
    }
}

fn unfit<T>(reason: impl Into<String>) -> Result<T, Error> {
    Err(Error::Unfit { reason: reason.into() })
}

fn check_url(text: &str, has_token: bool) -> Result<(), Error> {
    if text.len() > URL_BYTES {
        return unfit(format!("its address has more than {URL_BYTES} characters"));
    }
    let Ok(url) = Url::parse(text) else { return unfit("its address is none") };
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return unfit("its address must begin with https:// or http://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return unfit("its address holds a name or password; give a token instead");
    }
    if url.fragment().is_some() {
        return unfit("its address must not have a part after `#`");
    }
    let literal = match url.host() {
        Some(Host::Ipv4(address)) => Some(address.into()),
        Some(Host::Ipv6(address)) => Some(address.into()),
        _ => None,
    };
    if literal.is_some_and(reach::is_never_reached) {
        return unfit("no server of tools may be at its address");
    }
    if has_token && url.scheme() == "http" && !reach::is_this_machine(&url) {
        return unfit("a token is only sent over https, or to this machine");
    }
    Ok(())
}

fn check_program(program: &Program) -> Result<(), Error> {
    let is_text = |text: &str, bytes: usize| text.len() <= bytes && !text.contains('\0');
    if program.command.trim().is_empty() || !is_text(&program.command, TEXT_BYTES) {
        return unfit("it has no command, or one that is too long");
    }
    if program.args.len() > ARGUMENTS || !program.args.iter().all(|one| is_text(one, TEXT_BYTES)) {
        return unfit(format!("it has more than {ARGUMENTS} arguments, or one that is too long"));
    }
    let names = program.environment.keys().chain(program.secrets.keys());
    if names.clone().count() > VARIABLES || !program.environment.values().all(|one| is_text(one, TEXT_BYTES))
    {
        return unfit(format!("it has more than {VARIABLES} variables, or one that is too long"));
    }
    if let Some(odd) = names.clone().find(|name| !is_variable(name)) {
        return unfit(format!("`{}` is no name of a variable", crate::text::label(odd, 80)));
    }
    if program.secrets.keys().any(|name| program.environment.contains_key(name)) {
        return unfit("a variable is given twice, as a secret and as none");
    }
    let is_host = |host: &String| (1..=260).contains(&host.len()) && !host.contains(char::is_whitespace);
    if program.hosts.len() > HOSTS || !program.hosts.iter().all(is_host) {
        return unfit(format!("it has more than {HOSTS} hosts, or one that is none"));
    }
    let is_folder = |folder: &String| {
        let path = Path::new(folder);
        let leads_up = path.components().any(|part| part == Component::ParentDir);
        path.is_absolute() && path.parent().is_some() && !leads_up && is_text(folder, TEXT_BYTES)
    };
    if program.folders.len() > FOLDERS || !program.folders.iter().all(is_folder) {
        return unfit(format!("it has more than {FOLDERS} folders, or one that is no absolute path"));
    }
    Ok(())
}

fn is_variable(name: &str) -> bool {
    let begins = name.starts_with(|one: char| one.is_ascii_alphabetic() || one == '_');
    begins && name.len() <= 100 && name.bytes().all(|one| one.is_ascii_alphanumeric() || one == b'_')
}

/// A server to be set up.
#[derive(Clone, Debug)]
pub struct NewServer {
    /// Its name.
    pub name: String,
    /// How it is talked to. What it says of secrets is not looked at.
    pub transport: Transport,
    /// The token that is sent to an address.
    pub token: Option<SecretText>,
    /// Variables of a program that are secrets.
    pub secrets: BTreeMap<String, SecretText>,
    /// Whether its tools are used.
    pub enabled: bool,
}

/// What is to be different about a server. What is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct ServerChange {
    /// Whether its tools are used.
    pub enabled: Option<bool>,
    /// Its address. With another host, a token is forgotten unless one is given.
    pub url: Option<String>,
    /// The token; `Some(None)` forgets it.
    pub token: Option<Option<SecretText>>,
    /// Its program.
    pub command: Option<String>,
    /// Its arguments.
    pub args: Option<Vec<String>>,
    /// All its variables that are no secrets.
    pub environment: Option<BTreeMap<String, String>>,
    /// Variables that are secrets: these are set, or forgotten where `None`; others stay.
    pub secrets: BTreeMap<String, Option<SecretText>>,
    /// The hosts it may reach.
    pub hosts: Option<Vec<String>>,
    /// Whether it may reach the package registries.
    pub registries: Option<bool>,
    /// The folders it may read.
    pub folders: Option<BTreeSet<String>>,
    /// What is said of its tools, by their names.
    pub tools: BTreeMap<String, crate::tool::ToolChange>,
}

impl ServerChange {
    /// Whether it says anything of the server beside whether it is used, and of its tools.
    pub(crate) fn is_of_transport(&self) -> bool {
        self.url.is_some() || self.token.is_some() || self.is_of_program()
    }

    /// Whether it says anything that only a program has.
    pub(crate) fn is_of_program(&self) -> bool {
        self.command.is_some()
            || self.args.is_some()
            || self.environment.is_some()
            || !self.secrets.is_empty()
            || self.hosts.is_some()
            || self.registries.is_some()
            || self.folders.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> Server {
        let transport = Transport::Http { url: url.into(), token: None };
        Server { name: "docs".into(), transport, enabled: true, approved_digest: None }
    }

    fn program(change: impl FnOnce(&mut Program)) -> Server {
        let mut program = Program { command: "npx".into(), args: vec!["x".into()], ..Program::default() };
        change(&mut program);
        Server { transport: Transport::Stdio(program), ..at("") }
    }

    #[track_caller]
    fn check(server: &Server, expected: Result<(), &str>) {
        match (server.check(), expected) {
            (Ok(()), Ok(())) => {}
            (Err(error), Err(part)) if error.to_string().contains(part) => {}
            (got, expected) => panic!("{got:?} {expected:?}"),
        }
    }

    #[test]
    fn addresses_that_cannot_be_meant_are_refused() {
        check(&at("https://example.com/mcp?x=1"), Ok(()));
        check(&at("http://192.168.1.5:3000/mcp"), Ok(()));
        check(&at("ftp://example.com"), Err("must begin"));
        check(&at("example.com"), Err("is none"));
        check(&at("https://me:pass@example.com"), Err("give a token"));
        check(&at("http://169.254.169.254/latest"), Err("no server of tools"));
        check(&at("http://[::ffff:169.254.169.254]/"), Err("no server of tools"));
        let mut plain = at("http://example.com/mcp");
        plain.transport = Transport::Http {
            url: "http://example.com/mcp".into(),
            token: Some(SecretStorage::EncryptedFile),
        };
        check(&plain, Err("only sent over https"));
        check(&Server { name: "Docs".into(), ..at("https://example.com") }, Err("its name"));
    }

    #[test]
    fn programs_that_cannot_be_meant_are_refused() {
        check(&program(|_| {}), Ok(()));
        check(&program(|program| program.command = " ".into()), Err("no command"));
        check(&program(|program| program.args = vec!["a\0b".into()]), Err("arguments"));
        check(&program(|program| _ = program.environment.insert("A B".into(), "".into())), Err("no name"));
        check(&program(|program| _ = program.folders.insert("home".into())), Err("folders"));
        check(&program(|program| _ = program.folders.insert("/home/..".into())), Err("folders"));
        check(&program(|program| program.hosts = vec!["a b".into()]), Err("hosts"));
    }

    #[test]
    fn whatever_changes_what_is_started_changes_the_digest() {
        let before = program(|_| {}).digest();
        let changes: [fn(&mut Program); 8] = [
            |program| program.command = "uvx".into(),
            |program| program.args.push("y".into()),
            |program| _ = program.environment.insert("NODE_OPTIONS".into(), "--require x".into()),
            |program| _ = program.secrets.insert("TOKEN".into(), SecretStorage::EncryptedFile),
            |program| program.secrets_revision += 1,
            |program| program.hosts.push("example.com".into()),
            |program| program.registries = true,
            |program| _ = program.folders.insert("/srv".into()),
        ];
        for change in changes {
            assert_ne!(program(change).digest(), before);
        }
        assert_eq!(program(|_| {}).digest(), before);
        assert_ne!(at("https://a.example/mcp").digest(), at("https://a.example/mcp2").digest());
    }

    #[test]
    fn a_program_that_reaches_anything_is_not_local() {
        assert!(program(|_| {}).is_local() && at("http://127.0.0.1:1/").is_local());
        assert!(!program(|program| program.registries = true).is_local());
        assert!(!program(|program| program.hosts.push("a.example".into())).is_local());
        assert!(!at("https://a.example/").is_local());
    }
}
