//! The service: which servers there are, what they offer, and calling their tools.
//!
//! Adding, changing, approving and importing servers is in [`crate::changes`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use kernel::{Clock, Timestamp};
use serde_json::{Map, Value};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::answer::Answer;
use crate::arguments;
use crate::catalogue::{Offered, offered};
use crate::connection::{Connection, Trouble};
pub use crate::connection::{OnProgress, Patience, Progress};
use crate::error::Error;
use crate::pool::{Place, Pool};
use crate::ports::{ConnectorStore, Programs, SecretKeeper, Starting};
use crate::server::{Approval, SecretStorage, SecretText, Server, Transport};
use crate::tool::{Grant, Tool, merged};

/// How long arguments are looked at.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// What [`Connectors`] work with.
pub struct Parts {
    /// Keeps servers and tools.
    pub store: Arc<dyn ConnectorStore>,
    /// Keeps secrets.
    pub secrets: Arc<dyn SecretKeeper>,
    /// Starts programs.
    pub programs: Arc<dyn Programs>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// How long servers are waited for.
    pub patience: Patience,
}

/// The servers of tools that the workspace knows.
#[derive(Clone)]
pub struct Connectors {
    pub(crate) parts: Arc<Parts>,
    pub(crate) pool: Arc<Pool>,
    /// Held while what is known of a server or its tools is changed.
    pub(crate) changing: Arc<tokio::sync::Mutex<()>>,
}

/// A server and how it stands.
#[derive(Clone, Debug)]
pub struct ServerView {
    /// The server.
    pub server: Server,
    /// Over what would be contacted or started.
    pub digest: String,
    /// Whether that was approved.
    pub approval: Approval,
    /// Whether what its tools are given stays on this machine.
    pub is_local: bool,
    /// Whether a connection is open.
    pub is_connected: bool,
    /// What went wrong last, if anything did since it last worked.
    pub problem: Option<String>,
    /// Its tools, with those that were there once and carry a decision.
    pub tools: Vec<Tool>,
    /// When it listed them last.
    pub listed_at: Option<Timestamp>,
}

/// What a test of a server showed.
#[derive(Debug)]
pub struct TestReport {
    /// Until it was connected and had listed its tools.
    pub latency_ms: u64,
    /// How many tools there are.
    pub tools: usize,
    /// How many more there are that cannot be shown.
    pub left_out: usize,
    /// What is wrong, if something is.
    pub problem: Option<kernel::Error>,
}

/// A call of a tool.
pub struct CallRequest<'a> {
    /// The server.
    pub server: &'a str,
    /// The tool, as the server calls it.
    pub tool: &'a str,
    /// What it was when the call was prepared; a tool that is another one by now is not called.
    pub digest: &'a str,
    /// The arguments.
    pub arguments: Map<String, Value>,
    /// Ends the call.
    pub cancel: CancellationToken,
    /// Hears how far it is.
    pub hears: Option<OnProgress>,
}

impl Connectors {
    /// Over its parts. Nothing is contacted.
    pub fn new(parts: Parts) -> Self {
        Self { parts: Arc::new(parts), pool: Arc::default(), changing: Arc::default() }
    }

    /// All servers, in the order they were added.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn list(&self) -> Result<Vec<ServerView>, Error> {
        let mut views = Vec::new();
        for server in self.parts.store.list_servers().await? {
            views.push(self.view(server).await?);
        }
        Ok(views)
    }

    /// A server.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn find(&self, name: &str) -> Result<ServerView, Error> {
        let server = self.server(name).await?;
        self.view(server).await
    }

    pub(crate) async fn server(&self, name: &str) -> Result<Server, Error> {
        let all = self.parts.store.list_servers().await?;
        let found = all.into_iter().find(|server| server.name == name);
        found.ok_or_else(|| Error::NotFound { name: crate::text::label(name, 80) })
    }

    async fn view(&self, server: Server) -> Result<ServerView, Error> {
        let (tools, listed_at) = self.parts.store.list_tools(&server.name).await?;
        let (is_connected, problem) = self.pool.place(&server.name).stands();
        let (digest, approval, is_local) = (server.digest(), server.approval(), server.is_local());
        Ok(ServerView { server, digest, approval, is_local, is_connected, problem, tools, listed_at })
    }

    /// The tools an agent may be offered: of servers that are approved and switched on, as they were
    /// listed last.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn offered(&self) -> Result<Vec<Offered>, Error> {
        let mut servers = Vec::new();
        for server in self.parts.store.list_servers().await? {
            if server.enabled && server.approval() == Approval::Approved {
                let (tools, _) = self.parts.store.list_tools(&server.name).await?;
                servers.push((server, tools));
            }
        }
        Ok(offered(servers))
    }

    /// Has servers list their tools that never did, and waits so long for them. Those that take longer
    /// go on; what goes wrong is in their views.
    pub async fn list_new(&self, wait: Duration) {
        let Ok(views) = self.list().await else { return };
        let is_new = |view: &ServerView| {
            view.server.enabled && view.approval == Approval::Approved && view.listed_at.is_none()
        };
        let listing = views.into_iter().filter(is_new).map(|view| {
            let (connectors, name) = (self.clone(), view.server.name);
            tokio::spawn(async move { connectors.connection(&name).await.map(drop) })
        });
        let listing: Vec<_> = listing.collect();
        let _ = tokio::time::timeout(wait, futures::future::join_all(listing)).await;
    }

    /// Connects anew and lists the tools, also of a server that is switched off.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::NotApproved`], and then nothing was contacted. What is wrong
    /// with the server itself is in the report.
    pub async fn test(&self, name: &str) -> Result<TestReport, Error> {
        let server = approved(self.server(name).await?)?;
        let begun = Instant::now();
        let place = self.pool.place(name);
        let _opening = place.opening.lock().await;
        place.close();
        let listed = self.open_and_list(&server).await;
        let latency_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(match listed {
            Ok((connection, (tools, left_out))) => {
                if server.enabled {
                    place.put(connection);
                }
                TestReport { latency_ms, tools, left_out, problem: None }
            }
            Err(error) => {
                place.fail(&error);
                TestReport { latency_ms, tools: 0, left_out: 0, problem: Some(error.into()) }
            }
        })
    }

    /// Checks that arguments are what a tool takes.
    ///
    /// # Errors
    /// [`Error::ArgumentsUnfit`].
    pub async fn check_arguments(&self, tool: &Tool, arguments: &Map<String, Value>) -> Result<(), Error> {
        let (schema, arguments) = (tool.input_schema.clone(), Value::Object(arguments.clone()));
        let checking = tokio::task::spawn_blocking(move || arguments::check(&schema, &arguments));
        match tokio::time::timeout(CHECK_TIMEOUT, checking).await {
            Ok(Ok(Err(reason))) => Err(Error::ArgumentsUnfit { tool: tool.name.clone(), reason }),
            Ok(Ok(Ok(()))) => Ok(()),
            // A schema that takes so long to follow checks nothing.
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }

    /// Calls a tool and waits for its answer.
    ///
    /// # Errors
    /// Before anything is sent: [`Error::NotFound`], [`Error::Disabled`], [`Error::NotApproved`],
    /// [`Error::ToolNotFound`], [`Error::ToolDenied`], [`Error::ToolChanged`],
    /// [`Error::ArgumentsUnfit`], [`Error::Unreachable`] and [`Error::Paused`]. After it:
    /// [`Error::Refused`], [`Error::TimedOut`], [`Error::Broken`] and [`Error::Cancelled`].
    pub async fn call(&self, request: CallRequest<'_>) -> Result<Answer, Error> {
        // A session that was lost is opened anew once: the server did nothing yet.
        for is_last in [false, true] {
            let connection = tokio::select! {
                connection = self.connection(request.server) => connection?,
                () = request.cancel.cancelled() => return Err(Error::Cancelled),
            };
            let tool = self.usable_tool(&request).await?;
            self.check_arguments(&tool, &request.arguments).await?;
            let arguments = request.arguments.clone();
            let called = connection.call(&tool.name, arguments, &request.cancel, request.hears.clone());
            let place = self.pool.place(request.server);
            match called.await {
                Ok(answer) => return Ok(answer),
                Err(Trouble::Told(error)) => return Err(error),
                Err(Trouble::Lost(error)) => {
                    place.fail(&error);
                    return Err(error);
                }
                Err(Trouble::SessionLost) => {
                    place.close();
                    if is_last {
                        break;
                    }
                }
            }
        }
        let reason = "it forgets its sessions at once".to_owned();
        Err(Error::Unreachable { name: request.server.to_owned(), reason })
    }

    async fn usable_tool(&self, request: &CallRequest<'_>) -> Result<Tool, Error> {
        let (tools, _) = self.parts.store.list_tools(request.server).await?;
        let found = tools.into_iter().find(|tool| tool.name == request.tool && tool.is_listed);
        let (server, tool) = (request.server.to_owned(), request.tool.to_owned());
        match found {
            None => Err(Error::ToolNotFound { server, tool: crate::text::label(&tool, 80) }),
            Some(found) if found.grant == Grant::Deny => Err(Error::ToolDenied { server, tool }),
            Some(found) if found.digest != request.digest => Err(Error::ToolChanged { server, tool }),
            Some(found) => Ok(found),
        }
    }

    /// The connection to a server that may be used, with its tools as they are now.
    fn connection<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Arc<Connection>, Error>> {
        Box::pin(async move {
            let server = approved(self.server(name).await?)?;
            if !server.enabled {
                return Err(Error::Disabled { name: name.to_owned() });
            }
            let place = self.pool.place(name);
            let _opening = place.opening.lock().await;
            if let Some(connection) = place.open() {
                if connection.takes_stale() {
                    self.relist(&connection, name, &place).await?;
                }
                return Ok(connection);
            }
            place.check_pause(name)?;
            match self.open_and_list(&server).await {
                Ok((connection, _)) => {
                    place.put(connection.clone());
                    Ok(connection)
                }
                Err(error) => {
                    place.fail(&error);
                    Err(error)
                }
            }
        })
    }

    async fn open_and_list(&self, server: &Server) -> Result<(Arc<Connection>, (usize, usize)), Error> {
        let connection = self.open(server).await?;
        let listed = self.list_tools(&connection, &server.name).await?;
        Ok((connection, listed))
    }

    async fn relist(&self, connection: &Connection, name: &str, place: &Place) -> Result<(), Error> {
        let listed = self.list_tools(connection, name).await;
        listed.map(drop).inspect_err(|error| place.fail(error))
    }

    /// Opens a connection to exactly what was approved.
    async fn open(&self, server: &Server) -> Result<Arc<Connection>, Error> {
        let (name, patience) = (server.name.as_str(), self.parts.patience);
        let connection = match &server.transport {
            Transport::Http { url, token } => {
                let token = match token {
                    Some(storage) => Some(self.secret(&secret_name(name, None), *storage).await?),
                    None => None,
                };
                Connection::to_address(name, url, token.as_ref(), patience).await?
            }
            Transport::Stdio(program) => {
                let mut secrets = BTreeMap::new();
                for (variable, storage) in &program.secrets {
                    let value = self.secret(&secret_name(name, Some(variable)), *storage).await?;
                    secrets.insert(variable.clone(), value);
                }
                let running = self.parts.programs.start(Starting { server: name, program, secrets }).await?;
                Connection::to_program(name, running, patience).await?
            }
        };
        Ok(Arc::new(connection))
    }

    async fn secret(&self, name: &str, storage: SecretStorage) -> Result<SecretText, Error> {
        let found = self.parts.secrets.find(name, storage).await?;
        found.ok_or_else(|| Error::Unfit { reason: "the value of one of its secrets is gone".into() })
    }

    /// Has a server list its tools, and takes note of what is different.
    async fn list_tools(&self, connection: &Connection, name: &str) -> Result<(usize, usize), Error> {
        let (listed, left_out) = connection.list_tools().await.map_err(|trouble| match trouble {
            Trouble::Told(error) | Trouble::Lost(error) => error,
            Trouble::SessionLost => {
                Error::Unreachable { name: name.to_owned(), reason: "it forgot its session".into() }
            }
        })?;
        let number = listed.len();
        let _changing = self.changing.lock().await;
        let (known, _) = self.parts.store.list_tools(name).await?;
        let now = merged(known, listed);
        for tool in now.iter().filter(|tool| tool.has_changed) {
            tracing::warn!(
                server = name,
                tool = tool.name,
                "a tool is defined otherwise than when it was granted"
            );
        }
        self.parts.store.replace_tools(name, &now, Some(self.parts.clock.now())).await?;
        Ok((number, left_out))
    }

    /// Closes connections that nobody used for a while.
    pub fn close_idle(&self) {
        self.pool.close_idle();
    }

    /// Closes all connections, and ends the programs behind them.
    pub fn close_all(&self) {
        self.pool.close_all();
    }
}

fn approved(server: Server) -> Result<Server, Error> {
    match server.approval() {
        Approval::Approved => Ok(server),
        Approval::Proposed | Approval::Withdrawn => Err(Error::NotApproved { name: server.name }),
    }
}

/// What a secret of a server is called: its token, or a variable of its program.
pub(crate) fn secret_name(server: &str, variable: Option<&str>) -> String {
    match variable {
        Some(variable) => format!("connectors/{server}/env/{variable}"),
        None => format!("connectors/{server}/token"),
    }
}
