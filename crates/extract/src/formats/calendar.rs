//! Calendars (iCalendar, RFC 5545): one block for each event, to-do and journal entry.
//!
//! A line that cannot be understood is passed over; the events around it are still read.

use std::collections::HashMap;

use jiff::civil::DateTime;
use kernel::Timestamp;

use crate::collector::{Collector, one_line};
use crate::document::{Place, Role};
use crate::error::Result;
use crate::moment;

pub(crate) fn read(text: &str, collector: &mut Collector<'_>) -> Result<()> {
    let mut event: Option<Event> = None;
    // Parts within an event, as its alarms: how many of them are open.
    let mut within = 0_usize;
    let mut number = 0;
    for line in unfolded(text) {
        collector.count(1)?;
        let Some(property) = Property::of(&line) else { continue };
        let component = property.value.trim().to_ascii_uppercase();
        match (property.name.as_str(), component.as_str()) {
            ("BEGIN", "VEVENT" | "VTODO" | "VJOURNAL") if event.is_none() => event = Some(Event::default()),
            ("BEGIN", _) => within += usize::from(event.is_some()),
            ("END", _) if within > 0 => within -= 1,
            ("END", "VEVENT" | "VTODO" | "VJOURNAL") => {
                if let Some(event) = event.take() {
                    number += 1;
                    event.push(number, collector)?;
                }
            }
            ("X-WR-CALNAME" | "NAME", _) if event.is_none() => {
                collector.set_title(&unescaped(&property.value))
            }
            _ => {
                if let Some(event) = event.as_mut().filter(|_| within == 0) {
                    event.take(&property, collector);
                }
            }
        }
    }
    // A file that was cut keeps its last event.
    event.map_or(Ok(()), |event| event.push(number + 1, collector))
}

#[derive(Default)]
struct Event {
    summary: String,
    place: String,
    description: String,
    start: Option<Moment>,
    end: Option<Moment>,
    repeats: String,
    status: String,
    organizer: Option<String>,
    attendees: Vec<String>,
}

/// A time as it is written and as it is.
struct Moment {
    written: String,
    time: Option<Timestamp>,
}

impl Event {
    fn take(&mut self, property: &Property, collector: &mut Collector<'_>) {
        const MOST_ATTENDEES: usize = 500;
        let text = || unescaped(&property.value);
        match property.name.as_str() {
            "SUMMARY" => self.summary = one_line(&text()),
            "LOCATION" => self.place = one_line(&text()),
            "DESCRIPTION" => self.description = text().trim().to_owned(),
            "DTSTART" => self.start = Some(property.moment(collector)),
            "DTEND" | "DUE" => self.end = Some(property.moment(collector)),
            "RRULE" => self.repeats = property.value.to_lowercase().replace(';', ", ").replace('=', " "),
            "STATUS" if property.value != "CONFIRMED" => self.status = property.value.to_lowercase(),
            "ORGANIZER" => self.organizer = Some(property.person()),
            "ATTENDEE" if self.attendees.len() < MOST_ATTENDEES => self.attendees.push(property.person()),
            _ => {}
        }
    }

    fn push(self, number: u64, collector: &mut Collector<'_>) -> Result<()> {
        let mut lines = vec![if self.summary.is_empty() { "(no title)".into() } else { self.summary }];
        let mut line = |name: &str, value: &str| {
            if !value.is_empty() {
                lines.push(format!("{name}: {value}"));
            }
        };
        let when = match (&self.start, &self.end) {
            (Some(start), Some(end)) if start.written != end.written => {
                format!("{} to {}", start.written, end.written)
            }
            (Some(moment), _) | (None, Some(moment)) => moment.written.clone(),
            (None, None) => String::new(),
        };
        line("When", &when);
        line("Repeats", &self.repeats);
        line("Where", &self.place);
        line("Organizer", self.organizer.as_deref().unwrap_or(""));
        line("Attendees", &self.attendees.join(", "));
        line("Status", &self.status);
        if !self.description.is_empty() {
            lines.push(String::new());
            lines.push(self.description);
        }
        let role = Role::Event {
            start: self.start.and_then(|moment| moment.time),
            end: self.end.and_then(|moment| moment.time),
            organizer: self.organizer,
        };
        collector.push(lines.join("\n"), role, Place::Events { first: number, last: number })
    }
}

/// `NAME;PARAMETER=value;…:value`
struct Property {
    name: String,
    parameters: HashMap<String, String>,
    value: String,
}

impl Property {
    fn of(line: &str) -> Option<Self> {
        let mut quoted = false;
        let is_end = |letter: char| {
            quoted ^= letter == '"';
            letter == ':' && !quoted
        };
        let (head, value) = line.split_at(line.find(is_end)?);
        let mut quoted = false;
        let mut parts = head.split(|letter: char| {
            quoted ^= letter == '"';
            letter == ';' && !quoted
        });
        let name = parts.next()?.trim().to_ascii_uppercase();
        let parameters = parts.filter_map(|part| part.split_once('='));
        let parameters =
            parameters.map(|(name, value)| (name.to_ascii_uppercase(), value.trim_matches('"').to_owned()));
        Some(Self { name, parameters: parameters.collect(), value: value[1..].to_owned() })
    }

    /// The name or address of a person.
    fn person(&self) -> String {
        let name = self.parameters.get("CN").filter(|name| !name.is_empty()).cloned();
        name.unwrap_or_else(|| {
            let address = self.value.get(..7).filter(|start| start.eq_ignore_ascii_case("mailto:"));
            self.value[address.map_or(0, str::len)..].to_owned()
        })
    }

    fn moment(&self, collector: &mut Collector<'_>) -> Moment {
        let value = self.value.trim();
        let zone = self.parameters.get("TZID").map(String::as_str);
        let Some((local, utc, whole_day)) = parse_moment(value) else {
            return Moment { written: value.to_owned(), time: None };
        };
        let date = local.date();
        if whole_day {
            return Moment { written: date.to_string(), time: moment::in_utc(local) };
        }
        let clock = format!("{date} {:02}:{:02}", local.hour(), local.minute());
        let time = match zone.filter(|_| !utc) {
            _ if utc => moment::in_utc(local),
            Some(zone) => moment::in_zone(local, zone).or_else(|| {
                collector.note(format!("The time zone {zone} is not known and was taken for UTC"));
                moment::in_utc(local)
            }),
            None => {
                collector.note("Some times have no zone and were taken for UTC");
                moment::in_utc(local)
            }
        };
        let zone = if utc { " UTC".into() } else { zone.map(|zone| format!(" {zone}")).unwrap_or_default() };
        Moment { written: clock + &zone, time }
    }
}

/// `20240131`, `20240131T140000` or `20240131T140000Z`: the time, whether it is in UTC, and whether it is
/// a whole day.
fn parse_moment(value: &str) -> Option<(DateTime, bool, bool)> {
    let number = |from: usize, to: usize| value.get(from..to)?.parse::<i16>().ok();
    let small = |from: usize, to: usize| i8::try_from(number(from, to)?).ok();
    let date = (number(0, 4)?, small(4, 6)?, small(6, 8)?);
    if value.len() == 8 {
        return Some((moment::date_time(date, (0, 0, 0))?, false, true));
    }
    let time = (small(9, 11)?, small(11, 13)?, small(13, 15).unwrap_or(0).min(59));
    Some((moment::date_time(date, time)?, value.ends_with('Z'), false))
}

/// Lines whose continuations, which begin with a space, are joined to them.
fn unfolded(text: &str) -> impl Iterator<Item = String> {
    let mut lines = text.lines().peekable();
    std::iter::from_fn(move || {
        let mut line = lines.next()?.to_owned();
        while let Some(more) = lines.next_if(|next| next.starts_with([' ', '\t'])) {
            line.push_str(&more[1..]);
        }
        Some(line)
    })
}

fn unescaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('n' | 'N') => text.push('\n'),
                Some(letter) => text.push(letter),
                None => {}
            },
            letter => text.push(letter),
        }
    }
    text
}
