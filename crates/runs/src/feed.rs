//! Live events: every subscriber sees every event of its run once, in order, from where it asks.
//!
//! Subscribers read from the store whatever they have not seen and learn from the feed only that
//! there is more, with the most recent events as a shortcut. So a slow subscriber costs no memory
//! and a reconnect loses nothing. A whole-workspace listener ([`Feed::listen`]) gets no replay.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};

use kernel::RunId;
use parking_lot::{Mutex, RwLock};
use tokio::sync::{broadcast, oneshot, watch};

use crate::error::Error;
use crate::event::EventRecord;
use crate::store::RunStore;

const RECENT: usize = 2_048;
const BATCH: u32 = 512;

/// Where committed events are published and subscribed to.
pub struct Feed {
    store: Arc<dyn RunStore>,
    channels: Mutex<HashMap<RunId, Weak<Channel>>>,
    ends: Mutex<HashMap<RunId, Vec<oneshot::Sender<()>>>>,
    everything: broadcast::Sender<EventRecord>,
}

struct Channel {
    recent: RwLock<VecDeque<EventRecord>>,
    newest: watch::Sender<u64>,
}

impl Feed {
    /// A feed of what `store` commits.
    pub fn new(store: Arc<dyn RunStore>) -> Arc<Self> {
        let feed = Arc::new(Self {
            store: store.clone(),
            channels: Mutex::default(),
            ends: Mutex::default(),
            everything: broadcast::Sender::new(4_096),
        });
        let publisher = Arc::downgrade(&feed);
        store.observe(Arc::new(move |records| {
            if let Some(feed) = publisher.upgrade() {
                feed.publish(records);
            }
        }));
        feed
    }

    /// Follows one run from after event `after`.
    pub fn subscribe(&self, run_id: &RunId, after: u64) -> Subscription {
        let channel = self.channel(run_id);
        let newest = channel.newest.subscribe();
        let (store, run_id) = (self.store.clone(), run_id.clone());
        Subscription { store, run_id, channel, newest, after, caught_up: false }
    }

    /// Follows every run from now on. A listener that falls 4,096 events behind is told so and
    /// should read anew what it shows.
    pub fn listen(&self) -> broadcast::Receiver<EventRecord> {
        self.everything.subscribe()
    }

    /// Resolves when an event that ends the run is committed after this call.
    pub fn next_end(&self, run_id: &RunId) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let mut ends = self.ends.lock();
        let waiting = ends.entry(run_id.clone()).or_default();
        waiting.retain(|sender| !sender.is_closed());
        waiting.push(sender);
        receiver
    }

    fn channel(&self, run_id: &RunId) -> Arc<Channel> {
        let mut channels = self.channels.lock();
        if let Some(channel) = channels.get(run_id).and_then(Weak::upgrade) {
            return channel;
        }
        channels.retain(|_, channel| channel.strong_count() > 0);
        let channel = Arc::new(Channel { recent: RwLock::default(), newest: watch::Sender::new(0) });
        channels.insert(run_id.clone(), Arc::downgrade(&channel));
        channel
    }

    fn publish(&self, records: &[EventRecord]) {
        if self.everything.receiver_count() > 0 {
            for record in records {
                // An error means that the last listener has just left.
                let _ = self.everything.send(record.clone());
            }
        }
        self.tell_ends(records);
        let followed: Vec<_> = {
            let channels = self.channels.lock();
            if channels.is_empty() {
                return;
            }
            records
                .chunk_by(|a, b| a.run_id() == b.run_id())
                .filter_map(|run| {
                    let channel = channels.get(run[0].run_id())?.upgrade()?;
                    Some((channel, run))
                })
                .collect()
        };
        for (channel, run) in followed {
            let mut recent = channel.recent.write();
            recent.extend(run.iter().cloned());
            let excess = recent.len().saturating_sub(RECENT);
            recent.drain(..excess);
            drop(recent);
            let last = run[run.len() - 1].seq();
            channel.newest.send_if_modified(|newest| {
                let newer = last > *newest;
                *newest = last.max(*newest);
                newer
            });
        }
    }
}

impl Feed {
    fn tell_ends(&self, records: &[EventRecord]) {
        let mut ends = self.ends.lock();
        if ends.is_empty() {
            return;
        }
        for record in records.iter().filter(|record| record.event().is_terminal()) {
            for sender in ends.remove(record.run_id()).into_iter().flatten() {
                // Whoever waited may have left.
                let _ = sender.send(());
            }
        }
    }
}

/// One reader's place in a run's log.
pub struct Subscription {
    store: Arc<dyn RunStore>,
    run_id: RunId,
    channel: Arc<Channel>,
    newest: watch::Receiver<u64>,
    after: u64,
    /// Whether everything stored when this reader last asked the store has been handed out. What is
    /// stored later is published, so then the channel tells whether there is more.
    caught_up: bool,
}

impl Subscription {
    /// The sequence number of the last event this reader was given.
    pub fn position(&self) -> u64 {
        self.after
    }

    /// The next events, at least one; waits until there is one. Safe to cancel.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn next(&mut self) -> Result<Vec<EventRecord>, Error> {
        loop {
            let batch = self.available().await?;
            if !batch.is_empty() {
                return Ok(batch);
            }
            if self.newest.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// The events there are after this reader's place now, maybe none; never waits for new ones.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn available(&mut self) -> Result<Vec<EventRecord>, Error> {
        let newest = *self.newest.borrow_and_update();
        if self.caught_up && newest <= self.after {
            return Ok(Vec::new());
        }
        let mut batch = self.read_recent();
        if batch.is_empty() {
            batch = self.store.load_events(&self.run_id, self.after, BATCH).await?;
            self.caught_up = batch.len() < BATCH as usize;
        }
        if let Some(last) = batch.last() {
            self.after = last.seq();
        }
        Ok(batch)
    }

    fn read_recent(&self) -> Vec<EventRecord> {
        let recent = self.channel.recent.read();
        let next = self.after + 1;
        let Some(first) = recent.front().map(EventRecord::seq) else { return Vec::new() };
        // Numbers have no gaps inside the window, so the place of the next one is known.
        let (Some(skip), Some(last)) = (next.checked_sub(first), recent.back().map(EventRecord::seq)) else {
            return Vec::new();
        };
        if next > last {
            return Vec::new();
        }
        recent
            .iter()
            .skip(usize::try_from(skip).unwrap_or(usize::MAX))
            .take(BATCH as usize)
            .cloned()
            .collect()
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::machine;
    use crate::state::RunState;
    use crate::store::{Commit, Durability, RunWrite};
    use crate::testing::FakeRunStore;
    use kernel::Timestamp;
    use serde_json::json;

    const NOW: Timestamp = Timestamp(1);

    async fn store_lines(store: &FakeRunStore, run_id: &RunId, numbers: std::ops::Range<u64>) {
        let say = |seq| Event::Said { kind: "output".into(), payload: json!(seq) };
        let write = if numbers.start == 1 {
            let mut state = RunState::new(run_id.clone());
            machine::create(&mut state, numbers.map(say).collect(), NOW, None, None)
        } else {
            let events = numbers.map(|seq| EventRecord::new(run_id.clone(), seq, NOW, say(seq))).collect();
            RunWrite { run_id: run_id.clone(), epoch: None, events, row: None }
        };
        store.commit(Commit { writes: vec![write], durability: Durability::Process }).await.expect("it fits");
    }

    async fn drain(subscription: &mut Subscription) -> Vec<u64> {
        let mut seen = Vec::new();
        loop {
            let batch = subscription.available().await.expect("it can be read");
            if batch.is_empty() {
                return seen;
            }
            seen.extend(batch.iter().map(EventRecord::seq));
        }
    }

    #[tokio::test]
    async fn a_subscriber_further_behind_than_the_window_reads_from_the_store() {
        let store = FakeRunStore::new();
        let feed = Feed::new(Arc::new(store.clone()));
        let run_id: RunId = "run_01hv5k3m9x7q2w8e4r6t".parse().unwrap();
        let mut early = feed.subscribe(&run_id, 0);
        let last = RECENT as u64 * 2 + 100;
        store_lines(&store, &run_id, 1..10).await;
        store_lines(&store, &run_id, 10..last + 1).await;
        let expected: Vec<u64> = (1..=last).collect();
        assert_eq!(drain(&mut early).await, expected);
        for after in [0, 5, last - RECENT as u64 - 1, last - RECENT as u64, last - 1, last, last + 7] {
            let mut late = feed.subscribe(&run_id, after);
            let rest = expected.get(usize::try_from(after).unwrap()..).unwrap_or_default();
            assert_eq!(drain(&mut late).await, rest, "after {after}");
        }
    }

    #[tokio::test]
    async fn a_subscriber_that_came_back_after_everyone_had_left_misses_nothing() {
        let store = FakeRunStore::new();
        let feed = Feed::new(Arc::new(store.clone()));
        let run_id: RunId = "run_01hv5k3m9x7q2w8e4r6t".parse().unwrap();
        let mut seen = Vec::new();
        for round in 0..10_u64 {
            let mut subscription = feed.subscribe(&run_id, seen.len() as u64);
            store_lines(&store, &run_id, round * 6 + 1..round * 6 + 4).await;
            seen.extend(drain(&mut subscription).await);
            drop(subscription);
            store_lines(&store, &run_id, round * 6 + 4..round * 6 + 7).await;
        }
        assert_eq!(seen, (1..=57).collect::<Vec<_>>());
        assert_eq!(feed.channels.lock().len(), 1, "channels nobody follows are given up");
    }
}
