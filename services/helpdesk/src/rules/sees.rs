//! Who will see a comment, before it is sent: by the terms of the ticket's live shares.

use contracts::delivery::Side;

use super::sharing::{Agreement, Share};

/// One organisation along the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Its name; nothing: this account.
    pub name: Option<String>,
    /// What of it sees the comment.
    pub sees: Sees,
}

/// What of an organisation sees a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sees {
    /// Agents alone.
    Agents,
    /// Agents, and whoever asked.
    AgentsAndRequester,
    /// Nobody: the terms let private comments alone cross.
    PrivateOnly,
}

/// Who will see a comment, from where the ticket came to where it went. Organisations further on
/// see what their neighbour's terms let through.
#[must_use]
pub fn who_sees(public: bool, shares: &[Share], requester_is_here: bool) -> Vec<Hop> {
    let hop = |share: &Share| Hop {
        name: Some(share.partner_name.clone()),
        sees: crosses(public, share),
    };
    let live = |side: Side| shares.iter().filter(move |share| share.live && share.side == side);
    let here = Hop {
        name: None,
        sees: if public && requester_is_here { Sees::AgentsAndRequester } else { Sees::Agents },
    };
    live(Side::Receiver)
        .map(hop)
        .chain(std::iter::once(here))
        .chain(live(Side::Sender).map(hop))
        .collect()
}

/// `private_only` limits what the receiver may write; every other comment crosses.
fn crosses(public: bool, share: &Share) -> Sees {
    let lets_public = share.agreement.as_ref().is_none_or(Agreement::is_public);
    match (share.side, public) {
        (Side::Receiver, true) if !lets_public => Sees::PrivateOnly,
        // Whoever asked is at the account where the ticket began.
        (Side::Receiver, true) => Sees::AgentsAndRequester,
        _ => Sees::Agents,
    }
}

#[cfg(test)]
mod tests {
    use contracts::terms::CommentTerms;

    use super::super::sharing::samples::{agreement, share};
    use super::*;

    fn chain(from: CommentTerms) -> [Share; 2] {
        let mut inbound = agreement("a", "acme");
        inbound.terms.comments = from;
        let mut outbound = agreement("b", "initech");
        outbound.terms.comments = CommentTerms::PrivateOnly;
        [share(Side::Receiver, inbound), share(Side::Sender, outbound)]
    }

    fn seen(public: bool, shares: &[Share]) -> Vec<Sees> {
        who_sees(public, shares, false).into_iter().map(|hop| hop.sees).collect()
    }

    #[test]
    fn r_24_a_note_is_read_by_every_partners_agents() {
        let shares = chain(CommentTerms::PrivateOnly);
        assert_eq!(seen(false, &shares), [Sees::Agents, Sees::Agents, Sees::Agents]);
    }

    #[test]
    fn r_53_and_r_54_a_public_reply_goes_back_where_the_terms_let_it() {
        let kept = chain(CommentTerms::PrivateOnly);
        assert_eq!(seen(true, &kept), [Sees::PrivateOnly, Sees::Agents, Sees::Agents]);
        let open = chain(CommentTerms::PublicAndPrivate);
        assert_eq!(seen(true, &open)[0], Sees::AgentsAndRequester);
    }

    #[test]
    fn a_share_that_has_ended_carries_nothing() {
        let ended =
            chain(CommentTerms::PublicAndPrivate).map(|share| Share { live: false, ..share });
        assert_eq!(seen(true, &ended), [Sees::Agents]);
        let own = who_sees(true, &[], true);
        assert_eq!(own, [Hop { name: None, sees: Sees::AgentsAndRequester }]);
    }
}
