//! Judging a code step: how its code ended, and its acceptance checks.

use runs::Failure;
use sandbox::{Execution, Outcome};
use serde::Serialize;

use super::steps::step_limits;
use crate::plan::{Check, Observation, Plan, PlanStep};
use crate::tools::{Snippet, Tools, observe};
use crate::working_folder::WorkingFolder;

/// A criterion and whether it holds; `passed` is `None` where only a person can say.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Judged {
    pub text: String,
    pub passed: Option<bool>,
    pub detail: Option<String>,
}

/// Judges every criterion of `step`, and says why the step failed if it did.
pub(super) async fn judge(
    tools: &Tools,
    folder: &WorkingFolder,
    plan: &Plan,
    step: &PlanStep,
    execution: &Execution,
) -> Result<(Vec<Judged>, Option<Failure>), Failure> {
    let (language, limits) = (plan.language, step_limits(plan));
    let stdout = String::from_utf8_lossy(&execution.stdout);
    let stderr = String::from_utf8_lossy(&execution.stderr);
    let seen = observe(execution, &stdout, &stderr);
    let mut judged = Vec::with_capacity(step.acceptance.len());
    for criterion in &step.acceptance {
        let Some(check) = &criterion.check else {
            judged.push(Judged { text: criterion.text.clone(), passed: None, detail: None });
            continue;
        };
        let verdict = match check {
            Check::Command { language: of, code } => {
                let snippet = Snippet {
                    workspace: folder.path(),
                    file: ".check",
                    language: *of,
                    code,
                    stdin: b"",
                    limits: limits.clone(),
                };
                let ended = tools.run(snippet, None).await?;
                let (out, err) =
                    (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
                check.judge(&observe(&ended, &out, &err), None, language)
            }
            _ => {
                let file = match check.path() {
                    Some(path) => folder.read(path).await?,
                    None => None,
                };
                check.judge(&seen, file.as_deref(), language)
            }
        };
        let detail = Some(verdict.detail);
        judged.push(Judged { text: criterion.text.clone(), passed: Some(verdict.passed), detail });
    }
    let problem = ending(plan, step, execution, &seen).or_else(|| {
        let failed: Vec<_> = judged.iter().filter(|judged| judged.passed == Some(false)).collect();
        let first = failed.first()?;
        let message = format!("{}: {}", first.text, first.detail.as_deref().unwrap_or_default());
        let hint = language.pick(
            "Mend the step's code or its check and retry from here",
            "Corrija o código da etapa ou a verificação e tente de novo a partir daqui",
        );
        Some(Failure { hint: Some(hint.into()), ..Failure::new("check_failed", message) })
    });
    Ok((judged, problem))
}

/// Why the code's end is a failure; a check of the exit code decides for itself what it expects.
fn ending(plan: &Plan, step: &PlanStep, execution: &Execution, seen: &Observation<'_>) -> Option<Failure> {
    let expects_code =
        step.acceptance.iter().any(|criterion| matches!(criterion.check, Some(Check::ExitCode { .. })));
    let last_line = seen.stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let (code, message) = match execution.outcome {
        Outcome::Exited(0) => return None,
        Outcome::Exited(_) if expects_code => return None,
        Outcome::Exited(code) => {
            ("code_failed", format!("The code ended with exit code {code}: {last_line}"))
        }
        Outcome::Signalled(signal) => ("code_failed", format!("The code was ended by signal {signal}")),
        Outcome::TimedOut => {
            let seconds = step_limits(plan).wall.as_secs_f64();
            ("code_timed_out", format!("The code ran longer than the {seconds} s it may"))
        }
        Outcome::CpuLimit => ("code_cpu_limit", "The code used more processor time than it may".to_owned()),
        Outcome::OutOfMemory => {
            ("code_out_of_memory", "The code needed more memory than it may use".to_owned())
        }
        Outcome::DiskLimit => ("code_disk_limit", "The code wrote more than it may".to_owned()),
        Outcome::Cancelled => ("cancelled", "The code was stopped".to_owned()),
    };
    let hint = plan.language.pick(
        "The step's output says more; mend it and retry from here",
        "A saída da etapa diz mais; corrija e tente de novo a partir daqui",
    );
    Some(Failure { hint: Some(hint.into()), ..Failure::new(code, message) })
}
