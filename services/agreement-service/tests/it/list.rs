//! Lists in the real runtime: what a desk is told before the receipt of each page.

use std::collections::BTreeMap;

use contracts::delivery::{AgreementState, AgreementStatus, DeliveryBody};
use contracts::{AgreementId, Message, Reason, Receipt, ReceiptOutcome};
use testkit::desk::PATIENCE;
use testkit::{Desk, until};

use crate::commands::{
    accept, agreement, deactivate, decline, decline_invites, invite, page, register, single,
};
use crate::harness::ServiceHarness;
use crate::send_all;

/// Changes that make the agreements of the test: four of accounts, eight invites, three answers and
/// ends.
const FACTS: usize = 4 + 8 + 3;

/// A desk that asks for lists and counts what it is told.
struct Reader {
    desk: Desk,
    told: usize,
}

impl Reader {
    /// Asks, and waits for the receipt and as many agreements; in the order of their ids, because
    /// the broker promises none.
    async fn ask<M: Message>(
        &mut self,
        command: &M,
        count: usize,
    ) -> (Vec<AgreementState>, Receipt) {
        let receipt = self.desk.command(command).await;
        let is_state = |told: &DeliveryBody| match told {
            DeliveryBody::AgreementState(state) => Some((**state).clone()),
            _ => None,
        };
        let states = until("the agreements of the page", PATIENCE, async || {
            let states: Vec<_> = self
                .desk
                .deliveries()
                .iter()
                .filter_map(|delivered| is_state(&delivered.told))
                .collect();
            if states.len() >= self.told + count { Ok(states) } else { Err(format!("{states:?}")) }
        })
        .await;
        assert_eq!(states.len(), self.told + count, "no more than the page");
        let mut page = states[self.told..].to_vec();
        page.sort_by(|one, other| one.agreement_id.cmp(&other.agreement_id));
        self.told += count;
        assert_eq!((receipt.outcome, receipt.reason), (ReceiptOutcome::Applied, None));
        (page, receipt)
    }
}

fn where_they_stand(states: &[AgreementState]) -> Vec<(AgreementId, AgreementStatus)> {
    states.iter().map(|state| (state.agreement_id.clone(), state.status)).collect()
}

/// Accounts with agreements of every status; those of `acme`, as it is shown them.
async fn partnered(
    stage: &ServiceHarness,
    [acme, globex, initech]: [&Desk; 3],
) -> Vec<(AgreementId, AgreementStatus)> {
    use AgreementStatus::{Accepted, Declined, Inactive, Pending};
    send_all(&stage.operator(), ["acme", "globex", "initech"].map(register)).await;
    stage.facts_passed_on(3).await;
    send_all(initech, [decline_invites()]).await;
    stage.facts_passed_on(4).await;
    // Two forms of ids, which a database may sort otherwise than byte by byte.
    let mut by_uuid = invite(0, "globex");
    by_uuid.agreement_id =
        AgreementId::new("00000000-0000-4000-8000-000000000000").expect("a UUID");
    send_all(
        acme,
        [
            invite(1, "globex"),
            invite(2, "globex"),
            invite(3, "globex"),
            by_uuid.clone(),
            invite(5, "initech"),
        ],
    )
    .await;
    send_all(globex, [invite(4, "acme"), invite(6, "initech")]).await;
    // Made by the one that declines all, and after those that were declined in its name.
    send_all(initech, [invite(7, "acme")]).await;
    stage.facts_passed_on(4 + 8).await;
    send_all(globex, [accept(1)]).await;
    send_all(globex, [decline(2)]).await;
    send_all(globex, [deactivate(3)]).await;
    stage.facts_passed_on(FACTS).await;
    let stand = BTreeMap::from([
        (by_uuid.agreement_id, Pending),
        (agreement(1), Accepted),
        (agreement(2), Declined),
        (agreement(3), Inactive),
        (agreement(4), Pending),
        (agreement(5), Declined),
        (agreement(7), Pending),
    ]);
    stand.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn r_69_an_account_reads_all_its_agreements_page_by_page() {
    let mut stage = ServiceHarness::set("agreement-list").await;
    stage.shorten_the_ladder().await;
    let (acme, globex, initech) =
        (stage.desk("acme").await, stage.desk("globex").await, stage.desk("initech").await);
    stage.start_two_replicas();
    let expected = partnered(&stage, [&acme, &globex, &initech]).await;

    let mut acme = Reader { desk: acme, told: 0 };
    let mut cursor = None;
    for (number, entries) in expected.chunks(3).enumerate() {
        let (states, receipt) = acme.ask(&page(3, cursor), entries.len()).await;
        assert_eq!(where_they_stand(&states), entries, "page {number}");
        cursor = receipt.next_cursor;
        assert_eq!(cursor.is_some(), number < 2);
    }
    assert_eq!(where_they_stand(&acme.ask(&page(200, None), 7).await.0), expected);
    assert_eq!(
        where_they_stand(&acme.ask(&single(3), 1).await.0),
        [(agreement(3), AgreementStatus::Inactive)]
    );

    // What was declined in its name, an account that declines all is not told, not even by this way
    //
    let mut initech = Reader { desk: initech, told: 0 };
    let (states, receipt) = initech.ask(&page(1, None), 1).await;
    assert_eq!(
        (where_they_stand(&states), receipt.next_cursor),
        (vec![(agreement(7), AgreementStatus::Pending)], None)
    );
    let refused = [
        (initech.desk.command(&single(5)).await, Reason::UnknownAgreement),
        (acme.desk.command(&single(6)).await, Reason::UnknownAgreement),
        (acme.desk.command(&single(99)).await, Reason::UnknownAgreement),
        (acme.desk.command(&page(0, None)).await, Reason::Malformed),
        (acme.desk.command(&page(4, Some("4".to_owned()))).await, Reason::Malformed),
    ];
    for (receipt, reason) in refused {
        assert_eq!((receipt.outcome, receipt.reason), (ReceiptOutcome::Rejected, Some(reason)));
    }
    assert_eq!(stage.facts().len(), FACTS, "a list walks no line");
    stage.end().await;
}
