//! What every [`RunStore`] must do, as tests.
//!
//! An implementation calls [`run_all`] with a function that makes an empty store, or the single
//! functions to have them as tests of their own. Each panics at the first broken promise. They need
//! nothing from the runtime but that it runs; none of them waits for time to pass.

mod commits;
mod fixture;
mod leases;
mod reads;

use std::future::Future;
use std::sync::Arc;

use crate::store::RunStore;

pub use commits::{
    a_batch_survives_the_conflict_of_one, a_commit_is_whole_or_nothing,
    a_commit_with_a_gap_or_a_double_conflicts, a_dropped_commit_is_stored, a_large_payload_is_kept,
    a_run_is_created_once, an_empty_write_checks_the_lease, commits_are_stored_in_the_order_of_the_calls,
    idempotency_keys_are_unique, observers_hear_in_order_and_only_what_is_stored,
    payloads_of_any_text_are_kept, what_is_committed_reads_back,
};
pub use leases::{
    a_child_wakes_its_parent_when_it_comes_to_wait, a_child_wakes_its_waiting_parent,
    a_claim_clears_the_wake_up, a_finished_parent_is_not_woken, a_write_without_a_lease_ends_the_lease,
    claims_take_the_longest_due_first, concurrent_claims_share_the_queue, leases_end_and_are_renewed,
    only_the_holder_of_the_lease_writes, release_gives_every_held_run_back, the_first_holder_is_at_epoch_one,
    the_next_due_time_is_known,
};
pub use reads::{
    lists_filter, lists_find_titles_in_any_case, lists_page_without_gaps_or_doubles,
    rows_follow_their_updates, runs_are_counted_by_status, structural_events_know_the_last_number,
    what_does_not_exist_is_not_found,
};

/// Runs every function of the contract, each on a store of its own.
pub async fn run_all<Factory, Made>(factory: Factory)
where
    Factory: Fn() -> Made,
    Made: Future<Output = Arc<dyn RunStore>>,
{
    macro_rules! run {
        ($($function:ident),* $(,)?) => { $(
            tracing::info!(function = stringify!($function), "contract");
            Box::pin($function(&factory)).await;
        )* };
    }
    run!(
        what_is_committed_reads_back,
        commits_are_stored_in_the_order_of_the_calls,
        a_dropped_commit_is_stored,
        a_commit_with_a_gap_or_a_double_conflicts,
        a_commit_is_whole_or_nothing,
        a_batch_survives_the_conflict_of_one,
        a_run_is_created_once,
        an_empty_write_checks_the_lease,
        idempotency_keys_are_unique,
        observers_hear_in_order_and_only_what_is_stored,
        payloads_of_any_text_are_kept,
        a_large_payload_is_kept,
    );
    run!(
        the_first_holder_is_at_epoch_one,
        only_the_holder_of_the_lease_writes,
        a_write_without_a_lease_ends_the_lease,
        claims_take_the_longest_due_first,
        concurrent_claims_share_the_queue,
        leases_end_and_are_renewed,
        release_gives_every_held_run_back,
        the_next_due_time_is_known,
        a_child_wakes_its_waiting_parent,
        a_child_wakes_its_parent_when_it_comes_to_wait,
        a_claim_clears_the_wake_up,
        a_finished_parent_is_not_woken,
    );
    run!(
        what_does_not_exist_is_not_found,
        structural_events_know_the_last_number,
        rows_follow_their_updates,
        runs_are_counted_by_status,
        lists_filter,
        lists_find_titles_in_any_case,
        lists_page_without_gaps_or_doubles,
    );
}
