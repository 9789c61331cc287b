//! The planner's log: what it was asked and what it planned.

use kernel::{Actor, DispatchId, Ids, Privacy, Timestamp};
use serde_json::{Value, json};

use crate::document::{Attributes, Document, MAX_TEXT_BYTES, MAX_TITLE_CHARS, TEXT, cut, head, without_nul};

/// The collection in which dispatches are found.
pub const COLLECTION: &str = "dispatches";

/// An entry in the planner's log.
#[derive(Clone, Debug, PartialEq)]
pub struct Dispatch {
    /// The entry.
    pub id: DispatchId,
    /// What the planner was asked.
    pub prompt: String,
    /// What sort of task it was said to be.
    pub task_type: String,
    /// What it planned.
    pub plan: Value,
    /// Who asked.
    pub actor: Actor,
    /// The request in which they asked.
    pub request_id: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

/// A dispatch to log; see [`Dispatch`] for the fields.
#[derive(Clone, Debug)]
pub struct NewDispatch {
    /// What the planner was asked.
    pub prompt: String,
    /// What sort of task it was said to be.
    pub task_type: String,
    /// What it planned.
    pub plan: Value,
    /// Who asked.
    pub actor: Actor,
    /// The request in which they asked.
    pub request_id: Option<String>,
}

impl NewDispatch {
    pub(crate) fn at(self, ids: &Ids, now: Timestamp) -> Dispatch {
        Dispatch {
            id: ids.fresh(),
            prompt: without_nul(self.prompt),
            task_type: without_nul(self.task_type),
            plan: self.plan,
            actor: self.actor,
            request_id: self.request_id.map(without_nul),
            created_at: now,
        }
    }
}

impl Dispatch {
    /// What search finds it by: the prompt, and those titles in the plan that say something else.
    pub(crate) fn to_document(&self, ids: &Ids) -> Document {
        let mut text = self.prompt.clone();
        add_titles(&self.plan, &mut text);
        let first_line = self.prompt.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let title = match self.plan["title"].as_str() {
            // Front matter begins with a fence that says nothing.
            Some(title) if !first_line.contains(char::is_alphanumeric) => title,
            _ => first_line,
        };
        Document {
            id: ids.fresh(),
            collection: COLLECTION.into(),
            key: self.id.to_string(),
            title: cut(&without_nul(title.to_owned()), MAX_TITLE_CHARS),
            text: without_nul(head(&text, MAX_TEXT_BYTES).to_owned()),
            source: format!("dispatch:{}", self.id),
            privacy: Privacy::default(),
            format: TEXT.into(),
            author: None,
            attributes: Attributes::new(),
            occurred_at: None,
            expires_at: None,
            superseded_by: None,
            digest: None,
            created_at: self.created_at,
            updated_at: self.created_at,
        }
    }

    /// The entry as one line of a snapshot.
    pub(crate) fn to_line(&self) -> String {
        json!({
            "id": self.id,
            "prompt": self.prompt,
            "task_type": self.task_type,
            "plan": self.plan,
            "actor": self.actor.to_string(),
            "request_id": self.request_id,
            "created_at": self.created_at.to_string(),
        })
        .to_string()
    }
}

fn add_titles(plan: &Value, text: &mut String) {
    match plan {
        Value::Array(items) => items.iter().for_each(|item| add_titles(item, text)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(title) if name == "title" && text.len() < MAX_TEXT_BYTES => {
                        if !text.contains(title.as_str()) {
                            text.push('\n');
                            text.push_str(title);
                        }
                    }
                    value => add_titles(value, text),
                }
            }
        }
        _ => {}
    }
}
