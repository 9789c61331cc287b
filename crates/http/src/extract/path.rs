//! Path segments.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use kernel::RunId;

use super::invalid;
use crate::error::Error;

/// The `{id}` of a run. An id that cannot exist does not exist.
pub(crate) struct PathRunId(pub RunId);

impl<S: Send + Sync> FromRequestParts<S> for PathRunId {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let PathText([id]) = PathText::<1>::from_request_parts(parts, state).await?;
        Ok(Self(kernel::id::known(&id, "run_not_found")?))
    }
}

/// All segments of a path that has so many, as text.
pub(crate) struct PathText<const N: usize>(pub [String; N]);

impl<const N: usize, S: Send + Sync> FromRequestParts<S> for PathText<N> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Path(segments) = Path::<Vec<String>>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| invalid("path", rejection.body_text()))?;
        segments.try_into().map(Self).map_err(|_| Error::NoRoute)
    }
}
