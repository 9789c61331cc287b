//! Endpoints that are known by name: one file that a person can read and add to.

use serde::Deserialize;

use crate::dialect::Dialect;
use crate::endpoint::parse_base_url;
use crate::options::{Price, ProviderOptions};
use crate::secret::ApiKey;

const BUILT_IN: &str = include_str!("presets.yaml");

/// A known endpoint with sensible defaults.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// The name in settings.
    pub name: String,
    /// The name a person knows.
    pub title: String,
    /// Where it answers.
    pub base_url: String,
    /// How it speaks.
    #[serde(default)]
    pub dialect: Dialect,
    /// The environment variable that usually holds its key; `None` where it needs none.
    #[serde(default)]
    pub key_variable: Option<String>,
    /// A model that answers well at a low price.
    pub default_model: String,
    /// The models that something is known of.
    #[serde(default)]
    pub models: Vec<PresetModel>,
    /// What a person should know.
    #[serde(default)]
    pub note: Option<String>,
}

/// A model that something is known of.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresetModel {
    /// Its name.
    pub id: String,
    /// How many tokens it reads at once.
    #[serde(default)]
    pub context_tokens: Option<u64>,
    /// What it costs.
    #[serde(default)]
    pub price: Option<Price>,
}

impl Preset {
    /// The preset as options, to be changed where wanted.
    pub fn options(&self, api_key: Option<ApiKey>) -> ProviderOptions {
        ProviderOptions {
            name: self.name.clone(),
            base_url: self.base_url.clone(),
            api_key,
            model: self.default_model.clone(),
            dialect: self.dialect,
            price: self.model(&self.default_model).and_then(|model| model.price),
            ..ProviderOptions::default()
        }
    }

    /// What is known of a model.
    pub fn model(&self, id: &str) -> Option<&PresetModel> {
        self.models.iter().find(|model| model.id == id)
    }

    /// What is wrong with it, if something is.
    fn fault(&self) -> Option<String> {
        let is_negative = |price: &Price| {
            [Some(price.input), Some(price.output), price.cached].iter().flatten().any(|usd| *usd < 0.0)
        };
        if !is_name(&self.name) {
            return Some("its name must be of a-z, 0-9, `.`, `_` and `-`".into());
        }
        if self.default_model.trim().is_empty() {
            return Some("its `default_model` is empty".into());
        }
        if self.models.iter().filter_map(|model| model.price.as_ref()).any(is_negative) {
            return Some("a price is negative".into());
        }
        parse_base_url(&self.base_url).err()
    }
}

/// Whether a text can be a provider's or preset's name: `[a-z0-9][a-z0-9._-]{0,63}`.
pub fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=64).contains(&text.len())
        && plain(text.as_bytes()[0])
        && text.bytes().all(|byte| plain(byte) || b"._-".contains(&byte))
}

/// All known endpoints, in alphabetical order.
#[derive(Clone, Debug, PartialEq)]
pub struct Presets(Vec<Preset>);

impl Presets {
    /// Those that come with Atelier.
    pub fn built_in() -> Self {
        Self(read(BUILT_IN).expect("a test reads the file that is built in"))
    }

    /// With those of another file, which win over those of the same name.
    ///
    /// # Errors
    /// `presets_invalid` with the line for what cannot be used; then none of the file is.
    pub fn extended(mut self, text: &str) -> kernel::Result<Self> {
        let read = read(text).map_err(|reason| {
            let message = format!("The presets cannot be used: {reason}");
            kernel::Error::invalid("presets_invalid", message)
                .with_hint("Correct presets.yaml in the workspace's folder, or remove it")
        })?;
        for preset in read {
            self.0.retain(|known| known.name != preset.name);
            self.0.push(preset);
        }
        self.0.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(self)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Preset> {
        self.0.iter()
    }

    /// The one of this name.
    pub fn find(&self, name: &str) -> Option<&Preset> {
        self.0.iter().find(|preset| preset.name == name)
    }
}

fn read(text: &str) -> Result<Vec<Preset>, String> {
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Vec::new());
    }
    let presets: Vec<Preset> = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
    for (place, preset) in presets.iter().enumerate() {
        let is_double = presets[..place].iter().any(|other| other.name == preset.name);
        let fault = preset.fault().or(is_double.then(|| "it is there twice".into()));
        if let Some(fault) = fault {
            let line = line_of(text, &preset.name, usize::from(is_double));
            return Err(format!("`{}` at line {line}: {fault}", preset.name));
        }
    }
    Ok(presets)
}

/// Where an entry of this name stands, from 1, after skipping so many.
fn line_of(text: &str, name: &str, skipped: usize) -> usize {
    let is_it = |line: &str| {
        let value = line.trim_start().trim_start_matches("- ").trim_start().strip_prefix("name:");
        value.is_some_and(|value| value.trim().trim_matches(['"', '\'']) == name)
    };
    let mut lines = text.lines().enumerate().filter(|(_, line)| is_it(line));
    lines.nth(skipped).map_or(1, |(index, _)| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_come_along_are_sound_and_in_order() {
        let presets = Presets::built_in();
        let names: Vec<_> = presets.iter().map(|preset| preset.name.as_str()).collect();
        assert!(names.is_sorted(), "{names:?}");
        for name in ["openai", "anthropic", "gemini", "mistral", "groq", "ollama", "kimi"] {
            let preset = presets.find(name).unwrap();
            assert!(preset.model(&preset.default_model).is_some(), "{name}");
            let is_local = preset.base_url.starts_with("http://127.0.0.1");
            assert_eq!(preset.key_variable.is_none(), is_local, "{name}");
        }
        assert_eq!(presets.find("kimi").unwrap().base_url, "https://api.kimi.com/coding/v1");
    }

    #[test]
    fn a_file_adds_and_replaces() {
        let text = "- name: here\n  title: Here\n  base_url: http://127.0.0.1:9/v1\n  default_model: m\n\
                    - name: kimi\n  title: Mine\n  base_url: https://kimi.example/v1\n  default_model: k\n";
        let presets = Presets::built_in().extended(text).unwrap();
        assert_eq!(presets.find("here").unwrap().dialect, Dialect::Chat);
        assert_eq!(presets.find("kimi").unwrap().title, "Mine");
        assert_eq!(presets.iter().count(), Presets::built_in().iter().count() + 1);
        assert_eq!(Presets::built_in().extended("# nothing yet\n").unwrap(), Presets::built_in());
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let error = Presets::built_in().extended(text).unwrap_err().to_string();
        assert!(expected.iter().all(|word| error.contains(word)), "{error}");
    }

    #[test]
    fn says_where_a_file_is_wrong() {
        let good = "- name: a\n  title: A\n  base_url: http://127.0.0.1:9/v1\n  default_model: m\n";
        check(&format!("{good}- name: b\n  titel: B\n"), &["titel", "line 6"]);
        check(&format!("{good}{good}"), &["`a` at line 5", "twice"]);
        check(&good.replace("http:", "ftp:"), &["`a` at line 1", "http://"]);
        check(&good.replace(" a\n", " A b\n"), &["name"]);
        check(&format!("{good}  models: [{{id: m, price: {{input: -1.0, output: 1.0}}}}]\n"), &["negative"]);
        check("- name: [", &["line"]);
    }
}
