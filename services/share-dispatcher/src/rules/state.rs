//! What a command is decided by.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use contracts::delivery::AgreementStatus;
use contracts::sync::{Action, AgreementFact, Hop, Transfer};
use contracts::{AccountName, AgreementId, ChainId, CopyId, ShareId, TicketId, Timestamp};
use line::{AccountBasics, Chain};

use super::Decision;

/// Where a ticket number stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub chain: ChainId,
    pub copy: CopyId,
}

/// A share that a desk asked for, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedShare {
    pub hop: Hop,
    /// When it began.
    pub started_at: Timestamp,
    /// When its sender ended it.
    pub ended_at: Option<Timestamp>,
}

/// All that a batch of commands is decided by.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub accounts: BTreeMap<AccountName, AccountBasics>,
    pub agreements: BTreeMap<AgreementId, AgreementFact>,
    pub chains: BTreeMap<ChainId, Chain>,
    /// Which copy a desk's number stands for.
    pub tickets: BTreeMap<(AccountName, TicketId), Place>,
    /// Which chain a share is in.
    pub shares: BTreeMap<ShareId, ChainId>,
    /// The shares of each list's page and one more, by who asks with which command, in order of
    /// their ids.
    pub listed: BTreeMap<(AccountName, String), Vec<ListedShare>>,
    /// Shares that this batch ended.
    pub ended: BTreeMap<ShareId, Timestamp>,
    /// The arrival stamp of the next transfer: microseconds by the database's clock, read under the
    /// locks of the batch's chains, so that of one chain a later batch has later ones.
    pub next_arrival: u64,
}

/// A new row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewRow {
    /// A share began.
    Started {
        /// Which.
        share: ShareId,
        chain: ChainId,
        /// When.
        at: Timestamp,
    },
    /// A share was ended by its sender.
    Ended {
        /// Which.
        share: ShareId,
        /// When.
        at: Timestamp,
    },
    /// A ticket number stands for a copy from now on.
    Placed {
        /// Whose number.
        account: AccountName,
        /// The number.
        ticket: TicketId,
        /// Where it stands.
        place: Place,
    },
}

impl State {
    /// Agreements that were deactivated: they end their hops.
    #[must_use]
    pub fn inactive(&self) -> BTreeSet<AgreementId> {
        let inactive = self
            .agreements
            .values()
            .filter(|agreement| agreement.status == AgreementStatus::Inactive);
        inactive.map(|agreement| agreement.agreement_id.clone()).collect()
    }

    /// Where a desk's number stands.
    #[must_use]
    pub fn place(&self, account: &AccountName, ticket: &TicketId) -> Option<&Place> {
        self.tickets.get(&(account.clone(), ticket.clone()))
    }

    /// A share, with its chain.
    #[must_use]
    pub fn share(&self, share: &ShareId) -> Option<(&ChainId, &Chain, &Hop)> {
        let id = self.shares.get(share)?;
        let chain = self.chains.get(id)?;
        Some((id, chain, chain.hop(share)?))
    }

    /// The copy that a command is about, by number or share; nothing when this account has no such
    /// copy.
    #[must_use]
    pub fn copy_named(
        &self,
        account: &AccountName,
        ticket: Option<&TicketId>,
        share: Option<&ShareId>,
    ) -> Option<Place> {
        let by_ticket = ticket.map(|ticket| self.place(account, ticket).cloned());
        let by_share = share.map(|share| {
            let (id, _, hop) = self.share(share)?;
            let copy = if hop.sender == *account {
                hop.near.clone()
            } else if hop.receiver == *account {
                hop.far()
            } else {
                return None;
            };
            Some(Place { chain: id.clone(), copy })
        });
        match (by_ticket, by_share) {
            (Some(ticket), Some(share)) => ticket.filter(|place| Some(place) == share.as_ref()),
            (Some(place), None) | (None, Some(place)) => place,
            (None, None) => None,
        }
    }

    /// Carries a decision out, and says which rows are new.
    pub fn apply(&mut self, decision: &Decision) -> Vec<NewRow> {
        match decision {
            Decision::NotYet(_)
            | Decision::Answered(_)
            | Decision::Listed { .. }
            | Decision::Recovered { .. } => Vec::new(),
            Decision::Bound { account, share_id, ticket, place, .. } => {
                vec![self.bind(account, share_id, ticket, place)]
            }
            Decision::Passed { transfer, .. } if matches!(transfer.action, Action::DryRun(_)) => {
                Vec::new()
            }
            Decision::Passed { transfer, bound } => {
                self.next_arrival += 1;
                let account = &transfer.command.account;
                let mut changes: Vec<NewRow> = bound
                    .iter()
                    .map(|bound| self.bind(account, &bound.share_id, &bound.ticket, &bound.place))
                    .collect();
                changes.extend(self.carry_out(transfer));
                changes
            }
        }
    }

    fn bind(
        &mut self,
        account: &AccountName,
        share: &ShareId,
        ticket: &TicketId,
        place: &Place,
    ) -> NewRow {
        if let Some(chain) = self.chains.get_mut(&place.chain) {
            chain.bind(share, ticket);
        }
        self.tickets.insert((account.clone(), ticket.clone()), place.clone());
        NewRow::Placed { account: account.clone(), ticket: ticket.clone(), place: place.clone() }
    }

    fn carry_out(&mut self, transfer: &Transfer) -> Vec<NewRow> {
        let mut changes = Vec::new();
        let Some(chain) = self.chains.get_mut(&transfer.chain) else { return changes };
        let entry = chain.enter(transfer);
        chain.apply(entry);
        match &transfer.action {
            Action::Update | Action::Redact { .. } | Action::Resync { .. } | Action::DryRun(_) => {}
            Action::Unshare { share_id } => {
                let (share, at) = (share_id.clone(), transfer.command.received_at);
                self.ended.insert(share.clone(), at);
                changes.push(NewRow::Ended { share, at });
            }
            Action::Share(sharing) => {
                let Some(hop) = transfer.hops.iter().find(|hop| hop.share_id == sharing.share_id)
                else {
                    return changes;
                };
                self.shares.insert(hop.share_id.clone(), transfer.chain.clone());
                let (share, chain) = (hop.share_id.clone(), transfer.chain.clone());
                changes.push(NewRow::Started { share, chain, at: transfer.command.received_at });
                let ticket = (hop.sender.clone(), hop.near_ticket.clone());
                if let Entry::Vacant(free) = self.tickets.entry(ticket.clone()) {
                    let place =
                        Place { chain: transfer.chain.clone(), copy: transfer.copy.clone() };
                    changes.push(NewRow::Placed {
                        account: ticket.0,
                        ticket: ticket.1,
                        place: place.clone(),
                    });
                    free.insert(place);
                }
            }
        }
        changes
    }
}
