//! Deliveries for the tests of this folder, as they come from the broker.

use contracts::ShareId;
use contracts::delivery::DeliveryBody;
use serde_json::{Value, json};

pub(super) fn share(number: u32) -> ShareId {
    ShareId::new(id(number)).expect("an id")
}

pub(super) fn id(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

pub(super) fn person(number: u32, name: &str) -> Value {
    json!({ "id": format!("placeholder-{}", id(number)), "name": name, "role": "end_user",
        "placeholder": true })
}

pub(super) fn comment(number: u32, body: &str) -> Value {
    json!({ "id": format!("acme/{number}"), "author": person(2, "Ada"), "body": body,
        "public": true })
}

fn told(name: &str, mut base: Value, changes: &Value) -> DeliveryBody {
    for (key, value) in changes.as_object().into_iter().flatten() {
        base[key] = value.clone();
    }
    DeliveryBody::read(name, base.to_string().as_bytes()).expect("as the contract has it")
}

/// An agreement in which this desk is `side`, with `acme` as sender and `globex` as receiver.
pub(super) fn agreement(name: &str, side: &str, status: &str, version: u32) -> DeliveryBody {
    let party = |name: &str| json!({ "account": name, "address": name, "display_name": name });
    let state = json!({
        "agreement_id": id(1), "version": version, "side": side, "sender": party("acme"),
        "receiver": party("globex"),
        "partner_support_addresses": ["Help@partner.example", "@desk.partner.example"],
        "terms": { "comments": "public_and_private", "tags": true, "custom_fields": true },
        "status": status, "by": { "side": "receiver", "name": "Admin" },
        "at": "2026-03-01T10:00:00.000Z",
    });
    told(name, state, &json!({}))
}

/// Ticket of share 10 under agreement 1, from `acme`.
pub(super) fn created(changes: &Value) -> DeliveryBody {
    let created = json!({
        "share_id": id(10), "agreement_id": id(1), "received_from": "acme",
        "via": "ticket_sharing", "original_ticket_id": "1",
        "subject": "Printer", "status": "open", "requester": person(1, "Rita"), "form": "default",
        "tags": [], "custom_fields": {}, "comments": [], "revision": 1,
    });
    told("ticket.created.v1", created, changes)
}

/// A change of the same ticket.
pub(super) fn updated(changes: &Value) -> DeliveryBody {
    let updated = json!({ "share_id": id(10), "received_from": "acme", "via": "ticket_sharing" });
    told("ticket.updated.v1", updated, changes)
}

/// The end of the same share.
pub(super) fn unshared() -> DeliveryBody {
    told(
        "ticket.unshared.v1",
        json!({ "share_id": id(10), "reason": "unshared", "at": "2026-03-01T11:00:00.000Z" }),
        &json!({}),
    )
}

/// A share in a list.
pub(super) fn listed(number: u32, side: &str, partner: &str, state: &str) -> DeliveryBody {
    let party = json!({ "account": partner, "address": partner, "display_name": partner });
    let share = json!({
        "share_id": id(number), "agreement_id": id(2), "side": side, "partner": party,
        "ticket_id": format!("t{number}"),
        "state": state, "started_at": "2026-03-01T10:00:00.000Z",
    });
    told("share.state.v1", share, &json!({}))
}

/// The answer to a command about a share.
pub(super) fn receipt(command: &str, number: u32, outcome: &str) -> DeliveryBody {
    let receipt = json!({ "command_id": "1", "command_type": command, "outcome": outcome,
        "share_id": id(number), "decisions": [] });
    told("command.receipt.v1", receipt, &json!({}))
}
