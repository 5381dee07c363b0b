//! A dry run goes on to be decided, and leaves nothing but what answers it.

use contracts::delivery::AgreementStatus::{Accepted, Pending};
use contracts::fields::Status;
use contracts::sync::{Action, DryRun};
use contracts::topology::Service::{CommentSync, FieldSync};
use contracts::{Reason, ReceiptOutcome};

use crate::TO_GLOBEX;
use crate::harness::ServiceHarness;
use crate::samples::{account_fact, agreement_fact, share, update};

async fn rows(stage: &ServiceHarness) -> (i64, i64, i64, i64) {
    sqlx::query_as(
        "select (select count(*) from chain), (select count(*) from hop),
         (select count(*) from share), (select count(*) from ticket)",
    )
    .fetch_one(&stage.pool)
    .await
    .expect("counts")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_is_passed_on_as_such_and_nothing_of_it_is_stored() {
    let mut stage = ServiceHarness::set("dispatcher-dry-run").await;
    let acme = stage.desk("acme").await;
    stage.start_two_replicas();
    stage.told("account", &account_fact("acme")).await;
    let agreement =
        |version, status| agreement_fact(TO_GLOBEX, ("acme", "globex"), version, status);
    stage.told("offered", &agreement(1, Pending)).await;

    let mut tried = share(TO_GLOBEX, "1");
    tried.dry_run = true;
    let id = acme.send(&tried).await.expect("the broker takes it");
    let (to, draft) = stage.transfer(&acme, &id).await;
    assert_eq!(to, CommentSync);
    assert!(matches!(&draft.action, Action::DryRun(it) if matches!(**it, Action::Share(_))));
    assert_eq!(draft.command.remarks.dry_run, Some(DryRun { draft: true }));
    assert_eq!(rows(&stage).await, (0, 0, 0, 0));

    stage.told("accepted", &agreement(2, Accepted)).await;
    let id = acme.send(&share(TO_GLOBEX, "1")).await.expect("the broker takes it");
    stage.transfer(&acme, &id).await;
    assert_eq!(rows(&stage).await, (1, 1, 1, 1), "a share is stored");
    let solved = update("1", |update| {
        (update.status, update.dry_run) = (Some(Status::Solved), true);
    });
    let id = acme.send(&solved).await.expect("the broker takes it");
    let (to, passed) = stage.transfer(&acme, &id).await;
    assert_eq!((to, passed.action), (FieldSync, Action::DryRun(Box::new(Action::Update))));
    let refused = acme.command(&tried).await;
    assert_eq!(
        (refused.outcome, refused.reason, refused.dry_run),
        (ReceiptOutcome::Rejected, Some(Reason::AlreadyShared), true)
    );
    assert_eq!(rows(&stage).await, (1, 1, 1, 1));
    stage.end().await;
}
