//! A run's events as they happen, through lost connections and restarts of the server.
//!
//! Invariant: every event comes once and in order. After a break the stream goes on behind the last
//! event that was handed out.

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;

use futures::{Stream, StreamExt};
use kernel::Kind;
use tokio::time::{Instant, timeout_at};

use super::sse::Decoder;
use super::wire::Event;
use super::{Client, Problem, Result};

/// The server says something at least every 15 s.
pub(super) const SILENCE: Duration = Duration::from_secs(45);
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(100);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long a server may be away.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);
/// A server may tell of events a moment before they are in the log that is streamed.
const CATCHING_UP: Duration = Duration::from_secs(5);
const CATCHING_UP_PAUSE: Duration = Duration::from_millis(50);

/// What comes next.
#[derive(Debug)]
pub enum Update {
    /// Something happened; with the JSON as it came.
    Event(Event, String),
    /// The connection is lost and being made anew.
    Lost,
    /// It is there again.
    Restored,
    /// The run is over.
    End,
}

type Body = Pin<Box<dyn Stream<Item = reqwest::Result<Vec<u8>>> + Send>>;

/// The events of one run.
pub struct Events<'a> {
    client: &'a Client,
    run_id: String,
    last: u64,
    connection: Option<(Body, Decoder)>,
    waiting: VecDeque<Update>,
    /// When the server last said anything.
    heard: Instant,
    lost: Option<Lost>,
    /// Since when the server says that it has not come as far.
    ahead: Option<Instant>,
}

/// How long the server cannot be reached, and when it is tried next.
struct Lost {
    since: Instant,
    pause: Duration,
    next: Instant,
}

impl<'a> Events<'a> {
    /// The events of `run_id` after number `after`.
    pub fn after(client: &'a Client, run_id: &str, after: u64) -> Self {
        let run_id = run_id.to_owned();
        Self {
            client,
            run_id,
            last: after,
            connection: None,
            waiting: VecDeque::new(),
            heard: Instant::now(),
            lost: None,
            ahead: None,
        }
    }

    /// What comes next. Dropping the future loses nothing.
    ///
    /// # Errors
    /// What the server refuses, and [`Kind::Unavailable`] when it stays away for too long.
    pub async fn next(&mut self) -> Result<Update> {
        loop {
            if let Some(update) = self.waiting.pop_front() {
                return Ok(update);
            }
            if self.connection.is_none() {
                self.connect().await?;
                continue;
            }
            self.read().await?;
        }
    }

    async fn connect(&mut self) -> Result<()> {
        if let Some(lost) = &self.lost {
            tokio::time::sleep_until(lost.next).await;
            self.client.relocate();
        }
        match self.client.open_stream(&self.run_id, self.last).await {
            Ok(response) => {
                let body = response.bytes_stream().map(|piece| piece.map(|piece| piece.to_vec()));
                self.connection = Some((Box::pin(body), Decoder::default()));
                self.heard = Instant::now();
                self.ahead = None;
                if self.lost.take().is_some() {
                    self.waiting.push_back(Update::Restored);
                }
                Ok(())
            }
            Err(problem) if problem.code == "position_ahead" => {
                if self.ahead.get_or_insert_with(Instant::now).elapsed() > CATCHING_UP {
                    return Err(problem);
                }
                tokio::time::sleep(CATCHING_UP_PAUSE).await;
                Ok(())
            }
            Err(problem) => self.lose(problem),
        }
    }

    async fn read(&mut self) -> Result<()> {
        let Some((body, decoder)) = &mut self.connection else { return Ok(()) };
        let broken = match timeout_at(self.heard + SILENCE, body.next()).await {
            Ok(Some(Ok(bytes))) => {
                self.heard = Instant::now();
                let messages = decoder.take(&bytes);
                return messages.into_iter().try_for_each(|message| self.take(message));
            }
            Ok(Some(Err(error))) => self.client.broken(&error),
            Ok(None) => Problem::unavailable("stream_broken", "The server ended the stream of events"),
            Err(_) => Problem::unavailable("stream_silent", "The server has gone silent"),
        };
        self.connection = None;
        self.lose(broken)
    }

    fn take(&mut self, message: super::sse::Message) -> Result<()> {
        if message.event == "end" {
            self.waiting.push_back(Update::End);
            return Ok(());
        }
        let event: Event = serde_json::from_str(&message.data).map_err(|error| {
            Problem::internal(format!("An event of the server is not understood: {error}"))
        })?;
        if event.seq > self.last {
            self.last = event.seq;
            self.waiting.push_back(Update::Event(event, message.data));
        }
        Ok(())
    }

    /// Notes that the server is away; gives up on refusals, and when it is away for too long.
    fn lose(&mut self, problem: Problem) -> Result<()> {
        // A token of the server that was there before is refused by the one that comes after it,
        // until it has said where it is.
        let passing = matches!(problem.kind, Kind::Unavailable | Kind::Limit)
            || (problem.kind == Kind::Unauthenticated && self.lost.is_some());
        if !passing {
            return Err(problem);
        }
        let now = Instant::now();
        match &mut self.lost {
            Some(lost) if now.duration_since(lost.since) > PATIENCE => return Err(problem),
            Some(lost) => {
                lost.pause = (lost.pause * 2).min(LONGEST_PAUSE);
                lost.next = now + lost.pause;
            }
            None => {
                self.lost = Some(Lost { since: now, pause: FIRST_PAUSE, next: now + FIRST_PAUSE });
                self.waiting.push_back(Update::Lost);
            }
        }
        Ok(())
    }
}
