//! `atelier token`: works on the workspace's folder itself, with or without a server on it.

use accounts::{Accounts, NewToken, Scopes};
use clap::{Args, Subcommand};
use kernel::{PageRequest, TokenId};
use serde_json::json;

use super::Exit;
use super::session::Place;
use super::terminal::{Ink, age, note, one_line, say, say_json, table};
use crate::client::{Problem, Result};
use crate::composition;

#[derive(Args)]
pub struct Token {
    /// The list, where none is given
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Print a new token
    New(New),
    /// List the tokens
    #[command(after_help = "Example:\n  atelier token list --json")]
    List,
    /// End a token
    Revoke(Revoke),
}

#[derive(Args)]
#[command(after_help = "Examples:
  atelier token new --name notebook
  atelier token new --name dashboard --scopes read:runs,read:memory
  export ATELIER_TOKEN=$(atelier token new --name shell)

Scopes: read:runs, write:runs, read:memory, write:memory, run:code, llm:invoke, write:canonical, admin.
Without --scopes the token may do everything.")]
struct New {
    /// What you call it
    #[arg(long, default_value = "token")]
    name: String,
    /// What it may do, separated by commas
    #[arg(long, value_name = "SCOPE,…")]
    scopes: Option<String>,
}

#[derive(Args)]
#[command(after_help = "Example:\n  atelier token revoke tok_01hv5k3m9x7q2w8e4r6t")]
struct Revoke {
    /// The token's id, as `atelier token list` shows it
    id: String,
}

pub async fn token(place: &Place, token: Token, json: bool) -> Result<Exit> {
    let (accounts, workspace) = composition::open_accounts(&place.folder()).await?;
    let outcome = match token.command.unwrap_or(Command::List) {
        Command::New(new) => issue(&accounts, new, json).await,
        Command::List => list(&accounts, json).await,
        Command::Revoke(revoke) => end(&accounts, &revoke.id, json).await,
    };
    workspace.database().close().await;
    outcome
}

async fn issue(accounts: &Accounts, new: New, json: bool) -> Result<Exit> {
    let scopes: Scopes = match &new.scopes {
        Some(scopes) => scopes.parse().map_err(kernel::Error::from)?,
        None => Scopes::all(),
    };
    let issued = accounts.issue_token(NewToken { name: new.name.clone(), scopes, expires_at: None }).await?;
    let secret = issued.secret.expose();
    if json {
        let scopes: Vec<_> = scopes.iter().map(accounts::Scope::as_str).collect();
        say_json(
            &json!({ "id": issued.id.to_string(), "name": new.name, "scopes": scopes, "token": secret }),
        );
    } else {
        say(secret);
        note(&format!("{} may {scopes}. It is shown only now.", issued.id));
    }
    Ok(Exit::Done)
}

async fn list(accounts: &Accounts, json: bool) -> Result<Exit> {
    let mut tokens = Vec::new();
    let mut page = PageRequest::first(PageRequest::MAX);
    loop {
        let found = accounts.list_tokens(&page).await?;
        tokens.extend(found.items);
        match found.next_cursor {
            Some(cursor) => page.cursor = Some(cursor),
            None => break,
        }
    }
    if json {
        let items: Vec<_> = tokens.iter().map(document).collect();
        say_json(&json!({ "items": items }));
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = tokens
        .iter()
        .map(|token| {
            let used = token.last_used_at.map_or_else(|| "never".into(), |at| age(&at.to_string()));
            let state = if token.revoked_at.is_some() { "revoked" } else { "valid" };
            let issued = age(&token.created_at.to_string());
            vec![
                token.id.to_string(),
                one_line(&token.name, 40),
                state.into(),
                issued,
                used,
                token.scopes.to_string(),
            ]
        })
        .collect();
    say(&table(&["id", "name", "state", "issued", "last used", "scopes"], &rows, Ink::stdout()));
    Ok(Exit::Done)
}

fn document(token: &accounts::Token) -> serde_json::Value {
    let time = |at: Option<kernel::Timestamp>| at.map(|at| at.to_string());
    let scopes: Vec<_> = token.scopes.iter().map(accounts::Scope::as_str).collect();
    json!({
        "id": token.id.to_string(), "name": token.name, "scopes": scopes,
        "created_at": token.created_at.to_string(), "expires_at": time(token.expires_at),
        "revoked_at": time(token.revoked_at), "last_used_at": time(token.last_used_at),
    })
}

async fn end(accounts: &Accounts, id: &str, json: bool) -> Result<Exit> {
    let parsed: TokenId = id.parse().map_err(|_| {
        Problem::invalid("invalid_token_id", format!("`{id}` is not the id of a token"))
            .with_hint("`atelier token list` shows the ids, which begin with tok_")
    })?;
    accounts.revoke_token(&parsed).await?;
    if json {
        say_json(&json!({ "id": id, "revoked": true }));
    } else {
        say(&format!("{id} is revoked"));
    }
    Ok(Exit::Done)
}
