//! Answers without a language model: a few things, by fixed rules, always the same.
//!
//! It summarises by picking sentences, fills templates, uses the tools it is offered, greets and
//! says what it can do, in English and Portuguese. Every answer says that no language model wrote
//! it. Rules that a person can foresee are preferred over rules that are right more often.

mod intent;
mod language;
mod likeness;
mod sentences;
mod summary;
mod template;
mod tools;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream;
use tokio::time::Instant;

use crate::error::{Error, NoModel};
use crate::message::{Completion, FinishReason, Format, Message, Part, Request, Role, Usage};
use crate::provider::{Delta, Piece, Provider, Said, SaidStream};
use intent::Intent;
pub use language::Language;
pub use summary::summarise;
pub use template::{Filled, fill};
use tools::{Given, Step};

/// At most this many sentences make a summary of a conversation's text.
const SUMMARY_SENTENCES: usize = 5;
/// What a tool gave is told as it is up to this length, in characters.
const LONGEST_REPORT: usize = 2_000;

/// The rule-based assistant.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offline;

impl Offline {
    /// The name it goes by among providers.
    pub const NAME: &str = "offline";

    /// The assistant. It holds no state.
    pub fn new() -> Self {
        Self
    }

    /// What follows in a conversation, always the same for the same one.
    fn next(request: &Request) -> Part {
        let asked = request.messages.iter().rev().find(|message| message.role == Role::User);
        let language = Language::of(&asked.map(Message::text).unwrap_or_default());
        let text = match tools::decide(request) {
            Step::Call(call) => return Part::ToolCall { call },
            Step::Nothing => return Part::text(Self::answer(request)),
            Step::Ask { tool, missing } => {
                format!("{} `{tool}`: {}.", say(language, NEEDS_ARGUMENTS), missing.join(", "))
            }
            Step::Report(given) => {
                given.iter().map(|given| report(given, language)).collect::<Vec<_>>().join("\n\n")
            }
        };
        Part::text(format!("{text}\n\n{}", say(language, NOTICE)))
    }

    /// The answer to a conversation without tools.
    fn answer(request: &Request) -> String {
        let last = request.messages.iter().rposition(|message| message.role == Role::User);
        let (earlier, asked) = match last {
            Some(place) => (&request.messages[..place], request.messages[place].text()),
            None => (&request.messages[..], String::new()),
        };
        let language = Language::of(&asked);
        let earlier = earlier.iter().rev().filter(|message| message.role != Role::System);
        let earlier = earlier.map(Message::text).max_by_key(String::len);
        let text = match Intent::of(&asked, earlier.as_deref()) {
            Intent::Summarise(text) => summarise(text, SUMMARY_SENTENCES, language),
            Intent::SummariseWhat => say(language, NEEDS_TEXT).into(),
            Intent::Fill(template, values) => {
                let filled = fill(template, &values);
                if filled.missing.is_empty() {
                    filled.text
                } else {
                    format!("{}\n\n{} {}", filled.text, say(language, MISSING), filled.missing.join(", "))
                }
            }
            Intent::Greet => format!("{} {}", say(language, GREETING), say(language, ABILITIES)),
            Intent::Help => say(language, ABILITIES).into(),
            Intent::Unknown => format!("{} {}", say(language, UNABLE), say(language, ABILITIES)),
        };
        format!("{text}\n\n{}", say(language, NOTICE))
    }
}

#[async_trait]
impl Provider for Offline {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn model(&self) -> &str {
        "rules"
    }

    fn is_local(&self) -> bool {
        true
    }

    async fn stream(&self, request: &Request) -> Result<SaidStream, Error> {
        if request.format != Format::Text {
            // Rules write text for a person; whoever wants data needs a model.
            return Err(Error::NoModel(NoModel::NothingConfigured));
        }
        let started = Instant::now();
        let part = Self::next(request);
        let (delta, finish_reason) = match &part {
            Part::ToolCall { call } => (Delta::ToolCall(call.clone()), FinishReason::ToolCalls),
            other => (Delta::Text(other.as_text().unwrap_or_default().to_owned()), FinishReason::Stop),
        };
        let completion = Completion {
            usage: Usage::estimate(request, std::slice::from_ref(&part)),
            parts: vec![part],
            model: self.model().to_owned(),
            provider: Self::NAME.to_owned(),
            finish_reason,
            latency_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            stop_sequence: None,
            attempts: Vec::new(),
            raw: None,
        };
        let piece = Piece { deltas: vec![delta], raw: None };
        let said = [Said::Piece(piece), Said::Finished(completion.with_own_attempt())];
        Ok(stream::iter(said.map(Ok)).boxed())
    }

    async fn check(&self) -> Result<Vec<String>, Error> {
        Ok(vec![self.model().to_owned()])
    }
}

/// What a tool gave, in words; a long text by its main sentences.
fn report(given: &Given, language: Language) -> String {
    let told = say(language, if given.is_error { FAILED } else { GAVE });
    let text = given.text.trim();
    let text = if text.chars().count() > LONGEST_REPORT {
        summarise(text, SUMMARY_SENTENCES, language)
    } else {
        text.to_owned()
    };
    format!("`{}` {told}\n{text}", given.tool)
}

/// A text in English and in Portuguese.
type Bilingual = (&'static str, &'static str);

fn say(language: Language, (english, portuguese): Bilingual) -> &'static str {
    match language {
        Language::English => english,
        Language::Portuguese => portuguese,
    }
}

const NOTICE: Bilingual = (
    "(Atelier's offline assistant, which follows fixed rules and is not a language model.)",
    "(Assistente offline do Atelier, que segue regras fixas e não é um modelo de linguagem.)",
);
const NEEDS_TEXT: Bilingual = (
    "Give me the text to summarise: write “summarise:” and the text after it.",
    "Envie o texto a resumir: escreva “resuma:” e o texto em seguida.",
);
const MISSING: Bilingual = ("No value was given for:", "Faltou o valor de:");
const NEEDS_ARGUMENTS: Bilingual = ("I need more for", "Falta informação para");
const GAVE: Bilingual = ("gave:", "devolveu:");
const FAILED: Bilingual = ("failed:", "falhou:");
const GREETING: Bilingual = ("Hello!", "Olá!");
const ABILITIES: Bilingual = (
    "Without a language model I can summarise a text you give me by picking its main sentences, and fill a \
     template with {{placeholders}} from lines like `name: value`. I use tools when what they need stands in \
     your message. Goals and runbooks can be planned and \
     carried out too. For anything else, start Ollama on this machine or set a provider's key.",
    "Sem um modelo de linguagem, posso resumir um texto escolhendo as frases principais e preencher um modelo \
     com {{campos}} a partir de linhas como `nome: valor`. Uso ferramentas quando o que elas pedem está na \
     sua mensagem. Objetivos e roteiros também podem ser planejados e \
     executados. Para o resto, inicie o Ollama nesta máquina ou configure a chave de um provedor.",
);
const UNABLE: Bilingual = ("I cannot answer this.", "Não consigo responder a isso.");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Tool;
    use serde_json::json;

    fn answer(messages: Vec<Message>) -> String {
        Offline::answer(&Request::new(messages))
    }

    #[track_caller]
    fn check(asked: &str, expected: &str) {
        let text = answer(vec![Message::user(asked)]);
        assert!(text.contains(expected), "{asked} → {text}");
        assert!(text.ends_with(say(Language::of(asked), NOTICE)), "{text}");
        assert_eq!(text, answer(vec![Message::user(asked)]));
    }

    #[test]
    fn says_what_it_is_and_what_it_can_do_in_the_language_of_the_question() {
        check("hello", "Hello! Without a language model");
        check("Bom dia!", "Olá! Sem um modelo");
        check("what can you do?", "Without a language model I can");
        check("Ajuda", "Sem um modelo de linguagem, posso");
        check("What is the capital of France?", "I cannot answer this. Without");
        check("Qual é a capital da França?", "Não consigo responder a isso. Sem");
        check("🦀", "I cannot answer this.");
        check("", "I cannot answer this.");
        check("Summarise", "Give me the text");
        check("Resuma, por favor", "Envie o texto");
    }

    #[test]
    fn summarises_what_is_given_or_what_was_said_before() {
        check("Summarise: The only sentence here.", "The only sentence here.\n");
        check("Resuma o texto:\n\nA única frase daqui.", "A única frase daqui.\n");
        let text = answer(vec![
            Message::system("You are terse. This must not be summarised."),
            Message::user("hi"),
            Message::assistant("The report covers three regions and their sales."),
            Message::user("Can you summarise this?"),
        ]);
        assert!(text.starts_with("The report covers three regions"), "{text}");
    }

    #[test]
    fn fills_templates_and_names_what_is_missing() {
        check(
            "Fill this in:\nDear {{name}}, you owe {{ sum }}.\nname: Ana\nsum: 10 EUR",
            "Dear Ana, you owe 10 EUR.",
        );
        check("Preencha: Cara {{nome}}, devo {{valor}}.\nnome: Ana", "Faltou o valor de: valor");
    }

    #[tokio::test]
    async fn calls_tools_and_tells_what_they_gave() {
        let weather = Tool {
            name: "get_weather".into(),
            description: Some("The weather in a city".into()),
            parameters: json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}),
            strict: None,
        };
        let asked = |asked: &str| Request {
            tools: vec![weather.clone()].into(),
            ..Request::new(vec![Message::user(asked)])
        };
        let question = asked("What is the weather in Porto?");
        let called = Offline::new().complete(&question).await.unwrap();
        let call = called.tool_calls().next().unwrap().clone();
        assert_eq!((call.name.as_str(), call.arguments.as_str()), ("get_weather", r#"{"city":"Porto"}"#));
        assert_eq!(called.finish_reason, FinishReason::ToolCalls);

        let (call_id, content) = (call.id.clone(), vec![Part::text("21 °C and sunny")]);
        let mut messages = question.messages.to_vec();
        messages.push(Message { role: Role::Assistant, parts: vec![Part::ToolCall { call }] });
        let result = Part::ToolResult { call_id, content, is_error: false };
        messages.push(Message { role: Role::User, parts: vec![result] });
        let request = Request { messages: messages.into(), ..question };
        let told = Offline::new().complete(&request).await.unwrap().text();
        assert!(told.starts_with("`get_weather` gave:\n21 °C and sunny\n\n(Atelier's offline"), "{told}");

        let lacking = Offline::new().complete(&asked("how is the weather")).await.unwrap().text();
        assert!(lacking.starts_with("I need more for `get_weather`: city."), "{lacking}");
    }

    #[tokio::test]
    async fn refuses_what_needs_a_model() {
        let request = Request { format: Format::Json, ..Request::default() };
        assert_eq!(Offline::new().complete(&request).await.unwrap_err().code(), "no_model");
        let completion = Offline::new().complete(&Request::default()).await.unwrap();
        assert_eq!((completion.provider.as_str(), completion.attempts.len()), ("offline", 1));
    }
}
