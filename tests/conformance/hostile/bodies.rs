//! Bodies: what is no JSON, and JSON that parsers disagree about.

use contracts::Reason::Malformed;
use serde_json::json;

use super::ground::row;
use crate::context::{ConformanceContext, applied, refused};

pub async fn hostile_json_nested_too_deep(context: ConformanceContext) {
    let row = row(context).await;
    for depth in [33, 1_000, 80_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deep = format!(
                "{{\"ticket_id\":\"1\",\"x\":{}1{}}}",
                open.repeat(depth),
                close.repeat(depth)
            );
            refused(&row.raw_update(deep.as_bytes()).await, Malformed);
        }
        refused(&row.raw_update("[".repeat(depth).as_bytes()).await, Malformed);
    }
    row.ends_unseen().await;
}

pub async fn hostile_a_body_that_is_no_object(context: ConformanceContext) {
    let row = row(context).await;
    let good = row.update(&json!({})).to_string();
    for body in
        ["", " ", "null", "[]", "\"x\"", "7", "{", "{}{}", "nonsense", "<?xml version=\"1.0\"?>"]
    {
        refused(&row.raw_update(body.as_bytes()).await, Malformed);
    }
    for body in [
        format!("{good}\u{feff}"),
        format!("\u{feff}\u{feff}{good}"),
        format!("{good},"),
        good.replace('"', "'"),
        format!("{good}//"),
    ] {
        refused(&row.raw_update(body.as_bytes()).await, Malformed);
    }
    row.ends_unseen().await;
}

pub async fn hostile_text_that_is_not_utf8(context: ConformanceContext) {
    let row = row(context).await;
    let good = row.update(&json!({})).to_string();
    // A wrong byte, a surrogate as UTF-8 spells none, an overlong NUL, and a letter of Latin-1.
    for wrong in [&b"\xff"[..], b"\xed\xa0\x80", b"\xc0\x80", b"\xe9"] {
        let (before, after) = good.split_at(good.find(&row.marker).expect("the mark is in it"));
        refused(
            &row.raw_update(&[before.as_bytes(), wrong, after.as_bytes()].concat()).await,
            Malformed,
        );
    }
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_be_bytes).collect();
    refused(&row.raw_update(&utf16).await, Malformed);
    row.ends_unseen().await;
}

pub async fn hostile_lone_surrogates(context: ConformanceContext) {
    let row = row(context).await;
    let (acme, key) = (&row.ground.acme, row.key("agreement.list"));
    for (body, members) in [
        (r#"{"note":"\ud800"}"#.to_owned(), 1),
        (r#"{"note":["\udc00\ud800","\ud83d "],"\udfff":1}"#.to_owned(), 3),
        (format!(r#"{{"note":[{}1]}}"#, r#""\ud800","#.repeat(40_000)), 10),
    ] {
        let id = acme.next_id();
        acme.publish(&key, "agreement.list.v1", &id, body.as_bytes(), |properties| properties)
            .await
            .expect("the broker takes it");
        let receipt = acme.receipt(&id).await;
        applied(&receipt);
        assert_eq!(receipt.decisions.len(), members, "named, as far as there is room");
    }
    // What is wrong beside it is refused all the same.
    let good = row.update(&json!({})).to_string();
    for wrong in [r"\ud800\x", r"\ud800\u12", r"\ud800\u0000"] {
        let bad = good.replace(&row.marker, &(row.marker.clone() + wrong));
        refused(&row.raw_update(bad.as_bytes()).await, Malformed);
    }
    row.ends_unseen().await;
}

pub async fn hostile_nul_in_text_and_in_keys(context: ConformanceContext) {
    let row = row(context).await;
    let good = row.update(&json!({ "custom_fields": { "key": "value" } })).to_string();
    for (from, to) in [
        ("key", r"k\u0000y"),
        ("value", r"\u0000"),
        ("ticket_id", r"ticket_id\u0000"),
        (&row.marker, r"x\u0000y"),
    ] {
        refused(&row.raw_update(good.replace(from, to).as_bytes()).await, Malformed);
    }
    row.ends_unseen().await;
}

pub async fn hostile_keys_given_twice(context: ConformanceContext) {
    let row = row(context).await;
    let (hidden, own) = (row.ground.hidden_agreement.as_str(), row.ground.agreement.as_str());
    let (acme, key) = (&row.ground.acme, row.key("agreement.list"));
    for (first, last) in [(hidden, own), (own, hidden), (own, own)] {
        let id = acme.next_id();
        let body = format!(r#"{{"agreement_id":"{first}","agreement_\u0069d":"{last}"}}"#);
        acme.publish(&key, "agreement.list.v1", &id, body.as_bytes(), |properties| properties)
            .await
            .expect("the broker takes it");
        refused(&acme.receipt(&id).await, Malformed);
    }
    let good = row.update(&json!({})).to_string();
    for twice in [r#""public":false,"public":true"#, r#""public":null,"public":true"#] {
        let body = good.replace(r#""public":true"#, twice);
        refused(&row.raw_update(body.as_bytes()).await, Malformed);
    }
    row.ends_unseen().await;
}

pub async fn hostile_values_of_other_types(context: ConformanceContext) {
    let row = row(context).await;
    for change in [
        json!({ "ticket_id": 1 }),
        json!({ "ticket_id": ["1"] }),
        json!({ "ticket_id": "" }),
        json!({ "actor": "root" }),
        json!({ "actor": { "id": "1", "name": "x", "role": "superuser" } }),
        json!({ "comments": {} }),
        json!({ "tags": "x" }),
        json!({ "custom_fields": [] }),
        json!({ "status": "deleted" }),
        json!({ "occurred_at": 1_700_000_000 }),
        json!({ "share_id": "../../etc/passwd" }),
        json!({ "share_id": "' or 1=1 --" }),
    ] {
        let mut update = row.update(&json!({}));
        for (name, value) in change.as_object().expect("an object") {
            update[name] = value.clone();
        }
        refused(&row.ask("ticket.update.v1", &update).await, Malformed);
    }
    row.ends_unseen().await;
}
