//! What every [`LogStore`] must do.

use std::sync::Arc;
use std::time::Duration;

use extract::ChunkOptions;
use kernel::{Actor, Clock, FixedClock, Ids, Kind, PageRequest, Privacy, SeededEntropy, Timestamp};

use crate::chunking::chunks_of;
use crate::document::Document;
use crate::log::{Appended, LogEntry, LogFilter, LogKind, LogStore, NewLogEntry};
use crate::store::MemoryStore;

/// Checks a log that is empty, beside the documents by which its entries are found.
///
/// # Panics
/// When it does not keep the contract.
pub async fn log_contract(documents: Arc<dyn MemoryStore>, log: Arc<dyn LogStore>) {
    let clock = Arc::new(FixedClock::at(Timestamp(1_700_000_000_000)));
    let ids = Ids::new(clock.clone(), Arc::new(SeededEntropy::new(3)));
    let suite = Suite { documents, log, clock, ids };
    suite.entries_come_back_with_their_documents().await;
    suite.the_same_error_counts_up().await;
    suite.a_document_that_was_labelled_local_stays_so_however_often_it_is_logged().await;
    suite.the_same_decision_of_a_step_is_logged_once().await;
    suite.a_decision_is_superseded_once().await;
    suite.lists_come_with_what_was_seen_last_first().await;
}

struct Suite {
    documents: Arc<dyn MemoryStore>,
    log: Arc<dyn LogStore>,
    clock: Arc<FixedClock>,
    ids: Ids,
}

const RUN: &str = "run_01hv5k3m9x7q2w8e4r6t";
const OTHER_RUN: &str = "run_01hv5k3m9x7q2w8e4r6z";

impl Suite {
    fn entry(&self, kind: LogKind, change: impl FnOnce(&mut NewLogEntry)) -> LogEntry {
        self.clock.advance(Duration::from_millis(1));
        let mut new = NewLogEntry::titled("Use SQLite", Actor::Token("tok_1".into()));
        change(&mut new);
        new.checked(kind, &self.ids, self.clock.now()).unwrap()
    }

    async fn append(&self, entry: &LogEntry) -> Appended {
        let document = entry.to_document(&self.ids);
        let chunks = chunks_of(&document, &ChunkOptions::default());
        self.log.append(entry, entry.digest(), &document, &chunks).await.unwrap()
    }

    async fn logged(&self, kind: LogKind, change: impl FnOnce(&mut NewLogEntry)) -> LogEntry {
        let entry = self.entry(kind, change);
        assert_eq!(self.append(&entry).await, Appended::New);
        entry
    }

    async fn document(&self, entry: &LogEntry) -> Document {
        let found = self.documents.find_document_by_key(entry.kind.collection(), entry.id.as_str()).await;
        found.unwrap().unwrap()
    }

    async fn listed(&self, change: impl FnOnce(&mut LogFilter), kind: LogKind) -> Vec<LogEntry> {
        let mut filter = LogFilter::of(kind);
        change(&mut filter);
        self.log.list_entries(&filter, &PageRequest::first(50)).await.unwrap().items
    }

    async fn entries_come_back_with_their_documents(&self) {
        let decision = self
            .logged(LogKind::Decision, |new| {
                new.agent = Some("planner".into());
                new.run_id = RUN.parse().ok();
                new.step = Some("s1".into());
                new.detail = "One file, no server — já! 🚀".into();
                new.outcome = Some("approved".into());
                new.privacy = Privacy::Local;
            })
            .await;
        assert_eq!(self.log.find_entry(&decision.id).await.unwrap().as_ref(), Some(&decision));
        let missing = "log_01hv5k3m9x7q2w8e4r6t".parse().unwrap();
        assert_eq!(self.log.find_entry(&missing).await.unwrap(), None);
        let document = self.document(&decision).await;
        let chunk = self.documents.list_chunks(&document.id).await.unwrap().remove(0);
        assert!(chunk.content.text.contains("One file, no server — já! 🚀"), "{chunk:?}");
        assert!(chunk.content.text.contains("approved"), "{chunk:?}");
        assert_eq!((document.privacy, document.source.as_str()), (Privacy::Local, &*format!("run:{RUN}")));
        assert_eq!(document.attributes, decision.attributes());
    }

    async fn a_document_that_was_labelled_local_stays_so_however_often_it_is_logged(&self) {
        let disk_full = |new: &mut NewLogEntry| new.title = "The disk is full".into();
        let entry = self.logged(LogKind::Error, disk_full).await;
        let document = Document { privacy: Privacy::Local, ..self.document(&entry).await };
        let chunks = chunks_of(&document, &ChunkOptions::default());
        self.documents.change_document(&document, &chunks).await.unwrap();
        let again = self.append(&self.entry(LogKind::Error, disk_full)).await;
        assert!(matches!(again, Appended::Again(_)), "{again:?}");
        assert_eq!(self.document(&entry).await.privacy, Privacy::Local);
    }

    async fn the_same_error_counts_up(&self) {
        let timeout = |seconds: u32, run: &'static str| {
            move |new: &mut NewLogEntry| {
                new.title = "The model timed out".into();
                new.detail = format!("No answer after {seconds} s");
                new.run_id = run.parse().ok();
                new.step = Some(format!("s{seconds}"));
            }
        };
        let first = self.logged(LogKind::Error, timeout(30, RUN)).await;
        let changes = self.documents.last_change().await.unwrap();
        let again = self.entry(LogKind::Error, |new| {
            timeout(31, OTHER_RUN)(new);
            new.privacy = Privacy::Local;
        });
        let expected = LogEntry {
            count: 2,
            last_at: again.last_at,
            run_id: again.run_id.clone(),
            step: again.step.clone(),
            privacy: Privacy::Local,
            ..first.clone()
        };
        assert_eq!(self.append(&again).await, Appended::Again(Box::new(expected.clone())));
        assert_eq!(self.log.find_entry(&first.id).await.unwrap(), Some(expected.clone()));
        assert_eq!(self.log.find_entry(&again.id).await.unwrap(), None);
        let document = self.document(&first).await;
        assert_eq!((document.updated_at, document.privacy), (again.last_at, Privacy::Local));
        assert_eq!(document.source, format!("run:{OTHER_RUN}"));
        assert!(self.documents.last_change().await.unwrap() > changes, "indices see that it was seen again");
        for run in [RUN, OTHER_RUN] {
            let seen = self.listed(|filter| filter.run_id = run.parse().ok(), LogKind::Error).await;
            assert_eq!(seen, std::slice::from_ref(&expected), "{run}");
        }
        // The same words as a decision are something else.
        self.logged(LogKind::Decision, timeout(30, RUN)).await;
    }

    async fn the_same_decision_of_a_step_is_logged_once(&self) {
        let approve = |new: &mut NewLogEntry| {
            new.title = "Approve the plan".into();
            new.run_id = RUN.parse().ok();
            new.step = Some("plan".into());
        };
        let first = self.logged(LogKind::Decision, approve).await;
        let again = self.entry(LogKind::Decision, approve);
        assert_eq!(self.append(&again).await, Appended::Again(Box::new(first)));
        for _ in 0..2 {
            self.logged(LogKind::Decision, |new| new.title = "Of no step".into()).await;
        }
    }

    async fn a_decision_is_superseded_once(&self) {
        let earlier = self.logged(LogKind::Decision, |_| ()).await;
        let instead = |new: &mut NewLogEntry| {
            new.title = "Use PostgreSQL".into();
            new.supersedes = Some(earlier.id.clone());
        };
        let later = self.logged(LogKind::Decision, instead).await;
        let superseded = self.log.find_entry(&earlier.id).await.unwrap().unwrap();
        assert_eq!(superseded, LogEntry { superseded_by: Some(later.id.clone()), ..earlier.clone() });
        let document = self.document(&earlier).await;
        assert_eq!(document.superseded_by, Some(self.document(&later).await.id));
        let refused = self.entry(LogKind::Decision, instead);
        assert_eq!(self.append(&refused).await, Appended::Superseded(later.id.clone()));
        assert_eq!(self.log.find_entry(&refused.id).await.unwrap(), None);
        let missing = self.entry(LogKind::Decision, |new| {
            new.supersedes = "log_01hv5k3m9x7q2w8e4r6t".parse().ok();
        });
        assert_eq!(self.append(&missing).await, Appended::Missing);
        let error = self.logged(LogKind::Error, |new| new.title = "Broken".into()).await;
        let of_an_error = self.entry(LogKind::Decision, |new| new.supersedes = Some(error.id.clone()));
        assert_eq!(self.append(&of_an_error).await, Appended::Missing);
    }

    async fn lists_come_with_what_was_seen_last_first(&self) {
        let agent = |new: &mut NewLogEntry| new.agent = Some("lister".into());
        let mut expected = Vec::new();
        for title in ["one", "two", "three"] {
            let titled = |new: &mut NewLogEntry| (agent(new), new.title = title.into()).0;
            expected.insert(0, self.logged(LogKind::Error, titled).await.id);
        }
        let again = self.entry(LogKind::Error, |new| (agent(new), new.title = "one".into()).0);
        assert!(matches!(self.append(&again).await, Appended::Again(_)));
        expected.rotate_right(1);
        let filter = LogFilter { agent: Some("lister".into()), ..LogFilter::of(LogKind::Error) };
        let mut page = PageRequest::first(2);
        let first = self.log.list_entries(&filter, &page).await.unwrap();
        page.cursor.clone_from(&first.next_cursor);
        let second = self.log.list_entries(&filter, &page).await.unwrap();
        assert_eq!(second.next_cursor, None);
        let listed: Vec<_> = first.items.iter().chain(&second.items).map(|entry| entry.id.clone()).collect();
        assert_eq!(listed, expected);
        let wanted = [expected[2].to_string(), "log_01hv5k3m9x7q2w8e4r6t".into()];
        let found = self.log.find_entries(&wanted, &filter).await.unwrap();
        assert_eq!(found.iter().map(|entry| &entry.id).collect::<Vec<_>>(), [&expected[2]]);
        let other = LogFilter { agent: Some("nobody".into()), ..filter.clone() };
        assert!(self.log.find_entries(&wanted, &other).await.unwrap().is_empty());
        page.cursor = Some("' OR 1=1--".into());
        assert_eq!(self.log.list_entries(&filter, &page).await.unwrap_err().kind, Kind::Invalid);
    }
}
