//! Points in time as the contract writes them.

use std::fmt;
use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike, Duration, SecondsFormat, Utc};
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
        let time = DateTime::parse_from_rfc3339(text)
            .map(|time| Self::from(time.to_utc()))
            .map_err(|_| {
                format!(
                    "{:?} is not a date and time with an offset, such as 2026-03-01T10:00:00Z \
                     (RFC 3339)",
                    shown(text)
                )
            })?;
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
    fn adding_never_overflows() {
        let last = Timestamp(DateTime::<Utc>::MAX_UTC);
        assert_eq!(last.plus_seconds(i64::MAX), last);
    }
}
