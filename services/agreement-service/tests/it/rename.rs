//! A rename in the real runtime: one fact with all that it ends, and what leads where after it.

use contracts::delivery::AgreementStatus::{Accepted, Declined, Inactive, Pending};
use contracts::delivery::DeliveryBody;
use contracts::sync::{About, AgreementEvent, Change};
use contracts::{Reason, ReceiptOutcome};
use testkit::Desk;

use crate::commands::{accept, agreement, decline, invite, register, rename};
use crate::harness::{Outcome, ServiceHarness};
use crate::{came_to, send_all};

/// What a command came to that is one of these two.
async fn refusal(stage: &ServiceHarness, desk: &Desk, id: &str) -> Option<Reason> {
    match stage.outcome(desk, id).await {
        Outcome::Passed => None,
        Outcome::Refused(reason) => reason,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_17_a_rename_ends_what_was_agreed_and_only_the_new_address_holds() {
    let mut stage = ServiceHarness::set("agreement-rename").await;
    stage.shorten_the_ladder().await;
    let (operator, acme) = (stage.operator(), stage.desk("acme").await);
    let (globex, initech) = (stage.desk("globex").await, stage.desk("initech").await);
    stage.start_two_replicas();
    send_all(&operator, ["acme", "globex", "initech"].map(register)).await;
    stage.facts_passed_on(3).await;
    send_all(&acme, [invite(1, "globex"), invite(3, "globex")]).await;
    send_all(&initech, [invite(2, "acme")]).await;
    send_all(&globex, [invite(4, "initech")]).await;
    stage.facts_passed_on(3 + 4).await;
    send_all(&globex, [accept(1)]).await;
    send_all(&globex, [decline(3)]).await;
    stage.facts_passed_on(3 + 4 + 2).await;

    let id = acme.send(&rename("acme-group")).await.expect("the broker takes it");
    let facts = stage.facts_passed_on(3 + 4 + 2 + 1).await;
    let fact = facts
        .iter()
        .find(|fact| fact.command.message_id == id && fact.command.account == acme.account);
    let fact = fact.expect("the rename is the last of them");
    let Change::WithAgreements { account, agreements } = &fact.change else { panic!("{fact:?}") };
    assert_eq!(
        (account.account.as_str(), account.address.as_str(), account.version),
        ("acme", "acme-group", 2)
    );
    let ended: Vec<_> = agreements
        .iter()
        .map(|ended| (ended.agreement_id.clone(), ended.version, ended.status))
        .collect();
    assert_eq!(ended, [(agreement(1), 3, Inactive), (agreement(2), 2, Inactive)]);
    assert_eq!(fact.receipt.outcome, ReceiptOutcome::Applied);
    let told = fact
        .deliveries
        .iter()
        .filter(|delivery| matches!(delivery.told, DeliveryBody::AgreementDeactivated(_)));
    assert_eq!((told.count(), fact.deliveries.len()), (4, 4), "both sides of both");
    let is_renamed = |about: &About| {
        matches!(about,
            About::Agreement(agreement) if agreement.event == AgreementEvent::Renamed)
    };
    let noticed: Vec<_> = fact
        .notices
        .iter()
        .filter(|notice| is_renamed(&notice.about))
        .map(|notice| &notice.account)
        .collect();
    assert_eq!(noticed, [&globex.account, &initech.account]);
    came_to(&stage, 1, &[Pending, Accepted, Inactive]).await;
    came_to(&stage, 2, &[Pending, Inactive]).await;
    came_to(&stage, 3, &[Pending, Declined]).await;
    came_to(&stage, 4, &[Pending]).await;

    // The old address leads nowhere, and nobody else gets it; the new one is the account's at once.
    let old = globex.send(&invite(5, "acme")).await.expect("the broker takes it");
    let new = globex.send(&invite(6, "acme-group")).await.expect("the broker takes it");
    assert_eq!(refusal(&stage, &globex, &old).await, Some(Reason::UnknownAccount));
    assert_eq!(refusal(&stage, &globex, &new).await, None);
    for taken in ["acme-group", "acme"] {
        let taken = globex.send(&rename(taken)).await.expect("the broker takes it");
        assert_eq!(refusal(&stage, &globex, &taken).await, Some(Reason::NameTaken));
    }
    let free = initech.send(&rename("initech-group")).await.expect("the broker takes it");
    assert_eq!(refusal(&stage, &initech, &free).await, None);
    let query = "select agreement_id, receiver from agreement where status = 'pending' order by \
        agreement_id";
    let pending: Vec<(String, String)> =
        sqlx::query_as(query).fetch_all(&stage.pool).await.expect("rows");
    let expected = [(agreement(6).to_string(), "acme".to_owned())];
    assert_eq!(pending, expected, "initech's rename ended what it had with globex");
    stage.end().await;
}
