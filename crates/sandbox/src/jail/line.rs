//! The server's end of the channel to a jail that stays: asks, and hands each answer to the one who
//! asked.

use std::{
    collections::HashMap,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    io::{Interest, unix::AsyncFd},
    sync::{mpsc, oneshot},
};

use super::channel::{self, Ask, Tell};
use crate::Error;

/// An answer, and what lies beside it.
pub(super) type Answer = (Tell, Vec<OwnedFd>);

/// The channel to one jail.
pub(super) struct Line {
    socket: AsyncFd<OwnedFd>,
    /// `None` when nobody answers any more.
    waiting: Mutex<Option<HashMap<u64, mpsc::UnboundedSender<Answer>>>>,
    next: AtomicU64,
}

impl Line {
    /// Reads from now on. The second is the jail's first word, which comes when it is built.
    pub(super) fn open(socket: OwnedFd) -> io::Result<(Arc<Self>, oneshot::Receiver<Vec<OwnedFd>>)> {
        rustix::io::ioctl_fionbio(&socket, true)?;
        // SAFETY: an `OwnedFd` keeps its one descriptor open until it is dropped, which is with the
        // `AsyncFd`.
        #[allow(unsafe_code)]
        let socket = unsafe { AsyncFd::register(socket)? };
        let line =
            Arc::new(Self { socket, waiting: Mutex::new(Some(HashMap::new())), next: AtomicU64::new(1) });
        let (ready, is_ready) = oneshot::channel();
        tokio::spawn(Arc::clone(&line).read(ready));
        Ok((line, is_ready))
    }

    /// Asks something; `beside` goes with it.
    pub(super) async fn ask(
        self: &Arc<Self>,
        ask: impl FnOnce(u64) -> Ask,
        beside: &[OwnedFd],
    ) -> Result<Answers, Error> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let encoded = channel::encode(&ask(id)).ok_or_else(too_long)?;
        let (sender, receiver) = mpsc::unbounded_channel();
        self.lock().as_mut().ok_or(Error::SessionClosed)?.insert(id, sender);
        let answers = Answers { id, line: Arc::clone(self), receiver };
        self.send(&encoded, beside).await?;
        Ok(answers)
    }

    /// Asks something about what has been asked before, and wants no answer of its own.
    pub(super) async fn add(&self, ask: &Ask) -> Result<(), Error> {
        let encoded = channel::encode(ask).ok_or_else(too_long)?;
        self.send(&encoded, &[]).await
    }

    async fn send(&self, encoded: &[u8], beside: &[OwnedFd]) -> Result<(), Error> {
        let send = |socket: &OwnedFd| {
            let beside: Vec<BorrowedFd<'_>> = beside.iter().map(AsFd::as_fd).collect();
            channel::send(socket.as_fd(), encoded, &beside)
        };
        self.socket.async_io(Interest::WRITABLE, send).await.map_err(|_| Error::SessionClosed)
    }

    async fn read(self: Arc<Self>, ready: oneshot::Sender<Vec<OwnedFd>>) {
        let (mut ready, mut buffer) = (Some(ready), Vec::new());
        loop {
            let receive = |socket: &OwnedFd| channel::receive::<Tell>(socket.as_fd(), &mut buffer);
            let Ok(Some((tell, beside))) = self.socket.async_io(Interest::READABLE, receive).await else {
                break;
            };
            let Some(id) = tell.id() else {
                if let Some(ready) = ready.take() {
                    let _ = ready.send(beside);
                }
                continue;
            };
            if let Some(asker) = self.lock().as_ref().and_then(|waiting| waiting.get(&id)) {
                let _ = asker.send((tell, beside));
            }
        }
        // Whoever waits learns that nothing will come.
        self.lock().take();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<HashMap<u64, mpsc::UnboundedSender<Answer>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn too_long() -> Error {
    let reason = format!("its arguments and environment are longer than {} bytes", channel::LONGEST);
    Error::InvalidRequest { reason }
}

/// The answers to one question.
pub(super) struct Answers {
    id: u64,
    line: Arc<Line>,
    receiver: mpsc::UnboundedReceiver<Answer>,
}

impl Answers {
    /// What was asked, for [`Line::add`].
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// The next one.
    ///
    /// # Errors
    /// When the jail is gone.
    pub(super) async fn next(&mut self) -> Result<Answer, Error> {
        self.receiver.recv().await.ok_or(Error::SessionClosed)
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        if let Some(waiting) = self.line.lock().as_mut() {
            waiting.remove(&self.id);
        }
    }
}
