//! What a transfer brings its chain before it is decided: hops that this stage does not know,
//! numbers that copies were given, and an end.

use contracts::ShareId;
use contracts::sync::{Action, Hop, Transfer};

use crate::Chain;

/// What a transfer brings its chain. Stages learn hops from any transfer, in any order; a hop that
/// has ended here stays ended, whatever is told of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainEntry {
    new: Vec<Hop>,
    /// Hops that are known, with the number that their far copy had not been given yet.
    bound: Vec<Hop>,
    ended: Option<ShareId>,
}

impl ChainEntry {
    /// The hops that are new here.
    #[must_use]
    pub fn new_hops(&self) -> &[Hop] {
        &self.new
    }

    /// Ends the hop of a share that comes to nothing here.
    pub fn end(&mut self, share: &ShareId) {
        self.ended = Some(share.clone());
    }

    fn learn(&mut self, known: Option<&Hop>, told: &Hop) {
        let mut learned = self.new.iter_mut().chain(&mut self.bound);
        match (learned.find(|hop| hop.share_id == told.share_id), known) {
            (Some(learned), _) if learned.far_ticket.is_none() => {
                learned.far_ticket.clone_from(&told.far_ticket);
            }
            (None, None) => self.new.push(told.clone()),
            (None, Some(known)) if known.far_ticket.is_none() && told.far_ticket.is_some() => {
                let far_ticket = told.far_ticket.clone();
                self.bound.push(Hop { far_ticket, ..known.clone() });
            }
            _ => {}
        }
    }
}

impl Chain {
    /// What a transfer brings. A share that an earlier stage rejected comes to nothing here as
    /// well, so its hop ends.
    #[must_use]
    pub fn enter(&self, transfer: &Transfer) -> ChainEntry {
        let mut entry = ChainEntry::default();
        for told in &transfer.hops {
            entry.learn(self.hop(&told.share_id), told);
        }
        match &transfer.action {
            Action::Unshare { share_id } => entry.end(share_id),
            Action::Share(sharing) if transfer.rejected.is_some() => entry.end(&sharing.share_id),
            Action::Share(_)
            | Action::Update
            | Action::Redact { .. }
            | Action::Resync { .. }
            | Action::DryRun(_) => {}
        }
        entry
    }

    /// The chain as it is with what a transfer brings, to decide by.
    #[must_use]
    pub fn after<'a>(&'a self, entry: &'a ChainEntry) -> Chain<&'a Hop> {
        let bound = |hop: &'a Hop| entry.bound.iter().find(|it| it.share_id == hop.share_id);
        let known = self.ends().map(|(hop, ended)| (bound(hop).unwrap_or(hop), ended));
        let new = entry.new.iter().map(|hop| (hop, false));
        let ends = |hop: &Hop| entry.ended.as_ref() == Some(&hop.share_id);
        Chain::stored(known.chain(new).map(|(hop, ended)| (hop, ended || ends(hop))))
    }

    /// Keeps what a transfer brings.
    pub fn apply(&mut self, entry: ChainEntry) {
        entry.new.into_iter().for_each(|hop| self.add(hop));
        for hop in &entry.bound {
            if let Some(ticket) = &hop.far_ticket {
                self.bind(&hop.share_id, ticket);
            }
        }
        if let Some(share) = &entry.ended {
            self.end(share);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use contracts::sync::{CommandRef, Remarks, Sharing};
    use contracts::terms::CommentTerms;
    use contracts::{
        AccountName, AgreementId, ChainId, CopyId, Person, Reason, Terms, TicketId, Timestamp,
        people::Role,
    };
    use proptest::prelude::*;

    use super::*;

    fn share(number: u8) -> ShareId {
        ShareId::new(format!("00000000-0000-4000-8000-0000000000{number:02x}")).unwrap()
    }

    fn original() -> CopyId {
        CopyId::original(&AccountName::new("acme").unwrap(), &TicketId::new("1").unwrap())
    }

    /// A hop of acme's ticket to globex, and the number that globex gave its copy.
    fn hop(number: u8, far_ticket: Option<&str>) -> Hop {
        Hop {
            share_id: share(number),
            agreement_id: AgreementId::new("a0000000-0000-4000-8000-000000000001").unwrap(),
            sender: AccountName::new("acme").unwrap(),
            receiver: AccountName::new("globex").unwrap(),
            near: original(),
            near_ticket: TicketId::new("1").unwrap(),
            far_ticket: far_ticket.map(|number| TicketId::new(number).unwrap()),
            terms: Terms {
                comments: CommentTerms::PublicAndPrivate,
                tags: true,
                custom_fields: true,
            },
        }
    }

    fn person() -> Person {
        Person { id: "p".into(), name: "Ada".into(), role: Role::EndUser, placeholder: true }
    }

    fn transfer(action: Action, hops: Vec<Hop>) -> Transfer {
        let command = CommandRef {
            account: AccountName::new("acme").unwrap(),
            message_id: "1".into(),
            command_type: "ticket.update.v1".into(),
            received_at: Timestamp::parse("2026-03-01T12:00:00Z").unwrap(),
            remarks: Remarks::default(),
        };
        let chain = ChainId::starting_with(&original());
        Transfer::new(command, chain, original(), hops, action, person())
    }

    fn sharing(number: u8) -> Action {
        Action::Share(Box::new(Sharing {
            share_id: share(number),
            original_ticket_id: TicketId::new("1").unwrap(),
            subject: "Printer".into(),
            requested_at: None,
            requester: person(),
        }))
    }

    /// Hops with whether they have ended.
    fn ends(chain: &Chain<&Hop>) -> Vec<(Hop, bool)> {
        chain.ends().map(|(hop, ended)| (hop.clone(), ended)).collect()
    }

    #[test]
    fn a_hop_is_new_once_and_its_number_is_taken_once() {
        let bound = hop(1, Some("77"));
        let (unbound, other) = (hop(1, None), hop(1, Some("78")));
        let cases = [
            (vec![], vec![&unbound], vec![&unbound], &unbound),
            (vec![], vec![&unbound, &bound], vec![&bound], &bound),
            (vec![&unbound], vec![&unbound], vec![], &unbound),
            (vec![&unbound], vec![&bound, &other], vec![], &bound),
            (vec![&bound], vec![&other], vec![], &bound),
            (vec![&bound], vec![&unbound], vec![], &bound),
        ];
        for (known, told, new, after) in cases {
            let chain = Chain::stored(known.iter().map(|hop| (Hop::clone(hop), false)));
            let hops = told.iter().copied().cloned().collect();
            let entry = chain.enter(&transfer(Action::Update, hops));
            assert_eq!(entry.new_hops().iter().collect::<Vec<_>>(), new, "{known:?} {told:?}");
            assert_eq!(ends(&chain.after(&entry)), [(after.clone(), false)], "{known:?} {told:?}");
        }
    }

    #[test]
    fn what_is_known_of_a_hop_stands_but_for_its_number() {
        let other = Hop { near_ticket: TicketId::new("2").unwrap(), ..hop(1, Some("77")) };
        let chain = Chain::stored([(hop(1, None), false)]);
        let entry = chain.enter(&transfer(Action::Update, vec![other]));
        assert_eq!(ends(&chain.after(&entry)), [(hop(1, Some("77")), false)]);
    }

    #[test]
    fn an_unshare_and_a_rejected_share_end_their_hop_alone() {
        let unshare = transfer(Action::Unshare { share_id: share(1) }, vec![]);
        let rejected = Transfer {
            rejected: Some(Reason::NotShared),
            ..transfer(sharing(2), vec![hop(1, None), hop(2, None)])
        };
        let (both, first, second) = (
            transfer(Action::Unshare { share_id: share(2) }, vec![hop(1, None), hop(2, None)]),
            [(hop(1, None), true)],
            [(hop(1, None), false), (hop(2, None), true)],
        );
        let chain = Chain::stored([(hop(1, None), false)]);
        let after = |transfer| ends(&chain.after(&chain.enter(transfer)));
        assert_eq!(after(&unshare), first);
        assert_eq!(after(&rejected), second);
        assert_eq!(after(&both), second, "an end may come before its share");
        let none = transfer(Action::Unshare { share_id: share(9) }, vec![]);
        assert_eq!(
            after(&none),
            [(hop(1, None), false)],
            "one that is not known here ends nothing"
        );
    }

    #[test]
    fn an_ended_hop_stays_ended_whatever_is_told_of_it() {
        let chain = Chain::stored([(hop(1, None), true)]);
        for told in [
            transfer(Action::Update, vec![hop(1, Some("77"))]),
            transfer(sharing(1), vec![hop(1, None)]),
        ] {
            let entry = chain.enter(&told);
            assert_eq!(entry.new_hops(), []);
            assert!(chain.after(&entry).live(&BTreeSet::new()).next().is_none());
        }
    }

    fn told() -> impl Strategy<Value = Transfer> {
        let hop = (1..5_u8, prop::option::of(prop::sample::select(vec!["77", "78"])))
            .prop_map(|(number, ticket)| hop(number, ticket));
        let action = prop_oneof![
            Just(Action::Update),
            (1..5_u8).prop_map(|number| Action::Unshare { share_id: share(number) }),
            (1..5_u8).prop_map(sharing),
        ];
        (action, prop::collection::vec(hop, 0..5), any::<bool>()).prop_map(
            |(action, hops, rejected)| Transfer {
                rejected: rejected.then_some(Reason::NotShared),
                ..transfer(action, hops)
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_decided_by_is_what_is_kept(transfers in prop::collection::vec(told(), 1..8)) {
            let mut chain = Chain::default();
            for transfer in &transfers {
                let entry = chain.enter(transfer);
                let decided_by = ends(&chain.after(&entry));
                let before = chain.clone();
                chain.apply(entry);
                prop_assert_eq!(&decided_by, &ends(&chain.after(&ChainEntry::default())));
                for (hop, ended) in before.ends() {
                    prop_assert!(!ended || chain.has_ended(&hop.share_id), "an end is for good");
                }
                let again = chain.enter(transfer);
                let mut twice = chain.clone();
                twice.apply(again);
                prop_assert_eq!(&twice, &chain, "once more changes nothing");
            }
        }
    }
}
