//! A message cut into requests: at the ends of sentences, and at commas and “and” where what follows
//! is a request of its own. What stands between quotation marks is never cut, and a text without
//! them (“call it Bread and butter”) only where the rest cannot be part of it.

use std::ops::Range;

use super::lexicon as says;
use super::request::{Head, PageName, Reading, Request, read};
use super::verbs::Action;
use super::words::{Kind, Message};

/// How many cuts are looked ahead for the end of a request.
const LOOK_AHEAD: usize = 4;
/// A sentence is not cut at more places than these.
const MOST_JOINTS: usize = 64;

/// A part of a message: a request, or words that were not understood.
pub(super) struct Clause<'t> {
    pub(super) text: &'t str,
    pub(super) request: Option<Request<'t>>,
}

/// The clauses of a message; words of courtesy are none.
pub(super) fn clauses<'t>(message: &Message<'t>) -> Vec<Clause<'t>> {
    let mut clauses = Vec::new();
    for sentence in sentences(message) {
        cut(message, sentence, &mut clauses);
    }
    clauses
}

fn sentences(message: &Message<'_>) -> Vec<Range<usize>> {
    let mut sentences = Vec::new();
    let mut begin = 0;
    for (at, token) in message.tokens.iter().enumerate() {
        let next = message.tokens.get(at + 1);
        let is_apart =
            next.is_none_or(|next| next.range.start > token.range.end || next.kind == Kind::Mark('\n'));
        let is_end = match token.kind {
            Kind::Mark('.') => is_apart && !(at > 0 && message.is_word(at - 1, says::ABBREVIATIONS)),
            Kind::Mark('!' | '?' | '…') => is_apart,
            Kind::Mark(';') => true,
            // “Change the title to:” goes on in the next line.
            Kind::Mark('\n') => at == 0 || message.kind(at - 1) != Some(Kind::Mark(':')),
            _ => false,
        };
        if is_end {
            sentences.push(begin..at + 1);
            begin = at + 1;
        }
    }
    sentences.push(begin..message.tokens.len());
    sentences.retain(|sentence| !sentence.is_empty());
    sentences
}

fn cut<'t>(message: &Message<'t>, sentence: Range<usize>, clauses: &mut Vec<Clause<'t>>) {
    let joints: Vec<usize> =
        sentence.clone().skip(1).filter(|at| is_joint(message, *at)).take(MOST_JOINTS).collect();
    let mut group = Group::default();
    let mut begin = sentence.start;
    while begin < sentence.end {
        let inherited = group.action;
        let end = joints.iter().position(|joint| {
            *joint > begin && is_cut(message, begin, *joint, &joints, sentence.end, inherited)
        });
        let end = end.map_or(sentence.end, |place| joints[place]);
        let head = Head::of(message, &(begin..end));
        if head.action.is_some() {
            group.settle(clauses);
            group = Group { action: head.action, ..Group::default() };
        }
        let clause = begin..end;
        let request = read(message, clause.clone(), group.action).map(|reading| reading.request);
        if request.is_some() || !is_courtesy(message, clause.clone()) {
            clauses.push(Clause { text: message.slice(clause), request });
            group.places.push(clauses.len() - 1);
        }
        // The joint itself is a comma or a word that means nothing else.
        begin = if end < sentence.end { end + 1 } else { end };
    }
    group.settle(clauses);
}

/// Clauses with the same verb: “add a counter and a list of tasks to the page About”.
#[derive(Default)]
struct Group {
    action: Option<Action>,
    places: Vec<usize>,
}

impl Group {
    /// Sections for which no page was named go where the next one goes, else where the last one went.
    fn settle(&mut self, clauses: &mut [Clause<'_>]) {
        for backwards in [true, false] {
            let mut known: Option<PageName> = None;
            let mut places = self.places.clone();
            if backwards {
                places.reverse();
            }
            for place in places {
                match clauses.get_mut(place).and_then(|clause| clause.request.as_mut()) {
                    Some(Request::Section { page: page @ None, .. }) => *page = known.clone(),
                    Some(Request::Section { page, .. }) => known = page.clone(),
                    Some(Request::Page { is_list: true, .. }) if !backwards => {
                        known = Some(PageName::Last);
                    }
                    _ => known = None,
                }
            }
        }
        self.places.clear();
    }
}

/// Whether a message might be cut here.
fn is_joint(message: &Message<'_>, at: usize) -> bool {
    matches!(message.kind(at), Some(Kind::Mark(',' | '&')))
        || message.is_word(at, &["and", "e", "then", "plus", "depois", "tambem", "also", "mais"])
}

/// Whether what comes after `joint` is a request of its own.
fn is_cut(
    message: &Message<'_>,
    begin: usize,
    joint: usize,
    joints: &[usize],
    end: usize,
    inherited: Option<Action>,
) -> bool {
    let before = begin..joint;
    let action = Head::of(message, &before).action.or(inherited);
    let first = read(message, before, inherited);
    let head = Head::of(message, &(joint + 1..end));
    let ends = joints.iter().copied().filter(|next| *next > joint + 1).take(LOOK_AHEAD).chain([end]);
    let next = ends
        .filter_map(|end| read(message, joint + 1..end, action))
        .find(|next| head.action.is_some() || goes_on(message, joint + 1, first.as_ref(), next));
    let is_open = first.as_ref().is_none_or(|first| first.is_open);
    match next {
        Some(next) if head.action.is_some() => {
            // In “call it Save and undo”, “undo” is no request: a text goes on.
            let is_more = message.kind(head.rest) == Some(Kind::Word);
            !is_open || is_more && !matches!(next.request, Request::Replace { is_quoted: false, .. })
        }
        Some(_) => first.is_some(),
        None => !is_open && head.action.is_some(),
    }
}

/// Whether a reading without a verb goes on with the one before.
fn goes_on(message: &Message<'_>, begin: usize, first: Option<&Reading<'_>>, next: &Reading<'_>) -> bool {
    let Some(first) = first else { return false };
    match &next.request {
        Request::Replace { is_quoted, .. } => *is_quoted,
        Request::Text { value, .. } => value.is_some(),
        Request::Palette(_) | Request::DarkOrLight | Request::OtherColour => {
            !first.is_open
                && !matches!(first.request, Request::Palette(_) | Request::DarkOrLight | Request::OtherColour)
        }
        Request::Page { .. } if matches!(message.kind(begin), Some(Kind::Quoted)) => {
            matches!(first.request, Request::Page { .. })
        }
        Request::Section { .. } | Request::Frame(_) | Request::Page { .. } => {
            !first.is_open || message.is_word(begin, says::INDEFINITE)
        }
        _ => false,
    }
}

/// Whether nothing is said that could be done.
fn is_courtesy(message: &Message<'_>, clause: Range<usize>) -> bool {
    clause.into_iter().all(|at| {
        let is_number = message.tokens[at].folded.chars().all(char::is_numeric);
        match message.kind(at) {
            Some(Kind::Word) => {
                is_number || message.is_word(at, says::FILLERS) || message.is_word(at, says::HELP)
            }
            Some(Kind::Quoted) => false,
            _ => true,
        }
    })
}
