//! What tickets would come to under an agreement's terms, from the receipts of dry runs.

use std::collections::{BTreeMap, BTreeSet};

use contracts::{ItemOutcome, Reason, Receipt, ReceiptOutcome};

use super::withheld::is_mendable;

/// What a rehearsal came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rehearsed {
    /// Tickets that would cross whole.
    pub whole: usize,
    /// Tickets of which something would stay or arrive as something else.
    pub partly: usize,
    /// Tickets that would not be shared.
    pub refused: usize,
    /// Tickets that nobody answered for yet.
    pub waiting: usize,
    /// Why, what can be mended first, then what there is most of.
    pub kept: Vec<ReasonEffect>,
}

/// What one reason does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReasonEffect {
    /// Why.
    pub reason: Reason,
    /// Whether it would arrive as something else, and not stay.
    pub is_mapped: bool,
    /// Items that it touches.
    pub items: usize,
    /// Tickets that have any.
    pub tickets: BTreeSet<String>,
}

/// Sums up the receipts of tickets, each by its number.
#[must_use]
pub fn rehearsed(answers: &[(String, Option<Receipt>)]) -> Rehearsed {
    let mut all = Rehearsed::default();
    let mut kept: BTreeMap<(Reason, bool), ReasonEffect> = BTreeMap::new();
    for (number, receipt) in answers {
        let Some(receipt) = receipt else {
            all.waiting += 1;
            continue;
        };
        let reasons = reasons(receipt);
        if receipt.outcome == ReceiptOutcome::Rejected {
            all.refused += 1;
        } else if reasons.iter().any(|(reason, _)| !reason.never_crosses()) {
            all.partly += 1;
        } else {
            all.whole += 1;
        }
        for (reason, is_mapped) in reasons {
            let tickets = BTreeSet::new();
            let none = ReasonEffect { reason, is_mapped, items: 0, tickets };
            let entry = kept.entry((reason, is_mapped)).or_insert(none);
            entry.items += 1;
            entry.tickets.insert(number.clone());
        }
    }
    all.kept = kept.into_values().collect();
    all.kept.sort_by_key(|it| (!is_mendable(it.reason), std::cmp::Reverse(it.items)));
    all
}

/// Why something of a ticket would not cross as it is, once for each item.
fn reasons(receipt: &Receipt) -> Vec<(Reason, bool)> {
    if receipt.outcome == ReceiptOutcome::Rejected {
        return receipt.reason.map(|reason| (reason, false)).into_iter().collect();
    }
    let own = receipt.decisions.iter().filter(|decision| !decision.beyond);
    own.filter_map(|decision| match decision.outcome {
        ItemOutcome::Withheld => Some((decision.reason?, false)),
        ItemOutcome::Mapped => Some((decision.reason?, true)),
        _ => None,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn receipt(outcome: &str, reason: Option<&str>, decisions: &[(&str, &str)]) -> Receipt {
        let decisions: Vec<_> = decisions
            .iter()
            .map(|(outcome, reason)| {
                json!({ "item": "tag:vip", "outcome": outcome, "reason": reason })
            })
            .collect();
        let receipt = json!({ "command_id": "k", "command_type": "ticket.share.v1",
            "outcome": outcome, "reason": reason, "dry_run": true, "decisions": decisions });
        serde_json::from_value(receipt).unwrap()
    }

    #[test]
    fn each_ticket_is_counted_once_and_each_item_by_its_reason() {
        let stays = ("withheld", "tags_not_synced");
        let answers = [
            ("1", Some(receipt("applied", None, &[("transferred", "unchanged")]))),
            (
                "2",
                Some(receipt("partial", None, &[stays, stays, ("mapped", "on_hold_maps_to_open")])),
            ),
            ("3", Some(receipt("partial", None, &[stays, ("withheld", "type_mismatch")]))),
            ("4", Some(receipt("rejected", Some("ticket_closed"), &[]))),
            ("5", Some(receipt("applied", None, &[("withheld", "ccs_stay")]))),
            ("6", None),
        ];
        let answers: Vec<_> =
            answers.into_iter().map(|(number, it)| (number.to_owned(), it)).collect();
        let all = rehearsed(&answers);
        assert_eq!((all.whole, all.partly, all.refused, all.waiting), (2, 2, 1, 1));
        let kept: Vec<_> = all
            .kept
            .iter()
            .map(|it| (it.reason, it.is_mapped, it.items, it.tickets.len()))
            .collect();
        assert_eq!(kept[0], (Reason::TypeMismatch, false, 1, 1), "what can be mended comes first");
        assert_eq!(kept[1], (Reason::TagsNotSynced, false, 3, 2));
        assert!(kept.contains(&(Reason::OnHoldMapsToOpen, true, 1, 1)), "{kept:?}");
        assert!(kept.contains(&(Reason::TicketClosed, false, 1, 1)), "{kept:?}");
    }
}
