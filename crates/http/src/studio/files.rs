//! `/api/v1/sessions/{id}/fs/…`: a session's files.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use worktree::{Entry, EntryKind, Error as TreeError, Expected, Query, TreePath, Version};

use super::dev::{DONE, DoneView};
use super::{PathSessionId, SessionPath, blocking, project};
use crate::app::App;
use crate::auth::{Caller, RunCode};
use crate::error::Error;
use crate::extract::{JsonBody, MEBIBYTE, Parameters, WireBody, invalid, unfit};

/// The largest file that is read or written as a text.
const LARGEST_TEXT: usize = 4 * MEBIBYTE;
const LONGEST_PATH: usize = 4_096;
const LONGEST_QUERY: usize = 1_000;

/// Which path.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PathQuery {
    /// A path below the session's folder, with `/`; the folder itself if left out.
    #[param(max_length = 4096, example = "src/App.tsx")]
    path: Option<String>,
}

/// A folder's entries.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FileListing)]
pub(crate) struct ListingView {
    /// The entries: folders first, then by name.
    entries: Vec<EntryView>,
    /// Whether there are more than are shown.
    truncated: bool,
}

/// A file or folder.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FileEntry)]
pub(crate) struct EntryView {
    /// Its name.
    name: String,
    /// Its path.
    path: String,
    /// What it is.
    r#type: EntryType,
    /// Its size in bytes; 0 for anything but a file.
    size: u64,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EntryType {
    /// A file.
    File,
    /// A folder.
    Dir,
    /// A symbolic link.
    Link,
    /// A pipe, a socket or a device.
    Other,
}

impl From<Entry> for EntryView {
    fn from(entry: Entry) -> Self {
        let kind = match entry.kind {
            EntryKind::File => EntryType::File,
            EntryKind::Folder => EntryType::Dir,
            EntryKind::Link => EntryType::Link,
            EntryKind::Other => EntryType::Other,
        };
        Self { name: entry.name, path: entry.path, r#type: kind, size: entry.size }
    }
}

/// Lists a folder of a session
///
/// Folders first, each by name.
#[utoipa::path(
    get,
    path = "/api/v1/sessions/{id}/fs/list",
    tag = "studio",
    params(SessionPath, PathQuery),
    responses(
        (status = 200, description = "Its entries", body = ListingView),
        (status = 400, description = "`file_path_refused`: the path cannot be one of this folder"),
        (status = 404, description = "`session_not_found`, `file_not_found`: there is no such session, or no such folder"),
    ),
    security(("token" = ["run:code"])),
)]
pub(crate) async fn list_files(
    _caller: Caller<RunCode>,
    State(app): State<App>,
    PathSessionId(id): PathSessionId,
    Parameters(query): Parameters<PathQuery>,
) -> Result<Json<ListingView>, Error> {
    let tree = project(&app, &id).await?.tree().clone();
    let folder = query.path.unwrap_or_default();
    check_path(&folder)?;
    let listing = blocking(move || tree.list(&TreePath::parse_folder(&folder)?)).await?;
    let entries = listing.entries.into_iter().map(EntryView::from).collect();
    Ok(Json(ListingView { entries, truncated: listing.truncated }))
}

/// A file's content.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FileContent)]
pub(crate) struct ContentView {
    /// Its path.
    path: String,
    /// Its text; empty for a file that is none.
    content: String,
    /// Whether it is something else than text.
    binary: bool,
    /// Its size in bytes.
    size: u64,
    /// What to send as `expectedVersion` when it is written.
    version: String,
}

/// Reads a file of a session
///
/// Of a file that is no text only the size and version are given.
#[utoipa::path(
    get,
    path = "/api/v1/sessions/{id}/fs/read",
    tag = "studio",
    params(SessionPath, PathQuery),
    responses(
        (status = 200, description = "Its content", body = ContentView),
        (status = 400, description = "`file_path_refused`: the path cannot be one of this folder"),
        (status = 404, description = "`session_not_found`, `file_not_found`: there is no such session, or no such file"),
        (status = 413, description = "`file_too_large`: the file is larger than 4 MiB"),
    ),
    security(("token" = ["run:code"])),
)]
pub(crate) async fn read_file(
    _caller: Caller<RunCode>,
    State(app): State<App>,
    PathSessionId(id): PathSessionId,
    Parameters(query): Parameters<PathQuery>,
) -> Result<Json<ContentView>, Error> {
    let tree = project(&app, &id).await?.tree().clone();
    let path = query.path.ok_or_else(|| invalid("path", "it says which file is read"))?;
    check_path(&path)?;
    let read = path.clone();
    let content = blocking(move || tree.read(&TreePath::parse(&read)?, LARGEST_TEXT as u64)).await?;
    Ok(Json(ContentView {
        path,
        binary: !content.is_text,
        size: content.bytes.len() as u64,
        version: content.version.to_string(),
        content: if content.is_text {
            String::from_utf8_lossy(&content.bytes).into_owned()
        } else {
            String::new()
        },
    }))
}

/// A file to write.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({"path": "src/content.json", "content": "{}"}))]
pub(crate) struct WriteFile {
    /// Its path; folders on the way are made.
    #[schema(min_length = 1, max_length = 4096)]
    path: String,
    /// Its new content.
    content: String,
    /// The version it has to have, as it was read: a file that was changed meanwhile is left alone.
    /// An empty text means that it must not exist yet.
    #[schema(max_length = 64)]
    expected_version: Option<String>,
}

impl WireBody for WriteFile {
    // A text can be several times as long as JSON.
    const LIMIT_BYTES: usize = 6 * LARGEST_TEXT;

    fn validate(&self) -> Result<(), Error> {
        if self.content.len() > LARGEST_TEXT {
            return Err(Error::TooLarge { what: "`content`", limit: "4 MiB".into() });
        }
        check_path(&self.path)
    }
}

/// That a file was written.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FileWritten)]
pub(crate) struct WrittenView {
    /// True.
    ok: bool,
    /// Its new version.
    version: String,
}

/// Writes a file of a session
///
/// Whole or not at all.
#[utoipa::path(
    post,
    path = "/api/v1/sessions/{id}/fs/write",
    tag = "studio",
    params(SessionPath),
    request_body = WriteFile,
    responses(
        (status = 200, description = "It is written", body = WrittenView),
        (status = 400, description = "`file_path_refused`: the path cannot be one of this folder"),
        (status = 404, description = "`session_not_found`: there is no such session"),
        (status = 409, description = "`file_changed`, `file_exists`: the file was changed meanwhile, or exists already"),
    ),
    security(("token" = ["run:code"])),
)]
pub(crate) async fn write_file(
    _caller: Caller<RunCode>,
    State(app): State<App>,
    PathSessionId(id): PathSessionId,
    JsonBody(body): JsonBody<WriteFile>,
) -> Result<Json<WrittenView>, Error> {
    let tree = project(&app, &id).await?.tree().clone();
    let version = blocking(move || {
        let expected = match body.expected_version.as_deref() {
            None => Expected::Anything,
            Some("") => Expected::Absent,
            Some(version) => Expected::Version(version.parse::<Version>()?),
        };
        tree.write(&TreePath::parse(&body.path)?, body.content.as_bytes(), expected)
    });
    Ok(Json(WrittenView { ok: true, version: version.await?.to_string() }))
}

/// A new path for a file or folder.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"from": "src/Old.tsx", "to": "src/New.tsx"}))]
pub(crate) struct RenameFile {
    /// Its path.
    #[schema(min_length = 1, max_length = 4096)]
    from: String,
    /// Its new path; nothing may be there.
    #[schema(min_length = 1, max_length = 4096)]
    to: String,
}

impl WireBody for RenameFile {
    fn validate(&self) -> Result<(), Error> {
        check_path(&self.from).and_then(|()| check_path(&self.to))
    }
}

/// Renames or moves a file or folder of a session
///
/// Nothing is overwritten.
#[utoipa::path(
    post,
    path = "/api/v1/sessions/{id}/fs/rename",
    tag = "studio",
    params(SessionPath),
    request_body = RenameFile,
    responses(
        (status = 200, description = "It has its new path", body = DoneView),
        (status = 400, description = "`file_path_refused`: a path cannot be one of this folder"),
        (status = 404, description = "`session_not_found`, `file_not_found`: there is no such session, or no such file"),
        (status = 409, description = "`file_exists`: something is there already"),
    ),
    security(("token" = ["run:code"])),
)]
pub(crate) async fn rename_file(
    _caller: Caller<RunCode>,
    State(app): State<App>,
    PathSessionId(id): PathSessionId,
    JsonBody(body): JsonBody<RenameFile>,
) -> Result<Json<DoneView>, Error> {
    let tree = project(&app, &id).await?.tree().clone();
    blocking(move || tree.rename(&TreePath::parse(&body.from)?, &TreePath::parse(&body.to)?)).await?;
    Ok(Json(DONE))
}

/// A file or folder to remove.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"path": "src/Old.tsx"}))]
pub(crate) struct RemoveFile {
    /// Its path.
    #[schema(min_length = 1, max_length = 4096)]
    path: String,
}

impl WireBody for RemoveFile {
    fn validate(&self) -> Result<(), Error> {
        check_path(&self.path)
    }
}

/// Removes a file or folder of a session
///
/// A folder goes with all that is in it. A checkpoint brings it back.
#[utoipa::path(
    post,
    path = "/api/v1/sessions/{id}/fs/remove",
    tag = "studio",
    params(SessionPath),
    request_body = RemoveFile,
    responses(
        (status = 200, description = "It is gone", body = DoneView),
        (status = 400, description = "`file_path_refused`: the path cannot be one of this folder"),
        (status = 404, description = "`session_not_found`, `file_not_found`: there is no such session, or no such file"),
    ),
    security(("token" = ["run:code"])),
)]
pub(crate) async fn remove_file(
    _caller: Caller<RunCode>,
    State(app): State<App>,
    PathSessionId(id): PathSessionId,
    JsonBody(body): JsonBody<RemoveFile>,
) -> Result<Json<DoneView>, Error> {
    let tree = project(&app, &id).await?.tree().clone();
    blocking(move || tree.remove(&TreePath::parse(&body.path)?)).await?;
    Ok(Json(DONE))
}

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FileSearchQuery {
    /// The text, or with `regex` the regular expression.
    #[param(min_length = 1, max_length = 1000, example = "export function")]
    q: String,
    /// Whether `q` is a regular expression.
    #[serde(default)]
    #[param(default = false)]
    regex: bool,
    /// Whether capitals matter.
    #[serde(default)]
    #[param(default = false)]
    case: bool,
    /// Only files whose path fits this.
    #[param(max_length = 300, example = "src/**/*.tsx")]
    glob: Option<String>,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FileMatches)]
pub(crate) struct MatchesView {
    /// The matches, by file and line.
    matches: Vec<MatchView>,
    /// Whether there may be more than are shown.
    truncated: bool,
}

/// A match in a file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FileMatch)]
pub(crate) struct MatchView {
    /// The file.
    path: String,
    /// The line, from 1.
    line: u64,
    /// The place in the line, in characters from 1.
    column: u64,
    /// The line, or the part of it around the match.
    text: String,
}

/// Searches the files of a session
///
/// What is installed or made by tools is left out, and what `.gitignore` names.
#[utoipa::path(
    get,
    path = "/api/v1/sessions/{id}/fs/search",
    tag = "studio",
    params(SessionPath, FileSearchQuery),
    responses(
        (status = 200, description = "What was found", body = MatchesView),
        (status = 400, description = "`search_invalid`: the expression or pattern cannot be read"),
        (status = 404, description = "`session_not_found`: there is no such session"),
    ),
    security(("token" = ["run:code"])),
)]
pub(crate) async fn search_files(
    _caller: Caller<RunCode>,
    State(app): State<App>,
    PathSessionId(id): PathSessionId,
    Parameters(query): Parameters<FileSearchQuery>,
) -> Result<Json<MatchesView>, Error> {
    if query.q.is_empty() || query.q.len() > LONGEST_QUERY {
        return Err(invalid("q", format!("it must have 1 to {LONGEST_QUERY} bytes")));
    }
    let tree = project(&app, &id).await?.tree().clone();
    let found = blocking(move || {
        let wanted =
            Query { is_regex: query.regex, match_case: query.case, glob: query.glob, ..Query::text(query.q) };
        tree.search(&wanted)
    });
    let found = found.await?;
    let matches = found.matches.into_iter().map(|one| MatchView {
        path: one.path,
        line: one.line as u64,
        column: one.column as u64,
        text: one.text,
    });
    Ok(Json(MatchesView { matches: matches.collect(), truncated: found.truncated }))
}

/// Downloads a session's files
///
/// As a zip file, without what is installed or made by tools.
#[utoipa::path(
    get,
    path = "/api/v1/sessions/{id}/download",
    tag = "studio",
    params(SessionPath),
    responses(
        (status = 200, description = "The zip file", content_type = "application/zip", body = Vec<u8>),
        (status = 404, description = "`session_not_found`: there is no such session"),
    ),
    security(("token" = ["run:code"])),
)]
pub(crate) async fn download_files(
    _caller: Caller<RunCode>,
    State(app): State<App>,
    PathSessionId(id): PathSessionId,
) -> Result<Response, Error> {
    let project = project(&app, &id).await?;
    let name = file_name(&project.session().name);
    let tree = project.tree().clone();
    let zipped = blocking(move || {
        let mut zipped = Vec::new();
        tree.zip(&mut zipped)?;
        Ok::<_, TreeError>(zipped)
    });
    let mut response = Response::new(Body::from(zipped.await?));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    let disposition = format!("attachment; filename=\"{name}.zip\"");
    headers.insert(CONTENT_DISPOSITION, HeaderValue::try_from(disposition).map_err(kernel::Error::internal)?);
    *response.status_mut() = StatusCode::OK;
    Ok(response)
}

/// A name as every system takes it.
fn file_name(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|character| if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' })
        .collect();
    let plain: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
    if plain.is_empty() { "session".into() } else { plain.join("-") }
}

fn check_path(path: &str) -> Result<(), Error> {
    if path.len() > LONGEST_PATH {
        return Err(unfit(format!("a path is longer than {LONGEST_PATH} bytes")));
    }
    Ok(())
}
