//! `trace`: what this service knows of a ticket, a share, an agreement or a command, from the rows
//! that it keeps.

use chrono::{DateTime, Utc};
use contracts::Timestamp;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value;
use sqlx::types::Uuid;
use sqlx::{FromRow, PgConnection};
use timeline::{Decided, Parked, SentMessage, Target, Trail, Undelivered};

use crate::operate::parked::quoting;
use crate::service::Service;

/// Rows of a kind that one answer holds, at most; the newest.
const MOST: i64 = 500;

/// What is asked for, as this service can look for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// A person's question.
    Target(Target),
    /// The names that the service which reads tickets' numbers found for it.
    Names(Vec<String>),
}

/// How a service answers a question; `true` adds what was sent word for word, where that is still
/// kept.
pub type Trailing =
    for<'a> fn(&'a mut PgConnection, &'a Question, bool) -> BoxFuture<'a, sqlx::Result<Trail>>;

/// How `S` answers a question: a [`Trailing`].
pub fn trailing<'a, S: Service>(
    connection: &'a mut PgConnection,
    question: &'a Question,
    outputs: bool,
) -> BoxFuture<'a, sqlx::Result<Trail>> {
    trail::<S>(connection, question, outputs).boxed()
}

async fn trail<S: Service>(
    connection: &mut PgConnection,
    question: &Question,
    outputs: bool,
) -> sqlx::Result<Trail> {
    let mut names = match question {
        Question::Target(Target::Message(name)) => {
            let mut names = subjects_of(connection, name).await?;
            names.push(name.clone());
            names
        }
        Question::Target(target) => vec![target.name().to_owned()],
        Question::Names(names) => names.clone(),
    };
    let related = S::related(connection, &names).await?;
    names.extend(related.names);
    names.sort();
    names.dedup();
    // One command's own rows first: its ticket may have more than one answer holds.
    let first = match question {
        Question::Target(Target::Message(name)) => Some(name.as_str()),
        _ => None,
    };
    let decided = decided(connection, &names, first, outputs).await?;
    let parked = parked(connection, &names, outputs).await?;
    let undelivered = undelivered(connection, &names, &decided).await?;
    let cut = [decided.len(), parked.len(), undelivered.len()]
        .iter()
        .any(|count| i64::try_from(*count) == Ok(MOST));
    let service = S::SERVICE.name().to_owned();
    let calls = Vec::new();
    Ok(Trail { service, names, shares: related.shares, decided, parked, undelivered, calls, cut })
}

/// What a command is about, given as `account/message_id`.
async fn subjects_of(connection: &mut PgConnection, name: &str) -> sqlx::Result<Vec<String>> {
    let (account, message_id) = name.split_once('/').unwrap_or_default();
    let journaled =
        "select about from journal where account = $1 and message_id = $2 and about is \
        not null
                     union select about from parked where account = $1 and message_id = $2
                     and about is not null";
    sqlx::query_scalar(journaled).bind(account).bind(message_id).fetch_all(connection).await
}

#[derive(FromRow)]
struct DecidedRow {
    account: String,
    message_id: String,
    message_type: String,
    command: Option<String>,
    arrived_at: DateTime<Utc>,
    decided_at: DateTime<Utc>,
    waits: i32,
    trace_id: Option<String>,
    told: String,
    outputs: Option<String>,
}

impl DecidedRow {
    fn read(self) -> sqlx::Result<Decided> {
        let decode = |error: serde_json::Error| sqlx::Error::Decode(error.into());
        let own =
            self.command.is_none() && contracts::AccountName::new(self.account.as_str()).is_ok();
        Ok(Decided {
            account: own.then_some(self.account),
            message_id: self.message_id,
            message_type: self.message_type,
            command: self.command,
            arrived_at: Timestamp::from(self.arrived_at),
            decided_at: Timestamp::from(self.decided_at),
            waits: u32::try_from(self.waits).unwrap_or_default(),
            trace_id: self.trace_id,
            told: serde_json::from_str::<Vec<SentMessage>>(&self.told).map_err(decode)?,
            outputs: self
                .outputs
                .as_deref()
                .map(serde_json::from_str::<Value>)
                .transpose()
                .map_err(decode)?,
        })
    }
}

async fn decided(
    connection: &mut PgConnection,
    names: &[String],
    first: Option<&str>,
    outputs: bool,
) -> sqlx::Result<Vec<Decided>> {
    let own = first.and_then(|name| name.split_once('/'));
    let rows: Vec<DecidedRow> = sqlx::query_as(
        "select account, message_id, message_type, command, arrived_at, journal.decided_at, waits, \
         trace_id, told, outputs
         from journal left join journal_output o on $3 and o.id = output_id
         and o.decided_at = journal.decided_at
         where about = any($1)
         order by coalesce(command = $4 or (account = $5 and message_id = $6), false) desc,
         journal.decided_at desc
         limit $2",
    )
    .bind(names)
    .bind(MOST)
    .bind(outputs)
    .bind(first)
    .bind(own.map(|(account, _)| account))
    .bind(own.map(|(_, message_id)| message_id))
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(DecidedRow::read).collect()
}

#[derive(FromRow)]
struct ParkedRow {
    id: Uuid,
    state: String,
    reason: String,
    detail: String,
    account: Option<String>,
    message_id: Option<String>,
    message_type: Option<String>,
    command: Option<String>,
    first_arrived_at: DateTime<Utc>,
    parked_at: DateTime<Utc>,
    closed_at: Option<DateTime<Utc>>,
}

async fn parked(
    connection: &mut PgConnection,
    names: &[String],
    with_body: bool,
) -> sqlx::Result<Vec<Parked>> {
    let rows: Vec<ParkedRow> = sqlx::query_as(
        "select id, state, reason, detail, account, message_id, message_type, command, \
         first_arrived_at, parked_at, closed_at
         from parked where about = any($1) order by parked_at desc limit $2",
    )
    .bind(names)
    .bind(MOST)
    .fetch_all(connection)
    .await?;
    let read = |row: ParkedRow| Parked {
        id: row.id.to_string(),
        state: row.state,
        detail: quoting::detail(&row.reason, row.detail, with_body),
        reason: row.reason,
        account: row.account,
        message_id: row.message_id,
        message_type: row.message_type,
        command: row.command,
        first_arrived_at: row.first_arrived_at.into(),
        parked_at: row.parked_at.into(),
        closed_at: row.closed_at.map(Into::into),
    };
    Ok(rows.into_iter().map(read).collect())
}

#[derive(FromRow)]
struct UndeliveredRow {
    account: String,
    message_type: String,
    share: Option<String>,
    first_failed_at: DateTime<Utc>,
    next_attempt_at: DateTime<Utc>,
    attempts: i32,
}

/// What waits for desks' queues: of these shares, or in answer to one of these commands.
async fn undelivered(
    connection: &mut PgConnection,
    names: &[String],
    decided: &[Decided],
) -> sqlx::Result<Vec<Undelivered>> {
    let roots: Vec<String> = decided.iter().filter_map(Decided::root).collect();
    let (accounts, ids): (Vec<&str>, Vec<&str>) =
        roots.iter().filter_map(|root| root.split_once('/')).unzip();
    let rows: Vec<UndeliveredRow> = sqlx::query_as(
        "select account, output -> 'output' ->> 'message_type' as message_type, output -> 'output' \
         ->> 'share_id' as share,
           first_failed_at, next_attempt_at, attempts
         from undelivered
         where output -> 'output' ->> 'share_id' = any($1)
           or (account, output -> 'output' ->> 'correlation_id') in (select *
           from unnest($2::text[], $3::text[]))
         order by first_failed_at desc limit $4",
    )
    .bind(names)
    .bind(accounts)
    .bind(ids)
    .bind(MOST)
    .fetch_all(connection)
    .await?;
    let read = |row: UndeliveredRow| Undelivered {
        account: row.account,
        message_type: row.message_type,
        share: row.share,
        first_failed_at: row.first_failed_at.into(),
        next_attempt_at: row.next_attempt_at.into(),
        attempts: u32::try_from(row.attempts).unwrap_or_default(),
    };
    Ok(rows.into_iter().map(read).collect())
}
