//! Two accounts' rules can send a ticket to and fro for ever: after so many times they pause.

/// What a ticket's rules may have the line told within an hour.
pub const AN_HOUR: i64 = 10;

/// Whether the ticket's rules pause, by what they had the line told in the hour before.
#[must_use]
pub fn pauses(published: i64) -> bool {
    published >= AN_HOUR
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_pause_after_ten_within_an_hour() {
        assert_eq!([0, 9, 10, 11].map(pauses), [false, false, true, true]);
    }
}
