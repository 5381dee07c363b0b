//! What field-sync sends, as the last stage: to desks what changed, to the publisher's desk the
//! receipt, to notifier its requests.

use contracts::delivery::{AgreementComparison, Delivery, DeliveryBody, TicketState};
use contracts::sync::{Action, Fact, Transfer};
use contracts::topology::Service;
use line::{Chain, HopTraversal, deliveries, finish};
use messaging::Output;

use crate::rules::{ChainFields, Decision, Held, held};

/// Sends what hangs on a fact: from now on it is in force everywhere. What it asked to be compared
/// comes before the receipt, which has the cursor of the next page.
pub(crate) fn fact(
    fact: &Fact,
    compared: Option<(AgreementComparison, Option<String>)>,
) -> Vec<Output> {
    let mut receipt = fact.command.remarks.told_in(fact.receipt.clone());
    let comparison = compared.map(|(comparison, next_cursor)| {
        receipt.next_cursor = next_cursor;
        Delivery {
            to: fact.command.account.clone(),
            correlation_id: comparison.agreement_id.to_string(),
            share_id: None,
            told: DeliveryBody::AgreementComparison(Box::new(comparison)),
        }
    });
    let receipt = Delivery::receipt(&fact.command.account, receipt);
    let told = fact
        .deliveries
        .iter()
        .chain(&comparison)
        .chain([&receipt])
        .map(|delivery| Output::to_desk(delivery, fact.command.received_at));
    told.chain(fact.notices.iter().map(|notice| Output::to_service(Service::Notifier, notice)))
        .collect()
}

/// Sends what was decided of a transfer: one delivery per copy, what was asked for, and the
/// receipt.
pub(crate) fn transfer(
    transfer: &Transfer,
    chain: &Chain,
    decision: Decision,
    fields: &ChainFields,
) -> Vec<Output> {
    let finished = finish(transfer, chain, &decision.crossings, decision.rejected, decision.fields);
    let mut told = finished.deliveries;
    if let Action::Resync { share_id } = &transfer.action {
        let crossing = chain.crossing_over(share_id, &transfer.copy);
        told.extend(crossing.into_iter().flat_map(|crossing| state(transfer, &crossing, fields)));
    }
    if !transfer.command.remarks.unasked {
        told.push(Delivery::receipt(&transfer.command.account, finished.receipt));
    }
    told.iter().map(|delivery| Output::to_desk(delivery, transfer.command.received_at)).collect()
}

/// Sends what a transfer would come to that is tried out: to its publisher alone.
pub(crate) fn dry_run(transfer: &Transfer, decision: Decision) -> Vec<Output> {
    let no_hops = Chain::default();
    let finished =
        finish(transfer, &no_hops, &decision.crossings, decision.rejected, decision.fields);
    let receipt = Delivery::receipt(&transfer.command.account, finished.receipt);
    vec![Output::to_desk(&receipt, transfer.command.received_at)]
}

fn state(transfer: &Transfer, crossing: &HopTraversal, fields: &ChainFields) -> Vec<Delivery> {
    let Held { status, tags, custom_fields } = held(fields, &transfer.copy);
    let state = TicketState {
        share_id: crossing.hop.share_id.clone(),
        ticket_id: crossing.to_ticket().cloned(),
        revision: fields.revision,
        status,
        tags,
        custom_fields,
        comments: transfer.decided_comments.get(&transfer.copy).cloned().unwrap_or_default(),
    };
    deliveries::state(transfer, crossing, state)
}
