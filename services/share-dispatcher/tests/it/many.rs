//! A hundred thousand shares under one agreement.

use contracts::command::ShareList;
use contracts::delivery::AgreementStatus::{Accepted, Inactive};
use contracts::delivery::{DeliveryBody, ShareStanding};
use contracts::fields::Status;
use contracts::{Reason, ReceiptOutcome};

use crate::harness::ServiceHarness;
use crate::samples::{account_fact, agreement_fact, share_id, update};

const AGREEMENT: usize = 1;
const SHARES: i32 = 100_000;

/// The tables as that many shares of acme's leave them.
async fn shared_before(stage: &ServiceHarness) {
    let id = "lpad(to_hex(number), 40, '0')";
    let terms = r#"{"comments": "public_and_private", "tags": true, "custom_fields": true}"#;
    let rows = [
        format!(
            "insert into chain (id) select 'o:' || {id} from generate_series(1, {SHARES}) \
            number"
        ),
        format!(
            "insert into hop (share_id, chain, agreement_id, sender, receiver, near, near_ticket, \
             terms)
             select {id}, 'o:' || {id}, '{AGREEMENT:040x}', 'acme', 'globex', 'o:' || {id},
             't' || number, '{terms}'
             from generate_series(1, {SHARES}) number"
        ),
        format!(
            "insert into share (share_id, chain, started_at) select {id}, 'o:' || {id}, now() from \
             generate_series(1, {SHARES}) number"
        ),
        format!(
            "insert into ticket (account, ticket_id, chain, copy)
             select 'acme', 't' || number, 'o:' || {id}, 'o:' || {id}
             from generate_series(1, {SHARES}) number"
        ),
    ];
    for insert in rows {
        sqlx::query(sqlx::AssertSqlSafe(insert))
            .execute(&stage.pool)
            .await
            .expect("the rows are taken");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_79_a_deactivation_ends_a_hundred_thousand_shares_and_touches_none() {
    let mut stage = ServiceHarness::set("dispatcher-many").await;
    shared_before(&stage).await;
    let acme = stage.desk("acme").await;
    stage.start_two_replicas();
    for account in ["acme", "globex"] {
        stage.told(account, &account_fact(account)).await;
    }
    let agreement =
        |version, status| agreement_fact(AGREEMENT, ("acme", "globex"), version, status);
    stage.told("accepted", &agreement(2, Accepted)).await;
    let solved =
        |number: i32| update(&format!("t{number}"), |update| update.status = Some(Status::Solved));
    let id = acme.send(&solved(SHARES / 2)).await.expect("the broker takes it");
    stage.transfer(&acme, &id).await;

    stage.told("inactive", &agreement(3, Inactive)).await;
    for number in [1, SHARES / 2, SHARES] {
        let receipt = acme.command(&solved(number)).await;
        assert_eq!(
            (receipt.outcome, receipt.reason),
            (ReceiptOutcome::Rejected, Some(Reason::NotShared)),
            "{number}"
        );
    }
    let page = acme.command(&ShareList { limit: Some(200), ..ShareList::default() }).await;
    assert_eq!(page.next_cursor, Some(share_id(200).to_string()));
    let standing = |told: &DeliveryBody| match told {
        DeliveryBody::ShareState(share) => Some(share.state),
        _ => None,
    };
    let listed = acme.with_deliveries(|all| {
        all.iter().filter_map(|delivered| standing(&delivered.told)).collect::<Vec<_>>()
    });
    assert_eq!(
        listed,
        vec![ShareStanding::AgreementInactive; 200],
        "all of the page came before its receipt"
    );

    // Every row is still as the one insert left it.
    let query = "select count(distinct xmin::text), count(*) filter (where ended) from hop";
    let touched: (i64, i64) = sqlx::query_as(query).fetch_one(&stage.pool).await.expect("counts");
    assert_eq!(touched, (1, 0));
    stage.end().await;
}
