//! What a desk promises (the contract's part 6), and what its screens, views and triggers stand on:
//! computed from what it was told, and from nothing else. A sample for whoever writes a desk.

mod content;
mod people;
#[cfg(test)]
mod samples;
mod views;

use std::collections::{BTreeMap, BTreeSet};

use contracts::delivery::{
    AgreementState, AgreementStatus, DeliveryBody, ShareStanding, Side, TicketCreated,
};
use contracts::terms::CommentTerms;
use contracts::{AccountName, AgreementId, CommentId, Receipt, ReceiptOutcome, ShareId, TicketId};

pub use content::{
    Form, HistoryEntry, MessageIds, Origin, RecordedChange, changes_in, form_of, history_of,
    may_fetch, shown_html, to_publish,
};
pub use people::{Reach, Requester, User, Users};
pub use views::{SharingCondition, updated_via_sharing};

/// Why a desk does not do what an agent asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DutyRefusal {
    ///
    #[error("the ticket is shared with {0}: unshare it before merging it")]
    InLiveShare(String),
    ///
    #[error("{0} stands for a person of another account and cannot be deleted or merged")]
    Placeholder(String),
}

/// A ticket in a share, as one of its parties knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// Which party this desk is.
    pub side: Side,
    /// The other one.
    pub partner: Option<AccountName>,
    /// The agreement it was made under.
    pub agreement: Option<AgreementId>,
    /// This desk's own number for the ticket.
    pub number: Option<TicketId>,
    /// Whether the share has ended by itself; it ends with its agreement as well.
    pub ended: bool,
    /// Whether a change of the ticket came by sharing.
    pub changed_by_sharing: bool,
}

/// What a desk knows of its agreements and shares.
#[derive(Clone, Debug, Default)]
pub struct Duties {
    agreements: BTreeMap<AgreementId, AgreementState>,
    shares: BTreeMap<ShareId, Shared>,
    comments: BTreeSet<CommentId>,
}

impl Duties {
    /// What follows from all that a desk was told, in whatever order it came.
    #[must_use]
    pub fn of<'a>(told: impl IntoIterator<Item = &'a DeliveryBody>) -> Self {
        let mut duties = Self::default();
        for told in told {
            duties.take(told);
        }
        duties
    }

    /// Takes what the desk is told.
    pub fn take(&mut self, told: &DeliveryBody) {
        match told {
            DeliveryBody::AgreementInvited(state)
            | DeliveryBody::AgreementAccepted(state)
            | DeliveryBody::AgreementDeclined(state)
            | DeliveryBody::AgreementDeactivated(state)
            | DeliveryBody::AgreementState(state) => self.agreement(state),
            DeliveryBody::TicketCreated(created) => self.created(created),
            DeliveryBody::TicketUpdated(updated) => {
                self.comments.extend(updated.comments.iter().map(|comment| comment.id.clone()));
                let shared = self.shared(&updated.share_id, Side::Receiver);
                shared.changed_by_sharing = true;
                shared.partner.get_or_insert_with(|| updated.received_from.clone());
                shared.number = updated.ticket_id.clone().or(shared.number.take());
            }
            DeliveryBody::TicketBound(bound) => {
                self.shared(&bound.share_id, Side::Sender).side = Side::Sender;
            }
            DeliveryBody::TicketUnshared(unshared) => {
                self.shared(&unshared.share_id, Side::Receiver).ended = true;
            }
            DeliveryBody::ShareState(state) => {
                let shared = self.shared(&state.share_id, state.side);
                shared.side = state.side;
                shared.partner = Some(state.partner.account.clone());
                shared.agreement = Some(state.agreement_id.clone());
                shared.number = state.ticket_id.clone().or(shared.number.take());
                // A list that was made earlier may come later: what has ended stays so.
                shared.ended |= state.state != ShareStanding::Live;
            }
            DeliveryBody::Receipt(receipt) => self.answered(receipt),
            DeliveryBody::TicketState(_)
            | DeliveryBody::AccountState(_)
            | DeliveryBody::AccountRecovered(_)
            | DeliveryBody::AgreementComparison(_) => {}
        }
    }

    /// The desk's own number for a ticket it shares or was asked to create.
    pub fn number(&mut self, share: &ShareId, number: &str) {
        if let (Some(shared), Ok(number)) = (self.shares.get_mut(share), TicketId::new(number)) {
            shared.number = Some(number);
        }
    }

    /// Whether the share field is offered on tickets: only with an agreement to share under.
    #[must_use]
    pub fn may_offer_share_field(&self) -> bool {
        self.agreements
            .values()
            .any(|it| it.side == Side::Sender && it.status == AgreementStatus::Accepted)
    }

    /// Whether both copies of a share are kept in step.
    #[must_use]
    pub fn is_live(&self, share: &ShareId) -> bool {
        self.shares.get(share).is_some_and(|shared| self.is_shared(shared))
    }

    /// Whether a ticket may be merged, as source or as target: not while it is in a live share
    ///
    ///
    /// # Errors
    /// [`DutyRefusal::InLiveShare`].
    pub fn may_merge(&self, number: &str) -> Result<(), DutyRefusal> {
        let Some(shared) = self.live_shares_of(number).next() else { return Ok(()) };
        Err(DutyRefusal::InLiveShare(
            self.partner(shared)
                .map_or_else(|| "another account".to_owned(), |partner| partner.to_string()),
        ))
    }

    /// Whether the comments of a ticket are published: all of them, private ones too, while it is
    /// in a live share.
    #[must_use]
    pub fn publishes_comments_of(&self, number: &str) -> bool {
        self.live_shares_of(number).next().is_some()
    }

    /// Whether a comment came by sharing: then it is not published back.
    #[must_use]
    pub fn came_by_sharing(&self, comment: &CommentId) -> bool {
        self.comments.contains(comment)
    }

    /// Whether the desk may mail an address: not one that a partner reads as tickets (R-45 to
    ///
    #[must_use]
    pub fn may_be_mailed(&self, address: &str) -> bool {
        let address = address.trim().to_lowercase();
        let covers = |entry: &str| match entry.strip_prefix('@') {
            Some(domain) => address.rsplit_once('@').is_some_and(|(_, own)| own == domain),
            None => entry == address,
        };
        let partners = self.agreements.values().filter(|it| it.status == AgreementStatus::Accepted);
        !partners
            .flat_map(|it| &it.partner_support_addresses)
            .any(|entry| covers(&entry.trim().to_lowercase()))
    }

    /// Where a public reply on a ticket that came by sharing goes.
    #[must_use]
    pub fn reply_reaches(&self, share: &ShareId, requester: &Requester) -> Reach {
        let shared = self.shares.get(share).filter(|shared| self.is_shared(shared));
        let carried = shared.is_some_and(|shared| self.lets_reply(shared));
        match requester.address() {
            _ if carried => Reach::Partner,
            Some(address) if self.may_be_mailed(address) => Reach::Mail(address.to_owned()),
            _ => Reach::Nobody,
        }
    }

    /// What the agent is told who puts another user in the requester's place by hand. It is allowed
    /// in any case.
    #[must_use]
    pub fn warns_of_new_requester(&self, number: &str) -> Option<&'static str> {
        let received = self.live_shares_of(number).any(|shared| shared.side == Side::Receiver);
        received.then_some(
            "The ticket came by sharing: its partner goes on with the requester it knows, and the \
             two copies will differ.",
        )
    }

    fn agreement(&mut self, state: &AgreementState) {
        let known =
            self.agreements.entry(state.agreement_id.clone()).or_insert_with(|| state.clone());
        if known.version <= state.version {
            known.clone_from(state);
        }
    }

    fn created(&mut self, created: &TicketCreated) {
        self.comments.extend(created.comments.iter().map(|comment| comment.id.clone()));
        let shared = self.shared(&created.share_id, Side::Receiver);
        shared.side = Side::Receiver;
        shared.partner = Some(created.received_from.clone());
        shared.agreement = Some(created.agreement_id.clone());
        shared.changed_by_sharing = true;
    }

    fn answered(&mut self, receipt: &Receipt) {
        let done = matches!(receipt.outcome, ReceiptOutcome::Applied | ReceiptOutcome::Partial);
        let Some(share) = receipt.share_id.as_ref().filter(|_| done) else { return };
        match receipt.command_type.as_str() {
            "ticket.share.v1" => {
                let shared = self.shared(share, Side::Sender);
                shared.side = Side::Sender;
                shared.agreement = shared.agreement.take().or_else(|| receipt.agreement_id.clone());
            }
            "ticket.unshare.v1" => self.shared(share, Side::Sender).ended = true,
            _ => {}
        }
    }

    /// A share as it is known so far: deliveries come in any order.
    fn shared(&mut self, share: &ShareId, side: Side) -> &mut Shared {
        let new = Shared {
            side,
            partner: None,
            agreement: None,
            number: None,
            ended: false,
            changed_by_sharing: false,
        };
        self.shares.entry(share.clone()).or_insert(new)
    }

    fn live_shares_of(&self, number: &str) -> impl Iterator<Item = &Shared> {
        let of_it = move |shared: &&Shared| {
            shared.number.as_ref().is_some_and(|own| own.as_str() == number)
        };
        self.shares.values().filter(of_it).filter(|shared| self.is_shared(shared))
    }

    fn agreement_of(&self, shared: &Shared) -> Option<&AgreementState> {
        shared.agreement.as_ref().and_then(|agreement| self.agreements.get(agreement))
    }

    fn is_shared(&self, shared: &Shared) -> bool {
        let over =
            self.agreement_of(shared).is_some_and(|it| it.status == AgreementStatus::Inactive);
        !shared.ended && !over
    }

    fn lets_reply(&self, shared: &Shared) -> bool {
        self.agreement_of(shared)
            .is_some_and(|it| it.terms.comments == CommentTerms::PublicAndPrivate)
    }

    fn partner(&self, shared: &Shared) -> Option<AccountName> {
        let by_agreement = || {
            let agreement = self.agreement_of(shared)?;
            let party =
                if shared.side == Side::Sender { &agreement.receiver } else { &agreement.sender };
            Some(party.account.clone())
        };
        shared.partner.clone().or_else(by_agreement)
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{agreement, comment, created, listed, receipt, share, unshared, updated};
    use super::*;
    use serde_json::json;

    const ACCEPTED: &str = "agreement.accepted.v1";
    const DEACTIVATED: &str = "agreement.deactivated.v1";

    fn told(told: &[DeliveryBody]) -> Duties {
        let mut duties = Duties::default();
        for told in told {
            duties.take(told);
        }
        duties
    }

    fn with_address(address: &str) -> Requester {
        Requester::User(User {
            id: "1".to_owned(),
            name: "Rita".to_owned(),
            address: Some(address.to_owned()),
        })
    }

    #[test]
    fn r_11_only_an_accepted_outgoing_agreement_gives_the_share_field() {
        for (name, side, status, offered) in [
            (ACCEPTED, "sender", "accepted", true),
            (ACCEPTED, "receiver", "accepted", false),
            ("agreement.invited.v1", "sender", "pending", false),
            ("agreement.declined.v1", "sender", "declined", false),
            (DEACTIVATED, "sender", "inactive", false),
        ] {
            assert_eq!(
                told(&[agreement(name, side, status, 2)]).may_offer_share_field(),
                offered,
                "{side} {status}"
            );
        }
    }

    #[test]
    fn a_lower_version_of_an_agreement_is_ignored() {
        let (accepted, over) = (
            agreement(ACCEPTED, "sender", "accepted", 2),
            agreement(DEACTIVATED, "sender", "inactive", 3),
        );
        for order in [[accepted.clone(), over.clone()], [over, accepted]] {
            assert!(!told(&order).may_offer_share_field());
        }
    }

    #[test]
    fn r_27_a_ticket_is_merged_only_when_its_share_has_ended() {
        let shared = [created(&json!({})), updated(&json!({ "ticket_id": "77" }))];
        let refusal = told(&shared).may_merge("77").unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "the ticket is shared with acme: unshare it before merging it"
        );
        assert_eq!(told(&shared).may_merge("78"), Ok(()));
        let ended = agreement(DEACTIVATED, "receiver", "inactive", 3);
        for end in [unshared(), ended, listed(10, "receiver", "acme", "unshared")] {
            let told = told(&[&shared[..], &[end]].concat());
            assert_eq!((told.may_merge("77"), told.is_live(&share(10))), (Ok(()), false));
        }
    }

    #[test]
    fn an_end_that_comes_before_the_ticket_is_an_end() {
        let told = told(&[unshared(), created(&json!({})), updated(&json!({ "ticket_id": "77" }))]);
        assert!(!told.is_live(&share(10)));
        assert!(!told.publishes_comments_of("77"));
    }

    #[test]
    fn a_sender_knows_its_shares_by_receipts_and_lists() {
        let mut duties = told(&[
            receipt("ticket.share.v1", 10, "partial"),
            receipt("ticket.share.v1", 11, "rejected"),
        ]);
        duties.number(&share(10), "1");
        duties.number(&share(11), "2");
        assert!(duties.publishes_comments_of("1"));
        assert!(!duties.publishes_comments_of("2"), "it was refused");
        duties.take(&receipt("ticket.unshare.v1", 10, "applied"));
        duties.take(&listed(10, "sender", "globex", "live"));
        assert!(!duties.publishes_comments_of("1"), "the list was made before the end");
    }

    #[test]
    fn r_43_the_receivers_agent_is_warned_and_nobody_else() {
        let received = [created(&json!({})), updated(&json!({ "ticket_id": "77" }))];
        assert!(told(&received).warns_of_new_requester("77").is_some());
        assert_eq!(
            told(&[listed(10, "sender", "globex", "live")]).warns_of_new_requester("t10"),
            None
        );
        assert_eq!(
            told(&[&received[..], &[unshared()]].concat()).warns_of_new_requester("77"),
            None
        );
    }

    #[test]
    fn r_44_without_a_share_only_an_address_reaches_the_requester() {
        let live = [agreement(ACCEPTED, "receiver", "accepted", 2), created(&json!({}))];
        let DeliveryBody::TicketCreated(ticket) = &live[1] else { panic!() };
        let placeholder = Requester::Placeholder(ticket.requester.clone());
        assert_eq!(told(&live).reply_reaches(&share(10), &placeholder), Reach::Partner);
        let ended = told(&[&live[..], &[unshared()]].concat());
        assert_eq!(ended.reply_reaches(&share(10), &placeholder), Reach::Nobody);
        let address = "rita@customer.example";
        assert_eq!(
            ended.reply_reaches(&share(10), &with_address(address)),
            Reach::Mail(address.to_owned())
        );
        assert_eq!(
            ended.reply_reaches(&share(10), &with_address("help@partner.example")),
            Reach::Nobody,
            "R-45"
        );
    }

    #[test]
    fn r_45_to_r_47_a_partners_support_addresses_get_no_mail() {
        let duties = told(&[agreement(ACCEPTED, "sender", "accepted", 2)]);
        for address in ["help@partner.example", " HELP@Partner.Example", "all@desk.partner.example"]
        {
            assert!(!duties.may_be_mailed(address), "{address}");
        }
        for address in
            ["ada@partner.example", "help@desk.partner.example.org", "all@eu.desk.partner.example"]
        {
            assert!(duties.may_be_mailed(address), "{address}");
        }
        assert!(
            told(&[agreement(DEACTIVATED, "sender", "inactive", 3)])
                .may_be_mailed("help@partner.example")
        );
    }

    #[test]
    fn a_comment_that_came_is_known_as_one_that_came() {
        let duties = told(&[
            created(&json!({ "comments": [comment(1, "Once.")] })),
            updated(&json!({ "comments": [comment(2, "Twice.")] })),
        ]);
        let came = |id: &str| duties.came_by_sharing(&CommentId::new(id).unwrap());
        assert_eq!((came("acme/1"), came("acme/2"), came("globex/1")), (true, true, false));
    }
}
