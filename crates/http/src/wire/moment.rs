//! Times.

use kernel::Timestamp;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// A moment: RFC 3339 in UTC, with milliseconds.
#[derive(Clone, Copy, Debug, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-21T09:30:00.000Z")]
pub(crate) struct Moment(pub Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, into: S) -> Result<S::Ok, S::Error> {
        into.collect_str(&self.0)
    }
}

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}
