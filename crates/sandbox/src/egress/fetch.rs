//! One guarded request from this process, for an agent that reads a page: the rules are those of a
//! session, for the first address and for every redirect.
//!
//! Invariant: nothing is sent that could identify anybody: no secret of the policy, no cookie, no
//! authorization; and what the caller adds goes to no other host than it was given for.

mod address;
mod message;

use std::borrow::Cow;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::http1,
    header::{CONNECTION, HOST, HeaderValue},
};
use hyper_util::rt::TokioIo;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use super::{Failure, Policy, Refusal, Stopped, Uplink, uplink::BoxedStream};
use address::{Address, address, redirect};
use message::Message;

const MAX_REDIRECTS: usize = 10;
/// What to fetch.
#[derive(Clone, Debug)]
pub struct FetchRequest {
    /// An address of `http` or `https`.
    pub url: String,
    /// `GET` and the like.
    pub method: String,
    /// Sent besides those every request has. Nothing that says who asks.
    pub headers: Vec<(String, String)>,
    /// Sent as it is.
    pub body: Vec<u8>,
    /// Bytes of the answer's body that are kept.
    pub max_bytes: usize,
    /// For everything together, redirects as well.
    pub timeout: Duration,
}

impl FetchRequest {
    /// A `GET` with the usual limits: 1 MiB and 30 seconds.
    #[must_use]
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            method: "GET".into(),
            headers: Vec::new(),
            body: Vec::new(),
            max_bytes: 1 << 20,
            timeout: Duration::from_secs(30),
        }
    }
}

/// What was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The status of the last answer.
    pub status: u16,
    /// Its headers, names in lower case. What is not text is left out.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
    /// The address it came from, after all redirects.
    pub url: String,
    /// Whether there was more than [`FetchRequest::max_bytes`].
    pub truncated: bool,
}

impl Fetched {
    /// Its body as text, what is not UTF-8 replaced.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The value of a header, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// Why nothing was fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The address is none, or programs would disagree about which.
    #[error("This address cannot be fetched: {reason}")]
    BadAddress {
        /// What is wrong with it.
        reason: String,
    },
    /// The method or a header cannot be sent.
    #[error("This request cannot be sent: {reason}")]
    BadRequest {
        /// What is wrong with it.
        reason: String,
    },
    /// The host may not be reached, or could not be.
    #[error("{host} was not fetched: {stopped}")]
    Stopped {
        /// The host, of the address or of a redirect.
        host: String,
        /// Why.
        stopped: Stopped,
    },
    /// Each answer led to another.
    #[error("The address leads from one to the next without an end")]
    TooManyRedirects,
    /// It took longer than [`FetchRequest::timeout`].
    #[error("The address did not answer in time")]
    TimedOut,
}

impl From<FetchError> for kernel::Error {
    fn from(error: FetchError) -> Self {
        use kernel::Kind;
        let (kind, code, hint) = match &error {
            FetchError::BadAddress { .. } => (
                Kind::Invalid,
                "fetch_address_invalid",
                "Give a plain address such as https://example.com/page",
            ),
            FetchError::BadRequest { .. } => {
                (Kind::Invalid, "fetch_request_invalid", "Leave that out, or write it differently")
            }
            FetchError::Stopped { stopped: Stopped::Refused(refusal), .. } if refusal.can_be_allowed() => {
                (Kind::Forbidden, "egress_refused", "The owner can allow the host for this session")
            }
            FetchError::Stopped { stopped: Stopped::Refused(_), .. } => {
                (Kind::Forbidden, "egress_refused", "Fetch it from another host")
            }
            FetchError::Stopped { stopped: Stopped::Failed(_), .. } => {
                (Kind::Unavailable, "fetch_failed", "Check the address, and try again later")
            }
            FetchError::TooManyRedirects => {
                (Kind::Unavailable, "fetch_failed", "Fetch the page that the address is meant to lead to")
            }
            FetchError::TimedOut => (Kind::Unavailable, "fetch_timed_out", "Try again later"),
        };
        let message = error.to_string();
        Self::new(kind, code, message).with_hint(hint).with_source(error)
    }
}

/// Fetches an address, if the policy allows its host and that of every redirect.
pub async fn fetch(request: &FetchRequest, policy: &Policy, uplink: &Uplink) -> Result<Fetched, FetchError> {
    let following = Box::pin(follow(request, policy, uplink));
    tokio::time::timeout(request.timeout, following).await.map_err(|_| FetchError::TimedOut)?
}

async fn follow(request: &FetchRequest, policy: &Policy, uplink: &Uplink) -> Result<Fetched, FetchError> {
    let mut at = address(&request.url)?;
    let mut message = Message::new(request)?;
    for _ in 0..=MAX_REDIRECTS {
        let (response, connection) = ask(&at, &message, policy, uplink).await?;
        match redirect(&at, &response)? {
            None => return read(response, connection, at.url, request.max_bytes).await,
            Some(next) => {
                message.redirected(response.status(), at.host == next.host && at.port == next.port);
                at = next;
            }
        }
    }
    Err(FetchError::TooManyRedirects)
}

type Connection = AbortOnDropHandle<()>;

async fn ask(
    at: &Address,
    message: &Message,
    policy: &Policy,
    uplink: &Uplink,
) -> Result<(Response<Incoming>, Connection), FetchError> {
    let stopped = |stopped: Stopped| FetchError::Stopped { host: at.host.to_string(), stopped };
    let stream = open(at, policy, uplink).await.map_err(stopped)?;
    let mut request = Request::builder()
        .method(&message.method)
        .uri(&at.url[url::Position::BeforePath..url::Position::AfterQuery])
        .body(Full::new(message.body.clone()))
        .map_err(|error| FetchError::BadRequest { reason: error.to_string() })?;
    *request.headers_mut() = message.headers.clone();
    let authority = at.host.authority(at.port, if at.is_secure() { 443 } else { 80 });
    let authority = HeaderValue::try_from(authority)
        .map_err(|_| stopped(Refusal::Malformed("its host cannot be sent").into()))?;
    request.headers_mut().insert(HOST, authority);
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    let no_answer = |_| stopped(Failure::NoAnswer.into());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(no_answer)?;
    let connection = AbortOnDropHandle::new(tokio::spawn(async move {
        // What goes wrong is told to whoever reads the answer.
        let _ = connection.await;
    }));
    let response = sender.send_request(request).await.map_err(no_answer)?;
    Ok((response, connection))
}

async fn open(at: &Address, policy: &Policy, uplink: &Uplink) -> Result<BoxedStream, Stopped> {
    let reach = policy.judge(&at.host, at.port)?;
    let stream = uplink.connect(&at.host, at.port, reach).await?;
    if at.is_secure() { uplink.secure(stream, &at.host).await } else { Ok(stream) }
}

/// Reads an answer as far as it is kept.
async fn read(
    response: Response<Incoming>,
    connection: Connection,
    url: Url,
    max_bytes: usize,
) -> Result<Fetched, FetchError> {
    let (parts, mut body) = response.into_parts();
    let host = url.host_str().unwrap_or_default().to_owned();
    let mut kept = Vec::new();
    let mut truncated = false;
    while let Some(frame) = body.frame().await {
        let frame = frame
            .map_err(|_| FetchError::Stopped { host: host.clone(), stopped: Failure::NoAnswer.into() })?;
        let Some(data) = frame.data_ref() else { continue };
        let room = max_bytes - kept.len();
        kept.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            truncated = true;
            break;
        }
    }
    drop(connection);
    let named = parts
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    Ok(Fetched {
        status: parts.status.as_u16(),
        headers: named.collect(),
        body: kept,
        url: url.into(),
        truncated,
    })
}
