//! Templates: what a session begins with. They are plain folders in `templates/`, whose README says
//! what their `template.toml` means.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use rust_embed::RustEmbed;
use serde::Deserialize;

use crate::error::Error;
use crate::recipes::{Pages, Recipe, Texts, Theme};

const MANIFEST: &str = "template.toml";
const RECIPES: &str = "recipes/";

#[derive(RustEmbed)]
#[folder = "templates/"]
#[include = "*/*"]
#[exclude = "check/*"]
#[exclude = "*/node_modules/*"]
#[exclude = "*/.venv/*"]
struct Files;

/// All templates.
#[derive(Debug)]
pub struct Templates {
    all: Vec<Template>,
}

/// One of them.
#[derive(Clone, Debug, Deserialize)]
pub struct Template {
    /// What it is asked for by.
    pub name: String,
    /// What people see.
    pub title: Text,
    /// What it is, in a sentence or two.
    pub description: Text,
    /// The framework; `none` without one.
    pub framework: String,
    /// `npm`, `pip` or `none`.
    pub package_manager: String,
    /// The file that names what the project needs.
    pub manifest: Option<String>,
    /// How the project is laid out, for a model that works on it.
    pub guide: String,
    /// How what it needs is installed.
    pub install: Option<Install>,
    /// How its dev server is started.
    pub dev: Option<Dev>,
    /// What a verifier runs, the quickest first.
    #[serde(default, rename = "check")]
    pub checks: Vec<Check>,
    /// Where its pages are.
    pub pages: Option<Pages>,
    /// Where its texts are, and which can be named.
    pub texts: Option<Texts>,
    /// Where its colours are, and the palettes there are for them.
    pub theme: Option<Theme>,
    /// The changes that need no model.
    #[serde(default, rename = "recipe")]
    pub recipes: Vec<Recipe>,
}

/// A text for people.
#[derive(Clone, Debug, Deserialize)]
pub struct Text {
    /// In English.
    pub en: String,
    /// In Brazilian Portuguese.
    #[serde(rename = "pt-BR")]
    pub pt_br: String,
}

/// How what a project needs is installed. Each command is a program and its arguments.
#[derive(Clone, Debug, Deserialize)]
pub struct Install {
    /// In a fresh copy.
    pub commands: Vec<Vec<String>>,
    /// After one of `inputs` was changed.
    #[serde(default)]
    pub update: Vec<Vec<String>>,
    /// The files that say what is installed.
    pub inputs: Vec<String>,
}

/// How a dev server is started.
#[derive(Clone, Debug, Deserialize)]
pub struct Dev {
    /// A program and its arguments; `{port}` stands for the port.
    pub command: Vec<String>,
    /// Variables for it; `{port}` again.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// The usual port.
    pub port: u16,
    /// When it is up.
    pub ready: Ready,
    /// How it is shown below a path.
    pub base: Base,
}

/// When a dev server is up.
#[derive(Clone, Debug, Deserialize)]
pub struct Ready {
    /// This path is answered.
    pub path: String,
    timeout_seconds: u64,
}

impl Ready {
    /// How long that may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds)
    }
}

/// How an app is shown below a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Base {
    /// All its addresses are relative; the path is cut off.
    Relative,
    /// It is told the path by `ATELIER_BASE`, and gets it.
    Environment,
}

/// What a verifier runs.
#[derive(Clone, Debug, Deserialize)]
pub struct Check {
    /// What it is called.
    pub name: String,
    /// A program and its arguments; exit code 0 is success.
    pub command: Vec<String>,
    timeout_seconds: u64,
}

impl Check {
    /// How long it may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds)
    }
}

impl Templates {
    /// Those that are part of the program.
    ///
    /// # Errors
    /// [`Error::TemplateBroken`].
    pub fn built_in() -> Result<&'static Self, Error> {
        static ALL: LazyLock<Result<Templates, (String, String)>> = LazyLock::new(|| {
            let manifests =
                Files::iter().filter_map(|path| path.strip_suffix("/template.toml").map(str::to_owned));
            let mut all = manifests
                .map(|folder| Template::read(&folder).map_err(|reason| (folder, reason)))
                .collect::<Result<Vec<_>, _>>()?;
            all.sort_by_key(|template| ORDER.iter().position(|name| *name == template.name));
            Ok(Templates { all })
        });
        ALL.as_ref()
            .map_err(|(name, reason)| Error::TemplateBroken { name: name.clone(), reason: reason.clone() })
    }

    /// All of them, in the order in which they are shown.
    pub fn all(&self) -> &[Template] {
        &self.all
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Error::TemplateUnknown`].
    pub fn find(&self, name: &str) -> Result<&Template, Error> {
        self.all.iter().find(|template| template.name == name).ok_or_else(|| Error::TemplateUnknown {
            name: name.chars().take(60).collect(),
            known: self.all.iter().map(|template| template.name.clone()).collect(),
        })
    }
}

/// The order in which templates are shown.
const ORDER: [&str; 5] = ["vite-react", "nextjs", "express", "fastapi", "empty"];

impl Template {
    fn read(folder: &str) -> Result<Self, String> {
        let file = Files::get(&format!("{folder}/{MANIFEST}")).ok_or("it has no manifest")?;
        let text = std::str::from_utf8(&file.data).map_err(|error| error.to_string())?;
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// What a session gets: paths below its folder, and their content.
    pub fn files(&self) -> impl Iterator<Item = (String, Cow<'static, [u8]>)> {
        let prefix = format!("{}/", self.name);
        Files::iter().filter_map(move |path| {
            let own = path.strip_prefix(&prefix)?;
            if own == MANIFEST || own.starts_with(RECIPES) {
                return None;
            }
            Some((own.to_owned(), Files::get(&path)?.data))
        })
    }

    /// A file of the template's own folder that is text, such as a recipe's source.
    pub(crate) fn source(&self, path: &str) -> Option<String> {
        let file = Files::get(&format!("{}/{path}", self.name))?;
        String::from_utf8(file.data.into_owned()).ok()
    }

    /// What is installed, as a name: the same for the same inputs.
    pub fn installation(&self) -> Option<String> {
        let install = self.install.as_ref()?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.name.as_bytes());
        for input in &install.inputs {
            let file = Files::get(&format!("{}/{input}", self.name))?;
            hasher.update(input.as_bytes()).update(&[0]).update(&file.data);
        }
        for argument in install.commands.iter().flatten() {
            hasher.update(argument.as_bytes()).update(&[0]);
        }
        Some(format!("{}-{}", self.name, &hasher.finalize().to_hex()[..16]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_whole() {
        let templates = Templates::built_in().unwrap();
        let names: Vec<&str> = templates.all().iter().map(|template| template.name.as_str()).collect();
        assert_eq!(names, ORDER);
        for template in templates.all() {
            let files: BTreeMap<_, _> = template.files().collect();
            assert!(files.contains_key("README.md") && files.contains_key(".gitignore"), "{}", template.name);
            assert!(!files.keys().any(|path| path == MANIFEST || path.starts_with(RECIPES)));
            assert!(!files.keys().any(|path| path.contains("node_modules/")));
            assert_eq!(template.installation().is_some(), template.package_manager != "none");
            if let Some(dev) = &template.dev {
                let mut places = dev.command.iter().chain(dev.environment.values());
                assert!(places.any(|place| place.contains("{port}")), "{}", template.name);
            }
        }
    }

    #[test]
    fn an_unknown_template_is_told_with_those_there_are() {
        let error = Templates::built_in().unwrap().find("vue").unwrap_err();
        let error = kernel::Error::from(error);
        assert_eq!(error.code, "template_unknown");
        assert!(error.hint.unwrap().contains("vite-react"));
    }
}
