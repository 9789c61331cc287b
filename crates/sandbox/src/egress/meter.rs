//! Counting what passes: for the event of each connection, for the limit on idleness, and for the
//! bytes a session may transfer in all.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, sleep_until},
};

/// The bytes a session may transfer, both ways together.
#[derive(Debug)]
pub(super) struct Budget {
    limit: u64,
    spent: AtomicU64,
}

impl Budget {
    pub fn new(limit: Option<u64>) -> Self {
        Self { limit: limit.unwrap_or(u64::MAX), spent: AtomicU64::new(0) }
    }

    /// Whether nothing more may be transferred.
    pub fn is_spent(&self) -> bool {
        self.spent.load(Relaxed) >= self.limit
    }
}

/// The counts of one connection.
#[derive(Debug)]
pub(super) struct Meter {
    budget: Arc<Budget>,
    sent: AtomicU64,
    received: AtomicU64,
    is_cut: AtomicBool,
    started: Instant,
    /// The last byte either way, in milliseconds after the start.
    active_ms: AtomicU64,
}

impl Meter {
    pub fn new(budget: Arc<Budget>) -> Self {
        Self {
            budget,
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            is_cut: AtomicBool::new(false),
            started: Instant::now(),
            active_ms: AtomicU64::new(0),
        }
    }

    pub fn sent(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    pub fn received(&self) -> u64 {
        self.received.load(Relaxed)
    }

    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Whether it was cut off because the session's budget was spent.
    pub fn is_cut(&self) -> bool {
        self.is_cut.load(Relaxed)
    }

    /// Returns when nothing has passed for so long.
    pub async fn idle(&self, limit: Duration) {
        loop {
            let active = self.started + Duration::from_millis(self.active_ms.load(Relaxed));
            let deadline = active + limit;
            if Instant::now() >= deadline {
                return;
            }
            sleep_until(deadline).await;
        }
    }

    fn count(&self, counter: &AtomicU64, bytes: usize) {
        let bytes = bytes as u64;
        counter.fetch_add(bytes, Relaxed);
        self.budget.spent.fetch_add(bytes, Relaxed);
        self.active_ms.store(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX), Relaxed);
    }

    /// An error once the budget is spent. What passes beyond it is at most one buffer a connection.
    fn check(&self) -> io::Result<()> {
        if self.budget.is_spent() {
            self.is_cut.store(true, Relaxed);
            return Err(io::Error::other("the session's bytes are used up"));
        }
        Ok(())
    }
}

/// A connection to the outside that is counted. Writing is sending.
pub(super) struct Metered<S> {
    stream: S,
    meter: Arc<Meter>,
}

impl<S> Metered<S> {
    pub fn new(stream: S, meter: Arc<Meter>) -> Self {
        Self { stream, meter }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.meter.check()?;
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        let read = buffer.filled().len() - before;
        if read > 0 {
            self.meter.count(&self.meter.received, read);
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.meter.check()?;
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(written)) = result {
            self.meter.count(&self.meter.sent, written);
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
