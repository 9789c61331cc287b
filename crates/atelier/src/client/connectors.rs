//! The calls about servers of tools.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Call, Client, Result};

const CONNECTORS: [&str; 3] = ["api", "v1", "connectors"];
/// A program may have to be fetched before it answers.
const TEST_TIMEOUT: Duration = Duration::from_secs(150);

impl Client {
    /// All servers.
    pub async fn connectors(&self) -> Result<Value> {
        self.value(Call::get(CONNECTORS)).await
    }

    /// A server with its tools.
    pub async fn connector(&self, name: &str) -> Result<Value> {
        self.value(Call::get(CONNECTORS.into_iter().chain([name]))).await
    }

    /// Adds a server.
    pub async fn create_connector(&self, body: Value) -> Result<Value> {
        self.value(Call::post(CONNECTORS, body)).await
    }

    /// Changes a server, or what is said of its tools.
    pub async fn update_connector(&self, name: &str, body: Value) -> Result<Value> {
        let call = Call::new(Method::PATCH, CONNECTORS.into_iter().chain([name]));
        self.value(Call { body: Some(body), ..call }).await
    }

    /// Removes a server.
    pub async fn delete_connector(&self, name: &str) -> Result<()> {
        self.send(&Call::new(Method::DELETE, CONNECTORS.into_iter().chain([name]))).await.map(|_| ())
    }

    /// Approves a server as it was shown.
    pub async fn approve_connector(&self, name: &str, digest: &str) -> Result<Value> {
        let path = CONNECTORS.into_iter().chain([name, "approve"]);
        self.value(Call::post(path, json!({"digest": digest}))).await
    }

    /// Lists the servers of a configuration as proposed.
    pub async fn import_connectors(&self, configuration: Value) -> Result<Value> {
        let path = CONNECTORS.into_iter().chain(["import"]);
        self.value(Call::post(path, json!({"configuration": configuration}))).await
    }

    /// Connects to a server and has it list its tools.
    pub async fn test_connector(&self, name: &str) -> Result<Value> {
        let path = CONNECTORS.into_iter().chain([name, "test"]);
        self.value(Call { timeout: TEST_TIMEOUT, ..Call::post(path, json!({})) }).await
    }
}
