//! From sections to the steps of a plan.
//!
//! Invariant: steps come in the order of the document, and building stops once there are more
//! than a plan may have, so that work stays linear in the text.

use super::document::{Document, Node};
use super::fence::{self, Fence};
use super::link::{self, Group};
use super::settings::is_inputs_key;
use super::units::{self, Entry, ItemsAre, Order};
use crate::Error;
use crate::plan::{Check, CodeLanguage, Criterion, Language, Plan, PlanStep, PlannerKind, StepKind, limits};
use crate::planner::approval::{Approval, approval_in, is_approval_title};
use crate::planner::words::{cut, shorten, without_label};
use crate::planner::{checks, rules};

/// The plan of a document, not validated yet.
pub(super) fn plan(text: &str, document: &Document) -> Result<Plan, Error> {
    let settings = document.settings();
    if let Some(given) = settings.refused_timeout {
        return Err(Error::RunbookTimeout { given });
    }
    let mut builder = Builder::new(document);
    for section in 0..document.sections.len() {
        builder.section(section);
        if builder.steps.len() > limits::STEPS {
            break;
        }
    }
    if builder.steps.is_empty() {
        return Err(Error::EmptyRunbook);
    }
    builder.finish_with_report();
    Ok(Plan {
        goal: text.to_owned(),
        title: builder.plan_title(),
        planner: PlannerKind::Runbook,
        language: document.language,
        timeout_ms: settings.timeout_ms,
        steps: builder.linked_steps(),
    })
}

struct Builder<'a> {
    document: &'a Document,
    language: Language,
    title_section: Option<usize>,
    groups: Vec<Group>,
    /// The group of each section.
    section_groups: Vec<usize>,
    steps: Vec<PlanStep>,
    group_of: Vec<usize>,
    /// Criteria of the whole, judged at the end.
    final_criteria: Vec<Criterion>,
}

/// A section, or a list item that is a step, while its entries are read.
struct Unit {
    group: usize,
    title: String,
    prose: Vec<String>,
    criteria: Vec<Criterion>,
    label: Option<String>,
    last: Option<usize>,
    codes: usize,
    codes_seen: usize,
    is_task: bool,
}

impl Unit {
    fn new(group: usize, title: String, codes: usize) -> Self {
        Self {
            group,
            title,
            prose: Vec::new(),
            criteria: Vec::new(),
            label: None,
            last: None,
            codes,
            codes_seen: 0,
            is_task: false,
        }
    }

    fn take_prose(&mut self) -> Option<String> {
        let prose = std::mem::take(&mut self.prose).join("\n\n");
        (!prose.is_empty()).then_some(prose)
    }
}

impl<'a> Builder<'a> {
    fn new(document: &'a Document) -> Self {
        Self {
            document,
            language: document.language,
            title_section: document.title_section(),
            groups: Vec::new(),
            section_groups: Vec::new(),
            steps: Vec::new(),
            group_of: Vec::new(),
            final_criteria: Vec::new(),
        }
    }

    fn section(&mut self, index: usize) {
        let section = &self.document.sections[index];
        let (without_order, order) = units::order_in_title(&section.title);
        let (number, title) = without_label(&without_order);
        let title = title.to_owned();
        let group =
            self.open_group(section.parent.map(|parent| self.section_groups[parent]), &title, number, order);
        self.section_groups.push(group);
        if is_inputs_key(&section.title) && !has_code(&section.nodes) {
            return;
        }
        let is_gate = is_approval_title(&section.title) || approval_in(&section.title).is_some();
        let is_introduction =
            self.title_section == Some(index) || section.level == 0 && self.document.sections.len() > 1;
        let items_are = match () {
            () if is_introduction => ItemsAre::StepsIfOrdered,
            () if is_gate || rules::kind_of(&title) == StepKind::Report => ItemsAre::Detail,
            () => ItemsAre::Steps,
        };
        let mut entries = units::entries(section, items_are);
        let own_codes = count_own_codes(&entries);
        let mut unit = Unit::new(group, self.full_title(index, &title), own_codes);
        if is_gate && !is_introduction {
            self.gate(&mut unit, &section.title.clone());
        } else if let Some(last_code) = code_that_needs_a_gate(&entries) {
            self.gate_before(&mut unit);
            entries[last_code..].iter_mut().for_each(answered);
        }
        let unit = self.read(unit, entries);
        let is_leaf = self.document.sections.get(index + 1).is_none_or(|next| next.level <= section.level);
        self.close_section(unit, is_introduction, is_leaf && section.level > 0);
    }

    fn open_group(
        &mut self,
        parent: Option<usize>,
        title: &str,
        number: Option<usize>,
        order: Option<Order>,
    ) -> usize {
        let mut group = Group { parent, title: title.to_owned(), number, ..Group::default() };
        match order {
            Some(Order::Parallel) => group.is_parallel = true,
            Some(Order::After(names)) => group.after = names,
            None => {}
        }
        self.groups.push(group);
        self.groups.len() - 1
    }

    /// The title after those of the sections around it: `Clean › Drop duplicates`.
    fn full_title(&self, index: usize, title: &str) -> String {
        let parent =
            self.document.sections[index].parent.filter(|&parent| Some(parent) != self.title_section);
        match parent.map(|parent| self.groups[self.section_groups[parent]].title.as_str()) {
            Some(parent) if !parent.is_empty() => format!("{} › {title}", shorten(parent, 80)),
            _ => title.to_owned(),
        }
    }

    fn read(&mut self, mut section: Unit, entries: Vec<Entry>) -> Unit {
        let codes_of_steps = codes_of_steps(&entries);
        let mut codes_of_steps = codes_of_steps.into_iter();
        let mut outer: Option<Unit> = None;
        for entry in entries {
            if self.steps.len() > limits::STEPS {
                break;
            }
            match entry {
                Entry::OpenStep { title, number, is_task } if outer.is_none() => {
                    let codes = codes_of_steps.next().unwrap_or(0);
                    let item = self.open_item(&mut section, &title, number, is_task, codes);
                    outer = Some(std::mem::replace(&mut section, item));
                }
                Entry::CloseStep => {
                    if let Some(mut around) = outer.take() {
                        around.last = self.close_item(section).or(around.last);
                        section = around;
                    }
                }
                entry => self.entry(&mut section, entry),
            }
        }
        section
    }

    fn entry(&mut self, unit: &mut Unit, entry: Entry) {
        match entry {
            Entry::Prose(text) => unit.prose.push(text),
            Entry::Code { info, text } => self.block(unit, info.as_deref(), &text),
            Entry::Run(language, code) => self.code(unit, language, code),
            Entry::Task(text) => self.task(unit, &text),
            Entry::Approve(text, _) => self.gate(unit, &text),
            Entry::After(names) => {
                let group = &mut self.groups[unit.group];
                group.after.extend(names);
                group.after.truncate(limits::STEPS);
            }
            Entry::Label(label) => unit.label = label.map(|label| label.trim_end_matches(':').to_owned()),
            Entry::OpenStep { .. } | Entry::CloseStep => {}
        }
    }

    fn open_item(
        &mut self,
        around: &mut Unit,
        title: &str,
        number: Option<usize>,
        is_task: bool,
        codes: usize,
    ) -> Unit {
        if around.last.is_none()
            && !around.prose.is_empty()
            && !around.title.is_empty()
            && !self.is_title(around)
        {
            self.note(around);
        }
        let (title, order) = units::order_in_title(title);
        let group = self.open_group(Some(around.group), &title, number, order);
        let prefix = if self.is_title(around) || around.title.is_empty() {
            String::new()
        } else {
            format!("{} › ", shorten(&around.title, 120))
        };
        let mut unit = Unit::new(group, format!("{prefix}{title}"), codes);
        unit.is_task = is_task;
        if approval_in(&title).is_some() {
            self.gate(&mut unit, &title);
        }
        unit
    }

    fn is_title(&self, unit: &Unit) -> bool {
        self.title_section.is_some_and(|section| self.section_groups.get(section) == Some(&unit.group))
    }

    fn close_item(&mut self, mut unit: Unit) -> Option<usize> {
        let first_code = unit.last;
        if unit.last.is_none() {
            self.note(&mut unit);
        }
        if unit.is_task && first_code.is_some() {
            let text = unit.title.rsplit(" › ").next().unwrap_or_default().to_owned();
            let criteria = checks::criteria(&text, self.language).into_iter().map(|criterion| Criterion {
                check: criterion.check.or(Some(Check::ExitCode { code: 0 })),
                ..criterion
            });
            unit.criteria.extend(criteria);
        }
        self.settle(&mut unit);
        unit.last
    }

    fn close_section(&mut self, mut unit: Unit, is_introduction: bool, is_leaf: bool) {
        if is_introduction && unit.last.is_none() {
            self.final_criteria.append(&mut unit.criteria);
            return;
        }
        let speaks = !unit.prose.is_empty() || !unit.criteria.is_empty();
        if unit.last.is_none() && (speaks || is_leaf) {
            self.note(&mut unit);
        }
        self.settle(&mut unit);
    }

    /// Prose and criteria that came after the last step of a unit are that step's.
    fn settle(&mut self, unit: &mut Unit) {
        let Some(last) = unit.last else { return };
        if let Some(prose) = unit.take_prose() {
            append(&mut self.steps[last].detail, &prose);
        }
        for criterion in std::mem::take(&mut unit.criteria) {
            self.accept(last, criterion);
        }
    }

    fn block(&mut self, unit: &mut Unit, info: Option<&str>, text: &str) {
        match fence::read(info, text, self.language) {
            Fence::Run(language, code) => self.code(unit, language, code),
            // An indented block is prose that somebody set apart.
            Fence::Show(_) if info.is_none() => unit.prose.push(cut(text, limits::DETAIL_BYTES).to_owned()),
            Fence::Show(detail) => {
                unit.codes_seen += 1;
                unit.prose.push(detail);
                let title = self.title_of_code(unit);
                self.push(unit, &title, StepKind::Note);
            }
            Fence::Empty => unit.codes_seen += 1,
        }
    }

    fn code(&mut self, unit: &mut Unit, language: CodeLanguage, code: String) {
        unit.codes_seen += 1;
        let title = self.title_of_code(unit);
        self.push(unit, &title, StepKind::Code);
        if let Some(step) = self.steps.last_mut() {
            step.language = Some(language);
            step.code = Some(code);
        }
    }

    fn title_of_code(&self, unit: &Unit) -> String {
        let title = if unit.title.is_empty() { self.plan_title() } else { unit.title.clone() };
        match &unit.label {
            Some(label) => format!("{title} › {label}"),
            None if unit.codes > 1 => {
                format!("{} ({}/{})", shorten(&title, 200), unit.codes_seen, unit.codes)
            }
            None => title,
        }
    }

    /// A step without code: a report or recall when its title says so, else a note.
    fn note(&mut self, unit: &mut Unit) {
        let own = unit.title.rsplit(" › ").next().unwrap_or_default();
        let kind = rules::kind_of(own);
        let title = if unit.title.is_empty() { self.plan_title() } else { unit.title.clone() };
        self.push(unit, &title, kind);
    }

    fn gate(&mut self, unit: &mut Unit, sentence: &str) {
        // One question is enough: what the heading asks, its text explains.
        if let Some(step) = unit.last.map(|last| &mut self.steps[last])
            && step.kind == StepKind::Gate
        {
            append(&mut step.detail, sentence);
            return;
        }
        let sentence = sentence.trim().trim_end_matches(['.', ':']);
        self.push(unit, sentence, StepKind::Gate);
    }

    fn gate_before(&mut self, unit: &mut Unit) {
        let title = match self.language {
            Language::En => format!("Approve “{}”", shorten(&unit.title, 200)),
            Language::Pt => format!("Aprovar “{}”", shorten(&unit.title, 200)),
        };
        self.push(unit, &title, StepKind::Gate);
    }

    fn task(&mut self, unit: &mut Unit, text: &str) {
        let taken = unit.last.map_or(&unit.criteria, |last| &self.steps[last].acceptance).len();
        // One more than the limit is kept, for the plan to be refused by.
        if taken > limits::CRITERIA {
            return;
        }
        let criteria = checks::criteria(text, self.language);
        match unit.last {
            Some(last) => criteria.into_iter().for_each(|criterion| self.accept(last, criterion)),
            None => unit.criteria.extend(criteria),
        }
    }

    /// Adds a criterion to a step; one about output belongs to the code step that printed it.
    fn accept(&mut self, step: usize, mut criterion: Criterion) {
        let is_about_output = criterion.check.as_ref().is_some_and(Check::is_about_output);
        let target = if is_about_output {
            self.steps[..=step].iter().rposition(|step| step.kind == StepKind::Code)
        } else {
            Some(step)
        };
        if target.is_none() {
            criterion.check = None;
        }
        let acceptance = &mut self.steps[target.unwrap_or(step)].acceptance;
        if acceptance.len() <= limits::CRITERIA {
            acceptance.push(criterion);
        }
    }

    fn push(&mut self, unit: &mut Unit, title: &str, kind: StepKind) {
        let title = shorten(title, limits::TITLE_CHARS - 1);
        let title = if title.is_empty() { self.language.pick("Step", "Passo").to_owned() } else { title };
        let mut step = PlanStep::new(format!("s{}", self.steps.len() + 1), title, kind);
        if let Some(prose) = unit.take_prose() {
            append(&mut step.detail, &prose);
        }
        unit.last = Some(self.steps.len());
        self.steps.push(step);
        self.group_of.push(unit.group);
    }

    fn finish_with_report(&mut self) {
        if self.steps.last().is_some_and(|step| step.kind != StepKind::Report) {
            let parent = self.title_section.map(|section| self.section_groups[section]);
            let group = self.open_group(parent, "", None, None);
            let title = self.language.pick("Report", "Relatório");
            let mut unit = Unit::new(group, title.to_owned(), 0);
            unit.prose.push(rules::report_detail(self.language).to_owned());
            self.push(&mut unit, title, StepKind::Report);
        }
        let last = self.steps.len() - 1;
        for criterion in std::mem::take(&mut self.final_criteria) {
            self.accept(last, criterion);
        }
    }

    fn plan_title(&self) -> String {
        let named = self.document.settings().title;
        let first = || self.document.sections.get(1).map(|section| section.title.clone());
        let said = || {
            self.document.sections.iter().flat_map(|section| &section.nodes).find_map(|node| match node {
                Node::Text(text) => text.lines().next().map(str::to_owned),
                _ => None,
            })
        };
        let title = named.or_else(first).or_else(said).unwrap_or_default();
        let title = shorten(&title, 120);
        if title.is_empty() { "Runbook".to_owned() } else { title }
    }

    fn linked_steps(self) -> Vec<PlanStep> {
        let mut steps = self.steps;
        if steps.len() > limits::STEPS {
            return steps;
        }
        let is_gate: Vec<bool> = steps.iter().map(|step| step.kind == StepKind::Gate).collect();
        let links = link::link(&self.groups, &self.group_of, &is_gate);
        for (step, before) in links.depends_on.into_iter().enumerate() {
            steps[step].depends_on = before.into_iter().map(|at| format!("s{}", at + 1)).collect();
        }
        for (step, name) in links.unknown {
            let name = shorten(&name, 80);
            let warning = match self.language {
                Language::En => format!("There is no step “{name}” to wait for."),
                Language::Pt => format!("Não há passo “{name}” pelo qual esperar."),
            };
            append(&mut steps[step].detail, &warning);
        }
        steps
    }
}

fn append(detail: &mut Option<String>, text: &str) {
    let detail = detail.get_or_insert_default();
    if !detail.is_empty() {
        detail.push_str("\n\n");
    }
    detail.push_str(text);
    if detail.len() > limits::DETAIL_BYTES {
        let kept = cut(detail, limits::DETAIL_BYTES - 8).len();
        detail.truncate(kept);
        detail.push('…');
    }
}

fn has_code(nodes: &[Node]) -> bool {
    nodes.iter().any(|node| matches!(node, Node::Code { info: Some(_), .. }))
}

/// Whether an entry becomes a step that the numbering `(1/2)` counts.
fn is_block(entry: &Entry) -> bool {
    matches!(entry, Entry::Code { info: Some(_), .. } | Entry::Run(..))
}

/// The blocks of a section that no list item holds.
fn count_own_codes(entries: &[Entry]) -> usize {
    let mut in_step = false;
    let mut count = 0;
    for entry in entries {
        match entry {
            Entry::OpenStep { .. } => in_step = true,
            Entry::CloseStep => in_step = false,
            entry if !in_step && is_block(entry) => count += 1,
            _ => {}
        }
    }
    count
}

/// For each list item that is a step the blocks it holds.
fn codes_of_steps(entries: &[Entry]) -> Vec<usize> {
    let mut counts: Vec<usize> = Vec::new();
    let mut in_step = false;
    for entry in entries {
        match entry {
            Entry::OpenStep { .. } => {
                in_step = true;
                counts.push(0);
            }
            Entry::CloseStep => in_step = false,
            entry if in_step && is_block(entry) => *counts.last_mut().expect("a step is open") += 1,
            _ => {}
        }
    }
    counts
}

/// Where the last code of a section is, if the section says below it that it needs approval: the
/// gate must then come before its code.
fn code_that_needs_a_gate(entries: &[Entry]) -> Option<usize> {
    let needs = entries.iter().rposition(|entry| matches!(entry, Entry::Approve(_, Approval::Needs)))?;
    entries.iter().rposition(is_block).filter(|&code| code < needs)
}

/// Makes prose of a sentence whose gate has been placed.
fn answered(entry: &mut Entry) {
    if let Entry::Approve(text, Approval::Needs) = entry {
        *entry = Entry::Prose(std::mem::take(text));
    }
}
