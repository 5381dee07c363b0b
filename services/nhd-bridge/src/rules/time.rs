//! Times as partners write them, and as we do: `2011-01-17 01:01:01 +0000`.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use contracts::Timestamp;

/// With an offset: `-0800`, `-08:00` and `Z` alike.
const WITH_OFFSET: [&str; 2] = ["%Y-%m-%d %H:%M:%S%.f %#z", "%Y-%m-%dT%H:%M:%S%.f%#z"];
const WITHOUT: [&str; 2] = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"];

/// Reads a time; one without an offset is taken in UTC. Nothing where the text is no time.
#[must_use]
pub fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim().replace(" UTC", " +0000").replace(" GMT", " +0000");
    let with_offset = || {
        let read = |form: &&str| DateTime::parse_from_str(&text, form).ok();
        WITH_OFFSET.iter().find_map(read).map(|time| time.to_utc())
    };
    let without =
        || WITHOUT.iter().find_map(|form| NaiveDateTime::parse_from_str(&text, form).ok());
    let day = || NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    if let Ok(time) = Timestamp::parse(&text) {
        return Some(time);
    }
    let time: DateTime<Utc> =
        with_offset().or_else(|| without().or_else(day).map(|time| time.and_utc()))?;
    // What RFC 3339 cannot write is no time of a ticket.
    Timestamp::parse(&Timestamp::from(time).to_string()).ok()
}

/// Writes a time.
#[must_use]
pub fn write(time: Timestamp) -> String {
    time.utc().format("%Y-%m-%d %H:%M:%S %z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_with_and_without_its_zone() {
        for (text, utc) in [
            ("2011-01-17 01:01:01 +0000", "2011-01-17T01:01:01.000Z"),
            ("2010-11-24 14:13:54 -0800", "2010-11-24T22:13:54.000Z"),
            ("2010-11-24 14:13:54 -08:00", "2010-11-24T22:13:54.000Z"),
            ("2010-11-24T14:13:54-0800", "2010-11-24T22:13:54.000Z"),
            ("2010-11-24T22:13:54Z", "2010-11-24T22:13:54.000Z"),
            ("2010-11-24 22:13:54Z", "2010-11-24T22:13:54.000Z"),
            ("2010-11-24T22:13:54.25Z", "2010-11-24T22:13:54.250Z"),
            ("2010-11-24 22:13:54 UTC", "2010-11-24T22:13:54.000Z"),
            ("2010-11-24 22:13:54", "2010-11-24T22:13:54.000Z"),
            ("2010-11-24T22:13:54", "2010-11-24T22:13:54.000Z"),
            (" 2010-11-24 ", "2010-11-24T00:00:00.000Z"),
        ] {
            assert_eq!(read(text).map(|time| time.to_string()).as_deref(), Some(utc), "{text}");
        }
        for text in ["", "yesterday", "1290636834", "2010-13-24 22:13:54 +0000", "24/11/2010"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_is_written_as_the_protocols_examples_are() {
        let time = Timestamp::parse("2010-11-24T14:13:54.5-08:00").unwrap();
        assert_eq!(write(time), "2010-11-24 22:13:54 +0000");
        assert_eq!(read(&write(time)).unwrap().utc().timestamp(), time.utc().timestamp());
    }
}
