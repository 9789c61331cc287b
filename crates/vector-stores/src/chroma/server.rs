//! What is said to Chroma: the second version of its HTTP interface.
//!
//! Invariant: what opens the server is in headers that are marked as sensitive, and in no URL, so that
//! no error can hold it.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memory::Near;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Client, Method, StatusCode, Url};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::address::{Store, is_loopback};
use crate::error::Error;

const CONNECT: Duration = Duration::from_secs(10);
/// The longest answer to wait for, which is that to a thousand vectors.
const ANSWER: Duration = Duration::from_secs(100);
/// How many collections are listed at once.
const LISTED: usize = 100;
/// How much of what it says about a failure is passed on.
const REASON_CHARS: usize = 200;

/// Chroma, or a proxy before it.
#[derive(Clone)]
pub(crate) struct Server {
    client: Client,
    /// Up to and including `/api/v2`.
    base: Url,
    tenant: String,
    database: String,
    /// As it is shown.
    shown: String,
}

/// A collection as it is described in its own metadata.
#[derive(Clone, Debug)]
pub(super) struct Collection {
    pub id: String,
    pub name: String,
    pub workspace: String,
    pub embedder: String,
    pub position: u64,
}

/// Why there is no answer.
pub(super) enum NotThere {
    /// The collection is gone.
    Gone(Error),
    /// Anything else.
    Failed(Error),
}

impl From<NotThere> for Error {
    fn from(from: NotThere) -> Self {
        match from {
            NotThere::Gone(error) | NotThere::Failed(error) => error,
        }
    }
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    name: String,
    #[serde(default)]
    metadata: Option<Value>,
}

impl From<Listed> for Collection {
    fn from(listed: Listed) -> Self {
        let metadata = listed.metadata.unwrap_or_default();
        let text = |key: &str| metadata[key].as_str().unwrap_or_default().to_owned();
        let position = metadata["position"].as_u64().unwrap_or_default();
        let (workspace, embedder) = (text("workspace"), text("embedder"));
        Self { id: listed.id, name: listed.name, workspace, embedder, position }
    }
}

impl Collection {
    fn metadata(&self) -> Value {
        json!({ "workspace": self.workspace, "embedder": self.embedder, "position": self.position })
    }
}

#[derive(Deserialize)]
struct Rows {
    ids: Vec<String>,
    #[serde(default)]
    embeddings: Option<Vec<Vec<f32>>>,
}

#[derive(Deserialize)]
struct NearestRows {
    ids: Vec<Vec<String>>,
    #[serde(default)]
    distances: Option<Vec<Vec<f32>>>,
}

impl Server {
    /// The server at `url`, whose password or else `secret` is the token.
    pub fn new(mut url: Url, secret: Option<&str>) -> Result<Self, Error> {
        let invalid = |reason: &str| Error::InvalidAddress { store: Store::Chroma, reason: reason.into() };
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("it can have neither `?` nor `#`"));
        }
        if url.host_str().is_none() {
            return Err(invalid("it names no host"));
        }
        let token = secret.or(url.password()).map(str::to_owned);
        // Neither fails for a URL with a host.
        let _ = url.set_password(None).and_then(|()| url.set_username(""));
        let shown = url.to_string();
        let parts: Vec<String> =
            url.path().split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let (tenant, database) = match parts.as_slice() {
            [] => ("default_tenant".to_owned(), "default_database".to_owned()),
            [tenant, database] => (tenant.clone(), database.clone()),
            _ => return Err(invalid("what follows its host can only be /tenant/database")),
        };
        url.set_path("/api/v2");
        let client = client(&url, token.as_deref()).map_err(invalid)?;
        Ok(Self { client, base: url, tenant, database, shown })
    }

    pub fn is_loopback(&self) -> bool {
        is_loopback(self.base.host_str().unwrap_or_default())
    }

    /// What answers, with its version.
    pub async fn check(&self) -> Result<String, Error> {
        let version = self.ask(Method::GET, &["version"], None).await?;
        self.ask(Method::GET, &self.of_database(&[]), None).await?;
        Ok(format!("Chroma {}", version.as_str().unwrap_or("of an unknown version")))
    }

    pub(super) async fn find_or_create(&self, wanted: &Collection) -> Result<Collection, Error> {
        match self.find(&wanted.name).await {
            Ok(found) => return Ok(found),
            Err(NotThere::Failed(error)) => return Err(error),
            Err(NotThere::Gone(_)) => {}
        }
        let body = json!({
            "name": wanted.name,
            "metadata": wanted.metadata(),
            "get_or_create": true,
            "configuration": { "hnsw": {
                "space": "ip", "ef_construction": 128, "ef_search": 400, "max_neighbors": 24,
            } },
        });
        let made = self.ask(Method::POST, &self.of_database(&["collections"]), Some(body)).await?;
        Ok(read::<Listed>(made)?.into())
    }

    async fn find(&self, name: &str) -> Result<Collection, NotThere> {
        let found = self.ask(Method::GET, &self.of_database(&["collections", name]), None).await?;
        Ok(read::<Listed>(found).map_err(NotThere::Failed)?.into())
    }

    pub(super) async fn position(&self, name: &str) -> Result<u64, NotThere> {
        Ok(self.find(name).await?.position)
    }

    pub(super) async fn list(&self) -> Result<Vec<Collection>, Error> {
        let mut all: Vec<Collection> = Vec::new();
        loop {
            let path = self.of_database(&["collections"]);
            let page = [("limit", LISTED), ("offset", all.len())];
            let listed: Vec<Listed> = read(self.send(Method::GET, &path, &page, None).await?)?;
            let is_last = listed.len() < LISTED;
            all.extend(listed.into_iter().map(Collection::from));
            if is_last {
                return Ok(all);
            }
        }
    }

    /// Removes a collection that may be gone already.
    pub(super) async fn delete(&self, name: &str) -> Result<(), Error> {
        match self.ask(Method::DELETE, &self.of_database(&["collections", name]), None).await {
            Ok(_) | Err(NotThere::Gone(_)) => Ok(()),
            Err(NotThere::Failed(error)) => Err(error),
        }
    }

    pub(super) async fn describe(&self, id: &str, collection: &Collection) -> Result<(), NotThere> {
        let body = json!({ "new_metadata": collection.metadata() });
        self.ask(Method::PUT, &self.of_database(&["collections", id]), Some(body)).await.map(drop)
    }

    pub(super) async fn remove(&self, id: &str, numbers: &[u32]) -> Result<(), NotThere> {
        self.ask_collection(id, "delete", json!({ "ids": ids(numbers) })).await.map(drop)
    }

    pub(super) async fn put(&self, id: &str, rows: &[(u32, Vec<f32>)]) -> Result<(), NotThere> {
        let numbers: Vec<u32> = rows.iter().map(|(number, _)| *number).collect();
        let encoded = |(_, vector): &(u32, Vec<f32>)| {
            STANDARD.encode(vector.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>())
        };
        let embeddings: Vec<String> = rows.iter().map(encoded).collect();
        let body = json!({ "ids": ids(&numbers), "embeddings": embeddings });
        self.ask_collection(id, "upsert", body).await.map(drop)
    }

    /// The vectors of those of these chunks that have one.
    pub(super) async fn vectors(&self, id: &str, numbers: &[u32]) -> Result<Vec<(u32, Vec<f32>)>, NotThere> {
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let body = json!({ "ids": ids(numbers), "include": ["embeddings"] });
        let rows: Rows = read(self.ask_collection(id, "get", body).await?).map_err(NotThere::Failed)?;
        let vectors = rows.embeddings.unwrap_or_default();
        rows.ids.iter().zip(vectors).map(|(id, vector)| Ok((number(id)?, vector))).collect()
    }

    /// The chunks nearest to a vector, in no order; fewer than asked for when there are no more.
    pub(super) async fn nearest(
        &self,
        id: &str,
        vector: &[f32],
        count: usize,
    ) -> Result<Vec<Near>, NotThere> {
        let body = json!({ "query_embeddings": [vector], "n_results": count, "include": ["distances"] });
        let rows: NearestRows =
            read(self.ask_collection(id, "query", body).await?).map_err(NotThere::Failed)?;
        let ids = rows.ids.into_iter().flatten();
        let near =
            |(id, distance): (String, f32)| Ok(Near { number: number(&id)?, similarity: 1.0 - distance });
        ids.zip(rows.distances.unwrap_or_default().into_iter().flatten()).map(near).collect()
    }

    pub(super) async fn count(&self, id: &str) -> Result<u64, NotThere> {
        let count = self.ask(Method::GET, &self.of_database(&["collections", id, "count"]), None).await?;
        read(count).map_err(NotThere::Failed)
    }

    async fn ask_collection(&self, id: &str, what: &str, body: Value) -> Result<Value, NotThere> {
        self.ask(Method::POST, &self.of_database(&["collections", id, what]), Some(body)).await
    }

    fn of_database<'a>(&'a self, path: &[&'a str]) -> Vec<&'a str> {
        [&["tenants", &self.tenant, "databases", &self.database], path].concat()
    }

    async fn ask(&self, method: Method, path: &[&str], body: Option<Value>) -> Result<Value, NotThere> {
        self.send(method, path, &[], body).await
    }

    async fn send(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, usize)],
        body: Option<Value>,
    ) -> Result<Value, NotThere> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(path);
        }
        url.query_pairs_mut().extend_pairs(query.iter().map(|(name, value)| (name, value.to_string())));
        let mut request = self.client.request(method, url);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let away = |error: reqwest::Error| NotThere::Failed(unreachable(&error));
        let response = request.send().await.map_err(away)?;
        let status = response.status();
        let text = response.text().await.map_err(away)?;
        if status.is_success() {
            return read_text(&text).map_err(NotThere::Failed);
        }
        let refused = Error::Refused { store: Store::Chroma, reason: reason(status, &text) };
        Err(if status == StatusCode::NOT_FOUND { NotThere::Gone(refused) } else { NotThere::Failed(refused) })
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

fn client(base: &Url, token: Option<&str>) -> Result<Client, &'static str> {
    // A second installation is refused, which is just as well: then there is a provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut headers = HeaderMap::new();
    if let Some(token) = token {
        let held = |text: &str| {
            let mut value =
                HeaderValue::from_str(text).map_err(|_| "its token holds characters no token can hold")?;
            value.set_sensitive(true);
            Ok::<_, &'static str>(value)
        };
        // The first is what its own cloud reads, the second what a proxy before it does.
        headers.insert("x-chroma-token", held(token)?);
        headers.insert(AUTHORIZATION, held(&format!("Bearer {token}"))?);
    }
    let mut builder = Client::builder()
        .user_agent(concat!("atelier/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .timeout(ANSWER)
        .default_headers(headers);
    if is_loopback(base.host_str().unwrap_or_default()) {
        builder = builder.no_proxy();
    }
    if base.scheme() == "http" {
        // No certificates are needed, and a machine may have none.
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|_| "no HTTP client can be made for it")
}

fn ids(numbers: &[u32]) -> Vec<String> {
    numbers.iter().map(u32::to_string).collect()
}

fn number(id: &str) -> Result<u32, NotThere> {
    id.parse().map_err(|_| {
        NotThere::Failed(Error::Refused { store: Store::Chroma, reason: "it holds what is not ours".into() })
    })
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(unreadable)
}

fn read_text(text: &str) -> Result<Value, Error> {
    if text.is_empty() { Ok(Value::Null) } else { serde_json::from_str(text).map_err(unreadable) }
}

fn unreadable(error: serde_json::Error) -> Error {
    Error::Refused { store: Store::Chroma, reason: format!("its answer cannot be read ({error})") }
}

fn unreachable(error: &reqwest::Error) -> Error {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let reason = if error.is_timeout() { "no answer in time".into() } else { cause.to_string() };
    Error::Unreachable { store: Store::Chroma, reason }
}

/// What it says about a failure, in a line.
fn reason(status: StatusCode, text: &str) -> String {
    let answer: Value = serde_json::from_str(text).unwrap_or_default();
    let message = answer["message"].as_str().unwrap_or(text);
    let line: String = message.chars().filter(|letter| !letter.is_control()).take(REASON_CHARS).collect();
    format!("{status}: {line}")
}
