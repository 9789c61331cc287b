//! One connection to a server: opening it, listing its tools, calling one.
//!
//! Invariant: nothing a server sends is held beyond the limits here, and everything that is waited
//! for has an end.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use parking_lot::Mutex;
use rmcp::Peer;
use rmcp::handler::client::ClientHandler;
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CancelledNotificationParam, ClientCapabilities, ClientConfig,
    ClientRequest, Implementation, ListToolsRequest, NumberOrString, PaginatedRequestParams,
    ProgressNotificationParam, ProgressToken, ProtocolVersion, ServerResult,
};
use rmcp::service::{
    ClientInitializeError, ClientLifecycleMode, NotificationContext, PeerRequestOptions, RoleClient,
    RunningService, ServiceError, serve_client_with_lifecycle_and_ct,
};
use rmcp::transport::DynamicTransportError;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::streamable_http_client::{
    StreamableHttpClientTransport, StreamableHttpClientTransportConfig, StreamableHttpError,
};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::answer::Answer;
use crate::error::Error;
use crate::ports::RunningProgram;
use crate::reach;
use crate::server::SecretText;
use crate::text;
use crate::tool::{TOOLS, Tool};

/// The largest message of a server, in bytes.
const MESSAGE_BYTES: usize = 4 << 20;
/// The most pages of a list of tools.
const PAGES: usize = 32;
/// For one page.
const PAGE_TIMEOUT: Duration = Duration::from_secs(15);
/// For telling a server that a call is not wanted any more.
const TELLING: Duration = Duration::from_secs(2);
/// What a server says of a failure, in bytes.
const REASON_BYTES: usize = 500;

/// How long is waited for a server.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Until an address has answered the first messages.
    pub address: Duration,
    /// Until a program has: it may have to be fetched first.
    pub program: Duration,
    /// For a call; begins anew whenever the server says how far it is.
    pub call: Duration,
    /// For a call in all.
    pub whole_call: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            address: Duration::from_secs(20),
            program: Duration::from_secs(100),
            call: Duration::from_secs(60),
            whole_call: Duration::from_secs(600),
        }
    }
}

/// How far a call is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// How much is done, in the server's own measure.
    pub done: f64,
    /// Of how much.
    pub of: Option<f64>,
    /// In the server's words.
    pub message: Option<String>,
}

/// Hears how far a call is.
pub type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;

/// What a server is told of us, and what it tells beside answers.
struct Listener {
    info: ClientConfig,
    /// Whether the server said that its tools are others now.
    are_tools_stale: AtomicBool,
    listening: Mutex<HashMap<ProgressToken, OnProgress>>,
}

struct Shared(Arc<Listener>);

impl ClientHandler for Shared {
    fn get_info(&self) -> ClientConfig {
        self.0.info.clone()
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.0.are_tools_stale.store(true, Ordering::Relaxed);
    }

    async fn on_progress(&self, progress: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        let hears = self.0.listening.lock().get(&progress.progress_token).cloned();
        if let Some(hears) = hears {
            let message = progress.message.map(|message| text::label(&message, REASON_BYTES));
            hears(Progress { done: progress.progress, of: progress.total, message });
        }
    }
}

/// What a program complains of, and what keeps it running.
type Holds = (Box<dyn Fn() -> String + Send + Sync>, Box<dyn Send + Sync>);
/// The first messages.
type Beginning = BoxFuture<'static, Result<RunningService<RoleClient, Shared>, ClientInitializeError>>;

/// An open connection. Dropping it closes it.
pub(crate) struct Connection {
    service: RunningService<RoleClient, Shared>,
    listener: Arc<Listener>,
    patience: Patience,
    server: String,
    /// A program's standard error.
    complaints: Option<Box<dyn Fn() -> String + Send + Sync>>,
    closing: CancellationToken,
    _hold: Option<Box<dyn Send + Sync>>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

/// Why a connection did not do what was asked.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It can be used on.
    Told(Error),
    /// It is of no use any more.
    Lost(Error),
    /// The server forgot who we are, before it did anything.
    SessionLost,
}

impl Connection {
    /// Connects to an address.
    pub async fn to_address(
        server: &str,
        url: &str,
        token: Option<&SecretText>,
        patience: Patience,
    ) -> Result<Self, Error> {
        let client = client_for(server, url)?;
        let mut config = StreamableHttpClientTransportConfig::with_uri(url)
            .max_sse_event_size(MESSAGE_BYTES)
            .max_json_response_size(MESSAGE_BYTES)
            // A new session may have other tools, which have to be looked at first.
            .reinit_on_expired_session(false);
        if let Some(token) = token {
            config = config.auth_header(token.expose());
        }
        let transport = StreamableHttpClientTransport::with_client(client, config);
        Self::open(server, patience, patience.address, None, |listener, closing| {
            Box::pin(serve_client_with_lifecycle_and_ct(listener, transport, lifecycle(), closing))
        })
        .await
    }

    /// Connects to a program that was started.
    pub async fn to_program(
        server: &str,
        running: RunningProgram,
        patience: Patience,
    ) -> Result<Self, Error> {
        let RunningProgram { input, output, complaints, hold } = running;
        let transport: AsyncRwTransport<RoleClient, _, _> = AsyncRwTransport::new(output, input);
        let transport = transport.with_max_line_length(MESSAGE_BYTES);
        let holds = Some((complaints, hold));
        Self::open(server, patience, patience.program, holds, |listener, closing| {
            Box::pin(serve_client_with_lifecycle_and_ct(listener, transport, lifecycle(), closing))
        })
        .await
    }

    async fn open(
        server: &str,
        patience: Patience,
        wait: Duration,
        holds: Option<Holds>,
        begin: impl FnOnce(Shared, CancellationToken) -> Beginning,
    ) -> Result<Self, Error> {
        let ours = Implementation::new("atelier", env!("CARGO_PKG_VERSION"));
        let listener = Arc::new(Listener {
            info: ClientConfig::new(ClientCapabilities::default(), ours),
            are_tools_stale: AtomicBool::new(false),
            listening: Mutex::default(),
        });
        let closing = CancellationToken::new();
        let guard = closing.clone().drop_guard();
        let (complaints, hold) = holds.unzip();
        let complained = |reason: String| with_complaints(reason, complaints.as_deref());
        let beginning = begin(Shared(listener.clone()), closing.clone());
        let service = match tokio::time::timeout(wait, beginning).await {
            Ok(Ok(service)) => service,
            Ok(Err(error)) => {
                return Err(match error.auth_challenge().is_some() || error.is_authorization_required() {
                    true => Error::TokenRefused { name: server.to_owned() },
                    false => Error::Unreachable {
                        name: server.to_owned(),
                        reason: complained(of_beginning(&error)),
                    },
                });
            }
            Err(_) => {
                let reason = complained(format!("it said nothing for {} s", wait.as_secs()));
                return Err(Error::Unreachable { name: server.to_owned(), reason });
            }
        };
        let closing = guard.disarm();
        Ok(Self { service, listener, patience, server: server.to_owned(), complaints, closing, _hold: hold })
    }

    /// Whether it has ended.
    pub fn is_closed(&self) -> bool {
        self.service.is_closed() || self.service.peer().is_transport_closed()
    }

    /// Whether the server said that its tools are others by now; it is not said again.
    pub fn takes_stale(&self) -> bool {
        self.listener.are_tools_stale.swap(false, Ordering::Relaxed)
    }

    /// Ends it, with the calls that are under way.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// The tools, as far as they can be shown, and how many cannot.
    pub async fn list_tools(&self) -> Result<(Vec<Tool>, usize), Trouble> {
        let (mut tools, mut left_out) = (Vec::new(), 0);
        let mut cursor: Option<String> = None;
        for _ in 0..PAGES {
            let params = cursor.as_ref().map(|cursor| {
                let mut params = PaginatedRequestParams::default();
                params.cursor = Some(cursor.clone());
                params
            });
            let request = ListToolsRequest { method: <_>::default(), params, extensions: <_>::default() };
            let options = PeerRequestOptions::with_timeout(PAGE_TIMEOUT);
            let handle = self
                .service
                .peer()
                .send_cancellable_request(ClientRequest::ListToolsRequest(request), options)
                .await;
            let answered = match handle {
                Ok(handle) => handle.await_response().await,
                Err(error) => Err(error),
            };
            let ServerResult::ListToolsResult(page) = answered.map_err(|error| self.trouble(error, false))?
            else {
                return Err(Trouble::Told(
                    self.unreachable("it answered something that is no list of tools"),
                ));
            };
            for definition in &page.tools {
                match Tool::listed(definition).filter(|_| tools.len() < TOOLS) {
                    Some(tool) => tools.push(tool),
                    None => left_out += 1,
                }
            }
            // One that goes round in circles, or has no end, is not followed.
            if page.next_cursor.is_none() || page.next_cursor == cursor || tools.len() >= TOOLS {
                break;
            }
            cursor = page.next_cursor;
        }
        Ok((tools, left_out))
    }

    /// Calls a tool, and waits for its answer as long as there is patience or until it is cancelled.
    pub async fn call(
        &self,
        tool: &str,
        arguments: Map<String, Value>,
        cancel: &CancellationToken,
        hears: Option<OnProgress>,
    ) -> Result<Answer, Trouble> {
        let mut params = CallToolRequestParams::new(Cow::Owned(tool.to_owned()));
        params.arguments = Some(arguments);
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
        let mut options = PeerRequestOptions::with_timeout(self.patience.call).reset_timeout_on_progress();
        options.max_total_timeout = Some(self.patience.whole_call);
        let handle = self.service.peer().send_cancellable_request(request, options).await;
        let handle = handle.map_err(|error| self.trouble(error, true))?;
        let token = handle.progress_token.clone();
        if let Some(hears) = hears {
            self.listener.listening.lock().insert(token.clone(), hears);
        }
        let _hearing = Hearing { listener: &self.listener, token };
        let mut unwanted = Unwanted(Some((handle.peer.clone(), handle.id.clone())));
        let answered = tokio::select! {
            answered = handle.await_response() => answered,
            () = cancel.cancelled() => return Err(Trouble::Told(Error::Cancelled)),
        };
        unwanted.0 = None;
        match answered.map_err(|error| self.trouble(error, true))? {
            ServerResult::CallToolResult(result) => Ok(Answer::of(&result)),
            _ => Err(Trouble::Told(Error::Refused {
                name: self.server.clone(),
                reason: "it wants more than the arguments, which is not given".into(),
            })),
        }
    }

    fn unreachable(&self, reason: impl Into<String>) -> Error {
        Error::Unreachable { name: self.server.clone(), reason: reason.into() }
    }

    /// What an error of the protocol means here. `acts` says that something may have been done.
    fn trouble(&self, error: ServiceError, acts: bool) -> Trouble {
        let name = self.server.clone();
        if error.auth_challenge().is_some() {
            return Trouble::Lost(Error::TokenRefused { name });
        }
        match error {
            ServiceError::McpError(error) => {
                let reason = text::label(&error.message, REASON_BYTES);
                Trouble::Told(Error::Refused { name, reason })
            }
            ServiceError::Timeout { timeout } => {
                Trouble::Told(Error::TimedOut { name, seconds: timeout.as_secs() })
            }
            ServiceError::Cancelled { .. } => Trouble::Told(Error::Cancelled),
            ServiceError::TransportSend(ref error)
                if matches!(of_http(error), Some(StreamableHttpError::SessionExpired)) =>
            {
                Trouble::SessionLost
            }
            error => {
                let reason = match &error {
                    ServiceError::TransportSend(error) => of_transport(error),
                    error => root_cause(error),
                };
                let reason = with_complaints(reason, self.complaints.as_deref());
                Trouble::Lost(match acts {
                    true => Error::Broken { name, reason },
                    false => self.unreachable(reason),
                })
            }
        }
    }
}

/// A call that nobody waits for any more when this is dropped with it: the server is told.
struct Unwanted(Option<(Peer<RoleClient>, NumberOrString)>);

impl Drop for Unwanted {
    fn drop(&mut self) {
        if let Some((peer, id)) = self.0.take() {
            let params = CancelledNotificationParam::new(Some(id), None);
            tokio::spawn(async move {
                // It may be the one that does not listen.
                let _ = tokio::time::timeout(TELLING, peer.notify_cancelled(params)).await;
            });
        }
    }
}

/// Hears of a call's progress as long as this is there.
struct Hearing<'a> {
    listener: &'a Listener,
    token: ProgressToken,
}

impl Drop for Hearing<'_> {
    fn drop(&mut self) {
        self.listener.listening.lock().remove(&self.token);
    }
}

/// Asks for the newest protocol first and takes what the server has.
fn lifecycle() -> ClientLifecycleMode {
    ClientLifecycleMode::Auto {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        legacy_version: Some(ProtocolVersion::V_2025_11_25),
    }
}

/// What every connection to an address is made with: it goes where it is sent, and nowhere else.
fn client_for(server: &str, url: &str) -> Result<reqwest::Client, Error> {
    let unfit = |reason: String| Error::Unfit { reason: format!("`{server}`: {reason}") };
    let parsed = Url::parse(url).map_err(|error| unfit(error.to_string()))?;
    // A second installation is refused, which is just as well: then there is a provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("atelier/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::custom(|attempt| {
            attempt.error("it leads to another address, which was not approved")
        }))
        .retry(reqwest::retry::never())
        .connect_timeout(Duration::from_secs(10))
        .tcp_nodelay(true);
    if reach::is_this_machine(&parsed) {
        let loopback = [std::net::Ipv4Addr::LOCALHOST.into(), std::net::Ipv6Addr::LOCALHOST.into()];
        let loopback = loopback.map(|address| std::net::SocketAddr::new(address, 0));
        builder = builder.no_proxy().resolve_to_addrs("localhost", &loopback);
    } else {
        builder = builder.dns_resolver(Arc::new(reach::Elsewhere));
    }
    if parsed.scheme() == "http" {
        // A machine without certificates should still reach its own servers.
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|error| unfit(root_cause(&error)))
}

/// What was wrong with HTTP, if that was it.
fn of_http<'a>(error: &'a DynamicTransportError) -> Option<&'a StreamableHttpError<reqwest::Error>> {
    let mut cause: Option<&'a (dyn std::error::Error + 'static)> = Some(error.error.as_ref());
    while let Some(current) = cause {
        if let Some(found) = current.downcast_ref() {
            return Some(found);
        }
        cause = current.source();
    }
    None
}

/// Why nothing was carried, in words that name no types and no address.
fn of_transport(error: &DynamicTransportError) -> String {
    match of_http(error) {
        Some(StreamableHttpError::Client(error)) => root_cause(error),
        Some(error) => text::label(&error.to_string(), REASON_BYTES),
        None => root_cause(error.error.as_ref()),
    }
}

/// Why a connection was not opened.
fn of_beginning(error: &ClientInitializeError) -> String {
    match error {
        ClientInitializeError::TransportError { error, .. } => of_transport(error),
        ClientInitializeError::JsonRpcError(error) => text::label(&error.message, REASON_BYTES),
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => of_beginning(fallback),
        ClientInitializeError::ConnectionClosed(_) => "it ended the connection".into(),
        error => text::label(&error.to_string(), REASON_BYTES),
    }
}

/// The innermost cause, which is what a person can act on, in at most a few lines.
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    text::label(&cause.to_string(), REASON_BYTES)
}

fn with_complaints(reason: String, complaints: Option<&(dyn Fn() -> String + Send + Sync)>) -> String {
    match complaints.map(|complaints| text::label(complaints().trim(), 2 * REASON_BYTES)) {
        Some(said) if !said.is_empty() => format!("{reason}; it wrote: {said}"),
        _ => reason,
    }
}
