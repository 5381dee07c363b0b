//! Invites, from the form to the decision.

use std::time::{Duration, Instant};

use contracts::Reason::{
    AgreementNotAccepted, InvitesDeclined, Malformed, NotAnAdmin, NotTheReceiver, Unchanged,
    UnknownAccount,
};
use contracts::delivery::{AgreementStatus, Side};
use contracts::{AgreementId, ReceiptOutcome, Terms};
use serde_json::{Value, json};
use testkit::Desk;

use crate::context::{
    ConformanceContext, admin, agent, agreement_in, applied, end_user, everything, private_only,
    refused, sharing_url, terms, with,
};

const INVITED: &str = "agreement.invited.v1";
const DECLINED: &str = "agreement.declined.v1";

fn read(terms: Value) -> Terms {
    serde_json::from_value(terms).expect("terms")
}

/// A form filled in with everything but what `changes` say.
fn form(receiver: &Desk, changes: &Value) -> Value {
    let form = json!({ "receiver": { "address": receiver.account }, "terms": everything(),
        "actor": admin() });
    with(form, changes)
}

pub async fn r_51_only_an_administrator_sets_up_an_agreement(context: ConformanceContext) {
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    for actor in [agent(), end_user()] {
        let (receipt, _) =
            context.invite_with(&acme, form(&globex, &json!({ "actor": actor }))).await;
        refused(&receipt, NotAnAdmin);
    }
    let (receipt, agreement) = context.invite(&acme, &globex, everything()).await;
    applied(&receipt);
    for actor in [agent(), end_user()] {
        for verb in ["accept", "decline", "deactivate"] {
            let decision = json!({ "agreement_id": agreement, "actor": actor });
            refused(&globex.ask(&format!("agreement.{verb}.v1"), &decision).await, NotAnAdmin);
        }
        refused(
            &acme
                .ask("account.rename.v1", &json!({ "address": "acme-of-agents", "actor": actor }))
                .await,
            NotAnAdmin,
        );
    }
    applied(&context.decide(&globex, "accept", &agreement).await);
}

pub async fn r_52_an_agreement_begins_with_an_invite_that_states_its_terms(
    context: ConformanceContext,
) {
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    let unstated = json!({ "receiver": { "address": globex.account } });
    let (receipt, _) = context.invite_with(&acme, unstated).await;
    refused(&receipt, Malformed);
    for comments in ["public_and_private", "private_only"] {
        for (tags, custom_fields) in [(true, false), (false, true)] {
            let stated = terms(comments, tags, custom_fields);
            let (receipt, agreement) = context.invite(&acme, &globex, stated.clone()).await;
            applied(&receipt);
            assert_eq!(context.agreement(&globex, &agreement, INVITED).await.terms, read(stated));
        }
    }
}

pub async fn r_55_the_invite_screen_has_all_it_needs(context: ConformanceContext) {
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    let filled_in = form(&globex, &json!({ "name": "Second level", "terms": private_only() }));
    let (receipt, agreement) = context.invite_with(&acme, filled_in).await;
    applied(&receipt);
    for desk in [&acme, &globex] {
        let state = context.agreement(desk, &agreement, INVITED).await;
        assert_eq!(state.name.as_deref(), Some("Second level"));
        assert_eq!(state.terms, read(private_only()));
        assert_eq!((state.by.side, state.by.name.as_str()), (Side::Sender, "Admin"));
        assert_eq!(
            (&state.sender.account, &state.receiver.account),
            (&acme.account, &globex.account)
        );
        assert_eq!(state.receiver.display_name, format!("{} Inc.", globex.account));
    }
}

pub async fn r_56_the_partner_is_a_help_desk_or_a_third_party_system(context: ConformanceContext) {
    let (acme, globex, bridge) = tokio::join!(
        context.desk("acme"),
        context.desk("globex"),
        context.desk_of("bridge", "third_party")
    );
    let by_address = json!({ "address": globex.account });
    let by_url = json!({ "sharing_url": sharing_url(&bridge) });
    for (receiver, desk) in [(by_address, &globex), (by_url, &bridge)] {
        let (receipt, agreement) = context
            .invite_with(&acme, json!({ "receiver": receiver, "terms": everything() }))
            .await;
        applied(&receipt);
        assert_eq!(
            context.agreement(desk, &agreement, INVITED).await.receiver.account,
            desk.account
        );
    }
    for neither in [json!({}), json!({ "telephone": "1" }), json!(globex.account)] {
        let (receipt, _) =
            context.invite_with(&acme, json!({ "receiver": neither, "terms": everything() })).await;
        refused(&receipt, Malformed);
    }
}

pub async fn r_57_a_help_desk_has_an_address_and_a_third_party_a_sharing_url(
    context: ConformanceContext,
) {
    let (acme, bridge) =
        tokio::join!(context.desk("acme"), context.desk_of("bridge", "third_party"));
    let (receipt, agreement) = context
        .invite_with(
            &acme,
            json!({ "receiver": { "sharing_url": sharing_url(&bridge) }, "terms": everything() }),
        )
        .await;
    applied(&receipt);
    let state = context.agreement(&acme, &agreement, INVITED).await;
    assert_eq!(
        (state.receiver.account, state.receiver.address),
        (bridge.account.clone(), bridge.account.to_string())
    );
    let nobody = json!({ "receiver": { "address": "nobody" }, "terms": everything() });
    refused(&context.invite_with(&acme, nobody).await.0, UnknownAccount);
}

pub async fn also_an_unknown_address_is_refused_within_a_second(context: ConformanceContext) {
    let [acme] = context.desks(["acme"]).await;
    let mut fastest = Duration::MAX;
    for receiver in [json!({ "address": "nobody" }), json!({ "address": "nobody else" })] {
        let asked = Instant::now();
        let (receipt, _) = context
            .invite_with(&acme, json!({ "receiver": receiver, "terms": everything() }))
            .await;
        refused(&receipt, UnknownAccount);
        fastest = fastest.min(asked.elapsed());
    }
    assert!(fastest < Duration::from_secs(1), "{fastest:?}");
}

pub async fn r_58_comments_and_status_have_exactly_two_choices(context: ConformanceContext) {
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    for choice in ["public_and_private", "private_only"] {
        let (receipt, agreement) =
            context.invite(&acme, &globex, terms(choice, false, false)).await;
        applied(&receipt);
        assert_eq!(
            context.agreement(&globex, &agreement, INVITED).await.terms,
            read(terms(choice, false, false))
        );
    }
    for third in [json!("public_only"), json!("none"), json!(true), Value::Null] {
        let (receipt, _) = context
            .invite_with(&acme, form(&globex, &json!({ "terms": { "comments": third } })))
            .await;
        refused(&receipt, Malformed);
    }
}

pub async fn r_59_tags_have_exactly_two_choices(context: ConformanceContext) {
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    for choice in [false, true] {
        let (receipt, agreement) =
            context.invite(&acme, &globex, terms("private_only", choice, false)).await;
        applied(&receipt);
        assert_eq!(context.agreement(&globex, &agreement, INVITED).await.terms.tags, choice);
    }
    for third in [json!("some"), json!(["vip"]), json!(2), Value::Null] {
        let (receipt, _) =
            context.invite_with(&acme, form(&globex, &json!({ "terms": { "tags": third } }))).await;
        refused(&receipt, Malformed);
    }
}

pub async fn r_63_the_last_step_sends_the_invite(context: ConformanceContext) {
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    assert!(
        context.agreements(&globex).await.is_empty(),
        "there is nothing before the invite is sent"
    );
    let (receipt, agreement) = context.invite(&acme, &globex, everything()).await;
    assert_eq!(
        (receipt.outcome, receipt.agreement_id.as_ref()),
        (ReceiptOutcome::Applied, Some(&agreement))
    );
    context.agreement(&globex, &agreement, INVITED).await;
}

pub async fn r_64_the_receiver_is_told_of_the_invite(context: ConformanceContext) {
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    let (receipt, agreement) = context.invite(&acme, &globex, everything()).await;
    applied(&receipt);
    let told = context.agreement(&globex, &agreement, INVITED).await;
    assert_eq!((told.status, told.side), (AgreementStatus::Pending, Side::Receiver));
    context.mail(&context.admin_of(&globex), &["invite", &format!("{} Inc.", acme.account)]).await;
    let listed = context.agreements(&globex).await;
    assert_eq!(listed, [told]);
}

pub async fn r_65_the_receiver_sees_the_terms_before_it_decides(context: ConformanceContext) {
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    let stated = terms("private_only", true, false);
    let (receipt, agreement) = context.invite(&acme, &globex, stated.clone()).await;
    applied(&receipt);
    let told = context.agreement(&globex, &agreement, INVITED).await;
    let listed = context.agreements(&globex).await.remove(0);
    for state in [told, listed] {
        assert_eq!((state.status, state.terms), (AgreementStatus::Pending, read(stated.clone())));
    }
}

pub async fn r_66_the_receiver_accepts_declines_or_decides_later(context: ConformanceContext) {
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    let mut invites = Vec::new();
    for _ in 0..3 {
        let (receipt, agreement) = context.invite(&acme, &globex, everything()).await;
        applied(&receipt);
        invites.push(agreement);
    }
    let [accepted, declined, later]: [AgreementId; 3] = invites.try_into().expect("three");
    refused(&context.decide(&acme, "accept", &accepted).await, NotTheReceiver);
    applied(&context.decide(&globex, "accept", &accepted).await);
    applied(&context.decide(&globex, "decline", &declined).await);
    for (agreement, status) in [
        (&accepted, AgreementStatus::Accepted),
        (&declined, AgreementStatus::Declined),
        (&later, AgreementStatus::Pending),
    ] {
        for desk in [&acme, &globex] {
            let listed = context.agreements(desk).await;
            let found =
                listed.iter().find(|state| state.agreement_id == *agreement).expect("it is listed");
            assert_eq!(found.status, status);
        }
    }
    let (too_early, _) = context.share(&acme, &later, json!({})).await;
    refused(&too_early, AgreementNotAccepted);
    applied(&context.decide(&globex, "accept", &later).await);
    let (in_time, _) = context.share(&acme, &later, json!({})).await;
    applied(&in_time);
}

pub async fn r_67_after_the_acceptance_sharing_is_possible_at_once(context: ConformanceContext) {
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    let (receipt, agreement) = context.invite(&acme, &globex, everything()).await;
    applied(&receipt);
    let accept = context.decide(&globex, "accept", &agreement).await;
    let (shared, share) = context.share(&acme, &agreement, json!({ "id": "1" })).await;
    assert_eq!(
        (accept.outcome, shared.outcome),
        (ReceiptOutcome::Applied, ReceiptOutcome::Applied)
    );
    context.created(&globex, &share).await;
    for (desk, partner) in [(&acme, &globex), (&globex, &acme)] {
        let words = context.comment(desk, "Both work on it.", true);
        applied(&context.update_share(desk, &share, json!({ "comments": [words] })).await);
        context
            .updated(partner, &share, "the comment", |it| {
                it.comments.iter().any(|it| words["id"] == it.id.as_str())
            })
            .await;
    }
}

pub async fn r_68_after_a_refusal_the_sender_may_invite_again(context: ConformanceContext) {
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    let (receipt, first) = context.invite(&acme, &globex, everything()).await;
    applied(&receipt);
    applied(&context.decide(&globex, "decline", &first).await);
    assert_eq!(context.agreement(&acme, &first, DECLINED).await.status, AgreementStatus::Declined);
    let second = context.agree(&acme, &globex, everything()).await;
    let (receipt, _) = context.share(&acme, &second, json!({})).await;
    applied(&receipt);
}

pub async fn r_69_all_agreements_are_listed_whatever_became_of_them(context: ConformanceContext) {
    let [acme, globex, initech] = context.desks(["acme", "globex", "initech"]).await;
    let accepted = context.agree(&acme, &globex, everything()).await;
    let inactive = context.agree(&initech, &acme, everything()).await;
    applied(&context.decide(&initech, "deactivate", &inactive).await);
    let (receipt, pending) = context.invite(&globex, &acme, everything()).await;
    applied(&receipt);
    let (receipt, declined) = context.invite(&acme, &initech, everything()).await;
    applied(&receipt);
    applied(&context.decide(&initech, "decline", &declined).await);
    let listed = context.agreements(&acme).await;
    let mut seen: Vec<_> =
        listed.iter().map(|state| (state.agreement_id.clone(), state.status, state.side)).collect();
    let mut expected = vec![
        (accepted, AgreementStatus::Accepted, Side::Sender),
        (inactive, AgreementStatus::Inactive, Side::Receiver),
        (pending, AgreementStatus::Pending, Side::Receiver),
        (declined, AgreementStatus::Declined, Side::Sender),
    ];
    seen.sort_by(|a, b| a.0.cmp(&b.0));
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(seen, expected);
}

pub async fn r_70_declining_all_invites_is_set_explicitly(context: ConformanceContext) {
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    let is_invited = async |expected: bool| {
        let (receipt, agreement) = context.invite(&acme, &globex, everything()).await;
        applied(&receipt);
        let name = if expected { INVITED } else { DECLINED };
        context.agreement(&acme, &agreement, name).await;
    };
    is_invited(true).await;
    applied(&context.set(&globex, json!({ "decline_invites": true })).await);
    is_invited(false).await;
    applied(&context.set(&globex, json!({ "locale": "it" })).await);
    is_invited(false).await;
    let on_again = json!({ "version": 1, "actor": admin(), "decline_invites": false });
    let outdated = globex.ask("account.update.v1", &on_again).await;
    assert_eq!(
        outdated.outcome,
        ReceiptOutcome::Ignored,
        "an older version changes nothing: {outdated:?}"
    );
    assert_ne!(outdated.reason, Some(Unchanged));
    is_invited(false).await;
    applied(&context.set(&globex, json!({ "decline_invites": false })).await);
    is_invited(true).await;
}

pub async fn r_71_an_account_that_declines_all_invites_never_hears_of_them(
    context: ConformanceContext,
) {
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    applied(&context.set(&globex, json!({ "decline_invites": true })).await);
    let (receipt, unheard) = context.invite(&acme, &globex, everything()).await;
    applied(&receipt);
    context.agreement(&acme, &unheard, DECLINED).await;
    assert!(context.agreements(&globex).await.is_empty(), "it is not on its list");
    applied(&context.set(&globex, json!({ "decline_invites": false })).await);
    let renamed = format!("{} Group", acme.account);
    applied(&context.set(&acme, json!({ "display_name": renamed })).await);
    let (receipt, heard) = context.invite(&acme, &globex, everything()).await;
    applied(&receipt);
    context.agreement(&globex, &heard, INVITED).await;
    let told: Vec<AgreementId> = globex.with_deliveries(|all| {
        all.iter()
            .filter_map(|it| agreement_in(&it.told))
            .map(|state| state.agreement_id.clone())
            .collect()
    });
    assert_eq!(told, [heard], "deliveries come for the second invite alone");
    context.mail(&context.admin_of(&globex), &[&renamed]).await;
    assert_eq!(
        context.mails_to(&context.admin_of(&globex)).len(),
        1,
        "the first was under the old name, and had no mail"
    );
}

pub async fn r_72_who_invites_it_sees_a_refusal_and_may_try_again(context: ConformanceContext) {
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    applied(&context.set(&globex, json!({ "decline_invites": true })).await);
    for _ in 0..2 {
        let (receipt, agreement) = context.invite(&acme, &globex, everything()).await;
        assert_eq!(receipt.outcome, ReceiptOutcome::Applied);
        let state = context.agreement(&acme, &agreement, DECLINED).await;
        assert_eq!(
            (state.status, state.reason, state.side),
            (AgreementStatus::Declined, Some(InvitesDeclined), Side::Sender)
        );
    }
    assert!(
        context
            .agreements(&acme)
            .await
            .iter()
            .all(|state| state.status == AgreementStatus::Declined)
    );
}
