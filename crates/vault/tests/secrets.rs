//! Secrets are kept, come back, and are never lost or shown to the wrong key.
#![allow(clippy::unwrap_used, reason = "everything here is a test")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use kernel::{Kind, SystemEntropy};
use vault::{Error, KeySource, Secret, Secrets, SecretsOptions, Storage};

const CANARY: &str = "canary-91c3-of-a-provider";

fn over(folder: &Path, key: KeySource) -> Secrets {
    let options = SecretsOptions { file: folder.join("secrets.json"), key, keychain: None };
    Secrets::new(options, Arc::new(SystemEntropy))
}

fn by_file(folder: &Path) -> Secrets {
    over(folder, KeySource::File(folder.join("config/atelier/secrets.key")))
}

fn by_passphrase(folder: &Path, passphrase: &str) -> Secrets {
    over(folder, KeySource::Passphrase(Secret::new(passphrase.into())))
}

fn find(secrets: &Secrets, name: &str) -> Result<Option<String>, Error> {
    let found = secrets.find(name, Storage::EncryptedFile)?;
    Ok(found.map(|secret| secret.expose().to_owned()))
}

fn secret(text: &str) -> Secret {
    Secret::new(text.into())
}

#[test]
fn what_is_put_in_comes_back_after_a_restart_and_is_nowhere_in_the_clear() {
    let folder = tempfile::tempdir().unwrap();
    let first = by_file(folder.path());
    assert_eq!(find(&first, "openai").unwrap(), None);
    assert_eq!(first.put("openai", &secret("older")).unwrap(), Storage::EncryptedFile);
    first.put("openai", &secret(CANARY)).unwrap();
    first.put("other", &secret("ünï")).unwrap();
    let second = by_file(folder.path());
    assert_eq!(find(&second, "openai").unwrap().as_deref(), Some(CANARY));
    assert_eq!(find(&second, "other").unwrap().as_deref(), Some("ünï"));
    assert_eq!(second.names().unwrap(), ["openai", "other"]);

    for file in ["secrets.json", "config/atelier/secrets.key"] {
        let path = folder.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains(CANARY) && !text.contains("canary"), "{file}");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
    second.delete("openai", Storage::EncryptedFile).unwrap();
    second.delete("openai", Storage::EncryptedFile).unwrap();
    assert_eq!(find(&by_file(folder.path()), "openai").unwrap(), None);
    assert_eq!(first.names().unwrap(), ["other"]);
}

#[test]
fn a_wrong_or_missing_key_is_said_and_nothing_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    by_passphrase(folder.path(), "right").put("openai", &secret(CANARY)).unwrap();
    let file = folder.path().join("secrets.json");
    let before = std::fs::read(&file).unwrap();
    for wrong in [by_passphrase(folder.path(), "wrong"), by_file(folder.path())] {
        for error in [find(&wrong, "openai").unwrap_err(), wrong.put("new", &secret("x")).unwrap_err()] {
            assert!(matches!(error, Error::Locked { .. }), "{error}");
            let error = kernel::Error::from(error);
            assert_eq!((error.kind, error.code), (Kind::Unavailable, "secrets_locked"));
        }
        assert_eq!(std::fs::read(&file).unwrap(), before);
    }
    assert!(!folder.path().join("config").exists(), "no key is made for what another key closes");
    let right = by_passphrase(folder.path(), "right");
    assert_eq!(find(&right, "openai").unwrap().as_deref(), Some(CANARY));
}

#[test]
fn a_lost_key_file_is_not_made_anew_over_what_it_closed() {
    let folder = tempfile::tempdir().unwrap();
    by_file(folder.path()).put("openai", &secret(CANARY)).unwrap();
    let key = folder.path().join("config/atelier/secrets.key");
    std::fs::remove_file(&key).unwrap();
    let error = by_file(folder.path()).put("new", &secret("x")).unwrap_err();
    assert!(error.to_string().contains("secrets.key is missing"), "{error}");
    assert!(!key.exists());
}

#[test]
fn a_changed_file_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = by_file(folder.path());
    secrets.put("a", &secret("one")).unwrap();
    secrets.put("b", &secret("two")).unwrap();
    let file = folder.path().join("secrets.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut swapped: serde_json::Value = serde_json::from_str(&text).unwrap();
    let (a, b) = (swapped["secrets"]["a"].clone(), swapped["secrets"]["b"].clone());
    (swapped["secrets"]["a"], swapped["secrets"]["b"]) = (b, a);
    std::fs::write(&file, swapped.to_string()).unwrap();
    for name in ["a", "b"] {
        let error = find(&secrets, name).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "an entry of another name: {error}");
    }
    for cut in [text.len() / 2, 0] {
        std::fs::write(&file, &text[..cut]).unwrap();
        assert!(matches!(find(&secrets, "a").unwrap_err(), Error::Damaged { .. }));
        assert!(matches!(secrets.put("c", &secret("x")).unwrap_err(), Error::Damaged { .. }));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text[..cut], "it is left as it is");
    }
    std::fs::write(&file, text).unwrap();
    assert_eq!(find(&secrets, "a").unwrap().as_deref(), Some("one"));
}

#[test]
fn each_encryption_is_another() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = by_file(folder.path());
    let mut seen = std::collections::HashSet::new();
    for _ in 0..20 {
        secrets.put("a", &secret("same")).unwrap();
        let text = std::fs::read_to_string(folder.path().join("secrets.json")).unwrap();
        let content: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(seen.insert(content["secrets"]["a"]["nonce"].as_str().unwrap().to_owned()));
    }
}
