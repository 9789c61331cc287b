//! How much a search looks at: the balance between what it finds and how long it takes.
//!
//! What the figures here do to real vectors is measured by `cargo xtask bench vectors`.

/// Up to so many rows the same share of them is looked at, so that nearly nothing is missed.
const SMALL: f64 = 250_000.0;
/// That share.
const SHARE: f64 = 0.7;
/// Of more rows the share falls as this power of their number grows.
const FALL: f64 = 1.2;
/// Of what a filter lets through, and of more matches than these, the last lie further away, so the
/// share grows as this power of how many times as far down the list they are.
const FURTHER: f64 = 0.3;
/// So many matches.
const COUNT: f64 = 10.0;
/// A cell is passed over when even a row so many deviations above its centre, along the query, would
/// not be near enough. Texts lie along fewer directions than their vectors have numbers, so it takes
/// more of them than chance would.
const DEVIATIONS: f32 = 14.0;
/// Longer vectors do not lie along more directions.
const DIRECTIONS: usize = 384;

/// How much nearer than its centre a cell's rows may be to a query at a distance from the centre, for
/// rows with this deviation along one direction of all.
pub fn slack(distance: f32, radius: f32, width: usize) -> f32 {
    let fewer = (width as f32 / width.min(DIRECTIONS) as f32).sqrt();
    DEVIATIONS * distance * radius * fewer
}

/// Which share of so many rows is looked at for `count` matches, when a filter lets the share
/// `allowed` of them through.
pub fn share(rows: usize, allowed: f64, count: usize) -> f64 {
    let share = SHARE * (SMALL / (rows as f64).max(SMALL)).powf(FALL);
    let further = (count as f64 / COUNT).max(1.0) / allowed.clamp(1e-9, 1.0);
    (share * further.powf(FURTHER)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smaller_share_of_more_rows_is_looked_at_and_a_larger_one_of_filtered_rows() {
        assert_eq!(share(1_000, 1.0, 10), SHARE);
        assert_eq!(share(1_000, 1.0, 1), SHARE);
        assert!((0.1..0.15).contains(&share(1_000_000, 1.0, 10)));
        assert!(share(1_000_000, 0.1, 10) > 1.5 * share(1_000_000, 1.0, 10));
        assert_eq!(share(1_000_000, 1.0, 100), share(1_000_000, 0.1, 10));
        assert_eq!(share(1_000, 0.01, 10), 1.0);
        assert_eq!(share(1_000, 0.0, 10), 1.0);
    }
}
