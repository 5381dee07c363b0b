//! A shared ticket changed.

use contracts::command::TicketUpdate;
use contracts::sync::{Action, CommandRef, Hop, Transfer};
use contracts::{Reason, ReceiptOutcome};

use super::{Answer, Decision, Keys, Noted, State, privacy, refuse, remarked};

pub(super) fn decide(
    state: &State,
    keys: &Keys,
    command: &CommandRef,
    update: &TicketUpdate,
    noted: &Noted,
) -> Decision {
    let account = &command.account;
    let Some(place) =
        state.copy_named(account, update.ticket_id.as_ref(), update.share_id.as_ref())
    else {
        return Decision::NotYet(Reason::NotShared);
    };
    let way = state
        .chains
        .get(&place.chain)
        .map(|chain| chain.crossings(&place.copy, &state.inactive()))
        .unwrap_or_default();
    if way.is_empty() {
        return refuse(account, Reason::NotShared);
    }
    let clean = privacy::of_update(keys, account, update, noted);
    if clean.comments.is_empty() && clean.fields.is_empty() && clean.ccs.is_none() {
        return Decision::Answered(nothing_to_do(command, clean.remarks));
    }
    let hops: Vec<Hop> = way.into_iter().map(|crossing| crossing.hop).collect();
    let actor = keys.standing_for(account, &update.actor);
    Decision::Passed {
        transfer: Box::new(Transfer {
            occurred_at: update.occurred_at,
            base_revision: update.base_revision,
            comments: clean.comments,
            fields: clean.fields,
            ccs: clean.ccs,
            decisions: clean.decisions,
            ..Transfer::new(
                remarked(command, clean.remarks),
                place.chain,
                place.copy,
                hops,
                Action::Update,
                actor,
            )
        }),
        bound: None,
    }
}

/// There was nothing in it, or all that was in it stays.
fn nothing_to_do(command: &CommandRef, stays: Vec<contracts::Decision>) -> Answer {
    let (outcome, reason) = if stays.is_empty() {
        (ReceiptOutcome::Ignored, Some(Reason::Unchanged))
    } else {
        (ReceiptOutcome::Partial, None)
    };
    let to = command.account.clone();
    Answer { to, outcome, reason, detail: None, share_id: None, decisions: stays }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::samples::{SampleDesk, reason};
    use contracts::command::Cc;
    use contracts::delivery::AgreementStatus::{Accepted, Inactive};
    use contracts::fields::Status;

    #[test]
    fn r_79_after_deactivation_an_update_stays_home() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        desk.share("acme", "globex", "1");
        let solved = |update: &mut TicketUpdate| update.status = Some(Status::Solved);
        assert_eq!(reason(&desk.update("acme", "1", solved)), None);
        desk.agree("acme", "globex", Inactive);
        assert_eq!(reason(&desk.update("acme", "1", solved)), Some(Reason::NotShared));
    }

    #[test]
    fn a_ticket_not_heard_of_may_still_come() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        assert_eq!(desk.update("acme", "1", |_| ()), Decision::NotYet(Reason::NotShared));
    }

    #[test]
    fn r_23_r_25_ccs_end_at_the_notices_and_nothing_is_nothing_to_do() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        desk.share("acme", "globex", "1");
        let ccs = desk.update("acme", "1", |update| {
            update.ccs = Some(vec![Cc { name: "C".into(), email: "c@x.example".into() }]);
        });
        let Decision::Passed { transfer, .. } = ccs else { panic!("{ccs:?}") };
        assert_eq!(transfer.decisions[0].reason, Some(Reason::CcsStay));
        assert_eq!(transfer.ccs.map(|ccs| ccs.len()), Some(1));
        let empty = desk.update("acme", "1", |_| ());
        assert!(
            matches!(empty, Decision::Answered(answer) if answer.outcome == ReceiptOutcome::Ignored)
        );
    }

    #[test]
    fn what_stays_is_told_also_where_nothing_goes_on() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        desk.share("acme", "globex", "1");
        let comment = || SampleDesk::sample_share("2").ticket.comments[0].clone();
        let noted = Noted { unclear: [(0, "is_public".to_owned())].into(), ..Noted::default() };
        let alone = desk.update_noted("acme", "1", noted.clone(), |update| {
            update.comments = vec![comment()];
        });
        let Decision::Answered(answer) = alone else { panic!("{alone:?}") };
        assert_eq!((answer.outcome, answer.decisions.len()), (ReceiptOutcome::Partial, 1));
        let beside = desk.update_noted("acme", "1", noted, |update| {
            update.comments = vec![comment()];
            update.status = Some(Status::Solved);
        });
        let Decision::Passed { transfer, .. } = beside else { panic!("{beside:?}") };
        assert_eq!((transfer.comments.len(), transfer.decisions.len()), (0, 0));
        assert_eq!(transfer.command.remarks.decisions.len(), 1);
    }

    #[test]
    fn number_and_share_must_be_of_one_copy() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        desk.share("acme", "globex", "1");
        let other = SampleDesk::share_id(&desk.share("acme", "globex", "2"));
        let update = desk.update("acme", "1", |update| update.share_id = other);
        assert_eq!(update, Decision::NotYet(Reason::NotShared));
    }

    #[test]
    fn an_update_is_tried_out_as_it_would_go() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        desk.share("acme", "globex", "1");
        let done = desk.update("acme", "1", |update| update.status = Some(Status::Solved));
        let tried = desk.update("acme", "1", |update| {
            update.status = Some(Status::Solved);
            update.dry_run = true;
        });
        let (Decision::Passed { transfer: done, .. }, Decision::Passed { transfer: tried, .. }) =
            (done, tried)
        else {
            panic!("both go on");
        };
        assert_eq!(*tried.action.tried(), done.action);
        assert_ne!(tried.action, done.action);
        assert_eq!((&tried.fields, &tried.hops), (&done.fields, &done.hops));
    }
}
