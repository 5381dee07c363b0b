//! What desks really send where others would not: numbers with signs, nothing at all, HTML of any
//! depth, days that look like days, two changes in one second. It stays as it is, or is refused
//! with its place.

use contracts::{ItemOutcome, Reason};
use serde_json::{Value, json};

use crate::context::{
    ConformanceContext, Partners, agent, applied, everything, item, refused, with,
};
use crate::copies::{ORIGINAL, has_status, hears, holds};
use crate::fields::{Pair, field, withheld};

pub async fn also_a_tickets_number_stays_as_it_is(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let longest = "9".repeat(128);
    for number in ["#0042", "0042", "A/B/C", " 7 ", "\u{1f3ab}", "T.*", &longest] {
        let (receipt, share) = context.share(&acme, &agreement, json!({ "id": number })).await;
        applied(&receipt);
        let created = context.created(&globex, &share).await;
        assert_eq!(created.original_ticket_id.as_str(), number);
        applied(&context.update(&acme, number, json!({ "status": "solved" })).await);
        has_status(&globex, &share, "solved").await;
    }
    for number in [json!("9".repeat(129)), json!(42), json!("")] {
        let (receipt, _) = context.share(&acme, &agreement, json!({ "id": number })).await;
        refused(&receipt, Reason::Malformed);
        let detail = receipt.detail.unwrap_or_default();
        assert!(detail.starts_with("/ticket/id: "), "{number}: {detail}");
    }
}

pub async fn also_null_is_nothing_given_and_empty_is_empty(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let tags = json!([{ "name": "vip", "added_by": "user" }]);
    let ticket =
        json!({ "id": ORIGINAL, "subject": "", "requester": { "name": "" }, "tags": tags });
    let (receipt, share) = context.share(&acme, &agreement, ticket).await;
    applied(&receipt);
    let created = context.created(&globex, &share).await;
    assert_eq!((created.subject.as_str(), created.requester.name.as_str()), ("", ""));
    for (absent, place) in [
        (json!({ "subject": null }), "subject"),
        (json!({ "requester": { "name": null } }), "requester/name"),
    ] {
        let (receipt, _) = context.share(&acme, &agreement, absent).await;
        refused(&receipt, Reason::Malformed);
        let detail = receipt.detail.unwrap_or_default();
        assert!(
            detail.starts_with("/ticket")
                && detail.contains(place.rsplit('/').next().unwrap_or(place)),
            "{detail}"
        );
    }
    let nothing = json!({
        "share_id": null, "base_revision": null, "custom_status": null, "tags": null,
        "custom_fields": null, "ccs": null, "comments": null,
        "actor": { "email": null, "phone": null }, "status": "pending",
    });
    applied(&context.update(&acme, ORIGINAL, nothing).await);
    has_status(&globex, &share, "pending").await;
    holds(&globex, &share, "tag:vip", json!(true)).await;
    let receipt = context.update(&acme, ORIGINAL, json!({ "comments": [null] })).await;
    refused(&receipt, Reason::Malformed);
    assert!(receipt.detail.is_some_and(|it| it.starts_with("/comments/0: ")));
}

pub async fn also_html_nested_deep_crosses_clean(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    context.shared(&acme, &globex, &agreement, ORIGINAL).await;
    let html = format!(
        "{}<img src=\"cid:1\"><img src=\"data:,x\"><script>alert(1)</script>{}",
        "<blockquote>".repeat(3_000),
        "</blockquote>".repeat(2_999)
    );
    let comment = with(context.comment(&acme, "Text.", true), &json!({ "html_body": html }));
    applied(&context.update(&acme, ORIGINAL, json!({ "comments": [comment] })).await);
    let told = hears(&globex, &comment).await.html_body.expect("it is not too much");
    assert_eq!(told.matches("<blockquote>").count(), 3_000);
    assert!(!told.contains("script") && !told.contains("alert"), "what runs stays behind");
}

pub async fn also_what_only_looks_like_a_day_is_none(context: ConformanceContext) {
    let due = [field("due", "Due", "date")];
    let pair = Pair::with(&context, &due, &due).await;
    for day in [
        "2024-02- 9",
        " 024-02-09",
        "+024-01-01",
        "-001-01-01",
        "2024-02-09\t",
        "2024-02-09\u{a0}",
        "0000-00-00",
        "2023-02-29",
    ] {
        withheld(&pair.set(&context, json!({ "due": day })).await, "due", Reason::BadValue);
    }
    pair.nothing_in(&context, &["due"]).await;
    pair.set(&context, json!({ "due": "9999-12-31" })).await;
    pair.arrives("due", json!("9999-12-31")).await;
}

pub async fn also_of_two_changes_in_one_second_the_later_counts(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let ticket = json!({ "id": ORIGINAL });
    let shared = json!({ "occurred_at": "2026-03-01T09:00:00Z", "ticket": ticket });
    let (receipt, share) = context.share_with(&acme, &agreement, shared).await;
    applied(&receipt);
    context.created(&globex, &share).await;
    // The later one's message id sorts first.
    for (letter, status) in [("b", "pending"), ("a", "solved")] {
        let id = format!("{letter}-{}", context.number());
        let change: Value = json!({ "ticket_id": ORIGINAL, "actor": agent(),
            "occurred_at": "2026-03-01T10:00:00Z", "status": status });
        let key = format!("{}.ticket.update", acme.account);
        acme.publish(&key, "ticket.update.v1", &id, change.to_string().as_bytes(), |it| it)
            .await
            .expect("the broker takes it");
        item(&acme.receipt(&id).await, "status", ItemOutcome::Transferred, None);
    }
    has_status(&globex, &share, "solved").await;
}
