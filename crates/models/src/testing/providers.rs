//! Stores in memory.

use std::collections::HashMap;

use async_trait::async_trait;
use kernel::{Result, Timestamp};
use parking_lot::Mutex;

use crate::providers::{KeyStorage, KeyStore, ProviderRecord, ProviderStore, Routing};
use crate::secret::ApiKey;

/// Keeps providers as long as the process lives.
#[derive(Default)]
pub struct FakeProviderStore(Mutex<Tables>);

#[derive(Default)]
struct Tables {
    providers: Vec<ProviderRecord>,
    routing: Option<Routing>,
    dismissed: Vec<String>,
}

#[async_trait]
impl ProviderStore for FakeProviderStore {
    async fn list_providers(&self) -> Result<Vec<ProviderRecord>> {
        Ok(self.0.lock().providers.clone())
    }

    async fn create_provider(&self, record: &ProviderRecord, _: Timestamp) -> Result<bool> {
        let mut tables = self.0.lock();
        let is_new = tables.providers.iter().all(|other| other.name != record.name);
        if is_new {
            tables.providers.push(record.clone());
        }
        Ok(is_new)
    }

    async fn update_provider(&self, record: &ProviderRecord, _: Timestamp) -> Result<bool> {
        let mut tables = self.0.lock();
        let found = tables.providers.iter_mut().find(|other| other.name == record.name);
        Ok(found.map(|other| record.clone_into(other)).is_some())
    }

    async fn delete_provider(&self, name: &str) -> Result<bool> {
        let mut tables = self.0.lock();
        let before = tables.providers.len();
        tables.providers.retain(|record| record.name != name);
        Ok(tables.providers.len() < before)
    }

    async fn find_routing(&self) -> Result<Option<Routing>> {
        Ok(self.0.lock().routing.clone())
    }

    async fn set_routing(&self, routing: &Routing) -> Result<()> {
        self.0.lock().routing = Some(routing.clone());
        Ok(())
    }

    async fn list_dismissed(&self) -> Result<Vec<String>> {
        Ok(self.0.lock().dismissed.clone())
    }

    async fn dismiss(&self, name: &str) -> Result<()> {
        let mut tables = self.0.lock();
        if !tables.dismissed.iter().any(|other| other == name) {
            tables.dismissed.push(name.to_owned());
        }
        Ok(())
    }
}

/// Keeps keys as long as the process lives, in the open.
#[derive(Default)]
pub struct FakeKeyStore(Mutex<HashMap<String, ApiKey>>);

impl FakeKeyStore {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.lock().len()
    }
}

#[async_trait]
impl KeyStore for FakeKeyStore {
    async fn put(&self, name: &str, key: &ApiKey) -> Result<KeyStorage> {
        self.0.lock().insert(name.to_owned(), key.clone());
        Ok(KeyStorage::EncryptedFile)
    }

    async fn find(&self, name: &str, _: KeyStorage) -> Result<Option<ApiKey>> {
        Ok(self.0.lock().get(name).cloned())
    }

    async fn delete(&self, name: &str, _: KeyStorage) -> Result<()> {
        self.0.lock().remove(name);
        Ok(())
    }
}
