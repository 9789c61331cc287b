//! The words a criterion may use, and how its text is cut into them.
//!
//! Invariant: no word is dropped unless it is listed as one that carries no meaning here; an
//! unknown word stays in the tokens, where no rule will accept it.

use crate::plan::Language;
use crate::planner::words::fold;

/// A piece of a criterion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Between quotation marks.
    Quoted(String),
    /// Between backquotes.
    Code(String),
    /// A bare word that looks like a file.
    Path(String),
    /// A whole number and how it was written.
    Number(u64, String),
    /// A word with a meaning.
    Word(Word),
    /// Any other word, as it was written.
    Name(String),
}

/// What a word or phrase means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Exist,
    Gone,
    Empty,
    NotEmpty,
    Not,
    Contain,
    Have,
    Be,
    And,
    AtLeast,
    AtMost,
    MoreThan,
    LessThan,
    Exactly,
    OrMore,
    OrLess,
    Rows,
    Lines,
    Columns,
    Output,
    Print,
    Exit,
    Success,
    Works,
    Run,
    Folder,
    Valid,
    Json,
    Xml,
}

/// Phrases by meaning, folded; `eh` stands for “é”, which folding would make “e”.
const PHRASES: &[(Word, &[&str])] = &[
    (
        Word::Exist,
        &[
            "exists",
            "exist",
            "is there",
            "is present",
            "are there",
            "are present",
            "was created",
            "is created",
            "were created",
            "has been created",
            "was written",
            "is written",
            "has been written",
            "was generated",
            "is generated",
            "was saved",
            "is saved",
            "existe",
            "existem",
            "existir",
            "foi criado",
            "foi criada",
            "foram criados",
            "foi gerado",
            "foi gerada",
            "foram gerados",
            "foi gravado",
            "foi salvo",
            "esta la",
            "esta presente",
        ],
    ),
    (
        Word::Gone,
        &[
            "is gone",
            "no longer exists",
            "was removed",
            "was deleted",
            "foi removido",
            "foi apagado",
            "nao existe mais",
        ],
    ),
    (Word::Empty, &["empty", "vazio", "vazia", "vazios", "em branco"]),
    (
        Word::NotEmpty,
        &["nonempty", "non-empty", "has content", "has some content", "tem conteudo", "tem algum conteudo"],
    ),
    (Word::Not, &["not", "nao", "never", "nunca", "without", "sem"]),
    (
        Word::Contain,
        &[
            "contains",
            "contain",
            "containing",
            "includes",
            "include",
            "mentions",
            "mention",
            "mentioning",
            "contem",
            "conter",
            "inclui",
            "menciona",
            "mencionar",
            "cita",
            "says",
            "diz",
            "shows",
            "show",
            "mostra",
            "mostrar",
        ],
    ),
    (Word::Have, &["has", "have", "having", "tem", "ter", "possui", "with", "com"]),
    (Word::Be, &["is", "are", "was", "were", "be", "eh", "esta", "estao", "foi", "foram", "ser", "equals"]),
    (Word::And, &["and", "e", "and also", "e tambem"]),
    (Word::AtLeast, &["at least", "no fewer than", "no less than", "pelo menos", "no minimo", "ao menos"]),
    (Word::AtMost, &["at most", "no more than", "up to", "no maximo", "ate"]),
    (Word::MoreThan, &["more than", "over", "mais de", "mais que"]),
    (Word::LessThan, &["less than", "fewer than", "under", "menos de", "menos que"]),
    (Word::Exactly, &["exactly", "exatamente", "only", "apenas"]),
    (Word::OrMore, &["or more", "ou mais"]),
    (Word::OrLess, &["or less", "or fewer", "ou menos"]),
    (
        Word::Rows,
        &[
            "rows",
            "row",
            "data rows",
            "records",
            "record",
            "registros",
            "registro",
            "linhas de dados",
            "rows of data",
        ],
    ),
    (Word::Lines, &["lines", "line", "linhas", "linha"]),
    (Word::Columns, &["columns", "column", "colunas", "coluna"]),
    (Word::Output, &["output", "stdout", "saida", "standard output", "saida padrao"]),
    (Word::Print, &["prints", "print", "printed", "outputs", "imprime", "imprimir", "imprimiu"]),
    (
        Word::Exit,
        &[
            "exits with",
            "exit with",
            "exit code",
            "exit status",
            "exits with code",
            "exits with status",
            "exits with exit code",
            "returns",
            "ends with",
            "ends with code",
            "ends with exit code",
            "termina com",
            "termina com codigo",
            "terminar com",
            "termina com o codigo",
            "codigo de saida",
            "sai com",
            "sai com codigo",
            "retorna",
            "exited with",
            "the exit code is",
        ],
    ),
    (
        Word::Success,
        &[
            "succeeds",
            "succeed",
            "succeeded",
            "without errors",
            "without error",
            "without any error",
            "no errors",
            "exits cleanly",
            "exits successfully",
            "ends without errors",
            "sem erro",
            "sem erros",
            "termina sem erro",
            "termina sem erros",
            "finishes without errors",
            "there are no errors",
            "com sucesso",
            "successfully",
        ],
    ),
    (Word::Works, &["works", "passes", "pass", "passa", "passar", "passam", "funciona", "funcionar"]),
    (
        Word::Run,
        &[
            "run",
            "runs",
            "running",
            "rode",
            "roda",
            "rodar",
            "execute",
            "executes",
            "executa",
            "executar",
            "running of",
        ],
    ),
    (Word::Folder, &["folder", "directory", "pasta", "diretorio"]),
    (Word::Valid, &["valid", "valido", "valida", "well-formed"]),
    (Word::Json, &["json"]),
    (Word::Xml, &["xml", "svg"]),
];

/// Words that add nothing to a criterion.
const EMPTY_WORDS: &str = " the a an this that it its there o a os as um uma this file files arquivo arquivos \
                           ficheiro must should deve devem does do did will can now command comando script \
                           programa program step passo etapa codigo code text texto word palavra string phrase frase \
                           value valor make sure ensure check verify confirm certifique-se garanta verifique confira \
                           confirme que se then de da ";

/// The tokens of a criterion.
pub(super) fn read(text: &str, language: Language) -> Vec<Token> {
    let pieces = pieces(text);
    let mut tokens = Vec::with_capacity(pieces.len());
    let mut at = 0;
    while at < pieces.len() {
        at += match &pieces[at] {
            Piece::Token(token) => {
                tokens.push(token.clone());
                1
            }
            Piece::Bare { written, folded } => {
                let (used, token) = phrase(&pieces[at..]).unwrap_or_else(|| {
                    let is_empty = EMPTY_WORDS.contains(&format!(" {folded} "));
                    match (folded.as_str(), language) {
                        ("no", Language::En) => (1, Some(Token::Word(Word::Not))),
                        ("no", Language::Pt) => (1, None),
                        ("file" | "arquivo" | "ficheiro", _) => named_file(&pieces[at..]),
                        _ if is_empty => (1, None),
                        _ => {
                            (1, Some(number(written, folded).unwrap_or_else(|| Token::Name(written.clone()))))
                        }
                    }
                });
                tokens.extend(token);
                used
            }
        };
    }
    tokens
}

enum Piece {
    Token(Token),
    Bare { written: String, folded: String },
}

impl Piece {
    fn folded(&self) -> Option<&str> {
        match self {
            Self::Bare { folded, .. } => Some(folded),
            Self::Token(_) => None,
        }
    }
}

/// The longest phrase with a meaning that begins here.
fn phrase(pieces: &[Piece]) -> Option<(usize, Option<Token>)> {
    (1..=4.min(pieces.len())).rev().find_map(|length| {
        let words: Vec<&str> = pieces[..length].iter().map(Piece::folded).collect::<Option<_>>()?;
        let joined = words.join(" ");
        let (word, _) = PHRASES.iter().find(|(_, phrases)| phrases.contains(&joined.as_str()))?;
        Some((length, Some(Token::Word(*word))))
    })
}

/// “file Makefile”: a name after the word “file” is one, even without a dot.
fn named_file(pieces: &[Piece]) -> (usize, Option<Token>) {
    match pieces.get(1) {
        Some(Piece::Bare { written, folded })
            if phrase(&pieces[1..]).is_none() && !EMPTY_WORDS.contains(&format!(" {folded} ")) =>
        {
            (2, Some(Token::Path(written.clone())))
        }
        _ => (1, None),
    }
}

/// Cuts the text at white space, keeping what stands between marks together.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some((token, after)) = marked(first, rest) {
            pieces.push(Piece::Token(token));
            rest = after;
        } else {
            let end = rest.find(|c: char| c.is_whitespace() || c == '`').unwrap_or(rest.len());
            push_bare(&rest[..end], &mut pieces);
            rest = &rest[end.max(usize::from(end == 0) * first.len_utf8())..];
        }
        rest = rest.trim_start();
    }
    pieces
}

/// A text between marks at the front of `rest`, and what follows it.
fn marked(first: char, rest: &str) -> Option<(Token, &str)> {
    let close = match first {
        '`' => '`',
        '"' => '"',
        '\'' => '\'',
        '“' | '„' => '”',
        '‘' => '’',
        '«' => '»',
        _ => return None,
    };
    let inner = &rest[first.len_utf8()..];
    let end = inner.find(close)?;
    let text = inner[..end].trim().to_owned();
    let token = if first == '`' { Token::Code(text) } else { Token::Quoted(text) };
    Some((token, &inner[end + close.len_utf8()..]))
}

fn push_bare(raw: &str, pieces: &mut Vec<Piece>) {
    let written =
        raw.trim_matches(|c: char| matches!(c, ',' | ';' | ':' | '!' | '?' | '(' | ')' | '.' | '*'));
    // The dot of a hidden file is part of its name.
    let written = if raw.starts_with('.') && raw.len() > 1 {
        raw.trim_end_matches([',', ';', '.', ':'])
    } else {
        written
    };
    if looks_like_file(written) {
        pieces.push(Piece::Token(Token::Path(written.to_owned())));
    } else {
        match fold(written).as_str() {
            "" => {}
            "isn't" | "aren't" | "wasn't" => pieces.extend(["is", "not"].map(bare)),
            "doesn't" | "don't" | "didn't" => pieces.push(bare("not")),
            _ if written.eq_ignore_ascii_case("é") || written == "É" => pieces.push(bare("eh")),
            folded => {
                let folded = folded.to_owned();
                pieces.push(Piece::Bare { written: written.to_owned(), folded });
            }
        }
    }
    if raw.ends_with([',', ';']) {
        pieces.push(bare("and"));
    }
}

fn bare(word: &str) -> Piece {
    Piece::Bare { written: word.to_owned(), folded: word.to_owned() }
}

/// `out/summary`, `report.md`, `.gitignore`; not `3.5`, `e.g`, `1.234,5` or `1/2`.
fn looks_like_file(word: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    let is_number = |part: &str| part.chars().all(|c| !c.is_alphabetic());
    if word.is_empty() || !word.chars().all(plain) || is_number(word) {
        return false;
    }
    let name = word.rsplit('/').next().unwrap_or(word);
    let has_extension = name
        .rsplit_once('.')
        .is_some_and(|(_, extension)| (1..=8).contains(&extension.len()) && !is_number(extension));
    let is_short_form = word.chars().filter(|c| c.is_alphanumeric()).count() < 3;
    !is_short_form
        && (has_extension
            || word.contains('/') && !word.ends_with('/') && word.split('/').all(|p| p.len() > 1))
}

fn number(written: &str, folded: &str) -> Option<Token> {
    const EN: [&str; 13] = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
        "twelve",
    ];
    const PT: [&str; 13] = [
        "zero", "um", "dois", "tres", "quatro", "cinco", "seis", "sete", "oito", "nove", "dez", "onze",
        "doze",
    ];
    let of_word =
        EN.iter().position(|word| *word == folded).or_else(|| PT.iter().position(|word| *word == folded));
    let value = match of_word {
        Some(value) => value as u64,
        None if folded == "duas" => 2,
        None => grouped_number(written)?,
    };
    Some(Token::Number(value, written.to_owned()))
}

/// `1200`, `1,200` and `1.200`; `3.5` is not a whole number.
fn grouped_number(written: &str) -> Option<u64> {
    let mut groups = written.split([',', '.']);
    let first = groups.next()?;
    let rest: Vec<&str> = groups.collect();
    let whole = !first.is_empty()
        && (rest.is_empty() || first.len() <= 3)
        && rest.iter().all(|group| group.len() == 3)
        && first.bytes().chain(rest.iter().flat_map(|group| group.bytes())).all(|c| c.is_ascii_digit());
    whole.then(|| [&[first], rest.as_slice()].concat().concat().parse().ok()).flatten()
}
