//! A model that does what it is asked, by rules that know no test: it calls the tools it is offered
//! with arguments that fit their schemas, writes documents that fit the schema wanted, stops at stop
//! sequences and limits, and else repeats what it was told.
//!
//! It reads requests in both protocols. What is between single or double quotes in a prompt is what
//! texts are filled with, and the prompt's whole numbers are what numbers are filled with.

use serde_json::{Map, Value, json};

use crate::script::{RecordedRequest, Reply, ToolUse};

/// The answer to a request.
pub(crate) fn answer(request: &RecordedRequest) -> Reply {
    let asked = Asked::read(request);
    let calls = asked.calls();
    let model = request.json["model"].as_str().map(str::to_owned);
    if !calls.is_empty() {
        return Reply { model, tool_calls: calls, finish_reason: "tool_calls".into(), ..Reply::default() };
    }
    let (text, finish_reason, stop_sequence) = asked.text();
    Reply { model, finish_reason: finish_reason.into(), stop_sequence, ..Reply::text(text) }
}

/// A request as far as it matters here, whichever protocol it came in.
struct Asked<'a> {
    body: &'a Value,
    prompt: String,
    /// What a tool gave, if that was the last message.
    tool_result: Option<String>,
    pictures: usize,
}

struct Offered<'a> {
    name: &'a str,
    schema: &'a Value,
}

impl<'a> Asked<'a> {
    fn read(request: &'a RecordedRequest) -> Self {
        let body = &request.json;
        let last = body["messages"].as_array().and_then(|all| all.last()).unwrap_or(&Value::Null);
        let parts = last["content"].as_array().map(Vec::as_slice).unwrap_or_default();
        let of_type = |name: &str| parts.iter().filter(|part| part["type"] == name).collect::<Vec<_>>();
        let tool_result = match of_type("tool_result").last() {
            Some(result) => Some(words(&result["content"])),
            None => (last["role"] == "tool").then(|| words(&last["content"])),
        };
        let pictures = of_type("image").len() + of_type("image_url").len();
        Self { body, prompt: words(&last["content"]), tool_result, pictures }
    }

    fn tools(&self) -> Vec<Offered<'a>> {
        let tools = self.body["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
        let offered = |tool: &'a Value| {
            let function = if tool["function"].is_object() { &tool["function"] } else { tool };
            let schema = if function["parameters"].is_object() {
                &function["parameters"]
            } else {
                &tool["input_schema"]
            };
            Some(Offered { name: function["name"].as_str()?, schema })
        };
        tools.iter().filter_map(offered).collect()
    }

    /// The tools it uses: the one it must, else those that the prompt speaks of.
    fn calls(&self) -> Vec<ToolUse> {
        let choice = &self.body["tool_choice"];
        let word = choice.as_str().or(choice["type"].as_str()).unwrap_or("auto");
        if word == "none" || self.tool_result.is_some() {
            return Vec::new();
        }
        let named = choice["function"]["name"].as_str().or(choice["name"].as_str());
        let mut tools = self.tools();
        match (word, named) {
            (_, Some(named)) => tools.retain(|tool| tool.name == named),
            ("required" | "any", None) => {
                let fitting = tools.iter().position(|tool| self.speaks_of(tool.name)).unwrap_or(0);
                tools = tools.into_iter().skip(fitting).take(1).collect();
            }
            _ => tools.retain(|tool| self.speaks_of(tool.name)),
        }
        let may_repeat = choice["disable_parallel_tool_use"] != true
            && self.body["parallel_tool_calls"] != false
            && named.is_none();
        let quoted = quoted(&self.prompt);
        let mut calls = Vec::new();
        for tool in tools {
            let times = if may_repeat && takes_a_text(tool.schema) { quoted.len().max(1) } else { 1 };
            for time in 0..times {
                let mut filler = Filler::new(&self.prompt, tool.schema, time);
                let id = format!("call_{}", calls.len() + 1);
                let arguments = filler.document(tool.schema);
                calls.push(ToolUse { id, name: tool.name.into(), arguments });
            }
        }
        calls.truncate(if may_repeat { usize::MAX } else { 1 });
        calls
    }

    /// Whether a word of the tool's name is in the prompt.
    fn speaks_of(&self, tool: &str) -> bool {
        let prompt = self.prompt.to_lowercase();
        tool.to_lowercase().split(['_', '-']).any(|word| word.len() > 3 && prompt.contains(word))
    }

    /// The text, why it ends, and the stop sequence it ends at.
    fn text(&self) -> (String, &'static str, Option<String>) {
        let openai = &self.body["response_format"];
        let anthropic = [&self.body["output_config"]["format"], &self.body["output_format"]];
        let schemas = [&openai["json_schema"]["schema"], &anthropic[0]["schema"], &anthropic[1]["schema"]];
        if let Some(schema) = schemas.into_iter().find(|schema| schema.is_object()) {
            return (Filler::new(&self.prompt, schema, 0).document(schema).to_string(), "stop", None);
        }
        let is_told = words(&self.body["system"]).contains("one JSON object and nothing else");
        if openai["type"] == "json_object" || is_told {
            let members = quoted(&self.prompt).into_iter().map(|name| (name, json!("anything")));
            return (Value::Object(members.collect()).to_string(), "stop", None);
        }
        let text = match &self.tool_result {
            Some(result) => format!("The tool gave you this: {result}"),
            None if self.pictures > 0 => {
                format!("I see pictures: {}. You said: {}", self.pictures, self.prompt)
            }
            None => format!("You said: {}", self.prompt),
        };
        self.ended(text)
    }

    fn ended(&self, text: String) -> (String, &'static str, Option<String>) {
        let stop = [&self.body["stop"], &self.body["stop_sequences"]];
        let mut stops = stop.into_iter().flat_map(|stop| match stop {
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
            other => other.as_str().into_iter().collect::<Vec<_>>(),
        });
        if let Some((at, stop)) = stops.find_map(|stop| Some((text.find(stop)?, stop))) {
            return (text[..at].to_owned(), "stop", Some(stop.to_owned()));
        }
        let limit = self.body["max_completion_tokens"].as_u64().or(self.body["max_tokens"].as_u64());
        let limit = usize::try_from(limit.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        let pieces: Vec<&str> = text.split_inclusive(' ').collect();
        if pieces.len() > limit { (pieces[..limit].concat(), "length", None) } else { (text, "stop", None) }
    }
}

/// All texts of a message's content.
fn words(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

/// What stands between quotes; an apostrophe inside a word is none.
fn quoted(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for quote in ['\'', '"'] {
        let mut rest = text;
        while let Some((_, after)) = rest.split_once(quote) {
            let Some((inside, behind)) = after.split_once(quote) else { break };
            let begins = rest[..rest.len() - after.len() - 1].chars().next_back();
            if begins.is_some_and(char::is_alphanumeric) {
                rest = after;
                continue;
            }
            found.push(inside.to_owned());
            rest = behind;
        }
    }
    found
}

fn takes_a_text(schema: &Value) -> bool {
    let first = schema["properties"].as_object().and_then(|all| all.values().next());
    first.is_some_and(|first| first["type"] == "string" && first["enum"].is_null())
}

/// Fills documents.
struct Filler<'a> {
    root: &'a Value,
    texts: std::collections::VecDeque<String>,
    numbers: std::collections::VecDeque<i64>,
    otherwise: String,
}

impl<'a> Filler<'a> {
    fn new(prompt: &str, root: &'a Value, skip: usize) -> Self {
        let numbers = prompt.split(|letter: char| !letter.is_ascii_digit() && letter != '-');
        Self {
            root,
            texts: quoted(prompt).into_iter().skip(skip).collect(),
            numbers: numbers.filter_map(|digits| digits.parse().ok()).collect(),
            otherwise: prompt.trim().to_owned(),
        }
    }

    fn document(&mut self, schema: &Value) -> Value {
        if let Some(name) = schema["$ref"].as_str() {
            let found = self.root.pointer(name.trim_start_matches('#')).cloned().unwrap_or_default();
            return self.document(&found);
        }
        let choices =
            ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|key| schema[key].as_array()).flatten();
        if let Some(first) = choices.into_iter().find(|choice| choice["type"] != "null") {
            return self.document(first);
        }
        if let Some(first) = schema["enum"].as_array().and_then(|all| all.first()) {
            return first.clone();
        }
        if !schema["const"].is_null() {
            return schema["const"].clone();
        }
        let kind = schema["type"].as_str().or(schema["type"][0].as_str()).unwrap_or("object");
        match kind {
            "string" => self.texts.pop_front().unwrap_or_else(|| self.otherwise.clone()).into(),
            "integer" | "number" => self.numbers.pop_front().unwrap_or(1).into(),
            "boolean" => true.into(),
            "array" => vec![self.document(&schema["items"])].into(),
            "null" => Value::Null,
            _ => {
                let members = schema["properties"].as_object().into_iter().flatten();
                let filled: Map<String, Value> =
                    members.map(|(name, member)| (name.clone(), self.document(member))).collect();
                filled.into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(body: Value) -> Reply {
        let (method, path) = ("POST".into(), "/".into());
        answer(&RecordedRequest { method, path, headers: vec![], body: String::new(), json: body })
    }

    #[test]
    fn uses_tools_as_often_as_the_prompt_quotes_something_and_then_tells_what_they_gave() {
        let schema = json!({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}});
        let tools = json!([{"name": "get_weather", "input_schema": schema}]);
        let prompt = "What is the weather in 'Lima' and 'Ōsaka' for 3 days?";
        let messages = json!([{"role": "user", "content": prompt}]);
        let reply = ask(json!({"messages": messages, "tools": tools}));
        let cities: Vec<&Value> = reply.tool_calls.iter().map(|call| &call.arguments["city"]).collect();
        assert_eq!(
            (cities, &reply.tool_calls[1].arguments["days"]),
            (vec![&json!("Lima"), &json!("Ōsaka")], &json!(3))
        );
        let one = json!({"type": "auto", "disable_parallel_tool_use": true});
        assert_eq!(
            ask(json!({"messages": messages, "tools": tools, "tool_choice": one})).tool_calls.len(),
            1
        );
        let result = json!([{"role": "user", "content": [{"type": "tool_result", "content": "sunny"}]}]);
        assert_eq!(ask(json!({"messages": result, "tools": tools})).text, "The tool gave you this: sunny");
    }

    #[test]
    fn ends_where_it_is_told_to() {
        let messages = json!([{"role": "user", "content": "it's one two STOP three"}]);
        let stopped = ask(json!({"messages": messages, "stop_sequences": ["STOP"]}));
        let expected = ("You said: it's one two ", Some("STOP"));
        assert_eq!((stopped.text.as_str(), stopped.stop_sequence.as_deref()), expected);
        let cut = ask(json!({"messages": messages, "max_tokens": 3}));
        assert_eq!((cut.text.as_str(), cut.finish_reason.as_str()), ("You said: it's ", "length"));
    }

    #[test]
    fn writes_documents_that_fit_a_schema() {
        let schema = json!({
            "$defs": {"Kind": {"enum": ["a", "b"]}}, "type": "object",
            "properties": {
                "kind": {"$ref": "#/$defs/Kind"}, "many": {"type": "array", "items": {"type": "number"}},
                "maybe": {"anyOf": [{"type": "null"}, {"type": "string"}]},
            },
        });
        let format = json!({"type": "json_schema", "json_schema": {"schema": schema}});
        let messages = json!([{"role": "user", "content": "about \"cats\" and 42"}]);
        let text = ask(json!({"messages": messages, "response_format": format})).text;
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document, json!({"kind": "a", "many": [42], "maybe": "cats"}));
    }
}
