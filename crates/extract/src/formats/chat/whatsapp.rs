//! The text that WhatsApp exports: `[31.12.23, 23:59:01] Ada: Hello` on iPhones,
//! `12/31/23, 11:59 PM - Ada: Hello` on Android.

use super::message::Message;
use super::push_message;
use crate::collector::Collector;
use crate::error::Result;
use crate::moment;

/// A line that begins a message.
struct Line<'t> {
    /// The three numbers of its date, as they stand.
    date: [i16; 3],
    time: (i8, i8, i8),
    /// Whether it was written with AM or PM.
    twelve_hours: bool,
    rest: &'t str,
}

/// Whether the first lines are messages of WhatsApp.
pub(crate) fn is_whatsapp(text: &str) -> bool {
    const LOOK_AT: usize = 10;
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).take(LOOK_AT).map(line).collect();
    let messages = lines.iter().flatten().filter(|line| line.rest.contains(": ")).count();
    lines.first().is_some_and(Option::is_some)
        && messages > 0
        && lines.iter().flatten().count() * 2 >= lines.len()
}

/// Reads one. Lines that begin no message go on with the one before; what the program says itself
/// (that somebody joined) has no author and is left out.
pub(crate) fn read(text: &str, collector: &mut Collector<'_>) -> Result<()> {
    let order = Order::of(text);
    if order.guessed {
        collector.note("Its dates do not say whether the day or the month comes first; the day was taken");
    }
    collector.note("Its times have no zone and were taken for UTC");
    let mut open: Option<Message> = None;
    let mut number = 0;
    for raw in text.lines() {
        let Some(line) = line(raw) else {
            if let Some(message) = &mut open {
                message.text.push('\n');
                message.text.push_str(raw);
            }
            continue;
        };
        if let Some(message) = open.take() {
            push_message(message, &mut number, collector)?;
        }
        if let Some((author, said)) = line.rest.split_once(": ").or_else(|| line.rest.split_once(":\u{200e}"))
        {
            let author = author.trim_matches(|letter: char| letter.is_whitespace() || is_mark(letter));
            let time = moment::of_parts(order.date(line.date), line.time);
            let said = said.trim_start_matches(is_mark).to_owned();
            open = Some(Message { author: Some(author.to_owned()), time, text: said });
        }
    }
    open.map_or(Ok(()), |message| push_message(message, &mut number, collector))
}

/// In which order a date is written.
struct Order {
    month_first: bool,
    guessed: bool,
}

impl Order {
    fn of(text: &str) -> Self {
        let mut twelve_hours = false;
        for line in text.lines().filter_map(line) {
            let [first, second, _] = line.date;
            twelve_hours |= line.twelve_hours;
            if first > 12 {
                return Self { month_first: false, guessed: false };
            }
            if second > 12 {
                return Self { month_first: true, guessed: false };
            }
        }
        Self { month_first: twelve_hours, guessed: !twelve_hours }
    }

    fn date(&self, [first, second, third]: [i16; 3]) -> (i16, i8, i8) {
        let small = |number: i16| i8::try_from(number).unwrap_or(0);
        let year = |number: i16| if number < 100 { number + 2000 } else { number };
        match (first > 31, self.month_first) {
            (true, _) => (first, small(second), small(third)),
            (false, true) => (year(third), small(first), small(second)),
            (false, false) => (year(third), small(second), small(first)),
        }
    }
}

/// Reads the date and time that a message begins with.
fn line(raw: &str) -> Option<Line<'_>> {
    let raw = raw.trim_start_matches(is_mark);
    let (head, rest, in_brackets) = match raw.strip_prefix('[') {
        Some(inside) => inside.split_once(']').map(|(head, rest)| (head, rest, true))?,
        None => raw.split_once(" - ").map(|(head, rest)| (head, rest, false))?,
    };
    const LONGEST: usize = 40;
    if head.len() > LONGEST || !head.starts_with(|letter: char| letter.is_ascii_digit()) {
        return None;
    }
    let (date, time) = head.split_once([',', ' '])?;
    let mut numbers = date.split(['/', '.', '-']).map(|part| part.trim().parse::<i16>().ok());
    let date = [numbers.next()??, numbers.next()??, numbers.next()??];
    let time = time.trim_matches(|letter: char| letter.is_whitespace() || letter == ',');
    let letters: String =
        time.chars().filter(|letter| letter.is_alphabetic()).flat_map(char::to_lowercase).collect();
    let digits = time.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let mut parts = digits.split([':', '.']).map(|part| part.trim().parse::<i8>().ok());
    let (mut hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next().flatten().unwrap_or(0);
    let twelve_hours = matches!(letters.as_str(), "am" | "pm");
    if twelve_hours {
        hour = hour % 12 + if letters == "pm" { 12 } else { 0 };
    }
    let rest = if in_brackets { rest.trim_start() } else { rest };
    Some(Line { date, time: (hour, minute, second), twelve_hours, rest })
}

/// The invisible marks of writing direction that WhatsApp strews in.
fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{feff}' | '\u{202a}'..='\u{202e}')
}
