//! A shared ticket changed.

use contracts::command::TicketUpdate;
use contracts::sync::{Action, CommandRef, Hop, Transfer};
use contracts::{Person, Reason, ReceiptOutcome};

use super::{Answer, Decision, State, privacy, refuse};

/// Decides `ticket.update`.
pub(super) fn decide(state: &State, command: &CommandRef, update: &TicketUpdate) -> Decision {
    let account = &command.account;
    let Some(place) = state.copy_named(account, update.ticket_id.as_ref(), update.share_id.as_ref()) else {
        return Decision::NotYet(Reason::NotShared);
    };
    let way = state.chains.get(&place.chain).map(|chain| chain.crossings(&place.copy, &state.inactive())).unwrap_or_default();
    if way.is_empty() {
        return refuse(account, Reason::NotShared);
    }
    let clean = privacy::of_update(account, update);
    if clean.comments.is_empty() && clean.fields.is_empty() {
        return Decision::Answered(nothing_to_pass(command, clean.decisions));
    }
    let hops: Vec<Hop> = way.into_iter().map(|crossing| crossing.hop).collect();
    Decision::Passed {
        transfer: Box::new(Transfer {
            command: command.clone(),
            chain: place.chain,
            copy: place.copy,
            hops,
            action: Action::Update,
            actor: Person::standing_for(account, &update.actor),
            occurred_at: update.occurred_at,
            base_revision: update.base_revision,
            comments: clean.comments,
            fields: clean.fields,
            decisions: clean.decisions,
            decided_comments: std::collections::BTreeMap::new(),
        }),
        bound: None,
    }
}

fn nothing_to_pass(command: &CommandRef, decisions: Vec<contracts::Decision>) -> Answer {
    let outcome = line::receipt_outcome(&Action::Update, &decisions);
    let reason = (outcome == ReceiptOutcome::Ignored).then_some(Reason::Unchanged);
    Answer { to: command.account.clone(), outcome, reason, detail: None, decisions }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::samples::{Desk, reason};
    use contracts::command::Cc;
    use contracts::delivery::AgreementStatus::{Accepted, Inactive};
    use contracts::fields::Status;

    #[test]
    fn r_79_after_deactivation_an_update_stays_home() {
        let mut desk = Desk::new();
        desk.agree("acme", "globex", Accepted);
        desk.share("acme", "globex", "1");
        let solved = |update: &mut TicketUpdate| update.status = Some(Status::Solved);
        assert_eq!(reason(&desk.update("acme", "1", solved)), None);
        desk.agree("acme", "globex", Inactive);
        assert_eq!(reason(&desk.update("acme", "1", solved)), Some(Reason::NotShared));
    }

    #[test]
    fn a_ticket_not_heard_of_may_still_come() {
        let mut desk = Desk::new();
        desk.agree("acme", "globex", Accepted);
        assert_eq!(desk.update("acme", "1", |_| ()), Decision::NotYet(Reason::NotShared));
    }

    #[test]
    fn r_23_ccs_stay_and_nothing_else_is_nothing_to_do() {
        let mut desk = Desk::new();
        desk.agree("acme", "globex", Accepted);
        desk.share("acme", "globex", "1");
        let ccs =
            desk.update("acme", "1", |update| update.ccs = Some(vec![Cc { name: "C".into(), email: "c@x.example".into() }]));
        assert!(matches!(ccs, Decision::Answered(answer) if answer.outcome == ReceiptOutcome::Partial));
        let empty = desk.update("acme", "1", |_| ());
        assert!(matches!(empty, Decision::Answered(answer) if answer.outcome == ReceiptOutcome::Ignored));
    }

    #[test]
    fn number_and_share_must_be_of_one_copy() {
        let mut desk = Desk::new();
        desk.agree("acme", "globex", Accepted);
        desk.share("acme", "globex", "1");
        let other = Desk::share_id(&desk.share("acme", "globex", "2"));
        let update = desk.update("acme", "1", |update| update.share_id = other);
        assert_eq!(update, Decision::NotYet(Reason::NotShared));
    }
}
