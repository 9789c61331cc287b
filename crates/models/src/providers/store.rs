//! What the providers need of others: somewhere to be kept, and somewhere for their keys.

use async_trait::async_trait;
use kernel::Result;

use super::record::{KeyStorage, ProviderRecord, Routing};
use crate::secret::ApiKey;

/// Keeps providers and how they are used. Each method is done whole or not at all, and on disk when
/// it returns.
#[async_trait]
pub trait ProviderStore: Send + Sync {
    /// All of them, the oldest first.
    async fn list_providers(&self) -> Result<Vec<ProviderRecord>>;

    /// Keeps a new one; `false` when there is one of this name.
    async fn create_provider(&self, record: &ProviderRecord, at: kernel::Timestamp) -> Result<bool>;

    /// Replaces the one of this name; `false` when there is none.
    async fn update_provider(&self, record: &ProviderRecord, at: kernel::Timestamp) -> Result<bool>;

    /// Takes it away; `false` when there was none.
    async fn delete_provider(&self, name: &str) -> Result<bool>;

    /// How they are used; `None` where nothing was said yet.
    async fn find_routing(&self) -> Result<Option<Routing>>;

    /// Says how they are used.
    async fn set_routing(&self, routing: &Routing) -> Result<()>;

    /// The suggestions that are not wanted, by name.
    async fn list_dismissed(&self) -> Result<Vec<String>>;

    /// Notes that a suggestion is not wanted; once is as good as twice.
    async fn dismiss(&self, name: &str) -> Result<()>;
}

/// Keeps the providers' keys.
#[async_trait]
pub trait KeyStore: Send + Sync {
    /// Keeps a key and says where. One of this name is replaced.
    async fn put(&self, name: &str, key: &ApiKey) -> Result<KeyStorage>;

    /// The key of this name.
    async fn find(&self, name: &str, storage: KeyStorage) -> Result<Option<ApiKey>>;

    /// Forgets it; one that is not there is forgotten already.
    async fn delete(&self, name: &str, storage: KeyStorage) -> Result<()>;
}
