//! What field-sync sends, as the last stage: to desks what changed, to the publisher's desk the receipt, to notifier its requests.

use contracts::delivery::Delivery;
use contracts::sync::{Fact, Transfer};
use contracts::topology::Service;
use line::{Chain, finish};
use messaging::Output;

use crate::rules::Decision;

/// Sends what hangs on a fact: from now on it is in force everywhere.
pub(crate) fn fact(fact: &Fact) -> Vec<Output> {
    let receipt = Delivery::receipt(&fact.command.account, fact.receipt.clone());
    let told = fact.deliveries.iter().chain([&receipt]).map(|delivery| Output::to_desk(delivery, fact.command.received_at));
    told.chain(fact.notices.iter().map(|notice| Output::to_service(Service::Notifier, notice))).collect()
}

/// Sends what was decided of a transfer: one delivery per copy, and the receipt.
pub(crate) fn transfer(transfer: &Transfer, chain: &Chain, decision: Decision) -> Vec<Output> {
    let finished = finish(transfer, chain, &decision.crossings, decision.ended, decision.fields);
    let receipt = Delivery::receipt(&transfer.command.account, finished.receipt);
    let told = finished.deliveries.iter().chain([&receipt]);
    told.map(|delivery| Output::to_desk(delivery, transfer.command.received_at)).collect()
}
