//! Calls of Atelier's own routes, inside the process, with the credentials of whoever asks.
//!
//! Invariant: a call passes the same extractors as a request from outside, so its caller is known
//! anew each time. A token that was revoked meanwhile opens nothing any more.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Request};
use axum::response::IntoResponse;
use futures::FutureExt;
use kernel::Kind;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt;
use utoipa::openapi::PathItem;

use crate::app::App;
use crate::error::Error;
use crate::middleware::answer::Id;
use crate::{problem, router};

/// No answer that is read as a whole is larger.
const LARGEST_ANSWER: usize = 64 << 20;

/// A route, as the router has it: `{id}` stands for a segment.
pub(super) type Route = (Method, &'static str);

/// The routes, for calls.
pub(super) struct Routes {
    router: Router,
    known: HashSet<(Method, String)>,
}

/// Who calls.
#[derive(Clone, Debug)]
pub(super) struct Credentials {
    headers: HeaderMap,
    request_id: String,
}

impl Credentials {
    /// Those of a request.
    pub fn of(parts: &Parts) -> Self {
        let mut headers = HeaderMap::new();
        for name in [AUTHORIZATION, COOKIE] {
            for value in parts.headers.get_all(&name) {
                headers.append(name.clone(), value.clone());
            }
        }
        let request_id = parts.extensions.get::<Id>().map(|id| id.0.clone()).unwrap_or_default();
        Self { headers, request_id }
    }
}

/// A call of a route.
#[derive(Clone, Debug)]
pub(super) struct Call {
    method: Method,
    path: String,
    body: Option<Value>,
}

impl Call {
    /// A call whose `{…}` are `segments`, in their order.
    pub fn new((method, path): Route, segments: &[&str]) -> Self {
        let mut segments = segments.iter();
        let path = path.split('/').map(|segment| match segment.starts_with('{') {
            true => segments.next().map(|text| encoded(text)).unwrap_or_default(),
            false => segment.to_owned(),
        });
        Self { method, path: path.collect::<Vec<_>>().join("/"), body: None }
    }

    /// With a query parameter, if it has a value.
    pub fn with(mut self, name: &str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            let mark = if self.path.contains('?') { '&' } else { '?' };
            self.path = format!("{}{mark}{name}={}", self.path, encoded(&value.to_string()));
        }
        self
    }

    /// With a body.
    pub fn with_body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }
}

/// What a route refused.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(super) struct Refusal {
    /// A stable, snake_case identifier.
    pub code: String,
    /// What happened.
    #[serde(rename = "detail")]
    pub message: String,
    /// What to do next.
    #[serde(default)]
    pub hint: Option<String>,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { code: error.code().into(), message: error.to_string(), hint: error.hint() }
    }
}

impl From<kernel::Error> for Refusal {
    fn from(error: kernel::Error) -> Self {
        if error.kind == Kind::Internal {
            // What a route meets itself is in the log already.
            tracing::error!(cause = error.causes(), "a tool met a defect");
        }
        Error::from(error).into()
    }
}

impl Routes {
    pub fn new(app: &App) -> Self {
        let (router, document) = router::api().split_for_parts();
        let items = document.paths.paths.iter();
        let known = items.flat_map(|(path, item)| methods(item).map(|method| (method, path.clone())));
        Self { router: router.with_state(app.clone()), known: known.collect() }
    }

    /// Whether there is such a route.
    pub fn have(&self, (method, path): &Route) -> bool {
        self.known.contains(&(method.clone(), (*path).to_owned()))
    }

    /// What a route answers.
    pub async fn call<T: DeserializeOwned>(
        &self,
        credentials: &Credentials,
        call: Call,
    ) -> Result<T, Refusal> {
        let value = self.answer(credentials, call).await?;
        serde_json::from_value(value).map_err(|error| {
            kernel::Error::internal(format!("a route's answer is not what its caller reads: {error}")).into()
        })
    }

    async fn answer(&self, credentials: &Credentials, call: Call) -> Result<Value, Refusal> {
        let method = call.method.clone();
        let Ok(request) = request(credentials, call) else {
            return Err(Error::NoRoute.into());
        };
        let answered = AssertUnwindSafe(self.router.clone().oneshot(request)).catch_unwind().await;
        let response = match answered {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => Error::Panicked("a route that a tool called".into()).into_response(),
        };
        let refused = !response.status().is_success();
        let response = problem::render(response, &method, &credentials.request_id);
        let body = to_bytes(response.into_body(), LARGEST_ANSWER).await.unwrap_or_default();
        let read = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&body) };
        let value: Value = read.map_err(|_| kernel::Error::internal("a route's answer is not JSON"))?;
        if refused {
            let refusal = Refusal::deserialize(value);
            return Err(
                refusal.unwrap_or_else(|_| kernel::Error::internal("a refusal without a reason").into())
            );
        }
        Ok(value)
    }
}

fn request(credentials: &Credentials, call: Call) -> Result<Request<Body>, axum::http::Error> {
    let mut request = Request::builder().method(call.method).uri(call.path).body(Body::empty())?;
    request.headers_mut().extend(credentials.headers.clone());
    request.extensions_mut().insert(Id(credentials.request_id.clone()));
    if let Some(body) = call.body {
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.body_mut() = Body::from(body.to_string());
    }
    Ok(request)
}

fn methods(item: &PathItem) -> impl Iterator<Item = Method> {
    let all = [
        (Method::GET, &item.get),
        (Method::POST, &item.post),
        (Method::PUT, &item.put),
        (Method::PATCH, &item.patch),
        (Method::DELETE, &item.delete),
    ];
    all.into_iter().filter(|(_, operation)| operation.is_some()).map(|(method, _)| method)
}

/// The text as a segment of a path or a value of a query.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let write = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    match text {
        // A path is not left by a segment of it.
        "." | ".." => text.replace('.', "%2E"),
        text => text.bytes().map(write).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(call: Call, expected: &str) {
        assert_eq!(call.path, expected);
    }

    #[test]
    fn what_a_caller_writes_stays_in_its_place() {
        let run = (Method::GET, "/api/v1/runs/{id}");
        check(Call::new(run.clone(), &["run_1"]), "/api/v1/runs/run_1");
        check(Call::new(run.clone(), &["../tokens?x=1#y"]), "/api/v1/runs/..%2Ftokens%3Fx%3D1%23y");
        check(Call::new(run, &[".."]), "/api/v1/runs/%2E%2E");
        let list = (Method::GET, "/api/v1/runs");
        check(Call::new(list.clone(), &[]).with("q", Some("a&b=ç")), "/api/v1/runs?q=a%26b%3D%C3%A7");
        let call =
            Call::new(list, &[]).with("limit", Some(3)).with("cursor", None::<&str>).with("q", Some(""));
        check(call, "/api/v1/runs?limit=3&q=");
    }
}
