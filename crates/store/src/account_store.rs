//! Tokens, sessions and one-time keys in SQL.

use accounts::{AccountStore, SecretHash, Session, Token};
use async_trait::async_trait;
use kernel::{Page, PageRequest, Result, Timestamp, TokenId};
use rusqlite::{Connection, params};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::error::Error;
use crate::sqlite::Database;

const TOKEN: &str = "SELECT id, name, scopes, created_at, expires_at, revoked_at, last_used_at FROM tokens";

/// Keeps credentials in a [`Database`].
#[derive(Clone)]
pub struct SqlAccountStore {
    database: Database,
}

impl SqlAccountStore {
    /// Credentials in `database`.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    async fn find_token_by(&self, column: &'static str, value: &str) -> Result<Option<Token>> {
        let sql = sqlx::AssertSqlSafe(format!("{TOKEN} WHERE {column} = ?1"));
        let row = sqlx::query(sql)
            .bind(value)
            .fetch_optional(self.database.readers())
            .await
            .map_err(Error::from)?;
        row.as_ref().map(read_token).transpose()
    }

    /// Changes rows with `sql`, which takes a text and a number; gives how many there were.
    async fn change(&self, sql: &'static str, text: String, number: i64) -> Result<usize> {
        let changed = self
            .database
            .writer()
            .write(move |connection| Ok(connection.prepare_cached(sql)?.execute(params![text, number])?));
        Ok(changed.await?)
    }
}

#[async_trait]
impl AccountStore for SqlAccountStore {
    async fn create_token(&self, hash: &SecretHash, token: &Token) -> Result<()> {
        let (hash, token) = (hash.to_hex(), token.clone());
        let created = self.database.writer().write(move |connection| {
            connection.execute(
                "INSERT INTO tokens (id, hash, name, scopes, created_at, expires_at, revoked_at, last_used_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    token.id.as_str(),
                    hash,
                    token.name,
                    token.scopes.to_string(),
                    token.created_at.0,
                    token.expires_at.map(|at| at.0),
                    token.revoked_at.map(|at| at.0),
                    token.last_used_at.map(|at| at.0),
                ],
            )?;
            Ok(())
        });
        Ok(created.await?)
    }

    async fn find_token(&self, hash: &SecretHash) -> Result<Option<Token>> {
        self.find_token_by("hash", &hash.to_hex()).await
    }

    async fn list_tokens(&self, page: &PageRequest) -> Result<Page<Token>> {
        let sql =
            sqlx::AssertSqlSafe(format!("{TOKEN} WHERE ?1 IS NULL OR id < ?1 ORDER BY id DESC LIMIT ?2"));
        let rows = sqlx::query(sql)
            .bind(page.cursor.as_deref())
            .bind(i64::from(page.limit) + 1)
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::from)?;
        let tokens = rows.iter().map(read_token).collect::<Result<_>>()?;
        Ok(Page::from_overfull(tokens, page.limit, |token: &Token| token.id.to_string()))
    }

    async fn revoke_token(&self, id: &TokenId, at: Timestamp) -> Result<bool> {
        let sql = "UPDATE tokens SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1";
        Ok(self.change(sql, id.to_string(), at.0).await? > 0)
    }

    async fn touch_token(&self, id: &TokenId, at: Timestamp) -> Result<()> {
        self.change("UPDATE tokens SET last_used_at = ?2 WHERE id = ?1", id.to_string(), at.0).await?;
        Ok(())
    }

    async fn create_session(&self, hash: &SecretHash, session: &Session) -> Result<()> {
        let (hash, session) = (hash.to_hex(), session.clone());
        let created =
            self.database.writer().write(move |connection| insert_session(connection, &hash, &session));
        Ok(created.await?)
    }

    async fn find_session(&self, hash: &SecretHash) -> Result<Option<(Session, Option<Token>)>> {
        let row = sqlx::query("SELECT token_id, created_at, expires_at FROM sessions WHERE hash = ?1")
            .bind(hash.to_hex())
            .fetch_optional(self.database.readers())
            .await
            .map_err(Error::from)?;
        let Some(row) = row else { return Ok(None) };
        let token_id: Option<&str> = row.get(0);
        let session = Session {
            token_id: token_id.map(read_id).transpose()?,
            created_at: Timestamp(row.get(1)),
            expires_at: Timestamp(row.get(2)),
        };
        let token = match &session.token_id {
            Some(id) => self.find_token_by("id", id.as_str()).await?,
            None => None,
        };
        Ok(Some((session, token)))
    }

    async fn prolong_session(&self, hash: &SecretHash, expires_at: Timestamp) -> Result<()> {
        self.change("UPDATE sessions SET expires_at = ?2 WHERE hash = ?1", hash.to_hex(), expires_at.0)
            .await?;
        Ok(())
    }

    async fn delete_session(&self, hash: &SecretHash) -> Result<()> {
        let hash = hash.to_hex();
        let deleted = self.database.writer().write(move |connection| {
            connection.execute("DELETE FROM sessions WHERE hash = ?1", [hash])?;
            Ok(())
        });
        Ok(deleted.await?)
    }

    async fn create_open_key(&self, hash: &SecretHash, expires_at: Timestamp) -> Result<()> {
        let sql = "INSERT INTO open_keys (hash, expires_at) VALUES (?1, ?2)";
        self.change(sql, hash.to_hex(), expires_at.0).await?;
        Ok(())
    }

    async fn redeem_open_key(
        &self,
        key: &SecretHash,
        now: Timestamp,
        cookie: &SecretHash,
        session: &Session,
    ) -> Result<bool> {
        let (key, cookie, session) = (key.to_hex(), cookie.to_hex(), session.clone());
        let redeemed = self.database.writer().write(move |connection| {
            let sql = "DELETE FROM open_keys WHERE hash = ?1 AND expires_at > ?2";
            if connection.execute(sql, params![key, now.0])? == 0 {
                return Ok(false);
            }
            insert_session(connection, &cookie, &session)?;
            Ok(true)
        });
        Ok(redeemed.await?)
    }

    async fn purge_expired(&self, now: Timestamp) -> Result<()> {
        let purged = self.database.writer().write(move |connection| {
            for sql in [
                "DELETE FROM sessions WHERE expires_at <= ?1",
                "DELETE FROM open_keys WHERE expires_at <= ?1",
            ] {
                connection.execute(sql, [now.0])?;
            }
            Ok(())
        });
        Ok(purged.await?)
    }
}

fn insert_session(connection: &Connection, hash: &str, session: &Session) -> Result<(), Error> {
    let token_id = session.token_id.as_ref().map(TokenId::as_str);
    connection.execute(
        "INSERT INTO sessions (hash, token_id, created_at, expires_at) VALUES (?1, ?2, ?3, ?4)",
        params![hash, token_id, session.created_at.0, session.expires_at.0],
    )?;
    Ok(())
}

fn read_id(text: &str) -> Result<TokenId> {
    text.parse().map_err(|_| Error::Unreadable(format!("`{text}` is not a token's id")).into())
}

fn read_token(row: &SqliteRow) -> Result<Token> {
    let moment = |column: &str| row.get::<Option<i64>, _>(column).map(Timestamp);
    let scopes: &str = row.get("scopes");
    Ok(Token {
        id: read_id(row.get("id"))?,
        name: row.get("name"),
        scopes: scopes.parse().map_err(|error: accounts::Error| Error::Unreadable(error.to_string()))?,
        created_at: Timestamp(row.get("created_at")),
        expires_at: moment("expires_at"),
        revoked_at: moment("revoked_at"),
        last_used_at: moment("last_used_at"),
    })
}
