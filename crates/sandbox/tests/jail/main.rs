//! The jail over the real kernel: what works inside, what is contained, and what is left behind.
//!
//! Every test bounds what it does by its limits, so that a jail that leaks harms nothing. They
//! pass for root and for any user who may make user namespaces.

mod behaviour;
mod contained_calls;
mod contained_files;
mod contained_processes;
mod limits;
mod remains;
mod session;
mod support;
mod warm;
