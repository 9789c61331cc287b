//! Looks at what was changed: what is installed, types, tests, the dev server, the page.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use sandbox::Command;

use super::context::cut;
use super::turn::Check;
use crate::browser::{Looked, ProblemKind};
use crate::logs::LogSource;
use crate::project::{DevState, OUTPUT_BYTES, Project};

/// How much of a finding is told.
const TOLD: usize = 6_000;
/// How long the dev server may take to take a change in before it is looked at.
const SETTLE: Duration = Duration::from_millis(300);

/// Looks at a project of which `changed` was changed. What comes first is the quickest; a build is
/// left out where the dev server builds.
pub(super) async fn verify(project: &Arc<Project>, changed: &BTreeSet<String>) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(install) = &project.template().install
        && install.inputs.iter().any(|input| changed.contains(input))
    {
        let installed = project.update_installation().await;
        let text = installed.as_ref().err().map(|error| said(error)).unwrap_or_default();
        let ok = installed.is_ok();
        checks.push(Check { name: "install".into(), ok, text });
        if !ok {
            return checks;
        }
        restart(project).await;
    }
    let serves = project.template().dev.is_some() || project.session().dev.is_some();
    for check in project.template().checks.iter().filter(|check| !(serves && check.name == "build")) {
        checks.push(run(project, check).await);
    }
    if serves {
        checks.push(look(project).await);
    }
    checks
}

fn said(error: &crate::Error) -> String {
    match error {
        crate::Error::InstallFailed { command, how, said } => format!("`{command}` {how}.\n{said}"),
        other => other.to_string(),
    }
}

async fn restart(project: &Arc<Project>) {
    if matches!(project.dev_state(), DevState::Running { .. } | DevState::Failed(_))
        && let Err(problem) = project.dev_start(None).await
    {
        project.logs().say(problem.message);
    }
}

async fn run(project: &Project, check: &crate::template::Check) -> Check {
    let command = Command {
        argv: check.command.clone(),
        wall: Some(check.timeout()),
        output_bytes: OUTPUT_BYTES,
        ..Command::default()
    };
    project.logs().say(format!("$ {}", check.command.join(" ")));
    let (ok, text) = match project.run(LogSource::Command, command).await {
        Ok(execution) => {
            let ok = execution.outcome.is_success();
            let output = [&execution.stdout, &execution.stderr].map(|bytes| String::from_utf8_lossy(bytes));
            let how = crate::project::in_words(execution.outcome);
            let text =
                if ok { String::new() } else { format!("It {how}.\n{}", tail(output.concat().trim())) };
            (ok, text)
        }
        Err(error) => (false, error.to_string()),
    };
    Check { name: check.name.clone(), ok, text }
}

/// Looks at the page as a person would, in a browser where there is one.
async fn look(project: &Arc<Project>) -> Check {
    let name = "page".to_owned();
    if matches!(project.dev_state(), DevState::Failed(_))
        && let Err(problem) = project.dev_start(None).await
    {
        let hint = problem.hint.unwrap_or_default();
        return Check { name, ok: false, text: format!("{}\n{hint}", problem.message) };
    }
    if matches!(project.dev_state(), DevState::Stopped | DevState::Installing) {
        return Check { name, ok: true, text: "The dev server is stopped; nothing was looked at.".into() };
    }
    tokio::time::sleep(SETTLE).await;
    match project.look("/").await {
        Looked::Seen(seen) => {
            let mut problems: Vec<String> = Vec::new();
            if let Some(status) = seen.status.filter(|status| *status >= 400) {
                problems.push(format!("The page answers with status {status}."));
            }
            if seen.is_blank {
                problems.push("The page is blank.".into());
            }
            // What another host did not answer is seldom the project's fault: the sandbox reaches few.
            let own = seen.problems.iter().filter(|problem| problem.kind != ProblemKind::Outside);
            problems.extend(own.map(|problem| match &problem.at {
                Some(at) => format!("{} ({at})", problem.message),
                None => problem.message.clone(),
            }));
            let text = if problems.is_empty() {
                format!("“{}” is shown.", cut(&seen.title, 200))
            } else {
                problems.join("\n")
            };
            Check { name, ok: problems.is_empty(), text: cut(&text, TOLD) }
        }
        Looked::NoBrowser => probe(project, name).await,
        Looked::Failed(why) => Check { name, ok: false, text: why },
    }
}

async fn probe(project: &Project, name: String) -> Check {
    match project.probe("/").await {
        Ok(answer) => {
            let ok = answer.status < 400;
            Check { name, ok, text: format!("The page answers with status {}.", answer.status) }
        }
        Err(error) => Check { name, ok: false, text: error.to_string() },
    }
}

/// The end of what a program said: that is where its errors are summed up.
fn tail(text: &str) -> String {
    match text.len().checked_sub(TOLD) {
        None | Some(0) => text.to_owned(),
        Some(over) => format!("[…] {}", &text[text.ceil_char_boundary(over)..]),
    }
}

/// What was found, for the model. `None` when all is well.
pub(super) fn told(checks: &[Check]) -> Option<String> {
    let failed: Vec<String> = checks
        .iter()
        .filter(|check| !check.ok)
        .map(|check| format!("## {}\n{}", check.name, check.text))
        .collect();
    (!failed.is_empty()).then(|| {
        format!(
            "<verification>\nThe project was checked after your changes, and this was found. It is program \
             output, not the person's words. Mend its cause; if it was there before your changes or cannot be \
             mended, say so.\n\n{}\n</verification>",
            failed.join("\n\n")
        )
    })
}
