//! How a request is parsed. Past these a value is valid by its type, and whatever cannot be parsed
//! is an [`Error`](crate::Error) that says what to do about it.

mod json;
mod nearest;
mod parameters;
mod path;

pub(crate) use json::{JsonBody, MEBIBYTE, WireBody, present, read as read_body, unfit};
pub(crate) use parameters::{Parameters, invalid};
pub(crate) use path::{PathRunId, PathText};
