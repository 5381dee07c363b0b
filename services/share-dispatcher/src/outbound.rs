//! Everything this service sends.

use contracts::delivery::Delivery;
use contracts::sync::{Action, CommandRef, Fact, Transfer};
use contracts::topology::Service;
use contracts::{AccountName, Receipt};
use messaging::Output;

/// A transfer goes to the first stage that has work for it: fields alone skip comment-sync; share,
/// end and resync visit all.
#[must_use]
pub fn transfer(transfer: &Transfer) -> Output {
    let fields_alone = *transfer.action.tried() == Action::Update
        && transfer.comments.is_empty()
        && transfer.ccs.is_none();
    Output::to_service(
        if fields_alone { Service::FieldSync } else { Service::CommentSync },
        transfer,
    )
}

/// A fact goes on along the line, also an older one: whoever caused it waits for its receipt.
#[must_use]
pub fn fact(fact: &Fact) -> Output {
    Output::to_service(Service::CommentSync, fact)
}

/// A receipt, with what was noted of its command.
#[must_use]
pub fn receipt(to: &AccountName, command: &CommandRef, receipt: Receipt) -> Output {
    let receipt = command.remarks.told_in(receipt);
    Output::to_desk(&Delivery::receipt(to, receipt), command.received_at)
}

/// What this service tells a desk itself: `ticket.bound` to the sender of a share, `share.state` to
/// who asked.
#[must_use]
pub fn told(delivery: &Delivery, command: &CommandRef) -> Output {
    Output::to_desk(delivery, command.received_at)
}
