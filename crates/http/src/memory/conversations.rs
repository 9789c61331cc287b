//! `GET /api/v1/memory/conversations/{id}`: what is told of a conversation.

use axum::Json;
use axum::extract::State;
use kernel::SessionId;
use serde::Serialize;
use studio::agent::context::remembered;
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::auth::{Caller, ReadMemory};
use crate::error::Error;
use crate::extract::PathText;

/// Which conversation.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "describes the parameter; the segment is taken as text")]
pub(crate) struct ConversationPath {
    /// The session whose conversation it is.
    #[param(example = "ses_01hv5k3m9x7q2w8e4r6t")]
    id: String,
}

/// What the next turn of a conversation is told of those before.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "summary": "The app keeps its data in SQLite.", "author": "openai/gpt-4o", "up_to": "run_01hv5k3m9x7q2w8e4r6t",
    "summary_tokens": 9, "messages": 14, "messages_in_buffer": 12, "tokens": 23120,
}))]
pub(crate) struct ConversationMemory {
    /// What is told of the turns that are not given in full; null where all are.
    #[schema(required)]
    summary: Option<String>,
    /// What wrote it: a provider and its model, or `extract` for sentences that were picked without one.
    #[schema(required)]
    author: Option<String>,
    /// The last turn it tells of.
    #[schema(required)]
    up_to: Option<String>,
    /// How many tokens it has.
    summary_tokens: usize,
    /// How many turns there are.
    messages: usize,
    /// How many of them are given in full.
    messages_in_buffer: usize,
    /// How many tokens those have.
    tokens: usize,
}

/// Shows what is told of a conversation
///
/// What the next turn of a session is given: the last turns in full, and a summary of those before.
#[utoipa::path(
    get,
    path = "/api/v1/memory/conversations/{id}",
    tag = "memory",
    params(ConversationPath),
    responses(
        (status = 200, description = "What is told", body = ConversationMemory),
        (status = 404, description = "`session_not_found`: there is no such session"),
    ),
    security(("token" = ["read:memory"])),
)]
pub(crate) async fn show_conversation(
    _caller: Caller<ReadMemory>,
    State(app): State<App>,
    PathText([id]): PathText<1>,
) -> Result<Json<ConversationMemory>, Error> {
    let session: SessionId = kernel::id::known(&id, "session_not_found")?;
    let turns = app.services.turns.list(&session).await.map_err(kernel::Error::from)?;
    let turns: Vec<_> = turns.iter().map(|turn| turn.as_ref().clone()).collect();
    let recalled = app.services.conversations.recall(&remembered(&session, &turns)).await?;
    let (summary, author, up_to, summary_tokens) = match recalled.summary {
        Some(told) => (Some(told.text), Some(told.author), Some(told.up_to), told.tokens),
        None => (None, None, None, 0),
    };
    let (messages, tokens) = (turns.len(), recalled.tokens);
    let messages_in_buffer = messages - recalled.first;
    Ok(Json(ConversationMemory {
        summary,
        author,
        up_to,
        summary_tokens,
        messages,
        messages_in_buffer,
        tokens,
    }))
}
