//! What comment-sync sends: transfers and facts to field-sync, and the end of transfers that have nothing for field-sync.

use contracts::delivery::Delivery;
use contracts::sync::{Action, Fact, Hop, Transfer};
use contracts::topology::Service;
use line::{Chain, DecidedFields, finish};
use messaging::Output;

use crate::rules::{Decided, Settings};

/// Passes a fact on, also one that is older than what is known here: its receipt waits at the end of the line.
pub(crate) fn fact(fact: &Fact) -> Vec<Output> {
    vec![Output::to_service(Service::FieldSync, fact)]
}

/// Passes a decided transfer on, or ends it where field-sync has no work for it.
pub(crate) fn transfer(transfer: &Transfer, decided: Decided, chain: &Chain, settings: &Settings) -> Vec<Output> {
    let decided = Transfer {
        hops: known_hops(transfer, chain, settings),
        decisions: transfer.decisions.iter().cloned().chain(decided.decisions).collect(),
        comments: Vec::new(),
        decided_comments: decided.comments,
        ..transfer.clone()
    };
    if decided.action != Action::Update || !decided.fields.is_empty() {
        return vec![Output::to_service(Service::FieldSync, &decided)];
    }
    let crossings = chain.crossings(&decided.copy, &settings.inactive);
    let finished = finish(&decided, chain, &crossings, None, DecidedFields::default());
    let receipt = Delivery::receipt(&decided.command.account, finished.receipt);
    let deliveries = finished.deliveries.iter().chain([&receipt]);
    deliveries.map(|delivery| Output::to_desk(delivery, decided.command.received_at)).collect()
}

/// The transfer's hops and those that only this stage knows of: comments were decided along both, and field-sync has to find the
/// way to every copy.
fn known_hops(transfer: &Transfer, chain: &Chain, settings: &Settings) -> Vec<Hop> {
    let told = transfer.hops.iter().map(|hop| chain.hop(&hop.share_id).unwrap_or(hop));
    let is_told = |hop: &&Hop| transfer.hops.iter().any(|told| told.share_id == hop.share_id);
    told.chain(chain.live(&settings.inactive).filter(|hop| !is_told(hop))).cloned().collect()
}
