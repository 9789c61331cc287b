//! The chronicle: what happens in runs becomes part of memory by itself.
//!
//! What people decide at gates and what fails for good goes to memory's log of decisions and errors;
//! files that runs make are taken in as documents of the collection [`ARTIFACTS`].
//!
//! Invariants:
//! - What happened is kept by the store until memory has it ([`runs::happenings`]), so that nothing is
//!   missed whenever the process ends.
//! - What a run was told or gave under the label `local` keeps that label here.
//! - A file that cannot be read is left out and never stops the rest.
//!
//! Start reading at [`Chronicle::keep_up`].

use std::sync::Arc;
use std::time::Duration;

use kernel::{Actor, Kind, Privacy, Result, RunId};
use memory::document::Attributes;
use memory::log::NewLogEntry;
use memory::{Content, Incoming, Memory, NewDocument};
use runs::event::{ArtifactAdded, GateDecided, StepFailed};
use runs::{Blobs, Engine, Event, EventRecord, Happening, Happenings, RunStore, Verdict};
use serde_json::Value;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// The collection in which files that runs made are found.
pub const ARTIFACTS: &str = "artifacts";
/// Larger files are not taken in.
const LARGEST_FILE: u64 = 4 << 20;
/// How many happenings are taken in before they are dropped together.
const BATCH: u32 = 100;
/// How much is kept of what a program said before it failed.
const LAST_WORDS: usize = 2_000;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Tells memory what happens in runs.
pub struct Chronicle {
    engine: Engine,
    happenings: Arc<dyn Happenings>,
    memory: Memory,
}

impl Chronicle {
    /// Of the runs of `engine`.
    pub fn new(engine: Engine, happenings: Arc<dyn Happenings>, memory: Memory) -> Self {
        Self { engine, happenings, memory }
    }

    /// Takes in what happens, from where it was left. Never ends by itself; may be dropped at any
    /// time.
    pub async fn keep_up(&self) {
        let mut events = self.engine.feed().listen();
        let mut pause = FIRST_PAUSE;
        loop {
            let again = match self.catch_up().await {
                Ok(()) => {
                    pause = FIRST_PAUSE;
                    None
                }
                Err(error) => {
                    tracing::warn!(%error, "memory cannot take in something that happened in a run for now");
                    let after = pause;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    Some(after)
                }
            };
            tokio::select! {
                () = tokio::time::sleep(again.unwrap_or_default()), if again.is_some() => {}
                has_more = next(&mut events) => if !has_more { return },
            }
        }
    }

    /// Takes in everything that is waiting. What cannot be taken in holds up nothing behind it.
    ///
    /// # Errors
    /// Those of the stores. What was not taken in stays.
    pub async fn catch_up(&self) -> Result<()> {
        drain(&*self.happenings, |record| async move { self.take_in(&record).await }).await
    }

    async fn take_in(&self, record: &EventRecord) -> Result<()> {
        let run_id = record.run_id();
        let taken = match record.event() {
            Event::GateDecided(decided) => self.decided(run_id, decided).await,
            Event::StepFailed(failed) => self.failed(run_id, failed).await,
            Event::ArtifactAdded(added) => self.made(run_id, added).await,
            _ => Ok(()),
        };
        match taken {
            // Trying again would not help, and the rest must go on.
            Err(error) if !matches!(error.kind, Kind::Unavailable | Kind::Internal) => {
                tracing::debug!(%error, run = %run_id, kind = record.event().kind(), "left out of memory");
                Ok(())
            }
            taken => taken,
        }
    }

    async fn decided(&self, run_id: &RunId, decided: &GateDecided) -> Result<()> {
        let opened = self.store().load_kind(run_id, "gate_opened").await?;
        let opened = opened.iter().rev().find_map(|record| match record.event() {
            Event::GateOpened(opened) if opened.gate == decided.gate => Some(opened),
            _ => None,
        });
        let (title, about) = opened.map_or((decided.gate.as_str(), ""), |gate| (&gate.title, &gate.detail));
        let verdict = match decided.decision {
            Verdict::Approve => "Approved",
            Verdict::Skip => "Skipped",
            Verdict::Reject => "Rejected",
        };
        let said = decided.feedback.as_deref().filter(|said| !said.trim().is_empty());
        let said = said.map(|said| format!("What was said: {said}")).unwrap_or_default();
        let detail = [about, &said].map(str::trim).join("\n\n").trim().to_owned();
        let entry = NewLogEntry {
            run_id: Some(run_id.clone()),
            step: Some(decided.gate.clone()),
            detail,
            privacy: self.label(run_id).await?,
            ..NewLogEntry::titled(format!("{verdict}: {title}"), Actor::from(decided.actor.as_str()))
        };
        self.memory.log_decision(entry).await?;
        Ok(())
    }

    async fn failed(&self, run_id: &RunId, failed: &StepFailed) -> Result<()> {
        let row = self.store().find_run(run_id).await?;
        let error = &failed.error;
        let output = error.detail.as_deref().map(|detail| &detail["execution"]);
        let last_words = output.and_then(|output| {
            let said = |name: &str| output[name].as_str().map(str::trim).filter(|said| !said.is_empty());
            said("stderr").or_else(|| said("stdout"))
        });
        let last_words = last_words.map(|said| {
            let start = said.ceil_char_boundary(said.len().saturating_sub(LAST_WORDS));
            format!("What it printed last:\n{}", &said[start..])
        });
        let doing = row.as_ref().map(|row| format!("In the run \"{}\", step {}.", row.title, failed.step));
        let parts = [doing, error.hint.clone(), last_words];
        let entry = NewLogEntry {
            agent: row.as_ref().map(|row| row.workflow.clone()),
            run_id: Some(run_id.clone()),
            step: Some(failed.step.clone()),
            detail: parts.into_iter().flatten().collect::<Vec<_>>().join("\n\n"),
            privacy: self.label(run_id).await?,
            ..NewLogEntry::titled(error.message.clone(), Actor::System)
        };
        self.memory.log_error(entry).await?;
        Ok(())
    }

    async fn made(&self, run_id: &RunId, added: &ArtifactAdded) -> Result<()> {
        if added.size > LARGEST_FILE {
            return Ok(());
        }
        let bytes = self.blobs().get(&added.digest).await?;
        let attributes = [("run_id", run_id.as_str()), ("path", &added.path)];
        let document = NewDocument {
            collection: ARTIFACTS.into(),
            key: format!("{run_id}/{}", added.path),
            source: format!("run:{run_id}"),
            privacy: self.label(run_id).await?,
            attributes: attributes
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into_iter()
                .collect::<Attributes>(),
            ..NewDocument::default()
        };
        let content = Content::File { bytes: bytes.into(), media_type: Some(added.content_type.clone()) };
        self.memory
            .ingest(Incoming { name: added.path.clone(), content, document, supersedes: None })
            .await?;
        Ok(())
    }

    /// The strictest label of what a run was told or gave.
    async fn label(&self, run_id: &RunId) -> Result<Privacy> {
        let completed = self.store().load_kind(run_id, "step_completed").await?;
        let is_local = completed.iter().any(|record| match record.event() {
            Event::StepCompleted(step) => is_local(&step.result) || is_local(&step.result["pack"]),
            _ => false,
        });
        Ok(if is_local { Privacy::Local } else { Privacy::Shareable })
    }

    fn store(&self) -> &dyn RunStore {
        &**self.engine.store()
    }

    fn blobs(&self) -> &dyn Blobs {
        &**self.engine.blobs()
    }
}

/// A turn of the Studio is local after one that was, whatever it was told itself.
fn is_local(result: &Value) -> bool {
    result["privacy"] == Privacy::Local.as_str() || result["is_local"] == true
}

/// Has everything that is waiting taken in; what fails by itself stays, and is told at the end.
async fn drain<Taking: Future<Output = Result<()>>>(
    happenings: &dyn Happenings,
    take_in: impl Fn(EventRecord) -> Taking,
) -> Result<()> {
    let (mut after, mut trouble) = (0, None);
    loop {
        let waiting = happenings.list_happenings(after, BATCH).await?;
        let Some(last) = waiting.last().map(|happening| happening.position) else { break };
        let mut taken = Vec::new();
        for Happening { position, record } in waiting {
            match take_in(record).await {
                Ok(()) => taken.push(position),
                Err(error) if error.kind == Kind::Internal => trouble = Some(error),
                Err(error) => return Err(error),
            }
        }
        happenings.drop_happenings(taken).await?;
        after = last;
    }
    trouble.map_or(Ok(()), Err)
}

/// Waits for something to take in; `false` when nothing will happen any more.
async fn next(events: &mut Receiver<EventRecord>) -> bool {
    loop {
        match events.recv().await {
            Ok(record) if record.event().is_happening() => return true,
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => return true,
            Err(RecvError::Closed) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use kernel::{Error, Timestamp};
    use parking_lot::Mutex;
    use serde_json::json;

    /// What waits, by its positions.
    struct Waiting(Mutex<Vec<u64>>);

    #[async_trait]
    impl Happenings for Waiting {
        async fn list_happenings(
            &self,
            after: u64,
            limit: u32,
        ) -> std::result::Result<Vec<Happening>, runs::Error> {
            let positions = self.0.lock().clone().into_iter().filter(|position| *position > after);
            let run: RunId = "run_01hv5k3m9x7q2w8e4r6t".parse().unwrap();
            let decided = GateDecided {
                gate: "g".into(),
                digest: String::new(),
                decision: Verdict::Approve,
                feedback: None,
                actor: "ana".into(),
            };
            let happening = |position| Happening {
                position,
                record: EventRecord::new(
                    run.clone(),
                    position,
                    Timestamp(0),
                    Event::GateDecided(decided.clone()),
                ),
            };
            Ok(positions.take(limit as usize).map(happening).collect())
        }

        async fn drop_happenings(&self, positions: Vec<u64>) -> std::result::Result<(), runs::Error> {
            self.0.lock().retain(|position| !positions.contains(position));
            Ok(())
        }
    }

    #[tokio::test]
    async fn what_cannot_be_taken_in_waits_and_holds_nothing_up() {
        let waiting = Waiting(Mutex::new((1..=250).collect()));
        let drained = drain(&waiting, |record| async move {
            match record.seq() {
                7 | 150 => Err(Error::internal("it is broken")),
                _ => Ok(()),
            }
        });
        assert_eq!(drained.await.unwrap_err().kind, Kind::Internal);
        assert_eq!(*waiting.0.lock(), [7, 150]);
        let away = drain(&waiting, |_| async { Err(Error::unavailable("away", "It is away")) });
        assert_eq!(away.await.unwrap_err().kind, Kind::Unavailable);
        drain(&waiting, |_| async { Ok(()) }).await.unwrap();
        assert!(waiting.0.lock().is_empty());
    }

    #[test]
    fn a_step_is_local_by_its_label_and_by_those_before_it() {
        assert!(is_local(&json!({"privacy": "local"})));
        assert!(is_local(&json!({"is_local": true, "pack": {"privacy": "shareable"}})));
        for shareable in [json!({"privacy": "shareable", "is_local": false}), json!(null), json!([1])] {
            assert!(!is_local(&shareable), "{shareable}");
        }
    }
}
