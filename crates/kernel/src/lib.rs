//! What every other crate speaks in: identifiers, errors, time, pages, actors and privacy labels.
//!
//! Invariant: nothing here performs IO. Time and randomness enter through [`Clock`] and
//! [`Entropy`], so that a test can fix both.
//!
//! Start reading at [`error`].

pub mod actor;
pub mod clock;
pub mod error;
pub mod id;
pub mod page;
pub mod privacy;

pub use actor::Actor;
pub use clock::{Clock, FixedClock, SystemClock, Timestamp};
pub use error::{Error, Kind, Result};
pub use id::{
    CallId, DispatchId, DocumentId, Entropy, Ids, LimitId, LogEntryId, RequestId, RunId, SeededEntropy,
    SessionId, SystemEntropy, TokenId, WorkerId,
};
pub use page::{Page, PageRequest};
pub use privacy::Privacy;
