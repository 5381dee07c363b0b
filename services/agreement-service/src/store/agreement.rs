//! Table `agreement`.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use contracts::delivery::Decider;
use contracts::{AccountName, AgreementId, Terms, Timestamp};
use messaging::DecideError;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::{read_version, read_word, stored, version, word};
use crate::rules::list::Page;
use crate::rules::rename::MOST_AGREEMENTS;
use crate::rules::state::Agreement;

const TABLE: &str = "agreement";

#[derive(Serialize, sqlx::FromRow)]
struct Row {
    agreement_id: String,
    version: i64,
    sender: String,
    receiver: String,
    name: Option<String>,
    terms: Json<Terms>,
    status: String,
    by: Json<Decider>,
    at: DateTime<Utc>,
    reason: Option<String>,
}

impl From<&Agreement> for Row {
    fn from(agreement: &Agreement) -> Self {
        Self {
            agreement_id: agreement.agreement_id.to_string(),
            version: version(agreement.version),
            sender: agreement.sender.to_string(),
            receiver: agreement.receiver.to_string(),
            name: agreement.name.clone(),
            terms: Json(agreement.terms),
            status: word(&agreement.status),
            by: Json(agreement.by.clone()),
            at: agreement.at.utc(),
            reason: agreement.reason.map(|reason| reason.code().to_owned()),
        }
    }
}

impl TryFrom<Row> for Agreement {
    type Error = DecideError;

    fn try_from(row: Row) -> Result<Self, DecideError> {
        let party = |text: String| AccountName::new(text).map_err(|error| stored(TABLE, &error));
        Ok(Self {
            agreement_id: AgreementId::new(row.agreement_id)
                .map_err(|error| stored(TABLE, &error))?,
            version: read_version(TABLE, row.version)?,
            sender: party(row.sender)?,
            receiver: party(row.receiver)?,
            name: row.name,
            terms: row.terms.0,
            status: read_word(TABLE, row.status)?,
            by: row.by.0,
            at: Timestamp::from(row.at),
            reason: row.reason.map(|code| read_word(TABLE, code)).transpose()?,
        })
    }
}

/// Locks and loads agreements: those of these ids, and the live ones of accounts that are renamed,
/// up to one more of each account than a rename can end.
pub(super) async fn load(
    connection: &mut PgConnection,
    ids: &[String],
    renaming: &[String],
) -> Result<Vec<Agreement>, DecideError> {
    if ids.is_empty() && renaming.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = sqlx::query_as(
        "select agreement_id, version, sender, receiver, name, terms, status, by, at, reason
         from agreement
         where agreement_id = any($1)
            or agreement_id = any(array(
                 select live.agreement_id
                 from unnest($2::text[]) as renamed (account)
                 cross join lateral (
                   select agreement_id
                   from agreement
                   where status in ('pending', 'accepted')
                   and (sender = renamed.account or receiver = renamed.account)
                   limit $3 + 1) as live))
         order by agreement_id
         for update",
    )
    .bind(ids)
    .bind(renaming)
    .bind(count(MOST_AGREEMENTS))
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Agreement::try_from).collect()
}

#[derive(sqlx::FromRow)]
struct ListedRow {
    asked_by: String,
    #[sqlx(flatten)]
    agreement: Row,
}

/// Reads all pages that a batch asks for, each with one agreement more, which tells that there is
/// more. By account, because two accounts may ask for the same agreement. Locks nothing.
pub(super) async fn pages(
    connection: &mut PgConnection,
    pages: &BTreeSet<(String, Page)>,
) -> Result<BTreeMap<AccountName, Vec<Agreement>>, DecideError> {
    if pages.is_empty() {
        return Ok(BTreeMap::new());
    }
    let after = |page: &Page| page.after.as_ref().map(ToString::to_string).unwrap_or_default();
    // Each half has an index of its own; what the receiver was never told of is in neither.
    let rows: Vec<ListedRow> = sqlx::query_as(
        "select asked.account as asked_by, page.*
         from unnest($1::text[], $2::text[], $3::bigint[]) as asked (account, after, entries)
         cross join lateral (
           (select agreement_id, version, sender, receiver, name, terms, status, by, at, reason
            from agreement
            where sender = asked.account and agreement_id > asked.after
            order by agreement_id
            limit asked.entries + 1)
           union all
           (select agreement_id, version, sender, receiver, name, terms, status, by, at, reason
            from agreement
            where receiver = asked.account and reason is distinct from 'invites_declined'
            and agreement_id > asked.after
            order by agreement_id
            limit asked.entries + 1)
           order by agreement_id
           limit asked.entries + 1) as page",
    )
    .bind(pages.iter().map(|(account, _)| account.clone()).collect::<Vec<_>>())
    .bind(pages.iter().map(|(_, page)| after(page)).collect::<Vec<_>>())
    .bind(pages.iter().map(|(_, page)| count(page.entries)).collect::<Vec<_>>())
    .fetch_all(connection)
    .await?;
    let mut listed: BTreeMap<AccountName, Vec<Agreement>> = BTreeMap::new();
    for row in rows {
        let account = AccountName::new(row.asked_by).map_err(|error| stored(TABLE, &error))?;
        listed.entry(account).or_default().push(row.agreement.try_into()?);
    }
    Ok(listed)
}

/// A number of rows, as the database counts them.
fn count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// Saves agreements that were not there.
pub(super) async fn insert(
    connection: &mut PgConnection,
    agreements: impl Iterator<Item = &Agreement>,
) -> Result<(), DecideError> {
    let rows: Vec<Row> = agreements.map(Row::from).collect();
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into agreement (agreement_id, version, sender, receiver, name, terms, status, by, \
         at, reason)
         select agreement_id, version, sender, receiver, name, terms, status, by, at, reason
         from jsonb_to_recordset($1) as given (
           agreement_id text, version bigint, sender text, receiver text, name text, terms jsonb,
           status text, by jsonb,
           at timestamptz, reason text)
         order by agreement_id",
    )
    .bind(Json(rows))
    .execute(connection)
    .await?;
    Ok(())
}

/// Saves agreements that stand elsewhere now. Parties, name and terms never change.
pub(super) async fn update(
    connection: &mut PgConnection,
    agreements: impl Iterator<Item = &Agreement>,
) -> Result<(), DecideError> {
    let rows: Vec<Row> = agreements.map(Row::from).collect();
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "update agreement
         set version = given.version,
             status = given.status,
             by = given.by,
             at = given.at,
             reason = given.reason
         from jsonb_to_recordset($1) as given (
           agreement_id text, version bigint, status text, by jsonb, at timestamptz, reason text)
         where agreement.agreement_id = given.agreement_id",
    )
    .bind(Json(rows))
    .execute(connection)
    .await?;
    Ok(())
}
