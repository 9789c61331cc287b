//! Times as documents write them.
//!
//! A time without a zone is taken for UTC: the same document gives the same result on every machine.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use kernel::Timestamp;

/// What Outlook calls zones, and their names in the time zone database.
const WINDOWS_ZONES: &[(&str, &str)] = &[
    ("AUS Eastern Standard Time", "Australia/Sydney"),
    ("Arabian Standard Time", "Asia/Dubai"),
    ("Argentina Standard Time", "America/Argentina/Buenos_Aires"),
    ("Atlantic Standard Time", "America/Halifax"),
    ("Central America Standard Time", "America/Guatemala"),
    ("Central Europe Standard Time", "Europe/Budapest"),
    ("Central European Standard Time", "Europe/Warsaw"),
    ("Central Standard Time", "America/Chicago"),
    ("China Standard Time", "Asia/Shanghai"),
    ("E. Africa Standard Time", "Africa/Nairobi"),
    ("E. South America Standard Time", "America/Sao_Paulo"),
    ("Eastern Standard Time", "America/New_York"),
    ("Egypt Standard Time", "Africa/Cairo"),
    ("FLE Standard Time", "Europe/Kiev"),
    ("GMT Standard Time", "Europe/London"),
    ("GTB Standard Time", "Europe/Bucharest"),
    ("Greenwich Standard Time", "Atlantic/Reykjavik"),
    ("Hawaiian Standard Time", "Pacific/Honolulu"),
    ("India Standard Time", "Asia/Kolkata"),
    ("Iran Standard Time", "Asia/Tehran"),
    ("Israel Standard Time", "Asia/Jerusalem"),
    ("Korea Standard Time", "Asia/Seoul"),
    ("Mountain Standard Time", "America/Denver"),
    ("New Zealand Standard Time", "Pacific/Auckland"),
    ("Pacific SA Standard Time", "America/Santiago"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("Pakistan Standard Time", "Asia/Karachi"),
    ("Romance Standard Time", "Europe/Paris"),
    ("Russian Standard Time", "Europe/Moscow"),
    ("SA Pacific Standard Time", "America/Bogota"),
    ("SE Asia Standard Time", "Asia/Bangkok"),
    ("Singapore Standard Time", "Asia/Singapore"),
    ("South Africa Standard Time", "Africa/Johannesburg"),
    ("Taipei Standard Time", "Asia/Taipei"),
    ("Tokyo Standard Time", "Asia/Tokyo"),
    ("Turkey Standard Time", "Europe/Istanbul"),
    ("US Mountain Standard Time", "America/Phoenix"),
    ("W. Central Africa Standard Time", "Africa/Lagos"),
    ("W. Europe Standard Time", "Europe/Berlin"),
];

/// Reads RFC 3339, ISO 8601 with or without a zone, RFC 2822, a date, or seconds or milliseconds since
/// 1970 in digits.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    const LONGEST: usize = 80;
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST {
        return None;
    }
    if let Ok(number) = text.parse::<f64>() {
        return of_number(number);
    }
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp(moment.as_millisecond()));
    }
    if let Ok(moment) = text.parse::<DateTime>() {
        return in_utc(moment);
    }
    let moment = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Timestamp(moment.timestamp().as_millisecond()))
}

/// A number of seconds since 1970, or of milli- or microseconds if it would be far in the future.
pub(crate) fn of_number(number: f64) -> Option<Timestamp> {
    // The years 1973 to 5138 in seconds; what is larger counts smaller units.
    const SECONDS: std::ops::Range<f64> = 1e8..1e11;
    let millis = match number {
        n if SECONDS.contains(&n) => n * 1e3,
        n if (1e11..1e14).contains(&n) => n,
        n if (1e14..1e17).contains(&n) => n / 1e3,
        _ => return None,
    };
    #[allow(clippy::cast_possible_truncation, reason = "it is below 1e14")]
    Some(Timestamp(millis.round() as i64))
}

/// A local time at an unknown place.
pub(crate) fn in_utc(moment: DateTime) -> Option<Timestamp> {
    let moment = TimeZone::UTC.to_timestamp(moment).ok()?;
    Some(Timestamp(moment.as_millisecond()))
}

/// A local time in a zone of the time zone database, as `Europe/Berlin`, or of Windows; `None` if there is
/// no such zone in the database that is built in.
pub(crate) fn in_zone(moment: DateTime, zone: &str) -> Option<Timestamp> {
    let windows = WINDOWS_ZONES.iter().find(|(name, _)| *name == zone);
    let zone = windows.map_or(zone, |(_, name)| name);
    let zone = TimeZoneDatabase::bundled().get(zone).ok()?;
    let moment = zone.to_timestamp(moment).ok()?;
    Some(Timestamp(moment.as_millisecond()))
}

/// A date and time from numbers, in UTC.
pub(crate) fn of_parts(date: (i16, i8, i8), time: (i8, i8, i8)) -> Option<Timestamp> {
    in_utc(date_time(date, time)?)
}

/// A date and time from numbers.
pub(crate) fn date_time(date: (i16, i8, i8), time: (i8, i8, i8)) -> Option<DateTime> {
    let date = Date::new(date.0, date.1, date.2).ok()?;
    Some(DateTime::from_parts(date, Time::new(time.0, time.1, time.2, 0).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_documents_write_them() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(parse(text).map_or(String::new(), |time| time.to_string()), expected, "{text}");
        }
        check("2023-11-14T22:13:20Z", "2023-11-14T22:13:20.000Z");
        check("2023-11-14T22:13:20.5+01:00", "2023-11-14T21:13:20.500Z");
        check("2023-11-14 22:13", "2023-11-14T22:13:00.000Z");
        check("2023-11-14", "2023-11-14T00:00:00.000Z");
        check("1700000000", "2023-11-14T22:13:20.000Z");
        check("1700000000123", "2023-11-14T22:13:20.123Z");
        check("1700000000.123", "2023-11-14T22:13:20.123Z");
        check("Tue, 14 Nov 2023 22:13:20 +0000", "2023-11-14T22:13:20.000Z");
        check("yesterday", "");
        check("12", "");
        check("", "");
    }

    #[test]
    fn a_zone_of_the_database_is_known_on_every_machine() {
        let noon = date_time((2024, 7, 1), (12, 0, 0)).expect("a time");
        assert_eq!(in_zone(noon, "Europe/Berlin"), parse("2024-07-01T10:00:00Z"));
        assert_eq!(in_zone(noon, "W. Europe Standard Time"), parse("2024-07-01T10:00:00Z"));
        for (name, zone) in WINDOWS_ZONES {
            assert!(in_zone(noon, zone).is_some(), "{name}");
        }
        assert_eq!(in_zone(noon, "Nowhere/At all"), None);
    }
}
