//! Searches while others change the index.

use std::sync::atomic::{AtomicBool, Ordering};

use super::super::*;

const ROWS: u32 = 300;

fn is_shared<T: Clone + Send + Sync>() {}

/// All rows always have one direction, which every call of `apply` changes: whoever sees two of them
/// sees half a call.
#[test]
fn a_search_sees_whole_calls_only_and_never_waits() {
    is_shared::<Vectors>();
    let folder = tempfile::tempdir().unwrap();
    let index = Vectors::open(folder.path(), 8, "test").unwrap();
    let axis = |step: usize| {
        let mut vector = vec![0.0; 8];
        vector[step % 8] = 1.0;
        vector
    };
    let apply = |step: usize| {
        let vector = axis(step);
        // They go and come back, so that their number is what it was only at the end.
        let removed = (0..ROWS / 2).map(|number| Change::Remove { number });
        let put = (0..ROWS).map(|number| Change::Put { number, vector: &vector });
        index.apply(&removed.chain(put).collect::<Vec<_>>(), step as u64 + 1).unwrap();
    };
    apply(0);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for reader in 0..2 {
            let (index, done) = (index.clone(), &done);
            scope.spawn(move || {
                let query = axis(reader);
                let numbers: Vec<u32> = (0..ROWS).collect();
                let filter: RoaringBitmap = (0..ROWS).filter(|number| number % 3 == 0).collect();
                while !done.load(Ordering::Relaxed) {
                    let before = index.position();
                    let found = index.search(&query, ROWS as usize, None);
                    let filtered = index.search(&query, ROWS as usize, Some(&filter));
                    let similarities = index.similarities(&query, &numbers);
                    let after = index.position();
                    assert_eq!(index.len(), ROWS as usize);
                    assert_eq!(found.len(), ROWS as usize);
                    assert_eq!(filtered.len() as u64, filter.len());
                    for found in [&found, &filtered] {
                        assert!(found.iter().all(|one| one.similarity == found[0].similarity), "half a call");
                        assert!(found.windows(2).all(|pair| pair[0].number < pair[1].number));
                    }
                    assert!(similarities.iter().all(|one| *one == similarities[0]), "half a call");
                    if before == after {
                        let is_near = (before as usize - 1) % 8 == reader;
                        assert_eq!(found[0].similarity > 0.5, is_near, "an old state");
                    }
                }
            });
        }
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let segments = index.stats().segments;
                let all: Vec<usize> = (0..segments).collect();
                index.0.rewrite_now(if segments > 2 { &all } else { &[] }).unwrap();
                index.maintain().unwrap();
            }
        });
        (1..400).for_each(apply);
        done.store(true, Ordering::Relaxed);
    });
    drop(index);
    let index = Vectors::open(folder.path(), 8, "test").unwrap();
    assert_eq!((index.position(), index.len()), (400, ROWS as usize));
}
