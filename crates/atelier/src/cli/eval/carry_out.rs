//! One task: a fresh session, its files, its turns, its checks, and the session put away.
//!
//! Invariant: whatever happens on the way, the session is deleted at the end, unless it is to be kept.

use std::cell::Cell;
use std::time::Duration;

use indicatif::ProgressBar;
use kernel::Kind;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::Eval;
use super::report::{TaskReport, TaskStatus, TurnReport};
use super::task::Task;
use crate::cli::studio::{answer_to, wait_for_app};
use crate::cli::terminal::one_line;
use crate::client::studio::{Conversation, Turn};
use crate::client::turn::{TurnEvents, TurnUpdate};
use crate::client::{Client, Problem, Result};

/// What the agent is told where a person would have been asked.
const NOBODY: &str = "Nobody is here to be asked. Go on without it.";
/// How long a session's app may take to run.
const SETTING_UP: Duration = Duration::from_secs(900);
/// How long a cancelled turn may take to end.
const STOPPING: Duration = Duration::from_secs(15);

/// Under which tasks are carried out.
pub struct Conditions<'a> {
    client: &'a Client,
    model: Option<String>,
    policy: Option<String>,
    is_kept: bool,
    limit_usd: Option<f64>,
    spent_usd: Cell<f64>,
    /// Whether a person has had enough.
    pub stop: CancellationToken,
}

impl<'a> Conditions<'a> {
    pub fn new(client: &'a Client, eval: &Eval, stop: CancellationToken) -> Self {
        Self {
            client,
            model: eval.model.clone(),
            policy: eval.policy.clone(),
            is_kept: eval.keep,
            limit_usd: eval.limit_usd,
            spent_usd: Cell::new(0.0),
            stop,
        }
    }

    /// What may still be spent; `None` without a limit.
    fn left_usd(&self) -> Option<f64> {
        self.limit_usd.map(|limit| (limit - self.spent_usd.get()).max(0.0))
    }
}

/// Carries a task out. What goes wrong is in its report.
pub async fn carry_out(conditions: &Conditions<'_>, task: &Task) -> TaskReport {
    let mut report = TaskReport::new(task);
    if conditions.stop.is_cancelled() {
        return report.not_run("it was interrupted before");
    }
    if conditions.left_usd().is_some_and(|left| left <= 0.0) {
        return report.not_run("the US dollars for all tasks together were spent");
    }
    let began = Instant::now();
    let body = json!({ "template": task.template, "name": one_line(&format!("Task {}", task.name), 120) });
    let session = match conditions.client.create_studio_session(body).await {
        Ok(session) => session.session_id.clone(),
        Err(problem) => return report.erred(&problem),
    };
    let outcome = tokio::select! {
        outcome = in_session(conditions, task, &session, &mut report) => outcome,
        () = interrupted(conditions, &session) => Ok(TaskStatus::NotRun),
    };
    report.seconds = began.elapsed().as_secs_f64();
    let report = match outcome {
        Ok(TaskStatus::NotRun) => report.not_run("it was interrupted"),
        Ok(status) => TaskReport { status, ..report },
        Err(problem) => report.erred(&problem),
    };
    if conditions.is_kept {
        return TaskReport { session: Some(session), ..report };
    }
    match conditions.client.delete_studio_session(&session).await {
        Ok(()) => report,
        // It has to be put away by hand.
        Err(_) => TaskReport { session: Some(session), ..report },
    }
}

/// Waits until a person has had enough, and ends the turn that goes on.
async fn interrupted(conditions: &Conditions<'_>, session: &str) {
    conditions.stop.cancelled().await;
    let client = conditions.client;
    let stopping = async {
        loop {
            let Ok(conversation) = client.conversation(session).await else { return };
            let Some(turn) = conversation.turns.last().filter(|turn| !turn.is_over()) else { return };
            // It may be over by now.
            let _ = client.cancel(&turn.turn_id).await;
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    };
    let _ = timeout(STOPPING, stopping).await;
}

async fn in_session(
    conditions: &Conditions<'_>,
    task: &Task,
    session: &str,
    report: &mut TaskReport,
) -> Result<TaskStatus> {
    let client = conditions.client;
    set_up(client, task, session).await?;
    for text in &task.turns {
        let left = conditions.left_usd();
        if left.is_some_and(|left| left <= 0.0) {
            report.reason = Some("the US dollars for all tasks together were spent".into());
            break;
        }
        let gates = take_turn(conditions, session, message(conditions, task, text, left)).await?;
        let conversation = client.conversation(session).await?;
        let turn = TurnReport::new(&conversation, gates)
            .ok_or_else(|| Problem::internal("The server does not know the turn that has just ended"))?;
        conditions.spent_usd.set(conditions.spent_usd.get() + turn.usd);
        let (is_finished, is_stopped) = (turn.outcome == "finished", turn.outcome == "stopped");
        report.add(turn);
        if is_stopped && conditions.stop.is_cancelled() {
            return Ok(TaskStatus::NotRun);
        }
        if !is_finished {
            break;
        }
    }
    let Conversation { turns, .. } = &*client.conversation(session).await?;
    for check in &task.checks {
        report.checks.push(check.judge(client, session, turns).await?);
    }
    Ok(report.judged(task.turns.len()))
}

/// Waits for the session's app and lays the task's files in.
async fn set_up(client: &Client, task: &Task, session: &str) -> Result<()> {
    timeout(SETTING_UP, wait_for_app(client, session, &ProgressBar::hidden())).await.map_err(|_| {
        Problem::unavailable("app_slow", "The session's app did not run in time")
            .with_hint("Look at what a session of this template writes: atelier studio logs")
    })??;
    for (path, content) in &task.files {
        client.write_file(session, path, content).await?;
    }
    Ok(())
}

fn message(conditions: &Conditions<'_>, task: &Task, text: &str, left: Option<f64>) -> Value {
    let mut body = json!({ "text": text, "limits": task.limits.body(left) });
    if let Some(model) = &conditions.model {
        body["model"] = json!(model);
    }
    if let Some(policy) = &conditions.policy {
        body["policyOverride"] = json!(policy);
    }
    body
}

/// Says something and follows the turn to its end. Tells how often a person would have been asked.
async fn take_turn(conditions: &Conditions<'_>, session: &str, body: Value) -> Result<u32> {
    let client = conditions.client;
    let mut events: TurnEvents<'_> = client.say(session, body).await?;
    let mut gates = 0;
    loop {
        let TurnUpdate::Event(event) = events.next().await? else { continue };
        match event.kind.as_str() {
            "done" => return Ok(gates),
            "gate" => {
                gates += 1;
                let turn = events.turn().unwrap_or_default();
                match client.approve(turn, answer_to(&event.data, "skip", Some(NOBODY))).await {
                    // It was answered before: the events are told again after a break.
                    Err(problem) if problem.kind == Kind::Conflict => {}
                    answered => drop(answered?),
                }
            }
            _ => {}
        }
    }
}

impl TurnReport {
    /// The newest turn of a conversation.
    fn new(conversation: &Conversation, gates: u32) -> Option<Self> {
        let turn = conversation.turns.last()?;
        let said = conversation.messages.iter().filter(|said| said.turn_id == turn.turn_id);
        Some(Self {
            turn: turn.turn_id.clone(),
            outcome: turn.status.clone(),
            reason: turn.reason.clone(),
            model: turn.model.clone(),
            tokens_in: turn.usage.tokens_in,
            tokens_out: turn.usage.tokens_out,
            usd: turn.usage.usd,
            seconds: seconds(turn),
            tool_calls: said.map(|said| said.tool_calls.len() as u64).sum(),
            gates,
        })
    }
}

fn seconds(turn: &Turn) -> f64 {
    let at = |time: &str| time.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond);
    let span =
        turn.ended_at.as_deref().and_then(at).zip(at(&turn.started_at)).map(|(end, start)| end - start);
    span.map_or(0.0, |ms| ms.max(0) as f64 / 1_000.0)
}
