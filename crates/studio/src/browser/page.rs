//! What is known of a page from the events that are told of it.

use std::time::Instant;

use super::events::{Event, Frame};
use super::problems::{Problems, cut};

/// The longest address that is told whole.
pub(super) const ADDRESS_CHARACTERS: usize = 500;

/// A page of the dev server.
#[derive(Clone, Debug)]
pub(super) struct Address {
    pub port: u16,
    pub path: String,
}

impl Address {
    pub(super) fn origin(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Of the dev server's own addresses only the path; others as they are.
    pub(super) fn path_of<'url>(&self, url: &'url str) -> &'url str {
        match url.strip_prefix(&self.origin()) {
            Some(path) if path.starts_with('/') => path,
            _ => url,
        }
    }

    /// A file's address as it is told, without what Vite adds for caches.
    pub(super) fn shown(&self, url: &str) -> String {
        let url = self.path_of(url);
        let end = ["?t=", "?v=", "?import", "&t="].iter().filter_map(|query| url.find(query)).min();
        cut(&url[..end.unwrap_or(url.len())], ADDRESS_CHARACTERS)
    }
}

/// What is known of the page from events.
pub(super) struct Page {
    pub frame: String,
    pub problems: Problems,
    /// Of the document that is shown, or that was answered last.
    pub status: Option<u16>,
    pub is_loaded: bool,
    /// An address that could not be loaded, in place of which Chromium shows a page of its own.
    pub unreachable: Option<String>,
    /// Documents that were shown since it was asked to load one.
    pub documents: usize,
    /// When a request began or ended last.
    pub active_at: Instant,
    pub has_crashed: bool,
    /// Whether it does not do as it is told.
    pub is_stuck: bool,
}

impl Page {
    pub(super) fn new(address: Address) -> Self {
        Self {
            frame: String::new(),
            problems: Problems::new(address),
            status: None,
            is_loaded: false,
            unreachable: None,
            documents: 0,
            active_at: Instant::now(),
            has_crashed: false,
            is_stuck: false,
        }
    }

    pub(super) fn take(&mut self, event: Event) {
        if matches!(
            event,
            Event::Asks(_)
                | Event::Answered(_)
                | Event::Finished { .. }
                | Event::Failed(_)
                | Event::Loaded
                | Event::Navigated(_)
        ) {
            self.active_at = Instant::now();
        }
        match event {
            Event::Navigated(frame) => self.navigated(frame),
            Event::Loaded => self.is_loaded = true,
            Event::Asks(request) => self.problems.asks(request),
            Event::Answered(answer) => {
                let is_document = answer.kind == "Document";
                if is_document && (self.frame.is_empty() || answer.frame_id == self.frame) {
                    self.status = Some(answer.response.status);
                }
                self.problems.answered(&answer);
            }
            Event::Finished { request_id } => self.problems.finished(&request_id),
            Event::Failed(failure) => self.problems.failed(&failure, &self.frame),
            Event::Threw(details) => self.problems.threw(&details),
            Event::Caught { exception_id } => self.problems.caught(exception_id),
            Event::Called(call) => self.problems.called(&call),
            Event::Logged(entry) => self.problems.logged(&entry),
            Event::Crashed => self.has_crashed = true,
            Event::Dialog { .. } | Event::Opened(_) => {}
        }
    }

    /// Another document is shown in the page itself, not in a frame of it.
    fn navigated(&mut self, frame: Frame) {
        if frame.parent_id.is_some() || frame.url == "about:blank" {
            return;
        }
        self.documents += 1;
        self.is_loaded = false;
        self.frame = frame.id;
        if let Some(url) = &frame.unreachable_url {
            self.problems.led_nowhere(url);
        } else {
            self.problems.begin_document(&frame.loader_id);
        }
        self.unreachable = frame.unreachable_url;
    }
}
