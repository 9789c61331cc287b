//! `/api/v1/sessions/{id}/messages`: the conversation with the agent.

mod stream;
mod view;

use ::studio::agent::{Attachment, Limits, NewTurn};
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use kernel::RunId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{PathSessionId, SessionPath};
use crate::app::App;
use crate::auth::{Caller, RunCode};
use crate::error::Error;
use crate::extract::{JsonBody, Parameters, WireBody, unfit};
use crate::follow::{Follower, sse};
use crate::infer::PolicyName;
use crate::runs::stream::{LastEventIdHeader, starting_place};
use crate::wire::is_blank;
use view::ConversationView;

const LONGEST_TEXT: usize = 64 << 10;
const LONGEST_NAME: usize = 200;
const MOST_ATTACHMENTS: usize = 20;

/// What a person says to the agent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({"text": "Add a page with our prices"}))]
pub(crate) struct SendMessage {
    /// What is said, up to 64 KiB.
    #[schema(min_length = 1, max_length = 65_536, pattern = r"[^\s\x1c-\x1f\x85\ufeff]")]
    text: String,
    /// A model, a provider or `provider/model`; the session's, or the preferred one where absent.
    /// `offline` follows the template's recipes without a model.
    #[schema(min_length = 1, max_length = 200, pattern = r"[^\s\x1c-\x1f\x85\ufeff]")]
    model: Option<String>,
    /// Another policy than the owner's, for this turn.
    policy_override: Option<PolicyName>,
    /// Text files that come with it: at most 512 KiB in all.
    #[serde(default)]
    #[schema(max_items = 20)]
    attachments: Vec<AttachmentBody>,
    /// The turn this one takes the place of: the files go back to what they were before it, and it
    /// leaves the conversation with those after it.
    #[schema(pattern = "^run_[0-9abcdefghjkmnpqrstvwxyz]{20}$")]
    replaces: Option<String>,
    /// How far the turn may go.
    #[serde(default)]
    limits: LimitsBody,
}

/// A text file that comes with a message.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MessageAttachment)]
pub(crate) struct AttachmentBody {
    /// Its name.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Its text.
    #[schema(max_length = 524_288)]
    content: String,
}

/// How far a turn may go. What is left out has its usual value.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = TurnLimits)]
pub(crate) struct LimitsBody {
    /// How often the model is asked.
    #[schema(minimum = 1, maximum = 1_000, default = 40)]
    steps: Option<u32>,
    /// Tokens in and out.
    #[schema(minimum = 1, maximum = 1_000_000_000, default = 2_000_000)]
    tokens: Option<u64>,
    /// US dollars.
    #[schema(minimum = 0, maximum = 10_000, default = 5)]
    usd: Option<f64>,
    /// Seconds of work; waiting for a person does not count.
    #[schema(minimum = 1, maximum = 86_400, default = 1_800)]
    seconds: Option<u64>,
}

impl LimitsBody {
    fn validate(&self) -> Result<(), Error> {
        let fits = self.steps.is_none_or(|steps| (1..=1_000).contains(&steps))
            && self.tokens.is_none_or(|tokens| (1..=1_000_000_000).contains(&tokens))
            && self.usd.is_none_or(|usd| (0.0..=10_000.0).contains(&usd))
            && self.seconds.is_none_or(|seconds| (1..=86_400).contains(&seconds));
        if fits { Ok(()) } else { Err(unfit("a number in `limits` is out of its range")) }
    }
}

impl From<LimitsBody> for Limits {
    fn from(body: LimitsBody) -> Self {
        let usual = Self::default();
        Self {
            steps: body.steps.unwrap_or(usual.steps),
            tokens: body.tokens.unwrap_or(usual.tokens),
            usd: body.usd.unwrap_or(usual.usd),
            seconds: body.seconds.unwrap_or(usual.seconds),
        }
    }
}

impl WireBody for SendMessage {
    fn validate(&self) -> Result<(), Error> {
        if is_blank(&self.text) || self.text.len() > LONGEST_TEXT {
            return Err(unfit("`text` is empty, or longer than 64 KiB"));
        }
        if self.model.as_deref().is_some_and(|model| is_blank(model) || model.chars().count() > LONGEST_NAME)
        {
            return Err(unfit("`model` is empty or too long"));
        }
        let names = |file: &AttachmentBody| (1..=LONGEST_NAME).contains(&file.name.chars().count());
        if self.attachments.len() > MOST_ATTACHMENTS || !self.attachments.iter().all(names) {
            return Err(unfit(format!(
                "`attachments` has more than {MOST_ATTACHMENTS} files, or a name that is empty or too long"
            )));
        }
        self.limits.validate()
    }
}

/// Says something to the agent
///
/// The agent's turn begins and is followed: server-sent events `status`, `token`, `tool_call`,
/// `tool_result`, `gate`, `gate_decided`, `check`, `error` and last `done`. It goes on if the client
/// leaves; `…/messages/stream` follows it again. A gate is answered, and a turn stopped, as those of
/// the run that `turnId` names.
#[utoipa::path(
    post,
    path = "/api/v1/sessions/{id}/messages",
    tag = "studio",
    params(SessionPath),
    request_body = SendMessage,
    responses(
        (status = 200, description = "The turn's events, as they happen", content_type = "text/event-stream", body = String),
        (status = 400, description = "`message_unfit`: the message cannot be taken"),
        (status = 404, description = "`session_not_found`, `turn_not_found`: there is no such session, or no such turn in it"),
        (status = 409, description = "`turn_running`: the agent is still at work in this session"),
    ),
    security(("token" = ["run:code"])),
)]
pub(crate) async fn send_message(
    caller: Caller<RunCode>,
    State(app): State<App>,
    PathSessionId(session): PathSessionId,
    JsonBody(body): JsonBody<SendMessage>,
) -> Result<Response, Error> {
    let attachments = body.attachments.into_iter();
    let new = NewTurn {
        session,
        text: body.text,
        attachments: attachments.map(|file| Attachment { name: file.name, content: file.content }).collect(),
        model: body.model,
        policy: body.policy_override.map(Into::into),
        limits: body.limits.into(),
        replaces: body.replaces.as_deref().map(turn_id).transpose()?,
        actor: caller.actor,
    };
    let turn = app.services.turns.submit(new).await?;
    follow(&app, &turn, 0).await
}

/// Shows the conversation
///
/// The turns that stand and what was said and done in them, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/sessions/{id}/messages",
    tag = "studio",
    params(SessionPath),
    responses(
        (status = 200, description = "The conversation", body = ConversationView),
        (status = 404, description = "`session_not_found`: there is no such session"),
    ),
    security(("token" = ["run:code"])),
)]
pub(crate) async fn list_messages(
    _caller: Caller<RunCode>,
    State(app): State<App>,
    PathSessionId(session): PathSessionId,
) -> Result<Json<ConversationView>, Error> {
    let turns = app.services.turns.list(&session).await?;
    Ok(Json(ConversationView::of(&turns)))
}

/// Which turn, and from where.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TurnQuery {
    /// The turn; the newest where absent.
    #[param(pattern = "^run_[0-9abcdefghjkmnpqrstvwxyz]{20}$", example = "run_01hv5k3m9x7q2w8e4r6t")]
    turn: Option<String>,
    /// Events after this one.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_i64, default = 0, example = 0)]
    after: Option<u64>,
}

/// Follows a turn
///
/// The events that the turn's beginning answers with: from its first, or after `Last-Event-ID` or
/// `after`, and live while it goes on.
#[utoipa::path(
    get,
    path = "/api/v1/sessions/{id}/messages/stream",
    tag = "studio",
    params(SessionPath, TurnQuery, LastEventIdHeader),
    responses(
        (status = 200, description = "The turn's events, as they happen", content_type = "text/event-stream", body = String),
        (status = 404, description = "`session_not_found`, `turn_not_found`: there is no such session, or no such turn in it"),
        (status = 409, description = "`position_ahead`: the turn has no event of that number yet"),
    ),
    security(("token" = ["run:code"])),
)]
pub(crate) async fn stream_turn(
    _caller: Caller<RunCode>,
    State(app): State<App>,
    PathSessionId(session): PathSessionId,
    Parameters(query): Parameters<TurnQuery>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let after = starting_place(&headers, query.after)?;
    let wanted = query.turn.as_deref().map(turn_id).transpose()?;
    let turn = app.services.turns.of_session(&session, wanted.as_ref()).await?;
    follow(&app, &turn, after).await
}

async fn follow(app: &App, turn: &RunId, after: u64) -> Result<Response, Error> {
    let follower = Follower::open(app, turn, after).await?;
    Ok(sse::response(stream::turn_stream(follower)))
}

/// An id that cannot exist does not exist.
fn turn_id(id: &str) -> Result<RunId, Error> {
    Ok(kernel::id::known(id, "turn_not_found")?)
}
