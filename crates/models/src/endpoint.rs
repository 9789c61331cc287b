//! The adapter for every provider that is asked over HTTP, whichever dialect it speaks.
//!
//! It asks for a stream, since only a stream tells a slow answer from a dead one, and understands a
//! server that answers in one piece all the same; only what a client of the same dialect wants
//! whole is asked for and passed on whole. One call is one attempt.
//!
//! Invariants: what goes to a local endpoint passes no proxy, follows no redirect and resolves
//! `localhost` without asking anyone, so that it does stay on this machine; the key travels in one
//! header, marked as sensitive, and nowhere else.

mod reading;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use kernel::Clock;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, Response, Url};
use tokio::time::{Instant, timeout_at};

use crate::dialect::{self, Dialect, Quirks, anthropic, gemini};
use crate::error::{Error, Phase};
use crate::message::{Completion, Request};
use crate::options::{ProviderOptions, TimeoutOptions};
use crate::provider::{Provider, Said, SaidStream};
use crate::retry::parse_retry_after;
use crate::secret::ApiKey;
use reading::{Deadlines, Reading};

/// No answer may be larger, counted as it comes over the wire.
const ANSWER_LIMIT_BYTES: usize = 16 * 1024 * 1024;
/// An error's body is read up to here and quoted up to [`QUOTE_CHARS`].
const ERROR_BODY_LIMIT_BYTES: usize = 64 * 1024;
const QUOTE_CHARS: usize = 300;
/// Connections to a provider that are kept open with nothing to do. Without a limit, all that a rush
/// opened would stay.
const MOST_IDLE: usize = 32;
/// A list of models is read up to here.
const MODELS_LIMIT_BYTES: usize = 4 * 1024 * 1024;

/// A provider behind a URL.
pub struct Endpoint {
    name: String,
    model: String,
    base: Url,
    models: Url,
    is_local: bool,
    dialect: Dialect,
    quirks: Quirks,
    api_key: Option<ApiKey>,
    client: Client,
    timeouts: TimeoutOptions,
    answer_limit_bytes: usize,
    clock: Arc<dyn Clock>,
}

impl Endpoint {
    /// Prepares the endpoint; nothing is sent yet. `clock` is for `Retry-After` dates.
    ///
    /// # Errors
    /// [`Error::Options`] for a base URL or a key that cannot work.
    pub fn new(
        options: &ProviderOptions,
        timeouts: TimeoutOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let timeouts = options.timeouts.unwrap_or(timeouts);
        let wrong = |reason: String| Error::Options { name: options.name.clone(), reason };
        let base = parse_base_url(&options.base_url).map_err(wrong)?;
        if options.model.trim().is_empty() {
            return Err(wrong("it names no model".into()));
        }
        let join = |path: &str| base.join(path).map_err(|error| wrong(error.to_string()));
        let is_local = is_loopback(&base);
        if options.api_key.is_some() && base.scheme() == "http" && !is_local {
            tracing::warn!(provider = %options.name, "the key is sent unencrypted: the base URL is not https");
        }
        let quirks = Quirks::of(base.host_str().unwrap_or_default());
        let client = build_client(&base, options, is_local, timeouts).map_err(wrong)?;
        Ok(Self {
            name: options.name.clone(),
            model: options.model.trim().to_owned(),
            models: join(options.dialect.models_path())?,
            base,
            is_local,
            dialect: options.dialect,
            quirks,
            client,
            api_key: options.api_key.clone(),
            timeouts,
            answer_limit_bytes: ANSWER_LIMIT_BYTES,
            clock,
        })
    }

    /// Accepts answers up to this size instead of 16 MiB.
    #[must_use]
    pub fn with_answer_limit(mut self, bytes: usize) -> Self {
        self.answer_limit_bytes = bytes;
        self
    }

    async fn send(&self, request: reqwest::RequestBuilder, deadlines: &Deadlines) -> Result<Response, Error> {
        let (deadline, phase) = deadlines.next();
        let response = match timeout_at(deadline, request.send()).await {
            Err(_) => return Err(self.timeout(phase)),
            Ok(Err(error)) => return Err(self.unsent(&error)),
            Ok(Ok(response)) => response,
        };
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refusal(response, deadlines).await)
    }

    fn timeout(&self, phase: Phase) -> Error {
        reading::timeout(&self.name, phase, self.timeouts)
    }

    fn unsent(&self, error: &reqwest::Error) -> Error {
        if error.is_timeout() && error.is_connect() {
            return self.timeout(Phase::Connect);
        }
        let (provider, reason) = (self.name.clone(), root_cause(error));
        if error.is_connect() {
            Error::Unreachable { provider, reason }
        } else {
            Error::Interrupted { provider, reason }
        }
    }

    /// What a status other than success means.
    async fn refusal(&self, response: Response, deadlines: &Deadlines) -> Error {
        let (provider, status) = (self.name.clone(), response.status().as_u16());
        let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = header.and_then(|value| parse_retry_after(value, self.clock.now()));
        let body = read_up_to(response, ERROR_BODY_LIMIT_BYTES, deadlines.next().0).await;
        let message = quote(&dialect::error_message(&body), self.api_key.as_ref());
        let retry_after = retry_after.or_else(|| gemini::retry_delay(&body));
        match status {
            400 if gemini::refuses_key(&body) => Error::KeyRefused { provider, status, message },
            401 | 403 => Error::KeyRefused { provider, status, message },
            429 => Error::RateLimited { provider, message, retry_after },
            408 | 425 => Error::Upstream { provider, status, message, retry_after },
            400 | 413 if dialect::says_too_long(&body) => Error::ContextTooLong { provider, message },
            404 => Error::NotFound { provider, message },
            400..=499 => Error::Rejected { provider, status, message },
            _ => Error::Upstream { provider, status, message, retry_after },
        }
    }
}

impl Endpoint {
    /// Where a model's answers are asked for.
    fn answers(&self, model: &str, stream: bool) -> Url {
        let mut url = self.base.clone();
        let (path, query) = self.dialect.answers_path(model, stream);
        if let Ok(mut segments) = url.path_segments_mut() {
            // A model's name is the client's: it stays within its segment.
            segments.pop_if_empty().extend(path.split('/'));
        }
        url.set_query(query);
        url
    }

    /// The whole answer to a document at `path` below the base URL; for what is not a conversation.
    pub(crate) async fn post(&self, path: &str, body: String) -> Result<Vec<u8>, Error> {
        let deadlines = Deadlines::of_document(Instant::now(), self.timeouts);
        let wrong = |reason: String| Error::Options { name: self.name.clone(), reason };
        let url = self.models.join(path).map_err(|error| wrong(error.to_string()))?;
        let call = self.client.post(url).header(ACCEPT, "application/json");
        let call = call.header(CONTENT_TYPE, "application/json").body(body);
        let response = self.send(call, &deadlines).await?;
        let (deadline, phase) = deadlines.next();
        let (mut stream, mut whole) = (response.bytes_stream(), Vec::new());
        while let Some(bytes) = timeout_at(deadline, stream.next()).await.map_err(|_| self.timeout(phase))? {
            whole.extend_from_slice(&bytes.map_err(|error| self.unsent(&error))?);
            if whole.len() > self.answer_limit_bytes {
                let (provider, limit_bytes) = (self.name.clone(), self.answer_limit_bytes);
                return Err(Error::TooLarge { provider, limit_bytes });
            }
        }
        Ok(whole)
    }

    /// Sends the request and gives what is needed to read the answer.
    async fn ask(&self, request: &Request, stream: bool) -> Result<(Reading, Response, String), Error> {
        let started = Instant::now();
        let deadlines = if stream {
            Deadlines::from(started, self.timeouts)
        } else {
            Deadlines::of_document(started, self.timeouts)
        };
        let body = self.dialect.encode(request, &self.model, self.quirks, stream);
        let accepted = if stream { "text/event-stream" } else { "application/json" };
        let model = request.model.as_deref().unwrap_or(&self.model);
        let call = self.client.post(self.answers(model, stream)).header(ACCEPT, accepted);
        let call = call.header(CONTENT_TYPE, "application/json").body(body);
        let response = self.send(call, &deadlines).await?;
        let content_type = response.headers().get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let reading = Reading {
            provider: self.name.clone(),
            model: model.to_owned(),
            dialect: self.dialect,
            passes_on: request.raw.as_ref().is_some_and(|raw| raw.dialect == self.dialect),
            request: Request { raw: None, ..request.clone() },
            api_key: self.api_key.clone(),
            timeouts: self.timeouts,
            limit_bytes: self.answer_limit_bytes,
            started,
            deadlines,
        };
        Ok((reading, response, content_type))
    }
}

#[async_trait]
impl Provider for Endpoint {
    fn name(&self) -> &str {
        &self.name
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn is_local(&self) -> bool {
        self.is_local
    }

    fn dialect(&self) -> Option<Dialect> {
        Some(self.dialect)
    }

    async fn stream(&self, request: &Request) -> Result<SaidStream, Error> {
        let (reading, response, content_type) = self.ask(request, true).await?;
        Ok(reading.said(response.bytes_stream().boxed(), &content_type))
    }

    async fn complete(&self, request: &Request) -> Result<Completion, Error> {
        // A client of the gateway that wants it whole gets it as it came. Whoever else asks has more
        // from a stream: that it stalls is seen long before its time is up.
        let (reading, response, content_type) = self.ask(request, request.raw.is_none()).await?;
        let mut said = reading.said(response.bytes_stream().boxed(), &content_type);
        while let Some(next) = said.next().await {
            if let Said::Finished(completion) = next? {
                return Ok(completion);
            }
        }
        Err(Error::Interrupted { provider: self.name.clone(), reason: "the stream just ended".into() })
    }

    async fn check(&self) -> Result<Vec<String>, Error> {
        let deadlines = Deadlines::from(Instant::now(), self.timeouts);
        let response = self.send(self.client.get(self.models.clone()), &deadlines).await?;
        let body = read_up_to(response, MODELS_LIMIT_BYTES, deadlines.next().0).await;
        // One that does not list its models answers all the same.
        let list: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let models = list["data"].as_array().or(list["models"].as_array());
        let id = |model: &serde_json::Value| {
            let name = model["id"].as_str().or(model["name"].as_str())?;
            Some(name.strip_prefix("models/").unwrap_or(name).to_owned())
        };
        Ok(models.into_iter().flatten().filter_map(id).collect())
    }
}

pub(crate) fn parse_base_url(text: &str) -> Result<Url, String> {
    let mut url = Url::parse(text.trim()).map_err(|error| format!("its base URL is not a URL ({error})"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err("its base URL must begin with http:// or https://".into());
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err("its base URL must not carry a user, a password or a query; use `api_key`".into());
    }
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/');
    let path = Dialect::ENDINGS.iter().fold(path, |path, ending| path.trim_end_matches(ending));
    let path = format!("{path}/");
    url.set_path(&path);
    Ok(url)
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn build_client(
    base: &Url,
    options: &ProviderOptions,
    is_local: bool,
    timeouts: TimeoutOptions,
) -> Result<Client, String> {
    let mut headers = HeaderMap::new();
    if let Some(key) = &options.api_key {
        let (name, value) = match options.dialect {
            Dialect::Chat | Dialect::Responses => (AUTHORIZATION, format!("Bearer {}", key.expose())),
            Dialect::Anthropic => (HeaderName::from_static("x-api-key"), key.expose().to_owned()),
            Dialect::Gemini => (HeaderName::from_static("x-goog-api-key"), key.expose().to_owned()),
        };
        let mut value = HeaderValue::from_str(&value)
            .map_err(|_| String::from("its key holds characters no key can hold"))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    if options.dialect == Dialect::Anthropic {
        headers.insert("anthropic-version", HeaderValue::from_static(anthropic::VERSION));
    }
    let builder = connector(base, is_local, timeouts).default_headers(headers);
    builder.build().map_err(|error| format!("no HTTP client can be made ({})", root_cause(&error)))
}

/// What every client of a provider is made from: it goes where it is sent, and nowhere else.
pub(crate) fn connector(base: &Url, is_local: bool, timeouts: TimeoutOptions) -> ClientBuilder {
    // A second installation is refused, which is just as well: then there is a provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(concat!("atelier/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(timeouts.connect())
        .pool_max_idle_per_host(MOST_IDLE)
        .tcp_nodelay(true);
    if is_local {
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        builder =
            builder.no_proxy().resolve_to_addrs("localhost", &loopback.map(|ip| SocketAddr::new(ip, 0)));
    }
    if base.scheme() == "http" {
        // No certificates are needed, and a machine without any should still reach its own models.
        builder = builder.tls_certs_only([]);
    }
    builder
}

/// The innermost cause, which is what a person can act on, and which holds no URL.
pub(crate) fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if std::ptr::eq(cause, std::ptr::from_ref(error)) {
        return "the connection failed".into();
    }
    cause.to_string()
}

async fn read_up_to(response: Response, limit_bytes: usize, deadline: Instant) -> Vec<u8> {
    let deadline = deadline.min(Instant::now() + Duration::from_secs(5));
    let (mut stream, mut body) = (response.bytes_stream(), Vec::new());
    while let Ok(Some(Ok(bytes))) = timeout_at(deadline, stream.next()).await {
        body.extend_from_slice(&bytes);
        if body.len() > limit_bytes {
            break;
        }
    }
    body.truncate(limit_bytes);
    body
}

/// A server's words on one line, without the key, short enough for a message.
fn quote(text: &str, api_key: Option<&ApiKey>) -> String {
    let text = api_key.map_or_else(|| text.to_owned(), |key| key.redact(text));
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(QUOTE_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None if line.is_empty() => "it gave no reason".into(),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::SystemClock;

    fn build(base_url: &str, api_key: Option<&str>) -> Result<Endpoint, Error> {
        let options = ProviderOptions {
            name: "p".into(),
            base_url: base_url.into(),
            api_key: api_key.map(ApiKey::new),
            model: "m".into(),
            ..ProviderOptions::default()
        };
        Endpoint::new(&options, TimeoutOptions::default(), Arc::new(SystemClock))
    }

    #[test]
    fn only_this_machine_is_local() {
        for (url, is_local) in [
            ("http://127.0.0.1:11434/v1", true),
            ("http://127.9.9.9/v1", true),
            ("http://localhost:1234", true),
            ("http://LOCALHOST:1234/v1/", true),
            ("http://[::1]:80/v1", true),
            ("http://0x7f.1/v1", true),
            ("http://192.168.0.7:11434/v1", false),
            ("http://0.0.0.0:11434/v1", false),
            ("http://localhost.example.org/v1", false),
            ("http://127.0.0.1.example.org/v1", false),
            ("http://example.org/127.0.0.1", false),
        ] {
            assert_eq!(build(url, None).unwrap().is_local(), is_local, "{url}");
        }
    }

    #[test]
    fn finds_the_endpoint_however_the_base_url_ends() {
        for url in [
            "http://127.0.0.1/v1",
            " http://127.0.0.1/v1/ ",
            "http://127.0.0.1/v1//",
            "http://127.0.0.1/v1/chat/completions",
            "http://127.0.0.1/v1#here",
        ] {
            let provider = build(url, None).unwrap();
            assert_eq!(provider.answers("m", true).as_str(), "http://127.0.0.1/v1/chat/completions", "{url}");
        }
    }

    #[test]
    fn a_models_name_cannot_lead_elsewhere() {
        let provider =
            Endpoint { dialect: Dialect::Gemini, ..build("http://127.0.0.1/v1beta", None).unwrap() };
        for (model, path) in [
            ("gemini-x", "models/gemini-x"),
            ("models/gemini-x", "models/gemini-x"),
            ("tunedModels/own", "tunedModels/own"),
            ("../../a?b#c", "a%3Fb%23c"),
        ] {
            let whole = format!("http://127.0.0.1/v1beta/{path}:generateContent");
            assert_eq!(provider.answers(model, false).as_str(), whole);
        }
        let streamed = provider.answers("gemini-x", true);
        assert_eq!(
            (streamed.path(), streamed.query()),
            ("/v1beta/models/gemini-x:streamGenerateContent", Some("alt=sse"))
        );
    }

    #[test]
    fn settings_that_cannot_work_are_refused_without_naming_the_key() {
        for (url, key) in [
            ("", None),
            ("nonsense", None),
            ("ftp://example.org/v1", None),
            ("unix:/tmp/socket", None),
            ("https://me:canary@example.org/v1", None),
            ("https://example.org/v1?key=canary", None),
            ("http://127.0.0.1/v1", Some("canary\nX-Other: 1")),
        ] {
            let error = build(url, key).err().unwrap();
            assert_eq!(error.code(), "model_settings_invalid", "{url}");
            assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
        }
    }

    #[test]
    fn quotes_are_one_short_line_without_the_key() {
        let key = ApiKey::new("canary");
        assert_eq!(quote("no\n  such key: canary", Some(&key)), "no such key: [redacted]");
        assert_eq!(quote("  ", None), "it gave no reason");
        let long = quote(&"é".repeat(10_000), None);
        assert_eq!(long.chars().count(), QUOTE_CHARS + 1);
        let split = format!("{}canary", "x".repeat(QUOTE_CHARS - 3));
        assert!(!quote(&split, Some(&key)).contains("can"), "a key cut by the limit is still a key");
    }
}
