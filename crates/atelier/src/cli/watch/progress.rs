//! A run as its events tell it: the steps, what they say, what is asked.
//!
//! Invariant: it is a fold over the events and does no IO, so that what is shown depends on nothing
//! but the run.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::client::wire::{Event, Gate, Plan, RunDetail, RunStatus, Step, StepStatus};

/// A run on its way.
#[derive(Debug, Default)]
pub struct Progress {
    /// What it is called.
    pub title: String,
    /// How it ended, once it has.
    pub ended: Option<RunStatus>,
    /// Its steps, in the order of the plan.
    pub steps: Vec<Line>,
    /// The questions that wait for an answer.
    pub open_gates: Vec<Gate>,
    /// The number of the last event seen.
    pub last_seq: u64,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Line {
    /// Unique in the run.
    pub name: String,
    /// One line for a person.
    pub title: String,
    /// How far it came.
    pub status: StepStatus,
    /// When it began, in milliseconds.
    pub began: Option<i64>,
    /// How long it took.
    pub took: Option<Duration>,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// Why it failed, or what it waits for.
    pub why: Option<String>,
    /// The criteria that do not hold.
    pub unmet: Vec<String>,
}

/// What an event changed, for whoever shows it.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing that is shown.
    None,
    /// The steps became known.
    Planned,
    /// The step of this name.
    Step(String),
    /// A step printed something.
    Output {
        /// The step.
        step: String,
        /// What it printed.
        text: String,
    },
    /// A line for people.
    Log {
        /// `debug`, `info`, `warning` or `error`.
        level: String,
        /// The line.
        message: String,
    },
    /// A question was asked.
    Asked(String),
    /// It was answered.
    Answered {
        /// The gate.
        gate: String,
        /// The answer.
        decision: String,
    },
    /// A file was made.
    Artifact(String),
    /// The run was put back to an earlier stage: what was known no longer holds.
    Rewound,
    /// The run ended.
    Ended,
}

impl Progress {
    /// A run as the server describes it.
    pub fn from_detail(detail: &RunDetail) -> Self {
        let open = |gate: &&Gate| gate.decision.is_none() && !is_over(detail.run.status);
        Self {
            title: detail.run.title.clone(),
            ended: is_over(detail.run.status).then_some(detail.run.status),
            steps: in_order(detail),
            open_gates: detail.gates.iter().filter(open).cloned().collect(),
            last_seq: detail.last_seq,
        }
    }

    /// Takes the next event in.
    pub fn take(&mut self, event: &Event) -> Change {
        self.last_seq = event.seq;
        let at = event.ts.parse().ok().map(|at: jiff::Timestamp| at.as_millisecond());
        let payload = &event.payload;
        let text = |name: &str| payload[name].as_str().unwrap_or_default().to_owned();
        match event.kind.as_str() {
            "submitted" => {
                self.title = text("title");
                Change::None
            }
            "step_started" => self.begin(&text("step"), attempt(payload), at),
            "step_completed" => self.complete(payload, at),
            "step_failed" => self.fail(payload, at),
            "gate_opened" => self.ask(payload, at),
            "gate_decided" => self.answer(payload, at),
            "timer_set" => self.wait(&text("timer"), "until a set time", at),
            "timer_fired" => self.end(&text("timer"), StepStatus::Completed, at),
            "child_started" => self.wait(&text("child"), "for a run of its own", at),
            "child_finished" => {
                let failed = !payload["error"].is_null();
                self.end(&text("child"), if failed { StepStatus::Failed } else { StepStatus::Completed }, at)
            }
            "output" => Change::Output { step: text("step"), text: text("text") },
            "log" => Change::Log { level: text("level"), message: text("message") },
            "artifact_added" => Change::Artifact(text("path")),
            "rewound" => Change::Rewound,
            "completed" => self.over(RunStatus::Completed),
            "failed" => self.over(RunStatus::Failed),
            "cancelled" => self.over(RunStatus::Cancelled),
            _ => Change::None,
        }
    }

    /// The step of this name.
    pub fn step(&self, name: &str) -> Option<&Line> {
        self.steps.iter().find(|line| line.name == name)
    }

    fn line(&mut self, name: &str) -> &mut Line {
        let place = self.steps.iter().position(|line| line.name == name).unwrap_or_else(|| {
            // What the plan does not list stands where the run has come to.
            let ahead = |line: &Line| line.status == StepStatus::Pending;
            let place = self.steps.iter().position(ahead).unwrap_or(self.steps.len());
            self.steps.insert(place, Line::new(name, &title_of(name)));
            place
        });
        &mut self.steps[place]
    }

    fn begin(&mut self, name: &str, attempt: u32, at: Option<i64>) -> Change {
        let line = self.line(name);
        *line = Line { status: StepStatus::Running, began: at, attempt, ..Line::new(name, &line.title) };
        Change::Step(name.to_owned())
    }

    fn complete(&mut self, payload: &Value, at: Option<i64>) -> Change {
        let name = payload["step"].as_str().unwrap_or_default();
        let result = &payload["result"];
        let skipped = result["skipped"] == true;
        let line = self.line(name);
        // A step that ends at once has no event of its beginning.
        line.began = payload["started_at"].as_i64().or(line.began);
        line.attempt = attempt(payload);
        line.unmet = unmet(result);
        self.end(name, if skipped { StepStatus::Skipped } else { StepStatus::Completed }, at);
        if name == "plan" && self.plan(result.get("plan").unwrap_or(result)) {
            return Change::Planned;
        }
        Change::Step(name.to_owned())
    }

    fn plan(&mut self, plan: &Value) -> bool {
        let Ok(plan) = Plan::deserialize(plan) else { return false };
        for step in plan.steps {
            match self.steps.iter_mut().find(|line| line.name == step.id) {
                Some(line) => line.title = step.title,
                None => self.steps.push(Line::new(&step.id, &step.title)),
            }
        }
        true
    }

    fn fail(&mut self, payload: &Value, at: Option<i64>) -> Change {
        let name = payload["step"].as_str().unwrap_or_default();
        let again = !payload["retry_at"].is_null();
        let message = payload["error"]["message"].as_str().unwrap_or("It failed").to_owned();
        let status = if again { StepStatus::Waiting } else { StepStatus::Failed };
        self.end(name, status, at);
        let line = self.line(name);
        line.attempt = attempt(payload);
        line.unmet = unmet(&payload["error"]["detail"]);
        line.why = Some(if again { format!("{message}; it is tried again") } else { message });
        Change::Step(name.to_owned())
    }

    fn ask(&mut self, payload: &Value, at: Option<i64>) -> Change {
        let Ok(gate) = Gate::deserialize(payload) else { return Change::None };
        let name = gate.name.clone();
        self.wait(&name, "for your answer", at);
        self.line(&name).title.clone_from(&gate.title);
        self.open_gates.retain(|open| open.name != name);
        self.open_gates.push(gate);
        Change::Asked(name)
    }

    fn answer(&mut self, payload: &Value, at: Option<i64>) -> Change {
        let text = |name: &str| payload[name].as_str().unwrap_or_default().to_owned();
        let (gate, decision) = (text("gate"), text("decision"));
        self.open_gates.retain(|open| open.name != gate);
        let status = match decision.as_str() {
            "approve" => StepStatus::Completed,
            "skip" => StepStatus::Skipped,
            _ => StepStatus::Failed,
        };
        self.end(&gate, status, at);
        Change::Answered { gate, decision }
    }

    fn wait(&mut self, name: &str, what_for: &str, at: Option<i64>) -> Change {
        let line = self.line(name);
        line.status = StepStatus::Waiting;
        line.began = at;
        line.why = Some(format!("waits {what_for}"));
        Change::Step(name.to_owned())
    }

    fn end(&mut self, name: &str, status: StepStatus, at: Option<i64>) -> Change {
        let line = self.line(name);
        line.status = status;
        line.why = None;
        let span = at.zip(line.began).and_then(|(end, start)| u64::try_from(end - start).ok());
        line.took = span.map(Duration::from_millis);
        Change::Step(name.to_owned())
    }

    fn over(&mut self, status: RunStatus) -> Change {
        self.ended = Some(status);
        self.open_gates.clear();
        for line in &mut self.steps {
            if matches!(line.status, StepStatus::Running | StepStatus::Waiting | StepStatus::Pending) {
                line.status = StepStatus::Skipped;
                line.why = None;
            }
        }
        Change::Ended
    }
}

impl Line {
    fn new(name: &str, title: &str) -> Self {
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            status: StepStatus::Pending,
            began: None,
            took: None,
            attempt: 1,
            why: None,
            unmet: Vec::new(),
        }
    }
}

impl From<&Step> for Line {
    fn from(step: &Step) -> Self {
        let began = step.started_at.as_deref().and_then(|at| at.parse::<jiff::Timestamp>().ok());
        let unmet = step.acceptance.iter().filter(|judged| judged.passed == Some(false));
        Self {
            status: step.status,
            began: began.map(jiff::Timestamp::as_millisecond),
            took: step.duration_ms.map(Duration::from_millis),
            attempt: step.attempts.max(1),
            why: step.error.as_ref().map(|error| error.message.clone()),
            unmet: unmet.map(|judged| with_detail(&judged.text, judged.detail.as_deref())).collect(),
            ..Self::new(&step.name, &step.title)
        }
    }
}

/// The steps of the plan as it lists them, the others among them by when they began.
fn in_order(detail: &RunDetail) -> Vec<Line> {
    let planned = detail.plan.as_ref().map(|plan| plan.steps.as_slice()).unwrap_or_default();
    let is_planned = |step: &&Step| planned.iter().any(|planned| planned.id == step.name);
    let (planned, others): (Vec<_>, Vec<_>) = detail.steps.iter().partition(is_planned);
    let mut lines: Vec<Line> = planned.into_iter().map(Line::from).collect();
    for other in others.into_iter().map(Line::from) {
        let earlier = |line: &Line| line.began.is_some() && line.began <= other.began;
        let place = lines.iter().rposition(earlier).map_or(0, |place| place + 1);
        lines.insert(if other.began.is_some() { place } else { lines.len() }, other);
    }
    lines
}

/// Whether nothing more happens by itself.
pub fn is_over(status: RunStatus) -> bool {
    matches!(status, RunStatus::Completed | RunStatus::Failed | RunStatus::Cancelled)
}

fn attempt(payload: &Value) -> u32 {
    payload["attempt"].as_u64().and_then(|attempt| u32::try_from(attempt).ok()).unwrap_or(1).max(1)
}

fn unmet(result: &Value) -> Vec<String> {
    let judged = result["acceptance"].as_array().map(Vec::as_slice).unwrap_or_default();
    let unmet = judged.iter().filter(|judged| judged["passed"] == false);
    unmet
        .filter_map(|judged| Some(with_detail(judged["text"].as_str()?, judged["detail"].as_str())))
        .collect()
}

fn with_detail(text: &str, detail: Option<&str>) -> String {
    detail.map_or_else(|| text.to_owned(), |detail| format!("{text} ({detail})"))
}

/// The name for a person: `load_data` becomes `Load data`.
fn title_of(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut characters = words.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn progress(events: &[(&str, Value)]) -> (Progress, Vec<Change>) {
        let mut progress = Progress::default();
        let changes = events.iter().zip(1..).map(|((kind, payload), seq)| {
            let ts = format!("2026-11-21T09:30:0{seq}.000Z");
            progress.take(&Event { seq, ts, kind: (*kind).into(), payload: payload.clone() })
        });
        let changes = changes.collect();
        (progress, changes)
    }

    fn lines(progress: &Progress) -> String {
        let line = |line: &Line| {
            let took = line.took.map_or_else(String::new, |took| format!(" {}ms", took.as_millis()));
            let why = line.why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
            format!("{} `{}` {:?}{took}{why}\n", line.name, line.title, line.status)
        };
        progress.steps.iter().map(line).collect()
    }

    #[test]
    fn a_plan_lists_its_steps_before_they_begin() {
        let plan = json!({"title": "Report", "steps": [{"id": "s1", "title": "Load"}, {"id": "s2", "title": "Look"}]});
        let (progress, changes) = progress(&[
            ("submitted", json!({"title": "Report"})),
            ("step_completed", json!({"step": "plan", "attempt": 1, "result": plan})),
            ("step_started", json!({"step": "s1", "attempt": 1})),
            ("output", json!({"step": "s1", "stream": "stdout", "text": "hello\n"})),
            ("step_failed", json!({"step": "s1", "attempt": 1, "error": {"message": "Boom"}, "retry_at": 1})),
        ]);
        assert_eq!(changes[1], Change::Planned);
        assert_eq!(changes[3], Change::Output { step: "s1".into(), text: "hello\n".into() });
        insta::assert_snapshot!(lines(&progress), @r"
        plan `Plan` Completed
        s1 `Load` Waiting 2000ms: Boom; it is tried again
        s2 `Look` Pending
        ");
    }

    #[test]
    fn steps_beside_the_plan_stand_where_they_were_carried_out() {
        let plan =
            json!({"title": "R", "steps": [{"id": "s1", "title": "Load"}, {"id": "s2", "title": "Look"}]});
        let (progress, _) = progress(&[
            ("step_completed", json!({"step": "plan", "attempt": 1, "result": plan.clone()})),
            ("step_started", json!({"step": "context", "attempt": 1})),
            ("step_started", json!({"step": "s1", "attempt": 1})),
            ("step_started", json!({"step": "s2", "attempt": 1})),
            ("step_started", json!({"step": "summary", "attempt": 1})),
        ]);
        let names = |lines: &[Line]| lines.iter().map(|line| line.name.clone()).collect::<Vec<_>>().join(" ");
        assert_eq!(names(&progress.steps), "plan context s1 s2 summary");

        let at = |seconds: u32| format!("2026-11-21T09:30:0{seconds}.000Z");
        let step = |name: &str, began: Option<u32>| json!({"name": name, "status": "completed", "started_at": began.map(at)});
        let detail = json!({
            "id": "run_x", "status": "running", "plan": plan,
            "steps": [step("plan", Some(0)), step("s1", Some(2)), step("s2", None), step("context", Some(1)), step("s1-review", Some(3))],
        });
        let detail = serde_json::from_value(detail).unwrap();
        assert_eq!(names(&Progress::from_detail(&detail).steps), "plan context s1 s1-review s2");
    }

    #[test]
    fn a_gate_is_open_until_it_is_answered() {
        let opened =
            json!({"gate": "s2", "title": "Publish?", "detail": "", "proposal": {"a": 1}, "digest": "d"});
        let (waiting, _) = progress(&[("gate_opened", opened.clone())]);
        assert_eq!(waiting.open_gates.len(), 1);
        assert_eq!(waiting.open_gates[0].digest.as_deref(), Some("d"));
        let (answered, changes) =
            progress(&[("gate_opened", opened), ("gate_decided", json!({"gate": "s2", "decision": "skip"}))]);
        assert!(answered.open_gates.is_empty());
        assert_eq!(changes[1], Change::Answered { gate: "s2".into(), decision: "skip".into() });
        insta::assert_snapshot!(lines(&answered), @"s2 `Publish?` Skipped 1000ms");
    }

    #[test]
    fn when_the_run_ends_nothing_is_left_turning() {
        let (progress, _) = progress(&[
            ("step_started", json!({"step": "s1", "attempt": 1})),
            ("gate_opened", json!({"gate": "g", "title": "?"})),
            ("cancelled", json!({})),
            ("from_a_newer_server", json!(17)),
        ]);
        assert_eq!(progress.ended, Some(RunStatus::Cancelled));
        assert!(progress.steps.iter().all(|line| line.status == StepStatus::Skipped));
        assert!(progress.open_gates.is_empty());
    }
}
