//! What every [`FactStore`] must do.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Actor, Clock, FixedClock, Ids, Kind, PageRequest, Privacy, SeededEntropy, Timestamp};
use serde_json::{Value, json};

use crate::chunk::NewChunk;
use crate::document::{Document, NewDocument};
use crate::facts::{COLLECTION, Fact, FactStore, FactWritten, HISTORY, NewFact, document_key};
use crate::store::MemoryStore;

/// Checks a store of facts that is empty, beside the documents by which they are found.
///
/// # Panics
/// When it does not keep the contract.
pub async fn fact_contract(documents: Arc<dyn MemoryStore>, facts: Arc<dyn FactStore>) {
    let clock = Arc::new(FixedClock::at(Timestamp(1_700_000_000_000)));
    let ids = Ids::new(clock.clone(), Arc::new(SeededEntropy::new(5)));
    let suite = Suite { documents, facts, clock, ids };
    suite.what_is_set_stands_and_what_was_before_is_kept().await;
    suite.only_the_expected_version_is_replaced().await;
    suite.what_is_taken_back_is_gone_and_can_be_set_again().await;
    suite.what_has_expired_is_gone_with_its_history().await;
    suite.lists_come_with_what_was_written_last_first().await;
    suite.history_is_bounded().await;
}

struct Suite {
    documents: Arc<dyn MemoryStore>,
    facts: Arc<dyn FactStore>,
    clock: Arc<FixedClock>,
    ids: Ids,
}

fn fact(agent: &str, key: &str, value: Value) -> NewFact {
    NewFact {
        agent: agent.into(),
        key: key.into(),
        value,
        privacy: Privacy::default(),
        expires_at: None,
        expected_version: None,
        actor: Actor::Token("tok_1".into()),
    }
}

impl Suite {
    async fn put(&self, fact: &NewFact) -> FactWritten {
        self.clock.advance(Duration::from_millis(1));
        let document = fact.value.as_str().map(|text| {
            let new = NewDocument {
                collection: COLLECTION.into(),
                key: document_key(&fact.agent, &fact.key),
                text: text.into(),
                ..NewDocument::default()
            };
            let chunk = NewChunk { text: text.into(), ..NewChunk::default() };
            (new.checked(&self.ids, self.clock.now()).unwrap(), [chunk])
        });
        let with_chunks = document.as_ref().map(|(document, chunks)| (document, chunks.as_slice()));
        self.facts.put_fact(fact, with_chunks, self.clock.now()).await.unwrap()
    }

    async fn standing(&self, agent: &str, key: &str) -> Option<Fact> {
        self.facts.find_fact(agent, key, self.clock.now()).await.unwrap()
    }

    async fn value(&self, agent: &str, key: &str) -> Option<Value> {
        self.standing(agent, key).await.map(|fact| fact.value)
    }

    async fn document(&self, agent: &str, key: &str) -> Option<Document> {
        self.documents.find_document_by_key(COLLECTION, &document_key(agent, key)).await.unwrap()
    }

    async fn history(&self, agent: &str, key: &str) -> Vec<(u64, Option<Value>)> {
        let versions = self.facts.list_fact_versions(agent, key).await.unwrap();
        versions.into_iter().map(|version| (version.version, version.value)).collect()
    }

    async fn what_is_set_stands_and_what_was_before_is_kept(&self) {
        assert_eq!(self.standing("scout", "a").await, None);
        let mut first = fact("scout", "a", json!("Prefers e-mail"));
        first.privacy = Privacy::Local;
        assert_eq!(self.put(&first).await, FactWritten::Written(1));
        let expected = Fact {
            agent: "scout".into(),
            key: "a".into(),
            value: json!("Prefers e-mail"),
            version: 1,
            privacy: Privacy::Local,
            expires_at: None,
            actor: Actor::Token("tok_1".into()),
            updated_at: self.clock.now(),
        };
        assert_eq!(self.standing("scout", "a").await, Some(expected));
        assert_eq!(self.document("scout", "a").await.unwrap().text, "Prefers e-mail");
        assert_eq!(self.standing("writer", "a").await, None, "every agent has its own");
        let object = json!({"z": 1.5, "a": [null, "é"]});
        assert_eq!(self.put(&fact("scout", "a", object.clone())).await, FactWritten::Written(2));
        assert_eq!(self.value("scout", "a").await, Some(object.clone()));
        assert_eq!(self.document("scout", "a").await, None, "what is not a text is not searched");
        let history = self.history("scout", "a").await;
        assert_eq!(history, [(2, Some(object)), (1, Some(json!("Prefers e-mail")))]);
        assert_eq!(self.put(&fact("scout", "null", Value::Null)).await, FactWritten::Written(1));
        assert_eq!(self.value("scout", "null").await, Some(Value::Null), "null is a value");
    }

    async fn only_the_expected_version_is_replaced(&self) {
        let expecting =
            |version| NewFact { expected_version: Some(version), ..fact("scout", "cas", json!(version)) };
        assert_eq!(self.put(&expecting(1)).await, FactWritten::OtherStands(0));
        assert_eq!(self.put(&expecting(0)).await, FactWritten::Written(1));
        assert_eq!(self.put(&expecting(0)).await, FactWritten::OtherStands(1));
        assert_eq!(self.put(&expecting(1)).await, FactWritten::Written(2));
        assert_eq!(self.value("scout", "cas").await, Some(json!(1)));
    }

    async fn what_is_taken_back_is_gone_and_can_be_set_again(&self) {
        self.put(&fact("scout", "back", json!("One"))).await;
        let now = self.clock.now();
        assert!(self.facts.delete_fact("scout", "back", &Actor::Owner, now).await.unwrap());
        assert!(!self.facts.delete_fact("scout", "back", &Actor::Owner, now).await.unwrap());
        assert_eq!(self.standing("scout", "back").await, None);
        assert_eq!(self.document("scout", "back").await, None);
        assert_eq!(self.history("scout", "back").await, [(2, None), (1, Some(json!("One")))]);
        let anew = NewFact { expected_version: Some(0), ..fact("scout", "back", json!("Two")) };
        assert_eq!(self.put(&anew).await, FactWritten::Written(3), "no version is used twice");
        self.facts.delete_fact("scout", "back", &Actor::Owner, self.clock.now()).await.unwrap();
        let never = Timestamp(0);
        assert_eq!(self.facts.erase_expired_facts(self.clock.now(), never).await.unwrap(), 0);
        assert_eq!(self.history("scout", "back").await.len(), 4);
        let later = self.clock.now().plus(Duration::from_secs(1));
        assert_eq!(self.facts.erase_expired_facts(self.clock.now(), later).await.unwrap(), 0);
        assert!(self.history("scout", "back").await.is_empty());
        assert!(self.standing("scout", "a").await.is_some(), "what stands is not forgotten");
    }

    async fn what_has_expired_is_gone_with_its_history(&self) {
        self.put(&fact("scout", "brief", json!("Forever"))).await;
        let expires_at = Some(self.clock.now().plus(Duration::from_millis(10)));
        self.put(&NewFact { expires_at, ..fact("scout", "brief", json!("For now")) }).await;
        assert_eq!(self.standing("scout", "brief").await.unwrap().expires_at, expires_at);
        self.clock.advance(Duration::from_millis(10));
        assert_eq!(self.standing("scout", "brief").await, None);
        let page = PageRequest::first(50);
        let listed = self.facts.list_facts("scout", "brief", &page, self.clock.now()).await.unwrap();
        assert!(listed.items.is_empty());
        assert_eq!(self.facts.erase_expired_facts(self.clock.now(), Timestamp(0)).await.unwrap(), 1);
        assert_eq!(self.facts.erase_expired_facts(self.clock.now(), Timestamp(0)).await.unwrap(), 0);
        assert_eq!(self.document("scout", "brief").await, None);
        assert_eq!(self.history("scout", "brief").await, [(3, None)]);
        assert!(!self.facts.delete_fact("scout", "brief", &Actor::Owner, self.clock.now()).await.unwrap());
        let anew = NewFact { expected_version: Some(0), ..fact("scout", "brief", json!("Anew")) };
        assert_eq!(self.put(&anew).await, FactWritten::Written(4));
    }

    async fn lists_come_with_what_was_written_last_first(&self) {
        for key in ["n/1", "n/2", "n/3", "m", "N/4", "n/1"] {
            self.put(&fact("lister", key, json!(key))).await;
        }
        let list = async |prefix: &str, limit, cursor| {
            let page = PageRequest { limit, cursor };
            let page = self.facts.list_facts("lister", prefix, &page, self.clock.now()).await.unwrap();
            (page.items.into_iter().map(|fact| fact.key).collect::<Vec<_>>(), page.next_cursor)
        };
        assert_eq!(list("", 50, None).await.0, ["n/1", "N/4", "m", "n/3", "n/2"]);
        let (keys, cursor) = list("n/", 2, None).await;
        assert_eq!(keys, ["n/1", "n/3"]);
        assert_eq!(list("n/", 2, cursor).await, (vec!["n/2".into()], None));
        assert_eq!(list("n/%", 50, None).await.0, Vec::<String>::new());
        let page = PageRequest { limit: 1, cursor: Some("' OR 1=1--".into()) };
        let refused = self.facts.list_facts("lister", "", &page, self.clock.now()).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Invalid);
    }

    async fn history_is_bounded(&self) {
        for value in 0..HISTORY + 5 {
            self.put(&fact("counter", "n", json!(value))).await;
        }
        let history = self.history("counter", "n").await;
        assert_eq!(history.len(), HISTORY as usize);
        assert_eq!(history[0], (u64::from(HISTORY) + 5, Some(json!(HISTORY + 4))));
    }
}
