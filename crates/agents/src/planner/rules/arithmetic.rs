//! Sums asked for in words: “compute 2+2”, “quanto é 17 vezes 23?”, “15% of 80”.
//!
//! Invariant: what comes out is a Python expression of numbers, `+ - * / // % **` and brackets,
//! checked by a grammar: nothing else of the goal reaches the code.

use crate::planner::words::{cut, fold};

/// The longest sum that is read.
const MAX_BYTES: usize = 400;

const OPENINGS: [&str; 26] = [
    "please compute",
    "compute",
    "calculate",
    "what is",
    "what's",
    "how much is",
    "evaluate",
    "work out",
    "solve",
    "print",
    "find",
    "por favor calcule",
    "calcule",
    "calcular",
    "compute a",
    "quanto e",
    "quanto da",
    "qual e",
    "quanto sao",
    "some",
    "resolva",
    "avalie",
    "imprima",
    "calcula",
    "the result of",
    "o resultado de",
];

const WORDS: [(&str, &str); 17] = [
    ("to the power of", "**"),
    ("multiplied by", "*"),
    ("multiplicado por", "*"),
    ("elevado a", "**"),
    ("divided by", "/"),
    ("dividido por", "/"),
    ("times", "*"),
    ("vezes", "*"),
    ("plus", "+"),
    ("mais", "+"),
    ("minus", "-"),
    ("menos", "-"),
    ("modulo", "%"),
    ("% of", "/100*"),
    ("% de", "/100*"),
    ("×", "*"),
    ("÷", "/"),
];

/// Whether the whole text is a sum: digits need no words around them.
#[must_use]
pub fn is_arithmetic(text: &str) -> bool {
    expression(text).is_some()
}

/// The sum that `clause` asks for, as a Python expression.
pub(super) fn expression(clause: &str) -> Option<String> {
    if clause.len() > MAX_BYTES {
        return None;
    }
    let mut text = fold(cut(clause, MAX_BYTES));
    for mark in ['`', '?', '!', ':', '=', '"', '“', '”'] {
        text = text.replace(mark, " ");
    }
    let mut rest = text.trim().trim_end_matches('.').trim();
    for _ in 0..3 {
        let opening = OPENINGS.iter().find_map(|opening| {
            rest.strip_prefix(opening).filter(|after| after.starts_with(|c: char| !c.is_alphanumeric()))
        });
        match opening {
            Some(after) => rest = after.trim(),
            None => break,
        }
    }
    let mut sum = rest.to_owned();
    for (word, sign) in WORDS {
        sum = sum.replace(word, sign);
    }
    parse(&sum.replace('^', "**").replace('−', "-").replace(" x ", "*"))
}

struct Parser<'a> {
    rest: &'a str,
    out: String,
    numbers: usize,
    operators: usize,
    depth: usize,
}

fn parse(text: &str) -> Option<String> {
    let mut parser =
        Parser { rest: text.trim_start(), out: String::new(), numbers: 0, operators: 0, depth: 0 };
    parser.sum()?;
    (parser.rest.is_empty() && parser.numbers >= 2 && parser.operators >= 1).then_some(parser.out)
}

impl Parser<'_> {
    /// operand (operator operand)*, with brackets counted rather than nested, so depth costs no stack.
    fn sum(&mut self) -> Option<()> {
        loop {
            while let Some(sign) = self.take(&["(", "-", "+"]) {
                self.depth += usize::from(sign == "(");
                self.out.push_str(sign);
            }
            self.number()?;
            while self.take(&[")"]).is_some() {
                self.depth = self.depth.checked_sub(1)?;
                self.out.push(')');
            }
            let Some(operator) = self.take(&["**", "//", "+", "-", "*", "/", "%"]) else {
                return (self.depth == 0 && self.out.matches('(').count() <= 50).then_some(());
            };
            self.operators += 1;
            self.out.push_str(operator);
        }
    }

    fn take<'t>(&mut self, tokens: &[&'t str]) -> Option<&'t str> {
        let token = *tokens.iter().find(|token| self.rest.starts_with(**token))?;
        self.rest = self.rest[token.len()..].trim_start();
        Some(token)
    }

    fn number(&mut self) -> Option<()> {
        let length = self.rest.bytes().take_while(|c| c.is_ascii_digit() || matches!(c, b'.' | b',')).count();
        let number = plain_number(&self.rest[..length])?;
        self.rest = self.rest[length..].trim_start();
        self.out.push_str(&number);
        self.numbers += 1;
        Some(())
    }
}

/// `1,200` and `1.200.000` are grouped, `2,5` and `2.5` have a fraction; leading zeros go, since
/// Python refuses them.
fn plain_number(written: &str) -> Option<String> {
    let separators = written.matches([',', '.']).count();
    let groups: Vec<&str> = written.split([',', '.']).collect();
    if groups.iter().any(|group| group.is_empty()) || written.len() > 60 {
        return None;
    }
    let last = groups[groups.len() - 1];
    let is_grouped = separators > 1 && groups[1..].iter().all(|group| group.len() == 3)
        || separators == 1 && written.contains(',') && last.len() == 3 && groups[0] != "0";
    let (whole, fraction) = match separators {
        0 => (written.to_owned(), None),
        _ if is_grouped => (groups.concat(), None),
        _ => (groups[..groups.len() - 1].concat(), Some(last)),
    };
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(fraction.map_or_else(|| whole.to_owned(), |fraction| format!("{whole}.{fraction}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(clause: &str, expected: Option<&str>) {
        assert_eq!(expression(clause).as_deref(), expected, "{clause}");
    }

    #[test]
    fn sums_are_read() {
        check("compute 2+2", Some("2+2"));
        check("Calcule 17*23", Some("17*23"));
        check("what is 2 + 2?", Some("2+2"));
        check("Quanto é 17 vezes 23?", Some("17*23"));
        check("17 times 23", Some("17*23"));
        check("2^10", Some("2**10"));
        check("calcule (1.5 + 2,5) / 2", Some("(1.5+2.5)/2"));
        check("15% of 80", Some("15/100*80"));
        check("quanto é 15% de 80", Some("15/100*80"));
        check("1,200 + 007", Some("1200+7"));
        check("1.200.000 - 1", Some("1200000-1"));
        check("-3 - -4", Some("-3--4"));
        check("3 x 4 =", Some("3*4"));
    }

    #[test]
    fn what_is_no_sum_is_left_alone() {
        for clause in [
            "42",
            "compute the sales",
            "2+",
            "(2+2",
            "2+2)",
            "2024-01-",
            "import os+1",
            "1..2+3",
            "",
            "+",
            "🙂",
        ] {
            check(clause, None);
        }
    }
}
