//! Happenings in SQL. They are written by [`crate::run_rows`], with their events.

use async_trait::async_trait;
use runs::happenings::{Happening, Happenings};
use runs::{Error, EventRecord};
use sqlx::Row;

use crate::error::Error as StoreError;
use crate::run_rows::integer;
use crate::run_store::{SqlRunStore, failed, read_event, read_id};

#[async_trait]
impl Happenings for SqlRunStore {
    async fn list_happenings(&self, after: u64, limit: u32) -> Result<Vec<Happening>, Error> {
        let rows = sqlx::query(
            "SELECT events.seq, at, kind, payload, position, happenings.run_id
             FROM happenings JOIN events ON events.run_id = happenings.run_id AND events.seq = happenings.seq
             WHERE position > ?1 ORDER BY position LIMIT ?2",
        )
        .bind(integer(after))
        .bind(limit)
        .fetch_all(self.database().readers())
        .await
        .map_err(failed)?;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            let run_id = read_id(row.get("run_id"))?;
            let record: EventRecord = read_event(&run_id, row)?;
            Ok(Happening { position: row.get::<i64, _>("position").unsigned_abs(), record })
        };
        rows.iter().map(read).collect()
    }

    async fn drop_happenings(&self, positions: Vec<u64>) -> Result<(), Error> {
        let dropped = self.database().writer().write(move |connection| {
            let mut drop = connection.prepare_cached("DELETE FROM happenings WHERE position = ?1")?;
            for position in positions {
                drop.execute([integer(position)])?;
            }
            Ok::<_, StoreError>(())
        });
        Ok(dropped.await?)
    }
}
