//! A store in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use kernel::{DocumentId, Page, PageRequest, Privacy, Result};
use parking_lot::Mutex;

use crate::chunk::{Chunk, ChunkChange, Digest, IndexedChunk, NewChunk};
use crate::dispatch::Dispatch;
use crate::document::Document;
use crate::embedding::{
    EmbedderIdentity, EmbeddingStore, EmbeddingWork, IndexProgress, IndexState, TextToEmbed, TextVector,
    VectorChange,
};
use crate::filter::Filter;
use crate::store::{CollectionSummary, Listed, MemoryStore, Stored};

/// Keeps documents, chunks, vectors and dispatches as long as the process lives.
#[derive(Default)]
pub struct FakeMemoryStore(Mutex<Tables>);

#[derive(Default)]
struct Tables {
    /// By their numbers.
    documents: BTreeMap<u64, Document>,
    chunks: BTreeMap<u32, (u64, Chunk)>,
    /// Positions and chunks.
    changes: BTreeMap<u64, u32>,
    dispatches: Vec<Dispatch>,
    generations: Vec<Generation>,
    last_document: u64,
    last_chunk: u32,
    last_position: u64,
}

struct Generation {
    embedder: EmbedderIdentity,
    state: IndexState,
    position: u64,
    vectors: BTreeMap<Digest, Option<Vec<f32>>>,
}

impl Tables {
    fn changed(&mut self, chunk: u32) {
        self.changes.retain(|_, other| *other != chunk);
        self.last_position += 1;
        self.changes.insert(self.last_position, chunk);
    }

    fn put(&mut self, document: &Document, chunks: &[NewChunk]) -> Stored {
        let same = |stored: &Document| stored.collection == document.collection && stored.key == document.key;
        let there = self.documents.iter().find(|(_, stored)| same(stored)).map(|(number, _)| *number);
        let number = there.unwrap_or_else(|| {
            self.last_document += 1;
            self.last_document
        });
        let document = match self.documents.get(&number) {
            Some(Document { id, created_at, .. }) => {
                Document { id: id.clone(), created_at: *created_at, ..document.clone() }
            }
            None => document.clone(),
        };
        let id = document.id.clone();
        let before: Vec<Chunk> = self.of_document(number);
        self.documents.insert(number, document.clone());
        let changed_chunks = self.put_chunks(number, &document, before, chunks);
        Stored { id, is_new: there.is_none(), changed_chunks }
    }

    fn put_chunks(
        &mut self,
        number: u64,
        document: &Document,
        mut before: Vec<Chunk>,
        chunks: &[NewChunk],
    ) -> usize {
        let mut changed = 0;
        for (ordinal, content) in (0..).zip(chunks) {
            let embedded = content.embedded(document);
            let kept = before.iter().position(|old| old.content.embedded(document) == embedded);
            let chunk_number = match kept {
                Some(at) => before.remove(at).number,
                None => {
                    changed += 1;
                    self.last_chunk += 1;
                    self.last_chunk
                }
            };
            let (document, content) = (document.id.clone(), content.clone());
            let chunk = Chunk { number: chunk_number, document, ordinal, content };
            self.chunks.insert(chunk_number, (number, chunk));
            self.changed(chunk_number);
        }
        for gone in before {
            self.chunks.remove(&gone.number);
            self.changed(gone.number);
        }
        changed
    }

    fn of_document(&self, number: u64) -> Vec<Chunk> {
        let mut chunks: Vec<Chunk> =
            self.chunks.values().filter(|(of, _)| *of == number).map(|(_, chunk)| chunk.clone()).collect();
        chunks.sort_by_key(|chunk| chunk.ordinal);
        chunks
    }

    fn listed(&self) -> Vec<Listed> {
        let of = |(number, document): (&u64, &Document)| Listed {
            characters: document.text.chars().count() as u64,
            chunks: self.of_document(*number).len() as u64,
            document: Document { text: String::new(), ..document.clone() },
        };
        self.documents.iter().map(of).collect()
    }

    fn indexed(&self, chunk: u32) -> Option<IndexedChunk> {
        let (document_number, chunk) = self.chunks.get(&chunk)?.clone();
        let document = Document { text: String::new(), ..self.documents.get(&document_number)?.clone() };
        let document_number = u32::try_from(document_number).ok()?;
        Some(IndexedChunk { document_number, document, chunk })
    }

    fn generation(&mut self, embedder: &EmbedderIdentity) -> Option<&mut Generation> {
        self.generations.iter_mut().find(|it| it.embedder == *embedder && it.state != IndexState::Retired)
    }
}

#[async_trait]
impl MemoryStore for FakeMemoryStore {
    async fn put_document(&self, document: &Document, chunks: &[NewChunk]) -> Result<Stored> {
        Ok(self.0.lock().put(document, chunks))
    }

    async fn split_document(&self, document: &Document, chunks: &[NewChunk]) -> Result<()> {
        let mut tables = self.0.lock();
        if tables.documents.values().any(|stored| stored == document) {
            tables.put(document, chunks);
        }
        Ok(())
    }

    async fn find_document(&self, id: &DocumentId) -> Result<Option<Document>> {
        Ok(self.0.lock().documents.values().find(|document| document.id == *id).cloned())
    }

    async fn find_document_by_key(&self, collection: &str, key: &str) -> Result<Option<Document>> {
        let is_it = |document: &&Document| document.collection == collection && document.key == key;
        Ok(self.0.lock().documents.values().find(is_it).cloned())
    }

    async fn delete_document(&self, id: &DocumentId) -> Result<bool> {
        let mut tables = self.0.lock();
        let found = tables.documents.iter().find(|(_, document)| document.id == *id);
        let Some(number) = found.map(|(number, _)| *number) else { return Ok(false) };
        for chunk in tables.of_document(number) {
            tables.chunks.remove(&chunk.number);
            tables.changed(chunk.number);
        }
        tables.documents.remove(&number);
        Ok(true)
    }

    async fn list_documents(&self, filter: &Filter, page: &PageRequest) -> Result<Page<Listed>> {
        let mut listed = self.0.lock().listed();
        listed.retain(|Listed { document, .. }| {
            filter.passes(document, document.author.as_deref(), document.time())
        });
        Ok(newest_first(listed, page, |listed| listed.document.id.as_str()))
    }

    async fn list_collections(&self) -> Result<Vec<CollectionSummary>> {
        let mut collections: BTreeMap<String, CollectionSummary> = BTreeMap::new();
        for Listed { document, characters, chunks } in self.0.lock().listed() {
            let name = document.collection.clone();
            let sum = collections.entry(name.clone()).or_insert(CollectionSummary {
                name,
                documents: 0,
                local_documents: 0,
                chunks: 0,
                characters: 0,
                newest: document.updated_at,
            });
            sum.documents += 1;
            sum.local_documents += u64::from(document.privacy == Privacy::Local);
            sum.chunks += chunks;
            sum.characters += characters;
            sum.newest = sum.newest.max(document.updated_at);
        }
        Ok(collections.into_values().collect())
    }

    async fn documents_to_chunk(&self, _limit: usize) -> Result<Vec<Document>> {
        Ok(Vec::new())
    }

    async fn find_chunks(&self, numbers: &[u32]) -> Result<Vec<IndexedChunk>> {
        let tables = self.0.lock();
        Ok(numbers.iter().filter_map(|number| tables.indexed(*number)).collect())
    }

    async fn list_chunks(&self, id: &DocumentId) -> Result<Vec<Chunk>> {
        let tables = self.0.lock();
        let number = tables.documents.iter().find(|(_, document)| document.id == *id);
        Ok(number.map(|(number, _)| tables.of_document(*number)).unwrap_or_default())
    }

    async fn list_changes(&self, after: u64, limit: usize) -> Result<Vec<ChunkChange>> {
        let tables = self.0.lock();
        let changes = tables.changes.range(after + 1..).take(limit);
        Ok(changes
            .map(|(position, number)| ChunkChange {
                position: *position,
                number: *number,
                content: tables.indexed(*number),
            })
            .collect())
    }

    async fn last_change(&self) -> Result<u64> {
        Ok(self.0.lock().last_position)
    }

    async fn log_dispatch(
        &self,
        dispatch: &Dispatch,
        document: &Document,
        chunks: &[NewChunk],
    ) -> Result<()> {
        let mut tables = self.0.lock();
        tables.dispatches.push(dispatch.clone());
        tables.put(document, chunks);
        Ok(())
    }

    async fn list_dispatches(&self, page: &PageRequest) -> Result<Page<Dispatch>> {
        Ok(newest_first(self.0.lock().dispatches.clone(), page, |dispatch| dispatch.id.as_str()))
    }
}

#[async_trait]
impl EmbeddingStore for FakeMemoryStore {
    async fn begin_generation(&self, embedder: &EmbedderIdentity) -> Result<()> {
        let mut tables = self.0.lock();
        let given_up = |it: &Generation| it.state == IndexState::Retired || it.state == IndexState::Building;
        let generations = &mut tables.generations;
        generations
            .retain(|it| !given_up(it) || (it.embedder == *embedder && it.state != IndexState::Retired));
        if !generations.iter().any(|it| it.embedder == *embedder) {
            let (embedder, state) = (embedder.clone(), IndexState::Building);
            generations.push(Generation { embedder, state, position: 0, vectors: BTreeMap::new() });
        }
        Ok(())
    }

    async fn next_texts(
        &self,
        embedder: &EmbedderIdentity,
        strictest: Privacy,
        limit: usize,
    ) -> Result<EmbeddingWork> {
        let mut tables = self.0.lock();
        let Some(generation) = tables.generation(embedder) else { return Ok(EmbeddingWork::default()) };
        let (from, known) = (generation.position + 1, generation.vectors.clone());
        let mut work = EmbeddingWork { texts: Vec::new(), position: tables.last_position };
        for (position, chunk) in tables.changes.range(from..) {
            let Some(indexed) = tables.indexed(*chunk) else { continue };
            let text = indexed.chunk.content.embedded(&indexed.document);
            let digest = indexed.chunk.content.digest(&indexed.document);
            let privacy = indexed.document.privacy;
            if privacy > strictest || known.contains_key(&digest) {
                continue;
            }
            if work.texts.len() == limit {
                work.position = position - 1;
                break;
            }
            if !work.texts.iter().any(|other| other.digest == digest) {
                work.texts.push(TextToEmbed { digest, text, privacy });
            }
        }
        Ok(work)
    }

    async fn add_vectors(
        &self,
        embedder: &EmbedderIdentity,
        vectors: &[TextVector],
        position: u64,
    ) -> Result<()> {
        let mut tables = self.0.lock();
        if let Some(generation) = tables.generation(embedder) {
            let added = vectors.iter().map(|vector| (vector.digest, vector.vector.clone()));
            generation.vectors.extend(added);
            generation.position = generation.position.max(position);
        }
        Ok(())
    }

    async fn activate_generation(&self, embedder: &EmbedderIdentity) -> Result<bool> {
        let mut tables = self.0.lock();
        let last = tables.last_position;
        let Some(generation) = tables.generation(embedder) else { return Ok(false) };
        if generation.position < last {
            return Ok(false);
        }
        generation.state = IndexState::Active;
        tables.generations.retain(|it| it.embedder == *embedder);
        Ok(true)
    }

    async fn list_vector_changes(
        &self,
        embedder: &EmbedderIdentity,
        strictest: Privacy,
        after: u64,
        limit: usize,
    ) -> Result<(Vec<VectorChange>, u64)> {
        let mut tables = self.0.lock();
        let Some(generation) = tables.generation(embedder) else { return Ok((Vec::new(), after)) };
        let (last, vectors) = (generation.position, generation.vectors.clone());
        let mut reached = after;
        let mut changes = Vec::new();
        for (position, number) in tables.changes.range(after + 1..last.max(after) + 1).take(limit) {
            let permitted = tables.indexed(*number).filter(|indexed| indexed.document.privacy <= strictest);
            let digest = permitted.map(|indexed| indexed.chunk.content.digest(&indexed.document));
            let vector = digest.and_then(|digest| vectors.get(&digest).cloned().flatten());
            changes.push(VectorChange { number: *number, vector });
            reached = *position;
        }
        Ok((changes, reached))
    }

    async fn list_generations(&self, strictest: Privacy) -> Result<Vec<IndexProgress>> {
        let tables = self.0.lock();
        let permitted: Vec<Digest> = tables
            .chunks
            .keys()
            .filter_map(|number| tables.indexed(*number))
            .filter(|indexed| indexed.document.privacy <= strictest)
            .map(|indexed| indexed.chunk.content.digest(&indexed.document))
            .collect();
        let progress = |it: &Generation| IndexProgress {
            embedder: it.embedder.clone(),
            state: it.state,
            done: permitted.iter().filter(|digest| it.vectors.contains_key(*digest)).count() as u64,
            total: permitted.len() as u64,
        };
        Ok(tables.generations.iter().map(progress).collect())
    }
}

fn newest_first<T>(mut items: Vec<T>, page: &PageRequest, id: impl Fn(&T) -> &str) -> Page<T> {
    items.retain(|item| page.cursor.as_ref().is_none_or(|before| id(item) < before.as_str()));
    items.sort_by(|a, b| id(b).cmp(id(a)));
    Page::from_overfull(items, page.limit, |item| id(item).to_owned())
}
