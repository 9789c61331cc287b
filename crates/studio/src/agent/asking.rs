//! When a person is asked before a tool is used, and in which words.
//!
//! Invariant: nothing that could carry something out of the session is done unasked once something
//! that somebody outside wrote is in the conversation.

use connectors::{Class, Grant};

use super::tools::{Permission, ToolUse};
use super::turn::{Permissions, Rule};

/// What a turn is told that decides who is asked.
#[derive(Clone, Copy, Default)]
pub(super) struct Surroundings {
    /// Whether something that somebody outside wrote is in the conversation.
    pub is_tainted: bool,
    /// Whether something is in it that may not leave this machine.
    pub is_local: bool,
}

/// Why a person is asked before this is done, if one is.
pub(super) fn asks(doing: &ToolUse, permissions: &Permissions, around: Surroundings) -> Option<String> {
    if matches!(doing, ToolUse::Connector { .. }) {
        return asks_of_connector(doing, permissions, around).map(str::to_owned);
    }
    let permission = doing.permission();
    if permissions.rule(permission) == Rule::Ask {
        return Some("This session asks before this is done.".into());
    }
    let may_follow_a_page = matches!(permission, Permission::Execute | Permission::Network);
    (around.is_tainted && may_follow_a_page).then(|| {
        "A page from outside was read in this conversation, and it may be what asks for this. Look closely.".into()
    })
}

/// The same for a tool of another server. The owner's grant takes the place of the session's rule for
/// hosts outside; its rules for changing and running hold beside it. What a tool elsewhere is given
/// leaves this machine, whatever the tool does with it.
fn asks_of_connector(
    doing: &ToolUse,
    permissions: &Permissions,
    around: Surroundings,
) -> Option<&'static str> {
    let ToolUse::Connector { class, grant, has_changed, is_local, .. } = doing else { return None };
    let rule = match class {
        Class::Write => permissions.write,
        Class::Execute => permissions.execute,
        Class::Read | Class::Network | Class::Send => Rule::Allow,
    };
    if *has_changed {
        return Some(
            "The server defines this tool otherwise than when it was allowed. Look at what it is now.",
        );
    }
    if *grant != Grant::Allow {
        return Some("This tool belongs to another server, and asks before each use.");
    }
    if rule == Rule::Ask {
        return Some("This session asks before this is done.");
    }
    if around.is_local && !is_local {
        return Some(
            "Something in this conversation may not leave this machine, and what this tool is given does.",
        );
    }
    (around.is_tainted && !(*is_local && *class == Class::Read)).then_some(
        "Something that somebody outside wrote is in this conversation, and it may be what asks for this. Look closely.",
    )
}

pub(super) fn title(doing: &ToolUse) -> &'static str {
    match doing {
        ToolUse::Look { .. } => "Look at the project",
        ToolUse::Write { .. } => "Write a file",
        ToolUse::Run { installs: true, .. } => "Install packages",
        ToolUse::Run { .. } => "Run a command",
        ToolUse::StartDev { .. } => "Start the dev server",
        ToolUse::StopDev => "Stop the dev server",
        ToolUse::Fetch { .. } => "Read a page outside",
        ToolUse::Checkpoint { .. } => "Make a checkpoint",
        ToolUse::Connector { .. } => "Use a tool of another server",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(class: Class, grant: Grant, is_local: bool) -> ToolUse {
        ToolUse::Connector {
            server: "docs".into(),
            tool: "search".into(),
            arguments: serde_json::json!({}),
            class,
            grant,
            has_changed: false,
            is_local,
            digest: String::new(),
        }
    }

    const PLAIN: Surroundings = Surroundings { is_tainted: false, is_local: false };
    const TAINTED: Surroundings = Surroundings { is_tainted: true, is_local: false };
    const LOCAL: Surroundings = Surroundings { is_tainted: false, is_local: true };

    #[track_caller]
    fn check(doing: &ToolUse, around: Surroundings, expected: Option<&str>) {
        let asked = asks(doing, &Permissions::default(), around);
        match (asked, expected) {
            (None, None) => {}
            (Some(why), Some(part)) if why.contains(part) => {}
            (asked, expected) => panic!("{asked:?} {expected:?}"),
        }
    }

    #[test]
    fn tools_of_other_servers_ask_unless_they_were_allowed_and_nothing_stands_against_it() {
        check(&tool(Class::Read, Grant::Ask, true), PLAIN, Some("before each use"));
        check(&tool(Class::Read, Grant::Deny, true), PLAIN, Some("before each use"));
        check(&tool(Class::Send, Grant::Allow, false), PLAIN, None);
        check(&tool(Class::Read, Grant::Allow, false), LOCAL, Some("may not leave this machine"));
        check(&tool(Class::Execute, Grant::Allow, true), LOCAL, None);
        check(&tool(Class::Read, Grant::Allow, true), TAINTED, None);
        check(&tool(Class::Read, Grant::Allow, false), TAINTED, Some("outside"));
        check(&tool(Class::Write, Grant::Allow, true), TAINTED, Some("outside"));
    }

    #[test]
    fn a_changed_tool_and_a_stricter_session_ask_whatever_was_allowed() {
        let mut changed = tool(Class::Read, Grant::Allow, true);
        if let ToolUse::Connector { has_changed, .. } = &mut changed {
            *has_changed = true;
        }
        check(&changed, PLAIN, Some("otherwise"));
        let strict = Permissions { write: Rule::Ask, execute: Rule::Ask, network: Rule::Ask };
        assert!(asks(&tool(Class::Write, Grant::Allow, true), &strict, PLAIN).is_some());
        assert!(asks(&tool(Class::Execute, Grant::Allow, true), &strict, PLAIN).is_some());
        assert!(asks(&tool(Class::Network, Grant::Allow, false), &strict, PLAIN).is_none());
    }
}
