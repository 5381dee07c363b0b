//! Who wins, at the publisher's copy (contract part 5).

use contracts::{AccountName, Epoch, Timestamp};

use super::state::{FieldState, OwnChange};

/// A change that asks to be accepted.
#[derive(Clone, Debug)]
pub struct ProposedChange<'a> {
    /// The publisher.
    pub account: &'a AccountName,
    /// Its place among the publisher's own changes.
    pub own: OwnChange,
    /// When it counts as made: as sent, but not later than it arrived.
    pub effective: Timestamp,
    /// The lowest revision that the publisher held among the fields it touches.
    pub base_revision: Option<u64>,
}

/// What becomes of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It stands.
    Accepted,
    /// A newer change of the publisher's own stands, or has stood.
    OlderOwn,
    /// Another account's change, made at the same time, stands.
    Lost,
}

/// When a change counts as made: a time in the future counts as its arrival.
#[must_use]
pub fn effective(occurred_at: Timestamp, received_at: Timestamp) -> Timestamp {
    occurred_at.min(received_at)
}

/// Decides between a change and what the publisher's copy holds.
#[must_use]
pub fn decide(held: Option<&FieldState>, change: &ProposedChange) -> Verdict {
    let Some(held) = held else { return Verdict::Accepted };
    if held.own.as_ref().is_some_and(|latest| *latest > change.own) {
        return Verdict::OlderOwn;
    }
    // A base of before a recovery still says what its desk had seen.
    let base = change.base_revision.map(|base| Epoch::of(held.revision).raise(base));
    let concurrent =
        held.account != *change.account && base.is_some_and(|base| held.revision > base);
    if concurrent && (held.occurred_at, &held.account) > (change.effective, change.account) {
        return Verdict::Lost;
    }
    Verdict::Accepted
}

#[cfg(test)]
mod tests {
    use super::super::scene::{name, time};
    use super::super::state::Value;
    use super::*;

    fn own(second: i64, message_id: &str) -> OwnChange {
        OwnChange { occurred_at: time(second), arrival: None, message_id: message_id.into() }
    }

    fn held(account: &str, revision: u64, second: i64, latest: Option<OwnChange>) -> FieldState {
        FieldState {
            value: Value::Tag(true),
            account: name(account),
            revision,
            occurred_at: time(second),
            own: latest,
        }
    }

    fn verdict(
        held: &FieldState,
        account: &str,
        second: i64,
        message_id: &str,
        base_revision: Option<u64>,
    ) -> Verdict {
        let account = name(account);
        decide(
            Some(held),
            &ProposedChange {
                account: &account,
                own: own(second, message_id),
                effective: time(second),
                base_revision,
            },
        )
    }

    #[test]
    fn of_own_changes_the_latest_counts_with_or_without_a_base() {
        let held = held("acme", 5, 10, Some(own(10, "m5")));
        for base in [None, Some(1), Some(9)] {
            assert_eq!(verdict(&held, "acme", 9, "m9", base), Verdict::OlderOwn);
            assert_eq!(verdict(&held, "acme", 10, "m4", base), Verdict::OlderOwn);
            assert_eq!(verdict(&held, "acme", 10, "m6", base), Verdict::Accepted);
            assert_eq!(verdict(&held, "acme", 11, "m1", base), Verdict::Accepted);
        }
    }

    #[test]
    fn c4_a_base_of_before_a_recovery_says_what_was_seen() {
        let epoch = Epoch::new(1).unwrap();
        let held = held("globex", epoch.raise(5), 10, None);
        assert_eq!(verdict(&held, "acme", 8, "m1", Some(5)), Verdict::Accepted, "it was seen");
        assert_eq!(verdict(&held, "acme", 8, "m1", Some(4)), Verdict::Lost);
    }

    #[test]
    fn of_own_changes_of_one_moment_the_one_that_arrived_later_counts() {
        let of = |arrival, message_id: &str| OwnChange { arrival, ..own(10, message_id) };
        let held = |arrival, message_id: &str| held("acme", 5, 10, Some(of(arrival, message_id)));
        let verdict = |held: &FieldState, own| {
            let (account, effective) = (name("acme"), time(10));
            decide(
                Some(held),
                &ProposedChange { account: &account, own, effective, base_revision: None },
            )
        };
        for (first, then, expected) in [
            ((Some(1), "m9"), (Some(2), "m1"), Verdict::Accepted),
            ((Some(2), "m1"), (Some(1), "m9"), Verdict::OlderOwn),
            ((Some(2), "m1"), (Some(2), "m2"), Verdict::Accepted),
            ((Some(2), "m2"), (Some(2), "m1"), Verdict::OlderOwn),
            ((None, "m9"), (Some(1), "m1"), Verdict::Accepted),
            ((Some(1), "m1"), (None, "m9"), Verdict::OlderOwn),
            ((None, "m1"), (None, "m2"), Verdict::Accepted),
        ] {
            let held = held(first.0, first.1);
            assert_eq!(verdict(&held, of(then.0, then.1)), expected, "{first:?} {then:?}");
        }
    }

    #[test]
    fn an_older_own_change_stays_superseded_when_another_account_wrote_since() {
        assert_eq!(
            verdict(&held("globex", 6, 1, Some(own(10, "m5"))), "acme", 9, "m9", None),
            Verdict::OlderOwn
        );
    }

    #[test]
    fn without_a_base_the_change_that_arrives_wins() {
        assert_eq!(verdict(&held("globex", 6, 100, None), "acme", 9, "m", None), Verdict::Accepted);
    }

    #[test]
    fn with_a_base_that_has_seen_it_the_change_wins_whatever_its_time() {
        assert_eq!(
            verdict(&held("globex", 6, 100, None), "acme", 9, "m", Some(6)),
            Verdict::Accepted
        );
    }

    #[test]
    fn of_concurrent_changes_the_later_wins_then_the_name_that_sorts_last() {
        assert_eq!(verdict(&held("globex", 6, 100, None), "acme", 99, "m", Some(5)), Verdict::Lost);
        assert_eq!(
            verdict(&held("globex", 6, 100, None), "acme", 101, "m", Some(5)),
            Verdict::Accepted
        );
        assert_eq!(
            verdict(&held("globex", 6, 100, None), "acme", 100, "m", Some(5)),
            Verdict::Lost
        );
        assert_eq!(
            verdict(&held("acme", 6, 100, None), "globex", 100, "m", Some(5)),
            Verdict::Accepted
        );
    }

    #[test]
    fn the_accounts_own_value_is_never_concurrent() {
        assert_eq!(
            verdict(&held("acme", 6, 100, Some(own(100, "m1"))), "acme", 100, "m2", Some(1)),
            Verdict::Accepted
        );
    }

    #[test]
    fn a_time_in_the_future_counts_as_its_arrival() {
        assert_eq!(effective(time(100), time(50)), time(50));
        assert_eq!(effective(time(40), time(50)), time(40));
    }
}
