//! A dry run's comments are decided and not taken in.

use contracts::ReceiptOutcome;
use contracts::sync::{Action, Transfer};

use crate::came_to;
use crate::harness::ServiceHarness;
use crate::samples::{share, solved, update};

fn tried(transfer: Transfer) -> Transfer {
    let action = Action::DryRun(Box::new(transfer.action));
    Transfer { action, ..transfer }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_its_publisher_alone_and_keeps_nothing() {
    let stage = ServiceHarness::set("comments-dry-run").await;
    stage.publish("tried-share", &tried(share("tried-share", &["acme/1"]))).await;
    let passed = stage.transfer("tried-share").await;
    assert!(matches!(&passed.action, Action::DryRun(it) if matches!(**it, Action::Share(_))));
    assert!(passed.comments.is_empty() && passed.decided_comments.is_empty(), "{passed:?}");
    assert_eq!(passed.decisions[0].item.to_string(), "comment:acme/1");
    let rows: (i64, i64, i64) = sqlx::query_as(
        "select (select count(*) from chain), (select count(*) from hop),
         (select count(*) from comment)",
    )
    .fetch_one(&stage.pool)
    .await
    .expect("counts");
    assert_eq!(rows, (0, 0, 0));

    stage.publish("share", &share("share", &[])).await;
    stage.transfer("share").await;
    stage.publish("tried", &tried(update("acme", "tried", &["acme/2"]))).await;
    let receipt = stage.acme.receipt("tried").await;
    assert_eq!((came_to(&receipt), receipt.dry_run), ((ReceiptOutcome::Applied, None), true));
    let both = Transfer { fields: solved(), ..update("acme", "both", &["acme/2"]) };
    stage.publish("both", &tried(both)).await;
    assert_eq!(stage.transfer("both").await.action, Action::DryRun(Box::new(Action::Update)));
    // The same comment afterwards is new, and globex hears of it once.
    stage.publish("done", &update("acme", "done", &["acme/2"])).await;
    assert_eq!(came_to(&stage.acme.receipt("done").await), (ReceiptOutcome::Applied, None));
    let heard = |told: &contracts::delivery::DeliveryBody| {
        (told.name() == "ticket.updated.v1").then_some(())
    };
    stage.globex.told("the comment", heard).await;
    assert_eq!(stage.globex.deliveries().len(), 1);
    stage.end().await;
}
