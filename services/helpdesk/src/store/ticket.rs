//! Tickets.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::rules::ticket::{Channel, Ticket, status_of, status_word};

/// A ticket with what it says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// What can change of it.
    pub ticket: Ticket,
    /// The name of who asks.
    pub requester_name: String,
    /// When it was asked.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    number: i64,
    subject: String,
    status: String,
    custom_status: Option<String>,
    group_id: Option<Uuid>,
    assignee: Option<Uuid>,
    requester: String,
    requester_name: String,
    channel: String,
    updated_via: String,
    tags: Vec<String>,
    rule_tags: Vec<String>,
    fields: Json<BTreeMap<String, Value>>,
    received_from: Option<String>,
    sent_to: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

pub(super) const COLUMNS: &str =
    "number, subject, status, custom_status, group_id, assignee, requester,
    requester_name, channel, updated_via, tags, rule_tags, fields, received_from, sent_to,
    created_at, updated_at";

impl Row {
    pub(super) fn read(self) -> sqlx::Result<Kept> {
        let unreadable = |what: &str, word: &str| {
            sqlx::Error::Decode(format!("a ticket has the {what} {word:?}").into())
        };
        let channel = |word: &str| Channel::of(word).ok_or_else(|| unreadable("channel", word));
        let status = status_of(&self.status).ok_or_else(|| unreadable("status", &self.status))?;
        let ticket = Ticket {
            number: self.number,
            subject: self.subject,
            status,
            custom_status: self.custom_status,
            group: self.group_id,
            assignee: self.assignee,
            requester: self.requester,
            channel: channel(&self.channel)?,
            updated_via: channel(&self.updated_via)?,
            tags: self.tags.into_iter().collect(),
            rule_tags: self.rule_tags.into_iter().collect(),
            fields: self.fields.0,
            received_from: self.received_from,
            sent_to: self.sent_to,
        };
        Ok(Kept {
            ticket,
            requester_name: self.requester_name,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// A ticket by its number.
///
/// # Errors
/// The database.
pub async fn find(
    connection: &mut PgConnection,
    account: &str,
    number: i64,
) -> sqlx::Result<Option<Kept>> {
    one(connection, account, number, "").await
}

/// A ticket by its number, locked until the transaction ends.
///
/// # Errors
/// The database.
pub async fn lock(
    connection: &mut PgConnection,
    account: &str,
    number: i64,
) -> sqlx::Result<Option<Kept>> {
    one(connection, account, number, "for update").await
}

async fn one(
    connection: &mut PgConnection,
    account: &str,
    number: i64,
    lock: &str,
) -> sqlx::Result<Option<Kept>> {
    let statement = sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from ticket where account = $1 and number = $2 {lock}"
    ));
    let row: Option<Row> =
        sqlx::query_as(statement).bind(account).bind(number).fetch_optional(connection).await?;
    row.map(Row::read).transpose()
}

/// The number of the ticket that a comment is on.
///
/// # Errors
/// The database.
pub async fn of_comment(
    connection: &mut PgConnection,
    account: &str,
    comment: &str,
) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar("select ticket from comment where account = $1 and id = $2 limit 1")
        .bind(account)
        .bind(comment)
        .fetch_optional(connection)
        .await
}

/// The account's next number; held until the transaction ends, so that none is left out.
///
/// # Errors
/// The database.
pub async fn next_number(connection: &mut PgConnection, account: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "insert into ticket_number (account, next) values ($1, 2)
         on conflict (account) do update set next = ticket_number.next + 1
         returning next - 1",
    )
    .bind(account)
    .fetch_one(connection)
    .await
}

/// Keeps a new ticket.
///
/// # Errors
/// The database.
pub async fn insert(connection: &mut PgConnection, account: &str, kept: &Kept) -> sqlx::Result<()> {
    let statement = "insert into ticket (account, number, subject, status, group_id, assignee,
            requester, requester_name, channel, updated_via, tags, rule_tags, fields, received_from,
            sent_to, custom_status, created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $17, $18, $16)";
    write(connection, statement, account, kept, Some(kept.created_at)).await
}

/// Saves a ticket that changed.
///
/// # Errors
/// The database.
pub async fn save(connection: &mut PgConnection, account: &str, kept: &Kept) -> sqlx::Result<()> {
    let statement = "update ticket set subject = $3, status = $4, group_id = $5, assignee = $6,
            requester = $7, requester_name = $8, channel = $9, updated_via = $10, tags = $11,
            rule_tags = $12, fields = $13, received_from = $14, sent_to = $15, updated_at = $16,
            custom_status = $17, changed_at = clock_timestamp()
        where account = $1 and number = $2";
    write(connection, statement, account, kept, None).await
}

async fn write(
    connection: &mut PgConnection,
    statement: &'static str,
    account: &str,
    kept: &Kept,
    created_at: Option<DateTime<Utc>>,
) -> sqlx::Result<()> {
    let ticket = &kept.ticket;
    let mut query = sqlx::query(statement)
        .bind(account)
        .bind(ticket.number)
        .bind(&ticket.subject)
        .bind(status_word(ticket.status))
        .bind(ticket.group)
        .bind(ticket.assignee)
        .bind(&ticket.requester)
        .bind(&kept.requester_name)
        .bind(ticket.channel.word())
        .bind(ticket.updated_via.word())
        .bind(ticket.tags.iter().collect::<Vec<_>>())
        .bind(ticket.rule_tags.iter().collect::<Vec<_>>())
        .bind(Json(&ticket.fields))
        .bind(&ticket.received_from)
        .bind(&ticket.sent_to)
        .bind(kept.updated_at)
        .bind(&ticket.custom_status);
    if let Some(created_at) = created_at {
        query = query.bind(created_at);
    }
    query.execute(connection).await.map(drop)
}

/// Whoever looks at these tickets is shown them anew.
///
/// # Errors
/// The database.
pub async fn touch(
    connection: &mut PgConnection,
    account: &str,
    numbers: &[i64],
) -> sqlx::Result<()> {
    if numbers.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "update ticket set changed_at = clock_timestamp()
         where account = $1 and number = any($2)",
    )
    .bind(account)
    .bind(numbers)
    .execute(connection)
    .await
    .map(drop)
}

/// Tickets that an agreement kept in step are so no longer: those that were sent under it are free.
/// Not those that say already that it ended: they may have been sent under another one since.
///
/// # Errors
/// The database.
pub async fn end_shares(
    connection: &mut PgConnection,
    account: &str,
    agreement: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "update ticket set changed_at = clock_timestamp(),
             sent_to = case when share.side = 'receiver' then sent_to end
         from desk_share share join desk_ticket held on held.id = share.ticket
         where share.account = $1 and share.agreement_id = $2 and not share.ended
             and ticket.account = $1 and ticket.number::text = held.number
             and not exists (select from event told
                 where told.account = $1 and told.ticket = ticket.number
                     and told.kind = 'agreement_ended' and told.detail ->> 'agreement' = $2)",
    )
    .bind(account)
    .bind(agreement)
    .execute(connection)
    .await
    .map(drop)
}

/// What came of an account's tickets, and of its agreements.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct AccountChanges {
    /// The account.
    pub account: String,
    /// When one of its tickets changed last.
    pub newest: Option<DateTime<Utc>>,
    /// How many changed in the last ten seconds. With the newest change it differs after every one
    /// that somebody commits, in whichever order.
    pub recent: i64,
    /// The last that it was told of agreements; 0: nothing.
    pub agreements: i64,
}

/// What came of accounts.
///
/// # Errors
/// The database.
pub async fn changes(
    connection: &mut PgConnection,
    accounts: &[String],
) -> sqlx::Result<Vec<AccountChanges>> {
    // `clock_timestamp()` is no bound of an index: each look would go through all tickets.
    sqlx::query_as(
        "select looked.account,
             (select max(changed_at) from ticket where account = looked.account) as newest,
             (select count(*) from ticket where account = looked.account
                 and changed_at > now() - interval '10 seconds') as recent,
             coalesce((select max(position) from desk_log
                 where account = looked.account and type like 'agreement.%'), 0) as agreements
         from unnest($1::text[]) looked (account)",
    )
    .bind(accounts)
    .fetch_all(connection)
    .await
}

/// When each of these tickets changed last, with its account and number.
///
/// # Errors
/// The database.
pub async fn changed_at(
    connection: &mut PgConnection,
    tickets: &[(String, i64)],
) -> sqlx::Result<Vec<(String, i64, DateTime<Utc>)>> {
    if tickets.is_empty() {
        return Ok(Vec::new());
    }
    let (accounts, numbers): (Vec<&str>, Vec<i64>) =
        tickets.iter().map(|(account, number)| (account.as_str(), *number)).unzip();
    sqlx::query_as(
        "select account, number, changed_at
         from unnest($1::text[], $2::bigint[]) looked (account, number)
         join ticket using (account, number)",
    )
    .bind(accounts)
    .bind(numbers)
    .fetch_all(connection)
    .await
}

/// When a ticket changed last, or any of the account's.
///
/// # Errors
/// The database.
pub async fn newest_change(
    connection: &mut PgConnection,
    account: &str,
    number: Option<i64>,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    let statement = if number.is_some() {
        "select changed_at from ticket where account = $1 and number = $2"
    } else {
        "select max(changed_at) from ticket where account = $1 and $2::bigint is null"
    };
    let newest: Option<Option<DateTime<Utc>>> =
        sqlx::query_scalar(statement).bind(account).bind(number).fetch_optional(connection).await?;
    Ok(newest.flatten())
}

/// The newest tickets of an account, for a dry run.
///
/// # Errors
/// The database.
pub async fn newest(
    connection: &mut PgConnection,
    account: &str,
    limit: i64,
) -> sqlx::Result<Vec<Kept>> {
    let statement = sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from ticket where account = $1 \
         order by updated_at desc, number desc limit $2"
    ));
    let rows: Vec<Row> =
        sqlx::query_as(statement).bind(account).bind(limit).fetch_all(connection).await?;
    rows.into_iter().map(Row::read).collect()
}
