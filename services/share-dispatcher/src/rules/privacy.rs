//! What never leaves: addresses, telephones, CCs. What goes on is built anew from
//! checked fields; CCs go as far as comment-sync, which keeps them for notices.

use contracts::command::{Cc, SentTag, SetBy, TicketShare, TicketUpdate};
use contracts::comment::Comment;
use contracts::sync::{FieldChanges, StatusChange, TagChange, TransferComment};
use contracts::{AccountName, Actor, Decision, Item, Person, Reason};

/// The part of a command that may go on, and what stayed.
#[derive(Debug, Default)]
pub(super) struct Clean {
    pub comments: Vec<TransferComment>,
    pub fields: FieldChanges,
    pub ccs: Option<Vec<Cc>>,
    pub decisions: Vec<Decision>,
}

/// The part of a share that may go on.
pub(super) fn of_share(account: &AccountName, share: &TicketShare) -> Clean {
    let ticket = &share.ticket;
    let mut decisions = Vec::new();
    if ticket.requester.email.is_some() || ticket.requester.phone.is_some() {
        decisions.push(Decision::withheld(Item::Requester, Reason::AddressStays));
    }
    if !ticket.ccs.is_empty() {
        decisions.push(Decision::withheld(Item::Ccs, Reason::CcsStay));
    }
    Clean {
        comments: comments(account, &share.actor, &ticket.comments),
        fields: FieldChanges {
            status: Some(StatusChange {
                status: Some(ticket.status),
                custom_status: ticket.custom_status.clone(),
            }),
            tags: ticket.tags.iter().map(added).collect(),
            custom_fields: ticket.custom_fields.clone(),
        },
        ccs: Some(ticket.ccs.clone()),
        decisions,
    }
}

/// The part of an update that may go on.
pub(super) fn of_update(account: &AccountName, update: &TicketUpdate) -> Clean {
    let status =
        StatusChange { status: update.status, custom_status: update.custom_status.clone() };
    let given = status.status.is_some() || status.custom_status.is_some();
    let tags = update.tags.clone().unwrap_or_default();
    let removed = tags.remove.iter().map(|tag| TagChange {
        name: tag.name.clone(),
        present: false,
        by_rule: tag.removed_by == SetBy::Rule,
    });
    Clean {
        comments: comments(account, &update.actor, &update.comments),
        fields: FieldChanges {
            status: given.then_some(status),
            tags: tags.add.iter().map(added).chain(removed).collect(),
            custom_fields: update.custom_fields.clone(),
        },
        ccs: update.ccs.clone(),
        decisions: update
            .ccs
            .iter()
            .map(|_| Decision::withheld(Item::Ccs, Reason::CcsStay))
            .collect(),
    }
}

fn added(tag: &SentTag) -> TagChange {
    TagChange { name: tag.name.clone(), present: true, by_rule: tag.added_by == SetBy::Rule }
}

fn comments(account: &AccountName, actor: &Actor, comments: &[Comment]) -> Vec<TransferComment> {
    let clean = |comment: &Comment| TransferComment {
        id: comment.id.clone(),
        author: Person::standing_for(account, comment.author.as_ref().unwrap_or(actor)),
        body: comment.body.clone(),
        html_body: comment.html_body.clone(),
        public: comment.public,
        authored_at: comment.authored_at,
        attachments: comment.attachments.clone(),
        call: comment.call.clone(),
    };
    comments.iter().map(clean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::samples::Desk;

    #[test]
    fn r_23_r_41_no_address_goes_on() {
        let mut share = Desk::sample_share("1");
        share.ticket.requester.email = Some("r@acme.example".into());
        share.ticket.requester.phone = Some("+39 055 1".into());
        share.ticket.requester.name = "r@acme.example".into();
        share.ticket.ccs = vec![Cc { name: "C".into(), email: "c@acme.example".into() }];
        let account = AccountName::new("acme").unwrap();
        let clean = of_share(&account, &share);
        let text = serde_json::to_string(&(
            &clean.comments,
            &clean.fields,
            Person::standing_for(&account, &share.ticket.requester),
        ));
        assert!(!text.unwrap().contains("acme.example"));
        let reasons: Vec<_> = clean.decisions.iter().map(|decision| decision.reason).collect();
        assert_eq!(reasons, [Some(Reason::AddressStays), Some(Reason::CcsStay)]);
    }
}
