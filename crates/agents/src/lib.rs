//! What turns a goal into work: plans, the planners that make them, and the supervisor that
//! carries them out.
//!
//! Invariant: a [`Plan`] that leaves this crate validates, and code in it is only ever run by the
//! sandbox, never interpreted here. Start reading at [`plan`], then [`supervisor`].

pub mod chronicle;
pub mod code;
pub mod dispatch;
pub mod error;
pub mod plan;
pub mod planner;
pub mod supervisor;
pub mod tools;
mod working_folder;

pub use chronicle::Chronicle;
pub use code::{CodeRequest, CodeRun, CodeRunner, CodeWorkflow};
pub use dispatch::{Dispatched, Dispatcher};
pub use error::Error;
pub use plan::{
    Check, CodeLanguage, CountUnit, Criterion, Language, Observation, Plan, PlanStep, PlannerKind, StepKind,
    Verdict,
};
pub use planner::TaskType;
pub use supervisor::{Goals, InputFile, NewGoal, SupervisorWorkflow};
pub use tools::{PendingTools, Tools};
