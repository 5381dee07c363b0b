//! Numbers that never go back, though a database did: revisions and versions after a recovery.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Numbers of one epoch: 2^40, more than any chain or agreement ever counts.
const NUMBERS: u64 = 1 << 40;

/// Which recovery of the deployment a revision or version comes after; 0 before the first.
///
/// A database that was restored goes on counting where it once was, and desks ignore a number that
/// is not above the one they hold. After a recovery every number lies above all that were ever
/// given: at `epoch × 2^40` and up, and below 2^53, up to which JSON numbers are exact.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "u16", into = "u16")]
pub struct Epoch(#[schemars(range(max = 8191))] u16);

/// An epoch whose numbers would not stay below 2^53.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not 0 to {}", Epoch::LAST.0)]
pub struct InvalidEpoch;

impl Epoch {
    /// The last one.
    pub const LAST: Self = Self(8_191);

    /// The epoch of this number.
    ///
    /// # Errors
    /// When it is above the last one.
    pub fn new(epoch: u16) -> Result<Self, InvalidEpoch> {
        if epoch <= Self::LAST.0 { Ok(Self(epoch)) } else { Err(InvalidEpoch) }
    }

    /// The epoch that a revision or version was given in.
    #[must_use]
    pub fn of(number: u64) -> Self {
        u16::try_from(number / NUMBERS).map_or(Self::LAST, |epoch| Self(epoch.min(Self::LAST.0)))
    }

    /// The number of this epoch that stands for `number`; one of this epoch or a later one stands
    /// for itself. What was later stays later.
    #[must_use]
    pub fn raise(self, number: u64) -> u64 {
        let first = u64::from(self.0) * NUMBERS;
        if number >= first { number } else { first + count(number) }
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }
}

/// What was counted to give a revision or version, whatever its epoch.
#[must_use]
pub fn count(number: u64) -> u64 {
    number % NUMBERS
}

impl TryFrom<u16> for Epoch {
    type Error = InvalidEpoch;

    fn try_from(epoch: u16) -> Result<Self, InvalidEpoch> {
        Self::new(epoch)
    }
}

impl From<Epoch> for u16 {
    fn from(epoch: Epoch) -> Self {
        epoch.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_of_every_epoch_stay_where_json_can_tell_them() {
        assert!(Epoch::LAST.raise(NUMBERS - 1) < 1 << 53);
        assert_eq!(Epoch::new(8_192), Err(InvalidEpoch));
        assert!(serde_json::from_str::<Epoch>("8192").is_err());
        assert_eq!(serde_json::from_str::<Epoch>("8191").unwrap(), Epoch::LAST);
    }

    #[test]
    fn before_the_first_recovery_a_number_is_what_was_counted() {
        assert_eq!(Epoch::default().raise(7), 7);
        assert_eq!(Epoch::of(7), Epoch::default());
    }

    proptest! {
        #[test]
        fn c4_what_is_raised_lies_above_all_that_was_given_and_keeps_its_order(
            numbers in prop::collection::vec(0..NUMBERS, 2),
            before in 0_u16..8_191,
        ) {
            let (before, after) = (Epoch(before), Epoch(before + 1));
            let [one, other] = [numbers[0], numbers[1]].map(|number| before.raise(number));
            prop_assert!(after.raise(one) > one.max(other));
            prop_assert_eq!(after.raise(one).cmp(&after.raise(other)), one.cmp(&other));
            prop_assert_eq!(after.raise(after.raise(one)), after.raise(one));
            prop_assert_eq!(before.raise(after.raise(one)), after.raise(one));
            prop_assert_eq!(count(after.raise(one)), numbers[0]);
            prop_assert_eq!(Epoch::of(after.raise(one)), after);
        }
    }
}
