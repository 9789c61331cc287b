//! `atelier studio chat`: one message, or a conversation.

use std::io::{IsTerminal, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;
use kernel::Kind;
use serde_json::{Value, json};

use super::find::{find, names_session};
use super::follow::{Followed, Follower, exit};
use crate::cli::Exit;
use crate::cli::session::{Place, with_client_until_left};
use crate::cli::terminal::{Ink, is_interactive, note, one_line};
use crate::cli::watch::next_line;
use crate::client::studio::StudioSession;
use crate::client::turn::TurnEvents;
use crate::client::{Client, Problem, Result};

/// What the server takes in all.
const MOST_BYTES: usize = 512 << 10;

#[derive(Args)]
#[command(after_help = "Examples:
  atelier studio chat 4r6t \"Add a page with our prices\"
  atelier studio chat \"Make it ocean blue\"            the session used last
  atelier studio chat 4r6t                            talk with it; Ctrl-D ends
  cat notes.md | atelier studio chat 4r6t - --attach data.csv
  atelier studio chat 4r6t \"Add a test\" --json        every event as a line of JSON
  atelier studio chat 4r6t --follow                   the turn that goes on, or the newest

The agent's words go to standard output, what it does to standard error. Where it has to ask, you are
shown exactly what will be done; without a terminal it waits, and this ends with 11. Ctrl-C stops the
turn.

Exit codes: 0 finished, 6 at one of its limits, 8 stopped, 10 failed, 11 it waits for an answer.")]
pub struct Chat {
    /// The session's id, or a part of it from its beginning or end; the session used last if left out
    id: Option<String>,
    /// What to say; `-` reads it from standard input
    message: Option<String>,
    /// The model to ask; `offline` follows the template's recipes without a model
    #[arg(long)]
    model: Option<String>,
    /// A text file to send along; may be given several times
    #[arg(long, short, value_name = "FILE")]
    attach: Vec<PathBuf>,
    /// Say nothing; follow the turn that goes on, or show the newest again
    #[arg(long, short, conflicts_with_all = ["message", "model", "attach"])]
    follow: bool,
}

pub async fn chat(place: &Place, chat: Chat, json: bool) -> Result<Exit> {
    let attachments = attachments(&chat.attach)?;
    with_client_until_left(place, async |client| {
        let (id, message) = told_apart(client, &chat).await?;
        let message = message.map(read).transpose()?;
        let session = find(client, id).await?;
        let id = &session.session_id;
        if chat.follow {
            let events = TurnEvents::of(client, id, newest_turn(client, id).await?);
            return Ok(exit(&Follower::new(client, id, events, json).follow().await?));
        }
        match message {
            Some(text) => {
                let body = body(&text, chat.model.as_deref(), &attachments);
                Ok(exit(&take_turn(client, id, body, json).await?))
            }
            None if json || !is_interactive() => {
                Err(Problem::invalid("message_missing", "There is no message")
                    .with_hint("Write it behind the session's id, or into standard input after `-`"))
            }
            None => talk(client, &session, &chat, attachments).await,
        }
    })
    .await
}

/// Which of the words is the session and which the message: with a single one, what fits a session
/// is one.
async fn told_apart<'a>(client: &Client, chat: &'a Chat) -> Result<(Option<&'a str>, Option<&'a str>)> {
    match (chat.id.as_deref(), chat.message.as_deref()) {
        (Some(word), None) if !chat.follow && (word == "-" || !names_session(client, word).await?) => {
            Ok((None, Some(word)))
        }
        told => Ok(told),
    }
}

fn read(message: &str) -> Result<String> {
    let mut text = message.to_owned();
    if message == "-" {
        text.clear();
        std::io::stdin().read_to_string(&mut text).map_err(|error| {
            Problem::invalid("input_unreadable", format!("Standard input cannot be read: {error}"))
                .with_hint("Write text in UTF-8 to it")
        })?;
    }
    if text.trim().is_empty() {
        return Err(Problem::invalid("message_missing", "The message is empty")
            .with_hint("Write it behind the session's id, or into standard input after `-`"));
    }
    Ok(text)
}

/// The files that go with a message.
fn attachments(paths: &[PathBuf]) -> Result<Vec<Value>> {
    let mut total = 0;
    let mut files = Vec::new();
    for path in paths {
        let (name, content) = attachment(path)?;
        total += content.len();
        if total > MOST_BYTES {
            let message = "The files are larger than a message takes, which is 512 KiB in all";
            return Err(Problem::new(Kind::Limit, "files_too_large", message)
                .with_hint("Attach less, or have the agent make the file in the session"));
        }
        files.push(json!({ "name": name, "content": content }));
    }
    Ok(files)
}

fn attachment(path: &Path) -> Result<(String, String)> {
    let shown = path.display();
    let bytes = std::fs::read(path).map_err(|error| {
        let kind = if error.kind() == std::io::ErrorKind::NotFound { Kind::NotFound } else { Kind::Invalid };
        Problem::new(kind, "cannot_read", format!("`{shown}` cannot be read: {error}"))
            .with_hint("Name a text file with --attach")
    })?;
    let content = String::from_utf8(bytes).map_err(|_| {
        Problem::invalid("file_not_text", format!("`{shown}` is not text in UTF-8"))
            .with_hint("Only text can be attached")
    })?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok((name, content))
}

fn body(text: &str, model: Option<&str>, attachments: &[Value]) -> Value {
    let mut body = json!({ "text": text });
    if let Some(model) = model {
        body["model"] = json!(model);
    }
    if !attachments.is_empty() {
        body["attachments"] = json!(attachments);
    }
    body
}

async fn newest_turn(client: &Client, id: &str) -> Result<Option<String>> {
    let conversation = client.conversation(id).await?;
    match conversation.turns.last() {
        Some(turn) => Ok(Some(turn.turn_id.clone())),
        None => Err(Problem::new(Kind::Conflict, "no_turn", format!("Nothing was said in {id} yet"))
            .with_hint(format!("Say something: atelier studio chat {id} \"…\""))),
    }
}

async fn take_turn(client: &Client, id: &str, body: Value, json: bool) -> Result<Followed> {
    let events = client.say(id, body).await.map_err(|problem| match problem.code.as_str() {
        "turn_running" => problem.with_hint(format!(
            "Follow it: atelier studio chat {id} --follow\nStop it with Ctrl-C there, or wait until it is done"
        )),
        _ => problem,
    })?;
    Follower::new(client, id, events, json).follow().await
}

/// A conversation at a terminal, until the person ends it.
async fn talk(
    client: &Client,
    session: &StudioSession,
    chat: &Chat,
    mut attachments: Vec<Value>,
) -> Result<Exit> {
    let ink = Ink::stderr();
    let id = &session.session_id;
    note(&format!("{} ({id})", ink.bold(&one_line(&session.name, 80))));
    note(
        &ink.dim("Say what should be done. /undo puts the files back to before the last turn, Ctrl-D ends."),
    );
    let mut last = Exit::Done;
    loop {
        eprint!("\n{} ", ink.cyan("you ›"));
        let line = tokio::select! {
            line = next_line() => line,
            _ = tokio::signal::ctrl_c() => None,
        };
        let Some(line) = line else { break };
        match line.trim() {
            "" => {}
            "/exit" | "/quit" => break,
            "/undo" => {
                if let Err(problem) = super::undo(client, session, false).await {
                    note(&format!("{} {}", ink.red("error:"), problem.message));
                }
            }
            text => {
                let body = body(text, chat.model.as_deref(), &std::mem::take(&mut attachments));
                match take_turn(client, id, body, false).await {
                    Ok(followed @ (Followed::Left | Followed::NeedsAnswer)) => return Ok(exit(&followed)),
                    Ok(followed) => last = exit(&followed),
                    // What is refused can be said differently; a server that is gone cannot be asked.
                    Err(problem) if problem.code == "server_unreachable" => return Err(problem),
                    Err(problem) => {
                        note(&format!("{} {}", ink.red("error:"), problem.message));
                        problem.hint.iter().for_each(|hint| note(&format!("{} {hint}", ink.cyan("hint:"))));
                    }
                }
            }
        }
    }
    if std::io::stderr().is_terminal() {
        note("");
    }
    Ok(last)
}
