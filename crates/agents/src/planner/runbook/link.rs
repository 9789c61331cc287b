//! Which step waits for which.
//!
//! A step waits for every step above it that nothing else waits for yet; in a plain sequence that
//! is the one before. A group (a section, or a list item that is a step) with names to wait for,
//! and a group in a parallel one, begin on their own terms; inside them the same rule holds.
//!
//! Invariant: a step that names what it waits for still waits for the gate above it, so that no
//! name leads around an approval. Names that lead nowhere never fail a plan; they are handed back
//! as warnings.

use super::super::words::words;
use crate::plan::limits;

/// A section, or a list item that is a step.
#[derive(Default)]
pub(super) struct Group {
    /// The group around it.
    pub parent: Option<usize>,
    /// Its title.
    pub title: String,
    /// The number it was labelled with.
    pub number: Option<usize>,
    /// Whether the groups directly in it do not wait for one another.
    pub is_parallel: bool,
    /// What it waits for instead of what is above it.
    pub after: Vec<String>,
}

/// The dependencies of every step, as positions, and names that no group has: `(step, name)`.
pub(super) struct Links {
    pub depends_on: Vec<Vec<usize>>,
    pub unknown: Vec<(usize, String)>,
}

struct Linker<'a> {
    groups: &'a [Group],
    /// The group of each step.
    group_of: &'a [usize],
    /// Whether each step is a gate.
    is_gate: &'a [bool],
    /// Folded titles.
    names: Vec<String>,
    depends_on: Vec<Vec<usize>>,
    /// For each group the steps in it that nothing in it waits for yet; the last is for all.
    open_ends: Vec<Vec<usize>>,
    /// Where the groups in a parallel group begin.
    forks: Vec<Option<Vec<usize>>>,
    unknown: Vec<(usize, String)>,
}

/// Links steps, given for each its group and whether it is a gate; there are at most
/// [`limits::STEPS`].
pub(super) fn link(groups: &[Group], group_of: &[usize], is_gate: &[bool]) -> Links {
    let mut linker = Linker {
        groups,
        group_of,
        is_gate,
        names: groups.iter().map(|group| words(&group.title).join(" ")).collect(),
        depends_on: Vec::with_capacity(group_of.len()),
        open_ends: vec![Vec::new(); groups.len() + 1],
        forks: vec![None; groups.len()],
        unknown: Vec::new(),
    };
    for step in 0..group_of.len() {
        linker.add(step);
    }
    Links { depends_on: linker.depends_on, unknown: linker.unknown }
}

impl Linker<'_> {
    fn add(&mut self, step: usize) {
        let scopes = self.scopes(self.group_of[step]);
        let before = self.before(step, &scopes);
        for scope in scopes.into_iter().chain([self.groups.len()]) {
            let ends = &mut self.open_ends[scope];
            ends.retain(|end| !before.contains(end));
            ends.push(step);
        }
        self.depends_on.push(before);
    }

    /// The groups around a step that begin on their own terms, the innermost first.
    fn scopes(&self, group: usize) -> Vec<usize> {
        self.around(group)
            .filter(|&group| {
                let found = &self.groups[group];
                !found.after.is_empty() || found.parent.is_some_and(|parent| self.groups[parent].is_parallel)
            })
            .collect()
    }

    fn around(&self, group: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(group), |&group| self.groups[group].parent)
    }

    fn before(&mut self, step: usize, scopes: &[usize]) -> Vec<usize> {
        let mut passed_forks = Vec::new();
        let mut found = None;
        for &scope in scopes {
            if !self.open_ends[scope].is_empty() {
                found = Some(self.open_ends[scope].clone());
                break;
            }
            let mut named = self.named(step, scope);
            if !named.is_empty() {
                let gate = self.is_gate[..step].iter().rposition(|is_gate| *is_gate);
                named.extend(gate.filter(|gate| !named.contains(gate)));
                found = Some(named);
                break;
            }
            if let Some(parent) = self.groups[scope].parent.filter(|&parent| self.groups[parent].is_parallel)
            {
                if let Some(fork) = &self.forks[parent] {
                    found = Some(fork.clone());
                    break;
                }
                passed_forks.push(parent);
            }
        }
        let found = found.unwrap_or_else(|| self.open_ends[self.groups.len()].clone());
        for fork in passed_forks {
            self.forks[fork] = Some(found.clone());
        }
        found
    }

    /// The steps at the ends of the groups that `scope` names.
    fn named(&mut self, step: usize, scope: usize) -> Vec<usize> {
        let mut steps = Vec::new();
        for name in &self.groups[scope].after {
            match self.resolve(name, scope) {
                Some(target) => {
                    for end in self.ends_of(target) {
                        if end != step && !steps.contains(&end) {
                            steps.push(end);
                        }
                    }
                }
                None => self.unknown.push((step, name.clone())),
            }
        }
        steps
    }

    /// The group a name means: by the number it carries, by its title, or by a title's beginning
    /// or part. A group never means itself or what is around it.
    fn resolve(&self, name: &str, own: usize) -> Option<usize> {
        let name = words(name);
        let around: Vec<usize> = self.around(own).collect();
        let usable = |group: &usize| !around.contains(group) && self.has_steps(*group);
        let number = match name.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["step" | "passo" | "etapa", number] | [number] => {
                number.trim_start_matches('s').parse::<usize>().ok()
            }
            _ => None,
        };
        if let Some(number) = number {
            let labelled =
                (0..self.groups.len()).filter(usable).find(|&at| self.groups[at].number == Some(number));
            let beside = |group: &usize| {
                self.groups[*group].parent == self.groups[own].parent && self.has_steps(*group)
            };
            let nth = || (0..self.groups.len()).filter(beside).nth(number.checked_sub(1)?);
            return labelled.or_else(nth).filter(usable);
        }
        let name = name.join(" ");
        if name.is_empty() {
            return None;
        }
        let by = |matches: &dyn Fn(&str) -> bool| {
            (0..self.groups.len()).filter(usable).find(|&at| matches(&self.names[at]))
        };
        by(&|title| title == name)
            .or_else(|| by(&|title| title.starts_with(&name)))
            .or_else(|| by(&|title| title.contains(&name)))
    }

    fn has_steps(&self, group: usize) -> bool {
        self.group_of.iter().any(|&of| self.around(of).any(|around| around == group))
    }

    fn ends_of(&self, group: usize) -> Vec<usize> {
        let inside: Vec<usize> = (0..self.group_of.len().min(limits::STEPS + 1))
            .filter(|&step| self.around(self.group_of[step]).any(|around| around == group))
            .collect();
        let linked = inside.iter().filter(|&&step| step < self.depends_on.len());
        let waited_for: Vec<usize> = linked.flat_map(|&step| self.depends_on[step].iter().copied()).collect();
        let ends: Vec<usize> = inside.iter().copied().filter(|step| !waited_for.contains(step)).collect();
        // Steps further down are not linked yet: the last of them stands for the group.
        let is_below = inside.last().is_some_and(|&last| last >= self.depends_on.len());
        if is_below { inside.last().copied().into_iter().collect() } else { ends }
    }
}
