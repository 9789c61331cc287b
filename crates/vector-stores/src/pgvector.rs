//! Vectors in a Postgres with the extension pgvector: a table for each generation in the schema
//! `atelier`, and a row for each in `atelier.generations`, which holds its position.
//!
//! Invariants:
//! - Changes and the position they reach are one transaction.
//! - A search is exact while there are fewer than [`INDEX_FROM`] vectors, and always when few chunks
//!   are allowed. Beyond, an HNSW index is asked, which goes on looking until it has enough.
//!
//! What is not there, a schema or table that someone has dropped, is made again, empty.
//!
//! Start reading at [`Pgvector::apply`]; [`statements`] has the SQL.

mod statements;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use kernel::{Privacy, Result};
use memory::embedding::VectorChange;
use memory::{Near, VectorIndex};
use roaring::RoaringBitmap;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgRow};
use sqlx::{Connection as _, Row as _};
use tokio::sync::Mutex;

use crate::address::Store;
use crate::direction::{direction, direction_or_zeros};
use crate::error::Error;
use crate::generation::{Changed, Generation};
use statements::Statements;

/// How many connections there are at most.
const CONNECTIONS: u32 = 4;
const CONNECT: Duration = Duration::from_secs(10);
/// From how many vectors an index is worth building: a scan of fewer takes a sixth of a second on two
/// busy cores, less on others, and passes nothing over.
const INDEX_FROM: u64 = 50_000;
/// The longest vectors pgvector indexes.
const MAX_INDEXED_DIMENSIONS: usize = 2_000;
/// Up to how many allowed chunks are looked at one by one, index or not.
const FEW: u64 = 20_000;

/// The vectors of a generation in Postgres.
pub struct Pgvector {
    pool: PgPool,
    strictest: Privacy,
    generation: Generation,
    statements: Statements,
    /// From how many vectors it makes an index.
    index_from: u64,
    ready: Mutex<Ready>,
    has_index: AtomicBool,
}

/// What is known of the table.
struct Ready {
    is_there: bool,
    /// A position beyond this one is of what no longer is.
    at_most: u64,
}

impl Pgvector {
    /// Vectors in the database that `options` name. Connects when it is first asked.
    pub fn new(options: PgConnectOptions, strictest: Privacy, generation: Generation) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(CONNECT)
            .after_connect(|connection, _| Box::pin(set_up(connection)))
            .connect_lazy_with(options.application_name("atelier"));
        let statements = Statements::of(&generation, strictest);
        let ready = Mutex::new(Ready { is_there: false, at_most: generation.last });
        let has_index = AtomicBool::new(false);
        Self { pool, strictest, generation, statements, index_from: INDEX_FROM, ready, has_index }
    }

    /// Builds an index from fewer vectors on, for tests of it.
    pub fn with_index_from(self, index_from: u64) -> Self {
        Self { index_from, ..self }
    }

    /// Sees that there is a table, and that it is not ahead of what is stored.
    async fn ready(&self) -> Result<(), Error> {
        let mut ready = self.ready.lock().await;
        if ready.is_there {
            return Ok(());
        }
        self.prepare(ready.at_most).await?;
        *ready = Ready { is_there: true, at_most: u64::MAX };
        Ok(())
    }

    async fn prepare(&self, at_most: u64) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await.map_err(refused)?;
        for statement in self.statements.prepare() {
            sqlx::query(statement).execute(&mut *transaction).await.map_err(refused)?;
        }
        let was_there: bool = sqlx::query_scalar(self.statements.is_there())
            .fetch_one(&mut *transaction)
            .await
            .map_err(refused)?;
        for statement in self.statements.create_table() {
            sqlx::query(statement).execute(&mut *transaction).await.map_err(refused)?;
        }
        let position: i64 = sqlx::query_scalar(statements::REGISTER)
            .bind(&self.statements.table)
            .bind(&self.generation.workspace)
            .bind(self.generation.described())
            .fetch_one(&mut *transaction)
            .await
            .map_err(refused)?;
        if !was_there || position.unsigned_abs() > at_most {
            self.empty(&mut transaction).await?;
        }
        let has_index: bool = sqlx::query_scalar(self.statements.has_index())
            .fetch_one(&mut *transaction)
            .await
            .map_err(refused)?;
        transaction.commit().await.map_err(refused)?;
        self.has_index.store(has_index, Ordering::Relaxed);
        Ok(())
    }

    async fn empty(&self, connection: &mut PgConnection) -> Result<(), Error> {
        self.move_to(connection, 0).await?;
        sqlx::query(self.statements.truncate()).execute(connection).await.map_err(refused)?;
        Ok(())
    }

    /// Sets the position, which also makes whoever else would change the table wait.
    async fn move_to(&self, connection: &mut PgConnection, position: u64) -> Result<(), Error> {
        let moved = sqlx::query(statements::MOVE)
            .bind(&self.statements.table)
            .bind(i64::try_from(position).unwrap_or(i64::MAX))
            .execute(connection)
            .await
            .map_err(refused)?;
        let gone = || Error::Refused { store: Store::Pgvector, reason: "its table is gone".into() };
        (moved.rows_affected() == 1).then_some(()).ok_or_else(gone)
    }

    /// What `ask` answers, once the table is there. After a failure it is looked for again.
    async fn with_table<T>(&self, ask: impl Future<Output = Result<T, Error>>) -> Result<T> {
        self.ready().await?;
        let answer = ask.await;
        if let Err(Error::Refused { .. }) = &answer {
            self.ready.lock().await.is_there = false;
        }
        Ok(answer?)
    }

    async fn take_in(&self, changed: &Changed, position: u64) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await.map_err(refused)?;
        self.move_to(&mut transaction, position).await?;
        if !changed.removed.is_empty() {
            let numbers: Vec<i64> = changed.removed.iter().copied().map(i64::from).collect();
            let removed = sqlx::query(self.statements.remove()).bind(numbers);
            removed.execute(&mut *transaction).await.map_err(refused)?;
        }
        if !changed.put.is_empty() {
            let numbers: Vec<i64> = changed.put.iter().map(|(number, _)| i64::from(*number)).collect();
            let flat: Vec<f32> = changed.put.iter().flat_map(|(_, vector)| vector).copied().collect();
            let put = sqlx::query(self.statements.put()).bind(numbers).bind(flat);
            put.execute(&mut *transaction).await.map_err(refused)?;
        }
        transaction.commit().await.map_err(refused)
    }

    async fn nearest(&self, vector: Vec<f32>, count: usize, allowed: Allowed) -> Result<Vec<Near>, Error> {
        let by_index = self.has_index.load(Ordering::Relaxed) && !allowed.is_few();
        let sql = self.statements.search(&allowed, by_index);
        let query = sqlx::query(sql).bind(vector).bind(i64::try_from(count).unwrap_or(i64::MAX));
        let query = match allowed {
            Allowed::All => query,
            Allowed::Some(numbers) => query.bind(numbers),
            Allowed::AllBut(numbers, highest) => query.bind(numbers).bind(highest),
        };
        let rows = query.fetch_all(&self.pool).await.map_err(refused)?;
        let mut found = rows.iter().map(near).collect::<Result<Vec<_>, Error>>()?;
        found.sort_by(|one, other| {
            other.similarity.total_cmp(&one.similarity).then(one.number.cmp(&other.number))
        });
        Ok(found)
    }

    async fn build_index(&self) -> Result<(), Error> {
        let count = self.rows().await?;
        if count < self.index_from || self.generation.dimensions() > MAX_INDEXED_DIMENSIONS {
            return Ok(());
        }
        let can_go_on: bool =
            sqlx::query_scalar(statements::SCANS_ITERATE).fetch_one(&self.pool).await.map_err(refused)?;
        if !can_go_on || self.has_index.load(Ordering::Relaxed) {
            return Ok(());
        }
        // One that was cut off in the middle is there and of no use.
        for statement in self.statements.build_index() {
            sqlx::query(statement).execute(&self.pool).await.map_err(refused)?;
        }
        self.has_index.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn rows(&self) -> Result<u64, Error> {
        let count: i64 =
            sqlx::query_scalar(self.statements.count()).fetch_one(&self.pool).await.map_err(refused)?;
        Ok(count.unsigned_abs())
    }

    /// Drops the tables of embedders that this workspace no longer has.
    async fn drop_others(&self) -> Result<(), Error> {
        let others: Vec<String> = sqlx::query_scalar(statements::OTHERS)
            .bind(&self.generation.workspace)
            .bind(&self.statements.table)
            .fetch_all(&self.pool)
            .await
            .map_err(refused)?;
        for table in others {
            let mut transaction = self.pool.begin().await.map_err(refused)?;
            if let Some(statement) = statements::drop_table(&table) {
                sqlx::query(statement).execute(&mut *transaction).await.map_err(refused)?;
            }
            let forgotten = sqlx::query(statements::FORGET).bind(&table);
            forgotten.execute(&mut *transaction).await.map_err(refused)?;
            transaction.commit().await.map_err(refused)?;
        }
        Ok(())
    }
}

#[async_trait]
impl VectorIndex for Pgvector {
    async fn position(&self) -> Result<u64> {
        let position = sqlx::query_scalar::<_, i64>(statements::POSITION).bind(&self.statements.table);
        let ask = async {
            let found = position.fetch_optional(&self.pool).await.map_err(refused)?;
            let gone = || Error::Refused { store: Store::Pgvector, reason: "its table is gone".into() };
            found.map(i64::unsigned_abs).ok_or_else(gone)
        };
        self.with_table(ask).await
    }

    fn strictest(&self) -> Privacy {
        self.strictest
    }

    async fn apply(&self, changes: Vec<VectorChange>, position: u64) -> Result<()> {
        let changed = self.generation.changed(&changes);
        self.with_table(self.take_in(&changed, position)).await
    }

    async fn search(
        &self,
        vector: &[f32],
        count: usize,
        allowed: Option<Arc<RoaringBitmap>>,
    ) -> Result<Vec<Near>> {
        let Some(vector) = direction(vector, self.generation.dimensions()) else { return Ok(Vec::new()) };
        self.with_table(self.nearest(vector, count, Allowed::of(allowed.as_deref()))).await
    }

    async fn similarities(&self, vector: &[f32], numbers: &[u32]) -> Result<Vec<Option<f32>>> {
        let asked: Vec<i64> = numbers.iter().copied().map(i64::from).collect();
        let vector = direction_or_zeros(vector, self.generation.dimensions());
        let query = sqlx::query(self.statements.similarities()).bind(vector).bind(asked);
        let ask = async {
            let rows = query.fetch_all(&self.pool).await.map_err(refused)?;
            rows.iter().map(near).collect::<Result<Vec<_>, Error>>()
        };
        let found: std::collections::HashMap<u32, f32> =
            self.with_table(ask).await?.into_iter().map(|near| (near.number, near.similarity)).collect();
        Ok(numbers.iter().map(|number| found.get(number).copied()).collect())
    }

    async fn count(&self) -> Result<u64> {
        self.with_table(self.rows()).await
    }

    async fn clear(&self) -> Result<()> {
        let clear = async {
            let mut transaction = self.pool.begin().await.map_err(refused)?;
            self.empty(&mut transaction).await?;
            transaction.commit().await.map_err(refused)
        };
        self.with_table(clear).await
    }

    async fn maintain(&self) -> Result<()> {
        let maintain = async {
            self.drop_others().await?;
            self.build_index().await
        };
        self.with_table(maintain).await
    }
}

/// Which chunks a search may find, said with as few numbers as possible.
pub(crate) enum Allowed {
    All,
    Some(Vec<i64>),
    /// All but these, up to the highest that is allowed.
    AllBut(Vec<i64>, i64),
}

impl Allowed {
    fn of(allowed: Option<&RoaringBitmap>) -> Self {
        let Some(allowed) = allowed else { return Self::All };
        let Some(highest) = allowed.max() else { return Self::Some(Vec::new()) };
        let others = u64::from(highest) + 1 - allowed.len();
        if allowed.len() <= FEW || allowed.len() <= others {
            return Self::Some(allowed.iter().map(i64::from).collect());
        }
        let mut all = RoaringBitmap::new();
        all.insert_range(0..=highest);
        Self::AllBut((all - allowed).iter().map(i64::from).collect(), i64::from(highest))
    }

    fn is_few(&self) -> bool {
        matches!(self, Self::Some(numbers) if numbers.len() as u64 <= FEW)
    }
}

fn near(row: &PgRow) -> Result<Near, Error> {
    let (number, product): (i64, f64) = (row.try_get(0).map_err(refused)?, row.try_get(1).map_err(refused)?);
    let unfit = |_| Error::Refused { store: Store::Pgvector, reason: "it holds what is not ours".into() };
    Ok(Near { number: u32::try_from(number).map_err(unfit)?, similarity: -product as f32 })
}

/// How an index is searched on a new connection. An older pgvector that does not know one of these has no
/// index either.
async fn set_up(connection: &mut PgConnection) -> sqlx::Result<()> {
    for statement in statements::SET_UP {
        if let Err(error @ (sqlx::Error::Io(_) | sqlx::Error::Protocol(_))) =
            sqlx::query(statement).execute(&mut *connection).await
        {
            return Err(error);
        }
    }
    Ok(())
}

/// What answers, with its version.
pub(crate) async fn check(options: &PgConnectOptions) -> Result<String, Error> {
    let away = |reason: &str| Error::Unreachable { store: Store::Pgvector, reason: reason.into() };
    let connect = tokio::time::timeout(CONNECT, PgConnection::connect_with(options)).await;
    let mut connection = connect.map_err(|_| away("no answer within 10 s"))?.map_err(refused)?;
    let row = sqlx::query(statements::VERSIONS).fetch_one(&mut connection).await.map_err(refused)?;
    let (server, extension): (String, Option<String>) =
        (row.try_get(0).map_err(refused)?, row.try_get(1).map_err(refused)?);
    // What it says on leaving changes nothing.
    let _ = connection.close().await;
    let missing = || Error::Refused {
        store: Store::Pgvector,
        reason: "the extension `vector` is not installed on its server".into(),
    };
    Ok(format!("PostgreSQL {server}, pgvector {}", extension.ok_or_else(missing)?))
}

/// What a failure means: nobody there, or somebody who refuses.
fn refused(error: sqlx::Error) -> Error {
    let store = Store::Pgvector;
    match error {
        sqlx::Error::Database(error) => Error::Refused { store, reason: error.message().to_owned() },
        sqlx::Error::PoolTimedOut => Error::Unreachable { store, reason: "no connection in time".into() },
        sqlx::Error::Io(error) => Error::Unreachable { store, reason: error.to_string() },
        error => Error::Unreachable { store, reason: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_few_numbers_as_possible_are_sent() {
        #[track_caller]
        fn check(allowed: &RoaringBitmap, sent: usize, is_few: bool) {
            let found = Allowed::of(Some(allowed));
            let numbers = match &found {
                Allowed::All => 0,
                Allowed::Some(numbers) | Allowed::AllBut(numbers, _) => numbers.len(),
            };
            assert_eq!((numbers, found.is_few()), (sent, is_few));
        }
        let range = |numbers: std::ops::Range<u32>| RoaringBitmap::from_iter(numbers);
        check(&RoaringBitmap::new(), 0, true);
        check(&range(0..20_000), 20_000, true);
        check(&range(0..1_000_000), 0, false);
        check(&range(10..1_000_000), 10, false);
        check(&RoaringBitmap::from_iter((0..100_000).step_by(3)), 33_334, false);
        assert!(matches!(Allowed::of(None), Allowed::All));
    }
}
