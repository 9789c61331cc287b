//! Reading on threads that may wait: a question is a closure over a connection.
//!
//! A row is a function call here, not a message from a worker, which is what counts where a question
//! has hundreds of rows for an answer (`docs/adr/0015-reading-many-rows.md`).

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use crate::error::Error;
use crate::sqlite::{BUSY_TIMEOUT, CACHE_SIZE};

const CONNECTIONS: u32 = 4;
/// How many prepared statements a connection keeps.
const STATEMENTS: usize = 64;

/// Some connections that read. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Reader(Arc<Inner>);

struct Inner {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    room: Arc<Semaphore>,
}

impl Reader {
    /// Will read the database file; opens nothing yet.
    pub fn new(path: PathBuf) -> Self {
        let room = Arc::new(Semaphore::new(CONNECTIONS as usize));
        Self(Arc::new(Inner { path, idle: Mutex::default(), room }))
    }

    /// Asks; the question sees nothing but whole transactions.
    pub async fn read<T, F>(&self, question: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    {
        let room = Arc::clone(&self.0.room).acquire_owned().await.map_err(|_| Error::Closed)?;
        let reader = Arc::clone(&self.0);
        let asked = tokio::task::spawn_blocking(move || {
            let _room = room;
            let idle = reader.idle.lock().pop();
            let connection = idle.map_or_else(|| reader.open(), Ok)?;
            let answer = question(&connection);
            reader.idle.lock().push(connection);
            answer
        });
        asked.await.map_err(|error| Error::Database(error.into()))?
    }

    /// Waits for whoever is asking and closes the connections.
    pub async fn close(&self) {
        if let Ok(_all) = self.0.room.acquire_many(CONNECTIONS).await {
            self.0.idle.lock().clear();
            self.0.room.close();
        }
    }
}

impl Inner {
    fn open(&self) -> Result<Connection, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.execute_batch(&format!(
            "PRAGMA query_only = ON; PRAGMA cache_size = {CACHE_SIZE}; PRAGMA temp_store = memory"
        ))?;
        Ok(connection)
    }
}
