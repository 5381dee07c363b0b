//! Numbers and dates at their edges and beyond.

use contracts::Reason::{BadValue, Malformed, NewerChangeExists};
use contracts::ReceiptOutcome;
use contracts::limits::WHOLE_NUMBER;
use serde_json::{Value, json};

use super::ground::row;
use crate::context::{ConformanceContext, admin, applied, end_user, everything, refused};

pub async fn hostile_numbers_too_large_for_any_type(context: ConformanceContext) {
    let row = row(context).await;
    let good = row.update(&json!({ "base_revision": 7, "comments": [{
        "id": format!("{}/{}", row.ground.acme.account, row.context.number()), "body": row.marker,
        "attachments": [{ "id": "a", "filename": "f", "url": "https://a.example/", "size": 8 }],
        "call": { "duration_s": 9 },
    }] }));
    let good = good.to_string();
    for number in [
        "1e400",
        "-1e400",
        "18446744073709551616",
        "-1",
        "0.5",
        "1e3",
        "\"7\"",
        "01",
        "0x7",
        "NaN",
        "Infinity",
        "[7]",
    ] {
        for name in ["\"base_revision\":7", "\"size\":8", "\"duration_s\":9"] {
            let spelt = format!("{}{number}", &name[..name.len() - 1]);
            refused(&row.raw_update(good.replace(name, &spelt).as_bytes()).await, Malformed);
        }
    }
    row.ends_unseen().await;
}

pub async fn hostile_the_highest_version_there_is(context: ConformanceContext) {
    let row = row(context).await;
    let last = row.context.desk("last").await;
    let update = |version: u64, name: &str| {
        json!({ "version": version, "actor": admin(),
            "display_name": format!("{}{name}", row.marker) })
    };
    for version in [u64::MAX, 1 << 53] {
        refused(&last.ask("account.update.v1", &update(version, "1")).await, Malformed);
    }
    let highest = (1 << 53) - 1;
    applied(&last.ask("account.update.v1", &update(highest, "1")).await);
    // It has locked itself out with numbers, and nobody else; without one it goes on.
    for version in [highest, 1, 0] {
        let receipt = last.ask("account.update.v1", &update(version, "2")).await;
        assert_eq!(
            (receipt.outcome, receipt.reason),
            (ReceiptOutcome::Ignored, Some(NewerChangeExists))
        );
    }
    let without = json!({ "actor": admin(), "display_name": row.marker });
    applied(&last.ask("account.update.v1", &without).await);
    for version in [json!(-1), json!(1.5), json!(1e30), json!("1")] {
        let malformed = json!({ "version": version, "actor": admin() });
        refused(&last.ask("account.update.v1", &malformed).await, Malformed);
    }
    row.ends_unseen().await;
}

pub async fn hostile_a_base_revision_that_never_was(context: ConformanceContext) {
    let row = row(context).await;
    let partners = row.context.partners(everything()).await;
    let share =
        row.context.shared(&partners.acme, &partners.globex, &partners.agreement, "1").await;
    for base in [u64::MAX, u64::MAX / 2, i64::MAX.unsigned_abs() + 1, WHOLE_NUMBER + 1] {
        let change = json!({ "base_revision": base, "status": "pending" });
        refused(&row.context.update(&partners.acme, "1", change).await, Malformed);
    }
    for base in [WHOLE_NUMBER, WHOLE_NUMBER - 1, 1 << 52] {
        let change = json!({ "base_revision": base,
            "tags": { "add": [{ "name": format!("t{base}"), "added_by": "user" }] } });
        applied(&row.context.update(&partners.acme, "1", change).await);
    }
    let told = row.context.heard(&partners.globex, &partners.acme, &share).await;
    assert!(told.len() > 3);
    row.ends_unseen().await;
}

pub async fn hostile_whole_numbers_beyond_64_bits(context: ConformanceContext) {
    let row = row(context).await;
    let partners = row.context.partners(everything()).await;
    let fields =
        json!({ "ticket_fields": [{ "key": "count", "title": "Count", "type": "integer" }] });
    for desk in [&partners.acme, &partners.globex] {
        applied(&row.context.set(desk, fields.clone()).await);
    }
    let share =
        row.context.shared(&partners.acme, &partners.globex, &partners.agreement, "1").await;
    for number in [
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551616",
        "1e30",
        "1.0",
        "-0.0",
    ] {
        let number: Value = serde_json::from_str(number).expect("a number");
        let receipt = row
            .context
            .update(&partners.acme, "1", json!({ "custom_fields": { "count": number } }))
            .await;
        assert!(
            receipt.decisions.iter().any(|decision| decision.reason == Some(BadValue)),
            "{receipt:?}"
        );
    }
    applied(
        &row.context
            .update(&partners.acme, "1", json!({ "custom_fields": { "count": i64::MIN } }))
            .await,
    );
    row.context.heard(&partners.globex, &partners.acme, &share).await;
    row.ends_unseen().await;
}

pub async fn hostile_pages_that_are_none(context: ConformanceContext) {
    let row = row(context).await;
    for list in ["agreement.list.v1", "share.list.v1"] {
        for limit in [
            json!(0),
            json!(201),
            json!(u32::MAX),
            json!(u64::MAX),
            json!(-1),
            json!(1.5),
            json!("10"),
        ] {
            refused(&row.ask(list, &json!({ "limit": limit })).await, Malformed);
        }
        let cursors = ["", "1", "%", "' or 1=1 --", "\u{1b}[0m", &"f".repeat(4_000)];
        for cursor in cursors {
            refused(&row.ask(list, &json!({ "cursor": cursor })).await, Malformed);
        }
        // Where another's list would go on, one's own does.
        let cursor = row.ground.hidden_share.as_str();
        applied(&row.ask(list, &json!({ "cursor": cursor })).await);
    }
    row.ends_unseen().await;
}

pub async fn hostile_dates_that_are_none(context: ConformanceContext) {
    let row = row(context).await;
    for date in [
        "",
        "now",
        "2026-03-01",
        "2026-03-01T10:00:00",
        "2026-02-30T10:00:00Z",
        "2026-13-01T10:00:00Z",
        "2026-03-01T24:00:00Z",
        "2026-03-01T10:00:61Z",
        "2026-03-01T10:00:00+24:00",
        "2026-03-01T10:00:00+99:99",
        "-0001-01-01T00:00:00Z",
        "+10000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "99999999999999999999-01-01T00:00:00Z",
        "2026-03-01T10:00:00Z\u{1b}",
        "2026-03-01T10:00:00\u{2212}02:00",
        "2026-03-01T10:00:00+0200",
        "2026-03- 1T10:00:00Z",
        "2026-03-01T12:00:60Z",
        "２０２６-03-01T10:00:00Z",
    ] {
        refused(
            &row.ask("ticket.update.v1", &row.update(&json!({ "occurred_at": date }))).await,
            Malformed,
        );
    }
    row.ends_unseen().await;
}

pub async fn hostile_dates_that_leave_the_calendar(context: ConformanceContext) {
    let row = row(context).await;
    // In RFC 3339 as they are sent, and no longer where they are written in UTC.
    for date in ["0000-01-01T00:00:00+23:59", "9999-12-31T23:59:59-00:01"] {
        let comment = json!({
            "id": format!("{}/{}", row.ground.acme.account, row.context.number()),
            "body": row.marker,
            "authored_at": date,
        });
        let update = row.update(&json!({ "comments": [comment] }));
        let share = json!({
            "agreement_id": row.ground.agreement, "actor": crate::context::agent(),
            "occurred_at": "2026-03-01T10:00:00Z",
            "ticket": { "id": row.marker, "subject": row.marker, "status": "open",
            "requested_at": date, "requester": end_user() },
        });
        for receipt in
            row.ask_all(&[("ticket.update.v1", update), ("ticket.share.v1", share)]).await
        {
            refused(&receipt, Malformed);
        }
        refused(
            &row.ask("ticket.update.v1", &row.update(&json!({ "occurred_at": date }))).await,
            Malformed,
        );
    }
    row.ends_unseen().await;
}

pub async fn hostile_dates_ahead(context: ConformanceContext) {
    let row = row(context).await;
    let ahead = testkit::desk::clock().plus_seconds(25 * 3_600).to_string();
    for date in [ahead.as_str(), "9999-12-31T23:59:59Z"] {
        refused(
            &row.ask("ticket.update.v1", &row.update(&json!({ "occurred_at": date }))).await,
            Malformed,
        );
    }
    row.ends_unseen().await;
}

pub async fn hostile_dates_long_ago(context: ConformanceContext) {
    let row = row(context).await;
    let partners = row.context.partners(everything()).await;
    let share =
        row.context.shared(&partners.acme, &partners.globex, &partners.agreement, "1").await;
    for date in [
        "0000-01-01T00:00:00Z",
        "1900-02-28T23:59:59Z",
        "1969-12-31T23:59:60Z",
        "2017-01-01T13:59:60+14:00",
        "2000-02-29t00:00:00.123456789z",
    ] {
        let comment = json!({ "id": format!("{}/{}", partners.acme.account, row.context.number()),
            "body": "Old.", "authored_at": date });
        let change = json!({ "occurred_at": date, "comments": [comment], "status": "pending" });
        applied(&row.context.update(&partners.acme, "1", change).await);
        row.context
            .updated(&partners.globex, &share, date, |it| {
                it.comments.iter().any(|it| comment["id"] == it.id.as_str())
            })
            .await;
    }
    row.ends_unseen().await;
}
