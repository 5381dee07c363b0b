use super::messages::{Published, delivery};
use crate::delivery::{
    AccountRecovered, AccountState, AgreementComparison, AgreementState, ShareState, TicketBound,
    TicketCreated, TicketState, TicketUnshared, TicketUpdated,
};
use crate::{Message, Receipt};

/// What a desk is told.
pub(super) const DELIVERIES: &[Published] = &[
    delivery::<Receipt>(
        Receipt::NAME,
        "Receipt",
        "Every command whose account is known gets one, within seconds, also when it is refused, \
         misspelt or unroutable. At least once, \
         always with the same id. `decisions` is always written, empty when there are none.",
    ),
    delivery::<AgreementState>(
        "agreement.invited.v1",
        "An agreement was offered",
        "A desk shows it to its administrators, who accept or decline.",
    ),
    delivery::<AgreementState>(
        "agreement.accepted.v1",
        "An agreement is in force",
        "Tickets may be shared, one way: from its sender to its receiver.",
    ),
    delivery::<AgreementState>(
        "agreement.declined.v1",
        "An agreement was refused",
        "`reason` tells why when no person decided, such as `invites_declined`.",
    ),
    delivery::<AgreementState>(
        "agreement.deactivated.v1",
        "An agreement ended",
        "Every share under it has ended with it: stop publishing for them, and keep the tickets.",
    ),
    delivery::<AgreementState>(
        "agreement.state.v1",
        "An agreement as it stands",
        "Answer to `agreement.list.v1`; unasked after a restore.",
    ),
    delivery::<AgreementComparison>(
        "agreement.comparison.v1",
        "How custom fields fit",
        "Answer to `agreement.compare.v1`.",
    ),
    delivery::<AccountState>(
        "account.state.v1",
        "An account as it is held",
        "Answer to `account.show.v1`.",
    ),
    delivery::<AccountRecovered>(
        "account.recovered.v1",
        "Send again what may be forgotten",
        "The deployment's database was restored to an earlier moment. Send again, under its \
         `message_id`, each command whose receipt came since and was not `rejected`; what is known \
         is answered as it was. \
         Agreements and copies as they are held follow unasked, with versions and revisions above \
         all that were given before.",
    ),
    delivery::<TicketCreated>(
        "ticket.created.v1",
        "Create a ticket",
        "Create the ticket in the default form and tell its number with `ticket.bind.v1`. Comments \
         beyond what one delivery carries \
         follow as updates; updates may even come first.",
    ),
    delivery::<TicketUpdated>(
        "ticket.updated.v1",
        "A ticket changed",
        "Only what changed. Fields have the message's `revision` and are ignored where a higher \
         one is held; comments are added each once.",
    ),
    delivery::<TicketBound>(
        "ticket.bound.v1",
        "A copy has its number",
        "For links and searches; nothing else depends on it.",
    ),
    delivery::<TicketUnshared>(
        "ticket.unshared.v1",
        "A share ended",
        "Stop publishing for it, and keep the ticket.",
    ),
    delivery::<ShareState>(
        "share.state.v1",
        "A share as it stands",
        "Answer to `share.list.v1`; unasked after a restore.",
    ),
    delivery::<TicketState>(
        "ticket.state.v1",
        "A copy as it stands",
        "Answer to `ticket.resync.v1`; unasked after a restore. Tags that were taken off and \
         fields that were cleared are in it too, with the revision that did so.",
    ),
];
