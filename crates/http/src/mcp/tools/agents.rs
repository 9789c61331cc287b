//! `agent_memory_get`, `agent_memory_set` and `agent_memory_delete`: what an agent notes for itself,
//! by key.
//!
//! Invariant: a note that is labelled `local` is not given to a client of the protocol, which as a rule
//! hands what it gets to a model elsewhere.

use std::sync::Arc;

use accounts::Scope;
use axum::http::Method;
use kernel::Privacy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::calls::{Call, Route};
use super::super::handler::Asked;
use super::{About, Defined, Effect, Result, define};

const LIST: Route = (Method::GET, "/api/v1/agents/{name}/memory");
const GET: Route = (Method::GET, "/api/v1/agents/{name}/memory/{key}");
const PUT: Route = (Method::PUT, "/api/v1/agents/{name}/memory/{key}");
const DELETE: Route = (Method::DELETE, "/api/v1/agents/{name}/memory/{key}");

pub(super) fn tools() -> Vec<Defined> {
    let get = About {
        name: "agent_memory_get",
        title: "Read an agent's notes",
        description: "Reads what an agent has noted for itself: the note of one key, or the last 50 of them. \
            What is labelled `local` is left out.",
        effect: Effect::Reads,
        scopes: &[Scope::ReadMemory],
        routes: vec![LIST, GET],
    };
    let set = About {
        name: "agent_memory_set",
        title: "Note something for an agent",
        description: "Notes a value for an agent under a key, in the place of what was there.",
        effect: Effect::Replaces,
        scopes: &[Scope::WriteMemory],
        routes: vec![PUT],
    };
    let delete = About {
        name: "agent_memory_delete",
        title: "Take back an agent's note",
        description: "Removes the note of one key.",
        effect: Effect::Replaces,
        scopes: &[Scope::WriteMemory],
        routes: vec![DELETE],
    };
    vec![
        define(get, async |asked: Arc<Asked>, sought: Sought| read(&asked, sought).await),
        define(set, async |asked: Arc<Asked>, note: NewNote| write(&asked, note).await),
        define(delete, async |asked: Arc<Asked>, named: Named| remove(&asked, named).await),
    ]
}

/// Which notes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Sought {
    /// The agent's name.
    agent: String,
    /// The key; all notes if absent.
    #[serde(default)]
    key: Option<String>,
}

/// Which note.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Named {
    /// The agent's name.
    agent: String,
    /// The key.
    key: String,
}

/// What to note.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewNote {
    /// The agent's name.
    agent: String,
    /// The key.
    key: String,
    /// The value: any JSON.
    value: Value,
    /// When to forget it, such as `2026-12-01T00:00:00Z`.
    #[serde(default)]
    expires_at: Option<String>,
}

/// An agent's notes.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct Notes {
    /// The notes.
    #[serde(alias = "items")]
    notes: Vec<Note>,
}

/// A note.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct Note {
    /// Its key.
    key: String,
    /// Its value.
    value: Value,
    /// When it was written.
    updated_at: Option<String>,
    /// When it is forgotten.
    expires_at: Option<String>,
    /// How far it may travel.
    #[serde(skip_serializing)]
    #[schemars(skip)]
    privacy: String,
}

/// It is done.
#[derive(Debug, Serialize, JsonSchema)]
struct Done {
    /// The key.
    key: String,
    /// Whether it is done.
    done: bool,
}

async fn read(asked: &Asked, sought: Sought) -> Result<Notes> {
    let mut notes: Notes = match &sought.key {
        None => asked.routes.call(&asked.credentials, Call::new(LIST, &[&sought.agent])).await?,
        Some(key) => {
            let get = Call::new(GET, &[&sought.agent, key]);
            Notes { notes: vec![asked.routes.call(&asked.credentials, get).await?] }
        }
    };
    notes.notes.retain(|note| note.privacy != Privacy::Local.as_str());
    Ok(notes)
}

async fn write(asked: &Asked, note: NewNote) -> Result<Done> {
    let mut body = json!({"value": note.value});
    if let Some(expires_at) = note.expires_at {
        body["expires_at"] = expires_at.into();
    }
    let call = Call::new(PUT, &[&note.agent, &note.key]).with_body(body);
    asked.routes.call::<Value>(&asked.credentials, call).await?;
    Ok(Done { key: note.key, done: true })
}

async fn remove(asked: &Asked, named: Named) -> Result<Done> {
    let call = Call::new(DELETE, &[&named.agent, &named.key]);
    asked.routes.call::<Value>(&asked.credentials, call).await?;
    Ok(Done { key: named.key, done: true })
}
