//! `atelier providers`.
//!
//! Invariant: a key is read from standard input or a prompt that shows nothing, never from the
//! command line, where other users and the shell's history would see it.

use std::io::{IsTerminal, Read, Write};

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::Exit;
use super::session::{Place, with_client};
use super::terminal::{Ink, note, one_line, plain, say, say_json, size, table};
use crate::client::{Client, Problem, Result};

#[derive(Args)]
pub struct Providers {
    /// The list, where none is given
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// List the providers in the order they stand in
    #[command(after_help = "Example:\n  atelier providers list")]
    List,
    /// List the providers that are known by name
    #[command(after_help = "Example:\n  atelier providers presets")]
    Presets,
    /// Set a provider up
    #[command(after_help = "Examples:
  atelier providers add openai                      asks for the key, which is not shown
  atelier providers add openai --key-env OPENAI_API_KEY
  echo \"$KEY\" | atelier providers add anthropic --model claude-sonnet-4-5
  atelier providers add mine --base-url http://127.0.0.1:9000/v1 --model m --no-key")]
    Add(Add),
    /// Change a provider
    #[command(after_help = "Examples:
  atelier providers edit openai --model gpt-4.1
  atelier providers edit openai --new-key           asks for the key, which is not shown
  atelier providers edit openai --disable")]
    Edit(Edit),
    /// Remove a provider and its key
    #[command(after_help = "Example:\n  atelier providers remove openai")]
    Remove {
        /// Its name
        name: String,
    },
    /// Ask a provider whether it answers
    #[command(
        after_help = "Examples:\n  atelier providers test openai\n  atelier providers test openai --prompt"
    )]
    Test {
        /// Its name
        name: String,
        /// Also ask its model a short question, which may cost a little
        #[arg(long)]
        prompt: bool,
    },
    /// Show or say who is asked, and in which order
    #[command(after_help = "Examples:
  atelier providers routing
  atelier providers routing --order ollama,openai --policy local-first
  atelier providers routing --local-only on
  atelier providers routing --chain openai/gpt-4.1,anthropic --hedge-after-ms 1500
  atelier providers routing --no-chain --no-hedge")]
    Routing(Routing),
    /// Have Ollama fetch a model
    #[command(after_help = "Example:\n  atelier providers pull ollama llama3.1:8b")]
    Pull {
        /// The provider's name
        name: String,
        /// The model
        model: String,
    },
}

/// What can be said of a provider.
#[derive(Args)]
struct Members {
    /// Where it answers, up to and with the version
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// The model it is asked for
    #[arg(long)]
    model: Option<String>,
    /// How it speaks, such as `chat` or `anthropic`
    #[arg(long)]
    dialect: Option<String>,
    /// What it is called on screen
    #[arg(long)]
    title: Option<String>,
    /// The variable of the server's environment that holds its key
    #[arg(long, value_name = "NAME")]
    key_env: Option<String>,
    /// At most so many calls at once
    #[arg(long)]
    concurrency: Option<usize>,
}

#[derive(Args)]
struct Add {
    /// A preset, or a name for an endpoint of your own
    name: String,
    /// The preset, where the name is another
    #[arg(long)]
    preset: Option<String>,
    #[command(flatten)]
    members: Members,
    /// Without asking for a key
    #[arg(long, conflicts_with = "key_env")]
    no_key: bool,
}

#[derive(Args)]
struct Edit {
    /// Its name
    name: String,
    #[command(flatten)]
    members: Members,
    /// Give it another key
    #[arg(long, conflicts_with_all = ["key_env", "remove_key"])]
    new_key: bool,
    /// Forget its key
    #[arg(long, conflicts_with = "key_env")]
    remove_key: bool,
    /// Let it be asked
    #[arg(long, conflicts_with = "disable")]
    enable: bool,
    /// Do not let it be asked
    #[arg(long)]
    disable: bool,
}

#[derive(Args)]
struct Routing {
    /// The order they stand in; those left out come after
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    order: Option<Vec<String>>,
    /// Who is asked first where a request does not say
    #[arg(long, value_parser = models::Policy::NAMES)]
    policy: Option<String>,
    /// Whether only those on this machine are asked, whatever a request says
    #[arg(long, value_parser = ["on", "off"])]
    local_only: Option<String>,
    /// Who is asked in place of the policy's choice: `provider` or `provider/model`
    #[arg(long, value_name = "LINKS", value_delimiter = ',', conflicts_with = "no_chain")]
    chain: Option<Vec<String>>,
    /// Ask by the policy again
    #[arg(long)]
    no_chain: bool,
    /// Ask the next one too when the first word has not come after so long
    #[arg(long, value_name = "MS", conflicts_with = "no_hedge")]
    hedge_after_ms: Option<u64>,
    /// Wait for one at a time again
    #[arg(long)]
    no_hedge: bool,
}

/// A body of what was given.
fn given<const N: usize>(members: [(&str, Option<Value>); N]) -> Map<String, Value> {
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

impl Routing {
    fn body(self) -> Map<String, Value> {
        let none = |is_none: bool| is_none.then_some(Value::Null);
        given([
            ("order", self.order.map(Value::from)),
            ("policy", self.policy.map(Value::from)),
            ("local_only", self.local_only.map(|word| Value::from(word == "on"))),
            ("chain", self.chain.map(Value::from).or(none(self.no_chain))),
            ("hedge_after_ms", self.hedge_after_ms.map(Value::from).or(none(self.no_hedge))),
        ])
    }
}

impl Members {
    fn body(self) -> Map<String, Value> {
        given([
            ("base_url", self.base_url.map(Value::from)),
            ("model", self.model.map(Value::from)),
            ("dialect", self.dialect.map(Value::from)),
            ("title", self.title.map(Value::from)),
            ("api_key_env", self.key_env.map(Value::from)),
            ("concurrency", self.concurrency.map(Value::from)),
        ])
    }
}

pub async fn providers(place: &Place, providers: Providers, json: bool) -> Result<Exit> {
    with_client(place, async |client| {
        let answer = match providers.command.unwrap_or(Command::List) {
            Command::List => return list(client, json).await,
            Command::Presets => return presets(client, json).await,
            Command::Pull { name, model } => return pull(client, &name, &model, json).await,
            Command::Test { name, prompt } => return test(client, &name, prompt, json).await,
            Command::Add(add) => add.send(client).await?,
            Command::Edit(edit) => edit.send(client).await?,
            Command::Remove { name } => {
                client.delete_provider(&name).await?;
                json!({"name": name, "removed": true})
            }
            Command::Routing(change) => return routing(client, change.body(), json).await,
        };
        match (json, answer["name"].as_str()) {
            (true, _) => say_json(&answer),
            (false, Some(name)) if answer["removed"] == true => say(&format!("{} is removed", plain(name))),
            _ => say(&line(&answer).join("  ")),
        }
        Ok(Exit::Done)
    })
    .await
}

impl Add {
    async fn send(self, client: &Client) -> Result<Value> {
        let known = client.provider_presets().await?;
        let wanted = self.preset.as_deref().unwrap_or(&self.name);
        let preset = items(&known).find(|preset| preset["name"] == wanted);
        let needs_key = preset.is_none_or(|preset| preset["needs_key"] == true);
        let mut body = Map::from_iter([("name".to_owned(), json!(self.name))]);
        if preset.is_some() || self.preset.is_some() {
            body.insert("preset".into(), json!(wanted));
        }
        let asks = needs_key && !self.no_key && self.members.key_env.is_none();
        body.extend(self.members.body());
        if asks && let Some(key) = read_key(&self.name)? {
            body.insert("api_key".into(), key.into());
        }
        client.create_provider(body.into()).await
    }
}

impl Edit {
    async fn send(self, client: &Client) -> Result<Value> {
        let mut body = self.members.body();
        if self.new_key {
            let key = read_key(&self.name)?.ok_or_else(|| {
                Problem::invalid("no_key_given", "No key was given")
                    .with_hint("Type it when you are asked, or write it to standard input")
            })?;
            body.insert("api_key".into(), key.into());
        }
        if self.remove_key {
            body.insert("api_key".into(), Value::Null);
        }
        if self.enable || self.disable {
            body.insert("enabled".into(), self.enable.into());
        }
        client.update_provider(&self.name, body.into()).await
    }
}

/// A key from standard input; from a terminal, without showing it. `None` where nothing was given.
fn read_key(name: &str) -> Result<Option<String>> {
    let unreadable = |error: std::io::Error| {
        Problem::invalid("no_key_given", format!("The key cannot be read: {error}"))
            .with_hint("Write it to standard input, or name its variable with --key-env")
    };
    let mut stdin = std::io::stdin();
    let mut text = String::new();
    if stdin.is_terminal() {
        eprint!("Key for {} (not shown; empty for none): ", plain(name));
        let _ = std::io::stderr().flush();
        text = console::Term::stderr().read_secure_line().map_err(unreadable)?;
    } else {
        stdin.read_to_string(&mut text).map_err(unreadable)?;
    }
    let key = text.trim();
    Ok((!key.is_empty()).then(|| key.to_owned()))
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list["items"].as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().map(|text| one_line(text, 60)).unwrap_or_default()
}

fn line(provider: &Value) -> Vec<String> {
    let key = match (provider["key"]["state"].as_str(), provider["key"]["ending"].as_str()) {
        (Some("set"), Some(ending)) => format!("…{}", plain(ending)),
        (Some(state), _) => plain(state),
        _ => String::new(),
    };
    let state =
        if provider["enabled"] == false { "disabled".into() } else { text(&provider["health"]["state"]) };
    let place = if provider["is_local"] == true { "here" } else { "cloud" };
    vec![
        text(&provider["name"]),
        text(&provider["model"]),
        place.into(),
        state,
        key,
        text(&provider["source"]),
    ]
}

async fn list(client: &Client, json: bool) -> Result<Exit> {
    let found = client.providers().await?;
    if json {
        say_json(&found);
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = items(&found).map(line).collect();
    if rows.is_empty() {
        note("No model provider is set up; rules answer. `atelier providers presets` lists what is known.");
    } else {
        say(&table(&["name", "model", "where", "state", "key", "set up in"], &rows, Ink::stdout()));
    }
    let found = client.provider_suggestions().await?;
    for found in items(&found) {
        let name = text(&found["name"]);
        note(&format!("{} could be used: atelier providers add {name}", text(&found["title"])));
    }
    Ok(Exit::Done)
}

async fn routing(client: &Client, change: Map<String, Value>, json: bool) -> Result<Exit> {
    let routing = match change.is_empty() {
        true => client.routing().await?,
        false => client.change_routing(change.into()).await?,
    };
    if json {
        say_json(&routing);
        return Ok(Exit::Done);
    }
    let names = |list: &Value| {
        let names: Vec<_> = list.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        plain(&names.join(", "))
    };
    say(&format!("order       {}", names(&routing["order"])));
    say(&format!("policy      {}", text(&routing["policy"])));
    say(&format!("local only  {}", if routing["local_only"] == true { "on" } else { "off" }));
    if routing["chain"].is_array() {
        say(&format!("chain       {}", names(&routing["chain"])));
    }
    if let Some(pause) = routing["hedge_after_ms"].as_u64() {
        say(&format!("hedge after {pause} ms"));
    }
    Ok(Exit::Done)
}

async fn presets(client: &Client, json: bool) -> Result<Exit> {
    let found = client.provider_presets().await?;
    if json {
        say_json(&found);
        return Ok(Exit::Done);
    }
    let row = |preset: &Value| {
        ["name", "title", "default_model", "key_variable"].map(|member| text(&preset[member])).to_vec()
    };
    let rows: Vec<_> = items(&found).map(row).collect();
    say(&table(&["name", "title", "model", "key in"], &rows, Ink::stdout()));
    Ok(Exit::Done)
}

async fn test(client: &Client, name: &str, prompt: bool, json: bool) -> Result<Exit> {
    let report = client.test_provider(name, prompt).await?;
    let ok = report["ok"] == true;
    let ink = Ink::stdout();
    if json {
        say_json(&report);
    } else if ok {
        say(&format!("{} {} answers, in {} ms", ink.green("✓"), plain(name), report["latency_ms"]));
        if report["has_model"] == false {
            note("It does not list its model; choose one with `atelier providers edit --model`.");
        }
    } else {
        say(&format!(
            "{} {}",
            ink.red("✗"),
            plain(report["problem"]["message"].as_str().unwrap_or_default())
        ));
        note(&format!("hint: {}", plain(report["problem"]["hint"].as_str().unwrap_or_default())));
    }
    Ok(if ok { Exit::Done } else { Exit::Unfit })
}

async fn pull(client: &Client, name: &str, model: &str, json: bool) -> Result<Exit> {
    let mut events = client.pull_model(name, model).await?;
    let shows = !json && std::io::stderr().is_terminal();
    while let Some((event, data)) = events.next().await? {
        match event.as_str() {
            "progress" if shows => {
                let bytes = |member: &str| data[member].as_u64().map(size).unwrap_or_default();
                eprint!("\r\x1b[K{} {} {}", text(&data["status"]), bytes("completed"), bytes("total"));
            }
            "done" => {
                let done = json!({"provider": name, "model": model, "pulled": true});
                if json {
                    say_json(&done);
                } else {
                    say(&format!("{} is there", plain(model)));
                }
                return Ok(Exit::Done);
            }
            "failed" => return Err(Problem::of_event(&data["problem"])),
            _ => {}
        }
    }
    Err(Problem::unavailable("stream_broken", "The server ended the stream of progress"))
}
