//! What a server does, one thing after another, and how a fault changes it.

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::Bytes;
use futures::stream::{self, Stream};

use super::connection::Breaker;
use crate::script::{Fault, Reply};

/// One thing a server does after the headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Send(Bytes),
    Pause(Duration),
    Hang,
    /// Breaks the connection with a reset.
    Reset,
    /// Closes the connection in the middle of a body.
    Close,
    /// Sends this again and again, with a pause between, for ever.
    Repeat(Bytes, Duration),
}

impl Act {
    pub(super) fn send(text: impl Into<String>) -> Self {
        Self::Send(Bytes::from(text.into()))
    }
}

/// The parts of a streamed answer, in one protocol's words.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Before the first token.
    pub(super) prologue: String,
    /// One event for each piece of text.
    pub(super) tokens: Vec<String>,
    /// What says that the text is whole.
    pub(super) ending: String,
    /// Usage and the mark of the end.
    pub(super) epilogue: String,
    /// What this protocol calls an error in a stream.
    pub(super) error: String,
}

impl Parts {
    /// The acts of a reply, with its fault.
    pub(super) fn acts(self, reply: &Reply) -> Vec<Act> {
        let fault = reply.fault.clone();
        let mut acts = vec![Act::send(self.prologue.clone())];
        match fault {
            Some(Fault::HangBeforeFirstToken) => {
                acts.push(Act::Hang);
                return acts;
            }
            Some(Fault::OnlyComments(pause_ms)) => {
                let pause = Duration::from_millis(pause_ms).max(super::SHORTEST_PAUSE);
                acts.push(Act::Repeat(Bytes::from_static(b": still here\n\n"), pause));
                return acts;
            }
            Some(Fault::Endless) => {
                let token = self.tokens.first().cloned().unwrap_or_default();
                acts.push(Act::Repeat(Bytes::from(token.repeat(64)), Duration::ZERO));
                return acts;
            }
            Some(Fault::Drip(pause_ms)) => {
                let whole = self.prologue + &self.tokens.concat() + &self.ending + &self.epilogue;
                return drip(&whole, Duration::from_millis(pause_ms));
            }
            _ => {}
        }
        for (place, token) in self.tokens.iter().enumerate() {
            acts.extend(broken_off(fault.as_ref(), place, token, &self.error));
            if matches!(acts.last(), Some(Act::Hang | Act::Reset | Act::Close))
                || is_end(fault.as_ref(), place)
            {
                return acts;
            }
            if reply.pause_ms > 0 {
                acts.push(Act::Pause(reply.pause()));
            }
            acts.push(Act::send(token.clone()));
        }
        let after_all = broken_off(fault.as_ref(), self.tokens.len(), "", &self.error);
        if !after_all.is_empty() || is_end(fault.as_ref(), self.tokens.len()) {
            acts.extend(after_all);
            return acts;
        }
        acts.push(Act::send(self.ending));
        if fault != Some(Fault::NoEpilogue) {
            acts.push(Act::send(self.epilogue));
        }
        acts
    }
}

/// The text in single bytes, with a pause before each.
pub(super) fn drip(text: &str, pause: Duration) -> Vec<Act> {
    let bytes = text.bytes();
    bytes.flat_map(|byte| [Act::Pause(pause), Act::Send(Bytes::copy_from_slice(&[byte]))]).collect()
}

/// What a fault does before the token at `place`, if it is due there.
fn broken_off(fault: Option<&Fault>, place: usize, token: &str, error: &str) -> Vec<Act> {
    let half: String = token.chars().take(token.chars().count() / 2).collect();
    match fault {
        Some(Fault::StallAfter(after)) if *after == place => vec![Act::Hang],
        Some(Fault::CutAfter(after)) if *after == place => vec![Act::send(half), Act::Close],
        Some(Fault::ResetAfter(after)) if *after == place => vec![Act::Reset],
        Some(Fault::ErrorAfter(after)) if *after == place => vec![Act::send(error)],
        Some(Fault::MalformedAfter(after)) if *after == place => {
            vec![Act::send("data: {\"choices\": [{\"del\n\n")]
        }
        _ => vec![],
    }
}

/// Whether the body ends, cleanly, before the token at `place`.
fn is_end(fault: Option<&Fault>, place: usize) -> bool {
    matches!(fault, Some(Fault::EndAfter(after) | Fault::ErrorAfter(after)) if *after == place)
}

/// A body that performs the acts.
pub(super) fn perform(acts: Vec<Act>, breaker: Breaker) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
    stream::unfold((VecDeque::from(acts), breaker), |(mut acts, breaker)| async move {
        loop {
            match acts.pop_front()? {
                Act::Send(bytes) if bytes.is_empty() => {}
                Act::Send(bytes) => {
                    // What was sent before goes out by itself.
                    tokio::task::yield_now().await;
                    return Some((Ok(bytes), (acts, breaker)));
                }
                Act::Pause(pause) => tokio::time::sleep(pause).await,
                Act::Hang => std::future::pending().await,
                Act::Reset => {
                    tokio::task::yield_now().await;
                    breaker.reset();
                    std::future::pending().await
                }
                Act::Close => {
                    tokio::task::yield_now().await;
                    return Some((Err(std::io::ErrorKind::BrokenPipe.into()), (acts, breaker)));
                }
                Act::Repeat(bytes, pause) => {
                    tokio::time::sleep(pause).await;
                    acts.push_front(Act::Repeat(bytes.clone(), pause));
                    return Some((Ok(bytes), (acts, breaker)));
                }
            }
        }
    })
}
