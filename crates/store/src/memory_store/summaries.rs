//! Summaries of conversations in SQL.

use async_trait::async_trait;
use kernel::{Result, Timestamp};
use memory::conversation::{Summary, SummaryStore};
use rusqlite::params;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{SqlMemoryStore, as_integer, read_privacy};
use crate::error::Error;

#[async_trait]
impl SummaryStore for SqlMemoryStore {
    async fn find_summary(&self, conversation: &str) -> Result<Option<Summary>> {
        let row = sqlx::query(
            "SELECT conversation, up_to, messages, digest, author, privacy, updated_at, text
             FROM conversation_summaries WHERE conversation = ?1",
        )
        .bind(conversation)
        .fetch_optional(self.database.readers())
        .await
        .map_err(Error::from)?;
        row.as_ref().map(read_summary).transpose()
    }

    async fn put_summary(&self, summary: &Summary) -> Result<()> {
        let summary = summary.clone();
        let put = self.database.writer().write(move |connection| {
            connection.execute(
                "INSERT OR REPLACE INTO conversation_summaries (conversation, up_to, messages, digest, author,
                     privacy, updated_at, text)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    summary.conversation,
                    summary.up_to,
                    as_integer(summary.messages),
                    summary.digest.as_slice(),
                    summary.author,
                    summary.privacy.as_str(),
                    summary.updated_at.0,
                    summary.text,
                ],
            )?;
            Ok(())
        });
        Ok(put.await?)
    }

    async fn delete_summary(&self, conversation: &str) -> Result<()> {
        let conversation = conversation.to_owned();
        let deleted = self.database.writer().write(move |connection| {
            connection
                .execute("DELETE FROM conversation_summaries WHERE conversation = ?1", [conversation])?;
            Ok(())
        });
        Ok(deleted.await?)
    }
}

fn read_summary(row: &SqliteRow) -> Result<Summary> {
    let unreadable = || Error::Unreadable("a summary's digest or count is not one".into());
    let digest: &[u8] = row.get("digest");
    Ok(Summary {
        conversation: row.get("conversation"),
        up_to: row.get("up_to"),
        messages: usize::try_from(row.get::<i64, _>("messages")).map_err(|_| unreadable())?,
        digest: digest.try_into().map_err(|_| unreadable())?,
        author: row.get("author"),
        privacy: read_privacy(row.get("privacy"))?,
        updated_at: Timestamp(row.get("updated_at")),
        text: row.get("text"),
    })
}
