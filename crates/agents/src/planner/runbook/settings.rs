//! What a runbook asks for beside its steps: front matter and `Inputs:` lines.
//!
//! Invariant: an input is a path inside the workspace; anything else is refused by name, so that
//! a runbook from elsewhere cannot make a program upload what it should not.

use super::document::{Node, Section};
use crate::plan::check::relative_path;
use crate::plan::{Language, limits};
use crate::planner::words::{fold, shorten};

/// The longest front matter that is read, in lines.
const FRONT_MATTER_LINES: usize = 200;
/// More inputs than this are not taken.
const MAX_INPUTS: usize = 200;

/// What a runbook asks for beside its steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// `title:` / `título:`.
    pub title: Option<String>,
    /// `language:` / `idioma:`: `en` or `pt`.
    pub language: Option<Language>,
    /// `timeout:` / `tempo:`: for each step with code; `90`, `90s`, `5 min`, `1h`.
    pub timeout_ms: Option<u64>,
    /// A timeout that is none, or out of bounds.
    pub refused_timeout: Option<String>,
    /// Files the runbook reads, relative to the runbook and, once uploaded, to the workspace.
    pub inputs: Vec<String>,
    /// Inputs that are named but lead outside, and are not taken.
    pub refused_inputs: Vec<String>,
}

impl Settings {
    fn add_input(&mut self, path: &str) {
        let path = path.trim().trim_matches(['`', '"', '\'', '*']).trim();
        if path.is_empty() || self.inputs.len() + self.refused_inputs.len() >= MAX_INPUTS {
            return;
        }
        match relative_path(path) {
            Some(inside) if !self.inputs.contains(&inside) => self.inputs.push(inside),
            Some(_) => {}
            None => self.refused_inputs.push(shorten(path, 200)),
        }
    }

    fn set(&mut self, key: &str, value: &str) {
        match fold(key).as_str() {
            "title" | "titulo" if !value.is_empty() => self.title = Some(shorten(value, 200)),
            "language" | "lang" | "idioma" | "lingua" => {
                self.language = match cut_language(value).as_str() {
                    "pt" => Some(Language::Pt),
                    "en" => Some(Language::En),
                    _ => None,
                };
            }
            "timeout" | "tempo" | "tempo limite" | "limite" if !value.is_empty() => {
                self.timeout_ms = duration_ms(value).filter(|given| limits::TIMEOUT_MS.contains(given));
                self.refused_timeout = self.timeout_ms.is_none().then(|| shorten(value, 40));
            }
            _ if is_inputs_key(key) => {
                let list = value.trim_start_matches('[').trim_end_matches(']');
                list.split(',').for_each(|path| self.add_input(path));
            }
            _ => {}
        }
    }
}

/// The front matter, if the text begins with one, and the text after it.
pub(super) fn front_matter(text: &str) -> (Settings, &str) {
    let none = (Settings::default(), text);
    let Some(first) = text.split_inclusive('\n').next().filter(|line| line.trim_end() == "---") else {
        return none;
    };
    let mut settings = Settings::default();
    let mut key = String::new();
    let mut at = first.len();
    for line in text[first.len()..].split_inclusive('\n').take(FRONT_MATTER_LINES) {
        at += line.len();
        let trimmed = line.trim();
        if matches!(line.trim_end(), "---" | "...") {
            return (settings, &text[at..]);
        }
        if let Some(item) = trimmed.strip_prefix("- ") {
            if is_inputs_key(&key) {
                settings.add_input(item);
            }
        } else if let Some((name, value)) = trimmed.split_once(':') {
            name.trim().clone_into(&mut key);
            settings.set(&key, value.trim().trim_matches(['"', '\'']));
        } else if !trimmed.is_empty() && !trimmed.starts_with('#') {
            // Not front matter after all: a rule and then prose.
            return none;
        }
    }
    none
}

/// Whether `name` is how a list of input files is introduced.
pub(super) fn is_inputs_key(name: &str) -> bool {
    matches!(
        fold(name.trim()).as_str(),
        "inputs"
            | "input"
            | "input files"
            | "files"
            | "entradas"
            | "entrada"
            | "arquivos"
            | "arquivos de entrada"
    )
}

/// The inputs named on one line, `Inputs: a.csv, b.csv`, if it is such a line.
pub(super) fn inputs_line(line: &str) -> Option<Vec<&str>> {
    let (key, value) = line.trim().trim_start_matches('*').split_once(':')?;
    is_inputs_key(key.trim_end_matches('*')).then(|| {
        value
            .trim_start_matches('*')
            .split([',', ';'])
            .flat_map(|part| part.split(" and "))
            .flat_map(|part| part.split(" e "))
            .map(|part| part.trim().trim_end_matches('.').trim())
            .filter(|part| !part.is_empty())
            .collect()
    })
}

/// Takes `Inputs:` lines, the list right below one, and the list below an `Inputs` heading.
pub(super) fn inputs_of_section(section: &Section, settings: &mut Settings) {
    let mut listing = is_inputs_key(&section.title);
    let mut depth = 0_usize;
    for node in &section.nodes {
        match node {
            Node::ItemStart { .. } => depth += 1,
            Node::ItemEnd => depth = depth.saturating_sub(1),
            Node::Code { .. } => listing = false,
            Node::Text(text) => {
                if depth > 0 && listing {
                    settings.add_input(listed_path(text));
                    continue;
                }
                for line in text.lines() {
                    let named = inputs_line(line);
                    listing = named.as_ref().map_or(listing && is_inputs_key(&section.title), Vec::is_empty);
                    named.into_iter().flatten().for_each(|path| settings.add_input(path));
                }
            }
        }
    }
}

/// The path in a list item: what is in backquotes, else its first word.
fn listed_path(text: &str) -> &str {
    match text.split('`').nth(1) {
        Some(code) => code,
        None => text.split_whitespace().next().unwrap_or_default().trim_end_matches([',', ':', ';']),
    }
}

fn cut_language(value: &str) -> String {
    fold(value).chars().take(2).collect()
}

/// `90`, `90s`, `1500 ms`, `5 min`, `2 minutos`, `1h`, with or without a comment after it.
fn duration_ms(value: &str) -> Option<u64> {
    let value = fold(value.split(" #").next()?.trim());
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let amount: u64 = value.get(..digits)?.parse().ok()?;
    let unit = match value[digits..].trim() {
        "ms" | "milliseconds" | "milissegundos" => 1,
        "" | "s" | "sec" | "secs" | "second" | "seconds" | "seg" | "segundo" | "segundos" => 1_000,
        "m" | "min" | "mins" | "minute" | "minutes" | "minuto" | "minutos" => 60_000,
        "h" | "hour" | "hours" | "hora" | "horas" => 3_600_000,
        _ => return None,
    };
    amount.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = super::super::settings(text);
        let shown = format!(
            "{}|{}|{}|{}",
            found.title.unwrap_or_default(),
            found.timeout_ms.map(|ms| ms.to_string()).unwrap_or_default(),
            found.inputs.join(","),
            found.refused_inputs.join(",")
        );
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn front_matter_and_input_lines() {
        check(
            "---\ntitle: \"Q3\"\ntimeout: 5 min\ninputs: [data/a.csv, b.csv]\n---\n# X",
            "Q3|300000|data/a.csv,b.csv|",
        );
        check(
            "---\ntítulo: Horas\nentradas:\n  - dados/h.csv\n  - b.csv\n---\n",
            "Horas||dados/h.csv,b.csv|",
        );
        check(
            "---\r\ntitle: T\r\n---\r\nInputs: `data/a.csv`, data/b.csv and c.csv.\r\n",
            "T||data/a.csv,data/b.csv,c.csv|",
        );
        check("# R\n\nEntradas: data/a.csv e data/b.csv\n", "||data/a.csv,data/b.csv|");
        check(
            "# R\n\nInputs:\n\n- `data/a.csv`: the sales\n- data/b.csv\n\nThen\n\n- c.csv\n",
            "||data/a.csv,data/b.csv|",
        );
        check("# R\n\n## Inputs\n\n- data/a.csv\n\n## Next\n\n- b.csv\n", "||data/a.csv|");
        check("Inputs: ../../etc/passwd, /etc/shadow, ok.csv", "||ok.csv|../../etc/passwd,/etc/shadow");
        check("---\nnot front matter\n---\n", "|||");
        check("---\ntitle: never closed\n", "|||");
        check("```\nInputs: a.csv\n```", "|||");
    }

    #[test]
    fn a_timeout_is_a_time_within_bounds_or_refused() {
        #[track_caller]
        fn check(value: &str, expected: Result<u64, &str>) {
            let found = super::super::settings(&format!("---\ntimeout: {value}\n---\n"));
            let expected = (expected.ok(), expected.err().map(str::to_owned));
            assert_eq!((found.timeout_ms, found.refused_timeout), expected, "{value}");
        }
        check("90", Ok(90_000));
        check("1500 ms", Ok(1_500));
        check("2 minutos", Ok(120_000));
        check("60s  # the plot takes long", Ok(60_000));
        check("24h", Ok(86_400_000));
        check("soon", Err("soon"));
        check("-5s", Err("-5s"));
        check("0", Err("0"));
        check("25h", Err("25h"));
        check("99999999999999999h", Err("99999999999999999h"));
        check("5 weeks", Err("5 weeks"));
    }
}
