//! The agent that works on a session: what it may do ([`tools`]), and how it goes about it.

pub mod tools;

pub use tools::{Permission, ToolUse, Toolbox, Used};
