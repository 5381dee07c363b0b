//! What the pages read of the desk's tables.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use contracts::Receipt;
use contracts::delivery::{AgreementComparison, AgreementState};
use serde_json::Value;
use sqlx::PgPool;
use sqlx::types::Json;

use super::rules::health::Traffic;
use super::rules::withheld::{is_mendable, stayed};

/// Agreements that a list shows.
const AGREEMENTS: i64 = 1_000;
/// Receipts that are looked through for what stayed.
const RECEIPTS: i64 = 1_000;

/// All agreements of an account, the newest change first.
pub(super) async fn agreements(pool: &PgPool, account: &str) -> sqlx::Result<Vec<AgreementState>> {
    let rows: Vec<Json<Value>> = sqlx::query_scalar(
        "select state from desk_agreement where account = $1
         order by updated_at desc, agreement_id limit $2",
    )
    .bind(account)
    .bind(AGREEMENTS)
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(|Json(state)| read(state)).collect()
}

/// One agreement.
pub(super) async fn agreement(
    pool: &PgPool,
    account: &str,
    id: &str,
) -> sqlx::Result<Option<AgreementState>> {
    let state = desk::store::read::agreement(pool, account, &id.to_lowercase()).await?;
    state.map(read).transpose()
}

fn read(state: Value) -> sqlx::Result<AgreementState> {
    serde_json::from_value(state).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// A share whose copy has no number a minute after it was made.
const UNBOUND: &str = "not share.ended and share.started_at < now() - interval '1 minute'
    and ((share.side = 'sender' and share.partner_ticket_id is null)
        or (share.side = 'receiver' and ticket.number is null))";

#[derive(sqlx::FromRow)]
struct Counted {
    agreement_id: String,
    total: i64,
    live: i64,
    unbound: i64,
    unbound_since: Option<DateTime<Utc>>,
    last_at: Option<DateTime<Utc>>,
}

/// What went over each agreement of an account, by its id.
pub(super) async fn traffic(
    pool: &PgPool,
    account: &str,
    receipts: &[Receipt],
) -> sqlx::Result<BTreeMap<String, Traffic>> {
    let statement = sqlx::AssertSqlSafe(format!(
        "select share.agreement_id, count(*) as total,
             count(*) filter (where not share.ended) as live,
             count(*) filter (where {UNBOUND}) as unbound,
             min(share.started_at) filter (where {UNBOUND}) as unbound_since,
             max(ticket.updated_at) as last_at
         from desk_share share left join desk_ticket ticket on ticket.id = share.ticket
         where share.account = $1 and share.agreement_id is not null
         group by share.agreement_id"
    ));
    let counted: Vec<Counted> = sqlx::query_as(statement).bind(account).fetch_all(pool).await?;
    let mut traffic: BTreeMap<String, Traffic> = counted
        .into_iter()
        .map(|it| {
            let traffic = Traffic {
                total: it.total,
                live: it.live,
                unbound: it.unbound,
                unbound_since: it.unbound_since,
                last_at: it.last_at,
                ..Traffic::default()
            };
            (it.agreement_id, traffic)
        })
        .collect();
    for (agreement, waiting, since) in waiting(pool, account).await? {
        let entry = traffic.entry(agreement).or_default();
        (entry.waiting, entry.waiting_since) = (waiting, since);
    }
    let of_shares = agreements_of(pool, account, receipts).await?;
    for (share, reason) in stayed(receipts) {
        if let Some(agreement) = of_shares.get(share) {
            let entry = traffic.entry(agreement.clone()).or_default();
            entry.stayed += 1;
            entry.mendable += usize::from(is_mendable(reason));
        }
    }
    Ok(traffic)
}

/// Commands without a receipt ten seconds after they were kept, by agreement.
async fn waiting(
    pool: &PgPool,
    account: &str,
) -> sqlx::Result<Vec<(String, i64, Option<DateTime<Utc>>)>> {
    sqlx::query_as(
        "select share.agreement_id, count(distinct sent.number), min(sent.created_at)
         from desk_outbox sent
         left join desk_ticket ticket
             on ticket.account = sent.account and ticket.number = sent.ticket
         join desk_share share on share.account = sent.account
             and (share.share_id = sent.share_id or share.ticket = ticket.id)
         where sent.account = $1 and sent.due_at is not null and sent.receipt is null
             and sent.created_at < now() - interval '10 seconds'
             and share.agreement_id is not null and not share.ended
         group by share.agreement_id",
    )
    .bind(account)
    .fetch_all(pool)
    .await
}

/// The agreement of each share that receipts are about.
async fn agreements_of(
    pool: &PgPool,
    account: &str,
    receipts: &[Receipt],
) -> sqlx::Result<BTreeMap<String, String>> {
    let shares: BTreeSet<&str> = stayed(receipts).map(|(share, _)| share).collect();
    let rows: Vec<(String, String)> = sqlx::query_as(
        "select share_id, agreement_id from desk_share
         where account = $1 and share_id = any($2) and agreement_id is not null",
    )
    .bind(account)
    .bind(shares.into_iter().collect::<Vec<_>>())
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().collect())
}

/// The receipts of the last day for commands about tickets, the newest first.
pub(super) async fn receipts(pool: &PgPool, account: &str) -> sqlx::Result<Vec<Receipt>> {
    let rows: Vec<String> = sqlx::query_scalar(
        "select receipt from desk_outbox
         where account = $1 and entity = 'ticket' and receipt is not null
             and receipt_at > now() - interval '1 day'
         order by receipt_at desc limit $2",
    )
    .bind(account)
    .bind(RECEIPTS)
    .fetch_all(pool)
    .await?;
    // One of a later release may have what this one cannot read.
    Ok(rows.iter().filter_map(|receipt| serde_json::from_str(receipt).ok()).collect())
}

/// The receipts of commands about tickets, by the tickets' numbers: those of these keys that were
/// kept, in no order.
pub(super) async fn receipts_of(
    pool: &PgPool,
    account: &str,
    keys: &[String],
) -> sqlx::Result<Vec<(String, Option<Receipt>)>> {
    let rows: Vec<(String, Option<String>)> = sqlx::query_as(
        "select coalesce(ticket, ''), receipt from desk_outbox
         where account = $1 and entity = 'ticket' and key = any($2)",
    )
    .bind(account)
    .bind(keys)
    .fetch_all(pool)
    .await?;
    let read = |(number, receipt): (String, Option<String>)| {
        (number, receipt.and_then(|receipt| serde_json::from_str(&receipt).ok()))
    };
    Ok(rows.into_iter().map(read).collect())
}

/// The shares of an agreement that `receipts` are about.
pub(super) async fn shares_of(
    pool: &PgPool,
    account: &str,
    agreement: &str,
    receipts: &[Receipt],
) -> sqlx::Result<BTreeSet<String>> {
    let of_shares = agreements_of(pool, account, receipts).await?;
    Ok(of_shares.into_iter().filter(|(_, it)| it == agreement).map(|(share, _)| share).collect())
}

/// Updates of a day under an agreement: those that came, and those that went.
pub(super) async fn of_a_day(
    pool: &PgPool,
    account: &str,
    agreement: &str,
) -> sqlx::Result<(i64, i64)> {
    sqlx::query_as(
        "with shares as (
             select share_id, ticket from desk_share where account = $1 and agreement_id = $2
         )
         select
             (select count(*) from desk_log told join shares using (share_id)
              where told.account = $1 and told.told_at > now() - interval '1 day'
                  and told.type in ('ticket.created.v1', 'ticket.updated.v1')),
             (select count(*) from desk_outbox sent
              where sent.account = $1 and sent.entity = 'ticket'
                  and sent.created_at > now() - interval '1 day'
                  and (sent.share_id in (select share_id from shares)
                      or sent.ticket in (select number from desk_ticket ticket
                          join shares on shares.ticket = ticket.id)))",
    )
    .bind(account)
    .bind(agreement)
    .fetch_one(pool)
    .await
}

/// What an account was told of an agreement, the newest first: type, when, content.
pub(super) async fn history(
    pool: &PgPool,
    account: &str,
    agreement: &str,
) -> sqlx::Result<Vec<(String, DateTime<Utc>, Value)>> {
    let rows: Vec<(String, DateTime<Utc>, String)> = sqlx::query_as(
        "select type, told_at, body from desk_log
         where account = $1 and type like 'agreement.%' and type <> 'agreement.comparison.v1'
             and position(lower($2) in lower(body)) > 0
         order by position desc limit 50",
    )
    .bind(account)
    .bind(agreement)
    .fetch_all(pool)
    .await?;
    let read = |(kind, at, body): (String, DateTime<Utc>, String)| {
        Some((kind, at, serde_json::from_str(&body).ok()?))
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// A share as its row of the list shows it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct SharedTicket {
    pub share_id: String,
    pub side: Option<String>,
    pub partner_ticket_id: Option<String>,
    pub ended: bool,
    pub started_at: DateTime<Utc>,
    pub number: Option<String>,
    pub subject: Option<String>,
    pub status: Option<String>,
    pub custom_status: Option<String>,
    pub updated_at: Option<DateTime<Utc>>,
    pub agreement: Option<Json<Value>>,
    pub is_unbound: bool,
    pub is_waiting: bool,
}

/// Which shares a list shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// `sender` or `receiver`, or nothing for both.
    pub side: Option<&'a str>,
    /// Only those that something is wrong with.
    pub stuck: bool,
    /// Only those of this agreement.
    pub agreement: Option<&'a str>,
    /// Only those after this share.
    pub after: Option<&'a str>,
    /// Only this one.
    pub share: Option<&'a str>,
    /// How many at most.
    pub limit: i64,
}

/// Shares of an account, the newest first.
pub(super) async fn shared(
    pool: &PgPool,
    account: &str,
    wanted: Wanted<'_>,
) -> sqlx::Result<Vec<SharedTicket>> {
    let statement = sqlx::AssertSqlSafe(format!(
        "select * from (
             select share.share_id, share.side, share.started_at,
                 coalesce(share.partner_ticket_id, case when share.side = 'receiver'
                     then ticket.held #>> '{{head,original_ticket_id}}' end) as partner_ticket_id,
                 share.ended or coalesce(agreement.state ->> 'status' = 'inactive', false) as ended,
                 ticket.number, ticket.held -> 'head' ->> 'subject' as subject,
                 ticket.held #>> '{{fields,status,0,value}}' as status,
                 ticket.held #>> '{{fields,status,0,custom_status}}' as custom_status,
                 ticket.updated_at, agreement.state as agreement,
                 ({UNBOUND}) as is_unbound,
                 (not share.ended and exists (select from desk_outbox sent
                     where sent.account = share.account and sent.due_at is not null
                         and sent.receipt is null
                         and sent.created_at < now() - interval '10 seconds'
                         and (sent.share_id = share.share_id or sent.ticket = ticket.number)))
                     as is_waiting
             from desk_share share
             left join desk_ticket ticket on ticket.id = share.ticket
             left join desk_agreement agreement on agreement.account = share.account
                 and agreement.agreement_id = share.agreement_id
             where share.account = $1
                 and ($2::text is null or share.side = $2)
                 and ($3::text is null or share.agreement_id = $3)
                 and ($4::text is null or share.share_id = $4)
                 and ($5::text is null or (share.started_at, share.share_id) <
                     (select started_at, share_id from desk_share
                      where account = $1 and share_id = $5))
         ) shown
         where not $6 or ((is_unbound or is_waiting) and not ended)
         order by started_at desc, share_id desc limit $7"
    ));
    sqlx::query_as(statement)
        .bind(account)
        .bind(wanted.side)
        .bind(wanted.agreement)
        .bind(wanted.share)
        .bind(wanted.after)
        .bind(wanted.stuck)
        .bind(wanted.limit)
        .fetch_all(pool)
        .await
}

/// A switch of an account, as far as it was told or asked for; nothing if neither. `name` is what
/// `account.update.v1` and `account.state.v1` call it.
pub(super) async fn switch(pool: &PgPool, account: &str, name: &str) -> sqlx::Result<Option<bool>> {
    let told: Option<(String, DateTime<Utc>)> = sqlx::query_as(
        "select body, told_at from desk_log where account = $1 and type = 'account.state.v1'
         order by position desc limit 1",
    )
    .bind(account)
    .fetch_optional(pool)
    .await?;
    let asked: Vec<(String, String, DateTime<Utc>)> = sqlx::query_as(
        "select body, receipt, receipt_at from desk_outbox
         where account = $1 and entity = 'account' and type = 'account.update.v1'
             and receipt_at is not null
         order by receipt_at desc limit 50",
    )
    .bind(account)
    .fetch_all(pool)
    .await?;
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let asked = asked.iter().find_map(|(body, receipt, at)| {
        let done = ["applied", "partial"].map(Some).contains(&json(receipt)["outcome"].as_str());
        json(body)[name].as_bool().filter(|_| done).map(|is_on| (is_on, *at))
    });
    // A state leaves out what is off.
    let told = told.map(|(body, at)| (json(&body)[name].as_bool().unwrap_or(false), at));
    let newest = [asked, told].into_iter().flatten().max_by_key(|(_, at)| *at);
    Ok(newest.map(|(is_on, _)| is_on))
}

/// What an account was told when it asked, by the command `key`, how the fields of an agreement
/// fit: the last comparison of that agreement before the command's receipt.
pub(super) async fn comparison(
    pool: &PgPool,
    account: &str,
    agreement: &str,
    key: &str,
) -> sqlx::Result<Option<AgreementComparison>> {
    let told: Vec<String> = sqlx::query_scalar(
        "select body from desk_log
         where account = $1 and type = 'agreement.comparison.v1'
             and position(lower($2) in lower(body)) > 0
             and position < (select position from desk_log
                 where account = $1 and type = 'command.receipt.v1' and correlation_id = $3
                 order by position desc limit 1)
         order by position desc limit 5",
    )
    .bind(account)
    .bind(agreement)
    .bind(key)
    .fetch_all(pool)
    .await?;
    let mut told =
        told.iter().filter_map(|body| serde_json::from_str::<AgreementComparison>(body).ok());
    Ok(told.find(|it| it.agreement_id.to_string().eq_ignore_ascii_case(agreement)))
}
