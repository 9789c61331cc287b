//! The owner's providers, as they can be changed while Atelier runs.
//!
//! Some stand in the settings or the environment and can only be looked at; the others are kept by
//! a [`ProviderStore`] and changed here. Every change is stored first and then put before the
//! [`Router`], which goes on with it from the next call on.
//!
//! Invariants: a key goes into the [`KeyStore`] and to its provider, nowhere else; a stored key is
//! never sent to another host than the one it was given for.
//!
//! Start reading at [`Providers`].

mod book;
mod change;
mod inspect;
mod record;
mod store;
mod suggest;
mod view;

use std::sync::Arc;

use kernel::{Clock, Result};

use crate::options::ModelsOptions;
use crate::presets::Presets;
use crate::router::Router;
use book::Book;
pub use inspect::{InspectedModel, TestReport};
pub use record::{
    Fixed, KeyReference, KeyStorage, NewKey, NewProvider, ProviderChange, ProviderRecord, RequiredModel,
    Routing, RoutingChange, Source,
};
pub use store::{KeyStore, ProviderStore};
pub use suggest::{Reason, Suggestion, url_of_host};
pub use view::{HealthState, HealthView, KeyState, KeyView, LastError, ProviderView};

/// Reads a variable of the environment.
pub type Variables = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What [`Providers`] work with.
pub struct ProviderParts {
    /// Who is told of every change.
    pub router: Arc<Router>,
    /// The settings; their providers are not looked at.
    pub options: ModelsOptions,
    /// The providers that cannot be changed here.
    pub fixed: Vec<Fixed>,
    /// Keeps the others.
    pub store: Arc<dyn ProviderStore>,
    /// Keeps their keys.
    pub keys: Arc<dyn KeyStore>,
    /// Reads the environment.
    pub variables: Variables,
    /// What is known by name.
    pub presets: Presets,
    /// Models that Ollama should have.
    pub required: Vec<RequiredModel>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

/// The owner's providers.
pub struct Providers {
    parts: ProviderParts,
    book: parking_lot::RwLock<Book>,
    /// Held while something is changed, so that changes come one after the other.
    changing: tokio::sync::Mutex<()>,
}

impl Providers {
    /// Reads what is stored and puts it before the router.
    ///
    /// # Errors
    /// When the store cannot be read. A key that cannot be read leaves its provider out, and is
    /// logged.
    pub async fn open(parts: ProviderParts) -> Result<Self> {
        let book = Book::read(&parts).await?;
        let providers = Self { parts, book: parking_lot::RwLock::new(book), changing: <_>::default() };
        providers.apply().await;
        Ok(providers)
    }

    /// What the router goes by: the providers that can be used, with their keys.
    pub fn options(&self) -> ModelsOptions {
        self.book.read().options(&self.parts)
    }

    /// What is known by name.
    pub fn presets(&self) -> &Presets {
        &self.parts.presets
    }

    /// Puts what the book says before the router. Whoever cannot be set up is left out and said.
    async fn apply(&self) {
        if let Err(error) = self.parts.router.reconfigure(&self.options()) {
            tracing::error!(%error, "the model providers could not be changed");
        }
        if let Err(error) = self.parts.router.guard_spending().await {
            tracing::error!(%error, "no limit could be set for models that cost money");
        }
    }
}
