//! What the last stage sends for a transfer: one delivery per copy, and the receipt.

use std::collections::BTreeMap;

use contracts::comment::SharedComment;
use contracts::delivery::{
    Delivery, FieldValues, Received, StatusDelivered, TagChanges, TicketCreated, TicketUnshared, TicketUpdated, Told,
};
use contracts::fields::Status;
use contracts::sync::{Action, Hop, Sharing, Transfer};
use contracts::{CopyId, Decision, ItemOutcome, Reason, Receipt, ReceiptOutcome, ShareId};

use crate::{Chain, Crossing};

/// Over this many bytes of comments a delivery is split; the rest follows as updates. Leaves room for all else below 1 MiB.
const COMMENTS_PER_DELIVERY: usize = 640 * 1024;

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

/// Ends a transfer. `crossings` is the way from the publisher's copy; `ended` is why a share's own hop is not live, if it is not.
#[must_use]
pub fn finish(
    transfer: &Transfer,
    chain: &Chain,
    crossings: &[Crossing],
    ended: Option<Reason>,
    fields: DecidedFields,
) -> Finished {
    let mut receipt = transfer.command.receipt(ReceiptOutcome::Applied);
    receipt.share_id = share_of(&transfer.action).cloned();
    if let Some(reason) = ended {
        receipt.outcome = ReceiptOutcome::Rejected;
        return Finished { deliveries: Vec::new(), receipt: receipt.because(reason, None) };
    }
    let mut deliveries = Vec::new();
    match &transfer.action {
        Action::Share(sharing) => {
            if let Some(hop) = chain.hop(&sharing.share_id) {
                deliveries.extend(created(transfer, sharing, hop, &fields));
            }
        }
        Action::Unshare { share_id } => deliveries.extend(chain.hop(share_id).map(|hop| unshared(transfer, hop))),
        Action::Update => {}
    }
    let new_copy = share_of(&transfer.action).map(CopyId::of_share);
    for crossing in crossings.iter().filter(|crossing| Some(&crossing.to) != new_copy.as_ref()) {
        let comments = transfer.decided_comments.get(&crossing.to).map_or(&[][..], Vec::as_slice);
        let changed = fields.changes.get(&crossing.to).cloned().unwrap_or_default();
        deliveries.extend(updated(transfer, crossing, changed, fields.revision, comments));
    }
    receipt.revision = fields.revision;
    receipt.decisions = transfer.decisions.iter().cloned().chain(fields.decisions).collect();
    receipt.outcome = receipt_outcome(&transfer.action, &receipt.decisions);
    if receipt.outcome == ReceiptOutcome::Ignored {
        receipt.reason = Some(Reason::Unchanged);
    }
    Finished { deliveries, receipt }
}

fn share_of(action: &Action) -> Option<&ShareId> {
    match action {
        Action::Share(sharing) => Some(&sharing.share_id),
        Action::Unshare { share_id } => Some(share_id),
        Action::Update => None,
    }
}

/// What a command came to, from what became of its items.
#[must_use]
pub fn receipt_outcome(action: &Action, decisions: &[Decision]) -> ReceiptOutcome {
    let left_out = |decision: &Decision| matches!(decision.outcome, ItemOutcome::Withheld | ItemOutcome::Superseded);
    if decisions.iter().any(left_out) {
        ReceiptOutcome::Partial
    } else if *action == Action::Update && decisions.iter().all(|decision| decision.outcome == ItemOutcome::Unchanged) {
        ReceiptOutcome::Ignored
    } else {
        ReceiptOutcome::Applied
    }
}

fn created(transfer: &Transfer, sharing: &Sharing, hop: &Hop, fields: &DecidedFields) -> Vec<Delivery> {
    let comments = transfer.decided_comments.get(&hop.far()).map_or(&[][..], Vec::as_slice);
    let mut parts = split(comments).into_iter();
    let status = fields.created.status.clone().unwrap_or(StatusDelivered { status: Status::New, custom_status: None });
    let created = TicketCreated {
        share_id: hop.share_id.clone(),
        agreement_id: hop.agreement_id.clone(),
        received_from: hop.sender.clone(),
        via: Received::TicketSharing,
        original_ticket_id: sharing.original_ticket_id.clone(),
        subject: sharing.subject.clone(),
        requested_at: sharing.requested_at,
        status: status.status,
        custom_status: status.custom_status,
        requester: sharing.requester.clone(),
        form: "default".to_owned(),
        tags: fields.created.tags_added.clone(),
        custom_fields: fields.created.custom_fields.clone(),
        comments: parts.next().unwrap_or_default(),
        revision: fields.revision.unwrap_or_default(),
    };
    let mut deliveries = vec![to_copy(&Crossing::outbound(hop), Told::TicketCreated(Box::new(created)))];
    let crossing = Crossing::outbound(hop);
    deliveries.extend(parts.map(|part| {
        let more = TicketUpdated { comments: part, ..bare_update(transfer, &crossing) };
        to_copy(&crossing, Told::TicketUpdated(Box::new(more)))
    }));
    deliveries
}

fn updated(
    transfer: &Transfer,
    crossing: &Crossing,
    changed: CopyFields,
    revision: Option<u64>,
    comments: &[SharedComment],
) -> Vec<Delivery> {
    if changed.is_empty() && comments.is_empty() {
        return Vec::new();
    }
    let mut parts = split(comments).into_iter();
    let (added, removed) = (changed.tags_added.clone(), changed.tags_removed.clone());
    let first = TicketUpdated {
        revision: revision.filter(|_| !changed.is_empty()),
        status: changed.status.as_ref().map(|status| status.status),
        custom_status: changed.status.and_then(|status| status.custom_status),
        tags: (!added.is_empty() || !removed.is_empty()).then_some(TagChanges { add: added, remove: removed }),
        custom_fields: changed.custom_fields,
        comments: parts.next().unwrap_or_default(),
        ..bare_update(transfer, crossing)
    };
    let rest = parts.map(|part| TicketUpdated { comments: part, ..bare_update(transfer, crossing) });
    std::iter::once(first)
        .chain(rest)
        .map(|mut update| {
            // Of custom fields the other account sees the value, not who changed it.
            if update.comments.is_empty() && update.status.is_none() && update.tags.is_none() {
                update.actor = None;
            }
            to_copy(crossing, Told::TicketUpdated(Box::new(update)))
        })
        .collect()
}

fn bare_update(transfer: &Transfer, crossing: &Crossing) -> TicketUpdated {
    TicketUpdated {
        share_id: crossing.hop.share_id.clone(),
        ticket_id: crossing.to_ticket().cloned(),
        received_from: crossing.from_account().clone(),
        via: Received::TicketSharing,
        revision: None,
        actor: Some(transfer.actor.clone()),
        status: None,
        custom_status: None,
        tags: None,
        custom_fields: FieldValues::new(),
        comments: Vec::new(),
        redact: Vec::new(),
    }
}

fn unshared(transfer: &Transfer, hop: &Hop) -> Delivery {
    let told = TicketUnshared {
        share_id: hop.share_id.clone(),
        ticket_id: hop.far_ticket.clone(),
        reason: "unshared".to_owned(),
        at: transfer.command.received_at,
    };
    to_copy(&Crossing::outbound(hop), Told::TicketUnshared(Box::new(told)))
}

fn to_copy(crossing: &Crossing, told: Told) -> Delivery {
    Delivery {
        to: crossing.to_account().clone(),
        correlation_id: crossing.hop.share_id.to_string(),
        share_id: Some(crossing.hop.share_id.clone()),
        told,
    }
}

/// Parts of at most [`COMMENTS_PER_DELIVERY`] bytes, in order; a single comment is never over it.
fn split(comments: &[SharedComment]) -> Vec<Vec<SharedComment>> {
    let mut parts: Vec<Vec<SharedComment>> = Vec::new();
    let mut room = 0;
    for comment in comments {
        let size = serde_json::to_string(comment).map_or(0, |text| text.len());
        match parts.last_mut() {
            Some(part) if size <= room => part.push(comment.clone()),
            _ => {
                parts.push(vec![comment.clone()]);
                room = COMMENTS_PER_DELIVERY;
            }
        }
        room = room.saturating_sub(size);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::{CommentId, Item, Person, people::Role};

    fn comment(number: usize, bytes: usize) -> SharedComment {
        SharedComment {
            id: CommentId::new(format!("acme/{number}")).unwrap(),
            author: Person { id: "p".into(), name: "Ada".into(), role: Role::EndUser, placeholder: true },
            body: "x".repeat(bytes),
            html_body: None,
            public: true,
            authored_at: None,
            attachments: Vec::new(),
        }
    }

    #[test]
    fn long_histories_are_split_and_nothing_is_left_out() {
        let comments: Vec<_> = (0..10).map(|number| comment(number, 200 * 1024)).collect();
        let parts = split(&comments);
        assert!(parts.len() > 1);
        assert_eq!(parts.concat(), comments);
        for part in parts {
            assert!(serde_json::to_string(&part).unwrap().len() < 1024 * 1024);
        }
    }

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
