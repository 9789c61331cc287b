//! `atelier connect`: servers of tools that agents may use.
//!
//! Invariants: a secret is read from standard input or a prompt that shows nothing, never from the
//! command line; what is approved was shown first, exactly.

mod show;

use std::io::{IsTerminal, Read, Write};

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::Exit;
use super::session::{Place, with_client};
use super::terminal::{is_interactive, note, plain, say, say_json};
use crate::client::{Client, Problem, Result};

#[derive(Args)]
pub struct Connect {
    /// The list, where none is given
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// List the servers
    #[command(after_help = "Example:\n  atelier connect list")]
    List,
    /// Add a server, and connect to it
    #[command(after_help = "Examples:
  atelier connect add docs --address https://docs.example/mcp
  atelier connect add work --address https://work.example/mcp --bearer  asks for the token, which is not shown
  atelier connect add files --folder /srv/notes -- npx -y @modelcontextprotocol/server-filesystem /srv/notes
  atelier connect add mine --host api.example.com --secret API_KEY -- /srv/mine/server --stdio

A program runs in a sandbox of its own: with a working folder that stays, without the rest of this machine, and
without a network. --registries lets npx, uvx and the like fetch what they run, --host lets it reach a host, and
--folder lets it read a folder.")]
    Add(Add),
    /// List the servers of another program's configuration as proposed; none is contacted or started
    #[command(after_help = "Examples:
  atelier connect import ~/.config/Claude/claude_desktop_config.json
  atelier connect import .cursor/mcp.json
  atelier connect import .vscode/mcp.json")]
    Import {
        /// The file; `-` for standard input
        file: String,
    },
    /// Show exactly what would be contacted or started, and approve it
    #[command(after_help = "Examples:
  atelier connect approve docs                      shows it and asks
  atelier connect approve docs --digest 3f0b…       what `atelier connect show docs --json` said")]
    Approve {
        /// The server's name
        name: String,
        /// The digest of what was looked at; asks where it is not given
        #[arg(long)]
        digest: Option<String>,
    },
    /// Show a server and its tools
    #[command(after_help = "Example:\n  atelier connect show docs")]
    Show {
        /// The server's name
        name: String,
    },
    /// Connect to a server and have it list its tools
    #[command(after_help = "Example:\n  atelier connect test docs")]
    Test {
        /// The server's name
        name: String,
    },
    /// Say whether a tool is used, and what it may do
    #[command(after_help = "Examples:
  atelier connect grant docs search allow
  atelier connect grant docs search allow --class read
  atelier connect grant docs delete_page deny
  atelier connect grant docs search ask --class guessed")]
    Grant(Grant),
    /// Change a server; what would be contacted or started has to be approved again
    #[command(after_help = "Examples:
  atelier connect edit docs --disable
  atelier connect edit docs --bearer                asks for another token
  atelier connect edit files --folder /srv/notes --folder /srv/more")]
    Edit(Edit),
    /// Remove a server, its secrets and its folder
    #[command(after_help = "Example:\n  atelier connect remove docs")]
    Remove {
        /// The server's name
        name: String,
    },
}

#[derive(Args)]
struct Add {
    /// A name: a-z, 0-9, `_` and `-`
    name: String,
    /// Its address, for streamable HTTP
    #[arg(long, value_name = "URL", conflicts_with_all = ["program", "registries", "host", "folder", "env", "secret"])]
    address: Option<String>,
    /// Ask for the bearer token that is sent to the address
    #[arg(long, requires = "address")]
    bearer: bool,
    /// A variable of the program
    #[arg(long, value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// A variable of the program whose value is asked for
    #[arg(long, value_name = "NAME")]
    secret: Vec<String>,
    #[command(flatten)]
    reach: Reach,
    /// Do not connect to it now
    #[arg(long)]
    no_test: bool,
    /// The program and its arguments
    #[arg(last = true, required_unless_present = "address", value_name = "COMMAND")]
    program: Vec<String>,
}

/// What a program gets of this machine and the net.
#[derive(Args)]
struct Reach {
    /// A host it may reach
    #[arg(long, value_name = "HOST")]
    host: Vec<String>,
    /// Let it reach the package registries of this machine
    #[arg(long)]
    registries: bool,
    /// A folder of this machine that it may read
    #[arg(long, value_name = "PATH")]
    folder: Vec<String>,
}

#[derive(Args)]
struct Grant {
    /// The server's name
    server: String,
    /// The tool, as `atelier connect show` lists it
    tool: String,
    /// `allow` it, `ask` before each use, or `deny` it
    #[arg(value_parser = ["allow", "ask", "deny"])]
    grant: String,
    /// What it may do at most
    #[arg(long, value_parser = ["read", "write", "execute", "network", "send", "guessed"])]
    class: Option<String>,
}

#[derive(Args)]
struct Edit {
    /// The server's name
    name: String,
    /// Another address
    #[arg(long, value_name = "URL")]
    address: Option<String>,
    /// Ask for another token
    #[arg(long, conflicts_with = "remove_bearer")]
    bearer: bool,
    /// Forget the token
    #[arg(long)]
    remove_bearer: bool,
    /// A variable that is a secret, whose value is asked for
    #[arg(long, value_name = "NAME")]
    secret: Vec<String>,
    #[command(flatten)]
    reach: Reach,
    /// Have its tools used
    #[arg(long, conflicts_with = "disable")]
    enable: bool,
    /// Have them not used
    #[arg(long)]
    disable: bool,
}

pub async fn connect(place: &Place, connect: Connect, json: bool) -> Result<Exit> {
    with_client(place, async |client| match connect.command.unwrap_or(Command::List) {
        Command::List => show::list(client, json).await,
        Command::Show { name } => show::one(client, &name, json).await,
        Command::Test { name } => show::test(client, &name, json).await,
        Command::Add(add) => add.send(client, json).await,
        Command::Import { file } => import(client, &file, json).await,
        Command::Approve { name, digest } => approve(client, &name, digest, json).await,
        Command::Grant(grant) => {
            let (server, body) = grant.body();
            let answer = client.update_connector(&server, body).await?;
            show::tools(&answer, json);
            Ok(Exit::Done)
        }
        Command::Edit(edit) => {
            let (name, body) = edit.body()?;
            let answer = client.update_connector(&name, body).await?;
            show::detail(&answer, json);
            Ok(Exit::Done)
        }
        Command::Remove { name } => {
            client.delete_connector(&name).await?;
            match json {
                true => say_json(&json!({"name": name, "removed": true})),
                false => say(&format!("{} is removed", plain(&name))),
            }
            Ok(Exit::Done)
        }
    })
    .await
}

impl Reach {
    fn extend(self, body: &mut Map<String, Value>) {
        if !self.host.is_empty() {
            body.insert("hosts".into(), self.host.into());
        }
        if self.registries {
            body.insert("registries".into(), true.into());
        }
        if !self.folder.is_empty() {
            body.insert("folders".into(), self.folder.into());
        }
    }
}

impl Add {
    async fn send(self, client: &Client, json: bool) -> Result<Exit> {
        let mut body = Map::from_iter([("name".to_owned(), json!(self.name))]);
        if let Some(url) = self.address {
            body.insert("url".into(), url.into());
        }
        if self.bearer {
            body.insert("token".into(), read_secret("the token")?.into());
        }
        let mut program = self.program.into_iter();
        if let Some(command) = program.next() {
            body.insert("command".into(), command.into());
            body.insert("args".into(), program.collect::<Vec<_>>().into());
            let variables = self.env.iter().map(|given| variable(given)).collect::<Result<Map<_, _>>>()?;
            body.insert("env".into(), variables.into());
            body.insert("secrets".into(), secrets(&self.secret)?.into());
        }
        self.reach.extend(&mut body);
        let added = client.create_connector(body.into()).await?;
        if self.no_test {
            match json {
                true => say_json(&added),
                false => say(&format!("{} is added", plain(&self.name))),
            }
            return Ok(Exit::Done);
        }
        show::test(client, &self.name, json).await
    }
}

impl Grant {
    fn body(self) -> (String, Value) {
        let mut tool = Map::from_iter([("grant".to_owned(), json!(self.grant))]);
        match self.class.as_deref() {
            Some("guessed") => _ = tool.insert("class".into(), Value::Null),
            Some(class) => _ = tool.insert("class".into(), class.into()),
            None => {}
        }
        let tools = Map::from_iter([(self.tool, Value::Object(tool))]);
        (self.server, json!({ "tools": tools }))
    }
}

impl Edit {
    fn body(self) -> Result<(String, Value)> {
        let mut body = Map::new();
        if let Some(url) = self.address {
            body.insert("url".into(), url.into());
        }
        if self.bearer {
            body.insert("token".into(), read_secret("the token")?.into());
        }
        if self.remove_bearer {
            body.insert("token".into(), Value::Null);
        }
        if !self.secret.is_empty() {
            body.insert("secrets".into(), secrets(&self.secret)?.into());
        }
        if self.enable || self.disable {
            body.insert("enabled".into(), self.enable.into());
        }
        self.reach.extend(&mut body);
        Ok((self.name, body.into()))
    }
}

fn variable(given: &str) -> Result<(String, Value)> {
    let (name, value) = given.split_once('=').ok_or_else(|| {
        Problem::invalid("variable_unfit", format!("`{}` is no variable", plain(given)))
            .with_hint("Write NAME=VALUE; for a secret use --secret NAME")
    })?;
    Ok((name.to_owned(), value.into()))
}

fn secrets(names: &[String]) -> Result<Map<String, Value>> {
    names.iter().map(|name| Ok((name.clone(), read_secret(name)?.into()))).collect()
}

/// A secret from a line of standard input; from a terminal, without showing it.
fn read_secret(what: &str) -> Result<String> {
    let missing = |reason: String| {
        Problem::invalid("no_secret_given", format!("There is no value for {}: {reason}", plain(what)))
            .with_hint("Type it when you are asked, or write each to a line of standard input")
    };
    let text = if std::io::stdin().is_terminal() {
        eprint!("Value of {} (not shown): ", plain(what));
        let _ = std::io::stderr().flush();
        console::Term::stderr().read_secure_line().map_err(|error| missing(error.to_string()))?
    } else {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map_err(|error| missing(error.to_string()))?;
        line
    };
    match text.trim() {
        "" => Err(missing("it is empty".into())),
        text => Ok(text.to_owned()),
    }
}

async fn import(client: &Client, file: &str, json: bool) -> Result<Exit> {
    let unreadable = |reason: String| {
        Problem::invalid("configuration_unreadable", format!("{} cannot be read: {reason}", plain(file)))
            .with_hint("Name the file in which the other program keeps its servers")
    };
    let text = match file {
        "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map(|_| text)
        }
        file => std::fs::read_to_string(file),
    };
    let text = text.map_err(|error| unreadable(error.to_string()))?;
    let configuration: Value =
        serde_json::from_str(&text).map_err(|error| unreadable(format!("it is no JSON: {error}")))?;
    let imported = client.import_connectors(configuration).await?;
    if json {
        say_json(&imported);
    } else {
        show::imported(&imported);
    }
    Ok(Exit::Done)
}

async fn approve(client: &Client, name: &str, digest: Option<String>, json: bool) -> Result<Exit> {
    let digest = match digest {
        Some(digest) => digest,
        None => {
            let found = client.connector(name).await?;
            let connector = &found["connector"];
            if !is_interactive() || json {
                return Err(Problem::invalid("digest_needed", "Nobody can be asked here")
                    .with_hint("Give the digest of what was looked at with --digest"));
            }
            say(&show::exactly(connector));
            eprint!("Let this be contacted or started? [y/N] ");
            let _ = std::io::stderr().flush();
            let mut answer = String::new();
            let read = std::io::stdin().read_line(&mut answer);
            if read.is_err() || !matches!(answer.trim(), "y" | "Y" | "yes") {
                note("It is not approved.");
                return Ok(Exit::Unfit);
            }
            connector["digest"].as_str().unwrap_or_default().to_owned()
        }
    };
    let approved = client.approve_connector(name, &digest).await?;
    match json {
        true => say_json(&approved),
        false => say(&format!("{} is approved; `atelier connect test` lists its tools", plain(name))),
    }
    Ok(Exit::Done)
}
