//! What people set for themselves: names and values.

use sqlx::Row;

use crate::error::Error;
use crate::sqlite::Database;

impl Database {
    /// Every preference that is set, by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn preferences(&self) -> Result<Vec<(String, String)>, Error> {
        let rows = sqlx::query("SELECT name, value FROM preferences ORDER BY name")
            .fetch_all(self.readers())
            .await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// Sets some preferences and unsets others (`None`), all or none.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn set_preferences(&self, changes: Vec<(String, Option<String>)>) -> Result<(), Error> {
        self.writer()
            .write(move |connection| {
                for (name, value) in changes {
                    match value {
                        Some(value) => connection.execute(
                            "INSERT INTO preferences (name, value) VALUES (?1, ?2)
                             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                            [name, value],
                        )?,
                        None => connection.execute("DELETE FROM preferences WHERE name = ?1", [name])?,
                    };
                }
                Ok(())
            })
            .await
    }
}
