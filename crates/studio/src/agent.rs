//! The agent: one turn of a conversation, from what a person says to a project that was changed,
//! looked at and told about.
//!
//! A turn is a durable run ([`workflow`]): `begin` (a checkpoint), `context` (what the model is
//! told), then rounds of `think-n`, for each tool that is wanted `use-n-k` (what exactly will be
//! done), where a person is to be asked `allow-n-k`, and `tool-n-k` (the doing); when the model has
//! nothing more to do `verify-n`, whose findings go back to it; and `remember`. So a turn survives a
//! crash, waits for a person as long as it takes, and a tool that was used is not used again.
//!
//! The conversation is what the turns' runs recorded ([`conversation`]); nothing is kept twice.
//!
//! Start reading at [`workflow`], then [`tools`].

mod asking;
pub mod context;
pub mod conversation;
mod repeats;
mod think;
pub mod tools;
pub mod turn;
mod verify;
pub mod workflow;

pub use conversation::{Turn, TurnStatus, Turns};
pub use tools::{Permission, ToolUse, Toolbox, Used};
pub use turn::{Attachment, Check, End, Limits, NewTurn, Outcome, Permissions, Rule, TurnInput};
pub use workflow::TurnWorkflow;
