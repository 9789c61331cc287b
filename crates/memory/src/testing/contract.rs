//! What every [`MemoryStore`] must do.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Actor, Clock, FixedClock, Ids, PageRequest, Privacy, SeededEntropy, Timestamp};
use serde_json::json;

use crate::chunk::NewChunk;
use crate::dispatch::{Dispatch, NewDispatch};
use crate::document::{Attributes, Document, NewDocument};
use crate::filter::Filter;
use crate::store::{Listed, MemoryStore, Supersession, WHOLE_BYTES};

/// Checks a store that is empty.
///
/// # Panics
/// When it does not keep the contract.
pub async fn contract(store: Arc<dyn MemoryStore>) {
    let suite = Suite::over(store);
    suite.the_same_key_replaces().await;
    suite.chunks_that_stay_the_same_keep_their_numbers().await;
    suite.neighbours_are_of_the_same_document_in_its_order().await;
    suite.whoever_follows_changes_misses_none().await;
    suite.what_is_gone_is_gone_with_its_chunks().await;
    suite.filters_hold().await;
    suite.collections_are_summed_up().await;
    suite.lists_come_newest_first().await;
    suite.whole_documents_come_in_the_order_of_their_keys().await;
    suite.dispatches_are_logged_with_their_documents().await;
    suite.what_is_superseded_stands_again_with_its_chunks().await;
}

struct Suite {
    store: Arc<dyn MemoryStore>,
    clock: Arc<FixedClock>,
    ids: Ids,
}

fn chunk(text: &str) -> NewChunk {
    NewChunk { text: text.into(), place: json!({ "line": 1 }), ..NewChunk::default() }
}

impl Suite {
    fn over(store: Arc<dyn MemoryStore>) -> Self {
        let clock = Arc::new(FixedClock::at(Timestamp(1_700_000_000_000)));
        let ids = Ids::new(clock.clone(), Arc::new(SeededEntropy::new(7)));
        Self { store, clock, ids }
    }

    fn document(&self, collection: &str, key: &str, text: &str) -> Document {
        self.clock.advance(Duration::from_millis(1));
        let new = NewDocument {
            collection: collection.into(),
            key: key.into(),
            title: "A title".into(),
            text: text.into(),
            source: format!("test:{key}"),
            privacy: Privacy::Local,
            ..NewDocument::default()
        };
        new.checked(&self.ids, self.clock.now()).unwrap()
    }

    /// Stores a document whose lines are its chunks.
    async fn stored(&self, document: Document) -> Document {
        let chunks: Vec<NewChunk> = document.text.lines().map(chunk).collect();
        let id = self.store.put_document(&document, &chunks).await.unwrap().id;
        Document { id, ..document }
    }

    async fn chunks(&self, document: &Document) -> Vec<(u32, String)> {
        let chunks = self.store.list_chunks(&document.id).await.unwrap();
        for (ordinal, chunk) in (0..).zip(&chunks) {
            assert_eq!((chunk.ordinal, &chunk.document), (ordinal, &document.id));
        }
        chunks.into_iter().map(|chunk| (chunk.number, chunk.content.text)).collect()
    }

    async fn the_same_key_replaces(&self) {
        let text = "Ünïcode 🚀\nbefore it \"changed\" 'twice' %";
        let mut first = self.document("replace", "one", text);
        first.author = Some("Ana".into());
        first.attributes = Attributes::from([("brand_id".into(), "a \"b\"".into())]);
        (first.occurred_at, first.expires_at) = (Some(Timestamp(5)), Some(Timestamp(i64::MAX)));
        let first = self.stored(first).await;
        let other = self.stored(self.document("replace", "two", "")).await;
        let same_key = self.stored(self.document("elsewhere", "one", "")).await;
        assert_eq!(self.store.find_document(&first.id).await.unwrap(), Some(first.clone()));
        let by_key = self.store.find_document_by_key("replace", "one").await.unwrap();
        assert_eq!(by_key, Some(first.clone()));
        let mut second = self.document("replace", "one", "after");
        second.privacy = Privacy::Shareable;
        let stored = self.store.put_document(&second, &[chunk("after")]).await.unwrap();
        assert_eq!((stored.id, stored.changed_chunks), (first.id.clone(), 1));
        let expected = Document { id: first.id.clone(), created_at: first.created_at, ..second.clone() };
        assert_eq!(self.store.find_document(&first.id).await.unwrap(), Some(expected));
        assert_eq!(self.store.find_document(&second.id).await.unwrap(), None);
        assert_eq!(self.store.find_document(&other.id).await.unwrap(), Some(other));
        assert_eq!(self.store.find_document(&same_key.id).await.unwrap(), Some(same_key));
        assert_eq!(self.chunks(&first).await.len(), 1);
    }

    async fn chunks_that_stay_the_same_keep_their_numbers(&self) {
        let first = self.stored(self.document("keep", "one", "alpha\nbeta\nbeta\ngamma")).await;
        let before = self.chunks(&first).await;
        let again = self.document("keep", "one", "new\nbeta\nalpha\nbeta\ndelta");
        let chunks: Vec<NewChunk> = again.text.lines().map(chunk).collect();
        assert_eq!(self.store.put_document(&again, &chunks).await.unwrap().changed_chunks, 2);
        let after = self.chunks(&first).await;
        let texts: Vec<&str> = after.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["new", "beta", "alpha", "beta", "delta"]);
        assert_eq!([after[1].0, after[2].0, after[3].0], [before[1].0, before[0].0, before[2].0]);
        assert!(before.iter().all(|(number, _)| *number != after[0].0 && *number != after[4].0));
        let gone = self.store.find_chunks(&[before[3].0, after[0].0]).await.unwrap();
        assert_eq!(gone.len(), 1, "gamma is gone");
        assert_eq!(gone[0].chunk.content, chunk("new"));
        assert_eq!((gone[0].document.text.as_str(), gone[0].document.title.as_str()), ("", "A title"));
    }

    async fn neighbours_are_of_the_same_document_in_its_order(&self) {
        let first = self.stored(self.document("beside", "one", "a\nb\nc\nd\ne")).await;
        let other = self.stored(self.document("beside", "two", "x\ny")).await;
        // So that the numbers no longer stand in the order of the document.
        let again = self.stored(self.document("beside", "one", "e\nd\nnew\nb\na")).await;
        assert_eq!(again.id, first.id);
        let numbers: Vec<u32> = self.chunks(&first).await.into_iter().map(|(number, _)| number).collect();
        let foreign = self.chunks(&other).await[0].0;
        let check = async |wanted: &[u32], reach: u32, expected: &[(u32, &str)]| {
            let found = self.store.find_neighbours(wanted, reach).await.unwrap();
            let found: Vec<(u32, &str)> =
                found.iter().map(|(beside, it)| (*beside, it.chunk.content.text.as_str())).collect();
            assert_eq!(found, expected, "{wanted:?} {reach}");
        };
        let [head, second, middle, ..] = numbers[..] else { panic!("{numbers:?}") };
        check(&[middle], 1, &[(middle, "d"), (middle, "b")]).await;
        check(&[middle], 3, &["e", "d", "b", "a"].map(|text| (middle, text))).await;
        let both = [(second, "e"), (second, "new"), (foreign, "y"), (head, "d")];
        check(&[second, foreign, u32::MAX, head], 1, &both).await;
        check(&[middle], 0, &[]).await;
        check(&[], 3, &[]).await;
        let found = self.store.find_neighbours(&[foreign], u32::MAX).await.unwrap().remove(0).1;
        let indexed = self.store.find_chunks(&[found.chunk.number]).await.unwrap();
        assert_eq!([found], indexed[..]);
    }

    async fn changed_after(&self, position: u64) -> Vec<(u32, Option<String>)> {
        let changes = self.store.list_changes(position, 1_000).await.unwrap();
        assert!(changes.windows(2).all(|pair| pair[0].position < pair[1].position));
        let last = changes.last().map_or(position, |change| change.position);
        assert_eq!(self.store.last_change().await.unwrap(), last);
        changes.into_iter().map(|it| (it.number, it.content.map(|it| it.chunk.content.text))).collect()
    }

    async fn whoever_follows_changes_misses_none(&self) {
        let start = self.store.last_change().await.unwrap();
        let document = self.stored(self.document("follow", "one", "a\nb\nc")).await;
        let numbers: Vec<u32> = self.chunks(&document).await.into_iter().map(|(number, _)| number).collect();
        let texts = |all: &[(u32, Option<String>)]| -> Vec<String> {
            all.iter().map(|(_, text)| text.clone().unwrap_or("-".into())).collect()
        };
        assert_eq!(texts(&self.changed_after(start).await), ["a", "b", "c"]);
        let some = self.store.list_changes(start, 2).await.unwrap();
        assert_eq!(some.len(), 2);
        assert_eq!(texts(&self.changed_after(some[1].position).await), ["c"]);
        let now = self.store.last_change().await.unwrap();
        let one_document = some[0].content.as_ref().unwrap().document_number;
        assert_eq!(some[1].content.as_ref().unwrap().document_number, one_document);
        // What belongs to the document belongs to its chunks.
        let mut again = self.document("follow", "one", "a\nb\nc");
        again.privacy = Privacy::Shareable;
        self.stored(again).await;
        let mut changed = self.changed_after(now).await;
        changed.sort();
        assert_eq!(changed.iter().map(|(number, _)| *number).collect::<Vec<_>>(), numbers);
        let now = self.store.last_change().await.unwrap();
        self.store.delete_document(&document.id).await.unwrap();
        let mut changed = self.changed_after(now).await;
        changed.sort();
        assert_eq!(changed, numbers.iter().map(|number| (*number, None)).collect::<Vec<_>>());
    }

    async fn what_is_gone_is_gone_with_its_chunks(&self) {
        let document = self.stored(self.document("gone", "one", "ephemeral")).await;
        let number = self.chunks(&document).await[0].0;
        assert!(self.store.delete_document(&document.id).await.unwrap());
        assert!(!self.store.delete_document(&document.id).await.unwrap());
        assert_eq!(self.store.find_document(&document.id).await.unwrap(), None);
        assert!(self.store.find_chunks(&[number]).await.unwrap().is_empty());
        let again = self.stored(self.document("gone", "one", "ephemeral")).await;
        assert!(self.chunks(&again).await[0].0 > number, "a number is never used twice");
    }

    async fn what_is_superseded_stands_again_with_its_chunks(&self) {
        let one = self.stored(self.document("revised", "one", "first")).await;
        let two = self.stored(self.document("revised", "two", "second")).await;
        let three = self.stored(self.document("revised", "three", "third")).await;
        let supersede = async |id: &Document, by: Option<&Document>| {
            self.store.supersede(&id.id, by.map(|by| &by.id)).await.unwrap()
        };
        let successor = async |of: &Document| {
            let indexed = self.store.find_chunks(&[self.chunks(of).await[0].0]).await.unwrap().remove(0);
            let found = self.store.find_document(&of.id).await.unwrap().unwrap();
            assert_eq!(indexed.document.superseded_by, found.superseded_by);
            found.superseded_by
        };
        let start = self.store.last_change().await.unwrap();
        assert_eq!(supersede(&one, Some(&two)).await, Supersession::Done);
        assert_eq!(successor(&one).await, Some(two.id.clone()));
        assert_eq!(self.changed_after(start).await, [(self.chunks(&one).await[0].0, Some("first".into()))]);
        assert_eq!(supersede(&two, Some(&three)).await, Supersession::Done);
        assert_eq!(supersede(&three, Some(&one)).await, Supersession::Circular);
        assert_eq!(supersede(&three, Some(&three)).await, Supersession::Circular);
        let nothing = self.document("revised", "nothing", "");
        assert_eq!(supersede(&three, Some(&nothing)).await, Supersession::Missing);
        assert_eq!(supersede(&nothing, None).await, Supersession::Missing);
        // Storing it again leaves it superseded.
        self.stored(self.document("revised", "one", "first, again")).await;
        assert_eq!(successor(&one).await, Some(two.id.clone()));
        assert_eq!(supersede(&one, Some(&three)).await, Supersession::Done);
        assert_eq!(successor(&one).await, Some(three.id.clone()));
        let start = self.store.last_change().await.unwrap();
        assert_eq!(supersede(&one, None).await, Supersession::Done);
        assert_eq!(successor(&one).await, None);
        assert_eq!(self.changed_after(start).await.len(), 1);
        assert!(self.store.delete_document(&three.id).await.unwrap());
        assert_eq!(successor(&two).await, None, "nothing stands in its place any more");
    }

    async fn filters_hold(&self) {
        let start = self.clock.now();
        for (key, author, brand) in [("a", "Ana", "x"), ("b", "Bia", "x"), ("c", "ANA", "y")] {
            let mut document = self.document("filtered", key, "kangaroo");
            document.author = Some(author.into());
            document.attributes = Attributes::from([("brand_id".into(), brand.into())]);
            document.privacy = if key == "b" { Privacy::Shareable } else { Privacy::Local };
            self.stored(document).await;
        }
        let check = async |change: &dyn Fn(&mut Filter), expected: &[&str]| {
            let mut filter = Filter::of_collection("filtered");
            change(&mut filter);
            let found = self.store.list_documents(&filter, &PageRequest::first(50)).await.unwrap();
            assert_eq!(keys(&found.items), expected, "{filter:?}");
        };
        check(&|_| (), &["c", "b", "a"]).await;
        check(&|filter| filter.collections = vec!["none".into()], &[]).await;
        check(&|filter| filter.author = Some("ana".into()), &["c", "a"]).await;
        check(&|filter| filter.source = Some("test:b".into()), &["b"]).await;
        check(&|filter| filter.excluded_source = Some("test:b".into()), &["c", "a"]).await;
        check(&|filter| filter.strictest = Some(Privacy::Shareable), &["b"]).await;
        check(&|filter| filter.attributes = Attributes::from([("brand_id".into(), "x".into())]), &["b", "a"])
            .await;
        check(&|filter| filter.attributes = Attributes::from([("run_id".into(), "x".into())]), &[]).await;
        check(&|filter| filter.since = Some(start.plus(Duration::from_millis(2))), &["c", "b"]).await;
        check(&|filter| filter.until = Some(start.plus(Duration::from_millis(2))), &["a"]).await;
    }

    async fn collections_are_summed_up(&self) {
        let mut shareable = self.document("summed", "1", "one two");
        shareable.privacy = Privacy::Shareable;
        self.stored(shareable).await;
        self.stored(self.document("summed", "2", "três")).await;
        let all = self.store.list_collections().await.unwrap();
        assert!(all.windows(2).all(|pair| pair[0].name < pair[1].name), "{all:?}");
        let summed = all.iter().find(|collection| collection.name == "summed").unwrap();
        let counts = (summed.documents, summed.local_documents, summed.chunks, summed.characters);
        assert_eq!((counts, summed.newest), ((2, 1, 2, 11), self.clock.now()));
    }

    async fn lists_come_newest_first(&self) {
        for key in ["1", "2", "3"] {
            self.stored(self.document("listed", key, "kangar")).await;
        }
        self.stored(self.document("listed", "1", "stored again")).await;
        let filter = Filter::of_collection("listed");
        let first = self.store.list_documents(&filter, &PageRequest::first(2)).await.unwrap();
        assert_eq!(keys(&first.items), ["3", "2"]);
        let next = PageRequest { limit: 2, cursor: first.next_cursor };
        let second = self.store.list_documents(&filter, &next).await.unwrap();
        assert_eq!((keys(&second.items), second.next_cursor), (vec!["1"], None));
        let newest = &first.items[0];
        assert_eq!((newest.characters, newest.chunks, newest.document.text.as_str()), (6, 1, ""));
        let first_of_all = PageRequest { limit: 2, cursor: Some("' OR 1=1--".into()) };
        assert!(self.store.list_documents(&filter, &first_of_all).await.unwrap().items.is_empty());
        assert!(self.store.list_dispatches(&first_of_all).await.unwrap().items.is_empty());
    }

    async fn whole_documents_come_in_the_order_of_their_keys(&self) {
        let mut stored = Vec::new();
        for (collection, key) in [("whole-b", "a"), ("whole-a", "é"), ("whole-a", "z"), ("whole-a", "Z")] {
            stored.push(self.stored(self.document(collection, key, "first\nsecond")).await);
        }
        stored.sort_by(|a, b| (&a.collection, &a.key).cmp(&(&b.collection, &b.key)));
        let filter = Filter { collections: vec!["whole-a".into(), "whole-b".into()], ..Filter::default() };
        let mut listed = Vec::new();
        loop {
            let after = listed.last().map(|last: &Document| (last.collection.clone(), last.key.clone()));
            let after = after.as_ref().map(|(collection, key)| (collection.as_str(), key.as_str()));
            let page = self.store.list_whole(&filter, after, 3).await.unwrap();
            if page.is_empty() {
                break;
            }
            for whole in page {
                assert_eq!(whole.chunks, [chunk("first"), chunk("second")]);
                listed.push(whole.document);
            }
        }
        assert_eq!(listed, stored);
        let open = Filter { strictest: Some(Privacy::Shareable), ..filter };
        assert_eq!(self.store.list_whole(&open, None, 3).await.unwrap(), []);
        let long = "x".repeat(WHOLE_BYTES);
        for key in ["1", "2"] {
            self.stored(self.document("whole-c", key, &long)).await;
        }
        let page = self.store.list_whole(&Filter::of_collection("whole-c"), None, 3).await.unwrap();
        assert!((1..=2).contains(&page.len()) && page[0].document.text == long);
    }

    async fn dispatches_are_logged_with_their_documents(&self) {
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
            let document = dispatch.to_document(&self.ids);
            self.store.log_dispatch(&dispatch, &document, &[chunk(prompt)]).await.unwrap();
            logged.insert(0, dispatch);
        }
        let first = self.store.list_dispatches(&PageRequest::first(1)).await.unwrap();
        assert_eq!(first.items, logged[..1]);
        let next = PageRequest { limit: 1, cursor: first.next_cursor };
        let second = self.store.list_dispatches(&next).await.unwrap();
        assert_eq!((second.items, second.next_cursor), (logged[1..].to_vec(), None));
        let id = logged[0].id.to_string();
        let found = self.store.find_document_by_key("dispatches", &id).await.unwrap().unwrap();
        assert_eq!(self.chunks(&found).await[0].1, "Add tests — já! 🚀");
    }
}

fn keys(listed: &[Listed]) -> Vec<&str> {
    listed.iter().map(|listed| listed.document.key.as_str()).collect()
}
