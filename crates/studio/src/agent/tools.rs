//! The tools of the Studio's agent: what each takes, what it may do, and its doing.
//!
//! Using a tool has two halves. [`Toolbox::prepare`] reads the arguments and finds out exactly what
//! will be done, without doing it; a gate shows that, and a durable run records it. [`Toolbox::apply`]
//! does it, and doing it again after a crash leaves what doing it once would have left: a file is
//! written only where it is still what it was, and before a command is run again the folder is put
//! back to the checkpoint that was made before it.
//!
//! Whatever is wrong with a call is told to the model as the tool's answer, in words it can act on.

mod arguments;
mod connectors;
mod describe;

use std::sync::Arc;
use std::time::Duration;

use ::connectors::{Class, Connectors, Grant};
use models::{Tool, ToolCall};
use sandbox::egress::{self, FetchRequest, Policy, Uplink};
use sandbox::{Command, Execution, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use worktree::checkpoints::CheckpointKind;
use worktree::{EntryKind, Expected, Query, TreePath, Version, Worktree};

use crate::logs::LogSource;
use crate::project::Project;
use crate::session::DevCommand;
use arguments::Arguments;
pub(super) use connectors::is_name as is_of_another_server;
pub use describe::definitions;

/// The longest answer a model gets, in bytes; what is left out is said.
const ANSWER_BYTES: usize = 16 << 10;
/// The largest file a model reads or writes.
const FILE_BYTES: u64 = 1 << 20;
/// How long a command may run, at most and usually.
const LONGEST_COMMAND: Duration = Duration::from_secs(120);
const INSTALL_TIMEOUT: Duration = Duration::from_secs(600);

/// What a tool is allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Look at the project.
    Read,
    /// Change its files.
    Write,
    /// Run programs in its sandbox.
    Execute,
    /// Reach hosts outside.
    Network,
    /// Change something outside.
    Send,
}

/// What exactly will be done. It is recorded, and shown to whoever is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ToolUse {
    /// A look; it changes nothing.
    Look {
        /// The tool.
        tool: String,
        /// What it is given.
        arguments: Value,
    },
    /// A file gets this content.
    Write {
        /// The file.
        path: String,
        /// What it is now; `None` if it is not there.
        before: Option<String>,
        /// Its new content.
        content: String,
    },
    /// A program runs to its end.
    Run {
        /// The program and its arguments.
        argv: Vec<String>,
        /// The folder it starts in.
        folder: String,
        /// How long it may take.
        timeout_ms: u64,
        /// The state of the folder before it.
        checkpoint: String,
        /// Whether it installs packages.
        installs: bool,
    },
    /// The dev server is started.
    StartDev {
        /// The line for the shell.
        command: String,
        /// The port.
        port: u16,
    },
    /// The dev server is stopped.
    StopDev,
    /// A page outside is read.
    Fetch {
        /// Its address.
        url: String,
    },
    /// A checkpoint is made.
    Checkpoint {
        /// What it is called.
        label: String,
    },
    /// A tool of another server is called.
    Connector {
        /// The server.
        server: String,
        /// The tool, as the server calls it.
        tool: String,
        /// What it is given.
        arguments: Value,
        /// What it may do at most.
        class: Class,
        /// Whether the owner lets it be used without asking.
        grant: Grant,
        /// Whether it is defined otherwise than when that was said.
        has_changed: bool,
        /// Whether what it is given stays on this machine.
        is_local: bool,
        /// Over its definition, so that no other tool is called.
        digest: String,
    },
}

impl ToolUse {
    /// What it needs to be allowed.
    pub fn permission(&self) -> Permission {
        match self {
            Self::Look { .. } | Self::Checkpoint { .. } => Permission::Read,
            Self::Write { .. } => Permission::Write,
            Self::Run { .. } | Self::StartDev { .. } | Self::StopDev => Permission::Execute,
            Self::Fetch { .. } => Permission::Network,
            Self::Connector { class, .. } => match class {
                Class::Read => Permission::Read,
                Class::Write => Permission::Write,
                Class::Execute => Permission::Execute,
                Class::Network => Permission::Network,
                Class::Send => Permission::Send,
            },
        }
    }

    /// Whether its answer holds what somebody outside wrote.
    pub fn is_from_outside(&self) -> bool {
        matches!(self, Self::Fetch { .. } | Self::Connector { .. })
    }

    /// Whether the project may be another one afterwards.
    pub fn changes(&self) -> bool {
        matches!(self, Self::Write { .. } | Self::Run { .. })
    }
}

/// What a tool answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// What the model is told.
    pub text: String,
    /// Whether it failed.
    pub is_error: bool,
}

impl Used {
    fn said(text: impl AsRef<str>) -> Self {
        Self { text: shortened(text.as_ref()), is_error: false }
    }

    fn failed(text: impl AsRef<str>) -> Self {
        Self { text: shortened(text.as_ref()), is_error: true }
    }
}

/// The tools over one project.
#[derive(Clone)]
pub struct Toolbox {
    project: Arc<Project>,
    uplink: Uplink,
    connectors: Connectors,
}

impl Toolbox {
    /// Tools over a project, and those of other servers; pages outside are read over `uplink`.
    pub fn new(project: Arc<Project>, uplink: Uplink, connectors: Connectors) -> Self {
        Self { project, uplink, connectors }
    }

    /// What a model is told of them.
    ///
    /// # Errors
    /// When it cannot be read which there are.
    pub async fn definitions(&self) -> kernel::Result<Vec<Tool>> {
        let of_others = connectors::definitions(&self.connectors).await?;
        Ok([definitions(), of_others].concat())
    }

    /// Finds out what a call would do. The error is the answer to a call that cannot be meant.
    pub async fn prepare(&self, call: &ToolCall) -> Result<ToolUse, Used> {
        let arguments = Arguments::read(call).map_err(Used::failed)?;
        if connectors::is_name(&call.name) {
            return connectors::prepare(&self.connectors, &call.name, arguments.into_value()).await;
        }
        match call.name.as_str() {
            "fs_list" | "fs_read" | "fs_search" => {
                Ok(ToolUse::Look { tool: call.name.clone(), arguments: arguments.into_value() })
            }
            "fs_write" => {
                let (path, content) = (relative(&arguments.text("path")?), arguments.text("content")?);
                let before = self.version_of(&path).await?;
                Ok(ToolUse::Write { path, before, content })
            }
            "fs_edit" => self.prepare_edit(&arguments).await,
            "install" => {
                let argv = install_command(&arguments.text("pkgManager")?, &arguments.texts("args")?)?;
                self.prepare_run(argv, String::new(), INSTALL_TIMEOUT, true).await
            }
            "exec" => {
                let argv = ["sh", "-c", &arguments.text("cmd")?].map(str::to_owned).into();
                let folder = arguments.optional_text("cwd").unwrap_or_default();
                let seconds = arguments.optional_number("timeoutSec").unwrap_or(60);
                let timeout = Duration::from_secs(seconds.clamp(1, LONGEST_COMMAND.as_secs()));
                self.prepare_run(argv, relative(&folder), timeout, false).await
            }
            "dev_start" => {
                let port = u16::try_from(arguments.number("port")?).ok().filter(|port| *port >= 1024);
                let port = port.ok_or_else(|| Used::failed("`port` must be from 1024 to 65535"))?;
                Ok(ToolUse::StartDev { command: arguments.text("cmd")?, port })
            }
            "dev_stop" => Ok(ToolUse::StopDev),
            "http_fetch" => Ok(ToolUse::Fetch { url: arguments.text("url")? }),
            "checkpoint" => Ok(ToolUse::Checkpoint { label: arguments.text("label")? }),
            _ => Err(Used::failed(format!(
                "There is no tool `{}`. There are: {}",
                call.name.chars().take(60).collect::<String>(),
                definitions().iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>().join(", ")
            ))),
        }
    }

    async fn version_of(&self, path: &str) -> Result<Option<String>, Used> {
        let parsed = TreePath::parse(path).map_err(told)?;
        let read = self.with_tree(move |tree| tree.read(&parsed, FILE_BYTES)).await;
        match read {
            Ok(content) => Ok(Some(content.version.to_string())),
            Err(worktree::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(told(error)),
        }
    }

    async fn prepare_edit(&self, arguments: &Arguments) -> Result<ToolUse, Used> {
        let path = relative(&arguments.text("path")?);
        let (old, new) = (arguments.text("old")?, arguments.text("new")?);
        let all = arguments.optional_flag("all");
        let parsed = TreePath::parse(&path).map_err(told)?;
        let proposed = self.with_tree(move |tree| tree.propose_edit(&parsed, &old, &new, all));
        let worktree::Proposal { before, text, .. } = proposed.await.map_err(told)?;
        Ok(ToolUse::Write { path, before: Some(before.to_string()), content: text })
    }

    async fn prepare_run(
        &self,
        argv: Vec<String>,
        folder: String,
        timeout: Duration,
        installs: bool,
    ) -> Result<ToolUse, Used> {
        let label = format!("Before `{}`", shown(&argv));
        let checkpoint = self.project.keep(label, CheckpointKind::BeforeChange, Value::Null).await;
        let checkpoint = checkpoint.map_err(told)?;
        let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        Ok(ToolUse::Run { argv, folder, timeout_ms, checkpoint, installs })
    }

    /// Does it. `again` says that it may have been begun before.
    pub async fn apply(&self, prepared: &ToolUse, again: bool) -> Used {
        let done = match prepared {
            ToolUse::Look { tool, arguments } => self.look(tool, arguments).await,
            ToolUse::Write { path, before, content } => self.write(path, before.as_deref(), content).await,
            ToolUse::Run { argv, folder, timeout_ms, checkpoint, installs } => {
                let timeout = Duration::from_millis(*timeout_ms);
                self.run(argv, folder, timeout, again.then_some(checkpoint.as_str()), *installs).await
            }
            ToolUse::StartDev { command, port } => self.start_dev(command, *port).await,
            ToolUse::StopDev => {
                self.project.dev_stop().await;
                Ok(Used::said("The dev server is stopped."))
            }
            ToolUse::Fetch { url } => self.fetch(url).await,
            ToolUse::Connector { .. } => connectors::apply(&self.connectors, prepared, again).await,
            ToolUse::Checkpoint { label } => {
                let made = self.project.keep(label.clone(), CheckpointKind::Manual, Value::Null).await;
                made.map(|id| Used::said(format!("Checkpoint {id}"))).map_err(told)
            }
        };
        done.unwrap_or_else(|failed| failed)
    }

    async fn look(&self, tool: &str, arguments: &Value) -> Result<Used, Used> {
        let arguments = Arguments::of(arguments.clone());
        match tool {
            "fs_list" => {
                let folder = relative(&arguments.optional_text("dir").unwrap_or_default());
                let listing = self.with_tree(move |tree| tree.list(&TreePath::parse_folder(&folder)?));
                Ok(Used::said(listed(&listing.await.map_err(told)?)))
            }
            "fs_read" => {
                let path = TreePath::parse(&relative(&arguments.text("path")?)).map_err(told)?;
                let content = self.with_tree(move |tree| tree.read(&path, FILE_BYTES)).await.map_err(told)?;
                match content.text() {
                    Some(text) => Ok(Used::said(text)),
                    None => Err(Used::failed(format!(
                        "This file is no text; it has {} bytes.",
                        content.bytes.len()
                    ))),
                }
            }
            _ => {
                let mut query = Query::text(arguments.text("query")?);
                query.is_regex = arguments.optional_flag("regex");
                query.glob = arguments.optional_text("glob");
                let found = self.with_tree(move |tree| tree.search(&query)).await.map_err(told)?;
                let lines: Vec<String> = found
                    .matches
                    .iter()
                    .map(|one| format!("{}:{}: {}", one.path, one.line, one.text))
                    .collect();
                Ok(Used::said(if lines.is_empty() { "Nothing was found.".into() } else { lines.join("\n") }))
            }
        }
    }

    async fn write(&self, path: &str, before: Option<&str>, content: &str) -> Result<Used, Used> {
        let parsed = TreePath::parse(path).map_err(told)?;
        let (bytes, expected) = (content.as_bytes().to_vec(), before.map(str::to_owned));
        let written = self.with_tree(move |tree| write_once(tree, &parsed, &bytes, expected.as_deref()));
        match written.await {
            Ok(()) => Ok(Used::said(format!("Wrote {path} ({} bytes).", content.len()))),
            Err(worktree::Error::Changed { .. } | worktree::Error::Exists { .. }) => {
                Err(Used::failed(format!(
                    "{path} was changed by somebody else in the meantime and was left as it is. Read it again first."
                )))
            }
            Err(error) => Err(told(error)),
        }
    }

    async fn run(
        &self,
        argv: &[String],
        folder: &str,
        timeout: Duration,
        put_back: Option<&str>,
        installs: bool,
    ) -> Result<Used, Used> {
        if let Some(checkpoint) = put_back {
            self.project.put_back(checkpoint).await.map_err(told)?;
        }
        self.project.logs().say(format!("$ {}", shown(argv)));
        let command = Command {
            argv: argv.to_vec(),
            folder: folder.to_owned(),
            wall: Some(timeout),
            output_bytes: crate::project::OUTPUT_BYTES,
            ..Command::default()
        };
        let source = if installs { LogSource::Install } else { LogSource::Command };
        let execution = self.project.run(source, command).await.map_err(told)?;
        let text = ended(&execution, timeout);
        if execution.outcome.is_success() { Ok(Used::said(text)) } else { Err(Used::failed(text)) }
    }

    async fn start_dev(&self, command: &str, port: u16) -> Result<Used, Used> {
        let command = DevCommand { command: command.to_owned(), port };
        match self.project.dev_start(Some(command)).await {
            Ok(port) => Ok(Used::said(format!("The dev server answers on port {port}."))),
            Err(problem) => {
                let hint = problem.hint.map(|hint| format!("\n{hint}")).unwrap_or_default();
                Err(Used::failed(format!("{}{hint}", problem.message)))
            }
        }
    }

    async fn fetch(&self, url: &str) -> Result<Used, Used> {
        let policy: Policy = self.project.policy().map_err(told)?;
        let fetched = egress::fetch(&FetchRequest::get(url), &policy, &self.uplink).await;
        let fetched = fetched.map_err(|error| told_kernel(&error.into()))?;
        let more = if fetched.truncated { "\n[the rest was left out]" } else { "" };
        Ok(Used::said(format!("{} {}\n\n{}{more}", fetched.status, fetched.url, fetched.text())))
    }

    async fn with_tree<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Worktree) -> Result<T, worktree::Error> + Send + 'static,
    ) -> Result<T, worktree::Error> {
        let tree = self.project.tree().clone();
        match tokio::task::spawn_blocking(move || work(&tree)).await {
            Ok(done) => done,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }
}

/// Writes a file that is what it was, or that has been written already.
fn write_once(
    tree: &Worktree,
    path: &TreePath,
    bytes: &[u8],
    before: Option<&str>,
) -> Result<(), worktree::Error> {
    let expected = match before {
        Some(version) => Expected::Version(version.parse()?),
        None => Expected::Absent,
    };
    match tree.write(path, bytes, expected) {
        Err(worktree::Error::Changed { present: Some(present), .. }) if present == Version::of(bytes) => {
            Ok(())
        }
        Err(worktree::Error::Exists { .. }) => match tree.read(path, bytes.len() as u64) {
            Ok(content) if content.bytes == bytes => Ok(()),
            _ => Err(worktree::Error::Exists { path: path.to_string() }),
        },
        written => written.map(drop),
    }
}

/// A model's path, which often begins where the project is shown to programs.
fn relative(path: &str) -> String {
    let path = path.trim();
    let path = match path.strip_prefix("/workspace") {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => rest.trim_start_matches('/'),
        _ => path,
    };
    let path = path.trim_start_matches("./").trim_end_matches('/');
    if path == "." { String::new() } else { path.to_owned() }
}

/// The command that installs packages, from what a model may say of them.
fn install_command(manager: &str, packages: &[String]) -> Result<Vec<String>, Used> {
    const FLAGS: [&str; 4] = ["-D", "--save-dev", "--save-exact", "-E"];
    let odd = packages.iter().find(|package| {
        (package.starts_with('-') && !FLAGS.contains(&package.as_str()))
            || package.contains(|character: char| character.is_control() || character.is_whitespace())
    });
    if let Some(odd) = odd {
        return Err(Used::failed(format!("`{odd}` is no package, and no option that is allowed here")));
    }
    let prefix: &[&str] = match manager {
        "npm" => &["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"],
        "pip" => &["python3", "-m", "pip", "--python", ".venv", "install", "--no-input"],
        _ => return Err(Used::failed("`pkgManager` must be npm or pip")),
    };
    Ok(prefix.iter().map(|part| (*part).to_owned()).chain(packages.iter().cloned()).collect())
}

fn shown(argv: &[String]) -> String {
    let line = match argv {
        [shell, flag, script] if shell == "sh" && flag == "-c" => script.clone(),
        _ => argv.join(" "),
    };
    line.lines().next().unwrap_or_default().chars().take(120).collect()
}

fn listed(listing: &worktree::Listing) -> String {
    let mut lines: Vec<String> = listing
        .entries
        .iter()
        .map(|entry| match entry.kind {
            EntryKind::Folder => format!("{}/", entry.name),
            EntryKind::Link => format!("{} (a link)", entry.name),
            _ => format!("{} ({} bytes)", entry.name, entry.size),
        })
        .collect();
    if listing.truncated {
        lines.push("… and more".into());
    }
    if lines.is_empty() { "The folder is empty.".into() } else { lines.join("\n") }
}

fn ended(execution: &Execution, timeout: Duration) -> String {
    let how = match execution.outcome {
        Outcome::TimedOut => format!("was ended after {} s", timeout.as_secs()),
        outcome => crate::project::in_words(outcome),
    };
    let mut text = format!("The command {how}.");
    for (name, bytes) in [("stdout", &execution.stdout), ("stderr", &execution.stderr)] {
        if !bytes.is_empty() {
            text.push_str(&format!("\n[{name}]\n{}", String::from_utf8_lossy(bytes).trim_end()));
        }
    }
    text
}

/// A text as a model gets it: of a long one the beginning and the end.
fn shortened(text: &str) -> String {
    if text.len() <= ANSWER_BYTES {
        return text.to_owned();
    }
    let begin = text.floor_char_boundary(ANSWER_BYTES * 2 / 3);
    let end = text.ceil_char_boundary(text.len() - ANSWER_BYTES / 3);
    format!("{}\n[… {} bytes left out …]\n{}", &text[..begin], end - begin, &text[end..])
}

fn told(error: impl Into<kernel::Error>) -> Used {
    told_kernel(&error.into())
}

fn told_kernel(error: &kernel::Error) -> Used {
    let hint = error.hint.as_ref().map(|hint| format!(" {hint}.")).unwrap_or_default();
    Used::failed(format!("{}.{hint}", error.message.trim_end_matches('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_answers_keep_their_beginning_and_end() {
        let long = format!("begin{}é{}end", "x".repeat(20_000), "y".repeat(20_000));
        let short = shortened(&long);
        assert!(short.len() < ANSWER_BYTES + 100 && short.starts_with("begin") && short.ends_with("end"));
        assert!(short.contains("bytes left out"));
        assert_eq!(shortened("short"), "short");
    }

    #[test]
    fn models_paths_are_taken_as_they_are_meant() {
        for (given, meant) in [
            ("/workspace/src/App.tsx", "src/App.tsx"),
            ("./src/", "src"),
            (".", ""),
            ("/workspace", ""),
            ("src", "src"),
            ("/", ""),
            ("/etc/passwd", "/etc/passwd"),
            ("/workspaces/x", "/workspaces/x"),
        ] {
            assert_eq!(relative(given), meant, "{given}");
        }
    }

    #[test]
    fn only_packages_are_installed() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert!(install_command("npm", &texts(&["react@19", "-D"])).is_ok());
        for odd in ["--registry=http://evil.test", "a b", "--prefix=/", "x\n"] {
            assert!(install_command("npm", &texts(&[odd])).is_err(), "{odd}");
        }
        assert!(install_command("apt", &texts(&["x"])).is_err());
    }
}
