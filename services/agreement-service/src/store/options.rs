//! Table `account_field_options`.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use contracts::Timestamp;
use contracts::fields::FieldOption;
use messaging::DecideError;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::{list, read_version, stored, version};
use crate::rules::state::{Account, FieldOptions, Part, PartKey};

const TABLE: &str = "account_field_options";

#[derive(sqlx::FromRow)]
struct Row {
    account: String,
    field: String,
    part: i32,
    version: i64,
    set_at: Option<DateTime<Utc>>,
    options: Json<Vec<FieldOption>>,
}

/// Loads the parts of accounts, which are locked.
pub(super) async fn load(
    connection: &mut PgConnection,
    accounts: &BTreeSet<String>,
) -> Result<BTreeMap<String, FieldOptions>, DecideError> {
    if accounts.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<Row> = sqlx::query_as(
        "select account, field, part, version, set_at, options from account_field_options \
         where account = any($1)",
    )
    .bind(list(accounts))
    .fetch_all(connection)
    .await?;
    let mut parts: BTreeMap<String, Vec<(PartKey, Part)>> = BTreeMap::new();
    for row in rows {
        let number = u32::try_from(row.part).map_err(|error| stored(TABLE, &error))?;
        let part = Part {
            version: read_version(TABLE, row.version)?,
            set_at: row.set_at.map(Timestamp::from),
            options: row.options.0,
        };
        parts.entry(row.account).or_default().push(((row.field, number), part));
    }
    Ok(parts.into_iter().map(|(account, parts)| (account, FieldOptions::stored(parts))).collect())
}

/// Saves the parts that differ from what is stored.
pub(super) async fn save(
    connection: &mut PgConnection,
    accounts: impl Iterator<Item = &Account>,
) -> Result<(), DecideError> {
    let changed: Vec<(&Account, &PartKey, Option<&Part>)> = accounts
        .flat_map(|account| {
            account.field_options.changed().map(move |(key, part)| (account, key, part))
        })
        .collect();
    let forgotten: Vec<_> = changed.iter().filter(|(.., part)| part.is_none()).collect();
    if !forgotten.is_empty() {
        sqlx::query(
            "delete from account_field_options using unnest($1::text[], $2::text[], $3::integer[]) \
               as forgotten (account, field, part)
             where account_field_options.account = forgotten.account \
               and account_field_options.field = forgotten.field \
               and account_field_options.part = forgotten.part",
        )
        .bind(forgotten.iter().map(|(account, ..)| account.name.to_string()).collect::<Vec<_>>())
        .bind(forgotten.iter().map(|(_, (field, _), _)| field.clone()).collect::<Vec<_>>())
        .bind(forgotten.iter().map(|(_, (_, part), _)| number(*part)).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
    }
    let kept: Vec<(&Account, &PartKey, &Part)> = changed
        .into_iter()
        .filter_map(|(account, key, part)| part.map(|part| (account, key, part)))
        .collect();
    if kept.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into account_field_options (account, field, part, version, set_at, options)
         select * from unnest($1::text[], $2::text[], $3::integer[], $4::bigint[], \
           $5::timestamptz[], $6::jsonb[])
         on conflict (account, field, part) do update
         set version = excluded.version, set_at = excluded.set_at, options = excluded.options",
    )
    .bind(kept.iter().map(|(account, ..)| account.name.to_string()).collect::<Vec<_>>())
    .bind(kept.iter().map(|(_, (field, _), _)| field.clone()).collect::<Vec<_>>())
    .bind(kept.iter().map(|(_, (_, part), _)| number(*part)).collect::<Vec<_>>())
    .bind(kept.iter().map(|(.., part)| version(part.version)).collect::<Vec<_>>())
    .bind(kept.iter().map(|(.., part)| part.set_at.map(Timestamp::utc)).collect::<Vec<_>>())
    .bind(kept.iter().map(|(.., part)| Json(&part.options)).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

/// A part's number, which is bounded far below.
fn number(part: u32) -> i32 {
    i32::try_from(part).unwrap_or(i32::MAX)
}
