//! A store in memory.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use kernel::{DocumentId, Page, PageRequest, Privacy, Result, Timestamp};
use parking_lot::Mutex;
use tempfile::TempDir;

use crate::chunk::{Chunk, ChunkChange, Digest, IndexedChunk, NewChunk};
use crate::collection::{CollectionChange, CollectionSettings};
use crate::conversation::Summary;
use crate::dispatch::Dispatch;
use crate::document::Document;
use crate::embedding::{
    EmbedderIdentity, EmbeddingStore, EmbeddingWork, IndexProgress, IndexState, TextToEmbed, TextVector,
    VectorChange,
};
use crate::facts::FactVersion;
use crate::filter::Filter;
use crate::log::LogEntry;
use crate::store::{CollectionSummary, Listed, MemoryStore, Stored, Supersession, WholeDocument};

/// Keeps everything of memory as long as the process lives.
#[derive(Default)]
pub struct FakeMemoryStore(pub(super) Mutex<Tables>);

#[derive(Default)]
pub(super) struct Tables {
    /// By their numbers.
    documents: BTreeMap<u64, Document>,
    chunks: BTreeMap<u32, (u64, Chunk)>,
    /// Positions and chunks.
    changes: BTreeMap<u64, u32>,
    dispatches: Vec<Dispatch>,
    generations: Vec<Generation>,
    pub settings: BTreeMap<String, CollectionSettings>,
    /// The numbers of documents whose chunks are to be made anew.
    to_divide: BTreeSet<u64>,
    /// With the digests of those that have one and the runs in which they were seen.
    pub log: Vec<(LogEntry, Option<Digest>, Vec<String>)>,
    /// By agent and key, the newest last, with the order in which they were written.
    pub facts: BTreeMap<(String, String), Vec<(u64, FactVersion)>>,
    pub last_fact: u64,
    pub summaries: BTreeMap<String, Summary>,
    last_document: u64,
    last_chunk: u32,
    last_position: u64,
    /// Where an index that follows it has its files, which go with it.
    pub folder: Option<TempDir>,
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

    pub fn put(&mut self, document: &Document, chunks: &[NewChunk]) -> Stored {
        let same = |stored: &Document| stored.collection == document.collection && stored.key == document.key;
        let there = self.documents.iter().find(|(_, stored)| same(stored)).map(|(number, _)| *number);
        let number = there.unwrap_or_else(|| {
            self.last_document += 1;
            self.last_document
        });
        let document = match self.documents.get(&number) {
            Some(Document { id, created_at, superseded_by, .. }) => Document {
                id: id.clone(),
                created_at: *created_at,
                superseded_by: superseded_by.clone(),
                ..document.clone()
            },
            None => Document { superseded_by: None, ..document.clone() },
        };
        let document =
            Document { privacy: document.privacy.max(self.floor(&document.collection)), ..document };
        let id = document.id.clone();
        self.to_divide.remove(&number);
        let before: Vec<Chunk> = self.of_document(number);
        self.documents.insert(number, document.clone());
        let changed_chunks = self.put_chunks(number, &document, before, chunks);
        Stored { id, is_new: there.is_none(), changed_chunks }
    }

    /// The label that everything in a collection has at least.
    pub fn floor(&self, collection: &str) -> Privacy {
        self.settings.get(collection).map(CollectionSettings::floor).unwrap_or_default()
    }

    fn is_embedded(&self, indexed: &IndexedChunk) -> bool {
        self.settings.get(&indexed.document.collection).is_none_or(CollectionSettings::is_embedded)
    }

    /// The numbers and ids of the documents of a collection.
    fn of_collection(&self, collection: &str) -> Vec<(u64, DocumentId)> {
        let of = self.documents.iter().filter(|(_, document)| document.collection == collection);
        of.map(|(number, document)| (*number, document.id.clone())).collect()
    }

    fn change_collection(&mut self, collection: &str, change: &CollectionChange) -> CollectionSettings {
        let before = self.settings.remove(collection).unwrap_or_default();
        let settings = before.with(change);
        if settings != CollectionSettings::default() {
            self.settings.insert(collection.to_owned(), settings);
        }
        for (number, id) in self.of_collection(collection) {
            let Some(document) = self.documents.get_mut(&number) else { continue };
            let is_raised = document.privacy < settings.floor();
            document.privacy = document.privacy.max(settings.floor());
            if is_raised || settings.is_embedded() != before.is_embedded() {
                self.touch(&id);
            }
            if settings.max_characters() != before.max_characters() {
                self.to_divide.insert(number);
            }
        }
        self.raise_tiers(collection);
        settings
    }

    /// The document for which `is_it` is true.
    pub fn find(&mut self, is_it: impl Fn(&Document) -> bool) -> Option<&mut Document> {
        self.documents.values_mut().find(|document| is_it(document))
    }

    /// Lets indices know that something of a document has changed.
    pub fn touch(&mut self, id: &DocumentId) {
        let number =
            self.documents.iter().find(|(_, document)| document.id == *id).map(|(number, _)| *number);
        for chunk in number.map(|number| self.of_document(number)).unwrap_or_default() {
            self.changed(chunk.number);
        }
    }

    pub fn supersede(&mut self, id: &DocumentId, by: Option<&DocumentId>) -> Supersession {
        let mut next = by.cloned();
        while let Some(id_of_next) = next {
            if id_of_next == *id {
                return Supersession::Circular;
            }
            match self.find(|document| document.id == id_of_next) {
                Some(document) => next = document.superseded_by.clone(),
                None => return Supersession::Missing,
            }
        }
        let Some(document) = self.find(|document| document.id == *id) else { return Supersession::Missing };
        document.superseded_by = by.cloned();
        self.touch(id);
        Supersession::Done
    }

    /// Removes the document for which `is_it` is true. Tells whether there was one.
    pub fn delete(&mut self, is_it: impl Fn(&Document) -> bool) -> bool {
        let found = self.documents.iter().find(|(_, document)| is_it(document));
        let Some((number, id)) = found.map(|(number, document)| (*number, document.id.clone())) else {
            return false;
        };
        for chunk in self.of_document(number) {
            self.chunks.remove(&chunk.number);
            self.changed(chunk.number);
        }
        self.documents.remove(&number);
        while let Some(earlier) = self.find(|document| document.superseded_by.as_ref() == Some(&id)) {
            earlier.superseded_by = None;
            let earlier = earlier.id.clone();
            self.touch(&earlier);
        }
        true
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

    async fn change_document(&self, document: &Document, chunks: &[NewChunk]) -> Result<()> {
        let mut tables = self.0.lock();
        let to_divide = tables.to_divide.clone();
        tables.put(document, chunks);
        tables.to_divide = to_divide;
        Ok(())
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

    async fn supersede(&self, id: &DocumentId, by: Option<&DocumentId>) -> Result<Supersession> {
        Ok(self.0.lock().supersede(id, by))
    }

    async fn delete_document(&self, id: &DocumentId) -> Result<bool> {
        Ok(self.0.lock().delete(|document| document.id == *id))
    }

    async fn list_documents(&self, filter: &Filter, page: &PageRequest) -> Result<Page<Listed>> {
        let mut listed = self.0.lock().listed();
        listed.retain(|Listed { document, .. }| {
            filter.passes(document, document.author.as_deref(), document.time())
        });
        Ok(newest_first(listed, page, |listed| listed.document.id.as_str()))
    }

    async fn list_whole(
        &self,
        filter: &Filter,
        after: Option<(&str, &str)>,
        limit: usize,
    ) -> Result<Vec<WholeDocument>> {
        let tables = self.0.lock();
        let passes = |document: &Document| {
            let place = (document.collection.as_str(), document.key.as_str());
            after.is_none_or(|after| place > after)
                && filter.passes(document, document.author.as_deref(), document.time())
        };
        let mut found: Vec<(&u64, &Document)> =
            tables.documents.iter().filter(|(_, document)| passes(document)).collect();
        found.sort_by_key(|(_, document)| (&document.collection, &document.key));
        let whole = |(number, document): (&u64, &Document)| WholeDocument {
            document: document.clone(),
            chunks: tables.of_document(*number).into_iter().map(|chunk| chunk.content).collect(),
        };
        Ok(found.into_iter().take(limit).map(whole).collect())
    }

    async fn list_collections(&self) -> Result<Vec<CollectionSummary>> {
        let mut collections: BTreeMap<String, CollectionSummary> = BTreeMap::new();
        let tables = self.0.lock();
        for Listed { document, characters, chunks } in tables.listed() {
            let name = document.collection.clone();
            let sum = collections.entry(name.clone()).or_insert(CollectionSummary {
                name,
                documents: 0,
                local_documents: 0,
                chunks: 0,
                characters: 0,
                to_divide: 0,
                newest: document.updated_at,
            });
            sum.documents += 1;
            sum.local_documents += u64::from(document.privacy == Privacy::Local);
            sum.chunks += chunks;
            sum.characters += characters;
            sum.newest = sum.newest.max(document.updated_at);
        }
        for document in tables.to_divide.iter().filter_map(|number| tables.documents.get(number)) {
            collections.entry(document.collection.clone()).and_modify(|sum| sum.to_divide += 1);
        }
        Ok(collections.into_values().collect())
    }

    async fn find_collection_settings(&self, collection: &str) -> Result<CollectionSettings> {
        Ok(self.0.lock().settings.get(collection).copied().unwrap_or_default())
    }

    async fn list_collection_settings(&self) -> Result<BTreeMap<String, CollectionSettings>> {
        Ok(self.0.lock().settings.clone())
    }

    async fn change_collection(
        &self,
        collection: &str,
        change: &CollectionChange,
        _now: Timestamp,
    ) -> Result<CollectionSettings> {
        Ok(self.0.lock().change_collection(collection, change))
    }

    async fn divide_anew(&self, collection: &str) -> Result<()> {
        let mut tables = self.0.lock();
        let numbers = tables.of_collection(collection).into_iter().map(|(number, _)| number);
        tables.to_divide.extend(numbers);
        Ok(())
    }

    async fn documents_to_chunk(&self, limit: usize) -> Result<Vec<Document>> {
        let tables = self.0.lock();
        let documents = tables.to_divide.iter().filter_map(|number| tables.documents.get(number));
        Ok(documents.take(limit).cloned().collect())
    }

    async fn find_chunks(&self, numbers: &[u32]) -> Result<Vec<IndexedChunk>> {
        let tables = self.0.lock();
        Ok(numbers.iter().filter_map(|number| tables.indexed(*number)).collect())
    }

    async fn find_neighbours(&self, numbers: &[u32], reach: u32) -> Result<Vec<(u32, IndexedChunk)>> {
        let tables = self.0.lock();
        let mut found = Vec::new();
        for number in numbers {
            let Some((document, middle)) = tables.chunks.get(number) else { continue };
            let beside = tables
                .of_document(*document)
                .into_iter()
                .filter(|chunk| chunk.number != *number && chunk.ordinal.abs_diff(middle.ordinal) <= reach);
            found.extend(beside.filter_map(|chunk| Some((*number, tables.indexed(chunk.number)?))));
        }
        Ok(found)
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
            if !tables.is_embedded(&indexed) || privacy > strictest || known.contains_key(&digest) {
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
            let is_permitted =
                |indexed: &IndexedChunk| indexed.document.privacy <= strictest && tables.is_embedded(indexed);
            let permitted = tables.indexed(*number).filter(is_permitted);
            let privacy = permitted.as_ref().map_or(Privacy::Local, |indexed| indexed.document.privacy);
            let digest = permitted.map(|indexed| indexed.chunk.content.digest(&indexed.document));
            let vector = digest.and_then(|digest| vectors.get(&digest).cloned().flatten());
            changes.push(VectorChange { number: *number, vector, privacy });
            reached = *position;
        }
        Ok((changes, reached))
    }

    async fn count_vectors(
        &self,
        embedder: &EmbedderIdentity,
        strictest: Privacy,
    ) -> Result<BTreeMap<String, u64>> {
        let mut tables = self.0.lock();
        let vectors = tables.generation(embedder).map(|it| it.vectors.clone()).unwrap_or_default();
        let mut counts = BTreeMap::new();
        for indexed in tables.chunks.keys().filter_map(|number| tables.indexed(*number)) {
            let digest = indexed.chunk.content.digest(&indexed.document);
            let has_vector = vectors.get(&digest).is_some_and(Option::is_some);
            if has_vector && indexed.document.privacy <= strictest && tables.is_embedded(&indexed) {
                *counts.entry(indexed.document.collection).or_default() += 1;
            }
        }
        Ok(counts)
    }

    async fn list_generations(&self, strictest: Privacy) -> Result<Vec<IndexProgress>> {
        let tables = self.0.lock();
        let permitted: Vec<Digest> = tables
            .chunks
            .keys()
            .filter_map(|number| tables.indexed(*number))
            .filter(|indexed| indexed.document.privacy <= strictest && tables.is_embedded(indexed))
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
