//! What fulfils the conditions of the last searches, until the index changes: whoever searches goes on
//! with the same ones.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use roaring::RoaringBitmap;

use super::Condition;

/// How many are kept, of a bit a chunk at most each.
const KEPT: usize = 8;

/// The chunks that fulfil some conditions.
#[derive(Default)]
pub(super) struct Kept(Mutex<Generation>);

#[derive(Default)]
struct Generation {
    number: u64,
    /// The newest last.
    matching: VecDeque<(Condition, Arc<RoaringBitmap>)>,
}

impl Kept {
    /// What fulfils a condition in a generation of the index, if that is known.
    pub fn find(&self, generation: u64, condition: &Condition) -> Option<Arc<RoaringBitmap>> {
        let kept = self.0.lock();
        let known = kept.matching.iter().find(|(known, _)| known == condition);
        known.filter(|_| kept.number == generation).map(|(_, matching)| Arc::clone(matching))
    }

    /// Keeps what fulfils a condition, unless the index has changed since.
    pub fn put(&self, generation: u64, condition: &Condition, matching: Arc<RoaringBitmap>) {
        let mut kept = self.0.lock();
        if kept.number > generation {
            return;
        }
        if kept.number < generation {
            *kept = Generation { number: generation, matching: VecDeque::new() };
        }
        if kept.matching.len() == KEPT {
            kept.matching.pop_front();
        }
        kept.matching.push_back((condition.clone(), matching));
    }
}
