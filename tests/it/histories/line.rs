//! The four stages of the line without broker or database: the services' own rules and outputs, messages in any order and any number
//! of times.

use std::collections::BTreeMap;

use agreement_service::rules::{self, Answer};
use comment_sync::rules::Settings;
use contracts::delivery::{AgreementStatus, Delivery};
use contracts::sync::{AccountFact, AgreementFact, Fact};
use contracts::topology::Service;
use contracts::{AccountName, AgreementId, ChainId, CopyId, Timestamp};
use field_sync::rules::Schema;
use messaging::{Otherwise, Output, Received, Service as _, Verdict};
use serde_json::Value;

/// How often "not yet" is tried again before it is a refusal.
const LADDER: usize = 2;

/// A message on its way.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its `message_id`; of a command unique per account.
    pub id: String,
    /// Its `type`.
    pub kind: String,
    /// Its content.
    pub content: Value,
    /// Which command it comes from, by its number.
    pub origin: usize,
    /// Who published it, of a command.
    pub account: Option<AccountName>,
    /// When it arrived first.
    pub arrived_at: Option<Timestamp>,
    attempt: usize,
}

impl Message {
    /// A command of an account.
    pub fn command(account: &str, id: String, message_type: &str, content: Value, origin: usize) -> Self {
        let account = Some(AccountName::new(account).expect("an account's name"));
        Self { id, kind: message_type.to_owned(), content, origin, account, arrived_at: None, attempt: 0 }
    }
}

/// Accounts and agreements as a stage learned them.
#[derive(Debug, Default)]
struct Facts {
    accounts: BTreeMap<AccountName, AccountFact>,
    agreements: BTreeMap<AgreementId, AgreementFact>,
}

impl Facts {
    fn learn(&mut self, fact: &Fact) {
        if let Some(account) = fact.change.account()
            && self.accounts.get(&account.account).is_none_or(|known| known.version < account.version)
        {
            self.accounts.insert(account.account.clone(), account.clone());
        }
        for agreement in fact.change.agreements() {
            if self.agreements.get(&agreement.agreement_id).is_none_or(|known| known.version < agreement.version) {
                self.agreements.insert(agreement.agreement_id.clone(), agreement.clone());
            }
        }
    }

    fn inactive(&self) -> std::collections::BTreeSet<AgreementId> {
        let inactive = self.agreements.values().filter(|agreement| agreement.status == AgreementStatus::Inactive);
        inactive.map(|agreement| agreement.agreement_id.clone()).collect()
    }
}

/// What a stage sends.
pub enum Sent {
    /// To another stage.
    Service(Service, Message),
    /// To an account's desk.
    Desk(AccountName, Message),
    /// The same message to the same stage, later.
    Again(Message),
}

/// The stages with all they keep.
pub struct Line {
    agreements: rules::state::State,
    pub dispatcher: share_dispatcher::rules::State,
    comments: BTreeMap<ChainId, comment_sync::rules::ChainState>,
    comment_facts: Facts,
    fields: field_sync::Known,
    field_facts: Facts,
    /// By stage and message: what is known is not decided again, its outputs go out again.
    journal: BTreeMap<(Service, String), Vec<Output>>,
}

impl Line {
    pub fn new() -> Self {
        Self {
            agreements: rules::state::State::new(rules::state::Stored::default()),
            dispatcher: share_dispatcher::rules::State::default(),
            comments: BTreeMap::new(),
            comment_facts: Facts::default(),
            fields: field_sync::Known::default(),
            field_facts: Facts::default(),
            journal: BTreeMap::new(),
        }
    }

    /// A stage takes a message.
    pub fn take(&mut self, service: Service, mut message: Message, now: Timestamp) -> Vec<Sent> {
        let arrived_at = *message.arrived_at.get_or_insert(now);
        let account = message.account.as_ref().map_or("", AccountName::as_str);
        let key = (service, format!("{account}/{}", message.id));
        let outputs = match self.journal.get(&key) {
            Some(outputs) => outputs.clone(),
            None => match self.decide(service, &message, arrived_at) {
                Verdict::NotYet { .. } if message.attempt < LADDER => {
                    message.attempt += 1;
                    return vec![Sent::Again(message)];
                }
                Verdict::Decided(outputs) | Verdict::NotYet { otherwise: Otherwise::Decided(outputs), .. } => outputs,
                other => panic!("{service:?} parks {message:?}: {other:?}"),
            },
        };
        self.journal.insert(key.clone(), outputs.clone());
        outputs.iter().enumerate().map(|(index, output)| sent(&key, index, output, message.origin)).collect()
    }

    fn decide(&mut self, service: Service, message: &Message, arrived_at: Timestamp) -> Verdict {
        match service {
            Service::Agreement => self.agreement(message, arrived_at),
            Service::ShareDispatcher => self.dispatch(message, arrived_at),
            Service::CommentSync => {
                let inbound = comment_sync::CommentSync.decode(&message.kind, message.content.clone()).expect("decodes");
                if let comment_sync::Inbound::Fact(fact) = &inbound {
                    self.comment_facts.learn(fact);
                }
                let accounts = self.comment_facts.accounts.clone();
                let settings = Settings {
                    secure_downloads: accounts.iter().map(|(name, fact)| (name.clone(), fact.secure_downloads)).collect(),
                    accounts,
                    no_mail_to: BTreeMap::new(),
                    inactive: self.comment_facts.inactive(),
                };
                Verdict::Decided(comment_sync::step(&mut self.comments, &settings, &inbound))
            }
            Service::FieldSync => {
                let inbound = field_sync::FieldSync.decode(&message.kind, message.content.clone()).expect("decodes");
                if let field_sync::Inbound::Fact(fact) = &inbound {
                    self.field_facts.learn(fact);
                    let accounts = self.field_facts.accounts.iter();
                    self.fields.schemas = accounts.map(|(name, fact)| (name.clone(), Schema::new(fact.clone()))).collect();
                    self.fields.inactive = self.field_facts.inactive();
                }
                Verdict::Decided(self.fields.step(&inbound))
            }
            Service::Notifier => Verdict::Decided(Vec::new()),
        }
    }

    fn agreement(&mut self, message: &Message, arrived_at: Timestamp) -> Verdict {
        let inbound = agreement_service::AgreementService.decode(&message.kind, message.content.clone()).expect("decodes");
        let received = received(message, arrived_at, inbound);
        let (publisher, command) = (received.publisher.clone().expect("a publisher"), received.command());
        let decision = rules::decide(&self.agreements, &publisher, &command, &received.message);
        let told = |to: &AccountName, receipt| vec![Output::to_desk(&Delivery::receipt(to, receipt), arrived_at)];
        match self.agreements.apply(decision) {
            Answer::Fact(fact) => Verdict::Decided(vec![Output::to_service(Service::ShareDispatcher, fact.as_ref())]),
            Answer::Receipt { to, receipt } => Verdict::Decided(told(&to, *receipt)),
            Answer::NotYet { reason, refusal } => {
                let refusal = refusal.map_or(Otherwise::Park, |receipt| Otherwise::Decided(told(&command.account, *receipt)));
                Verdict::NotYet { reason, otherwise: refusal }
            }
            shown @ Answer::Shown { .. } => panic!("no history asks for a list: {shown:?}"),
        }
    }

    fn dispatch(&mut self, message: &Message, arrived_at: Timestamp) -> Verdict {
        let inbound = share_dispatcher::ShareDispatcher.decode(&message.kind, message.content.clone()).expect("decodes");
        let state = &mut self.dispatcher;
        match &inbound {
            share_dispatcher::Inbound::Fact(fact) => {
                let mut facts =
                    Facts { accounts: std::mem::take(&mut state.accounts), agreements: std::mem::take(&mut state.agreements) };
                facts.learn(fact);
                (state.accounts, state.agreements) = (facts.accounts, facts.agreements);
            }
            // As the store does: a chain that may begin here is there, empty.
            share_dispatcher::Inbound::Share(share) if share.ticket.copy_of.is_none() => {
                let account = message.account.as_ref().expect("a command has an account");
                let chain = ChainId::starting_with(&CopyId::original(account, &share.ticket.id));
                state.chains.entry(chain).or_default();
            }
            _ => {}
        }
        share_dispatcher::step(state, &received(message, arrived_at, inbound)).0
    }
}

fn received<M>(message: &Message, received_at: Timestamp, inbound: M) -> Received<M> {
    Received {
        account: message.account.as_ref().map_or(Received::<M>::INTERNAL.to_owned(), ToString::to_string),
        message_id: message.id.clone(),
        message_type: message.kind.clone(),
        publisher: message.account.clone(),
        received_at,
        message: inbound,
    }
}

/// An output with the id that follows from what caused it.
fn sent((service, key): &(Service, String), index: usize, output: &Output, origin: usize) -> Sent {
    let message = Message {
        id: format!("{}/{key}/{index}", service.name()),
        kind: output.message_type().to_owned(),
        content: serde_json::from_str(output.body()).expect("an output is JSON"),
        origin,
        account: None,
        arrived_at: None,
        attempt: 0,
    };
    let first = output.routing_key().split('.').next().unwrap_or_default();
    if output.exchange() == "desk" {
        return Sent::Desk(AccountName::new(first).expect("a desk's key begins with its account"), message);
    }
    let to = Service::ALL.into_iter().find(|service| service.name() == first).expect("a key on `sync` begins with a service");
    Sent::Service(to, message)
}
