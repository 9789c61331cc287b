//! How a server of tools looks on the wire.

use std::collections::{BTreeMap, BTreeSet};

use ::connectors::server::{Approval, Transport};
use ::connectors::{ServerView, tool};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::wire::Moment;

/// A server of tools, and exactly what would be contacted or started.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "name": "docs", "kind": "http", "url": "https://docs.example/mcp", "has_token": true, "command": null, "args": [],
    "env": {}, "secrets": [], "hosts": [], "registries": false, "folders": [], "enabled": true, "approval": "approved",
    "digest": "3f0b", "is_local": false, "is_connected": false, "problem": null, "tools": 12,
    "listed_at": "2026-11-02T10:00:00Z",
}))]
pub(super) struct Connector {
    /// Its name.
    name: String,
    /// How it is talked to.
    kind: ConnectorKind,
    /// Its address.
    #[schema(required)]
    url: Option<String>,
    /// Whether a token is sent to it.
    has_token: bool,
    /// Its program.
    #[schema(required)]
    command: Option<String>,
    /// The program's arguments.
    args: Vec<String>,
    /// The program's variables that are no secrets.
    env: BTreeMap<String, String>,
    /// The names of its variables that are secrets.
    secrets: Vec<String>,
    /// The hosts the program may reach.
    hosts: Vec<String>,
    /// Whether it may reach the package registries of this machine.
    registries: bool,
    /// The folders of this machine that it may read.
    folders: BTreeSet<String>,
    /// Whether its tools are used.
    enabled: bool,
    /// Whether it is what the owner approved. Nothing else is contacted or started.
    approval: ConnectorApproval,
    /// Over all that would be contacted or started; what `approve` takes.
    digest: String,
    /// Whether what its tools are given stays on this machine.
    is_local: bool,
    /// Whether a connection is open.
    is_connected: bool,
    /// What went wrong last, if anything did since it last worked.
    #[schema(required)]
    problem: Option<String>,
    /// How many tools it has.
    tools: usize,
    /// When it listed them last.
    #[schema(required)]
    listed_at: Option<Moment>,
}

/// How a server of tools is talked to.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ConnectorKind {
    /// At an address.
    Http,
    /// As a program, over its standard input and output.
    Stdio,
}

/// Whether a server is what was approved.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ConnectorApproval {
    /// It is.
    Approved,
    /// It was imported, and nobody approved it yet.
    Proposed,
    /// It was changed since it was approved.
    Withdrawn,
}

/// A server of tools with its tools.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConnectorDetail {
    /// The server.
    connector: Connector,
    /// Its tools, with those that are gone and carry a decision.
    tools: Vec<ConnectorTool>,
}

/// A tool of a server.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "name": "search", "title": null, "description": "Searches the docs.", "input_schema": {"type": "object"},
    "class": "network", "guessed_class": "network", "grant": "ask", "has_changed": false, "is_listed": true,
    "digest": "9a1c",
}))]
pub(super) struct ConnectorTool {
    /// As the server calls it.
    name: String,
    /// What a person reads.
    #[schema(required)]
    title: Option<String>,
    /// What the server says it does, made plain.
    description: String,
    /// The JSON schema of its arguments.
    #[schema(value_type = Object)]
    input_schema: Value,
    /// What it may do at most.
    class: ToolClass,
    /// The class that its server's hints allow to guess.
    guessed_class: ToolClass,
    /// Whether it is used.
    grant: ToolGrant,
    /// Whether it is defined otherwise than when it was granted, so that it asks again.
    has_changed: bool,
    /// Whether the server listed it the last time.
    is_listed: bool,
    /// Over its whole definition.
    digest: String,
}

/// What a tool may do at most.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ToolClass {
    /// Look, and change nothing.
    Read,
    /// Change what belongs to the server.
    Write,
    /// Destroy or run something.
    Execute,
    /// Reach the world beyond the server.
    Network,
    /// Change something in the world beyond the server: send, publish, buy.
    Send,
}

/// Whether a tool is used.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ToolGrant {
    /// After a person has seen exactly what will be sent.
    Ask,
    /// Without asking, where nothing else stands against it.
    Allow,
    /// Not at all; no model hears of it.
    Deny,
}

impl From<ServerView> for Connector {
    fn from(view: ServerView) -> Self {
        let mut shown = Self {
            name: view.server.name,
            kind: ConnectorKind::Http,
            url: None,
            has_token: false,
            command: None,
            args: Vec::new(),
            env: BTreeMap::new(),
            secrets: Vec::new(),
            hosts: Vec::new(),
            registries: false,
            folders: BTreeSet::new(),
            enabled: view.server.enabled,
            approval: match view.approval {
                Approval::Approved => ConnectorApproval::Approved,
                Approval::Proposed => ConnectorApproval::Proposed,
                Approval::Withdrawn => ConnectorApproval::Withdrawn,
            },
            digest: view.digest,
            is_local: view.is_local,
            is_connected: view.is_connected,
            problem: view.problem,
            tools: view.tools.iter().filter(|tool| tool.is_listed).count(),
            listed_at: view.listed_at.map(Moment),
        };
        match view.server.transport {
            Transport::Http { url, token } => {
                (shown.url, shown.has_token) = (Some(url), token.is_some());
            }
            Transport::Stdio(program) => {
                shown.kind = ConnectorKind::Stdio;
                shown.command = Some(program.command);
                shown.args = program.args;
                shown.env = program.environment;
                shown.secrets = program.secrets.into_keys().collect();
                shown.hosts = program.hosts;
                shown.registries = program.registries;
                shown.folders = program.folders;
            }
        }
        shown
    }
}

impl From<ServerView> for ConnectorDetail {
    fn from(view: ServerView) -> Self {
        let tools = view.tools.iter().cloned().map(ConnectorTool::from).collect();
        Self { connector: view.into(), tools }
    }
}

impl From<tool::Tool> for ConnectorTool {
    fn from(tool: tool::Tool) -> Self {
        Self {
            class: tool.class().into(),
            guessed_class: tool.hints.class().into(),
            grant: match tool.grant {
                tool::Grant::Ask => ToolGrant::Ask,
                tool::Grant::Allow => ToolGrant::Allow,
                tool::Grant::Deny => ToolGrant::Deny,
            },
            name: tool.name,
            title: tool.title,
            description: tool.description,
            input_schema: tool.input_schema,
            has_changed: tool.has_changed,
            is_listed: tool.is_listed,
            digest: tool.digest,
        }
    }
}

impl From<tool::Class> for ToolClass {
    fn from(class: tool::Class) -> Self {
        match class {
            tool::Class::Read => Self::Read,
            tool::Class::Write => Self::Write,
            tool::Class::Execute => Self::Execute,
            tool::Class::Network => Self::Network,
            tool::Class::Send => Self::Send,
        }
    }
}

impl From<ToolClass> for tool::Class {
    fn from(class: ToolClass) -> Self {
        match class {
            ToolClass::Read => Self::Read,
            ToolClass::Write => Self::Write,
            ToolClass::Execute => Self::Execute,
            ToolClass::Network => Self::Network,
            ToolClass::Send => Self::Send,
        }
    }
}

impl From<ToolGrant> for tool::Grant {
    fn from(grant: ToolGrant) -> Self {
        match grant {
            ToolGrant::Ask => Self::Ask,
            ToolGrant::Allow => Self::Allow,
            ToolGrant::Deny => Self::Deny,
        }
    }
}
