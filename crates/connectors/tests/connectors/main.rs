//! The client against servers that behave, servers that do not, and other people's servers.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod approvals;
mod hostile;
mod official;
#[path = "../../../http/tests/mcp/packages.rs"]
#[allow(dead_code, reason = "only what installs packages is used here")]
mod packages;
mod scripted;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connectors::service::Patience;
use connectors::testing::{FakeConnectorStore, FakeSecrets, NoPrograms};
use connectors::{
    Answer, CallRequest, Connectors, Error, NewServer, Parts, Programs, SecretText, ServerView, Tool,
    Transport,
};
use kernel::SystemClock;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// Connectors in memory that wait for nobody for long.
struct Bench {
    connectors: Connectors,
    secrets: Arc<FakeSecrets>,
}

impl Bench {
    fn new() -> Self {
        Self::with(Arc::new(NoPrograms), Duration::from_secs(2))
    }

    fn with(programs: Arc<dyn Programs>, call: Duration) -> Self {
        let secrets = Arc::new(FakeSecrets::default());
        let patience = Patience {
            address: Duration::from_secs(10),
            program: Duration::from_secs(60),
            call,
            whole_call: 4 * call,
        };
        let connectors = Connectors::new(Parts {
            store: Arc::new(FakeConnectorStore::default()),
            secrets: secrets.clone(),
            programs,
            clock: Arc::new(SystemClock),
            patience,
        });
        Self { connectors, secrets }
    }

    /// Adds a server at an address.
    async fn add(&self, name: &str, url: &str, token: Option<&str>) -> ServerView {
        let new = NewServer {
            name: name.into(),
            transport: Transport::Http { url: url.into(), token: None },
            token: token.map(|token| SecretText::new(token.into())),
            secrets: BTreeMap::new(),
            enabled: true,
        };
        self.connectors.create(new).await.unwrap()
    }

    /// Adds a server and has it list its tools.
    async fn ready(url: &str) -> Self {
        let bench = Self::new();
        bench.add("it", url, None).await;
        let report = bench.connectors.test("it").await.unwrap();
        assert!(report.problem.is_none(), "{report:?}");
        bench
    }

    async fn tool(&self, name: &str) -> Tool {
        let tools = self.connectors.find("it").await.unwrap().tools;
        tools.into_iter().find(|tool| tool.name == name).unwrap()
    }

    async fn call(&self, tool: &str, arguments: Value) -> Result<Answer, Error> {
        let digest = self.tool(tool).await.digest;
        self.call_as(tool, &digest, arguments, CancellationToken::new()).await
    }

    async fn call_as(
        &self,
        tool: &str,
        digest: &str,
        arguments: Value,
        cancel: CancellationToken,
    ) -> Result<Answer, Error> {
        let arguments = arguments.as_object().unwrap().clone();
        let request = CallRequest { server: "it", tool, digest, arguments, cancel, hears: None };
        self.connectors.call(request).await
    }

    /// Why a test of the server failed.
    async fn problem(&self) -> (String, String) {
        let problem = self.connectors.test("it").await.unwrap().problem.unwrap();
        (problem.code.to_owned(), problem.message)
    }
}

fn text_tool(name: &str) -> Value {
    json!({
        "name": name, "description": "Says what it is given.",
        "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
        "annotations": {"readOnlyHint": true, "openWorldHint": false},
    })
}
