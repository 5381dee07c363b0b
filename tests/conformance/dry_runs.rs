//! What a command would come to (contract part 8, 6).

use contracts::delivery::DeliveryBody;
use contracts::{ItemOutcome, Reason, ReceiptOutcome};
use serde_json::json;

use crate::context::{ConformanceContext, everything, item, private_only, with};

/// A ticket with something of everything in it.
fn full(context: &ConformanceContext, desk: &testkit::Desk) -> serde_json::Value {
    json!({ "status": "hold", "tags": [{ "name": "vip", "added_by": "user" }],
        "comments": [context.comment(desk, "It smokes.", true)] })
}

pub async fn part_8_a_dry_run_tells_what_would_be_and_does_nothing(context: ConformanceContext) {
    let partners = context.partners(everything()).await;
    let (acme, globex) = (&partners.acme, &partners.globex);
    let ticket = with(full(&context, acme), &json!({ "id": "1" }));
    let dry = json!({ "ticket": ticket, "dry_run": true });
    let (would, _) = context.share_with(acme, &partners.agreement, dry).await;
    assert!(would.dry_run && would.revision.is_none(), "{would:?}");
    item(&would, "status", ItemOutcome::Mapped, Reason::OnHoldMapsToOpen);

    let (done, share) =
        context.share_with(acme, &partners.agreement, json!({ "ticket": ticket })).await;
    assert_eq!((done.outcome, done.dry_run), (would.outcome, false), "{done:?}");
    let told = |receipt: &contracts::Receipt| {
        let mut items: Vec<_> = receipt
            .decisions
            .iter()
            .map(|it| (it.item.to_string(), it.outcome, it.reason))
            .collect();
        items.sort();
        items
    };
    assert_eq!(told(&done), told(&would));
    context.created(globex, &share).await;
    let comment = context.comment(acme, "Not yet.", true);
    let update = json!({ "status": "solved", "comments": [comment], "dry_run": true });
    let would = context.update(acme, "1", update).await;
    assert_eq!((would.outcome, would.dry_run), (ReceiptOutcome::Applied, true), "{would:?}");
    let heard = context.heard(globex, acme, &share).await;
    let solved = heard.iter().any(|told| match told {
        DeliveryBody::TicketUpdated(updated) => {
            updated.status.is_some() || updated.comments.iter().any(|it| it.body == "Not yet.")
        }
        _ => false,
    });
    assert!(!solved, "{heard:?}");
    let created = heard.iter().filter(|told| matches!(told, DeliveryBody::TicketCreated(_)));
    assert_eq!(created.count(), 1, "the first one made no copy");
}

pub async fn part_8_a_draft_is_tried_out_as_far_as_the_senders_side_goes(
    context: ConformanceContext,
) {
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    let (_, agreement) = context.invite(&acme, &globex, private_only()).await;
    let dry = json!({ "ticket": full(&context, &acme), "dry_run": true });
    let (would, _) = context.share_with(&acme, &agreement, dry).await;
    assert_eq!((would.outcome, would.dry_run), (ReceiptOutcome::Partial, true), "{would:?}");
    item(&would, "tag:vip", ItemOutcome::Withheld, Reason::TagsNotSynced);
    item(&would, "status", ItemOutcome::Withheld, Reason::StatusNotSynced);
    assert!(would.detail.as_deref().is_some_and(|it| it.contains("not accepted")), "{would:?}");
}

pub async fn part_8_who_is_further_along_the_chain_is_counted_and_not_named(
    context: ConformanceContext,
) {
    let [acme, globex, initech] = context.desks(["acme", "globex", "initech"]).await;
    let first = context.agree(&acme, &globex, everything()).await;
    let second = context.agree(&globex, &initech, everything()).await;
    context.shared(&acme, &globex, &first, "1").await;
    let (_, onward) = context.share(&globex, &second, json!({ "id": "1-copy" })).await;
    context.created(&initech, &onward).await;
    let note = context.comment(&acme, "Who will see this?", false);
    let id = note["id"].as_str().expect("its id").to_owned();
    let would = context.update(&acme, "1", json!({ "comments": [note], "dry_run": true })).await;
    let of_it: Vec<_> = would
        .decisions
        .iter()
        .filter(|it| it.item.to_string() == format!("comment:{id}"))
        .collect();
    assert_eq!(of_it.iter().filter(|it| it.beyond).count(), 1, "{would:?}");
    assert_eq!(of_it.iter().filter(|it| it.share_id.is_some()).count(), 1, "{would:?}");
    let text = serde_json::to_string(&would).expect("JSON");
    assert!(!text.contains(initech.account.as_str()) && !text.contains(onward.as_str()), "{text}");
}
