//! The registries of a machine: found, allowed, and told to tools inside without any credential.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use sandbox::egress::{Machine, Policy, Registries};
use tempfile::TempDir;

use crate::support::{Behaviour, HELLO, Server, World};

const CANARY: &str = "canary-4711";

/// A machine that a test makes up.
struct Made {
    folder: TempDir,
    environment: HashMap<String, String>,
}

impl Made {
    fn new(files: &[(&str, &str)], environment: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("a folder");
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("created");
            std::fs::write(path, text).expect("written");
        }
        let environment = environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Self { folder, environment }
    }

    fn detect(&self) -> Registries {
        let home = self.folder.path().join("home");
        Registries::detect(Machine { environment: &self.environment, home: &home, root: self.folder.path() })
    }
}

#[track_caller]
fn rules(registries: &Registries) -> Vec<String> {
    registries.rules().map(|rule| rule.to_string()).collect()
}

const CRATES_IO: [&str; 3] = ["crates.io:443", "index.crates.io:443", "static.crates.io:443"];

#[test]
fn a_machine_without_configuration_uses_the_public_ones() {
    let found = Made::new(&[], &[]).detect();
    let expected = ["files.pythonhosted.org:443", "pypi.org:443", "registry.npmjs.org:443"];
    let mut all = [&CRATES_IO[..], &expected].concat();
    all.sort_unstable();
    assert_eq!(rules(&found), all);
    assert!(found.brokers().is_empty());
    assert_eq!(*found.inside(), sandbox::egress::Inside::default());
}

#[test]
fn npm_is_pointed_at_its_registries() {
    let npmrc = "; mine\nregistry=https://npm.corp.test/all/\n@corp:registry=https://npm.corp.test:8443/corp/\n\
         @open:registry = \"http://mirror.test:4873/\"\n//npm.corp.test/all/:_authToken=${TOKEN}\n\
         //npm.corp.test:8443/:_auth=Y2FuYXJ5LTQ3MTE6eA==\ncafile=/etc/corp.pem\nfund=false\n";
    let found = Made::new(&[("home/.npmrc", npmrc)], &[("TOKEN", CANARY)]).detect();
    let found_rules = rules(&found);
    for rule in ["npm.corp.test:443", "npm.corp.test:80", "npm.corp.test:8443", "mirror.test:4873"] {
        assert!(found_rules.contains(&rule.to_owned()), "{rule}: {found_rules:?}");
    }
    assert!(!found_rules.contains(&"registry.npmjs.org:443".to_owned()));
    assert_eq!(
        found.inside().files[".npmrc"],
        "@corp:registry=http://npm.corp.test:8443/corp/\n@open:registry=http://mirror.test:4873/\n\
         registry=http://npm.corp.test/all/\ncafile=/etc/corp.pem\nreplace-registry-host=always\n"
    );
    assert!(found.inside().readable.contains(Path::new("/etc/corp.pem")));
    let brokers: Vec<String> = found.brokers().iter().map(|broker| format!("{broker:?}")).collect();
    assert_eq!(
        brokers,
        ["Broker(npm.corp.test:8443, authorization)", "Broker(npm.corp.test:443, authorization)"]
    );
}

#[test]
fn the_environment_goes_before_the_user_and_the_user_before_the_machine() {
    let files =
        [("home/.npmrc", "registry=https://user.test/\n"), ("etc/npmrc", "registry=https://machine.test/\n")];
    let host = |environment: &[(&str, &str)], files: &[(&str, &str)]| {
        let found = Made::new(files, environment).detect();
        found.inside().files[".npmrc"].trim().to_owned()
    };
    assert_eq!(host(&[("NPM_CONFIG_REGISTRY", "https://env.test/")], &files), "registry=https://env.test/");
    assert_eq!(host(&[], &files), "registry=https://user.test/");
    assert_eq!(host(&[], &files[1..]), "registry=https://machine.test/");
}

#[test]
fn pip_is_pointed_at_its_indexes() {
    let conf = format!(
        "[global]\nindex-url = https://ana:{CANARY}@pip.corp.test/simple\nextra-index-url =\n    https://pypi.org/simple\n    \
         http://mirror.test:3141/root\nfind_links = /opt/wheels\n[list]\nindex-url = https://other.test/\n"
    );
    let found = Made::new(&[("home/.config/pip/pip.conf", &conf)], &[("PIP_CERT", "/etc/corp.pem")]).detect();
    let expected = [
        ("PIP_CERT", "/etc/corp.pem"),
        ("PIP_EXTRA_INDEX_URL", "https://pypi.org/simple http://mirror.test:3141/root"),
        ("PIP_FIND_LINKS", "/opt/wheels"),
        ("PIP_INDEX_URL", "http://pip.corp.test/simple"),
        ("PIP_TRUSTED_HOST", "pip.corp.test"),
    ];
    let environment: Vec<(&str, &str)> =
        found.inside().environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(environment, expected);
    assert_eq!(found.inside().readable, ["/etc/corp.pem", "/opt/wheels"].map(PathBuf::from).into());
    let rules = rules(&found);
    for rule in [
        "pip.corp.test:80",
        "pip.corp.test:443",
        "pypi.org:443",
        "files.pythonhosted.org:443",
        "mirror.test:3141",
    ] {
        assert!(rules.contains(&rule.to_owned()), "{rule}: {rules:?}");
    }
    assert!(!rules.contains(&"other.test:443".to_owned()));
}

#[test]
fn cargo_is_pointed_at_its_registries() {
    let config = "[source.crates-io]\nreplace-with = \"mirror\"\n[source.mirror]\n\
                  registry = \"sparse+https://crates.corp.test/index/\"\n[registries.corp-own]\n\
                  index = \"sparse+https://own.corp.test/index/\"\n[http]\ncainfo = \"/etc/corp.pem\"\n\
                  [alias]\nb = \"build\"\n[build]\nrustc-wrapper = \"evil\"\n";
    let credentials = format!("[registries.corp-own]\ntoken = \"{CANARY}\"\n");
    let files = [("home/.cargo/config.toml", config), ("home/.cargo/credentials.toml", credentials.as_str())];
    let found = Made::new(&files, &[]).detect();
    assert_eq!(
        found.inside().files[".cargo/config.toml"],
        "[source.\"crates-io\"]\nreplace-with = \"mirror\"\n[source.\"mirror\"]\n\
         registry = \"sparse+https://crates.corp.test/index/\"\n"
    );
    let environment = &found.inside().environment;
    assert_eq!(environment["CARGO_REGISTRIES_CORP_OWN_INDEX"], "sparse+http://own.corp.test/index/");
    assert_eq!(environment["CARGO_REGISTRIES_CORP_OWN_TOKEN"], "brokered");
    assert_eq!(environment["CARGO_HTTP_CAINFO"], "/etc/corp.pem");
    let rules = rules(&found);
    assert!(
        rules.contains(&"crates.corp.test:443".to_owned()) && rules.contains(&"own.corp.test:80".to_owned())
    );
    assert!(CRATES_IO.iter().all(|rule| !rules.contains(&(*rule).to_owned())), "{rules:?}");
}

#[test]
fn no_credential_goes_inside_or_is_shown() {
    let npmrc = format!(
        "registry=https://ana:{CANARY}@npm.test/\n//npm.test/:_authToken={CANARY}\n@p:registry=http://ana:{CANARY}@plain.test/\n"
    );
    let index = format!("https://{CANARY}@pip.test/simple");
    let cargo = format!(
        "[registries.x]\nindex = \"sparse+https://ana:{CANARY}@cargo.test/\"\ntoken = \"{CANARY}\"\n"
    );
    let files = [("home/.npmrc", npmrc.as_str()), ("home/.cargo/config.toml", cargo.as_str())];
    let environment = [("PIP_INDEX_URL", index.as_str()), ("CARGO_REGISTRIES_X_TOKEN", CANARY)];
    let found = Made::new(&files, &environment).detect();
    assert!(found.brokers().len() >= 3);
    assert!(!format!("{found:?}").contains(CANARY), "{found:?}");
    assert!(!format!("{:?}", found.inside()).contains("ana"), "{found:?}");
}

#[tokio::test]
async fn a_credential_that_was_found_is_used_and_not_seen() {
    let server = Server::secure(Behaviour::Answer(HELLO)).await;
    let npmrc = format!("registry=https://open.test/\n//open.test/:_authToken={CANARY}\n");
    let found = Made::new(&[("home/.npmrc", &npmrc)], &[]).detect();
    let policy = Policy::default().allow_registries(&found);
    let world = World::new(policy).leads("open.test", 443, server.address);
    let url = found.inside().files[".npmrc"].lines().next().expect("a line").replace("registry=", "");
    let request = format!("GET {url}left-pad HTTP/1.1\r\nHost: open.test\r\nConnection: close\r\n\r\n");
    let answer = world.ask_proxy(request).await;
    assert!(answer.ends_with("hello") && !answer.contains(CANARY), "{answer}");
    assert!(server.received().starts_with("GET /left-pad HTTP/1.1\r\n"));
    assert!(server.received().contains(&format!("authorization: Bearer {CANARY}\r\n")));
}
