//! Every way out of a jail, and every way to harm what is outside, that we could think of: one
//! table, each case with the mechanism that contains it. `docs/sandbox-abuse.md` is that table.
//!
//! A case is a program that tries, and judges from inside how each of its tries failed: an error
//! that it did not expect, a missing tool among them, is not containment. Most run twice, as the
//! one program of a run and as one of many in a session, because the two are confined differently.
//! What the host has to lose is planted before ([`world`]) and looked at from outside afterwards
//! ([`host`]). Read [`case`] next.
//!
//! Every case is bounded by its limits, so that a jail that leaks harms little.

mod case;
mod cepheus;
mod files;
mod host;
mod information;
mod kernel;
mod network;
mod processes;
mod resources;
mod steps;
mod suite;
mod world;
