//! Tells a waiting client what happens: its progress, where it asked for that, and messages from the
//! level on that it named.
#![expect(deprecated, reason = "messages are deprecated in 2026-07-28, and still part of it")]

use parking_lot::Mutex;
use rmcp::RoleServer;
use rmcp::model::{LoggingLevel, LoggingMessageNotificationParam, ProgressNotificationParam, ProgressToken};
use rmcp::service::{Peer, RequestContext};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

const LOGGER: &str = "runs";

/// The way back to the client while its request is worked on.
pub(in crate::mcp) struct Reporter {
    peer: Peer<RoleServer>,
    token: Option<ProgressToken>,
    level: Option<LoggingLevel>,
    /// Progress must grow with each notification.
    told: Mutex<Option<u32>>,
    cancelled: CancellationToken,
}

impl Reporter {
    /// For one request, of a session that set `level`.
    pub fn new(context: &RequestContext<RoleServer>, level: Option<LoggingLevel>) -> Self {
        Self {
            peer: context.peer.clone(),
            token: context.meta.get_progress_token(),
            level: context.meta.log_level().or(level),
            told: Mutex::new(None),
            cancelled: context.ct.clone(),
        }
    }

    /// Whether the client hears of progress, and so knows that its request is worked on.
    pub fn is_heard(&self) -> bool {
        self.token.is_some()
    }

    /// Resolves when the client does not want the answer any more.
    pub async fn cancelled(&self) {
        self.cancelled.cancelled().await;
    }

    /// `done` of `total` are done. Says nothing when it said as much before.
    pub async fn progress(&self, done: u32, total: Option<u32>, message: String) {
        let Some(token) = self.token.clone() else { return };
        {
            let mut told = self.told.lock();
            if told.is_some_and(|told| done <= told) {
                return;
            }
            *told = Some(done);
        }
        let progress = ProgressNotificationParam::new(token, done.into()).with_message(message);
        let progress = match total {
            Some(total) => progress.with_total(total.into()),
            None => progress,
        };
        // Who has left needs no progress.
        let _ = self.peer.notify_progress(progress).await;
    }

    /// Says something, if the client wants to hear it.
    pub async fn say(&self, level: LoggingLevel, data: Value) {
        if self.level.is_some_and(|from| level as u8 >= from as u8) {
            let message = LoggingMessageNotificationParam::new(level, data).with_logger(LOGGER.to_owned());
            let _ = self.peer.notify_logging_message(message).await;
        }
    }
}
