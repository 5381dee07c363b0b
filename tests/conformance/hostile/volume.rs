//! Too much: of one thing in a message, of text in one thing, of work in a pattern, of messages.

use std::time::{Duration, Instant};

use contracts::Reason::{self, BadValue, LimitExceeded, Malformed, Unchanged};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::ground::{TICKET, row};
use crate::context::{ConformanceContext, admin, applied, everything, refused};

const MANY: usize = 10_000;
/// Refused messages of a flood.
const FLOOD: usize = 2_000;
/// How long others wait meanwhile, at most: on an idle machine it is a tenth of a second.
const BESIDE_A_FLOOD: Duration = Duration::from_secs(30);

fn many(item: impl Fn(usize) -> Value) -> Value {
    (0..MANY).map(item).collect()
}

pub async fn hostile_ten_thousand_of_everything(context: ConformanceContext) {
    let row = row(context).await;
    let comment = |number: usize, files: Value| {
        json!({
            "id": format!("x-/{number}"),
            "body": "",
            "attachments": files,
        })
    };
    let file = |_| json!({ "id": "", "filename": "", "url": "https://" });
    let tag = |number: usize| json!({ "name": number.to_string(), "added_by": "user" });
    let removal = |number: usize| json!({ "name": number.to_string(), "removed_by": "user" });
    let fields: Value = (0..MANY)
        .map(|number| (number.to_string(), json!(1)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    for change in [
        json!({ "tags": { "add": many(tag) } }),
        json!({ "tags": { "remove": many(removal) } }),
        json!({ "custom_fields": fields }),
        json!({ "ccs": many(|_| json!({ "name": "", "email": "" })) }),
        json!({ "comments": many(|number| comment(number, json!([]))) }),
        json!({ "comments": [comment(1, many(file))] }),
    ] {
        refused(&row.ask("ticket.update.v1", &row.update(&change)).await, LimitExceeded);
    }
    row.ends_unseen().await;
}

pub async fn hostile_settings_without_end(context: ConformanceContext) {
    let row = row(context).await;
    let set = async |settings: Value, reason: Reason| {
        refused(&row.context.set(&row.ground.acme, settings).await, reason);
    };
    set(
        json!({
            "ticket_fields": many(|number| {
                json!({ "key": number.to_string(), "title": "T", "type": "text" })
            }),
        }),
        LimitExceeded,
    )
    .await;
    set(json!({ "default_form": many(|number| json!(number.to_string())) }), LimitExceeded).await;
    let status =
        |number: usize| json!({ "key": number.to_string(), "name": "", "category": "new" });
    set(
        json!({
            "custom_statuses": {
                "enabled": true,
                "statuses": (0..5_000).map(status).collect::<Value>(),
            },
        }),
        Malformed,
    )
    .await;
    set(json!({ "support_addresses": many(|number| json!(format!("{number}@a.b"))) }), Malformed)
        .await;
    set(json!({ "admins": many(|_| json!({ "name": "", "email": "a@b.c" })) }), Malformed).await;
    row.ends_unseen().await;
}

/// Text that a database's index cannot make small.
fn noise(length: usize) -> String {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let letter = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'a' + u8::try_from(state % 26).unwrap_or_default())
    };
    (0..length).map(letter).collect()
}

pub async fn hostile_tags_and_keys_without_end(context: ConformanceContext) {
    let row = row(context).await;
    let partners = row.context.partners(everything()).await;
    for desk in [&partners.acme, &partners.globex] {
        applied(&row.context.set(desk, json!({ "open_fields": true })).await);
    }
    row.context.shared(&partners.acme, &partners.globex, &partners.agreement, "1").await;
    for length in [4_000, 400_000] {
        let long = noise(length);
        for (change, reason) in [
            (json!({ "tags": { "add": [{ "name": long, "added_by": "user" }] } }), BadValue),
            (json!({ "tags": { "remove": [{ "name": long, "removed_by": "user" }] } }), BadValue),
            (json!({ "custom_fields": { long.as_str(): "x" } }), BadValue),
            (json!({ "status": "open", "custom_status": long }), Unchanged),
        ] {
            let receipt = row.context.update(&partners.acme, "1", change).await;
            let withheld = receipt.decisions.iter().any(|decision| decision.reason == Some(reason));
            assert!(
                withheld,
                "{reason:?}: {:?}",
                receipt.decisions.iter().map(|it| (it.outcome, it.reason)).collect::<Vec<_>>()
            );
        }
    }
    row.ends_unseen().await;
}

pub async fn hostile_attachment_ids_without_end(context: ConformanceContext) {
    let row = row(context).await;
    for length in [256, 4_000, 400_000] {
        let long = noise(length);
        let file = json!({ "id": long, "filename": "f", "url": "https://a.example/" });
        let id = format!("{}/{}", row.ground.acme.account, row.context.number());
        let update = row.update(
            &json!({ "comments": [{ "id": id, "body": row.marker, "attachments": [file] }] }),
        );
        refused(&row.ask("ticket.update.v1", &update).await, Malformed);
        let redact = json!({ "ticket_id": TICKET, "comment_id": id, "attachment_id": long,
            "actor": admin() });
        refused(&row.ask("ticket.redact.v1", &redact).await, Malformed);
    }
    row.ends_unseen().await;
}

pub async fn hostile_a_pattern_that_is_a_bomb(context: ConformanceContext) {
    let row = row(context).await;
    let partners = row.context.partners(everything()).await;
    let bombs = [
        "((a{900}){900}){900}",
        "(a*)*b",
        "(x+x+)+y",
        "(",
        r"(?i)\p{L}{400}",
        r"(\w{50}){50}",
        "(?:a?){200}a{200}",
        r"[\d\D]{0,999}",
    ];
    let fields: Vec<Value> = (0..bombs.len() * 10)
        .map(|at| {
            json!({
                "key": format!("f{at}"),
                "title": format!("F{at}"),
                "type": "regexp",
                "pattern": bombs[at % bombs.len()],
            })
        })
        .collect();
    let unreadable = ["((a{900}){900}){900}", "("];
    for bomb in unreadable {
        let alone = json!([{ "key": "f", "title": "F", "type": "regexp", "pattern": bomb }]);
        refused(
            &row.context.set(&partners.acme, json!({ "ticket_fields": alone })).await,
            Malformed,
        );
    }
    let fields: Vec<Value> = fields
        .into_iter()
        .map(|mut field| {
            let is_checked = !unreadable.iter().any(|bomb| field["pattern"] == *bomb);
            field["pattern_checked"] = json!(is_checked);
            field
        })
        .collect();
    for desk in [&partners.acme, &partners.globex] {
        applied(&row.context.set(desk, json!({ "ticket_fields": fields })).await);
    }
    let share =
        row.context.shared(&partners.acme, &partners.globex, &partners.agreement, "1").await;
    let values: serde_json::Map<String, Value> =
        (0..fields.len()).map(|at| (format!("f{at}"), json!("xa".repeat(2_000)))).collect();
    let started = Instant::now();
    let receipt = row.context.update(&partners.acme, "1", json!({ "custom_fields": values })).await;
    assert!(started.elapsed() < BESIDE_A_FLOOD, "{:?}", started.elapsed());
    let bad = receipt.decisions.iter().filter(|decision| decision.reason == Some(BadValue)).count();
    assert!(bad >= fields.len() / 2, "{bad} of {}", fields.len());
    row.context.heard(&partners.globex, &partners.acme, &share).await;
    row.ends_unseen().await;
}

pub async fn hostile_a_flood_of_bad_messages(context: ConformanceContext) {
    let row = row(context).await;
    let (acme, key) = (&row.ground.acme, row.key("ticket.update"));
    let ids: Vec<String> = (0..FLOOD).map(|_| acme.next_id()).collect();
    let flood = async {
        let sent = ids.iter().map(|id| {
            acme.publish(&key, "ticket.update.v1", id, row.marker.as_bytes(), |properties| {
                properties
            })
        });
        for sent in join_all(sent).await {
            sent.expect("the broker takes it");
        }
    };
    let others = async {
        let mut longest = Duration::ZERO;
        for _ in 0..5 {
            let started = Instant::now();
            applied(&row.ground.initech.ask("share.list.v1", &json!({})).await);
            longest = longest.max(started.elapsed());
        }
        longest
    };
    let ((), longest) = tokio::join!(flood, others);
    assert!(longest < BESIDE_A_FLOOD, "another account waited {longest:?}");
    for id in &ids {
        refused(&acme.receipt(id).await, Malformed);
    }
    row.ends_unseen().await;
}

pub async fn hostile_connections_and_channels_without_end(context: ConformanceContext) {
    let row = row(context).await;
    let (account, url) = row.context.account("crowd").await;
    let log_in = || lapin::Connection::connect(&url, lapin::ConnectionProperties::default());
    let mut open = Vec::new();
    let refused = loop {
        match log_in().await {
            Ok(connection) => open.push(connection),
            Err(error) => break error,
        }
        assert!(open.len() <= 20, "{account} has {} connections", open.len());
    };
    assert_eq!(open.len(), 20, "{refused:?}");
    row.ends_unseen().await;
}
