//! `GET /api/v1/memory/export` and `POST /api/v1/memory/import`.
//!
//! Invariant: neither holds more of an archive than a few of its documents. What arrives lies in a
//! file without a name, which is gone when the request ends, however it ends.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use ::memory::Filter;
use ::memory::archive::{Export, ExportFormat, Import, ImportEvent, ImportOptions, Totals};
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use kernel::{Kind, Privacy};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use utoipa::{IntoParams, ToSchema};

use super::ingest::{IngestState, IngestedDocument};
use super::view::PrivacyLabel;
use crate::app::App;
use crate::auth::{Caller, ReadMemory, WriteMemory};
use crate::error::Error;
use crate::extract::{Parameters, invalid};

/// How the path ends where archives arrive, whichever prefix it has. They may take long to; the route
/// itself bounds how long nothing comes.
pub(crate) const IMPORT_PATH: &str = "/v1/memory/import";
/// The largest archive, in bytes.
const LARGEST_ARCHIVE: u64 = 4 << 30;
/// How long nothing may arrive.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);
/// How many documents an answer in one piece tells of; of those behind them only what failed, and no
/// more than as many again.
const MOST_TOLD: usize = 10_000;
const LINES: &str = "application/x-ndjson";

/// What to export.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    /// What it is written in; `jsonl` where absent.
    #[param(inline)]
    format: Option<ExportLabel>,
    /// Only one collection; everything where absent or empty.
    #[param(example = "notes")]
    collection: Option<String>,
    /// `shareable` leaves out what stays on this machine.
    #[param(inline)]
    privacy: Option<PrivacyLabel>,
}

/// What an export is written in.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ExportLabel {
    /// A line of JSON for each document.
    #[default]
    Jsonl,
    /// A zip file with a file of Markdown for each document.
    Markdown,
}

/// Exports memory
///
/// Every document with all that is its own, in the order of collections and keys. The import of it
/// gives the same documents, and their export the same bytes.
#[utoipa::path(
    get,
    path = "/api/v1/memory/export",
    tag = "memory",
    params(ExportQuery),
    responses((
        status = 200,
        description = "The export: JSON lines, or a zip file of Markdown",
        content((Vec<u8> = "application/x-ndjson"), (Vec<u8> = "application/zip")),
    )),
    security(("token" = ["read:memory"])),
)]
pub(crate) async fn export_memory(
    _caller: Caller<ReadMemory>,
    State(app): State<App>,
    Parameters(query): Parameters<ExportQuery>,
) -> Result<Response, Error> {
    let collection = query.collection.filter(|name| !name.is_empty());
    let filter = Filter {
        collections: collection.iter().cloned().collect(),
        strictest: query.privacy.map(Privacy::from).filter(|privacy| *privacy == Privacy::Shareable),
        ..Filter::default()
    };
    let (format, content_type, ending) = match query.format.unwrap_or_default() {
        ExportLabel::Jsonl => (ExportFormat::Jsonl, LINES, "jsonl"),
        ExportLabel::Markdown => (ExportFormat::Markdown, "application/zip", "zip"),
    };
    let mut export = app.services.memory.export(format, filter);
    // What cannot even begin is refused in words; what breaks off later, by an answer without an end.
    let first = export.next().await?.unwrap_or_default();
    let rest = stream::try_unfold(export, |mut export: Export| async move {
        let piece =
            export.next().await.inspect_err(|error| tracing::error!(%error, "an export broke off"))?;
        Ok::<_, kernel::Error>(piece.map(|piece| (Bytes::from(piece), export)))
    });
    let pieces = stream::once(async { Ok(Bytes::from(first)) }).chain(rest);
    let mut response = Response::new(Body::from_stream(pieces.take_until(stopped(&app))));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    let name = file_name(collection.as_deref());
    let disposition = format!("attachment; filename=\"{name}.{ending}\"");
    headers.insert(CONTENT_DISPOSITION, HeaderValue::try_from(disposition).map_err(kernel::Error::internal)?);
    Ok(response)
}

fn stopped(app: &App) -> impl Future<Output = ()> + use<> {
    let stopping: CancellationToken = app.lifetime.stopping.clone();
    stopping.cancelled_owned()
}

fn file_name(collection: Option<&str>) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '-' };
    match collection {
        Some(name) => format!("memory-{}", name.chars().take(64).map(plain).collect::<String>()),
        None => "memory".into(),
    }
}

/// How an archive is taken in.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportQuery {
    /// The name of its file; documents that have no other name are called after it.
    #[param(min_length = 1, example = "vault.zip")]
    name: String,
    /// Where everything goes; to where it was, or by what it is, where absent or empty.
    #[param(example = "notes")]
    collection: Option<String>,
    /// How far documents without a label may travel. Those that have one travel no further than this.
    #[param(inline)]
    privacy: Option<PrivacyLabel>,
    /// Whether it takes the place of what is newer here or came from elsewhere.
    #[serde(default)]
    #[param(default = false)]
    overwrite: bool,
    /// Only tells what would be done.
    #[serde(default)]
    #[param(default = false)]
    dry_run: bool,
}

/// How many documents came to what.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct ImportTotals {
    /// Were not there before.
    new: u64,
    /// Took the place of an older version.
    changed: u64,
    /// Were there already, the same in everything.
    unchanged: u64,
    /// Are newer here, or came from elsewhere, and were kept as they are here.
    kept: u64,
    /// Could not be read or stored.
    failed: u64,
    /// Hold no text or nobody's own: pictures, settings, hidden and empty files.
    passed_over: u64,
}

impl From<Totals> for ImportTotals {
    fn from(totals: Totals) -> Self {
        let Totals { new, changed, unchanged, kept, failed, passed_over } = totals;
        Self { new, changed, unchanged, kept, failed, passed_over }
    }
}

/// What became of an archive.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportedArchive {
    /// What it was taken for: `jsonl`, `markdown`, `obsidian`, `markdown_folder`, `files`, `file`,
    /// `chatgpt`, `claude`, `telegram`, `slack` or `whatsapp`.
    recognised: &'static str,
    /// How many documents came to what.
    totals: ImportTotals,
    /// What became of each, in their order: of the first 10,000, and of up to 10,000 more that failed.
    items: Vec<IngestedDocument>,
}

/// Imports an archive
///
/// An export of memory, an Obsidian vault or folder of Markdown as a zip file, the export of a chat
/// program (ChatGPT, Claude, Telegram, Slack, WhatsApp), or any file that can be read. What it is, its
/// content says. A document that is bad keeps no other from being taken in, and nothing that is newer
/// here is replaced. With `Accept: application/x-ndjson` the answer is a line for each document as it
/// is stored, and a last one with the totals.
#[utoipa::path(
    post,
    path = "/api/v1/memory/import",
    tag = "memory",
    params(ImportQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The archive, up to 4 GiB"),
    responses(
        (status = 200, description = "What became of each document", body = ImportedArchive),
        (status = 400, description = "`empty_file`, `import_refused`, `archive_too_new`: it cannot be read"),
        (status = 413, description = "`too_large`: it is larger than 4 GiB"),
    ),
    security(("token" = ["write:memory"])),
)]
pub(crate) async fn import_memory(
    _caller: Caller<WriteMemory>,
    State(app): State<App>,
    Parameters(query): Parameters<ImportQuery>,
    request: Request,
) -> Result<Response, Error> {
    if query.name.is_empty() {
        return Err(invalid("name", "it must not be empty"));
    }
    let wants_lines = wants_lines(request.headers());
    let archive = spool(request, &app.workspace.join("tmp")).await?;
    let options = ImportOptions {
        name: query.name.clone(),
        collection: query.collection.filter(|name| !name.is_empty()),
        privacy: query.privacy.map(Into::into).unwrap_or_default(),
        overwrite: query.overwrite,
        dry_run: query.dry_run,
    };
    let mut import = app.services.memory.import(archive, options);
    let first = import.next().await?;
    let following = Following {
        import,
        next: first,
        name: query.name,
        recognised: "file",
        is_over: false,
        is_broken: false,
    };
    if wants_lines {
        return Ok(lines(following, &app));
    }
    let telling = tell(following);
    match app.lifetime.stopping.run_until_cancelled(telling).await {
        Some(told) => Ok(Json(told).into_response()),
        None => Err(kernel::Error::new(Kind::Unavailable, "stopping", "The server is stopping")
            .with_hint("Import it again: what was stored is passed over")
            .into()),
    }
}

fn wants_lines(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains(LINES))
}

/// An import, and what it tells.
struct Following {
    import: Import,
    next: Option<ImportEvent>,
    name: String,
    recognised: &'static str,
    is_over: bool,
    /// Whether it ended before the end of the archive.
    is_broken: bool,
}

impl Following {
    /// The next document. One that breaks the import off is told of as one that failed.
    async fn document(&mut self) -> Option<IngestedDocument> {
        loop {
            let event = match self.next.take() {
                Some(event) => event,
                None if self.is_over => return None,
                None => match self.import.next().await {
                    Ok(Some(event)) => event,
                    Ok(None) => {
                        self.is_over = true;
                        return None;
                    }
                    Err(error) => {
                        (self.is_over, self.is_broken) = (true, true);
                        return Some(IngestedDocument::of(self.name.clone(), Err(error)));
                    }
                },
            };
            match event {
                ImportEvent::Recognised(recognised) => self.recognised = recognised.name(),
                ImportEvent::Document(document) => {
                    return Some(IngestedDocument::of(document.name, document.result));
                }
            }
        }
    }
}

impl Following {
    /// How many documents came to what. That the archive could not be read on counts as one that failed.
    fn totals(&self) -> ImportTotals {
        let totals = self.import.totals();
        ImportTotals::from(Totals { failed: totals.failed + u64::from(self.is_broken), ..totals })
    }
}

/// Everything in one piece.
async fn tell(mut following: Following) -> ImportedArchive {
    let mut items: Vec<IngestedDocument> = Vec::new();
    while let Some(document) = following.document().await {
        let has_failed = matches!(document.state, IngestState::Failed);
        if items.len() < MOST_TOLD || (has_failed && items.len() < 2 * MOST_TOLD) {
            items.push(document);
        }
    }
    let totals = following.totals();
    ImportedArchive { recognised: following.recognised, totals, items }
}

/// A line for each document as it is stored, and one with the totals.
fn lines(following: Following, app: &App) -> Response {
    #[derive(Serialize)]
    struct Last {
        recognised: &'static str,
        totals: ImportTotals,
    }
    let lines = stream::unfold(Some(following), |following| async move {
        let mut following = following?;
        Some(match following.document().await {
            Some(document) => (line(&document), Some(following)),
            None => {
                let totals = following.totals();
                (line(&Last { recognised: following.recognised, totals }), None)
            }
        })
    });
    let mut response = Response::new(Body::from_stream(lines.take_until(stopped(app))));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(LINES));
    response
}

fn line<T: Serialize>(value: &T) -> Result<Bytes, kernel::Error> {
    let mut line = serde_json::to_vec(value).map_err(kernel::Error::internal)?;
    line.push(b'\n');
    Ok(Bytes::from(line))
}

/// Puts a body into a file without a name.
async fn spool(request: Request, folder: &Path) -> Result<File, Error> {
    let too_large = || Error::TooLarge { what: "The archive", limit: "4 GiB".into() };
    let declared =
        request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: u64| length > LARGEST_ARCHIVE) {
        return Err(too_large());
    }
    tokio::fs::create_dir_all(folder).await.map_err(unwritten)?;
    let file = tempfile::tempfile_in(folder).map_err(unwritten)?;
    let mut file = tokio::fs::File::from_std(file);
    let mut body = request.into_body().into_data_stream();
    let mut bytes = 0;
    while let Some(piece) = timeout(LONGEST_SILENCE, body.next()).await.map_err(|_| Error::BodyCutOff)? {
        let piece = piece.map_err(|_| Error::BodyCutOff)?;
        bytes += piece.len() as u64;
        if bytes > LARGEST_ARCHIVE {
            return Err(too_large());
        }
        file.write_all(&piece).await.map_err(unwritten)?;
    }
    if bytes == 0 {
        return Err(Error::EmptyFile);
    }
    file.flush().await.map_err(unwritten)?;
    let mut file = file.into_std().await;
    io::Seek::rewind(&mut file).map_err(unwritten)?;
    Ok(file)
}

fn unwritten(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            let message = "There is no room for the archive while it is read";
            kernel::Error::new(Kind::Unavailable, "disk_full", message)
                .with_hint("Free some space; memory itself is not affected")
                .into()
        }
        _ => kernel::Error::internal(error).into(),
    }
}
