//! What every store of providers does. A store's test calls [`provider_store_contract`] with an
//! empty one.

use kernel::Timestamp;

use crate::dialect::Dialect;
use crate::options::{Policy, Price, TimeoutOptions};
use crate::providers::{KeyReference, KeyStorage, ProviderRecord, ProviderStore, Routing};

const NOW: Timestamp = Timestamp(1_790_000_000_000);

/// Checks an empty store.
///
/// # Panics
/// When it does not do as it should.
pub async fn provider_store_contract(store: &dyn ProviderStore) {
    providers_are_kept_whole_and_in_the_order_they_came(store).await;
    a_name_is_taken_once(store).await;
    routing_is_what_was_said_last(store).await;
    a_dismissal_is_kept(store).await;
}

fn plain(name: &str) -> ProviderRecord {
    ProviderRecord {
        name: name.into(),
        base_url: "http://127.0.0.1:1/v1".into(),
        model: "m".into(),
        ..ProviderRecord::default()
    }
}

fn full(name: &str) -> ProviderRecord {
    ProviderRecord {
        title: Some("Título “1”".into()),
        preset: Some("anthropic".into()),
        dialect: Dialect::Anthropic,
        enabled: true,
        timeouts: Some(TimeoutOptions { connect_ms: 1, first_content_ms: 2, stall_ms: 3, total_ms: 4 }),
        concurrency: Some(7),
        price: Some(Price { input: 0.1, output: 1.0 / 3.0, cached: Some(0.0) }),
        context_tokens: Some(200_000),
        key: KeyReference::Stored(KeyStorage::Keychain),
        ..plain(name)
    }
}

async fn providers_are_kept_whole_and_in_the_order_they_came(store: &dyn ProviderStore) {
    let keys = [
        KeyReference::None,
        KeyReference::Stored(KeyStorage::EncryptedFile),
        KeyReference::Variable("OPENAI_API_KEY".into()),
    ];
    let mut records = vec![full("z"), plain("a")];
    records.extend(
        keys.into_iter().zip(["m", "b", "c"]).map(|(key, name)| ProviderRecord { key, ..plain(name) }),
    );
    for record in &records {
        assert!(store.create_provider(record, NOW).await.unwrap());
    }
    assert_eq!(store.list_providers().await.unwrap(), records);
    let changed = ProviderRecord { title: None, price: None, ..full("a") };
    assert!(store.update_provider(&changed, NOW).await.unwrap());
    records[1] = changed;
    assert_eq!(store.list_providers().await.unwrap(), records, "a change keeps the place");
    for record in &records {
        assert!(store.delete_provider(&record.name).await.unwrap());
        assert!(!store.delete_provider(&record.name).await.unwrap());
    }
    assert_eq!(store.list_providers().await.unwrap(), []);
}

async fn a_name_is_taken_once(store: &dyn ProviderStore) {
    assert!(!store.update_provider(&plain("one"), NOW).await.unwrap(), "there is none yet");
    assert!(store.create_provider(&plain("one"), NOW).await.unwrap());
    assert!(!store.create_provider(&full("one"), NOW).await.unwrap());
    assert_eq!(store.list_providers().await.unwrap(), [plain("one")], "the first one stands");
    assert!(store.delete_provider("one").await.unwrap());
}

async fn routing_is_what_was_said_last(store: &dyn ProviderStore) {
    assert_eq!(store.find_routing().await.unwrap(), None);
    let whole = Routing {
        policy: Policy::Cheapest,
        local_only: true,
        order: vec!["b".into(), "a".into()],
        hedge_after_ms: Some(250),
        chain: Some(vec!["a/org/model".into()]),
    };
    for routing in [whole, Routing::default()] {
        store.set_routing(&routing).await.unwrap();
        assert_eq!(store.find_routing().await.unwrap(), Some(routing));
    }
}

async fn a_dismissal_is_kept(store: &dyn ProviderStore) {
    assert_eq!(store.list_dismissed().await.unwrap(), [""; 0]);
    for name in ["ollama", "ollama"] {
        store.dismiss(name).await.unwrap();
    }
    assert_eq!(store.list_dismissed().await.unwrap(), ["ollama"]);
}
