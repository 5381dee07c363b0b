//! People who ask, and placeholders of partners' people.

use super::sharing::Share;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The account's own id, or the placeholder's.
    pub id: String,
    /// Name.
    pub name: String,
    /// Address; a placeholder has none.
    pub email: Option<String>,
    /// The partner whose person a placeholder stands for.
    pub partner: Option<String>,
}

impl Person {
    /// Whether it stands for somebody of another account.
    #[must_use]
    pub fn is_placeholder(&self) -> bool {
        self.partner.is_some()
    }

    /// Whether it may be deleted, merged or given another address: a placeholder may not (R-38,
    ///
    #[must_use]
    pub fn may_be_changed(&self) -> bool {
        !self.is_placeholder()
    }
}

/// Whom a public reply reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The partner answers the requester.
    Partner(String),
    /// The requester has an address here.
    Address(String),
    /// Nobody: the requester has no address here.
    Nobody,
}

/// Whom a public reply on this ticket reaches.
#[must_use]
pub fn reach(requester: &Person, shares: &[Share]) -> Reach {
    let carried = shares.iter().find(|share| {
        share.live
            && share.side == contracts::delivery::Side::Receiver
            && share.agreement.as_ref().is_some_and(super::sharing::Agreement::is_public)
    });
    if let Some(share) = carried.filter(|_| requester.is_placeholder()) {
        return Reach::Partner(share.partner_name.clone());
    }
    match &requester.email {
        Some(address) if may_be_mailed(address, shares) => Reach::Address(address.clone()),
        _ => Reach::Nobody,
    }
}

/// Whether an address is none that a partner reads as tickets.
#[must_use]
pub fn may_be_mailed(address: &str, shares: &[Share]) -> bool {
    let address = address.trim().to_lowercase();
    let covers = |entry: &str| match entry.trim().to_lowercase().strip_prefix('@') {
        Some(domain) => address.rsplit_once('@').is_some_and(|(_, own)| own == domain),
        None => entry.trim().to_lowercase() == address,
    };
    let agreements = shares.iter().filter_map(|share| share.agreement.as_ref());
    !agreements.flat_map(|it| &it.support_addresses).any(|entry| covers(entry))
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

    use super::super::sharing::Agreement;
    use super::super::sharing::samples::{agreement, share};
    use super::*;

    fn placeholder() -> Person {
        Person {
            id: "placeholder-1".into(),
            name: "Robin Vale".into(),
            email: None,
            partner: Some("acme".into()),
        }
    }

    fn own(address: &str) -> Person {
        Person { id: "7".into(), name: "Rita".into(), email: Some(address.into()), partner: None }
    }

    fn received(comments: CommentTerms) -> Share {
        let mut agreement = agreement("a", "acme");
        agreement.terms.comments = comments;
        agreement.support_addresses = vec!["help@acme.example".into(), "@desk.acme.example".into()];
        share(Side::Receiver, agreement)
    }

    #[test]
    fn r_28_the_partner_answers_while_terms_let_replies_cross() {
        let shares = [received(CommentTerms::PublicAndPrivate)];
        assert_eq!(reach(&placeholder(), &shares), Reach::Partner("ACME".into()));
        assert_eq!(reach(&placeholder(), &[received(CommentTerms::PrivateOnly)]), Reach::Nobody);
    }

    #[test]
    fn r_44_after_unsharing_only_an_address_reaches_the_requester() {
        let ended = [Share { live: false, ..received(CommentTerms::PublicAndPrivate) }];
        assert_eq!(reach(&placeholder(), &ended), Reach::Nobody);
        let address = "rita@customer.example";
        assert_eq!(reach(&own(address), &ended), Reach::Address(address.into()));
    }

    #[test]
    fn r_45_to_r_47_partners_support_addresses_get_no_mail() {
        let shares = [received(CommentTerms::PrivateOnly)];
        for address in ["help@acme.example", " HELP@Acme.Example", "x@desk.acme.example"] {
            assert!(!may_be_mailed(address, &shares), "{address}");
        }
        for address in ["ada@acme.example", "x@eu.desk.acme.example"] {
            assert!(may_be_mailed(address, &shares), "{address}");
        }
    }

    #[test]
    fn r_38_and_r_40_placeholders_stay_as_they_are() {
        assert!(!placeholder().may_be_changed());
        assert!(own("rita@customer.example").may_be_changed());
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
