//! `atelier memory collections` and `atelier memory collection`: what is in each, and how it is set up.

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use crate::cli::terminal::{Ink, age, note, plain, say, say_json, size, table};
use crate::client::memory::Collection;
use crate::client::{Client, Result};

#[derive(Args)]
#[command(
    after_help = "Examples:\n  atelier memory collection notes\n  atelier memory collection diary --privacy local --chunk-characters 600\n  atelier memory collection code --embedding off"
)]
pub struct CollectionArgs {
    /// The collection; one that is not there yet is made by setting it up
    name: String,
    /// The label that everything stored in it has at least
    #[arg(long)]
    privacy: Option<Label>,
    /// How many characters a passage has at most, 200 to 4000, or `default`
    #[arg(long, value_name = "NUMBER", value_parser = length)]
    chunk_characters: Option<Length>,
    /// Whether its passages are found by meaning, or by their words only
    #[arg(long)]
    embedding: Option<Switch>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Label {
    Local,
    Shareable,
    Default,
}

#[derive(Clone, Copy, ValueEnum)]
enum Switch {
    On,
    Off,
    Default,
}

/// How long a passage is at most; none for the default.
#[derive(Clone, Copy)]
struct Length(Option<u32>);

fn length(text: &str) -> std::result::Result<Length, String> {
    match text {
        "default" => Ok(Length(None)),
        text => {
            text.parse().map(|number| Length(Some(number))).map_err(|_| "give a number or `default`".into())
        }
    }
}

impl CollectionArgs {
    /// What is to be changed, as the server takes it.
    fn change(&self) -> Map<String, Value> {
        let mut change = Map::new();
        let privacy = self.privacy.map(|label| match label {
            Label::Local => json!("local"),
            Label::Shareable => json!("shareable"),
            Label::Default => Value::Null,
        });
        let embedded = self.embedding.map(|switch| match switch {
            Switch::On => json!(true),
            Switch::Off => json!(false),
            Switch::Default => Value::Null,
        });
        let length = self.chunk_characters.map(|Length(length)| json!(length));
        let members = [("privacy", privacy), ("chunk_characters", length), ("embedded", embedded)];
        change.extend(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        change
    }
}

/// Lists all of them.
pub async fn list(client: &Client, json: bool) -> Result<()> {
    let all = client.collections().await?;
    if json {
        say_json(&all.raw);
        return Ok(());
    }
    if all.items.iter().all(|collection| collection.documents == 0) {
        note("Nothing is remembered yet. `atelier memory ingest FOLDER` takes files in.");
    }
    let row = |collection: &Collection| {
        vec![
            plain(&collection.name),
            collection.documents.to_string(),
            collection.local_documents.to_string(),
            collection.chunks.to_string(),
            size(collection.characters),
            collection.newest.as_deref().map(age).unwrap_or_default(),
            plain(&collection.privacy),
            collection.chunking.max_characters.to_string(),
            collection.embedding.as_ref().map_or_else(|| "words only".into(), |it| plain(&it.model)),
        ]
    };
    let rows: Vec<_> = all.items.iter().map(row).collect();
    let heads =
        ["collection", "documents", "local", "chunks", "text", "newest", "label", "characters", "found by"];
    say(&table(&heads, &rows, Ink::stdout()));
    Ok(())
}

/// Shows one, or sets it up.
pub async fn show_or_change(client: &Client, wanted: CollectionArgs, json: bool) -> Result<()> {
    let change = wanted.change();
    let is_shown = change.is_empty();
    let made_shareable = matches!(wanted.privacy, Some(Label::Shareable | Label::Default));
    let collection = match is_shown {
        true => client.collection(&wanted.name).await?,
        false => client.change_collection(&wanted.name, Value::Object(change)).await?,
    };
    if json {
        say_json(&collection.raw);
        return Ok(());
    }
    let chunking = &collection.chunking;
    say(&format!(
        "{}  {} documents, {} of them local, {} chunks, {}",
        plain(&collection.name),
        collection.documents,
        collection.local_documents,
        collection.chunks,
        size(collection.characters)
    ));
    say(&format!("label    {}", plain(&collection.privacy)));
    let waiting = match chunking.waiting {
        0 => String::new(),
        waiting => format!(", {waiting} documents are still to be divided anew"),
    };
    say(&format!(
        "chunks   at most {} characters, version {}{waiting}",
        chunking.max_characters, chunking.version
    ));
    match &collection.embedding {
        Some(embedding) => say(&format!(
            "vectors  {} of {} chunks, {}, {} dimensions",
            embedding.vectors,
            collection.chunks,
            plain(&embedding.model),
            embedding.dimensions
        )),
        None => say("vectors  none: it is found by words only"),
    }
    if made_shareable && collection.local_documents > 0 {
        note("What was local before stays local; a document's own label is changed one by one.");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(args: &[&str], expected: Value) {
        #[derive(clap::Parser)]
        struct Parsed {
            #[command(flatten)]
            wanted: CollectionArgs,
        }
        let parsed = <Parsed as clap::Parser>::try_parse_from([&["x", "notes"][..], args].concat());
        let found = parsed.map_or(json!("refused"), |parsed| Value::Object(parsed.wanted.change()));
        assert_eq!(found, expected);
    }

    #[test]
    fn only_what_is_named_is_changed() {
        check(&[], json!({}));
        check(&["--privacy", "local"], json!({"privacy": "local"}));
        check(&["--chunk-characters", "600"], json!({"chunk_characters": 600}));
        check(
            &["--chunk-characters", "default", "--embedding", "off"],
            json!({"chunk_characters": null, "embedded": false}),
        );
        check(
            &["--privacy", "default", "--embedding", "default"],
            json!({"privacy": null, "embedded": null}),
        );
        check(&["--chunk-characters", "many"], json!("refused"));
        check(&["--privacy", "secret"], json!("refused"));
    }
}
