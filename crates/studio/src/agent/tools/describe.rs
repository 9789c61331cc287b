//! What a model is told of the tools. The names and arguments are the seed document's.

use models::Tool;
use serde_json::{Value, json};

/// All tools.
pub fn definitions() -> Vec<Tool> {
    [of_files(), of_programs()].concat()
}

fn text(what: &str) -> Value {
    json!({ "type": "string", "description": what })
}

fn of_files() -> Vec<Tool> {
    let path = || text("A path below the project's folder, such as `src/App.tsx`");
    vec![
        tool(
            "fs_list",
            "Lists a folder of the project.",
            json!({ "dir": text("The folder; empty for the project's own") }),
            &[],
        ),
        tool("fs_read", "Reads a text file of the project.", json!({ "path": path() }), &["path"]),
        tool(
            "fs_search",
            "Looks for a text in the project's files.",
            json!({
                "query": text("The text, or with `regex` a regular expression"),
                "regex": { "type": "boolean" },
                "glob": text("Only files whose path fits, such as `src/**/*.tsx`"),
            }),
            &["query"],
        ),
        tool(
            "fs_write",
            "Writes a whole file: a new one, or in place of an old one. For a small change use `fs_edit`.",
            json!({ "path": path(), "content": text("The file's whole content") }),
            &["path", "content"],
        ),
        tool(
            "fs_edit",
            "Replaces a piece of a file. `old` must stand in it exactly as given, and once, unless `all` is true.",
            json!({
                "path": path(),
                "old": text("What is there now, with enough around it to be unique"),
                "new": text("What comes in its place"),
                "all": { "type": "boolean", "description": "Replace it wherever it stands" },
            }),
            &["path", "old", "new"],
        ),
        tool(
            "checkpoint",
            "Keeps the project as it is now, so that it can be brought back.",
            json!({ "label": text("What it is called, a few words") }),
            &["label"],
        ),
    ]
}

fn of_programs() -> Vec<Tool> {
    vec![
        tool(
            "install",
            "Installs packages from the registry.",
            json!({
                "pkgManager": { "type": "string", "enum": ["npm", "pip"] },
                "args": { "type": "array", "items": { "type": "string" }, "description": "The packages" },
            }),
            &["pkgManager", "args"],
        ),
        tool(
            "exec",
            "Runs a line of shell in the project's folder and gives what it wrote. It has no network but the package registries. For a server use `dev_start`.",
            json!({
                "cmd": text("The line"),
                "cwd": text("The folder it starts in, below the project's"),
                "timeoutSec": { "type": "integer", "minimum": 1, "maximum": 120 },
            }),
            &["cmd"],
        ),
        tool(
            "dev_start",
            "Starts the dev server in place of the one that runs, and waits until it answers.",
            json!({
                "cmd": text("A line of shell; the server must listen on 127.0.0.1"),
                "port": { "type": "integer", "minimum": 1024, "maximum": 65535 },
            }),
            &["cmd", "port"],
        ),
        tool("dev_stop", "Stops the dev server.", json!({}), &[]),
        tool(
            "http_fetch",
            "Reads a page of a host that the project's owner has allowed.",
            json!({ "url": text("An http or https address") }),
            &["url"],
        ),
    ]
}

/// The schema of a tool's arguments.
pub(super) fn parameters_of(name: &str) -> Option<Value> {
    definitions().into_iter().find(|tool| tool.name == name).map(|tool| tool.parameters)
}

fn tool(name: &str, description: &str, properties: Value, required: &[&str]) -> Tool {
    Tool {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        parameters: json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        }),
        strict: None,
    }
}
