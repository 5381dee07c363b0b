//! Copies that a redaction does not reach, as its publisher is told of them.

use std::collections::BTreeSet;

use contracts::sync::Hop;
use contracts::{AccountName, AgreementId, CopyId, Decision, Item, Reason};
use line::{Chain, HopTraversal};

/// Where a redaction comes from, and what is known of its chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Publisher<'a> {
    /// Whose redaction it is.
    pub account: &'a AccountName,
    /// The copy that it is published from.
    pub copy: &'a CopyId,
    /// The chain.
    pub chain: &'a Chain<&'a Hop>,
    /// Agreements that end their hops.
    pub inactive: &'a BTreeSet<AgreementId>,
}

/// The decision that names a copy whose hops have all ended: by the share that it and the publisher
/// were parties of. A copy further away is named by the publisher's own share on the way to it,
/// since a share of others is none of its business.
pub(super) fn named(publisher: Publisher, item: &Item, copy: &CopyId) -> Decision {
    let withheld = |hop| Decision::withheld(item.clone(), why(publisher, hop));
    if let Some(hop) = own_share(publisher, copy) {
        return withheld(hop).over(&hop.share_id);
    }
    let Some((first, last)) = way(publisher, copy) else {
        return Decision::withheld(item.clone(), Reason::NotShared);
    };
    withheld(&last.hop)
        .over(&first.hop.share_id)
        .with_detail("a copy of a further organisation, beyond this share")
}

fn why(publisher: Publisher, hop: &Hop) -> Reason {
    let is_inactive = publisher.inactive.contains(&hop.agreement_id);
    if is_inactive && !publisher.chain.has_ended(&hop.share_id) {
        Reason::AgreementInactive
    } else {
        Reason::NotShared
    }
}

/// A share of the publisher's at one end of which is `copy`: rather one of the ticket that it
/// redacts.
fn own_share<'a>(publisher: Publisher<'a>, copy: &CopyId) -> Option<&'a Hop> {
    let is_party =
        |hop: &Hop| hop.sender == *publisher.account || hop.receiver == *publisher.account;
    let at = |hop: &Hop, copy: &CopyId| hop.near == *copy || hop.far() == *copy;
    let shares: Vec<&Hop> =
        publisher.chain.hops().filter(|hop| at(hop, copy) && is_party(hop)).collect();
    shares.iter().find(|hop| at(hop, publisher.copy)).or(shares.first()).copied()
}

/// The first and the last step of the way to `copy`, over live and ended hops.
fn way(publisher: Publisher, copy: &CopyId) -> Option<(HopTraversal, HopTraversal)> {
    let last = publisher.chain.crossing_to(publisher.copy, copy)?;
    let mut first = last.clone();
    while first.from != *publisher.copy {
        first = publisher.chain.crossing_to(publisher.copy, &first.from)?;
    }
    Some((first, last))
}

#[cfg(test)]
mod tests {
    use contracts::ItemOutcome;

    use super::super::samples::{account, acme_copy, first_hop, id, second_hop};
    use super::*;

    /// How a redaction by `account` from `copy` names a copy.
    fn naming(
        account_name: &str,
        from: &CopyId,
        copy: &CopyId,
        inactive: &[Hop],
    ) -> (Option<String>, Option<Reason>, bool) {
        let (first, second) = (first_hop(), second_hop());
        let chain = Chain::stored([(&first, true), (&second, inactive.is_empty())]);
        let inactive = inactive.iter().map(|hop| hop.agreement_id.clone()).collect();
        let account = account(account_name);
        let publisher =
            Publisher { account: &account, copy: from, chain: &chain, inactive: &inactive };
        let decision = named(publisher, &Item::Comment(id("acme/1")), copy);
        assert_eq!(decision.outcome, ItemOutcome::Withheld);
        (
            decision.share_id.map(|share| share.to_string()),
            decision.reason,
            decision.detail.is_some(),
        )
    }

    #[test]
    fn a_partners_copy_is_named_by_the_share_with_it() {
        let (first, second) = (first_hop(), second_hop());
        let over = |hop: &Hop| Some(hop.share_id.to_string());
        let (middle, not_shared) = (first.far(), Some(Reason::NotShared));
        assert_eq!(
            naming("acme", &acme_copy(), &middle, &[]),
            (over(&first), not_shared, false),
            "the receiver's"
        );
        assert_eq!(
            naming("globex", &middle, &acme_copy(), &[]),
            (over(&first), not_shared, false),
            "the sender's"
        );
        assert_eq!(
            naming("globex", &middle, &second.far(), std::slice::from_ref(&second)),
            (over(&second), Some(Reason::AgreementInactive), false)
        );
    }

    #[test]
    fn a_further_copy_is_named_by_the_publishers_own_share_on_the_way() {
        let (first, second) = (first_hop(), second_hop());
        let over = Some(first.share_id.to_string());
        assert_eq!(
            naming("acme", &acme_copy(), &second.far(), &[]),
            (over.clone(), Some(Reason::NotShared), true)
        );
        assert_eq!(
            naming("acme", &acme_copy(), &second.far(), std::slice::from_ref(&second)),
            (over, Some(Reason::AgreementInactive), true),
            "why is what ended last on the way"
        );
    }
}
