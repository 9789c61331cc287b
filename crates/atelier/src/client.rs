//! Talks to a server over HTTP, as any other program would.
//!
//! Every answer is kept both as it came, for `--json`, and read into the few members the command
//! line shows. A refusal becomes a [`Problem`]. When the server of a workspace folder has moved, to
//! another port after a restart say, the client finds it again by itself.
//!
//! Start reading at [`Client`], then [`stream`] for events and [`local`] for how a server is found.

mod calls;
mod connectors;
pub mod local;
pub mod mcp;
pub mod memory;
mod models;
pub mod problem;
mod sse;
pub mod stream;
pub mod studio;
pub mod terminal;
#[cfg(test)]
mod tests;
pub mod tiers;
pub mod turn;
pub mod wire;

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use futures::TryFutureExt;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::io::ReaderStream;

pub use calls::{NewFile, NewRun, RunsQuery};
pub use problem::Problem;

/// A result whose error is [`Problem`].
pub type Result<T, E = Problem> = std::result::Result<T, E>;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an ordinary answer may take; the server gives up before that.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

/// Where a server is, and what opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its address, up to the host and port.
    pub url: Url,
    /// The bearer token.
    pub token: Option<String>,
}

/// How to find the server again when it is no longer where it was.
#[derive(Clone, Debug)]
pub enum Source {
    /// It was named; there is no other place to look.
    Named,
    /// It serves this workspace folder and says there where it is.
    Folder(PathBuf),
}

/// A connection to a server.
pub struct Client {
    http: reqwest::Client,
    endpoint: Mutex<Endpoint>,
    source: Source,
}

/// An answer as it came, and what was read from it.
#[derive(Debug)]
pub struct Answer<T> {
    /// The JSON as it came.
    pub raw: Value,
    read: T,
}

impl<T> Deref for Answer<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.read
    }
}

/// A request before it is bound to an address.
struct Call<'a> {
    method: Method,
    /// The path's segments, not yet encoded.
    path: Vec<&'a str>,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
    /// Sent as they are, in place of a body.
    bytes: Option<Vec<u8>>,
    /// Sent piece by piece, in place of a body.
    file: Option<PathBuf>,
    accept: &'static str,
    idempotency_key: Option<String>,
    timeout: Duration,
}

impl<'a> Call<'a> {
    fn new(method: Method, path: impl IntoIterator<Item = &'a str>) -> Self {
        let path = path.into_iter().collect();
        Self {
            method,
            path,
            query: Vec::new(),
            body: None,
            bytes: None,
            file: None,
            accept: "*/*",
            idempotency_key: None,
            timeout: ANSWER_TIMEOUT,
        }
    }

    fn get(path: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(Method::GET, path)
    }

    fn post(path: impl IntoIterator<Item = &'a str>, body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::POST, path) }
    }

    fn query(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }
}

impl Client {
    /// A client of the server at `endpoint`. It sends nothing yet.
    ///
    /// # Errors
    /// When no HTTP client can be made on this machine.
    pub fn new(endpoint: Endpoint, source: Source) -> Result<Self> {
        // A second installation is refused, which is just as well: then there is a provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("atelier/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true);
        if is_loopback(&endpoint.url) {
            builder = builder.no_proxy();
        }
        if endpoint.url.scheme() == "http" {
            // No certificates are needed, and there may be none on this machine.
            builder = builder.tls_certs_only([]);
        }
        let http = builder
            .build()
            .map_err(|error| Problem::internal(format!("No HTTP client can be made: {error}")))?;
        Ok(Self { http, endpoint: Mutex::new(endpoint), source })
    }

    /// Where the server is now.
    pub fn url(&self) -> Url {
        self.endpoint().url
    }

    fn endpoint(&self) -> Endpoint {
        self.endpoint.lock().expect("no one panics while holding the endpoint").clone()
    }

    /// Looks whether the server has moved. Tells whether it has.
    pub(super) fn relocate(&self) -> bool {
        let Source::Folder(folder) = &self.source else { return false };
        let Some(announced) = local::announced(folder) else { return false };
        let mut endpoint = self.endpoint.lock().expect("no one panics while holding the endpoint");
        let moved = *endpoint != announced.endpoint;
        *endpoint = announced.endpoint;
        moved
    }

    async fn ask<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<Answer<T>> {
        let response = self.send(&call).await?;
        let bytes = response.bytes().await.map_err(|error| self.broken(&error))?;
        let raw: Value = serde_json::from_slice(&bytes).map_err(|_| self.not_atelier())?;
        let read = T::deserialize(&raw).map_err(|error| {
            Problem::internal(format!("The server's answer is not understood: {error}")).with_hint(
                "The server may be of another version; `atelier version` and GET /api/v1/health tell both",
            )
        })?;
        Ok(Answer { raw, read })
    }

    /// Sends a request, once more if the server has moved, and turns refusals into problems.
    async fn send(&self, call: &Call<'_>) -> Result<Response> {
        for last in [false, true] {
            match self.request(call).send().await {
                Ok(response) if response.status() == StatusCode::UNAUTHORIZED && !last && self.relocate() => {
                }
                Ok(response) => return self.accept(response).await,
                Err(error) if error.is_connect() && !last && self.relocate() => {}
                Err(error) => return Err(self.broken(&error)),
            }
        }
        unreachable!("the last attempt returns")
    }

    fn request(&self, call: &Call<'_>) -> RequestBuilder {
        let Endpoint { mut url, token } = self.endpoint();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(&call.path);
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let mut request =
            self.http.request(call.method.clone(), url).timeout(call.timeout).header(ACCEPT, call.accept);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(key) = &call.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        if let Some(path) = &call.file {
            return request.header(CONTENT_TYPE, "application/octet-stream").body(file_body(path.clone()));
        }
        match (&call.body, &call.bytes) {
            (Some(body), _) => request.json(body),
            (None, Some(bytes)) => {
                request.header(CONTENT_TYPE, "application/octet-stream").body(bytes.clone())
            }
            (None, None) => request,
        }
    }

    async fn accept(&self, response: Response) -> Result<Response> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.bytes().await.unwrap_or_default();
        Err(Problem::from_response(status.as_u16(), &body).unwrap_or_else(|| self.not_atelier()))
    }

    fn broken(&self, error: &reqwest::Error) -> Problem {
        let url = self.url();
        if error.is_timeout() && !error.is_connect() {
            return Problem::unavailable("no_answer", format!("The server at {url} does not answer in time"))
                .with_hint("Look into its log, or try again");
        }
        let hint = match self.source {
            Source::Named => "Check --url or ATELIER_URL, and that the server runs",
            Source::Folder(_) => "It may have been stopped; run the command again",
        };
        Problem::unavailable(
            "server_unreachable",
            format!("No Atelier can be reached at {url} ({})", root_cause(error)),
        )
        .with_hint(hint)
    }

    fn not_atelier(&self) -> Problem {
        Problem::unavailable(
            "not_atelier",
            format!("What answers at {} is not an Atelier server", self.url()),
        )
        .with_hint("Check --url or ATELIER_URL")
    }
}

/// A file as the body of a request, opened when it is sent.
fn file_body(path: PathBuf) -> reqwest::Body {
    let opened = async { tokio::fs::File::open(path).await.map(ReaderStream::new) };
    reqwest::Body::wrap_stream(opened.try_flatten_stream())
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The innermost cause, which is what a person can act on.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
