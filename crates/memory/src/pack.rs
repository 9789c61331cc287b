//! Context packs: what a model is given to know, within a budget of tokens.
//!
//! A pack has sections in a fixed order: guardrails, what is canonical of the brand and of the
//! product, what was retrieved, the stage's contract, and the request. Everything but what was
//! retrieved is there whole or there is no pack; of what was retrieved the best is taken as long as
//! it fits, and a chunk is never cut.
//!
//! Invariants:
//! - The text of a pack has at most as many tokens as its budget, by the counter it was made with.
//! - A pack's label is the strictest of everything in it, folded duplicates included.
//! - Everything that was retrieved is in an entry, is named as a source of one that says the same, or
//!   is listed as cut.
//!
//! Start reading at [`build`].

use std::fmt::Write;

use kernel::{Privacy, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::search::Hit;

/// The largest budget.
pub const MAX_BUDGET_TOKENS: usize = 2_000_000;

/// Counts a text's tokens as a model does.
pub trait TokenCounter: Send + Sync {
    /// What it is called, so that a saved pack tells how it was counted.
    fn name(&self) -> String;

    /// How many tokens a text has.
    fn count(&self, text: &str) -> usize;
}

/// A counter made of its name and of a function.
pub struct CountedBy<F> {
    /// What it is called.
    pub name: String,
    /// How many tokens a text has.
    pub count: F,
}

impl<F: Fn(&str) -> usize + Send + Sync> TokenCounter for CountedBy<F> {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn count(&self, text: &str) -> usize {
        (self.count)(text)
    }
}

/// A section of a pack, in the order in which they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SectionKind {
    /// Who the model is and what it must not do.
    Guardrails,
    /// What is canonical of the brand.
    BrandCanonical,
    /// What is canonical of the product.
    ProductCanonical,
    /// What was found in memory.
    Retrieved,
    /// What the stage must deliver.
    StageContract,
    /// What the user asked for.
    UserRequest,
}

impl SectionKind {
    /// Its heading in the text of a pack.
    pub fn title(self) -> &'static str {
        match self {
            Self::Guardrails => "Guardrails",
            Self::BrandCanonical => "Brand",
            Self::ProductCanonical => "Product",
            Self::Retrieved => "From memory",
            Self::StageContract => "What to deliver",
            Self::UserRequest => "Request",
        }
    }
}

/// What must be in a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Required {
    /// Where.
    pub section: SectionKind,
    /// What it is called, such as `soul.md`; may be empty.
    pub title: String,
    /// All of it.
    pub text: String,
    /// How far it may travel.
    pub privacy: Privacy,
    /// Where it came from.
    pub source: String,
}

impl Required {
    /// What the user asked for.
    pub fn request(text: &str) -> Self {
        Self {
            section: SectionKind::UserRequest,
            title: String::new(),
            text: text.to_owned(),
            privacy: Privacy::Shareable,
            source: "request".into(),
        }
    }
}

/// Where something in a pack came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// What names it, such as `run:run_…`.
    pub source: String,
    /// The document; none for what did not come from memory.
    pub document_id: Option<String>,
    /// Its chunk there.
    pub chunk: Option<u32>,
    /// The document's title.
    pub title: String,
    /// Its moment.
    pub time: Option<Timestamp>,
    /// How well it fitted what was looked for.
    pub score: Option<f64>,
    /// How far it may travel.
    pub privacy: Label,
}

/// A label as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// [`Privacy::Shareable`].
    Shareable,
    /// [`Privacy::Local`].
    Local,
}

impl From<Privacy> for Label {
    fn from(privacy: Privacy) -> Self {
        match privacy {
            Privacy::Shareable => Self::Shareable,
            Privacy::Local => Self::Local,
        }
    }
}

impl From<Label> for Privacy {
    fn from(label: Label) -> Self {
        match label {
            Label::Shareable => Self::Shareable,
            Label::Local => Self::Local,
        }
    }
}

/// A part of a section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is called; may be empty.
    pub title: String,
    /// All of it.
    pub text: String,
    /// Its tokens, its heading included.
    pub tokens: usize,
    /// Where it came from; more than one where several said the same.
    pub sources: Vec<Source>,
}

/// A section of a pack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// Which.
    pub kind: SectionKind,
    /// What is in it, in order.
    pub entries: Vec<Entry>,
}

/// Something that was found and is not in the pack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cut {
    /// Where it came from.
    pub source: Source,
    /// How many tokens it would have taken.
    pub tokens: usize,
}

/// A context pack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pack {
    /// What was looked for in memory; empty when nothing was.
    pub query: String,
    /// What tokens were counted with.
    pub counter: String,
    /// How many tokens it may have.
    pub budget_tokens: usize,
    /// How many its text has.
    pub tokens: usize,
    /// The strictest label of anything in it.
    pub privacy: Label,
    /// The sections that have something, in order.
    pub sections: Vec<Section>,
    /// What was found and did not fit, the best first.
    pub cut: Vec<Cut>,
}

impl Pack {
    /// The pack as a model reads it.
    pub fn text(&self) -> String {
        rendered(&self.sections)
    }

    /// What was found in memory and is in the pack, as a model reads it; empty when nothing is.
    pub fn retrieved(&self) -> String {
        let retrieved = self.sections.iter().filter(|section| section.kind == SectionKind::Retrieved);
        let entries = retrieved.flat_map(|section| &section.entries);
        let text: String = entries.map(|entry| heading(&entry.title, &entry.text)).collect();
        text.trim_end().to_owned()
    }

    /// Everything the pack names as a source, in order.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sections.iter().flat_map(|section| &section.entries).flat_map(|entry| &entry.sources)
    }
}

/// Builds a pack of what is required and of the best of what was found.
///
/// # Errors
/// [`Error::PackTooSmall`] when what is required has more tokens than the budget.
pub fn build(
    query: &str,
    required: Vec<Required>,
    found: &[Hit],
    budget_tokens: usize,
    counter: &dyn TokenCounter,
) -> Result<Pack, Error> {
    let mut privacy = required.iter().map(|part| part.privacy).max().unwrap_or_default();
    let mut sections = Vec::new();
    for part in required {
        let entry = Entry {
            tokens: counter.count(&heading(&part.title, &part.text)),
            sources: vec![Source {
                source: part.source,
                document_id: None,
                chunk: None,
                title: part.title.clone(),
                time: None,
                score: None,
                privacy: part.privacy.into(),
            }],
            title: part.title,
            text: part.text,
        };
        add(&mut sections, part.section, entry);
    }
    let needed = counter.count(&rendered(&sections));
    if needed > budget_tokens {
        return Err(Error::PackTooSmall { needed, budget: budget_tokens });
    }
    let title = counter.count(&format!("## {}\n\n", SectionKind::Retrieved.title()));
    let (mut estimate, mut taken, mut cut) = (needed + title, Vec::new(), Vec::new());
    for (candidate, strictest) in folded(found, counter) {
        if estimate + candidate.tokens <= budget_tokens {
            estimate += candidate.tokens;
            taken.push((candidate, strictest));
        } else {
            cut.push(candidate);
        }
    }
    // The tokens of parts are nearly those of the whole; the whole is what counts.
    let (sections, tokens) = loop {
        let mut with = sections.clone();
        taken.iter().for_each(|(entry, _)| add(&mut with, SectionKind::Retrieved, entry.clone()));
        let tokens = counter.count(&rendered(&with));
        if tokens <= budget_tokens {
            break (with, tokens);
        }
        // What is required fits alone, so that there is something to take out.
        cut.extend(taken.pop().map(|(entry, _)| entry));
    };
    privacy = taken.iter().map(|(_, strictest)| *strictest).fold(privacy, Privacy::max);
    let best =
        |entry: &Entry| entry.sources.iter().filter_map(|source| source.score).fold(f64::MIN, f64::max);
    cut.sort_by(|one, other| best(other).total_cmp(&best(one)));
    let of_cut = |entry: Entry| {
        let tokens = entry.tokens;
        entry.sources.into_iter().map(move |source| Cut { source, tokens })
    };
    let cut = cut.into_iter().flat_map(of_cut).collect();
    Ok(Pack {
        query: query.to_owned(),
        counter: counter.name(),
        budget_tokens,
        tokens,
        privacy: privacy.into(),
        sections,
        cut,
    })
}

/// Builds a pack of what is required, however long, and of the best of what was found, in at most
/// `budget_tokens` more.
///
/// # Errors
/// [`Error::PackTooSmall`] when what is required has more than [`MAX_BUDGET_TOKENS`].
pub fn beside(
    query: &str,
    required: Vec<Required>,
    found: &[Hit],
    budget_tokens: usize,
    counter: &dyn TokenCounter,
) -> Result<Pack, Error> {
    let alone = build(query, required.clone(), &[], MAX_BUDGET_TOKENS, counter)?;
    build(query, required, found, alone.tokens + budget_tokens, counter)
}

/// What was found, each text once; of those that say the same, or part of it, the longest stands for
/// all at the place of the best.
fn folded(found: &[Hit], counter: &dyn TokenCounter) -> Vec<(Entry, Privacy)> {
    let mut entries: Vec<(Entry, Privacy, String)> = Vec::new();
    for hit in found {
        let text = hit.chunk.content.text.trim();
        // With a space at both ends, so that only whole words are part of others.
        let plain = format!(" {} ", text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase());
        let source = source_of(hit);
        let same =
            entries.iter_mut().find(|(_, _, other)| other.contains(&plain) || plain.contains(&**other));
        match same {
            Some((entry, privacy, other)) => {
                if plain.len() > other.len() {
                    (entry.text, *other) = (text.to_owned(), plain);
                    entry.tokens = counter.count(&heading(&entry.title, &entry.text));
                }
                *privacy = (*privacy).max(hit.document.privacy);
                entry.sources.push(source);
            }
            None => {
                let title = title_of(hit);
                let tokens = counter.count(&heading(&title, text));
                let entry = Entry { title, text: text.to_owned(), tokens, sources: vec![source] };
                entries.push((entry, hit.document.privacy, plain));
            }
        }
    }
    entries.into_iter().map(|(entry, privacy, _)| (entry, privacy)).collect()
}

/// Title and headings, who wrote it and when, where from, and how well it fitted.
fn title_of(hit: &Hit) -> String {
    let content = &hit.chunk.content;
    let mut title = hit.document.title.clone();
    for heading in content.headings.iter().filter(|heading| **heading != hit.document.title) {
        if !title.is_empty() {
            title.push_str(" › ");
        }
        title.push_str(heading);
    }
    let time = hit.time().to_string();
    let day = time.get(..10).unwrap_or_default();
    let author = hit.author().map(|author| format!("{author}, ")).unwrap_or_default();
    format!("{title} ({author}{day}, {}, score {:.2})", hit.document.source, hit.score)
}

fn source_of(hit: &Hit) -> Source {
    Source {
        source: hit.document.source.clone(),
        document_id: Some(hit.document.id.to_string()),
        chunk: Some(hit.chunk.number),
        title: hit.document.title.clone(),
        time: Some(hit.time()),
        score: Some(hit.score),
        privacy: hit.document.privacy.into(),
    }
}

fn add(sections: &mut Vec<Section>, kind: SectionKind, entry: Entry) {
    let at = sections.partition_point(|section| section.kind < kind);
    match sections.get_mut(at).filter(|section| section.kind == kind) {
        Some(section) => section.entries.push(entry),
        None => sections.insert(at, Section { kind, entries: vec![entry] }),
    }
}

fn heading(title: &str, text: &str) -> String {
    if title.is_empty() { format!("{text}\n\n") } else { format!("### {title}\n\n{text}\n\n") }
}

fn rendered(sections: &[Section]) -> String {
    let mut text = String::new();
    for section in sections {
        let _ = write!(text, "## {}\n\n", section.kind.title());
        for entry in &section.entries {
            text.push_str(&heading(&entry.title, &entry.text));
        }
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::{Chunk, NewChunk};
    use crate::document::{Attributes, Document, NewDocument};
    use kernel::{FixedClock, Ids, SeededEntropy};
    use proptest::prelude::*;
    use std::sync::Arc;

    /// Words and what is between them, so that joining two texts can make and lose tokens.
    struct Words;

    impl TokenCounter for Words {
        fn name(&self) -> String {
            "words".into()
        }

        fn count(&self, text: &str) -> usize {
            text.split_inclusive(char::is_whitespace).filter(|part| !part.trim().is_empty()).count()
                + text.matches("\n\n").count()
        }
    }

    fn hit(number: u32, text: &str, privacy: Privacy) -> Hit {
        let ids = Ids::new(Arc::new(FixedClock::default()), Arc::new(SeededEntropy::new(number.into())));
        let new = NewDocument {
            collection: "notes".into(),
            key: number.to_string(),
            title: format!("Note {number}"),
            source: format!("test:{number}"),
            privacy,
            attributes: Attributes::new(),
            ..NewDocument::default()
        };
        let document: Document = new.checked(&ids, Timestamp(0)).expect("it can be stored");
        let content = NewChunk { text: text.into(), ..NewChunk::default() };
        let chunk = Chunk { number, document: document.id.clone(), ordinal: 0, content };
        Hit::bare(document, chunk, 1.0 / f64::from(number + 1))
    }

    fn required(section: SectionKind, text: &str) -> Required {
        let (title, source) = (String::new(), "test".to_owned());
        Required { section, title, text: text.into(), privacy: Privacy::Shareable, source }
    }

    fn pack(required: Vec<Required>, found: &[Hit], budget: usize) -> Result<Pack, &'static str> {
        let built = build("query", required, found, budget, &Words);
        built.map_err(|error| kernel::Error::from(error).code)
    }

    #[test]
    fn sections_stand_in_their_order() {
        let all = vec![
            required(SectionKind::UserRequest, "Write a page."),
            required(SectionKind::BrandCanonical, "Calm."),
            required(SectionKind::Guardrails, "Be kind."),
        ];
        let text = pack(all, &[hit(1, "It is blue.", Privacy::Shareable)], 1_000).expect("it fits").text();
        let places: Vec<_> = ["Be kind.", "Calm.", "It is blue.", "Write a page."]
            .iter()
            .map(|part| text.find(part).expect("it is there"))
            .collect();
        assert!(places.is_sorted(), "{text}");
        assert!(text.contains("### Note 1 (1970-01-01, test:1, score 0.50)"), "{text}");
    }

    #[test]
    fn what_is_required_is_there_or_there_is_no_pack() {
        let brand = || vec![required(SectionKind::BrandCanonical, &"soul ".repeat(50))];
        assert_eq!(pack(brand(), &[], 20), Err("pack_too_small"));
        let found = [hit(1, &"long ".repeat(500), Privacy::Local), hit(2, "short", Privacy::Shareable)];
        let pack = pack(brand(), &found, 90).expect("what is required fits");
        assert_eq!(pack.cut.len(), 1);
        assert_eq!(pack.sources().filter(|source| source.chunk == Some(2)).count(), 1);
        assert_eq!(pack.privacy, Label::Shareable, "what was cut is not in it");
    }

    #[test]
    fn what_says_the_same_is_there_once_with_all_its_sources() {
        let found = [
            hit(1, "The price is 20.", Privacy::Shareable),
            hit(2, "the  price is 20.", Privacy::Local),
            hit(3, "The price is 20. And 30 with a wheel.", Privacy::Shareable),
        ];
        let pack = pack(Vec::new(), &found, 1_000).expect("it fits");
        let entries = &pack.sections[0].entries;
        assert_eq!((entries.len(), entries[0].sources.len()), (1, 3));
        assert!(entries[0].text.ends_with("wheel."));
        assert_eq!(pack.privacy, Label::Local, "a label is not lost by folding");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn every_pack_keeps_its_promises(
            texts in prop::collection::vec(("[a-d]{1,2}( [a-d]{1,2}){0,30}", any::<bool>()), 0..20),
            canonical in "[x-z]{1,3}( [x-z]{1,3}){0,20}",
            budget in 0_usize..200,
        ) {
            let privacy = |local| if local { Privacy::Local } else { Privacy::Shareable };
            let found: Vec<Hit> =
                (0..).zip(&texts).map(|(number, (text, local))| hit(number, text, privacy(*local))).collect();
            let wanted = vec![
                required(SectionKind::BrandCanonical, &canonical),
                required(SectionKind::UserRequest, "Do it."),
            ];
            let Ok(pack) = build("q", wanted, &found, budget, &Words) else {
                let least = format!("## Brand\n\n{canonical}\n\n## Request\n\nDo it.");
                prop_assert!(Words.count(&least) > budget);
                return Ok(());
            };
            let text = pack.text();
            prop_assert!(Words.count(&text) <= budget);
            prop_assert_eq!(Words.count(&text), pack.tokens);
            prop_assert!(text.contains(&canonical) && text.contains("Do it."));
            let named: Vec<u32> = pack.sources().chain(pack.cut.iter().map(|cut| &cut.source))
                .filter_map(|source| source.chunk).collect();
            let mut sorted = named.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..found.len() as u32).collect::<Vec<_>>(), "nothing is lost or doubled");
            let is_local = pack.sources().any(|source| source.privacy == Label::Local);
            prop_assert_eq!(pack.privacy == Label::Local, is_local);
            for entry in pack.sections.iter().flat_map(|section| &section.entries) {
                prop_assert!(text.contains(&entry.text), "nothing is cut inside");
            }
        }
    }
}
