//! How often something took how long, in a few hundred bytes.
//!
//! Up to 31 ms each millisecond has a bucket of its own; beyond that each doubling has 32, so that a
//! value read back is off by at most 1.6 %. Two histograms add up to the histogram of both.

use models::ledger::Percentiles;

/// Buckets of a doubling, and the power of two that is.
const STEPS: u64 = 32;
const STEPS_POWER: u32 = 5;

/// Counts by bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Histogram(Vec<u64>);

impl Histogram {
    pub fn add(&mut self, milliseconds: u64) {
        self.count(bucket_of(milliseconds), 1);
    }

    /// Adds what [`Histogram::to_bytes`] wrote. What cannot be read ends it.
    pub fn add_bytes(&mut self, mut bytes: &[u8]) {
        let mut bucket: usize = 0;
        while let (Some(skip), Some(count)) = (read(&mut bytes), read(&mut bytes)) {
            bucket = bucket.saturating_add(usize::try_from(skip).unwrap_or(usize::MAX));
            if bucket > bucket_of(u64::MAX) {
                return;
            }
            self.count(bucket, count);
        }
    }

    /// The buckets that are not empty: how many are skipped before it, then its count.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut last = 0;
        for (bucket, count) in self.0.iter().enumerate().filter(|(_, count)| **count > 0) {
            write((bucket - last) as u64, &mut bytes);
            write(*count, &mut bytes);
            last = bucket;
        }
        bytes
    }

    /// None without any value.
    pub fn percentiles(&self) -> Option<Percentiles> {
        let total: u64 = self.0.iter().sum();
        let at = |share: f64| {
            let rank = ((total as f64 * share).ceil() as u64).max(1);
            let mut seen = 0;
            let bucket = self.0.iter().position(|count| {
                seen += count;
                seen >= rank
            });
            bucket.map(middle_of).unwrap_or_default()
        };
        (total > 0).then(|| Percentiles { p50: at(0.50), p95: at(0.95), p99: at(0.99) })
    }

    fn count(&mut self, bucket: usize, count: u64) {
        if self.0.len() <= bucket {
            self.0.resize(bucket + 1, 0);
        }
        self.0[bucket] = self.0[bucket].saturating_add(count);
    }
}

fn bucket_of(value: u64) -> usize {
    if value < STEPS {
        return value as usize;
    }
    let doubling = value.ilog2() - STEPS_POWER;
    let step = (value >> doubling) - STEPS;
    (STEPS + u64::from(doubling) * STEPS + step) as usize
}

fn middle_of(bucket: usize) -> f64 {
    let bucket = bucket as u64;
    if bucket < STEPS {
        return bucket as f64;
    }
    let (doubling, step) = ((bucket - STEPS) / STEPS, (bucket - STEPS) % STEPS);
    let width = (doubling as f64).exp2();
    (STEPS + step) as f64 * width + (width - 1.0) / 2.0
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn write(mut number: u64, into: &mut Vec<u8>) {
    while number >= 0x80 {
        into.push((number as u8) | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

fn read(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_values_back_to_within_two_in_a_hundred() {
        for value in (0..2_000).chain((11..40).map(|power| (1 << power) + 12_345)) {
            let mut histogram = Histogram::default();
            histogram.add(value);
            let read = histogram.percentiles().unwrap().p50;
            assert!((read - value as f64).abs() <= value as f64 * 0.016, "{value} came back as {read}");
        }
        bucket_of(u64::MAX);
    }

    #[test]
    fn two_that_were_written_add_up_to_one_of_both() {
        let (mut one, mut other, mut both) =
            (Histogram::default(), Histogram::default(), Histogram::default());
        for value in 0..1_000 {
            if value % 3 == 0 {
                one.add(value * 7)
            } else {
                other.add(value * 7)
            }
            both.add(value * 7);
        }
        let mut sum = Histogram::default();
        sum.add_bytes(&one.to_bytes());
        sum.add_bytes(&other.to_bytes());
        assert_eq!(sum, both);
        let Percentiles { p50, p95, p99 } = sum.percentiles().unwrap();
        for (read, exact) in [(p50, 3_493.0), (p95, 6_643.0), (p99, 6_923.0)] {
            assert!((read / exact - 1.0_f64).abs() < 0.02, "{read} is not about {exact}");
        }
    }

    #[test]
    fn an_empty_one_has_no_percentiles_and_a_damaged_one_does_no_harm() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentiles(), None);
        histogram.add_bytes(&[0xff; 30]);
        histogram.add_bytes(&[0xff, 0xff, 0x7f, 1]);
        assert_eq!(histogram.percentiles(), None);
    }
}
