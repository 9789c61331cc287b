//! Whether a sentence asks for a person's approval, in English and Portuguese.
//!
//! Invariant: when in doubt a sentence does ask. A gate too many costs a click; a gate too few
//! does something nobody agreed to. So only what clearly says that none is needed, tells of the
//! past, or speaks of approval as data (`approval rate`) is left out.

use super::words::{fold, words};

/// How a sentence speaks of approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// It asks for approval and nothing else: “Wait for my OK before publishing”.
    Asks,
    /// It is work that needs approval: “Publish it (requires approval)”, “deploy with my approval”.
    Needs,
}

/// Without one of these a sentence cannot ask for approval; most have none.
const STEMS: [&str; 16] = [
    "approv", "aprov", "ok", "sign", "permiss", "authori", "autoriz", "consent", "confirm", "aval", "libera",
    "ahead", "green", "sinal", "ask ", "gate",
];
/// Questions to a person that name no approval.
const QUESTIONS: [&str; 6] = ["pergunte", "consulte", "check with", "ask me", "ask first", "ask us"];
const MARKS: [&str; 8] =
    ["[approval]", "[approve]", "[gate]", "[aprovacao]", "[aprovar]", "(approval)", "(gate)", "(aprovacao)"];
const ASKING: [&str; 40] = [
    "ask",
    "wait",
    "request",
    "get",
    "obtain",
    "seek",
    "await",
    "pause",
    "hold",
    "stop",
    "have",
    "secure",
    "require",
    "requires",
    "need",
    "needs",
    "requiring",
    "needing",
    "peca",
    "pedir",
    "peco",
    "pede",
    "solicite",
    "solicitar",
    "aguarde",
    "aguardar",
    "espere",
    "esperar",
    "obtenha",
    "obter",
    "consiga",
    "precisa",
    "precisar",
    "requer",
    "exige",
    "necessita",
    "depende",
    "pare",
    "pause",
    "aguardando",
];
const ATTRIBUTES: [&str; 14] = [
    "require",
    "requires",
    "need",
    "needs",
    "requiring",
    "needing",
    "precisa",
    "precisar",
    "requer",
    "exige",
    "necessita",
    "depende",
    "have",
    "hold",
];
const NOUNS: [&str; 13] = [
    "approval",
    "approvals",
    "signoff",
    "permission",
    "authorization",
    "authorisation",
    "aprovacao",
    "autorizacao",
    "aval",
    "permissao",
    "liberacao",
    "consentimento",
    "consent",
];
/// Words that mean approval only right after the asking.
const SHORT_NOUNS: [&str; 8] = ["ok", "okay", "confirmation", "confirmacao", "go", "green", "sign", "sinal"];
const DATA: [&str; 15] = [
    "rate", "rates", "rating", "ratings", "score", "scores", "count", "counts", "status", "statuses", "data",
    "date", "dates", "times", "numbers",
];
const DATA_BEFORE: [&str; 7] = ["taxa", "taxas", "indice", "indices", "nivel", "data", "percentual"];
const FILLERS: [&str; 32] = [
    "for", "my", "your", "the", "an", "a", "his", "her", "their", "our", "explicit", "final", "written",
    "me", "us", "by", "from", "human", "manager", "owner", "o", "a", "de", "do", "da", "pelo", "pela", "meu",
    "minha", "seu", "sua", "um",
];

/// What `sentence` asks, if it speaks of an approval still to be given.
#[must_use]
pub fn approval_in(sentence: &str) -> Option<Approval> {
    let folded = fold(sentence);
    if !STEMS.iter().chain(&QUESTIONS).any(|stem| folded.contains(stem)) {
        return None;
    }
    if MARKS.iter().any(|mark| folded.contains(mark)) {
        return Some(Approval::Needs);
    }
    let words = words(sentence);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if demands_by_denying(&words) {
        return Some(Approval::Asks);
    }
    if is_denied(&words) || tells_of_the_past(&words) {
        return None;
    }
    asks_at_the_start(&words).or_else(|| noun_asked_for(&words)).or_else(|| named_condition(&words))
}

/// Whether `title`, a heading, names an approval: “Approval”, “2. Approval gate”, “Aprovação da gerente”.
#[must_use]
pub fn is_approval_title(title: &str) -> bool {
    let words = words(title);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (first, second) = (words.first().copied(), words.get(1).copied());
    let ends = |second: Option<&str>| {
        second.is_none_or(|word| {
            [
                "gate", "step", "of", "by", "from", "before", "needed", "required", "da", "do", "de", "pela",
                "pelo",
            ]
            .contains(&word)
                || ["antes", "final", "para", "to", "for", "humana", "manual"].contains(&word)
        })
    };
    match first {
        Some("approval" | "approve" | "aprovacao" | "gate" | "signoff" | "autorizacao") => {
            first == Some("approve") || ends(second)
        }
        Some("sign") => second == Some("off"),
        Some("manual" | "final" | "human" | "review" | "revisao" | "revisar" | "revise") => {
            words.len() <= 4
                && words[1..].iter().any(|word| {
                    ["approval", "approve", "aprovacao", "aprovar", "aprove", "gate"].contains(word)
                })
        }
        _ => false,
    }
}

/// “Do not publish without approval”, “nothing goes out until I approve”.
fn demands_by_denying(words: &[&str]) -> bool {
    let approval =
        |word: &&str| NOUNS.contains(word) || SHORT_NOUNS[..4].contains(word) || is_approving(word);
    let denies = |word: &&str| {
        ["not", "never", "nothing", "nobody", "nao", "nunca", "nada", "ninguem", "no", "nenhum"]
            .contains(word)
    };
    let Some(denied) = words.iter().position(denies) else { return false };
    let opens = |word: &&str| ["without", "sem", "until", "unless", "before", "ate", "antes"].contains(word);
    words[denied..].iter().position(opens).is_some_and(|opened| {
        let opened = denied + opened;
        // “do not wait without …” is not the form; what is forbidden must be work, not asking.
        let forbidden_is_asking = words[denied..opened].iter().any(|word| ASKING.contains(word));
        !forbidden_is_asking
            && words[opened + 1..].iter().take(6).any(approval)
            && !words[opened..]
                .iter()
                .take(4)
                .any(|word| ["precisar", "needing", "asking", "pedir"].contains(word))
    })
}

/// “No approval needed”, “sem precisar de aprovação”, “does not require approval”.
fn is_denied(words: &[&str]) -> bool {
    let denies = |word: &str| {
        [
            "no",
            "not",
            "without",
            "never",
            "skip",
            "skips",
            "sem",
            "nao",
            "nunca",
            "nenhuma",
            "dispensa",
            "dispensado",
        ]
        .contains(&word)
    };
    words.iter().enumerate().any(|(at, word)| {
        if !(NOUNS.contains(word) || SHORT_NOUNS[..4].contains(word) || is_approving(word)) {
            return false;
        }
        let before = &words[at.saturating_sub(5)..at];
        let after = &words[at + 1..words.len().min(at + 4)];
        before.iter().any(|word| denies(word))
            || after.windows(2).any(|pair| {
                ["is", "are", "e", "sera"].contains(&pair[0]) && pair[1] == "not"
                    || pair[0] == "nao" && ["e", "sera"].contains(&pair[1])
            })
    })
}

/// “Ana asked for approval”, “já foi aprovado”, “was approved”.
fn tells_of_the_past(words: &[&str]) -> bool {
    words.windows(2).any(|pair| {
        matches!(
            (pair[0], pair[1]),
            ("was" | "were" | "already" | "been", "approved" | "given")
                | (
                    "foi" | "foram" | "ja",
                    "aprovado" | "aprovada" | "aprovados" | "aprovadas" | "foi" | "aprovou"
                )
        ) && !words.contains(&"once")
            && !words.contains(&"until")
    })
}

fn is_approving(word: &str) -> bool {
    [
        "approve",
        "approves",
        "approved",
        "aprovar",
        "aprove",
        "aprovado",
        "aprovada",
        "aprovados",
        "aprovadas",
        "autorize",
        "autorizar",
    ]
    .contains(&word)
}

/// “Approve the draft”, “ask me before …”, “check with me first”, “me pergunte antes de …”.
fn asks_at_the_start(words: &[&str]) -> Option<Approval> {
    let start = words.iter().position(|word| {
        !["please", "then", "and", "por", "favor", "e", "depois", "finally", "now"].contains(word)
    })?;
    let asks = match &words[start..] {
        ["approve" | "aprove" | "aprovar", ..] => true,
        ["ask", "me" | "us" | "first" | "before", rest @ ..] => {
            rest.is_empty()
                || rest
                    .iter()
                    .any(|word| ["before", "first", "ok", "continue", "whether", "if"].contains(word))
                || words[start + 1] != "me"
        }
        ["check" | "confirm", "with", "me" | "us", ..] => true,
        ["me", "pergunte" | "consulte", ..]
        | ["pergunte" | "consulte" | "confirme", "me" | "antes" | "comigo", ..] => true,
        _ => false,
    };
    asks.then_some(Approval::Asks)
}

/// “Wait for … approval”, “approval is required”, “precisa de aprovação”.
fn noun_asked_for(words: &[&str]) -> Option<Approval> {
    for (at, word) in words.iter().enumerate() {
        let is_noun = NOUNS.contains(word);
        let is_short = SHORT_NOUNS.contains(word) && is_whole_short_noun(&words[at..]);
        if !is_noun && !is_short || words.get(at + 1).is_some_and(|next| DATA.contains(next)) {
            continue;
        }
        let before = &words[at.saturating_sub(6)..at];
        if before.iter().any(|word| DATA_BEFORE.contains(word)) {
            continue;
        }
        if let Some(asked) = before.iter().rposition(|word| ASKING.contains(word)) {
            let near = before[asked + 1..].iter().all(|word| FILLERS.contains(word));
            if (is_noun || near) && !is_relative(before, asked) {
                let starts = at.saturating_sub(6) + asked <= 2 && !ATTRIBUTES.contains(&before[asked]);
                return Some(if starts { Approval::Asks } else { Approval::Needs });
            }
        }
        let after = &words[at + 1..words.len().min(at + 5)];
        let demanded = [
            "required",
            "needed",
            "necessary",
            "necessaria",
            "obrigatoria",
            "necessario",
            "requerida",
            "exigida",
        ];
        if is_noun && after.iter().any(|word| demanded.contains(word)) {
            return Some(if at <= 3 { Approval::Asks } else { Approval::Needs });
        }
    }
    None
}

fn is_whole_short_noun(words: &[&str]) -> bool {
    match words {
        ["go", next, ..] => *next == "ahead",
        ["green", next, ..] => *next == "light",
        ["sign", next, ..] => *next == "off",
        ["sinal", next, ..] => *next == "verde",
        ["go" | "green" | "sign" | "sinal"] => false,
        _ => true,
    }
}

/// “the orders that need approval” are data; “a step that needs approval” is one.
fn is_relative(before: &[&str], asked: usize) -> bool {
    let Some(relative) = asked.checked_sub(1) else { return false };
    let refers = ["that", "which", "who", "que"].contains(&before[relative]);
    let to_a_step = relative.checked_sub(1).is_some_and(|at| {
        ["step", "action", "part", "passo", "etapa", "acao", "this", "isto"].contains(&before[at])
    });
    refers && !to_a_step
}

/// “After approval, publish”, “once approved”, “until I approve”, “must be approved”, “com a minha aprovação”.
fn named_condition(words: &[&str]) -> Option<Approval> {
    let found = words.iter().enumerate().any(|(at, word)| {
        let before = &words[at.saturating_sub(4)..at];
        let has = |names: &[&str]| before.iter().any(|word| names.contains(word));
        if NOUNS.contains(word) {
            let is_data = words.get(at + 1).is_some_and(|next| DATA.contains(next)) || has(&DATA_BEFORE);
            let near = before.iter().rev().take_while(|word| FILLERS.contains(word)).count();
            let condition = before.len().checked_sub(near + 1).map(|at| before[at]);
            return !is_data
                && condition.is_some_and(|word| {
                    [
                        "after", "with", "upon", "pending", "to", "apos", "depois", "mediante", "com",
                        "until", "ate", "only",
                    ]
                    .contains(&word)
                })
                && (condition != Some("to") || has(&["subject"]));
        }
        is_approving(word)
            && (has(&["once", "until", "unless", "when", "if", "after", "ate", "quando", "se", "assim"])
                || has(&["must", "needs", "need", "should", "has", "have"]) && has(&["be"])
                || has(&["deve", "devem", "precisa", "precisam", "tem"]) && has(&["ser"]))
    });
    found.then_some(Approval::Needs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sentence: &str, expected: Option<Approval>) {
        assert_eq!(approval_in(sentence), expected, "{sentence}");
    }

    #[test]
    fn asking_is_recognised() {
        for sentence in [
            "Ask for approval before publishing",
            "Wait for my OK",
            "Wait for the manager's approval.",
            "wait for explicit confirmation before deleting",
            "Get sign-off from finance",
            "Approval required",
            "Approve the draft",
            "Ask me before you send anything",
            "Ask first",
            "Do not publish without my approval",
            "Never deploy without approval",
            "Don't continue until I approve",
            "Peça aprovação antes de publicar",
            "Aguarde minha aprovação",
            "Espere o meu ok",
            "Solicite autorização da diretoria",
            "Não publique sem a minha aprovação",
            "Aprovação necessária",
            "Pergunte antes de enviar",
            "Me pergunte antes de apagar",
        ] {
            check(sentence, Some(Approval::Asks));
        }
    }

    #[test]
    fn work_that_needs_approval_is_recognised() {
        for sentence in [
            "Publishing requires approval",
            "Publish the report (requires approval)",
            "deploy to production with my approval",
            "After approval, send the newsletter",
            "The budget must be approved by Ana",
            "Publish [approval]",
            "Once approved, publish it",
            "This is a step that requires approval",
            "Publicar precisa de aprovação",
            "publique o post com a minha aprovação",
            "Após aprovação, envie o e-mail",
            "O texto deve ser aprovado pela Ana",
            "O envio depende de aprovação",
            "Enviar [aprovação]",
        ] {
            check(sentence, Some(Approval::Needs));
        }
    }

    #[test]
    fn what_needs_no_approval_is_left_alone() {
        for sentence in [
            "No approval needed",
            "This does not require approval",
            "You can publish without approval",
            "Approval is not required here",
            "Don't wait for approval",
            "Skip the approval",
            "sem precisar de aprovação",
            "Não precisa de aprovação",
            "Não é preciso pedir aprovação",
            "Publique sem pedir autorização",
            "A aprovação não é necessária",
            "Ana asked for it yesterday and it was approved",
            "O texto já foi aprovado",
            "Compute the approval rate by region",
            "Get approval ratings from the poll",
            "Calcule a taxa de aprovação dos alunos",
            "List the orders that need approval",
            "Check that the response is OK",
            "Load the data",
            "",
        ] {
            check(sentence, None);
        }
    }

    #[test]
    fn headings_that_name_an_approval() {
        for title in [
            "Approval",
            "Approval gate",
            "Approve the numbers",
            "Sign-off",
            "Final approval",
            "Aprovação",
            "Aprovação da gerente",
            "Review and approve",
            "Revisão e aprovação",
        ] {
            assert!(is_approval_title(title), "{title}");
        }
        for title in ["Approval rates by region", "Taxa de aprovação", "Review", "Load", "Gateway setup", ""]
        {
            assert!(!is_approval_title(title), "{title}");
        }
    }
}
