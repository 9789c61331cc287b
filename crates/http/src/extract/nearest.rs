//! Names the known name that an unknown one was probably meant to be.

/// What to say about `unknown`, given the names there are.
pub(crate) fn hint(unknown: &str, known: &[&str]) -> String {
    let meant = known.iter().map(|name| (distance(unknown, name), name)).min();
    match meant {
        Some((edits, name)) if edits <= 1 + name.chars().count() / 3 => format!("Did you mean `{name}`?"),
        _ if known.is_empty() => "Leave it out; none is taken here".into(),
        _ => format!("Known are: {}", known.join(", ")),
    }
}

/// Reads serde's message about an unknown field: the field, and the fields there are.
pub(crate) fn unknown_field(message: &str) -> Option<(&str, Vec<&str>)> {
    let rest = &message[message.find("unknown field `")? + "unknown field `".len()..];
    let (name, rest) = rest.split_once('`')?;
    let known = rest.split('`').skip(1).step_by(2).collect();
    Some((name, known))
}

/// The number of characters to insert, delete or replace to get from one to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    // A name longer than any known one by this much is not a slip of the fingers.
    for (i, a) in from.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(unknown: &str, known: &[&str], expected: &str) {
        assert_eq!(hint(unknown, known), expected);
    }

    #[test]
    fn names_what_was_probably_meant() {
        check("gaol", &["goal", "title"], "Did you mean `goal`?");
        check("taskType", &["goal", "task_type"], "Did you mean `task_type`?");
        check("zzz", &["goal", "title"], "Known are: goal, title");
        check("x", &[], "Leave it out; none is taken here");
    }

    #[test]
    fn reads_what_serde_says() {
        let message = "unknown field `gaol`, expected one of `goal`, `title` at line 1 column 7";
        assert_eq!(unknown_field(message), Some(("gaol", vec!["goal", "title"])));
        assert_eq!(unknown_field("unknown field `a`, there are no fields"), Some(("a", vec![])));
        assert_eq!(unknown_field("missing field `goal`"), None);
    }
}
