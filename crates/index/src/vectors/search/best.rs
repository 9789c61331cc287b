//! The best matches of a search so far.

use std::cmp::Ordering;

/// A row that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// What its owner calls it.
    pub number: u32,
    /// Its cosine with the query.
    pub similarity: f32,
}

/// As many matches as are wanted, in order.
pub struct Best {
    count: usize,
    matches: Vec<Match>,
}

impl Best {
    /// Of at least one match.
    pub fn new(count: usize) -> Self {
        Self { count, matches: Vec::with_capacity(count + 1) }
    }

    /// How many are wanted.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether there are as many.
    pub fn is_full(&self) -> bool {
        self.matches.len() == self.count
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.matches.clear();
    }

    /// What a row must have to be of any interest.
    pub fn least(&self) -> f32 {
        if !self.is_full() {
            return f32::MIN;
        }
        self.matches.last().map_or(f32::MIN, |worst| worst.similarity)
    }

    /// Takes a match if it is one of the best.
    pub fn offer(&mut self, offered: Match) {
        let place = self.matches.partition_point(|one| one.order(&offered) == Ordering::Less);
        if place < self.count {
            self.matches.truncate(self.count - 1);
            self.matches.insert(place, offered);
        }
    }

    /// The matches, the nearest first.
    pub fn matches(self) -> Vec<Match> {
        self.matches
    }
}

impl Match {
    /// The nearest first; of those as near, the one with the smallest number.
    fn order(&self, other: &Self) -> Ordering {
        other.similarity.total_cmp(&self.similarity).then(self.number.cmp(&other.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_nearest_and_of_equals_the_first() {
        let mut best = Best::new(3);
        assert_eq!(best.least(), f32::MIN);
        for (number, similarity) in [(9, 0.5), (4, 0.5), (7, 0.9), (2, 0.1), (5, 0.5), (1, -0.3)] {
            best.offer(Match { number, similarity });
        }
        assert_eq!(best.least(), 0.5);
        let numbers: Vec<u32> = best.matches().iter().map(|one| one.number).collect();
        assert_eq!(numbers, [7, 4, 5]);
    }
}
