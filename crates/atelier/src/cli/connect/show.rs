//! How servers of tools are shown.

use serde_json::Value;

use crate::cli::Exit;
use crate::cli::terminal::{Ink, note, one_line, plain, say, say_json, table};
use crate::client::{Client, Result};

fn text(value: &Value) -> String {
    value.as_str().map(|text| one_line(text, 70)).unwrap_or_default()
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// What is contacted or started, in one line.
fn target(connector: &Value) -> String {
    match connector["url"].as_str() {
        Some(url) => plain(url),
        None => {
            let words = std::iter::once(&connector["command"]).chain(items(&connector["args"]));
            words.map(|word| quoted(word.as_str().unwrap_or_default())).collect::<Vec<_>>().join(" ")
        }
    }
}

/// A word of a command as it would be typed, so that nobody takes two for one.
fn quoted(word: &str) -> String {
    let word = plain(word);
    let is_plain = |one: char| one.is_ascii_alphanumeric() || "-_./:@=+,%".contains(one);
    if !word.is_empty() && word.chars().all(is_plain) {
        word
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Everything that is approved with a server.
pub(super) fn exactly(connector: &Value) -> String {
    let mut lines = Vec::new();
    let mut line = |name: &str, value: String| lines.push(format!("{name:<12}{value}"));
    line("name", text(&connector["name"]));
    let verb = if connector["url"].is_string() { "contacts" } else { "starts" };
    line(verb, target(connector));
    if connector["url"].is_string() {
        line("token", if connector["has_token"] == true { "is sent to it" } else { "none" }.into());
    } else {
        for (name, value) in connector["env"].as_object().into_iter().flatten() {
            line("variable", format!("{}={}", plain(name), quoted(value.as_str().unwrap_or_default())));
        }
        let list = |member: &str| {
            let all: Vec<_> = items(&connector[member]).filter_map(Value::as_str).map(plain).collect();
            if all.is_empty() { "none".to_owned() } else { all.join(", ") }
        };
        line("secrets", list("secrets"));
        line(
            "reaches",
            match connector["registries"] == true {
                true => format!("package registries; hosts: {}", list("hosts")),
                false => format!("hosts: {}", list("hosts")),
            },
        );
        line("reads", list("folders"));
    }
    line("digest", plain(connector["digest"].as_str().unwrap_or_default()));
    lines.join("\n")
}

pub(super) async fn list(client: &Client, json: bool) -> Result<Exit> {
    let found = client.connectors().await?;
    if json {
        say_json(&found);
        return Ok(Exit::Done);
    }
    let row = |connector: &Value| {
        let state = match (connector["approval"].as_str(), connector["enabled"] == true) {
            (Some("proposed"), _) => "proposed",
            (Some("withdrawn"), _) => "changed",
            (_, false) => "off",
            _ if connector["problem"].is_string() => "failing",
            _ => "on",
        };
        let place = if connector["is_local"] == true { "here" } else { "elsewhere" };
        let tools = connector["tools"].as_u64().unwrap_or_default().to_string();
        vec![text(&connector["name"]), state.into(), place.into(), tools, one_line(&target(connector), 70)]
    };
    let rows: Vec<_> = items(&found["items"]).map(row).collect();
    match rows.is_empty() {
        true => note("There are no servers of tools; `atelier connect add` adds one."),
        false => say(&table(&["name", "state", "where", "tools", "what"], &rows, Ink::stdout())),
    }
    Ok(Exit::Done)
}

pub(super) async fn one(client: &Client, name: &str, json: bool) -> Result<Exit> {
    detail(&client.connector(name).await?, json);
    Ok(Exit::Done)
}

pub(super) fn detail(found: &Value, json: bool) {
    if json {
        return say_json(found);
    }
    let connector = &found["connector"];
    say(&exactly(connector));
    say(&format!("{:<12}{}", "approval", text(&connector["approval"])));
    if let Some(problem) = connector["problem"].as_str() {
        say(&format!("{:<12}{}", "problem", one_line(problem, 300)));
    }
    if connector["approval"] != "approved" {
        note("It is neither contacted nor started before `atelier connect approve`.");
    }
    tools(found, false);
}

pub(super) fn tools(found: &Value, json: bool) {
    if json {
        return say_json(found);
    }
    let row = |tool: &Value| {
        let state = match (tool["has_changed"] == true, tool["is_listed"] == true) {
            (_, false) => "gone",
            (true, true) => "changed",
            _ => "",
        };
        let said = tool["description"].as_str().unwrap_or_default().lines().next().unwrap_or_default();
        vec![
            text(&tool["name"]),
            text(&tool["grant"]),
            text(&tool["class"]),
            state.into(),
            one_line(said, 60),
        ]
    };
    let rows: Vec<_> = items(&found["tools"]).map(row).collect();
    match rows.is_empty() {
        true => note("It has not listed any tools yet; `atelier connect test` has it do so."),
        false => say(&table(&["tool", "grant", "class", "", "what it says"], &rows, Ink::stdout())),
    }
}

pub(super) async fn test(client: &Client, name: &str, json: bool) -> Result<Exit> {
    let report = client.test_connector(name).await?;
    let (ok, ink) = (report["ok"] == true, Ink::stdout());
    if json {
        say_json(&report);
    } else if ok {
        let (mark, ms) = (ink.green("✓"), &report["latency_ms"]);
        say(&format!("{mark} {} answers with {} tools, in {ms} ms", plain(name), report["tools"]));
        if report["left_out"] != 0 {
            note(&format!("{} more tools cannot be shown, and are left out.", report["left_out"]));
        }
    } else {
        let problem = &report["problem"];
        let message = problem["message"].as_str().unwrap_or_default();
        say(&format!("{} {}", ink.red("✗"), plain(message)));
        note(&format!("hint: {}", plain(problem["hint"].as_str().unwrap_or_default())));
    }
    Ok(if ok { Exit::Done } else { Exit::Unfit })
}

pub(super) fn imported(imported: &Value) {
    for one in items(&imported["proposed"]) {
        say(&exactly(&one["connector"]));
        for remark in items(&one["notes"]) {
            note(&plain(remark.as_str().unwrap_or_default()));
        }
        say("");
    }
    for one in items(&imported["left_out"]) {
        let reason = one["reason"].as_str().unwrap_or_default();
        note(&format!("{} is left out: {}", text(&one["name"]), one_line(reason, 200)));
    }
    note("Nothing was contacted or started; `atelier connect approve NAME` asks for each.");
}
