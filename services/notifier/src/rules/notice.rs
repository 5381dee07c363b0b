//! `notice.v1`: one mail for each admin it names, or none.

use std::collections::BTreeSet;

use contracts::Timestamp;
use contracts::command::Admin;
use contracts::ids::derive_id;
use contracts::sync::Notice;
use uuid::Uuid;

use super::suppression::{folded, suppressed_by};

/// One notice to one recipient.
#[derive(Clone, Debug, PartialEq)]
pub struct Mail {
    /// Follows from message and address: the same message makes the same mail, however often it comes.
    pub id: Uuid,
    /// The message that asks for it.
    pub message_id: String,
    /// What is told; of `to` only the recipient is left, and the partner's support addresses are gone.
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

/// Decides a notice: a mail to each address in it, once; those that no mail may go to are suppressed, with the reason.
#[must_use]
pub fn decide(message_id: &str, notice: &Notice, now: Timestamp) -> Vec<Mail> {
    let mut addresses = BTreeSet::new();
    let told = notice.to.iter().filter(|admin| !folded(&admin.email).is_empty() && addresses.insert(folded(&admin.email)));
    told.map(|admin| Mail {
        id: derive_id("notice", &[message_id, &folded(&admin.email)]),
        message_id: message_id.to_owned(),
        notice: Notice { to: vec![trimmed(admin)], partner_support_addresses: Vec::new(), ..notice.clone() },
        suppressed: suppressed_by(&admin.email, &notice.partner_support_addresses)
            .map(|entry| format!("the partner's support addresses have {:?} (R-45)", entry.trim())),
        created_at: now,
    })
    .collect()
}

fn trimmed(admin: &Admin) -> Admin {
    Admin { name: admin.name.clone(), email: admin.email.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use contracts::sync::NoticeKind;
    use proptest::prelude::*;

    use super::*;
    use crate::rules::samples::notice;

    fn at() -> Timestamp {
        Timestamp::parse("2026-03-01T10:00:01Z").unwrap()
    }

    fn to(addresses: &[&str]) -> Notice {
        let admin = |email: &&str| Admin { name: "An Admin".into(), email: (*email).to_owned() };
        Notice { to: addresses.iter().map(admin).collect(), ..notice(NoticeKind::Invited) }
    }

    fn recipients(mails: &[Mail]) -> Vec<&str> {
        mails.iter().map(Mail::recipient).collect()
    }

    #[test]
    fn each_admin_gets_a_mail_of_their_own() {
        let mails = decide("m-1", &to(&["ada@acme.example", "bo@acme.example"]), at());
        assert_eq!(recipients(&mails), ["ada@acme.example", "bo@acme.example"]);
        assert!(mails.iter().all(|mail| mail.notice.to.len() == 1 && mail.suppressed.is_none() && mail.created_at == at()));
        assert_ne!(mails[0].id, mails[1].id);
    }

    #[test]
    fn one_address_gets_one_mail_however_it_is_spelt() {
        let mails = decide("m-1", &to(&[" ada@acme.example", "ADA@acme.example", "ada@acme.example "]), at());
        assert_eq!(recipients(&mails), ["ada@acme.example"]);
        assert_eq!(mails[0].id, decide("m-1", &to(&["Ada@Acme.example"]), at())[0].id);
        assert_ne!(mails[0].id, decide("m-2", &to(&["ada@acme.example"]), at())[0].id);
    }

    #[test]
    fn an_account_without_admins_gets_nothing() {
        assert_eq!(decide("m-1", &to(&[]), at()), []);
        assert_eq!(decide("m-1", &to(&["", " "]), at()), []);
    }

    #[test]
    fn r_46_a_notice_to_the_partner_itself_is_suppressed_and_kept_with_its_reason() {
        let notice = Notice {
            partner_support_addresses: vec!["@globex.example".into()],
            ..to(&["ada@acme.example", "help@globex.example"])
        };
        let mails = decide("m-1", &notice, at());
        assert_eq!(mails[0].suppressed, None);
        let reason = mails[1].suppressed.as_deref();
        assert_eq!(reason, Some(r#"the partner's support addresses have "@globex.example" (R-45)"#));
    }

    #[test]
    fn r_47_what_an_admin_did_is_not_mailed_to_the_partners_support_address_either() {
        for kind in [NoticeKind::Invited, NoticeKind::Accepted, NoticeKind::Declined, NoticeKind::Deactivated] {
            let notice =
                Notice { kind, partner_support_addresses: vec!["help@globex.example".into()], ..to(&["Help@Globex.example"]) };
            assert!(decide("m-1", &notice, at())[0].suppressed.is_some(), "{kind:?}");
        }
    }

    #[test]
    fn r_76_the_end_of_an_agreement_is_told_to_every_admin_of_the_partner() {
        let notice = Notice { kind: NoticeKind::Deactivated, ..to(&["ada@acme.example", "bo@acme.example"]) };
        let mails = decide("m-1", &notice, at());
        assert_eq!(recipients(&mails), ["ada@acme.example", "bo@acme.example"]);
        assert!(mails.iter().all(|mail| mail.suppressed.is_none() && mail.notice.kind == NoticeKind::Deactivated));
    }

    proptest! {
        #[test]
        fn the_same_mails_come_of_any_order_and_any_repetition(
            names in prop::collection::vec("[a-cA-C]{1,2}@(acme|globex)\\.example", 0..8).prop_shuffle(),
        ) {
            let notice = |names: &[String]| Notice {
                partner_support_addresses: vec!["@globex.example".into()],
                ..to(&names.iter().map(String::as_str).collect::<Vec<_>>())
            };
            let outcome = |mails: Vec<Mail>| -> BTreeSet<_> {
                mails.into_iter().map(|mail| (mail.id, folded(mail.recipient()), mail.suppressed)).collect()
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
