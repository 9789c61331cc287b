//! The calls about what agents note and about the log of decisions and errors, and what is read of
//! their answers.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::wire::List;
use super::{Answer, Call, Client, Result};

/// What an agent noted under a key.
#[derive(Debug, Deserialize)]
pub struct Fact {
    /// The key.
    pub key: String,
    /// The value.
    #[serde(default)]
    pub value: Value,
    /// Which version of the key it is.
    #[serde(default)]
    pub version: u64,
    /// When it was written.
    #[serde(default)]
    pub updated_at: String,
    /// From when on it is gone.
    #[serde(default)]
    pub expires_at: Option<String>,
}

/// A version of a key.
#[derive(Debug, Deserialize)]
pub struct FactVersion {
    /// Which one.
    pub version: u64,
    /// Whether the key was taken back.
    #[serde(default)]
    pub is_deleted: bool,
    /// The value.
    #[serde(default)]
    pub value: Value,
    /// When it was written.
    #[serde(default)]
    pub written_at: String,
    /// Who wrote it.
    #[serde(default)]
    pub written_by: String,
}

/// An entry of the log.
#[derive(Debug, Deserialize)]
pub struct LogEntry {
    /// The entry.
    pub id: String,
    /// The agent that decided or failed.
    #[serde(default)]
    pub agent: Option<String>,
    /// What was decided or failed.
    pub title: String,
    /// Why, or all that is known.
    #[serde(default)]
    pub detail: String,
    /// The decision that took its place.
    #[serde(default)]
    pub superseded_by: Option<String>,
    /// When it was seen last.
    #[serde(default)]
    pub last_at: String,
    /// How often it was seen.
    #[serde(default)]
    pub count: u64,
}

/// Which entries of the log.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    /// A question.
    pub question: Option<String>,
    /// Of this agent.
    pub agent: Option<String>,
    /// Seen in this run.
    pub run_id: Option<String>,
    /// At most so many.
    pub limit: u32,
}

impl Client {
    /// What an agent noted, what was written last first.
    pub async fn facts(&self, agent: &str, prefix: Option<&str>, limit: u32) -> Result<Answer<List<Fact>>> {
        let call = Call::get(["api", "v1", "agents", agent, "memory"]);
        self.ask(call.query("prefix", prefix).query("limit", Some(limit))).await
    }

    /// What an agent noted under a key.
    pub async fn fact(&self, agent: &str, key: &str) -> Result<Answer<Fact>> {
        self.ask(Call::get(["api", "v1", "agents", agent, "memory", key])).await
    }

    /// What was noted under a key, the newest first.
    pub async fn fact_history(&self, agent: &str, key: &str) -> Result<Answer<List<FactVersion>>> {
        self.ask(Call::get(["api", "v1", "agents", agent, "memory", key, "history"])).await
    }

    /// Notes something for an agent. The body is as the server takes it.
    pub async fn set_fact(&self, agent: &str, key: &str, body: Value) -> Result<Answer<Fact>> {
        let call = Call::new(Method::PUT, ["api", "v1", "agents", agent, "memory", key]);
        self.ask(Call { body: Some(body), ..call }).await
    }

    /// Takes back what an agent noted under a key.
    pub async fn delete_fact(&self, agent: &str, key: &str) -> Result<()> {
        self.send(&Call::new(Method::DELETE, ["api", "v1", "agents", agent, "memory", key])).await?;
        Ok(())
    }

    /// The log in one of its kinds: `decisions` or `errors`.
    pub async fn memory_log(&self, kind: &str, query: &LogQuery) -> Result<Answer<List<LogEntry>>> {
        let call = Call::get(["api", "v1", "memory", kind])
            .query("q", query.question.as_ref())
            .query("agent", query.agent.as_ref())
            .query("run_id", query.run_id.as_ref())
            .query("limit", Some(query.limit));
        self.ask(call).await
    }

    /// Logs a decision.
    pub async fn decide(
        &self,
        title: &str,
        detail: &str,
        agent: Option<&str>,
        supersedes: Option<&str>,
    ) -> Result<Answer<LogEntry>> {
        let body = json!({ "title": title, "detail": detail, "agent": agent, "supersedes": supersedes });
        self.ask(Call::post(["api", "v1", "memory", "decisions"], body)).await
    }
}
