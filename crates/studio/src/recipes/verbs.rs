//! The verbs of requests, in both languages, as they are compared: in lower case and without accents.

use models::offline::Language;

/// What a verb asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Something new.
    Add,
    /// Something else in place of what is there.
    Change,
    /// Another name.
    Name,
    /// Either, as its object says: “make a page”, “make it blue”.
    Make,
    /// As it was before.
    Undo,
    /// Something is to go.
    Remove,
}

type Verbs = (Action, &'static [&'static str], &'static [&'static str]);

/// Verbs in English, in Portuguese.
const VERBS: &[Verbs] = &[
    (
        Action::Add,
        &["add", "create", "insert", "include", "build", "append", "show", "new", "another"],
        &[
            "adicione",
            "adicionar",
            "adiciona",
            "acrescente",
            "acrescentar",
            "crie",
            "criar",
            "cria",
            "insira",
            "inserir",
            "insere",
            "inclua",
            "incluir",
            "inclui",
            "monte",
            "montar",
            "construa",
            "construir",
            "mostre",
            "mostrar",
            "novo",
            "nova",
        ],
    ),
    (
        Action::Change,
        &[
            "change",
            "set",
            "update",
            "replace",
            "edit",
            "modify",
            "swap",
            "turn",
            "paint",
            "apply",
            "switch",
            "choose",
            "pick",
            "substitute",
        ],
        &[
            "mude",
            "mudar",
            "muda",
            "altere",
            "alterar",
            "altera",
            "troque",
            "trocar",
            "troca",
            "substitua",
            "substituir",
            "substitui",
            "edite",
            "editar",
            "edita",
            "atualize",
            "atualizar",
            "defina",
            "definir",
            "torne",
            "tornar",
            "pinte",
            "pintar",
            "aplique",
            "aplicar",
            "aplica",
            "escolha",
            "escolher",
        ],
    ),
    (
        Action::Name,
        &["rename", "call"],
        &["renomeie", "renomear", "renomeia", "chame", "chamar", "nomeie", "nomear", "batize"],
    ),
    (
        Action::Make,
        &["make", "use", "put", "place", "give"],
        &[
            "faca", "fazer", "faz", "use", "usar", "usa", "utilize", "coloque", "colocar", "coloca", "ponha",
            "por", "poe", "bote", "botar", "bota", "deixe", "deixar", "deixa",
        ],
    ),
    (
        Action::Undo,
        &["undo", "revert", "rollback", "restore"],
        &["desfaca", "desfazer", "desfaz", "reverta", "reverter", "restaure", "restaurar", "volte", "voltar"],
    ),
    (
        Action::Remove,
        &["remove", "delete", "drop", "hide", "erase", "clear"],
        &[
            "remova", "remover", "tire", "tirar", "tira", "apague", "apagar", "exclua", "excluir", "oculte",
            "esconda",
        ],
    ),
];

/// What a verb asks for, and the language if only one has it.
pub(super) fn verb(word: &str) -> Option<(Action, Option<Language>)> {
    VERBS.iter().find_map(|(action, english, portuguese)| {
        match (english.contains(&word), portuguese.contains(&word)) {
            (true, true) => Some((*action, None)),
            (true, false) => Some((*action, Some(Language::English))),
            (false, true) => Some((*action, Some(Language::Portuguese))),
            (false, false) => None,
        }
    })
}
