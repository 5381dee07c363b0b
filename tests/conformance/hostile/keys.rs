//! Routing keys: another account's, and what only looks like one.

use contracts::Reason::{Malformed, UnknownMembers, UnknownType};
use contracts::delivery::DeliveryBody;
use contracts::{Receipt, ReceiptOutcome};
use lapin::types::{AMQPValue, FieldArray, FieldTable, ShortString};
use serde_json::json;
use testkit::desk::PATIENCE;
use testkit::{Desk, until};

use super::ground::{Row, row};
use super::rogue::{ACCESS_REFUSED, PRECONDITION_FAILED, Rogue, headers};
use crate::context::{ConformanceContext, refused};

pub async fn hostile_another_accounts_key(context: ConformanceContext) {
    let row = row(context).await;
    let (rogue, acme, globex) =
        (row.rogue().await, &row.ground.acme.account, &row.ground.globex.account);
    let keys = [
        format!("{globex}.ticket.update"),
        format!("{globex}.agreement.deactivate"),
        format!("{globex}.#"),
        format!("{globex}.*.*"),
        "operator.account.register".to_owned(),
        format!("desk.{globex}"),
        format!("*.{acme}.ticket"),
        "#".to_owned(),
        String::new(),
        ".".to_owned(),
        format!(".{acme}.ticket.update"),
        format!(" {acme}.ticket.update"),
        format!("{globex}.{}", "x".repeat(254 - globex.as_str().len())),
    ];
    for key in keys {
        refused_key(&row, &rogue, &key).await;
    }
    row.ends_unseen().await;
}

pub async fn hostile_keys_that_begin_like_ones_own(context: ConformanceContext) {
    let row = row(context).await;
    let (rogue, acme) = (row.rogue().await, &row.ground.acme.account);
    let beside = row.context.desk(&format!("{acme}-eu")).await;
    for account in [
        beside.account.to_string(),
        format!("{acme}-eu"),
        format!("{acme}evil"),
        format!("{acme}-"),
        acme.to_string() + "0",
    ] {
        refused_key(&row, &rogue, &format!("{account}.ticket.update")).await;
    }
    refused_key(&row, &rogue, acme.as_str()).await;
    refused_key(&row, &rogue, &format!("{}.ticket.update", acme.as_str().to_uppercase())).await;
    row.ends_unseen().await;
}

async fn refused_key(row: &Row, rogue: &Rogue, key: &str) {
    let properties = rogue.properties("ticket.update.v1", &row.ground.acme.next_id());
    let body = row.update(&json!({})).to_string();
    assert_eq!(
        rogue.publish("share", key, properties, body.as_bytes()).await,
        Some(ACCESS_REFUSED),
        "{key:?}"
    );
}

pub async fn hostile_ones_own_key_misspelt(context: ConformanceContext) {
    let row = row(context).await;
    let acme = &row.ground.acme;
    let long =
        format!("ticket.{}", "x".repeat(254 - "ticket.".len() - acme.account.as_str().len()));
    let misspelt = [
        "",
        ".",
        "#",
        "*.*",
        ".update",
        "ticket",
        "ticket.",
        "ticket.update.v1",
        "Ticket.update",
        "ticket.up date",
        "ticket.\0",
        &long,
    ];
    for rest in misspelt {
        let id = acme.next_id();
        let body = row.update(&json!({})).to_string();
        acme.publish(&row.key(rest), "ticket.update.v1", &id, body.as_bytes(), |properties| {
            properties
        })
        .await
        .expect("the broker takes it");
        refused(&acme.receipt(&id).await, Malformed);
    }
    row.ends_unseen().await;
}

pub async fn hostile_a_key_that_nobody_reads(context: ConformanceContext) {
    let row = row(context).await;
    let acme = &row.ground.acme;
    for name in [
        "fact.v1",
        "transfer.v1",
        "command.receipt.v1",
        "ticket.created.v1",
        "ticket.update.v2",
        "agreement.invited.v1",
    ] {
        let (id, stem) = (acme.next_id(), name.rsplit_once(".v").expect("a type has a version").0);
        let key = row.key(if stem.contains('.') { stem } else { "fact.fact" });
        let message_type = if stem.contains('.') { name } else { "fact.fact.v1" };
        let body = row.update(&json!({})).to_string();
        acme.publish(&key, message_type, &id, body.as_bytes(), |properties| properties)
            .await
            .expect("the broker takes it");
        refused(&acme.receipt(&id).await, UnknownType);
    }
    row.ends_unseen().await;
}

/// Where a copy could be led to.
fn copies(row: &Row, header: &str) -> FieldTable {
    let (globex, initech) = (&row.ground.globex.account, &row.ground.initech.account);
    let keys = [
        format!("{globex}.ticket.update"),
        format!("{globex}.agreement.deactivate"),
        format!("{initech}.agreement.list"),
        format!("desk.{globex}"),
        format!("{globex}.command.receipt"),
        "share-dispatcher.fact".to_owned(),
        "field-sync.transfer".to_owned(),
        "operator.account.register".to_owned(),
    ];
    let keys: Vec<AMQPValue> =
        keys.iter().map(|key| AMQPValue::LongString(key.as_str().into())).collect();
    let mut table = FieldTable::default();
    table.insert(ShortString::from(header), AMQPValue::FieldArray(FieldArray::from(keys)));
    table
}

/// What a message with copies comes to: a broker that checks their keys refuses it, and an older
/// one lets it through.
async fn with_copies(row: &Row, header: &str) -> Option<Vec<Receipt>> {
    let (rogue, acme) = (row.rogue().await, &row.ground.acme);
    let id = acme.next_id();
    let properties = rogue.properties("share.list.v1", &id).with_headers(copies(row, header));
    let body = json!({ "limit": 1, "note": row.marker }).to_string();
    if let Some(code) =
        rogue.publish("share", &row.key("share.list"), properties, body.as_bytes()).await
    {
        assert_eq!(code, ACCESS_REFUSED);
        return None;
    }
    // Whatever a copy causes has come when agreement-service, which got one too, has answered as
    // well.
    let both = until("the receipts of both entry services", PATIENCE, async || {
        let receipts = receipts(acme, &id);
        if receipts.len() == 2 { Ok(receipts) } else { Err(format!("{receipts:?}")) }
    });
    Some(both.await)
}

fn receipts(acme: &Desk, id: &str) -> Vec<Receipt> {
    acme.with_deliveries(|all| {
        let receipt = |told: &DeliveryBody| match told {
            DeliveryBody::Receipt(receipt) if receipt.command_id == id => {
                Some(Receipt::clone(receipt))
            }
            _ => None,
        };
        all.iter().filter_map(|delivered| receipt(&delivered.told)).collect()
    })
}

pub async fn hostile_copies_to_other_keys(context: ConformanceContext) {
    let row = row(context).await;
    for receipt in with_copies(&row, "CC").await.into_iter().flatten() {
        refused(&receipt, Malformed);
    }
    row.ends_unseen().await;
}

pub async fn hostile_blind_copies_to_other_keys(context: ConformanceContext) {
    let row = row(context).await;
    // The broker takes the header away, and every copy has the attacker's own key and name: each
    // service decides it as the attacker's, once, and the one that does not know the type says so.
    if let Some(receipts) = with_copies(&row, "BCC").await {
        let outcomes: Vec<_> =
            receipts.iter().map(|receipt| (receipt.outcome, receipt.reason)).collect();
        // `note` is no member of the contract.
        let applied = (ReceiptOutcome::Applied, Some(UnknownMembers));
        assert!(outcomes.contains(&applied), "{outcomes:?}");
        assert!(outcomes.contains(&(ReceiptOutcome::Rejected, Some(UnknownType))), "{outcomes:?}");
        assert_eq!(outcomes.len(), 2, "{outcomes:?}");
    }
    row.ends_unseen().await;
}

pub async fn hostile_copies_that_are_no_list(context: ConformanceContext) {
    let row = row(context).await;
    let rogue = row.rogue().await;
    for header in ["CC", "BCC"] {
        let id = row.ground.acme.next_id();
        let properties =
            rogue.properties("share.list.v1", &id).with_headers(headers([(header, "desk.globex")]));
        let refusal =
            rogue.publish("share", &row.key("share.list"), properties, row.marker.as_bytes()).await;
        assert_eq!(refusal, Some(PRECONDITION_FAILED), "{header}");
    }
    row.ends_unseen().await;
}
