//! Which tool a message wants, and with which arguments: by likeness and by rules.
//!
//! A tool is called only when the message resembles what the tool says of itself and every argument
//! it needs stands in the message. Nothing is made up: what is missing is asked for.

use serde_json::{Map, Value};

use super::language::{fold, words};
use super::likeness::Embedding;
use crate::message::{Message, Part, Request, Role, Tool, ToolCall, ToolChoice};

/// Below this, a message has nothing to do with a tool.
const RESEMBLES: f64 = 0.18;
/// Names of arguments that mean what is said as a whole.
const WHOLE: &[&str] = &[
    "query", "text", "prompt", "question", "input", "message", "content", "goal", "pergunta", "texto",
    "consulta",
];

/// What follows from the tools that are offered.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// This one is to be used.
    Call(ToolCall),
    /// This one would be, but these arguments are missing.
    Ask { tool: String, missing: Vec<String> },
    /// What the tools that were used have given: name, text, whether it failed.
    Report(Vec<Given>),
    /// They do not matter here.
    Nothing,
}

/// What a tool gave.
#[derive(Debug, PartialEq)]
pub(super) struct Given {
    pub tool: String,
    pub text: String,
    pub is_error: bool,
}

/// Decides for a conversation.
pub(super) fn decide(request: &Request) -> Step {
    let given = given(&request.messages);
    if !given.is_empty() {
        return Step::Report(given);
    }
    let asked = request.messages.iter().rev().find(|message| message.role == Role::User);
    let asked = asked.map(Message::text).unwrap_or_default();
    let Some(tool) = choose(&request.tools, &request.tool_choice, &asked) else { return Step::Nothing };
    let (arguments, missing) = arguments(&tool.parameters, &asked);
    if !missing.is_empty() {
        return Step::Ask { tool: tool.name.clone(), missing };
    }
    let calls = request.messages.iter().flat_map(|message| &message.parts);
    let number = calls.filter(|part| matches!(part, Part::ToolCall { .. })).count() + 1;
    Step::Call(ToolCall {
        id: format!("call_offline_{number}"),
        name: tool.name.clone(),
        arguments: Value::Object(arguments).to_string(),
    })
}

/// What tools gave since the person last said something.
fn given(messages: &[Message]) -> Vec<Given> {
    let is_said = |part: &Part| matches!(part, Part::Text { .. } | Part::Image { .. });
    let said =
        messages.iter().rposition(|message| message.role == Role::User && message.parts.iter().any(is_said));
    let later = &messages[said.map_or(0, |place| place + 1)..];
    let called = |id: &str| {
        let parts = messages.iter().flat_map(|message| &message.parts);
        let mut calls =
            parts.filter_map(|part| if let Part::ToolCall { call } = part { Some(call) } else { None });
        calls.find(|call| call.id == id).map_or_else(|| id.to_owned(), |call| call.name.clone())
    };
    let results = later.iter().flat_map(|message| &message.parts).filter_map(|part| match part {
        Part::ToolResult { call_id, content, is_error } => {
            let text = content.iter().filter_map(Part::as_text).collect::<Vec<_>>().join("\n");
            Some(Given { tool: called(call_id), text, is_error: *is_error })
        }
        _ => None,
    });
    results.collect()
}

fn choose<'a>(tools: &'a [Tool], choice: &ToolChoice, asked: &str) -> Option<&'a Tool> {
    match choice {
        ToolChoice::Never => return None,
        ToolChoice::Named(name) => return tools.iter().find(|tool| tool.name == *name),
        ToolChoice::Auto | ToolChoice::Any => {}
    }
    let asked = Embedding::of(asked);
    let scored = tools.iter().map(|tool| (asked.cosine(&Embedding::of(&described(tool))), tool));
    // The first of several that are alike.
    let (score, tool) = scored.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
    (*choice == ToolChoice::Any || score >= RESEMBLES).then_some(tool)
}

/// What a tool says of itself; its name counts twice.
fn described(tool: &Tool) -> String {
    let name: String = spoken(&tool.name);
    let arguments = tool.parameters["properties"].as_object();
    let arguments =
        arguments.into_iter().flatten().map(|(name, _)| spoken(name)).collect::<Vec<_>>().join(" ");
    format!("{name} {name} {} {arguments}", tool.description.as_deref().unwrap_or_default())
}

/// `getWeather_now` as words.
fn spoken(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.ends_with(' ') {
            text.push(' ');
        }
        text.push(if letter.is_alphanumeric() { letter } else { ' ' });
    }
    text
}

/// The arguments that stand in the message, and the names of those that are needed and do not.
fn arguments(schema: &Value, asked: &str) -> (Map<String, Value>, Vec<String>) {
    let needed: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut message = Said::of(asked);
    let mut found = Map::new();
    let properties: Vec<(&String, &Value)> = schema["properties"].as_object().into_iter().flatten().collect();
    // What a message names is taken before what only fits.
    for (name, property) in &properties {
        found.extend(message.named(name, property).map(|value| ((*name).clone(), value)));
    }
    for (name, property) in properties.iter().filter(|(name, _)| needed.contains(&name.as_str())) {
        if !found.contains_key(*name) {
            found.extend(message.fitting(name, property).map(|value| ((*name).clone(), value)));
        }
    }
    let missing = needed.into_iter().filter(|name| !found.contains_key(*name)).map(str::to_owned).collect();
    (found, missing)
}

/// A message, and what of it was not used yet.
struct Said<'a> {
    whole: &'a str,
    lines: Vec<(&'a str, &'a str)>,
    quoted: Vec<&'a str>,
    plain: Vec<&'a str>,
    /// What follows the first colon.
    rest: Option<&'a str>,
}

impl<'a> Said<'a> {
    fn of(whole: &'a str) -> Self {
        let lines = whole.lines().flat_map(|line| line.split(';'));
        let lines = lines.filter_map(|line| line.split_once('=').or_else(|| line.split_once(": ")));
        let lines = lines.map(|(name, value)| (last_word(name), value.trim())).collect();
        let trim = |word: &'a str| {
            word.trim_matches(|letter: char| ",;:!?()\"'“”«»`".contains(letter)).trim_end_matches('.')
        };
        Self {
            lines,
            quoted: quoted(whole),
            plain: whole.split_whitespace().map(trim).filter(|word| !word.is_empty()).collect(),
            rest: whole.split_once(':').map(|(_, rest)| rest.trim()).filter(|rest| !rest.is_empty()),
            whole: whole.trim(),
        }
    }

    /// What the message gives by this name, or by one of the values it may have.
    fn named(&self, name: &str, property: &Value) -> Option<Value> {
        let named = self.lines.iter().find(|(key, _)| fold(key) == fold(name));
        if let Some(value) = named.and_then(|(_, text)| read(unquoted(text), property)) {
            return Some(value);
        }
        let spoken: Vec<String> = words(self.whole).map(|word| word.folded).collect();
        let is_said = |value: &&Value| {
            let value: Vec<String> =
                words(value.as_str().unwrap_or_default()).map(|word| word.folded).collect();
            !value.is_empty() && spoken.windows(value.len()).any(|part| part == value)
        };
        property["enum"].as_array()?.iter().find(is_said).cloned()
    }

    /// The first thing in the message that can be this argument.
    fn fitting(&mut self, name: &str, property: &Value) -> Option<Value> {
        if let Some(value) = property.get("const") {
            return Some(value.clone());
        }
        match property["type"].as_str().unwrap_or("string") {
            "integer" | "number" => self.take_plain(|word| read(word, property)),
            "array" => {
                let list = self.rest.map(|rest| rest.split([',', '\n']).map(str::trim).collect::<Vec<_>>());
                let list = if self.quoted.is_empty() { list? } else { std::mem::take(&mut self.quoted) };
                let items = list.into_iter().filter(|item| !item.is_empty());
                Some(items.filter_map(|item| read(item, &property["items"])).collect())
            }
            "string" if property.get("enum").is_none() => self.text(name, property),
            _ => None,
        }
    }

    fn text(&mut self, name: &str, property: &Value) -> Option<Value> {
        let kind = format!("{} {}", fold(name), property["format"].as_str().unwrap_or_default());
        let is = |marks: &[&str]| marks.iter().any(|mark| kind.contains(mark));
        if is(&["uri", "url", "link"]) {
            return self.take_plain(|word| word.contains("://").then(|| word.into()));
        }
        if is(&["email"]) {
            return self.take_plain(|word| word.contains('@').then(|| word.into()));
        }
        if is(&["date"]) {
            return self.take_plain(|word| word.parse::<jiff::civil::Date>().is_ok().then(|| word.into()));
        }
        if !self.quoted.is_empty() {
            return Some(self.quoted.remove(0).into());
        }
        if is(&["path", "file", "folder", "arquivo", "pasta"]) {
            let is_path = |word: &str| {
                word.contains('/') || word.rsplit_once('.').is_some_and(|(_, end)| !end.is_empty())
            };
            return self.take_plain(|word| is_path(word).then(|| word.into()));
        }
        if let Some(rest) = self.rest.take() {
            return Some(rest.into());
        }
        if WHOLE.contains(&fold(name).as_str()) && !self.whole.is_empty() {
            return Some(self.whole.into());
        }
        self.place()
    }

    /// What stands with a capital letter inside the message, as names of people and places do.
    fn place(&mut self) -> Option<Value> {
        let is_name = |word: &str| word.chars().next().is_some_and(char::is_uppercase);
        let begin = self.plain.iter().skip(1).position(|word| is_name(word))? + 1;
        let length = self.plain[begin..].iter().take_while(|word| is_name(word)).count();
        let name: Vec<&str> = self.plain.drain(begin..begin + length).collect();
        Some(name.join(" ").into())
    }

    fn take_plain(&mut self, fits: impl Fn(&str) -> Option<Value>) -> Option<Value> {
        let (place, value) =
            self.plain.iter().enumerate().find_map(|(place, word)| Some((place, fits(word)?)))?;
        self.plain.remove(place);
        Some(value)
    }
}

fn last_word(text: &str) -> &str {
    text.split_whitespace().next_back().unwrap_or_default()
}

fn unquoted(text: &str) -> &str {
    quoted(text).first().copied().unwrap_or(text)
}

/// What stands between quotation marks, in order.
fn quoted(text: &str) -> Vec<&str> {
    const MARKS: [(char, char); 5] = [('"', '"'), ('“', '”'), ('«', '»'), ('`', '`'), ('‘', '’')];
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((open, close, at)) = MARKS
        .iter()
        .filter_map(|(open, close)| Some((*open, *close, rest.find(*open)?)))
        .min_by_key(|found| found.2)
    {
        let after = &rest[at + open.len_utf8()..];
        let Some(end) = after.find(close) else { break };
        if end > 0 {
            found.push(&after[..end]);
        }
        rest = &after[end + close.len_utf8()..];
    }
    found
}

/// A text as a value of a property's type.
fn read(text: &str, property: &Value) -> Option<Value> {
    let text = text.trim();
    match property["type"].as_str().unwrap_or("string") {
        "integer" => text.parse::<i64>().ok().map(Value::from),
        "number" => {
            text.replace(',', ".").parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from)
        }
        "boolean" => match fold(text).as_str() {
            "true" | "yes" | "on" | "sim" | "verdadeiro" => Some(true.into()),
            "false" | "no" | "off" | "nao" | "falso" => Some(false.into()),
            _ => None,
        },
        "string" => match property["enum"].as_array() {
            Some(values) => {
                values.iter().find(|value| fold(value.as_str().unwrap_or_default()) == fold(text)).cloned()
            }
            None => (!text.is_empty()).then(|| text.into()),
        },
        _ => serde_json::from_str(text).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tools() -> Vec<Tool> {
        let tool = |name: &str, description: &str, parameters: Value| Tool {
            name: name.into(),
            description: Some(description.into()),
            parameters,
            strict: None,
        };
        let object = |properties: Value, required: &[&str]| json!({"type": "object", "properties": properties, "required": required});
        vec![
            tool(
                "get_weather",
                "The weather in a city. Previsão do tempo de uma cidade.",
                object(
                    json!({"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}}),
                    &["city"],
                ),
            ),
            tool(
                "readFile",
                "Reads a file of the workspace. Lê um arquivo.",
                object(json!({"path": {"type": "string"}, "lines": {"type": "integer"}}), &["path"]),
            ),
            tool(
                "add_numbers",
                "Adds two numbers and gives their sum. Soma dois números.",
                object(json!({"a": {"type": "number"}, "b": {"type": "number"}}), &["a", "b"]),
            ),
        ]
    }

    fn request(asked: &str) -> Request {
        Request { tools: tools().into(), ..Request::new(vec![Message::user(asked)]) }
    }

    #[track_caller]
    fn check(asked: &str, tool: &str, arguments: Value) {
        match decide(&request(asked)) {
            Step::Call(call) => {
                let read: Value = serde_json::from_str(&call.arguments).unwrap();
                assert_eq!((call.name.as_str(), read), (tool, arguments), "{asked}");
            }
            other => panic!("{asked}: {other:?}"),
        }
    }

    #[test]
    fn calls_the_tool_that_a_message_resembles_with_what_it_says() {
        check("What is the weather in Lisbon?", "get_weather", json!({"city": "Lisbon"}));
        check(
            "weather in fahrenheit for \"New York\" please",
            "get_weather",
            json!({"city": "New York", "unit": "fahrenheit"}),
        );
        check("Qual a previsão do tempo em São Paulo?", "get_weather", json!({"city": "São Paulo"}));
        check("Read the file src/main.rs", "readFile", json!({"path": "src/main.rs"}));
        check("leia o arquivo notas.md, lines = 20", "readFile", json!({"path": "notas.md", "lines": 20}));
        check("Add 2.5 and 40", "add_numbers", json!({"a": 2.5, "b": 40.0}));
        check("Soma os números: b = 1; a = 7", "add_numbers", json!({"a": 7.0, "b": 1.0}));
    }

    #[test]
    fn makes_nothing_up() {
        let missing = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let ask = |tool: &str, names: &[&str]| Step::Ask { tool: tool.into(), missing: missing(names) };
        assert_eq!(decide(&request("how is the weather today")), ask("get_weather", &["city"]));
        assert_eq!(decide(&request("add 3")), ask("add_numbers", &["b"]));
        assert_eq!(decide(&request("Write me a poem about the sea")), Step::Nothing);
        assert_eq!(decide(&request("")), Step::Nothing);
    }

    #[test]
    fn does_as_the_choice_of_tools_says() {
        let with = |choice| Request { tool_choice: choice, ..request("7 and 8, nothing else") };
        assert_eq!(decide(&with(ToolChoice::Never)), Step::Nothing);
        assert!(matches!(decide(&with(ToolChoice::Any)), Step::Call(_) | Step::Ask { .. }));
        let Step::Call(call) = decide(&with(ToolChoice::Named("add_numbers".into()))) else { panic!() };
        assert_eq!(call.arguments, r#"{"a":7.0,"b":8.0}"#);
        assert_eq!(decide(&with(ToolChoice::Named("nobody".into()))), Step::Nothing);
    }

    #[test]
    fn tells_what_tools_gave_and_calls_anew_when_asked_again() {
        let call = ToolCall { id: "c1".into(), name: "get_weather".into(), arguments: "{}".into() };
        let result =
            Part::ToolResult { call_id: "c1".into(), content: vec![Part::text("21 °C")], is_error: false };
        let mut messages = vec![
            Message::user("weather in Lisbon"),
            Message { role: Role::Assistant, parts: vec![Part::ToolCall { call }] },
            Message { role: Role::User, parts: vec![result] },
        ];
        let with =
            |messages: &[Message]| Request { tools: tools().into(), ..Request::new(messages.to_vec()) };
        let given = Given { tool: "get_weather".into(), text: "21 °C".into(), is_error: false };
        assert_eq!(decide(&with(&messages)), Step::Report(vec![given]));
        messages.push(Message::user("And the weather in Porto?"));
        let Step::Call(call) = decide(&with(&messages)) else { panic!() };
        assert_eq!((call.id.as_str(), call.arguments.as_str()), ("call_offline_2", r#"{"city":"Porto"}"#));
    }
}
