//! Just enough of Rust's lexer to tell code from comments, strings and characters.

/// The source with everything but code replaced by spaces; line ends stay where they are.
pub fn code_only(source: &str) -> String {
    let mut lexer =
        Lexer { letters: source.chars().collect(), at: 0, code: String::with_capacity(source.len()) };
    while lexer.at < lexer.letters.len() {
        lexer.step();
    }
    lexer.code
}

struct Lexer {
    letters: Vec<char>,
    at: usize,
    code: String,
}

impl Lexer {
    fn step(&mut self) {
        match (self.peek(0), self.peek(1)) {
            (Some('/'), Some('/')) => self.blank_while(|lexer| lexer.peek(0) != Some('\n')),
            (Some('/'), Some('*')) => self.block_comment(),
            (Some('"'), _) => self.string(),
            (Some('r'), Some('"' | '#')) if self.raw_string_hashes().is_some() => self.raw_string(),
            (Some('\''), _) => self.character_or_lifetime(),
            _ => self.keep(),
        }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.letters.get(self.at + ahead).copied()
    }

    fn keep(&mut self) {
        self.code.push(self.letters[self.at]);
        self.at += 1;
    }

    fn blank(&mut self) {
        if let Some(letter) = self.peek(0) {
            self.code.push(if letter == '\n' { '\n' } else { ' ' });
            self.at += 1;
        }
    }

    fn blank_while(&mut self, go_on: impl Fn(&Self) -> bool) {
        while self.at < self.letters.len() && go_on(self) {
            self.blank();
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while self.at < self.letters.len() {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => depth += 1,
                (Some('*'), Some('/')) => depth -= 1,
                _ => {
                    self.blank();
                    continue;
                }
            }
            self.blank();
            self.blank();
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        self.keep();
        while let Some(letter) = self.peek(0) {
            match letter {
                '"' => return self.keep(),
                '\\' => {
                    self.blank();
                    self.blank();
                }
                _ => self.blank(),
            }
        }
    }

    /// How many `#` a raw string that begins here has; `None` if none begins here.
    fn raw_string_hashes(&self) -> Option<usize> {
        let before = self.at.checked_sub(1).map(|index| self.letters[index]);
        let prefix = matches!(before, Some('b' | 'c'));
        if before.is_some_and(|letter| (letter.is_alphanumeric() || letter == '_') && !prefix) {
            return None;
        }
        let hashes = (1..).take_while(|&ahead| self.peek(ahead) == Some('#')).count();
        (self.peek(1 + hashes) == Some('"')).then_some(hashes)
    }

    fn raw_string(&mut self) {
        let hashes = self.raw_string_hashes().unwrap_or(0);
        (0..hashes + 2).for_each(|_| self.blank());
        while self.at < self.letters.len() {
            let closed = self.peek(0) == Some('"') && (1..=hashes).all(|ahead| self.peek(ahead) == Some('#'));
            if closed {
                return (0..=hashes).for_each(|_| self.blank());
            }
            self.blank();
        }
    }

    /// `'a'` is blanked; `'a` is a lifetime and stays.
    fn character_or_lifetime(&mut self) {
        let escaped = self.peek(1) == Some('\\');
        if !escaped && self.peek(2) != Some('\'') {
            return self.keep();
        }
        self.blank();
        if escaped {
            self.blank();
        }
        self.blank();
        self.blank_while(|lexer| lexer.peek(0) != Some('\''));
        self.blank();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, expected: &str) {
        assert_eq!(code_only(source), expected, "{source}");
    }

    #[test]
    fn keeps_code_and_blanks_the_rest() {
        check("a // b\nc", "a     \nc");
        check("a /* b /* c */ d */ e", "a                   e");
        check(r#"f("todo!()", x)"#, r#"f("       ", x)"#);
        check(r#""a\"b" c"#, r#""    " c"#);
        check(r##"r#"a "b" c"# d"##, "             d");
        check(r#"br"a" b"#, "b     b");
        check("x == '\\'' && y == 'b'", "x ==      && y ==    ");
        check("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)");
        check("\"two\nlines\" z", "\"   \n     \" z");
        check("var\"x\"", "var\" \"");
    }
}
