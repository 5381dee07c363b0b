//! A desk blanks a comment of its own. Whether it is its own comment-sync knows; here is decided on
//! which ticket, and who hears of it.

use contracts::Reason;
use contracts::command::TicketRedact;
use contracts::sync::{Action, CommandRef, Hop, Transfer};

use super::{Decision, Keys, State};

/// Decides `ticket.redact`: for any ticket that was ever shared, also when no share of it is live
/// any more.
pub(super) fn decide(
    state: &State,
    keys: &Keys,
    command: &CommandRef,
    redact: &TicketRedact,
) -> Decision {
    let account = &command.account;
    let Some(place) =
        state.copy_named(account, redact.ticket_id.as_ref(), redact.share_id.as_ref())
    else {
        return Decision::NotYet(Reason::NotShared);
    };
    let way = state
        .chains
        .get(&place.chain)
        .map(|chain| chain.crossings(&place.copy, &state.inactive()))
        .unwrap_or_default();
    let hops: Vec<Hop> = way.into_iter().map(|crossing| crossing.hop).collect();
    let action = Action::Redact {
        comment_id: redact.comment_id.clone(),
        attachment_id: redact.attachment_id.clone(),
    };
    let actor = keys.standing_for(account, &redact.actor);
    let transfer = Transfer::new(command.clone(), place.chain, place.copy, hops, action, actor);
    Decision::Passed { transfer: Box::new(transfer), bound: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::samples::SampleDesk;
    use contracts::delivery::AgreementStatus::Accepted;

    #[test]
    fn a_ticket_that_was_ever_shared_can_be_redacted() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        assert_eq!(desk.redact("acme", "1", "acme/1"), Decision::NotYet(Reason::NotShared));
        desk.share("acme", "globex", "1");
        let hops = |decision: &Decision| match decision {
            Decision::Passed { transfer, .. } => transfer.hops.len(),
            other => panic!("{other:?}"),
        };
        assert_eq!(hops(&desk.redact("acme", "1", "acme/1")), 1);
        desk.unshare("acme", "1");
        assert_eq!(
            hops(&desk.redact("acme", "1", "acme/1")),
            0,
            "nobody hears of it, and a later share will"
        );
    }
}
