//! Notices a model that does the same again and again.

use std::collections::HashMap;

use models::ToolCall;

use super::tools::Used;

/// From so many times on it is told.
const TOLD: u32 = 3;
/// At so many times the turn ends.
const ENDED: u32 = 5;

/// How often the same call had the same answer since something else was done.
#[derive(Default)]
pub(super) struct Repeats {
    seen: HashMap<blake3::Hash, u32>,
}

/// What is to be done about a repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repetition {
    None,
    /// The model is told that it did this so many times.
    Told(u32),
    Ended,
}

impl Repeats {
    /// Takes note of a call and its answer; `changes` says that others may now be answered otherwise.
    pub fn note(&mut self, call: &ToolCall, used: &Used, changes: bool) -> Repetition {
        let mut hasher = blake3::Hasher::new();
        for part in [&call.name, &call.arguments, &used.text] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        let key = hasher.finalize();
        let times = self.seen.get(&key).map_or(1, |times| times + 1);
        if changes {
            self.seen.clear();
        }
        self.seen.insert(key, times);
        match times {
            ENDED.. => Repetition::Ended,
            TOLD.. => Repetition::Told(times),
            _ => Repetition::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(arguments: &str) -> ToolCall {
        ToolCall { id: "1".into(), name: "fs_read".into(), arguments: arguments.into() }
    }

    #[test]
    fn the_same_call_with_the_same_answer_is_told_and_then_ends() {
        let (mut repeats, used) = (Repeats::default(), Used::default());
        let noted: Vec<_> = (0..5).map(|_| repeats.note(&call("{}"), &used, false)).collect();
        let expected =
            [Repetition::None, Repetition::None, Repetition::Told(3), Repetition::Told(4), Repetition::Ended];
        assert_eq!(noted, expected);
    }

    #[test]
    fn a_look_after_each_change_is_no_repetition_but_the_same_change_is() {
        let (mut repeats, used) = (Repeats::default(), Used::default());
        for turn in 0..10 {
            assert_eq!(repeats.note(&call("{}"), &used, false), Repetition::None);
            assert_eq!(repeats.note(&call(&format!("write {turn}")), &used, true), Repetition::None);
        }
        let noted = (0..5).map(|_| repeats.note(&call("write"), &used, true)).last();
        assert_eq!(noted, Some(Repetition::Ended));
    }
}
