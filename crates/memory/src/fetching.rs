//! Pages of the web, taken in by their addresses.
//!
//! The port is [`Fetcher`]; whoever implements it sees to it that an address leads to nothing of this
//! machine or its network. A page is known by the address it was asked for under; when it says when it
//! was changed, it is only fetched again once it has been.

use async_trait::async_trait;
use kernel::{Result, Timestamp};

use crate::document::{MAX_KEY_CHARS, NewDocument, cut};
use crate::error::Error;
use crate::ingest::{Content, Earlier, Incoming, Ingested, Outcome};
use crate::service::Memory;

/// The collection of pages for which nobody names another.
const COLLECTION: &str = "web";
/// The largest page, in bytes.
const MAX_PAGE_BYTES: usize = 32 << 20;

/// Fetches what is at an address of the web.
#[async_trait]
pub trait Fetcher: Send + Sync {
    /// What is at `url`, and of its body at most `max_bytes`. With `since`, a server that knows of no
    /// change after that moment may say so instead.
    ///
    /// # Errors
    /// For an address that is none or may not be reached, and where nothing answers in time. An answer
    /// of any status is none.
    async fn fetch(&self, url: &str, since: Option<Timestamp>, max_bytes: usize) -> Result<Fetched>;
}

/// What came of fetching.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// An answer.
    Page(Page),
    /// It has not been changed.
    NotModified,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The address it came from, after all redirects.
    pub url: String,
    /// Its status.
    pub status: u16,
    /// Its media type, with its encoding where that is said.
    pub media_type: Option<String>,
    /// Its body, unpacked.
    pub bytes: Vec<u8>,
    /// Whether that is all of it.
    pub is_whole: bool,
    /// When it was changed last, as the server says.
    pub modified: Option<Timestamp>,
}

impl Memory {
    /// Takes in what is at an address, in place of what was there before. Where it came from is its
    /// source; an empty collection is `web`, and an empty key the address itself.
    ///
    /// # Errors
    /// Those of the [`Fetcher`], [`Error::PageRefused`], [`Error::NothingFetches`], and those of
    /// [`Memory::ingest`].
    pub async fn ingest_page(
        &self,
        url: &str,
        mut document: NewDocument,
        supersedes: Option<Earlier>,
    ) -> Result<Ingested> {
        let fetcher = self.fetcher().ok_or(Error::NothingFetches)?;
        let url = url.split('#').next().unwrap_or_default().trim();
        if document.collection.is_empty() {
            COLLECTION.clone_into(&mut document.collection);
        }
        if document.key.is_empty() {
            document.key = key_of(url);
        }
        let there = self.store().find_document_by_key(&document.collection, &document.key).await?;
        // Under another label it is another document, though the page is the same.
        let same_label = there.as_ref().filter(|there| there.privacy == document.privacy);
        let since = same_label.and_then(|there| there.occurred_at).filter(|moment| moment.0 % 1_000 == 0);
        let page = match fetcher.fetch(url, since, MAX_PAGE_BYTES).await? {
            Fetched::Page(page) => page,
            Fetched::NotModified => {
                let there = there.ok_or(Error::PageRefused { status: 304 })?;
                if let Some(earlier) = &supersedes {
                    self.supersede(&self.earlier(earlier).await?.id, Some(&there.id)).await?;
                }
                let chunks = self.store().list_chunks(&there.id).await?.len();
                let outcome = Outcome::Unchanged;
                return Ok(Ingested {
                    id: there.id,
                    collection: there.collection,
                    title: there.title,
                    chunks,
                    outcome,
                });
            }
        };
        if !(200..300).contains(&page.status) {
            return Err(Error::PageRefused { status: page.status }.into());
        }
        if !page.is_whole {
            let (bytes, limit) = (page.bytes.len() as u64, MAX_PAGE_BYTES as u64);
            return Err(extract::Error::TooLarge { what: "data".into(), bytes, exact: false, limit }.into());
        }
        document.occurred_at = document.occurred_at.or(page.modified);
        document.attributes.entry("url".into()).or_insert_with(|| page.url.clone());
        let name = name_of(&page);
        document.source = page.url;
        let content = Content::File { bytes: page.bytes, media_type: page.media_type };
        self.ingest(Incoming { name, content, document, supersedes }).await
    }
}

/// The address itself, unless it is too long for a key.
fn key_of(url: &str) -> String {
    const SHOWN_CHARS: usize = MAX_KEY_CHARS - 40;
    let plain = url.replace(char::is_control, " ");
    if plain.chars().count() <= MAX_KEY_CHARS {
        return plain;
    }
    let digest = &blake3::hash(url.as_bytes()).to_hex()[..32];
    format!("{} {digest}", cut(&plain, SHOWN_CHARS))
}

/// The name of a page's file, where nothing better says what it is. What programs make pages has their
/// endings and is none of theirs.
fn name_of(page: &Page) -> String {
    let media_type = page.media_type.as_deref().unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !matches!(essence, "" | "text/plain" | "application/octet-stream" | "binary/octet-stream") {
        return String::new();
    }
    let path = page.url.split(['?', '#']).next().unwrap_or_default();
    let path = path.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_name_and_a_page_has_none() {
        #[track_caller]
        fn check(url: &str, media_type: Option<&str>, name: &str) {
            let media_type = media_type.map(str::to_owned);
            let page = Page {
                url: url.into(),
                status: 200,
                media_type,
                bytes: Vec::new(),
                is_whole: true,
                modified: None,
            };
            assert_eq!(name_of(&page), name, "{url}");
        }
        check("https://a.test/x/index.php?y=z.rs", Some("text/html; charset=utf-8"), "");
        check("https://a.test/x/main.rs?raw", Some("text/plain; charset=utf-8"), "main.rs");
        check("https://a.test/x/report.md", None, "report.md");
        check("https://a.test", None, "");
        check("https://a.test/", Some("application/octet-stream"), "");
    }

    #[test]
    fn a_long_address_has_a_key_of_its_own() {
        let (one, two) =
            (format!("https://a.test/{}1", "x".repeat(600)), format!("https://a.test/{}2", "x".repeat(600)));
        assert_ne!(key_of(&one), key_of(&two));
        assert!(key_of(&one).chars().count() <= MAX_KEY_CHARS);
        assert_eq!(key_of("https://a.test/"), "https://a.test/");
    }
}
