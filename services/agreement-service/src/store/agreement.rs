//! Table `agreement`.

use chrono::{DateTime, Utc};
use contracts::delivery::Decider;
use contracts::{AccountName, AgreementId, Terms, Timestamp};
use messaging::DecideError;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::{read_version, read_word, stored, version, word};
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
            agreement_id: AgreementId::new(row.agreement_id).map_err(|error| stored(TABLE, &error))?,
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

/// Locks and loads agreements.
pub(super) async fn load(connection: &mut PgConnection, ids: &[String]) -> Result<Vec<Agreement>, DecideError> {
    let rows: Vec<Row> = sqlx::query_as(
        "select agreement_id, version, sender, receiver, name, terms, status, by, at, reason
         from agreement
         where agreement_id = any($1)
         order by agreement_id
         for update",
    )
    .bind(ids)
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Agreement::try_from).collect()
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
        "insert into agreement (agreement_id, version, sender, receiver, name, terms, status, by, at, reason)
         select agreement_id, version, sender, receiver, name, terms, status, by, at, reason
         from jsonb_to_recordset($1) as given (
           agreement_id text, version bigint, sender text, receiver text, name text, terms jsonb, status text, by jsonb,
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
