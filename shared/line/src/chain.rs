//! A chain: its hops, which have ended, and the way along them.

use std::borrow::Borrow;
use std::collections::{BTreeSet, VecDeque};

use contracts::sync::Hop;
use contracts::{AccountName, AgreementId, CopyId, ShareId, TicketId};

/// The hops of one chain as a stage knows them. With its past branches a chain is a tree; its live
/// hops are a path, but for the moments in which a stage knows of a new share and not yet of the
/// end of the old one.
///
/// `H` is a [`Hop`] in a chain that is kept, and a `&Hop` in one that is only looked at, as
/// [`Chain::after`] shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain<H = Hop> {
    /// In the order of their shares.
    hops: Vec<KnownHop<H>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct KnownHop<H> {
    hop: H,
    ended: bool,
    /// Whether it differs from what is stored.
    changed: bool,
}

impl<H: Borrow<Hop>> KnownHop<H> {
    fn share(&self) -> &ShareId {
        &self.hop.borrow().share_id
    }
}

/// One step of the way from the publisher's copy outwards: over which hop, from which copy to
/// which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HopTraversal {
    /// The hop.
    pub hop: Hop,
    /// Where it comes from; reached by an earlier crossing, or the publisher's own.
    pub from: CopyId,
    /// Where it leads.
    pub to: CopyId,
    /// From the sender to the receiver, or back.
    pub outbound: bool,
}

impl HopTraversal {
    /// A crossing from the hop's sender to its receiver.
    #[must_use]
    pub fn outbound(hop: &Hop) -> Self {
        Self { from: hop.near.clone(), to: hop.far(), hop: hop.clone(), outbound: true }
    }

    /// A crossing from the hop's receiver to its sender.
    #[must_use]
    pub fn inbound(hop: &Hop) -> Self {
        Self { from: hop.far(), to: hop.near.clone(), hop: hop.clone(), outbound: false }
    }

    /// The account it comes from.
    #[must_use]
    pub fn from_account(&self) -> &AccountName {
        if self.outbound { &self.hop.sender } else { &self.hop.receiver }
    }

    /// The account it leads to.
    #[must_use]
    pub fn to_account(&self) -> &AccountName {
        if self.outbound { &self.hop.receiver } else { &self.hop.sender }
    }

    /// The number of the ticket it leads to, once that is bound.
    #[must_use]
    pub fn to_ticket(&self) -> Option<&TicketId> {
        if self.outbound { self.hop.far_ticket.as_ref() } else { Some(&self.hop.near_ticket) }
    }
}

impl<H> Default for Chain<H> {
    fn default() -> Self {
        Self { hops: Vec::new() }
    }
}

impl Chain {
    /// Takes in a hop that is not known here.
    pub(crate) fn add(&mut self, hop: Hop) {
        if let Err(place) = self.place(&hop.share_id) {
            self.hops.insert(place, KnownHop { hop, ended: false, changed: true });
        }
    }

    /// Marks a hop as ended, for good.
    pub fn end(&mut self, share: &ShareId) {
        if let Some(known) = self.known_mut(share).filter(|known| !known.ended) {
            known.ended = true;
            known.changed = true;
        }
    }

    /// Gives the receiver's copy of a hop its number.
    pub fn bind(&mut self, share: &ShareId, ticket: &TicketId) {
        if let Some(known) = self.known_mut(share) {
            known.hop.far_ticket = Some(ticket.clone());
            known.changed = true;
        }
    }

    /// Hops that differ from what is stored, each with whether it has ended.
    pub fn changed(&self) -> impl Iterator<Item = (&Hop, bool)> {
        self.hops.iter().filter(|known| known.changed).map(|known| (&known.hop, known.ended))
    }

    fn known_mut(&mut self, share: &ShareId) -> Option<&mut KnownHop<Hop>> {
        let place = self.place(share).ok()?;
        self.hops.get_mut(place)
    }
}

impl<H: Borrow<Hop>> Chain<H> {
    /// A chain as it is stored: hops, each with whether it has ended.
    #[must_use]
    pub fn stored(hops: impl IntoIterator<Item = (H, bool)>) -> Self {
        let known = |(hop, ended)| KnownHop { hop, ended, changed: false };
        let mut hops: Vec<_> = hops.into_iter().map(known).collect();
        hops.sort_by(|left, right| left.share().cmp(right.share()));
        Self { hops }
    }

    /// Where a share's hop stands among the others, or would stand.
    fn place(&self, share: &ShareId) -> Result<usize, usize> {
        self.hops.binary_search_by(|known| known.share().cmp(share))
    }

    fn known(&self, share: &ShareId) -> Option<&KnownHop<H>> {
        self.hops.get(self.place(share).ok()?)
    }

    /// A hop, ended or not.
    #[must_use]
    pub fn hop(&self, share: &ShareId) -> Option<&Hop> {
        self.known(share).map(|known| known.hop.borrow())
    }

    /// All hops, ended or not.
    pub fn hops(&self) -> impl Iterator<Item = &Hop> {
        self.ends().map(|(hop, _)| hop)
    }

    /// All hops, each with whether it has ended.
    pub(crate) fn ends(&self) -> impl Iterator<Item = (&Hop, bool)> {
        self.hops.iter().map(|known| (known.hop.borrow(), known.ended))
    }

    /// Whether a hop was ended by its sender.
    #[must_use]
    pub fn has_ended(&self, share: &ShareId) -> bool {
        self.known(share).is_some_and(|known| known.ended)
    }

    /// Hops that are neither ended nor under an inactive agreement.
    pub fn live<'a>(
        &'a self,
        inactive: &'a BTreeSet<AgreementId>,
    ) -> impl Iterator<Item = &'a Hop> {
        self.ends()
            .filter(|(hop, ended)| !ended && !inactive.contains(&hop.agreement_id))
            .map(|(hop, _)| hop)
    }

    /// The live hop that a copy came by.
    #[must_use]
    pub fn live_inbound<'a>(
        &'a self,
        copy: &CopyId,
        inactive: &'a BTreeSet<AgreementId>,
    ) -> Option<&'a Hop> {
        self.live(inactive).find(|hop| hop.far() == *copy)
    }

    /// A live hop by which a copy was shared on.
    #[must_use]
    pub fn live_outbound<'a>(
        &'a self,
        copy: &CopyId,
        inactive: &'a BTreeSet<AgreementId>,
    ) -> Option<&'a Hop> {
        self.live(inactive).find(|hop| hop.near == *copy)
    }

    /// The way from `copy` outwards along live hops, nearest first: each crossing starts where an
    /// earlier one ended, or at `copy`.
    #[must_use]
    pub fn crossings(&self, copy: &CopyId, inactive: &BTreeSet<AgreementId>) -> Vec<HopTraversal> {
        outwards(copy, &self.live(inactive).collect::<Vec<_>>())
    }

    /// The last step of the way from one copy to another, over live and ended hops alike: by it
    /// arrives what was decided before an end.
    #[must_use]
    pub fn crossing_to(&self, from: &CopyId, to: &CopyId) -> Option<HopTraversal> {
        outwards(from, &self.hops().collect::<Vec<_>>())
            .into_iter()
            .find(|crossing| crossing.to == *to)
    }

    /// The crossing of one hop that leads to a copy at either end of it.
    #[must_use]
    pub fn crossing_over(&self, share: &ShareId, to: &CopyId) -> Option<HopTraversal> {
        let hop = self.hop(share)?;
        if hop.near == *to {
            Some(HopTraversal::inbound(hop))
        } else {
            Some(HopTraversal::outbound(hop)).filter(|crossing| crossing.to == *to)
        }
    }

    /// The agreements of all hops.
    pub fn agreements(&self) -> impl Iterator<Item = &AgreementId> {
        self.hops().map(|hop| &hop.agreement_id)
    }
}

fn outwards(copy: &CopyId, hops: &[&Hop]) -> Vec<HopTraversal> {
    let mut way = Vec::new();
    let mut reached = BTreeSet::from([copy.clone()]);
    let mut next = VecDeque::from([copy.clone()]);
    while let Some(here) = next.pop_front() {
        for hop in hops {
            let crossing = if hop.near == here {
                HopTraversal::outbound(hop)
            } else if hop.far() == here {
                HopTraversal::inbound(hop)
            } else {
                continue;
            };
            if reached.insert(crossing.to.clone()) {
                next.push_back(crossing.to.clone());
                way.push(crossing);
            }
        }
    }
    way
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::Terms;
    use contracts::terms::CommentTerms;

    fn share(number: u8) -> ShareId {
        ShareId::new(format!("00000000-0000-4000-8000-0000000000{number:02x}")).unwrap()
    }

    fn hop(number: u8, sender: &str, receiver: &str, near: &CopyId) -> Hop {
        Hop {
            share_id: share(number),
            agreement_id: AgreementId::new(format!(
                "a0000000-0000-4000-8000-0000000000{number:02x}"
            ))
            .unwrap(),
            sender: AccountName::new(sender).unwrap(),
            receiver: AccountName::new(receiver).unwrap(),
            near: near.clone(),
            near_ticket: TicketId::new("1").unwrap(),
            far_ticket: None,
            terms: Terms {
                comments: CommentTerms::PublicAndPrivate,
                tags: true,
                custom_fields: true,
            },
        }
    }

    fn original() -> CopyId {
        CopyId::original(&AccountName::new("acme").unwrap(), &TicketId::new("1").unwrap())
    }

    fn three() -> (Chain, Hop, Hop) {
        let first = hop(1, "acme", "globex", &original());
        let second = hop(2, "globex", "initech", &first.far());
        (Chain::stored([(first.clone(), false), (second.clone(), false)]), first, second)
    }

    #[test]
    fn r_14_a_chain_is_walked_from_any_copy_outwards() {
        let (chain, first, second) = three();
        let none = BTreeSet::new();
        let way = |from: &CopyId| {
            chain.crossings(from, &none).into_iter().map(|crossing| crossing.to).collect::<Vec<_>>()
        };
        assert_eq!(way(&original()), [first.far(), second.far()]);
        assert_eq!(way(&second.far()), [first.far(), original()]);
        assert_eq!(way(&first.far()).len(), 2);
    }

    #[test]
    fn over_an_ended_hop_nothing_goes_and_the_far_part_lives_on() {
        let (mut chain, first, second) = three();
        chain.end(&first.share_id);
        assert!(chain.crossings(&original(), &BTreeSet::new()).is_empty());
        assert_eq!(chain.crossings(&second.far(), &BTreeSet::new()).len(), 1);
        let late = chain.crossing_to(&second.far(), &original()).unwrap();
        assert_eq!(
            (late.hop, late.outbound),
            (first, false),
            "what was decided before still finds its way"
        );
    }

    #[test]
    fn r_79_an_inactive_agreement_ends_its_hops() {
        let (chain, first, _) = three();
        assert!(chain.crossings(&original(), &BTreeSet::from([first.agreement_id])).is_empty());
    }

    #[test]
    fn only_what_differs_is_saved() {
        let (mut chain, first, second) = three();
        assert_eq!(chain.changed().count(), 0);
        chain.end(&second.share_id);
        chain.end(&second.share_id);
        let third = hop(3, "initech", "umbrella", &second.far());
        chain.add(third.clone());
        assert_eq!(chain.changed().collect::<Vec<_>>(), [(&second, true), (&third, false)]);
        chain.bind(&first.share_id, &TicketId::new("77").unwrap());
        assert_eq!(chain.changed().count(), 3);
    }
}
