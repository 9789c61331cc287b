//! What an e-mail says itself and what it only quotes.

/// The paragraphs of a plain text part in order, and whether each is quoted. Signs of quoting are
/// removed; a line that introduces a quote (`On … wrote:`) belongs to it.
pub(super) fn paragraphs(text: &str) -> Vec<(bool, String)> {
    let mut found: Vec<(bool, String)> = Vec::new();
    let mut blank = true;
    // Below a divider, everything is the message that is forwarded or replied to.
    let mut below = false;
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        below |= is_divider(line);
        let marked = line.trim_start().starts_with('>');
        let introduces = !marked && introduces_quote(line, lines.peek().copied());
        let words = line.trim_start_matches(|letter: char| letter == '>' || letter.is_whitespace());
        if words.is_empty() {
            blank = true;
            continue;
        }
        let quoted = marked || below || introduces;
        match found.last_mut() {
            Some((same, text)) if *same == quoted && !blank => {
                text.push('\n');
                text.push_str(if marked { words } else { line });
            }
            _ => found.push((quoted, if marked { words } else { line }.to_owned())),
        }
        blank = false;
    }
    found
}

/// `On Monday, Ada wrote:` in the languages that are most used, if a quote follows.
fn introduces_quote(line: &str, next: Option<&str>) -> bool {
    const ENDS: [&str; 9] = [
        "wrote:",
        "schrieb:",
        "escribió:",
        "escreveu:",
        "a écrit :",
        "a écrit:",
        "ha scritto:",
        "schreef:",
        "写道：",
    ];
    let line = line.trim_end();
    let quote_follows = next.is_none_or(|next| next.trim().is_empty() || next.trim_start().starts_with('>'));
    quote_follows && ENDS.iter().any(|end| line.ends_with(end))
}

fn is_divider(line: &str) -> bool {
    let line = line.trim();
    let inside = line.trim_matches('-').trim();
    let ruled = line.starts_with("-----") && line.ends_with("-----");
    ruled
        && [
            "Original Message",
            "Forwarded message",
            "Ursprüngliche Nachricht",
            "Mensagem original",
            "Message d'origine",
        ]
        .iter()
        .any(|words| inside.eq_ignore_ascii_case(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_and_what_is_quoted_are_told_apart() {
        #[track_caller]
        fn check(text: &str, expected: &[(bool, &str)]) {
            let found = paragraphs(text);
            let found: Vec<_> = found.iter().map(|(quoted, text)| (*quoted, text.as_str())).collect();
            assert_eq!(found, expected);
        }
        check("One\ntwo\n\nthree", &[(false, "One\ntwo"), (false, "three")]);
        check(
            "Yes.\n\nOn Monday, Ada wrote:\n> Shall we?\n>> Before\n\nBob",
            &[(false, "Yes."), (true, "On Monday, Ada wrote:\nShall we?\nBefore"), (false, "Bob")],
        );
        check(
            "See below\n\n-----Original Message-----\nFrom: Ada\n\nHello",
            &[(false, "See below"), (true, "-----Original Message-----\nFrom: Ada"), (true, "Hello")],
        );
        check("I wrote:\nnothing", &[(false, "I wrote:\nnothing")]);
        check("", &[]);
    }
}
