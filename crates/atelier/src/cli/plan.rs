//! `atelier plan`.

use clap::Args;

use super::Exit;
use super::goal::Goal;
use super::session::{Place, with_client};
use super::terminal::{Ink, one_line, plain, say, say_json};
use crate::client::Result;
use crate::client::wire::{self, PlanStep};

#[derive(Args)]
#[command(after_help = "Examples:
  atelier plan \"clean sales.csv, then plot it; ask me before publishing\"
  atelier plan examples/quarterly-report.md
  atelier plan notes.md --json | jq '.plan.steps'")]
pub struct Plan {
    /// The goal in words, the path of a runbook, or `-` for standard input
    goal: String,
    /// What sort of work it is
    #[arg(long, default_value = "auto", value_parser = ["auto", "coding", "writing", "research", "data"])]
    task_type: String,
    /// Show the code of the steps as well
    #[arg(long)]
    code: bool,
}

pub async fn plan(place: &Place, plan: Plan, json: bool) -> Result<Exit> {
    let goal = Goal::read(&plan.goal)?;
    with_client(place, async |client| {
        let made = client.plan(&goal.text, &plan.task_type).await?;
        if json {
            say_json(&made.raw);
        } else {
            say(draw(&made.plan, plan.code, Ink::stdout()).trim_end());
        }
        Ok(Exit::Done)
    })
    .await
}

/// The plan as a tree: each step with what it waits for, its checks and questions below it.
fn draw(plan: &wire::Plan, with_code: bool, ink: Ink) -> String {
    let by = match plan.planner.as_str() {
        "runbook" => "read from the runbook",
        "rules" => "planned by rules",
        "model" => "planned by a model",
        other => other,
    };
    let mut text =
        format!("{} {}\n", ink.bold(&one_line(&plan.title, 120)), ink.dim(&format!("({})", plain(by))));
    for (index, step) in plan.steps.iter().enumerate() {
        let last = index + 1 == plan.steps.len();
        let (branch, trunk) = if last { ("└─", "   ") } else { ("├─", "│  ") };
        text.push_str(&format!("{branch} {}\n", headline(step, index, plan, ink)));
        // One line of a runbook may stand for several checks.
        let mut criteria: Vec<_> = step.acceptance.iter().collect();
        criteria.dedup_by(|one, other| one.text == other.text);
        let mut below: Vec<String> = criteria
            .into_iter()
            .map(|criterion| {
                let (sign, who) =
                    if criterion.check.is_some() { ("☐", "") } else { ("⏸", " (you are asked)") };
                format!("{sign} {}{}", one_line(&criterion.text, 120), ink.dim(who))
            })
            .collect();
        if let Some(code) = step.code.as_deref().filter(|_| with_code) {
            below.extend(plain(code).trim_end().lines().map(|line| ink.dim(line)));
        }
        for line in below {
            text.push_str(&format!("{trunk}   {line}\n"));
        }
    }
    text
}

fn headline(step: &PlanStep, index: usize, plan: &wire::Plan, ink: Ink) -> String {
    let kind = match (step.kind.as_str(), &step.language) {
        ("code", Some(language)) => plain(language),
        ("gate", _) => "asks you".into(),
        (kind, _) => plain(kind),
    };
    let sign = if step.kind == "gate" { ink.yellow("⏸ ") } else { String::new() };
    // That a step follows the one above it goes without saying.
    let before = index.checked_sub(1).and_then(|before| plan.steps.get(before));
    let usual = match (step.depends_on.as_slice(), before) {
        ([], None) => true,
        ([only], Some(before)) => *only == before.id,
        _ => false,
    };
    let after = match step.depends_on.as_slice() {
        _ if usual => String::new(),
        [] => ", at once".into(),
        steps => format!(", after {}", plain(&steps.join(", "))),
    };
    format!(
        "{sign}{} {}  {}",
        ink.cyan(&plain(&step.id)),
        one_line(&step.title, 100),
        ink.dim(&format!("[{kind}{after}]"))
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plan_is_drawn_as_a_tree() {
        let plan: wire::Plan = serde_json::from_value(json!({
            "title": "Report", "planner": "runbook", "steps": [
                {"id": "s1", "title": "Load", "kind": "code", "language": "python", "code": "print(1)\n",
                 "acceptance": [{"text": "prints 1", "check": {"kind": "output_contains"}}, {"text": "looks right"}]},
                {"id": "s2", "title": "Fetch", "kind": "code", "language": "shell", "depends_on": []},
                {"id": "s3", "title": "Publish?", "kind": "gate", "depends_on": ["s1", "s2"]},
                {"id": "s4", "title": "Report", "kind": "report", "depends_on": ["s3"]},
            ],
        }))
        .unwrap();
        insta::assert_snapshot!(draw(&plan, true, Ink::none()), @r"
        Report (read from the runbook)
        ├─ s1 Load  [python]
        │     ☐ prints 1
        │     ⏸ looks right (you are asked)
        │     print(1)
        ├─ s2 Fetch  [shell, at once]
        ├─ ⏸ s3 Publish?  [asks you, after s1, s2]
        └─ s4 Report  [report]
        ");
    }
}
