//! Following a turn to its end, and answering what it asks on the way.
//!
//! Start reading at [`Follower::follow`].

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::show::Show;
use super::what;
use crate::cli::Exit;
use crate::cli::terminal::{Ink, is_interactive, note, say};
use crate::cli::watch::next_line;
use crate::client::turn::{TurnEvents, TurnUpdate};
use crate::client::{Client, Result};

/// How often a turn that cannot be answered from here is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How following a turn ended.
pub enum Followed {
    /// The turn is over, with this outcome.
    Over(String),
    /// It waits for an answer that cannot be given here.
    NeedsAnswer,
    /// The person left, and it goes on.
    Left,
}

/// Follows one turn.
pub struct Follower<'a> {
    client: &'a Client,
    session: &'a str,
    events: TurnEvents<'a>,
    show: Show,
    json: bool,
    /// The questions that wait for an answer, as their events told them.
    open: Vec<Value>,
    is_stopping: bool,
}

impl<'a> Follower<'a> {
    /// Follows these events of a turn of `session`.
    pub fn new(client: &'a Client, session: &'a str, events: TurnEvents<'a>, json: bool) -> Self {
        Self { client, session, events, show: Show::new(), json, open: Vec::new(), is_stopping: false }
    }

    /// Follows the turn until it ends, needs an answer that cannot be given here, or the person
    /// leaves: the first Ctrl-C stops the turn, a second one does not wait for that.
    ///
    /// # Errors
    /// What the server refuses, or that it stays away.
    pub async fn follow(mut self) -> Result<Followed> {
        let followed = self.go_on().await;
        self.show.rest();
        if let Ok(Followed::NeedsAnswer) = followed {
            self.tell_what_is_asked();
        }
        followed
    }

    async fn go_on(&mut self) -> Result<Followed> {
        let is_answered_here = !self.json && is_interactive();
        let mut interrupted = Box::pin(tokio::signal::ctrl_c());
        loop {
            if is_answered_here
                && !self.is_stopping
                && let Some(gate) = self.open.first().cloned()
            {
                if let Some(outcome) = self.ask(&gate).await? {
                    return Ok(outcome);
                }
                continue;
            }
            tokio::select! {
                update = self.events.next() => {
                    if let Some(outcome) = self.take(update?) {
                        return Ok(Followed::Over(outcome));
                    }
                }
                _ = &mut interrupted => {
                    if self.is_stopping {
                        return Ok(Followed::Left);
                    }
                    self.stop().await?;
                    interrupted = Box::pin(tokio::signal::ctrl_c());
                }
                () = sleep(LOOK_EVERY), if !self.open.is_empty() && !is_answered_here => {
                    if self.waits().await? {
                        return Ok(Followed::NeedsAnswer);
                    }
                }
            }
        }
    }

    /// Takes an update in. Tells the turn's outcome once it is over.
    fn take(&mut self, update: TurnUpdate) -> Option<String> {
        let event = match update {
            TurnUpdate::Event(event) => event,
            TurnUpdate::Lost => {
                self.show.remark(&Ink::stderr().yellow("The connection is lost; it is being made anew …"));
                return None;
            }
            TurnUpdate::Restored => {
                self.show.remark(&Ink::stderr().yellow("The connection is back."));
                return None;
            }
        };
        if self.json {
            say(&json!({ "id": event.id, "event": event.kind, "data": event.data }).to_string());
        } else {
            self.show.event(&event.kind, &event.data);
        }
        match event.kind.as_str() {
            "gate" => self.open.push(event.data),
            "gate_decided" => self.open.retain(|gate| gate["gate"] != event.data["gate"]),
            "done" => return Some(event.data["outcome"].as_str().unwrap_or("failed").to_owned()),
            _ => {}
        }
        None
    }

    async fn stop(&mut self) -> Result<()> {
        self.is_stopping = true;
        let Some(turn) = self.events.turn().map(str::to_owned) else { return Ok(()) };
        self.show.remark("Stopping …");
        match self.client.cancel(&turn).await {
            // It ended by itself meanwhile.
            Err(problem) if problem.kind == kernel::Kind::Conflict => Ok(()),
            stopped => stopped.map(drop),
        }
    }

    async fn waits(&self) -> Result<bool> {
        let conversation = self.client.conversation(self.session).await?;
        let turn = conversation.turns.iter().find(|turn| Some(turn.turn_id.as_str()) == self.events.turn());
        Ok(turn.is_some_and(|turn| turn.status == "waiting"))
    }

    /// Asks the person, while it may be answered elsewhere.
    async fn ask(&mut self, gate: &Value) -> Result<Option<Followed>> {
        self.show.rest();
        let mut question = Box::pin(ask(gate));
        let mut interrupted = Box::pin(tokio::signal::ctrl_c());
        let answer = loop {
            tokio::select! {
                answer = &mut question => break answer,
                _ = &mut interrupted => {
                    drop(question);
                    note("");
                    self.stop().await?;
                    return Ok(None);
                }
                update = self.events.next() => {
                    if let Some(outcome) = self.take(update?) {
                        return Ok(Some(Followed::Over(outcome)));
                    }
                    if !self.open.iter().any(|open| open["gate"] == gate["gate"]) {
                        note("  It was answered elsewhere.");
                        return Ok(None);
                    }
                }
            }
        };
        let Some((decision, feedback)) = answer else { return Ok(Some(Followed::NeedsAnswer)) };
        self.open.retain(|open| open["gate"] != gate["gate"]);
        let Some(turn) = self.events.turn() else { return Ok(None) };
        match self.client.approve(turn, answer_to(gate, decision, feedback.as_deref())).await {
            Ok(_) => {}
            // Someone else was quicker, or it was asked anew: the events say what holds.
            Err(problem) if problem.kind == kernel::Kind::Conflict => self.show.remark(&problem.message),
            Err(problem) => return Err(problem),
        }
        Ok(None)
    }

    fn tell_what_is_asked(&self) {
        if self.json {
            return;
        }
        let ink = Ink::stderr();
        for gate in &self.open {
            note(what::question(gate, ink).trim_end());
        }
        let (turn, session) = (self.events.turn().unwrap_or_default(), self.session);
        note(&format!(
            "The turn waits for an answer: {}\nThen follow it: {}",
            ink.cyan(&format!("atelier runs approve {turn} [--decision skip|reject]")),
            ink.cyan(&format!("atelier studio chat {session} --follow")),
        ));
    }
}

/// The body that answers a gate. With the digest, so that only what was shown is approved.
pub fn answer_to(gate: &Value, decision: &str, feedback: Option<&str>) -> Value {
    let mut body = json!({ "gate": gate["gate"], "decision": decision });
    if gate["digest"].is_string() {
        body["digest"] = gate["digest"].clone();
    }
    if let Some(feedback) = feedback.filter(|feedback| !feedback.trim().is_empty()) {
        body["feedback"] = json!(feedback);
    }
    body
}

/// Asks on standard error and reads from standard input; `None` when that has ended.
async fn ask(gate: &Value) -> Option<(&'static str, Option<String>)> {
    let ink = Ink::stderr();
    note(what::question(gate, ink).trim_end());
    loop {
        eprint!("  {} ", ink.cyan("Do it? [y]es, [n]o and end the turn, [s]kip it and go on:"));
        let line = next_line().await?;
        if let Some(answer) = read_answer(&line) {
            return Some(answer);
        }
        note("  Type y, n or s; words behind it are told to the agent.");
    }
}

fn read_answer(line: &str) -> Option<(&'static str, Option<String>)> {
    let (word, words) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
    let decision = match word.to_lowercase().as_str() {
        "y" | "yes" => "approve",
        "n" | "no" => "reject",
        "s" | "skip" => "skip",
        _ => return None,
    };
    Some((decision, Some(words.trim().to_owned()).filter(|words| !words.is_empty())))
}

/// How a turn's outcome ends the program.
pub fn exit(followed: &Followed) -> Exit {
    match followed {
        Followed::Over(outcome) => match outcome.as_str() {
            "finished" => Exit::Done,
            "stopped" => Exit::RunCancelled,
            "limit" => Exit::Code(crate::cli::exit_code(kernel::Kind::Limit)),
            _ => Exit::RunFailed,
        },
        Followed::NeedsAnswer => Exit::WaitingApproval,
        Followed::Left => Exit::RunCancelled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_with_what_is_said_behind_them() {
        assert_eq!(read_answer("y"), Some(("approve", None)));
        assert_eq!(read_answer(" S  one is enough "), Some(("skip", Some("one is enough".into()))));
        assert_eq!(read_answer("No"), Some(("reject", None)));
        assert_eq!((read_answer(""), read_answer("maybe")), (None, None));
        let gate = json!({ "gate": "allow-1-0", "digest": "b3" });
        assert_eq!(
            answer_to(&gate, "skip", Some(" ")),
            json!({"gate": "allow-1-0", "decision": "skip", "digest": "b3"})
        );
    }
}
