//! Where the key of the encrypted file comes from: a file that only its owner can read, outside the
//! workspace, or a passphrase.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use kernel::Entropy;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::cipher::{KeyBytes, hex, unhex};
use crate::error::Error;
use crate::secret::Secret;

/// What RFC 9106 recommends where memory is not plentiful: 64 MiB, three passes.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 4;
/// No file may ask for more, or reading it would be an attack.
const MOST_MEMORY_KIB: u32 = 1024 * 1024;
const MOST_PASSES: u32 = 32;

/// Where the key comes from.
#[derive(Clone)]
pub enum KeySource {
    /// This file, made with a random key when it is first needed.
    File(PathBuf),
    /// This passphrase.
    Passphrase(Secret),
}

/// How the key of a file is found again, as the file says.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Derivation {
    /// It is in the key file.
    KeyFile,
    /// Argon2id, version 1.3, of the passphrase.
    Argon2id { salt: String, memory_kib: u32, passes: u32, lanes: u32 },
}

impl KeySource {
    /// A key for a new file, and how it is found again.
    pub(crate) fn fresh(&self, entropy: &dyn Entropy) -> Result<(KeyBytes, Derivation), Error> {
        let random = |count: usize| -> Zeroizing<Vec<u8>> {
            Zeroizing::new((0..count / 8).flat_map(|_| entropy.next_u64().to_le_bytes()).collect())
        };
        match self {
            Self::File(path) => {
                if !path.exists() {
                    write_key(path, &Zeroizing::new(hex(&random(32))))
                        .map_err(|source| unusable(path, source))?;
                }
                Ok((read_key(path)?, Derivation::KeyFile))
            }
            Self::Passphrase(_) => {
                let (memory_kib, passes, lanes) = (MEMORY_KIB, PASSES, LANES);
                let derivation = Derivation::Argon2id { salt: hex(&random(16)), memory_kib, passes, lanes };
                Ok((self.find(&derivation)?, derivation))
            }
        }
    }

    /// The key of a file that says how it is found.
    pub(crate) fn find(&self, derivation: &Derivation) -> Result<KeyBytes, Error> {
        let locked = |reason: &str| Err(Error::Locked { reason: reason.into() });
        match (self, derivation) {
            (Self::File(path), Derivation::KeyFile) if !path.exists() => {
                locked(&format!("their key file {} is missing", path.display()))
            }
            (Self::File(path), Derivation::KeyFile) => read_key(path),
            (Self::Passphrase(passphrase), Derivation::Argon2id { salt, memory_kib, passes, lanes }) => {
                derive(passphrase, salt, *memory_kib, *passes, *lanes)
            }
            (Self::File(_), Derivation::Argon2id { .. }) => {
                locked("they were stored with a passphrase, and none is set")
            }
            (Self::Passphrase(_), Derivation::KeyFile) => {
                locked("they were stored with a key file, and a passphrase is set")
            }
        }
    }
}

fn derive(
    passphrase: &Secret,
    salt: &str,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
) -> Result<KeyBytes, Error> {
    let damaged = || Error::Damaged { reason: "how their key is derived makes no sense".into() };
    if memory_kib > MOST_MEMORY_KIB || passes > MOST_PASSES {
        return Err(damaged());
    }
    let salt = unhex(salt).ok_or_else(damaged)?;
    let params = Params::new(memory_kib, passes, lanes, Some(32)).map_err(|_| damaged())?;
    let mut key = KeyBytes::default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.expose().as_bytes(), &salt, key.as_mut_slice())
        .map_err(|_| damaged())?;
    Ok(key)
}

fn read_key(path: &Path) -> Result<KeyBytes, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| unusable(path, source))?;
    let text = Zeroizing::new(text);
    if let Ok(found) = path.metadata()
        && found.permissions().mode() & 0o077 != 0
    {
        tracing::warn!(path = %path.display(), "other users can read the key of the stored secrets: chmod 600");
    }
    let bytes = unhex(text.trim()).map(Zeroizing::new);
    let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
    let reason = || format!("{} holds no key", path.display());
    bytes.map(Zeroizing::new).ok_or_else(|| Error::Locked { reason: reason() })
}

/// Writes a new key file. One that another process made meanwhile stays.
fn write_key(path: &Path, key: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".secrets-key-").tempfile_in(folder)?;
    file.write_all(key.as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error.error),
        _ => {}
    }
    std::fs::File::open(folder)?.sync_all()
}

fn unusable(path: &Path, source: std::io::Error) -> Error {
    Error::File { path: path.to_owned(), source }
}
