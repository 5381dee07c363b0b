//! The end of an agreement.

use contracts::Reason::{AgreementInactive, AlreadyDecided, IdTaken, NotShared};
use contracts::delivery::{AgreementStatus, ShareStanding, Side, Told};
use serde_json::json;

use crate::office::{Office, admin, applied, everything, refused};

const DEACTIVATED: &str = "agreement.deactivated.v1";

pub async fn r_73_either_side_deactivates_at_any_time(office: Office) {
    for by in [Side::Sender, Side::Receiver] {
        let partners = office.partners(everything()).await;
        let (acme, globex) = (&partners.acme, &partners.globex);
        office.shared(acme, globex, &partners.agreement, "1").await;
        let desk = if by == Side::Sender { acme } else { globex };
        let found = office.agreements(desk).await.remove(0);
        assert_eq!(found.status, AgreementStatus::Accepted);
        applied(&office.decide(desk, "deactivate", &found.agreement_id).await);
        for desk in [acme, globex] {
            let state = office.agreement(desk, &found.agreement_id, DEACTIVATED).await;
            assert_eq!((state.by.side, state.by.name.as_str(), state.reason), (by, "Admin", None));
            assert!(state.version > found.version);
        }
    }
}

pub async fn r_74_what_is_deactivated_stays_so(office: Office) {
    let partners = office.partners(everything()).await;
    let (acme, globex, agreement) = (&partners.acme, &partners.globex, &partners.agreement);
    applied(&office.decide(acme, "deactivate", agreement).await);
    for verb in ["accept", "decline", "deactivate"] {
        refused(&office.decide(globex, verb, agreement).await, AlreadyDecided);
    }
    let again = json!({ "agreement_id": agreement, "receiver": { "address": globex.account }, "terms": everything(), "actor": admin() });
    refused(&acme.ask("agreement.invite.v1", &again).await, IdTaken);
    assert_eq!(office.agreements(globex).await[0].status, AgreementStatus::Inactive);
}

pub async fn r_75_afterwards_either_side_may_invite_the_other_anew(office: Office) {
    let partners = office.partners(everything()).await;
    let (acme, globex) = (&partners.acme, &partners.globex);
    applied(&office.decide(globex, "deactivate", &partners.agreement).await);
    for (sender, receiver) in [(acme, globex), (globex, acme)] {
        let anew = office.agree(sender, receiver, everything()).await;
        let (receipt, share) = office.share(sender, &anew, json!({})).await;
        applied(&receipt);
        office.created(receiver, &share).await;
    }
}

pub async fn r_76_the_partner_gets_a_mail_about_the_deactivation(office: Office) {
    for by in [Side::Sender, Side::Receiver] {
        let partners = office.partners(everything()).await;
        let (acme, globex) = (&partners.acme, &partners.globex);
        let (desk, partner) = if by == Side::Sender { (acme, globex) } else { (globex, acme) };
        let ended = format!("{} Inc. ended the sharing agreement with you", desk.account);
        applied(&office.decide(desk, "deactivate", &partners.agreement).await);
        office.mail(&office.admin_of(partner), &[&ended]).await;
        // Its own administrators know. A later mail to them shows that none came before it.
        let (receipt, _) = office.invite(partner, desk, everything()).await;
        applied(&receipt);
        office
            .mail(&office.admin_of(desk), &[&format!("{} Inc. invites you", partner.account)])
            .await;
        let own = office.mails_to(&office.admin_of(desk));
        assert!(
            own.iter().all(|mail| !mail.raw.contains("ended the sharing agreement")),
            "{own:?}"
        );
    }
}

pub async fn r_77_the_partners_list_shows_the_deactivation(office: Office) {
    let partners = office.partners(everything()).await;
    applied(&office.decide(&partners.acme, "deactivate", &partners.agreement).await);
    let told = office.agreement(&partners.globex, &partners.agreement, DEACTIVATED).await;
    let listed = office.agreements(&partners.globex).await;
    assert_eq!(listed, [told]);
    assert_eq!((listed[0].status, listed[0].by.side), (AgreementStatus::Inactive, Side::Sender));
}

pub async fn r_78_nothing_new_is_shared_under_it(office: Office) {
    let partners = office.partners(everything()).await;
    let (acme, globex) = (&partners.acme, &partners.globex);
    applied(&office.decide(globex, "deactivate", &partners.agreement).await);
    let (refusal, unshared) = office.share(acme, &partners.agreement, json!({})).await;
    refused(&refusal, AgreementInactive);
    let anew = office.agree(acme, globex, everything()).await;
    let (receipt, share) = office.share(acme, &anew, json!({})).await;
    applied(&receipt);
    office.created(globex, &share).await;
    let created =
        |told: &Told| matches!(told, Told::TicketCreated(created) if created.share_id == unshared);
    assert!(
        globex.with_deliveries(|all| !all.iter().any(|it| created(&it.told))),
        "a later share has come, this one has not"
    );
}

pub async fn r_79_what_was_shared_stays_with_both_and_is_no_longer_in_step(office: Office) {
    let partners = office.partners(everything()).await;
    let (acme, globex) = (&partners.acme, &partners.globex);
    let share = office.shared(acme, globex, &partners.agreement, "1").await;
    let words = office.comment(acme, "Before the end.", true);
    applied(&office.update(acme, "1", json!({ "status": "pending", "comments": [words] })).await);
    office.updated(globex, &share, "the comment", |it| !it.comments.is_empty()).await;
    applied(&office.decide(acme, "deactivate", &partners.agreement).await);
    office.agreement(globex, &partners.agreement, DEACTIVATED).await;

    refused(&office.update(acme, "1", json!({ "status": "solved" })).await, NotShared);
    let late = office.comment(globex, "After the end.", false);
    refused(&office.update(globex, "1-copy", json!({ "comments": [late] })).await, NotShared);
    for (desk, number) in [(acme, "1"), (globex, "1-copy")] {
        let listed = office.shares(desk).await.remove(0);
        assert_eq!(
            (listed.share_id, listed.state),
            (share.clone(), ShareStanding::AgreementInactive)
        );
        let ticket =
            desk.with_model(|model| model.ticket(number).cloned()).expect("both versions stay");
        assert_eq!(ticket.seen()["status"], json!({ "value": "pending" }));
        assert!(ticket.comments.contains_key(words["id"].as_str().expect("an id")));
    }

    let anew = office.agree(acme, globex, everything()).await;
    let later = office.shared(acme, globex, &anew, "2").await;
    for (listener, teller) in [(globex, acme), (acme, globex)] {
        let heard = office.heard(listener, teller, &later).await;
        let of_it = heard.iter().filter(|told| match told {
            Told::TicketUpdated(updated) => updated.share_id == share,
            _ => false,
        });
        assert_eq!(
            of_it.count(),
            usize::from(listener.account == globex.account),
            "nothing but the comment before the end"
        );
    }
}
