//! Lists in pages.

use kernel::{Page, PageRequest};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::error::Error;
use crate::extract::invalid;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct List<T> {
    /// The items, the newest first.
    pub items: Vec<T>,
    /// What to send as `cursor` for the next page; null on the last one.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

impl<T> List<T> {
    pub fn from_page<U>(page: Page<U>, convert: impl FnMut(U) -> T) -> Self {
        let Page { items, next_cursor } = page.map(convert);
        Self { items, next_cursor }
    }

    /// A list that has one page only.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }
}

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// At most this many items.
    #[param(minimum = 1, maximum = 500, default = 50, example = 20)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(pattern = "^[A-Za-z0-9_.:-]{1,200}$", example = "run_01hv5k3m9x7q2w8e4r6t")]
    cursor: Option<String>,
}

impl ListQuery {
    pub fn page(self) -> Result<PageRequest, Error> {
        page_request(self.limit, self.cursor)
    }
}

/// The page that `limit` and `cursor` mean.
pub(crate) fn page_request(limit: Option<u32>, cursor: Option<String>) -> Result<PageRequest, Error> {
    let limit = limit.unwrap_or(PageRequest::default().limit);
    if !(1..=PageRequest::MAX).contains(&limit) {
        return Err(invalid("limit", format!("it must be from 1 to {}", PageRequest::MAX)));
    }
    let well_formed = |cursor: &String| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
        (1..=200).contains(&cursor.len()) && cursor.bytes().all(plain)
    };
    if cursor.as_ref().is_some_and(|cursor| !well_formed(cursor)) {
        return Err(invalid("cursor", "it must be the next_cursor of an earlier page"));
    }
    Ok(PageRequest { limit, cursor })
}
