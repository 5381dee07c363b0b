//! What cannot be taken, and what is answered: a table that runs.

use std::io::{Read, Write};
use std::sync::Arc;

use serde_json::{Value, json};
use testkit::Desk;

use crate::invited::{comment, ticket};
use crate::partner::{Known, Partner};
use crate::world::{World, answers};

/// Codes on which Zendesk's client raises an error where it should note a failure.
const RAISED: [u16; 6] = [400, 409, 412, 413, 415, 429];

/// A request that is refused: what for, and what it is answered.
struct Row {
    what: &'static str,
    method: &'static str,
    path: String,
    token: Option<String>,
    body: String,
    status: u16,
    says: &'static str,
}

async fn refused(partner: &Partner, base: &str, row: &Row) {
    let url = format!("{base}{}", row.path);
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(row.token.as_deref().map(|token| ("x-ticket-sharing-token", token)));
    let answer = partner.asks(row.method, &url, &headers, row.body.clone()).await;
    assert_eq!(answer.status, row.status, "{}: {}", row.what, answer.body);
    assert!(answer.body.contains(row.says), "{}: {}", row.what, answer.body);
    assert!(!RAISED.contains(&answer.status), "{}", row.what);
}

impl Row {
    /// A change of a ticket, with this token.
    fn put(
        what: &'static str,
        path: &str,
        token: Option<String>,
        body: &str,
        (status, says): (u16, &'static str),
    ) -> Self {
        Self {
            what,
            method: "PUT",
            path: path.to_owned(),
            token,
            body: body.to_owned(),
            status,
            says,
        }
    }
}

/// What is shown in place of the agreement's token.
fn tokens(known: &Known, other: &Known, path: &str, stranger: &str) -> Vec<Row> {
    let put = |what, token: Option<String>, outcome| {
        Row::put(what, path, token, "{\"status\":\"solved\"}", outcome)
    };
    let wrong = Known { key: "0".repeat(40), ..known.clone() };
    let unknown = format!("{stranger}:{}", known.key);
    let ended = format!("/agreements/{}", other.uuid);
    let end = "{\"status\":\"inactive\"}";
    vec![
        put("no token", None, (401, "X-Ticket-Sharing-Token")),
        put("a token without an agreement", Some("secret".into()), (422, "the token is not")),
        put("a token that names no UUID", Some("t1:secret".into()), (422, "the token is not")),
        put("another key", Some(wrong.token()), (403, "opens no agreement")),
        put("an unknown agreement", Some(unknown), (403, "opens no agreement")),
        put("another agreement's ticket", Some(other.token()), (404, "not shared under this")),
        Row::put("another agreement", &ended, Some(known.token()), end, (403, "another agreement")),
        Row {
            method: "POST",
            ..put("another key on a share", Some(wrong.token()), (403, "opens no agreement"))
        },
        Row { method: "PATCH", ..put("another method", Some(known.token()), (405, "DELETE")) },
    ]
}

/// What is sent in place of a ticket.
fn bodies(known: &Known, path: &str, other: &str) -> Vec<Row> {
    let deep =
        format!("{{\"custom_fields\":{{\"a\":{}{}}}}}", "[".repeat(2_000), "]".repeat(2_000));
    let many = json!({ "tags": vec![1; 300_000] }).to_string();
    let long = "x".repeat(10 * 1024 * 1024);
    let renamed = json!({ "uuid": other }).to_string();
    let comment = |members: &str| format!("{{\"comments\":[{{{members}}}]}}");
    let nul = comment("\"uuid\":\"n\",\"body\":\"a\\u0000b\"");
    let (no_id, wrong) = (comment("\"body\":\"x\""), comment("\"uuid\":\"n\",\"public\":\"yes\""));
    let elsewhere = format!("/tickets/{other}");
    let bodies = [
        ("another uuid in the body", path, renamed.as_str(), (422, "another one")),
        ("no JSON", path, "<html>", (422, "expected")),
        ("no body", path, "", (422, "empty")),
        ("deep JSON", path, &deep, (422, "recursion limit")),
        ("a huge array", path, &many, (422, "KiB")),
        ("a body of ten megabytes", path, &long, (422, "KiB")),
        ("another product's status", path, "{\"status\":\"resolved\"}", (422, "none of")),
        ("a comment without an id", path, &no_id, (422, "comments[0].uuid")),
        ("a NUL", path, &nul, (422, "NUL")),
        ("a wrong type", path, &wrong, (422, "comments[0].public")),
        ("a ticket that is none", "/tickets/t1", "{}", (422, "40 hexadecimal")),
        ("an unknown ticket", &elsewhere, "{}", (404, "not shared")),
        ("another path", "/comments/1", "{}", (404, "the path")),
    ];
    let row = |(what, path, body, outcome): (&'static str, &str, &str, _)| {
        Row::put(what, path, Some(known.token()), body, outcome)
    };
    bodies.into_iter().map(row).collect()
}

/// What is sent in place of an invite.
fn invites(world: &World, partner: &Partner, acme: &Desk) -> Vec<Row> {
    let loops = format!("{}/sharing/globex", world.url.replace("http://", "https://"));
    let changes = [
        ("a sender that is us", "sender_url", loops.as_str(), "leads back"),
        ("a sender inside", "sender_url", "https://10.0.0.8/sharing", "may not be reached"),
        ("a sender that is no URL", "sender_url", "globex", "sender_url"),
        ("a sender by mail", "sender_url", "mailto:kim@globex.example", "sender_url"),
        ("another receiver", "receiver_url", "https://x.example/sharing", "receiver_url"),
        ("a short key", "access_key", "abc", "access_key"),
        ("an invite that is accepted", "status", "accepted", "status"),
    ];
    let row = |(what, member, value, says): (&'static str, &str, &str, &'static str)| {
        let (known, body) = partner.invite(acme, &[(member, json!(value))]);
        let path = format!("/agreements/{}", known.uuid);
        Row { method: "POST", ..Row::put(what, &path, None, &body.to_string(), (422, says)) }
    };
    changes.into_iter().map(row).collect()
}

pub async fn each_has_its_outcome(world: Arc<World>) {
    let (acme, globex) = (world.desk("acme").await, world.desk("globex").await);
    let (partner, stranger) = (world.partner(), world.partner());
    let known = partner.agreed(&acme, &[]).await;
    let other = stranger.agreed(&acme, &[]).await;
    let uuid = world.hex();
    let path = format!("/tickets/{uuid}");
    let body = ticket(&uuid, &[("subject", json!("Pump")), ("status", json!("open"))]);
    partner.with(&known, "POST", &path, &body).await.is(201);
    let mut rows = tokens(&known, &other, &path, &world.hex());
    rows.extend(bodies(&known, &path, &world.hex()));
    rows.extend(invites(&world, &partner, &acme));
    for row in &rows {
        refused(&partner, &known.url, row).await;
    }
    // The same uuid by somebody else is another agreement's; at another address it is nothing.
    let (_, mut copied) = stranger.invite(&acme, &[]);
    copied["uuid"] = json!(known.uuid);
    stranger.invites(&known, &copied).await.is(422).says("already");
    let elsewhere = Known { url: world.sharing_url(&globex), ..known.clone() };
    partner.with(&elsewhere, "PUT", &path, &json!({ "status": "solved" })).await.is(403);
    // What was refused changed nothing.
    partner.with(&known, "GET", &path, &Value::Null).await.is(200).says("open");
    let change = json!({ "comments": [comment("c1", "Fine.")] });
    partner.with(&known, "PUT", &path, &change).await.is(200);
}

pub async fn guessed_addresses_are_bounded(world: Arc<World>) {
    let (acme, partner) = (world.desk("acme").await, world.partner());
    for invite in 0..4 {
        let (known, body) = partner.invite(&acme, &[]);
        let answer = partner.invites(&known, &body).await;
        answer.is(if invite < 3 { 201 } else { 503 });
    }
    // A guess that leads nowhere counts for its source as well.
    let (mut guessed, mut body) = partner.invite(&acme, &[]);
    guessed.url = format!("{}/sharing/nobody-{}", world.url, world.number());
    body["receiver_url"] = json!(guessed.url);
    partner.invites(&guessed, &body).await.is(403).says("unknown_account");
    let query = "select case when count(*) > 0 then 'counted' else 'none' end from refused_invite
        where source = $1";
    answers(&world.pool, "the guess", query, "127.0.0.1", "counted").await;
    partner.is_never_called().await;
}

pub async fn a_body_that_never_comes_is_given_up(world: Arc<World>) {
    let acme = world.desk("acme").await;
    let at = world.url.trim_start_matches("http://").to_owned();
    let head = format!(
        "PUT /sharing/{}/tickets/{} HTTP/1.1\r\nhost: {at}\r\ncontent-length: 100\r\n\r\n{{",
        acme.account,
        world.hex()
    );
    let answered = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(at).expect("it listens");
        stream.set_read_timeout(Some(testkit::desk::PATIENCE)).expect("a limit");
        stream.write_all(head.as_bytes()).expect("it is sent");
        let mut line = [0; 12];
        stream.read_exact(&mut line).expect("an answer");
        String::from_utf8_lossy(&line).into_owned()
    });
    assert_eq!(answered.await.expect("no panic"), "HTTP/1.1 408");
}
