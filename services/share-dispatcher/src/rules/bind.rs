//! A desk tells its own number for a ticket it was asked to create.

use contracts::command::TicketBind;
use contracts::delivery::{Delivery, DeliveryBody, TicketBound};
use contracts::sync::{CommandRef, Hop};
use contracts::{Reason, ReceiptOutcome, TicketId, Timestamp};

use super::{Answer, Decision, Place, State, refuse};

/// What a number is to a copy.
pub(super) enum Number {
    /// It is the copy's number already.
    Known,
    /// The copy has another, or the number stands for something else.
    Taken,
    /// It can become the copy's number.
    New,
}

/// Holds a number against a copy. `known` is where the number stands already.
pub(super) fn number(hop: &Hop, ticket: &TicketId, known: Option<&Place>, place: &Place) -> Number {
    match (&hop.far_ticket, known) {
        (Some(number), _) if number == ticket => Number::Known,
        (None, None) => Number::New,
        (None, Some(known)) if known == place => Number::Known,
        _ => Number::Taken,
    }
}

/// Tells the sender.
pub(super) fn delivery(hop: &Hop, ticket: &TicketId, at: Timestamp) -> Delivery {
    let bound =
        TicketBound { share_id: hop.share_id.clone(), partner_ticket_id: ticket.clone(), at };
    Delivery {
        to: hop.sender.clone(),
        correlation_id: hop.share_id.to_string(),
        share_id: Some(hop.share_id.clone()),
        told: DeliveryBody::TicketBound(Box::new(bound)),
    }
}

pub(super) fn decide(state: &State, command: &CommandRef, bind: &TicketBind) -> Decision {
    let account = &command.account;
    let Some((chain, _, hop)) = state
        .share(&bind.share_id)
        .filter(|(_, _, hop)| hop.sender == *account || hop.receiver == *account)
    else {
        return Decision::NotYet(Reason::NotShared);
    };
    if hop.sender == *account {
        return refuse(account, Reason::NotTheReceiver);
    }
    let place = Place { chain: chain.clone(), copy: hop.far() };
    match number(hop, &bind.ticket_id, state.place(account, &bind.ticket_id), &place) {
        Number::Known => Decision::Answered(Answer {
            to: account.clone(),
            outcome: ReceiptOutcome::Ignored,
            reason: Some(Reason::Unchanged),
            detail: None,
            share_id: None,
            decisions: Vec::new(),
        }),
        Number::Taken => refuse(account, Reason::AlreadyBound),
        Number::New => Decision::Bound {
            account: account.clone(),
            share_id: bind.share_id.clone(),
            ticket: bind.ticket_id.clone(),
            place,
            delivery: delivery(hop, &bind.ticket_id, command.received_at),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::samples::{SampleDesk, reason};
    use contracts::delivery::AgreementStatus::Accepted;

    #[test]
    fn r_18_the_copy_has_its_own_number_and_the_sender_learns_it() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        let share = SampleDesk::share_id(&desk.share("acme", "globex", "1")).unwrap();
        let bound = desk.bind("globex", &share, "77");
        let Decision::Bound { delivery, .. } = &bound else { panic!("{bound:?}") };
        assert_eq!(delivery.to.as_str(), "acme");
        assert!(matches!(desk.bind("globex", &share, "77"),
                Decision::Answered(answer) if answer.outcome == ReceiptOutcome::Ignored));
        assert_eq!(reason(&desk.bind("globex", &share, "78")), Some(Reason::AlreadyBound));
    }

    #[test]
    fn a_number_stands_for_one_copy() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        desk.agree("globex", "initech", Accepted);
        let first = SampleDesk::share_id(&desk.share("acme", "globex", "1")).unwrap();
        let second = SampleDesk::share_id(&desk.share("acme", "globex", "2")).unwrap();
        desk.bind("globex", &first, "77");
        assert_eq!(reason(&desk.bind("globex", &second, "77")), Some(Reason::AlreadyBound));
        desk.share("globex", "initech", "78");
        assert_eq!(
            reason(&desk.bind("globex", &second, "78")),
            Some(Reason::AlreadyBound),
            "shared on without copy_of"
        );
    }

    #[test]
    fn only_the_receiver_binds() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        let share = SampleDesk::share_id(&desk.share("acme", "globex", "1")).unwrap();
        assert_eq!(reason(&desk.bind("acme", &share, "1")), Some(Reason::NotTheReceiver));
        assert_eq!(desk.bind("initech", &share, "1"), Decision::NotYet(Reason::NotShared));
    }
}
