//! A desk asks for all that Deskmesh holds of its copy.

use contracts::command::TicketResync;
use contracts::sync::{Action, CommandRef, Hop, Transfer};
use contracts::{Actor, Reason, Role, ShareId};
use line::AccountBasics;

use super::{Decision, Keys, State};

/// Decides `ticket.resync`: either party of a share asks, for its own copy, also when the share has
/// ended.
pub(super) fn decide(
    state: &State,
    keys: &Keys,
    command: &CommandRef,
    asking: &AccountBasics,
    resync: &TicketResync,
) -> Decision {
    match transfer(state, keys, command, asking, &resync.share_id) {
        Some(transfer) => Decision::Passed { transfer: Box::new(transfer), bound: None },
        None => Decision::NotYet(Reason::NotShared),
    }
}

/// What goes on to be told all of the account's copy; nothing where it has none by this share.
pub(super) fn transfer(
    state: &State,
    keys: &Keys,
    command: &CommandRef,
    asking: &AccountBasics,
    share_id: &ShareId,
) -> Option<Transfer> {
    let account = &command.account;
    let place = state.copy_named(account, None, Some(share_id))?;
    let way = state
        .chains
        .get(&place.chain)
        .map(|chain| chain.crossings(&place.copy, &state.inactive()))
        .unwrap_or_default();
    let hops: Vec<Hop> = way.into_iter().map(|crossing| crossing.hop).collect();
    let action = Action::Resync { share_id: share_id.clone() };
    // No person is behind it: the desk asks for itself.
    let (id, name) = (account.to_string(), asking.display_name.clone());
    let actor = keys
        .standing_for(account, &Actor { id, name, role: Role::Agent, email: None, phone: None });
    Some(Transfer::new(command.clone(), place.chain, place.copy, hops, action, actor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::samples::SampleDesk;
    use contracts::CopyId;
    use contracts::delivery::AgreementStatus::Accepted;

    #[test]
    fn each_party_asks_for_its_own_copy_and_nobody_else_for_any() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        let share = SampleDesk::share_id(&desk.share("acme", "globex", "1")).unwrap();
        let copy = |decision: &Decision| match decision {
            Decision::Passed { transfer, .. } => transfer.copy.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(copy(&desk.resync("globex", &share)), CopyId::of_share(&share));
        assert_ne!(copy(&desk.resync("acme", &share)), CopyId::of_share(&share));
        assert_eq!(desk.resync("initech", &share), Decision::NotYet(Reason::NotShared));
        desk.unshare("acme", "1");
        assert_eq!(
            copy(&desk.resync("globex", &share)),
            CopyId::of_share(&share),
            "it keeps its copy"
        );
    }
}
