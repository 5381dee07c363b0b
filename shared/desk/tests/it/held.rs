//! What the rows hold is what the model holds, whatever comes in whichever batches.

use std::collections::BTreeMap;

use contracts::delivery::DeliveryBody;
use desk::Model;
use desk::store::read::{self, TicketName};
use serde_json::{Value, json};

use crate::harness::{ACME, DeskHarness};
use crate::session::{created, updated};

const SHARES: [&str; 3] = [
    "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10",
    "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f11",
    "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f12",
];

/// Deliveries of a few tickets in any order: early ones, old revisions, comments that come twice,
/// redactions before their comment.
fn deliveries(seed: u64) -> Vec<(&'static str, Value)> {
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut all: Vec<(&str, Value)> = SHARES
        .iter()
        .map(|share| ("ticket.created.v1", created(share, &["globex/0"], 1)))
        .collect();
    for _ in 0..60 {
        let place = chance.usize(0..SHARES.len());
        let share = SHARES[place];
        let comment = format!("globex/{place}-{}", chance.u32(0..6));
        let more = match chance.u32(0..5) {
            0 => {
                json!({
                    "status": (*chance.choice(&["open", "pending", "solved"]).expect("three")),
                })
            }
            1 => json!({ "tags": { "add": ["a"], "remove": ["leak"] } }),
            2 => json!({ "custom_fields": { "order": chance.u32(0..9).to_string() } }),
            3 => json!({ "comments": [{ "id": comment, "author": crate::session::placeholder("Bo"),
                "body": format!("{comment} once"), "public": chance.bool(),
                "attachments": [{ "id": "f", "filename": "f.png",
                    "url": "https://a.example/f" }] }] }),
            _ if chance.bool() => json!({ "redact": [{ "comment_id": comment }] }),
            _ => json!({ "redact": [{ "comment_id": comment, "attachment_id": "f" }] }),
        };
        let mut body = updated(share, &more);
        body["revision"] = json!(chance.u64(1..20));
        all.push(("ticket.updated.v1", body));
    }
    chance.shuffle(&mut all);
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_hold_what_the_model_holds() {
    let mut harness = DeskHarness::set("desk-held").await;
    harness.start_session();
    let mut told = 0;
    for seed in 0..4 {
        sqlx::query("truncate desk_ticket, desk_share, desk_comment, desk_early")
            .execute(&harness.pool)
            .await
            .unwrap();
        let deliveries = deliveries(seed);
        for (place, (kind, body)) in deliveries.iter().enumerate() {
            harness.tell(ACME, kind, &format!("{seed}-{place}"), body).await;
        }
        told += deliveries.len();
        // The slots of a replica take them in any order: the log says in which.
        let log = harness.logged(ACME, told).await;
        let mut model = Model::default();
        for (kind, body) in &log[told - deliveries.len()..] {
            model.take(&DeliveryBody::read(kind, body.to_string().as_bytes()).unwrap());
        }
        for share in SHARES {
            let mut connection = harness.pool.acquire().await.unwrap();
            let row = read::ticket(&mut connection, ACME, TicketName::Share(share)).await.unwrap();
            let (rows, model) = (row.expect("it is held").ticket, model.shared(share).unwrap());
            assert_eq!(&rows, model, "seed {seed}, share {share}");
        }
        let early: BTreeMap<String, i64> = BTreeMap::from_iter(
            sqlx::query_as::<_, (String, i64)>("select share_id, 1::bigint from desk_early")
                .fetch_all(&harness.pool)
                .await
                .unwrap(),
        );
        assert!(early.is_empty(), "every ticket came: {early:?}");
    }
    harness.remove().await;
}
