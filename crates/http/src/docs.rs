//! `GET /api/v1/openapi.json`, and `/api/docs`: a page that shows the document, self-contained.

use axum::Router;
use axum::body::Bytes;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, get};
use serde_json::Value;

use crate::app::App;

/// The routes of the documentation.
pub(crate) fn routes(document: &Value) -> Router<App> {
    let document = serde_json::to_vec(document).expect("the document is JSON");
    Router::new()
        .route("/api/v1/openapi.json", file("application/json", document))
        .route("/api/docs", file("text/html; charset=utf-8", include_str!("docs/page.html")))
        .route("/api/docs/docs.css", file("text/css; charset=utf-8", include_str!("docs/docs.css")))
        .route("/api/docs/docs.js", file("text/javascript; charset=utf-8", include_str!("docs/docs.js")))
}

fn file(content_type: &'static str, content: impl Into<Bytes>) -> MethodRouter<App> {
    let content: Bytes = content.into();
    get(async move || {
        let headers = [(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-cache")];
        (headers, content.clone()).into_response()
    })
}
