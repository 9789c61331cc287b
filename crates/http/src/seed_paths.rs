//! The paths the seed documents write, and the canonical path each one stands for. Nothing more:
//! a request's path is rewritten before it is routed, so no handler exists twice.

use axum::extract::Request;
use axum::http::Uri;

/// A seed path and its canonical path; `*` stands for the rest, which is kept.
const PATHS: &[(&str, &str)] = &[
    // studio.md
    ("/api/sessions", "/api/v1/sessions"),
    ("/api/sessions/*", "/api/v1/sessions/*"),
    // factory.md
    ("/healthcheck", "/api/v1/health"),
    ("/planner/dispatch", "/api/v1/planner/dispatch"),
    ("/memory/logs", "/api/v1/memory/logs"),
    ("/memory/search", "/api/v1/memory/search"),
    ("/memory/snapshot", "/api/v1/memory/snapshot"),
    ("/debugger/run", "/api/v1/debugger/run"),
    ("/debugger/logs", "/api/v1/debugger/logs"),
    ("/debugger/search", "/api/v1/debugger/search"),
    ("/supervisor/run", "/api/v1/supervisor/run"),
    ("/supervisor/status", "/api/v1/supervisor/status"),
    ("/supervisor/history", "/api/v1/supervisor/history"),
    // mesh.md
    ("/v1/jobs", "/api/v1/jobs"),
    ("/v1/jobs/*", "/api/v1/jobs/*"),
    ("/v1/stream/*", "/api/v1/stream/*"),
    ("/v1/llm/infer", "/api/v1/llm/infer"),
    ("/v1/context/*", "/api/v1/context/*"),
    ("/v1/ingest", "/api/v1/ingest"),
    ("/v1/search", "/api/v1/search"),
];

/// Gives a request for a seed path the canonical one.
pub(crate) fn rewrite(request: &mut Request) {
    if let Some(uri) = canonical(request.uri()) {
        *request.uri_mut() = uri;
    }
}

fn canonical(uri: &Uri) -> Option<Uri> {
    let path = canonical_path(uri.path())?;
    let path_and_query = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query.parse().ok()?);
    Uri::from_parts(parts).ok()
}

fn canonical_path(path: &str) -> Option<String> {
    PATHS.iter().find_map(|(seed, canonical)| match (seed.strip_suffix('*'), canonical.strip_suffix('*')) {
        (Some(seed), Some(canonical)) => Some(format!("{canonical}{}", path.strip_prefix(seed)?)),
        _ => (path == *seed).then(|| (*canonical).to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(seed: &str, expected: Option<&str>) {
        let found = canonical(&seed.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(found.as_deref(), expected, "{seed}");
    }

    #[test]
    fn rewrites_seed_paths_and_keeps_the_query() {
        check("/memory/search?q=tests&n=3", Some("/api/v1/memory/search?q=tests&n=3"));
        check("/v1/jobs", Some("/api/v1/jobs"));
        check("/v1/jobs/run_1/cancel", Some("/api/v1/jobs/run_1/cancel"));
        check("/v1/stream/run_1?after=2", Some("/api/v1/stream/run_1?after=2"));
        check("/memory", None);
        check("/v1/jobsearch", None);
        check("/api/v1/jobs", None);
        check("/", None);
    }
}
