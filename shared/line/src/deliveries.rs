//! What a copy's desk is told: one function per message.

use std::io::{self, Write};

use contracts::comment::SharedComment;
use contracts::delivery::{
    Delivery, DeliveryBody, FieldValues, Received, Redaction, StatusDelivered, TagChanges,
    TicketCreated, TicketState, TicketUnshared, TicketUpdated,
};
use contracts::fields::Status;
use contracts::sync::{Hop, Sharing, Transfer};

use crate::finish::DecidedFields;
use crate::{CopyFields, HopTraversal};

/// Over this many bytes of comments a delivery is split; the rest follows as updates. Leaves room
/// for all else below 1 MiB.
const COMMENTS_PER_DELIVERY: usize = 640 * 1024;

/// `ticket.created`, with as many of the comments as fit; updates with the rest.
pub(crate) fn created(
    transfer: &Transfer,
    sharing: &Sharing,
    hop: &Hop,
    fields: &DecidedFields,
) -> Vec<Delivery> {
    let (first, rest) =
        split(transfer.decided_comments.get(&hop.far()).map_or(&[][..], Vec::as_slice));
    let status = fields
        .created
        .status
        .clone()
        .unwrap_or(StatusDelivered { status: Status::New, custom_status: None });
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
        comments: first,
        revision: fields.revision.unwrap_or_default(),
    };
    let crossing = HopTraversal::outbound(hop);
    let created = to_copy(&crossing, DeliveryBody::TicketCreated(Box::new(created)));
    std::iter::once(created)
        .chain(rest.into_iter().map(|part| said(transfer, &crossing, part)))
        .collect()
}

/// `ticket.updated` with what changed and as many of the comments as fit; further ones with the
/// rest. None where there is nothing to tell.
pub(crate) fn updated(
    transfer: &Transfer,
    crossing: &HopTraversal,
    changed: CopyFields,
    revision: Option<u64>,
    comments: &[SharedComment],
) -> Vec<Delivery> {
    if changed.is_empty() && comments.is_empty() {
        return Vec::new();
    }
    let (first, rest) = split(comments);
    let (added, removed) = (changed.tags_added.clone(), changed.tags_removed.clone());
    let mut update = TicketUpdated {
        revision: revision.filter(|_| !changed.is_empty()),
        status: changed.status.as_ref().map(|status| status.status),
        custom_status: changed.status.and_then(|status| status.custom_status),
        tags: (!added.is_empty() || !removed.is_empty())
            .then_some(TagChanges { add: added, remove: removed }),
        custom_fields: changed.custom_fields,
        comments: first,
        ..bare_update(transfer, crossing)
    };
    // Of custom fields the other account sees the value, not who changed it.
    if update.comments.is_empty() && update.status.is_none() && update.tags.is_none() {
        update.actor = None;
    }
    let update = to_copy(crossing, DeliveryBody::TicketUpdated(Box::new(update)));
    std::iter::once(update)
        .chain(rest.into_iter().map(|part| said(transfer, crossing, part)))
        .collect()
}

/// `ticket.updated` with comments alone, as many as it takes.
#[must_use]
pub fn comments(
    transfer: &Transfer,
    crossing: &HopTraversal,
    comments: &[SharedComment],
) -> Vec<Delivery> {
    updated(transfer, crossing, CopyFields::default(), None, comments)
}

/// `ticket.updated` that blanks a comment or one of its files.
#[must_use]
pub fn redacted(transfer: &Transfer, crossing: &HopTraversal, redaction: Redaction) -> Delivery {
    let update = TicketUpdated { redact: vec![redaction], ..bare_update(transfer, crossing) };
    to_copy(crossing, DeliveryBody::TicketUpdated(Box::new(update)))
}

/// `ticket.updated` that blanks what was redacted before `transfer`, while the copy was in no live
/// share: who did it is not who published the transfer.
#[must_use]
pub fn redacted_before(
    transfer: &Transfer,
    crossing: &HopTraversal,
    redact: Vec<Redaction>,
) -> Delivery {
    let update = TicketUpdated { redact, actor: None, ..bare_update(transfer, crossing) };
    to_copy(crossing, DeliveryBody::TicketUpdated(Box::new(update)))
}

/// `ticket.state` with as many of the comments as fit; updates with the rest. `crossing` leads to
/// the copy that is told of itself.
#[must_use]
pub fn state(transfer: &Transfer, crossing: &HopTraversal, state: TicketState) -> Vec<Delivery> {
    let (first, rest) = split(&state.comments);
    let state = to_copy(
        crossing,
        DeliveryBody::TicketState(Box::new(TicketState { comments: first, ..state })),
    );
    std::iter::once(state)
        .chain(rest.into_iter().map(|part| said(transfer, crossing, part)))
        .collect()
}

/// `ticket.unshared` to the receiver.
pub(crate) fn unshared(transfer: &Transfer, hop: &Hop) -> Delivery {
    let told = TicketUnshared {
        share_id: hop.share_id.clone(),
        ticket_id: hop.far_ticket.clone(),
        reason: "unshared".to_owned(),
        at: transfer.command.received_at,
    };
    to_copy(&HopTraversal::outbound(hop), DeliveryBody::TicketUnshared(Box::new(told)))
}

fn said(transfer: &Transfer, crossing: &HopTraversal, comments: Vec<SharedComment>) -> Delivery {
    to_copy(
        crossing,
        DeliveryBody::TicketUpdated(Box::new(TicketUpdated {
            comments,
            ..bare_update(transfer, crossing)
        })),
    )
}

fn bare_update(transfer: &Transfer, crossing: &HopTraversal) -> TicketUpdated {
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

fn to_copy(crossing: &HopTraversal, told: DeliveryBody) -> Delivery {
    Delivery {
        to: crossing.to_account().clone(),
        correlation_id: crossing.hop.share_id.to_string(),
        share_id: Some(crossing.hop.share_id.clone()),
        told,
    }
}

/// What fits into one delivery, and the rest in parts that each fit, in order; a single comment is
/// never over it.
fn split(comments: &[SharedComment]) -> (Vec<SharedComment>, Vec<Vec<SharedComment>>) {
    if comments.len() < 2 {
        return (comments.to_vec(), Vec::new());
    }
    let mut parts: Vec<Vec<SharedComment>> = Vec::new();
    let mut room = 0;
    for comment in comments {
        let size = size(comment);
        match parts.last_mut() {
            Some(part) if size <= room => part.push(comment.clone()),
            _ => {
                parts.push(vec![comment.clone()]);
                room = COMMENTS_PER_DELIVERY;
            }
        }
        room = room.saturating_sub(size);
    }
    let mut parts = parts.into_iter();
    (parts.next().unwrap_or_default(), parts.collect())
}

/// The bytes that a comment takes in a message.
#[must_use]
pub fn size(comment: &SharedComment) -> usize {
    let mut counted = Counted(0);
    serde_json::to_writer(&mut counted, comment).map_or(0, |()| counted.0)
}

/// Counts what is written, and keeps nothing of it.
struct Counted(usize);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::{CommentId, Person, people::Role};

    fn comment(number: usize, bytes: usize) -> SharedComment {
        SharedComment {
            id: CommentId::new(format!("acme/{number}")).unwrap(),
            author: Person {
                id: "p".into(),
                name: "Ada".into(),
                role: Role::EndUser,
                placeholder: true,
            },
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
        let (first, rest) = split(&comments);
        assert!(!rest.is_empty());
        let parts: Vec<_> = std::iter::once(first).chain(rest).collect();
        assert_eq!(parts.concat(), comments);
        for part in parts {
            assert!(serde_json::to_string(&part).unwrap().len() < 1024 * 1024);
        }
    }
}
