//! Requests carried out on a draft of the project: the files as they would be after each change,
//! with the calls that make them so. Nothing is written.

use std::collections::BTreeMap;

use models::ToolCall;
use models::offline::Language;
use serde_json::{Map, Value, json};

use super::edit::{self, Fields, fill, fold_eq};
use super::request::{PageName, Request};
use super::say::{self, Note};
use super::schema::{Palette, Recipe, RecipeKind, TextEntry, tag};
use super::{Change, words::fold};
use crate::template::Template;

/// A title longer than this makes no good name of a file.
const LONGEST_TITLE: usize = 100;

/// A project as it would be.
pub(super) struct Draft<'a> {
    template: &'a Template,
    language: Language,
    read: &'a dyn Fn(&str) -> Option<String>,
    /// Files that were changed.
    files: BTreeMap<String, String>,
    /// The page that was named last.
    last: Option<Page>,
    calls: usize,
    /// What is changed.
    pub(super) changes: Vec<Change>,
    /// What has to be said about what is not.
    pub(super) notes: Vec<Note>,
    /// Whether something was added that has texts to begin with.
    pub(super) has_samples: bool,
}

/// A page of the project.
#[derive(Clone, Debug)]
struct Page {
    file: String,
    /// What it is called; `None` for the first one.
    name: Option<String>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(
        template: &'a Template,
        language: Language,
        read: &'a dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let (changes, notes) = (Vec::new(), Vec::new());
        Self {
            template,
            language,
            read,
            files: BTreeMap::new(),
            last: None,
            calls: 0,
            changes,
            notes,
            has_samples: false,
        }
    }

    /// Carries out a request, or notes why it cannot be.
    pub(super) fn take(&mut self, request: &Request<'_>) {
        let done = match request {
            Request::Page { title, sections, .. } => self.page(title.as_deref(), sections),
            Request::Section { recipe, page } => self.section(recipe, page.as_ref()),
            Request::Frame(recipe) => {
                self.apply(recipe, Fields::default(), recipe.title.of(self.language).to_owned())
            }
            Request::Text { entry, value: Some(value) } => self.text(entry, value),
            Request::Text { entry, value: None } => {
                Err(Note::NoValue(entry.title.of(self.language).to_owned()))
            }
            Request::Replace { tries, is_quoted } => self.replace(tries, *is_quoted),
            Request::Palette(palette) => self.palette(palette),
            Request::OtherColour => Err(Note::OtherColour),
            Request::ColourOfPart => Err(Note::ColourOfPart),
            Request::DarkOrLight => Err(Note::DarkOrLight),
            Request::TextOfPage => Err(Note::TextOfPage),
            Request::Undo => Err(Note::Undo),
            Request::Remove => Err(Note::Remove),
        };
        self.notes.extend(done.err());
    }

    fn content(&self, path: &str) -> Option<String> {
        self.files.get(path).cloned().or_else(|| (self.read)(path))
    }

    /// Keeps files as they are to be, as one change; those that are so already are left out.
    fn change(&mut self, title: String, files: BTreeMap<String, String>) -> bool {
        let mut calls = Vec::new();
        for (path, content) in files {
            if self.content(&path).is_some_and(|present| present == content) {
                continue;
            }
            self.calls += 1;
            let arguments = json!({ "path": path, "content": content }).to_string();
            calls.push(ToolCall { id: format!("recipe_{}", self.calls), name: "fs_write".into(), arguments });
            self.files.insert(path, content);
        }
        let is_changed = !calls.is_empty();
        if is_changed {
            self.changes.push(Change { title, calls });
        }
        is_changed
    }

    // Recipes.

    fn page(&mut self, title: Option<&str>, sections: &[&Recipe]) -> Result<(), Note> {
        let own = sections.first().map(|recipe| recipe.title.of(self.language));
        let title = title.or(own).ok_or(Note::NoTitle)?;
        if title.chars().count() > LONGEST_TITLE {
            return Err(Note::LongTitle(LONGEST_TITLE));
        }
        let (Some(pages), Some(recipe)) = (
            &self.template.pages,
            self.template.recipes.iter().find(|recipe| recipe.kind == RecipeKind::Page),
        ) else {
            return Err(Note::NotUnderstood(title.to_owned()));
        };
        let file = fill(&pages.file, Fields { title, page: "" });
        if let Some(there) =
            self.find_page(title).map(|page| page.file).or_else(|| self.content(&file).map(|_| file.clone()))
        {
            return Err(Note::PageThere { title: title.to_owned(), file: there });
        }
        self.apply(recipe, Fields { title, page: &file }, say::page_change(self.language, title))?;
        let page = Page { file, name: Some(title.to_owned()) };
        for recipe in sections {
            self.section_on(recipe, &page)?;
        }
        self.last = Some(page);
        Ok(())
    }

    fn section(&mut self, recipe: &Recipe, name: Option<&PageName>) -> Result<(), Note> {
        let first = self
            .first_page()
            .ok_or_else(|| Note::NotUnderstood(recipe.title.of(self.language).to_owned()))?;
        let page = match name {
            None | Some(PageName::First) => first,
            Some(PageName::Last) => self.last.clone().unwrap_or(first),
            Some(PageName::Perhaps(name)) => self.find_page(name).unwrap_or(first),
            Some(PageName::Called(names)) => {
                let found = names.iter().find_map(|name| self.find_page(name));
                found.ok_or_else(|| Note::NoPage(names.first().cloned().unwrap_or_default()))?
            }
        };
        self.section_on(recipe, &page)?;
        self.last = Some(page);
        Ok(())
    }

    fn section_on(&mut self, recipe: &Recipe, page: &Page) -> Result<(), Note> {
        let what = say::section_change(self.language, recipe.title.of(self.language), page.name.as_deref());
        self.apply(recipe, Fields { title: "", page: &page.file }, what)
    }

    fn first_page(&self) -> Option<Page> {
        self.template.pages.as_ref().map(|pages| Page { file: pages.first.clone(), name: None })
    }

    /// A page by its title, or by what the navigation calls it.
    fn find_page(&self, name: &str) -> Option<Page> {
        let pages = self.template.pages.as_ref()?;
        let key = self.key_of_label(name).unwrap_or_else(|| name.to_owned());
        if fold(&key) == "home" {
            return self.first_page();
        }
        let names = [key.as_str(), name];
        let alias = (fold(name) == "sobre").then_some("about");
        let mut files =
            names.into_iter().chain(alias).map(|title| fill(&pages.file, Fields { title, page: "" }));
        let file = files.find(|file| self.content(file).is_some())?;
        Some(Page { file, name: Some(name.to_owned()) })
    }

    /// The part of the texts that has this label: its name is that of the page.
    fn key_of_label(&self, label: &str) -> Option<String> {
        let texts = self.texts().ok()?;
        let parts = texts.as_object()?.iter();
        let mut parts =
            parts.filter(|(_, part)| part["label"].as_str().is_some_and(|other| fold_eq(other, label)));
        parts.next().map(|(key, _)| key.clone())
    }

    /// Applies a recipe: its files, then its lines, all or none.
    fn apply(&mut self, recipe: &Recipe, fields: Fields<'_>, what: String) -> Result<(), Note> {
        let texts = self.translations();
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        for file in &recipe.files {
            let path = fill(&file.path, fields);
            if !file.replace && self.content(&path).is_some() {
                continue;
            }
            let source =
                self.template.source(&file.source).ok_or_else(|| Note::FileMissing(file.source.clone()))?;
            files.insert(path, fill(&edit::translate(&source, &texts), fields));
        }
        for insert in &recipe.inserts {
            let path = fill(&insert.path, fields);
            let content = files.get(&path).cloned().or_else(|| self.content(&path));
            let content = content.ok_or_else(|| Note::FileMissing(path.clone()))?;
            let inserted = edit::insert_before(&content, &insert.marker, &fill(&insert.text, fields));
            let missing = || Note::MarkerMissing { file: path.clone(), marker: insert.marker.clone() };
            files.insert(path.clone(), inserted.ok_or_else(missing)?);
        }
        if !self.change(what.clone(), files) {
            return Err(Note::AlreadyThere(what));
        }
        self.has_samples |= recipe.kind != RecipeKind::Page;
        Ok(())
    }

    /// The texts of recipes in the language of the request, by what they are in English.
    fn translations(&self) -> Map<String, Value> {
        let texts = self.template.texts.as_ref();
        let file = texts.and_then(|texts| texts.recipes.get(tag(self.language)));
        let source = file.and_then(|file| self.template.source(file));
        source.and_then(|source| serde_json::from_str(&source).ok()).unwrap_or_default()
    }

    // Texts.

    fn texts_file(&self) -> Result<&'a str, Note> {
        let texts = self.template.texts.as_ref();
        texts.map(|texts| texts.file.as_str()).ok_or_else(|| Note::FileMissing("content.json".into()))
    }

    fn texts(&self) -> Result<Value, Note> {
        let file = self.texts_file()?;
        let content = self.content(file).ok_or_else(|| Note::FileMissing(file.to_owned()))?;
        serde_json::from_str(&content).map_err(|_| Note::TextsBroken(file.to_owned()))
    }

    fn write_texts(&mut self, texts: &Value, what: String) -> Result<(), Note> {
        let file = self.texts_file()?.to_owned();
        if self.change(what.clone(), [(file, edit::written(texts))].into()) {
            Ok(())
        } else {
            Err(Note::AlreadyThere(what))
        }
    }

    fn text(&mut self, entry: &TextEntry, value: &str) -> Result<(), Note> {
        let mut texts = self.texts()?;
        let title = entry.title.of(self.language);
        if value.is_empty() {
            return Err(Note::NoValue(title.to_owned()));
        }
        let what = say::text_change(title, value);
        match texts.pointer_mut(&entry.pointer) {
            Some(Value::String(text)) if text == value => Err(Note::AlreadyThere(what)),
            Some(Value::String(text)) => {
                value.clone_into(text);
                self.write_texts(&texts, what)
            }
            _ => Err(Note::TextMissing { title: title.to_owned(), file: self.texts_file()?.to_owned() }),
        }
    }

    fn replace(&mut self, tries: &[(String, String)], is_quoted: bool) -> Result<(), Note> {
        let mut texts = self.texts()?;
        // What was quoted may be a part of a text, after no text was found that is it.
        let ways: &[Way] = if is_quoted { &[whole, whole_folded, part] } else { &[whole, whole_folded] };
        for way in ways {
            for (old, new) in tries.iter().filter(|(old, _)| !old.is_empty()) {
                let mut count = 0;
                edit::for_each_text(&mut texts, &mut |text| {
                    if let Some(other) = way(text, old, new) {
                        *text = other;
                        count += 1;
                    }
                });
                if count > 0 {
                    return self.write_texts(&texts, say::text_change(old, new));
                }
            }
        }
        let old = tries.first().map(|(old, _)| old.clone()).unwrap_or_default();
        Err(Note::NoSuchText { old, file: self.texts_file()?.to_owned() })
    }

    // Colours.

    fn palette(&mut self, palette: &Palette) -> Result<(), Note> {
        let theme = self.template.theme.as_ref().ok_or(Note::OtherColour)?;
        let css = self.content(&theme.file).ok_or_else(|| Note::FileMissing(theme.file.clone()))?;
        for marker in [&theme.markers.light, &theme.markers.dark] {
            if !css.contains(marker) {
                return Err(Note::MarkerMissing { file: theme.file.clone(), marker: marker.clone() });
            }
        }
        let what = say::palette_change(self.language, palette.title.of(self.language));
        let recoloured = edit::recolour(&css, theme, palette);
        if self.change(what.clone(), [(theme.file.clone(), recoloured)].into()) {
            Ok(())
        } else {
            Err(Note::AlreadyThere(what))
        }
    }
}

/// What becomes of a text if it is, or holds, an old one that is to be a new one.
type Way = fn(&str, &str, &str) -> Option<String>;

fn whole(text: &str, old: &str, new: &str) -> Option<String> {
    (text == old).then(|| new.to_owned())
}

fn whole_folded(text: &str, old: &str, new: &str) -> Option<String> {
    fold_eq(text, old).then(|| new.to_owned())
}

fn part(text: &str, old: &str, new: &str) -> Option<String> {
    text.contains(old).then(|| text.replace(old, new))
}
