//! What can be read: `atelier://runs/{id}` and `atelier://documents/{id}`.
//!
//! A document that is labelled `local` is not there: a client hands what it reads to its model.

use accounts::Scope;
use axum::http::Method;
use rmcp::ErrorData;
use rmcp::model::{ListResourcesResult, ReadResourceResult, Resource, ResourceContents, ResourceTemplate};
use serde::Deserialize;
use serde_json::{Value, json};

use super::calls::{Call, Refusal, Route};
use super::handler::{Asked, error_of};

const RUNS: &str = "atelier://runs/";
const DOCUMENTS: &str = "atelier://documents/";
const GET_RUN: Route = (Method::GET, "/api/v1/runs/{id}");
const LIST_RUNS: Route = (Method::GET, "/api/v1/runs");
const GET_DOCUMENT: Route = (Method::GET, "/api/v1/memory/documents/{id}");
const LIST_DOCUMENTS: Route = (Method::GET, "/api/v1/memory/documents");
const PAGE: u32 = 50;

/// A kind of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A run, as JSON.
    Run,
    /// A document of memory, as text.
    Document,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Run, Self::Document];

    fn prefix(self) -> &'static str {
        match self {
            Self::Run => RUNS,
            Self::Document => DOCUMENTS,
        }
    }

    /// The template of its addresses.
    pub fn template(self) -> String {
        format!("{}{{id}}", self.prefix())
    }

    fn list(self) -> Route {
        match self {
            Self::Run => LIST_RUNS,
            Self::Document => LIST_DOCUMENTS,
        }
    }

    /// A call that lists it.
    pub fn listing(self) -> Call {
        let filters = (self == Self::Document).then_some("privacy:shareable");
        Call::new(self.list(), &[]).with("filters", filters)
    }

    fn get(self) -> Route {
        match self {
            Self::Run => GET_RUN,
            Self::Document => GET_DOCUMENT,
        }
    }

    /// Those that this server has and the caller may read.
    pub fn shown_to(asked: &Asked) -> impl Iterator<Item = Self> {
        let is_shown = |kind: &Self| {
            let scope = match kind {
                Self::Run => Scope::ReadRuns,
                Self::Document => Scope::ReadMemory,
            };
            asked.may(&[scope]) && asked.routes.have(&kind.get()) && asked.routes.have(&kind.list())
        };
        Self::ALL.into_iter().filter(is_shown)
    }
}

/// What a list says of a run or a document.
#[derive(Debug, Deserialize)]
pub(super) struct Listed {
    pub id: String,
    #[serde(default)]
    pub title: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    collection: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Listed>,
    next_cursor: Option<String>,
}

/// The address of a document.
pub(super) fn document_uri(id: &str) -> String {
    format!("{DOCUMENTS}{id}")
}

/// The templates of what the caller may read.
pub(super) fn templates(asked: &Asked) -> Vec<ResourceTemplate> {
    let template = |kind: Kind| match kind {
        Kind::Run => ResourceTemplate::new(kind.template(), "run")
            .with_title("A run")
            .with_description("Where a run stands: its plan, steps, gates, files, cost and result")
            .with_mime_type("application/json"),
        Kind::Document => ResourceTemplate::new(kind.template(), "document")
            .with_title("A document of memory")
            .with_description("The whole text of something that is remembered"),
    };
    Kind::shown_to(asked).map(template).collect()
}

/// A page of what the caller may read: runs first, the newest first, then documents. The cursor is the
/// kind's place and the cursor of its own list.
pub(super) async fn list(asked: &Asked, cursor: Option<String>) -> Result<ListResourcesResult, ErrorData> {
    let kinds: Vec<Kind> = Kind::shown_to(asked).collect();
    let (place, cursor) = match cursor.as_deref() {
        None => (0, None),
        Some(cursor) => read_cursor(cursor)
            .filter(|(place, _)| *place < kinds.len())
            .ok_or_else(|| ErrorData::invalid_params("The cursor is not one of this list", None))?,
    };
    let Some(kind) = kinds.get(place).copied() else { return Ok(ListResourcesResult::default()) };
    let call = kind.listing().with("limit", Some(PAGE)).with("cursor", cursor);
    let page: Page = asked.routes.call(&asked.credentials, call).await.map_err(error_of)?;
    let mut result =
        ListResourcesResult::with_all_items(page.items.into_iter().map(|one| shown(kind, one)).collect());
    result.next_cursor = match page.next_cursor {
        Some(cursor) => Some(format!("{place}:{cursor}")),
        None if place + 1 < kinds.len() => Some(format!("{}:", place + 1)),
        None => None,
    };
    Ok(result)
}

fn read_cursor(cursor: &str) -> Option<(usize, Option<String>)> {
    let (place, cursor) = cursor.split_once(':')?;
    Some((place.parse().ok()?, Some(cursor.to_owned()).filter(|cursor| !cursor.is_empty())))
}

fn shown(kind: Kind, listed: Listed) -> Resource {
    let Listed { id, title, status, collection } = listed;
    let resource = Resource::new(format!("{}{id}", kind.prefix()), id);
    let resource = match title {
        Some(title) => resource.with_title(title),
        None => resource,
    };
    match (kind, status, collection) {
        (Kind::Run, Some(status), _) => {
            resource.with_description(format!("A run, {status}")).with_mime_type("application/json")
        }
        (Kind::Document, _, Some(collection)) => {
            resource.with_description(format!("A document of {collection}"))
        }
        _ => resource,
    }
}

/// What is at an address.
pub(super) async fn read(asked: &Asked, uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let not_found = || {
        let shown: String = uri.chars().take(200).collect();
        ErrorData::resource_not_found(format!("There is no resource {shown}"), Some(json!({"uri": shown})))
    };
    let known = |kind: Kind| uri.strip_prefix(kind.prefix()).map(|id| (kind, id));
    let (kind, id) = Kind::ALL.into_iter().find_map(known).ok_or_else(not_found)?;
    if id.is_empty() || !Kind::shown_to(asked).any(|shown| shown == kind) {
        return Err(not_found());
    }
    let answer = asked.routes.call(&asked.credentials, Call::new(kind.get(), &[id])).await;
    let value: Value = answer.map_err(|refusal: Refusal| match refusal.code.ends_with("_not_found") {
        true => not_found(),
        false => error_of(refusal),
    })?;
    let contents = match kind {
        Kind::Run => ResourceContents::text(value.to_string(), uri).with_mime_type("application/json"),
        Kind::Document if value["privacy"] != "shareable" => return Err(not_found()),
        Kind::Document => {
            let text = value["text"].as_str().unwrap_or_default();
            ResourceContents::text(text, uri).with_mime_type(match value["format"].as_str() {
                Some("markdown") => "text/markdown",
                _ => "text/plain",
            })
        }
    };
    Ok(ReadResourceResult::new(vec![contents]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(cursor: &str, expected: Option<(usize, Option<&str>)>) {
        let read = read_cursor(cursor);
        assert_eq!(read.as_ref().map(|(place, cursor)| (*place, cursor.as_deref())), expected, "{cursor}");
    }

    #[test]
    fn a_cursor_names_the_kind_and_its_own_cursor() {
        check("0:run_1", Some((0, Some("run_1"))));
        check("1:", Some((1, None)));
        check("1:a:b", Some((1, Some("a:b"))));
        check("run_1", None);
        check("-1:x", None);
        check("", None);
    }
}
