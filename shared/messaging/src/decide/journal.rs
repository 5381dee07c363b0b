//! Decided messages and what they caused. State and journal commit together; a known message is
//! never decided again.

use std::borrow::Cow;
use std::collections::BTreeMap;

use contracts::{AccountName, Epoch, Message, Receipt, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::{FromRow, PgConnection};

use crate::epoch;
use crate::message::about::Correlation;
use crate::message::key::Key;
use crate::message::output::{Output, StoredOutput};

/// A message decided before.
#[derive(Clone, Debug)]
pub(crate) struct JournalEntry {
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
    pub about: &'a Correlation,
    pub arrived_at: Timestamp,
    /// How often it waited on the ladder.
    pub waits: usize,
    pub trace_id: Option<&'a str>,
    pub outputs: &'a [StoredOutput],
}

/// What is kept of an output for whoever asks later.
#[derive(Serialize)]
struct Told<'a> {
    to: &'a str,
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<&'a str>,
    /// It says what became of each item, and why; without the values of fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<Cow<'a, RawValue>>,
}

#[derive(FromRow)]
struct Row {
    account: String,
    entity: String,
    message_id: String,
    content_hash: Vec<u8>,
    message_type: String,
    outputs: Option<String>,
}

/// What a batch begins with.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    /// Those of the keys that were decided before, with how many bytes their outputs have.
    pub output_bytes: BTreeMap<Key, usize>,
    /// Which recovery was the last.
    pub epoch: Epoch,
}

/// Looks for keys, and for the epoch: by one query, because every batch asks.
pub(crate) async fn known(
    connection: &mut PgConnection,
    keys: &[&Key],
) -> sqlx::Result<Remembered> {
    let (accounts, entities, ids) = columns(keys.iter().copied());
    let rows: Vec<(String, String, String, i32, Option<i16>)> = sqlx::query_as(
        "select j.account, j.entity, j.message_id, coalesce(octet_length(o.outputs), 0), null
         from unnest($1::text[], $2::text[], $3::text[]) as wanted (account, entity, message_id)
         join journal j using (account, entity, message_id)
         left join journal_output o on o.id = j.output_id and o.decided_at = j.decided_at
         union all select '', '', '', 0, epoch from epoch",
    )
    .bind(accounts)
    .bind(entities)
    .bind(ids)
    .fetch_all(connection)
    .await?;
    let mut known = Remembered::default();
    for (account, entity, message_id, bytes, epoch) in rows {
        if let Some(epoch) = epoch {
            known.epoch = epoch::read(epoch)?;
            continue;
        }
        let bytes = usize::try_from(bytes).unwrap_or_default();
        known.output_bytes.insert(Key { account, entity, message_id }, bytes);
    }
    Ok(known)
}

/// Those of the keys that were decided before, with their outputs.
pub(crate) async fn lookup(
    connection: &mut PgConnection,
    keys: &[&Key],
) -> sqlx::Result<BTreeMap<Key, JournalEntry>> {
    let (accounts, entities, ids) = columns(keys.iter().copied());
    let rows: Vec<Row> = sqlx::query_as(
        "select j.account, j.entity, j.message_id, j.content_hash, j.message_type, o.outputs
         from unnest($1::text[], $2::text[], $3::text[]) as wanted (account, entity, message_id)
         join journal j using (account, entity, message_id)
         left join journal_output o on o.id = j.output_id and o.decided_at = j.decided_at",
    )
    .bind(accounts)
    .bind(entities)
    .bind(ids)
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

impl Row {
    fn read(self) -> sqlx::Result<(Key, JournalEntry)> {
        let key = Key { account: self.account, entity: self.entity, message_id: self.message_id };
        let outputs = self.outputs.as_deref().map(read).transpose()?;
        Ok((
            key,
            JournalEntry {
                content_hash: self.content_hash,
                message_type: self.message_type,
                outputs,
            },
        ))
    }
}

/// Outputs as they are kept.
///
/// # Errors
/// Text that is none of ours.
pub(crate) fn read(outputs: &str) -> sqlx::Result<Vec<StoredOutput>> {
    serde_json::from_str(outputs).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// Writes down what was decided. Returns whether all of it was new: if not, somebody else decided
/// one of them meanwhile. The time is the database's, by which rows go: a host whose clock is
/// wrong ages nothing.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    decided: &[Decided<'_>],
) -> sqlx::Result<bool> {
    if decided.is_empty() {
        return Ok(true);
    }
    let (accounts, entities, ids) = columns(decided.iter().map(|one| one.key));
    let fresh: i64 = sqlx::query_scalar(
        "with decided as materialized (
           select account, entity, message_id, content_hash, message_type, about, command,
           arrived_at, waits, trace_id, told, outputs,
             nextval('journal_output_id') as output_id
           from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::text[], $6::text[],
           $7::text[], $8::timestamptz[], $9::int[],
             $10::text[], $11::text[], $12::text[])
             as decided (account, entity, message_id, content_hash, message_type, about, command,
             arrived_at, waits, trace_id, told, outputs)
           order by account, entity, message_id
         ), written as (
           insert into journal_output (id, decided_at, outputs) select output_id, now(), outputs
           from decided
         ), fresh as (
           insert into journal (account, entity, message_id, content_hash, message_type,
           decided_at, output_id, about, command, arrived_at,
             waits, trace_id, told)
           select account, entity, message_id, content_hash, message_type, now(), output_id, about,
           command, arrived_at, waits, trace_id, told
           from decided on conflict do nothing returning 1
         )
         select count(*) from fresh",
    )
    .bind(&accounts)
    .bind(&entities)
    .bind(&ids)
    .bind(decided.iter().map(|one| one.content_hash).collect::<Vec<_>>())
    .bind(decided.iter().map(|one| one.message_type).collect::<Vec<_>>())
    .bind(decided.iter().map(|one| one.about.subject.as_deref()).collect::<Vec<_>>())
    .bind(decided.iter().map(|one| one.about.command.as_deref()).collect::<Vec<_>>())
    .bind(decided.iter().map(|one| one.arrived_at.utc()).collect::<Vec<_>>())
    .bind(
        decided.iter().map(|one| i32::try_from(one.waits).unwrap_or(i32::MAX)).collect::<Vec<_>>(),
    )
    .bind(decided.iter().map(|one| one.trace_id).collect::<Vec<_>>())
    .bind(decided.iter().map(|one| written(&told(one.outputs))).collect::<Vec<_>>())
    .bind(decided.iter().map(|one| written(&one.outputs)).collect::<Vec<_>>())
    .fetch_one(connection)
    .await?;
    Ok(usize::try_from(fresh) == Ok(decided.len()))
}

fn told(outputs: &[StoredOutput]) -> Vec<Told<'_>> {
    outputs.iter().map(|stored| Told::of(&stored.output)).collect()
}

impl<'a> Told<'a> {
    fn of(output: &'a Output) -> Self {
        let to = output
            .desk()
            .map(AccountName::as_str)
            .or_else(|| output.routing_key().split('.').next())
            .unwrap_or_default();
        let receipt = (output.message_type() == Receipt::NAME).then(|| {
            let body = output.raw_body();
            // Few have any, so few are read.
            let bare =
                body.get().contains("\"value\":").then(|| without_values(body.get())).flatten();
            bare.and_then(|bare| RawValue::from_string(bare).ok())
                .map_or(Cow::Borrowed(body), Cow::Owned)
        });
        Self { to, r#type: output.message_type(), share: output.share_id(), receipt }
    }
}

fn written<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("outputs are writable as JSON")
}

fn columns<'a>(keys: impl Iterator<Item = &'a Key>) -> (Vec<&'a str>, Vec<&'a str>, Vec<&'a str>) {
    let mut columns = (Vec::new(), Vec::new(), Vec::new());
    for key in keys {
        columns.0.push(key.account.as_str());
        columns.1.push(key.entity.as_str());
        columns.2.push(key.message_id.as_str());
    }
    columns
}

/// A receipt without the values of fields: what a ticket says is kept nowhere but where it has to
/// be.
fn without_values(receipt: &str) -> Option<String> {
    let mut receipt: Receipt = serde_json::from_str(receipt).ok()?;
    receipt.decisions.iter_mut().for_each(|decision| decision.value = None);
    serde_json::to_string(&receipt).ok()
}
