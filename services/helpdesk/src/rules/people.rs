//! People who ask, and placeholders of partners' people.

use contracts::fields::Status;

use super::sharing::{Agreement, Share};
use super::support_address::may_be_mailed;

/// Who asks or reads along: a person here, or the placeholder of a partner's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndUser {
    /// The account's own id, or the placeholder's.
    pub id: String,
    /// Name.
    pub name: String,
    /// Address; a placeholder has none.
    pub email: Option<String>,
    /// The partner whose person a placeholder stands for.
    pub partner: Option<String>,
}

impl EndUser {
    /// Whether it stands for somebody of another account.
    #[must_use]
    pub fn is_placeholder(&self) -> bool {
        self.partner.is_some()
    }
}

/// Whom a public reply reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyReach {
    /// The partner answers the requester.
    Partner(String),
    /// The requester has an address here.
    Address(String),
    /// Nobody: the requester has no address here.
    Nobody,
}

/// Whom a public reply on this ticket reaches, by its shares and the account's
/// agreements.
#[must_use]
pub fn reach(requester: &EndUser, shares: &[Share], agreements: &[Agreement]) -> ReplyReach {
    let carried = shares.iter().find(|share| {
        share.live
            && share.side == contracts::delivery::Side::Receiver
            && share.agreement.as_ref().is_some_and(Agreement::is_public)
    });
    if let Some(share) = carried.filter(|_| requester.is_placeholder()) {
        return ReplyReach::Partner(share.partner_name.clone());
    }
    match &requester.email {
        Some(address) if may_be_mailed(address, agreements) => ReplyReach::Address(address.clone()),
        _ => ReplyReach::Nobody,
    }
}

/// Whether whoever asked takes an address here, or another one: a placeholder does, while
/// the ticket is not closed.
#[must_use]
pub fn takes_address(requester: &EndUser, status: Status) -> bool {
    requester.is_placeholder() && status != Status::Closed
}

/// Whether whoever puts another requester in place is warned: of a ticket that a live share brought
/// . It is allowed in any case.
#[must_use]
pub fn warns_of_new_requester(shares: &[Share]) -> bool {
    shares.iter().any(|share| share.live && share.side == contracts::delivery::Side::Receiver)
}

#[cfg(test)]
mod tests {
    use contracts::delivery::Side;
    use contracts::terms::CommentTerms;

    use super::super::sharing::samples::{agreement, share};
    use super::*;

    fn placeholder() -> EndUser {
        EndUser {
            id: "placeholder-1".into(),
            name: "Robin Vale".into(),
            email: None,
            partner: Some("acme".into()),
        }
    }

    fn own(address: &str) -> EndUser {
        EndUser { id: "7".into(), name: "Rita".into(), email: Some(address.into()), partner: None }
    }

    fn received(comments: CommentTerms) -> Share {
        let mut agreement = agreement("a", "acme");
        agreement.terms.comments = comments;
        share(Side::Receiver, agreement)
    }

    #[test]
    fn r_28_the_partner_answers_while_terms_let_replies_cross() {
        let shares = [received(CommentTerms::PublicAndPrivate)];
        assert_eq!(reach(&placeholder(), &shares, &[]), ReplyReach::Partner("ACME".into()));
        assert_eq!(
            reach(&placeholder(), &[received(CommentTerms::PrivateOnly)], &[]),
            ReplyReach::Nobody
        );
    }

    #[test]
    fn r_44_after_unsharing_only_an_address_reaches_the_requester() {
        let ended = [Share { live: false, ..received(CommentTerms::PublicAndPrivate) }];
        assert_eq!(reach(&placeholder(), &ended, &[]), ReplyReach::Nobody);
        let address = "rita@customer.example";
        assert_eq!(reach(&own(address), &ended, &[]), ReplyReach::Address(address.into()));
    }

    #[test]
    fn r_45_a_reply_reaches_nobody_where_a_partner_takes_tickets() {
        let mut partner = agreement("a", "acme");
        partner.support_addresses = vec!["help@acme.example".into()];
        let reached = |address| reach(&own(address), &[], std::slice::from_ref(&partner));
        assert_eq!(reached("help@acme.example"), ReplyReach::Nobody);
        assert_eq!(reached("ada@acme.example"), ReplyReach::Address("ada@acme.example".into()));
    }

    #[test]
    fn r_44_a_placeholder_takes_an_address_also_in_place_of_a_wrong_one() {
        let given = EndUser { email: Some("robin@custmer.example".into()), ..placeholder() };
        for (person, status, takes) in [
            (placeholder(), Status::Open, true),
            (given, Status::Solved, true),
            (placeholder(), Status::Closed, false),
            (own("rita@customer.example"), Status::Open, false),
        ] {
            assert_eq!(takes_address(&person, status), takes, "{person:?} {status:?}");
        }
    }

    #[test]
    fn r_43_who_changes_the_requester_of_a_copy_is_warned() {
        let live = received(CommentTerms::PrivateOnly);
        assert!(warns_of_new_requester(std::slice::from_ref(&live)));
        assert!(!warns_of_new_requester(&[Share { live: false, ..live }]));
        let sent = share(Side::Sender, Agreement { ..agreement("a", "globex") });
        assert!(!warns_of_new_requester(&[sent]));
    }
}
