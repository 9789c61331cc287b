//! How well memory finds what answers a question, beside BM25 alone, vectors alone and their
//! reciprocal-rank fusion, on the same chunks and questions.
//!
//! Without a file the project's own set is asked. LoCoMo's ten conversations are not shipped: the
//! reader names the file. Any other set in the form of `crates/memory/src/testing/evaluation.rs`
//! works too.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use jiff::civil::DateTime;
use serde_json::{Map, Value, json};

use super::table::{table, verdict};
use super::{measure, runs};
use crate::model_files;
use crate::workshop::Workshop;

const LIMIT: Duration = Duration::from_secs(3_600);
/// The project's own set, in the checkout.
pub const OWN_SET: &str = "crates/memory/tests/evaluation/set.json";
const METHODS: [&str; 4] = ["atelier", "BM25", "MiniLM", "RRF"];
const FIGURES: [(&str, &str); 5] = [
    ("recall_5", "@5"),
    ("recall_10", "@10"),
    ("recall_20", "@20"),
    ("all_10", "all @10"),
    ("ndcg_10", "nDCG @10"),
];
/// What LoCoMo's questions are about, by their numbers from 1.
const CATEGORIES: [&str; 5] = ["multi-hop", "temporal", "open-domain", "single-hop", "adversarial"];
/// Categories, figures and what they should be, of LoCoMo.
const GOALS: [(&str, &str, f64); 7] = [
    ("all", "recall_5", 72.0),
    ("all", "recall_10", 80.0),
    ("all", "recall_20", 87.0),
    ("all", "all_10", 74.0),
    ("all", "ndcg_10", 63.0),
    ("multi-hop", "recall_10", 55.0),
    ("adversarial", "recall_10", 80.0),
];

/// `cargo xtask bench memory [<file>]`.
pub fn bench(workshop: &Workshop, file: Option<&Path>) -> Result<()> {
    let model = model_files::minilm(workshop)?;
    let folder = workshop.scratch("bench/memory")?;
    let (set, is_locomo) = match file {
        None => (workshop.root.join(OWN_SET), false),
        Some(file) => as_set(file, &folder)?,
    };
    let program = runs::example(workshop, "atelier", "bench_memory")?;
    let mut command = Command::new(program);
    command.arg("--model").arg(&model).arg("--set").arg(&set);
    let printed = measure::printed(&mut command, LIMIT)?;
    let line = printed.lines().last().unwrap_or_default();
    let measured: Value = serde_json::from_str(line).with_context(|| printed.clone())?;
    print!("{}", shown(&measured));
    if is_locomo {
        print!("\n{}", against_goals(&measured));
    }
    let written = workshop.target.join("bench/memory.json");
    std::fs::create_dir_all(workshop.target.join("bench"))?;
    std::fs::write(&written, serde_json::to_vec_pretty(&measured)?)?;
    Ok(())
}

fn shown(measured: &Value) -> String {
    let mut rows = Vec::new();
    for method in METHODS {
        let categories = measured["figures"][method].as_object().cloned().unwrap_or_default();
        for (category, figures) in categories {
            let name = if category == "all" { method.to_owned() } else { format!("{method}, {category}") };
            let mut row = vec![name, figures["questions"].to_string()];
            row.extend(FIGURES.iter().map(|(key, _)| percent(&figures[*key])));
            rows.push(row);
        }
    }
    let head: Vec<&str> =
        ["method", "questions"].into_iter().chain(FIGURES.iter().map(|(_, name)| *name)).collect();
    let (chunks, seconds) = (&measured["chunks"], measured["ingested_s"].as_f64().unwrap_or_default());
    let time = |key: &str| measured[key].as_f64().unwrap_or_default();
    format!(
        "{}\n{chunks} chunks taken in within {seconds:.1} s; a search takes {:.1} ms (p50), {:.1} ms (p95)\n",
        table(&head, &rows),
        time("p50_ms"),
        time("p95_ms")
    )
}

fn against_goals(measured: &Value) -> String {
    let row = |(category, figure, least): &(&str, &str, f64)| {
        let value = measured["figures"]["atelier"][category][figure].as_f64().unwrap_or_default();
        let name = format!("{category} {figure}");
        vec![name, format!("{value:.1}"), format!("≥ {least}"), verdict(value >= *least)]
    };
    let rows: Vec<_> = GOALS.iter().map(row).collect();
    table(&["goal", "figure", "wanted", ""], &rows)
}

fn percent(figure: &Value) -> String {
    figure.as_f64().map_or_else(|| "–".into(), |figure| format!("{figure:.1}"))
}

/// A file as a set, and whether it is LoCoMo's.
fn as_set(file: &Path, folder: &Path) -> Result<(PathBuf, bool)> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let value: Value =
        serde_json::from_str(&text).with_context(|| format!("{} is not JSON", file.display()))?;
    let Value::Array(conversations) = value else { return Ok((file.to_owned(), false)) };
    let written = folder.join("locomo.json");
    std::fs::write(&written, locomo(&conversations).context("this is not LoCoMo")?.to_string())?;
    Ok((written, true))
}

/// LoCoMo's conversations, a document for each session and a chunk for each turn.
fn locomo(conversations: &[Value]) -> Option<Value> {
    let (mut documents, mut questions) = (Vec::new(), Vec::new());
    for sample in conversations {
        let name = sample["sample_id"].as_str()?;
        let conversation = sample["conversation"].as_object()?;
        let mut turns = Vec::new();
        for number in 1.. {
            let Some(session) = conversation.get(&format!("session_{number}")) else {
                if number > 50 {
                    break;
                }
                continue;
            };
            let time = time_ms(conversation.get(&format!("session_{number}_date_time"))?.as_str()?)?;
            let mut chunks = Vec::new();
            for turn in session.as_array()? {
                let id = turn["dia_id"].as_str()?;
                let mut text = turn["text"].as_str()?.to_owned();
                if let Some(caption) = turn["blip_caption"].as_str().filter(|caption| !caption.is_empty()) {
                    text += &format!(" [{caption}]");
                }
                turns.push(id.to_owned());
                chunks.push(json!({ "id": format!("{name}/{id}"), "text": text,
                    "author": turn["speaker"], "time_ms": time }));
            }
            documents
                .push(json!({ "collection": "chat", "key": format!("{name}/{number}"), "format": "chat",
                "attributes": { "thread_id": name }, "time_ms": time, "chunks": chunks }));
        }
        for question in sample["qa"].as_array()? {
            questions.extend(locomo_question(name, question, &turns));
        }
    }
    Some(json!({ "documents": documents, "questions": questions }))
}

/// A question, if its evidence names turns that there are.
fn locomo_question(conversation: &str, question: &Value, turns: &[String]) -> Option<Value> {
    let mut gold: Vec<String> = Vec::new();
    for evidence in question["evidence"].as_array()? {
        gold.extend(named_turns(evidence.as_str()?).into_iter().filter(|turn| turns.contains(turn)));
    }
    gold.sort();
    gold.dedup();
    let category = CATEGORIES.get(usize::try_from(question["category"].as_u64()?).ok()?.checked_sub(1)?)?;
    let gold: Vec<String> = gold.into_iter().map(|turn| format!("{conversation}/{turn}")).collect();
    let filter = Map::from_iter([("thread_id".to_owned(), json!(conversation))]);
    let asked =
        json!({ "query": question["question"], "filter": filter, "gold": gold, "category": category });
    (!gold.is_empty()).then_some(asked)
}

/// `D8:6; D9:17`, `D:11:26` and `D30:05` name turns.
fn named_turns(evidence: &str) -> Vec<String> {
    let mut turns = Vec::new();
    for part in evidence.split('D').skip(1) {
        let part = part.strip_prefix(':').unwrap_or(part);
        let Some((session, rest)) = part.split_once(':') else { continue };
        let turn: String = rest.chars().take_while(char::is_ascii_digit).collect();
        if let (Ok(session), Ok(turn)) = (session.parse::<u32>(), turn.parse::<u32>()) {
            turns.push(format!("D{session}:{turn}"));
        }
    }
    turns
}

/// `1:56 pm on 8 May, 2023` in milliseconds since 1970.
fn time_ms(text: &str) -> Option<i64> {
    let text = text.replace(" ,", ",");
    let time = DateTime::strptime("%I:%M %p on %d %B, %Y", text.trim()).ok()?;
    Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locomo_is_read() {
        assert_eq!(named_turns("D8:6; D9:17"), ["D8:6", "D9:17"]);
        assert_eq!(named_turns("D:11:26"), ["D11:26"]);
        assert_eq!(named_turns("D30:05"), ["D30:5"]);
        assert!(named_turns("D").is_empty());
        assert_eq!(time_ms("1:56 pm on 8 May, 2023"), Some(1_683_554_160_000));
        let sample = json!([{ "sample_id": "c", "conversation": { "session_1_date_time": "1:56 pm on 8 May, 2023",
            "session_1": [{ "speaker": "Ana", "dia_id": "D1:1", "text": "Hi", "blip_caption": "a dog" }] },
            "qa": [{ "question": "Who?", "evidence": ["D1:1"], "category": 5 },
                   { "question": "What?", "evidence": ["D9:9"], "category": 1 }] }]);
        let set = locomo(sample.as_array().expect("a list")).expect("it is LoCoMo");
        assert_eq!(set["documents"][0]["chunks"][0]["text"], "Hi [a dog]");
        assert_eq!(set["questions"].as_array().map(Vec::len), Some(1));
        assert_eq!(set["questions"][0]["gold"][0], "c/D1:1");
    }
}
