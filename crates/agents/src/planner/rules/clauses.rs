//! Where one step of a goal ends and the next begins.
//!
//! Invariant: a cut is made only where a reader would make one: at a separator, or before a verb
//! when what stands before it is an action with an object. What is in brackets stays whole.

use super::verbs::{begins_action, is_in, is_verb};
use crate::plan::limits;
use crate::planner::approval::approval_in;
use crate::planner::words::{cut, fold, sentences, without_label};

/// A goal cut into its parts.
pub(super) struct Outline {
    /// A line that introduces a list: “Prepare the launch:”.
    pub heading: Option<String>,
    pub stages: Vec<Stage>,
}

/// Clauses between two words of sequence.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Stage {
    pub clauses: Vec<String>,
    /// Its clauses do not wait for one another.
    pub is_parallel: bool,
    /// It does not wait for the stage before: “meanwhile”.
    pub with_previous: bool,
}

/// A word and where it stands.
pub(super) struct Span {
    pub start: usize,
    pub end: usize,
    pub word: String,
}

/// More clauses than a plan has steps are not looked for: the plan is refused anyhow.
const MANY: usize = limits::STEPS + 1;

/// Words that begin the next stage.
const SEQUENCE: [&[&str]; 26] = [
    &["and", "after", "that"],
    &["e", "em", "seguida"],
    &["e", "por", "fim"],
    &["e", "depois", "disso"],
    &["and", "then"],
    &["and", "finally"],
    &["and", "afterwards"],
    &["after", "that"],
    &["once", "done"],
    &["e", "depois"],
    &["e", "entao"],
    &["e", "finalmente"],
    &["depois", "disso"],
    &["logo", "depois"],
    &["em", "seguida"],
    &["na", "sequencia"],
    &["por", "fim"],
    &["por", "ultimo"],
    &["apos", "isso"],
    &["then"],
    &["afterwards"],
    &["finally"],
    &["lastly"],
    &["depois"],
    &["entao"],
    &["finalmente"],
];
/// Words that begin a stage beside the one before.
const BESIDE: [&[&str]; 6] = [
    &["and", "meanwhile"],
    &["e", "enquanto", "isso"],
    &["at", "the", "same", "time"],
    &["ao", "mesmo", "tempo"],
    &["enquanto", "isso"],
    &["meanwhile"],
];
/// Words that make the clauses around them independent.
const PARALLEL: [&[&str]; 6] = [
    &["in", "parallel"],
    &["em", "paralelo"],
    &["simultaneously"],
    &["simultaneamente"],
    &["concurrently"],
    &["side", "by", "side"],
];

/// Cuts a goal.
pub(super) fn outline(text: &str) -> Outline {
    let mut heading = None;
    let mut list_is_parallel = false;
    let mut stages: Vec<Stage> = Vec::new();
    let lines = unwrapped_lines(text);
    for (at, line) in lines.iter().enumerate() {
        let is_last = at + 1 == lines.len();
        if line.ends_with(':') && !is_last && spans(cut(line, 200)).len() <= 14 {
            list_is_parallel = find(&spans(line), &PARALLEL).is_some();
            heading.get_or_insert_with(|| line.trim_end_matches(':').to_owned());
            continue;
        }
        let (_, line) = without_label(line);
        let clauses: usize = stages.iter().rev().take(MANY).map(|stage| stage.clauses.len()).sum();
        if clauses > MANY {
            break;
        }
        for sentence in sentences(line) {
            for mut stage in stages_of(sentence) {
                if list_is_parallel && let Some(last) = stages.last_mut() {
                    stage.is_parallel = true;
                    last.clauses.append(&mut stage.clauses);
                    continue;
                }
                stage.is_parallel |= list_is_parallel;
                stages.push(stage);
            }
        }
    }
    if stages.is_empty()
        && let Some(heading) = &heading
    {
        stages.push(Stage { clauses: vec![heading.clone()], ..Stage::default() });
    }
    Outline { heading, stages }
}

/// The words of a text with their places.
pub(super) fn spans(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (start, c.is_alphanumeric()) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                spans.push(Span { start: from, end: at, word: fold(&text[from..at]) });
                start = None;
            }
            _ => {}
        }
    }
    spans
}

/// The clause without words that only link or ask kindly, and without final punctuation.
pub(super) fn cleaned(clause: &str) -> String {
    const LINKS: &str = " and e please first firstly next also primeiro primeiramente tambem por favor ";
    let mut rest = clause.trim();
    for _ in 0..4 {
        let rest_trimmed = rest.trim_start_matches(|c: char| c.is_whitespace() || ",;.:-–—!?".contains(c));
        let Some(first) = rest_trimmed.split_whitespace().next() else { break };
        let word = fold(first.trim_end_matches([',', ':']));
        let follows = &rest_trimmed[first.len()..];
        if !is_in(LINKS, &word)
            || follows.trim().is_empty()
            || word == "por" && !fold(follows).trim_start().starts_with("favor")
        {
            rest = rest_trimmed;
            break;
        }
        rest = follows.trim_start();
    }
    rest.trim().trim_end_matches([',', ';', '.', ':']).trim().to_owned()
}

/// Lines, with those that an editor wrapped joined again.
fn unwrapped_lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut last_length = 0;
    for line in text.lines() {
        let trimmed = line.trim();
        let is_item = without_label(trimmed).1.len() != trimmed.len();
        let continues = last_length >= 60 && !is_item && trimmed.starts_with(char::is_lowercase);
        last_length = line.chars().take(80).count();
        match lines.last_mut() {
            Some(last) if continues => {
                last.push(' ');
                last.push_str(trimmed);
            }
            _ if trimmed.is_empty() => last_length = 0,
            _ => lines.push(trimmed.to_owned()),
        }
    }
    lines
}

/// The stages of one sentence.
fn stages_of(sentence: &str) -> Vec<Stage> {
    let spans = spans(sentence);
    let mut cuts: Vec<(usize, usize, bool)> = Vec::new();
    let mut at = 0;
    while at < spans.len() {
        let found = phrase_at(&spans, at, &BESIDE)
            .map(|length| (length, true))
            .or_else(|| phrase_at(&spans, at, &SEQUENCE).map(|length| (length, false)));
        match found {
            Some((length, beside)) if separates(&spans, at, length) => {
                cuts.push((spans[at].start, spans[at + length - 1].end, beside));
                at += length;
            }
            _ => at += 1,
        }
    }
    let mut stages = Vec::new();
    let (mut start, mut beside) = (0, false);
    for (from, to, next_beside) in cuts.into_iter().chain([(sentence.len(), sentence.len(), false)]) {
        add_stage(&mut stages, &sentence[start..from], beside);
        (start, beside) = (to, next_beside);
    }
    stages
}

/// Whether a word of sequence does stand between two steps here.
fn separates(spans: &[Span], at: usize, length: usize) -> bool {
    let word = |at: usize| spans.get(at).map_or("", |span| span.word.as_str());
    let before = if at == 0 { "" } else { word(at - 1) };
    let is_last = at + length >= spans.len();
    let starts_condition =
        matches!(word(0), "if" | "when" | "se" | "quando" | "once") && word(at) != "finally";
    let depois_de = length == 1
        && word(at) == "depois"
        && matches!(word(at + 1), "de" | "do" | "da" | "dos" | "das" | "que");
    let since_then = matches!(before, "since" | "by" | "until" | "till" | "desde" | "ate" | "back");
    // “at the same time” at the end belongs to what is before it.
    !(depois_de || since_then || starts_condition || is_last)
}

fn add_stage(stages: &mut Vec<Stage>, text: &str, with_previous: bool) {
    for (position, text) in before_and_after(text).into_iter().enumerate() {
        let (text, is_parallel) = without_parallel(&text);
        let clauses = clauses_of(&text);
        if !clauses.is_empty() {
            let with_previous = with_previous && position == 0 && !stages.is_empty();
            stages.push(Stage { clauses, is_parallel, with_previous });
        }
    }
}

/// “After A, B” is A and then B; “before A, B” is B and then A.
fn before_and_after(text: &str) -> Vec<String> {
    let whole = vec![text.to_owned()];
    let opening = cut(text.trim(), 400);
    let folded = fold(opening);
    let after = ["after ", "depois de ", "apos "].iter().find(|cue| folded.starts_with(**cue));
    let before = ["before ", "antes de "].iter().find(|cue| folded.starts_with(**cue));
    let Some(cue) = after.or(before) else { return whole };
    let words = cue.split_whitespace().count();
    let (Some(comma), false) = (opening.find(", "), approval_in(opening).is_some()) else { return whole };
    let skip: usize = spans(opening).get(words).map_or(0, |span| span.start);
    if skip == 0 || skip >= comma {
        return whole;
    }
    let first = opening[skip..comma].to_owned();
    let second = text.trim()[comma + 2..].to_owned();
    if after.is_some() { vec![first, second] } else { vec![second, first] }
}

fn without_parallel(text: &str) -> (String, bool) {
    let spans = spans(text);
    let tail = phrase_ending(&spans, &BESIDE);
    match find(&spans, &PARALLEL).or(tail) {
        Some((from, length)) => {
            let (start, end) = (spans[from].start, spans[from + length - 1].end);
            let rest = text[end..].trim_start_matches([',', ':', ' ']);
            (format!("{} {rest}", text[..start].trim_end().trim_end_matches(',')), true)
        }
        None => (text.to_owned(), false),
    }
}

fn clauses_of(text: &str) -> Vec<String> {
    let mut clauses = Vec::new();
    for part in outside_brackets(text, ';') {
        let spans = spans(part);
        let depth = bracket_depths(part, &spans);
        let mut start = 0;
        for at in 1..spans.len() {
            let (cut_at, verb) = match spans[at].word.as_str() {
                "and" | "e" => (spans[at].start, at + 1),
                _ if part[spans[at - 1].end..spans[at].start].contains(',') => (spans[at].start, at),
                _ => continue,
            };
            let next = spans.get(verb + 1).map(|span| span.word.as_str());
            let is_action = spans.get(verb).is_some_and(|span| begins_action(&span.word, next));
            if is_action && depth[at] == 0 && is_whole_action(&part[start..cut_at]) {
                clauses.push(part[start..cut_at].to_owned());
                start = cut_at;
            }
        }
        clauses.push(part[start..].to_owned());
    }
    let cleaned = clauses.iter().map(|clause| cleaned(clause));
    cleaned.filter(|clause| clause.chars().any(|c| c.is_alphanumeric() || !c.is_ascii())).collect()
}

/// A verb and something it is done to.
fn is_whole_action(text: &str) -> bool {
    let text = cleaned(cut(text, 400));
    let spans = spans(cut(&text, 120));
    spans.len() >= 2 && spans.first().is_some_and(|span| is_verb(&span.word))
}

/// Parts between separators that are not in round brackets or backquotes.
fn outside_brackets(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut quoted) = (Vec::new(), 0, 0_usize, false);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '`' => quoted = !quoted,
            c if c == separator && depth == 0 && !quoted => {
                parts.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// How many brackets are open where each word stands; an odd backquote counts as one.
fn bracket_depths(text: &str, spans: &[Span]) -> Vec<usize> {
    let (mut depth, mut quoted, mut at) = (0_usize, false, 0);
    spans
        .iter()
        .map(|span| {
            for c in text[at..span.start].chars() {
                match c {
                    '(' => depth += 1,
                    ')' => depth = depth.saturating_sub(1),
                    '`' | '"' => quoted = !quoted,
                    _ => {}
                }
            }
            at = span.start;
            depth + usize::from(quoted)
        })
        .collect()
}

fn find(spans: &[Span], phrases: &[&[&str]]) -> Option<(usize, usize)> {
    (0..spans.len()).find_map(|at| phrase_at(spans, at, phrases).map(|length| (at, length)))
}

fn phrase_ending(spans: &[Span], phrases: &[&[&str]]) -> Option<(usize, usize)> {
    phrases.iter().find_map(|phrase| {
        let at = spans.len().checked_sub(phrase.len())?;
        (at > 0 && phrase_at(spans, at, &[phrase]).is_some()).then_some((at, phrase.len()))
    })
}

fn phrase_at(spans: &[Span], at: usize, phrases: &[&[&str]]) -> Option<usize> {
    let matches = |phrase: &&&[&str]| {
        spans.len() >= at + phrase.len()
            && phrase.iter().zip(&spans[at..]).all(|(word, span)| *word == span.word)
    };
    phrases.iter().find(matches).map(|phrase| phrase.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stages apart by ` > `, parallel clauses by ` & `, sequential ones by ` | `, `~` beside.
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let stages: Vec<String> = outline(text)
            .stages
            .iter()
            .map(|stage| {
                let joined = stage.clauses.join(if stage.is_parallel { " & " } else { " | " });
                if stage.with_previous { format!("~{joined}") } else { joined }
            })
            .collect();
        assert_eq!(stages.join(" > "), expected);
    }

    #[test]
    fn any_space_may_follow_a_mark() {
        assert_eq!(cleaned(":\u{2000}* load it."), "* load it");
        assert_eq!(cleaned("and,\u{3000}please\u{a0}load it"), "load it");
    }

    #[test]
    fn english() {
        check("Create a repo; add CI; write tests", "Create a repo | add CI | write tests");
        check("Load the data, then clean it and then plot it", "Load the data > clean it > plot it");
        check("1. Load\n2. Clean\n3. Plot", "Load > Clean > Plot");
        check("- load it\n- clean it", "load it > clean it");
        check("Build the app and test it", "Build the app | test it");
        check(
            "Clean the data, compute the totals and write a report",
            "Clean the data | compute the totals | write a report",
        );
        check("search and replace the name", "search and replace the name");
        check("Compare the plan and design of both", "Compare the plan and design of both");
        check("Load it. After that, plot it. Finally, send it.", "Load it > plot it > send it");
        check(
            "Lint the code and test the app in parallel, then deploy it",
            "Lint the code & test the app > deploy it",
        );
        check("Write the docs; meanwhile run the tests", "Write the docs > ~run the tests");
        check("In parallel: lint it; test it", "lint it & test it");
        check("Do in parallel:\n- lint it\n- test it", "lint it & test it");
        check("After cleaning the data, plot it", "cleaning the data > plot it");
        check("Before deploying, run the tests", "run the tests > deploying");
        check("If it fails then stop", "If it fails then stop");
        check("Use what was known by then", "Use what was known by then");
        check("Prepare the launch:\n- write a post\n- publish it", "write a post > publish it");
        check("Build an app (list users, add users)", "Build an app (list users, add users)");
        check("Please write a haiku.", "write a haiku");
    }

    #[test]
    fn portuguese() {
        check(
            "Crie um repositório; adicione CI; escreva testes",
            "Crie um repositório | adicione CI | escreva testes",
        );
        check(
            "Carregue os dados, depois limpe e em seguida plote o gráfico",
            "Carregue os dados > limpe > plote o gráfico",
        );
        check("Leia o arquivo e calcule a média", "Leia o arquivo | calcule a média");
        check("Depois de limpar os dados, faça o gráfico", "limpar os dados > faça o gráfico");
        check("Escreva depois do almoço", "Escreva depois do almoço");
        check(
            "Rode os testes; enquanto isso, escreva a documentação",
            "Rode os testes > ~escreva a documentação",
        );
        check("Em paralelo: baixe o arquivo A; baixe o arquivo B", "baixe o arquivo A & baixe o arquivo B");
        check("Limpe os dados e revise o texto em paralelo", "Limpe os dados & revise o texto");
        check("Primeiro, leia o texto. Por fim, resuma.", "leia o texto > resuma");
        check("Antes de publicar, revise o texto", "revise o texto > publicar");
    }
}
