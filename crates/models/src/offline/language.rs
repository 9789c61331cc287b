//! Which of the two languages a text is in, and words as they are compared.

/// A language the rules know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// Also for what is neither.
    #[default]
    English,
    /// As written in Brazil and in Portugal.
    Portuguese,
}

/// Words that carry structure and little meaning, folded; those in both languages are in neither.
const ENGLISH: &[&str] = &[
    "about", "after", "all", "also", "an", "and", "any", "are", "as", "at", "be", "because", "been",
    "before", "but", "by", "can", "could", "did", "does", "for", "from", "had", "has", "have", "he", "her",
    "his", "how", "if", "in", "into", "is", "it", "its", "more", "most", "my", "not", "of", "on", "one",
    "only", "or", "our", "out", "over", "she", "should", "so", "some", "such", "than", "that", "the",
    "their", "them", "then", "there", "these", "they", "this", "those", "to", "was", "we", "were", "what",
    "when", "where", "which", "while", "who", "why", "will", "with", "would", "you", "your", "please",
    "hello", "hi", "help", "good",
];
const PORTUGUESE: &[&str] = &[
    "ao", "aos", "apos", "aquela", "aquele", "as", "ate", "cada", "com", "como", "da", "das", "de", "dela",
    "dele", "depois", "do", "dos", "ela", "elas", "ele", "eles", "em", "entre", "era", "essa", "esse",
    "esta", "este", "eu", "foi", "foram", "ha", "isso", "isto", "ja", "lhe", "mais", "mas", "mesmo", "meu",
    "minha", "muito", "na", "nao", "nas", "nem", "nos", "num", "numa", "os", "ou", "para", "pela", "pelas",
    "pelo", "pelos", "por", "porque", "qual", "quando", "que", "quem", "se", "sem", "ser", "seu", "seus",
    "sua", "suas", "sao", "tambem", "tem", "um", "uma", "umas", "uns", "voce", "ola", "oi", "bom", "dia",
    "boa", "tarde", "noite", "ajuda", "resuma", "resumo", "resumir", "preencha", "favor", "obrigado",
    "obrigada", "planilha",
];

impl Language {
    /// The language whose little words and letters are more frequent in `text`.
    pub fn of(text: &str) -> Self {
        let (mut english, mut portuguese) = (0_usize, 0_usize);
        for word in words(text) {
            let (in_english, in_portuguese) = (is_in(ENGLISH, &word.folded), is_in(PORTUGUESE, &word.folded));
            english += usize::from(in_english && !in_portuguese);
            portuguese += usize::from(in_portuguese && !in_english);
            portuguese += usize::from(word.text.contains(['ã', 'õ', 'ç', 'Ã', 'Õ', 'Ç']));
        }
        if portuguese > english { Self::Portuguese } else { Self::English }
    }

    /// Whether a folded word carries structure rather than meaning in this language.
    pub(super) fn is_filler(self, folded: &str) -> bool {
        match self {
            Self::English => is_in(ENGLISH, folded),
            Self::Portuguese => is_in(PORTUGUESE, folded),
        }
    }
}

fn is_in(list: &[&str], folded: &str) -> bool {
    list.contains(&folded)
}

/// A word of a text, and the form in which words are compared.
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) folded: String,
}

/// The words of `text`: runs of letters and digits.
pub(super) fn words(text: &str) -> impl Iterator<Item = Word<'_>> {
    let parts = text.split(|letter: char| !letter.is_alphanumeric());
    parts.filter(|part| !part.is_empty()).map(|text| Word { text, folded: fold(text) })
}

/// Lower case, without the accents of Portuguese.
pub(super) fn fold(text: &str) -> String {
    let plain = |letter: char| match letter {
        'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        other => other,
    };
    text.chars().flat_map(char::to_lowercase).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_languages_apart() {
        for (text, expected) in [
            ("The quick brown fox jumps over the lazy dog", Language::English),
            ("A rápida raposa marrom pula sobre o cão preguiçoso", Language::Portuguese),
            ("Carregue os dados e faça um gráfico de vendas por mês", Language::Portuguese),
            ("Load the data and plot sales by month", Language::English),
            ("Resuma o relatório de vendas", Language::Portuguese),
            ("Bom dia", Language::Portuguese),
            ("hello", Language::English),
            ("42 🦀", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(Language::of(text), expected, "{text}");
        }
    }

    #[test]
    fn folds_case_and_accents() {
        assert_eq!(fold("AÇÃO É Útil, Ñandú"), "acao e util, nandu");
    }
}
