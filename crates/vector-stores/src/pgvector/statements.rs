//! The SQL that is said to Postgres.
//!
//! Invariant: what is put into a text is the name of a table, which [`Generation::digest`] made of
//! hexadecimal digits, and a number of dimensions. All else is bound.

use kernel::Privacy;
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::Allowed;
use crate::generation::Generation;

/// One of the numbers that applications agree on when they wait for each other: nobody else makes
/// these tables meanwhile.
const LOCK: &str = "SELECT pg_advisory_xact_lock(4702394921427289191)";
const EXTENSION: &str = "DO $$ BEGIN
     IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'vector') THEN
         CREATE EXTENSION vector;
     END IF;
     IF to_regclass('atelier.generations') IS NULL THEN
         CREATE SCHEMA IF NOT EXISTS atelier;
         CREATE TABLE atelier.generations (
             name text PRIMARY KEY,
             workspace text NOT NULL,
             embedder text NOT NULL,
             position bigint NOT NULL
         );
     END IF;
 END $$";

/// Adds a generation that is not there, and tells its position.
pub(super) const REGISTER: &str = "INSERT INTO atelier.generations (name, workspace, embedder, position)
     VALUES ($1, $2, $3, 0) ON CONFLICT (name) DO UPDATE SET embedder = excluded.embedder
     RETURNING position";
pub(super) const POSITION: &str = "SELECT position FROM atelier.generations WHERE name = $1";
pub(super) const MOVE: &str = "UPDATE atelier.generations SET position = $2 WHERE name = $1";
pub(super) const OTHERS: &str = "SELECT name FROM atelier.generations WHERE workspace = $1 AND name <> $2";
pub(super) const FORGET: &str = "DELETE FROM atelier.generations WHERE name = $1";
/// Whether an index goes on looking when a filter leaves too few: pgvector 0.8 and newer.
pub(super) const SCANS_ITERATE: &str =
    "SELECT string_to_array(split_part(extversion, '-', 1), '.')::int[] >= ARRAY[0, 8]
     FROM pg_extension WHERE extname = 'vector'";
pub(super) const VERSIONS: &str = "SELECT current_setting('server_version'),
     coalesce((SELECT extversion FROM pg_extension WHERE extname = 'vector'),
         (SELECT default_version FROM pg_available_extensions WHERE name = 'vector'))";
/// A search by index looks at 400 candidates, and at more until it has as many as it should.
pub(super) const SET_UP: [&str; 3] = [
    "SET hnsw.ef_search = 400",
    "SET hnsw.iterative_scan = strict_order",
    "SET hnsw.max_scan_tuples = 2000000000",
];

/// The statements that name a generation's table.
pub(super) struct Statements {
    /// What it is called in the schema `atelier`.
    pub table: String,
    dimensions: usize,
}

impl Statements {
    pub fn of(generation: &Generation, strictest: Privacy) -> Self {
        Self {
            table: format!("vectors_{}", generation.digest(strictest)),
            dimensions: generation.dimensions(),
        }
    }

    /// What every generation needs.
    pub fn prepare(&self) -> [SqlStr; 2] {
        [LOCK.into_sql_str(), EXTENSION.into_sql_str()]
    }

    pub fn is_there(&self) -> SqlStr {
        sql(format!("SELECT to_regclass('atelier.{}') IS NOT NULL", self.table))
    }

    pub fn create_table(&self) -> Vec<SqlStr> {
        let Self { table, dimensions } = self;
        // Rows that fit into a page are kept in it, which makes a scan several times as fast.
        let storage = if *dimensions <= 1_900 { "PLAIN" } else { "EXTERNAL" };
        vec![
            sql(format!(
                "CREATE TABLE IF NOT EXISTS atelier.{table}
                 (number bigint PRIMARY KEY, embedding vector({dimensions}) NOT NULL)"
            )),
            sql(format!("ALTER TABLE atelier.{table} ALTER COLUMN embedding SET STORAGE {storage}")),
        ]
    }

    pub fn truncate(&self) -> SqlStr {
        sql(format!("TRUNCATE atelier.{}", self.table))
    }

    pub fn remove(&self) -> SqlStr {
        sql(format!("DELETE FROM atelier.{} WHERE number = ANY($1)", self.table))
    }

    /// Puts rows whose numbers are `$1` and whose vectors stand one after the other in `$2`.
    pub fn put(&self) -> SqlStr {
        let Self { table, dimensions } = self;
        sql(format!(
            "INSERT INTO atelier.{table} (number, embedding)
             SELECT ($1::bigint[])[at], ($2::real[])[(at - 1) * {dimensions} + 1 : at * {dimensions}]::vector
             FROM generate_series(1, cardinality($1::bigint[])) AS at
             ON CONFLICT (number) DO UPDATE SET embedding = excluded.embedding"
        ))
    }

    /// The `$2` rows nearest to `$1`: all rows are looked at, or an index is.
    pub fn search(&self, allowed: &Allowed, by_index: bool) -> SqlStr {
        let table = &self.table;
        let condition = match allowed {
            Allowed::All => "true",
            Allowed::Some(_) => "number = ANY($3)",
            Allowed::AllBut(..) => "number <> ALL($3) AND number <= $4",
        };
        let distances = format!(
            "SELECT number, embedding <#> $1::real[]::vector AS distance FROM atelier.{table} WHERE {condition}"
        );
        sql(match by_index {
            true => format!("{distances} ORDER BY embedding <#> $1::real[]::vector LIMIT $2"),
            // The offset keeps the planner from using an index all the same.
            false => format!(
                "SELECT number, distance FROM ({distances} OFFSET 0) AS scored ORDER BY distance, number LIMIT $2"
            ),
        })
    }

    pub fn similarities(&self) -> SqlStr {
        let table = &self.table;
        sql(format!(
            "SELECT number, embedding <#> $1::real[]::vector AS distance FROM atelier.{table} WHERE number = ANY($2)"
        ))
    }

    pub fn count(&self) -> SqlStr {
        sql(format!("SELECT count(*) FROM atelier.{}", self.table))
    }

    pub fn has_index(&self) -> SqlStr {
        let table = &self.table;
        sql(format!(
            "SELECT coalesce((SELECT indisvalid FROM pg_index
                 WHERE indexrelid = to_regclass('atelier.{table}_near')), false)"
        ))
    }

    /// Builds the index while the table is read and written.
    pub fn build_index(&self) -> [SqlStr; 2] {
        let table = &self.table;
        [
            sql(format!("DROP INDEX CONCURRENTLY IF EXISTS atelier.{table}_near")),
            sql(format!(
                "CREATE INDEX CONCURRENTLY {table}_near ON atelier.{table}
                 USING hnsw (embedding vector_ip_ops) WITH (m = 16, ef_construction = 128)"
            )),
        ]
    }
}

/// Drops a table that one of us has made; none for what has another name.
pub(super) fn drop_table(table: &str) -> Option<SqlStr> {
    let digits = table.strip_prefix("vectors_")?;
    let is_ours = digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_ours.then(|| sql(format!("DROP TABLE IF EXISTS atelier.{table}")))
}

fn sql(text: String) -> SqlStr {
    AssertSqlSafe(text).into_sql_str()
}
