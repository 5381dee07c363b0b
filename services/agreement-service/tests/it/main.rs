//! The service in the real runtime: commands from desks, facts to share-dispatcher, receipts to
//! desks, and what is stored.

mod batch;
mod commands;
mod harness;
mod invites;
mod list;
mod names;
mod rename;
mod third_parties;

use std::time::{Duration, Instant};

use contracts::delivery::AgreementStatus::{Accepted, Declined, Inactive, Pending};
use contracts::delivery::{AgreementStatus, DeliveryBody};
use contracts::sync::{AgreementFact, Change, Fact};
use contracts::topology::RETRY_LADDER;
use contracts::{Message, Reason, ReceiptOutcome};
use serde_json::json;
use testkit::desk::PATIENCE;
use testkit::{Desk, locks, until};

use crate::commands::{accept, agreement, deactivate, decline, invite, register, secure_downloads};
use crate::harness::{Outcome, ServiceHarness};

/// A fact's agreement; there is one in each that does not come from a rename.
fn agreement_of(fact: &Fact) -> Option<&AgreementFact> {
    fact.change.agreements().first()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_goes_on_with_rising_versions_and_only_refusals_end_here() {
    let mut stage = ServiceHarness::set("agreement-burst").await;
    let (operator, acme, globex) =
        (stage.operator(), stage.desk("acme").await, stage.desk("globex").await);
    stage.start_two_replicas();
    let published = [
        (&operator, operator.send(&register("acme")).await),
        (&operator, operator.send(&register("globex")).await),
        (&acme, acme.send(&secure_downloads()).await),
        (&acme, acme.send(&invite(1, "globex")).await),
        (&globex, globex.send(&accept(1)).await),
    ];
    let facts = stage.facts_passed_on(published.len()).await;
    let mut versions: Vec<_> = facts
        .iter()
        .map(|fact| match &fact.change {
            Change::Account(account) => {
                (account.account.to_string(), account.version, None, account.secure_downloads)
            }
            Change::Agreements(changed) => {
                ("agreement".to_owned(), changed[0].version, Some(changed[0].status), false)
            }
            Change::WithAgreements { .. } => panic!("nobody is renamed: {fact:?}"),
        })
        .collect();
    versions.sort();
    let expected = [
        ("acme", 1, None, false),
        ("acme", 2, None, true),
        ("agreement", 1, Some(Pending), false),
        ("agreement", 2, Some(Accepted), false),
        ("globex", 1, None, false),
    ];
    assert_eq!(
        versions,
        expected.map(|(what, version, status, secure)| (what.to_owned(), version, status, secure))
    );
    for (desk, id) in published {
        let id = id.expect("the broker takes it");
        let its = facts
            .iter()
            .find(|fact| fact.command.account == desk.account && fact.command.message_id == id);
        let receipt =
            &its.unwrap_or_else(|| panic!("{id} of {} became no fact", desk.account)).receipt;
        assert_eq!(
            (receipt.command_id.as_str(), receipt.outcome),
            (id.as_str(), ReceiptOutcome::Applied)
        );
    }
    let accepted = facts
        .iter()
        .find(|fact| agreement_of(fact).is_some_and(|changed| changed.status == Accepted));
    let accepted = accepted.expect("it is among the five");
    assert!(
        accepted
            .deliveries
            .iter()
            .all(|delivery| matches!(delivery.told, DeliveryBody::AgreementAccepted(_)))
    );
    assert_eq!(
        (accepted.deliveries.len(), accepted.notices.len()),
        (2, 1),
        "both desks, and the sender's admins"
    );

    // What is refused has its receipt from here; it is the first thing that each desk hears.
    let refused = [
        (&operator, operator.command(&register("acme")).await, Reason::AccountExists),
        (&acme, acme.command(&invite(2, "acme")).await, Reason::InviteToSelf),
        (&globex, globex.command(&accept(1)).await, Reason::AlreadyDecided),
    ];
    for (desk, receipt, reason) in refused {
        assert_eq!((receipt.outcome, receipt.reason), (ReceiptOutcome::Rejected, Some(reason)));
        assert_eq!(
            desk.deliveries().len(),
            1,
            "{} hears of the rest from the end of the line",
            desk.account
        );
    }
    assert_eq!(stage.facts().len(), facts.len(), "a refusal is no fact");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_that_race_at_two_replicas_end_as_in_some_order_of_them() {
    let mut stage = ServiceHarness::set("agreement-race").await;
    let (operator, acme, globex) =
        (stage.operator(), stage.desk("acme").await, stage.desk("globex").await);
    stage.start_two_replicas();
    send_all(&operator, ["acme", "globex"].map(register)).await;
    stage.facts_passed_on(2).await;
    let (ended, answered, contested) = (0..12, 12..24, 24..36);
    send_all(&acme, (0..24).map(|number| invite(number, "globex"))).await;
    stage.facts_passed_on(2 + 24).await;

    let held = locks::hold(&stage.pool, "lock table agreement in share mode").await;
    let (accepts, ends, accepts_too, declines, invites, invites_too) = tokio::join!(
        send_all(&globex, ended.clone().map(accept)),
        send_all(&acme, ended.clone().map(deactivate)),
        send_all(&globex, answered.clone().map(accept)),
        send_all(&globex, answered.clone().map(decline)),
        send_all(&acme, contested.clone().map(|number| invite(number, "globex"))),
        send_all(&globex, contested.clone().map(|number| invite(number, "acme"))),
    );
    locks::release(&stage.pool, held).await;
    for (index, number) in ended.enumerate() {
        let accept = stage.outcome(&globex, &accepts[index]).await;
        let end = stage.outcome(&acme, &ends[index]).await;
        assert!(matches!(end, Outcome::Passed), "pending or accepted, it can be ended: {end:?}");
        let way: &[_] = match accept {
            Outcome::Passed => &[Pending, Accepted, Inactive],
            Outcome::Refused(Some(Reason::AlreadyDecided)) => &[Pending, Inactive],
            other @ Outcome::Refused(_) => panic!("{other:?}"),
        };
        came_to(&stage, number, way).await;
    }
    for (index, number) in answered.enumerate() {
        let accept = stage.outcome(&globex, &accepts_too[index]).await;
        let decline = stage.outcome(&globex, &declines[index]).await;
        let stands = match (accept, decline) {
            (Outcome::Passed, Outcome::Refused(Some(Reason::AlreadyDecided))) => Accepted,
            (Outcome::Refused(Some(Reason::AlreadyDecided)), Outcome::Passed) => Declined,
            both => panic!("one of them decides: {both:?}"),
        };
        came_to(&stage, number, &[Pending, stands]).await;
    }
    for (index, number) in contested.enumerate() {
        let ours = stage.outcome(&acme, &invites[index]).await;
        let theirs = stage.outcome(&globex, &invites_too[index]).await;
        match (ours, theirs) {
            (Outcome::Passed, Outcome::Refused(Some(Reason::IdTaken)))
            | (Outcome::Refused(Some(Reason::IdTaken)), Outcome::Passed) => {
                came_to(&stage, number, &[Pending]).await;
            }
            both => panic!("an id is of one agreement: {both:?}"),
        }
    }
    stage.end().await;
}

/// Publishes one after the other; the message ids.
async fn send_all<M: Message>(desk: &Desk, commands: impl IntoIterator<Item = M>) -> Vec<String> {
    let mut ids = Vec::new();
    for command in commands {
        ids.push(desk.send(&command).await.expect("the broker takes it"));
    }
    ids
}

/// Says that the facts of an agreement are exactly these, version by version, and that the last is
/// what is stored.
async fn came_to(stage: &ServiceHarness, number: usize, way: &[AgreementStatus]) {
    let id = agreement(number);
    let facts = stage.facts();
    let mut told: Vec<_> = facts
        .iter()
        .flat_map(|fact| fact.change.agreements())
        .filter(|changed| changed.agreement_id == id)
        .collect();
    told.sort_by_key(|changed| changed.version);
    let told: Vec<_> = told.into_iter().map(|changed| (changed.version, changed.status)).collect();
    let expected: Vec<_> = (1..).zip(way.iter().copied()).collect();
    assert_eq!(told, expected, "agreement {number}");
    let stored: (String, i64) =
        sqlx::query_as("select status, version from agreement where agreement_id = $1")
            .bind(id.as_str())
            .fetch_one(&stage.pool)
            .await
            .expect("it is stored");
    let stands = way.last().map(|status| json!(status));
    assert_eq!(
        (Some(json!(stored.0)), stored.1),
        (stands, way.len().try_into().expect("a few")),
        "agreement {number}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_of_an_account_that_nobody_registers_is_parked_unanswered() {
    let mut stage = ServiceHarness::set("agreement-unknown").await;
    stage.shorten_the_ladder().await;
    let (operator, initech) = (stage.operator(), stage.desk("initech").await);
    stage.start_two_replicas();
    let id = initech.send(&secure_downloads()).await.expect("the broker takes it");
    let parked = until("the command to be parked", PATIENCE, async || {
        let query =
            "select reason, account, message_id, headers ->> 'deskmesh-attempt' from parked";
        let rows: Vec<(String, String, String, String)> =
            sqlx::query_as(query).fetch_all(&stage.pool).await.expect("rows");
        if rows.is_empty() { Err("nothing is parked".to_owned()) } else { Ok(rows) }
    })
    .await;
    let both_steps = RETRY_LADDER.len().to_string();
    assert_eq!(
        parked,
        [("unknown_account".to_owned(), "initech".to_owned(), id.clone(), both_steps)]
    );
    assert!(stage.facts().is_empty(), "nothing goes on");

    // It is not taken for decided: with its account there, the same command counts.
    operator.send(&register("initech")).await.expect("the broker takes it");
    stage.facts_passed_on(1).await;
    initech.send_as(&id, &secure_downloads()).await.expect("the broker takes it");
    let outcome = stage.outcome(&initech, &id).await;
    assert!(matches!(outcome, Outcome::Passed), "{outcome:?}");
    assert_eq!(initech.deliveries().len(), 0, "nobody answered what was parked");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_address_is_refused_within_a_second() {
    let mut stage = ServiceHarness::set("agreement-nobody").await;
    let (operator, acme) = (stage.operator(), stage.desk("acme").await);
    stage.start_two_replicas();
    operator.send(&register("acme")).await.expect("the broker takes it");
    stage.facts_passed_on(1).await;
    let mut fastest = Duration::MAX;
    for number in 1..4 {
        let asked = Instant::now();
        let id = acme.send(&invite(number, "nobody")).await.expect("the broker takes it");
        let outcome = stage.outcome(&acme, &id).await;
        assert!(matches!(outcome, Outcome::Refused(Some(Reason::UnknownAccount))), "{outcome:?}");
        fastest = fastest.min(asked.elapsed());
    }
    assert!(fastest < Duration::from_secs(1), "{fastest:?}");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_whose_registration_waits_is_waited_for_too() {
    let mut stage = ServiceHarness::set("agreement-coming").await;
    let (operator, acme, bridge) =
        (stage.operator(), stage.desk("acme").await, stage.desk("bridge").await);
    stage.start_two_replicas();
    operator.send(&register("acme")).await.expect("the broker takes it");
    stage.facts_passed_on(1).await;
    let mut below = register("bridge-x");
    below.operated_by = Some(bridge.account.clone());
    bridge.send(&below).await.expect("the broker takes it");
    until("the registration to wait", PATIENCE, async || {
        let query = "select count(*) from delayed_address where text = 'bridge-x'";
        let waiting: i64 = sqlx::query_scalar(query).fetch_one(&stage.pool).await.expect("a count");
        if waiting == 1 { Ok(()) } else { Err("it does not".to_owned()) }
    })
    .await;
    let invited = acme.send(&invite(1, "bridge-x")).await.expect("the broker takes it");
    // It comes after an invite to nobody was refused, which waited a moment.
    let refused = acme.send(&invite(2, "nobody")).await.expect("the broker takes it");
    stage.outcome(&acme, &refused).await;
    let mut operating = register("bridge");
    operating.may_operate = true;
    operator.send(&operating).await.expect("the broker takes it");
    let outcome = stage.outcome(&acme, &invited).await;
    assert!(matches!(outcome, Outcome::Passed), "{outcome:?}");
    stage.end().await;
}
