//! Dead letters: where the broker's own settings and bindings lead them, and that they come there.

use std::collections::BTreeSet;
use std::time::Duration;

use contracts::AccountName;
use contracts::topology::{DESK_PARKED, End, Exchange, FLOWS, Service, UNROUTABLE, desk_queue};
use lapin::message::BasicGetMessage;
use lapin::options::{
    BasicAckOptions, BasicGetOptions, BasicPublishOptions, BasicRejectOptions, ConfirmSelectOptions,
};
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use local::{AccountAccess, Installation};
use operator::QueueSettings;
use serde_json::Value;
use testkit::until;

const LIMIT: Duration = Duration::from_secs(30);

/// The broker's own word on every queue, and on what is bound to which.
pub async fn told(installation: &Installation) -> (Vec<QueueSettings>, Value) {
    let told = |installation: Installation| {
        let (broker, vhost) = (installation.broker(), installation.vhost());
        Ok((broker.queue_settings(vhost)?, broker.definitions(vhost)?["bindings"].clone()))
    };
    until("the policies of all queues", LIMIT, async || {
        let installation = installation.clone();
        let told: operator::Result<_> =
            tokio::task::spawn_blocking(move || told(installation)).await.expect("it ends");
        let (queues, bindings) = told.map_err(|error| error.to_string())?;
        let unknown: Vec<&str> = queues
            .iter()
            .filter(|queue| queue.policy.is_none())
            .map(|queue| &*queue.name)
            .collect();
        if unknown.is_empty() {
            Ok((queues, bindings))
        } else {
            Err(format!("none is told for {unknown:?}"))
        }
    })
    .await
}

/// Follows every queue's dead letters. A service reads where they end, and what it only parks from
/// is never thrown away.
pub fn lead_to_readers(queues: &[QueueSettings], bindings: &Value) {
    let work: BTreeSet<String> = Service::ALL.into_iter().flat_map(Service::work_queues).collect();
    let parked: BTreeSet<String> =
        Service::ALL.into_iter().flat_map(Service::dead_letter_queues).collect();
    for queue in queues {
        let name = &queue.name;
        let Some(exchange) = setting(queue, "dead-letter-exchange") else {
            assert!(parked.contains(name), "{name}: what is rejected there is lost: {queue:?}");
            for drops in ["message-ttl", "max-length", "max-length-bytes", "expires"] {
                assert_eq!(setting(queue, drops), None, "{name}: {drops} throws messages away");
            }
            continue;
        };
        // Without either the broker drops the letter when nobody confirms it.
        assert_eq!(setting(queue, "dead-letter-strategy"), Some("at-least-once".into()), "{name}");
        assert_eq!(setting(queue, "overflow"), Some("reject-publish".into()), "{name}");
        let key = setting(queue, "dead-letter-routing-key").expect("a key of its own");
        let ends =
            bound(bindings, exchange.as_str().expect("a name"), key.as_str().expect("a text"));
        assert_eq!(ends.len(), 1, "{name} dead-letters with {key} into {ends:?}");
        let waits = name.contains(".retry.");
        assert!(
            ends.is_subset(if waits { &work } else { &parked }),
            "{name} dead-letters with {key} into {ends:?}"
        );
        assert!(!ends.contains(name), "{name} dead-letters into itself");
    }
}

/// What holds for a queue: its argument, or else what the policies say.
fn setting(queue: &QueueSettings, name: &str) -> Option<Value> {
    queue.arguments.get(format!("x-{name}")).or_else(|| queue.policy.as_ref()?.get(name)).cloned()
}

/// The queues that a topic exchange puts a message with this key into.
fn bound(bindings: &Value, exchange: &str, key: &str) -> BTreeSet<String> {
    let all = bindings.as_array().expect("a list").iter();
    let leads = |row: &&Value| {
        row["source"] == exchange && matches(row["routing_key"].as_str().expect("a text"), key)
    };
    all.filter(leads).map(|row| row["destination"].as_str().expect("a name").to_owned()).collect()
}

/// A topic exchange's rule: `*` is one word, `#` any number of them.
fn matches(pattern: &str, key: &str) -> bool {
    fn words(pattern: &[&str], key: &[&str]) -> bool {
        match (pattern, key) {
            ([], []) => true,
            (["#", rest @ ..], _) => (0..=key.len()).any(|taken| words(rest, &key[taken..])),
            (["*", rest @ ..], [_, more @ ..]) => words(rest, more),
            ([word, rest @ ..], [same, more @ ..]) => word == same && words(rest, more),
            _ => false,
        }
    }
    words(&pattern.split('.').collect::<Vec<_>>(), &key.split('.').collect::<Vec<_>>())
}

#[test]
fn topics_match_as_the_broker_has_them() {
    assert!(
        matches("*.ticket.*", "acme.ticket.share")
            && !matches("*.ticket.*", "acme.ticket.share.v1")
    );
    assert!(
        matches("acme.#", "acme")
            && matches("acme.#", "acme.ticket.share")
            && !matches("acme.#", "globex.ticket")
    );
}

/// A letter that is thrown back, and where it has to come.
struct Letter {
    /// Who publishes it where, with which key.
    sender: String,
    exchange: &'static str,
    key: String,
    /// Who rejects it from which queue.
    reader: String,
    queue: String,
    /// Who finds it then, in which queue.
    finder: String,
    parked: String,
}

/// Sends a message into every work queue and every desk's, rejects it there, and waits until it
/// lies where dead letters are read.
pub async fn arrive(installation: &Installation, account: &AccountName, desk: &AccountAccess) {
    let url =
        |service: Service| installation.service_url(service).expect("the broker has an address");
    let mut letters: Vec<Letter> = Service::ALL
        .into_iter()
        .map(|service| {
            let flow = FLOWS
                .iter()
                .find(|flow| flow.to == End::Service(service))
                .expect("each receives something");
            let stem = flow.message.rsplit_once(".v").map_or(flow.message, |(stem, _version)| stem);
            let (sender, key) = match flow.from {
                End::Desk => (desk.amqp_url.clone(), format!("{account}.{stem}")),
                End::Service(from) => (url(from), format!("{}.{stem}", service.name())),
            };
            let (reader, finder) = (url(service), url(service));
            let (queue, parked) = (service.name().to_owned(), format!("{}.parked", service.name()));
            Letter { sender, exchange: flow.exchange.name(), key, reader, queue, finder, parked }
        })
        .collect();
    let dispatcher = url(Service::ShareDispatcher);
    letters.push(Letter {
        sender: desk.amqp_url.clone(),
        exchange: Exchange::Share.name(),
        key: format!("{account}.no.such.key"),
        reader: dispatcher.clone(),
        queue: UNROUTABLE.to_owned(),
        finder: dispatcher.clone(),
        parked: format!("{}.parked", Service::ShareDispatcher.name()),
    });
    let operator =
        (AccountName::operator(), installation.operator_url().expect("the broker has an address"));
    for (whose, reader) in [(account.clone(), desk.amqp_url.clone()), operator] {
        letters.push(Letter {
            sender: url(Service::FieldSync),
            exchange: Exchange::Desk.name(),
            key: format!("{whose}.ticket.updated"),
            reader,
            queue: desk_queue(&whose),
            finder: dispatcher.clone(),
            parked: DESK_PARKED.to_owned(),
        });
    }
    for letter in &letters {
        comes_through(letter).await;
    }
}

async fn comes_through(letter: &Letter) {
    let id = format!("{} to {}", letter.key, letter.queue);
    let (sender, reader, finder) = (
        channel(&letter.sender).await,
        channel(&letter.reader).await,
        channel(&letter.finder).await,
    );
    publish(&sender, letter, &id).await;
    let got = take(&reader, &letter.queue, &id).await;
    reader
        .basic_reject(got.delivery_tag, BasicRejectOptions { requeue: false })
        .await
        .expect("the broker takes it back");
    let found = take(&finder, &letter.parked, &id).await;
    finder
        .basic_ack(found.delivery_tag, BasicAckOptions::default())
        .await
        .expect("the broker lets it go");
}

async fn channel(url: &str) -> Channel {
    let connection =
        Connection::connect(url, ConnectionProperties::default()).await.expect("the user logs in");
    connection.create_channel().await.expect("a channel opens")
}

#[expect(
    clippy::disallowed_methods,
    reason = "this plays whoever sends it; the runtime's publisher is for services"
)]
async fn publish(channel: &Channel, letter: &Letter, id: &str) {
    channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms are turned on");
    let properties = BasicProperties::default().with_message_id(ShortString::from(id));
    let (exchange, key) =
        (ShortString::from(letter.exchange), ShortString::from(letter.key.as_str()));
    let sent = channel
        .basic_publish(exchange, key, BasicPublishOptions::default(), b"{}", properties)
        .await;
    assert!(
        sent.expect("it is sent").await.expect("the broker answers").is_ack(),
        "{id} is confirmed"
    );
}

/// The message of this id, which is the only one there.
async fn take(channel: &Channel, queue: &str, id: &str) -> BasicGetMessage {
    let what = format!("{id} in {queue}");
    let got = until(&what, LIMIT, async || {
        let got = channel.basic_get(ShortString::from(queue), BasicGetOptions::default()).await;
        got.map_err(|error| error.to_string())?.ok_or_else(|| "the queue is empty".to_owned())
    })
    .await;
    assert_eq!(
        got.properties.message_id().as_ref().map(ShortString::as_str),
        Some(id),
        "in {queue}"
    );
    got
}
