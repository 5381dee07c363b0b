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
    /// Whether the publisher's own copy holds something else than before, also where no other copy
    /// had to be told.
    pub took_effect: bool,
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
///
/// Of a dry run only the receipt is sent, and no revision in it: nothing was counted.
#[must_use]
pub fn finish(
    transfer: &Transfer,
    chain: &Chain,
    crossings: &[HopTraversal],
    rejected: Option<Reason>,
    fields: DecidedFields,
) -> Finished {
    let mut finished = done(transfer, chain, crossings, rejected, fields);
    if transfer.command.remarks.dry_run.is_some() {
        finished.deliveries.clear();
        finished.receipt.revision = None;
    }
    finished
}

fn done(
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
            Action::Update | Action::Redact { .. } | Action::Resync { .. } | Action::DryRun(_) => {}
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
        let receipt = transfer.command.remarks.told_in(receipt.because(reason, None));
        return Finished { deliveries: told, receipt };
    }
    receipt.revision = fields.revision;
    receipt.decisions = transfer.decisions.iter().cloned().chain(fields.decisions).collect();
    receipt.outcome = receipt_outcome(&transfer.action, &receipt.decisions, fields.took_effect);
    if receipt.outcome == ReceiptOutcome::Ignored {
        receipt.reason = Some(Reason::Unchanged);
    }
    Finished { deliveries: told, receipt: transfer.command.remarks.told_in(receipt) }
}

fn share_of(action: &Action) -> Option<&ShareId> {
    match action {
        Action::Share(sharing) => Some(&sharing.share_id),
        Action::Unshare { share_id } | Action::Resync { share_id } => Some(share_id),
        Action::Update | Action::Redact { .. } | Action::DryRun(_) => None,
    }
}

/// What a command came to, from what became of its items, and whether anything `took_effect` at the
/// publisher's own copy. What never crosses by rule is no part that was left out.
#[must_use]
pub fn receipt_outcome(
    action: &Action,
    decisions: &[Decision],
    took_effect: bool,
) -> ReceiptOutcome {
    let left_out = |decision: &Decision| {
        matches!(decision.outcome, ItemOutcome::Withheld | ItemOutcome::Superseded)
            && !decision.reason.is_some_and(Reason::never_crosses)
    };
    let said_again = |decision: &Decision| decision.reason == Some(Reason::Unchanged);
    let unchanged = decisions.iter().all(|decision| decision.outcome == ItemOutcome::Unchanged);
    if decisions.iter().any(left_out) {
        return ReceiptOutcome::Partial;
    }
    match action {
        Action::Update if unchanged && !took_effect => ReceiptOutcome::Ignored,
        // One that waits for its comment is kept: that is no saying again.
        Action::Redact { .. } if !decisions.is_empty() && decisions.iter().all(said_again) => {
            ReceiptOutcome::Ignored
        }
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
            let outcome = receipt_outcome(&Action::Update, &decisions, false);
            assert_eq!(outcome, expected, "{decisions:?}");
        }
    }

    #[test]
    fn r_48_what_took_effect_here_is_applied_also_when_nobody_had_to_be_told() {
        let unchanged = [Decision::new(Item::Status, ItemOutcome::Unchanged)];
        let outcome = |took_effect| receipt_outcome(&Action::Update, &unchanged, took_effect);
        assert_eq!(outcome(true), ReceiptOutcome::Applied);
        assert_eq!(outcome(false), ReceiptOutcome::Ignored);
    }

    #[test]
    fn r_23_r_31_r_41_what_never_crosses_does_not_make_a_receipt_partial() {
        let comment = contracts::CommentId::new("acme/1").unwrap();
        for (item, reason) in [
            (Item::Requester, Reason::AddressStays),
            (Item::Ccs, Reason::CcsStay),
            (Item::Recording(comment), Reason::RecordingStays),
            (Item::Attachment("a".into()), Reason::RecordingStays),
        ] {
            let stays = Decision::withheld(item, reason);
            let crossed = Decision::new(Item::Status, ItemOutcome::Transferred);
            let too_bad = Decision::withheld(Item::Status, Reason::StatusNotSynced);
            let outcome =
                |decisions: &[Decision]| receipt_outcome(&Action::Update, decisions, false);
            assert_eq!(outcome(&[stays.clone(), crossed]), ReceiptOutcome::Applied);
            assert_eq!(outcome(std::slice::from_ref(&stays)), ReceiptOutcome::Applied);
            assert_eq!(outcome(&[stays, too_bad]), ReceiptOutcome::Partial);
        }
    }

    #[test]
    fn a_redaction_that_waits_is_applied_and_one_said_again_is_not() {
        let comment_id = contracts::CommentId::new("acme/1").unwrap();
        let item = Item::Comment(comment_id.clone());
        let action = Action::Redact { comment_id, attachment_id: None };
        let waits = Decision::new(item, ItemOutcome::Unchanged).with_detail("it waits");
        let again = waits.clone().because(Reason::Unchanged);
        assert_eq!(receipt_outcome(&action, &[waits], false), ReceiptOutcome::Applied);
        assert_eq!(receipt_outcome(&action, &[again], false), ReceiptOutcome::Ignored);
    }
}
