//! Logs: lines for people on standard error, JSON lines in rotating files below `logs/`.

use std::io::IsTerminal;
use std::path::Path;

use kernel::Error;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// How many days of files are kept.
const KEPT_FILES: usize = 14;

/// Starts logging for a server whose workspace is in `folder`.
///
/// # Errors
/// When `directives` are none, or the folder cannot be written to.
pub fn start(folder: &Path, directives: &str) -> kernel::Result<()> {
    let filter = EnvFilter::try_new(directives).map_err(|error| {
        Error::invalid("settings_invalid", format!("`log: {directives}` is not a log level: {error}"))
            .with_hint("Use error, warn, info, debug or trace")
    })?;
    let files = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("atelier")
        .filename_suffix("jsonl")
        .max_log_files(KEPT_FILES)
        .build(folder.join("logs"))
        .map_err(|error| {
            Error::unavailable("workspace_read_only", format!("Logs cannot be written: {error}"))
        })?;
    let console = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    let json = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(files);
    tracing_subscriber::registry().with(filter).with(console).with(json).try_init().map_err(Error::internal)
}
