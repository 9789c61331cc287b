//! What every [`SummaryStore`] must do.

use std::sync::Arc;

use kernel::{Privacy, Timestamp};

use crate::conversation::{Summary, SummaryStore};

/// Checks a store that is empty.
///
/// # Panics
/// When it does not keep the contract.
pub async fn summary_contract(store: Arc<dyn SummaryStore>) {
    let first = Summary {
        conversation: "ses_1".into(),
        up_to: "run_1".into(),
        messages: 3,
        digest: [7; 32],
        author: "extract".into(),
        privacy: Privacy::Local,
        updated_at: Timestamp(1_700_000_000_000),
        text: "Person: já! 🚀".into(),
    };
    let other = Summary { conversation: "ses_2".into(), ..first.clone() };
    assert_eq!(store.find_summary("ses_1").await.unwrap(), None);
    store.put_summary(&first).await.unwrap();
    store.put_summary(&other).await.unwrap();
    assert_eq!(store.find_summary("ses_1").await.unwrap(), Some(first.clone()));
    let second = Summary {
        up_to: "run_2".into(),
        messages: 4,
        digest: [8; 32],
        author: "scripted/one".into(),
        privacy: Privacy::Shareable,
        updated_at: Timestamp(1_700_000_000_001),
        text: "Another".into(),
        ..first
    };
    store.put_summary(&second).await.unwrap();
    assert_eq!(store.find_summary("ses_1").await.unwrap(), Some(second));
    store.delete_summary("ses_1").await.unwrap();
    store.delete_summary("ses_1").await.unwrap();
    assert_eq!(store.find_summary("ses_1").await.unwrap(), None);
    assert_eq!(store.find_summary("ses_2").await.unwrap(), Some(other));
}
