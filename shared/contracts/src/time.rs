//! Points in time as the contract writes them.

use std::fmt;
use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike, Duration, NaiveDate, SecondsFormat, Timelike, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::ids::shown;

/// The years that RFC 3339 can write.
const YEARS: RangeInclusive<i32> = 0..=9999;

/// A point in time. Deskmesh reads any RFC 3339 offset and precision, and writes UTC with
/// milliseconds and `Z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(extend("format" = "date-time", "examples" = ["2026-03-01T10:00:00.000Z"]))]
pub struct Timestamp(#[schemars(with = "String")] DateTime<Utc>);

impl Timestamp {
    /// Reads RFC 3339.
    ///
    /// # Errors
    /// A sentence when the text is not a date and time with an offset, or cannot be written in UTC:
    /// RFC 3339 has years of four digits.
    pub fn parse(text: &str) -> Result<Self, String> {
        let read = if is_rfc_3339(text) { DateTime::parse_from_rfc3339(text).ok() } else { None };
        let read = read.map(|time| time.to_utc()).filter(|time| !is_odd_leap_second(time));
        let Some(time) = read.map(Self::from) else {
            return Err(format!(
                "{:?} is not a date and time with an offset, such as 2026-03-01T10:00:00Z \
                 (RFC 3339)",
                shown(text)
            ));
        };
        if YEARS.contains(&time.0.year()) {
            Ok(time)
        } else {
            Err(format!("{:?} is not in the years 0000 to 9999 of UTC", shown(text)))
        }
    }

    /// This time and `seconds` more; stays at the last representable time instead of overflowing.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        let later = Duration::try_seconds(seconds).and_then(|more| self.0.checked_add_signed(more));
        Self(later.unwrap_or(DateTime::<Utc>::MAX_UTC))
    }

    /// The time as `chrono` and the database know it.
    #[must_use]
    pub fn utc(self) -> DateTime<Utc> {
        self.0
    }
}

impl From<DateTime<Utc>> for Timestamp {
    /// Cuts to milliseconds, the precision that is written: what is sent and what is kept compare
    /// equal.
    fn from(time: DateTime<Utc>) -> Self {
        let cut = DateTime::from_timestamp_millis(time.timestamp_millis());
        Self(cut.unwrap_or(time))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// Whether a text is a day that exists, as exactly `YYYY-MM-DD`.
#[must_use]
pub fn is_day(text: &str) -> bool {
    has_shape(text, "dddd-dd-dd") && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

/// The grammar of RFC 3339, 5.6, with the blank between date and time that its note allows: chrono
/// reads more than that.
fn is_rfc_3339(text: &str) -> bool {
    const DATE_AND_TIME: &str = "dddd-dd-ddTdd:dd:dd";
    let Some((date_and_time, rest)) = text.split_at_checked(DATE_AND_TIME.len()) else {
        return false;
    };
    let (fraction, offset) = rest.split_at(rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len()));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    has_shape(date_and_time, DATE_AND_TIME)
        && (fraction.is_empty() || fraction.strip_prefix('.').is_some_and(digits))
        && (matches!(offset, "Z" | "z") || has_shape(offset, "+dd:dd"))
}

/// Holds a text against a shape, byte for byte: `d` is a digit, `T` what may stand between date and
/// time, `+` a sign, all else itself.
fn has_shape(text: &str, shape: &str) -> bool {
    let fits = |(byte, shape): (u8, u8)| match shape {
        b'd' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b't' | b' '),
        b'+' => matches!(byte, b'+' | b'-'),
        mark => byte == mark,
    };
    text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(fits)
}

/// A second 60 anywhere but at the end of a day of UTC, where alone there can be one.
fn is_odd_leap_second(time: &DateTime<Utc>) -> bool {
    time.nanosecond() >= 1_000_000_000 && (time.hour(), time.minute()) != (23, 59)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_any_offset_and_precision_and_writes_utc_milliseconds() {
        for (read, written) in [
            ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00.000Z"),
            ("2026-03-01T12:00:00.123456789+02:00", "2026-03-01T10:00:00.123Z"),
            ("2026-02-28T23:59:60Z", "2026-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(
                Timestamp::parse(read).map(|time| time.to_string()),
                Ok(written.to_owned()),
                "{read}"
            );
        }
        assert!(Timestamp::parse("2026-03-01 10:00").is_err());
        assert!(
            Timestamp::parse("2026-03-01T10:00:00").is_err(),
            "a time without an offset names no point in time"
        );
    }

    #[test]
    fn a_time_has_the_shape_of_rfc_3339_and_no_other() {
        for good in ["2026-03-01t10:00:00z", "2026-03-01 10:00:00+02:00", "2026-12-31T23:59:60Z"] {
            assert!(Timestamp::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "2026-03-01T10:00:00\u{2212}02:00",
            "2026-03-01T10:00:00+0200",
            "2026-03-01T10:00:00+02",
            "2026-03-01T10:00:00 +02:00",
            "2026-03-01T10:00:00+24:00",
            "2026-03-01T10:00:00+02:60",
            "2026-03-01T10:00:00.Z",
            "2026-03-01T10:00:00,5Z",
            "2026-03-01T10:00Z",
            "2026-03-01T24:00:00Z",
            "2026-03-01T12:00:60Z",
            "2026-3-01T10:00:00Z",
            "2026-03- 1T10:00:00Z",
            "+2026-03-01T10:00:00Z",
            " 2026-03-01T10:00:00Z",
            "2026-03-01T10:00:00Z\n",
            "2026-03-01  10:00:00Z",
            "0000-00-00T00:00:00Z",
            "2026-03-01\u{a0}10:00:00Z",
            "２０２６-03-01T10:00:00Z",
        ] {
            assert!(Timestamp::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_read_can_be_written_and_read_again() {
        for edge in [
            "0000-01-01T00:00:00Z",
            "0000-01-01T23:59:00+23:59",
            "9999-12-31T23:59:59.999Z",
            "9999-12-31T00:00:00-23:59",
        ] {
            let read = Timestamp::parse(edge).unwrap();
            assert_eq!(Timestamp::parse(&read.to_string()), Ok(read), "{edge}");
        }
        for beyond in
            ["0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:60Z"]
        {
            assert!(Timestamp::parse(beyond).is_err(), "{beyond}");
        }
    }

    #[test]
    fn a_day_is_written_in_one_way() {
        for good in ["2024-02-29", "0000-01-01", "9999-12-31"] {
            assert!(is_day(good), "{good}");
        }
        for bad in [
            "2024-02- 9",
            " 024-02-09",
            "+024-01-01",
            "-001-01-01",
            "2024-02-\t9",
            "2024-2-009",
            "2024-\u{a0}2-9",
            "2023-02-29",
            "0000-00-00",
            "2024-02-09 ",
            "2024/02/09",
            "",
        ] {
            assert!(!is_day(bad), "{bad:?}");
        }
    }

    #[test]
    fn adding_never_overflows() {
        let last = Timestamp(DateTime::<Utc>::MAX_UTC);
        assert_eq!(last.plus_seconds(i64::MAX), last);
    }

    proptest::proptest! {
        #[test]
        fn a_day_has_the_one_spelling_that_is_written(
            text in "[ +0-9-]{3,4}-[ +0-9]{2}-[ +0-9]{2}",
        ) {
            let written = NaiveDate::parse_from_str(&text, "%Y-%m-%d").map(|day| day.to_string());
            proptest::prop_assert_eq!(is_day(&text), written.is_ok_and(|written| written == text));
        }

        #[test]
        fn a_time_that_is_read_is_read_again_as_it_is_written(
            text in "[ +0-9]{4}-[ 0-2][0-9]-[0-3][0-9][Tt _]\
                [0-2][0-9]:[0-5][0-9]:[0-6][0-9](\\.[0-9]{0,12})?(Z|z|[+-][0-2][0-9]:?[0-6][0-9])",
        ) {
            if let Ok(time) = Timestamp::parse(&text) {
                proptest::prop_assert_eq!(Timestamp::parse(&time.to_string()), Ok(time));
                proptest::prop_assert!(
                    text.is_ascii() && !text.contains(['_', '+']) || text[19..].contains('+')
                );
            }
        }
    }
}
