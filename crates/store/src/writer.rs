//! The one writer: whatever waits is committed as one transaction.
//!
//! Syncing to disk costs about a millisecond however much is synced, so the writer takes all that
//! has queued up while it was busy, writes it in one transaction and answers everyone after its
//! commit. A batch in which everything asked only for [`Durability::Process`] is committed without
//! a sync; the next one that syncs flushes it too, since the log is one file.
//!
//! The writer is a thread that holds its connection itself: a statement is a function call for it,
//! not a message to a worker and back (`docs/adr/0004-writer-on-its-own-thread.md`). What is
//! committed is told by a task, batch after batch, so that a batch wakes the runtime once and the
//! thread is already at the next one.

use std::sync::Arc;

use futures::future::BoxFuture;
use parking_lot::RwLock;
use runs::store::Observer;
use runs::{Commit, Durability, EventRecord};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::error::Error;
use crate::run_rows::RunRows;

const LARGEST_BATCH: usize = 2_048;

/// A change that is not a run's: runs inside the batch's transaction, which keeps nothing of it when it
/// fails.
type Change = Box<dyn FnOnce(&Connection) -> Option<Answer> + Send>;
/// Tells whoever asked, once the transaction is committed (`Ok`) or not (`Err`).
type Answer = Box<dyn FnOnce(Result<(), Error>) + Send>;
type RunAnswer = oneshot::Sender<Result<(), runs::Error>>;

enum Job {
    Runs(Commit, RunAnswer),
    Change(Change),
    Close(oneshot::Sender<()>),
}

/// A handle on the writer. Cheap to clone.
#[derive(Clone)]
pub struct Writer {
    jobs: mpsc::UnboundedSender<Job>,
    observers: Arc<RwLock<Vec<Observer>>>,
}

impl Writer {
    /// Starts a writer that owns `connection`; it ends when it is closed or no handle is left.
    ///
    /// # Errors
    /// When there can be no more threads.
    pub(crate) fn start(connection: Connection) -> Result<Self, Error> {
        let (jobs, queue) = mpsc::unbounded_channel();
        let (settled, to_tell) = mpsc::unbounded_channel();
        let observers = Arc::default();
        tokio::spawn(tell(to_tell, Arc::clone(&observers)));
        std::thread::Builder::new()
            .name("database-writer".into())
            .spawn(move || carry_out_all(connection, queue, &settled))
            .map_err(|error| Error::Database(error.into()))?;
        Ok(Self { jobs, observers })
    }

    pub(crate) fn observe(&self, observer: Observer) {
        self.observers.write().push(observer);
    }

    pub(crate) fn commit(&self, commit: Commit) -> BoxFuture<'static, Result<(), runs::Error>> {
        let (answer, answered) = oneshot::channel();
        let sent = self.jobs.send(Job::Runs(commit, answer));
        Box::pin(async move {
            sent.map_err(|_| Error::Closed)?;
            answered.await.map_err(|_| Error::Closed)?
        })
    }

    /// Carries `change` out inside a transaction and gives its result once that is on disk. When
    /// `change` fails, nothing of it is stored. It runs on the writer's thread, so it should do
    /// nothing but write.
    ///
    /// # Errors
    /// What `change` gives, or why the transaction could not be committed.
    pub async fn write<T, F>(&self, change: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Change = Box::new(move |connection| match change(connection) {
            Ok(value) => Some(Box::new(move |committed: Result<(), Error>| {
                let _ = answer.send(committed.map(|()| value));
            })),
            Err(error) => {
                let _ = answer.send(Err(error));
                None
            }
        });
        self.jobs.send(Job::Change(job)).map_err(|_| Error::Closed)?;
        answered.await.map_err(|_| Error::Closed)?
    }

    /// Commits what is waiting, moves the log into the database file and closes it.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.jobs.send(Job::Close(done)).is_ok() {
            let _ = closed.await;
        }
    }
}

fn carry_out_all(
    connection: Connection,
    mut queue: mpsc::UnboundedReceiver<Job>,
    settled: &mpsc::UnboundedSender<Settled>,
) {
    let closing = match Work::new(&connection, settled) {
        Ok(mut work) => work.run(&mut queue),
        Err(error) => {
            tracing::error!(%error, source = ?error, "the database cannot be written");
            None
        }
    };
    // Readers may still be at the log; then the next start finishes this.
    let _ = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
    if let Err((_, error)) = connection.close() {
        tracing::warn!(%error, "the database did not close cleanly; the next start repairs it");
    }
    if let Some(done) = closing {
        // If there is no runtime left to tell, nobody waits.
        let _ = settled.send(Settled::Closed(done));
    }
}

/// What has been decided and is to be told.
enum Settled {
    Committed {
        commits: Vec<Commit>,
        results: Vec<Result<(), runs::Error>>,
        answers: Vec<RunAnswer>,
        changes: Vec<Answer>,
    },
    Failed {
        error: Error,
        answers: Vec<RunAnswer>,
        changes: Vec<Answer>,
    },
    Closed(oneshot::Sender<()>),
}

/// Tells observers and those who asked, in the order of the commits.
async fn tell(mut settled: mpsc::UnboundedReceiver<Settled>, observers: Arc<RwLock<Vec<Observer>>>) {
    while let Some(batch) = settled.recv().await {
        match batch {
            Settled::Committed { commits, results, answers, changes } => {
                publish(&observers.read(), commits, &results);
                for (answer, result) in answers.into_iter().zip(results) {
                    // Whoever asked may have left.
                    let _ = answer.send(result);
                }
                changes.into_iter().for_each(|settle| settle(Ok(())));
            }
            Settled::Failed { error, answers, changes } => {
                tracing::error!(%error, source = ?error, "a transaction failed; nothing of it is stored");
                for answer in answers {
                    let _ = answer.send(Err(again(&error).into()));
                }
                changes.into_iter().for_each(|settle| settle(Err(again(&error))));
            }
            Settled::Closed(done) => {
                let _ = done.send(());
            }
        }
    }
}

fn publish(observers: &[Observer], commits: Vec<Commit>, results: &[Result<(), runs::Error>]) {
    if observers.is_empty() {
        return;
    }
    let stored = commits.into_iter().zip(results).filter(|(_, result)| result.is_ok());
    let stored: Vec<EventRecord> =
        stored.flat_map(|(commit, _)| commit.writes).flat_map(|write| write.events).collect();
    if !stored.is_empty() {
        observers.iter().for_each(|observer| observer(&stored));
    }
}

struct Work<'a> {
    connection: &'a Connection,
    rows: RunRows<'a>,
    settled: &'a mpsc::UnboundedSender<Settled>,
    /// Whether the connection syncs at commit now; unknown at first.
    synced: Option<bool>,
}

#[derive(Default)]
struct Batch {
    commits: Vec<Commit>,
    answers: Vec<RunAnswer>,
    changes: Vec<Change>,
}

impl<'a> Work<'a> {
    fn new(connection: &'a Connection, settled: &'a mpsc::UnboundedSender<Settled>) -> Result<Self, Error> {
        Ok(Self { connection, rows: RunRows::prepare(connection)?, settled, synced: None })
    }

    /// Works until it is to close, and gives who waits for that.
    fn run(&mut self, queue: &mut mpsc::UnboundedReceiver<Job>) -> Option<oneshot::Sender<()>> {
        let mut jobs = Vec::with_capacity(LARGEST_BATCH);
        while queue.blocking_recv_many(&mut jobs, LARGEST_BATCH) > 0 {
            let mut batch = Batch::default();
            let mut close = None;
            for job in jobs.drain(..) {
                match job {
                    Job::Runs(commit, answer) => {
                        batch.commits.push(commit);
                        batch.answers.push(answer);
                    }
                    Job::Change(change) => batch.changes.push(change),
                    Job::Close(done) => close = Some(done),
                }
            }
            if !batch.commits.is_empty() || !batch.changes.is_empty() {
                self.carry_out(batch);
            }
            if close.is_some() {
                return close;
            }
        }
        None
    }

    fn carry_out(&mut self, batch: Batch) {
        let Batch { commits, answers, changes } = batch;
        let mut settling = Vec::with_capacity(changes.len());
        let settled = match self.write(&commits, changes, &mut settling) {
            Ok(results) => Settled::Committed { commits, results, answers, changes: settling },
            Err(error) => {
                let _ = self.roll_back();
                Settled::Failed { error, answers, changes: settling }
            }
        };
        // Without a runtime nobody waits.
        let _ = self.settled.send(settled);
    }

    fn write(
        &mut self,
        commits: &[Commit],
        changes: Vec<Change>,
        settling: &mut Vec<Answer>,
    ) -> Result<Vec<Result<(), runs::Error>>, Error> {
        let lazy = changes.is_empty() && commits.iter().all(|it| it.durability == Durability::Process);
        self.sync_at_commit(!lazy)?;
        self.rows.begin()?;
        let results = self.write_runs(commits)?;
        if !changes.is_empty() {
            self.rows.forget();
        }
        // The first is taken back with the transaction: a savepoint copies every page that is changed.
        let mut is_empty = commits.is_empty();
        for change in changes {
            let change = |work: &mut Self| change(work.connection).ok_or(());
            let answer = if is_empty { change(self) } else { self.under_savepoint(change)? };
            if is_empty && answer.is_err() {
                self.roll_back()?;
                self.rows.begin()?;
            }
            is_empty &= answer.is_err();
            settling.extend(answer.ok());
        }
        self.rows.commit()?;
        // A commit of nothing is a barrier: what earlier batches left unsynced must reach the disk,
        // and an empty transaction syncs nothing.
        if commits.iter().any(|it| it.writes.is_empty() && it.durability == Durability::Disk) {
            self.connection.execute_batch("PRAGMA wal_checkpoint(PASSIVE)")?;
        }
        Ok(results)
    }

    fn sync_at_commit(&mut self, sync: bool) -> Result<(), Error> {
        if self.synced != Some(sync) {
            self.synced = None;
            let pragma = if sync { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
            self.connection.execute_batch(pragma)?;
            self.synced = Some(sync);
        }
        Ok(())
    }

    /// Writes all commits one after the other; when one of them cannot be written, begins anew with
    /// each under a savepoint of its own, so that what fits is stored.
    fn write_runs(&mut self, commits: &[Commit]) -> Result<Vec<Result<(), runs::Error>>, Error> {
        if commits.iter().try_for_each(|commit| self.rows.write(commit)).is_ok() {
            return Ok(commits.iter().map(|_| Ok(())).collect());
        }
        self.roll_back()?;
        self.rows.begin()?;
        commits.iter().map(|commit| self.under_savepoint(|work| work.rows.write(commit))).collect()
    }

    fn under_savepoint<T, E>(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<Result<T, E>, Error> {
        self.connection.execute_batch("SAVEPOINT one")?;
        let result = write(self);
        if result.is_ok() {
            self.connection.execute_batch("RELEASE one")?;
        } else {
            self.rows.forget();
            self.connection.execute_batch("ROLLBACK TO one; RELEASE one")?;
        }
        Ok(result)
    }

    fn roll_back(&mut self) -> Result<(), Error> {
        self.rows.forget();
        // SQLite itself has given up a transaction that the disk had no room for.
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        Ok(())
    }
}

/// The same failure for one more of those who wait for the batch.
fn again(error: &Error) -> Error {
    match error {
        Error::DiskFull => Error::DiskFull,
        Error::ReadOnly => Error::ReadOnly,
        Error::Busy => Error::Busy,
        Error::Closed => Error::Closed,
        Error::Damaged(what) => Error::Damaged(what.clone()),
        other => Error::Unreadable(other.to_string()),
    }
}
