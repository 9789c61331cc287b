//! One download at a time, gone on with where it broke off.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use futures::StreamExt;
use reqwest::header::{ACCEPT, CONTENT_RANGE, RANGE};
use reqwest::{Client, Response, StatusCode, Url};

use super::Progress;
use crate::client::{Problem, Result};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Nothing new for so long means that the connection is dead.
const STALL: Duration = Duration::from_secs(30);
/// How often a download that breaks off is gone on with.
const TRIES: u32 = 4;
/// An index is read up to here.
const INDEX_LIMIT_BYTES: usize = 8 << 20;

/// Why a download failed, for a person.
type Failure = String;

/// Downloads, and tells how far they are.
pub(super) struct Downloads<'a> {
    http: Client,
    progress: Progress<'a>,
}

impl<'a> Downloads<'a> {
    pub fn new(progress: Progress<'a>) -> Result<Self> {
        // A second installation is refused, which is just as well: then there is a provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder()
            .user_agent(concat!("atelier/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(STALL)
            .build()
            .map_err(|error| Problem::internal(format!("No HTTP client can be made: {error}")))?;
        Ok(Self { http, progress })
    }

    /// Downloads into `path`, after what it holds already, up to `limit` bytes in all.
    pub async fn save(
        &self,
        url: Url,
        path: &Path,
        name: &str,
        limit: u64,
    ) -> std::result::Result<(), Failure> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.attempt(url.clone(), path, name, limit).await {
                Err(Broken::Off(reason)) if tries < TRIES => {
                    tracing::debug!(name, reason, "a download is gone on with");
                }
                Err(Broken::Off(reason) | Broken::Refused(reason)) => return Err(reason),
                Ok(()) => return Ok(()),
            }
        }
    }

    async fn attempt(
        &self,
        url: Url,
        path: &Path,
        name: &str,
        limit: u64,
    ) -> std::result::Result<(), Broken> {
        let have = std::fs::metadata(path).map_or(0, |found| found.len());
        if have > limit {
            discard(path);
            return Err(Broken::Off("more was there than the file has".into()));
        }
        let mut request = self.http.get(url);
        if have > 0 {
            request = request.header(RANGE, format!("bytes={have}-"));
        }
        let response = request.send().await.map_err(|error| Broken::Off(cause(error)))?;
        let begins = match response.status() {
            StatusCode::OK => 0,
            StatusCode::PARTIAL_CONTENT if continues(&response, have) => have,
            // All of it is there, or it has changed; the hash tells which.
            StatusCode::RANGE_NOT_SATISFIABLE if have == limit => return Ok(()),
            StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::PARTIAL_CONTENT => {
                discard(path);
                return Err(Broken::Off("it has another file now".into()));
            }
            status if status.is_server_error() => return Err(Broken::Off(format!("status {status}"))),
            status => return Err(Broken::Refused(format!("status {status}"))),
        };
        self.receive(response, path, name, begins, limit).await
    }

    async fn receive(
        &self,
        response: Response,
        path: &Path,
        name: &str,
        begins: u64,
        limit: u64,
    ) -> std::result::Result<(), Broken> {
        let total = response.content_length().map(|rest| begins + rest);
        let local = |error: std::io::Error| Broken::Refused(format!("{name} cannot be written: {error}"));
        let mut options = File::options();
        options.create(true).write(true).append(begins > 0).truncate(begins == 0);
        let mut file = options.open(path).map_err(local)?;
        let (mut stream, mut have) = (response.bytes_stream(), begins);
        while let Some(bytes) = stream.next().await {
            let bytes = bytes.map_err(|error| Broken::Off(cause(error)))?;
            have += bytes.len() as u64;
            if have > limit {
                discard(path);
                return Err(Broken::Refused(format!("its {name} is larger than it should be")));
            }
            file.write_all(&bytes).map_err(local)?;
            (self.progress)(name, have, total);
        }
        Ok(())
    }

    /// A small document: its text, and where it was in the end.
    pub async fn read(&self, url: Url, accept: &str) -> std::result::Result<(String, Url), Failure> {
        let response = self.http.get(url).header(ACCEPT, accept).send().await.map_err(cause)?;
        if !response.status().is_success() {
            return Err(format!("status {}", response.status()));
        }
        let (url, mut body) = (response.url().clone(), Vec::new());
        let mut stream = response.bytes_stream();
        while let Some(bytes) = stream.next().await {
            body.extend_from_slice(&bytes.map_err(cause)?);
            if body.len() > INDEX_LIMIT_BYTES {
                return Err("its index is too large".into());
            }
        }
        Ok((String::from_utf8_lossy(&body).into_owned(), url))
    }
}

enum Broken {
    /// Another try may bring the rest.
    Off(Failure),
    /// It will not.
    Refused(Failure),
}

fn discard(path: &Path) {
    // What cannot be removed cannot be written either, which is told then.
    let _ = std::fs::remove_file(path);
}

/// Whether the answer begins where the file ends.
fn continues(response: &Response, have: u64) -> bool {
    let range = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {have}-")))
}

/// The innermost cause, which holds no address and so no password in one.
fn cause(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
