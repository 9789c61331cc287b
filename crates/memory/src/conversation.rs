//! Conversations: the last messages as they were said, and a rolling summary of those before.
//!
//! The messages are somebody else's; here is decided how many of them are still given in full, and
//! what is told of the others. A summary is made of the one before and of what has fallen out since,
//! in the background. Until it is there, and where no model may be asked, what fell out is told by an
//! extract, which says that it is one.
//!
//! Invariants:
//! - [`Conversations::recall`] asks no model and waits for none.
//! - Every message is in the buffer, in the summary or in the extract; the last one is always in the
//!   buffer.
//! - A summary tells of the very messages that were said. When one of them is another by now, or gone,
//!   it is not used, and made anew.
//! - A conversation that is local is given to nothing but what asks on this machine.
//!
//! Start reading at [`Conversations::recall`], then [`extract`].

mod extract;

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Clock, Privacy, Result, Timestamp};

use crate::chunk::Digest;
use crate::document::head;
use crate::pack::TokenCounter;

/// What a summary says of who wrote it when no model did.
pub const EXTRACT: &str = "extract";

/// How much a model is asked to summarize at once.
const BATCH_BYTES: usize = 32 << 10;

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Speaker {
    /// The person.
    Person,
    /// The agent.
    Agent,
}

impl Speaker {
    /// As it stands before what was said.
    pub fn name(self) -> &'static str {
        match self {
            Self::Person => "Person",
            Self::Agent => "Agent",
        }
    }
}

/// A message, or what belongs together in one, such as a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What names it within its conversation.
    pub id: String,
    /// What was said in it, and by whom; what a summary is made of.
    pub said: Vec<(Speaker, String)>,
    /// All that is given of it while it is in the buffer; what its tokens are counted by.
    pub whole: String,
}

/// A conversation as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// What names it.
    pub id: String,
    /// Its messages, the oldest first.
    pub messages: Vec<Message>,
    /// The strictest label of what was said and of what is in it.
    pub privacy: Privacy,
}

/// How much of a conversation is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// At most so many messages in full, at least 1.
    pub messages: usize,
    /// At most so many tokens of messages in full; the last message is there however long it is.
    pub tokens: usize,
    /// At most so many tokens of summary.
    pub summary_tokens: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { messages: 40, tokens: 24_000, summary_tokens: 1_200 }
    }
}

/// A summary as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The conversation.
    pub conversation: String,
    /// The last message it tells of.
    pub up_to: String,
    /// How many it tells of, from the first.
    pub messages: usize,
    /// Of all that those messages said.
    pub digest: Digest,
    /// What wrote it: a provider and its model, or [`EXTRACT`].
    pub author: String,
    /// The strictest label of what it was made of.
    pub privacy: Privacy,
    /// When it was written.
    pub updated_at: Timestamp,
    /// What it says.
    pub text: String,
}

/// Keeps the newest summary of each conversation. Implementations pass
/// [`crate::testing::summary_contract`].
#[async_trait]
pub trait SummaryStore: Send + Sync {
    /// The summary of a conversation.
    async fn find_summary(&self, conversation: &str) -> Result<Option<Summary>>;

    /// Stores a summary, in place of the one before.
    async fn put_summary(&self, summary: &Summary) -> Result<()>;

    /// Removes the summary of a conversation, if there is one.
    async fn delete_summary(&self, conversation: &str) -> Result<()>;
}

/// What a summary is to be made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToSummarize {
    /// What was told so far; empty at first.
    pub earlier: String,
    /// What was said since, the oldest first.
    pub said: Vec<(Speaker, String)>,
    /// At most so many tokens.
    pub tokens: usize,
    /// How far it may travel: what is local is given to no model elsewhere.
    pub privacy: Privacy,
}

/// Writes summaries.
#[async_trait]
pub trait Summarizer: Send + Sync {
    /// What was told so far and what was said since, in one text, and what wrote it. None where there
    /// is no model that may be asked.
    async fn summarize(&self, wanted: &ToSummarize) -> Result<Option<(String, String)>>;
}

/// What is told of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recalled {
    /// What is told of what is not given in full; none where everything is.
    pub summary: Option<Told>,
    /// The first message that is given in full, by its place from 0.
    pub first: usize,
    /// How many tokens the messages have that are given in full.
    pub tokens: usize,
}

/// What is told of messages that are not given in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What was made of them.
    pub text: String,
    /// The last message it tells of.
    pub up_to: String,
    /// What wrote the stored part of it; [`EXTRACT`] where no model has.
    pub author: String,
    /// How many tokens it has.
    pub tokens: usize,
}

/// Tells of conversations. Cheap to clone.
#[derive(Clone)]
pub struct Conversations {
    store: Arc<dyn SummaryStore>,
    summarizer: Option<Arc<dyn Summarizer>>,
    counter: Arc<dyn TokenCounter>,
    clock: Arc<dyn Clock>,
    bounds: Bounds,
    /// One summary is written at a time.
    writing: Arc<tokio::sync::Mutex<()>>,
}

impl Conversations {
    /// Conversations whose summaries are kept in `store` and written by `summarizer`, or extracted
    /// where there is none.
    pub fn new(
        store: Arc<dyn SummaryStore>,
        summarizer: Option<Arc<dyn Summarizer>>,
        counter: Arc<dyn TokenCounter>,
        clock: Arc<dyn Clock>,
        bounds: Bounds,
    ) -> Self {
        Self { store, summarizer, counter, clock, bounds, writing: Arc::default() }
    }

    /// What is told of a conversation now.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn recall(&self, conversation: &Conversation) -> Result<Recalled> {
        let (first, tokens) = self.buffer(&conversation.messages);
        let Some(last) = first.checked_sub(1).and_then(|at| conversation.messages.get(at)) else {
            return Ok(Recalled { summary: None, first, tokens });
        };
        let (text, up_to, author) = match self.standing(conversation).await? {
            Some(summary) if summary.messages >= first => (summary.text, summary.up_to, summary.author),
            summary => {
                let from = summary.as_ref().map_or(0, |summary| summary.messages);
                let said = said(&conversation.messages[from..first]);
                let (text, author) = self.with_extract(summary, &said);
                (text, last.id.clone(), author)
            }
        };
        let told = Told { tokens: self.counter.count(&text), text, up_to, author };
        Ok(Recalled { summary: Some(told), first, tokens })
    }

    /// What a summary tells, if there is one, and an extract of what was said since.
    fn with_extract(&self, summary: Option<Summary>, said: &[(Speaker, String)]) -> (String, String) {
        let extract = |earlier: &str, tokens| extract::extract(earlier, said, tokens, &*self.counter);
        match summary {
            Some(summary) if summary.author != EXTRACT => {
                let room = self.bounds.summary_tokens.saturating_sub(self.counter.count(&summary.text));
                let text = format!("{}\n{}", summary.text, extract("", room));
                (text.trim_end().to_owned(), summary.author)
            }
            summary => {
                let earlier = summary.map(|summary| summary.text).unwrap_or_default();
                (extract(&earlier, self.bounds.summary_tokens), EXTRACT.to_owned())
            }
        }
    }

    /// Makes the summary tell of everything that is not given in full any more. Does nothing where it
    /// does already; to be called in the background, after each message.
    ///
    /// # Errors
    /// Those of the store. A model that fails is none: then what fell out is extracted.
    pub async fn catch_up(&self, conversation: &Conversation) -> Result<()> {
        let _one = self.writing.lock().await;
        let (first, _) = self.buffer(&conversation.messages);
        let Some(last) = first.checked_sub(1).and_then(|at| conversation.messages.get(at)) else {
            return self.store.delete_summary(&conversation.id).await;
        };
        // One that was extracted is written by a model as soon as there is one, from all that was said.
        let standing = self.standing(conversation).await?;
        let standing = standing.filter(|it| it.author != EXTRACT || self.summarizer.is_none());
        if standing.as_ref().is_some_and(|summary| summary.messages >= first) {
            return Ok(());
        }
        let from = standing.as_ref().map_or(0, |summary| summary.messages);
        let wanted = ToSummarize {
            earlier: standing.map(|summary| summary.text).unwrap_or_default(),
            said: said(&conversation.messages[from..first]),
            // The rest is for what falls out before it is made anew.
            tokens: self.bounds.summary_tokens * 2 / 3,
            privacy: conversation.privacy,
        };
        let (text, author) = self.written(&wanted).await;
        let summary = Summary {
            conversation: conversation.id.clone(),
            up_to: last.id.clone(),
            messages: first,
            digest: digest(&conversation.messages[..first]),
            author,
            privacy: conversation.privacy,
            updated_at: self.clock.now(),
            text,
        };
        self.store.put_summary(&summary).await
    }

    /// A summary by a model, or an extract; within its bounds either way.
    async fn written(&self, wanted: &ToSummarize) -> (String, String) {
        let asked = self.asked(wanted).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "a conversation is not summarized by a model for now");
            None
        });
        asked.unwrap_or_else(|| {
            let text = extract::extract(&wanted.earlier, &wanted.said, wanted.tokens, &*self.counter);
            (text, EXTRACT.to_owned())
        })
    }

    /// A summary by a model, which is asked about so much at once as any can read.
    async fn asked(&self, wanted: &ToSummarize) -> Result<Option<(String, String)>> {
        let Some(summarizer) = &self.summarizer else { return Ok(None) };
        let mut written = None;
        let mut earlier = wanted.earlier.clone();
        for said in batches(&wanted.said) {
            let part = ToSummarize { earlier, said, ..wanted.clone() };
            let Some((text, author)) = summarizer.summarize(&part).await? else { return Ok(None) };
            if text.trim().is_empty() {
                return Ok(None);
            }
            earlier = extract::within(text.trim(), wanted.tokens, &*self.counter);
            written = Some((earlier.clone(), author));
        }
        Ok(written)
    }

    /// The stored summary, if what it tells of was said just so.
    async fn standing(&self, conversation: &Conversation) -> Result<Option<Summary>> {
        let stored = self.store.find_summary(&conversation.id).await?;
        Ok(stored.filter(|summary| {
            let told = conversation.messages.get(..summary.messages);
            told.is_some_and(|told| digest(told) == summary.digest)
                // What was made of local words is not given where they may not be.
                && summary.privacy <= conversation.privacy
        }))
    }

    /// The first message that is given in full, and the tokens of all that are.
    fn buffer(&self, messages: &[Message]) -> (usize, usize) {
        let (mut first, mut tokens) = (messages.len(), 0);
        for (at, message) in messages.iter().enumerate().rev() {
            let is_last = at + 1 == messages.len();
            let most = self.bounds.tokens.saturating_sub(tokens);
            // Few tokens stand for more than 32 bytes: what is far too long need not be counted.
            if !is_last && (messages.len() - at > self.bounds.messages || message.whole.len() / 32 > most) {
                break;
            }
            let count = self.counter.count(&message.whole);
            if !is_last && count > most {
                break;
            }
            (first, tokens) = (at, tokens + count);
        }
        (first, tokens)
    }
}

fn said(messages: &[Message]) -> Vec<(Speaker, String)> {
    messages.iter().flat_map(|message| message.said.iter().cloned()).collect()
}

/// What was said, in parts that have about [`BATCH_BYTES`]; what alone has more is cut.
fn batches(said: &[(Speaker, String)]) -> Vec<Vec<(Speaker, String)>> {
    let mut batches: Vec<Vec<(Speaker, String)>> = Vec::new();
    let mut bytes = BATCH_BYTES;
    for (speaker, text) in said {
        let text = head(text, BATCH_BYTES).to_owned();
        bytes += text.len();
        match batches.last_mut().filter(|_| bytes <= BATCH_BYTES) {
            Some(batch) => batch.push((*speaker, text)),
            None => {
                bytes = text.len();
                batches.push(vec![(*speaker, text)]);
            }
        }
    }
    batches
}

fn digest(messages: &[Message]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    for Message { id, said, .. } in messages {
        hasher.update(format!("{id:?} {said:?}\n").as_bytes());
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests;
