//! Lists in pages, newest first unless a list says otherwise.

/// How much of a list, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// At most this many items, 1 to 500.
    pub limit: u32,
    /// The `next_cursor` of the page before, opaque to callers.
    pub cursor: Option<String>,
}

impl PageRequest {
    /// The largest page there is.
    pub const MAX: u32 = 500;

    /// The first `limit` items.
    pub fn first(limit: u32) -> Self {
        Self { limit, cursor: None }
    }
}

impl Default for PageRequest {
    fn default() -> Self {
        Self::first(50)
    }
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page starts; `None` on the last.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Cuts a list that was read with one item more than `limit`, so that it is known whether
    /// another page follows; `cursor` names an item.
    pub fn from_overfull(mut items: Vec<T>, limit: u32, cursor: impl Fn(&T) -> String) -> Self {
        let limit = limit as usize;
        if items.len() <= limit {
            return Self { items, next_cursor: None };
        }
        items.truncate(limit);
        let next_cursor = items.last().map(cursor);
        Self { items, next_cursor }
    }

    /// The same page with each item converted.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(convert).collect(), next_cursor: self.next_cursor }
    }
}
