//! The planner as a service: a goal goes in, a plan comes out, logged and indexed by itself.

use std::sync::Arc;

use kernel::{DispatchId, Privacy};
use memory::{Memory, NewDispatch};
use models::{Attempt, Message, Origin, Request, Router};

use crate::error::Error;
use crate::plan::Plan;
use crate::planner::{self, TaskType};

/// How often a model is told what is wrong with its plan before the rules take over.
const MODEL_TRIES: usize = 3;

/// Plans goals.
#[derive(Clone)]
pub struct Dispatcher {
    models: Arc<Router>,
    memory: Memory,
}

/// A plan and how it came about.
#[derive(Clone, Debug)]
pub struct Dispatched {
    /// The entry in the planner's log.
    pub id: DispatchId,
    /// The plan.
    pub plan: Plan,
    /// Every call of a model on the way.
    pub attempts: Vec<Attempt>,
    /// Why the rules planned although there is a model.
    pub fallback: Option<String>,
}

impl Dispatcher {
    /// A planner that asks `models` and logs to `memory`.
    pub fn new(models: Arc<Router>, memory: Memory) -> Self {
        Self { models, memory }
    }

    /// The models it asks.
    pub fn models(&self) -> &Arc<Router> {
        &self.models
    }

    /// Plans a goal: a runbook by its structure, plain words by a model where there is one, else by
    /// rules. `origin` is who asks, and for which run.
    ///
    /// # Errors
    /// When the goal cannot be planned from, or the log cannot be written.
    pub async fn dispatch(
        &self,
        goal: &str,
        task_type: TaskType,
        model: Option<&str>,
        origin: &Origin,
    ) -> Result<Dispatched, Error> {
        planner::accept_goal(goal)?;
        let mut attempts = Vec::new();
        let mut fallback = None;
        let plan = match planner::runbook::try_plan(goal) {
            Some(plan) => plan?,
            None if model != Some(models::Offline::NAME) && self.models.has_model(Privacy::Shareable) => {
                match self.ask_model(goal, task_type, model, origin, &mut attempts).await {
                    Ok(plan) => plan,
                    Err(reason) => {
                        tracing::warn!(%reason, "planning by rules");
                        fallback = Some(reason);
                        planner::plan_offline(goal, task_type)?
                    }
                }
            }
            None => planner::plan_offline(goal, task_type)?,
        };
        let dispatch = NewDispatch {
            prompt: goal.to_owned(),
            task_type: task_type.name().to_owned(),
            plan: serde_json::to_value(&plan).map_err(kernel::Error::internal)?,
            actor: origin.actor.clone(),
            request_id: None,
        };
        let id = self.memory.log_dispatch(dispatch).await?;
        Ok(Dispatched { id, plan, attempts, fallback })
    }

    async fn ask_model(
        &self,
        goal: &str,
        task_type: TaskType,
        model: Option<&str>,
        origin: &Origin,
        attempts: &mut Vec<Attempt>,
    ) -> Result<Plan, String> {
        let task = format!("Task type: {}\n\nGoal:\n{goal}", task_type.name());
        let mut messages = vec![Message::system(planner::model_instructions()), Message::user(task)];
        let mut reason = String::new();
        for _ in 0..MODEL_TRIES {
            let request = Request {
                model: model.map(str::to_owned),
                origin: origin.clone(),
                ..Request::new(messages.clone())
            };
            let completion = match self.models.complete_with_model(&request).await {
                Ok(completion) => completion,
                Err(error) => {
                    attempts.extend_from_slice(error.attempts());
                    return Err(error.to_string());
                }
            };
            let text = completion.text();
            attempts.extend(completion.attempts);
            match planner::from_model_json(goal, &text) {
                Ok(plan) => return Ok(plan),
                Err(error) => {
                    reason = error.to_string();
                    messages.push(Message::assistant(text));
                    messages.push(Message::user(format!("{reason}. Answer with the corrected JSON only.")));
                }
            }
        }
        Err(reason)
    }
}
