//! The OpenAPI 3.1 document, generated from the routes and completed here with what holds for all
//! of them: refusals, headers, credentials.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::app::Options;
use crate::jobs::JobType;
use crate::problem::{PROBLEM_JSON, Problem};
use crate::{limits, providers, router};

const DESCRIPTION: &str = "\
Atelier's own interface. Errors are `application/problem+json` with a stable `code` and a `hint`. \
Lists take `limit` and `cursor` and answer `{items, next_cursor}`. Streams are events of a run and \
resume without a gap. Every response has `X-Request-ID` and `X-Duration` (seconds).\n\n\
Known quirks: where a seed document names a field, its spelling stands: `jobId`, `session_id`, `n`.";

/// Operations whose body may be left out.
const BODY_MAY_BE_ABSENT: [&str; 8] = [
    "look_at",
    "share_session",
    "retry_run",
    "test_provider",
    "warm_up_model",
    "create_studio_session",
    "create_checkpoint",
    "start_dev",
];

const TAGS: [(&str, &str); 9] = [
    ("runs", "Durable work: submit, watch, decide, go again"),
    ("jobs", "Runs under the name programs know them by"),
    ("factory", "Planner, memory, code runner, supervisor"),
    ("studio", "Sessions in which people and agents build software, and what they show"),
    ("models", "Model providers and who is asked"),
    ("connectors", "Servers of tools that agents may use"),
    ("session", "Getting in and out"),
    ("workspace", "What is set and what there is"),
    ("health", "How the server is"),
];

/// The whole document, as served at `/api/v1/openapi.json`.
pub fn document(options: &Options) -> Value {
    complete(&router::api().into_openapi(), options)
}

/// Adds to the generated document what holds for every operation.
pub(crate) fn complete(generated: &utoipa::openapi::OpenApi, options: &Options) -> Value {
    let mut document = serde_json::to_value(generated).expect("the document is JSON");
    document["info"] = json!({
        "title": "Atelier",
        "version": env!("CARGO_PKG_VERSION"),
        "description": DESCRIPTION,
        "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
    });
    document["tags"] = TAGS.iter().map(|(name, text)| json!({"name": name, "description": text})).collect();
    let paths = document["paths"].take();
    let paths = paths.as_object().into_iter().flatten().map(|(path, item)| {
        let mut item = item.clone();
        for operation in item.as_object_mut().into_iter().flatten().map(|(_, operation)| operation) {
            complete_operation(operation);
        }
        // The router's mark for a segment that holds slashes.
        (path.replace("{*", "{"), item)
    });
    document["paths"] = Value::Object(paths.collect());
    let components = &mut document["components"];
    components["securitySchemes"] = json!({
        "token": {"type": "http", "scheme": "bearer", "description": "A token from `atelier token new`"},
        "cookie": {"type": "apiKey", "in": "cookie", "name": "atelier_session", "description": "A browser's session"},
    });
    components["schemas"][&*Problem::name()] =
        serde_json::to_value(<Problem as utoipa::PartialSchema>::schema()).expect("a schema is JSON");
    limits::complete_schemas(&mut components["schemas"]);
    providers::complete_schemas(&mut components["schemas"]);
    components["schemas"][&*JobType::name()] =
        json!({"type": "string", "enum": &*options.job_types, "description": "The sorts of jobs there are."});
    share_refusals(&mut document);
    document
}

/// Says a refusal once that several operations give, in `components/responses` under its first code.
fn share_refusals(document: &mut Value) {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for_each_refusal(document, |_, refusal| *counts.entry(refusal.to_string()).or_default() += 1);
    let mut shared = Map::new();
    for_each_refusal(document, |status, refusal| {
        let example = refusal.pointer("/content/application~1problem+json/example/code");
        let Some(code) = example.and_then(Value::as_str).filter(|_| counts[&refusal.to_string()] > 1) else {
            return;
        };
        // Of those that begin alike, the one that comes first has the plain name.
        let name =
            (1..)
                .map(|number| {
                    if number == 1 { format!("{status}_{code}") } else { format!("{status}_{code}_{number}") }
                })
                .find(|name| shared.get(name).is_none_or(|other| other == refusal))
                .unwrap_or_default();
        let reference = json!({"$ref": format!("#/components/responses/{name}")});
        shared.insert(name, std::mem::replace(refusal, reference));
    });
    document["components"]["responses"] = Value::Object(shared);
}

fn for_each_refusal(document: &mut Value, mut visit: impl FnMut(&str, &mut Value)) {
    let items = document["paths"].as_object_mut().into_iter().flatten();
    for (_, operation) in items.filter_map(|(_, item)| item.as_object_mut()).flatten() {
        for (status, response) in operation["responses"].as_object_mut().into_iter().flatten() {
            if status.as_str() >= "400" {
                visit(status, response);
            }
        }
    }
}

fn complete_operation(operation: &mut Value) {
    if operation["operationId"].as_str().is_some_and(|id| BODY_MAY_BE_ABSENT.contains(&id)) {
        operation["requestBody"]["required"] = json!(false);
    }
    let secured =
        operation["security"].as_array().is_some_and(|needs| needs.iter().any(|need| need != &json!({})));
    let has_body = operation.get("requestBody").is_some();
    let has_parameters = operation["parameters"].as_array().is_some_and(|all| !all.is_empty());
    if secured {
        let scopes = operation["security"][0]["token"].clone();
        operation["security"] = json!([{"token": scopes}, {"cookie": scopes}]);
    }
    let mut add = |status: &str, text: &str| {
        let responses = operation["responses"].as_object_mut().expect("an operation has responses");
        responses.entry(status).or_insert_with(|| json!({"description": text}));
    };
    if has_body || has_parameters {
        add(
            "400",
            match (has_body, has_parameters) {
                (true, true) => {
                    "`malformed_json`, `invalid_parameter`, `unknown_parameter`, `unsafe_path`: the request cannot be read, or not be meant"
                }
                (true, false) => {
                    "`malformed_json`, `body_cut_off`: the request cannot be read, or not be meant"
                }
                _ => "`invalid_parameter`, `unknown_parameter`, `unsafe_path`: the request cannot be read",
            },
        );
    }
    if has_body {
        add("413", "`too_large`: the body is larger than 2 MiB");
        add("415", "`wrong_content_type`: the body is not declared as JSON");
        add("422", "`unfit_body`, `unknown_member`: the body is JSON, but not what is taken here");
    }
    if secured {
        add("401", "`no_credentials`, `unauthenticated`: nobody valid has said who is asking");
        add(
            "403",
            "`scope_lacking`, `foreign_host`, `foreign_origin`, `misplaced_credentials`: whoever asks may not do this",
        );
    } else {
        add(
            "403",
            "`foreign_host`, `foreign_origin`: this server is not asked by this name, or not from this page",
        );
    }
    add("500", "`internal`: a defect in Atelier");
    add("503", "`timed_out`, `stopping`: Atelier cannot answer now");
    let responses = operation["responses"].as_object_mut().expect("an operation has responses");
    for (status, response) in responses.iter_mut() {
        complete_response(status, response);
    }
    let sorted: std::collections::BTreeMap<_, _> = std::mem::take(responses).into_iter().collect();
    responses.extend(sorted);
}

fn complete_response(status: &str, response: &mut Value) {
    let number: u16 = status.parse().unwrap_or_default();
    if number >= 400 && response.get("content").is_none() {
        let code =
            response["description"].as_str().and_then(|text| text.split('`').nth(1)).unwrap_or("refused");
        let example = json!({
            "type": "about:blank",
            "title": axum::http::StatusCode::from_u16(number).ok().and_then(|status| status.canonical_reason()),
            "status": number,
            "detail": response["description"].as_str().and_then(|text| text.split(": ").last()),
            "code": code,
            "request_id": "req_01hv5k3m9x7q2w8e4r6t",
        });
        let schema = json!({"$ref": format!("#/components/schemas/{}", Problem::name())});
        response["content"] = json!({PROBLEM_JSON: {"schema": schema, "example": example}});
    }
    if let Some(media) = response.pointer_mut("/content/*~1*") {
        // Bytes of whatever type: nothing can be said about them.
        *media = json!({"schema": {"format": "binary"}});
    }
    let text = |description: &str| json!({"schema": {"type": "string"}, "description": description});
    let headers =
        response.as_object_mut().expect("a response is an object").entry("headers").or_insert(json!({}));
    let headers: &mut Map<String, Value> = headers.as_object_mut().expect("headers are an object");
    headers.insert(
        "X-Request-ID".into(),
        text("The request's id, taken from the request when it is well-formed"),
    );
    headers.insert("X-Duration".into(), text("Seconds until the answer began"));
    match number {
        401 => headers.insert("WWW-Authenticate".into(), text("`Bearer`")),
        429 | 503 => headers.insert("Retry-After".into(), text("Seconds to wait")),
        _ => None,
    };
}
