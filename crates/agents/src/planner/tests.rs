//! What holds for every goal, whichever planner reads it.

use proptest::prelude::*;

use super::*;
use crate::plan::StepKind;

#[track_caller]
fn refused(goal: &str, expected_code: &str) {
    let error = kernel::Error::from(plan_offline(goal, TaskType::Auto).unwrap_err());
    assert_eq!(error.code, expected_code, "{goal}");
    assert!(error.hint.is_some());
}

#[test]
fn goals_without_words_are_refused_with_a_hint() {
    refused("", "goal_empty");
    refused(" \n\t ", "goal_empty");
    refused("🙂", "goal_wordless");
    refused("👩‍👩‍👧", "goal_wordless");
    refused("...", "goal_wordless");
    refused("42", "goal_wordless");
    refused("a", "goal_wordless");
    refused(&"x".repeat(limits::GOAL_BYTES + 1), "goal_too_large");
    refused(&"write it; ".repeat(300), "plan_invalid");
    refused("# \n\n- [ ] \n", "goal_wordless");
}

#[test]
fn one_emoji_is_named_in_the_error() {
    let error = kernel::Error::from(plan_offline("🙂", TaskType::Auto).unwrap_err());
    assert_eq!(error.message, "The goal “🙂” has no words to plan from");
    assert_eq!(error.kind, kernel::Kind::Invalid);
}

#[test]
fn task_types_are_parsed() {
    for task_type in TaskType::ALL {
        assert_eq!(task_type.name().parse::<TaskType>().unwrap(), task_type);
    }
    assert!("cooking".parse::<TaskType>().is_err());
}

#[test]
fn the_examples_are_runbooks_whose_checks_are_all_made_by_programs() {
    for example in [
        include_str!("../../../../examples/quarterly-report.md"),
        include_str!("../../../../examples/relatorio-de-horas.md"),
    ] {
        let plan = plan_offline(example, TaskType::Auto).unwrap();
        assert_eq!(plan.planner, crate::PlannerKind::Runbook);
        assert!(plan.steps.iter().any(|step| step.kind == StepKind::Gate));
        assert_eq!(plan.steps.last().unwrap().kind, StepKind::Report);
        for step in &plan.steps {
            assert_eq!(plan.questions(step).count(), 0, "{} asks a person: {:?}", step.id, step.acceptance);
        }
        assert!(plan.steps.iter().flat_map(|step| &step.acceptance).count() >= 6);
        assert!(!runbook::settings(example).inputs.is_empty());
    }
}

/// Pieces that goals and runbooks are made of, so that generated texts reach deep into the rules.
const PIECES: &[&str] = &[
    "# ",
    "## ",
    "### ",
    "- ",
    "- [ ] ",
    "- [x] ",
    "1. ",
    "  ",
    "\n",
    "\n\n",
    "```python\n",
    "```\n",
    "```sh\n",
    "~~~",
    "> ",
    "---\n",
    "`",
    "``",
    "run `",
    "`out/x.csv`",
    " exists",
    " has 3 rows",
    "Ask for approval",
    " before ",
    "Peça aprovação",
    "(after Load)",
    "(in parallel)",
    "(depois de 1)",
    "Depends on: ",
    "Inputs: ",
    "title: ",
    "Load",
    "Report",
    "; ",
    ", then ",
    " and write ",
    " e depois ",
    "make sure that ",
    "until ",
    "2+2",
    "compute ",
    "(",
    ")",
    "<b>",
    "<!-- ",
    "|",
    "\u{feff}",
    "\0",
    "é",
    "🙂",
    "\u{e000}\u{e001}",
    "run this python: ",
    "print(1)",
    "\r\n",
    "*",
    "_",
    "[",
    "](",
    "&amp;",
    "\\",
    "“",
    "”",
    "'",
    "\"",
    "not ",
    "without ",
    "4 columns",
    "$ ",
    "em paralelo ",
    "step 2",
];

fn pieces() -> impl Strategy<Value = String> {
    let fixed = prop::sample::select(PIECES);
    prop_oneof![8 => fixed.prop_map(str::to_owned), 1 => "\\PC{0,6}", 1 => "[a-z ]{0,12}"]
}

fn goal() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::collection::vec(pieces(), 0..60).prop_map(|pieces| pieces.concat()),
        1 => any::<String>(),
        1 => prop::collection::vec(any::<u8>(), 0..200).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_refused_or_gives_a_plan_that_validates(goal in goal(), kind in 0..5_usize) {
        let task_type = TaskType::ALL[kind];
        if let Ok(plan) = plan_offline(&goal, task_type) {
            prop_assert!(plan.validate().is_ok());
            prop_assert!(plan.order().is_some());
            prop_assert_eq!(plan.steps.last().map(|step| step.kind), Some(StepKind::Report));
            prop_assert_eq!(&plan, &plan_offline(&goal, task_type).unwrap());
            let json = serde_json::to_string(&plan).unwrap();
            prop_assert_eq!(plan, serde_json::from_str(&json).unwrap());
        }
        let _ = runbook::settings(&goal);
    }

    #[test]
    fn any_answer_of_a_model_is_refused_or_gives_a_plan_that_validates(text in goal()) {
        if let Ok(plan) = from_model_json("Do it", &text) {
            prop_assert!(plan.validate().is_ok());
        }
    }
}

/// A hundred kilobytes of each must be read in a time that only linear work keeps.
#[test]
fn adversarial_texts_are_read_in_linear_time() {
    let patterns = [
        "- [ ]\n",
        "- [ ] x\n",
        "- ",
        "> ",
        "`",
        "``` \n",
        "# h\n",
        "1. a\n",
        "[",
        "](",
        "*_",
        "<",
        "a, write b ",
        "; ",
        "then ",
        "run `",
        "python: ",
        "(",
        "a. ",
        "\n\n",
        "- a\n  ```sh\n",
        "\u{e000}",
        "{\"steps\":[",
        "until ",
        "aprovação ",
        "e ",
    ];
    for pattern in patterns {
        let text = format!("# Title\n\n{}", pattern.repeat(100_000 / pattern.len()));
        let started = std::time::Instant::now();
        let _ = plan_offline(&text, TaskType::Auto);
        let _ = plan_offline(&text[9..], TaskType::Auto);
        let _ = from_model_json("Do it", &text);
        assert!(started.elapsed().as_secs() < 20, "{pattern:?} took {:?}", started.elapsed());
    }
}
