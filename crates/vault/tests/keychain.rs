//! The system's keychain, where this machine has one that can be started: a session bus of its own
//! with GNOME's keyring, and the program that speaks to it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "everything here is a test")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use kernel::SystemEntropy;
use vault::{KeySource, Keychain, Secret, Secrets, SecretsOptions, Storage};

const CANARY: &str = "canary-77d0-in-the-keychain";
/// Tells the test that it runs inside the session it has started.
const INSIDE: &str = "VAULT_TEST_INSIDE_SESSION";

fn is_here(program: &str) -> bool {
    // Not all of them know of a version; that they begin is enough.
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok()
}

/// Runs this test again in a session with a keyring that is unlocked.
fn run_inside(home: &Path) -> bool {
    let script = r#"printf '\n' | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1 && exec "$0" --exact keeps_secrets_in_the_keychain --nocapture"#;
    let status = Command::new("dbus-run-session")
        .args(["--", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .env(INSIDE, "1")
        .env("HOME", home)
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_RUNTIME_DIR", home)
        .status();
    status.unwrap().success()
}

#[test]
fn keeps_secrets_in_the_keychain() {
    let folder = tempfile::tempdir().unwrap();
    if std::env::var_os(INSIDE).is_none() {
        if ["dbus-run-session", "gnome-keyring-daemon", "secret-tool"].iter().all(|program| is_here(program))
        {
            assert!(run_inside(folder.path()), "what is said above");
        } else {
            eprintln!("skipped: dbus-run-session, gnome-keyring-daemon and secret-tool are not all here");
        }
        return;
    }
    let secrets = |workspace: &str| {
        let options = SecretsOptions {
            file: folder.path().join("secrets.json"),
            key: KeySource::File(folder.path().join("secrets.key")),
            keychain: Some(Keychain::detect(workspace).expect("the keyring answers")),
        };
        Secrets::new(options, Arc::new(SystemEntropy))
    };
    let (here, elsewhere) = (secrets("here"), secrets("elsewhere"));
    for text in ["older", CANARY] {
        assert_eq!(here.put("openai", &Secret::new(text.into())).unwrap(), Storage::Keychain);
    }
    let find = |secrets: &Secrets, name: &str| {
        secrets.find(name, Storage::Keychain).unwrap().map(|secret| secret.expose().to_owned())
    };
    assert_eq!(find(&here, "openai").as_deref(), Some(CANARY));
    assert_eq!(find(&here, "other"), None);
    assert_eq!(find(&elsewhere, "openai"), None, "a workspace sees its own only");
    here.delete("openai", Storage::Keychain).unwrap();
    here.delete("openai", Storage::Keychain).unwrap();
    assert_eq!(find(&here, "openai"), None);
    assert!(!folder.path().join("secrets.json").exists(), "nothing of it is in a file");
}

#[test]
fn a_machine_without_a_keychain_is_found_out_at_once() {
    if std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some() {
        return;
    }
    let started = std::time::Instant::now();
    assert!(Keychain::detect("nobody").is_none());
    assert!(started.elapsed().as_secs() < 10);
}
