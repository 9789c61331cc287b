//! A turn's events as they happen, through lost connections and restarts of the server.
//!
//! Invariant: every event comes once and in order. Several may share a number, so what is asked for
//! after a break is what follows the number before the last, and what was handed out of the last is
//! passed over.

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;

use futures::{Stream, StreamExt};
use kernel::Kind;
use reqwest::Response;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::sse::{Decoder, Message};
use super::stream::{FIRST_PAUSE, LONGEST_PAUSE, PATIENCE, SILENCE};
use super::{Client, Problem, Result};

/// Something that happened in a turn.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnEvent {
    /// Its number; those of one moment share it.
    pub id: u64,
    /// `status`, `token`, `tool_call`, `tool_result`, `gate`, `gate_decided`, `check`, `error` or `done`.
    pub kind: String,
    /// What it says.
    pub data: Value,
}

/// What comes next.
#[derive(Debug)]
pub enum TurnUpdate {
    /// Something happened.
    Event(TurnEvent),
    /// The connection is lost and being made anew.
    Lost,
    /// It is there again.
    Restored,
}

type Body = Pin<Box<dyn Stream<Item = reqwest::Result<Vec<u8>>> + Send>>;

/// The events of one turn. After `done` there are none.
pub struct TurnEvents<'a> {
    client: &'a Client,
    session: String,
    /// Known from the first event on.
    turn: Option<String>,
    connection: Option<(Body, Decoder)>,
    waiting: VecDeque<TurnUpdate>,
    /// The number of the last event, and how many of that number were handed out.
    last: (u64, usize),
    /// How many events of the last number come again and are passed over.
    again: usize,
    heard: Instant,
    lost: Option<(Instant, Duration)>,
}

impl<'a> TurnEvents<'a> {
    /// The events of a turn that was begun with this answer.
    pub(super) fn begun(client: &'a Client, session: &str, response: Response) -> Self {
        Self { connection: Some(read(response)), ..Self::of(client, session, None) }
    }

    /// The events of a turn from its first on; of the newest one where none is named.
    pub fn of(client: &'a Client, session: &str, turn: Option<String>) -> Self {
        Self {
            client,
            session: session.to_owned(),
            turn,
            connection: None,
            waiting: VecDeque::new(),
            last: (0, 0),
            again: 0,
            heard: Instant::now(),
            lost: None,
        }
    }

    /// The turn's id, once an event has told it.
    pub fn turn(&self) -> Option<&str> {
        self.turn.as_deref()
    }

    /// What comes next. Dropping the future loses nothing.
    ///
    /// # Errors
    /// What the server refuses, and [`Kind::Unavailable`] when it stays away for too long.
    pub async fn next(&mut self) -> Result<TurnUpdate> {
        loop {
            if let Some(update) = self.waiting.pop_front() {
                return Ok(update);
            }
            match self.connection {
                None => self.connect().await?,
                Some(_) => self.read().await?,
            }
        }
    }

    async fn connect(&mut self) -> Result<()> {
        if let Some((_, pause)) = self.lost {
            tokio::time::sleep(pause).await;
            self.client.relocate();
        }
        let after = self.last.0.saturating_sub(1);
        match self.client.open_turn(&self.session, self.turn.as_deref(), after).await {
            Ok(response) => {
                self.connection = Some(read(response));
                self.again = self.last.1;
                self.heard = Instant::now();
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
                if self.lost.take().is_some() {
                    self.waiting.push_back(TurnUpdate::Restored);
                }
                return messages.into_iter().try_for_each(|message| self.take(&message));
            }
            Ok(Some(Err(error))) => self.client.broken(&error),
            Ok(None) => Problem::unavailable("stream_broken", "The server ended the stream of events"),
            Err(_) => Problem::unavailable("stream_silent", "The server has gone silent"),
        };
        self.connection = None;
        self.lose(broken)
    }

    fn take(&mut self, message: &Message) -> Result<()> {
        let not_understood =
            |why: String| Problem::internal(format!("An event of the server is not understood: {why}"));
        let id: u64 =
            message.id.parse().map_err(|_| not_understood(format!("its number is `{}`", message.id)))?;
        if id < self.last.0 {
            return Ok(());
        }
        if id == self.last.0 && self.again > 0 {
            self.again -= 1;
            return Ok(());
        }
        self.again = 0;
        self.last = (id, if id == self.last.0 { self.last.1 + 1 } else { 1 });
        let data: Value =
            serde_json::from_str(&message.data).map_err(|error| not_understood(error.to_string()))?;
        if let Some(turn) = data["turnId"].as_str() {
            self.turn.get_or_insert_with(|| turn.to_owned());
        }
        self.waiting.push_back(TurnUpdate::Event(TurnEvent { id, kind: message.event.clone(), data }));
        Ok(())
    }

    /// Notes that the server is away; gives up on refusals, and when it is away for too long.
    fn lose(&mut self, problem: Problem) -> Result<()> {
        // A token of the server that was there before is refused by the one that comes after it.
        let passing = matches!(problem.kind, Kind::Unavailable | Kind::Limit)
            || (problem.kind == Kind::Unauthenticated && self.lost.is_some());
        if !passing {
            return Err(problem);
        }
        match &mut self.lost {
            Some((since, _)) if since.elapsed() > PATIENCE => return Err(problem),
            Some((_, pause)) => *pause = (*pause * 2).min(LONGEST_PAUSE),
            None => {
                self.lost = Some((Instant::now(), FIRST_PAUSE));
                self.waiting.push_back(TurnUpdate::Lost);
            }
        }
        Ok(())
    }
}

fn read(response: Response) -> (Body, Decoder) {
    let body = response.bytes_stream().map(|piece| piece.map(|piece| piece.to_vec()));
    (Box::pin(body), Decoder::default())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::extract::{RawQuery, State};
    use axum::response::IntoResponse;
    use axum::routing::{get, post};
    use tokio::net::TcpListener;

    use super::*;
    use crate::client::{Endpoint, Source};

    const SESSION: &str = "ses_01hv5k3m9x7q2w8e4r6t";

    fn event(id: u64, kind: &str, data: &str) -> String {
        format!("id: {id}\nevent: {kind}\ndata: {data}\n\n")
    }

    #[tokio::test]
    async fn a_turn_that_breaks_off_goes_on_with_every_event_once() {
        let status = event(1, "status", r#"{"turnId":"run_1"}"#);
        let failed = event(3, "error", "{}");
        let begun = [status.clone(), event(2, "token", "{}"), failed.clone()].concat();
        let rest = [failed, event(3, "done", r#"{"outcome":"failed"}"#)].concat();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let follow = async move |State(asked): State<Arc<Mutex<Vec<String>>>>, RawQuery(query): RawQuery| {
            asked.lock().unwrap().push(query.unwrap());
            ([("content-type", "text/event-stream")], rest.clone()).into_response()
        };
        let router = Router::new()
            .route("/api/v1/sessions/{id}/messages", post(async move || begun.clone()))
            .route("/api/v1/sessions/{id}/messages/stream", get(follow))
            .with_state(asked.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let client = Client::new(Endpoint { url, token: None }, Source::Named).unwrap();

        let mut events = client.say(SESSION, serde_json::json!({ "text": "Go" })).await.unwrap();
        let mut told = Vec::new();
        while told.last().is_none_or(|last: &String| last != "3 done") {
            told.push(match events.next().await.unwrap() {
                TurnUpdate::Event(event) => format!("{} {}", event.id, event.kind),
                TurnUpdate::Lost => "lost".into(),
                TurnUpdate::Restored => "restored".into(),
            });
        }
        assert_eq!(told, ["1 status", "2 token", "3 error", "lost", "restored", "3 done"]);
        assert_eq!(*asked.lock().unwrap(), ["turn=run_1&after=2"]);
    }
}
