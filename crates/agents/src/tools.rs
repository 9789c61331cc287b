//! The sandbox and the interpreters, as the agents use them.
//!
//! Finding the interpreters starts each of them once, which takes longer than a server should take
//! to listen; so the [`Tools`] are a shared future that the first user awaits.

use std::path::Path;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use runs::Failure;
use sandbox::{Execution, Limits, OutputSender, Request, Sandbox, Toolchain};
use serde_json::{Value, json};

use crate::plan::{CodeLanguage, Observation};

/// Where code runs, and what runs it.
#[derive(Clone)]
pub struct Tools {
    /// The driver.
    pub sandbox: Arc<dyn Sandbox>,
    /// The interpreters.
    pub toolchain: Arc<Toolchain>,
}

/// Tools that may still be in the making.
pub type PendingTools = Shared<BoxFuture<'static, Tools>>;

/// Tools that are there already.
pub fn ready(tools: Tools) -> PendingTools {
    std::future::ready(tools).boxed().shared()
}

/// A snippet of code to run in a folder.
pub(crate) struct Snippet<'a> {
    /// The folder on the host.
    pub workspace: &'a Path,
    /// The file the code is written to for the time it runs, inside the folder.
    pub file: &'a str,
    pub language: CodeLanguage,
    pub code: &'a str,
    pub stdin: &'a [u8],
    pub limits: Limits,
}

impl Tools {
    /// Runs a snippet in the sandbox.
    pub(crate) async fn run(
        &self,
        snippet: Snippet<'_>,
        output: Option<OutputSender>,
    ) -> Result<Execution, Failure> {
        let language = language_of(snippet.language);
        let file = format!("{}.{}", snippet.file, language.extension());
        let argv = self.toolchain.command(language, &format!("/workspace/{file}")).map_err(failed)?;
        let path = snippet.workspace.join(&file);
        let unwritable = |error: std::io::Error| {
            Failure::from(kernel::Error::unavailable("working_folder", error.to_string()))
        };
        tokio::fs::write(&path, snippet.code).await.map_err(unwritable)?;
        let request = Request {
            workspace: snippet.workspace.to_owned(),
            argv,
            stdin: snippet.stdin.to_vec(),
            limits: snippet.limits,
            ..Request::default()
        };
        let execution = self.sandbox.execute(request, output).await.map_err(failed);
        // The command may have removed it itself.
        let _ = tokio::fs::remove_file(&path).await;
        execution
    }
}

/// A plan's language, as the sandbox knows it.
pub(crate) fn language_of(language: CodeLanguage) -> sandbox::Language {
    match language {
        CodeLanguage::Python => sandbox::Language::Python,
        CodeLanguage::JavaScript => sandbox::Language::JavaScript,
        CodeLanguage::Shell => sandbox::Language::Shell,
    }
}

/// A failure of the sandbox, as a step records it.
pub(crate) fn failed(error: sandbox::Error) -> Failure {
    Failure::from(kernel::Error::from(error))
}

/// An execution as it is recorded and sent.
pub(crate) fn describe(execution: &Execution) -> Value {
    use sandbox::Outcome;
    let (outcome, exit_code, signal) = match execution.outcome {
        Outcome::Exited(0) => ("completed", Some(0), None),
        Outcome::Exited(code) => ("failed", Some(code), None),
        Outcome::Signalled(signal) => ("failed", None, Some(signal)),
        Outcome::TimedOut => ("timed_out", None, None),
        Outcome::CpuLimit => ("cpu_limit", None, None),
        Outcome::OutOfMemory => ("out_of_memory", None, None),
        Outcome::DiskLimit => ("disk_limit", None, None),
        Outcome::Cancelled => ("cancelled", None, None),
    };
    json!({
        "outcome": outcome,
        "exit_code": exit_code,
        "signal": signal,
        "timed_out": execution.outcome == Outcome::TimedOut,
        "stdout": String::from_utf8_lossy(&execution.stdout),
        "stderr": String::from_utf8_lossy(&execution.stderr),
        "stdout_truncated": execution.stdout_truncated,
        "stderr_truncated": execution.stderr_truncated,
        "duration_ms": execution.duration_ms,
        "cpu_ms": execution.cpu_ms,
        "peak_memory_bytes": execution.peak_memory_bytes,
    })
}

/// What a check can be judged by.
pub(crate) fn observe<'a>(execution: &Execution, stdout: &'a str, stderr: &'a str) -> Observation<'a> {
    let exit_code = match execution.outcome {
        sandbox::Outcome::Exited(code) => Some(code),
        _ => None,
    };
    Observation { stdout, stderr, exit_code }
}
