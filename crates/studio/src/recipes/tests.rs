//! Every template, every recipe, both languages; and what people write that is none of it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;

use super::edit::{Fields, fill, names_of};
use super::*;
use crate::template::Templates;

const LANGUAGES: [Language; 2] = [Language::English, Language::Portuguese];

fn template(name: &str) -> &'static Template {
    Templates::built_in().unwrap().find(name).unwrap()
}

fn with_recipes() -> impl Iterator<Item = &'static Template> {
    Templates::built_in().unwrap().all().iter().filter(|template| !template.recipes.is_empty())
}

/// A project in memory.
struct Project {
    template: &'static Template,
    files: BTreeMap<String, String>,
}

impl Project {
    fn of(template: &'static Template) -> Self {
        let files = template
            .files()
            .filter_map(|(path, content)| Some((path, String::from_utf8(content.into()).ok()?)));
        Self { template, files: files.collect() }
    }

    fn new(name: &str) -> Self {
        Self::of(template(name))
    }

    fn understand(&self, text: &str) -> Understanding {
        understand(self.template, text, &|path| self.files.get(path).cloned())
    }

    /// Does what is understood; the titles of the changes, and what was said.
    fn ask(&mut self, text: &str) -> (Vec<String>, String) {
        match self.understand(text) {
            Understanding::Answer(answer) => {
                assert!(
                    answer.contains("not a language model") || answer.contains("não um modelo"),
                    "{answer}"
                );
                (Vec::new(), answer)
            }
            Understanding::Plan(plan) => {
                assert!(
                    plan.intro.contains("No language model") || plan.intro.contains("Nenhum modelo"),
                    "{}",
                    plan.intro
                );
                let mut ids = Vec::new();
                for call in plan.changes.iter().flat_map(|change| &change.calls) {
                    let arguments: Value = serde_json::from_str(&call.arguments).unwrap();
                    let text = |name: &str| arguments[name].as_str().unwrap().to_owned();
                    assert_eq!((call.name.as_str(), arguments.as_object().unwrap().len()), ("fs_write", 2));
                    assert_ne!(
                        self.files.get(&text("path")),
                        Some(&text("content")),
                        "a call that changes nothing"
                    );
                    assert!(!ids.contains(&call.id));
                    ids.push(call.id.clone());
                    self.files.insert(text("path"), text("content"));
                }
                (plan.changes.into_iter().map(|change| change.title).collect(), plan.outro)
            }
        }
    }

    fn texts(&self) -> Value {
        serde_json::from_str(&self.files[&self.template.texts.as_ref().unwrap().file]).unwrap()
    }
}

/// In a new project, `asked` makes changes with these titles.
#[track_caller]
fn check(name: &str, asked: &str, titles: &[&str]) -> Project {
    let mut project = Project::new(name);
    let (done, said) = project.ask(asked);
    assert_eq!(done, titles, "{asked}\n{said}");
    assert!(!said.contains("did not understand") && !said.contains("Não entendi"), "{asked}\n{said}");
    project
}

/// In a new project, `asked` changes nothing and is answered with these words.
#[track_caller]
fn check_answer(asked: &str, words: &str) {
    let (done, said) = Project::new("vite-react").ask(asked);
    assert_eq!(done, [""; 0], "{asked}\n{said}");
    assert!(said.contains(words), "{asked}\n{said}");
}

/// In a new project, `asked` sets the text at a place: a JSON pointer without its first slash.
#[track_caller]
fn check_text(asked: &str, pointer: &str, value: &str) {
    let mut project = Project::new("express");
    let (_, said) = project.ask(asked);
    assert_eq!(project.texts().pointer(&format!("/{pointer}")).unwrap(), value, "{asked}\n{said}");
    assert!(!said.contains("did not understand") && !said.contains("Não entendi"), "{asked}\n{said}");
}

/// What a recipe makes of a project, as the README of the templates says, written down once more.
fn expected(
    project: &Project,
    recipe: &Recipe,
    language: Language,
    title: &str,
    page: &str,
) -> BTreeMap<String, String> {
    let fields = Fields { title, page };
    let mut files = project.files.clone();
    let texts = project.template.texts.as_ref().unwrap().recipes.get("pt-BR").unwrap();
    let texts: BTreeMap<String, String> =
        serde_json::from_str(&project.template.source(texts).unwrap()).unwrap();
    for file in &recipe.files {
        let mut source = project.template.source(&file.source).unwrap();
        if language == Language::Portuguese {
            source = serde_json::from_value::<serde_json::Map<_, _>>(serde_json::to_value(&texts).unwrap())
                .map(|texts| super::edit::translate(&source, &texts))
                .unwrap();
        }
        let path = fill(&file.path, fields);
        if file.replace || !files.contains_key(&path) {
            files.insert(path, fill(&source, fields));
        }
    }
    for insert in &recipe.inserts {
        let content = files.get_mut(&fill(&insert.path, fields)).unwrap();
        let mut lines: Vec<String> = content.split('\n').map(str::to_owned).collect();
        let at = lines.iter().position(|line| line.contains(&insert.marker)).unwrap();
        let indent: String = lines[at].chars().take_while(|letter| letter.is_whitespace()).collect();
        lines.insert(at, format!("{indent}{}", fill(&insert.text, fields)));
        *content = lines.join("\n");
    }
    files
}

#[test]
fn every_recipe_of_every_template_is_applied_by_each_of_its_words() {
    for template in with_recipes() {
        for (recipe, language) in
            template.recipes.iter().flat_map(|recipe| LANGUAGES.map(|language| (recipe, language)))
        {
            for word in recipe.words.of(language) {
                let (title, asked) = match (recipe.kind, language) {
                    (RecipeKind::Page, Language::English) => {
                        ("Our “best” {prices}", "add a page called Our “best” {prices}".into())
                    }
                    (RecipeKind::Page, Language::Portuguese) => {
                        ("Preços & mais", "adicione uma página chamada Preços & mais".into())
                    }
                    (_, Language::English) => ("", format!("Please add a {word}")),
                    (_, Language::Portuguese) => ("", format!("Adicione um {word}, por favor")),
                };
                let pages = template.pages.as_ref().unwrap();
                let mut project = Project::of(template);
                let page = if recipe.kind == RecipeKind::Section { pages.first.as_str() } else { "" };
                let expected = expected(&project, recipe, language, title, page);
                let (done, said) = project.ask(&asked);
                assert_eq!(done.len(), 1, "{} {asked}\n{said}", template.name);
                assert!(project.files == expected, "{} {asked}", template.name);
                let (done, said) = project.ask(&asked);
                assert_eq!(done, [""; 0], "{} {asked}\n{said}", template.name);
                assert!(
                    ["already", "Já existe", "já está"].iter().any(|words| said.contains(words)),
                    "{said}"
                );
            }
        }
    }
}

#[test]
fn what_a_recipe_expects_is_there_in_the_language_of_the_request() {
    for (asked, expected) in [
        ("Add a contact form", "Write to us"),
        ("Adicione um formulário de contato", "Escreva para a gente"),
        ("quero uma tabela de preços", "Preços simples"),
        ("I'd like testimonials please", "What people say"),
    ] {
        for template in with_recipes() {
            let mut project = Project::of(template);
            project.ask(asked);
            assert!(
                project.files.values().any(|content| content.contains(expected)),
                "{} {asked}",
                template.name
            );
        }
    }
}

#[test]
fn all_recipes_compose_and_keep_their_markers() {
    for template in with_recipes() {
        let mut project = Project::of(template);
        let (done, said) = project.ask(
            "Add a page called Prices. Add a hero, cards, pricing, a contact form, testimonials, faq, a counter and a \
             task list. Add a navbar and a footer, then make it green!",
        );
        assert_eq!(done.len(), 12, "{}\n{done:?}\n{said}", template.name);
        for recipe in &template.recipes {
            for insert in &recipe.inserts {
                let path = fill(
                    &insert.path,
                    Fields { title: "Prices", page: &template.pages.as_ref().unwrap().first },
                );
                let text = fill(&insert.text, Fields { title: "Prices", page: "" });
                assert!(
                    project.files[&path].contains(&insert.marker) && project.files[&path].contains(&text)
                );
            }
        }
    }
}

#[test]
fn pages_are_called_what_they_are_to_be_called() {
    for (asked, title) in [
        ("add a page called Prices", "Prices"),
        ("Please create a new page named 'Our team'.", "Our team"),
        ("can you add a page titled “Terms, and more”?", "Terms, and more"),
        ("add a page called Terms and Conditions", "Terms and Conditions"),
        ("add a new page: Bread, cakes and coffee", "Bread, cakes and coffee"),
        ("make a team page", "Team"),
        ("I want a page about our cats", "Cats"),
        ("add a page with the title Dr. Silva", "Dr. Silva"),
        ("add a page called Add and remove", "Add and remove"),
        ("add a page called Search and replace", "Search and replace"),
        ("add me a page called Prices please", "Prices"),
        ("add a page “🦀 crabs”", "🦀 crabs"),
    ] {
        check("vite-react", asked, &[&format!("New page “{title}”")]);
    }
    for (asked, title) in [
        ("adicione uma página chamada Preços", "Preços"),
        ("Crie uma nova página chamada “Quem somos”", "Quem somos"),
        ("você pode criar uma página intitulada Pão e café?", "Pão e café"),
        ("quero uma página sobre gatos", "Gatos"),
        ("adicione uma pagina com o título Receitas, por favor", "Receitas"),
    ] {
        check("fastapi", asked, &[&format!("Nova página “{title}”")]);
    }
}

#[test]
fn a_page_may_come_with_sections() {
    let project = check(
        "nextjs",
        "Add a pricing page and make it blue",
        &["New page “Pricing”", "Pricing table on the page “Pricing”", "Colours of the whole site: Ocean"],
    );
    assert!(project.files["app/pricing/page.tsx"].contains("<PricingTable />"));
    check(
        "express",
        "adicione uma página de contato",
        &["Nova página “Contato”", "Formulário de contato na página “Contato”"],
    );
    check(
        "express",
        "add a page called Help with a contact form and a faq",
        &["New page “Help”", "Contact form on the page “Help”", "Questions and answers on the page “Help”"],
    );
    check(
        "vite-react",
        "add a page called Prices and a contact form",
        &["New page “Prices”", "Contact form on the first page"],
    );
    check(
        "vite-react",
        "add a page called Prices. Add a pricing table to it.",
        &["New page “Prices”", "Pricing table on the page “Prices”"],
    );
    check(
        "vite-react",
        "add a page with a contact form",
        &["New page “Contact form”", "Contact form on the page “Contact form”"],
    );
}

#[test]
fn sections_go_where_they_are_to_go() {
    for asked in [
        "add a contact form to the about page",
        "Add to the about page a contact form.",
        "put a form on the page “About”",
        "add a big beautiful contact form to about",
    ] {
        let mut project = Project::new("vite-react");
        let (done, said) = project.ask(asked);
        assert_eq!(done.len(), 1, "{asked}\n{said}");
        assert!(project.files["src/pages/About.tsx"].contains("<ContactForm />"), "{asked}");
        assert!(!project.files["src/pages/Home.tsx"].contains("<ContactForm />"), "{asked}");
    }
    for asked in [
        "adicione um formulário de contato à página sobre",
        "adicione um formulario de contato na pagina About",
        "coloque na página sobre um formulário de contato",
    ] {
        let mut project = Project::new("express");
        let (done, said) = project.ask(asked);
        assert_eq!(done.len(), 1, "{asked}\n{said}");
        assert!(project.files["views/about.ejs"].contains("sections/contact-form"), "{asked}");
    }
    let both = ["Counter on the page “about”", "Questions and answers on the page “about”"];
    check("vite-react", "add a counter and a faq to the about page", &both);
    check("vite-react", "add a counter to the about page and a faq", &both);
    check(
        "vite-react",
        "add questions and answers to the home page",
        &["Questions and answers on the first page"],
    );
    check("vite-react", "add a section with prices at the bottom", &["Pricing table on the first page"]);
    check_answer("add a contact form to the team page", "There is no page “team”");
    check_answer("adicione um contador à página equipe", "Não há página “equipe”");
}

#[test]
fn texts_are_set_by_their_names() {
    let (title, name) = ("home/hero/title", "site/name");
    for (asked, pointer, value) in [
        ("change the title to “Bakery Sol”", title, "Bakery Sol"),
        ("Change the heading to Fresh bread, every day!", title, "Fresh bread, every day!"),
        ("set the headline: Bread and butter", title, "Bread and butter"),
        ("the title should be Hello", title, "Hello"),
        ("use “Hello there” as the title", title, "Hello there"),
        ("change the title to:\nBakery", title, "Bakery"),
        ("could you change the title to Hello?", title, "Hello"),
        ("rename the site to Bakery Sol", name, "Bakery Sol"),
        ("call the site Bakery Sol.", name, "Bakery Sol"),
        ("change the site name to Sol", name, "Sol"),
        ("change the title of the about page to Who we are", "about/title", "Who we are"),
        ("change the about heading to Who we are", "about/title", "Who we are"),
        ("change the second button to More", "home/hero/secondary", "More"),
        ("change the button text to “Go”", "home/hero/primary", "Go"),
        ("mude o título para “Padaria Sol”", title, "Padaria Sol"),
        ("mude o título para Padaria Sol, por favor", title, "Padaria Sol"),
        ("Troque o cabeçalho por Pão e café", title, "Pão e café"),
        ("renomeie o site para Padaria", name, "Padaria"),
        ("altere o nome do site para Padaria", name, "Padaria"),
        ("mude o título da página sobre para Quem somos", "about/title", "Quem somos"),
        ("mude o texto do rodapé para Feito em casa", "site/footer", "Feito em casa"),
    ] {
        check_text(asked, pointer, value);
    }
    check_text("change the title to Ocean", title, "Ocean");
}

#[test]
fn texts_are_replaced_by_what_they_are() {
    check_text("change “A calm place to start” to “Bakery”", "home/hero/title", "Bakery");
    check_text("replace \"Your new project\" with \"New\"", "home/hero/eyebrow", "New");
    check_text("change the text About this page to Who we are", "about/title", "Who we are");
    check_text("troque “Your new project” por “Novo”", "home/hero/eyebrow", "Novo");
    check_text("replace \"calm\" with \"quiet\"", "home/hero/title", "A quiet place to start");
    check_text("rename Daybreak to Sol", "site/name", "Sol");
    check_answer("replace “nowhere” with “x”", "No text in `src/content.json` is “nowhere”");
}

#[test]
fn the_file_of_texts_keeps_its_order_and_form() {
    let mut project = Project::new("vite-react");
    let before = project.texts();
    project.ask("change the title to “Q \"uote\" {x} </script> 🦀”");
    let file = &project.files["src/content.json"];
    let mut after = project.texts();
    assert_eq!(after["home"]["hero"]["title"], "Q \"uote\" {x} </script> 🦀");
    after["home"]["hero"]["title"] = before["home"]["hero"]["title"].clone();
    assert_eq!(after.to_string(), before.to_string(), "the order as well");
    assert!(file.starts_with("{\n  \"site\": {\n    \"language\"") && file.ends_with("}\n"));
}

#[test]
fn colours_are_those_of_the_palette_in_light_and_dark() {
    for template in with_recipes() {
        let theme = template.theme.as_ref().unwrap();
        for (palette, language) in
            theme.palettes.iter().flat_map(|palette| LANGUAGES.map(|language| (palette, language)))
        {
            for word in palette.words.of(language) {
                let asked = match language {
                    Language::English => format!("Make it {word}"),
                    Language::Portuguese => format!("use a paleta {word}"),
                };
                let mut project = Project::of(template);
                let before = project.files[&theme.file].clone();
                let (done, said) = project.ask(&asked);
                assert_eq!(done.len(), usize::from(palette.id != "dawn"), "{asked}\n{said}");
                let css = &project.files[&theme.file];
                let (light, dark) = css.split_once(&theme.markers.dark).unwrap();
                for variable in &theme.variables {
                    assert!(
                        light.contains(&format!("  {variable}: {};\n", palette.light[variable])),
                        "{variable}"
                    );
                    assert!(
                        dark.contains(&format!("  {variable}: {};\n", palette.dark[variable])),
                        "{variable}"
                    );
                }
                assert_eq!(css.lines().count(), before.lines().count());
                assert_eq!(project.ask(&asked).0, [""; 0], "{asked}");
            }
        }
    }
}

#[test]
fn colours_are_asked_for_in_many_ways() {
    for asked in [
        "use the ocean palette",
        "switch the colours to blue",
        "I want it blue",
        "paint the site dark blue",
        "make the whole site blue, please",
    ] {
        check("vite-react", asked, &["Colours of the whole site: Ocean"]);
    }
    for asked in [
        "deixe o site azul",
        "mude a cor para azul",
        "quero o site azul",
        "pinte tudo de azul",
        "troque as cores para azul-escuro",
    ] {
        check("vite-react", asked, &["Cores do site inteiro: Oceano"]);
    }
    check_answer("make it turquoise", "Dawn, Sage, Ocean");
    check_answer("use the colour #ff0000", "Dawn, Sage, Ocean");
    check_answer("mude a cor para turquesa", "Aurora, Sálvia, Oceano");
    check_answer("make it dark", "in light and in dark");
    check_answer("modo escuro", "versão clara e uma escura");
    check_answer("make the footer green", "not of one part");
    check_answer("change the button to green", "not of one part");
}

#[test]
fn several_requests_in_one_message_are_done_in_order() {
    check(
        "vite-react",
        "Change the title to “A and B”, make it green and add a footer",
        &["Heading of the first page → “A and B”", "Colours of the whole site: Sage", "Footer with columns"],
    );
    check(
        "vite-react",
        "- change the title to Sol\n- make it ocean\n- add a counter",
        &[
            "Heading of the first page → “Sol”",
            "Colours of the whole site: Ocean",
            "Counter on the first page",
        ],
    );
    check(
        "vite-react",
        "mude o título para Sol e o subtítulo para Pão fresco. Depois, adicione um rodapé e deixe tudo verde.",
        &[
            "Título da primeira página → “Sol”",
            "Texto abaixo do título → “Pão fresco”",
            "Rodapé com colunas",
            "Cores do site inteiro: Sálvia",
        ],
    );
    let project = check(
        "vite-react",
        "change the title to Sol and the subtitle to Bread; rename the site to Sol",
        &[
            "Heading of the first page → “Sol”",
            "Text below the heading → “Bread”",
            "Name of the site → “Sol”",
        ],
    );
    assert_eq!(project.texts()["home"]["hero"]["title"], "Sol");
    let (done, said) = Project::new("vite-react").ask("Make it blue and add a rocket. Thank you!");
    assert_eq!(done, ["Colours of the whole site: Ocean"]);
    assert!(said.contains("I did not understand “add a rocket") && !said.contains("Thank"), "{said}");
}

#[test]
fn a_page_that_exists_is_left_alone() {
    for (asked, words) in [
        ("add a page called About", "There is a page “About” already"),
        ("add a home page", "already"),
        ("add a page called Not found", "already"),
        ("adicione uma página chamada Sobre", "Já existe uma página “Sobre”"),
    ] {
        check_answer(asked, words);
    }
    let (done, said) = Project::new("express").ask("add a page called A-b and a page called A b");
    assert_eq!(done.len(), 1, "{said}");
    assert!(said.contains("There is a page “A b” already"), "{said}");
}

#[test]
fn what_cannot_be_done_is_said() {
    check_answer("undo", "**Undo these changes**");
    check_answer("Desfaça a última mudança", "**Desfazer estas mudanças**");
    check_answer("remove the contact form", "do not take anything away");
    check_answer("apague o rodapé", "não removo nada");
    check_answer("add a page", "What is the page to be called?");
    check_answer("adicione uma página", "Como a página vai se chamar?");
    check_answer("change the title", "say what it is to be");
    check_answer(&format!("add a page called {}", "x".repeat(300)), "at most 100 characters");
    check_answer("change the title of the prices page to X", "in its own file");
    check_answer("hello", "add a page called Prices");
    check_answer("o que você sabe fazer?", "adicione uma página chamada Preços");
    let (done, said) = Project::new("empty").ask("add a page called Prices");
    assert!(done.is_empty() && said.contains("began empty"), "{said}");
}

#[test]
fn what_only_mentions_words_of_the_template_is_not_understood() {
    for asked in [
        "I want to contact my lawyer",
        "I have questions",
        "Use your brain, it's a cool thing",
        "Paper is a great material",
        "don't add a page called X",
        "não adicione uma página chamada X",
        "how do I add a page called X?",
        "Write a program that counts the tasks of a project",
        "Cool",
        "build me an app for questions",
        "add a rocket",
        "change the contact form",
    ] {
        check_answer(asked, "Ollama");
    }
}

#[test]
fn a_project_that_was_changed_by_hand_is_not_broken() {
    let mut project = Project::new("vite-react");
    project.files.insert("src/content.json".into(), "{ broken".into());
    let (done, said) = project.ask("change the title to Sol. Make it blue.");
    assert!(done.len() == 1 && said.contains("not valid JSON"), "{said}");
    project.files.remove("src/theme.css");
    let (done, said) = project.ask("make it green");
    assert!(done.is_empty() && said.contains("`src/theme.css` is not there"), "{said}");
    let routes = project.files["src/routes.tsx"].replace("// atelier:routes", "");
    project.files.insert("src/routes.tsx".into(), routes);
    let before = project.files.clone();
    let (done, said) = project.ask("add a page called Prices");
    assert!(done.is_empty() && said.contains("no longer has the line"), "{said}");
    assert_eq!(project.files, before);
}

#[test]
fn hostile_titles_stay_texts() {
    for title in [
        "It's \"great\"",
        "{slug} {{ 7 * 7 }} {% raw %} <%= 1 %>",
        "</script><script>alert(1)</script>",
        "🦀🦀",
        "a\nb\tc\u{0}",
        "../../etc/passwd",
        "\\\" + x + \\\"",
        "`${x}`",
        "<!-- atelier:sections --> // atelier:routes",
    ] {
        for template in with_recipes() {
            let mut project = Project::of(template);
            let before = project.files.clone();
            let (done, said) = project.ask(&format!("add a page called “{title}”"));
            assert_eq!(done.len(), 1, "{title}\n{said}");
            let clean: String =
                title.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
            let clean = clean.split_whitespace().collect::<Vec<_>>().join(" ");
            let clean = clean.trim_matches(['.', ' ']);
            let slug = names_of(clean).1;
            let added: Vec<&String> =
                project.files.keys().filter(|path| !before.contains_key(*path)).collect();
            assert_eq!(
                added,
                [&fill(&template.pages.as_ref().unwrap().file, Fields { title: clean, page: "" })]
            );
            assert!(
                !added[0].contains("..")
                    && slug.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
            );
            let page = &project.files[added[0]];
            if page.contains("export ") {
                assert!(page.contains(&Value::from(clean).to_string()), "{page}");
            } else {
                let heading = page.lines().find(|line| line.contains("<h1>")).unwrap();
                let heading = heading.trim().strip_prefix("<h1>").unwrap().strip_suffix("</h1>").unwrap();
                assert!(!heading.contains(['<', '>', '{', '}', '"', '\'']), "{heading}");
            }
        }
    }
}

#[test]
fn titles_in_replies_are_no_markdown() {
    let (_, said) = Project::new("vite-react")
        .ask("add a page called “<img src=x> **b**” and a page “<img src=x> **b**”");
    assert!(said.contains(r"“\<img src=x\> \*\*b\*\*”") && !said.replace(r"\<", "").contains('<'), "{said}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_answered(text in "\\PC{0,200}") {
        for name in ["vite-react", "empty"] {
            let mut project = Project::new(name);
            project.ask(&text);
        }
    }

    #[test]
    fn words_of_requests_in_any_order_break_nothing(words in proptest::collection::vec(any::<prop::sample::Index>(), 0..24)) {
        let vocabulary: Vec<&str> = VOCABULARY.split(' ').chain(["\n"]).collect();
        let text = words.iter().map(|word| *word.get(&vocabulary)).collect::<Vec<_>>().join(" ");
        let mut project = Project::new("express");
        project.ask(&text);
        prop_assert!(project.texts()["home"]["hero"]["title"].is_string());
        prop_assert!(project.files["src/pages.js"].contains("// atelier:routes"));
        prop_assert!(project.files.keys().all(|path| !path.contains("..")), "{text}");
    }
}

#[test]
fn long_messages_are_answered_soon() {
    for piece in
        ["to and ", "add a faq and ", "add page with ", "“", "and ", "change to by as, ", "make it a, "]
    {
        for begin in ["", "change the title to ", "add a page called "] {
            let text = format!("{begin}{}", piece.repeat((LONGEST_MESSAGE - begin.len()) / piece.len()));
            let started = std::time::Instant::now();
            Project::new("vite-react").ask(&text);
            let took = started.elapsed();
            assert!(took.as_secs() < 5, "{begin}{piece}: {took:?}");
        }
    }
    let (_, said) = Project::new("vite-react").ask(&"add a faq. ".repeat(1_000));
    assert!(said.contains("did not understand"));
}

/// Words of requests, with spaces between them.
const VOCABULARY: &str = r#"add adicione a à uma page página called chamada “X” " “ ' and e , . : make it green verde to para the about sobre with com contact form title título change mude rename site colour dark questions answers undo remove I want quero on of de prices preços Prices footer text in first there use não please 🦀 # home by por should be … ?"#;
