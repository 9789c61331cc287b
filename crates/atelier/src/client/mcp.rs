//! Messages of the Model Context Protocol, to the server and back, as they are.
//!
//! Invariant: what the server says is handed on unchanged, and as soon as it is there.

use futures::StreamExt;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response, StatusCode};
use tokio::time::timeout;

use super::sse::Decoder;
use super::stream::SILENCE;
use super::{ANSWER_TIMEOUT, Client, Problem, Result};

/// The header that names a session.
pub const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const PATH: &str = "mcp";

impl Client {
    /// Sends a message, or none, and gives the response once it begins. A refusal that is itself a
    /// message is one, too.
    ///
    /// # Errors
    /// When the server cannot be reached, or refuses to listen at all.
    pub async fn speak(&self, method: Method, headers: &HeaderMap, body: Option<&str>) -> Result<Response> {
        for last in [false, true] {
            let endpoint = self.endpoint();
            let mut url = endpoint.url;
            if let Ok(mut segments) = url.path_segments_mut() {
                segments.pop_if_empty().push(PATH);
            }
            let mut request = self.http.request(method.clone(), url).headers(headers.clone());
            if let Some(token) = endpoint.token {
                request = request.bearer_auth(token);
            }
            request = request.header(ACCEPT, "application/json, text/event-stream");
            if let Some(body) = body {
                request = request.header(CONTENT_TYPE, "application/json").body(body.to_owned());
            }
            match timeout(ANSWER_TIMEOUT, request.send()).await {
                Ok(Ok(response))
                    if response.status() == StatusCode::UNAUTHORIZED && !last && self.relocate() => {}
                Ok(Ok(response)) => return self.willing(response).await,
                Ok(Err(error)) if error.is_connect() && !last && self.relocate() => {}
                Ok(Err(error)) => return Err(self.broken(&error)),
                Err(_) => {
                    let message = format!("The server at {} does not answer in time", self.url());
                    return Err(Problem::unavailable("no_answer", message));
                }
            }
        }
        unreachable!("the last attempt returns")
    }

    async fn willing(&self, response: Response) -> Result<Response> {
        if response.status().is_success() || kind(&response) == Some("application/json") {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let body = response.bytes().await.unwrap_or_default();
        Err(Problem::from_response(status, &body).unwrap_or_else(|| self.not_atelier()))
    }

    /// Reads a response to its end and gives each message, on one line, to `hear`. Tells the id of the
    /// last event, if there was one.
    ///
    /// # Errors
    /// When the connection breaks off, or nothing is heard for too long.
    pub async fn hear(&self, response: Response, mut hear: impl FnMut(String)) -> Result<Option<String>> {
        if kind(&response) != Some("text/event-stream") {
            let body = response.text().await.map_err(|error| self.broken(&error))?;
            if !body.trim().is_empty() {
                hear(on_one_line(&body));
            }
            return Ok(None);
        }
        let (mut pieces, mut decoder, mut last) = (response.bytes_stream(), Decoder::default(), None);
        loop {
            let piece = timeout(SILENCE, pieces.next()).await.map_err(|_| {
                Problem::unavailable("no_answer", format!("The server at {} fell silent", self.url()))
            })?;
            let Some(piece) = piece else { return Ok(last) };
            for message in decoder.take(&piece.map_err(|error| self.broken(&error))?) {
                last = Some(message.id).filter(|id| !id.is_empty()).or(last);
                if !message.data.is_empty() {
                    hear(on_one_line(&message.data));
                }
            }
        }
    }
}

fn kind(response: &Response) -> Option<&str> {
    let kind = response.headers().get(CONTENT_TYPE).map(HeaderValue::to_str)?.ok()?;
    kind.split(';').next().map(str::trim)
}

/// JSON on one line: inside a text there is no line feed as such.
fn on_one_line(json: &str) -> String {
    json.trim().replace(['\n', '\r'], " ")
}
