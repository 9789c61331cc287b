//! What every [`MemoryStore`] must do.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Actor, Clock, FixedClock, Ids, PageRequest, Privacy, SeededEntropy, Timestamp};
use serde_json::json;

use crate::dispatch::{Dispatch, NewDispatch};
use crate::document::{Document, NewDocument};
use crate::store::{Filter, MemoryStore};
use crate::words::words;

/// Checks a store that is empty.
///
/// # Panics
/// When it does not keep the contract.
pub async fn contract(store: Arc<dyn MemoryStore>) {
    let suite = Suite::over(store);
    suite.the_same_key_replaces().await;
    suite.words_are_found_whatever_their_case_and_accents().await;
    suite.better_matches_come_first().await;
    suite.filters_hold().await;
    suite.no_word_is_syntax().await;
    suite.what_is_gone_is_not_found().await;
    suite.lists_come_newest_first().await;
    suite.dispatches_are_logged_and_found().await;
}

struct Suite {
    store: Arc<dyn MemoryStore>,
    clock: Arc<FixedClock>,
    ids: Ids,
}

impl Suite {
    fn over(store: Arc<dyn MemoryStore>) -> Self {
        let clock = Arc::new(FixedClock::at(Timestamp(1_700_000_000_000)));
        let ids = Ids::new(clock.clone(), Arc::new(SeededEntropy::new(7)));
        Self { store, clock, ids }
    }

    fn document(&self, collection: &str, key: &str, title: &str, text: &str) -> Document {
        self.clock.advance(Duration::from_millis(1));
        let new = NewDocument {
            collection: collection.into(),
            key: key.into(),
            title: title.into(),
            text: text.into(),
            source: format!("test:{key}"),
            privacy: Privacy::Local,
        };
        new.checked(&self.ids, self.clock.now()).unwrap()
    }

    async fn stored(&self, collection: &str, key: &str, title: &str, text: &str) -> Document {
        let document = self.document(collection, key, title, text);
        assert_eq!(self.store.upsert_document(&document).await.unwrap(), document.id);
        document
    }

    async fn keys_in(&self, collection: &str, query: &str) -> Vec<String> {
        self.keys(&Filter { collections: vec![collection.into()], excluded_source: None }, query, 100).await
    }

    async fn keys(&self, filter: &Filter, query: &str, limit: usize) -> Vec<String> {
        let terms: Vec<String> = words(query).into_iter().map(|word| word.folded).collect();
        let found = self.store.keyword_candidates(&terms, filter, limit).await.unwrap();
        assert!(found.iter().all(|candidate| candidate.score > 0.0), "{found:?}");
        assert!(found.windows(2).all(|pair| pair[0].score >= pair[1].score), "{found:?}");
        found.into_iter().map(|candidate| candidate.document.key).collect()
    }

    async fn the_same_key_replaces(&self) {
        let first = self.stored("replace", "one", "Ünïcode 🚀", "before it\nwas \"changed\" 'twice' %").await;
        let other = self.stored("replace", "two", "", "").await;
        let same_key = self.stored("elsewhere", "one", "", "").await;
        assert_eq!(self.store.find_document(&first.id).await.unwrap(), Some(first.clone()));
        let mut second = self.document("replace", "one", "", "after");
        second.privacy = Privacy::Shareable;
        assert_eq!(self.store.upsert_document(&second).await.unwrap(), first.id);
        let expected = Document { id: first.id.clone(), created_at: first.created_at, ..second.clone() };
        assert_eq!(self.store.find_document(&first.id).await.unwrap(), Some(expected));
        assert_eq!(self.store.find_document(&second.id).await.unwrap(), None);
        assert_eq!(self.store.find_document(&other.id).await.unwrap(), Some(other));
        assert_eq!(self.store.find_document(&same_key.id).await.unwrap(), Some(same_key));
        assert!(self.keys_in("replace", "before").await.is_empty(), "the old text is not found");
        assert_eq!(self.keys_in("replace", "after").await, ["one"]);
    }

    async fn words_are_found_whatever_their_case_and_accents(&self) {
        self.stored("fold", "sales", "Relatório de VENDAS", "Março foi ótimo. Ação!").await;
        self.stored("fold", "russian", "", "Привет, МИР").await;
        for query in ["relatorio", "RELATÓRIO", "vendas", "marco", "março", "acao"] {
            assert_eq!(self.keys_in("fold", query).await, ["sales"], "{query}");
        }
        assert_eq!(self.keys_in("fold", "мир").await, ["russian"]);
        assert!(self.keys_in("fold", "rela").await.is_empty(), "a part of a word is no word");
    }

    async fn better_matches_come_first(&self) {
        self.stored("rank", "title", "Invoice", "Something about money.").await;
        self.stored("rank", "text", "Money", "Something about an invoice.").await;
        self.stored("rank", "both", "Late", "The March invoice was late; send the March invoice again.")
            .await;
        self.stored("rank", "none", "Garden", "Tomatoes and basil.").await;
        assert_eq!(self.keys_in("rank", "march invoice late").await[0], "both");
        let found = self.keys_in("rank", "invoice money").await;
        assert_eq!(found.len(), 3, "{found:?}");
        let rare_first = self.keys_in("rank", "basil something").await;
        assert_eq!(rare_first[0], "none", "{rare_first:?}");
        let filter = Filter { collections: vec!["rank".into()], excluded_source: None };
        assert_eq!(self.keys(&filter, "march invoice late", 1).await, ["both"]);
    }

    async fn filters_hold(&self) {
        for key in ["a", "b"] {
            for collection in ["left", "right"] {
                self.stored(collection, key, "", "a kangaroo").await;
            }
        }
        let count = async |collections: &[&str], excluded: Option<&str>| {
            let collections = collections.iter().map(|name| (*name).to_owned()).collect();
            let filter = Filter { collections, excluded_source: excluded.map(str::to_owned) };
            let recent = self.store.recent_documents(&filter, 1_000).await.unwrap();
            let recent = recent.iter().filter(|document| document.text == "a kangaroo").count();
            assert_eq!(self.keys(&filter, "kangaroo", 100).await.len(), recent);
            recent
        };
        assert_eq!(count(&[], None).await, 4);
        assert_eq!(count(&["left"], None).await, 2);
        assert_eq!(count(&["left", "right"], Some("test:a")).await, 2);
        assert_eq!(count(&[], Some("test:b")).await, 2);
        assert_eq!(count(&["neither"], None).await, 0);
    }

    async fn no_word_is_syntax(&self) {
        self.stored("syntax", "words", "", "near not and or star").await;
        for term in ["near", "not", "and", "or", "star"] {
            let found = self.keys_in("syntax", term).await;
            assert_eq!(found, ["words"], "{term}");
        }
        let filter = Filter { collections: vec!["syntax".into()], excluded_source: None };
        for term in ["\"", "sta*", "text:near", "'; DROP TABLE documents --", "(", "a\"b", "\0", "🚀", ""] {
            let found = self.store.keyword_candidates(&[term.into()], &filter, 10).await.unwrap();
            assert!(found.is_empty(), "{term}: {found:?}");
        }
        assert!(self.store.keyword_candidates(&[], &filter, 10).await.unwrap().is_empty());
        let many: Vec<String> =
            (0..64).map(|number| format!("word{number}")).chain(["near".into()]).collect();
        assert_eq!(self.store.keyword_candidates(&many, &filter, 10).await.unwrap().len(), 1);
    }

    async fn what_is_gone_is_not_found(&self) {
        let document = self.stored("gone", "one", "ephemeral", "ephemeral").await;
        assert_eq!(self.keys_in("gone", "ephemeral").await, ["one"]);
        assert!(self.store.delete_document(&document.id).await.unwrap());
        assert!(!self.store.delete_document(&document.id).await.unwrap());
        assert_eq!(self.store.find_document(&document.id).await.unwrap(), None);
        assert!(self.keys_in("gone", "ephemeral").await.is_empty());
        self.stored("gone", "one", "", "back again").await;
        assert_eq!(self.keys_in("gone", "back").await, ["one"]);
    }

    async fn lists_come_newest_first(&self) {
        for key in ["1", "2", "3"] {
            self.stored("listed", key, "", "").await;
        }
        self.store.upsert_document(&self.document("listed", "1", "", "stored again")).await.unwrap();
        let first = self.store.list_documents("listed", &PageRequest::first(2)).await.unwrap();
        assert_eq!(keys(&first.items), ["3", "2"]);
        let next = PageRequest { limit: 2, cursor: first.next_cursor };
        let second = self.store.list_documents("listed", &next).await.unwrap();
        assert_eq!((keys(&second.items), second.next_cursor), (vec!["1"], None));
        let filter = Filter { collections: vec!["listed".into()], excluded_source: None };
        let recent = self.store.recent_documents(&filter, 2).await.unwrap();
        assert_eq!(keys(&recent), ["1", "3"], "what was stored again is recent again");
        let first_of_all = PageRequest { limit: 2, cursor: Some("' OR 1=1--".into()) };
        assert!(self.store.list_documents("listed", &first_of_all).await.unwrap().items.is_empty());
        assert!(self.store.list_dispatches(&first_of_all).await.unwrap().items.is_empty());
    }

    async fn dispatches_are_logged_and_found(&self) {
        let mut logged: Vec<Dispatch> = Vec::new();
        for (prompt, request_id) in [("Create a repository", None), ("Add tests — já! 🚀", Some("req_1"))]
        {
            self.clock.advance(Duration::from_millis(1));
            let new = NewDispatch {
                prompt: prompt.into(),
                task_type: "coding".into(),
                plan: json!({"steps": [{"title": "z before a", "a": 1.5, "b": null}], "goal": prompt}),
                actor: Actor::Token("tok_1".into()),
                request_id: request_id.map(str::to_owned),
            };
            let dispatch = new.at(&self.ids, self.clock.now());
            self.store.log_dispatch(&dispatch, &dispatch.to_document(&self.ids)).await.unwrap();
            logged.insert(0, dispatch);
        }
        let first = self.store.list_dispatches(&PageRequest::first(1)).await.unwrap();
        assert_eq!(first.items, logged[..1]);
        let next = PageRequest { limit: 1, cursor: first.next_cursor };
        let second = self.store.list_dispatches(&next).await.unwrap();
        assert_eq!((second.items, second.next_cursor), (logged[1..].to_vec(), None));
        assert_eq!(self.keys_in("dispatches", "tests").await, [logged[0].id.to_string()]);
    }
}

fn keys(documents: &[Document]) -> Vec<&str> {
    documents.iter().map(|document| document.key.as_str()).collect()
}
