//! The SQLite database of a workspace: one connection writes, a few read.
//!
//! Write-ahead log, so that readers see a steady picture and never block. The writing connection
//! syncs each commit to disk unless everything in it asked for less ([`crate::writer`]). Migrations
//! and small questions go through sqlx, the writer and what has many rows ([`crate::reader`]) through
//! rusqlite; both are the same SQLite.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
};
use sqlx::{ConnectOptions, Connection as _, Row};

use crate::error::Error;
use crate::reader::Reader;
use crate::writer::Writer;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

const READERS: u32 = 4;
/// In KiB, as a negative number.
pub(crate) const CACHE_SIZE: &str = "-2000";
/// Of the writer, which puts rows where their keys are: an index that does not fit is read and written
/// a page for each row.
const WRITER_CACHE_SIZE: &str = "-16000";
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// An open database. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    readers: SqlitePool,
    reader: Reader,
    writer: Writer,
}

impl Database {
    /// Opens the database file, makes it when there is none, and brings its schema up to date.
    ///
    /// # Errors
    /// [`Error::Newer`], [`Error::ReadOnly`], [`Error::Damaged`], [`Error::DiskFull`] and what else
    /// SQLite says.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("cache_size", CACHE_SIZE)
            .pragma("temp_store", "memory")
            .disable_statement_logging();
        let mut connection = open_writable(&options).await?;
        migrate(&mut connection).await?;
        let writer = Writer::start(open_writer(path)?)?;
        connection.close().await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .min_connections(0)
            .connect_lazy_with(options.create_if_missing(false).pragma("query_only", "on"));
        Ok(Self { readers, reader: Reader::new(path.to_owned()), writer })
    }

    /// Asks on a thread that may wait, which is the way to read many rows. `question` should do nothing
    /// but read.
    ///
    /// # Errors
    /// What `question` gives.
    pub async fn read<T, F>(&self, question: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    {
        self.reader.read(question).await
    }

    /// Connections for reading.
    pub fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// The one way to write.
    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    /// Finishes what is waiting to be written and closes the file.
    pub async fn close(&self) {
        self.writer.close().await;
        self.reader.close().await;
        self.readers.close().await;
    }
}

async fn open_writable(options: &SqliteConnectOptions) -> Result<SqliteConnection, Error> {
    let mut connection = options.connect().await?;
    // A read-only file opens without complaint and fails at the first write; find out now.
    sqlx::raw_sql("BEGIN IMMEDIATE; ROLLBACK").execute(&mut connection).await?;
    Ok(connection)
}

fn open_writer(path: &Path) -> Result<Connection, Error> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.execute_batch(&format!(
        "PRAGMA foreign_keys = ON; PRAGMA cache_size = {WRITER_CACHE_SIZE}; PRAGMA temp_store = memory;
         PRAGMA wal_autocheckpoint = 4000"
    ))?;
    Ok(connection)
}

async fn migrate(connection: &mut SqliteConnection) -> Result<(), Error> {
    let known = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
    let found = sqlx::query("SELECT max(version) FROM _sqlx_migrations").fetch_one(&mut *connection).await;
    // Before the first migration there is no such table.
    let found: i64 = found.ok().and_then(|row| row.try_get(0).ok()).unwrap_or(0);
    if found > known {
        return Err(Error::Newer { found, known });
    }
    MIGRATIONS.run(connection).await.map_err(|error| match error {
        sqlx::migrate::MigrateError::Execute(error) => Error::from(error),
        // Its schema was made by steps this version does not know, such as those of a preview.
        sqlx::migrate::MigrateError::VersionMismatch(found) => Error::Newer { found, known },
        other => Error::Database(other.into()),
    })
}
