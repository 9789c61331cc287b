//! What a run says of itself at its end: the report for people, the summary for memory.

use std::fmt::Write as _;

use runs::Failure;
use serde_json::Value;

use super::steps::StepReport;
use crate::plan::{Plan, PlanStep, StepKind};

/// How much of a step's output a report shows.
const SHOWN_OUTPUT: usize = 4_000;

/// A report in Markdown of what was done before `step`.
pub(super) fn markdown(plan: &Plan, step: &PlanStep, reports: &[StepReport]) -> String {
    let language = plan.language;
    let mut text = format!("# {}\n", plan.title);
    if let Some(detail) = step.detail.as_deref().filter(|detail| !detail.trim().is_empty()) {
        let _ = write!(text, "\n{}\n", detail.trim());
    }
    for report in reports.iter().filter(|report| report.kind != StepKind::Report) {
        let _ = write!(text, "\n## {}\n", report.title);
        let before = text.len();
        write_result(&mut text, report, language.pick("checks", "verificações"));
        if text.len() == before {
            let _ = write!(text, "\n{}\n", language.pick("Done.", "Feito."));
        }
    }
    if reports.is_empty() {
        let _ = write!(
            text,
            "\n{}\n",
            language.pick("No step before this one had a result.", "Nenhuma etapa anterior teve resultado.")
        );
    }
    text
}

fn write_result(text: &mut String, report: &StepReport, checks: &str) {
    let result = &report.result;
    if let Some(said) = result["text"].as_str().filter(|said| !said.trim().is_empty()) {
        let _ = write!(text, "\n{}\n", said.trim());
    }
    if let Some(output) = result["execution"]["stdout"].as_str().filter(|output| !output.trim().is_empty()) {
        let shown: String = output.trim_end().chars().take(SHOWN_OUTPUT).collect();
        let more = if shown.len() < output.trim_end().len() { "\n…" } else { "" };
        let fence = "`".repeat(longest_fence(&shown).max(2) + 1);
        let _ = write!(text, "\n{fence}text\n{shown}{more}\n{fence}\n");
    }
    for hit in result["hits"].as_array().into_iter().flatten() {
        let (title, snippet) =
            (hit["title"].as_str().unwrap_or_default(), hit["snippet"].as_str().unwrap_or_default());
        let _ = write!(text, "\n- **{title}**: {snippet}");
    }
    if let Some(judged) = result["acceptance"].as_array().filter(|judged| !judged.is_empty()) {
        let passed = judged.iter().filter(|check| check["passed"] == Value::Bool(true)).count();
        let _ = write!(text, "\n{passed}/{} {checks}\n", judged.len());
    }
}

fn longest_fence(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// What the steps so far gave, for a model.
pub(super) fn material(reports: &[StepReport]) -> String {
    let mut text = String::new();
    for report in reports {
        let _ = write!(text, "\n### {}\n", report.title);
        write_result(&mut text, report, "checks");
    }
    text
}

/// What memory keeps of a run.
pub(super) fn summary(plan: &Plan, reports: &[StepReport], failure: Option<&Failure>) -> String {
    let language = plan.language;
    let count = |status| reports.iter().filter(|report| report.status == status).count();
    let (completed, skipped) = (count("completed"), count("skipped"));
    let mut text = match failure {
        None => format!("{}: {completed}/{}", language.pick("Completed", "Concluído"), plan.steps.len()),
        Some(failure) => format!("{}: {}", language.pick("Failed", "Falhou"), failure.message),
    };
    if skipped > 0 {
        let _ = write!(text, "; {skipped} {}", language.pick("skipped", "puladas"));
    }
    for report in reports {
        let _ = write!(text, "\n- {} ({})", report.title, report.status);
        if let Some(error) = &report.error {
            let _ = write!(text, ": {}", error.message);
            continue;
        }
        let line = report.result["execution"]["stdout"].as_str().or_else(|| report.result["text"].as_str());
        let line = line.and_then(|text| text.lines().rev().find(|line| !line.trim().is_empty()));
        if let Some(line) = line.filter(|_| report.kind != StepKind::Report) {
            let _ = write!(text, ": {}", line.trim().chars().take(160).collect::<String>());
        }
    }
    text
}
