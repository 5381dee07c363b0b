//! The service in the real runtime: transfers and facts from share-dispatcher, what desks and
//! field-sync get, and what is stored.

mod dry_run;
mod harness;
mod migration;
mod samples;

use contracts::delivery::AgreementStatus::{Accepted, Inactive};
use contracts::delivery::DeliveryBody;
use contracts::{Reason, Receipt, ReceiptOutcome};
use testkit::desk::PATIENCE;
use testkit::{Desk, locks, until};

use crate::harness::ServiceHarness;
use crate::samples::{agreement, hop, onward, original, redact, share, solved, unshare, update};

/// Comments that a desk was delivered, in order of arrival; one that came twice stands here twice.
fn comments_at(desk: &Desk) -> Vec<String> {
    let comments = |told: &DeliveryBody| match told {
        DeliveryBody::TicketUpdated(updated) => {
            updated.comments.iter().map(|comment| comment.id.to_string()).collect()
        }
        _ => Vec::new(),
    };
    desk.with_deliveries(|deliveries| {
        deliveries.iter().flat_map(|delivered| comments(&delivered.told)).collect()
    })
}

/// What became of a command and of its first item.
fn came_to(receipt: &Receipt) -> (ReceiptOutcome, Option<Reason>) {
    (receipt.outcome, receipt.decisions.first().and_then(|decision| decision.reason))
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_alone_end_here_and_go_on_decided_with_more_for_field_sync() {
    let stage = ServiceHarness::set("comments-routes").await;
    stage.publish("1", &share("share", &["acme/1"])).await;
    let shared = stage.transfer("share").await;
    let far = hop().far();
    assert_eq!((shared.comments.len(), shared.decided_comments[&far].len()), (0, 1), "{shared:?}");

    stage.publish("2", &update("acme", "alone", &["acme/2"])).await;
    assert_eq!(came_to(&stage.acme.receipt("alone").await), (ReceiptOutcome::Applied, None));
    let by_share = |told: &DeliveryBody| match told {
        DeliveryBody::TicketUpdated(updated) => Some((updated.share_id.clone(), updated.revision)),
        _ => None,
    };
    let (updated, _) = stage.globex.told("the comment", by_share).await;
    assert_eq!(updated, (hop().share_id, None));
    assert_eq!(comments_at(&stage.globex), ["acme/2"]);

    let mut with_fields = update("globex", "both", &["globex/1"]);
    with_fields.fields = solved();
    stage.publish("3", &with_fields).await;
    let both = stage.transfer("both").await;
    assert_eq!((&both.fields, both.comments.len()), (&solved(), 0));
    let decided: Vec<_> = both
        .decided_comments
        .iter()
        .map(|(copy, comments)| (copy.clone(), comments[0].id.to_string()))
        .collect();
    assert_eq!(decided, [(original(), "globex/1".to_owned())]);

    stage.publish("4", &unshare("end")).await;
    stage.transfer("end").await;
    stage.publish("5", &update("acme", "late", &["acme/3"])).await;
    assert_eq!(
        came_to(&stage.acme.receipt("late").await),
        (ReceiptOutcome::Partial, Some(Reason::NotShared))
    );
    assert_eq!(comments_at(&stage.globex), ["acme/2"], "an ended share carries nothing");
    assert_eq!(stage.transfers().len(), 3, "comments alone go no further");
    let heard = (stage.acme.deliveries().len(), stage.globex.deliveries().len());
    assert_eq!(heard, (2, 1), "what goes on is answered and delivered at the end of the line");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_transfer_again_leads_to_the_same_outputs_and_to_nothing_new() {
    let stage = ServiceHarness::set("comments-again").await;
    stage.publish("share", &share("share", &[])).await;
    stage.transfer("share").await;
    let comment = update("acme", "once", &["acme/1"]);
    stage.publish("transfer", &comment).await;
    let receipt = stage.acme.receipt("once").await;
    stage.publish("transfer", &comment).await;
    for desk in [&stage.acme, &stage.globex] {
        let again = format!("the same to {} again", desk.account);
        let heard = until(&again, PATIENCE, async || match desk.repeated_and_unreadable() {
            (0, unreadable) => Err(format!("nothing repeated; unreadable: {unreadable:?}")),
            heard => Ok(heard),
        })
        .await;
        assert_eq!(heard, (1, Vec::new()));
        assert_eq!(desk.deliveries().len(), 1, "by its id {} knows it again", desk.account);
    }
    // The same comment in another command is another transfer: it is decided, and there is nothing
    // to do.
    stage.publish("another", &update("acme", "twice", &["acme/1"])).await;
    assert_eq!(
        came_to(&stage.acme.receipt("twice").await),
        (ReceiptOutcome::Ignored, Some(Reason::Unchanged))
    );
    assert_eq!(came_to(&receipt), (ReceiptOutcome::Applied, None));
    assert_eq!(comments_at(&stage.globex), ["acme/1"]);
    let stored: (i64, i64) =
        sqlx::query_as("select (select count(*) from comment), (select count(*) from journal)")
            .fetch_one(&stage.pool)
            .await
            .expect("counts");
    assert_eq!(stored, (1, 3), "one comment; three transfers are known");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_in_two_transfers_at_two_replicas_is_delivered_once() {
    const PAIRS: usize = 15;
    let stage = ServiceHarness::set("comments-race").await;
    stage.publish("share", &share("share", &[])).await;
    stage.transfer("share").await;
    let held = locks::hold(&stage.pool, "lock table comment in share mode").await;
    for number in 0..PAIRS {
        for command in ["a", "b"] {
            let transfer =
                update("acme", &format!("{command}{number}"), &[&format!("acme/{number}")]);
            stage.publish(&format!("{command}{number}"), &transfer).await;
        }
    }
    // An id without a prefix may be published by both accounts: it is of the one that came first.
    let uuid = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10";
    stage.publish("ours", &update("acme", "ours", &[uuid])).await;
    stage.publish("theirs", &update("globex", "theirs", &[uuid])).await;
    locks::release(&stage.pool, held).await;

    let (once, again) =
        ((ReceiptOutcome::Applied, None), (ReceiptOutcome::Ignored, Some(Reason::Unchanged)));
    for number in 0..PAIRS {
        let (a, b) = (
            stage.acme.receipt(&format!("a{number}")).await,
            stage.acme.receipt(&format!("b{number}")).await,
        );
        let mut both = [came_to(&a), came_to(&b)];
        both.sort_by_key(|(outcome, _)| *outcome);
        assert_eq!(both, [once, again], "comment {number}");
    }
    let (ours, theirs) = (stage.acme.receipt("ours").await, stage.globex.receipt("theirs").await);
    let mut both = [came_to(&ours), came_to(&theirs)];
    both.sort_by_key(|(outcome, _)| *outcome);
    assert_eq!(both, [once, again]);
    let mut delivered = until("all comments at the desks", PATIENCE, async || {
        let delivered = [comments_at(&stage.acme), comments_at(&stage.globex)].concat();
        if delivered.len() > PAIRS { Ok(delivered) } else { Err(format!("{delivered:?}")) }
    })
    .await;
    let mut expected: Vec<_> =
        (0..PAIRS).map(|number| format!("acme/{number}")).chain([uuid.to_owned()]).collect();
    delivered.sort();
    expected.sort();
    assert_eq!(delivered, expected, "each once");
    let query = "select count(*) from comment where cardinality(copies) = 2";
    let stored: i64 = sqlx::query_scalar(query).fetch_one(&stage.pool).await.expect("a count");
    assert_eq!(usize::try_from(stored), Ok(PAIRS + 1), "each is held by both copies");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_go_on_also_when_older_and_an_inactive_agreement_ends_its_hop() {
    let stage = ServiceHarness::set("comments-facts").await;
    stage.publish("share", &share("share", &[])).await;
    stage.transfer("share").await;
    stage.publish("before", &update("acme", "before", &["acme/1"])).await;
    assert_eq!(came_to(&stage.acme.receipt("before").await), (ReceiptOutcome::Applied, None));
    stage.publish("inactive", &agreement(3, Inactive)).await;
    stage.facts(1).await;
    stage.publish("older", &agreement(2, Accepted)).await;
    let facts = stage.facts(2).await;
    assert!(
        facts.contains(&agreement(2, Accepted)) && facts.contains(&agreement(3, Inactive)),
        "as they came: {facts:?}"
    );
    stage.publish("after", &update("acme", "after", &["acme/2"])).await;
    assert_eq!(
        came_to(&stage.acme.receipt("after").await),
        (ReceiptOutcome::Partial, Some(Reason::AgreementInactive))
    );
    assert_eq!(comments_at(&stage.globex), ["acme/1"]);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_redaction_is_kept_until_its_copy_comes_back() {
    let stage = ServiceHarness::set("comments-missed").await;
    let missed = async || -> i64 {
        let query = sqlx::query_scalar("select count(*) from missed_redaction");
        query.fetch_one(&stage.pool).await.expect("a count")
    };
    stage.publish("1", &share("share", &["acme/1", "acme/2"])).await;
    stage.transfer("share").await;
    stage.publish("2", &unshare("end")).await;
    stage.transfer("end").await;
    for command in ["redact", "again"] {
        stage.publish(command, &redact(command, "acme/1")).await;
        let receipt = stage.acme.receipt(command).await;
        assert_eq!(receipt.outcome, ReceiptOutcome::Partial);
        let last = receipt.decisions.last().expect("the copy");
        assert_eq!((last.reason, &last.share_id), (Some(Reason::NotShared), &Some(hop().share_id)));
        assert_eq!(missed().await, 1, "after {command}");
    }
    stage.publish("3", &onward("onward")).await;
    let created = stage.transfer("onward").await;
    assert_eq!(created.decided_comments.len(), 1, "what is redacted goes not through field-sync");
    let redacted = |told: &DeliveryBody| match told {
        DeliveryBody::TicketUpdated(updated) => Some(updated.redact.clone()),
        _ => None,
    };
    let (redacted, _) = stage.globex.told("the redaction", redacted).await;
    let ids: Vec<_> = redacted.iter().map(|it| it.comment_id.as_str()).collect();
    assert_eq!((ids, missed().await), (vec!["acme/1"], 0));
    stage.end().await;
}
