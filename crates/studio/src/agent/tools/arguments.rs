//! What a model wrote as a tool's arguments, read with errors it can act on.

use models::ToolCall;
use serde_json::{Map, Value};

use super::{Used, describe};

/// The arguments of a call.
pub(super) struct Arguments(Map<String, Value>);

impl Arguments {
    /// Reads them: an object with only the members that the tool has. The error says what is wrong.
    pub(super) fn read(call: &ToolCall) -> Result<Self, String> {
        let text = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
        let value: Value = serde_json::from_str(text).map_err(|error| {
            format!(
                "The arguments of `{}` are not valid JSON: {error}. Call it again with correct JSON.",
                call.name
            )
        })?;
        let Value::Object(members) = value else {
            return Err(format!("The arguments of `{}` must be a JSON object.", call.name));
        };
        if let Some(known) = describe::parameters_of(&call.name) {
            let known =
                known["properties"].as_object().map(|properties| properties.keys().collect::<Vec<_>>());
            let known = known.unwrap_or_default();
            if let Some(odd) = members.keys().find(|name| !known.contains(name)) {
                let names: Vec<&str> = known.iter().map(|name| name.as_str()).collect();
                return Err(format!(
                    "`{}` has no argument `{odd}`; it takes: {}",
                    call.name,
                    names.join(", ")
                ));
            }
        }
        Ok(Self(members))
    }

    /// Arguments that were read before.
    pub(super) fn of(value: Value) -> Self {
        match value {
            Value::Object(members) => Self(members),
            _ => Self(Map::new()),
        }
    }

    pub(super) fn into_value(self) -> Value {
        Value::Object(self.0)
    }

    pub(super) fn text(&self, name: &str) -> Result<String, Used> {
        match self.0.get(name) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(Used::failed(format!("`{name}` must be a text"))),
            None => Err(Used::failed(format!("`{name}` is missing"))),
        }
    }

    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, Used> {
        let wrong = || Used::failed(format!("`{name}` must be a list of texts"));
        match self.0.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => {
                items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
            }
            Some(_) => Err(wrong()),
        }
    }

    pub(super) fn number(&self, name: &str) -> Result<u64, Used> {
        self.optional_number(name).ok_or_else(|| Used::failed(format!("`{name}` must be a whole number")))
    }

    pub(super) fn optional_text(&self, name: &str) -> Option<String> {
        self.0.get(name)?.as_str().map(str::to_owned)
    }

    pub(super) fn optional_number(&self, name: &str) -> Option<u64> {
        self.0.get(name)?.as_u64()
    }

    pub(super) fn optional_flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or(false)
    }
}
