//! Which step comes when.
//!
//! Invariant: among steps that could go next, the one written first goes first, so the order of
//! a plan is always the same.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::{Plan, PlanStep};

impl Plan {
    /// The steps in an order of work, or `None` when dependencies go round in a circle.
    /// Dependencies that do not exist are left aside; [`Plan::validate`] reports them.
    #[must_use]
    pub fn order(&self) -> Option<Vec<&PlanStep>> {
        let (mut waiting_for, dependents) = self.edges();
        let mut free: BinaryHeap<Reverse<usize>> =
            (0..self.steps.len()).filter(|&index| waiting_for[index] == 0).map(Reverse).collect();
        let mut order = Vec::with_capacity(self.steps.len());
        while let Some(Reverse(index)) = free.pop() {
            order.push(&self.steps[index]);
            for &dependent in &dependents[index] {
                waiting_for[dependent] -= 1;
                if waiting_for[dependent] == 0 {
                    free.push(Reverse(dependent));
                }
            }
        }
        (order.len() == self.steps.len()).then_some(order)
    }

    /// The steps that are not done and wait for nothing that is not done, in written order.
    /// `done` says whether a step, by its id, is completed or skipped.
    pub fn ready(&self, done: impl Fn(&str) -> bool) -> Vec<&PlanStep> {
        self.steps
            .iter()
            .filter(|step| !done(&step.id) && step.depends_on.iter().all(|dependency| done(dependency)))
            .collect()
    }

    /// For every step how many dependencies it has, and which steps depend on it.
    pub(super) fn edges(&self) -> (Vec<usize>, Vec<Vec<usize>>) {
        let index: HashMap<&str, usize> =
            self.steps.iter().enumerate().map(|(index, step)| (step.id.as_str(), index)).collect();
        let mut waiting_for = vec![0; self.steps.len()];
        let mut dependents = vec![Vec::new(); self.steps.len()];
        for (position, step) in self.steps.iter().enumerate() {
            for dependency in &step.depends_on {
                if let Some(&before) = index.get(dependency.as_str()) {
                    waiting_for[position] += 1;
                    dependents[before].push(position);
                }
            }
        }
        (waiting_for, dependents)
    }
}

#[cfg(test)]
mod tests {
    use crate::plan::{Language, Plan, PlanStep, PlannerKind, StepKind};

    fn plan(steps: &[(&str, &[&str])]) -> Plan {
        let step = |(id, depends_on): &(&str, &[&str])| PlanStep {
            depends_on: depends_on.iter().map(ToString::to_string).collect(),
            ..PlanStep::new(*id, *id, StepKind::Note)
        };
        Plan {
            goal: "g".into(),
            title: "t".into(),
            planner: PlannerKind::Rules,
            language: Language::En,
            timeout_ms: None,
            steps: steps.iter().map(step).collect(),
        }
    }

    #[track_caller]
    fn check(steps: &[(&str, &[&str])], expected: Option<&str>) {
        let plan = plan(steps);
        let order = plan.order().map(|order| order.iter().map(|step| step.id.as_str()).collect::<String>());
        assert_eq!(order.as_deref(), expected);
    }

    #[test]
    fn order_follows_dependencies_and_then_writing() {
        check(&[], Some(""));
        check(&[("a", &[]), ("b", &["a"]), ("c", &["b"])], Some("abc"));
        check(&[("a", &["c"]), ("b", &[]), ("c", &[])], Some("bca"));
        check(&[("a", &[]), ("b", &["a"]), ("c", &["a"]), ("d", &["b", "c"])], Some("abcd"));
        check(&[("a", &["b"]), ("b", &["a"])], None);
        check(&[("a", &["a"])], None);
    }

    #[test]
    fn ready_steps_are_those_whose_dependencies_are_done() {
        let plan = plan(&[("a", &[]), ("b", &["a"]), ("c", &["a"]), ("d", &["b", "c"])]);
        let ready = |done: &[&str]| {
            plan.ready(|id| done.contains(&id)).iter().map(|step| step.id.as_str()).collect::<String>()
        };
        assert_eq!(ready(&[]), "a");
        assert_eq!(ready(&["a"]), "bc");
        assert_eq!(ready(&["a", "b"]), "c");
        assert_eq!(ready(&["a", "b", "c", "d"]), "");
    }
}
