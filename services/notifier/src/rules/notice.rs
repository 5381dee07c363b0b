//! `notice.v1`: one mail for each person it names, admin or CC, or none.

use std::collections::BTreeSet;

use contracts::Timestamp;
use contracts::ids::derive_id;
use contracts::sync::{About, CommentNotice, Notice, Recipient};
use uuid::Uuid;

use super::comment::readable;
use super::suppression::{folded, suppressed_by};

/// One notice to one recipient.
#[derive(Clone, Debug, PartialEq)]
pub struct Mail {
    /// Follows from message and address: the same message makes the same mail, however often it
    /// comes.
    pub id: Uuid,
    /// The message that asks for it.
    pub message_id: String,
    /// What the mail is made of: of `to` only the recipient is left, the partners' support
    /// addresses are gone, and of a comment there is what a mail shows, which is nothing where none
    /// is sent.
    pub notice: Notice,
    /// Why it is not sent, if it is not.
    pub suppressed: Option<String>,
    /// When the message came.
    pub created_at: Timestamp,
}

impl Mail {
    /// The recipient's address.
    #[must_use]
    pub fn recipient(&self) -> &str {
        self.notice.to.first().map_or("", |admin| admin.email.as_str())
    }
}

/// Decides a notice: a mail to each address in it, once; those that no mail may go to are
/// suppressed, with the reason.
#[must_use]
pub fn decide(message_id: &str, notice: &Notice, now: Timestamp) -> Vec<Mail> {
    let (sent, unsent) =
        (kept(notice, |body| readable(body).text), kept(notice, |_| String::new()));
    let mut addresses = BTreeSet::new();
    let told = notice.to.iter().filter(|person| {
        !folded(&person.email).is_empty() && addresses.insert(folded(&person.email))
    });
    let mail = |person: &Recipient| {
        let entry = suppressed_by(&person.email, &notice.partner_support_addresses);
        let kept = if entry.is_none() { &sent } else { &unsent };
        Mail {
            id: derive_id("notice", &[message_id, &folded(&person.email)]),
            message_id: message_id.to_owned(),
            notice: Notice { to: vec![trimmed(person)], ..kept.clone() },
            suppressed: entry.map(|entry| {
                format!("a partner's support addresses have {:?} (R-45)", entry.trim())
            }),
            created_at: now,
        }
    };
    told.map(mail).collect()
}

/// What is kept of a notice for each of its mails. Comments may be long and have many recipients,
/// so of the text there is what a mail shows.
fn kept(notice: &Notice, text: impl Fn(&str) -> String) -> Notice {
    let about = match &notice.about {
        About::Agreement(agreement) => About::Agreement(agreement.clone()),
        About::Comment(comment) => About::Comment(CommentNotice {
            comment_id: comment.comment_id.clone(),
            body: text(&comment.body),
            ticket_id: comment.ticket_id.clone(),
            link: comment.link.clone(),
        }),
    };
    Notice {
        about,
        account: notice.account.clone(),
        to: Vec::new(),
        locale: notice.locale.clone(),
        partner: notice.partner.clone(),
        by: notice.by.clone(),
        at: notice.at,
        partner_support_addresses: Vec::new(),
    }
}

fn trimmed(person: &Recipient) -> Recipient {
    Recipient { name: person.name.clone(), email: person.email.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use contracts::sync::AgreementEvent;
    use proptest::prelude::*;

    use super::*;
    use crate::rules::comment::LONGEST;
    use crate::rules::samples::{EVENTS, every_kind, to_admin, to_cc};

    fn at() -> Timestamp {
        Timestamp::parse("2026-03-01T10:00:01Z").unwrap()
    }

    fn to(addresses: &[&str], notice: Notice) -> Notice {
        let person =
            |email: &&str| Recipient { name: "A Person".into(), email: (*email).to_owned() };
        Notice { to: addresses.iter().map(person).collect(), ..notice }
    }

    fn invite_to(addresses: &[&str]) -> Notice {
        to(addresses, to_admin(AgreementEvent::Invited))
    }

    fn recipients(mails: &[Mail]) -> Vec<&str> {
        mails.iter().map(Mail::recipient).collect()
    }

    fn text(mail: &Mail) -> &str {
        match &mail.notice.about {
            About::Comment(comment) => &comment.body,
            About::Agreement(_) => panic!("no comment: {mail:?}"),
        }
    }

    #[test]
    fn everybody_gets_a_mail_of_their_own() {
        for notice in every_kind() {
            let mails =
                decide("m-1", &to(&["ada@acme.example", "bo@acme.example"], notice.clone()), at());
            assert_eq!(recipients(&mails), ["ada@acme.example", "bo@acme.example"]);
            assert!(mails.iter().all(|mail| mail.notice.to.len() == 1
                && mail.suppressed.is_none()
                && mail.created_at == at()));
            assert!(mails.iter().all(|mail| mail.notice.about == notice.about));
            assert_ne!(mails[0].id, mails[1].id);
        }
    }

    #[test]
    fn one_address_gets_one_mail_however_it_is_spelt() {
        let mails = decide(
            "m-1",
            &invite_to(&[" ada@acme.example", "ADA@acme.example", "ada@acme.example "]),
            at(),
        );
        assert_eq!(recipients(&mails), ["ada@acme.example"]);
        assert_eq!(mails[0].id, decide("m-1", &invite_to(&["Ada@Acme.example"]), at())[0].id);
        assert_ne!(mails[0].id, decide("m-2", &invite_to(&["ada@acme.example"]), at())[0].id);
    }

    #[test]
    fn an_account_without_admins_gets_nothing() {
        assert_eq!(decide("m-1", &invite_to(&[]), at()), []);
        assert_eq!(decide("m-1", &invite_to(&["", " "]), at()), []);
    }

    #[test]
    fn r_17_the_end_by_a_new_address_is_told_to_every_admin_of_the_partner() {
        let notice =
            to(&["ada@acme.example", "bo@acme.example"], to_admin(AgreementEvent::Renamed));
        let mails = decide("m-1", &notice, at());
        assert_eq!(recipients(&mails), ["ada@acme.example", "bo@acme.example"]);
        assert!(
            mails.iter().all(|mail| mail.suppressed.is_none() && mail.notice.about == notice.about)
        );
    }

    #[test]
    fn r_25_a_comment_is_told_to_every_cc_once() {
        let ccs = ["ada@acme.example", "bo@acme.example", "Ada@acme.example"];
        let mails = decide("m-1", &to(&ccs, to_cc("It works again.")), at());
        assert_eq!(recipients(&mails), ["ada@acme.example", "bo@acme.example"]);
        assert!(
            mails.iter().all(|mail| mail.suppressed.is_none() && text(mail) == "It works again.")
        );
    }

    #[test]
    fn r_25_of_a_comment_what_a_mail_shows_is_kept() {
        let long = "word \0".repeat(LONGEST);
        let notice = Notice {
            partner_support_addresses: vec!["help@globex.example".into()],
            ..to(&["ada@acme.example", "help@globex.example"], to_cc(&long))
        };
        let mails = decide("m-1", &notice, at());
        assert_eq!(text(&mails[0]), readable(&long).text);
        assert_eq!(text(&mails[1]), "", "no mail shows it");
    }

    #[test]
    fn r_46_a_notice_to_the_partner_itself_is_kept_with_its_reason() {
        for notice in every_kind() {
            let notice = Notice {
                partner_support_addresses: vec!["@globex.example".into()],
                ..to(&["ada@acme.example", "help@globex.example"], notice)
            };
            let mails = decide("m-1", &notice, at());
            assert_eq!(mails[0].suppressed, None);
            let reason = mails[1].suppressed.as_deref();
            assert_eq!(
                reason,
                Some(r#"a partner's support addresses have "@globex.example" (R-45)"#)
            );
        }
    }

    #[test]
    fn r_47_what_an_agent_did_is_not_mailed_to_the_partners_support() {
        for notice in every_kind() {
            let support = vec!["help@globex.example".into()];
            let notice = Notice {
                partner_support_addresses: support,
                ..to(&["Help@Globex.example"], notice)
            };
            assert!(decide("m-1", &notice, at())[0].suppressed.is_some(), "{:?}", notice.about);
        }
    }

    #[test]
    fn r_76_the_end_of_an_agreement_is_told_to_every_admin_of_the_partner() {
        let notice =
            to(&["ada@acme.example", "bo@acme.example"], to_admin(AgreementEvent::Deactivated));
        let mails = decide("m-1", &notice, at());
        assert_eq!(recipients(&mails), ["ada@acme.example", "bo@acme.example"]);
        assert!(
            mails.iter().all(|mail| mail.suppressed.is_none() && mail.notice.about == notice.about)
        );
    }

    proptest! {
        #[test]
        fn the_same_mails_come_of_any_order_and_any_repetition(
            names in prop::collection::vec("[a-cA-C]{1,2}@(acme|globex)\\.example",
                0..8).prop_shuffle(), kind in 0..=EVENTS.len(),
        ) {
            let notice = |names: &[String]| Notice {
                partner_support_addresses: vec!["@globex.example".into()],
                ..to(&names.iter().map(String::as_str).collect::<Vec<_>>(),
                    every_kind().swap_remove(kind))
            };
            let outcome = |mails: Vec<Mail>| -> BTreeSet<_> {
                mails.into_iter().map(|mail| (mail.id, folded(mail.recipient()),
                    mail.suppressed)).collect()
            };
            let mut again = names.clone();
            again.reverse();
            again.extend(names.clone());
            let once = decide("m-1", &notice(&names), at());
            let ids: BTreeSet<_> = once.iter().map(|mail| mail.id).collect();
            prop_assert_eq!(ids.len(), once.len());
            prop_assert_eq!(outcome(once), outcome(decide("m-1", &notice(&again), at())));
        }
    }
}
