//! Whether arguments are what a tool takes.
//!
//! Invariant: a schema is a stranger's. Nothing is fetched for it, its patterns run in linear time,
//! and one that leads into itself without going deeper is not followed.

use jsonschema::PatternOptions;
use serde_json::Value;

/// How many things that are wrong are told.
const TOLD: usize = 5;
/// How much of a schema is looked at before it is used.
const VISITS: usize = 20_000;
/// How deep arguments may be nested.
const DEPTH: usize = 32;

/// Says what is wrong with the arguments, in words a model can act on. A schema that cannot be used
/// checks nothing: then the server is the only judge, as it is in any case.
pub(crate) fn check(schema: &Value, arguments: &Value) -> Result<(), String> {
    if !arguments.is_object() {
        return Err("they must be a JSON object".into());
    }
    if depth(arguments) > DEPTH {
        return Err(format!("they are nested more than {DEPTH} deep"));
    }
    if leads_into_itself(schema) {
        return Ok(());
    }
    let options = jsonschema::options().offline().with_pattern_options(PatternOptions::regex());
    let Ok(validator) = options.build(schema) else { return Ok(()) };
    let wrong: Vec<String> = validator.iter_errors(arguments).take(TOLD).map(|error| told(&error)).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn told(error: &jsonschema::ValidationError<'_>) -> String {
    let place = error.instance_path().to_string();
    let message = crate::text::label(&error.to_string(), 300);
    if place.is_empty() { message } else { format!("at {place}: {message}") }
}

/// Whether following references alone, without looking at any part of the arguments, comes back to
/// where it began, or is more than [`VISITS`] steps of work.
fn leads_into_itself(schema: &Value) -> bool {
    let mut walk = Walk { root: schema, under: Vec::new(), visits: 0 };
    walk.everywhere(schema)
}

struct Walk<'a> {
    root: &'a Value,
    under: Vec<*const Value>,
    visits: usize,
}

impl<'a> Walk<'a> {
    fn everywhere(&mut self, at: &'a Value) -> bool {
        self.leads(at)
            || match at {
                Value::Object(members) => members.values().any(|value| self.everywhere(value)),
                Value::Array(items) => items.iter().any(|value| self.everywhere(value)),
                _ => false,
            }
    }

    fn leads(&mut self, at: &'a Value) -> bool {
        let Value::Object(members) = at else { return false };
        let here: *const Value = at;
        self.visits += 1;
        if self.visits > VISITS || self.under.contains(&here) {
            return true;
        }
        let mut same_place: Vec<&'a Value> = Vec::new();
        for name in ["$ref", "$dynamicRef", "$recursiveRef"] {
            let Some(reference) = members.get(name).and_then(Value::as_str) else { continue };
            // What is elsewhere, or is found by a name: nothing of a tool's schema needs it.
            let Some(pointer) = reference.strip_prefix('#') else { return true };
            if !pointer.is_empty() && !pointer.starts_with('/') {
                return true;
            }
            same_place.extend(self.root.pointer(pointer));
        }
        for name in ["not", "if", "then", "else"] {
            same_place.extend(members.get(name));
        }
        for name in ["allOf", "anyOf", "oneOf"] {
            same_place.extend(members.get(name).and_then(Value::as_array).into_iter().flatten());
        }
        for name in ["dependentSchemas", "dependencies"] {
            let of_members = members.get(name).and_then(Value::as_object);
            same_place.extend(of_members.into_iter().flat_map(|map| map.values()));
        }
        self.under.push(here);
        let leads = same_place.into_iter().any(|next| self.leads(next));
        self.under.pop();
        leads
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn wrong(schema: Value, arguments: Value, expected: Option<&str>) {
        match (check(&schema, &arguments), expected) {
            (Ok(()), None) => {}
            (Err(told), Some(part)) if told.contains(part) => {}
            (got, expected) => panic!("{got:?} {expected:?}"),
        }
    }

    #[test]
    fn arguments_that_do_not_fit_are_told_with_their_place() {
        let schema = json!({
            "type": "object", "required": ["city"], "additionalProperties": false,
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "maximum": 7}},
        });
        wrong(schema.clone(), json!({"city": "Berlin", "days": 3}), None);
        wrong(schema.clone(), json!({}), Some("city"));
        wrong(schema.clone(), json!({"city": 1}), Some("at /city"));
        wrong(schema.clone(), json!({"city": "B", "days": 9}), Some("at /days"));
        wrong(schema.clone(), json!({"city": "B", "evil": 1}), Some("evil"));
        wrong(schema, json!([]), Some("object"));
    }

    #[test]
    fn a_strangers_schema_neither_hangs_nor_overflows_nor_fetches() {
        let arguments = json!({"a": {"a": {"a": "x".repeat(40)}}});
        for schema in [
            json!({"$ref": "#"}),
            json!({"allOf": [{"$ref": "#"}]}),
            json!({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"}),
            json!({"properties": {"a": {"not": {"$ref": "#/properties/a"}}}}),
            json!({"$ref": "http://127.0.0.1:9/schema.json"}),
            json!({"$dynamicRef": "#x", "$dynamicAnchor": "x"}),
            json!({"properties": {"a": {"pattern": "(a+)+$"}}}),
            json!({"pattern": "(?=x)("}),
            json!({"type": "nonsense"}),
        ] {
            assert_eq!(check(&schema, &arguments), Ok(()), "{schema}");
        }
    }

    #[test]
    fn a_schema_may_describe_what_holds_itself() {
        let tree = json!({
            "$defs": {"node": {
                "type": "object", "required": ["name"],
                "properties": {"name": {"type": "string"}, "below": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
            }},
            "properties": {"tree": {"$ref": "#/$defs/node"}},
        });
        wrong(tree.clone(), json!({"tree": {"name": "a", "below": [{"name": "b"}]}}), None);
        wrong(tree, json!({"tree": {"name": "a", "below": [{}]}}), Some("/tree/below/0"));
    }

    #[test]
    fn exponential_references_are_not_followed() {
        let mut defs = serde_json::Map::new();
        for level in 0..40 {
            let next = format!("#/$defs/l{}", level + 1);
            defs.insert(format!("l{level}"), json!({"allOf": [{"$ref": next}, {"$ref": next}]}));
        }
        defs.insert("l40".into(), json!({"type": "object"}));
        assert_eq!(check(&json!({"$defs": defs, "$ref": "#/$defs/l0"}), &json!({})), Ok(()));
    }
}
