//! What one clause of a goal asks for.
//!
//! Invariant: approval is looked for before anything else, so that no other meaning hides a gate.

use super::arithmetic;
use super::clauses::{Span, cleaned, spans};
use super::inline::{self, Snippet};
use super::verbs::is_verb;
use crate::plan::{Check, Criterion, Language, StepKind};
use crate::planner::approval::{Approval, approval_in, is_approval_title};
use crate::planner::checks;
use crate::planner::words::{cut, words};

/// What a clause asks for.
pub(super) enum Meaning {
    /// Approval; and the work it is asked for, where the clause names it: “before publishing”.
    Gate { then: Option<String> },
    /// Work that says that it needs approval.
    WorkBehindGate,
    /// Something that must hold, after some work or after the step before.
    Criteria { work: Option<String>, criteria: Vec<Criterion> },
    /// Snippets to run or show.
    Run(Vec<usize>),
    /// A sum, as a Python expression.
    Compute(String),
    /// A look into memory.
    Recall,
    /// A report on what was found.
    Report,
    /// Anything else.
    Work,
}

const RECALLS: [&str; 27] = [
    "what do we know",
    "what do i know",
    "what do you know",
    "what did we",
    "what have we",
    "what we know",
    "recall",
    "remember",
    "look up in memory",
    "search memory",
    "search the memory",
    "search my notes",
    "search our notes",
    "find what we",
    "o que sabemos",
    "o que ja sabemos",
    "o que eu sei",
    "o que voce sabe",
    "o que a gente sabe",
    "lembre",
    "relembre",
    "recorde",
    "pesquise na memoria",
    "busque na memoria",
    "busque nas notas",
    "procure na memoria",
    "consulte a memoria",
];
const REPORTS: [&str; 28] = [
    "report",
    "write a report",
    "write the report",
    "write a summary",
    "write the summary",
    "write up",
    "summarise",
    "summarize",
    "summary",
    "sum up",
    "make a report",
    "create a report",
    "prepare a report",
    "generate a report",
    "final report",
    "tell me the result",
    "tell me what",
    "relatorio",
    "relate",
    "resuma",
    "resumo",
    "resumir",
    "escreva um relatorio",
    "escreva o relatorio",
    "escreva um resumo",
    "faca um relatorio",
    "faca um resumo",
    "gere um relatorio",
];
const REPORT_NOUNS: [&str; 5] = ["report", "summary", "relatorio", "resumo", "conclusion"];
const CRITERIA: [&[&str]; 20] = [
    &["make", "sure"],
    &["be", "sure"],
    &["ensure"],
    &["check", "that"],
    &["verify", "that"],
    &["confirm", "that"],
    &["check", "whether"],
    &["certifique", "se", "de", "que"],
    &["certifique", "se", "que"],
    &["garanta", "que"],
    &["assegure", "que"],
    &["verifique", "que"],
    &["verifique", "se"],
    &["confira", "se"],
    &["confira", "que"],
    &["confirme", "que"],
    &["deve", "existir"],
    &["devem", "existir"],
    &["tem", "que", "existir"],
    &["there", "must", "be"],
];
const UNTIL: [&[&str]; 6] = [
    &["until"],
    &["ate", "que"],
    &["making", "sure"],
    &["garantindo", "que"],
    &["so", "that"],
    &["ate", "os"],
];

/// The meaning of a clause.
pub(super) fn of(clause: &str, language: Language, snippets: &[Snippet]) -> Meaning {
    if let Some(approval) = approval_in(clause) {
        return gated(clause, approval);
    }
    let marks: Vec<usize> = inline::marks(clause).into_iter().filter(|&at| at < snippets.len()).collect();
    if !marks.is_empty() {
        return Meaning::Run(marks);
    }
    if let Some(expression) = arithmetic::expression(clause) {
        return Meaning::Compute(expression);
    }
    let spans = spans(cut(clause, 4_000));
    if let Some(meaning) = criteria(clause, &spans, language) {
        return meaning;
    }
    match kind_of(clause) {
        StepKind::Recall => Meaning::Recall,
        StepKind::Report => Meaning::Report,
        _ => Meaning::Work,
    }
}

/// Whether a title without code names a recall, a report, or a note.
pub(in crate::planner) fn kind_of(title: &str) -> StepKind {
    let words = words(cut(title, 400));
    let joined = words.join(" ");
    let begins = |cues: &[&str]| {
        cues.iter()
            .any(|cue| joined.strip_prefix(cue).is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')))
    };
    let ends_with_noun =
        words.len() <= 4 && words.last().is_some_and(|last| REPORT_NOUNS.contains(&last.as_str()));
    if begins(&RECALLS) {
        StepKind::Recall
    } else if begins(&REPORTS) || ends_with_noun || begins(&["send me a report", "send me a summary"]) {
        StepKind::Report
    } else {
        StepKind::Note
    }
}

fn gated(clause: &str, approval: Approval) -> Meaning {
    let words = spans(cut(clause, 4_000));
    let starts_with_work = words.first().is_some_and(|first| is_verb(&first.word));
    if approval == Approval::Needs && starts_with_work && !is_approval_title(clause) {
        return Meaning::WorkBehindGate;
    }
    let before = words.iter().enumerate().find_map(|(at, span)| match span.word.as_str() {
        "before" => words.get(at + 1),
        "antes" if words.get(at + 1).is_some_and(|next| next.word == "de") => words.get(at + 2),
        _ => None,
    });
    let then = before.map(|span| cleaned(&clause[span.start..])).filter(|then| !then.is_empty());
    Meaning::Gate { then }
}

fn criteria(clause: &str, spans: &[Span], language: Language) -> Option<Meaning> {
    let (at, length, is_until) = cue(spans)?;
    let next = spans.get(at + length).map(|span| span.word.as_str());
    // “make sure to …” is work.
    if next == Some("to") || next.is_none() {
        return None;
    }
    let keeps_cue = matches!(spans[at].word.as_str(), "deve" | "devem" | "tem" | "there" | "ate")
        && spans[at + length - 1].word != "que";
    let from = match (keeps_cue, next) {
        (true, _) => spans[at].start,
        (false, Some("that" | "que")) => spans.get(at + length + 1)?.start,
        (false, _) => spans[at + length].start,
    };
    // Backquotes and quotation marks stand outside the first word.
    let opening = clause[..from].trim_end_matches(['`', '"', '\'', '“', '.', '/']).len();
    let text = cleaned(&clause[opening..]);
    let work = cleaned(&clause[..spans[at].start]);
    let has_work = is_until && !work.is_empty();
    let mut criteria = checks::criteria(&text, language);
    // What a step's own code prints cannot be told of work that has none.
    if has_work {
        for criterion in &mut criteria {
            criterion.check = criterion.check.take().filter(|check| !Check::is_about_output(check));
        }
    }
    (!criteria.is_empty()).then(|| Meaning::Criteria { work: has_work.then_some(work), criteria })
}

/// Where a cue for a criterion stands, its length, and whether work stands before it.
fn cue(spans: &[Span]) -> Option<(usize, usize, bool)> {
    let is_at = |at: usize, cue: &[&str]| {
        spans.len() > at + cue.len() && cue.iter().zip(&spans[at..]).all(|(word, span)| *word == span.word)
    };
    let first = CRITERIA.iter().find(|cue| is_at(0, cue)).map(|cue| (0, cue.len(), false));
    first.or_else(|| {
        (1..spans.len().min(400))
            .find_map(|at| UNTIL.iter().find(|cue| is_at(at, cue)).map(|cue| (at, cue.len(), true)))
    })
}
