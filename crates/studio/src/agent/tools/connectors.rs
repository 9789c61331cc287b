//! The tools of other servers, as the agent has them.
//!
//! Invariants: what is called is the tool that was prepared, by its definition's digest; one that may
//! have been called before the server stopped is not called again unless it only reads.

use connectors::{CallRequest, Class, Connectors, Offered};
use models::Tool;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{ToolUse, Used, told};

/// How many tools of other servers a model is told of. More would leave no room for the work.
const OFFERED: usize = 100;

/// Whether a name is one that a tool of another server has. No tool of the Studio's own has one.
pub(in crate::agent) fn is_name(name: &str) -> bool {
    name.contains("__")
}

/// What a model is told of them.
pub(super) async fn definitions(connectors: &Connectors) -> kernel::Result<Vec<Tool>> {
    let offered = connectors.offered().await?;
    let tool = |one: &Offered| Tool {
        name: one.name.clone(),
        description: Some(one.description()),
        parameters: one.tool.input_schema.clone(),
        strict: None,
    };
    Ok(offered.iter().take(OFFERED).map(tool).collect())
}

/// Finds out what a call would do. The error is the answer to a call that cannot be meant.
pub(super) async fn prepare(connectors: &Connectors, name: &str, arguments: Value) -> Result<ToolUse, Used> {
    let offered = connectors.offered().await.map_err(told)?;
    let Some(one) = offered.into_iter().find(|one| one.name == name) else {
        let name: String = name.chars().take(80).collect();
        return Err(Used::failed(format!("There is no tool `{name}`, or it may not be used any more.")));
    };
    let Value::Object(members) = &arguments else {
        return Err(Used::failed("The arguments must be a JSON object."));
    };
    connectors.check_arguments(&one.tool, members).await.map_err(told)?;
    Ok(ToolUse::Connector {
        server: one.server,
        class: one.tool.class(),
        grant: one.tool.grant,
        has_changed: one.tool.has_changed,
        tool: one.tool.name,
        arguments,
        is_local: one.is_local,
        digest: one.tool.digest,
    })
}

/// Calls the tool. `again` says that it may have been called before.
pub(super) async fn apply(connectors: &Connectors, prepared: &ToolUse, again: bool) -> Result<Used, Used> {
    let ToolUse::Connector { server, tool, arguments, class, digest, .. } = prepared else {
        return Err(Used::failed("This is no tool of another server."));
    };
    if again && *class != Class::Read {
        return Err(Used::failed(
            "This call was begun before Atelier stopped, and whether the tool did its work is not known. Look at \
             what was done before you call it again.",
        ));
    }
    let request = CallRequest {
        server,
        tool,
        digest,
        arguments: arguments.as_object().cloned().unwrap_or_default(),
        cancel: CancellationToken::new(),
        hears: None,
    };
    let answer = connectors.call(request).await.map_err(told)?;
    Ok(if answer.is_error { Used::failed(answer.text) } else { Used::said(answer.text) })
}
