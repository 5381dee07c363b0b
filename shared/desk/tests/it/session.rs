use contracts::delivery::AgreementStatus;
use desk::log::{self, Cursor, CursorError, ReadError};
use desk::store::account::{KeptAccount, keep};
use desk::store::read::{self, TicketName};
use serde_json::{Value, json};
use testkit::desk::PATIENCE;
use testkit::until;

use crate::harness::{ACME, DeskHarness, GLOBEX};

pub const SHARE: &str = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10";
const AGREEMENT: &str = "7c1e0a52-7c1e-4d9a-9a36-3c9f9f9d8f11";

pub fn placeholder(name: &str) -> Value {
    json!({ "id": format!("p-{name}"), "name": name, "role": "end_user", "placeholder": true })
}

pub fn created(share: &str, comments: &[&str], revision: u64) -> Value {
    let comment = |id: &&str| {
        json!({ "id": id, "author": placeholder("Ada"), "body": format!("{id} says"),
            "html_body": format!("<p>{id} says</p>"), "public": true })
    };
    json!({ "share_id": share, "agreement_id": AGREEMENT, "received_from": "globex",
        "via": "ticket_sharing", "original_ticket_id": "77", "subject": "The pump leaks",
        "status": "open", "requester": placeholder("Ada"), "form": "default", "tags": ["leak"],
        "custom_fields": { "order": "7" },
        "comments": comments.iter().map(comment).collect::<Vec<_>>(), "revision": revision })
}

pub fn updated(share: &str, more: &Value) -> Value {
    let mut body = json!({ "share_id": share, "received_from": "globex", "via": "ticket_sharing" });
    for (name, value) in more.as_object().expect("members") {
        body[name] = value.clone();
    }
    body
}

async fn held(harness: &DeskHarness, share: &str) -> read::TicketRow {
    let mut connection = harness.pool.acquire().await.expect("a connection");
    let ticket = read::ticket(&mut connection, ACME, TicketName::Share(share)).await;
    ticket.expect("the database answers").expect("the ticket is held")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_is_logged_once_in_order_and_held() {
    let mut harness = DeskHarness::set("desk-session").await;
    // An update that comes before its ticket; and one message twice.
    let early = updated(SHARE, &json!({ "status": "pending", "revision": 3 }));
    harness.tell(ACME, "ticket.updated.v1", "d1", &early).await;
    harness.tell(ACME, "ticket.updated.v1", "d1", &early).await;
    harness.start_session();
    harness.start_session();
    harness.logged(ACME, 1).await;
    harness.tell(ACME, "ticket.created.v1", "d2", &created(SHARE, &["globex/1"], 1)).await;
    harness.logged(ACME, 2).await;
    // A type of a later release is told as it came.
    harness.tell(ACME, "ticket.praised.v1", "d3", &json!({ "stars": 5 })).await;
    harness.tell(GLOBEX, "ticket.praised.v1", "d3", &json!({ "stars": 4 })).await;
    let log = harness.logged(ACME, 3).await;
    harness.logged(GLOBEX, 1).await;

    let types: Vec<&str> = log.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(types, ["ticket.updated.v1", "ticket.created.v1", "ticket.praised.v1"]);
    assert_eq!(log[0].1, early);
    let row = held(&harness, SHARE).await;
    assert_eq!(row.ticket.fields["status"], (json!({ "value": "pending" }), 3));
    assert_eq!(row.ticket.fields["custom_field:order"], (json!("7"), 1));
    assert_eq!(row.ticket.comments["globex/1"].body, "globex/1 says");
    assert_eq!(row.ticket.head.subject.as_deref(), Some("The pump leaks"));
    let share = &row.shares[0];
    assert_eq!(
        (share.side.as_deref(), share.partner.as_deref()),
        (Some("receiver"), Some("globex"))
    );
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_are_read_in_the_order_in_which_they_were_told() {
    let mut harness = DeskHarness::set("desk-order").await;
    harness.start_session();
    let told = ["globex/z", "globex/m", "globex/a"];
    harness.tell(ACME, "ticket.created.v1", "d1", &created(SHARE, &told, 1)).await;
    harness.logged(ACME, 1).await;
    let more = created(SHARE, &["globex/y", "globex/b"], 1)["comments"].clone();
    let more = updated(SHARE, &json!({ "comments": more }));
    harness.tell(ACME, "ticket.updated.v1", "d2", &more).await;
    harness.logged(ACME, 2).await;
    let expected = ["globex/z", "globex/m", "globex/a", "globex/y", "globex/b"];
    assert_eq!(held(&harness, SHARE).await.order, expected);
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redaction_blanks_log_commands_and_ticket() {
    let mut harness = DeskHarness::set("desk-redaction").await;
    harness.start_session();
    harness
        .tell(ACME, "ticket.created.v1", "d1", &created(SHARE, &["globex/1", "globex/2"], 1))
        .await;
    harness.logged(ACME, 1).await;
    let own = json!({ "share_id": SHARE, "actor": { "id": "1", "name": "Bo", "role": "agent" },
        "comments": [{ "id": "gateway-acme/9", "body": "own secret" }] });
    harness.ask(ACME, "k1", "ticket.update.v1", &own).await;

    let redact = json!({ "redact": [{ "comment_id": "globex/1" }] });
    harness.tell(ACME, "ticket.updated.v1", "d2", &updated(SHARE, &redact)).await;
    harness.logged(ACME, 2).await;
    let redact = json!({ "share_id": SHARE, "comment_id": "gateway-acme/9",
        "actor": { "id": "1", "name": "Bo", "role": "agent" } });
    harness.ask(ACME, "k2", "ticket.redact.v1", &redact).await;

    let log = json!(harness.log(ACME).await).to_string();
    assert!(!log.contains("globex/1 says") && log.contains("globex/2 says"), "{log}");
    let sent: Vec<String> =
        sqlx::query_scalar("select body from desk_outbox").fetch_all(&harness.pool).await.unwrap();
    assert!(!sent.concat().contains("own secret") && sent.concat().contains("gateway-acme/9"));
    let row = held(&harness, SHARE).await;
    assert_eq!(row.ticket.comments["globex/1"].body, "");
    assert_eq!(row.ticket.comments["globex/1"].html_body, None);
    assert_eq!(row.ticket.comments["gateway-acme/9"].body, "");
    assert_eq!(row.ticket.comments["globex/2"].body, "globex/2 says");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_agreement_stands_and_ends_its_shares() {
    let mut harness = DeskHarness::set("desk-agreement").await;
    harness.start_session();
    let party = |name: &str| json!({ "account": name, "address": name, "display_name": name });
    let state = |version: u64, status: &str| {
        json!({ "agreement_id": AGREEMENT, "version": version, "side": "receiver",
            "sender": party("globex"), "receiver": party(ACME), "partner_support_addresses": [],
            "terms": { "comments": "public_and_private", "tags": true, "custom_fields": true },
            "status": status, "by": { "side": "sender", "name": "Ada" },
            "at": "2026-11-29T12:00:00.000Z" })
    };
    harness.tell(ACME, "ticket.created.v1", "d1", &created(SHARE, &[], 1)).await;
    harness.tell(ACME, "agreement.deactivated.v1", "d2", &state(3, "inactive")).await;
    harness.tell(ACME, "agreement.accepted.v1", "d3", &state(2, "accepted")).await;
    harness.logged(ACME, 3).await;
    let held = read::agreement(&harness.pool, ACME, AGREEMENT).await.unwrap().expect("it is held");
    assert_eq!((&held["status"], &held["version"]), (&json!("inactive"), &json!(3)));
    let share = read::share(&harness.pool, ACME, SHARE).await.unwrap().expect("it is held");
    let status: AgreementStatus =
        serde_json::from_value(share.agreement.expect("its agreement").0["status"].clone())
            .unwrap();
    assert_eq!(desk::session::Standing::of(share.ended, Some(status)).word(), "agreement_inactive");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_here_keeps_is_parked_and_holds_up_nobody() {
    let mut harness = DeskHarness::set("desk-parked").await;
    harness.start_session();
    harness.tell("gateway-acme", "ticket.created.v1", "bad", &json!({ "share_id": 7 })).await;
    sqlx::query("delete from desk_account where account = $1")
        .bind(GLOBEX)
        .execute(&harness.pool)
        .await
        .unwrap();
    harness.tell(GLOBEX, "ticket.praised.v1", "d1", &json!({})).await;
    harness.tell(ACME, "ticket.praised.v1", "d2", &json!({})).await;
    harness.logged(ACME, 1).await;
    let parked = until("two parked deliveries", PATIENCE, async || {
        let parked: Vec<(String, String)> =
            sqlx::query_as("select message_id, reason from parked order by message_id")
                .fetch_all(&harness.pool)
                .await
                .unwrap();
        if parked.len() == 2 { Ok(parked) } else { Err(format!("{parked:?}")) }
    })
    .await;
    assert_eq!(parked[0], ("bad".into(), "undecodable".into()));
    assert_eq!(parked[1], ("d1".into(), "unknown_account".into()));

    // A person lets the account in after all, and replays: the one is taken in, the other is parked
    // again, as the same row.
    let globex = KeptAccount {
        account: GLOBEX.to_owned(),
        address: "globex".to_owned(),
        display_name: "Globex".to_owned(),
    };
    keep(&harness.pool, &globex).await.unwrap();
    assert_eq!(harness.replay_parked().await, 2);
    harness.logged(GLOBEX, 1).await;
    let rows = until("what was replayed", PATIENCE, async || {
        let rows: Vec<(String, String, i32)> = sqlx::query_as(
            "select message_id, state, times from parked where retake_at is null order by 1",
        )
        .fetch_all(&harness.pool)
        .await
        .unwrap();
        if rows.len() == 2 { Ok(rows) } else { Err(format!("{rows:?}")) }
    })
    .await;
    assert_eq!(rows[0], ("bad".into(), "parked".into(), 2));
    assert_eq!(rows[1], ("d1".into(), "replayed".into(), 1));
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_goes_on_where_it_was_and_hears_when_it_cannot() {
    let mut harness = DeskHarness::set("desk-log").await;
    harness.start_session();
    for number in 1..=5 {
        let body = json!({ "number": number, "text": "x".repeat(400_000) });
        harness.tell(ACME, "ticket.praised.v1", &format!("d{number}"), &body).await;
    }
    harness.logged(ACME, 5).await;
    let mut numbers = Vec::new();
    let mut after = None;
    loop {
        let page = log::page(&harness.pool, ACME, after, 100).await.unwrap();
        assert!(page.entries.len() <= 2, "a page has a mebibyte at most");
        for entry in &page.entries {
            let body: Value = serde_json::from_str(entry.body.get()).unwrap();
            numbers.push(body["number"].as_u64().unwrap());
        }
        after = Some(page.next);
        if page.is_last {
            break;
        }
    }
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    let head = log::head(&harness.pool, ACME).await.unwrap().expect("it is kept");
    assert_eq!(after, Some(head));

    sqlx::query("delete from desk_log where position < 4").execute(&harness.pool).await.unwrap();
    let at = |position| Cursor { position, ..head };
    for (cursor, is_there) in
        [(at(0), false), (at(2), false), (at(3), true), (at(5), true), (at(6), false)]
    {
        let page = log::page(&harness.pool, ACME, Some(cursor), 100).await;
        let gone = matches!(page, Err(ReadError::Cursor(CursorError::Gone)));
        assert_eq!(gone, !is_there, "{cursor}");
    }
    let other = Cursor { incarnation: uuid::Uuid::nil(), ..head };
    assert!(log::page(&harness.pool, ACME, Some(other), 100).await.is_err(), "another log");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_given_before_the_ticket_is_told_is_its_own() {
    let mut harness = DeskHarness::set("desk-bound-early").await;
    let actor = json!({ "id": "1", "name": "Bo", "role": "agent" });
    let bind = json!({ "share_id": SHARE, "ticket_id": "4711" });
    harness.ask(ACME, "k1", "ticket.bind.v1", &bind).await;
    let own = json!({ "ticket_id": "4711", "actor": actor,
        "comments": [{ "id": "gateway-acme/1", "body": "It drips." }] });
    harness.ask(ACME, "k2", "ticket.update.v1", &own).await;

    harness.start_session();
    harness.tell(ACME, "ticket.created.v1", "d1", &created(SHARE, &["globex/1"], 1)).await;
    harness.logged(ACME, 1).await;
    let answer = json!({ "ticket_id": "4711", "comments": [{ "id": "globex/2",
        "author": placeholder("Ada"), "body": "globex/2 says", "public": true }] });
    harness.tell(ACME, "ticket.updated.v1", "d2", &updated(SHARE, &answer)).await;
    harness.logged(ACME, 2).await;

    let row = held(&harness, SHARE).await;
    assert_eq!(row.ticket.number.as_deref(), Some("4711"));
    let comments: Vec<&str> = row.ticket.comments.keys().map(String::as_str).collect();
    assert_eq!(comments, ["gateway-acme/1", "globex/1", "globex/2"]);
    let tickets: Option<i64> = sqlx::query_scalar("select count(*) from desk_ticket")
        .fetch_one(&harness.pool)
        .await
        .unwrap();
    assert_eq!(tickets, Some(1), "they are one ticket");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_was_refused_is_no_tickets() {
    let mut harness = DeskHarness::set("desk-bound-refused").await;
    let bind = json!({ "share_id": SHARE, "ticket_id": "4711" });
    harness.ask(ACME, "k1", "ticket.bind.v1", &bind).await;
    harness.start_session();
    let refusal = json!({ "command_id": "k1", "command_type": "ticket.bind.v1",
        "outcome": "rejected", "reason": "not_shared", "share_id": SHARE, "decisions": [] });
    harness.tell(ACME, "command.receipt.v1", "d1", &refusal).await;
    harness.logged(ACME, 1).await;
    harness.tell(ACME, "ticket.created.v1", "d2", &created(SHARE, &[], 1)).await;
    harness.logged(ACME, 2).await;
    assert_eq!(held(&harness, SHARE).await.ticket.number, None);
    harness.remove().await;
}
