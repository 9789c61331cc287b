//! What is said to people, in English and Brazilian Portuguese. Every reply says that no language
//! model wrote it.

use models::offline::Language;

use super::schema::{RecipeKind, Words};
use crate::template::{Template, Text};

/// Of a text that is quoted in a reply, at most this many characters are shown.
const SHOWN: usize = 60;
/// How many palettes, sections or texts are named as examples.
const FEW: usize = 12;

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Note {
    NotUnderstood(String),
    AlreadyThere(String),
    PageThere { title: String, file: String },
    NoPage(String),
    NoTitle,
    LongTitle(usize),
    NoValue(String),
    NoSuchText { old: String, file: String },
    TextMissing { title: String, file: String },
    TextsBroken(String),
    FileMissing(String),
    MarkerMissing { file: String, marker: String },
    OtherColour,
    ColourOfPart,
    DarkOrLight,
    TextOfPage,
    Undo,
    Remove,
}

impl Note {
    /// Whether a list of what can be done helps.
    pub(super) fn needs_abilities(&self) -> bool {
        matches!(self, Self::NotUnderstood(_))
    }

    /// The note, as Markdown.
    pub(super) fn text(&self, template: &Template, language: Language) -> String {
        let say = |english: String, portuguese: String| match language {
            Language::English => english,
            Language::Portuguese => portuguese,
        };
        match self {
            Self::NotUnderstood(said) => {
                let said = quoted(said);
                say(format!("I did not understand {said}."), format!("Não entendi {said}."))
            }
            Self::AlreadyThere(what) => {
                let what = plain(what);
                say(format!("This is there already: {what}."), format!("Isto já está aí: {what}."))
            }
            Self::PageThere { title, file } => {
                let title = quoted(title);
                say(
                    format!("There is a page {title} already, in `{file}`; I left it as it is."),
                    format!("Já existe uma página {title}, em `{file}`; deixei como está."),
                )
            }
            Self::NoPage(name) => {
                let (name, example) = (quoted(name), shortened(name));
                say(
                    format!("There is no page {name}. It can be made: “add a page called {}”.", escaped(&example)),
                    format!("Não há página {name}. Ela pode ser criada: “adicione uma página chamada {}”.", escaped(&example)),
                )
            }
            Self::NoTitle => say(
                "What is the page to be called? For example: “add a page called Prices”.".into(),
                "Como a página vai se chamar? Por exemplo: “adicione uma página chamada Preços”.".into(),
            ),
            Self::LongTitle(most) => say(
                format!("The title of a page has at most {most} characters."),
                format!("O título de uma página tem no máximo {most} caracteres."),
            ),
            Self::NoValue(title) => say(
                format!("{title}: say what it is to be, in quotation marks."),
                format!("{title}: diga como deve ficar, entre aspas."),
            ),
            Self::DarkOrLight | Self::OtherColour | Self::ColourOfPart => self.text_of_colours(template, language),
            Self::TextOfPage => say(
                "Texts of that page are in its own file, which I cannot change without a model; you can, in the editor.".into(),
                "Os textos dessa página estão no arquivo dela, que não sei mudar sem um modelo; você pode, no editor.".into(),
            ),
            Self::Undo => say(
                "To undo, choose **Undo these changes** below an earlier answer, or restore a checkpoint under **Changes**.".into(),
                "Para desfazer, escolha **Desfazer estas mudanças** abaixo de uma resposta anterior, ou restaure um ponto de retorno em **Mudanças**.".into(),
            ),
            Self::Remove => say(
                "Without a model I do not take anything away. What was added can be undone: choose **Undo these changes** below the answer that added it.".into(),
                "Sem um modelo, não removo nada. O que foi adicionado pode ser desfeito: escolha **Desfazer estas mudanças** abaixo da resposta que o adicionou.".into(),
            ),
            Self::NoSuchText { .. } | Self::TextMissing { .. } | Self::TextsBroken(_) | Self::FileMissing(_) | Self::MarkerMissing { .. } => {
                self.text_of_files(language)
            }
        }
    }

    /// A note on colours.
    fn text_of_colours(&self, template: &Template, language: Language) -> String {
        let say = |english: String, portuguese: String| match language {
            Language::English => english,
            Language::Portuguese => portuguese,
        };
        match self {
            Self::DarkOrLight => {
                let palettes = palettes(template, language);
                say(
                    format!("Every palette is there in light and in dark; which of them is shown follows the setting of the visitor's device. The palettes are {palettes}."),
                    format!("Toda paleta tem uma versão clara e uma escura; a que aparece segue a configuração do aparelho de quem visita. As paletas são {palettes}."),
                )
            }
            Self::OtherColour => {
                let palettes = palettes(template, language);
                say(
                    format!("Without a model I can choose among these palettes: {palettes}. For example: “{}”.", colour_example(template, language)),
                    format!("Sem um modelo, posso escolher entre estas paletas: {palettes}. Por exemplo: “{}”.", colour_example(template, language)),
                )
            }
            Self::ColourOfPart => say(
                "Without a model I can change the colours of the whole site, not of one part. If a text is to be changed, put the new one in quotation marks.".into(),
                "Sem um modelo, posso mudar as cores do site inteiro, não de uma parte. Se é um texto que deve mudar, escreva o novo entre aspas.".into(),
            ),
            _ => String::new(),
        }
    }

    /// A note on files that are not as the template has them.
    fn text_of_files(&self, language: Language) -> String {
        let say = |english: String, portuguese: String| match language {
            Language::English => english,
            Language::Portuguese => portuguese,
        };
        match self {
            Self::NoSuchText { old, file } => {
                let old = quoted(old);
                say(
                    format!("No text in `{file}` is {old}, and I look in no other file."),
                    format!("Nenhum texto em `{file}` é {old}, e não procuro em outros arquivos."),
                )
            }
            Self::TextMissing { title, file } => say(
                format!("{title}: it is no longer in `{file}`."),
                format!("{title}: não está mais em `{file}`."),
            ),
            Self::TextsBroken(file) => say(
                format!("`{file}` is not valid JSON; I left it as it is."),
                format!("`{file}` não é um JSON válido; deixei como está."),
            ),
            Self::FileMissing(file) => say(
                format!("The file `{file}` is not there, and this change needs it."),
                format!("O arquivo `{file}` não existe, e esta mudança precisa dele."),
            ),
            Self::MarkerMissing { file, marker } => say(
                format!(
                    "`{file}` no longer has the line `{marker}`, before which new parts go. Put it back where they belong."
                ),
                format!(
                    "`{file}` não tem mais a linha `{marker}`, antes da qual entram as partes novas. Coloque-a de volta no lugar."
                ),
            ),
            _ => String::new(),
        }
    }
}

/// What is said before changes.
pub(super) fn intro(language: Language, titles: &[&str]) -> String {
    let list: Vec<String> = titles.iter().map(|title| format!("- {}", plain(title))).collect();
    let lead = match language {
        Language::English => {
            "No language model is connected, so I use the recipes that come with this template:"
        }
        Language::Portuguese => {
            "Nenhum modelo de linguagem está conectado; uso as receitas que vêm com este modelo de projeto:"
        }
    };
    format!("{lead}\n\n{}", list.join("\n"))
}

/// What is said after them.
pub(super) fn outro(template: &Template, language: Language, has_samples: bool, notes: &[Note]) -> String {
    let lead = match language {
        Language::English => {
            "That was done by built-in recipes, without a language model. To undo it, choose **Undo these changes**."
        }
        Language::Portuguese => {
            "Isso foi feito por receitas prontas, sem um modelo de linguagem. Para desfazer, escolha **Desfazer estas mudanças**."
        }
    };
    let notes: Vec<String> = notes.iter().map(|note| note.text(template, language)).collect();
    let samples = match language {
        Language::English => {
            "What was added begins with sample texts. They are in its own files, to be changed in the editor."
        }
        Language::Portuguese => {
            "O que foi adicionado vem com textos de exemplo. Eles ficam nos arquivos da seção; mude-os no editor."
        }
    };
    let samples = has_samples.then(|| samples.to_owned());
    [vec![lead.to_owned()], samples.into_iter().collect(), notes].concat().join("\n\n")
}

/// What is said when nothing is changed.
pub(super) fn answer(template: &Template, language: Language, notes: &[Note]) -> String {
    let lead = match language {
        Language::English => "I am Atelier's built-in assistant, not a language model: I follow fixed rules.",
        Language::Portuguese => {
            "Sou o assistente embutido do Atelier, não um modelo de linguagem: sigo regras fixas."
        }
    };
    let mut parts: Vec<String> = vec![lead.to_owned()];
    parts.extend(notes.iter().map(|note| note.text(template, language)));
    if notes.is_empty() || notes.iter().any(Note::needs_abilities) {
        parts.push(abilities(template, language));
    }
    parts.join("\n\n")
}

/// What is said in a project that has no recipes.
pub(super) fn nothing_here(language: Language) -> String {
    match language {
        Language::English => "I am Atelier's built-in assistant, not a language model. This project began empty, so there are no \
             recipes for it, and without a model I cannot build anything here. Start Ollama on this machine or set a \
             provider's key, begin a session with another template, or write files in the editor.".into(),
        Language::Portuguese => "Sou o assistente embutido do Atelier, não um modelo de linguagem. Este projeto começou vazio e não há \
             receitas para ele; sem um modelo, não consigo construir nada aqui. Inicie o Ollama nesta máquina ou configure \
             a chave de um provedor, comece uma sessão com outro modelo de projeto ou escreva arquivos no editor.".into(),
    }
}

/// What can be done with a template, with examples.
fn abilities(template: &Template, language: Language) -> String {
    let english = language == Language::English;
    let of_kind = |kind| {
        let recipes = template.recipes.iter().filter(move |recipe| recipe.kind == kind);
        named(recipes.map(|recipe| &recipe.title), language)
    };
    let entries = template.texts.iter().flat_map(|texts| &texts.entries).map(|entry| &entry.title);
    let (sections, frames, texts) =
        (of_kind(RecipeKind::Section), of_kind(RecipeKind::Frame), named(entries, language));
    let (palettes, colour) = (palettes(template, language), colour_example(template, language));
    if english {
        format!(
            "In this project I can:\n\n\
             - add a page: “add a page called Prices”\n\
             - add a section: “add a contact form to the about page” ({sections})\n\
             - change what is around every page: “add a navigation bar” ({frames})\n\
             - change a text: “change the title to “Bakery Sol”” ({texts})\n\
             - replace a text: “change “About this page” to “Who we are””\n\
             - change the colours: “{colour}” ({palettes})\n\n\
             Several of them may be in one message. For anything else, start Ollama on this machine or set a provider's key."
        )
    } else {
        format!(
            "Neste projeto, posso:\n\n\
             - adicionar uma página: “adicione uma página chamada Preços”\n\
             - adicionar uma seção: “adicione um formulário de contato à página sobre” ({sections})\n\
             - mudar o que fica em volta de toda página: “adicione uma barra de navegação” ({frames})\n\
             - mudar um texto: “mude o título para “Padaria Sol”” ({texts})\n\
             - substituir um texto: “troque “Sobre esta página” por “Quem somos””\n\
             - mudar as cores: “{colour}” ({palettes})\n\n\
             Vários deles podem vir na mesma mensagem. Para o resto, inicie o Ollama nesta máquina ou configure a chave de um provedor."
        )
    }
}

fn named<'t>(titles: impl Iterator<Item = &'t Text>, language: Language) -> String {
    titles.take(FEW).map(|title| title.of(language)).collect::<Vec<_>>().join(", ")
}

fn palettes(template: &Template, language: Language) -> String {
    let palettes = template.theme.iter().flat_map(|theme| &theme.palettes);
    named(palettes.map(|palette| &palette.title), language)
}

fn colour_example(template: &Template, language: Language) -> String {
    let mut palettes = template.theme.iter().flat_map(|theme| &theme.palettes).map(|palette| &palette.words);
    let word = palettes.nth(1).and_then(|words: &Words| words.of(language).get(1)).map_or("", String::as_str);
    match language {
        Language::English => format!("make it {word}"),
        Language::Portuguese => format!("deixe o site {word}"),
    }
}

/// The title of the change that adds a page.
pub(super) fn page_change(language: Language, title: &str) -> String {
    match language {
        Language::English => format!("New page “{}”", shortened(title)),
        Language::Portuguese => format!("Nova página “{}”", shortened(title)),
    }
}

/// The title of the change that adds a section; without a name to the first page.
pub(super) fn section_change(language: Language, section: &str, page: Option<&str>) -> String {
    match (language, page) {
        (Language::English, Some(page)) => format!("{section} on the page “{}”", shortened(page)),
        (Language::English, None) => format!("{section} on the first page"),
        (Language::Portuguese, Some(page)) => format!("{section} na página “{}”", shortened(page)),
        (Language::Portuguese, None) => format!("{section} na primeira página"),
    }
}

/// The title of the change of a text.
pub(super) fn text_change(what: &str, value: &str) -> String {
    format!("{} → “{}”", shortened(what), shortened(value))
}

/// The title of the change of colours.
pub(super) fn palette_change(language: Language, palette: &str) -> String {
    match language {
        Language::English => format!("Colours of the whole site: {palette}"),
        Language::Portuguese => format!("Cores do site inteiro: {palette}"),
    }
}

fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= SHOWN {
        return line;
    }
    line.chars().take(SHOWN).chain(['…']).collect()
}

/// Somebody's text in a reply: short, between quotation marks, and no Markdown.
fn quoted(text: &str) -> String {
    format!("“{}”", escaped(&shortened(text)))
}

/// A title in a reply.
fn plain(text: &str) -> String {
    escaped(text)
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if r"\`*_[]<>#|~!&".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}
