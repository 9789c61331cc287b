//! The index beside a model of it that compares a query with every row.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::*;

/// The rows, as they were put.
pub type Model = BTreeMap<u32, Vec<f32>>;

/// What halves may cost a cosine of vectors of few numbers.
const EXACT: f32 = 2e-3;

/// The cosine; 0 where one of them has no direction.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot =
        |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum() };
    let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
    if cosine.is_finite() { cosine as f32 } else { 0.0 }
}

/// What a call of `apply` does to the model.
pub fn apply_to(model: &mut Model, changes: &[Change<'_>]) {
    for change in changes {
        match change {
            Change::Put { number, vector } => model.insert(*number, vector.to_vec()),
            Change::Remove { number } => model.remove(number),
        };
    }
}

/// Everything that an index answers about these queries must be as the model says.
#[track_caller]
pub fn check(index: &Vectors, model: &Model, queries: &[Vec<f32>], filters: &[Option<RoaringBitmap>]) {
    assert_eq!(index.len(), model.len());
    assert_eq!(index.is_empty(), model.is_empty());
    let last = model.keys().last().map_or(0, |last| last + 3);
    let asked: Vec<u32> = (0..last).collect();
    for query in queries {
        let expected: Vec<Option<f32>> =
            asked.iter().map(|number| Some(cosine(query, model.get(number)?))).collect();
        let similarities = index.similarities(query, &asked);
        for (number, (found, expected)) in similarities.iter().zip(&expected).enumerate() {
            match (found, expected) {
                (Some(found), Some(expected)) => {
                    assert!((found - expected).abs() < EXACT, "{number}: {found}, not {expected}")
                }
                _ => assert_eq!(found, expected, "{number}"),
            }
        }
        for filter in filters {
            check_search(index, query, &similarities, filter.as_ref());
        }
    }
}

#[track_caller]
fn check_search(
    index: &Vectors,
    query: &[f32],
    similarities: &[Option<f32>],
    filter: Option<&RoaringBitmap>,
) {
    let allowed = |number: &u32| filter.is_none_or(|filter| filter.contains(*number));
    let all = similarities.iter().enumerate();
    let all = all.filter_map(|(number, one)| Some(Match { number: number as u32, similarity: (*one)? }));
    let mut exact: Vec<Match> = all.filter(|one| allowed(&one.number)).collect();
    exact.sort_by(|a, b| b.similarity.total_cmp(&a.similarity).then(a.number.cmp(&b.number)));
    if query.iter().all(|value| *value == 0.0) || query.iter().any(|value| !value.is_finite()) {
        exact.clear();
    }
    for count in [0, 1, 10, MAX_COUNT, usize::MAX] {
        let found = index.search(query, count, filter);
        assert_eq!(found.len(), count.min(MAX_COUNT).min(exact.len()));
        if count.min(MAX_COUNT) > exact.len() {
            assert_eq!(found, exact, "all of them, in their order");
        }
        for (one, exact) in found.iter().zip(&exact) {
            assert_eq!(Some(one.similarity), similarities[one.number as usize]);
            assert!(allowed(&one.number));
            // Of many rows now and then one is passed over.
            let tolerance = if index.len() > search::FEW { 0.3 } else { 0.0 };
            assert!(one.similarity >= exact.similarity - tolerance, "{one:?} instead of {exact:?}");
        }
        let in_order = |pair: &[Match]| {
            pair[0].similarity > pair[1].similarity
                || (pair[0].similarity == pair[1].similarity && pair[0].number < pair[1].number)
        };
        assert!(found.windows(2).all(in_order), "{found:?}");
    }
}

#[derive(Clone, Debug)]
enum Step {
    Apply(Vec<(u32, Option<Vec<f32>>)>),
    Maintain,
    /// Rewrites the tail and the segments whose bits are set.
    Rewrite(u8),
    Flush,
    Reopen,
}

fn vectors(dimensions: usize) -> impl Strategy<Value = Vec<f32>> {
    let usual = vec(-1.0..1.0_f32, dimensions);
    let odd = prop_oneof![
        Just(0.0_f32),
        Just(-0.0),
        Just(1.0),
        Just(f32::NAN),
        Just(f32::NEG_INFINITY),
        Just(f32::MAX),
        Just(1e-40)
    ];
    prop_oneof![
        8 => usual,
        1 => Just(vec![0.0; dimensions]),
        1 => odd.prop_flat_map(move |value| vec(prop_oneof![Just(value), -1.0..1.0_f32], dimensions)),
    ]
}

fn steps(dimensions: usize) -> impl Strategy<Value = Vec<Step>> {
    let put = vectors(dimensions).prop_map(Some);
    let change = (0..150_u32, prop_oneof![3 => put, 1 => Just(None)]);
    let step = prop_oneof![
        8 => vec(change, 0..80).prop_map(Step::Apply),
        1 => Just(Step::Maintain),
        3 => any::<u8>().prop_map(Step::Rewrite),
        1 => Just(Step::Flush),
        2 => Just(Step::Reopen),
    ];
    vec(step, 1..24)
}

fn filters() -> impl Strategy<Value = Vec<Option<RoaringBitmap>>> {
    let some = vec(0..200_u32, 0..100).prop_map(|numbers| Some(numbers.into_iter().collect()));
    some.prop_map(|some: Option<RoaringBitmap>| {
        // More than are followed, of which most have no row.
        let many = some.clone().map(|some: RoaringBitmap| some | (1_000..20_000).collect::<RoaringBitmap>());
        vec![None, some, many, Some(RoaringBitmap::new())]
    })
}

fn case() -> impl Strategy<Value = (usize, Vec<Step>, Vec<Vec<f32>>)> {
    prop_oneof![Just(3_usize), Just(64), Just(100)]
        .prop_flat_map(|dimensions| (Just(dimensions), steps(dimensions), vec(vectors(dimensions), 1..4)))
}

fn cases() -> u32 {
    match std::env::var("ATELIER_TEST_PROFILE").as_deref() {
        Ok("nightly") => 2_000,
        _ => 60,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_as_a_comparison_with_every_row_does(
        (dimensions, steps, queries) in case(),
        filters in filters(),
        many in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let open = || Vectors::open(folder.path(), dimensions, "test").unwrap();
        let (mut index, mut model, mut position) = (open(), Model::new(), 0);
        // Vectors of three numbers, of which there are so many, have codes that say little.
        if many && dimensions > 3 {
            let vectors = super::vectors(1_500, dimensions);
            let rows = vectors.iter().zip(100..);
            let changes: Vec<Change<'_>> = rows.map(|(vector, number)| Change::Put { number, vector }).collect();
            position += 1;
            index.apply(&changes, position).unwrap();
            apply_to(&mut model, &changes);
        }
        for step in steps {
            match step {
                Step::Apply(changes) => {
                    let changes: Vec<Change<'_>> = changes
                        .iter()
                        .map(|(number, vector)| match vector {
                            Some(vector) => Change::Put { number: *number, vector },
                            None => Change::Remove { number: *number },
                        })
                        .collect();
                    position += 3;
                    index.apply(&changes, position).unwrap();
                    apply_to(&mut model, &changes);
                }
                Step::Maintain => index.maintain().unwrap(),
                Step::Rewrite(bits) => {
                    let parts: Vec<usize> =
                        (0..index.stats().segments).filter(|part| bits >> (part % 8) & 1 == 1).collect();
                    index.0.rewrite_now(&parts).unwrap();
                }
                Step::Flush => index.flush().unwrap(),
                Step::Reopen => {
                    drop(index);
                    index = open();
                }
            }
            assert_eq!(index.position(), position);
            assert_eq!(index.len(), model.len());
        }
        check(&index, &model, &queries, &filters);
        drop(index);
        let index = open();
        assert_eq!(index.position(), position);
        check(&index, &model, &queries, &filters);
    }
}
