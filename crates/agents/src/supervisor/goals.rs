//! Handing goals to the supervisor.

use std::collections::BTreeMap;

use bytes::Bytes;
use kernel::{Actor, RunId};
use runs::{Engine, Submission};

use super::{SupervisorInput, WORKFLOW};
use crate::error::Error;
use crate::planner::{self, TaskType};
use crate::working_folder::is_safe;

/// Files that come with a goal, at most.
const MOST_FILES: usize = 200;

/// A file the steps find in their folder.
#[derive(Clone, Debug)]
pub struct InputFile {
    /// Its relative path, with `/`.
    pub path: String,
    /// Its content.
    pub content: Bytes,
}

/// A goal to carry out.
#[derive(Clone, Debug)]
pub struct NewGoal {
    /// The goal: plain words, a list, or a runbook.
    pub goal: String,
    /// What the run is called; else what the plan is called.
    pub title: Option<String>,
    /// What sort of work it is.
    pub task_type: TaskType,
    /// Whether a person approves the plan as a whole first; unset, when a model planned code.
    pub require_approval: Option<bool>,
    /// Files for the steps.
    pub files: Vec<InputFile>,
    /// The model to ask.
    pub model: Option<String>,
    /// Who asks.
    pub actor: Actor,
    /// A key under which the same goal is only carried out once.
    pub idempotency_key: Option<String>,
}

/// Takes goals and makes runs of them.
#[derive(Clone)]
pub struct Goals {
    engine: Engine,
}

impl Goals {
    /// Goals for an engine that knows [`super::SupervisorWorkflow`].
    pub fn new(engine: Engine) -> Self {
        Self { engine }
    }

    /// Submits a goal. It and its files are on disk when this returns.
    ///
    /// # Errors
    /// When no plan could be made of it, a file's path leaves the folder, or the engine refuses.
    pub async fn submit(&self, goal: NewGoal) -> Result<RunId, Error> {
        planner::accept_goal(&goal.goal)?;
        // What even the rules cannot plan is refused now rather than as a failed run.
        let plan = planner::plan_offline(&goal.goal, goal.task_type)?;
        if goal.files.len() > MOST_FILES {
            return Err(Error::TooManyFiles { given: goal.files.len(), limit: MOST_FILES });
        }
        let mut files = BTreeMap::new();
        for file in goal.files {
            if !is_safe(&file.path) {
                return Err(Error::UnsafePath { path: file.path });
            }
            files.insert(file.path, self.engine.blobs().put(file.content).await?);
        }
        let title = goal.title.filter(|title| !title.trim().is_empty()).unwrap_or(plan.title);
        let input = SupervisorInput {
            goal: goal.goal,
            task_type: goal.task_type,
            require_approval: goal.require_approval,
            files,
            model: goal.model,
            actor: goal.actor.to_string(),
        };
        let submission = Submission {
            workflow: WORKFLOW.into(),
            title: title.chars().take(200).collect(),
            input: serde_json::to_value(&input).map_err(kernel::Error::internal)?,
            actor: goal.actor,
            idempotency_key: goal.idempotency_key,
        };
        Ok(self.engine.submit(submission).await.map_err(kernel::Error::from)?)
    }
}
