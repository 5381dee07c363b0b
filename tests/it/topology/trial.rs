//! Trying it: one attempt, one channel, because a refusal closes it.

use std::time::Duration;

use lapin::ExchangeKind::Topic;
use lapin::options::{
    BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeBindOptions,
    ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions,
    QueueDeleteOptions, QueuePurgeOptions,
};
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, ErrorKind};
use tokio::time::timeout;

use super::matrix::{Attempt, Trial};

const ACCESS_REFUSED: u16 = 403;
/// How long the broker may take to answer one attempt.
const LIMIT: Duration = Duration::from_secs(30);

/// What the broker said.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Passed,
    Refused,
    Otherwise(String),
}

/// As many channels as one connection is asked for: the broker grants two thousand, and lapin gives
/// no number of a closed one back.
const CHANNELS: usize = 1_000;

/// The trials that ended otherwise than they had to, one line each.
pub async fn wrong(url: &str, trials: &[Trial]) -> Vec<String> {
    let mut wrong = Vec::new();
    for trials in trials.chunks(CHANNELS) {
        let connection = Connection::connect(url, ConnectionProperties::default())
            .await
            .expect("the user logs in");
        for Trial { attempt, passes } in trials {
            let answer = timeout(LIMIT, answer(&connection, attempt))
                .await
                .unwrap_or(Answer::Otherwise("no answer".to_owned()));
            let wanted = if *passes { Answer::Passed } else { Answer::Refused };
            if answer != wanted {
                wrong.push(format!("{attempt:?} is {answer:?}, and has to be {wanted:?}"));
            }
        }
        connection.close(200, ShortString::from("tried")).await.ok();
    }
    wrong
}

async fn answer(connection: &Connection, attempt: &Attempt) -> Answer {
    let channel = match connection.create_channel().await {
        Ok(channel) => channel,
        Err(error) => return Answer::Otherwise(format!("no channel: {error}")),
    };
    let answer = match attempted(&channel, attempt).await {
        Ok(()) => Answer::Passed,
        Err(error) => match error.kind() {
            ErrorKind::ProtocolError(refused) if refused.get_id() == ACCESS_REFUSED => {
                Answer::Refused
            }
            _ => Answer::Otherwise(error.to_string()),
        },
    };
    if answer == Answer::Passed {
        channel.close(200, ShortString::from("tried")).await.ok();
    }
    answer
}

async fn attempted(channel: &Channel, attempt: &Attempt) -> lapin::Result<()> {
    let none = FieldTable::default;
    match attempt {
        Attempt::Publish { exchange, key } => publish(channel, exchange, key).await,
        Attempt::Consume { queue } => channel
            .basic_consume(name(queue), name("trial"), BasicConsumeOptions::default(), none())
            .await
            .map(drop),
        Attempt::Purge { queue } => {
            channel.queue_purge(name(queue), QueuePurgeOptions::default()).await.map(drop)
        }
        Attempt::Declare { queue } => channel
            .queue_declare(name(queue), QueueDeclareOptions::durable(), none())
            .await
            .map(drop),
        Attempt::Bind { queue, exchange, key } => {
            channel
                .queue_bind(
                    name(queue),
                    name(exchange),
                    name(key),
                    QueueBindOptions::default(),
                    none(),
                )
                .await
        }
        Attempt::Unbind { queue, exchange, key } => {
            channel.queue_unbind(name(queue), name(exchange), name(key), none()).await
        }
        Attempt::DeclareExchange { exchange } => {
            let durable =
                ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
            channel.exchange_declare(name(exchange), Topic, durable, none()).await
        }
        Attempt::BindExchange { to, from } => {
            channel
                .exchange_bind(
                    name(to),
                    name(from),
                    name("#"),
                    ExchangeBindOptions::default(),
                    none(),
                )
                .await
        }
        Attempt::DeleteExchange { exchange } => {
            channel.exchange_delete(name(exchange), ExchangeDeleteOptions::default()).await
        }
        Attempt::Delete { queue } => {
            channel.queue_delete(name(queue), QueueDeleteOptions::default()).await.map(drop)
        }
    }
}

/// Publishes one message. Who publishes and finds no queue may do so all the same: only rights
/// count here.
#[expect(
    clippy::disallowed_methods,
    reason = "rights are tried, as any client could; the runtime's publisher is for services"
)]
async fn publish(channel: &Channel, exchange: &str, key: &str) -> lapin::Result<()> {
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    match channel
        .basic_publish(name(exchange), name(key), options, b"{}", properties)
        .await?
        .await?
    {
        Confirmation::Ack(_) => Ok(()),
        unconfirmed => panic!("{exchange} {key}: {unconfirmed:?}"),
    }
}

fn name(name: &str) -> ShortString {
    ShortString::from(name)
}
