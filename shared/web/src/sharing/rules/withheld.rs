//! What stayed, by reason.

use std::collections::BTreeMap;

use contracts::reason::Class;
use contracts::{ItemOutcome, Reason, Receipt};

/// What stayed for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// Why.
    pub reason: Reason,
    /// How many items.
    pub items: usize,
    /// The share of the newest of them.
    pub latest: String,
}

/// Items that stayed, over the shares for which `counts` says so; receipts are the newest first.
/// What somebody can mend comes first, then what there is most of.
#[must_use]
pub fn by_reason(receipts: &[Receipt], counts: impl Fn(&str) -> bool) -> Vec<Withheld> {
    let mut found: BTreeMap<Reason, Withheld> = BTreeMap::new();
    for (share, reason) in stayed(receipts).filter(|(share, _)| counts(share)) {
        let entry = found.entry(reason);
        entry.or_insert_with(|| Withheld { reason, items: 0, latest: share.to_owned() }).items += 1;
    }
    let mut found: Vec<Withheld> = found.into_values().collect();
    found.sort_by_key(|it| (!is_mendable(it.reason), std::cmp::Reverse(it.items)));
    found
}

/// Share and reason of each item that stayed. What never crosses, whatever the terms, is left out.
pub fn stayed(receipts: &[Receipt]) -> impl Iterator<Item = (&str, Reason)> {
    receipts.iter().filter(|receipt| !receipt.dry_run).flat_map(|receipt| {
        receipt.decisions.iter().filter_map(|decision| {
            let share = decision.share_id.as_ref().or(receipt.share_id.as_ref())?;
            let stays = decision.outcome == ItemOutcome::Withheld;
            let reason = decision.reason.filter(|reason| stays && !reason.never_crosses())?;
            Some((share.as_str(), reason))
        })
    })
}

/// Whether somebody of the two sides can mend it.
#[must_use]
pub fn is_mendable(reason: Reason) -> bool {
    matches!(reason.class(), Class::Mendable(_))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ONE: &str = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10";
    const TWO: &str = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f11";

    fn receipt(share: &str, decisions: &[(&str, &str, Option<&str>)]) -> Receipt {
        let decisions: Vec<_> = decisions
            .iter()
            .map(|(item, outcome, reason)| {
                json!({ "item": item, "outcome": outcome, "reason": reason, "share_id": share })
            })
            .collect();
        serde_json::from_value(json!({ "command_id": "k", "command_type": "ticket.update.v1",
            "outcome": "partial", "decisions": decisions }))
        .unwrap()
    }

    #[test]
    fn what_can_be_mended_comes_first_and_what_never_crosses_is_not_counted() {
        let receipts = [
            receipt(
                ONE,
                &[
                    ("status", "withheld", Some("status_not_synced")),
                    ("comment:acme/1", "withheld", Some("public_comments_not_allowed")),
                    ("ccs", "withheld", Some("ccs_stay")),
                    ("tag:x", "transferred", None),
                ],
            ),
            receipt(TWO, &[("custom_field:a", "withheld", Some("type_mismatch"))]),
            receipt(TWO, &[("status", "withheld", Some("status_not_synced"))]),
        ];
        let found = by_reason(&receipts, |_| true);
        let told: Vec<_> =
            found.iter().map(|it| (it.reason, it.items, it.latest.as_str())).collect();
        assert_eq!(
            told,
            [
                (Reason::TypeMismatch, 1, TWO),
                (Reason::StatusNotSynced, 2, ONE),
                (Reason::PublicCommentsNotAllowed, 1, ONE),
            ]
        );
        assert_eq!(by_reason(&receipts, |share| share == TWO).len(), 2);
    }
}
