//! The tools: what each is called, takes and gives, who may use it, and the routes it is made of.
//!
//! What a tool takes and gives is narrower than its routes: a model reads every member of every
//! answer. Its schemas are made from the types that are read and written.
//!
//! Invariant: a tool whose routes this server does not have is not there.

mod agents;
mod gates;
mod ingest;
mod memory;
mod reporter;
mod runs;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use accounts::Scope;
use futures::FutureExt;
use futures::future::BoxFuture;
use rmcp::handler::server::common::{schema_for_output, schema_for_type};
use rmcp::model::{Tool, ToolAnnotations};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::calls::{Refusal, Route, Routes};
use super::handler::Asked;
use crate::error::Error;
pub(super) use gates::open_gates;
pub(super) use memory::{Passage, SearchMemory, search};
pub(super) use reporter::Reporter;
pub(super) use runs::recent as recent_runs;

type Result<T, E = Refusal> = std::result::Result<T, E>;
type Run = Box<dyn Fn(Arc<Asked>, Value) -> BoxFuture<'static, Result<Value>> + Send + Sync>;

/// The tools that there are.
pub(super) struct Tools(BTreeMap<&'static str, Defined>);

/// A tool.
pub(super) struct Defined {
    tool: Tool,
    /// What a caller must be allowed.
    pub scopes: &'static [Scope],
    routes: Vec<Route>,
    run: Run,
}

/// What a tool does to the world.
#[derive(Clone, Copy)]
enum Effect {
    /// Nothing.
    Reads,
    /// Something is added.
    Adds,
    /// Something is put in the place of what was there, the same again as often as it is called.
    Replaces,
    /// What it does cannot be taken back.
    Decides,
}

/// How a tool presents itself.
struct About {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    effect: Effect,
    scopes: &'static [Scope],
    routes: Vec<Route>,
}

/// A tool that takes a `T` and gives a `U`.
fn define<T, U, F>(about: About, act: impl Fn(Arc<Asked>, T) -> F + Send + Sync + 'static) -> Defined
where
    T: DeserializeOwned + JsonSchema + Send + 'static,
    U: Serialize + JsonSchema + 'static,
    F: Future<Output = Result<U>> + Send + 'static,
{
    let About { name, title, description, effect, scopes, routes } = about;
    let annotations = ToolAnnotations::with_title(title)
        .read_only(matches!(effect, Effect::Reads))
        .destructive(matches!(effect, Effect::Replaces | Effect::Decides))
        .idempotent(matches!(effect, Effect::Reads | Effect::Replaces))
        // What a goal does may reach the network, as far as the sandbox lets it.
        .open_world(matches!(effect, Effect::Adds | Effect::Decides) && scopes.contains(&Scope::WriteRuns));
    let mut input = schema_for_type::<T>().as_ref().clone();
    input.remove("title");
    let tool = Tool::new(name, description, input)
        .with_title(title)
        .with_raw_output_schema(schema_for_output::<U>())
        .with_annotations(annotations);
    let act = Arc::new(act);
    let run = move |asked: Arc<Asked>, arguments: Value| {
        let act = act.clone();
        async move {
            let given = serde_json::from_value(arguments).map_err(|error| unfit(&error.to_string()))?;
            let made = act(asked, given).await?;
            serde_json::to_value(made).map_err(|error| kernel::Error::internal(error.to_string()).into())
        }
        .boxed()
    };
    Defined { tool, scopes, routes, run: Box::new(run) }
}

impl Defined {
    /// Does it. A defect is told as one, whatever it is.
    pub async fn call(&self, asked: Arc<Asked>, arguments: Value) -> Result<Value> {
        let called = AssertUnwindSafe(async { (self.run)(asked, arguments).await }).catch_unwind().await;
        called.unwrap_or_else(|_| {
            let name = &self.tool.name;
            tracing::error!(%name, "a tool panicked");
            Err(Error::Panicked(format!("the tool {name}")).into())
        })
    }
}

impl Tools {
    /// All whose routes there are.
    pub fn new(routes: &Routes) -> Self {
        let all = [memory::tools(), ingest::tools(), runs::tools(), gates::tools(), agents::tools()]
            .into_iter()
            .flatten();
        let possible = all.filter(|tool| tool.routes.iter().all(|route| routes.have(route)));
        let by_name = possible.map(|tool| match &tool.tool.name {
            std::borrow::Cow::Borrowed(name) => (*name, tool),
            std::borrow::Cow::Owned(_) => unreachable!("a tool's name is written in its definition"),
        });
        Self(by_name.collect())
    }

    /// Those that the caller may use.
    pub fn shown_to(&self, asked: &Asked) -> Vec<Tool> {
        self.0.values().filter(|tool| asked.may(tool.scopes)).map(|tool| tool.tool.clone()).collect()
    }

    pub fn find(&self, name: &str) -> Option<&Defined> {
        self.0.get(name)
    }
}

/// Arguments that do not fit.
fn unfit(problem: &str) -> Refusal {
    Refusal {
        code: "unfit_body".into(),
        message: format!("The arguments do not fit this tool: {problem}"),
        hint: Some("The tool's inputSchema says what it takes".into()),
    }
}
