//! A place in an account's log.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// A place in an account's log: what stands at or before it was read. Written as one word, of which
/// a reader understands nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Which log: one that was restored is another.
    pub incarnation: Uuid,
    /// The last position that was read; 0 before the first.
    pub position: i64,
}

/// Why a cursor leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// It is none of ours.
    #[error("it is no cursor of this log")]
    Unreadable,
    /// Of another log, beyond its end, or older than what is kept.
    #[error("what stood there is no longer kept; read the state anew and go on from its cursor")]
    Gone,
}

impl Cursor {
    /// Whether it stands in the log: not beyond `head`, and not before what `oldest` leaves.
    ///
    /// # Errors
    /// [`CursorError::Gone`].
    pub fn check(
        self,
        incarnation: Uuid,
        head: i64,
        oldest: Option<i64>,
    ) -> Result<(), CursorError> {
        let first = oldest.unwrap_or(head + 1);
        let stands =
            self.incarnation == incarnation && self.position <= head && self.position + 1 >= first;
        if stands { Ok(()) } else { Err(CursorError::Gone) }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.incarnation.simple(), self.position)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let (incarnation, position) = text.split_once('.').ok_or(CursorError::Unreadable)?;
        let digits = !position.is_empty() && position.bytes().all(|byte| byte.is_ascii_digit());
        let cursor = Self {
            incarnation: Uuid::try_parse(incarnation).map_err(|_| CursorError::Unreadable)?,
            position: position.parse().map_err(|_| CursorError::Unreadable)?,
        };
        if digits && cursor.position < i64::MAX { Ok(cursor) } else { Err(CursorError::Unreadable) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: Uuid = Uuid::from_u128(7);

    #[test]
    fn a_cursor_reads_as_it_is_written() {
        let cursor = Cursor { incarnation: LOG, position: 42 };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        let log = LOG.simple();
        for wrong in [
            "",
            "42",
            "x.42",
            &format!("{log}.-1"),
            &format!("{log}.+1"),
            &format!("{log}."),
            &format!("{log}.9223372036854775807"),
            &format!("{log}.99999999999999999999"),
        ] {
            assert_eq!(wrong.parse::<Cursor>(), Err(CursorError::Unreadable), "{wrong}");
        }
    }

    #[test]
    fn only_what_is_kept_can_be_read_on_from() {
        let at = |position| Cursor { incarnation: LOG, position };
        let other = Cursor { incarnation: Uuid::from_u128(8), position: 5 };
        for (cursor, head, oldest, stands) in [
            (at(0), 0, None, true),
            (at(0), 9, Some(1), true),
            (at(3), 9, Some(4), true),
            (at(9), 9, Some(4), true),
            (at(9), 9, None, true),
            (at(2), 9, Some(4), false),
            (at(8), 9, None, false),
            (at(10), 9, Some(4), false),
            (other, 9, Some(4), false),
        ] {
            assert_eq!(
                cursor.check(LOG, head, oldest).is_ok(),
                stands,
                "{cursor:?} {head} {oldest:?}"
            );
        }
    }
}
