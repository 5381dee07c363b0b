//! Decided messages and what they caused. State and journal commit together; a known message is never decided again.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use contracts::Timestamp;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};

use crate::output::StoredOutput;

/// By what a message is known: a command by its publisher, entity and id, an internal message by its type and id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub account: String,
    pub entity: String,
    pub message_id: String,
}

/// A message decided before.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub content_hash: Vec<u8>,
    pub message_type: String,
    /// Absent when they are no longer kept.
    pub outputs: Option<Vec<StoredOutput>>,
}

/// A message decided now.
#[derive(Debug)]
pub(crate) struct Decided<'a> {
    pub key: &'a Key,
    pub content_hash: &'a [u8],
    pub message_type: &'a str,
    pub outputs: &'a [StoredOutput],
}

#[derive(FromRow)]
struct Row {
    account: String,
    entity: String,
    message_id: String,
    content_hash: Vec<u8>,
    message_type: String,
    outputs: Option<Json<Vec<StoredOutput>>>,
}

/// Those of the keys that were decided before, with their outputs.
pub(crate) async fn lookup(connection: &mut PgConnection, keys: &[&Key]) -> sqlx::Result<BTreeMap<Key, Entry>> {
    let (accounts, entities, ids) = columns(keys.iter().copied());
    let rows: Vec<Row> = sqlx::query_as(
        "select j.account, j.entity, j.message_id, j.content_hash, j.message_type, o.outputs
         from unnest($1::text[], $2::text[], $3::text[]) as wanted (account, entity, message_id)
         join journal j using (account, entity, message_id)
         left join journal_output o on o.account = j.account and o.entity = j.entity and o.message_id = j.message_id and o.decided_at = j.decided_at",
    )
    .bind(accounts)
    .bind(entities)
    .bind(ids)
    .fetch_all(connection)
    .await?;
    let entry = |row: Row| {
        let key = Key { account: row.account, entity: row.entity, message_id: row.message_id };
        let outputs = row.outputs.map(|outputs| outputs.0);
        (key, Entry { content_hash: row.content_hash, message_type: row.message_type, outputs })
    };
    Ok(rows.into_iter().map(entry).collect())
}

/// Writes down what was decided. Returns whether all of it was new: if not, somebody else decided one of them meanwhile.
pub(crate) async fn insert(connection: &mut PgConnection, decided: &[Decided<'_>], now: Timestamp) -> sqlx::Result<bool> {
    if decided.is_empty() {
        return Ok(true);
    }
    let now: DateTime<Utc> = now.utc();
    let (accounts, entities, ids) = columns(decided.iter().map(|one| one.key));
    let fresh = sqlx::query(
        "insert into journal (account, entity, message_id, content_hash, message_type, decided_at)
         select account, entity, message_id, content_hash, message_type, $6
         from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::text[]) as decided (account, entity, message_id, content_hash, message_type)
         order by account, entity, message_id
         on conflict do nothing",
    )
    .bind(&accounts)
    .bind(&entities)
    .bind(&ids)
    .bind(decided.iter().map(|one| one.content_hash.to_vec()).collect::<Vec<_>>())
    .bind(decided.iter().map(|one| one.message_type.to_owned()).collect::<Vec<_>>())
    .bind(now)
    .execute(&mut *connection)
    .await?
    .rows_affected();
    if fresh != decided.len() as u64 {
        return Ok(false);
    }
    sqlx::query(
        "insert into journal_output (account, entity, message_id, decided_at, outputs)
         select account, entity, message_id, $5, outputs::json
         from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as decided (account, entity, message_id, outputs)",
    )
    .bind(&accounts)
    .bind(&entities)
    .bind(&ids)
    .bind(decided.iter().map(|one| written(one.outputs)).collect::<Vec<_>>())
    .bind(now)
    .execute(connection)
    .await?;
    Ok(true)
}

/// Outputs as text. As [`Json`] the driver would bind them as `jsonb`, which spells them otherwise.
fn written(outputs: &[StoredOutput]) -> String {
    serde_json::to_string(outputs).expect("outputs are writable as JSON")
}

fn columns<'a>(keys: impl Iterator<Item = &'a Key>) -> (Vec<String>, Vec<String>, Vec<String>) {
    let mut columns = (Vec::new(), Vec::new(), Vec::new());
    for key in keys {
        columns.0.push(key.account.clone());
        columns.1.push(key.entity.clone());
        columns.2.push(key.message_id.clone());
    }
    columns
}
