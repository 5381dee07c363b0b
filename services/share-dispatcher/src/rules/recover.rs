//! `share.recover`: after the database was restored, both desks of each live share are told the
//! share, then their copy, as a `ticket.resync` of each would.

use contracts::command::{ShareRecover, page_size};
use contracts::sync::{CommandRef, Transfer};
use contracts::{AccountName, Reason, ReceiptOutcome};

use super::{Decision, Keys, ListedShare, State, list, refuse, resync};

/// Decides `share.recover`, which the operator alone gives.
pub(super) fn decide(
    state: &State,
    keys: &Keys,
    command: &CommandRef,
    recover: &ShareRecover,
) -> Decision {
    let size = page_size(recover.limit).unwrap_or_default() as usize;
    let asked = (command.account.clone(), command.message_id.clone());
    let listed = state.listed.get(&asked).map_or(&[][..], Vec::as_slice);
    let page = &listed[..listed.len().min(size)];
    let (mut states, mut transfers) = (Vec::new(), Vec::new());
    for share in page.iter().filter(|share| is_live(state, share)) {
        for account in [&share.hop.sender, &share.hop.receiver] {
            states.extend(list::told(state, account, share));
            transfers.extend(held(state, keys, command, account, share));
        }
    }
    let mut receipt = command.receipt(ReceiptOutcome::Applied);
    // One more than the page was looked for: it is there when the recovery goes on.
    receipt.next_cursor =
        page.last().filter(|_| listed.len() > size).map(|last| last.hop.share_id.to_string());
    Decision::Recovered { states, transfers, receipt: Box::new(receipt) }
}

/// Whether the command is the operator's to give; what everybody else is answered.
pub(super) fn refused_to(publisher: &AccountName, account: &AccountName) -> Option<Decision> {
    let operator = AccountName::operator();
    let is_operators = *publisher == operator && *account == operator;
    (!is_operators).then(|| refuse(publisher, Reason::NotYourAccount))
}

/// Whether it goes on, also by what its chain says, which is read later than the page.
fn is_live(state: &State, share: &ListedShare) -> bool {
    let hop = &share.hop;
    let has_ended =
        state.share(&hop.share_id).is_some_and(|(_, chain, _)| chain.has_ended(&hop.share_id));
    !has_ended && !state.inactive().contains(&hop.agreement_id)
}

/// All of an account's copy, which nobody asked for: it has no receipt.
fn held(
    state: &State,
    keys: &Keys,
    command: &CommandRef,
    account: &AccountName,
    share: &ListedShare,
) -> Option<Transfer> {
    let mut command = CommandRef { account: account.clone(), ..command.clone() };
    command.remarks.unasked = true;
    resync::transfer(state, keys, &command, state.accounts.get(account)?, &share.hop.share_id)
}

#[cfg(test)]
mod tests {
    use contracts::delivery::AgreementStatus::{Accepted, Inactive};

    use super::*;
    use crate::rules::samples::{SampleDesk, reason};

    /// Who is told of a copy, and the cursor of the next page.
    fn recovered(decision: &Decision) -> (Vec<String>, Option<String>) {
        let Decision::Recovered { states, transfers, receipt } = decision else {
            panic!("{decision:?}")
        };
        let told: Vec<_> = states.iter().map(|state| state.to.to_string()).collect();
        let copies = transfers.iter().map(|transfer| transfer.command.account.to_string());
        assert_eq!(told, copies.collect::<Vec<_>>(), "a share and its copy each");
        assert!(transfers.iter().all(|transfer| transfer.command.remarks.unasked));
        (told, receipt.next_cursor.clone())
    }

    #[test]
    fn c4_both_desks_of_every_live_share_are_told_all_of_their_copy() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        for ticket in ["1", "2", "3"] {
            desk.share("acme", "globex", ticket);
        }
        desk.unshare("acme", "2");
        let (first, cursor) = recovered(&desk.recover("operator", Some(1), None));
        assert_eq!(first, ["acme", "globex"]);
        let (second, cursor) = recovered(&desk.recover("operator", Some(1), cursor));
        assert_eq!((second, cursor), (vec!["acme".to_owned(), "globex".to_owned()], None));
        let late = desk.recover_while("operator", |desk| drop(desk.unshare("acme", "1")));
        assert_eq!(recovered(&late).0, ["acme", "globex"], "the other one ended meanwhile");
        desk.agree("acme", "globex", Inactive);
        assert!(recovered(&desk.recover("operator", None, None)).0.is_empty());
    }

    #[test]
    fn nobody_but_the_operator_recovers() {
        let mut desk = SampleDesk::new();
        desk.agree("acme", "globex", Accepted);
        let refused = desk.recover("acme", None, None);
        assert_eq!(reason(&refused), Some(Reason::NotYourAccount));
    }
}
