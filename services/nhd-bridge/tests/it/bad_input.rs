//! What cannot be taken, and what is answered: a table that runs.

use std::io::{Read, Write};
use std::sync::Arc;

use serde_json::{Value, json};

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

pub async fn each_has_its_outcome(world: Arc<World>) {
    let (acme, globex) = (world.desk("acme").await, world.desk("globex").await);
    let (partner, stranger) = (world.partner().await, world.partner().await);
    let known = partner.agreed(&acme, &[]).await;
    let other = stranger.agreed(&acme, &[]).await;
    let uuid = world.hex();
    let path = format!("/tickets/{uuid}");
    let body = ticket(&uuid, &[("subject", json!("Pump")), ("status", json!("open"))]);
    partner.with(&known, "POST", &path, &body).await.is(201);

    let invite = |changes: &[(&str, Value)]| {
        let (known, body) = partner.invite(&acme, changes);
        (format!("/agreements/{}", known.uuid), body.to_string())
    };
    let loops = format!("{}/sharing/globex", world.url.replace("http://", "https://"));
    let deep =
        format!("{{\"custom_fields\":{{\"a\":{}{}}}}}", "[".repeat(2_000), "]".repeat(2_000));
    let many: Vec<Value> = (0..300_000).map(|_| json!(1)).collect();
    let wrong = Known { key: "0".repeat(40), ..known.clone() };
    let row = |what, method, path: &str, token: Option<String>, body: &str, status, says| Row {
        what,
        method,
        path: path.to_owned(),
        token,
        body: body.to_owned(),
        status,
        says,
    };
    let put = |what, token: Option<String>, status, says| {
        row(what, "PUT", &path, token, "{\"status\":\"solved\"}", status, says)
    };
    let own = || Some(known.token());
    let invited = |what, changes: &[(&str, Value)], status, says| {
        let (path, body) = invite(changes);
        row(what, "POST", &path, None, &body, status, says)
    };
    let rows = [
        put("no token", None, 401, "X-Ticket-Sharing-Token"),
        put("a token without an agreement", Some("secret".into()), 422, "the token is not"),
        put(
            "a token whose agreement is no UUID",
            Some("t1:secret".into()),
            422,
            "the token is not",
        ),
        put("another key", Some(wrong.token()), 403, "opens no agreement"),
        put("an unknown agreement", Some(format!("{}:x", world.hex())), 403, "opens no agreement"),
        put("another agreement's ticket", Some(other.token()), 404, "not shared under this"),
        row("a ticket that is none", "PUT", "/tickets/t1", own(), "{}", 422, "40 hexadecimal"),
        row(
            "an unknown ticket",
            "PUT",
            &format!("/tickets/{}", world.hex()),
            own(),
            "{}",
            404,
            "not shared",
        ),
        row(
            "another uuid in the body",
            "PUT",
            &path,
            own(),
            &json!({ "uuid": world.hex() }).to_string(),
            422,
            "another one",
        ),
        row("no JSON", "PUT", &path, own(), "<html>", 422, "expected"),
        row("no body", "PUT", &path, own(), "", 422, "empty"),
        row("deep JSON", "PUT", &path, own(), &deep, 422, "recursion limit"),
        row("a huge array", "PUT", &path, own(), &json!({ "tags": many }).to_string(), 422, "KiB"),
        row(
            "a body of ten megabytes",
            "PUT",
            &path,
            own(),
            &"x".repeat(10 * 1024 * 1024),
            422,
            "KiB",
        ),
        row(
            "a status of another product",
            "PUT",
            &path,
            own(),
            "{\"status\":\"resolved\"}",
            422,
            "none of",
        ),
        row(
            "a comment without an id",
            "PUT",
            &path,
            own(),
            "{\"comments\":[{\"body\":\"x\"}]}",
            422,
            "comments[0].uuid",
        ),
        row(
            "a NUL",
            "PUT",
            &path,
            own(),
            "{\"comments\":[{\"uuid\":\"n\",\"body\":\"a\\u0000b\"}]}",
            422,
            "NUL",
        ),
        row(
            "a wrong type",
            "PUT",
            &path,
            own(),
            "{\"comments\":[{\"uuid\":\"n\",\"public\":\"yes\"}]}",
            422,
            "comments[0].public",
        ),
        row("another method", "PATCH", &path, own(), "{}", 405, "DELETE"),
        row("another path", "PUT", "/comments/1", own(), "{}", 404, "the path"),
        row(
            "another agreement's state",
            "PUT",
            &format!("/agreements/{}", other.uuid),
            own(),
            "{\"status\":\"inactive\"}",
            403,
            "another agreement",
        ),
        row(
            "another key on a new ticket",
            "POST",
            &format!("/tickets/{}", world.hex()),
            Some(format!("{}:x", known.uuid)),
            "{}",
            403,
            "opens no",
        ),
        invited("a sender that is us", &[("sender_url", json!(loops))], 422, "leads back"),
        invited(
            "a sender inside",
            &[("sender_url", json!("https://10.0.0.8/sharing"))],
            422,
            "may not be reached",
        ),
        invited("a sender that is no URL", &[("sender_url", json!("globex"))], 422, "sender_url"),
        invited(
            "a sender by mail",
            &[("sender_url", json!("mailto:kim@globex.example"))],
            422,
            "sender_url",
        ),
        invited(
            "a receiver that is not us",
            &[("receiver_url", json!("https://x.example/sharing"))],
            422,
            "receiver_url",
        ),
        invited("a short key", &[("access_key", json!("abc"))], 422, "access_key"),
        invited("an invite that is accepted", &[("status", json!("accepted"))], 422, "status"),
    ];
    for row in &rows {
        refused(&partner, &known.url, row).await;
    }
    // The same uuid by somebody else is another agreement's; at another address it is free.
    let (_, mut copied) = stranger.invite(&acme, &[]);
    copied["uuid"] = json!(known.uuid);
    stranger.invites(&known, &copied).await.is(422).says("already");
    let elsewhere = Known { url: world.sharing_url(&globex), ..known.clone() };
    partner.with(&elsewhere, "PUT", &path, &json!({ "status": "solved" })).await.is(403);
    let unknown = Known { url: format!("{}/sharing/nobody", world.url), ..known.clone() };
    let (mut guessed, mut body) = partner.invite(&acme, &[]);
    guessed.url = unknown.url.clone();
    body["receiver_url"] = json!(unknown.url);
    partner.invites(&guessed, &body).await.is(403).says("unknown_account");
    // What was refused changed nothing.
    partner.with(&known, "GET", &path, &Value::Null).await.is(200).says("open");
    let change = json!({ "comments": [comment("c1", "Fine.")] });
    partner.with(&known, "PUT", &path, &change).await.is(200);
}

pub async fn guessed_addresses_are_bounded(world: Arc<World>) {
    let (acme, partner) = (world.desk("acme").await, world.partner().await);
    for invite in 0..4 {
        let (known, body) = partner.invite(&acme, &[]);
        let answer = partner.invites(&known, &body).await;
        answer.is(if invite < 3 { 201 } else { 503 });
    }
    // A guess that leads nowhere counts for its source as well.
    let (mut guessed, mut body) = partner.invite(&acme, &[]);
    guessed.url = format!("{}/sharing/nobody-{}", world.url, world.number());
    body["receiver_url"] = json!(guessed.url);
    partner.invites(&guessed, &body).await.is(403);
    let query = "select case when count(*) > 0 then 'counted' end from refused_invite
        where source = $1";
    answers(&world.pool, "the guess", query, "127.0.0.1", "counted").await;
    assert!(partner.heard().is_empty(), "a stranger's URL was called");
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
