//! What goes wrong on a page, gathered from events and put into words.

use std::collections::HashMap;

use super::events::{
    ConsoleCall, Entry, ExceptionDetails, LoadingFailed, RemoteObject, RequestWillBeSent, ResponseReceived,
};
use super::page::Address;
use super::{PageProblem, ProblemKind};

const PROBLEMS: usize = 30;
const MESSAGE_CHARACTERS: usize = 1000;
/// Lines of the stack that are kept of an exception, beside what was thrown.
const STACK_LINES: usize = 3;
/// Requests that are remembered at one time.
const REQUESTS: usize = 2000;

/// The problems of the document that is shown, and its requests that are not over.
pub(super) struct Problems {
    address: Address,
    found: Vec<(Option<u64>, PageProblem)>,
    pending: HashMap<String, RequestWillBeSent>,
}

impl Problems {
    pub(super) fn new(address: Address) -> Self {
        Self { address, found: Vec::new(), pending: HashMap::new() }
    }

    /// The page went to an address that could not be loaded.
    pub(super) fn led_nowhere(&mut self, url: &str) {
        let kind = if is_inside(url) { ProblemKind::Request } else { ProblemKind::Outside };
        let message = format!("The page led to {}, which could not be loaded", self.address.shown(url));
        self.add(kind, &message, None);
    }

    pub(super) fn into_found(self) -> Vec<PageProblem> {
        self.found.into_iter().map(|(_, problem)| problem).collect()
    }

    /// Another document is shown. What was wrong with the one before is gone with it: Vite, for one,
    /// loads a page again when it has found packages that were not prepared.
    pub(super) fn begin_document(&mut self, loader_id: &str) {
        self.found.clear();
        self.pending.retain(|_, request| request.loader_id == loader_id);
    }

    /// Whether something is on its way that ends by itself.
    pub(super) fn has_pending(&self) -> bool {
        self.pending
            .values()
            .any(|request| !matches!(request.kind.as_str(), "EventSource" | "WebSocket" | "Ping" | "Media"))
    }

    pub(super) fn asks(&mut self, request: RequestWillBeSent) {
        if self.pending.len() < REQUESTS && !request.request.url.starts_with("data:") {
            self.pending.insert(request.request_id.clone(), request);
        }
    }

    pub(super) fn answered(&mut self, answer: &ResponseReceived) {
        // What the document itself was answered with is told by its status.
        if answer.response.status >= 400 && answer.kind != "Document" {
            let what = format!("was answered with {}", answer.response.status);
            let url = answer.response.url.clone();
            self.add_request(&answer.request_id, &url, &what);
        }
    }

    pub(super) fn finished(&mut self, request_id: &str) {
        self.pending.remove(request_id);
    }

    /// Of the document of the page itself, whose frame is given, more is known from elsewhere.
    pub(super) fn failed(&mut self, failure: &LoadingFailed, frame: &str) {
        let is_given_up = failure.canceled || failure.error_text == "net::ERR_ABORTED";
        let is_page = |request: &RequestWillBeSent| {
            request.kind == "Document" && (frame.is_empty() || request.frame_id == frame)
        };
        if !is_given_up
            && let Some(request) = self.pending.get(&failure.request_id)
            && !is_page(request)
        {
            let url = request.request.url.clone();
            let what = match &failure.blocked_reason {
                Some(reason) => format!("was blocked: {reason}"),
                None => format!("failed: {}", failure.error_text),
            };
            self.add_request(&failure.request_id, &url, &what);
        }
        self.finished(&failure.request_id);
    }

    fn add_request(&mut self, request_id: &str, url: &str, what: &str) {
        let path = url.split(['?', '#']).next().unwrap_or_default();
        // Browsers ask for it by themselves.
        if path.ends_with("/favicon.ico") {
            return;
        }
        let request = self.pending.get(request_id);
        let method = request.map_or("GET", |request| request.request.method.as_str()).to_owned();
        let by = request.map(|request| &request.initiator).filter(|by| !by.url.is_empty());
        let at = by.map(|by| (by.url.clone(), by.line_number.unwrap_or_default() as u32));
        let kind = if is_inside(url) { ProblemKind::Request } else { ProblemKind::Outside };
        let message = format!("{method} {} {what}", self.address.shown(url));
        self.add(kind, &message, at.as_ref().map(|(url, line)| (url.as_str(), *line)));
    }

    pub(super) fn threw(&mut self, details: &ExceptionDetails) {
        let thrown = in_words(&details.exception);
        let mut message = match thrown.as_str() {
            "" => details.text.clone(),
            // "Uncaught" and "Uncaught (in promise)"; a syntax error is told by the text alone.
            thrown if details.text.contains(thrown) => details.text.clone(),
            thrown => format!("{} {thrown}", details.text),
        };
        message = without_most_of_the_stack(&message, &self.address);
        let own = details.url.as_deref().map(|url| (url, details.line_number));
        let place = details.stack_trace.place().or(own);
        self.add_one(Some(details.exception_id), ProblemKind::Exception, &message, place);
    }

    /// Somebody caught it after all.
    pub(super) fn caught(&mut self, exception_id: u64) {
        self.found.retain(|(id, _)| *id != Some(exception_id));
    }

    pub(super) fn called(&mut self, call: &ConsoleCall) {
        let said = match call.kind.as_str() {
            "error" => formatted(&call.args),
            "assert" => format!("Assertion failed: {}", formatted(&call.args)),
            _ => return,
        };
        if !is_noise(&said) {
            let said = without_most_of_the_stack(&said, &self.address);
            self.add(ProblemKind::Console, &said, call.stack_trace.place());
        }
    }

    pub(super) fn logged(&mut self, entry: &Entry) {
        // Of requests more is known from their own events.
        if entry.level == "error" && entry.source != "network" && !is_noise(&entry.text) {
            let place = entry.url.as_deref().map(|url| (url, entry.line_number));
            self.add(ProblemKind::Console, &entry.text, place);
        }
    }

    /// Adds one in words of our own or of the page.
    pub(super) fn add(&mut self, kind: ProblemKind, message: &str, place: Option<(&str, u32)>) {
        self.add_one(None, kind, message, place);
    }

    fn add_one(&mut self, id: Option<u64>, kind: ProblemKind, message: &str, place: Option<(&str, u32)>) {
        let at = place.filter(|(url, _)| !url.is_empty());
        // The protocol counts lines from 0.
        let at = at.map(|(url, line)| format!("{}:{}", self.address.shown(url), line.saturating_add(1)));
        let problem = PageProblem { kind, message: cut(message.trim(), MESSAGE_CHARACTERS), at };
        // How a look ends is said even after a page has said too much.
        let has_room = self.found.len() < PROBLEMS || kind == ProblemKind::Stuck;
        if has_room && !self.found.iter().any(|(_, found)| *found == problem) {
            self.found.push((id, problem));
        }
    }
}

/// The first characters, with a sign where there were more.
pub(super) fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn is_inside(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return true };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    matches!(host, "localhost" | "127.0.0.1" | "[::1]") || host.ends_with(".localhost")
}

/// What development tools say of themselves.
fn is_noise(said: &str) -> bool {
    said.contains("[vite] failed to connect to websocket") || said.contains("Download the React DevTools")
}

/// A stack's first lines say where to look; the rest is the framework's.
fn without_most_of_the_stack(text: &str, address: &Address) -> String {
    let mut count = 0;
    let lines = text.lines().filter(|line| {
        let is_of_stack = line.trim_start().starts_with("at ");
        count += usize::from(is_of_stack);
        !is_of_stack || count <= STACK_LINES
    });
    lines.collect::<Vec<_>>().join("\n").replace(&address.origin(), "")
}

/// A value as the console shows it.
fn in_words(object: &RemoteObject) -> String {
    if let Some(value) = &object.value {
        return match serde_json::from_str::<String>(value.get()) {
            Ok(text) => text,
            Err(_) => value.get().to_owned(),
        };
    }
    let named = object.description.as_ref().or(object.unserializable_value.as_ref());
    named.cloned().unwrap_or_else(|| object.kind.clone())
}

/// The arguments of a console call, with the first one's `%s` and the like filled in, as in
/// <https://console.spec.whatwg.org/#formatter>.
fn formatted(arguments: &[RemoteObject]) -> String {
    let Some((first, rest)) = arguments.split_first() else { return String::new() };
    let pattern = in_words(first);
    let mut rest = rest.iter();
    let mut said = String::new();
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        let is_taken = letter == '%' && first.kind == "string" && rest.len() > 0;
        match letters.peek().copied().filter(|_| is_taken) {
            Some('s' | 'd' | 'i' | 'f' | 'o' | 'O') => said.extend(rest.next().map(in_words)),
            // A style.
            Some('c') => drop(rest.next()),
            Some('%') => said.push('%'),
            _ => {
                said.push(letter);
                continue;
            }
        }
        letters.next();
    }
    for argument in rest {
        said.push(' ');
        said.push_str(&in_words(argument));
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems() -> Problems {
        Problems::new(Address { port: 5173, path: "/".into() })
    }

    fn console(arguments: &str) -> String {
        let call = format!(r#"{{"type":"error","args":{arguments}}}"#);
        let mut problems = problems();
        problems.called(&serde_json::from_str(&call).expect("a call"));
        problems.into_found().pop().map(|problem| problem.message).unwrap_or_default()
    }

    #[test]
    fn the_console_is_told_as_it_is_shown() {
        let text = |text: &str| serde_json::json!({ "type": "string", "value": text });
        let filled = serde_json::json!([text("%cWarning: %s of %d%% %x"), text("color: red"), text("one"), { "type": "number", "value": 7 }, { "type": "object", "description": "Array(2)" }]);
        assert_eq!(console(&filled.to_string()), "Warning: one of 7% %x Array(2)");
        assert_eq!(console(&serde_json::json!([text("100% %s")]).to_string()), "100% %s");
        assert_eq!(
            console(r#"[{"type":"undefined"},{"type":"number","unserializableValue":"NaN"}]"#),
            "undefined NaN"
        );
        assert_eq!(console("[]"), "");
        assert_eq!(console(&serde_json::json!([text(&"é".repeat(5000))]).to_string()).chars().count(), 1001);
    }

    #[test]
    fn an_exception_is_told_with_its_place_and_the_beginning_of_its_stack() {
        let frames: Vec<String> =
            (0..20).map(|at| format!("    at f{at} (http://localhost:5173/src/a.ts:{at}:1)")).collect();
        let details = serde_json::json!({
            "exceptionId": 4, "text": "Uncaught", "lineNumber": 11,
            "url": "http://localhost:5173/src/a.ts?t=17",
            "exception": { "type": "object", "description": format!("TypeError: no\n{}", frames.join("\n")) },
        });
        let details: ExceptionDetails = serde_json::from_value(details).expect("details");
        let mut problems = problems();
        problems.threw(&details);
        problems.threw(&details);
        let [(_, problem)] = problems.found.as_slice() else { panic!("{:?}", problems.found) };
        assert!(
            problem.message.starts_with("Uncaught TypeError: no\n    at f0 (/src/a.ts:0:1)"),
            "{problem:?}"
        );
        assert_eq!(problem.message.lines().count(), 4);
        assert_eq!(problem.at.as_deref(), Some("/src/a.ts:12"));
        problems.caught(4);
        assert!(problems.into_found().is_empty());
    }

    #[test]
    fn requests_that_fail_are_told_apart_by_where_they_went() {
        let mut problems = problems();
        for (id, url) in [
            ("1", "http://localhost:8000/api"),
            ("2", "https://fonts.example/a.css"),
            ("3", "http://localhost:5173/favicon.ico"),
            ("4", "http://localhost.evil.example/"),
        ] {
            let asks = serde_json::json!({ "requestId": id, "request": { "url": url, "method": "POST" } });
            problems.asks(serde_json::from_value(asks).expect("a request"));
            let failed = serde_json::json!({ "requestId": id, "errorText": "net::ERR_CONNECTION_REFUSED" });
            problems.failed(&serde_json::from_value(failed).expect("a failure"), "page");
        }
        assert!(!problems.has_pending());
        let found: Vec<_> =
            problems.into_found().into_iter().map(|problem| (problem.kind, problem.message)).collect();
        assert_eq!(
            found,
            [
                (
                    ProblemKind::Request,
                    "POST http://localhost:8000/api failed: net::ERR_CONNECTION_REFUSED".into()
                ),
                (
                    ProblemKind::Outside,
                    "POST https://fonts.example/a.css failed: net::ERR_CONNECTION_REFUSED".into()
                ),
                (
                    ProblemKind::Outside,
                    "POST http://localhost.evil.example/ failed: net::ERR_CONNECTION_REFUSED".into()
                ),
            ]
        );
    }
}
