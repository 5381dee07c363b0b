//! The whole story with each dialect, through the running bridge and line, both ways.

use std::collections::BTreeSet;

use contracts::AgreementId;
use contracts::delivery::DeliveryBody;
use nhd_partner::dialect::agreement::AgreementChange;
use nhd_partner::held::{PartnerTerms, PartnerTicket, Standing, TicketChange};
use nhd_partner::{Dialect, Habits, NewTicket, Partner, PartnerCall, Verdict};
use serde_json::{Map, Value, json};
use testkit::desk::PATIENCE;
use testkit::{Desk, until};

use crate::system::{
    System, agreement, comment, created, decide, invite, partner_holds, said, seen, share, taken,
    update,
};

const ACCEPTED: AgreementChange = AgreementChange::Standing(Standing::Accepted);

/// All of it with one dialect, between a new account and a new partner.
pub async fn play(system: &System, account: &str, dialect: Dialect) {
    let desk = system.desk(account).await;
    let partner = system.partner("Partner Desk", dialect.habits()).await;
    partner_shares(system, &desk, &partner).await;
    desk_shares(&desk, &partner).await;
    declined_both_ways(system, &desk, &partner).await;
    assert!(partner.desk(|desk| desk.books.doubled()).is_empty());
}

/// The partner invites by the account's sharing URL and shares a ticket.
async fn partner_shares(system: &System, desk: &Desk, partner: &Partner) {
    let (at_home, uuid) = accepted_here(system, desk, partner).await;
    if partner.desk(|it| it.habits.dialect).tells_tickets() {
        partners_ticket(desk, partner, &uuid).await;
    }
    let ended = AgreementChange::Standing(Standing::Inactive);
    done(partner, partner.desk(|it| it.change_agreement(&uuid, &ended))).await;
    agreement(desk, "agreement.deactivated.v1", |it| it.agreement_id == at_home).await;
    // R-74: what has ended does not begin again.
    let again = partner.say(|it| it.change_agreement(&uuid, &AgreementChange::Reactivated)).await;
    assert!(matches!(again, Verdict::Failed(403 | 422)), "{again:?}");
}

/// The partner invites, and the desk accepts; the agreement's id there.
pub async fn agreed_by(system: &System, desk: &Desk, partner: &Partner) -> String {
    accepted_here(system, desk, partner).await.1
}

/// The same; its id here and there.
async fn accepted_here(system: &System, desk: &Desk, partner: &Partner) -> (AgreementId, String) {
    let known = told_agreements(desk);
    let uuid = invited_by(system, desk, partner).await;
    let new = |it: &contracts::delivery::AgreementState| !known.contains(&it.agreement_id);
    let at_home = agreement(desk, "agreement.invited.v1", new).await.agreement_id;
    taken(&decide(desk, "accept", &at_home).await);
    stands(partner, &uuid, Standing::Accepted).await;
    (at_home, uuid)
}

/// Makes a call that has to be taken.
pub async fn done(partner: &Partner, call: PartnerCall) {
    let said = format!("{} {}", call.method, call.url);
    let (verdict, answers) = partner.call(call).await;
    assert_eq!(verdict, Verdict::Done, "{said}: {answers:#?}");
}

async fn invited_by(system: &System, desk: &Desk, partner: &Partner) -> String {
    let there = system.sharing_url(desk);
    let (uuid, invite) = partner.desk(|it| it.invite(&there, PartnerTerms::everything()));
    for _ in 0..2 {
        done(partner, invite.clone()).await;
    }
    uuid
}

/// What crosses from the partner to the desk and back, until the partner unshares it.
async fn partners_ticket(desk: &Desk, partner: &Partner, uuid: &str) {
    let new = NewTicket {
        subject: "The meter restarts".to_owned(),
        status: "new".to_owned(),
        requester: partner.desk(|it| it.person("Robin")),
        tags: BTreeSet::from(["field".to_owned()]),
        custom_fields: Map::from_iter([("Meter model".to_owned(), json!("LX-40"))]),
        comments: vec![("Dark at two".to_owned(), true), ("Third time".to_owned(), false)],
        ..NewTicket::default()
    };
    let (ticket, call) = partner.desk(|it| it.share(uuid, new));
    for _ in 0..2 {
        done(partner, call.clone()).await;
    }
    created(desk, "The meter restarts", "4711").await;
    alike(desk, "4711", partner, &ticket).await;
    let reply = [comment(desk, "We come on Monday", true), comment(desk, "Bring a spare", false)];
    let change = json!({ "status": "pending", "comments": reply,
        "tags": { "add": [{ "name": "visit", "added_by": "user" }] },
        "custom_fields": { "visit": "2026-12-07" } });
    taken(&update(desk, "4711", change).await);
    alike(desk, "4711", partner, &ticket).await;
    let change = partner.desk(|it| TicketChange {
        status: Some("solved".to_owned()),
        tags: Some(BTreeSet::from(["done".to_owned(), "field".to_owned(), "visit".to_owned()])),
        comments: vec![it.comment("Thank you", true), it.comment("He was rude", false)],
        ..TicketChange::default()
    });
    let call = partner.desk(|it| it.update(&ticket, change));
    for _ in 0..2 {
        done(partner, call.clone()).await;
    }
    alike(desk, "4711", partner, &ticket).await;
    if partner.desk(|it| it.habits.dialect).tells_unshare() {
        done(partner, partner.desk(|it| it.unshare(&ticket))).await;
        let unshared = |told: &DeliveryBody| matches!(told, DeliveryBody::TicketUnshared(_));
        desk.told("the end of the share", |told| unshared(told).then_some(())).await;
    }
}

/// The desk invites the partner and shares a ticket.
async fn desk_shares(desk: &Desk, partner: &Partner) {
    let (at_home, uuid) = agreed_to(desk, partner).await;
    let dialect = partner.desk(|it| it.habits.dialect);
    // Request Tracker begins no ticket as pending.
    let is_strict = dialect == Dialect::RequestTracker;
    let (begins, then) = if is_strict { ("pending", "open") } else { ("open", "pending") };
    let ticket = json!({ "id": "815", "subject": "The charger hums", "status": begins,
        "requester": { "id": "r", "name": "Max", "role": "end_user" },
        "comments": [comment(desk, "When it rains", true), comment(desk, "A regular", false)] });
    share(desk, &at_home, ticket).await;
    let theirs = until("the ticket at the partner", PATIENCE, async || {
        partner.desk(|it| {
            let found = it.tickets.values().find(|ticket| ticket.subject == "The charger hums");
            found.map(|ticket| ticket.uuid.clone()).ok_or_else(|| format!("{:#?}", it.books.told))
        })
    })
    .await;
    alike(desk, "815", partner, &theirs).await;
    taken(&update(desk, "815", json!({ "status": then })).await);
    alike(desk, "815", partner, &theirs).await;
    let note = json!({ "comments": [comment(desk, "Look at the fuse", false)] });
    taken(&update(desk, "815", note).await);
    alike(desk, "815", partner, &theirs).await;
    if dialect.tells_tickets() {
        let reply = partner.desk(|it| TicketChange {
            comments: vec![it.comment("It is the fuse", true)],
            status: Some("open".to_owned()),
            ..TicketChange::default()
        });
        let call = partner.desk(|it| it.update(&theirs, reply));
        done(partner, call).await;
        alike(desk, "815", partner, &theirs).await;
    }
    let unshare = json!({ "ticket_id": "815", "actor": crate::system::agent() });
    taken(&desk.ask("ticket.unshare.v1", &unshare).await);
    if !is_strict {
        partner_holds(partner, &theirs, "the end of the share", |held| held.ended).await;
    }
    taken(&decide(desk, "deactivate", &at_home).await);
    stands(partner, &uuid, Standing::Inactive).await;
}

/// The desk invites, and the partner accepts; the agreement's id here and there.
pub async fn agreed_to(desk: &Desk, partner: &Partner) -> (AgreementId, String) {
    let (at_home, uuid) = invited_to(desk, partner).await;
    done(partner, partner.desk(|it| it.change_agreement(&uuid, &ACCEPTED))).await;
    agreement(desk, "agreement.accepted.v1", |it| it.agreement_id == at_home).await;
    (at_home, uuid)
}

/// Invites the partner; the agreement's id here and there.
async fn invited_to(desk: &Desk, partner: &Partner) -> (AgreementId, String) {
    let known: BTreeSet<String> = partner.desk(|it| it.agreements.keys().cloned().collect());
    let at_home = invite(desk, &partner.url).await;
    let uuid = until("the invite at the partner", PATIENCE, async || {
        partner.desk(|it| {
            let new = it.agreements.keys().find(|uuid| !known.contains(*uuid)).cloned();
            new.ok_or_else(|| format!("{:#?}", it.books.told))
        })
    })
    .await;
    (at_home, uuid)
}

async fn declined_both_ways(system: &System, desk: &Desk, partner: &Partner) {
    let (at_home, uuid) = invited_to(desk, partner).await;
    let declined = AgreementChange::Standing(Standing::Declined);
    done(partner, partner.desk(|it| it.change_agreement(&uuid, &declined))).await;
    agreement(desk, "agreement.declined.v1", |it| it.agreement_id == at_home).await;
    let seen: BTreeSet<_> = told_agreements(desk);
    let uuid = invited_by(system, desk, partner).await;
    let new = |it: &contracts::delivery::AgreementState| !seen.contains(&it.agreement_id);
    let invited = agreement(desk, "agreement.invited.v1", new).await;
    taken(&decide(desk, "decline", &invited.agreement_id).await);
    stands(partner, &uuid, Standing::Declined).await;
}

fn told_agreements(desk: &Desk) -> BTreeSet<AgreementId> {
    let deliveries = desk.deliveries();
    let invited = deliveries.iter().filter_map(|it| match &it.told {
        DeliveryBody::AgreementInvited(state) => Some(state.agreement_id.clone()),
        _ => None,
    });
    invited.collect()
}

/// Waits until the partner has heard how an agreement stands.
async fn stands(partner: &Partner, uuid: &str, standing: Standing) {
    until(&format!("{uuid} is {}", standing.word()), PATIENCE, async || {
        partner.desk(|it| {
            let now = it.agreement(uuid).standing;
            (now == standing).then_some(()).ok_or_else(|| format!("{now:?} {:#?}", it.books.told))
        })
    })
    .await;
}

/// Waits until both sides hold the same, as far as the partner's dialect keeps it.
pub async fn alike(desk: &Desk, number: &str, partner: &Partner, ticket: &str) {
    until(&format!("{number} is alike on both sides"), PATIENCE, async || {
        let (habits, there) = partner.desk(|it| (it.habits.clone(), it.ticket(ticket).clone()));
        let (here, there) = (held_here(&habits, desk, number), held_there(&habits, &there));
        (here == there).then_some(()).ok_or_else(|| format!("here {here:#}, there {there:#}"))
    })
    .await;
}

fn held_here(habits: &Habits, desk: &Desk, number: &str) -> Value {
    let seen = seen(desk, number);
    let mut held = json!({ "status": seen["status"]["value"] });
    if habits.dialect != Dialect::RequestTracker {
        let tags: Vec<&str> = names(&seen, "tag:");
        held["tags"] = json!(tags);
        held["comments"] = json!(said(desk, number));
        held["fields"] = json!({ "Meter model": seen["custom_field:model"],
            "Visit date": seen["custom_field:visit"] });
    }
    held
}

fn held_there(habits: &Habits, ticket: &PartnerTicket) -> Value {
    let mut held = json!({ "status": ticket.status });
    if habits.dialect != Dialect::RequestTracker {
        held["tags"] = json!(ticket.tags);
        held["comments"] = json!(ticket.said());
        let field = |title: &str| ticket.custom_fields.get(title).cloned();
        held["fields"] = json!({ "Meter model": field("Meter model"),
            "Visit date": field("Visit date") });
    }
    held
}

fn names<'a>(seen: &'a Value, prefix: &str) -> Vec<&'a str> {
    let members = seen.as_object().into_iter().flatten();
    members.filter_map(|(name, _)| name.strip_prefix(prefix)).collect()
}
