#![doc = include_str!("../README.md")]

use std::collections::BTreeMap;

use agreement_service::rules::state::{State, Stored};
use comment_sync::rules::Settings;
use contracts::topology::{RETRY_LADDER, Service};
use contracts::{AccountName, ChainId, CopyId, Timestamp};
use field_sync::rules::Schema;
use line::AccountBasics;
use line::facts::Facts;
use messaging::{
    DecodeError, HandlerResult, Otherwise, Output, Patience, ReceivedMessage, Service as _,
    decide_and_apply,
};
use serde_json::Value;

/// How often "not yet" is tried again before it is a refusal.
fn waits(patience: Patience) -> usize {
    match patience {
        Patience::Moment => 1,
        Patience::Ladder => RETRY_LADDER.len(),
    }
}

/// A message on its way.
#[derive(Clone, Debug)]
pub struct LineMessage {
    /// Its `message_id`; of a command unique per account.
    pub id: String,
    /// Its `type`.
    pub kind: String,
    pub content: Value,
    /// Which command it comes from, by its number.
    pub origin: usize,
    /// Who published it, of a command.
    pub account: Option<AccountName>,
    /// When it arrived first.
    pub arrived_at: Option<Timestamp>,
    attempt: usize,
}

impl LineMessage {
    /// A command of an account.
    ///
    /// # Panics
    /// When that is no account's name.
    #[must_use]
    pub fn command(
        account: &str,
        id: String,
        message_type: &str,
        content: Value,
        origin: usize,
    ) -> Self {
        let account = Some(AccountName::new(account).expect("an account's name"));
        Self { account, ..Self::internal(id, message_type, content, origin) }
    }

    /// A message between services.
    #[must_use]
    pub fn internal(id: String, message_type: &str, content: Value, origin: usize) -> Self {
        Self {
            id,
            kind: message_type.to_owned(),
            content,
            origin,
            account: None,
            arrived_at: None,
            attempt: 0,
        }
    }
}

/// What comes of a message.
#[derive(Debug)]
pub enum Sent {
    /// To another stage.
    Service(Service, LineMessage),
    /// To an account's desk.
    Desk(AccountName, LineMessage),
    /// The same message to the same stage, later.
    Again(LineMessage),
    /// Nothing, because the stage cannot read it.
    Refused(LineMessage, DecodeError),
    /// Nothing, because a person has to look at it.
    Parked(LineMessage, String),
}

/// The stages with all they keep.
#[derive(Debug)]
pub struct Line {
    agreements: State,
    /// What share-dispatcher keeps.
    pub dispatcher: share_dispatcher::rules::State,
    dispatcher_facts: Facts,
    comments: comment_sync::Known,
    comment_facts: Facts,
    field_sync: field_sync::FieldSync,
    fields: field_sync::Known,
    field_facts: Facts,
    /// By stage and message: what is known is not decided again, its outputs go out again.
    journal: BTreeMap<(Service, String), Vec<Output>>,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            agreements: State::new(Stored::default()),
            dispatcher: share_dispatcher::rules::State::default(),
            dispatcher_facts: Facts::default(),
            comments: comment_sync::Known::default(),
            comment_facts: Facts::default(),
            field_sync: field_sync::FieldSync::default(),
            fields: field_sync::Known::default(),
            field_facts: Facts::default(),
            journal: BTreeMap::new(),
        }
    }
}

impl Line {
    /// A stage takes a message.
    pub fn take(
        &mut self,
        service: Service,
        mut message: LineMessage,
        now: Timestamp,
    ) -> Vec<Sent> {
        let arrived_at = *message.arrived_at.get_or_insert(now);
        let account = message.account.as_ref().map_or("", AccountName::as_str);
        let key = (service, format!("{account}/{}", message.id));
        let outputs = match self.journal.get(&key) {
            Some(outputs) => outputs.clone(),
            None => match self.decide(service, &message, arrived_at) {
                Err(error) => return vec![Sent::Refused(message, error)],
                Ok(HandlerResult::NotYet { patience, .. }) if message.attempt < waits(patience) => {
                    message.attempt += 1;
                    return vec![Sent::Again(message)];
                }
                Ok(
                    HandlerResult::Decided(outputs)
                    | HandlerResult::NotYet { otherwise: Otherwise::Decided(outputs), .. },
                ) => outputs,
                Ok(parked) => return vec![Sent::Parked(message, format!("{parked:?}"))],
            },
        };
        self.journal.insert(key.clone(), outputs.clone());
        outputs
            .iter()
            .enumerate()
            .map(|(index, output)| sent(&key, index, output, message.origin))
            .collect()
    }

    /// Whether a service can read a message.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(service: Service, message: &LineMessage) -> Result<(), DecodeError> {
        let (kind, content) = (message.kind.as_str(), message.content.clone());
        match service {
            Service::Agreement => agreement_service::AgreementService::new(usize::MAX)
                .decode(kind, content.into())
                .map(drop),
            Service::ShareDispatcher => dispatcher().decode(kind, content.into()).map(drop),
            Service::CommentSync => {
                comment_sync::CommentSync.decode(kind, content.into()).map(drop)
            }
            Service::FieldSync => {
                field_sync::FieldSync::default().decode(kind, content.into()).map(drop)
            }
            Service::Notifier => notifier::Notifier.decode(kind, content.into()).map(drop),
            Service::Gateway | Service::Helpdesk | Service::NhdBridge | Service::Desk(_) => {
                Err(no_stage(message))
            }
        }
    }

    fn decide(
        &mut self,
        service: Service,
        message: &LineMessage,
        arrived_at: Timestamp,
    ) -> Result<HandlerResult, DecodeError> {
        let content = message.content.clone();
        Ok(match service {
            Service::Agreement => {
                let service = agreement_service::AgreementService::new(usize::MAX);
                let inbound = service.decode(&message.kind, content.into())?;
                let received = received(message, arrived_at, inbound);
                decide_and_apply(&service, &mut self.agreements, &received)
            }
            Service::ShareDispatcher => {
                let inbound = dispatcher().decode(&message.kind, content.into())?;
                self.dispatch(&received(message, arrived_at, inbound))
            }
            Service::CommentSync => {
                let inbound = comment_sync::CommentSync.decode(&message.kind, content.into())?;
                if let comment_sync::Inbound::Fact(fact) = &inbound {
                    self.comment_facts.learn(fact);
                }
                let accounts = basics(&self.comment_facts);
                self.comments.settings = Settings {
                    secure_downloads: accounts
                        .iter()
                        .map(|(name, fact)| (name.clone(), fact.secure_downloads))
                        .collect(),
                    accounts,
                    no_mail_to: BTreeMap::new(),
                    inactive: self.comment_facts.inactive(),
                    limits: self
                        .comment_facts
                        .accounts
                        .iter()
                        .map(|(name, fact)| (name.clone(), fact.limits))
                        .collect(),
                };
                let received = received(message, arrived_at, inbound);
                decide_and_apply(&comment_sync::CommentSync, &mut self.comments, &received)
            }
            Service::FieldSync => {
                let inbound = self.field_sync.decode(&message.kind, content.into())?;
                if let field_sync::Inbound::Fact(fact) = &inbound {
                    self.field_facts.learn(fact);
                    let accounts = self.field_facts.accounts.iter();
                    self.fields.schemas = accounts
                        .map(|(name, fact)| (name.clone(), Schema::new(fact.clone())))
                        .collect();
                    self.fields.inactive = self.field_facts.inactive();
                }
                let received = received(message, arrived_at, inbound);
                decide_and_apply(&self.field_sync, &mut self.fields, &received)
            }
            Service::Notifier => {
                notifier::Notifier.decode(&message.kind, content.into())?;
                HandlerResult::Decided(Vec::new())
            }
            Service::Gateway | Service::Helpdesk | Service::NhdBridge | Service::Desk(_) => {
                return Err(no_stage(message));
            }
        })
    }

    fn dispatch(&mut self, received: &ReceivedMessage<share_dispatcher::Inbound>) -> HandlerResult {
        let state = &mut self.dispatcher;
        match &received.message {
            share_dispatcher::Inbound::Fact(fact) => {
                self.dispatcher_facts.learn(fact);
                state.accounts = basics(&self.dispatcher_facts);
                state.agreements.clone_from(&self.dispatcher_facts.agreements);
            }
            // As the store does: a chain that may begin here is there, empty.
            share_dispatcher::Inbound::Share(share, _)
                if share.ticket.copy_of.is_none() && !share.dry_run =>
            {
                let chain = ChainId::starting_with(&CopyId::original(
                    &received.command().account,
                    &share.ticket.id,
                ));
                state.chains.entry(chain).or_default();
            }
            _ => {}
        }
        let state = std::mem::take(state);
        let mut loaded = share_dispatcher::BatchState { state, ..Default::default() };
        let service = dispatcher();
        let result = decide_and_apply(&service, &mut loaded, received);
        self.dispatcher = loaded.state;
        result
    }
}

/// An edge is a desk: histories have desks of their own.
fn no_stage(message: &LineMessage) -> DecodeError {
    DecodeError::UnknownType(message.kind.clone())
}

/// share-dispatcher, with a key that every run has.
///
/// # Panics
/// Never: the key is long enough.
#[must_use]
pub fn dispatcher() -> share_dispatcher::ShareDispatcher {
    let keys = share_dispatcher::Keys::read("a-key-that-every-run-of-the-stages-has");
    share_dispatcher::ShareDispatcher::new(keys.expect("a key"))
}

fn basics(facts: &Facts) -> BTreeMap<AccountName, AccountBasics> {
    facts.accounts.iter().map(|(name, fact)| (name.clone(), fact.into())).collect()
}

fn received<M>(message: &LineMessage, received_at: Timestamp, inbound: M) -> ReceivedMessage<M> {
    ReceivedMessage {
        account: message
            .account
            .as_ref()
            .map_or(ReceivedMessage::<M>::INTERNAL.to_owned(), ToString::to_string),
        message_id: message.id.clone(),
        message_type: message.kind.clone(),
        publisher: message.account.clone(),
        received_at,
        message: inbound,
        remarks: contracts::sync::Remarks::default(),
    }
}

/// An output with the id that follows from what caused it.
fn sent((service, key): &(Service, String), index: usize, output: &Output, origin: usize) -> Sent {
    let content = serde_json::from_str(output.body()).expect("an output is JSON");
    let message = LineMessage::internal(
        format!("{}/{key}/{index}", service.name()),
        output.message_type(),
        content,
        origin,
    );
    let first = output.routing_key().split('.').next().unwrap_or_default();
    if output.exchange() == "desk" {
        return Sent::Desk(
            AccountName::new(first).expect("a desk's key begins with its account"),
            message,
        );
    }
    Sent::Service(first.parse().expect("a key on `sync` begins with a service"), message)
}
