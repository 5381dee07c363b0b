//! Who is mailed a public reply: whoever asked and the CCs, where they have an address here; never
//! a placeholder without one, a partner's address, or who wrote it.

use contracts::mailbox::Mailbox;

use super::people::{EndUser, ReplyReach, reach};
use super::sharing::{Agreement, Share};
use super::support_address::may_be_mailed;

/// Comments of one change that are mailed, at most; the newest.
pub const MAILED: usize = 20;

/// Who is mailed what `author` said publicly on a ticket.
#[must_use]
pub fn told<'a>(
    author: &str,
    requester: Option<&'a EndUser>,
    ccs: &'a [EndUser],
    shares: &[Share],
    agreements: &[Agreement],
) -> Vec<&'a EndUser> {
    // While a partner passes replies on to its requester, this account does not.
    let requester =
        requester.filter(|it| matches!(reach(it, shares, agreements), ReplyReach::Address(_)));
    let mut told: Vec<&EndUser> = Vec::new();
    for person in requester.into_iter().chain(ccs) {
        let Some(address) = person.email.as_deref() else { continue };
        let mailbox = Mailbox::of(address);
        let is_there = told.iter().any(|it| it.email.as_deref().and_then(Mailbox::of) == mailbox);
        if person.id != author && !is_there && may_be_mailed(address, agreements) {
            told.push(person);
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use contracts::delivery::Side;
    use contracts::terms::CommentTerms;

    use super::super::sharing::samples::{agreement, share};
    use super::*;

    fn own(id: &str, address: &str) -> EndUser {
        EndUser { id: id.into(), name: "Rita".into(), email: Some(address.into()), partner: None }
    }

    fn placeholder(given: Option<&str>) -> EndUser {
        EndUser {
            id: "placeholder-1".into(),
            name: "Robin Vale".into(),
            email: given.map(str::to_owned),
            partner: Some("acme".into()),
        }
    }

    fn names(told: &[&EndUser]) -> Vec<String> {
        told.iter().map(|person| person.email.clone().unwrap_or_default()).collect()
    }

    #[test]
    fn r_25_requester_and_ccs_are_told_each_once_and_not_the_author() {
        let rita = own("1", "rita@customer.example");
        let ccs = [own("2", "cc@customer.example"), own("3", "CC@customer.example")];
        let told_of = |author: &str| names(&told(author, Some(&rita), &ccs, &[], &[]));
        assert_eq!(told_of("agent"), ["rita@customer.example", "cc@customer.example"]);
        assert_eq!(told_of("1"), ["cc@customer.example"]);
    }

    #[test]
    fn r_44_a_placeholder_is_mailed_once_it_has_an_address_and_no_share() {
        let mut terms = agreement("a", "acme");
        terms.terms.comments = CommentTerms::PublicAndPrivate;
        let live = share(Side::Receiver, terms);
        let ended = Share { live: false, ..live.clone() };
        for (given, shares, mailed) in [
            (None, &ended, 0),
            (Some("robin@customer.example"), &ended, 1),
            (Some("robin@customer.example"), &live, 0),
        ] {
            let person = placeholder(given);
            let shares = std::slice::from_ref(shares);
            assert_eq!(told("agent", Some(&person), &[], shares, &[]).len(), mailed, "{given:?}");
        }
    }

    #[test]
    fn r_45_to_r_47_a_partners_address_is_never_mailed() {
        let mut partner = agreement("a", "acme");
        partner.support_addresses = vec!["help@acme.example".into()];
        let agreements = [partner];
        let rita = own("1", "help@acme.example");
        assert!(told("agent", Some(&rita), &[], &[], &agreements).is_empty());
    }
}
