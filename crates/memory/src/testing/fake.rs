//! A store in memory, with a plain BM25 in place of an index.

use async_trait::async_trait;
use kernel::{DocumentId, Page, PageRequest, Result};
use parking_lot::Mutex;

use crate::dispatch::Dispatch;
use crate::document::Document;
use crate::store::{Candidate, Filter, MemoryStore};
use crate::words::words;

/// Keeps documents and dispatches as long as the process lives.
#[derive(Default)]
pub struct FakeMemoryStore(Mutex<Tables>);

#[derive(Default)]
struct Tables {
    documents: Vec<Document>,
    dispatches: Vec<Dispatch>,
}

impl Tables {
    fn upsert(&mut self, document: &Document) -> DocumentId {
        let same =
            |stored: &&mut Document| stored.collection == document.collection && stored.key == document.key;
        match self.documents.iter_mut().find(same) {
            Some(stored) => {
                let (id, created_at) = (stored.id.clone(), stored.created_at);
                *stored = Document { id, created_at, ..document.clone() };
                stored.id.clone()
            }
            None => {
                self.documents.push(document.clone());
                document.id.clone()
            }
        }
    }

    fn filtered(&self, filter: &Filter) -> Vec<Document> {
        let mut documents = self.documents.clone();
        documents.retain(|document| {
            (filter.collections.is_empty() || filter.collections.contains(&document.collection))
                && filter.excluded_source.as_ref() != Some(&document.source)
        });
        documents
    }
}

#[async_trait]
impl MemoryStore for FakeMemoryStore {
    async fn upsert_document(&self, document: &Document) -> Result<DocumentId> {
        Ok(self.0.lock().upsert(document))
    }

    async fn find_document(&self, id: &DocumentId) -> Result<Option<Document>> {
        Ok(self.0.lock().documents.iter().find(|document| document.id == *id).cloned())
    }

    async fn delete_document(&self, id: &DocumentId) -> Result<bool> {
        let documents = &mut self.0.lock().documents;
        let before = documents.len();
        documents.retain(|document| document.id != *id);
        Ok(documents.len() < before)
    }

    async fn list_documents(&self, collection: &str, page: &PageRequest) -> Result<Page<Document>> {
        let mut documents = self.0.lock().documents.clone();
        documents.retain(|document| document.collection == collection);
        Ok(newest_first(documents, page, |document| document.id.as_str()))
    }

    async fn keyword_candidates(
        &self,
        terms: &[String],
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Candidate>> {
        let tables = self.0.lock();
        let bags: Vec<Vec<String>> = tables.documents.iter().map(bag).collect();
        let mut found: Vec<Candidate> = tables
            .filtered(filter)
            .into_iter()
            .map(|document| Candidate { score: bm25(terms, &bag(&document), &bags), document })
            .filter(|candidate| candidate.score > 0.0)
            .collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| b.document.id.cmp(&a.document.id)));
        found.truncate(limit);
        Ok(found)
    }

    async fn recent_documents(&self, filter: &Filter, limit: usize) -> Result<Vec<Document>> {
        let mut documents = self.0.lock().filtered(filter);
        documents.sort_by(|a, b| (b.updated_at, &b.id).cmp(&(a.updated_at, &a.id)));
        documents.truncate(limit);
        Ok(documents)
    }

    async fn log_dispatch(&self, dispatch: &Dispatch, document: &Document) -> Result<()> {
        let mut tables = self.0.lock();
        tables.dispatches.push(dispatch.clone());
        tables.upsert(document);
        Ok(())
    }

    async fn list_dispatches(&self, page: &PageRequest) -> Result<Page<Dispatch>> {
        Ok(newest_first(self.0.lock().dispatches.clone(), page, |dispatch| dispatch.id.as_str()))
    }
}

fn newest_first<T>(mut items: Vec<T>, page: &PageRequest, id: impl Fn(&T) -> &str) -> Page<T> {
    items.retain(|item| page.cursor.as_ref().is_none_or(|before| id(item) < before.as_str()));
    items.sort_by(|a, b| id(b).cmp(id(a)));
    Page::from_overfull(items, page.limit, |item| id(item).to_owned())
}

/// The document's words; those of the title count twice.
fn bag(document: &Document) -> Vec<String> {
    let (title, text) = (words(&document.title), words(&document.text));
    title.iter().chain(&title).chain(&text).map(|word| word.folded.clone()).collect()
}

fn bm25(terms: &[String], bag: &[String], bags: &[Vec<String>]) -> f64 {
    let total: usize = bags.iter().map(Vec::len).sum();
    let mean = total as f64 / bags.len() as f64;
    let score = |term: &String| {
        let with = bags.iter().filter(|bag| bag.contains(term)).count() as f64;
        let inverse = ((bags.len() as f64 - with + 0.5) / (with + 0.5) + 1.0).ln();
        let often = bag.iter().filter(|word| *word == term).count() as f64;
        inverse * often * 2.2 / (often + 1.2 * (0.25 + 0.75 * bag.len() as f64 / mean))
    };
    terms.iter().map(score).sum()
}
