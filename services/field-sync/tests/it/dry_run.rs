//! A dry run is decided by what is stored, and leaves that as it was.

use contracts::fields::Status;
use contracts::sync::{Action, Transfer};
use contracts::topology;
use field_sync::Inbound;
use local::TestEnvironment;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::{decide, fact, hop, original, share, transfer};

/// As it comes from the service before.
fn tried(transfer: Transfer) -> Inbound {
    let action = Action::DryRun(Box::new(transfer.action));
    let body = serde_json::to_value(Transfer { action, ..transfer }).unwrap();
    Inbound::decode("transfer.v1", body.into()).unwrap()
}

async fn stored(pool: &PgPool) -> Value {
    sqlx::query_scalar(
        "select jsonb_build_array(
           (select coalesce(jsonb_agg(to_jsonb(c) order by c.id), '[]') from chain c),
           (select coalesce(jsonb_agg(to_jsonb(h) order by h.share_id), '[]') from hop h),
           (select coalesce(jsonb_agg(to_jsonb(f) order by f.copy, f.field), '[]') from field f))",
    )
    .fetch_one(pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_dry_run_has_the_receipt_of_the_command_and_changes_nothing() {
    let world = TestEnvironment::new("field_sync_dry_run").await;
    let pool = world.pool(topology::Service::FieldSync, field_sync::migrations()).await;
    decide(&pool, vec![fact("acme", "order"), fact("globex", "order-no")]).await;
    let before = stored(&pool).await;
    let sent = decide(&pool, vec![tried(share())]).await;
    let [(key, told)] = &sent[0][..] else { panic!("only the receipt: {sent:?}") };
    assert_eq!((key.as_str(), &told["dry_run"]), ("acme.command.receipt", &json!(true)));
    assert_eq!(told.get("revision"), None);
    assert_eq!(stored(&pool).await, before, "no chain, no hop, no value");

    let sent = decide(&pool, vec![Inbound::Transfer(Box::new(share()))]).await;
    assert_eq!(sent[0][1].1["decisions"], told["decisions"], "it told what became of it");
    let before = stored(&pool).await;
    let far = hop().far();
    let batch = vec![
        tried(transfer("globex", &far, "t1", 3, Status::Solved)),
        tried(transfer("acme", &original(), "t2", 4, Status::Hold)),
    ];
    let sent = decide(&pool, batch).await;
    assert_eq!(sent[0][0].1["decisions"][0]["outcome"], "transferred");
    assert_eq!(sent[1][0].1["decisions"][0]["outcome"], "unchanged", "the first was not done");
    assert_eq!(stored(&pool).await, before);
    pool.close().await;
    world.remove().await;
}
