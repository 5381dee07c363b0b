//! How many invites an account makes in a day, also at two replicas at the same moment (M5).

use agreement_service::{AgreementService, Inbound};
use contracts::{Reason, Receipt};
use futures_util::future::join_all;
use messaging::HandlerResult;
use tokio::sync::Barrier;

use crate::batch::{command, decided_by, outputs, with_accounts};
use crate::commands::invite;

/// The reason and detail of a refusal; nothing for an invite that went on.
fn refusal(verdict: &HandlerResult) -> Option<(Reason, String)> {
    let output = &outputs(verdict)[0];
    let is_receipt = output.message_type() == "command.receipt.v1";
    let receipt: Receipt =
        is_receipt.then(|| serde_json::from_str(output.body()).expect("a receipt"))?;
    Some((receipt.reason?, receipt.detail.unwrap_or_default()))
}

#[tokio::test(flavor = "multi_thread")]
async fn m5_two_replicas_together_let_no_more_invites_through_than_one() {
    let (world, pool) = with_accounts("agreement-invites", &["acme", "globex"]).await;
    let service = AgreementService::new(5);
    let start = Barrier::new(4);
    let batches: Vec<Vec<_>> = (0..4)
        .map(|replica| {
            let numbers = (1..=3).map(|number| replica * 10 + number);
            numbers
                .map(|number| command("acme", Inbound::Invite(Box::new(invite(number, "globex")))))
                .collect()
        })
        .collect();
    let decided = batches.iter().map(|batch| decided_by(&service, &pool, &start, batch));
    let verdicts: Vec<_> = join_all(decided).await.into_iter().flatten().collect();
    let refused: Vec<_> = verdicts.iter().filter_map(refusal).collect();
    assert_eq!(refused.len(), 12 - 5, "{refused:?}");
    for (reason, detail) in &refused {
        assert_eq!(*reason, Reason::QuotaExceeded);
        assert!(
            detail.contains("5 invites in 24 hours") && detail.contains("2026-03-02"),
            "{detail}"
        );
    }
    let stored: (i64, i64) = sqlx::query_as(
        "select (select count(*) from agreement), (select count(*) from invite_made)",
    )
    .fetch_one(&pool)
    .await
    .expect("counts");
    assert_eq!(stored, (5, 5));
    world.remove().await;
}
