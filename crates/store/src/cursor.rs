//! Cursors of lists that are ordered by id, the newest first: the id of the last item shown.

use std::str::FromStr;

use kernel::{Error, PageRequest, Result};

/// The id before which a page begins, if it is not the first.
///
/// # Errors
/// [`kernel::Kind::Invalid`] when the cursor is not such an id.
pub(crate) fn before<Id: FromStr>(page: &PageRequest) -> Result<Option<Id>> {
    page.cursor.as_deref().map(str::parse).transpose().map_err(|_| {
        Error::invalid("invalid_cursor", "No page named this cursor")
            .with_hint("Use the `next_cursor` of the page before, or none for the first page")
    })
}
