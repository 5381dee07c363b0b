//! Who may agree with whom, in which direction, and what ends it.

use contracts::Reason::{
    AccountRenamed, AgreementInactive, AlreadyShared, IdTaken, NotShared, NotTheSender,
    ReceiverCannotUnshare, StatusNotSynced, UnknownAccount,
};
use contracts::delivery::{AgreementStatus, Side};
use contracts::fields::Status;
use contracts::{ItemOutcome, Terms};
use serde_json::json;

use crate::context::{ConformanceContext, admin, applied, everything, item, private_only, refused};

const INVITED: &str = "agreement.invited.v1";
const ACCEPTED: &str = "agreement.accepted.v1";
const DEACTIVATED: &str = "agreement.deactivated.v1";

pub async fn r_07_any_account_may_invite_any_other(context: ConformanceContext) {
    let (connected, hosted, third_party) = tokio::join!(
        context.desk("acme"),
        context.desk_of("home", "hosted"),
        context.desk_of("bridge", "third_party")
    );
    let desks = [&connected, &hosted, &third_party];
    for sender in desks {
        for receiver in desks.into_iter().filter(|it| it.account != sender.account) {
            let (receipt, agreement) = context.invite(sender, receiver, everything()).await;
            applied(&receipt);
            let (sent, got) = tokio::join!(
                context.agreement(sender, &agreement, INVITED),
                context.agreement(receiver, &agreement, INVITED)
            );
            assert_eq!((sent.side, got.side), (Side::Sender, Side::Receiver));
            assert_eq!(
                (&got.sender.account, &got.receiver.account),
                (&sender.account, &receiver.account)
            );
            assert_eq!(
                (sent.status, got.status),
                (AgreementStatus::Pending, AgreementStatus::Pending)
            );
        }
    }
}

pub async fn r_08_only_the_sender_sets_the_terms(context: ConformanceContext) {
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    let (receipt, agreement) = context.invite(&acme, &globex, private_only()).await;
    applied(&receipt);
    let own = json!({ "agreement_id": agreement, "receiver": { "address": acme.account },
        "terms": everything(), "actor": admin() });
    refused(&globex.ask("agreement.invite.v1", &own).await, IdTaken);
    let edited = json!({ "agreement_id": agreement, "terms": everything(), "actor": admin() });
    applied(&globex.ask("agreement.accept.v1", &edited).await);
    let stated: Terms = serde_json::from_value(private_only()).expect("terms");
    for desk in [&acme, &globex] {
        assert_eq!(context.agreement(desk, &agreement, ACCEPTED).await.terms, stated);
    }
    let (receipt, _) = context.share(&acme, &agreement, json!({ "status": "pending" })).await;
    item(&receipt, "status", ItemOutcome::Withheld, StatusNotSynced);
}

pub async fn r_09_the_receiver_may_not_share_under_the_senders_agreement(
    context: ConformanceContext,
) {
    let partners = context.partners(everything()).await;
    let (towards_the_sender, _) =
        context.share(&partners.globex, &partners.agreement, json!({})).await;
    refused(&towards_the_sender, NotTheSender);
    let (towards_the_receiver, share) =
        context.share(&partners.acme, &partners.agreement, json!({})).await;
    applied(&towards_the_receiver);
    context.created(&partners.globex, &share).await;
}

pub async fn r_10_the_other_direction_takes_an_agreement_of_its_own(context: ConformanceContext) {
    let partners = context.partners(everything()).await;
    let (acme, globex) = (&partners.acme, &partners.globex);
    let back = context.agree(globex, acme, private_only()).await;
    let (there, first) = context.share(acme, &partners.agreement, json!({})).await;
    let (here, second) = context.share(globex, &back, json!({})).await;
    applied(&there);
    applied(&here);
    let (got, sent) = tokio::join!(context.created(globex, &first), context.created(acme, &second));
    assert_eq!(
        (got.received_from, sent.received_from),
        (acme.account.clone(), globex.account.clone())
    );
    applied(&context.decide(acme, "deactivate", &partners.agreement).await);
    let (ended, _) = context.share(acme, &partners.agreement, json!({})).await;
    refused(&ended, AgreementInactive);
    let (independent, _) = context.share(globex, &back, json!({})).await;
    applied(&independent);
}

pub async fn r_11_incoming_agreements_alone_give_no_share_field(context: ConformanceContext) {
    let partners = context.partners(everything()).await;
    let (acme, globex) = (&partners.acme, &partners.globex);
    context.agreement(globex, &partners.agreement, ACCEPTED).await;
    assert!(!globex.duties().may_offer_share_field());
    assert!(acme.duties().may_offer_share_field());
    let (receipt, back) = context.invite(globex, acme, everything()).await;
    applied(&receipt);
    context.agreement(globex, &back, INVITED).await;
    assert!(!globex.duties().may_offer_share_field(), "it is not accepted");
    applied(&context.decide(acme, "accept", &back).await);
    context.agreement(globex, &back, ACCEPTED).await;
    assert!(globex.duties().may_offer_share_field());
    applied(&context.decide(acme, "deactivate", &back).await);
    context.agreement(globex, &back, DEACTIVATED).await;
    assert!(!globex.duties().may_offer_share_field(), "it is over");
}

pub async fn r_12_the_receiver_cannot_end_a_share(context: ConformanceContext) {
    let partners = context.partners(everything()).await;
    let (acme, globex) = (&partners.acme, &partners.globex);
    let share = context.shared(acme, globex, &partners.agreement, "1").await;
    refused(&context.unshare(globex, &share).await, ReceiverCannotUnshare);
    let by_number = json!({ "ticket_id": "1-copy", "actor": admin() });
    refused(&globex.ask("ticket.unshare.v1", &by_number).await, ReceiverCannotUnshare);
    applied(&context.update(acme, "1", json!({ "status": "solved" })).await);
    let still =
        context.updated(globex, &share, "the status", |it| it.status == Some(Status::Solved)).await;
    assert_eq!(still.ticket_id.expect("it is bound").as_str(), "1-copy");
    applied(&context.unshare(acme, &share).await);
}

pub async fn r_13_a_ticket_is_shared_with_one_account_at_a_time(context: ConformanceContext) {
    let partners = context.partners(everything()).await;
    let (acme, initech) = (&partners.acme, context.desk("initech").await);
    let to_initech = context.agree(acme, &initech, everything()).await;
    let (receipt, share) = context.share(acme, &partners.agreement, json!({ "id": "1" })).await;
    applied(&receipt);
    let (same_partner, _) = context.share(acme, &partners.agreement, json!({ "id": "1" })).await;
    let (other_partner, _) = context.share(acme, &to_initech, json!({ "id": "1" })).await;
    refused(&same_partner, AlreadyShared);
    refused(&other_partner, AlreadyShared);
    applied(&context.unshare(acme, &share).await);
    let (after, next) = context.share(acme, &to_initech, json!({ "id": "1" })).await;
    applied(&after);
    context.created(&initech, &next).await;
}

pub async fn r_14_a_copy_may_be_shared_on_under_the_receivers_own_agreement(
    context: ConformanceContext,
) {
    let partners = context.partners(everything()).await;
    let (acme, globex, initech) = (&partners.acme, &partners.globex, context.desk("initech").await);
    let onward = context.agree(globex, &initech, private_only()).await;
    let first = context.shared(acme, globex, &partners.agreement, "1").await;
    let (receipt, second) =
        context.share(globex, &onward, json!({ "id": "1-copy", "copy_of": first })).await;
    applied(&receipt);
    let created = context.created(&initech, &second).await;
    assert_eq!(
        (&created.received_from, created.original_ticket_id.as_str()),
        (&globex.account, "1")
    );
    let note = context.comment(acme, "Seen from both ends.", true);
    let receipt =
        context.update(acme, "1", json!({ "status": "pending", "comments": [note] })).await;
    applied(&receipt);
    let (near, far) = tokio::join!(
        context.updated(globex, &first, "the comment", |it| !it.comments.is_empty()),
        context.updated(&initech, &second, "the comment", |it| !it.comments.is_empty()),
    );
    assert_eq!(near.status, Some(Status::Pending));
    assert_eq!(far.status, None, "each hop has its own terms");
    assert_eq!(far.comments[0].id, near.comments[0].id);
}

pub async fn r_15_either_side_may_cancel_at_any_time(context: ConformanceContext) {
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    for (by, side) in [(&acme, Side::Sender), (&globex, Side::Receiver)] {
        let (receipt, pending) = context.invite(&acme, &globex, everything()).await;
        applied(&receipt);
        let accepted = context.agree(&acme, &globex, everything()).await;
        for agreement in [pending, accepted] {
            applied(&context.decide(by, "deactivate", &agreement).await);
            for desk in [&acme, &globex] {
                let state = context.agreement(desk, &agreement, DEACTIVATED).await;
                assert_eq!((state.status, state.by.side), (AgreementStatus::Inactive, side));
            }
        }
    }
}

pub async fn r_16_an_account_may_decline_all_invites(context: ConformanceContext) {
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    applied(&context.set(&globex, json!({ "decline_invites": true })).await);
    let (receipt, declined) = context.invite(&acme, &globex, everything()).await;
    applied(&receipt);
    let state = context.agreement(&acme, &declined, "agreement.declined.v1").await;
    assert_eq!((state.status, state.by.side), (AgreementStatus::Declined, Side::Receiver));
    applied(&context.set(&globex, json!({ "decline_invites": false })).await);
    let (receipt, pending) = context.invite(&acme, &globex, everything()).await;
    applied(&receipt);
    assert_eq!(
        context.agreement(&globex, &pending, INVITED).await.status,
        AgreementStatus::Pending
    );
}

pub async fn r_17_a_rename_breaks_the_agreements_of_an_account_visibly(
    context: ConformanceContext,
) {
    for renamed in [Side::Sender, Side::Receiver] {
        let partners = context.partners(everything()).await;
        let (acme, globex) = (&partners.acme, &partners.globex);
        let share = context.shared(acme, globex, &partners.agreement, "1").await;
        let desk = if renamed == Side::Sender { acme } else { globex };
        let address = format!("{}-group", desk.account);
        applied(
            &desk.ask("account.rename.v1", &json!({ "address": address, "actor": admin() })).await,
        );

        for desk in [acme, globex] {
            let state = context.agreement(desk, &partners.agreement, DEACTIVATED).await;
            assert_eq!(
                (state.status, state.reason, state.by.side),
                (AgreementStatus::Inactive, Some(AccountRenamed), renamed)
            );
            let listed = context.agreements(desk).await;
            assert_eq!(
                (listed[0].status, listed[0].reason),
                (AgreementStatus::Inactive, Some(AccountRenamed))
            );
        }
        let (shared_anew, _) = context.share(acme, &partners.agreement, json!({})).await;
        refused(&shared_anew, AgreementInactive);
        refused(&context.update(acme, "1", json!({ "status": "solved" })).await, NotShared);
        refused(
            &context.update_share(globex, &share, json!({ "status": "solved" })).await,
            NotShared,
        );

        let (sender, receiver) = (partners.acme, partners.globex);
        let called =
            |address: &str| json!({ "receiver": { "address": address }, "terms": everything() });
        if renamed == Side::Receiver {
            let (by_the_old_address, _) =
                context.invite_with(&sender, called(receiver.account.as_str())).await;
            refused(&by_the_old_address, UnknownAccount);
        }
        let reached =
            if renamed == Side::Receiver { address.as_str() } else { receiver.account.as_str() };
        let (receipt, anew) = context.invite_with(&sender, called(reached)).await;
        applied(&receipt);
        applied(&context.decide(&receiver, "accept", &anew).await);
        let (receipt, share) = context.share(&sender, &anew, json!({ "id": "2" })).await;
        applied(&receipt);
        context.created(&receiver, &share).await;
    }
}
