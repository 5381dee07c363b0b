//! The shared ticket: when it crosses, as what, and how it ends.

use contracts::delivery::DeliveryBody;
use contracts::fields::Status;
use contracts::{AgreementId, ItemOutcome, Reason, ReceiptOutcome};
use serde_json::json;
use testkit::Desk;

use crate::context::{
    ConformanceContext, Partners, applied, everything, item, private_only, refused, terms, with,
};
use crate::copies::{self, COPY, Chain, FAR_COPY, ORIGINAL, has_status, hears, tellings};

/// How many tickets a desk was asked to create.
pub fn tickets_created(desk: &Desk) -> usize {
    desk.with_deliveries(|all| {
        all.iter().filter(|it| matches!(it.told, DeliveryBody::TicketCreated(_))).count()
    })
}

pub async fn r_01_only_an_accepted_agreement_lets_a_ticket_across(context: ConformanceContext) {
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    let under = async |agreement: &AgreementId| {
        context.share(&acme, agreement, json!({ "id": ORIGINAL })).await.0
    };
    refused(
        &under(&AgreementId::new(context.id()).expect("an id")).await,
        Reason::UnknownAgreement,
    );
    let (_, invited) = context.invite(&acme, &globex, everything()).await;
    refused(&under(&invited).await, Reason::AgreementNotAccepted);
    applied(&context.decide(&globex, "decline", &invited).await);
    refused(&under(&invited).await, Reason::AgreementNotAccepted);
    let ended = context.agree(&acme, &globex, everything()).await;
    applied(&context.decide(&globex, "deactivate", &ended).await);
    refused(&under(&ended).await, Reason::AgreementInactive);
    let accepted = context.agree(&acme, &globex, everything()).await;
    let (receipt, share) = context.share(&acme, &accepted, json!({ "id": ORIGINAL })).await;
    applied(&receipt);
    assert_eq!(context.created(&globex, &share).await.agreement_id, accepted);
    assert_eq!(tickets_created(&globex), 1);
}

pub async fn r_02_what_crosses_goes_by_the_terms_that_the_agreement_states(
    context: ConformanceContext,
) {
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    let order = json!({ "ticket_fields": [{ "key": "order", "title": "Order", "type": "text" }] });
    for desk in [&acme, &globex] {
        applied(&context.set(desk, order.clone()).await);
    }
    let stated = terms("public_and_private", true, false);
    let agreement = context.agree(&acme, &globex, stated.clone()).await;
    for desk in [&acme, &globex] {
        for name in ["agreement.invited.v1", "agreement.accepted.v1"] {
            assert_eq!(json!(context.agreement(desk, &agreement, name).await.terms), stated);
        }
    }
    let ticket = json!({ "status": "pending", "tags": [{ "name": "vip", "added_by": "user" }],
        "custom_fields": { "order": "7" } });
    let (receipt, share) = context.share(&acme, &agreement, ticket).await;
    item(&receipt, "status", ItemOutcome::Transferred, None);
    item(&receipt, "tag:vip", ItemOutcome::Transferred, None);
    item(&receipt, "custom_field:order", ItemOutcome::Withheld, Reason::CustomFieldsNotSynced);
    let created = context.created(&globex, &share).await;
    assert_eq!(
        (created.status, created.tags, created.custom_fields.len()),
        (Status::Pending, vec!["vip".to_owned()], 0)
    );
}

pub async fn r_03_the_partner_shares_its_own_tickets_under_an_agreement_of_its_own(
    context: ConformanceContext,
) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    refused(&context.share(&globex, &agreement, json!({})).await.0, Reason::NotTheSender);
    let own = context.agree(&globex, &acme, everything()).await;
    let (receipt, share) = context.share(&globex, &own, json!({})).await;
    applied(&receipt);
    assert_eq!(context.created(&acme, &share).await.received_from, globex.account);
    assert_eq!(tickets_created(&acme), 1);
}

pub async fn r_04_the_partners_agents_help_or_solve_as_the_terms_let_them(
    context: ConformanceContext,
) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let helping = context.agree(&acme, &globex, private_only()).await;
    let solved = context.shared(&acme, &globex, &agreement, ORIGINAL).await;
    let helped = context.shared(&acme, &globex, &helping, "2").await;
    let note = context.comment(&globex, "The part is on its way.", false);
    let change = json!({ "status": "solved", "comments": [note] });
    let receipt = context.update(&globex, "2-copy", change).await;
    item(
        &receipt,
        &format!("comment:{}", note["id"].as_str().expect("an id")),
        ItemOutcome::Transferred,
        None,
    );
    item(&receipt, "status", ItemOutcome::Withheld, Reason::StatusNotSynced);
    hears(&acme, &note).await;
    applied(&context.update(&globex, COPY, json!({ "status": "solved" })).await);
    has_status(&acme, &solved, "solved").await;
    has_status(&acme, &helped, "open").await;
}

pub async fn r_05_status_and_comments_of_both_copies_stay_in_step(context: ConformanceContext) {
    let Partners { acme, globex, agreement } =
        context.partners(terms("public_and_private", false, false)).await;
    let share = context.shared(&acme, &globex, &agreement, ORIGINAL).await;
    for (desk, number, status, public) in [
        (&acme, ORIGINAL, "pending", true),
        (&globex, COPY, "open", false),
        (&acme, ORIGINAL, "hold", false),
        (&globex, COPY, "solved", true),
        (&acme, ORIGINAL, "open", true),
    ] {
        let comment = context.comment(desk, "How is it going?", public);
        applied(
            &context.update(desk, number, json!({ "status": status, "comments": [comment] })).await,
        );
    }
    for desk in [&acme, &globex] {
        has_status(desk, &share, "open").await;
    }
    copies::agree((&acme, &share), (&globex, &share)).await;
    let comments =
        globex.with_model(|model| model.shared(share.as_str()).map(|ticket| ticket.comments.len()));
    assert_eq!(comments, Some(5));
}

pub async fn r_06_the_receipt_of_an_acceptance_lets_the_first_ticket_across(
    context: ConformanceContext,
) {
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    let (_, agreement) = context.invite(&acme, &globex, everything()).await;
    applied(&context.decide(&globex, "accept", &agreement).await);
    let (receipt, share) = context.share(&acme, &agreement, json!({})).await;
    assert_eq!(receipt.outcome, ReceiptOutcome::Applied, "{receipt:?}");
    context.created(&globex, &share).await;
}

pub async fn r_18_a_share_makes_a_new_ticket_with_a_number_of_its_own(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let (receipt, share) = context.share(&acme, &agreement, json!({ "id": "4711" })).await;
    applied(&receipt);
    assert_eq!(context.created(&globex, &share).await.original_ticket_id.as_str(), "4711");
    applied(&context.bind(&globex, &share, "88").await);
    let (bound, _) = acme
        .told("the copy's number", |told| match told {
            DeliveryBody::TicketBound(bound) => Some(bound.clone()),
            _ => None,
        })
        .await;
    assert_eq!((bound.share_id, bound.partner_ticket_id.as_str()), (share.clone(), "88"));
    applied(&context.update(&acme, "4711", json!({ "status": "pending" })).await);
    let updated =
        context.updated(&globex, &share, "the status", |updated| updated.status.is_some()).await;
    assert_eq!(updated.ticket_id.as_ref().map(contracts::TicketId::as_str), Some("88"));
    applied(&context.update(&globex, "88", json!({ "status": "solved" })).await);
    let updated =
        context.updated(&acme, &share, "the status", |updated| updated.status.is_some()).await;
    assert_eq!(updated.ticket_id.as_ref().map(contracts::TicketId::as_str), Some("4711"));
    refused(&context.update(&globex, "4711", json!({ "status": "open" })).await, Reason::NotShared);
}

pub async fn r_19_status_is_kept_in_step_along_the_whole_chain(context: ConformanceContext) {
    let Chain { acme, globex, initech, first, second } = Chain::under(&context, everything()).await;
    for (desk, number, status) in [
        (&acme, ORIGINAL, "pending"),
        (&globex, COPY, "open"),
        (&initech, FAR_COPY, "solved"),
        (&acme, ORIGINAL, "new"),
    ] {
        applied(&context.update(desk, number, json!({ "status": status })).await);
        for (desk, share) in
            [(&acme, &first), (&globex, &first), (&globex, &second), (&initech, &second)]
        {
            has_status(desk, share, status).await;
        }
    }
}

pub async fn r_23_ccs_of_the_original_do_not_go_along(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let cc =
        |name: &str| json!({ "name": format!("Cc {name}"), "email": format!("{name}@cc.example") });
    let (receipt, share) =
        context.share(&acme, &agreement, json!({ "id": ORIGINAL, "ccs": [cc("one")] })).await;
    item(&receipt, "ccs", ItemOutcome::Withheld, Reason::CcsStay);
    let receipt = context
        .update(&acme, ORIGINAL, json!({ "status": "pending", "ccs": [cc("one"), cc("two")] }))
        .await;
    item(&receipt, "ccs", ItemOutcome::Withheld, Reason::CcsStay);
    has_status(&globex, &share, "pending").await;
    for body in globex.bodies() {
        assert!(!body.contains("cc.example") && !body.contains("Cc "), "{body}");
    }
}

pub async fn r_26_a_closed_ticket_cannot_be_shared(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let ticket = |status: &str| json!({ "id": ORIGINAL, "status": status });
    refused(&context.share(&acme, &agreement, ticket("closed")).await.0, Reason::TicketClosed);
    let (receipt, share) = context.share(&acme, &agreement, ticket("solved")).await;
    applied(&receipt);
    assert_eq!(context.created(&globex, &share).await.status, Status::Solved);
    assert_eq!(tickets_created(&globex), 1);
}

pub async fn r_28_where_the_terms_allow_the_receiver_answers_and_solves(
    context: ConformanceContext,
) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let share = context.shared(&acme, &globex, &agreement, ORIGINAL).await;
    let answer = context.comment(&globex, "The new toner is in. Please try again.", true);
    applied(
        &context.update(&globex, COPY, json!({ "status": "solved", "comments": [answer] })).await,
    );
    let updated =
        context.updated(&acme, &share, "the answer", |updated| !updated.comments.is_empty()).await;
    assert_eq!(updated.status, Some(Status::Solved), "one action arrives as one");
    assert!(updated.comments[0].public && updated.comments[0].body.starts_with("The new toner"));
    let private = context.agree(&acme, &globex, private_only()).await;
    let quiet = context.shared(&acme, &globex, &private, "2").await;
    let answer = context.comment(&globex, "The new toner is in.", true);
    let receipt = context
        .update(&globex, "2-copy", json!({ "status": "solved", "comments": [answer] }))
        .await;
    assert!(
        receipt.decisions.iter().all(|decision| decision.outcome == ItemOutcome::Withheld),
        "{receipt:?}"
    );
    context.heard(&acme, &globex, &quiet).await;
    assert!(tellings(&acme, &answer).is_empty());
    has_status(&acme, &quiet, "open").await;
}

pub async fn r_29_fields_of_users_and_organisations_stay_at_home(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let rich = json!({
        "id": "r", "name": "Requester", "role": "end_user", "user_fields": { "plan": "gold-plan" },
        "time_zone": "Rome-zone",
        "organization": { "name": "Umbrella-organisation",
        "organization_fields": { "region": "south-region" } },
    });
    let ticket = json!({ "id": ORIGINAL, "requester": rich,
        "organization": { "name": "Umbrella-organisation" } });
    let (receipt, share) = context.share(&acme, &agreement, ticket).await;
    applied(&receipt);
    let change = json!({ "status": "pending", "actor": with(rich, &json!({ "role": "agent" })) });
    applied(&context.update(&acme, ORIGINAL, change).await);
    has_status(&globex, &share, "pending").await;
    for body in globex.bodies() {
        for word in ["gold-plan", "Rome-zone", "Umbrella-organisation", "south-region"] {
            assert!(!body.contains(word), "{body}");
        }
    }
}

pub async fn r_30_business_rules_neither_travel_nor_act_on_the_other_copy(
    context: ConformanceContext,
) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let triggers = json!([{
        "title": "escalation-trigger",
        "actions": [{ "field": "current_tags", "value": "escalated" }],
    }]);
    assert_eq!(
        context.set(&acme, json!({ "triggers": triggers })).await.outcome,
        ReceiptOutcome::Ignored
    );
    let ticket = json!({ "id": ORIGINAL, "triggers": triggers,
        "tags": [{ "name": "escalated", "added_by": "rule" }] });
    let (receipt, share) = context.share(&acme, &agreement, ticket).await;
    item(&receipt, "tag:escalated", ItemOutcome::Withheld, Reason::AddedByRule);
    let created = context.created(&globex, &share).await;
    assert_eq!(
        (created.tags.len(), json!(created.via)),
        (0, json!("ticket_sharing")),
        "its own rules can tell where it came from"
    );
    applied(&context.bind(&globex, &share, COPY).await);
    let routed = json!({ "status": "pending",
        "tags": { "add": [{ "name": "routed", "added_by": "rule" }] } });
    item(
        &context.update(&globex, COPY, routed).await,
        "tag:routed",
        ItemOutcome::Withheld,
        Reason::AddedByRule,
    );
    has_status(&acme, &share, "pending").await;
    assert_eq!(copies::held(&acme, &share, "tag:routed"), None);
    for body in globex.bodies() {
        assert!(!body.contains("escalat"), "{body}");
    }
}
