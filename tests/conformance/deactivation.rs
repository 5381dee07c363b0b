//! The end of an agreement.

use contracts::Reason::{AgreementInactive, AlreadyDecided, IdTaken, NotShared};
use contracts::delivery::{AgreementStatus, DeliveryBody, ShareStanding, Side};
use serde_json::json;

use crate::context::{ConformanceContext, admin, applied, everything, refused};

const DEACTIVATED: &str = "agreement.deactivated.v1";

pub async fn r_73_either_side_deactivates_at_any_time(context: ConformanceContext) {
    for by in [Side::Sender, Side::Receiver] {
        let partners = context.partners(everything()).await;
        let (acme, globex) = (&partners.acme, &partners.globex);
        context.shared(acme, globex, &partners.agreement, "1").await;
        let desk = if by == Side::Sender { acme } else { globex };
        let found = context.agreements(desk).await.remove(0);
        assert_eq!(found.status, AgreementStatus::Accepted);
        applied(&context.decide(desk, "deactivate", &found.agreement_id).await);
        for desk in [acme, globex] {
            let state = context.agreement(desk, &found.agreement_id, DEACTIVATED).await;
            assert_eq!((state.by.side, state.by.name.as_str(), state.reason), (by, "Admin", None));
            assert!(state.version > found.version);
        }
    }
}

pub async fn r_74_what_is_deactivated_stays_so(context: ConformanceContext) {
    let partners = context.partners(everything()).await;
    let (acme, globex, agreement) = (&partners.acme, &partners.globex, &partners.agreement);
    applied(&context.decide(acme, "deactivate", agreement).await);
    for verb in ["accept", "decline", "deactivate"] {
        refused(&context.decide(globex, verb, agreement).await, AlreadyDecided);
    }
    let again = json!({ "agreement_id": agreement, "receiver": { "address": globex.account },
        "terms": everything(), "actor": admin() });
    refused(&acme.ask("agreement.invite.v1", &again).await, IdTaken);
    assert_eq!(context.agreements(globex).await[0].status, AgreementStatus::Inactive);
}

pub async fn r_75_afterwards_either_side_may_invite_the_other_anew(context: ConformanceContext) {
    let partners = context.partners(everything()).await;
    let (acme, globex) = (&partners.acme, &partners.globex);
    applied(&context.decide(globex, "deactivate", &partners.agreement).await);
    for (sender, receiver) in [(acme, globex), (globex, acme)] {
        let anew = context.agree(sender, receiver, everything()).await;
        let (receipt, share) = context.share(sender, &anew, json!({})).await;
        applied(&receipt);
        context.created(receiver, &share).await;
    }
}

pub async fn r_76_the_partner_gets_a_mail_about_the_deactivation(context: ConformanceContext) {
    for by in [Side::Sender, Side::Receiver] {
        let partners = context.partners(everything()).await;
        let (acme, globex) = (&partners.acme, &partners.globex);
        let (desk, partner) = if by == Side::Sender { (acme, globex) } else { (globex, acme) };
        let ended = format!("{} Inc. ended the sharing agreement with you", desk.account);
        applied(&context.decide(desk, "deactivate", &partners.agreement).await);
        context.mail(&context.admin_of(partner), &[&ended]).await;
        // Its own administrators know. A later mail to them shows that none came before it.
        let (receipt, _) = context.invite(partner, desk, everything()).await;
        applied(&receipt);
        context
            .mail(&context.admin_of(desk), &[&format!("{} Inc. invites you", partner.account)])
            .await;
        let own = context.mails_to(&context.admin_of(desk));
        assert!(
            own.iter().all(|mail| !mail.raw.contains("ended the sharing agreement")),
            "{own:?}"
        );
    }
}

pub async fn r_77_the_partners_list_shows_the_deactivation(context: ConformanceContext) {
    let partners = context.partners(everything()).await;
    applied(&context.decide(&partners.acme, "deactivate", &partners.agreement).await);
    let told = context.agreement(&partners.globex, &partners.agreement, DEACTIVATED).await;
    let listed = context.agreements(&partners.globex).await;
    assert_eq!(listed, [told]);
    assert_eq!((listed[0].status, listed[0].by.side), (AgreementStatus::Inactive, Side::Sender));
}

pub async fn r_78_nothing_new_is_shared_under_it(context: ConformanceContext) {
    let partners = context.partners(everything()).await;
    let (acme, globex) = (&partners.acme, &partners.globex);
    applied(&context.decide(globex, "deactivate", &partners.agreement).await);
    let (refusal, unshared) = context.share(acme, &partners.agreement, json!({})).await;
    refused(&refusal, AgreementInactive);
    let anew = context.agree(acme, globex, everything()).await;
    let (receipt, share) = context.share(acme, &anew, json!({})).await;
    applied(&receipt);
    context.created(globex, &share).await;
    let created = |told: &DeliveryBody| {
        matches!(told,
            DeliveryBody::TicketCreated(created) if created.share_id == unshared)
    };
    assert!(
        globex.with_deliveries(|all| !all.iter().any(|it| created(&it.told))),
        "a later share has come, this one has not"
    );
}

pub async fn r_79_what_was_shared_stays_with_both_and_is_no_longer_in_step(
    context: ConformanceContext,
) {
    let partners = context.partners(everything()).await;
    let (acme, globex) = (&partners.acme, &partners.globex);
    let share = context.shared(acme, globex, &partners.agreement, "1").await;
    let words = context.comment(acme, "Before the end.", true);
    applied(&context.update(acme, "1", json!({ "status": "pending", "comments": [words] })).await);
    context.updated(globex, &share, "the comment", |it| !it.comments.is_empty()).await;
    applied(&context.decide(acme, "deactivate", &partners.agreement).await);
    context.agreement(globex, &partners.agreement, DEACTIVATED).await;

    refused(&context.update(acme, "1", json!({ "status": "solved" })).await, NotShared);
    let late = context.comment(globex, "After the end.", false);
    refused(&context.update(globex, "1-copy", json!({ "comments": [late] })).await, NotShared);
    for (desk, number) in [(acme, "1"), (globex, "1-copy")] {
        let listed = context.shares(desk).await.remove(0);
        assert_eq!(
            (listed.share_id, listed.state),
            (share.clone(), ShareStanding::AgreementInactive)
        );
        let ticket =
            desk.with_model(|model| model.ticket(number).cloned()).expect("both versions stay");
        assert_eq!(ticket.seen()["status"], json!({ "value": "pending" }));
        assert!(ticket.comments.contains_key(words["id"].as_str().expect("an id")));
    }

    let anew = context.agree(acme, globex, everything()).await;
    let later = context.shared(acme, globex, &anew, "2").await;
    for (listener, teller) in [(globex, acme), (acme, globex)] {
        let heard = context.heard(listener, teller, &later).await;
        let of_it = heard.iter().filter(|told| match told {
            DeliveryBody::TicketUpdated(updated) => updated.share_id == share,
            _ => false,
        });
        assert_eq!(
            of_it.count(),
            usize::from(listener.account == globex.account),
            "nothing but the comment before the end"
        );
    }
}
