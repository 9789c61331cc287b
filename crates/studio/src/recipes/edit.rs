//! What recipes do to texts: placeholders, translation, insertion, colours. It is the same as what
//! `templates/check/recipes.mjs` does.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::schema::{Palette, Theme};
use super::words::fold;

/// What the placeholders of a recipe stand for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fields<'a> {
    /// The title of a new page.
    pub(super) title: &'a str,
    /// The file of the page a section goes into.
    pub(super) page: &'a str,
}

/// A title as an identifier and as a part of a path: `Precos2026` and `precos-2026`.
pub(super) fn names_of(title: &str) -> (String, String) {
    let folded = fold(title);
    let mut words: Vec<&str> = folded.split(|letter: char| !letter.is_ascii_alphanumeric()).collect();
    words.retain(|word| !word.is_empty());
    if words.first().is_none_or(|word| !word.starts_with(|letter: char| letter.is_ascii_lowercase())) {
        words.insert(0, "page");
    }
    let name = words.iter().map(|word| capitalised(word)).collect();
    (name, words.join("-"))
}

/// With a capital letter at its beginning.
pub(super) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// Whether two texts are the same but for case, accents and the space around them.
pub(super) fn fold_eq(one: &str, other: &str) -> bool {
    fold(one.trim()) == fold(other.trim())
}

/// Replaces the placeholders; whatever else stands in braces is left as it is.
pub(super) fn fill(text: &str, fields: Fields<'_>) -> String {
    let (name, slug) = names_of(fields.title);
    let values = [
        ("{Name}", name),
        ("{slug}", slug),
        ("{title:text}", fields.title.to_owned()),
        ("{title:json}", Value::from(fields.title).to_string()),
        ("{title:html}", escaped(fields.title)),
        ("{page}", fields.page.to_owned()),
    ];
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        filled.push_str(&rest[..at]);
        rest = &rest[at..];
        match values.iter().find(|(placeholder, _)| rest.starts_with(placeholder)) {
            Some((placeholder, value)) => {
                filled.push_str(value);
                rest = &rest[placeholder.len()..];
            }
            None => {
                filled.push('{');
                rest = &rest[1..];
            }
        }
    }
    filled + rest
}

fn escaped(text: &str) -> String {
    let letters = text.chars().map(|letter| match letter {
        '&' | '<' | '>' | '"' | '\'' | '{' | '}' => format!("&#{};", u32::from(letter)),
        other => other.to_string(),
    });
    letters.collect()
}

/// Puts whole texts of a source into another language: those that stand alone between quotes, tags
/// or line ends.
pub(super) fn translate(source: &str, texts: &Map<String, Value>) -> String {
    let mut translated = String::with_capacity(source.len());
    let mut at = 0;
    while let Some(letter) = source[at..].chars().next() {
        let rest = &source[at..];
        let found = texts.iter().find(|(text, _)| {
            rest.starts_with(text.as_str()) && begins_whole(&source[..at]) && ends_whole(&rest[text.len()..])
        });
        match found {
            Some((text, Value::String(other))) if !text.is_empty() => {
                translated.push_str(other);
                at += text.len();
            }
            _ => {
                translated.push(letter);
                at += letter.len_utf8();
            }
        }
    }
    translated
}

fn begins_whole(before: &str) -> bool {
    let trimmed = before.trim_end();
    before.ends_with(['\'', '"', '>']) || trimmed.is_empty() || before[trimmed.len()..].contains('\n')
}

fn ends_whole(after: &str) -> bool {
    let trimmed = after.trim_start();
    let space = &after[..after.len() - trimmed.len()];
    after.starts_with(['\'', '"', '<']) || trimmed.is_empty() || space.contains('\n')
}

/// Puts lines before the one that holds the marker, as far indented as that one, unless they are
/// there; `None` if no line holds it.
pub(super) fn insert_before(content: &str, marker: &str, text: &str) -> Option<String> {
    let at = content.find(marker)?;
    let line = content[..at].rfind('\n').map_or(0, |end| end + 1);
    let indent: &str = &content[line..];
    let indent = &indent[..indent.len() - indent.trim_start().len()];
    let added = text.split('\n').map(|line| format!("{indent}{line}")).collect::<Vec<_>>().join("\n");
    if content.contains(&added) {
        return Some(content.to_owned());
    }
    Some(format!("{}{added}\n{}", &content[..line], &content[line..]))
}

/// Gives the variables of a theme the colours of a palette, in its light and in its dark part.
pub(super) fn recolour(css: &str, theme: &Theme, palette: &Palette) -> String {
    let none = BTreeMap::new();
    let mut colours = &none;
    let lines = css.split('\n').map(|line| {
        if line.contains(&theme.markers.light) {
            colours = &palette.light;
        }
        if line.contains(&theme.markers.dark) {
            colours = &palette.dark;
        }
        let Some((name, _)) = line.split_once(':') else { return line.to_owned() };
        match colours.get(name.trim_start()) {
            Some(colour) => format!("{name}: {colour};"),
            None => line.to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Texts as they are written back: two spaces of indentation, a line end at the end.
pub(super) fn written(texts: &Value) -> String {
    format!("{texts:#}\n")
}

/// Calls `change` for every text in a tree of texts.
pub(super) fn for_each_text(texts: &mut Value, change: &mut dyn FnMut(&mut String)) {
    match texts {
        Value::String(text) => change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| for_each_text(item, change)),
        Value::Object(members) => members.values_mut().for_each(|member| for_each_text(member, change)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn titles_become_names() {
        for (title, name, slug) in [
            ("Preços & “2026”", "Precos2026", "precos-2026"),
            ("2026", "Page2026", "page-2026"),
            ("🦀", "Page", "page"),
            ("", "Page", "page"),
            ("Our Team", "OurTeam", "our-team"),
        ] {
            assert_eq!(names_of(title), (name.to_owned(), slug.to_owned()), "{title}");
        }
    }

    #[test]
    fn placeholders_are_filled_once_and_other_braces_stay() {
        let fields = Fields { title: "A {slug} & \"b\"", page: "x.tsx" };
        assert_eq!(fill("{{title:json}} {x} {", fields), r#"{"A {slug} & \"b\""} {x} {"#);
        assert_eq!(fill("{title:html}", fields), "A &#123;slug&#125; &#38; &#34;b&#34;");
        assert_eq!(fill("{page}{title:text}{Name}", fields), "x.tsxA {slug} & \"b\"ASlugB");
    }

    #[test]
    fn only_whole_texts_are_translated() {
        let texts = json!({ "Add": "Adicionar", "Pages": "Páginas", "Add more": "Mais" });
        let texts = texts.as_object().unwrap();
        let source = "<b>Add</b> 'Add' Add 'Add more'\n  Pages\nAdded <i>Pages now</i>";
        let expected = "<b>Adicionar</b> 'Adicionar' Add 'Mais'\n  Páginas\nAdded <i>Pages now</i>";
        assert_eq!(translate(source, texts), expected);
    }

    #[test]
    fn lines_are_inserted_once_before_the_marker() {
        let once = insert_before("[\n  // here\n]\n", "// here", "a,\nb,").unwrap();
        assert_eq!(once, "[\n  a,\n  b,\n  // here\n]\n");
        assert_eq!(insert_before(&once, "// here", "a,\nb,").unwrap(), once);
        assert_eq!(insert_before("", "// here", "a"), None);
    }
}
