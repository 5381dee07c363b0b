//! What an account's user must be refused, tried as that user.

use std::time::Duration;

use contracts::AccountName;
use contracts::topology::{self, Exchange};
use lapin::options::{
    BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions,
};
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use serde::Serialize;
use tokio::time::timeout;

use crate::error::{During, Error, Result};

/// How long the broker may take to answer all attempts.
const LIMIT: Duration = Duration::from_secs(30);
/// A key of nobody's: no account can be called `desk`, and no service reads it. If it is let
/// through, the message is parked.
const FOREIGN_KEY: &str = "desk.trial";

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// What was tried.
    pub what: String,
    /// What the broker said.
    pub outcome: AttemptOutcome,
}

/// What the broker said to an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// 403, as it must.
    Refused,
    /// It did it.
    Allowed,
}

/// Tries, logged in as the account's user, what must be refused to it.
///
/// # Errors
/// When the user cannot log in, or the broker answers an attempt with something else than yes or
/// 403.
pub async fn attempts(url: &str, account: &AccountName) -> Result<Vec<Attempt>> {
    let tried = timeout(LIMIT, async {
        let connection = Connection::connect(url, ConnectionProperties::default())
            .await
            .during(format!("logging in to the broker as {account}: is this its password"))?;
        let tried = all(&connection, account).await;
        // With the answers at hand nothing depends on an orderly end.
        connection.close(200, ShortString::from("tried")).await.ok();
        tried
    });
    tried.await.unwrap_or_else(|_| {
        Err(Error::Late {
            what: format!("trying as {account}"),
            limit: LIMIT,
            last: "the broker did not answer".to_owned(),
        })
    })
}

async fn all(connection: &Connection, account: &AccountName) -> Result<Vec<Attempt>> {
    let foreign_queue = topology::desk_queue(&AccountName::operator());
    let (share, sync) = (Exchange::Share.name(), Exchange::Sync.name());
    // A refusal ends the channel, so each has its own.
    let channel = async || connection.create_channel().await.during("opening a channel");
    Ok(vec![
        attempt(
            format!("publishing to `{share}` with the key `{FOREIGN_KEY}`"),
            publish(&channel().await?, share).await,
        )?,
        attempt(format!("publishing to `{sync}`"), publish(&channel().await?, sync).await)?,
        attempt(
            format!("consuming `{foreign_queue}`"),
            consume(&channel().await?, &foreign_queue).await,
        )?,
        attempt("declaring a queue".to_owned(), declare(&channel().await?, account).await)?,
    ])
}

fn attempt(what: String, answer: lapin::Result<()>) -> Result<Attempt> {
    let outcome = match answer {
        Ok(()) => AttemptOutcome::Allowed,
        Err(refused) if refused.to_string().contains("ACCESS_REFUSED") => AttemptOutcome::Refused,
        Err(other) => return Err(other).during(what),
    };
    Ok(Attempt { what, outcome })
}

#[expect(
    clippy::disallowed_methods,
    reason = "this plays a desk; the runtime's publisher is for services"
)]
async fn publish(channel: &Channel, exchange: &str) -> lapin::Result<()> {
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    channel
        .basic_publish(exchange.into(), FOREIGN_KEY.into(), options, b"{}", properties)
        .await?
        .await
        .map(drop)
}

async fn consume(channel: &Channel, queue: &str) -> lapin::Result<()> {
    channel
        .basic_consume(
            queue.into(),
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        )
        .await
        .map(drop)
}

async fn declare(channel: &Channel, account: &AccountName) -> lapin::Result<()> {
    let gone_with_the_connection = QueueDeclareOptions {
        exclusive: true,
        auto_delete: true,
        ..QueueDeclareOptions::default()
    };
    channel
        .queue_declare(
            format!("trial.{account}").as_str().into(),
            gone_with_the_connection,
            FieldTable::default(),
        )
        .await
        .map(drop)
}
