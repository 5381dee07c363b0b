//! What never leaves: addresses, telephones, CCs. What goes on is built anew from
//! checked fields; CCs go as far as comment-sync, which keeps them for notices.

use contracts::command::{Cc, SentTag, SetBy, TicketShare, TicketUpdate};
use contracts::comment::Comment;
use contracts::contact::name_without_contact;
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
    } else {
        decisions.extend(rewritten([&ticket.requester]));
    }
    decisions.extend(rewritten(people(&share.actor, &ticket.comments)));
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
            .chain(rewritten(people(&update.actor, &update.comments)))
            .collect(),
    }
}

/// Who is shown to partners beside the requester.
fn people<'a>(
    actor: &'a Actor,
    comments: &'a [Comment],
) -> impl Iterator<Item = &'a Actor> + use<'a> {
    comments.iter().filter_map(|comment| comment.author.as_ref()).chain([actor])
}

/// Says that somebody is shown by another name than was sent, because that has an address or a
/// telephone number. Once, however many they are; the account's own words stay at home.
fn rewritten<'a>(people: impl IntoIterator<Item = &'a Actor>) -> Option<Decision> {
    let is_rewritten = |person: &&Actor| name_without_contact(&person.name) != person.name;
    let person = people.into_iter().find(is_rewritten)?;
    let detail = format!("the name of {:?} has an address or a telephone number", person.id);
    Some(Decision::withheld(Item::Requester, Reason::AddressStays).with_detail(detail))
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

    #[test]
    fn r_41_a_name_that_is_rewritten_is_a_decision() {
        let account = AccountName::new("acme").unwrap();
        let told = |requester: &str, actor: &str, author: &str| {
            let mut share = Desk::sample_share("1");
            (share.ticket.requester.email, share.ticket.requester.phone) = (None, None);
            share.ticket.requester.name = requester.into();
            share.actor.name = actor.into();
            share.ticket.ccs = Vec::new();
            for comment in &mut share.ticket.comments {
                comment.author = Some(Actor { name: author.into(), ..share.actor.clone() });
            }
            let decisions = of_share(&account, &share).decisions;
            decisions
                .iter()
                .map(|decision| (decision.item.to_string(), decision.reason))
                .collect::<Vec<_>>()
        };
        let stays = || ("requester".to_owned(), Some(Reason::AddressStays));
        assert_eq!(told("Kunde 10000001", "Ada", "Ada"), []);
        assert_eq!(told("Anna +390551234567", "Ada", "Ada"), [stays()]);
        assert_eq!(told("anna＠acme.example", "Ada", "Ada"), [stays()]);
        assert_eq!(told("Anna", "ada@acme.example", "Ada"), [stays()]);
        let update = |name: &str| {
            let share = Desk::sample_share("1");
            let actor = Actor { name: name.into(), ..share.actor };
            rewritten(people(&actor, &[])).map(|decision| decision.reason)
        };
        assert_eq!(update("Ada 2024-2025"), None);
        assert_eq!(update("Ada (055) 1234567"), Some(Some(Reason::AddressStays)));
    }
}
