//! Templates with `{{placeholders}}`.

use super::language::fold;

/// A template with what is known put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    /// The text; a placeholder without a value stays as it is.
    pub text: String,
    /// The placeholders without a value, each once, in order.
    pub missing: Vec<String>,
}

/// Puts `values` in the places of `{{name}}`. Names are compared without regard to case, accents
/// and the space around them; values are not searched for placeholders again.
pub fn fill(template: &str, values: &[(&str, &str)]) -> Filled {
    let mut filled = Filled { text: String::with_capacity(template.len()), missing: Vec::new() };
    let mut rest = template;
    while let Some((before, name, after)) = next_placeholder(rest) {
        filled.text.push_str(before);
        match values.iter().find(|(key, _)| fold(key.trim()) == fold(name)) {
            Some((_, value)) => filled.text.push_str(value),
            None => {
                filled.text.push_str(&rest[before.len()..rest.len() - after.len()]);
                if !filled.missing.iter().any(|known| known == name) {
                    filled.missing.push(name.to_owned());
                }
            }
        }
        rest = after;
    }
    filled.text.push_str(rest);
    filled
}

/// Whether there is anything to fill in.
pub(super) fn has_placeholders(text: &str) -> bool {
    next_placeholder(text).is_some()
}

/// The text before the first placeholder, its name, and the text after it.
fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let open = from + text[from..].find("{{")?;
        let close = open + 2 + text[open + 2..].find("}}")?;
        let name = text[open + 2..close].trim();
        if !name.is_empty() && !name.contains(['{', '}', '\n']) {
            return Some((&text[..open], name, &text[close + 2..]));
        }
        from = open + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(template: &str, values: &[(&str, &str)], text: &str, missing: &[&str]) {
        let filled = fill(template, values);
        assert_eq!(
            (filled.text.as_str(), filled.missing),
            (text, missing.iter().map(|&m| m.into()).collect())
        );
    }

    #[test]
    fn fills_what_is_known_and_names_the_rest() {
        check("Dear {{name}},", &[("name", "Ana")], "Dear Ana,", &[]);
        check("{{ Preço }} {{preco}}", &[("PREÇO", "3 €")], "3 € 3 €", &[]);
        check("{{a}} {{b}} {{a}}", &[("b", "{{a}}")], "{{a}} {{a}} {{a}}", &["a"]);
        check("none", &[("a", "1")], "none", &[]);
        check("{{}} {{ }} {{open", &[], "{{}} {{ }} {{open", &[]);
        check("{{{a}}}", &[("a", "1")], "{1}", &[]);
        check("", &[], "", &[]);
    }
}
