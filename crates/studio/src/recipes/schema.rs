//! What a template's manifest says of its pages, texts, colours and recipes. The README of the
//! templates says what each entry means.

use std::collections::BTreeMap;

use models::offline::Language;
use serde::Deserialize;

use crate::template::Text;

/// Where pages are.
#[derive(Clone, Debug, Deserialize)]
pub struct Pages {
    /// A page's file, by its placeholders.
    pub file: String,
    /// The page that sections are added to unless another is named.
    pub first: String,
}

/// Where texts are.
#[derive(Clone, Debug, Deserialize)]
pub struct Texts {
    /// The JSON file with the texts.
    pub file: String,
    /// The same file in other languages, by language; sources in the template's folder.
    #[serde(default)]
    pub languages: BTreeMap<String, String>,
    /// What the texts in the sources of recipes are in other languages, by language.
    #[serde(default)]
    pub recipes: BTreeMap<String, String>,
    /// The texts that can be named.
    #[serde(default, rename = "entry")]
    pub entries: Vec<TextEntry>,
}

/// A text that can be named.
#[derive(Clone, Debug, Deserialize)]
pub struct TextEntry {
    /// Where it is, as a JSON pointer.
    pub pointer: String,
    /// What people see.
    pub title: Text,
    /// What people call it.
    pub words: Words,
}

/// What people call a thing, in lower case.
#[derive(Clone, Debug, Deserialize)]
pub struct Words {
    /// In English.
    pub en: Vec<String>,
    /// In Brazilian Portuguese.
    #[serde(rename = "pt-BR")]
    pub pt_br: Vec<String>,
}

/// Where colours are.
#[derive(Clone, Debug, Deserialize)]
pub struct Theme {
    /// The CSS file.
    pub file: String,
    /// The variables in it that are colours.
    pub variables: Vec<String>,
    /// The comments before its two parts.
    pub markers: Markers,
    /// The palettes there are.
    #[serde(default, rename = "palette")]
    pub palettes: Vec<Palette>,
}

/// The comments before the light and the dark part of a theme.
#[derive(Clone, Debug, Deserialize)]
pub struct Markers {
    /// Before the light part.
    pub light: String,
    /// Before the dark part.
    pub dark: String,
}

/// A value for every colour.
#[derive(Clone, Debug, Deserialize)]
pub struct Palette {
    /// Its name among the palettes.
    pub id: String,
    /// What people see.
    pub title: Text,
    /// What people call it.
    pub words: Words,
    /// Colours of the light part, by variable.
    pub light: BTreeMap<String, String>,
    /// Colours of the dark part, by variable.
    pub dark: BTreeMap<String, String>,
}

/// A change that needs no model.
#[derive(Clone, Debug, Deserialize)]
pub struct Recipe {
    /// Its name among the recipes.
    pub id: String,
    /// What it adds.
    pub kind: RecipeKind,
    /// What people see.
    pub title: Text,
    /// What people call it.
    pub words: Words,
    /// A text that is on the page afterwards.
    pub expects: String,
    /// The files it writes.
    #[serde(default, rename = "file")]
    pub files: Vec<RecipeFile>,
    /// The lines it inserts.
    #[serde(default, rename = "insert")]
    pub inserts: Vec<Insert>,
}

/// What a recipe adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecipeKind {
    /// A page, which needs a title.
    Page,
    /// A part of a page.
    Section,
    /// The header or footer of every page.
    Frame,
}

/// A file that a recipe writes.
#[derive(Clone, Debug, Deserialize)]
pub struct RecipeFile {
    /// Where to.
    pub path: String,
    /// What from, in the template's folder.
    pub source: String,
    /// Whether it is written even if there is one.
    #[serde(default)]
    pub replace: bool,
}

/// Lines that a recipe inserts.
#[derive(Clone, Debug, Deserialize)]
pub struct Insert {
    /// The file.
    pub path: String,
    /// They go before the line that holds this.
    pub marker: String,
    /// The lines.
    pub text: String,
}

impl Text {
    pub(super) fn of(&self, language: Language) -> &str {
        match language {
            Language::English => &self.en,
            Language::Portuguese => &self.pt_br,
        }
    }
}

impl Words {
    pub(super) fn of(&self, language: Language) -> &[String] {
        match language {
            Language::English => &self.en,
            Language::Portuguese => &self.pt_br,
        }
    }
}

/// How the manifest names a language.
pub(super) fn tag(language: Language) -> &'static str {
    match language {
        Language::English => "en",
        Language::Portuguese => "pt-BR",
    }
}
