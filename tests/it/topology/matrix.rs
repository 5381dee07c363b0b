//! What is tried as which user, and whether the broker has to let it pass: computed from `FLOWS`
//! and from what the runtime says it needs beside them, not from the patterns that the definitions
//! make of it.

use std::collections::BTreeSet;

use contracts::command::AccountRegister;
use contracts::event::CommandDecided;
use contracts::topology::{
    DESK_PARKED, End, Exchange, FLOWS, Flow, RETRY_LADDER, Service, UNROUTABLE, bulk_binding,
    desk_queue, received_by,
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

    /// Whether it binds a queue. An entry service leads accounts' commands to its bulk queue. Who
    /// registers accounts leads the deliveries of those that others operate to the queue of an
    /// account's desk. The broker has a right for the queue and one for the exchange with the
    /// key: who does both has every pair of them.
    fn leads(&self, queue: &str, exchange: &str, key: &str, accounts: &[AccountName]) -> bool {
        let Self::Service(service) = self else { return false };
        let registers = received_by(*service).any(|flow| flow.message == AccountRegister::NAME);
        let is_operated = |key: &str| {
            let account = key.strip_suffix(".#").and_then(|name| AccountName::new(name).ok());
            account.is_some_and(|account| account.operator_names().next().is_some())
        };
        let is_desk = accounts.iter().any(|account| desk_queue(account) == queue);
        let is_an_accounts = everybody(accounts).any(|account| bulk_binding(&account) == key);
        let (bulk, entry) = (service.bulk_queue(), service.entry_exchange());
        ((service.is_entry() && queue == bulk) || (registers && is_desk))
            && ((service.is_entry() && exchange == entry && is_an_accounts)
                || (registers && exchange == Exchange::Desk.name() && is_operated(key)))
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
    // What comes of a message from the bulk queue goes on to one.
    let sends = FLOWS.iter().filter(|flow| flow.from == End::Service(service));
    for key in sends.filter(|flow| flow.exchange == Exchange::Sync) {
        commands.extend(keys_of(key, accounts).iter().map(|key| in_bulk(key)));
    }
    if service.is_entry() {
        commands.insert(service.moved_key());
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

/// The key on `sync` to the bulk queue of the same service.
fn in_bulk(key: &str) -> String {
    key.replacen('.', ".bulk.", 1)
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
    let entries = Service::ALL.into_iter().filter(|service| service.is_entry());
    let entries = entries.map(Service::entry_exchange);
    let entries = entries.flat_map(|entry| [format!("{entry}.rest"), entry]);
    let others = ours.into_iter().chain(["share.unroutable", "", "amq.direct", "amq.topic"]);
    others.map(str::to_owned).chain(entries).collect()
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

/// With what is tried to bind and unbind: at the exchange to desks, and before the queues of entry
/// services, also with what leads all of one account's, of several, and some of one's.
fn binding_keys(exchange: &str, accounts: &[AccountName]) -> Vec<String> {
    let mut keys = vec!["#".to_owned()];
    let is_entry = || Service::ALL.iter().any(|service| service.entry_exchange() == exchange);
    if exchange == Exchange::Desk.name() || is_entry() {
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
            ["retried", "fact", "transfer", "notice", "fact.more", "other", "*", "#", "bulk.moved"]
                .map(|last| format!("{}.{last}", service.name())),
        );
        keys.extend(
            ["fact", "transfer", "notice", "retried"]
                .map(|last| in_bulk(&format!("{}.{last}", service.name()))),
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
