//! Vectors as the stores have them: of length one, so that an inner product is a cosine and needs no
//! division, and of zeros where there is no direction, so that it is 0 with everything.

/// The same direction in a vector of length one and of `dimensions` numbers; none for one of another
/// length, of zeros or with a number that is not finite.
pub(crate) fn direction(vector: &[f32], dimensions: usize) -> Option<Vec<f32>> {
    let length = vector.iter().map(|number| f64::from(*number).powi(2)).sum::<f64>().sqrt();
    let has_one = vector.len() == dimensions && length.is_finite() && length > 0.0;
    has_one.then(|| vector.iter().map(|number| (f64::from(*number) / length) as f32).collect())
}

/// The direction, or zeros.
pub(crate) fn direction_or_zeros(vector: &[f32], dimensions: usize) -> Vec<f32> {
    direction(vector, dimensions).unwrap_or_else(|| vec![0.0; dimensions])
}

/// The inner product of two vectors of one length.
pub(crate) fn product(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(one, other)| f64::from(*one) * f64::from(*other)).sum::<f64>() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_an_embedder_gives_has_length_one_or_no_direction() {
        #[track_caller]
        fn check(vector: &[f32], expected: Option<&[f32]>) {
            assert_eq!(direction(vector, 2).as_deref(), expected, "{vector:?}");
        }
        check(&[3.0, 4.0], Some(&[0.6, 0.8]));
        check(&[0.0, -1e-30], Some(&[0.0, -1.0]));
        check(&[f32::MAX, f32::MAX], Some(&[0.70710677, 0.70710677]));
        check(&[0.0, 0.0], None);
        check(&[f32::NAN, 1.0], None);
        check(&[f32::INFINITY, 1.0], None);
        check(&[1.0, 2.0, 3.0], None);
        assert_eq!(direction_or_zeros(&[f32::NAN], 3), [0.0; 3]);
        assert_eq!(product(&[1.0, 2.0], &[3.0, 0.5]), 4.0);
    }
}
