//! Who sends what to whom, and the broker objects that follow from it.

mod account;
mod definitions;
mod operator_resources;
mod yaml;

use std::str::FromStr;

pub use account::{ACCOUNT_CHANNELS, ACCOUNT_CONNECTIONS, AccountRights, desk_key};
pub use definitions::{definitions, desk_queue_arguments};
pub use operator_resources::{operator_account_resources, operator_resources};

use crate::command::{
    AccountLower, AccountRecover, AccountRegister, AccountRename, AccountShow, AccountUpdate,
    AgreementAccept, AgreementCompare, AgreementDeactivate, AgreementDecline, AgreementInvite,
    AgreementList, ShareList, ShareRecover, TicketBind, TicketRedact, TicketResync, TicketShare,
    TicketUnshare, TicketUpdate,
};
use crate::sync::{Fact, Notice, Transfer};
use crate::{AccountName, Message, Receipt};

/// The virtual host of a deployment.
pub const VHOST: &str = "deskmesh";

/// A program that runs on the runtime: one of the five services of the line, or an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Accounts and agreements.
    Agreement,
    /// Which tickets are shared with whom.
    ShareDispatcher,
    /// Comments.
    CommentSync,
    /// Status, tags and custom fields.
    FieldSync,
    /// E-mail.
    Notifier,
    /// An edge: desks that speak HTTP.
    Gateway,
    /// An edge: desks that are kept here and used in a browser.
    Helpdesk,
    /// An edge: third-party systems that speak Networked Help Desk.
    NhdBridge,
    /// The desk of this account, on the kit (`shared/desk`): an edge that operates no other
    /// account, and no part of a deployment.
    Desk(&'static str),
}

impl Service {
    /// The five of the line, in its order.
    pub const ALL: [Self; 5] = [
        Self::Agreement,
        Self::ShareDispatcher,
        Self::CommentSync,
        Self::FieldSync,
        Self::Notifier,
    ];

    /// The edges: each is a desk like any other, with an account of its own, and operates further
    /// accounts.
    pub const EDGES: [Self; 3] = [Self::Gateway, Self::Helpdesk, Self::NhdBridge];

    /// Whether it is an edge.
    #[must_use]
    pub fn is_edge(self) -> bool {
        matches!(self, Self::Desk(_)) || Self::EDGES.contains(&self)
    }

    /// The service's public name, also of its package and its work queue; of an edge also its
    /// account's.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Agreement => "agreement-service",
            Self::ShareDispatcher => "share-dispatcher",
            Self::CommentSync => "comment-sync",
            Self::FieldSync => "field-sync",
            Self::Notifier => "notifier",
            Self::Gateway => "gateway",
            Self::Helpdesk => "helpdesk",
            Self::NhdBridge => "nhd-bridge",
            Self::Desk(account) => account,
        }
    }

    /// The service's broker user; an edge logs in as its account.
    #[must_use]
    pub fn user(self) -> String {
        if self.is_edge() { self.name().to_owned() } else { format!("svc.{}", self.name()) }
    }

    /// Whether it reads desks' commands: only such a service refuses a command or waits for
    /// something.
    #[must_use]
    pub fn is_entry(self) -> bool {
        !self.entry_bindings().is_empty()
    }

    /// What it reads from `share`.
    #[must_use]
    pub fn entry_bindings(self) -> &'static [&'static str] {
        match self {
            Self::Agreement => &["*.agreement.*", "*.account.*"],
            Self::ShareDispatcher => &["*.ticket.*", "*.share.*"],
            Self::CommentSync
            | Self::FieldSync
            | Self::Notifier
            | Self::Gateway
            | Self::Helpdesk
            | Self::NhdBridge
            | Self::Desk(_) => &[],
        }
    }

    /// The queues whose messages it decides: its work queue and its bulk queue, and what nobody
    /// routes; of an edge its account's desk queue.
    #[must_use]
    pub fn work_queues(self) -> Vec<String> {
        if self.is_edge() {
            return vec![format!("desk.{}", self.name())];
        }
        let mut queues = vec![self.name().to_owned(), self.bulk_queue()];
        if self == Self::ShareDispatcher {
            queues.push(UNROUTABLE.to_owned());
        }
        queues
    }

    /// Its second queue: what accounts send that send much at once, and what comes of it. It is
    /// worked on when the work queue leaves time.
    #[must_use]
    pub fn bulk_queue(self) -> String {
        format!("{}.{BULK}", self.name())
    }

    /// The exchange between `share` and the queues of an entry service. What is bound here goes to
    /// the bulk queue; all else to the work queue.
    #[must_use]
    pub fn entry_exchange(self) -> String {
        format!("{}.entry", self.name())
    }

    /// The queues whose messages it only parks: the broker's own dead letters. An edge has none:
    /// what is dead-lettered from a desk's queue is parked by the line.
    #[must_use]
    pub fn dead_letter_queues(self) -> Vec<String> {
        if self.is_edge() {
            return Vec::new();
        }
        let mut queues = vec![format!("{}.parked", self.name())];
        if self == Self::ShareDispatcher {
            queues.push(DESK_PARKED.to_owned());
        }
        queues
    }

    /// The key on `sync` that puts a message into the delay queue of `step`.
    #[must_use]
    pub fn retry_key(self, step: RetryStep) -> String {
        format!("retry.{}.{}", self.name(), step.name)
    }

    /// The key on `sync` with which a delayed message comes back.
    #[must_use]
    pub fn retried_key(self) -> String {
        format!("{}.{RETRIED}", self.name())
    }

    /// The key on `sync` with which a command goes from the work queue to the bulk queue.
    #[must_use]
    pub fn moved_key(self) -> String {
        format!("{}.{BULK}.{MOVED}", self.name())
    }

    /// The key on `sync` for an internal message of the type `M` to this service.
    #[must_use]
    pub fn key_for<M: Message>(self) -> String {
        let stem = M::NAME.split('.').next().unwrap_or(M::NAME);
        format!("{}.{stem}", self.name())
    }
}

/// A name that no service has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is none of {}", Service::ALL.map(Service::name).join(", "))]
pub struct NoService;

impl FromStr for Service {
    type Err = NoService;

    fn from_str(name: &str) -> Result<Self, NoService> {
        let mut all = Self::ALL.into_iter().chain(Self::EDGES);
        all.find(|service| service.name() == name).ok_or(NoService)
    }
}

/// Where a misspelt or unknown key leads.
pub const UNROUTABLE: &str = "share-dispatcher.unroutable";
/// Dead letters of the desk queues.
pub const DESK_PARKED: &str = "desk.parked";
/// Last word of the key with which a delayed message comes back.
pub const RETRIED: &str = "retried";
/// Last word of the name of a bulk queue, and second word of the keys that lead there.
const BULK: &str = "bulk";
/// Last word of the key with which a command goes to the bulk queue.
const MOVED: &str = "moved";

/// The same key on `sync` to the bulk queue: what comes of a message from there.
#[must_use]
pub fn bulk_key(key: &str) -> String {
    let (service, stem) = key.split_once('.').unwrap_or((key, ""));
    format!("{service}.{BULK}.{stem}")
}

/// The key to the work queue of a key to the bulk queue, any other as it is: where a message lies
/// is no part of what it is.
#[must_use]
pub fn key_of_work(key: &str) -> String {
    let mut words = key.splitn(3, '.');
    match (words.next(), words.next(), words.next()) {
        (Some(service), Some(BULK), Some(stem)) => format!("{service}.{stem}"),
        _ => key.to_owned(),
    }
}

/// The key with which the commands of an account are bound to a bulk queue.
#[must_use]
pub fn bulk_binding(account: &AccountName) -> String {
    format!("{account}.#")
}

/// One step of the delay ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryStep {
    /// Last word of the queue's name.
    pub name: &'static str,
    /// How long a message waits, in milliseconds.
    pub delay_ms: u32,
}

/// What "not yet" waits for, before it becomes a refusal.
pub const RETRY_LADDER: [RetryStep; 2] =
    [RetryStep { name: "1s", delay_ms: 1_000 }, RetryStep { name: "5s", delay_ms: 5_000 }];

/// A topic exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exchange {
    /// Desks' commands.
    Share,
    /// Between the services.
    Sync,
    /// To desks.
    Desk,
    /// For auditors.
    Events,
}

impl Exchange {
    /// The exchange's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Share => "share",
            Self::Sync => "sync",
            Self::Desk => "desk",
            Self::Events => "events",
        }
    }
}

/// The queue of an account's desk.
#[must_use]
pub fn desk_queue(account: &AccountName) -> String {
    format!("desk.{account}")
}

/// One end of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// Any account's desk.
    Desk,
    /// A service.
    Service(Service),
}

/// One row: a message, who sends it, through which exchange, and who receives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The message's type.
    pub message: &'static str,
    /// Who sends it.
    pub from: End,
    /// Through which exchange.
    pub exchange: Exchange,
    /// Who receives it.
    pub to: End,
}

const fn command<M: Message>(to: Service) -> Flow {
    Flow { message: M::NAME, from: End::Desk, exchange: Exchange::Share, to: End::Service(to) }
}

const fn internal<M: Message>(from: Service, to: Service) -> Flow {
    Flow {
        message: M::NAME,
        from: End::Service(from),
        exchange: Exchange::Sync,
        to: End::Service(to),
    }
}

const fn delivery(message: &'static str, from: Service) -> Flow {
    Flow { message, from: End::Service(from), exchange: Exchange::Desk, to: End::Desk }
}

use Service::{Agreement, CommentSync, FieldSync, Notifier, ShareDispatcher};

/// The whole system: every message there is.
#[rustfmt::skip]
pub static FLOWS: &[Flow] = &[
    // what desks ask for
    command::<AccountRegister>      (Agreement),
    command::<AccountUpdate>        (Agreement),
    command::<AccountRename>        (Agreement),
    command::<AccountShow>          (Agreement),
    command::<AccountLower>         (Agreement),
    command::<AccountRecover>       (Agreement),
    command::<AgreementInvite>      (Agreement),
    command::<AgreementAccept>      (Agreement),
    command::<AgreementDecline>     (Agreement),
    command::<AgreementDeactivate>  (Agreement),
    command::<AgreementList>        (Agreement),
    command::<AgreementCompare>     (Agreement),
    command::<TicketShare>          (ShareDispatcher),
    command::<TicketUpdate>         (ShareDispatcher),
    command::<TicketBind>           (ShareDispatcher),
    command::<TicketUnshare>        (ShareDispatcher),
    command::<TicketRedact>         (ShareDispatcher),
    command::<TicketResync>         (ShareDispatcher),
    command::<ShareList>            (ShareDispatcher),
    command::<ShareRecover>         (ShareDispatcher),
    // along the line
    internal::<Fact>                (Agreement,       ShareDispatcher),
    internal::<Fact>                (ShareDispatcher, CommentSync),
    internal::<Fact>                (CommentSync,     FieldSync),
    internal::<Transfer>            (ShareDispatcher, CommentSync),
    internal::<Transfer>            (ShareDispatcher, FieldSync),
    internal::<Transfer>            (CommentSync,     FieldSync),
    internal::<Notice>              (CommentSync,     Notifier),
    internal::<Notice>              (FieldSync,       Notifier),
    // what desks are told
    delivery(Receipt::NAME,               Agreement),
    delivery(Receipt::NAME,               ShareDispatcher),
    delivery(Receipt::NAME,               CommentSync),
    delivery(Receipt::NAME,               FieldSync),
    delivery("agreement.state.v1",        Agreement),
    delivery("account.state.v1",          Agreement),
    delivery("share.state.v1",            ShareDispatcher),
    delivery("ticket.bound.v1",           ShareDispatcher),
    delivery("ticket.updated.v1",         CommentSync),
    delivery("ticket.created.v1",         FieldSync),
    delivery("ticket.updated.v1",         FieldSync),
    delivery("ticket.unshared.v1",        FieldSync),
    delivery("ticket.state.v1",           FieldSync),
    delivery("agreement.state.v1",        FieldSync),
    delivery("account.recovered.v1",      FieldSync),
    delivery("agreement.invited.v1",      FieldSync),
    delivery("agreement.accepted.v1",     FieldSync),
    delivery("agreement.declined.v1",     FieldSync),
    delivery("agreement.deactivated.v1",  FieldSync),
    delivery("agreement.comparison.v1",   FieldSync),
];

/// The rows that `service` sends.
pub fn sent_by(service: Service) -> impl Iterator<Item = &'static Flow> {
    FLOWS.iter().filter(move |flow| flow.from == End::Service(service))
}

/// The service that decides a desk's command of this type; none when there is no such command.
#[must_use]
pub fn entry_of(command_type: &str) -> Option<Service> {
    FLOWS.iter().find_map(|flow| match flow.to {
        End::Service(service) if flow.from == End::Desk && flow.message == command_type => {
            Some(service)
        }
        _ => None,
    })
}

/// The rows that `service` receives.
pub fn received_by(service: Service) -> impl Iterator<Item = &'static Flow> {
    FLOWS.iter().filter(move |flow| flow.to == End::Service(service))
}
