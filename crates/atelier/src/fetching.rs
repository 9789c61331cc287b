//! Pages of the web for memory, fetched as a sandbox's requests are: to public addresses only, each
//! redirect judged anew, and to hosts of this network where the settings name them.

use std::io::Read;
use std::time::Duration;

use async_trait::async_trait;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use kernel::{Kind, Result, Timestamp};
use memory::{Fetched, Fetcher, Page};
use sandbox::egress::{FetchError, FetchRequest, Policy, Rule, Stopped, Uplink, fetch};

/// For a page with all its redirects.
const PATIENCE: Duration = Duration::from_secs(60);
/// What is liked best, as a browser says it.
const ACCEPT: &str = "text/html,application/xhtml+xml,text/markdown;q=0.9,application/pdf;q=0.9,*/*;q=0.8";

/// Fetches pages.
pub struct Web {
    policy: Policy,
    uplink: Uplink,
    patience: Duration,
}

impl Web {
    /// Reaches every public host, and these at private addresses too, on the ports they name.
    ///
    /// # Errors
    /// For what is no host.
    pub fn new(private_hosts: &[String], uplink: Uplink) -> Result<Self> {
        let mut policy = Policy::default().allow_everywhere();
        for host in private_hosts {
            policy = policy.trust(host.parse::<Rule>()?);
        }
        Ok(Self { policy, uplink, patience: PATIENCE })
    }
}

#[async_trait]
impl Fetcher for Web {
    async fn fetch(&self, url: &str, since: Option<Timestamp>, max_bytes: usize) -> Result<Fetched> {
        let mut request = FetchRequest::get(url);
        (request.max_bytes, request.timeout) = (max_bytes, self.patience);
        request.headers.push(("accept".into(), ACCEPT.into()));
        if let Some(since) = since.and_then(date_of) {
            request.headers.push(("if-modified-since".into(), since));
        }
        let fetched = Box::pin(fetch(&request, &self.policy, &self.uplink)).await.map_err(told)?;
        if fetched.status == 304 {
            return Ok(Fetched::NotModified);
        }
        let media_type = fetched.header("content-type").map(str::to_owned);
        let modified = fetched.header("last-modified").and_then(moment_of);
        let packing = fetched.header("content-encoding").unwrap_or("identity").trim().to_ascii_lowercase();
        let (url, status, is_cut) = (fetched.url, fetched.status, fetched.truncated);
        let unpack = move || unpacked(&packing, fetched.body, max_bytes);
        let (bytes, is_whole) =
            tokio::task::spawn_blocking(unpack).await.map_err(kernel::Error::internal)??;
        Ok(Fetched::Page(Page { url, status, media_type, bytes, is_whole: is_whole && !is_cut, modified }))
    }
}

/// What stands in a body that was packed though nobody asked for that, as far as it is kept, and
/// whether that is all.
fn unpacked(packing: &str, body: Vec<u8>, max_bytes: usize) -> Result<(Vec<u8>, bool)> {
    let most = max_bytes as u64 + 1;
    let mut bytes = Vec::new();
    let read = match packing {
        "" | "identity" => return Ok((body, true)),
        "gzip" | "x-gzip" => MultiGzDecoder::new(&*body).take(most).read_to_end(&mut bytes),
        "deflate" => ZlibDecoder::new(&*body).take(most).read_to_end(&mut bytes),
        other => return Err(unreadable(format!("The page is packed as `{}`", other.escape_debug()))),
    };
    read.map_err(|_| unreadable("The page is packed, and damaged".into()))?;
    let is_whole = bytes.len() <= max_bytes;
    bytes.truncate(max_bytes);
    Ok((bytes, is_whole))
}

fn unreadable(message: String) -> kernel::Error {
    kernel::Error::new(Kind::Unavailable, "fetch_failed", message)
        .with_hint("Save the page with a browser, and give the file")
}

fn told(error: FetchError) -> kernel::Error {
    let is_refused = matches!(&error, FetchError::Stopped { stopped: Stopped::Refused(_), .. });
    let error = kernel::Error::from(error);
    match is_refused {
        true => error.with_hint("If the host is yours, name it under `fetch.private_hosts` in settings.yaml"),
        false => error,
    }
}

/// As HTTP writes it.
fn date_of(moment: Timestamp) -> Option<String> {
    let moment = jiff::Timestamp::from_millisecond(moment.0).ok()?;
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&moment).ok()
}

fn moment_of(date: &str) -> Option<Timestamp> {
    let moment = jiff::fmt::rfc2822::parse(date).ok()?;
    Some(Timestamp(moment.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests;
