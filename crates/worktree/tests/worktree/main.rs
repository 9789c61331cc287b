//! The folder and its checkpoints as a caller sees them, on a real file system.

#![allow(clippy::unwrap_used)]

mod archive;
mod attack;
mod checkpoints;
mod diff;
mod files;
mod find;
mod killed;
mod random;
mod support;
mod watch;
