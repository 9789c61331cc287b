//! Ollama's own API, for what the chat API does not have: which models are there, fetching them,
//! and loading one before it is needed.
//!
//! Described at `docs/api.md` of Ollama: `/api/version`, `/api/tags`, `/api/ps`, `/api/pull`,
//! `/api/generate`.

use std::collections::VecDeque;
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use reqwest::{Client, RequestBuilder, Response, Url};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::endpoint::{connector, is_loopback, parse_base_url, root_cause};
use crate::error::{Error, Phase};
use crate::options::TimeoutOptions;

/// For everything that needs no model.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// A large model takes its time from a slow disk.
const LOAD_TIMEOUT: Duration = Duration::from_secs(300);
/// A server that fetches says something at least so often.
const SILENCE: Duration = Duration::from_secs(120);
/// No line of progress is longer.
const LINE_LIMIT_BYTES: usize = 64 * 1024;
/// No list of models is longer.
const LIST_LIMIT_BYTES: usize = 4 * 1024 * 1024;

/// An Ollama server.
pub struct Ollama {
    name: String,
    base: Url,
    client: Client,
}

/// A model it has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct InstalledModel {
    /// With its tag.
    pub name: String,
    /// On disk.
    #[serde(default)]
    pub size: Option<u64>,
    /// The SHA-256 of its manifest, in hexadecimal digits.
    #[serde(default)]
    pub digest: Option<String>,
    /// When it was fetched or made, as RFC 3339.
    #[serde(default)]
    pub modified_at: Option<String>,
}

/// How far it has come with fetching a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What it does, in its words.
    pub status: String,
    /// Bytes that are there.
    pub completed: Option<u64>,
    /// Bytes there will be.
    pub total: Option<u64>,
}

/// The progress of fetching a model: its end is the model's being there.
pub type ProgressStream = BoxStream<'static, Result<Progress, Error>>;

impl Ollama {
    /// The server that `base_url` of the provider `name` belongs to. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Options`] for a URL that cannot work.
    pub fn new(name: &str, base_url: &str) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Options { name: name.to_owned(), reason };
        let mut base = parse_base_url(base_url).map_err(wrong)?;
        let path = base.path().trim_end_matches('/').trim_end_matches("/v1").to_owned();
        base.set_path(&format!("{path}/api/"));
        let timeouts = TimeoutOptions { connect_ms: 2_000, ..TimeoutOptions::default() };
        let client = connector(&base, is_loopback(&base), timeouts).build();
        let client = client.map_err(|error| wrong(root_cause(&error)))?;
        Ok(Self { name: name.to_owned(), base, client })
    }

    /// Its version.
    ///
    /// # Errors
    /// When it does not answer, or is something else.
    pub async fn version(&self) -> Result<String, Error> {
        let answer = self.get("version").await?;
        let version = answer["version"].as_str();
        version.map(str::to_owned).ok_or_else(|| self.malformed("its version is missing"))
    }

    /// The models it has.
    ///
    /// # Errors
    /// When it does not answer, or is something else.
    pub async fn models(&self) -> Result<Vec<InstalledModel>, Error> {
        let mut answer = self.get("tags").await?;
        serde_json::from_value(answer["models"].take()).map_err(|error| self.malformed(&error.to_string()))
    }

    /// The names of the models that are in memory.
    ///
    /// # Errors
    /// When it does not answer, or is something else.
    pub async fn loaded(&self) -> Result<Vec<String>, Error> {
        let answer = self.get("ps").await?;
        let models = answer["models"].as_array().into_iter().flatten();
        Ok(models.filter_map(|model| model["name"].as_str().map(str::to_owned)).collect())
    }

    /// Loads a model into memory.
    ///
    /// # Errors
    /// When it does not answer or has no such model.
    pub async fn warm_up(&self, model: &str) -> Result<(), Error> {
        // Without a prompt it loads the model and says nothing.
        let call = self.client.post(self.url("generate")?).json(&json!({"model": model, "stream": false}));
        self.read(self.send(call, LOAD_TIMEOUT).await?, LOAD_TIMEOUT).await.map(|_| ())
    }

    /// Has it fetch a model.
    ///
    /// # Errors
    /// When it does not answer; later ones come through the stream, which then ends.
    pub async fn pull(&self, model: &str) -> Result<ProgressStream, Error> {
        let call = self.client.post(self.url("pull")?).json(&json!({"model": model, "stream": true}));
        let response = self.send(call, SILENCE).await?;
        let pull = Pull {
            name: self.name.clone(),
            body: response.bytes_stream().map(|bytes| bytes.map(Vec::from)).boxed(),
            rest: Vec::new(),
            waiting: VecDeque::new(),
            is_over: false,
        };
        Ok(stream::unfold(pull, |mut pull| async { pull.next().await.map(|next| (next, pull)) }).boxed())
    }

    fn url(&self, path: &str) -> Result<Url, Error> {
        self.base.join(path).map_err(|error| self.malformed(&error.to_string()))
    }

    async fn get(&self, path: &str) -> Result<Value, Error> {
        let response = self.send(self.client.get(self.url(path)?), ANSWER_TIMEOUT).await?;
        self.read(response, ANSWER_TIMEOUT).await
    }

    async fn send(&self, call: RequestBuilder, patience: Duration) -> Result<Response, Error> {
        let provider = self.name.clone();
        let response = match tokio::time::timeout(patience, call.send()).await {
            Err(_) => return Err(timeout(&self.name, patience)),
            Ok(Err(error)) => return Err(Error::Unreachable { provider, reason: root_cause(&error) }),
            Ok(Ok(response)) => response,
        };
        let status = response.status().as_u16();
        if response.status().is_success() {
            return Ok(response);
        }
        let body = self.read(response, ANSWER_TIMEOUT).await.unwrap_or_default();
        let message = said(body["error"].as_str().unwrap_or("it gave no reason"));
        Err(match status {
            400..=499 => Error::Rejected { provider, status, message },
            _ => Error::Upstream { provider, status, message, retry_after: None },
        })
    }

    async fn read(&self, response: Response, patience: Duration) -> Result<Value, Error> {
        let mut body = Vec::new();
        let mut pieces = response.bytes_stream();
        let whole = async {
            while let Some(piece) = pieces.next().await {
                body.extend_from_slice(&piece.map_err(|error| broken(&self.name, &error))?);
                if body.len() > LIST_LIMIT_BYTES {
                    return Err(Error::TooLarge {
                        provider: self.name.clone(),
                        limit_bytes: LIST_LIMIT_BYTES,
                    });
                }
            }
            Ok(())
        };
        tokio::time::timeout(patience, whole).await.map_err(|_| timeout(&self.name, patience))??;
        serde_json::from_slice(&body).map_err(|error| self.malformed(&error.to_string()))
    }

    fn malformed(&self, reason: &str) -> Error {
        Error::Malformed { provider: self.name.clone(), reason: said(reason) }
    }
}

/// The lines of progress, one JSON object each.
struct Pull {
    name: String,
    body: BoxStream<'static, reqwest::Result<Vec<u8>>>,
    rest: Vec<u8>,
    waiting: VecDeque<Vec<u8>>,
    is_over: bool,
}

impl Pull {
    async fn next(&mut self) -> Option<Result<Progress, Error>> {
        loop {
            if self.is_over {
                return None;
            }
            if let Some(line) = self.waiting.pop_front() {
                let read = self.read(&line);
                self.is_over = read.as_ref().map_or(true, |progress| progress.status == "success");
                return Some(read);
            }
            if let Err(error) = self.more().await {
                self.is_over = true;
                return Some(Err(error));
            }
        }
    }

    async fn more(&mut self) -> Result<(), Error> {
        let name = &self.name;
        let piece =
            tokio::time::timeout(SILENCE, self.body.next()).await.map_err(|_| timeout(name, SILENCE))?;
        let interrupted = |reason: &str| Error::Interrupted { provider: name.clone(), reason: reason.into() };
        let piece = piece.ok_or_else(|| interrupted("the progress ended before the model was there"))?;
        self.rest.extend(piece.map_err(|error| broken(name, &error))?);
        while let Some(end) = memchr::memchr(b'\n', &self.rest) {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            if !line.trim_ascii().is_empty() {
                self.waiting.push_back(line);
            }
        }
        if self.rest.len() > LINE_LIMIT_BYTES {
            return Err(Error::TooLarge { provider: name.clone(), limit_bytes: LINE_LIMIT_BYTES });
        }
        Ok(())
    }

    fn read(&self, line: &[u8]) -> Result<Progress, Error> {
        let provider = self.name.clone();
        let line: Value = serde_json::from_slice(line).map_err(|error| Error::Malformed {
            provider: provider.clone(),
            reason: said(&error.to_string()),
        })?;
        if let Some(message) = line["error"].as_str() {
            return Err(Error::StreamFailed { provider, message: said(message) });
        }
        let status = said(line["status"].as_str().unwrap_or_default());
        Ok(Progress { status, completed: line["completed"].as_u64(), total: line["total"].as_u64() })
    }
}

/// A model's name with its tag.
pub fn with_tag(id: &str) -> String {
    let last = id.rsplit('/').next().unwrap_or(id);
    if last.contains(':') { id.to_owned() } else { format!("{id}:latest") }
}

/// A server's words on one line, short enough for a message.
fn said(text: &str) -> String {
    const MOST_CHARS: usize = 300;
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MOST_CHARS).collect()
}

fn timeout(provider: &str, patience: Duration) -> Error {
    let after_ms = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
    Error::Timeout { provider: provider.to_owned(), phase: Phase::Total, after_ms }
}

fn broken(provider: &str, error: &reqwest::Error) -> Error {
    Error::Interrupted { provider: provider.to_owned(), reason: root_cause(error) }
}
