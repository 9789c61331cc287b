//! What a search or a list looks at.
//!
//! A filter is read from names and values once, so that past this module every field is known.

use index::Condition;
use kernel::{Privacy, Timestamp};

use crate::document::{ATTRIBUTES, Attributes, Document, cut};
use crate::error::Error;

/// Which documents are looked at; all that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// One of these collections; any when empty.
    pub collections: Vec<String>,
    /// Written by this author, whatever the case.
    pub author: Option<String>,
    /// All of these attributes have these values.
    pub attributes: Attributes,
    /// From this source.
    pub source: Option<String>,
    /// Not from this source.
    pub excluded_source: Option<String>,
    /// Of no stricter label.
    pub strictest: Option<Privacy>,
    /// Of this moment or later.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// Whether a search looks at documents that were superseded too; a list always does.
    pub includes_superseded: bool,
}

/// What the indices know a chunk by whose document was superseded.
pub(crate) const SUPERSEDED: &str = "superseded=yes";

impl Filter {
    /// What is in one collection.
    pub fn of_collection(name: &str) -> Self {
        Self { collections: vec![name.to_owned()], ..Self::default() }
    }

    /// Adds a condition as it is spelled outside: a field's name and its value. `collection` may be
    /// given more than once; times are RFC 3339 or dates.
    ///
    /// # Errors
    /// [`Error::UnknownField`], [`Error::UnfitValue`].
    pub fn add(&mut self, field: &str, value: &str) -> Result<(), Error> {
        let unfit = || Error::UnfitValue { field: field.to_owned(), value: cut(value, 60) };
        match field {
            "collection" => self.collections.push(value.to_owned()),
            "author" => self.author = Some(value.to_owned()),
            "source" => self.source = Some(value.to_owned()),
            "privacy" => self.strictest = Some(value.parse().map_err(|_| unfit())?),
            "since" => self.since = Some(value.parse().map_err(|_| unfit())?),
            "until" => self.until = Some(value.parse().map_err(|_| unfit())?),
            "superseded" => {
                self.includes_superseded = match value {
                    "include" => true,
                    "exclude" => false,
                    _ => return Err(unfit()),
                }
            }
            name if ATTRIBUTES.contains(&name) => {
                self.attributes.insert(name.to_owned(), value.to_owned());
            }
            other => return Err(Error::UnknownField { field: cut(other, 60) }),
        }
        Ok(())
    }

    /// Whether everything passes.
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// The filter as indices hold it.
    pub(crate) fn condition(&self) -> Condition {
        let mut one_of_each = Vec::new();
        if !self.collections.is_empty() {
            one_of_each.push(self.collections.iter().map(|name| facet("collection", name)).collect());
        }
        if let Some(author) = &self.author {
            one_of_each.push(vec![facet("author", &author.to_lowercase())]);
        }
        one_of_each.extend(self.attributes.iter().map(|(name, value)| vec![facet(name, value)]));
        one_of_each.extend(self.source.iter().map(|source| vec![facet("source", source)]));
        let mut none_of: Vec<String> =
            self.excluded_source.iter().map(|source| facet("source", source)).collect();
        if self.strictest == Some(Privacy::Shareable) {
            none_of.push(facet("privacy", Privacy::Local.as_str()));
        }
        let (since_ms, until_ms) = (self.since.map(|moment| moment.0), self.until.map(|moment| moment.0));
        Condition { one_of_each, none_of, since_ms, until_ms }
    }

    /// Whether a document passes, or a chunk of it with this author and time.
    pub fn passes(&self, document: &Document, author: Option<&str>, time: Timestamp) -> bool {
        let same_author =
            |wanted: &String| author.is_some_and(|author| author.to_lowercase() == wanted.to_lowercase());
        (self.collections.is_empty() || self.collections.contains(&document.collection))
            && self.author.as_ref().is_none_or(same_author)
            && self.attributes.iter().all(|(name, value)| document.attributes.get(name) == Some(value))
            && self.source.as_ref().is_none_or(|source| *source == document.source)
            && self.excluded_source.as_ref() != Some(&document.source)
            && self.strictest.is_none_or(|strictest| document.privacy <= strictest)
            && self.since.is_none_or(|since| time >= since)
            && self.until.is_none_or(|until| time < until)
    }
}

/// What a chunk of a document can be found by, beside its words and its time.
pub(crate) fn facets(document: &Document, author: Option<&str>) -> Vec<String> {
    let mut facets = vec![
        facet("collection", &document.collection),
        facet("source", &document.source),
        facet("privacy", document.privacy.as_str()),
        facet("format", &document.format),
    ];
    facets.extend(document.superseded_by.iter().map(|_| SUPERSEDED.to_owned()));
    facets.extend(author.map(|author| facet("author", &author.to_lowercase())));
    facets.extend(document.attributes.iter().map(|(name, value)| facet(name, value)));
    facets
}

/// No name of a field has an equals sign.
fn facet(field: &str, value: &str) -> String {
    format!("{field}={value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(conditions: &[(&str, &str)], expected: Result<Filter, &str>) {
        let mut filter = Filter::default();
        let added = conditions.iter().try_for_each(|(field, value)| filter.add(field, value));
        let read = added.map(|()| filter).map_err(|error| kernel::Error::from(error).code);
        assert_eq!(read, expected);
    }

    #[test]
    fn fields_are_known_or_refused() {
        check(&[], Ok(Filter::default()));
        let collections = vec!["notes".to_owned(), "mail".to_owned()];
        let expected = Filter { collections, ..Filter::default() };
        check(&[("collection", "notes"), ("collection", "mail")], Ok(expected));
        let since = Some(Timestamp(1_767_225_600_000));
        check(&[("since", "2026-01-01")], Ok(Filter { since, ..Filter::default() }));
        check(&[("until", "2026-01-01T00:00:00Z")], Ok(Filter { until: since, ..Filter::default() }));
        let attributes = Attributes::from([("brand_id".to_owned(), "brd_1".to_owned())]);
        check(&[("brand_id", "brd_1")], Ok(Filter { attributes, ..Filter::default() }));
        check(&[("brand", "brd_1")], Err("unknown_field"));
        check(&[("since", "yesterday")], Err("unfit_value"));
        check(&[("privacy", "secret")], Err("unfit_value"));
        let all = Filter { includes_superseded: true, ..Filter::default() };
        check(&[("superseded", "include")], Ok(all));
        check(&[("superseded", "include"), ("superseded", "exclude")], Ok(Filter::default()));
        check(&[("superseded", "yes")], Err("unfit_value"));
    }
}
