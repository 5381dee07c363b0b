//! Between an acceptance and the partner's answer to it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use contracts::command::AgreementDeactivate;
use contracts::{AccountName, Message};
use desk::outbox::{Request, accept};
use nhd_bridge::store::agreement::undecided_for;
use serde_json::{Value, json};
use testkit::Desk;

use crate::invited::ticket;
use crate::partner::{Known, Partner};
use crate::world::{World, admin, agreement_told, answers, applied};

/// What an answer may take that waits for nobody. Who waits for a proof waits longer.
const SOON: Duration = Duration::from_millis(1_500);

/// The partner invites acme; the agreement as the partner knows it, and its id.
async fn invited(partner: &Partner, acme: &Desk) -> (Known, Value) {
    let (known, body) = partner.invite(acme, &[]);
    partner.invites(&known, &body).await.is(201);
    let state = agreement_told(acme, "pending").await;
    (known, state["agreement_id"].clone())
}

async fn accepts(world: &World, acme: &Desk, (known, id): (&Known, &Value)) {
    let accept = json!({ "agreement_id": id, "actor": admin() });
    applied(&acme.ask("agreement.accept.v1", &accept).await);
    let query = "select status from agreement where uuid = $1";
    answers(&world.pool, "the acceptance", query, &known.uuid, "accepted").await;
}

pub async fn nobody_waits_for_a_proof_that_nobody_asks_for(world: Arc<World>) {
    let (acme, partner) = (world.desk("acme").await, world.partner());
    let (known, id) = invited(&partner, &acme).await;
    let pause = "update agreement set paused_at = now() where uuid = $1";
    sqlx::query(pause).bind(&known.uuid).execute(&world.pool).await.expect("it is paused");
    accepts(&world, &acme, (&known, &id)).await;
    let (path, asked) = (format!("/tickets/{}", world.hex()), Instant::now());
    partner.with(&known, "POST", &path, &ticket("", &[])).await.is(403).says("not proven yet");
    assert!(asked.elapsed() < SOON, "it took {:?}", asked.elapsed());
}

pub async fn who_waits_for_a_proof_holds_up_nobody(world: Arc<World>) {
    let (acme, other, globex) =
        (world.desk("acme").await, world.partner(), world.desk("globex").await);
    let reads = other.agreed(&acme, &[]).await;
    let partner = Arc::new(world.partner());
    let (known, id) = invited(&partner, &globex).await;
    let held = partner.hold().await;
    accepts(&world, &globex, (&known, &id)).await;
    partner.hears("PUT", "/agreements/", |it| it.body["status"] == "accepted").await;
    // As many as there are connections to the database.
    let waiting: Vec<_> = (0..world.pool.options().get_max_connections())
        .map(|_| {
            let (partner, known) = (Arc::clone(&partner), known.clone());
            let path = format!("/tickets/{}", world.hex());
            tokio::spawn(async move { partner.with(&known, "POST", &path, &json!({})).await })
        })
        .collect();
    let (path, mut longest) = (format!("/agreements/{}", reads.uuid), Duration::ZERO);
    while !waiting.iter().all(tokio::task::JoinHandle::is_finished) {
        let asked = Instant::now();
        other.with(&reads, "GET", &path, &Value::Null).await.is(200);
        longest = longest.max(asked.elapsed());
    }
    assert!(longest < SOON, "it took {longest:?}");
    for answer in waiting {
        answer.await.expect("no panic").is(403).says("not proven yet");
    }
    drop(held);
    partner.is_proven(&known).await;
}

pub async fn what_the_old_place_answers_says_nothing_of_the_new_one(world: Arc<World>) {
    let (acme, old, new) = (world.desk("acme").await, world.partner(), world.partner());
    let (known, id) = invited(&old, &acme).await;
    let path = format!("/agreements/{}", known.uuid);
    old.answers(|_| Some((404, Vec::new(), "I have moved".to_owned())));
    let held = old.hold().await;
    accepts(&world, &acme, (&known, &id)).await;
    old.hears("PUT", &path, |it| it.body["status"] == "accepted").await;
    old.with(&known, "PUT", &path, &json!({ "sender_url": new.url })).await.is(200);
    drop(held);
    new.hears("PUT", &path, |it| it.body["status"] == "accepted").await;
    new.is_proven(&known).await;
    let query = "select status from agreement where uuid = $1";
    answers(&world.pool, "the agreement", query, &known.uuid, "accepted").await;
}

pub async fn what_waited_for_the_old_place_is_sent_to_the_new_one_at_once(world: Arc<World>) {
    let (acme, old, new) = (world.desk("acme").await, world.partner(), world.partner());
    let (known, id) = invited(&old, &acme).await;
    let path = format!("/agreements/{}", known.uuid);
    // It asks to be left alone for a day.
    let later = || vec![("retry-after", "86400".to_owned())];
    old.answers(move |_| Some((503, later(), "not today".to_owned())));
    accepts(&world, &acme, (&known, &id)).await;
    let query = "select max(call.failures)::text from call
        join agreement on agreement.id = call.agreement where uuid = $1";
    answers(&world.pool, "the first attempt", query, &known.uuid, "1").await;
    old.with(&known, "PUT", &path, &json!({ "sender_url": new.url })).await.is(200);
    new.hears("PUT", &path, |it| it.body["status"] == "accepted").await;
    new.is_proven(&known).await;
}

pub async fn an_old_invite_is_withdrawn_once(world: Arc<World>) {
    let (acme, partner) = (world.desk("acme").await, world.partner());
    let mut known = Vec::new();
    for _invite in 0..2 {
        let (invite, body) = partner.invite(&acme, &[]);
        partner.invites(&invite, &body).await.is(201);
        let query = "select (version > 0)::text from agreement where uuid = $1";
        answers(&world.pool, "the invite", query, &invite.uuid, "true").await;
        known.push(invite.uuid);
    }
    let age = "update agreement set created_at = created_at - interval '20 days'
        where uuid = any($1)";
    sqlx::query(age).bind(&known).execute(&world.pool).await.expect("they are old");
    let old = undecided_for(&world.pool, 14).await.expect("the database answers");
    assert_eq!(old.iter().map(|row| &row.uuid).collect::<Vec<_>>(), [&known[0], &known[1]]);
    let content = json!({ "agreement_id": old[0].id, "actor": admin() });
    let account = AccountName::new(old[0].account.as_str()).expect("a name");
    let key = format!("deactivate {}", old[0].id);
    let withdraws = Request::new(account, key, AgreementDeactivate::NAME, content);
    accept(&world.pool, &withdraws).await.expect("it is kept");
    let old = undecided_for(&world.pool, 14).await.expect("the database answers");
    assert_eq!(old.iter().map(|row| &row.uuid).collect::<Vec<_>>(), [&known[1]]);
}
