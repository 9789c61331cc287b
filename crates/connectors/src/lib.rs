//! The plane "tools of other servers": which servers of the Model Context Protocol the workspace
//! knows, what their tools may do, and calling them.
//!
//! A [`Server`](server::Server) is an address or a program. Its tools are listed when it is
//! connected to; each has a [`Class`](tool::Class), which says what it may do at most, and a
//! [`Grant`](tool::Grant), which says whether a person is asked. Both are the owner's to change.
//!
//! Invariants:
//! - Nothing is contacted and nothing is started whose digest the owner has not approved. What was
//!   imported only stands in a list until then, and a change of what would be contacted or started
//!   takes the approval back.
//! - A program of a server is started by the port [`Programs`](ports::Programs) and by nothing
//!   else; this crate starts none.
//! - A tool that is not what it was when it was granted asks again.
//! - What a server says of its tools, and what its tools answer, is data: bounded, without control
//!   characters and without characters that nobody sees.
//! - Values of secrets are in the [`SecretKeeper`](ports::SecretKeeper) and in what is sent to
//!   their server, and nowhere else.
//!
//! Start reading at [`service`], then [`server`] and [`tool`].

pub mod answer;
mod arguments;
mod catalogue;
mod changes;
mod connection;
pub mod error;
pub mod import;
mod pool;
pub mod ports;
mod reach;
pub mod server;
pub mod service;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
pub mod tool;

pub use answer::Answer;
pub use catalogue::Offered;
pub use error::Error;
pub use import::{Imported, LeftOut};
pub use ports::{ConnectorStore, Programs, RunningProgram, SecretKeeper, Starting};
pub use server::{Approval, NewServer, Program, SecretStorage, SecretText, Server, ServerChange, Transport};
pub use service::{CallRequest, Connectors, Parts, Progress, ServerView, TestReport};
pub use tool::{Class, Grant, Tool, ToolChange};
