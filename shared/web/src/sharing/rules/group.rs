//! Where an agreement stands in the list.

use contracts::Reason;
use contracts::delivery::{AgreementState, AgreementStatus, Side};
use contracts::epoch::count;

/// Who has to do something, if anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AgreementGroup {
    /// In force.
    Active,
    /// An invite that this account decides.
    ForMe,
    /// An invite that the partner decides.
    ForThem,
    /// Declined or ended.
    Past,
}

impl AgreementGroup {
    /// In the order of the list.
    pub const ALL: [Self; 4] = [Self::Active, Self::ForMe, Self::ForThem, Self::Past];

    /// As links name it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::ForMe => "me",
            Self::ForThem => "them",
            Self::Past => "past",
        }
    }
}

/// Where an agreement stands.
#[must_use]
pub fn group(state: &AgreementState) -> AgreementGroup {
    match (state.status, state.side) {
        (AgreementStatus::Accepted, _) => AgreementGroup::Active,
        (AgreementStatus::Pending, Side::Receiver) => AgreementGroup::ForMe,
        (AgreementStatus::Pending, Side::Sender) => AgreementGroup::ForThem,
        (AgreementStatus::Declined | AgreementStatus::Inactive, _) => AgreementGroup::Past,
    }
}

/// How a past agreement ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The receiver declined.
    DeclinedByUs,
    /// The receiver declined.
    DeclinedByThem,
    /// The receiver declines all invites.
    DeclinedAutomatically,
    /// A party was renamed.
    Renamed,
    /// Its sender took the invite back before it was decided.
    Withdrawn,
    /// One side ended it.
    EndedByUs,
    /// The other did.
    EndedByThem,
}

impl Ending {
    /// The end of its text's key.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::DeclinedByUs => "declined_us",
            Self::DeclinedByThem => "declined_them",
            Self::DeclinedAutomatically => "declined_all",
            Self::Renamed => "renamed",
            Self::Withdrawn => "withdrawn",
            Self::EndedByUs => "ended_us",
            Self::EndedByThem => "ended_them",
        }
    }
}

/// How a past agreement ended; nothing for one that has not.
#[must_use]
pub fn ending(state: &AgreementState) -> Option<Ending> {
    let by_us = state.by.side == state.side;
    match (state.status, state.reason) {
        (AgreementStatus::Pending | AgreementStatus::Accepted, _) => None,
        (AgreementStatus::Declined, Some(Reason::InvitesDeclined)) => {
            Some(Ending::DeclinedAutomatically)
        }
        (AgreementStatus::Declined, _) if by_us => Some(Ending::DeclinedByUs),
        (AgreementStatus::Declined, _) => Some(Ending::DeclinedByThem),
        (AgreementStatus::Inactive, Some(Reason::AccountRenamed)) => Some(Ending::Renamed),
        // The invite is version 1 and its decision version 2: an end at 2 came instead of one.
        (AgreementStatus::Inactive, _)
            if count(state.version) == 2 && state.by.side == Side::Sender =>
        {
            Some(Ending::Withdrawn)
        }
        (AgreementStatus::Inactive, _) if by_us => Some(Ending::EndedByUs),
        (AgreementStatus::Inactive, _) => Some(Ending::EndedByThem),
    }
}

/// Whether this account may invite the partner again with the same terms: it was the sender, and
/// there is an end.
#[must_use]
pub fn may_invite_again(state: &AgreementState) -> bool {
    state.side == Side::Sender && group(state) == AgreementGroup::Past
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    pub(crate) fn state(
        status: &str,
        side: &str,
        by: &str,
        reason: Option<&str>,
    ) -> AgreementState {
        let party = |name: &str| json!({ "account": name, "address": name, "display_name": name });
        let mut state = json!({
            "agreement_id": "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10", "version": 1, "side": side,
            "sender": party("acme"), "receiver": party("globex"),
            "partner_support_addresses": [],
            "terms": { "comments": "public_and_private", "tags": true, "custom_fields": false },
            "status": status, "by": { "side": by, "name": "Jo" }, "at": "2026-11-27T10:00:00Z",
        });
        if let Some(reason) = reason {
            state["reason"] = json!(reason);
        }
        serde_json::from_value(state).unwrap()
    }

    #[test]
    fn an_invite_waits_for_its_receiver() {
        for (status, side, expected) in [
            ("pending", "receiver", AgreementGroup::ForMe),
            ("pending", "sender", AgreementGroup::ForThem),
            ("accepted", "sender", AgreementGroup::Active),
            ("declined", "receiver", AgreementGroup::Past),
            ("inactive", "sender", AgreementGroup::Past),
        ] {
            assert_eq!(group(&state(status, side, "sender", None)), expected, "{status} {side}");
        }
    }

    #[test]
    fn it_is_said_who_ended_it() {
        for (status, side, by, reason, expected) in [
            ("accepted", "sender", "receiver", None, None),
            ("declined", "sender", "receiver", None, Some(Ending::DeclinedByThem)),
            ("declined", "receiver", "receiver", None, Some(Ending::DeclinedByUs)),
            (
                "declined",
                "sender",
                "receiver",
                Some("invites_declined"),
                Some(Ending::DeclinedAutomatically),
            ),
            ("inactive", "sender", "sender", None, Some(Ending::EndedByUs)),
            ("inactive", "sender", "receiver", None, Some(Ending::EndedByThem)),
            ("inactive", "sender", "receiver", Some("account_renamed"), Some(Ending::Renamed)),
        ] {
            let state = state(status, side, by, reason);
            assert_eq!(ending(&state), expected, "{status} {side} {by}");
        }
    }

    #[test]
    fn an_invite_that_was_taken_back_was_never_deactivated() {
        for (version, side, by, expected) in [
            (2, "sender", "sender", Ending::Withdrawn),
            (2, "receiver", "sender", Ending::Withdrawn),
            (3, "sender", "sender", Ending::EndedByUs),
            (3, "receiver", "sender", Ending::EndedByThem),
        ] {
            let mut state = state("inactive", side, by, None);
            state.version = version;
            assert_eq!(ending(&state), Some(expected), "{version} {side} {by}");
        }
    }

    #[test]
    fn r_68_r_75_only_the_sender_invites_again_and_only_after_an_end() {
        for (status, side, may) in [
            ("declined", "sender", true),
            ("inactive", "sender", true),
            ("inactive", "receiver", false),
            ("accepted", "sender", false),
            ("pending", "sender", false),
        ] {
            assert_eq!(may_invite_again(&state(status, side, "sender", None)), may);
        }
    }
}
