//! Scene: both desks work on the ticket.

use contracts::Reason;
use contracts::ReceiptOutcome::{Applied, Partial};
use contracts::ShareId;
use contracts::delivery::DeliveryBody;
use contracts::fields::Status;
use serde_json::json;

use super::sample::{comment, custom_fields, update, word};
use super::{Side, Story, comment_in};

pub(super) async fn play(story: &Story, share: &ShareId) {
    story.out.headline("Both work on it: one action of an agent is one delivery");
    let copy = story.links[0].far.1.clone();
    private_note(story, &copy).await;
    reply_and_solve(story, &copy).await;
    hold(story, share).await;
    wrong_type(story).await;
}

async fn private_note(story: &Story, copy: &str) {
    let mut note = update(Side::Globex, copy);
    note.comments = vec![comment("globex/1", false, "The seal is worn. Who pays for the new one?")];
    let sent = story.ask(&story.globex, &note, Applied, "a private note").await;
    let (seen, arrival) = story
        .arrives(&story.globex, &sent, &story.acme, "the private note", |it| {
            comment_in(it, "globex/1")
        })
        .await;
    assert!(!seen.1.public && seen.1.author.placeholder, "{seen:?}");
    arrival.tell(&format!("a private note by placeholder {}", seen.1.author.name));
    only_once(story, "globex/1");
}

async fn reply_and_solve(story: &Story, copy: &str) {
    let mut reply = update(Side::Globex, copy);
    reply.comments = vec![comment("globex/2", true, "A new seal is in, the pump runs dry.")];
    reply.status = Some(Status::Solved);
    let sent =
        story.ask(&story.globex, &reply, Applied, "a public reply and “solved”, one action").await;
    let both = |told: &DeliveryBody| match told {
        DeliveryBody::TicketUpdated(updated) if updated.status == Some(Status::Solved) => {
            comment_in(told, "globex/2")
        }
        _ => None,
    };
    let (_, arrival) =
        story.arrives(&story.globex, &sent, &story.acme, "reply and status in one", both).await;
    arrival.tell("the reply and “solved”, one delivery");
    only_once(story, "globex/2");
    let statuses = story.acme.with_deliveries(|all| {
        all.iter()
            .filter(|it| {
                matches!(&it.told,
                    DeliveryBody::TicketUpdated(updated) if updated.status.is_some())
            })
            .count()
    });
    assert_eq!(statuses, 1, "one change of status is one delivery");
}

async fn hold(story: &Story, share: &ShareId) {
    let mut hold = update(Side::Acme, "A-1");
    hold.status = Some(Status::Hold);
    let sent = story.ask(&story.acme, &hold, Applied, "puts it on hold").await;
    let mapped =
        sent.receipt.decisions.iter().any(|it| it.reason == Some(Reason::OnHoldMapsToOpen));
    assert!(mapped, "no decision says that hold arrives as open: {:#?}", sent.receipt);
    let opened = |told: &DeliveryBody| match told {
        DeliveryBody::TicketUpdated(updated) if updated.share_id == *share => {
            updated.status.map(|status| (status, updated.custom_status.clone().unwrap_or_default()))
        }
        _ => None,
    };
    let ((status, custom), arrival) =
        story.arrives(&story.acme, &sent, &story.globex, "the status", opened).await;
    assert_eq!(status, Status::Open);
    arrival.tell(&format!("arrives as “{}”, globex's own status for it: {custom}", word(&status)));
}

async fn wrong_type(story: &Story) {
    let mut both = update(Side::Acme, "A-1");
    both.custom_fields =
        custom_fields([("on_site_by", json!("2026-03-04")), ("product", json!("valve"))]);
    let sent = story.ask(&story.acme, &both, Partial, "sets a date and a product").await;
    let decision = sent.receipt.decisions.iter().find(|it| it.reason == Some(Reason::TypeMismatch));
    let decision =
        decision.unwrap_or_else(|| panic!("no decision says type_mismatch: {:#?}", sent.receipt));
    let detail = decision.detail.clone().unwrap_or_default();
    story.out.event(
        "acme",
        "",
        None,
        sent.trace.as_deref(),
        &format!("stays at home: {} ({detail})", decision.item),
    );
    let product = |told: &DeliveryBody| match told {
        DeliveryBody::TicketUpdated(updated) => {
            updated.custom_fields.get("product_line").map(|_| updated.custom_fields.clone())
        }
        _ => None,
    };
    let (fields, arrival) =
        story.arrives(&story.acme, &sent, &story.globex, "the product", product).await;
    assert_eq!(json!(fields), json!({ "product_line": "valve" }));
    arrival.tell("the product alone arrives, under globex's own key");
}

/// What was one action came as one delivery.
fn only_once(story: &Story, id: &str) {
    let times = story
        .acme
        .with_deliveries(|all| all.iter().filter(|it| comment_in(&it.told, id).is_some()).count());
    assert_eq!(times, 1, "comment {id} came {times} times to acme");
}
