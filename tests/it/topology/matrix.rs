//! What is tried as which user, and whether the broker has to let it pass: computed from `FLOWS`
//! and from what the runtime says it needs beside them, not from the patterns that the definitions
//! make of it.

use std::collections::BTreeSet;

use contracts::command::AccountRegister;
use contracts::event::CommandDecided;
use contracts::topology::{
    DESK_PARKED, End, Exchange, FLOWS, Flow, RETRY_LADDER, Service, UNROUTABLE, desk_queue,
    received_by,
};
use contracts::{AccountName, Message, Receipt, ReceiptOutcome, Timestamp};

/// One of the users that log in to the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    Service(Service),
    /// An account's desk; the operator's is one.
    Desk(AccountName),
}

impl Who {
    /// The user's name.
    pub fn user(&self) -> String {
        match self {
            Self::Service(service) => service.user(),
            Self::Desk(account) => account.to_string(),
        }
    }

    /// Whether it reads a queue.
    fn reads(&self, queue: &str) -> bool {
        match self {
            Self::Service(service) => reads(*service).any(|own| own == queue),
            Self::Desk(account) => desk_queue(account) == queue,
        }
    }

    /// Whether it leads the deliveries of accounts that others operate: who registers accounts
    /// does, with the key of such an account, to the queue of an account's desk.
    fn leads(&self, queue: &str, exchange: &str, key: &str, accounts: &[AccountName]) -> bool {
        let registers = |service: Service| {
            received_by(service).any(|flow| flow.message == AccountRegister::NAME)
        };
        let is_operated = |key: &str| {
            let account = key.strip_suffix(".#").and_then(|name| AccountName::new(name).ok());
            account.is_some_and(|account| account.operator_names().next().is_some())
        };
        matches!(self, Self::Service(service) if registers(*service))
            && exchange == Exchange::Desk.name()
            && accounts.iter().any(|account| desk_queue(account) == queue)
            && is_operated(key)
    }

    /// Whether it publishes with this key.
    fn sends(&self, exchange: &str, key: &str, accounts: &[AccountName]) -> bool {
        match self {
            Self::Service(service) => {
                sends(*service, accounts).contains(&(exchange.to_owned(), key.to_owned()))
            }
            // What a desk gets wrong under its own name, it is told.
            Self::Desk(account) => {
                exchange == Exchange::Share.name() && key.starts_with(&format!("{account}."))
            }
        }
    }
}

/// One attempt at the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    Publish { exchange: String, key: String },
    Consume { queue: String },
    Purge { queue: String },
    Declare { queue: String },
    Bind { queue: String, exchange: String, key: String },
    Unbind { queue: String, exchange: String, key: String },
    DeclareExchange { exchange: String },
    BindExchange { to: String, from: String },
    DeleteExchange { exchange: String },
    Delete { queue: String },
}

/// An attempt, and whether it has to pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    pub attempt: Attempt,
    pub passes: bool,
}

/// Everything that is tried as one user. What would destroy something comes last.
pub fn trials(who: &Who, accounts: &[AccountName]) -> Vec<Trial> {
    let (exchanges, queues, keys) = (exchanges(), queues(accounts), keys(accounts));
    let publish = exchanges.iter().flat_map(|exchange| {
        keys.iter().map(|key| Trial {
            attempt: Attempt::Publish { exchange: exchange.clone(), key: key.clone() },
            passes: who.sends(exchange, key, accounts),
        })
    });
    // The broker lets whoever reads a queue empty it: both take messages out.
    let read = queues.iter().flat_map(|queue| {
        let queue = queue.clone();
        let passes = who.reads(&queue);
        [Attempt::Consume { queue: queue.clone() }, Attempt::Purge { queue }]
            .map(|attempt| Trial { attempt, passes })
    });
    let pairs = || {
        exchanges
            .iter()
            .flat_map(|exchange| queues.iter().map(|queue| (queue.clone(), exchange.clone())))
    };
    let bindings = || {
        pairs().flat_map(|(queue, exchange)| {
            let keys = binding_keys(&exchange, accounts);
            keys.into_iter().map(move |key| (queue.clone(), exchange.clone(), key))
        })
    };
    // The broker has one right for both.
    let bind = bindings().map(|(queue, exchange, key)| Trial {
        passes: who.leads(&queue, &exchange, &key, accounts),
        attempt: Attempt::Bind { queue, exchange, key },
    });
    let unbind = bindings().map(|(queue, exchange, key)| Trial {
        passes: who.leads(&queue, &exchange, &key, accounts),
        attempt: Attempt::Unbind { queue, exchange, key },
    });
    let never = |attempt| Trial { attempt, passes: false };
    let join = exchanges.iter().flat_map(|to| {
        let from = exchanges.iter().filter(move |from| *from != to);
        from.map(|from| Attempt::BindExchange { to: to.clone(), from: from.clone() })
    });
    let declare = queues
        .iter()
        .cloned()
        .chain(["", "new", "desk.new"].map(str::to_owned))
        .map(|queue| Attempt::Declare { queue });
    let declare_exchange =
        exchanges.iter().map(|exchange| Attempt::DeclareExchange { exchange: exchange.clone() });
    let delete_exchange =
        exchanges.iter().map(|exchange| Attempt::DeleteExchange { exchange: exchange.clone() });
    let delete = queues.iter().map(|queue| Attempt::Delete { queue: queue.clone() });
    let change = join.chain(declare).chain(declare_exchange).map(never);
    let destroy = delete_exchange.chain(delete).map(never);
    publish.chain(read).chain(bind).chain(change).chain(unbind).chain(destroy).collect()
}

fn reads(service: Service) -> impl Iterator<Item = String> {
    service.work_queues().into_iter().chain(service.dead_letter_queues())
}

/// Where a service publishes with which keys.
fn sends(service: Service, accounts: &[AccountName]) -> BTreeSet<(String, String)> {
    let reads_queue = |queue: &str| reads(service).any(|own| own == queue);
    let mut flows: Vec<&Flow> =
        FLOWS.iter().filter(|flow| flow.from == End::Service(service)).collect();
    // What was parked comes to the service again, and what a desk threw back, to that desk.
    flows.extend(received_by(service).filter(|flow| flow.exchange == Exchange::Sync));
    if reads_queue(DESK_PARKED) {
        flows.extend(FLOWS.iter().filter(|flow| flow.to == End::Desk));
    }
    let mut all: BTreeSet<(String, String)> = flows
        .iter()
        .flat_map(|flow| {
            keys_of(flow, accounts).into_iter().map(|key| (flow.exchange.name().to_owned(), key))
        })
        .collect();
    // Commands wait on the ladder, are replayed, and are handed on by whoever reads what nobody
    // routed.
    let mut commands = BTreeSet::new();
    if service.is_entry() {
        commands.extend(RETRY_LADDER.map(|step| service.retry_key(step)));
        commands.insert(service.retried_key());
    }
    if reads_queue(UNROUTABLE) {
        commands.extend(
            Service::ALL.into_iter().filter(|other| other.is_entry()).map(Service::retried_key),
        );
    }
    all.extend(commands.into_iter().map(|key| (Exchange::Sync.name().to_owned(), key)));
    // Beside a receipt auditors get an event.
    if flows.iter().any(|flow| flow.message == Receipt::NAME && flow.from == End::Service(service))
    {
        all.extend(
            events(accounts).into_iter().map(|key| (Exchange::Events.name().to_owned(), key)),
        );
    }
    all
}

/// The keys of a flow's messages.
fn keys_of(flow: &Flow, accounts: &[AccountName]) -> Vec<String> {
    let stem = flow.message.rsplit_once(".v").map_or(flow.message, |(stem, _version)| stem);
    match (flow.from, flow.to) {
        (End::Service(_), End::Service(to)) => vec![format!("{}.{stem}", to.name())],
        _ => everybody(accounts).map(|account| format!("{account}.{stem}")).collect(),
    }
}

fn everybody(accounts: &[AccountName]) -> impl Iterator<Item = AccountName> {
    accounts.iter().cloned().chain([AccountName::operator()])
}

fn events(accounts: &[AccountName]) -> BTreeSet<String> {
    use ReceiptOutcome::{Applied, Ignored, Partial, Rejected};
    let at = Timestamp::parse("2026-03-01T10:00:00Z").expect("a time");
    let commands = FLOWS
        .iter()
        .filter(|flow| flow.from == End::Desk)
        .map(|flow| flow.message)
        .chain(["unheard.of.v1"]);
    let receipts = commands.flat_map(|command| {
        [Applied, Partial, Rejected, Ignored].map(|outcome| (command, outcome))
    });
    let receipts: Vec<Receipt> =
        receipts.map(|(command, outcome)| Receipt::new("1", command, outcome)).collect();
    let of = |account: AccountName| {
        receipts.iter().map(move |receipt| {
            CommandDecided::of(&account, receipt.clone(), at, "a service").routing_key()
        })
    };
    everybody(accounts).flat_map(of).collect()
}

/// All there are, with the broker's own.
fn exchanges() -> Vec<String> {
    let ours =
        [Exchange::Share, Exchange::Sync, Exchange::Desk, Exchange::Events].map(Exchange::name);
    ours.into_iter()
        .chain(["share.unroutable", "", "amq.direct", "amq.topic"])
        .map(str::to_owned)
        .collect()
}

/// All there are.
fn queues(accounts: &[AccountName]) -> Vec<String> {
    let ladder = |service: Service| {
        RETRY_LADDER.map(|step| format!("{}.retry.{}", service.name(), step.name))
    };
    let ladders = Service::ALL.into_iter().filter(|service| service.is_entry()).flat_map(ladder);
    let desks = everybody(accounts).map(|account| desk_queue(&account));
    Service::ALL.into_iter().flat_map(reads).chain(ladders).chain(desks).collect()
}

/// With what is tried to bind and unbind: at the exchange to desks also with what leads one
/// account's deliveries, all of several, and some of one's.
fn binding_keys(exchange: &str, accounts: &[AccountName]) -> Vec<String> {
    let mut keys = vec!["#".to_owned()];
    if exchange == Exchange::Desk.name() {
        keys.extend(everybody(accounts).map(|account| format!("{account}.#")));
        let odd = ["*.#", "-eu.#", "rights-*.#", "rights-eu.ticket.#", "rights-eu.command.receipt"];
        keys.extend(odd.map(str::to_owned));
    }
    keys
}

/// Every key that the system knows, and some that it does not.
fn keys(accounts: &[AccountName]) -> BTreeSet<String> {
    let mut keys: BTreeSet<String> =
        FLOWS.iter().flat_map(|flow| keys_of(flow, accounts)).collect();
    for service in Service::ALL {
        keys.extend(RETRY_LADDER.map(|step| service.retry_key(step)));
        keys.extend(
            ["retried", "fact", "transfer", "notice", "fact.more", "other", "*", "#"]
                .map(|last| format!("{}.{last}", service.name())),
        );
        keys.extend([
            format!("parked.{}", service.name()),
            format!("x{}.fact", service.name()),
            service.user(),
        ]);
    }
    keys.extend(events(&accounts[..1]));
    keys.extend(queues(accounts));
    for account in everybody(accounts) {
        let ends = [
            "",
            ".",
            ".ticket",
            ".ticket.Share",
            ".ticket.share.v1",
            ".ticket.nonsense",
            ".ticket.decided",
            ".#",
            "evil.ticket.share",
        ];
        keys.extend(ends.map(|end| format!("{account}{end}")));
    }
    let foreign = [
        "",
        "#",
        "*.*.*",
        "*.ticket.share",
        "parked.desk",
        "parked.nobody",
        "retry.notifier.1s",
        "nobody.ticket.share",
        "desk.#",
    ];
    keys.extend(foreign.map(str::to_owned));
    keys
}

#[test]
fn every_flow_is_tried_by_its_sender() {
    let accounts = [AccountName::new("acme").expect("a name")];
    for flow in FLOWS {
        let who = match flow.from {
            End::Service(service) => Who::Service(service),
            End::Desk => Who::Desk(accounts[0].clone()),
        };
        let attempt = Attempt::Publish {
            exchange: flow.exchange.name().to_owned(),
            key: keys_of(flow, &accounts).remove(0),
        };
        assert!(trials(&who, &accounts).contains(&Trial { attempt, passes: true }), "{flow:?}");
    }
}
