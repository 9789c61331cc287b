//! The configuration that other programs keep of their servers: an object `mcpServers` (Claude
//! Desktop, Claude Code, Cursor, Windsurf) or `servers` (VS Code), by names.
//!
//! Invariant: reading it does nothing. What it names is proposed, with what was left out of it said.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::server::{NAME_BYTES, NewServer, Program, SecretText, Transport};
use crate::service::ServerView;
use crate::text;

/// The largest configuration, in bytes.
pub const CONFIGURATION_BYTES: usize = 1 << 20;
/// How many servers are read of one.
const SERVERS: usize = 100;
/// Programs that fetch what they run from a registry first.
const FETCHERS: [&str; 9] = ["npx", "npm", "pnpm", "bunx", "yarn", "uvx", "uv", "pipx", "deno"];

/// What was imported.
#[derive(Debug)]
pub struct Imported {
    /// The servers that are proposed now, with what was left out of each.
    pub proposed: Vec<(ServerView, Vec<String>)>,
    /// The servers that are not.
    pub left_out: Vec<LeftOut>,
}

/// A server of a configuration that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// As the configuration calls it.
    pub name: String,
    /// Why.
    pub reason: String,
}

type Read = (Vec<(NewServer, Vec<String>)>, Vec<LeftOut>);

/// Reads a configuration.
pub(crate) fn read(configuration: &str) -> Result<Read, Error> {
    let unfit = |reason: String| Error::ImportUnfit { reason };
    if configuration.len() > CONFIGURATION_BYTES {
        return Err(unfit(format!("it is larger than {} KiB", CONFIGURATION_BYTES >> 10)));
    }
    let whole: Value = serde_json::from_str(configuration).map_err(|error| {
        unfit(format!("it is no JSON (line {}, column {})", error.line(), error.column()))
    })?;
    let mcp = whole.get("mcp").unwrap_or(&Value::Null);
    let found = [whole.get("mcpServers"), whole.get("servers"), mcp.get("servers")];
    let Some(servers) = found.into_iter().flatten().find_map(Value::as_object) else {
        return Err(unfit("it has no object `mcpServers` or `servers`".into()));
    };
    if servers.len() > SERVERS {
        return Err(unfit(format!("it has more than {SERVERS} servers")));
    }
    let (mut taken, mut left_out) = (Vec::new(), Vec::new());
    for (name, server) in servers {
        match one(name, server) {
            Ok(new) => taken.push(new),
            Err(reason) => left_out.push(LeftOut { name: text::label(name, 80), reason }),
        }
    }
    Ok((taken, left_out))
}

fn one(name: &str, server: &Value) -> Result<(NewServer, Vec<String>), String> {
    let name = fit_name(name).ok_or("its name has nothing that a name can be made of")?;
    let Value::Object(members) = server else { return Err("it is no object".into()) };
    let mut notes = Vec::new();
    let enabled = members.get("disabled").and_then(Value::as_bool) != Some(true);
    let sort = members.get("type").or(members.get("transport")).and_then(Value::as_str);
    if sort == Some("sse") {
        return Err("it speaks the old transport over events, which is not spoken here".into());
    }
    let address = ["url", "serverUrl", "httpUrl"].into_iter().find_map(|name| members.get(name));
    let new = match (address.and_then(Value::as_str), members.get("command").and_then(Value::as_str)) {
        (Some(url), _) => {
            let token = bearer(members, &mut notes);
            let transport = Transport::Http { url: url.to_owned(), token: None };
            NewServer { name, transport, token, secrets: BTreeMap::new(), enabled }
        }
        (None, Some(command)) => {
            let (program, secrets) = program(command, members, &mut notes)?;
            NewServer { name, transport: Transport::Stdio(program), token: None, secrets, enabled }
        }
        (None, None) => return Err("it has neither `url` nor `command`".into()),
    };
    Ok((new, notes))
}

/// A name made of what another program calls a server.
fn fit_name(name: &str) -> Option<String> {
    let fit = |one: char| if matches!(one, 'a'..='z' | '0'..='9' | '_' | '-') { one } else { '-' };
    let mapped: String = name.to_lowercase().chars().map(fit).take(NAME_BYTES).collect();
    let trimmed = mapped.trim_matches('-');
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}

/// The token among the headers. Others are left out, and said.
fn bearer(members: &Map<String, Value>, notes: &mut Vec<String>) -> Option<SecretText> {
    let mut token = None;
    for (name, value) in members.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let said = value.as_str().and_then(|value| value.split_once(' '));
        match said {
            Some((scheme, given))
                if name.eq_ignore_ascii_case("authorization") && scheme.eq_ignore_ascii_case("bearer") =>
            {
                match is_placeholder(given) {
                    true => notes.push("the token is a placeholder; give the real one".into()),
                    false => token = Some(SecretText::new(given.trim().to_owned())),
                }
            }
            _ => notes.push(format!("the header `{}` was left out", text::label(name, 80))),
        }
    }
    token
}

fn program(
    command: &str,
    members: &Map<String, Value>,
    notes: &mut Vec<String>,
) -> Result<(Program, BTreeMap<String, SecretText>), String> {
    let args = match members.get("args") {
        None => Vec::new(),
        Some(Value::Array(args)) => args
            .iter()
            .map(|one| one.as_str().map(str::to_owned).ok_or("an argument is no text"))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err("its arguments are no list".into()),
    };
    let mut program = Program { command: command.to_owned(), args, ..Program::default() };
    let mut secrets = BTreeMap::new();
    for (name, value) in members.get("env").and_then(Value::as_object).into_iter().flatten() {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => return Err(format!("the variable `{}` is no text", text::label(name, 80))),
        };
        if is_placeholder(&value) {
            notes.push(format!("the variable `{}` is a placeholder; give it a value", text::label(name, 80)));
        } else if is_secret(name) {
            secrets.insert(name.clone(), SecretText::new(value));
        } else {
            program.environment.insert(name.clone(), value);
        }
    }
    for name in ["cwd", "envFile"] {
        if members.contains_key(name) {
            notes.push(format!("`{name}` was left out: it runs in a folder of its own"));
        }
    }
    let base = command.rsplit('/').next().unwrap_or_default();
    program.registries = FETCHERS.contains(&base);
    if program.registries {
        notes.push(format!("`{base}` fetches what it runs, so it may reach the package registries"));
    }
    Ok((program, secrets))
}

/// What is to be filled in by the program the configuration was made for.
fn is_placeholder(value: &str) -> bool {
    value.contains("${") || (value.starts_with('<') && value.ends_with('>'))
}

/// Whether a variable's value is shown to nobody. What can change what is run never is one.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let words =
        ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASS", "CREDENTIAL", "CREDENTIALS", "PAT", "AUTH"];
    name.split('_').any(|part| words.contains(&part))
        || ["APIKEY", "ACCESSKEY"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLAUDE: &str = r#"{"mcpServers": {
        "GitHub Tools": {"command": "npx", "args": ["-y", "@scope/server"], "env": {"GITHUB_TOKEN": "canary", "NODE_OPTIONS": "--require /tmp/x"}},
        "docs": {"type": "http", "url": "https://docs.example/mcp", "headers": {"Authorization": "Bearer canary", "X-Team": "a"}},
        "old": {"type": "sse", "url": "https://old.example/sse"},
        "prompted": {"command": "/usr/bin/server", "env": {"API_KEY": "${input:key}"}, "disabled": true, "cwd": "/"},
        "broken": {"args": []}, "worse": 7, "!!": {"command": "x"}, "args": {"command": "x", "args": [1]}
    }}"#;

    #[test]
    fn servers_are_read_as_other_programs_write_them() {
        let (taken, left_out) = read(CLAUDE).unwrap();
        let (github, notes) = &taken[0];
        let Transport::Stdio(program) = &github.transport else { panic!("{github:?}") };
        assert_eq!((github.name.as_str(), program.registries, notes.len()), ("github-tools", true, 1));
        assert_eq!(github.secrets.keys().collect::<Vec<_>>(), ["GITHUB_TOKEN"]);
        // What changes what is run has to be seen by whoever approves it.
        assert_eq!(program.environment["NODE_OPTIONS"], "--require /tmp/x");
        let (docs, notes) = &taken[1];
        assert_eq!(docs.token.as_ref().map(SecretText::expose), Some("canary"));
        assert!(notes[0].contains("X-Team") && !format!("{docs:?}").contains("canary"));
        let (prompted, notes) = &taken[2];
        assert!(!prompted.enabled && prompted.secrets.is_empty() && notes.len() == 2);
        let names: Vec<_> = left_out.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["old", "broken", "worse", "!!", "args"]);
    }

    #[test]
    fn what_editors_write_is_read_as_well() {
        for text in
            [r#"{"servers": {"a": {"command": "x"}}}"#, r#"{"mcp": {"servers": {"a": {"command": "x"}}}}"#]
        {
            assert_eq!(read(text).unwrap().0.len(), 1);
        }
    }

    #[test]
    fn what_is_no_configuration_is_refused_without_repeating_it() {
        for text in ["", "canary", "[]", r#"{"canary": 1}"#, r#"{"mcpServers": []}"#] {
            let error = read(text).unwrap_err().to_string();
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
