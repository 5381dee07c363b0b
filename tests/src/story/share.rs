//! Scene: a ticket is shared.

use contracts::Reason;
use contracts::ReceiptOutcome::Partial;
use contracts::ShareId;
use contracts::delivery::{DeliveryBody, TicketCreated};
use serde_json::json;

use super::{Link, Side, Story, sample};
use crate::party::Answer;

/// What may not leave acme, and why.
const STAYS: [(&str, Reason); 5] = [
    ("requester", Reason::AddressStays),
    ("ccs", Reason::CcsStay),
    ("recording:acme/3", Reason::RecordingStays),
    ("tag:sla-gold", Reason::AddedByRule),
    ("custom_field:on_site_by", Reason::TypeMismatch),
];

/// Returns the share.
pub(super) async fn play(story: &mut Story) -> ShareId {
    story.out.headline(
        "acme shares a ticket: three comments, a photo, a voicemail, tags, custom fields, a CC",
    );
    let shared = story
        .ask(
            &story.acme,
            &sample::full_share(&story.first),
            Partial,
            "shares A-1 “Pump in hall 3 leaks”",
        )
        .await;
    let share = sample::share_of(&shared.receipt);
    what_stays(story, &shared);
    let (created, arrival) = story
        .arrives(&story.acme, &shared, &story.globex, "the copy", |told| match told {
            DeliveryBody::TicketCreated(created) if created.share_id == share => {
                Some((**created).clone())
            }
            _ => None,
        })
        .await;
    arrival.tell(&format!(
        "the copy appears: {} comments, 1 photo, tags {}, order {}, asked by placeholder {}",
        created.comments.len(),
        created.tags.join(" and "),
        created
            .custom_fields
            .get("order")
            .map(|value| json!(value).to_string())
            .unwrap_or_default(),
        created.requester.name,
    ));
    check(&created);
    let (number, bound) = story.acme.told("the copy's number", |told| bound(told, &share)).await;
    story.out.event(
        "globex",
        "acme",
        None,
        bound.trace_id.as_deref(),
        &format!("the copy has its own number, {number}"),
    );
    story.links.push(Link { near: (Side::Acme, "A-1".into()), far: (Side::Globex, number) });
    share
}

/// The partner's number for a share, once it was told.
pub(super) fn bound(told: &DeliveryBody, share: &ShareId) -> Option<String> {
    match told {
        DeliveryBody::TicketBound(bound) if bound.share_id == *share => {
            Some(bound.partner_ticket_id.to_string())
        }
        _ => None,
    }
}

fn what_stays(story: &Story, shared: &Answer) {
    for (item, reason) in STAYS {
        let decision = shared
            .receipt
            .decisions
            .iter()
            .find(|it| it.item.to_string() == item && it.reason == Some(reason));
        assert!(
            decision.is_some(),
            "no decision says that {item} stays because of {reason}: {:#?}",
            shared.receipt.decisions
        );
        story.out.event(
            "acme",
            "",
            None,
            shared.trace.as_deref(),
            &format!("stays at home: {item} ({reason})"),
        );
    }
}

fn check(created: &TicketCreated) {
    let all = json!(created).to_string();
    assert!(
        !all.contains("customer.example") && !all.contains("+1 555 0100"),
        "an address or telephone left acme: {all}"
    );
    assert!(!all.contains("calls.acme.example"), "a recording left acme: {all}");
    let body = |id: &str| {
        created
            .comments
            .iter()
            .find(|it| it.id.as_str() == id)
            .map(|it| it.body.clone())
            .unwrap_or_default()
    };
    assert!(
        body("acme/3").contains("Please call back."),
        "the voicemail's transcript is missing: {all}"
    );
    assert_eq!(created.comments.iter().flat_map(|it| &it.attachments).count(), 1, "{all}");
    assert_eq!(created.comments.iter().filter(|it| !it.public).count(), 1, "{all}");
    assert_eq!(created.tags, ["hall-3", "leak"], "{all}");
    assert_eq!(json!(created.custom_fields), json!({ "order": "4711", "product_line": "pump" }));
    assert!(created.requester.placeholder, "{all}");
}
