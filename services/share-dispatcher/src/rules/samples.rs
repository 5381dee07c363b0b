//! A small world for the rules' tests: decides and carries out, like the service, without a
//! database.

use contracts::command::{
    AccountKind, ShareList, ShareRecover, SharedTicket, TicketBind, TicketRedact, TicketResync,
    TicketShare, TicketUnshare, TicketUpdate,
};
use contracts::comment::Comment;
use contracts::delivery::AgreementStatus;
use contracts::fields::{SentFields, Status};
use contracts::ids::derive_id;
use contracts::sync::{AccountFact, Action, AgreementFact, CommandRef, Hop};
use contracts::terms::CommentTerms;
use contracts::{
    AccountName, Actor, AgreementId, ChainId, CommentId, CopyId, Reason, Role, ShareId, Terms,
    TicketId, Timestamp,
};
use line::{AccountBasics, Chain};

use super::{Decision, Keys, ListedShare, Noted, State, decide};
use crate::inbound::Inbound;

pub(crate) struct SampleDesk {
    state: State,
    sent: usize,
}

fn account(name: &str) -> AccountName {
    AccountName::new(name).unwrap()
}

fn now() -> Timestamp {
    Timestamp::parse("2026-03-01T10:00:00Z").unwrap()
}

fn agent() -> Actor {
    Actor { id: "7".into(), name: "Agent".into(), role: Role::Agent, email: None, phone: None }
}

pub(crate) fn keys() -> Keys {
    Keys::read("a-key-that-every-test-of-rules-has").unwrap()
}

/// The reason of a refusal.
pub(crate) fn reason(decision: &Decision) -> Option<Reason> {
    match decision {
        Decision::Answered(answer) => answer.reason,
        Decision::NotYet(reason) => Some(*reason),
        Decision::Bound { .. }
        | Decision::Passed { .. }
        | Decision::Listed { .. }
        | Decision::Recovered { .. } => None,
    }
}

impl SampleDesk {
    pub fn new() -> Self {
        Self { state: State::default(), sent: 0 }
    }

    pub fn agreement(sender: &str, receiver: &str) -> AgreementId {
        AgreementId::new(derive_id("test", &[sender, receiver]).to_string()).unwrap()
    }

    pub fn agree(&mut self, sender: &str, receiver: &str, status: AgreementStatus) {
        for name in [sender, receiver, "initech"] {
            let registered = AccountFact::registered(account(name), AccountKind::Connected);
            let registered = || AccountBasics::from(&registered);
            self.state.accounts.entry(account(name)).or_insert_with(registered);
        }
        let fact = AgreementFact {
            agreement_id: Self::agreement(sender, receiver),
            version: 1,
            sender: account(sender),
            receiver: account(receiver),
            terms: Terms {
                comments: CommentTerms::PublicAndPrivate,
                tags: true,
                custom_fields: true,
            },
            status,
            at: now(),
        };
        self.state.agreements.insert(fact.agreement_id.clone(), fact);
    }

    pub fn sample_share(ticket: &str) -> TicketShare {
        TicketShare {
            agreement_id: Self::agreement("acme", "globex"),
            share_id: None,
            ticket: SharedTicket {
                id: TicketId::new(ticket).unwrap(),
                copy_of: None,
                subject: "Printer".into(),
                status: Status::Open,
                custom_status: None,
                requested_at: None,
                requester: agent(),
                ccs: Vec::new(),
                tags: Vec::new(),
                custom_fields: SentFields::new(),
                comments: vec![Comment {
                    id: CommentId::new(format!("acme/{ticket}")).unwrap(),
                    author: None,
                    body: "It smokes.".into(),
                    html_body: None,
                    public: true,
                    authored_at: None,
                    attachments: Vec::new(),
                    call: None,
                }],
            },
            actor: agent(),
            occurred_at: now(),
            dry_run: false,
        }
    }

    pub fn share(&mut self, sender: &str, receiver: &str, ticket: &str) -> Decision {
        self.share_under(sender, Self::agreement(sender, receiver), ticket, None)
    }

    pub fn share_under(
        &mut self,
        sender: &str,
        agreement: AgreementId,
        ticket: &str,
        copy_of: Option<ShareId>,
    ) -> Decision {
        self.decide_share(sender, agreement, ticket, |share| share.ticket.copy_of = copy_of)
    }

    pub fn decide_share(
        &mut self,
        sender: &str,
        agreement: AgreementId,
        ticket: &str,
        change: impl FnOnce(&mut TicketShare),
    ) -> Decision {
        let mut share = Self::sample_share(ticket);
        share.agreement_id = agreement;
        change(&mut share);
        // As the store does: a chain that may begin here is there, empty.
        let chain = ChainId::starting_with(&CopyId::original(&account(sender), &share.ticket.id));
        self.state.chains.entry(chain).or_default();
        self.decide(sender, &Inbound::Share(Box::new(share), Noted::default()))
    }

    pub fn bind(&mut self, who: &str, share: &ShareId, ticket: &str) -> Decision {
        let bind =
            TicketBind { share_id: share.clone(), ticket_id: TicketId::new(ticket).unwrap() };
        self.decide(who, &Inbound::Bind(bind))
    }

    pub fn unshare(&mut self, who: &str, ticket: &str) -> Decision {
        let unshare = TicketUnshare {
            ticket_id: Some(TicketId::new(ticket).unwrap()),
            share_id: None,
            actor: agent(),
        };
        self.decide(who, &Inbound::Unshare(unshare))
    }

    pub fn update(
        &mut self,
        who: &str,
        ticket: &str,
        change: impl FnOnce(&mut TicketUpdate),
    ) -> Decision {
        self.update_noted(who, ticket, Noted::default(), change)
    }

    pub fn update_noted(
        &mut self,
        who: &str,
        ticket: &str,
        noted: Noted,
        change: impl FnOnce(&mut TicketUpdate),
    ) -> Decision {
        let mut update = TicketUpdate {
            ticket_id: Some(TicketId::new(ticket).unwrap()),
            share_id: None,
            base_revision: None,
            actor: agent(),
            occurred_at: now(),
            status: None,
            custom_status: None,
            tags: None,
            custom_fields: SentFields::new(),
            ccs: None,
            comments: Vec::new(),
            dry_run: false,
        };
        change(&mut update);
        self.decide(who, &Inbound::Update(Box::new(update), noted))
    }

    pub fn redact(&mut self, who: &str, ticket: &str, comment: &str) -> Decision {
        let redact = TicketRedact {
            ticket_id: Some(TicketId::new(ticket).unwrap()),
            share_id: None,
            comment_id: CommentId::new(comment).unwrap(),
            attachment_id: None,
            actor: agent(),
        };
        self.decide(who, &Inbound::Redact(redact))
    }

    pub fn resync(&mut self, who: &str, share: &ShareId) -> Decision {
        self.decide(who, &Inbound::Resync(TicketResync { share_id: share.clone() }))
    }

    pub fn list(&mut self, who: &str, change: impl FnOnce(&mut ShareList)) -> Decision {
        let mut list = ShareList::default();
        change(&mut list);
        self.find(who, list.cursor.as_deref(), list.limit, |_, hop| {
            (hop.sender == account(who) || hop.receiver == account(who))
                && list.agreement_id.as_ref().is_none_or(|id| hop.agreement_id == *id)
        });
        self.decide(who, &Inbound::List(list))
    }

    pub fn recover(&mut self, who: &str, limit: Option<u32>, cursor: Option<String>) -> Decision {
        self.find(who, cursor.as_deref(), limit, |chain, hop| !chain.has_ended(&hop.share_id));
        self.decide(who, &Inbound::Recover(ShareRecover { cursor, limit }))
    }

    /// A recovery whose page was read before something else was done.
    pub fn recover_while(&mut self, who: &str, other: impl FnOnce(&mut Self)) -> Decision {
        self.find(who, None, None, |chain, hop| !chain.has_ended(&hop.share_id));
        let (key, page) = self.state.listed.pop_last().unwrap();
        other(self);
        let key = (key.0, (self.sent + 1).to_string());
        self.state.listed.insert(key, page);
        self.decide(who, &Inbound::Recover(ShareRecover::default()))
    }

    /// Finds shares as the store does: one more than the page, in order.
    fn find(
        &mut self,
        who: &str,
        cursor: Option<&str>,
        limit: Option<u32>,
        is_wanted: impl Fn(&Chain, &Hop) -> bool,
    ) {
        let mut found: Vec<ListedShare> = self
            .state
            .chains
            .values()
            .flat_map(|chain| chain.hops().filter(|hop| is_wanted(chain, hop)))
            .filter(|hop| cursor.is_none_or(|cursor| hop.share_id.as_str() > cursor))
            .map(|hop| ListedShare { hop: hop.clone(), started_at: now(), ended_at: None })
            .collect();
        found.sort_by(|one, other| one.hop.share_id.cmp(&other.hop.share_id));
        found.truncate(limit.unwrap_or(50) as usize + 1);
        self.state.listed.insert((account(who), (self.sent + 1).to_string()), found);
    }

    pub fn share_id(decision: &Decision) -> Option<ShareId> {
        match decision {
            Decision::Passed { transfer, .. } => match &transfer.action {
                Action::Share(sharing) => Some(sharing.share_id.clone()),
                _ => None,
            },
            _ => None,
        }
    }

    fn decide(&mut self, who: &str, message: &Inbound) -> Decision {
        self.sent += 1;
        let command = CommandRef {
            account: account(who),
            message_id: self.sent.to_string(),
            command_type: "test.test.v1".into(),
            received_at: now(),
            remarks: contracts::sync::Remarks::default(),
        };
        let decision = decide(&self.state, &keys(), &account(who), &command, message);
        self.state.apply(&decision);
        decision
    }
}
