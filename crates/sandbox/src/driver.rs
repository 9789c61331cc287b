//! The port every sandbox driver implements, and what a driver says about the machine it is on.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{Error, Execution, OutputSender, Request, Session, SessionRequest};

/// A place where commands run.
#[async_trait]
pub trait Sandbox: Send + Sync {
    /// Runs one command to its end and returns how it ended and what it wrote.
    ///
    /// Dropping the future kills everything the command started, at once. A command that fails,
    /// times out or runs into a limit is an [`Execution`]; an [`Error`] means that it could not
    /// be started or that the driver itself failed.
    async fn execute(&self, request: Request, output: Option<OutputSender>) -> Result<Execution, Error>;

    /// Opens a sandbox that stays, and returns when programs can be started in it.
    async fn open(&self, request: SessionRequest) -> Result<Arc<dyn Session>, Error>;

    /// What of the machine this driver can use, for `atelier doctor`. It blocks for some
    /// milliseconds, because the last finding is a command really run.
    fn probe(&self) -> Vec<Finding>;
}

/// One thing a driver needs or would like of the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at, in words: `user namespaces`.
    pub name: &'static str,
    /// Whether it is there.
    pub state: State,
    /// What was found: a version, a path, an error.
    pub detail: String,
    /// What to do about it, unless it is in order.
    pub advice: Option<String>,
}

/// How a [`Finding`] came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// There, and used.
    Ok,
    /// Not there; the driver works without it, but confines less precisely.
    Degraded,
    /// Not there, and nothing runs without it.
    Missing,
}

impl Finding {
    pub(crate) fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, state: State::Ok, detail: detail.into(), advice: None }
    }

    pub(crate) fn degraded(name: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, state: State::Degraded, detail: detail.into(), advice: Some(advice.into()) }
    }

    pub(crate) fn missing(name: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, state: State::Missing, detail: detail.into(), advice: Some(advice.into()) }
    }
}
