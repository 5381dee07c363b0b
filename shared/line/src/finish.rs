//! What the last stage sends for a transfer: one delivery per copy, and the receipt.

use std::collections::BTreeMap;

use contracts::delivery::{Delivery, FieldValues, StatusDelivered};
use contracts::sync::{Action, Transfer};
use contracts::{CopyId, Decision, ItemOutcome, Reason, Receipt, ReceiptOutcome, ShareId};

use crate::{Chain, HopTraversal, deliveries};

/// Field values for one copy, as its account knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopyFields {
    /// Status with custom status.
    pub status: Option<StatusDelivered>,
    /// Tags set.
    pub tags_added: Vec<String>,
    /// Tags taken off.
    pub tags_removed: Vec<String>,
    /// Custom fields by the receiver's key.
    pub custom_fields: FieldValues,
}

impl CopyFields {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What field-sync decided for a transfer; all empty where a transfer has no fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DecidedFields {
    /// The chain's revision after the decision; nothing where no field was touched.
    pub revision: Option<u64>,
    /// What changed, per copy.
    pub changes: BTreeMap<CopyId, CopyFields>,
    /// For a share: all that the new copy holds.
    pub created: CopyFields,
    /// Decisions for the receipt, after those of earlier stages.
    pub decisions: Vec<Decision>,
}

/// What is sent at the end of the line.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// To the desks of the other copies.
    pub deliveries: Vec<Delivery>,
    /// To the publisher's desk.
    pub receipt: Receipt,
}

/// Ends a transfer. `crossings` is the way from the publisher's copy; `rejected` is why nothing was
/// done, if nothing was.
///
/// Comments that an earlier stage decided for a copy are sent to it also where the way there has
/// ended since, and where the share that brought them came to nothing: that stage counts them as
/// held there.
#[must_use]
pub fn finish(
    transfer: &Transfer,
    chain: &Chain,
    crossings: &[HopTraversal],
    rejected: Option<Reason>,
    mut fields: DecidedFields,
) -> Finished {
    let mut receipt = transfer.command.receipt(ReceiptOutcome::Applied);
    receipt.share_id = share_of(&transfer.action).cloned();
    let mut told = Vec::new();
    if rejected.is_none() {
        match &transfer.action {
            Action::Share(sharing) => {
                if let Some(hop) = chain.hop(&sharing.share_id) {
                    told.extend(deliveries::created(transfer, sharing, hop, &fields));
                }
            }
            Action::Unshare { share_id } => {
                told.extend(chain.hop(share_id).map(|hop| deliveries::unshared(transfer, hop)));
            }
            Action::Update | Action::Redact { .. } | Action::Resync { .. } => {}
        }
    }
    let new_copy = match &transfer.action {
        Action::Share(sharing) => Some(CopyId::of_share(&sharing.share_id)),
        _ => None,
    };
    let out_of_the_way = transfer
        .decided_comments
        .keys()
        .filter(|copy| !crossings.iter().any(|crossing| crossing.to == **copy));
    // The publisher's own copy is at the end of no way from itself: what it asked for is told to it
    // elsewhere.
    let ended: Vec<HopTraversal> =
        out_of_the_way.filter_map(|copy| chain.crossing_to(&transfer.copy, copy)).collect();
    for crossing in
        crossings.iter().chain(&ended).filter(|crossing| Some(&crossing.to) != new_copy.as_ref())
    {
        let comments = transfer.decided_comments.get(&crossing.to).map_or(&[][..], Vec::as_slice);
        let changed = fields.changes.remove(&crossing.to).unwrap_or_default();
        told.extend(deliveries::updated(transfer, crossing, changed, fields.revision, comments));
    }
    if let Some(reason) = rejected {
        receipt.outcome = ReceiptOutcome::Rejected;
        return Finished { deliveries: told, receipt: receipt.because(reason, None) };
    }
    receipt.revision = fields.revision;
    receipt.decisions = transfer.decisions.iter().cloned().chain(fields.decisions).collect();
    receipt.outcome = receipt_outcome(&transfer.action, &receipt.decisions);
    if receipt.outcome == ReceiptOutcome::Ignored {
        receipt.reason = Some(Reason::Unchanged);
    }
    Finished { deliveries: told, receipt }
}

fn share_of(action: &Action) -> Option<&ShareId> {
    match action {
        Action::Share(sharing) => Some(&sharing.share_id),
        Action::Unshare { share_id } | Action::Resync { share_id } => Some(share_id),
        Action::Update | Action::Redact { .. } => None,
    }
}

/// What a command came to, from what became of its items.
#[must_use]
pub fn receipt_outcome(action: &Action, decisions: &[Decision]) -> ReceiptOutcome {
    let left_out = |decision: &Decision| {
        matches!(decision.outcome, ItemOutcome::Withheld | ItemOutcome::Superseded)
    };
    let unchanged = decisions.iter().all(|decision| decision.outcome == ItemOutcome::Unchanged);
    if decisions.iter().any(left_out) {
        return ReceiptOutcome::Partial;
    }
    match action {
        Action::Update if unchanged => ReceiptOutcome::Ignored,
        // One that waits for its comment has done something without an item to show for it.
        Action::Redact { .. } if unchanged && !decisions.is_empty() => ReceiptOutcome::Ignored,
        _ => ReceiptOutcome::Applied,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::Item;

    #[test]
    fn the_outcome_follows_from_the_items() {
        let decision = |outcome| Decision::new(Item::Status, outcome);
        let cases = [
            (vec![ItemOutcome::Transferred], ReceiptOutcome::Applied),
            (vec![ItemOutcome::Transferred, ItemOutcome::Withheld], ReceiptOutcome::Partial),
            (vec![ItemOutcome::Superseded], ReceiptOutcome::Partial),
            (vec![ItemOutcome::Unchanged], ReceiptOutcome::Ignored),
            (vec![ItemOutcome::Unchanged, ItemOutcome::Mapped], ReceiptOutcome::Applied),
        ];
        for (outcomes, expected) in cases {
            let decisions: Vec<_> = outcomes.into_iter().map(decision).collect();
            assert_eq!(receipt_outcome(&Action::Update, &decisions), expected, "{decisions:?}");
        }
    }
}
