//! The OpenAPI document: complete, true to the routes, its examples valid.

use axum::http::Method;
use http_surface::{Options, document};
use serde_json::Value;

use crate::support::Server;

const OPEN: [&str; 4] = ["get_health", "get_liveness", "get_readiness", "open_session"];

/// Every operation: its path, method and description, with the responses that are said elsewhere.
fn operations(document: &Value) -> Vec<(String, Method, Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            let item = item.as_object().unwrap();
            item.iter().map(|(method, operation)| {
                let mut operation = operation.clone();
                for (_, response) in operation["responses"].as_object_mut().unwrap() {
                    if let Some(elsewhere) = response["$ref"].as_str() {
                        *response = document.pointer(&elsewhere[1..]).unwrap().clone();
                    }
                }
                (path.clone(), method.to_uppercase().parse().unwrap(), operation)
            })
        })
        .collect()
}

fn filled(path: &str) -> String {
    path.replace("{id}", "run_01hv5k3m9x7q2w8e4r6t").replace("{name}", "ollama").replace("{path}", "a/b.txt")
}

#[test]
fn lists_every_operation_with_its_scope() {
    let document = document(&Options::default());
    assert_eq!(document["openapi"], "3.1.0");
    let line = |(path, method, operation): &(String, Method, Value)| {
        let scope = operation["security"][0]["token"][0].as_str();
        let statuses: Vec<_> =
            operation["responses"].as_object().unwrap().keys().map(String::as_str).collect();
        format!("{method} {path} {} [{}]", scope.unwrap_or("-"), statuses.join(" "))
    };
    let lines: Vec<String> = operations(&document).iter().map(line).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn says_everything_about_every_operation() {
    let document = document(&Options::default());
    let mut names = Vec::new();
    for (path, method, operation) in operations(&document) {
        let at = format!("{method} {path}");
        for member in ["operationId", "summary", "description"] {
            assert!(operation[member].as_str().is_some_and(|text| !text.is_empty()), "{at} has no {member}");
        }
        names.push(operation["operationId"].as_str().unwrap().to_owned());
        assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{at}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].is_string(), "{at}: {parameter}");
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(response["headers"]["X-Request-ID"].is_object(), "{at} {status}");
            if status.as_str() >= "400" {
                assert!(
                    response["content"]["application/problem+json"]["example"]["code"] != "refused",
                    "{at} {status}"
                );
            }
        }
        let secured = !OPEN.contains(&operation["operationId"].as_str().unwrap());
        assert_eq!(operation["responses"].get("401").is_some() && secured, secured, "{at}");
    }
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "an operation's id is used twice");
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(schema["description"].is_string() || name.starts_with("List_"), "{name} has no description");
    }
}

#[test]
fn its_references_lead_somewhere_and_its_examples_fit_their_schemas() {
    let document = document(&Options::default());
    let mut checked = 0;
    walk(&document, &mut |value| {
        if let Some(reference) = value["$ref"].as_str() {
            assert!(document.pointer(&reference[1..]).is_some(), "{reference} leads nowhere");
        }
    });
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        if let Some(example) = schema.get("example") {
            fits(&document, schema, example, name);
            checked += 1;
        }
    }
    for (path, _, operation) in operations(&document) {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if let Some(example) = parameter.get("example") {
                fits(&document, &parameter["schema"], example, &format!("{path} {}", parameter["name"]));
                checked += 1;
            }
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            for media in response["content"].as_object().into_iter().flatten().map(|(_, media)| media) {
                if let Some(example) = media.get("example") {
                    fits(&document, &media["schema"], example, &format!("{path} {status}"));
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 100, "{checked}");
}

#[tokio::test]
async fn every_operation_asks_for_credentials_and_for_its_scope() {
    let server = Server::start().await;
    for (path, method, operation) in operations(&document(&Options::default())) {
        if OPEN.contains(&operation["operationId"].as_str().unwrap()) {
            continue;
        }
        let mut request = server.request(method.clone(), &filled(&path));
        request.headers_mut().remove("authorization");
        assert_eq!(server.send(request).await.refusal(), (401, "no_credentials".into()), "{method} {path}");
        let Some(scope) = operation["security"][0]["token"][0].as_str() else { continue };
        let others = [accounts::Scope::ReadMemory, accounts::Scope::InvokeModels];
        let others: Vec<_> = others.into_iter().filter(|other| other.as_str() != scope).collect();
        let token = server.token_for(&others).await;
        let mut request = server.request(method.clone(), &filled(&path));
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        let answer = server.send(request).await;
        assert_eq!(answer.refusal(), (403, "scope_lacking".into()), "{method} {path}");
        assert!(
            answer.json()["detail"].as_str().unwrap().contains(scope),
            "{method} {path}: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn the_page_that_shows_it_is_small_and_brings_everything_along() {
    let server = Server::start().await;
    let served = server.get("/api/v1/openapi.json").await.json();
    assert_eq!(served["paths"], document(&server.app.options)["paths"]);
    let mut size = 0;
    for path in ["/api/docs", "/api/docs/docs.css", "/api/docs/docs.js"] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.text().contains("://"), "{path} refers to another server");
        assert!(!answer.text().contains("style="), "{path} has what the policy forbids");
        size += answer.body.len();
    }
    assert!(size < 100_000, "{size}");
}

fn walk(value: &Value, visit: &mut impl FnMut(&Value)) {
    visit(value);
    match value {
        Value::Object(members) => members.values().for_each(|value| walk(value, visit)),
        Value::Array(items) => items.iter().for_each(|value| walk(value, visit)),
        _ => {}
    }
}

/// As much of JSON Schema as the document uses for its examples.
#[track_caller]
fn fits(document: &Value, schema: &Value, value: &Value, at: &str) {
    assert!(is_valid(document, schema, value), "the example at {at} does not fit: {value} against {schema}");
}

fn is_valid(document: &Value, schema: &Value, value: &Value) -> bool {
    if let Some(reference) = schema["$ref"].as_str() {
        return is_valid(document, &document.pointer(&reference[1..]).unwrap().clone(), value);
    }
    let each = |schemas: &Value| -> Vec<bool> {
        schemas.as_array().unwrap().iter().map(|schema| is_valid(document, schema, value)).collect()
    };
    let all = schema.get("allOf").is_none_or(|schemas| each(schemas).iter().all(|valid| *valid));
    let one =
        schema.get("oneOf").is_none_or(|schemas| each(schemas).iter().filter(|valid| **valid).count() == 1);
    let any = schema.get("anyOf").is_none_or(|schemas| each(schemas).contains(&true));
    let known = schema.get("enum").is_none_or(|values| values.as_array().unwrap().contains(value));
    let typed = match &schema["type"] {
        Value::String(name) => is_type(name, value),
        Value::Array(names) => names.iter().any(|name| is_type(name.as_str().unwrap(), value)),
        _ => true,
    };
    let complete = !value.is_object()
        || schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .all(|name| value.get(name.as_str().unwrap()).is_some());
    let members =
        value.as_object().into_iter().flatten().all(|(name, member)| match schema["properties"].get(name) {
            Some(schema) => is_valid(document, schema, member),
            None => match schema.get("additionalProperties") {
                Some(Value::Bool(allowed)) => *allowed,
                Some(schema) => is_valid(document, schema, member),
                None => true,
            },
        });
    let items = value
        .as_array()
        .into_iter()
        .flatten()
        .all(|item| schema.get("items").is_none_or(|schema| is_valid(document, schema, item)));
    all && one && any && known && typed && complete && members && items
}

fn is_type(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}
