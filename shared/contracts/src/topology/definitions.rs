//! The broker's definitions, from `FLOWS`: the file that a node imports. Loads on RabbitMQ 3.10 and
//! 4.x.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    BULK, DESK_PARKED, End, Exchange, FLOWS, RETRY_LADDER, Service, UNROUTABLE, bulk_key,
    received_by, sent_by,
};
use crate::command::AccountRegister;
use crate::{Message, event};

/// Messages an entry queue holds before it refuses more; a desk's publish is then nacked and it
/// tries again later.
const ENTRY_LIMIT: u32 = 200_000;
/// Deliveries a desk queue holds before the rest waits in `undelivered`.
const DESK_LIMIT: u32 = 100_000;
/// The same in bytes: two entry services' queues of full size are a tenth of the broker's disk.
const ENTRY_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// The same in bytes, so that no dead desk fills the broker's disk.
const DESK_BYTES: u64 = 256 * 1024 * 1024;
/// Leads from `share` to what nobody routes.
const UNROUTABLE_EXCHANGE: &str = "share.unroutable";
/// Restarts of consumers count as deliveries: a work queue must never drop a message for them, and
/// 4.x would after 20.
const NO_DELIVERY_LIMIT: i64 = 1_000_000_000;

/// Accounts' desk queues: not the operator's, and not what desks threw back.
const ACCOUNTS_DESKS: &str = "desk\\.(?!(operator|parked)$)[a-z0-9-]+";
/// Keys that bind the commands of an account to a bulk queue.
const ACCOUNTS_KEYS: &str = "^[a-z0-9][a-z0-9-]+\\.#$";
/// Keys that bind the deliveries of an account to the queue of the one that operates it.
const OPERATED_KEYS: &str = "^[a-z0-9][a-z0-9-]+-[a-z0-9-]+\\.#$";

/// Arguments of every desk queue.
#[must_use]
pub fn desk_queue_arguments() -> Value {
    json!({ "x-queue-type": "quorum" })
}

/// Everything a virtual host needs, in the broker's own format. Users have no password: who
/// installs this sets one.
#[must_use]
pub fn definitions(vhost: &str) -> Value {
    let users: Vec<Value> = Service::ALL
        .iter()
        .map(|service| service.user())
        .chain(["operator".to_owned()])
        .map(|name| user(&name))
        .collect();
    json!({
        "vhosts": [{ "name": vhost }],
        "users": users,
        "permissions": permissions(vhost),
        "topic_permissions": topic_permissions(vhost),
        "exchanges": exchanges(vhost),
        "queues": queues(vhost),
        "bindings": bindings(vhost),
        "policies": policies(vhost),
    })
}

fn user(name: &str) -> Value {
    json!({
        "name": name,
        "password_hash": "",
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": [],
    })
}

fn permissions(vhost: &str) -> Vec<Value> {
    let services = Service::ALL.iter().map(|service| {
        let own = sent_by(*service)
            .map(|flow| flow.exchange.name())
            .chain(replays(*service).map(|_| "sync"));
        let exchanges: BTreeSet<&str> =
            own.chain(delivers(*service).then(|| Exchange::Events.name())).collect();
        let queues: Vec<String> =
            service.work_queues().into_iter().chain(service.dead_letter_queues()).collect();
        let (mut write, mut read) =
            (escaped(exchanges), escaped(queues.iter().map(String::as_str)));
        if binds_desks(*service) {
            write.push(ACCOUNTS_DESKS.to_owned());
            read.push(Exchange::Desk.name().to_owned());
        }
        if service.is_entry() {
            write.extend(escaped([service.bulk_queue().as_str()]));
            read.extend(escaped([service.entry_exchange().as_str()]));
        }
        json!({
            "user": service.user(), "vhost": vhost, "configure": "^$",
            "write": any_of(&write), "read": any_of(&read),
        })
    });
    let operator = json!({
        "user": "operator",
        "vhost": vhost,
        "configure": "^$",
        "write": "^share$",
        "read": "^desk\\.operator$",
    });
    services.chain([operator]).collect()
}

fn topic_permissions(vhost: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    for service in Service::ALL {
        let keys: BTreeSet<String> = sent_by(service)
            .filter_map(sync_key)
            .flat_map(|key| [bulk_key(&key), key])
            .chain(retries(service))
            .chain(service.is_entry().then(|| service.moved_key()))
            .chain(replays(service))
            .chain(forwards(service))
            .collect();
        let write = [
            (Exchange::Sync, one_of(keys.iter().map(String::as_str))),
            (Exchange::Desk, to_any_desk(&deliveries(service))),
            (Exchange::Share, "^$".to_owned()),
            (
                Exchange::Events,
                if delivers(service) { event::KEYS.to_owned() } else { "^$".to_owned() },
            ),
        ];
        for (exchange, pattern) in write {
            let bind = if binds_desks(service) && exchange == Exchange::Desk {
                OPERATED_KEYS
            } else {
                "^$"
            };
            rows.push(topic_permission(vhost, service, exchange.name(), &pattern, bind));
        }
        if service.is_entry() {
            let exchange = service.entry_exchange();
            rows.push(topic_permission(vhost, service, &exchange, "^$", ACCOUNTS_KEYS));
        }
    }
    rows.push(json!({
        "user": "operator",
        "vhost": vhost,
        "exchange": "share",
        "write": "^operator\\.",
        "read": "^$",
    }));
    rows
}

fn topic_permission(
    vhost: &str,
    service: Service,
    exchange: &str,
    write: &str,
    read: &str,
) -> Value {
    json!({
        "user": service.user(), "vhost": vhost, "exchange": exchange, "write": write, "read": read,
    })
}

/// Whether a service binds the deliveries of operated accounts to their operators' queues: it
/// registers them, and is the first to know. The broker asks for `write` on the queue, and for
/// `read` on the exchange and on the key.
fn binds_desks(service: Service) -> bool {
    received_by(service).any(|flow| flow.message == AccountRegister::NAME)
}

/// Whether a service tells desks anything: then it tells auditors too.
fn delivers(service: Service) -> bool {
    sent_by(service).any(|flow| flow.exchange == Exchange::Desk)
}

/// What a service tells desks: its own rows, and for whoever reads what desks threw back,
/// everything again.
fn deliveries(service: Service) -> BTreeSet<&'static str> {
    let reads_thrown_back = service.dead_letter_queues().iter().any(|queue| queue == DESK_PARKED);
    let told = FLOWS.iter().filter(|flow| flow.exchange == Exchange::Desk);
    told.filter(|flow| reads_thrown_back || flow.from == End::Service(service))
        .map(|flow| flow.message)
        .collect()
}

/// The keys of these messages to whichever account, as a pattern.
fn to_any_desk(messages: &BTreeSet<&str>) -> String {
    let stems = messages
        .iter()
        .map(|message| message.rsplit_once(".v").map_or(*message, |(stem, _version)| stem));
    let stems: Vec<String> = stems.map(|stem| stem.replace('.', "\\.")).collect();
    if stems.is_empty() { "^$".to_owned() } else { format!("^[a-z0-9-]+\\.({})$", stems.join("|")) }
}

/// The key of an internal flow on `sync`.
fn sync_key(flow: &super::Flow) -> Option<String> {
    match flow.to {
        End::Service(to) if flow.exchange == Exchange::Sync => {
            let stem = flow.message.split('.').next().unwrap_or(flow.message);
            Some(format!("{}.{stem}", to.name()))
        }
        _ => None,
    }
}

/// Keys of an entry service's delay ladder; the others never wait.
fn retries(service: Service) -> impl Iterator<Item = String> {
    RETRY_LADDER
        .iter()
        .filter(move |_| service.is_entry())
        .map(move |step| service.retry_key(*step))
}

/// Keys with which a service's parked messages come to it again: what it receives anyway, and no
/// more.
fn replays(service: Service) -> impl Iterator<Item = String> {
    let commands = service.is_entry().then(|| service.retried_key());
    received_by(service).filter_map(sync_key).chain(commands)
}

/// Keys with which the reader of what nobody routes hands on the commands of an entry service whose
/// queue is missing.
fn forwards(service: Service) -> impl Iterator<Item = String> {
    let reads_unroutable = service.work_queues().iter().any(|queue| queue == UNROUTABLE);
    Service::ALL
        .into_iter()
        .filter(move |other| reads_unroutable && other.is_entry())
        .map(Service::retried_key)
}

/// Before the queues of an entry service stand two exchanges: the first one leads what accounts
/// send that are bound there to the bulk queue, and hands all else to the second one, which leads
/// it to the work queue.
fn exchanges(vhost: &str) -> Vec<Value> {
    let exchange = |name: &str, kind: &str, internal: bool, otherwise: Option<&str>| {
        let arguments = otherwise
            .map_or_else(|| json!({}), |otherwise| json!({ "alternate-exchange": otherwise }));
        json!({
            "name": name, "vhost": vhost, "type": kind, "durable": true, "auto_delete": false,
            "internal": internal, "arguments": arguments,
        })
    };
    let mut all = vec![exchange(Exchange::Share.name(), "topic", false, Some(UNROUTABLE_EXCHANGE))];
    for other in [Exchange::Sync, Exchange::Desk, Exchange::Events] {
        all.push(exchange(other.name(), "topic", false, None));
    }
    all.push(exchange(UNROUTABLE_EXCHANGE, "fanout", true, None));
    for service in Service::ALL.into_iter().filter(|service| service.is_entry()) {
        let rest = rest_exchange(service);
        all.push(exchange(&service.entry_exchange(), "topic", true, Some(&rest)));
        // Where the work queue is missing.
        all.push(exchange(&rest, "fanout", true, Some(UNROUTABLE_EXCHANGE)));
    }
    all
}

/// Where the commands go that are bound to no bulk queue.
fn rest_exchange(service: Service) -> String {
    format!("{}.rest", service.entry_exchange())
}

fn queues(vhost: &str) -> Vec<Value> {
    let queue = |name: &str, arguments: Value| {
        json!({
            "name": name,
            "vhost": vhost,
            "durable": true,
            "auto_delete": false,
            "arguments": arguments,
        })
    };
    let unlimited = json!({ "x-queue-type": "quorum", "x-delivery-limit": NO_DELIVERY_LIMIT });
    let mut all = Vec::new();
    for service in Service::ALL {
        for name in service.work_queues().into_iter().chain(service.dead_letter_queues()) {
            all.push(queue(&name, unlimited.clone()));
        }
        for step in RETRY_LADDER.iter().filter(|_| service.is_entry()) {
            let arguments = json!({
                "x-queue-type": "quorum",
                "x-message-ttl": step.delay_ms,
                "x-dead-letter-exchange": Exchange::Sync.name(),
                "x-dead-letter-routing-key": service.retried_key(),
                "x-dead-letter-strategy": "at-least-once",
                "x-overflow": "reject-publish",
            });
            all.push(queue(&retry_queue(service, step.name), arguments));
        }
    }
    all.push(queue("desk.operator", desk_queue_arguments()));
    all
}

fn retry_queue(service: Service, step: &str) -> String {
    format!("{}.retry.{step}", service.name())
}

fn bindings(vhost: &str) -> Vec<Value> {
    let to = |kind: &str, source: &str, key: &str, destination: &str| {
        json!({
            "source": source,
            "vhost": vhost,
            "destination": destination,
            "destination_type": kind,
            "routing_key": key,
            "arguments": {},
        })
    };
    let binding = |source: &str, key: &str, queue: &str| to("queue", source, key, queue);
    let (share, sync) = (Exchange::Share.name(), Exchange::Sync.name());
    let mut all = Vec::new();
    for service in Service::ALL {
        let name = service.name();
        let entry = service.entry_exchange();
        let keys = service.entry_bindings().iter();
        all.extend(keys.map(|key| to("exchange", share, key, &entry)));
        if service.is_entry() {
            all.push(binding(&rest_exchange(service), "", name));
        }
        all.push(binding(sync, &format!("{name}.*"), name));
        all.push(binding(sync, &format!("{name}.{BULK}.*"), &service.bulk_queue()));
        all.push(binding(sync, &dead_letter_key(name), &format!("{name}.parked")));
        for step in RETRY_LADDER.iter().filter(|_| service.is_entry()) {
            all.push(binding(sync, &service.retry_key(*step), &retry_queue(service, step.name)));
        }
    }
    all.push(binding(sync, &dead_letter_key("desk"), DESK_PARKED));
    all.push(binding(UNROUTABLE_EXCHANGE, "", UNROUTABLE));
    all.push(binding(Exchange::Desk.name(), "operator.#", "desk.operator"));
    all
}

fn dead_letter_key(whose: &str) -> String {
    format!("parked.{whose}")
}

/// Limits and dead letters are policies, because arguments cannot change without deleting the
/// queue.
fn policies(vhost: &str) -> Vec<Value> {
    let policy = |name: &str, pattern: String, definition: Value| {
        json!({
            "name": name,
            "vhost": vhost,
            "pattern": pattern,
            "apply-to": "queues",
            "priority": 1,
            "definition": definition,
        })
    };
    let dead_letters_to = |whose: &str| {
        json!({
            "dead-letter-exchange": Exchange::Sync.name(),
            "dead-letter-routing-key": dead_letter_key(whose),
            "dead-letter-strategy": "at-least-once",
            "overflow": "reject-publish",
        })
    };
    let mut all = Vec::new();
    for service in Service::ALL {
        let mut definition = dead_letters_to(service.name());
        if service.is_entry() {
            definition["max-length"] = json!(ENTRY_LIMIT);
            definition["max-length-bytes"] = json!(ENTRY_BYTES);
        }
        all.push(policy(
            service.name(),
            one_of(service.work_queues().iter().map(String::as_str)),
            definition,
        ));
    }
    let mut desks = dead_letters_to("desk");
    desks["max-length"] = json!(DESK_LIMIT);
    desks["max-length-bytes"] = json!(DESK_BYTES);
    desks["delivery-limit"] = json!(100);
    all.push(policy("desks", "^desk\\.(?!parked$)".to_owned(), desks));
    all
}

/// A regular expression that matches these names and nothing else.
fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    any_of(&escaped(names))
}

fn escaped<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    names.into_iter().map(|name| name.replace('.', "\\.")).collect()
}

/// A regular expression that matches what one of these does, and nothing else.
fn any_of(patterns: &[String]) -> String {
    match patterns {
        [] => "^$".to_owned(),
        [one] => format!("^{one}$"),
        several => format!("^({})$", several.join("|")),
    }
}
