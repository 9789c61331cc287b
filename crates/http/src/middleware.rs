//! What every request passes on its way in and every response on its way out.
//!
//! From the outside in: [`answer`] gives the request its id and refusals their body, [`headers`]
//! adds what browsers must be told, [`guard`] turns foreign hosts and origins away, [`limit`]
//! bounds the time until an answer begins and catches panics.

pub(crate) mod answer;
pub(crate) mod guard;
pub(crate) mod headers;
pub(crate) mod limit;
