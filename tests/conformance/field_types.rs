//! Values of custom fields: what each type takes, and what becomes of it in a field of another
//! type.

use contracts::{ItemOutcome, Reason};
use serde_json::{Value, json};

use crate::context::{ConformanceContext, applied, everything, item};
use crate::copies::{COPY, ORIGINAL, held, holds};
use crate::fields::{Pair, field, options, withheld};

const LEVELS: &[(&str, &str)] = &[("High", "high"), ("Middle", "middle"), ("Low", "low")];

/// A field of each type, all of different titles.
fn one_of_each() -> Vec<Value> {
    let plain = [
        "text",
        "textarea",
        "partialcreditcard",
        "lookup",
        "decimal",
        "checkbox",
        "date",
        "integer",
    ];
    let mut fields: Vec<Value> =
        plain.iter().map(|kind| field(kind, &format!("A {kind}"), kind)).collect();
    fields.push(json!({
        "key": "regexp",
        "title": "A regexp",
        "type": "regexp",
        "pattern": "[A-Z]{2}-[0-9]+",
    }));
    fields.push(options("tagger", "A tagger", "tagger", LEVELS));
    fields.push(options("multiselect", "A multiselect", "multiselect", LEVELS));
    fields
}

/// For each type a value that it takes, as it arrives, and one that it does not take.
fn values() -> [(&'static str, Value, Value); 11] {
    [
        ("text", json!("one line"), json!(1)),
        ("textarea", json!("two\nlines"), json!(["two"])),
        ("regexp", json!("AB-12"), json!("AB-")),
        ("partialcreditcard", json!("XXXX-4711"), json!("12345")),
        ("lookup", json!("asset-9"), json!(9)),
        ("decimal", json!("-1.50"), json!("1,5")),
        ("tagger", json!("high"), json!("higher")),
        ("multiselect", json!(["high", "low"]), json!(["high", "higher"])),
        ("checkbox", json!(true), json!("true")),
        ("date", json!("2028-02-29"), json!("2026-02-29")),
        ("integer", json!(-42), json!(4.2)),
    ]
}

pub async fn also_every_type_takes_its_values_and_no_others(context: ConformanceContext) {
    let pair = Pair::with(&context, &one_of_each(), &one_of_each()).await;
    for (kind, good, bad) in values() {
        item(
            &pair.set(&context, json!({ kind: good })).await,
            &format!("custom_field:{kind}"),
            ItemOutcome::Transferred,
            None,
        );
        let receipt = pair.set(&context, json!({ kind: bad })).await;
        withheld(&receipt, kind, Reason::BadValue);
        let decision = &receipt.decisions[0];
        assert!(decision.share_id.is_none(), "its own ticket did not take it: {receipt:?}");
        assert_eq!(decision.value, Some(good.clone()));
        let detail = decision.detail.as_deref().unwrap_or_default();
        assert!(detail.contains(pair.acme.account.as_str()), "whose schema was missed: {detail}");
    }
    context.heard(&pair.globex, &pair.acme, &pair.share).await;
    for (kind, good, _) in values() {
        pair.arrives(kind, good).await;
    }
    // The order of a multiselect's tags means nothing.
    let again = pair.set(&context, json!({ "multiselect": ["low", "high"] })).await;
    item(&again, "custom_field:multiselect", ItemOutcome::Unchanged, Reason::Unchanged);
}

pub async fn also_types_that_fit_pass_both_ways(context: ConformanceContext) {
    let level = |key: &str, title: &str| options(key, title, "tagger", LEVELS);
    // acme's type and value, what it becomes at globex; globex's type and value, what it becomes at
    // acme.
    let rows = [
        (
            level("f0", "F0"),
            json!("high"),
            json!("high"),
            field("f0", "F0", "text"),
            json!("low"),
            json!("low"),
        ),
        (
            field("f1", "F1", "decimal"),
            json!("5.00"),
            json!(5),
            field("f1", "F1", "integer"),
            json!(-7),
            json!("-7"),
        ),
        (
            field("f2", "F2", "text"),
            json!("12"),
            json!(12),
            field("f2", "F2", "integer"),
            json!(13),
            json!("13"),
        ),
        (
            field("f3", "F3", "date"),
            json!("2026-03-01"),
            json!("2026-03-01"),
            field("f3", "F3", "textarea"),
            json!("2026-04-01"),
            json!("2026-04-01"),
        ),
        (
            field("f4", "F4", "lookup"),
            json!("a"),
            json!("a"),
            field("f4", "F4", "text"),
            json!("b"),
            json!("b"),
        ),
        (
            field("f5", "F5", "partialcreditcard"),
            json!("1111"),
            json!("1111"),
            field("f5", "F5", "text"),
            json!("2222"),
            json!("2222"),
        ),
        (
            field("f6", "F6", "decimal"),
            json!("1.5"),
            json!("1.5"),
            field("f6", "F6", "text"),
            json!("2.5"),
            json!("2.5"),
        ),
    ];
    let ours: Vec<Value> = rows.iter().map(|row| row.0.clone()).collect();
    let theirs: Vec<Value> = rows.iter().map(|row| row.3.clone()).collect();
    let pair = Pair::with(&context, &ours, &theirs).await;
    for (ours, sent, arrives, _, sent_back, comes_back) in rows {
        let key = ours["key"].as_str().expect("a key");
        let receipt = pair.set(&context, json!({ key: sent })).await;
        let outcome = if sent == arrives { ItemOutcome::Transferred } else { ItemOutcome::Mapped };
        item(&receipt, &format!("custom_field:{key}"), outcome, None);
        pair.arrives(key, arrives).await;
        applied(&pair.set_back(&context, json!({ key: sent_back })).await);
        pair.comes_back(key, comes_back).await;
    }
    // What has no exact counterpart stays, and says whose field cannot hold it.
    for (key, value) in [("f1", json!("5.5")), ("f2", json!("05"))] {
        let receipt = pair.set(&context, json!({ key: value })).await;
        withheld(&receipt, key, Reason::BadValue);
        let decision = &receipt.decisions[0];
        assert_eq!(
            decision.share_id.as_ref(),
            Some(&pair.share),
            "acme's own ticket took it: {receipt:?}"
        );
        assert!(
            decision.detail.as_deref().unwrap_or_default().contains(pair.globex.account.as_str()),
            "{receipt:?}"
        );
        pair.comes_back(key, value).await;
    }
    context.heard(&pair.globex, &pair.acme, &pair.share).await;
    assert_eq!(held(&pair.globex, &pair.share, "custom_field:f1"), Some(json!(-7)));
}

pub async fn also_a_multiselect_crosses_whole_or_not_at_all(context: ConformanceContext) {
    let fewer = &LEVELS[..2];
    let pair = Pair::with(
        &context,
        &[options("area", "Area", "multiselect", LEVELS)],
        &[options("area", "Area", "multiselect", fewer)],
    )
    .await;
    applied(&pair.set(&context, json!({ "area": ["middle", "high"] })).await);
    pair.arrives("area", json!(["high", "middle"])).await;
    withheld(
        &pair.set(&context, json!({ "area": ["high", "low"] })).await,
        "area",
        Reason::BadValue,
    );
    context.heard(&pair.globex, &pair.acme, &pair.share).await;
    assert_eq!(
        held(&pair.globex, &pair.share, "custom_field:area"),
        Some(json!(["high", "middle"]))
    );
    pair.comes_back("area", json!(["high", "low"])).await;
}

pub async fn also_a_title_that_is_not_unique_crosses_nothing(context: ConformanceContext) {
    let ours = [
        field("a", "Order", "text"),
        field("b", "order ", "text"),
        field("c", "Serial", "text"),
        field("d", "Room", "text"),
    ];
    let theirs = [
        field("a", "ORDER", "text"),
        field("c", "Serial", "text"),
        field("e", "SERIAL", "text"),
        field("d", "Room", "text"),
    ];
    let pair = Pair::with(&context, &ours, &theirs).await;
    let receipt = pair.set(&context, json!({ "a": "1", "b": "2", "c": "3", "d": "4" })).await;
    for key in ["a", "b", "c"] {
        withheld(&receipt, key, Reason::TitleNotUnique);
    }
    pair.arrives("d", json!("4")).await;
    pair.nothing_in(&context, &["a", "b", "c", "e"]).await;
}

pub async fn also_one_bad_field_holds_back_none_of_the_others(context: ConformanceContext) {
    let pair = Pair::with(&context, &one_of_each(), &one_of_each()).await;
    let mut sent = json!({ "nowhere": "x", "subject": "x" });
    for (number, (kind, good, bad)) in values().into_iter().enumerate() {
        sent[kind] = if number % 2 == 0 { good } else { bad };
    }
    let receipt = pair.set(&context, sent).await;
    withheld(&receipt, "nowhere", Reason::NoSuchField);
    withheld(&receipt, "subject", Reason::SystemField);
    for (number, (kind, good, _)) in values().into_iter().enumerate() {
        if number % 2 == 0 {
            pair.arrives(kind, good).await;
        } else {
            withheld(&receipt, kind, Reason::BadValue);
        }
    }
    let one_update = pair.globex.bodies().iter().filter(|body| body.contains("one line")).count();
    assert_eq!(one_update, 1);
}

pub async fn also_a_value_is_cleared_by_each_of_its_spellings(context: ConformanceContext) {
    let pair = Pair::with(&context, &one_of_each(), &one_of_each()).await;
    let cleared = json!({ "clear": true });
    for (number, (kind, good, _)) in values().into_iter().enumerate() {
        applied(&pair.set(&context, json!({ kind: good })).await);
        pair.arrives(kind, good).await;
        let spelling = [json!({ "clear": true }), json!(""), json!([])][number % 3].clone();
        applied(&pair.set(&context, json!({ kind: spelling })).await);
        pair.arrives(kind, cleared.clone()).await;
        // Cleared already, in whichever spelling.
        let again = pair.set_back(&context, json!({ kind: [] })).await;
        item(&again, &format!("custom_field:{kind}"), ItemOutcome::Unchanged, Reason::Unchanged);
    }
    applied(&pair.set(&context, json!({ "text": "back" })).await);
    pair.arrives("text", json!("back")).await;
    applied(&pair.set_back(&context, json!({ "text": { "clear": true } })).await);
    pair.comes_back("text", cleared).await;
}

pub async fn also_one_spelling_of_a_field_counts_and_the_others_are_told(
    context: ConformanceContext,
) {
    let (acme, bridge) =
        (context.desk("acme").await, context.desk_of("bridge", "third_party").await);
    applied(
        &context.set(&acme, json!({ "ticket_fields": [field("order", "Order", "text")] })).await,
    );
    applied(&context.set(&bridge, json!({ "open_fields": true })).await);
    let pair = Pair::of(&context, acme, bridge, everything()).await;
    let receipt =
        pair.set_back(&context, json!({ "Order": "1", "order": "2", " ORDER ": "3" })).await;
    pair.comes_back("order", json!("3")).await;
    for lost in ["Order", "order"] {
        let name = format!("custom_field:{lost}");
        item(&receipt, &name, ItemOutcome::Superseded, Reason::NewerChangeExists);
        let told = receipt.decisions.iter().find(|it| it.item.to_string() == name);
        assert_eq!(told.and_then(|it| it.value.clone()), Some(json!("3")));
    }
}

pub async fn also_open_fields_take_any_title(context: ConformanceContext) {
    let (acme, bridge) =
        (context.desk("acme").await, context.desk_of("bridge", "third_party").await);
    let ours = [
        field("order", "Order", "text"),
        field("count", "Count", "integer"),
        field("ok", "All right?", "checkbox"),
    ];
    applied(&context.set(&acme, json!({ "ticket_fields": ours })).await);
    applied(&context.set(&bridge, json!({ "open_fields": true })).await);
    let pair = Pair::of(&context, acme, bridge, everything()).await;
    applied(&pair.set(&context, json!({ "order": "7", "count": 3, "ok": true })).await);
    for (title, value) in [("Order", json!("7")), ("Count", json!(3)), ("All right?", json!(true))]
    {
        pair.arrives(title, value).await;
    }
    // Titles for keys, and values as acme's field takes them.
    let receipt = pair
        .set_back(
            &context,
            json!({ "ORDER": "8", "count": "12", "All right?": false, "Nobody's": "x" }),
        )
        .await;
    withheld(&receipt, "Nobody's", Reason::NoSuchField);
    for (key, value) in [("order", json!("8")), ("count", json!(12)), ("ok", json!(false))] {
        pair.comes_back(key, value).await;
    }
    let receipt = pair.set_back(&context, json!({ "Count": "many", "Order": "9" })).await;
    withheld(&receipt, "Count", Reason::BadValue);
    pair.comes_back("order", json!("9")).await;
    context.heard(&pair.acme, &pair.globex, &pair.share).await;
    holds(&pair.acme, &pair.share, "custom_field:count", json!(12)).await;
}

pub async fn also_a_change_of_several_fields_is_one_revision(context: ConformanceContext) {
    let pair = Pair::with(&context, &one_of_each(), &one_of_each()).await;
    let receipt = pair.set(&context, json!({ "text": "a", "integer": 1 })).await;
    let next = context
        .update(&pair.globex, COPY, json!({ "status": "solved", "custom_fields": { "text": "b" } }))
        .await;
    assert_eq!(next.revision, receipt.revision.map(|revision| revision + 1));
    pair.comes_back("text", json!("b")).await;
    let stale = json!({ "custom_fields": { "text": "c" }, "occurred_at": "2026-01-01T00:00:00Z" });
    let receipt = context.update(&pair.acme, ORIGINAL, stale).await;
    item(&receipt, "custom_field:text", ItemOutcome::Superseded, Reason::NewerChangeExists);
    assert_eq!(receipt.decisions[0].value, Some(json!("b")));
}
