//! Where a comment went, by what its command's receipt says.

use contracts::{CommentId, Decision, Item, ItemOutcome, Reason, Receipt, ReceiptOutcome};

use super::sharing::Share;

/// One mark below a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It came from this partner.
    CameFrom(String),
    /// It is at this partner.
    Crossed(String),
    /// It stayed before this partner.
    Stayed(String, Option<Reason>),
    /// It was not taken, and is here alone.
    Refused(Option<Reason>),
    /// No receipt is there yet.
    Waits,
}

/// The marks of a comment that was written here; `receipt` is of the command that carried it. It
/// went over every share that was live then, but for what the receipt says.
#[must_use]
pub fn of_own(comment: &CommentId, receipt: Option<&Receipt>, shares: &[Share]) -> Vec<Mark> {
    let Some(receipt) = receipt else { return vec![Mark::Waits] };
    if receipt.outcome == ReceiptOutcome::Rejected {
        return vec![Mark::Refused(receipt.reason)];
    }
    let about = Item::Comment(comment.clone());
    let decisions: Vec<&Decision> =
        receipt.decisions.iter().filter(|decision| decision.item == about).collect();
    if let Some(refused) = decisions
        .iter()
        .find(|decision| decision.share_id.is_none() && decision.outcome == ItemOutcome::Withheld)
    {
        return vec![Mark::Refused(refused.reason)];
    }
    let mut marks = Vec::new();
    for share in shares {
        let said = decisions.iter().find(|decision| {
            decision.share_id.as_ref().is_some_and(|id| id.to_string() == share.id)
        });
        match said {
            Some(decision) if decision.outcome == ItemOutcome::Withheld => {
                marks.push(Mark::Stayed(share.partner_name.clone(), decision.reason));
            }
            Some(_) => marks.push(Mark::Crossed(share.partner_name.clone())),
            // A share that began later, or had ended, is not spoken of.
            None if share.live && of_share(receipt, share) => {
                marks.push(Mark::Crossed(share.partner_name.clone()));
            }
            None => {}
        }
    }
    marks
}

/// Whether a receipt without a word about it is about this share: a share's own receipt is about no
/// other one.
fn of_share(receipt: &Receipt, share: &Share) -> bool {
    receipt.command_type != "ticket.share.v1"
        || receipt.share_id.as_ref().is_some_and(|id| id.to_string() == share.id)
}

#[cfg(test)]
mod tests {
    use contracts::ShareId;
    use contracts::delivery::Side;

    use super::super::sharing::samples::{agreement, share};
    use super::*;

    const INBOUND: &str = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10";
    const OUTBOUND: &str = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f11";

    fn shares() -> [Share; 2] {
        [
            Share { id: INBOUND.into(), ..share(Side::Receiver, agreement("a", "acme")) },
            Share { id: OUTBOUND.into(), ..share(Side::Sender, agreement("b", "initech")) },
        ]
    }

    fn comment() -> CommentId {
        CommentId::new("globex/1").unwrap()
    }

    fn receipt(outcome: ReceiptOutcome) -> Receipt {
        Receipt::new("k", "ticket.update.v1", outcome)
    }

    #[test]
    fn without_a_receipt_it_waits() {
        assert_eq!(of_own(&comment(), None, &shares()), [Mark::Waits]);
    }

    #[test]
    fn r_54_what_terms_keep_is_marked_and_the_rest_crossed() {
        let mut told = receipt(ReceiptOutcome::Partial);
        let stayed = Decision::withheld(Item::Comment(comment()), Reason::PublicCommentsNotAllowed);
        told.decisions.push(stayed.over(&ShareId::new(INBOUND).unwrap()));
        let stayed = Mark::Stayed("ACME".into(), Some(Reason::PublicCommentsNotAllowed));
        let marks = of_own(&comment(), Some(&told), &shares());
        assert_eq!(marks, [stayed, Mark::Crossed("INITECH".into())]);
    }

    #[test]
    fn r_24_without_a_word_it_crossed_to_all() {
        let marks = of_own(&comment(), Some(&receipt(ReceiptOutcome::Applied)), &shares());
        assert_eq!(marks, [Mark::Crossed("ACME".into()), Mark::Crossed("INITECH".into())]);
        let ended = shares().map(|share| Share { live: false, ..share });
        assert_eq!(of_own(&comment(), Some(&receipt(ReceiptOutcome::Applied)), &ended), []);
    }

    #[test]
    fn a_shares_receipt_is_about_that_share() {
        let mut told = Receipt::new("k", "ticket.share.v1", ReceiptOutcome::Applied);
        told.share_id = ShareId::new(OUTBOUND).ok();
        let marks = of_own(&comment(), Some(&told), &shares());
        assert_eq!(marks, [Mark::Crossed("INITECH".into())]);
    }

    #[test]
    fn what_was_refused_is_here_alone() {
        let told = receipt(ReceiptOutcome::Rejected).because(Reason::NotShared, None);
        let marks = of_own(&comment(), Some(&told), &shares());
        assert_eq!(marks, [Mark::Refused(Some(Reason::NotShared))]);
    }
}
