//! The allocator, and how memory goes back to the system after a rush.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Runs make many small allocations on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How often a thread gives back what it does not use.
const GIVE_BACK_EVERY: Duration = Duration::from_secs(5);

/// Says whether this process and those it starts use huge pages; where the kernel has none, they do
/// not.
pub fn set_huge_pages(wanted: bool) {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(!wanted);
    #[cfg(not(target_os = "linux"))]
    let _ = wanted;
}

/// Gives back what the thread that calls this has freed, for threads that are about to wait. Each
/// has a heap of its own, and left alone keeps what the busiest moment took.
pub fn give_back() {
    thread_local! {
        static LAST: Cell<Option<Instant>> = const { Cell::new(None) };
    }
    let now = Instant::now();
    if LAST.get().is_some_and(|last| now.duration_since(last) < GIVE_BACK_EVERY) {
        return;
    }
    LAST.set(Some(now));
    // SAFETY: it takes no pointers, and any thread may call it at any time.
    #[allow(unsafe_code, reason = "the allocator's crate has no safe name for it")]
    unsafe {
        libmimalloc_sys::mi_collect(true);
    }
}
