//! Ends an answer at a stop sequence, for the dialect that cannot ask a provider to.

use super::{Decode, Ending, Fault};
use crate::message::FinishReason;
use crate::provider::Delta;

/// Reads an answer up to the first stop sequence. What may be the beginning of one is held back
/// until it is known.
pub(super) struct Stopping {
    inner: Box<dyn Decode>,
    stops: Vec<String>,
    held: String,
    ending: Ending,
}

impl Stopping {
    pub fn new(inner: Box<dyn Decode>, stops: &[String]) -> Self {
        let stops = stops.iter().filter(|stop| !stop.is_empty()).cloned().collect();
        Self { inner, stops, held: String::new(), ending: Ending::default() }
    }

    fn take(&mut self, deltas: Vec<Delta>, into: &mut Vec<Delta>) {
        self.ending = self.inner.ending().clone();
        for delta in deltas {
            match delta {
                Delta::Text(text) => {
                    if self.text(&text, into) {
                        return;
                    }
                }
                other => {
                    self.flush(self.held.len(), into);
                    into.push(other);
                }
            }
        }
        if self.ending.is_whole() {
            self.flush(self.held.len(), into);
        }
    }

    /// Whether the answer ends here.
    fn text(&mut self, text: &str, into: &mut Vec<Delta>) -> bool {
        self.held.push_str(text);
        let found = self.stops.iter().filter_map(|stop| self.held.find(stop).map(|at| (at, stop)));
        if let Some((at, stop)) = found.min_by_key(|(at, stop)| at + stop.len()) {
            self.ending.stop_sequence = Some(stop.clone());
            self.ending.finish_reason = Some(FinishReason::Stop);
            self.ending.is_done = true;
            self.flush(at, into);
            return true;
        }
        let may_begin = |at: usize| self.stops.iter().any(|stop| stop.starts_with(&self.held[at..]));
        let sure = self.held.char_indices().map(|(at, _)| at).find(|at| may_begin(*at));
        self.flush(sure.unwrap_or(self.held.len()), into);
        false
    }

    /// Hands on what is held back up to here.
    fn flush(&mut self, end: usize, into: &mut Vec<Delta>) {
        let rest = self.held.split_off(end);
        let sure = std::mem::replace(&mut self.held, rest);
        if !sure.is_empty() {
            into.push(Delta::Text(sure));
        }
    }
}

impl Decode for Stopping {
    fn event(&mut self, data: &[u8], into: &mut Vec<Delta>) -> Result<(), Fault> {
        let mut deltas = Vec::new();
        let result = self.inner.event(data, &mut deltas);
        self.take(deltas, into);
        if self.ending.is_done { Ok(()) } else { result }
    }

    fn document(&mut self, body: &[u8], into: &mut Vec<Delta>) -> Result<(), Fault> {
        let mut deltas = Vec::new();
        let result = self.inner.document(body, &mut deltas);
        self.take(deltas, into);
        result
    }

    fn ending(&self) -> &Ending {
        &self.ending
    }

    fn holds_back(&self) -> bool {
        self.inner.holds_back()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::responses::Decoder;

    #[track_caller]
    fn check(text: &str, expected: &str, stop: Option<&str>) {
        for size in 1..=text.chars().count() {
            let stops = ["END".to_owned(), "EEN".to_owned(), String::new()];
            let mut decoder = Stopping::new(Box::<Decoder>::default(), &stops);
            let (mut deltas, letters) = (Vec::new(), text.chars().collect::<Vec<_>>());
            for piece in letters.chunks(size) {
                let piece: String = piece.iter().collect();
                let event = serde_json::json!({"type": "response.output_text.delta", "delta": piece});
                if !decoder.ending().is_done {
                    decoder.event(event.to_string().as_bytes(), &mut deltas).unwrap();
                }
            }
            if !decoder.ending().is_done {
                let end = br#"{"type": "response.completed", "response": {"status": "completed"}}"#;
                decoder.event(end, &mut deltas).unwrap();
            }
            let said: String = deltas
                .iter()
                .map(|delta| match delta {
                    Delta::Text(text) => text.as_str(),
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!(
                (said.as_str(), decoder.ending().stop_sequence.as_deref()),
                (expected, stop),
                "{size}"
            );
            assert!(decoder.ending().is_done);
        }
    }

    #[test]
    fn an_answer_ends_at_the_first_stop_sequence_however_it_is_cut() {
        check("one ENDtwo EEN", "one ", Some("END"));
        check("EEND", "", Some("EEN"));
        check("xENEND", "xEN", Some("END"));
        check("ação EN", "ação EN", None);
        check("E", "E", None);
    }
}
