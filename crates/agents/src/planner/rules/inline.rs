//! Code written out in a goal: fenced, after “run this python:”, or in backquotes after “run”.
//!
//! The code is taken out before the goal is cut into clauses, since it may hold any separator,
//! and a mark of two private characters stands for it.
//!
//! Invariant: only code that the goal asks to run is taken, never when a condition or a negation
//! goes with it.

use super::verbs::{asks_to_run, is_in};
use crate::plan::{CodeLanguage, Language, limits};
use crate::planner::runbook::fence::{self, Fence};
use crate::planner::words::{cut, words};

/// Begins a mark; the next character tells which snippet.
const MARK: char = '\u{e000}';
const FIRST: u32 = 0xe001;

/// Conditions and negations, which rules cannot follow.
const HOLDING_BACK: &str = " if unless when whenever not never without se caso quando nao nunca sem only ";
/// What may stand between “run” and the code.
const BETWEEN: &str = " this that the following command code snippet script program in with python javascript js node \
    shell bash sh o a este esse esta codigo comando programa em no com seguinte trecho it now ";

/// Code found in a goal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Snippet {
    /// To be run.
    Run(CodeLanguage, String),
    /// In a language the sandbox does not run: the detail of a note.
    Show(String),
}

/// The goal with marks for its code, and the code.
pub(super) fn extract(goal: &str, language: Language) -> (String, Vec<Snippet>) {
    let goal = goal.replace(|c: char| (MARK..='\u{e0ff}').contains(&c), " ").replace("\r\n", "\n");
    let mut extractor = Extractor { text: String::with_capacity(goal.len()), snippets: Vec::new(), language };
    let mut lines = goal.split('\n');
    while let Some(line) = lines.next() {
        extractor.line(line, &mut lines);
        extractor.text.push('\n');
    }
    (extractor.text, extractor.snippets)
}

/// The snippets that a clause holds, in order.
pub(super) fn marks(clause: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut chars = clause.chars();
    while let Some(c) = chars.next() {
        if c == MARK
            && let Some(number) = chars.clone().next().and_then(|next| u32::from(next).checked_sub(FIRST))
        {
            found.push(number as usize);
        }
    }
    found
}

/// The clause for a person: without marks, and without the colon before one.
pub(super) fn without_marks(clause: &str) -> String {
    let kept: String = clause.chars().filter(|c| !(MARK..='\u{e0ff}').contains(c)).collect();
    kept.trim().trim_end_matches([':', ',', ';', '.']).trim().to_owned()
}

/// The command a list item asks to run: “Run `make test`”, nothing conditional about it.
pub(in crate::planner) fn asked_command(text: &str) -> Option<(CodeLanguage, String)> {
    let (before, rest) = text.split_once('`')?;
    let (code, after) = rest.split_once('`')?;
    let said = words(before);
    let start = said
        .iter()
        .position(|word| !is_in(" please then now first por favor depois agora primeiro e and ", word))?;
    let asks = asks_to_run(&said[start]) && said[start + 1..].iter().all(|word| is_in(BETWEEN, word));
    (asks && !condition_follows(after) && !code.trim().is_empty()).then(|| {
        (named_language(&said).unwrap_or(CodeLanguage::Shell), format!("{}\n", without_prompt(code)))
    })
}

struct Extractor {
    text: String,
    snippets: Vec<Snippet>,
    language: Language,
}

impl Extractor {
    fn line<'a>(&mut self, line: &str, lines: &mut (impl Iterator<Item = &'a str> + Clone)) {
        let trimmed = line.trim_start();
        if let Some(fence) = ["```", "~~~"].into_iter().find(|fence| trimmed.starts_with(fence)) {
            let mut info = trimmed.trim_start_matches(['`', '~']).trim().to_owned();
            // ```code``` on one line is a code span.
            if !info.contains('`') {
                let body = take_until(lines, |line| line.trim_start().starts_with(fence));
                if info.is_empty() {
                    let before = words(cut_front(&self.text, 200));
                    info = named_language(&before).map(CodeLanguage::name).unwrap_or_default().to_owned();
                }
                self.fenced(&info, &body);
                return;
            }
        }
        let is_fenced_next = lines.clone().next().is_some_and(|next| next.trim_start().starts_with("```"));
        if let Some((before, language, code)) = after_colon(line).filter(|_| !is_fenced_next) {
            let code = if code.is_empty() {
                take_until(lines, |line| line.trim().is_empty())
            } else {
                code.to_owned()
            };
            if !code.trim().is_empty() {
                self.text.push_str(before);
                self.mark(Snippet::Run(language, format!("{}\n", code.trim_matches('`').trim_end())));
                return;
            }
        }
        self.spans(line);
    }

    fn fenced(&mut self, info: &str, body: &str) {
        // The mark joins the line that introduces the block.
        while self.text.ends_with(['\n', ' ']) {
            self.text.pop();
        }
        if !self.text.is_empty() && !self.text.ends_with(':') {
            let said = words(cut_front(&self.text, 200));
            let introduces = said.iter().rev().take(8).any(|word| asks_to_run(word));
            self.text.push(if introduces { ' ' } else { '\n' });
        }
        match fence::read(Some(info), body, self.language) {
            Fence::Run(language, code) => self.mark(Snippet::Run(language, code)),
            Fence::Show(detail) => self.mark(Snippet::Show(detail)),
            Fence::Empty => {}
        }
    }

    /// Code in backquotes right after “run”.
    fn spans(&mut self, line: &str) {
        let mut rest = line;
        while let Some((before, code, after)) = next_span(rest) {
            self.text.push_str(before);
            let said = words(cut_front(before, 200));
            let clause_start =
                said.iter().rposition(|word| is_in(" then depois ", word)).map_or(0, |at| at + 1);
            let said = &said[clause_start..];
            let verb = said.iter().rposition(|word| asks_to_run(word));
            let asks = verb.is_some_and(|verb| {
                said[verb + 1..].iter().all(|word| is_in(BETWEEN, word))
                    && !said.iter().any(|word| is_in(HOLDING_BACK, word))
                    && !condition_follows(after)
            });
            if asks && !code.trim().is_empty() {
                let language = named_language(said).unwrap_or(CodeLanguage::Shell);
                self.text.push('`');
                self.text.push_str(&code.replace([';', ',', '\n'], " "));
                self.text.push('`');
                self.mark(Snippet::Run(language, format!("{}\n", without_prompt(code))));
            } else {
                self.text.push('`');
                self.text.push_str(code);
                self.text.push('`');
            }
            rest = after;
        }
        self.text.push_str(rest);
    }

    fn mark(&mut self, snippet: Snippet) {
        let Some(mark) = u32::try_from(self.snippets.len())
            .ok()
            .filter(|&count| (count as usize) < limits::STEPS)
            .and_then(|count| char::from_u32(FIRST + count))
        else {
            return;
        };
        self.snippets.push(snippet);
        self.text.push(MARK);
        self.text.push(mark);
    }
}

/// “… if the tests pass”: the rest of the sentence makes it conditional. “… and check if it
/// worked” does not.
fn condition_follows(after: &str) -> bool {
    const CHECKS: &str = " check verify see confirm verifique confira veja confirme ";
    let sentence = cut(after, 400).split(['.', ';', '\n', '`']).next().unwrap_or_default();
    let said = words(sentence);
    said.iter().enumerate().any(|(at, word)| {
        is_in(" if unless when only se caso quando somente ", word)
            && (at == 0 || !is_in(CHECKS, &said[at - 1]))
    })
}

fn next_span(text: &str) -> Option<(&str, &str, &str)> {
    let start = text.find('`')?;
    let ticks = text[start..].bytes().take_while(|&c| c == b'`').count();
    let inside = &text[start + ticks..];
    let end = inside.find(&text[start..start + ticks])?;
    Some((&text[..start], &inside[..end], &inside[end + ticks..]))
}

/// “run this python: print(1)”, “execute em python: …”, “python: …”: what is before, the
/// language, and the rest of the line.
fn after_colon(line: &str) -> Option<(&str, CodeLanguage, &str)> {
    line.match_indices(':').take(20).find_map(|(at, _)| {
        let before = &line[..at];
        let said = words(cut_front(before, 120));
        let tail = &said[said.len().saturating_sub(8)..];
        let language = named_language(&tail[tail.len().saturating_sub(3)..])?;
        let held_back = tail.iter().any(|word| is_in(HOLDING_BACK, word));
        let asks = tail.iter().any(|word| asks_to_run(word)) || said.len() == 1;
        (asks && !held_back).then(|| (&line[..=at], language, line[at + 1..].trim()))
    })
}

fn named_language(words: &[String]) -> Option<CodeLanguage> {
    words.iter().rev().filter(|word| *word != "console").find_map(|word| CodeLanguage::from_name(word))
}

fn without_prompt(code: &str) -> &str {
    let code = code.trim();
    code.strip_prefix("$ ").unwrap_or(code)
}

fn take_until<'a>(lines: &mut impl Iterator<Item = &'a str>, ends: impl Fn(&str) -> bool) -> String {
    let mut body = String::new();
    for line in lines.by_ref().take_while(|line| !ends(line)) {
        body.push_str(line);
        body.push('\n');
    }
    body
}

/// The last `bytes` of a text, at a character.
fn cut_front(text: &str, bytes: usize) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(bytes))..]
}
