//! How times are written. The protocol's prose and its examples disagree, so each implementation
//! has a form of its own.

use chrono::{DateTime, FixedOffset, SecondsFormat, TimeDelta, Utc};

/// The form of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeForm {
    /// `2026-11-29 22:00:00 -0800`, so many minutes east of Greenwich.
    Offset { minutes: i32 },
    /// `2026-11-30 06:00:00`, which has to be taken for UTC.
    NoZone,
    /// `2026-11-30`.
    DateAlone,
    /// `2026-11-30T06:00:00Z`, as the protocol's prose has it.
    XmlSchema,
}

/// A time as a dialect writes it.
#[must_use]
pub fn written(at: DateTime<Utc>, form: TimeForm) -> String {
    match form {
        TimeForm::Offset { minutes } => {
            let sign = if minutes < 0 { '-' } else { '+' };
            let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
            let there = at.naive_utc() + TimeDelta::minutes(i64::from(minutes));
            format!("{} {sign}{hours:02}{rest:02}", there.format("%Y-%m-%d %H:%M:%S"))
        }
        TimeForm::NoZone => at.format("%Y-%m-%d %H:%M:%S").to_string(),
        TimeForm::DateAlone => at.format("%Y-%m-%d").to_string(),
        TimeForm::XmlSchema => at.to_rfc3339_opts(SecondsFormat::Secs, true),
    }
}

/// A time that another implementation wrote, in any of the forms; without a zone it is UTC.
#[must_use]
pub fn read(text: &str) -> Option<DateTime<Utc>> {
    let zoned: Option<DateTime<FixedOffset>> = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S %z"))
        .ok();
    let without = || chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").ok();
    let day = || chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    zoned.map(|it| it.to_utc()).or_else(|| without().or_else(day).map(|it| it.and_utc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn six_in_the_morning() -> DateTime<Utc> {
        DateTime::from_timestamp(1_796_018_400, 0).expect("a time")
    }

    #[test]
    fn each_form_is_written_and_read_again() {
        let forms = [
            (TimeForm::Offset { minutes: -480 }, "2026-11-29 22:00:00 -0800"),
            (TimeForm::Offset { minutes: 330 }, "2026-11-30 11:30:00 +0530"),
            (TimeForm::NoZone, "2026-11-30 06:00:00"),
            (TimeForm::XmlSchema, "2026-11-30T06:00:00Z"),
        ];
        for (form, text) in forms {
            assert_eq!(written(six_in_the_morning(), form), text);
            assert_eq!(read(text), Some(six_in_the_morning()), "{text}");
        }
    }

    #[test]
    fn a_date_alone_is_its_midnight_and_other_text_is_no_time() {
        assert_eq!(written(six_in_the_morning(), TimeForm::DateAlone), "2026-11-30");
        assert_eq!(read("2026-11-30").map(|it| it.timestamp()), Some(1_796_018_400 - 6 * 3600));
        assert_eq!(read("yesterday"), None);
    }
}
