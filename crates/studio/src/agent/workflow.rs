//! A turn, as a durable run.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use connectors::Connectors;
use kernel::{Privacy, RunId, Timestamp};
use memory::pack::{self, CountedBy, Label, Pack, Required};
use memory::{Conversations, Memory, NewDocument};
use models::{FinishReason, Message, Offline, Part, Role, Router, TokenCounting, ToolCall, Usage};
use runs::{
    Failure, GateRequest, RetryPolicy, RunContext, RunStore, StepOptions, StepScope, Verdict, Workflow,
};
use serde_json::{Value, json};
use worktree::checkpoints::CheckpointKind;

use super::asking::{Surroundings, asks, title};
use super::context::{self, Context};
use super::conversation::{self, Turn};
use super::repeats::{Repeats, Repetition};
use super::tools::{ToolUse, Toolbox, Used};
use super::turn::{Applied, Begun, End, Limits, Outcome, Prepared, Thought, TurnInput, Verified, WORKFLOW};
use super::{think, verify};
use crate::error::Error;
use crate::project::Project;
use crate::recipes::{Understanding, understand};
use crate::session::{SessionStore, TurnRow};
use crate::studio::Studio;

/// The collection turns are found in.
pub const COLLECTION: &str = "studio";
/// How many tools a model may want at once.
const CALLS: usize = 20;
/// How often a model is told what was found in its work.
const VERIFICATIONS: u32 = 3;
/// How often a model is told that its answer was cut off or empty.
const NUDGES: u32 = 3;
/// How long is waited for servers to list their tools that never did.
const LISTED: Duration = Duration::from_secs(10);
/// How many chunks of memory are looked at that may help.
const RECALLED: usize = 8;
/// How many tokens of them a model is told.
const KNOWN_TOKENS: usize = 1_500;

/// Carries turns out.
pub struct TurnWorkflow {
    /// Opens sessions.
    pub studio: Arc<Studio>,
    /// Keeps which turns there are.
    pub sessions: Arc<dyn SessionStore>,
    /// Where earlier turns are read.
    pub runs: Arc<dyn RunStore>,
    /// What is asked.
    pub models: Arc<Router>,
    /// What is known beside the conversation.
    pub memory: Memory,
    /// What was said before, in full or in short.
    pub conversations: Conversations,
    /// The tools of other servers.
    pub connectors: Connectors,
}

#[async_trait]
impl Workflow for TurnWorkflow {
    fn name(&self) -> &'static str {
        WORKFLOW
    }

    async fn run(&self, context: RunContext, input: Value) -> Result<Value, Failure> {
        let input: TurnInput = serde_json::from_value(input)
            .map_err(|error| Failure::new("invalid_input", format!("This is not a turn: {error}")))?;
        let project = self.studio.project(&input.session).await.map_err(failed)?;
        let _hold = project.hold();
        let toolbox = Toolbox::new(project.clone(), self.studio.uplink().await, self.connectors.clone());
        let act = Act { services: self, run: context, input, project, toolbox };
        let begun = act.begin().await?;
        let known = act.context(&begun).await?;
        let end = act.work(&known).await?;
        act.remember(&known, &end).await?;
        act.summarize(&begun).await;
        serde_json::to_value(end).map_err(|error| Failure::new("internal", error.to_string()))
    }
}

/// One turn while it is carried out.
struct Act<'a> {
    services: &'a TurnWorkflow,
    run: RunContext,
    input: TurnInput,
    project: Arc<Project>,
    toolbox: Toolbox,
}

/// What a turn has consumed and done so far: nothing but what its steps recorded.
#[derive(Default)]
struct Tally {
    usage: Usage,
    ms: u64,
    changed: BTreeSet<String>,
    /// Of these, what was not looked at yet.
    unverified: BTreeSet<String>,
    /// Whether a program ran since it was looked at, which may have changed anything.
    has_run: bool,
    surroundings: Surroundings,
    verifications: u32,
    nudges: u32,
    repeats: Repeats,
}

impl Tally {
    fn end(self, outcome: Outcome, reason: Option<String>) -> End {
        let seconds = Duration::from_millis(self.ms).as_secs_f64();
        End { outcome, reason, changed: self.changed.into_iter().collect(), usage: self.usage, seconds }
    }

    /// Which limit is reached, if one is.
    fn limit(&self, steps: u32, limits: &Limits) -> Option<String> {
        if steps > limits.steps {
            return Some(format!("the model was asked {} times", limits.steps));
        }
        if self.usage.tokens_in + self.usage.tokens_out >= limits.tokens {
            return Some(format!("{} tokens were used", limits.tokens));
        }
        if self.usage.usd >= limits.usd {
            return Some(format!("{:.2} US dollars were spent", limits.usd));
        }
        (self.ms / 1_000 >= limits.seconds).then(|| format!("it worked for {} s", limits.seconds))
    }
}

/// What became of a tool that was wanted.
enum Handled {
    Answered(Used, bool),
    /// A person said that it ends here.
    Stopped(String),
}

impl Act<'_> {
    /// Takes the place of another turn, if it is to, and keeps the files as they are.
    async fn begin(&self) -> Result<Begun, Failure> {
        let body = async |scope: StepScope| {
            status(&scope, "preparing", 0).await?;
            self.project.installed_or_failed().await;
            let sessions = &self.services.sessions;
            let row = TurnRow {
                run_id: scope.run_id().clone(),
                session: self.input.session.clone(),
                created_at: self.now(),
            };
            sessions.add_turn(&row, self.input.replaces.as_ref()).await?;
            if let Some(replaced) = &self.input.replaces {
                self.put_back(replaced).await?;
            }
            let rows = sessions.list_turns(&self.input.session).await?;
            let earlier = rows.into_iter().map(|row| row.run_id).take_while(|id| id != scope.run_id());
            let label: String = self.input.text.lines().next().unwrap_or_default().chars().take(80).collect();
            let note = json!({ "turn": scope.run_id() });
            let checkpoint =
                self.project.keep(label, CheckpointKind::BeforeChange, note).await.map_err(failed)?;
            Ok(Begun { checkpoint, earlier: earlier.collect() })
        };
        self.run.step("begin", StepOptions::default(), body).await
    }

    fn now(&self) -> Timestamp {
        self.services.studio.clock().now()
    }

    /// Has what does not fit into the next turn summarized, in the background. What is lost with a
    /// killed process is made up for by the next turn.
    async fn summarize(&self, begun: &Begun) {
        let mut runs = begun.earlier.clone();
        runs.push(self.run.run_id().clone());
        let store = self.services.runs.clone();
        let (conversations, session) = (self.services.conversations.clone(), self.input.session.clone());
        tokio::spawn(async move {
            let turns = match turns(store.as_ref(), &runs).await {
                Ok(turns) => turns,
                Err(failure) => {
                    return tracing::warn!(message = failure.message, "a conversation cannot be read");
                }
            };
            if let Err(error) = conversations.catch_up(&context::remembered(&session, &turns)).await {
                tracing::warn!(%error, "a conversation is summarized later");
            }
        });
    }

    async fn put_back(&self, replaced: &kernel::RunId) -> Result<(), Failure> {
        let turn = conversation::load(self.services.runs.as_ref(), replaced).await.map_err(failed)?;
        if let Some(checkpoint) = turn.and_then(|turn| turn.checkpoint) {
            self.project.put_back(&checkpoint).await.map_err(failed)?;
        }
        Ok(())
    }

    /// Gathers what the model is told.
    async fn context(&self, begun: &Begun) -> Result<Context, Failure> {
        let body = async |_: StepScope| {
            let earlier = turns(self.services.runs.as_ref(), &begun.earlier).await?;
            let project = self.project.clone();
            let about = tokio::task::spawn_blocking(move || context::project(&project)).await;
            let mut about = about.map_err(kernel::Error::internal)?.map_err(failed)?;
            let events = context::events(&earlier);
            if !events.is_empty() {
                about.push_str(&format!("\ndecisions and problems so far:\n{events}\n"));
            }
            self.services.connectors.list_new(LISTED).await;
            let pack = self.known().await?;
            // What was made of local words is as local as they are.
            let is_local = pack.privacy == Label::Local || earlier.iter().any(|turn| turn.is_local);
            let known = pack.retrieved();
            if !known.is_empty() {
                about.push_str(&format!("\n<remembered>\n{known}\n</remembered>\n"));
            }
            let is_tainted = earlier.iter().any(Turn::has_fetched);
            let remembered = context::remembered(&self.input.session, &earlier);
            let recalled = self.services.conversations.recall(&remembered).await?;
            let history = context::history(&earlier, &recalled);
            let plan = if self.has_model(is_local) { None } else { Some(self.recipes()) };
            let system = context::rules(&self.project);
            Ok(Context { system, project: about, history, is_local, is_tainted, plan, pack: Some(pack) })
        };
        self.run.step("context", StepOptions::default(), body).await
    }

    /// What memory knows that bears on what was said.
    async fn known(&self) -> Result<Pack, Failure> {
        let own = format!("session:{}", self.input.session);
        let found = self.services.memory.recall(&self.input.text, RECALLED, &own).await?;
        let (said, model) = (self.input.text.clone(), self.input.model.clone().unwrap_or_default());
        let build = move || {
            let counting = TokenCounting::of_model(&model);
            let count = |text: &str| counting.count(text);
            let counter = CountedBy { name: counting.name().to_owned(), count };
            pack::beside(&said, vec![Required::request(&said)], &found, KNOWN_TOKENS, &counter)
        };
        let built = tokio::task::spawn_blocking(build).await.map_err(kernel::Error::internal)?;
        Ok(built.map_err(kernel::Error::from)?)
    }

    /// Whether a language model is asked: there is one, and the rules were not asked for by name.
    fn has_model(&self, is_local: bool) -> bool {
        let privacy = if is_local { Privacy::Local } else { Privacy::Shareable };
        let named = self.input.model.as_deref().and_then(|model| model.split('/').next());
        named != Some(Offline::NAME) && (named.is_some() || self.services.models.has_model(privacy))
    }

    fn recipes(&self) -> crate::recipes::Plan {
        let read = |path: &str| {
            let content = self.project.tree().read(&worktree::TreePath::parse(path).ok()?, 1 << 20).ok()?;
            content.text().map(str::to_owned)
        };
        match understand(self.project.template(), &self.input.text, &read) {
            Understanding::Plan(plan) => plan,
            Understanding::Answer(text) => {
                crate::recipes::Plan { intro: String::new(), changes: Vec::new(), outro: text }
            }
        }
    }

    /// Asks and does, until there is nothing more to do.
    async fn work(&self, known: &Context) -> Result<End, Failure> {
        let mut messages = known.opening(&self.input);
        let surroundings = Surroundings { is_tainted: known.is_tainted, is_local: known.is_local };
        let mut tally = Tally { surroundings, ..Tally::default() };
        for step in 1.. {
            if let Some(limit) = tally.limit(step, &self.input.limits) {
                return Ok(
                    tally.end(Outcome::Limit, Some(format!("The limit of this turn is reached: {limit}")))
                );
            }
            let thought = self.think(step, &messages, known).await?;
            conversation::add(&mut tally.usage, &thought.usage);
            tally.ms += thought.ms;
            if thought.finish == FinishReason::ContentFilter {
                let reason = format!("{} declined to answer this", thought.provider);
                return Ok(tally.end(Outcome::Failed, Some(reason)));
            }
            let calls = thought.calls();
            if !thought.parts.is_empty() {
                messages.push(Message { role: Role::Assistant, parts: thought.parts.clone() });
            }
            if let Some(nudge) = nudge(&thought) {
                tally.nudges += 1;
                if tally.nudges > NUDGES {
                    let reason = "The model's answers were empty or cut off again and again".to_owned();
                    return Ok(tally.end(Outcome::Failed, Some(reason)));
                }
                messages.push(Message::user(format!("<note>{nudge}</note>")));
            } else if !calls.is_empty() {
                if let Some((outcome, reason)) =
                    self.use_tools(step, &calls, &mut tally, &mut messages).await?
                {
                    return Ok(tally.end(outcome, Some(reason)));
                }
            } else {
                match self.look(step, &mut tally).await? {
                    Some(found) if known.plan.is_none() && tally.verifications < VERIFICATIONS => {
                        messages.push(Message::user(found));
                    }
                    Some(_) => {
                        let reason = "What was checked after the changes is not as it should be".to_owned();
                        return Ok(tally.end(Outcome::Finished, Some(reason)));
                    }
                    None => return Ok(tally.end(Outcome::Finished, None)),
                }
            }
        }
        unreachable!("the steps are limited")
    }

    /// Uses the tools a model wants, one after the other. Gives how the turn ends, if it does here.
    async fn use_tools(
        &self,
        step: u32,
        calls: &[ToolCall],
        tally: &mut Tally,
        messages: &mut Vec<Message>,
    ) -> Result<Option<(Outcome, String)>, Failure> {
        for (place, call) in calls.iter().enumerate() {
            let (mut used, changes) = match self.handle(step, place, call, tally).await? {
                Handled::Answered(used, changes) => (used, changes),
                Handled::Stopped(reason) => return Ok(Some((Outcome::Stopped, reason))),
            };
            match tally.repeats.note(call, &used, changes) {
                Repetition::None => {}
                Repetition::Told(times) => used.text.push_str(&format!(
                    "\n<note>You have made exactly this call {times} times, with the same result. Do something \
                     else, or say what keeps you.</note>"
                )),
                Repetition::Ended => {
                    let reason = format!("The model made the same call of `{}` again and again", call.name);
                    return Ok(Some((Outcome::Limit, reason)));
                }
            }
            let result = Part::ToolResult {
                call_id: call.id.clone(),
                content: vec![Part::text(used.text)],
                is_error: used.is_error,
            };
            context::push_result(messages, result);
        }
        Ok(None)
    }

    async fn think(&self, step: u32, messages: &[Message], known: &Context) -> Result<Thought, Failure> {
        let retry =
            RetryPolicy { attempts: 3, initial: Duration::from_millis(500), ..RetryPolicy::default() };
        let options = StepOptions { retry, ..StepOptions::default() };
        let body = async |scope: StepScope| {
            status(&scope, "thinking", step).await?;
            match &known.plan {
                Some(plan) => think::recite(&scope, step, plan).await,
                None => {
                    let (models, tools) = (&self.services.models, self.toolbox.definitions().await?);
                    think::ask(models, &scope, step, &self.input, tools, messages, known.is_local).await
                }
            }
        };
        self.run.step(&format!("think-{step}"), options, body).await
    }

    /// Finds out what a call would do, has a person asked if need be, and does it.
    async fn handle(
        &self,
        step: u32,
        place: usize,
        call: &ToolCall,
        tally: &mut Tally,
    ) -> Result<Handled, Failure> {
        if place >= CALLS {
            let text = format!("At most {CALLS} tools are used at once; this call was not carried out.");
            return Ok(Handled::Answered(Used { text, is_error: true }, false));
        }
        let prepared = self.prepare(step, place, call, tally.surroundings).await?;
        let doing = match prepared.prepared {
            Err(used) => return Ok(Handled::Answered(used, false)),
            Ok(doing) => doing,
        };
        if let Some(why) = prepared.asks {
            let request = GateRequest {
                name: format!("allow-{step}-{place}"),
                title: title(&doing).to_owned(),
                detail: why,
                proposal: json!({ "call": call.id, "step": step, "use": doing }),
            };
            let approval = self.run.gate(request).await?;
            let said = approval.feedback.filter(|said| !said.trim().is_empty());
            match approval.verdict {
                Verdict::Approve => {}
                Verdict::Skip => {
                    let said = said.map(|said| format!(" They say: {said}")).unwrap_or_default();
                    let text = format!("The person did not allow this.{said}");
                    return self.tell(step, place, call, Used { text, is_error: true }).await;
                }
                Verdict::Reject => {
                    let reason =
                        said.map_or("A person said no".into(), |said| format!("A person said no: {said}"));
                    return Ok(Handled::Stopped(reason));
                }
            }
        }
        let applied = self.apply(step, place, call, &doing).await?;
        tally.ms += applied.ms;
        let changes = doing.changes() && !applied.used.is_error;
        match &doing {
            ToolUse::Write { path, .. } if changes => {
                tally.changed.insert(path.clone());
                tally.unverified.insert(path.clone());
            }
            ToolUse::Run { .. } => tally.has_run = true,
            ToolUse::Fetch { .. } if applied.used.is_error => {}
            // What a server says of a failure is its words as well.
            doing if doing.is_from_outside() => tally.surroundings.is_tainted = true,
            _ => {}
        }
        Ok(Handled::Answered(applied.used, changes))
    }

    async fn prepare(
        &self,
        step: u32,
        place: usize,
        call: &ToolCall,
        surroundings: Surroundings,
    ) -> Result<Prepared, Failure> {
        let body = async |scope: StepScope| {
            let prepared = self.toolbox.prepare(call).await;
            let session = self.services.studio.find(&self.input.session).await.map_err(failed)?;
            let asks =
                prepared.as_ref().ok().and_then(|doing| asks(doing, &session.permissions, surroundings));
            let shown = prepared.as_ref().ok().map(shown);
            let permission = prepared.as_ref().ok().map(ToolUse::permission);
            let arguments = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!(call.arguments));
            let event = json!({
                "step": step, "id": call.id, "name": call.name, "arguments": arguments,
                "permission": permission, "use": shown,
            });
            scope.emit("tool_call", event).await?;
            if let Err(used) = &prepared {
                scope.emit("tool_result", result_event(step, call, used)).await?;
            }
            Ok(Prepared { call: call.clone(), prepared, asks })
        };
        self.run.step(&format!("use-{step}-{place}"), StepOptions::default(), body).await
    }

    /// Records what a call was answered that was not carried out.
    async fn tell(&self, step: u32, place: usize, call: &ToolCall, used: Used) -> Result<Handled, Failure> {
        let body = async |scope: StepScope| {
            scope.emit("tool_result", result_event(step, call, &used)).await?;
            Ok(Applied { used: used.clone(), ms: 0 })
        };
        let applied = self.run.step(&format!("tool-{step}-{place}"), StepOptions::ONCE, body).await?;
        Ok(Handled::Answered(applied.used, false))
    }

    async fn apply(
        &self,
        step: u32,
        place: usize,
        call: &ToolCall,
        doing: &ToolUse,
    ) -> Result<Applied, Failure> {
        let body = async |scope: StepScope| {
            // That this was begun is stored once this is said, so that another attempt knows of it.
            status(&scope, "acting", step).await?;
            let begun = Instant::now();
            let used = self.toolbox.apply(doing, scope.attempt() > 1).await;
            if matches!(doing, ToolUse::StartDev { .. }) && !used.is_error {
                // It is how the project is started from now on.
                self.services.studio.keep_dev_command(&self.project).await.map_err(failed)?;
            }
            scope.emit("tool_result", result_event(step, call, &used)).await?;
            Ok(Applied { used, ms: millis(begun.elapsed()) })
        };
        self.run.step(&format!("tool-{step}-{place}"), StepOptions::ONCE, body).await
    }

    /// Looks at what was changed since the last look. What is found wrong is told.
    async fn look(&self, step: u32, tally: &mut Tally) -> Result<Option<String>, Failure> {
        if tally.unverified.is_empty() && !tally.has_run {
            return Ok(None);
        }
        let changed = std::mem::take(&mut tally.unverified);
        tally.has_run = false;
        tally.verifications += 1;
        let body = async |scope: StepScope| {
            status(&scope, "verifying", step).await?;
            let begun = Instant::now();
            let checks = verify::verify(&self.project, &changed).await;
            for check in &checks {
                scope.emit("check", json!(check)).await?;
            }
            Ok(Verified { checks, ms: millis(begun.elapsed()) })
        };
        let verified: Verified = self.run.step(&format!("verify-{step}"), StepOptions::ONCE, body).await?;
        tally.ms += verified.ms;
        let told = verify::told(&verified.checks);
        if told.is_some() {
            // What is mended is looked at again, also when nothing but a program did it.
            tally.has_run = true;
        }
        Ok(told)
    }

    /// Has the turn found by those that come after it, here and elsewhere.
    async fn remember(&self, known: &Context, end: &End) -> Result<(), Failure> {
        let body = async |scope: StepScope| {
            status(&scope, "remembering", 0).await?;
            let name = self.project.session().name;
            let title: String = format!("{name}: {}", self.input.text.lines().next().unwrap_or_default());
            let document = NewDocument {
                collection: COLLECTION.into(),
                key: scope.run_id().to_string(),
                title: title.chars().take(memory::document::MAX_TITLE_CHARS).collect(),
                text: format!("{}\n\nChanged: {}", self.input.text, end.changed.join(", ")),
                source: format!("session:{}", self.input.session),
                privacy: if known.is_local { Privacy::Local } else { Privacy::Shareable },
                ..NewDocument::default()
            };
            self.services.memory.remember(document).await?;
            match self.services.studio.touch(&self.input.session).await {
                // It was deleted meanwhile.
                Err(Error::SessionNotFound { .. }) | Ok(()) => Ok(()),
                Err(error) => Err(failed(error)),
            }
        };
        self.run.step("remember", StepOptions::default(), body).await
    }
}

/// The turns of these runs.
async fn turns(store: &dyn RunStore, runs: &[RunId]) -> Result<Vec<Turn>, Failure> {
    let mut turns = Vec::with_capacity(runs.len());
    for run_id in runs {
        turns.extend(conversation::load(store, run_id).await.map_err(failed)?);
    }
    Ok(turns)
}

/// What a model is told whose answer cannot be meant to be one.
fn nudge(thought: &Thought) -> Option<&'static str> {
    if !thought.calls().is_empty() {
        return None;
    }
    if thought.finish == FinishReason::Length {
        return Some(
            "Your answer was cut off because it was too long. Go on from where it ended; write long files in \
             several steps.",
        );
    }
    thought.text().trim().is_empty().then_some("Your answer was empty. Go on, or say what is done.")
}

/// A use as an event shows it: the content of a file is among the call's arguments already.
fn shown(doing: &ToolUse) -> Value {
    let mut shown = json!(doing);
    if let (ToolUse::Write { .. }, Some(members)) = (doing, shown.as_object_mut()) {
        members.shift_remove("content");
    }
    shown
}

fn result_event(step: u32, call: &ToolCall, used: &Used) -> Value {
    json!({ "step": step, "id": call.id, "name": call.name, "text": used.text, "isError": used.is_error })
}

async fn status(scope: &StepScope, phase: &str, step: u32) -> Result<(), Failure> {
    let event = json!({ "turnId": scope.run_id(), "phase": phase, "step": step, "attempt": scope.attempt() });
    scope.emit("status", event).await
}

fn failed(error: Error) -> Failure {
    Failure::from(kernel::Error::from(error))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
