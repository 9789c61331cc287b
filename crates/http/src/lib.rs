//! The HTTP surface: every route, the shapes on the wire, streams, the OpenAPI document and the
//! embedded UI.
//!
//! Invariants:
//! - Only this crate knows HTTP. Past its extractors a value is valid by its type; before a handler
//!   runs, its caller is known to be allowed to.
//! - Every refusal is `application/problem+json` with a code, and nothing internal in it.
//! - No handler exists twice: the seed documents' own paths are rewritten in [`seed_paths`].
//!
//! Start reading at [`router`], which is an index of the routes; then [`middleware`] for what every
//! request passes, [`extract`] for how requests are parsed, and [`follow`] for the streams.

mod app;
mod auth;
mod connectors;
mod debugger;
mod docs;
mod error;
mod events;
mod extract;
mod follow;
mod gateway;
mod health;
mod infer;
mod jobs;
mod limits;
pub mod mcp;
mod memory;
mod middleware;
mod models;
mod openapi;
mod planner;
mod problem;
mod providers;
mod router;
mod runs;
mod seed_paths;
mod server;
pub mod services;
mod session;
mod settings;
mod studio;
mod supervisor;
mod ui;
mod usage;
mod wire;

pub use app::{App, AppParts, Lifetime, Options, Services};
pub use error::{Error, status_of};
pub use openapi::document;
pub use router::router;
pub use server::serve;
pub use studio::preview::PreviewKey;
