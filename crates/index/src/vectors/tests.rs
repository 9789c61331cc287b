//! The whole index with every instruction set of this machine.

mod concurrent;
mod damage;
mod killed;
mod model;

use super::*;

/// Vectors around a few centres, of numbers that are nothing in particular.
fn vectors(count: usize, dimensions: usize) -> Vec<Vec<f32>> {
    let mut state = 7_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    let centres: Vec<Vec<f32>> = (0..40).map(|_| (0..dimensions).map(|_| random()).collect()).collect();
    let near = |number: usize, noise: &mut dyn FnMut() -> f32| {
        centres[number % centres.len()].iter().map(|value| value + noise()).collect()
    };
    (0..count).map(|number| near(number, &mut random)).collect()
}

fn filled(folder: &Path, level: Level, vectors: &[Vec<f32>]) -> Vectors {
    let index = Vectors::open_at(folder, vectors[0].len(), "test", level).unwrap();
    let changes: Vec<Change<'_>> = vectors
        .iter()
        .enumerate()
        .map(|(number, vector)| Change::Put { number: number as u32, vector })
        .collect();
    for (step, changes) in changes.chunks(5_000).enumerate() {
        index.apply(changes, step as u64 + 1).unwrap();
    }
    index
}

#[test]
fn every_instruction_set_finds_the_same_in_tail_and_cells() {
    let (vectors, queries) = (vectors(20_000, 96), vectors(20_030, 96));
    let mut found = Vec::new();
    for level in Level::all() {
        let folder = tempfile::tempdir().unwrap();
        let index = filled(folder.path(), level, &vectors);
        let search = |index: &Vectors| -> Vec<Vec<Match>> {
            queries[20_000..].iter().map(|query| index.search(query, 10, None)).collect()
        };
        let in_tail = search(&index);
        index.maintain().unwrap();
        assert!(index.stats().cells > 100);
        found.push((in_tail, search(&index)));
    }
    for (level, (in_tail, in_cells)) in Level::all().iter().zip(&found) {
        for (matches, portable) in
            [(in_tail, &found[found.len() - 1].0), (in_cells, &found[found.len() - 1].1)]
        {
            let pairs = matches.iter().flatten().zip(portable.iter().flatten());
            // Sums in another order differ in the last place; now and then a row is passed over.
            let alike = pairs.filter(|(one, other)| {
                one.number == other.number && (one.similarity - other.similarity).abs() < 1e-5
            });
            assert!(alike.count() >= 295, "{level:?}");
        }
    }
}

#[test]
fn cells_find_nearly_all_that_a_whole_scan_finds() {
    let (vectors, queries) = (vectors(40_000, 128), vectors(40_100, 128));
    let folder = tempfile::tempdir().unwrap();
    let index = filled(folder.path(), Level::detect(), &vectors);
    index.maintain().unwrap();
    let unit = |vector: &[f32]| {
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        vector.iter().map(|value| value / length).collect::<Vec<f32>>()
    };
    let units: Vec<Vec<f32>> = vectors.iter().map(|vector| unit(vector)).collect();
    let every = |step: usize| -> RoaringBitmap { (0..50_000).step_by(step).collect() };
    for filter in [None, Some(&every(3)), Some(&every(13)), Some(&every(300))] {
        let mut missed = 0;
        for query in &queries[40_000..] {
            let unit = unit(query);
            let cosine = |other: &[f32]| unit.iter().zip(other).map(|(a, b)| a * b).sum::<f32>();
            let allowed = |number: &usize| filter.is_none_or(|filter| filter.contains(*number as u32));
            let mut exact: Vec<f32> =
                (0..units.len()).filter(allowed).map(|number| cosine(&units[number])).collect();
            exact.sort_unstable_by(|a, b| b.total_cmp(a));
            let found = index.search(query, 10, filter);
            assert!(found.iter().all(|one| allowed(&(one.number as usize))));
            missed += found.iter().filter(|one| one.similarity < exact[9] - 1e-4).count();
        }
        assert!(missed <= 5, "{missed} of 1,000 were missed");
    }
}
