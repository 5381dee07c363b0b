//! Who will see a comment, before it is sent: by the terms of the ticket's live shares, and by what
//! the line says would become of it.

use std::collections::BTreeMap;

use contracts::delivery::Side;
use contracts::{Item, ItemOutcome, Reason, Receipt};

use super::sharing::{Agreement, Share};

/// One organisation along the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudienceHop {
    /// The share that leads there, where it is a neighbour.
    pub share: Option<String>,
    /// Its name; nothing: this account, or one further on, which nobody names.
    pub name: Option<String>,
    /// Whether it is further on than a neighbour.
    pub is_further: bool,
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
    /// Nobody: the line would withhold it.
    Stays(Option<Reason>),
}

/// Who will see a comment, from where the ticket came to where it went. Organisations further on
/// see what their neighbour's terms let through.
#[must_use]
pub fn who_sees(public: bool, shares: &[Share], requester_is_here: bool) -> Vec<AudienceHop> {
    let hop = |share: &Share| AudienceHop {
        share: Some(share.id.clone()),
        is_further: false,
        name: Some(share.partner_name.clone()),
        sees: crosses(public, share),
    };
    let live = |side: Side| shares.iter().filter(move |share| share.live && share.side == side);
    let here = AudienceHop {
        share: None,
        name: None,
        is_further: false,
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

/// What the line says would become of one comment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// By share: nothing where it would cross, else why it would stay.
    shares: BTreeMap<String, Option<Sees>>,
    /// How many organisations further on it would reach.
    beyond: usize,
}

/// What the receipt of a dry run says of a comment.
#[must_use]
pub fn answered(receipt: &Receipt, comment: &str) -> Answered {
    let mut answered = Answered::default();
    let is_it = |item: &Item| matches!(item, Item::Comment(id) if id.as_str() == comment);
    for decision in receipt.decisions.iter().filter(|it| is_it(&it.item)) {
        let stays = decision.outcome == ItemOutcome::Withheld;
        if decision.beyond {
            answered.beyond += usize::from(!stays);
        } else if let Some(share) = decision.share_id.as_ref().or(receipt.share_id.as_ref()) {
            let sees = stays.then_some(Sees::Stays(decision.reason));
            answered.shares.insert(share.to_string(), sees);
        }
    }
    answered
}

impl Answered {
    /// The way, put right by what the line said.
    #[must_use]
    pub fn over(&self, mut hops: Vec<AudienceHop>) -> Vec<AudienceHop> {
        for hop in &mut hops {
            let told = hop.share.as_ref().and_then(|share| self.shares.get(share));
            hop.sees = match (told, hop.sees) {
                // The terms say it in more words.
                (Some(Some(_)), Sees::PrivateOnly) => Sees::PrivateOnly,
                (Some(Some(stays)), _) => *stays,
                (Some(None), Sees::PrivateOnly) => Sees::Agents,
                (None | Some(None), sees) => sees,
            };
        }
        let further = AudienceHop { share: None, name: None, is_further: true, sees: Sees::Agents };
        hops.extend(std::iter::repeat_n(further, self.beyond));
        hops
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
        let seen: Vec<_> = own.iter().map(|hop| (hop.name.as_deref(), hop.sees)).collect();
        assert_eq!(seen, [(None, Sees::AgentsAndRequester)]);
    }

    #[test]
    fn what_the_line_says_of_one_comment_stands_above_the_terms() {
        const SHARE: &str = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10";
        let receipt: Receipt = serde_json::from_value(serde_json::json!({
            "command_id": "k", "command_type": "ticket.update.v1", "outcome": "partial",
            "dry_run": true, "decisions": [
                { "share_id": SHARE, "item": "comment:acme/1", "outcome": "withheld",
                    "reason": "no_private_comments" },
                { "share_id": SHARE, "item": "comment:acme/2", "outcome": "transferred" },
                { "item": "comment:acme/2", "outcome": "transferred", "beyond": true },
            ] }))
        .unwrap();
        let mut shares = chain(CommentTerms::PublicAndPrivate);
        shares[1].id = SHARE.to_owned();
        let seen = |comment: &str| {
            let hops = answered(&receipt, comment).over(who_sees(false, &shares, false));
            hops.into_iter().skip(2).map(|hop| (hop.is_further, hop.sees)).collect::<Vec<_>>()
        };
        assert_eq!(seen("acme/1"), [(false, Sees::Stays(Some(Reason::NoPrivateComments)))]);
        assert_eq!(seen("acme/2"), [(false, Sees::Agents), (true, Sees::Agents)]);
    }
}
