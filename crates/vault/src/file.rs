//! `secrets.json`: every secret encrypted by itself, the whole written anew with each change.
//!
//! Invariant: a change is on disk whole or not at all, and none is made before the key has opened
//! what is there.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kernel::Entropy;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::cipher::{KeyBytes, Sealed, open, seal};
use crate::error::Error;
use crate::key::{Derivation, KeySource};
use crate::secret::Secret;

const VERSION: u32 = 1;
/// Sealed like a secret, to tell the right key from a wrong one. No secret can be called so.
const CHECK: &str = "\0check";

/// The encrypted file.
pub(crate) struct EncryptedFile {
    path: PathBuf,
    source: KeySource,
    entropy: Arc<dyn Entropy>,
    /// The key, once it was needed: deriving it takes a while.
    known: Mutex<Option<(Derivation, KeyBytes)>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    key: Derivation,
    check: Sealed,
    secrets: BTreeMap<String, Sealed>,
}

impl EncryptedFile {
    pub fn new(path: PathBuf, source: KeySource, entropy: Arc<dyn Entropy>) -> Self {
        Self { path, source, entropy, known: Mutex::default() }
    }

    pub fn put(&self, name: &str, secret: &Secret) -> Result<(), Error> {
        let mut known = self.known.lock();
        let (mut content, key) = match self.read()? {
            Some(content) => {
                let key = self.key(&content, &mut known)?;
                (content, key)
            }
            None => {
                let (key, derivation) = self.source.fresh(self.entropy.as_ref())?;
                *known = Some((derivation.clone(), key.clone()));
                let check = seal(&key, CHECK, "", self.entropy.as_ref());
                (Content { version: VERSION, key: derivation, check, secrets: BTreeMap::new() }, key)
            }
        };
        let sealed = seal(&key, name, secret.expose(), self.entropy.as_ref());
        content.secrets.insert(name.to_owned(), sealed);
        self.write(&content)
    }

    pub fn find(&self, name: &str) -> Result<Option<Secret>, Error> {
        let mut known = self.known.lock();
        let Some(content) = self.read()? else { return Ok(None) };
        let Some(sealed) = content.secrets.get(name) else { return Ok(None) };
        let key = self.key(&content, &mut known)?;
        let text = open(&key, name, sealed)
            .ok_or_else(|| Error::Damaged { reason: format!("the entry `{name}` was changed") })?;
        Ok(Some(Secret::new(text.to_string())))
    }

    pub fn delete(&self, name: &str) -> Result<(), Error> {
        let _changing = self.known.lock();
        // Forgetting needs no key.
        let Some(mut content) = self.read()? else { return Ok(()) };
        if content.secrets.remove(name).is_none() {
            return Ok(());
        }
        self.write(&content)
    }

    pub fn names(&self) -> Result<Vec<String>, Error> {
        Ok(self.read()?.map(|content| content.secrets.into_keys().collect()).unwrap_or_default())
    }

    /// The key, if it opens this content.
    fn key(&self, content: &Content, known: &mut Option<(Derivation, KeyBytes)>) -> Result<KeyBytes, Error> {
        let key = match known {
            Some((derivation, key)) if *derivation == content.key => key.clone(),
            _ => self.source.find(&content.key)?,
        };
        if open(&key, CHECK, &content.check).is_none() {
            return Err(Error::Locked { reason: "they were stored with another key".into() });
        }
        *known = Some((content.key.clone(), key.clone()));
        Ok(key)
    }

    fn read(&self) -> Result<Option<Content>, Error> {
        let bytes = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(self.unusable(source)),
        };
        let damaged = |reason: String| Error::Damaged { reason };
        let content: Content = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if content.version != VERSION {
            return Err(damaged(format!("version {} is not known here", content.version)));
        }
        Ok(Some(content))
    }

    fn write(&self, content: &Content) -> Result<(), Error> {
        let text = serde_json::to_vec_pretty(content).expect("texts and numbers are JSON");
        write_whole(&self.path, &text).map_err(|source| self.unusable(source))
    }

    fn unusable(&self, source: std::io::Error) -> Error {
        Error::File { path: self.path.clone(), source }
    }
}

/// Writes a file only its owner can read; after a power cut it is the old one or the new one.
fn write_whole(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".secrets-").tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    std::fs::File::open(folder)?.sync_all()
}
