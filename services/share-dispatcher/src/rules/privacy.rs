//! What never leaves: addresses, telephones, CCs, files behind links that are none,
//! and comments of which nobody can tell who may see them. What goes on is built anew from checked
//! fields; CCs go as far as comment-sync, which keeps them for notices.

use contracts::command::{Cc, SentTag, SetBy, TicketShare, TicketUpdate};
use contracts::comment::{Attachment, Comment};
use contracts::contact::name_without_contact;
use contracts::sync::{FieldChanges, StatusChange, TagChange, TransferComment};
use contracts::{AccountName, Actor, Decision, Item, ItemOutcome, Reason, link};

use super::{Keys, Noted};

/// The part of a command that may go on, and what stayed.
#[derive(Debug, Default)]
pub(super) struct Clean {
    pub comments: Vec<TransferComment>,
    pub fields: FieldChanges,
    pub ccs: Option<Vec<Cc>>,
    pub decisions: Vec<Decision>,
    /// What stayed for a reason that an earlier release along the line does not know.
    pub remarks: Vec<Decision>,
}

/// The part of a share that may go on.
pub(super) fn of_share(
    keys: &Keys,
    account: &AccountName,
    share: &TicketShare,
    noted: &Noted,
) -> Clean {
    let ticket = &share.ticket;
    let mut decisions = Vec::new();
    let shown = std::iter::once(&ticket.requester).chain(people(&share.actor, &ticket.comments));
    let has_address = ticket.requester.email.is_some() || ticket.requester.phone.is_some();
    let address_stays = || Decision::withheld(Item::Requester, Reason::AddressStays);
    decisions.extend(rewritten(shown).or_else(|| has_address.then(address_stays)));
    if !ticket.ccs.is_empty() {
        decisions.push(Decision::withheld(Item::Ccs, Reason::CcsStay));
    }
    let (comments, remarks) = comments(keys, account, &share.actor, &ticket.comments, noted);
    Clean {
        comments,
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
        remarks,
    }
}

/// The part of an update that may go on.
pub(super) fn of_update(
    keys: &Keys,
    account: &AccountName,
    update: &TicketUpdate,
    noted: &Noted,
) -> Clean {
    let status =
        StatusChange { status: update.status, custom_status: update.custom_status.clone() };
    let given = status.status.is_some() || status.custom_status.is_some();
    let tags = update.tags.clone().unwrap_or_default();
    let removed = tags.remove.iter().map(|tag| TagChange {
        name: tag.name.clone(),
        present: false,
        by_rule: tag.removed_by == SetBy::Rule,
    });
    let (comments, remarks) = comments(keys, account, &update.actor, &update.comments, noted);
    Clean {
        comments,
        remarks,
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

fn comments(
    keys: &Keys,
    account: &AccountName,
    actor: &Actor,
    comments: &[Comment],
    noted: &Noted,
) -> (Vec<TransferComment>, Vec<Decision>) {
    let (mut clean, mut stays) = (Vec::new(), Vec::new());
    for (place, comment) in comments.iter().enumerate() {
        if let Some(member) = noted.unclear.get(&place) {
            let item = Item::Comment(comment.id.clone());
            stays.push(Decision::withheld(item, Reason::UnknownMembers).with_detail(format!(
                "{member:?} is no member of a comment, and looks like `public`, which is not given"
            )));
            continue;
        }
        if let Some(why) = noted.without_html.get(&place) {
            let item = Item::Comment(comment.id.clone());
            let mended = Decision::new(item, ItemOutcome::Mapped).because(Reason::Malformed);
            let detail = format!("its html_body stays, because {why}; its text goes");
            stays.push(mended.with_detail(detail));
        }
        let (attachments, bad) = attachments(comment);
        stays.extend(bad);
        clean.push(TransferComment {
            id: comment.id.clone(),
            author: keys.standing_for(account, comment.author.as_ref().unwrap_or(actor)),
            body: comment.body.clone(),
            html_body: comment.html_body.clone(),
            public: comment.public,
            authored_at: comment.authored_at,
            attachments,
            call: comment.call.clone(),
        });
    }
    (clean, stays)
}

/// The files behind links that may cross, and the others. A link is not repeated: it may hold a
/// password.
fn attachments(comment: &Comment) -> (Vec<Attachment>, Vec<Decision>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for file in &comment.attachments {
        match link::read(&file.url, link::SCHEMES) {
            Ok(url) => good.push(Attachment { url, ..file.clone() }),
            Err(why) => bad.push(
                Decision::withheld(Item::Attachment(file.id.clone()), Reason::BadLink)
                    .with_detail(format!("of comment {}: its url {why}", comment.id)),
            ),
        }
    }
    (good, bad)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::samples::{SampleDesk, keys};

    #[test]
    fn r_23_r_41_no_address_goes_on() {
        let mut share = SampleDesk::sample_share("1");
        share.ticket.requester.email = Some("r@acme.example".into());
        share.ticket.requester.phone = Some("+39 055 1".into());
        share.ticket.requester.name = "r@acme.example".into();
        share.ticket.ccs = vec![Cc { name: "C".into(), email: "c@acme.example".into() }];
        let account = AccountName::new("acme").unwrap();
        let clean = of_share(&keys(), &account, &share, &Noted::default());
        let text = serde_json::to_string(&(
            &clean.comments,
            &clean.fields,
            keys().standing_for(&account, &share.ticket.requester),
        ));
        assert!(!text.unwrap().contains("acme.example"));
        let reasons: Vec<_> = clean.decisions.iter().map(|decision| decision.reason).collect();
        assert_eq!(reasons, [Some(Reason::AddressStays), Some(Reason::CcsStay)]);
    }

    #[test]
    fn r_41_a_name_that_is_rewritten_is_a_decision() {
        let account = AccountName::new("acme").unwrap();
        let told = |requester: &str, actor: &str, author: &str| {
            let mut share = SampleDesk::sample_share("1");
            (share.ticket.requester.email, share.ticket.requester.phone) = (None, None);
            share.ticket.requester.name = requester.into();
            share.actor.name = actor.into();
            share.ticket.ccs = Vec::new();
            for comment in &mut share.ticket.comments {
                comment.author = Some(Actor { name: author.into(), ..share.actor.clone() });
            }
            let decisions = of_share(&keys(), &account, &share, &Noted::default()).decisions;
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
            let share = SampleDesk::sample_share("1");
            let actor = Actor { name: name.into(), ..share.actor };
            rewritten(people(&actor, &[])).map(|decision| decision.reason)
        };
        assert_eq!(update("Ada 2024-2025"), None);
        assert_eq!(update("Ada (055) 1234567"), Some(Some(Reason::AddressStays)));
    }

    fn file(id: &str, url: &str) -> Attachment {
        Attachment {
            id: id.into(),
            filename: "f".into(),
            url: url.into(),
            content_type: None,
            size: None,
        }
    }

    #[test]
    fn a_bad_link_keeps_its_own_file_back_and_nothing_else() {
        let mut share = SampleDesk::sample_share("1");
        let good = "https://acme.example/1";
        let bad = [
            "http://acme.example/1",
            "cid:1",
            "data:,x",
            "/files/1",
            "https://acme.example/a b",
            "https://acme.example/1\r\nX: y",
            "https://ada:secret@acme.example/1",
            "https:///1",
        ];
        let files = bad.iter().map(|url| file(url, url)).chain([file("good", good)]);
        share.ticket.comments[0].attachments =
            files.chain([file("loud", "HTTPS://acme.example/2")]).collect();
        share.ticket.comments.push(share.ticket.comments[0].clone());
        let account = AccountName::new("acme").unwrap();
        let clean = of_share(&keys(), &account, &share, &Noted::default());
        assert_eq!(clean.comments.len(), 2);
        for comment in &clean.comments {
            let urls: Vec<_> = comment.attachments.iter().map(|file| file.url.as_str()).collect();
            assert_eq!(urls, [good, "https://acme.example/2"]);
        }
        assert_eq!(clean.remarks.len(), bad.len() * 2);
        for decision in &clean.remarks {
            assert_eq!(decision.reason, Some(Reason::BadLink));
            assert!(!decision.detail.as_deref().unwrap().contains("secret"));
        }
    }

    #[test]
    fn a_comment_that_may_be_internal_stays() {
        let mut share = SampleDesk::sample_share("1");
        share.ticket.comments.push(share.ticket.comments[0].clone());
        let unclear = [(1, "is_public".to_owned())].into();
        let noted = Noted { unclear, ..Noted::default() };
        let clean = of_share(&keys(), &AccountName::new("acme").unwrap(), &share, &noted);
        assert_eq!(clean.comments.len(), 1);
        let [decision] = &clean.remarks[..] else { panic!("{clean:?}") };
        assert_eq!(decision.reason, Some(Reason::UnknownMembers));
        assert!(decision.detail.as_deref().unwrap().contains("is_public"));
    }
}
