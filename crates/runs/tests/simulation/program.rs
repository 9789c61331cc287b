//! Small workflow programs: what a simulated run does, made at random and carried out by one
//! workflow that reads its program from its input.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use kernel::{Entropy, SeededEntropy};
use runs::{
    Durability, Failure, GateRequest, LogLevel, RetryPolicy, RunContext, StepOptions, StepScope, Verdict,
    Workflow,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::world::World;

/// A piece of a program. Names are unique in a program.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Node {
    /// A step.
    Step(Step),
    /// A question; a rejection ends the run.
    Gate(String),
    /// A sleep of some milliseconds.
    Timer(String, u64),
    /// A run of its own.
    Child(String, Box<Node>),
    /// One after the other, until one fails.
    Sequence(Vec<Node>),
    /// Side by side, all to their ends.
    Parallel(Vec<Node>),
}

/// How a step behaves.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    pub name: String,
    /// How many attempts fail before one succeeds.
    pub fails: u32,
    pub millis: u64,
    /// Whether it fails for good until somebody asks for a retry.
    pub fatal: bool,
    /// Whether it logs, says something and adds an artifact.
    pub chatty: bool,
    /// Whether its result must be on disk.
    pub disk: bool,
}

/// The workflow that carries programs out.
pub struct Interpreter(pub Arc<World>);

#[async_trait]
impl Workflow for Interpreter {
    fn name(&self) -> &'static str {
        "program"
    }

    async fn run(&self, context: RunContext, input: Value) -> Result<Value, Failure> {
        let program: Node = serde_json::from_value(input).expect("the simulation submits programs");
        interpret(&self.0, &context, &program).await
    }
}

fn interpret<'a>(
    world: &'a Arc<World>,
    context: &'a RunContext,
    node: &'a Node,
) -> BoxFuture<'a, Result<Value, Failure>> {
    async move {
        match node {
            Node::Step(step) => {
                let retry = RetryPolicy {
                    attempts: 5,
                    initial: Duration::from_millis(20),
                    maximum: Duration::from_millis(1_500),
                };
                let durability = if step.disk { Durability::Disk } else { Durability::Process };
                let options = StepOptions { retry, durability };
                context.step(&step.name, options, |scope| body(world.clone(), step.clone(), scope)).await
            }
            Node::Gate(name) => {
                let proposal = json!({ "go": name });
                let request = GateRequest {
                    name: name.clone(),
                    title: format!("May {name} go on?"),
                    detail: String::new(),
                    proposal: proposal.clone(),
                };
                let approval = context.gate(request).await?;
                if approval.verdict == Verdict::Reject {
                    return Err(Failure::new("rejected", "Somebody said no"));
                }
                assert_eq!(approval.covers(&proposal), approval.verdict == Verdict::Approve);
                Ok(json!(approval.verdict))
            }
            Node::Timer(name, millis) => {
                let due = world.now().plus(Duration::from_millis(*millis));
                context.sleep_until(name, due).await?;
                Ok(json!("slept"))
            }
            Node::Child(name, program) => {
                let program = serde_json::to_value(program).expect("programs are JSON");
                context.child(name, "program", name, program).await
            }
            Node::Sequence(nodes) => {
                let mut results = Vec::new();
                for node in nodes {
                    results.push(interpret(world, context, node).await?);
                }
                Ok(Value::Array(results))
            }
            Node::Parallel(nodes) => {
                let results = join_all(nodes.iter().map(|node| interpret(world, context, node))).await;
                results.into_iter().collect::<Result<Vec<_>, _>>().map(Value::Array)
            }
        }
    }
    .boxed()
}

async fn body(world: Arc<World>, step: Step, scope: StepScope) -> Result<Value, Failure> {
    let _entered = world.enter(scope.run_id(), &step.name, scope.idempotency_key());
    if step.chatty {
        scope.log(LogLevel::Info, format!("attempt {}", scope.attempt())).await?;
        scope.emit("output", json!({ "of": step.name })).await?;
        scope
            .artifact(&format!("{}.txt", step.name), "text/plain", step.name.clone().into_bytes().into())
            .await?;
    }
    if step.millis > 0 {
        tokio::time::sleep(Duration::from_millis(step.millis)).await;
    }
    if step.fatal && !world.is_repaired(scope.run_id()) {
        return Err(Failure::new("fatal", "It cannot work"));
    }
    if scope.attempt() <= step.fails {
        return Err(Failure { retryable: true, ..Failure::new("flaky", "Not this time") });
    }
    Ok(json!(scope.idempotency_key()))
}

/// Makes a program of a few pieces.
pub fn random(random: &SeededEntropy) -> Node {
    let mut names = 0;
    let count = 1 + random.next_u64() % 5;
    Node::Sequence((0..count).map(|_| random_node(random, 0, &mut names)).collect())
}

fn random_node(random: &SeededEntropy, depth: u32, names: &mut u32) -> Node {
    *names += 1;
    let name = |sort: &str| format!("{sort} {names}");
    let choice = random.next_u64() % if depth < 2 { 16 } else { 11 };
    match choice {
        0..=5 => Node::Step(Step {
            name: name("step"),
            fails: [0, 0, 0, 0, 1, 2][(random.next_u64() % 6) as usize],
            millis: [0, 0, 0, 7, 30, 1_300][(random.next_u64() % 6) as usize],
            fatal: random.next_u64().is_multiple_of(16),
            chatty: random.next_u64().is_multiple_of(3),
            disk: random.next_u64().is_multiple_of(4),
        }),
        6..=8 => Node::Gate(name("gate")),
        9..=10 => Node::Timer(name("timer"), [0, 40, 900, 1_000, 2_500][(random.next_u64() % 5) as usize]),
        11..=12 => {
            let name = name("child");
            let mut inner = 0;
            let count = 1 + random.next_u64() % 2;
            let program = (0..count).map(|_| random_node(random, depth + 1, &mut inner)).collect();
            Node::Child(name, Box::new(Node::Sequence(program)))
        }
        13..=14 => {
            let count = 2 + random.next_u64() % 2;
            Node::Parallel((0..count).map(|_| random_node(random, depth + 1, names)).collect())
        }
        _ => Node::Sequence((0..2).map(|_| random_node(random, depth + 1, names)).collect()),
    }
}

/// One program with everything in it.
pub fn rich() -> Node {
    let step = |name: &str| Step {
        name: name.into(),
        fails: 0,
        millis: 0,
        fatal: false,
        chatty: false,
        disk: false,
    };
    Node::Sequence(vec![
        Node::Step(step("load")),
        Node::Parallel(vec![
            Node::Sequence(vec![
                Node::Step(Step { fails: 1, millis: 5, ..step("clean") }),
                Node::Gate("may it go on".into()),
            ]),
            Node::Child(
                "survey".into(),
                Box::new(Node::Sequence(vec![
                    Node::Step(Step { millis: 10, chatty: true, ..step("ask around") }),
                    Node::Timer("think".into(), 1_200),
                ])),
            ),
            Node::Timer("tea".into(), 300),
        ]),
        Node::Step(Step { fatal: true, disk: true, ..step("send") }),
        Node::Child("archive".into(), Box::new(Node::Gate("keep it".into()))),
        Node::Step(Step { chatty: true, ..step("report") }),
    ])
}
