//! Workflows to look at from outside.

use async_trait::async_trait;
use runs::{Failure, GateRequest, LogLevel, RunContext, StepOptions, Verdict, Workflow};
use serde_json::{Value, json};

/// What the supervisor does, without thinking: a plan of three steps with a gate in the middle.
pub struct Goal;

pub fn plan(goal: &str) -> Value {
    json!({
        "goal": goal,
        "title": "Report",
        "planner": "rules",
        "language": "en",
        "steps": [
            {"id": "s1", "title": "Compute", "kind": "code", "depends_on": [], "language": "python",
             "code": "print(4)", "acceptance": [{"text": "prints 4", "check": {"kind": "output_contains", "text": "4"}}]},
            {"id": "s2", "title": "Publish?", "kind": "gate", "depends_on": ["s1"], "acceptance": []},
            {"id": "s3", "title": "Write up", "kind": "report", "depends_on": ["s2"], "acceptance": [{"text": "is clear"}]},
        ],
    })
}

#[async_trait]
impl Workflow for Goal {
    fn name(&self) -> &'static str {
        "supervisor"
    }

    async fn run(&self, run: RunContext, input: Value) -> Result<Value, Failure> {
        let goal = input["goal"].as_str().unwrap_or_default().to_owned();
        let goal = &goal;
        let _: Value = run
            .step("plan", StepOptions::ONCE, async |step| {
                step.emit("model_call", json!({"usage": null})).await?;
                step.emit(
                    "model_call",
                    json!({"usage": {"tokens_in": 30, "tokens_out": 7, "estimated": true}}),
                )
                .await?;
                Ok(plan(goal))
            })
            .await?;
        let _: Value = run
            .step("s1", StepOptions::ONCE, async |step| {
                step.log(LogLevel::Info, "computing").await?;
                step.emit("model_call", json!({"usage": {"tokens_in": 10, "tokens_out": 2, "usd": 0.5}}))
                    .await?;
                step.artifact("out/report.md", "text/markdown", "# Four\n".into()).await?;
                step.artifact("page.html", "text/html", "<script>alert(1)</script>".into()).await?;
                Ok(json!({
                    "acceptance": [{"text": "prints 4", "passed": true, "detail": "found"}],
                    "execution": {"exit_code": 0},
                }))
            })
            .await?;
        let gate = GateRequest {
            name: "s2".into(),
            title: "Publish?".into(),
            detail: "The report says four".into(),
            proposal: json!({"publish": true}),
        };
        if run.gate(gate).await?.verdict == Verdict::Reject {
            return Err(Failure::new("rejected", "The report was rejected"));
        }
        let _: Value = run.step("s3", StepOptions::ONCE, async |_| Ok(json!({}))).await?;
        Ok(json!({"summary": "Four."}))
    }
}

/// Says `{"events": n}` things, then ends.
pub struct Chatter;

#[async_trait]
impl Workflow for Chatter {
    fn name(&self) -> &'static str {
        "chatter"
    }

    async fn run(&self, run: RunContext, input: Value) -> Result<Value, Failure> {
        let count = input["events"].as_u64().unwrap_or(3);
        let said: u64 = run
            .step("talk", StepOptions::ONCE, async |step| {
                for number in 0..count {
                    step.emit("said", json!({"number": number})).await?;
                }
                Ok(count)
            })
            .await?;
        Ok(json!(said))
    }
}

/// Never ends by itself.
pub struct Stuck;

#[async_trait]
impl Workflow for Stuck {
    fn name(&self) -> &'static str {
        "stuck"
    }

    async fn run(&self, run: RunContext, _: Value) -> Result<Value, Failure> {
        run.step("wait", StepOptions::ONCE, async |_| {
            std::future::pending::<()>().await;
            Ok(())
        })
        .await?;
        Ok(Value::Null)
    }
}
