use serde::{Deserialize, Serialize};

use crate::{Decision, ItemOutcome, Reason, Receipt, ReceiptOutcome};

/// So many unknown members are named; of the others is said how many there are.
const NAMED: usize = 10;
/// Characters of a name that is told.
const NAME: usize = 100;

/// What the entry noted of a command, told in its receipt by whoever sends that.
///
/// Beside the receipt and the transfer's own decisions, because an earlier release in the middle of
/// the line parks a message with a reason or an item that it does not know. This it passes over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remarks {
    /// JSON pointers of members that the contract has not; the first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown_members: Vec<String>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_none")]
    pub more_unknown_members: usize,
    /// Of a dry run: nothing is to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<DryRun>,
    /// Nobody asked for it, so nobody gets its receipt: an operator recovers many shares by one
    /// command.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unasked: bool,
    /// Decisions about items, as they stand in the receipt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Decision>,
}

/// How a command is tried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DryRun {
    /// Whether its agreement is not accepted yet: what the receiver's side decides is not shown.
    #[serde(default)]
    pub draft: bool,
}

/// What the receipt of a share under a draft says.
const DRAFT: &str = "the agreement is not accepted: only what this side decides is told, nothing \
    of the receiver's fields and statuses";

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_none(number: &usize) -> bool {
    *number == 0
}

impl Remarks {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Notes a member that the contract has not, by its JSON pointer.
    pub fn add_unknown_member(&mut self, pointer: &str) {
        if self.unknown_members.len() == NAMED {
            self.more_unknown_members += 1;
            return;
        }
        let told = match pointer.char_indices().nth(NAME) {
            Some((end, _)) => format!("{}…", &pointer[..end]),
            None => pointer.to_owned(),
        };
        self.unknown_members.push(told);
    }

    /// The unknown members in a sentence; nothing where there are none.
    #[must_use]
    pub fn sentence(&self) -> Option<String> {
        if self.unknown_members.is_empty() {
            return None;
        }
        let named = self.unknown_members.join(", ");
        let more = match self.more_unknown_members {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Some(format!("{named}{more}: no member of the contract, and ignored"))
    }

    /// A receipt with what was noted of its command.
    #[must_use]
    pub fn told_in(&self, mut receipt: Receipt) -> Receipt {
        receipt.dry_run = self.dry_run.is_some();
        if self.dry_run.is_some_and(|run| run.draft) {
            receipt.detail.get_or_insert_with(|| DRAFT.to_owned());
        }
        if let Some(sentence) = self.sentence() {
            receipt.reason.get_or_insert(Reason::UnknownMembers);
            receipt.detail = Some(match receipt.detail {
                Some(detail) => format!("{detail}; {sentence}"),
                None => sentence,
            });
        }
        if receipt.outcome != ReceiptOutcome::Rejected {
            receipt.decisions.splice(0..0, self.decisions.iter().cloned());
        }
        if receipt.outcome == ReceiptOutcome::Applied && self.leave_something_out() {
            receipt.outcome = ReceiptOutcome::Partial;
        }
        receipt
    }

    fn leave_something_out(&self) -> bool {
        self.decisions.iter().any(|decision| decision.outcome == ItemOutcome::Withheld)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Item;

    fn unknown(count: usize) -> Remarks {
        let mut remarks = Remarks::default();
        (0..count).for_each(|number| remarks.add_unknown_member(&format!("/x{number}")));
        remarks
    }

    #[test]
    fn unknown_members_are_named_and_change_no_outcome() {
        let receipt = |outcome| Receipt::new("1", "ticket.update.v1", outcome);
        let told = unknown(2).told_in(receipt(ReceiptOutcome::Applied));
        assert_eq!(told.outcome, ReceiptOutcome::Applied);
        assert_eq!(told.reason, Some(Reason::UnknownMembers));
        let detail = told.detail.unwrap();
        assert!(detail.starts_with("/x0, /x1: "), "{detail}");
        let refused = receipt(ReceiptOutcome::Rejected)
            .because(Reason::Malformed, "/ticket_id: is required".to_owned());
        let told = unknown(1).told_in(refused);
        assert_eq!(told.reason, Some(Reason::Malformed), "what is said already stands");
        let detail = told.detail.unwrap();
        assert!(detail.starts_with("/ticket_id: is required; /x0: "), "{detail}");
        let plain = receipt(ReceiptOutcome::Applied);
        assert_eq!(Remarks::default().told_in(plain.clone()), plain);
    }

    #[test]
    fn what_is_told_of_unknown_members_is_bounded() {
        let mut remarks = unknown(60_000);
        assert_eq!(remarks.unknown_members.len() + remarks.more_unknown_members, 60_000);
        assert!(remarks.sentence().unwrap().len() < 200);
        remarks = Remarks::default();
        (0..NAMED).for_each(|_| remarks.add_unknown_member(&"ü".repeat(100_000)));
        assert!(remarks.sentence().unwrap().len() < 3_000);
    }

    #[test]
    fn what_stays_makes_a_receipt_partial_and_is_not_told_of_a_refused_one() {
        let remarks = Remarks {
            decisions: vec![Decision::withheld(Item::Attachment("a".into()), Reason::BadLink)],
            ..Remarks::default()
        };
        for (outcome, told, decisions) in [
            (ReceiptOutcome::Applied, ReceiptOutcome::Partial, 1),
            (ReceiptOutcome::Ignored, ReceiptOutcome::Ignored, 1),
            (ReceiptOutcome::Rejected, ReceiptOutcome::Rejected, 0),
        ] {
            let receipt = remarks.told_in(Receipt::new("1", "ticket.update.v1", outcome));
            assert_eq!((receipt.outcome, receipt.decisions.len()), (told, decisions));
        }
    }

    #[test]
    fn an_earlier_release_reads_a_command_with_remarks_and_the_other_way_round() {
        let remarks = unknown(1);
        let text = serde_json::to_string(&remarks).unwrap();
        assert_eq!(serde_json::from_str::<Remarks>(&text).unwrap(), remarks);
        assert_eq!(serde_json::from_str::<Remarks>("{}").unwrap(), Remarks::default());
        assert_eq!(serde_json::to_string(&Remarks::default()).unwrap(), "{}");
    }
}
