//! What belongs to others: their agreements, shares, tickets and comments.

use contracts::ItemOutcome::Withheld;
use contracts::Reason::{
    self, AlreadyDecided, IdTaken, NotShared, NotTheAuthor, NotTheReceiver, UnknownAgreement,
};
use serde_json::{Value, json};

use super::ground::{HIDDEN_TICKET, Row, row, word_on};
use crate::context::{
    ConformanceContext, admin, agent, applied, end_user, everything, item, refused, with,
};

/// All of these are refused alike.
async fn all_refused(row: &Row, reason: Reason, commands: &[(&str, Value)]) {
    for receipt in row.ask_all(commands).await {
        refused(&receipt, reason);
    }
}

fn share_of(row: &Row, agreement: &str, changes: &Value) -> Value {
    let ticket = json!({ "id": row.marker, "subject": row.marker, "status": "open",
        "requester": end_user() });
    let share = json!({ "agreement_id": agreement, "ticket": ticket, "actor": agent(),
        "occurred_at": testkit::desk::clock() });
    with(share, changes)
}

pub async fn hostile_deciding_anothers_agreement(context: ConformanceContext) {
    let row = row(context).await;
    let (pending, hidden) = (&row.ground.pending_agreement, &row.ground.hidden_agreement);
    let commands = ["agreement.accept.v1", "agreement.decline.v1", "agreement.deactivate.v1"]
        .into_iter()
        .flat_map(|verb| [pending, hidden].map(|agreement| (verb, word_on(agreement))));
    all_refused(&row, UnknownAgreement, &commands.collect::<Vec<_>>()).await;
    row.ends_unseen().await;
}

pub async fn hostile_looking_at_anothers_agreement(context: ConformanceContext) {
    let row = row(context).await;
    let commands = ["agreement.list.v1", "share.list.v1"]
        .map(|list| (list, json!({ "agreement_id": row.ground.hidden_agreement })));
    all_refused(&row, UnknownAgreement, &commands).await;
    let party = format!("{} Inc.", row.ground.initech.account);
    let heard = row.ground.acme.bodies().into_iter().filter(|body| body.contains(&party)).count();
    assert_eq!(heard, 0, "acme has never heard of the stranger");
    row.ends_unseen().await;
}

pub async fn hostile_sharing_under_anothers_agreement(context: ConformanceContext) {
    let row = row(context).await;
    let agreements = [&row.ground.hidden_agreement, &row.ground.pending_agreement];
    let commands = agreements
        .map(|agreement| ("ticket.share.v1", share_of(&row, agreement.as_str(), &json!({}))));
    all_refused(&row, UnknownAgreement, &commands).await;
    row.ends_unseen().await;
}

pub async fn hostile_inviting_under_anothers_agreement_id(context: ConformanceContext) {
    let row = row(context).await;
    for (id, reason) in
        [(&row.ground.hidden_agreement, IdTaken), (&row.ground.pending_agreement, IdTaken)]
    {
        let invite = json!({
            "agreement_id": id, "receiver": { "address": row.ground.initech.account },
            "name": row.marker,
            "terms": everything(), "actor": admin(),
        });
        refused(&row.ask("agreement.invite.v1", &invite).await, reason);
    }
    row.ends_unseen().await;
}

pub async fn hostile_accepting_ones_own_invite(context: ConformanceContext) {
    let row = row(context).await;
    let [sender, receiver] = row.context.desks(["sender", "receiver"]).await;
    let (receipt, agreement) = row.context.invite(&sender, &receiver, everything()).await;
    applied(&receipt);
    for verb in ["accept", "decline"] {
        refused(&row.context.decide(&sender, verb, &agreement).await, NotTheReceiver);
    }
    applied(&row.context.decide(&receiver, "accept", &agreement).await);
    refused(&row.context.decide(&receiver, "decline", &agreement).await, AlreadyDecided);
    row.ends_unseen().await;
}

pub async fn hostile_changing_anothers_share(context: ConformanceContext) {
    let row = row(context).await;
    let share = &row.ground.hidden_share;
    let redact =
        json!({ "share_id": share, "comment_id": row.ground.hidden_comment, "actor": agent() });
    let commands = [
        (
            "ticket.update.v1",
            with(row.update(&json!({ "ticket_id": null, "share_id": share })), &json!({})),
        ),
        ("ticket.bind.v1", json!({ "share_id": share, "ticket_id": row.marker })),
        ("ticket.unshare.v1", json!({ "share_id": share, "actor": agent() })),
        ("ticket.redact.v1", redact),
        ("ticket.resync.v1", json!({ "share_id": share })),
        (
            "ticket.share.v1",
            share_of(
                &row,
                row.ground.agreement.as_str(),
                &json!({ "ticket": { "copy_of": share } }),
            ),
        ),
    ];
    all_refused(&row, NotShared, &commands).await;
    row.ends_unseen().await;
}

pub async fn hostile_changing_anothers_ticket_by_its_number(context: ConformanceContext) {
    let row = row(context).await;
    let commands = [
        (
            "ticket.update.v1",
            row.update(&json!({ "ticket_id": HIDDEN_TICKET, "status": "closed" })),
        ),
        ("ticket.update.v1", row.update(&json!({ "share_id": row.ground.hidden_share }))),
        ("ticket.unshare.v1", json!({ "ticket_id": HIDDEN_TICKET, "actor": agent() })),
        (
            "ticket.redact.v1",
            json!({ "ticket_id": HIDDEN_TICKET, "comment_id": row.ground.hidden_comment,
                "actor": agent() }),
        ),
    ];
    all_refused(&row, NotShared, &commands).await;
    row.ends_unseen().await;
}

pub async fn hostile_sharing_under_anothers_share_id(context: ConformanceContext) {
    let row = row(context).await;
    let share = share_of(
        &row,
        row.ground.agreement.as_str(),
        &json!({ "share_id": row.ground.hidden_share }),
    );
    refused(&row.ask("ticket.share.v1", &share).await, IdTaken);
    row.ends_unseen().await;
}

pub async fn hostile_anothers_comment_ids(context: ConformanceContext) {
    let row = row(context).await;
    let (globex, initech) = (&row.ground.globex.account, &row.ground.initech.account);
    for id in [
        row.ground.hidden_comment.clone(),
        format!("{globex}/new"),
        format!("{initech}/1"),
        format!("{}-eu/1", row.ground.acme.account),
    ] {
        let update = row.update(&json!({ "comments": [{ "id": id, "body": row.marker }] }));
        let receipt = row.ask("ticket.update.v1", &update).await;
        item(&receipt, &format!("comment:{id}"), Withheld, IdTaken);
        let redact =
            json!({ "ticket_id": super::ground::TICKET, "comment_id": id, "actor": agent() });
        refused(&row.ask("ticket.redact.v1", &redact).await, NotTheAuthor);
    }
    row.ends_unseen().await;
}

pub async fn hostile_ending_a_share_that_one_received(context: ConformanceContext) {
    let row = row(context).await;
    let partners = row.context.partners(everything()).await;
    let share =
        row.context.shared(&partners.acme, &partners.globex, &partners.agreement, "1").await;
    refused(&row.context.unshare(&partners.globex, &share).await, Reason::ReceiverCannotUnshare);
    let (receipt, _) = row
        .context
        .share(&partners.globex, &partners.agreement, json!({ "subject": row.marker }))
        .await;
    refused(&receipt, Reason::NotTheSender);
    refused(&row.context.bind(&partners.globex, &share, "other").await, Reason::AlreadyBound);
    refused(&row.context.bind(&partners.acme, &share, "other").await, NotTheReceiver);
    row.ends_unseen().await;
}
