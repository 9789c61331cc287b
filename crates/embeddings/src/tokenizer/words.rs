//! Words: what stands between spaces, with every punctuation mark a word of its own.

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// One word of a text.
#[derive(Debug, PartialEq, Eq)]
pub enum Word<'a> {
    /// All of it.
    Whole(&'a str),
    /// A word of more characters than are looked at.
    TooLong,
}

/// Cuts normal characters into words; lends each from one buffer.
pub struct Words<Letters> {
    letters: Letters,
    buffer: String,
    max_chars: usize,
    /// A punctuation mark that ended the last word and is the next one.
    mark: Option<char>,
}

impl<Letters: Iterator<Item = char>> Words<Letters> {
    /// Words of at most `max_chars` characters.
    pub fn new(letters: Letters, max_chars: usize) -> Self {
        Self { letters, buffer: String::new(), max_chars, mark: None }
    }

    /// The next word, until there is none.
    pub fn next_word(&mut self) -> Option<Word<'_>> {
        self.buffer.clear();
        if let Some(mark) = self.mark.take() {
            self.buffer.push(mark);
            return Some(Word::Whole(&self.buffer));
        }
        let mut chars = 0;
        for letter in self.letters.by_ref() {
            if letter.is_whitespace() {
                if chars > 0 {
                    break;
                }
            } else if is_punctuation(letter) {
                if chars > 0 {
                    self.mark = Some(letter);
                    break;
                }
                self.buffer.push(letter);
                return Some(Word::Whole(&self.buffer));
            } else {
                chars += 1;
                if chars <= self.max_chars {
                    self.buffer.push(letter);
                }
            }
        }
        match chars {
            0 => None,
            _ if chars > self.max_chars => Some(Word::TooLong),
            _ => Some(Word::Whole(&self.buffer)),
        }
    }
}

fn is_punctuation(letter: char) -> bool {
    if letter.is_ascii() {
        letter.is_ascii_punctuation()
    } else {
        letter.general_category_group() == GeneralCategoryGroup::Punctuation
    }
}
