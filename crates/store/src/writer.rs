//! The one writer: whatever waits is committed as one transaction.
//!
//! Syncing to disk costs about a millisecond however much is synced, so the writer takes all that
//! has queued up while it was busy, writes it in one transaction and answers everyone after its
//! commit. A batch in which everything asked only for [`Durability::Process`] is committed without
//! a sync; the next one that syncs flushes it too, since the log is one file.

use std::sync::Arc;

use futures::future::BoxFuture;
use parking_lot::RwLock;
use runs::store::Observer;
use runs::{Commit, Durability, EventRecord};
use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

use crate::error::Error;
use crate::run_rows;

const LARGEST_BATCH: usize = 2_048;

/// A change that is not a run's: runs inside the batch's transaction, under a savepoint of its own.
type Change =
    Box<dyn for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<Answer, Error>> + Send>;
/// Tells whoever asked, once the transaction is committed (`Ok`) or not (`Err`).
type Answer = Box<dyn FnOnce(Result<(), Error>) + Send>;

enum Job {
    Runs(Commit, oneshot::Sender<Result<(), runs::Error>>),
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
    /// Starts a writer that owns `connection`.
    pub(crate) fn start(connection: SqliteConnection) -> Self {
        let (jobs, queue) = mpsc::unbounded_channel();
        let observers = Arc::default();
        let work = Work { connection, observers: Arc::clone(&observers), synced: None };
        tokio::spawn(work.run(queue));
        Self { jobs, observers }
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
    /// `change` fails, nothing of it is stored.
    ///
    /// # Errors
    /// What `change` gives, or why the transaction could not be committed.
    pub async fn write<T, F>(&self, change: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, Error>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Change = Box::new(move |connection| {
            Box::pin(async move {
                let changed = change(connection).await;
                let failed = changed.is_err();
                let settle: Answer = Box::new(move |committed: Result<(), Error>| {
                    let _ = answer.send(changed.and_then(|value| committed.map(|()| value)));
                });
                if failed {
                    settle(Ok(()));
                    // Rolled back to its savepoint; whoever asked has been told why.
                    return Err(Error::Closed);
                }
                Ok(settle)
            })
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

struct Work {
    connection: SqliteConnection,
    observers: Arc<RwLock<Vec<Observer>>>,
    /// Whether the connection syncs at commit now; unknown at first.
    synced: Option<bool>,
}

#[derive(Default)]
struct Batch {
    commits: Vec<(Commit, oneshot::Sender<Result<(), runs::Error>>)>,
    changes: Vec<Change>,
    close: Option<oneshot::Sender<()>>,
}

impl Work {
    async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Job>) {
        let mut jobs = Vec::with_capacity(LARGEST_BATCH);
        while queue.recv_many(&mut jobs, LARGEST_BATCH).await > 0 {
            let mut batch = Batch::default();
            for job in jobs.drain(..) {
                match job {
                    Job::Runs(commit, answer) => batch.commits.push((commit, answer)),
                    Job::Change(change) => batch.changes.push(change),
                    Job::Close(done) => batch.close = Some(done),
                }
            }
            let close = batch.close.take();
            if !batch.commits.is_empty() || !batch.changes.is_empty() {
                self.carry_out(batch).await;
            }
            if let Some(done) = close {
                if let Err(error) = self.connection.close().await {
                    tracing::warn!(%error, "the database did not close cleanly; the next start repairs it");
                }
                let _ = done.send(());
                return;
            }
        }
    }

    async fn carry_out(&mut self, batch: Batch) {
        let lazy = batch.changes.is_empty()
            && batch.commits.iter().all(|(commit, _)| commit.durability == Durability::Process);
        let (commits, answers): (Vec<_>, Vec<_>) = batch.commits.into_iter().unzip();
        let written = match self.begin(!lazy).await {
            Ok(()) => self.write_all(&commits, batch.changes).await,
            Err(error) => Err((error, Vec::new())),
        };
        match written {
            Ok((results, changes)) => {
                self.publish(&commits, &results);
                for (answer, result) in answers.into_iter().zip(results) {
                    let _ = answer.send(result);
                }
                changes.into_iter().for_each(|settle| settle(Ok(())));
            }
            Err((error, changes)) => {
                tracing::error!(%error, source = ?error, "a transaction failed; nothing of it is stored");
                let _ = sqlx::raw_sql("ROLLBACK").execute(&mut self.connection).await;
                for answer in answers {
                    let _ = answer.send(Err(again(&error).into()));
                }
                changes.into_iter().for_each(|settle| settle(Err(again(&error))));
            }
        }
    }

    async fn begin(&mut self, sync: bool) -> Result<(), Error> {
        if self.synced != Some(sync) {
            self.synced = None;
            let pragma = if sync { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
            sqlx::raw_sql(pragma).execute(&mut self.connection).await?;
            self.synced = Some(sync);
        }
        sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut self.connection).await?;
        Ok(())
    }

    async fn write_all(
        &mut self,
        commits: &[Commit],
        changes: Vec<Change>,
    ) -> Result<(Vec<Result<(), runs::Error>>, Vec<Answer>), (Error, Vec<Answer>)> {
        let mut settled = Vec::with_capacity(changes.len());
        let results = match self.write_runs(commits).await {
            Ok(results) => results,
            Err(error) => return Err((error, settled)),
        };
        for change in changes {
            match self.under_savepoint(change).await {
                Ok(Some(settle)) => settled.push(settle),
                Ok(None) => {}
                Err(error) => return Err((error, settled)),
            }
        }
        // A commit of nothing is a barrier: what earlier batches left unsynced must reach the disk,
        // and an empty transaction syncs nothing.
        let barrier = commits.iter().any(|c| c.writes.is_empty() && c.durability == Durability::Disk);
        let commit = if barrier { "COMMIT; PRAGMA wal_checkpoint(PASSIVE)" } else { "COMMIT" };
        match sqlx::raw_sql(commit).execute(&mut self.connection).await {
            Ok(_) => Ok((results, settled)),
            Err(error) => Err((error.into(), settled)),
        }
    }

    /// Writes all commits at once; when one of them cannot be written, each by itself.
    async fn write_runs(&mut self, commits: &[Commit]) -> Result<Vec<Result<(), runs::Error>>, Error> {
        if commits.is_empty() {
            return Ok(Vec::new());
        }
        self.savepoint("SAVEPOINT one").await?;
        let all: Vec<_> = commits.iter().flat_map(|commit| &commit.writes).collect();
        if run_rows::may_share_statements(commits)
            && run_rows::write(&mut self.connection, &all).await.is_ok()
        {
            self.savepoint("RELEASE one").await?;
            return Ok(commits.iter().map(|_| Ok(())).collect());
        }
        self.savepoint("ROLLBACK TO one; RELEASE one").await?;
        let mut results = Vec::with_capacity(commits.len());
        for commit in commits {
            self.savepoint("SAVEPOINT one").await?;
            let writes: Vec<_> = commit.writes.iter().collect();
            let result = run_rows::write(&mut self.connection, &writes).await;
            let undo = if result.is_ok() { "RELEASE one" } else { "ROLLBACK TO one; RELEASE one" };
            self.savepoint(undo).await?;
            results.push(result);
        }
        Ok(results)
    }

    async fn under_savepoint(&mut self, change: Change) -> Result<Option<Answer>, Error> {
        self.savepoint("SAVEPOINT one").await?;
        let settle = change(&mut self.connection).await.ok();
        let undo = if settle.is_some() { "RELEASE one" } else { "ROLLBACK TO one; RELEASE one" };
        self.savepoint(undo).await?;
        Ok(settle)
    }

    async fn savepoint(&mut self, sql: &'static str) -> Result<(), Error> {
        sqlx::raw_sql(sql).execute(&mut self.connection).await?;
        Ok(())
    }

    fn publish(&self, commits: &[Commit], results: &[Result<(), runs::Error>]) {
        let observers = self.observers.read();
        if observers.is_empty() {
            return;
        }
        let stored: Vec<EventRecord> = commits
            .iter()
            .zip(results)
            .filter(|(_, result)| result.is_ok())
            .flat_map(|(commit, _)| commit.writes.iter().flat_map(|write| write.events.iter().cloned()))
            .collect();
        if !stored.is_empty() {
            observers.iter().for_each(|observer| observer(&stored));
        }
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
