//! What commands are made of, and what is asked of receipts and deliveries.

use contracts::delivery::{AgreementState, DeliveryBody};
use contracts::{Item, ItemOutcome, Reason, Receipt, ReceiptOutcome};
use serde_json::{Value, json};
use testkit::Desk;

/// An administrator, as a command's `actor`.
pub fn admin() -> Value {
    json!({ "id": "1", "name": "Admin", "role": "admin" })
}

pub fn agent() -> Value {
    json!({ "id": "7", "name": "Agent", "role": "agent" })
}

pub fn end_user() -> Value {
    json!({ "id": "r", "name": "Requester", "role": "end_user" })
}

/// Terms word by word.
pub fn terms(comments: &str, tags: bool, custom_fields: bool) -> Value {
    json!({ "comments": comments, "tags": tags, "custom_fields": custom_fields })
}

/// The widest terms: everything crosses.
pub fn everything() -> Value {
    terms("public_and_private", true, true)
}

/// The narrowest: private comments of the receiver, no status, no tags, no custom fields.
pub fn private_only() -> Value {
    terms("private_only", false, false)
}

/// `base` with every member of `changes` in its place, objects member by member.
pub fn with(mut base: Value, changes: &Value) -> Value {
    for (key, value) in changes.as_object().into_iter().flatten() {
        base[key] = if base[key].is_object() && value.is_object() {
            with(base[key].take(), value)
        } else {
            value.clone()
        };
    }
    base
}

/// The receipt says no, and why.
#[track_caller]
pub fn refused(receipt: &Receipt, reason: Reason) {
    assert_eq!(
        (receipt.outcome, receipt.reason),
        (ReceiptOutcome::Rejected, Some(reason)),
        "{receipt:?}"
    );
}

/// The command was done, all of it or all but what its decisions say.
#[track_caller]
pub fn applied(receipt: &Receipt) {
    assert!(
        matches!(receipt.outcome, ReceiptOutcome::Applied | ReceiptOutcome::Partial),
        "{receipt:?}"
    );
}

/// The receipt says what became of one item, and why.
#[track_caller]
pub fn item(
    receipt: &Receipt,
    item: &str,
    outcome: ItemOutcome,
    reason: impl Into<Option<Reason>>,
) {
    let (item, reason): (Item, _) = (item.parse().expect("an item of a receipt"), reason.into());
    let said =
        |it: &contracts::Decision| it.item == item && it.outcome == outcome && it.reason == reason;
    assert!(receipt.decisions.iter().any(said), "{item} {outcome:?} {reason:?}: {receipt:?}");
}

/// Where the third-party system of a desk is reached.
pub fn sharing_url(desk: &Desk) -> String {
    format!("https://{}.example/sharing", desk.account)
}

/// The agreement that a delivery tells of.
pub fn agreement_in(told: &DeliveryBody) -> Option<&AgreementState> {
    match told {
        DeliveryBody::AgreementInvited(state)
        | DeliveryBody::AgreementAccepted(state)
        | DeliveryBody::AgreementDeclined(state)
        | DeliveryBody::AgreementDeactivated(state)
        | DeliveryBody::AgreementState(state) => Some(state),
        _ => None,
    }
}
