//! Table `released_address`.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use contracts::{AccountName, Timestamp};
use messaging::DecideError;
use sqlx::PgConnection;

use super::{list, stored};
use crate::rules::state::{Released, Rows};

const TABLE: &str = "released_address";

#[derive(sqlx::FromRow)]
struct Row {
    address: String,
    account: String,
    released_at: DateTime<Utc>,
}

/// Reads who gave addresses up.
pub(super) async fn load(
    connection: &mut PgConnection,
    addresses: &BTreeSet<String>,
) -> Result<Vec<Released>, DecideError> {
    if addresses.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = sqlx::query_as(
        "select address, account, released_at from released_address where address = any($1)",
    )
    .bind(list(addresses))
    .fetch_all(connection)
    .await?;
    let released = |row: Row| {
        let account = AccountName::new(row.account).map_err(|error| stored(TABLE, &error))?;
        Ok(Released { address: row.address, account, at: Timestamp::from(row.released_at) })
    };
    rows.into_iter().map(released).collect()
}

/// Saves what was given up. Of one address the last that had it counts.
pub(super) async fn save(
    connection: &mut PgConnection,
    released: &Rows<String, Released>,
) -> Result<(), DecideError> {
    let rows: Vec<&Released> = released.new_rows().chain(released.changed_rows()).collect();
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into released_address (address, account, released_at)
         select * from unnest($1::text[], $2::text[], $3::timestamptz[])
         on conflict (address) do update
         set account = excluded.account, released_at = excluded.released_at",
    )
    .bind(rows.iter().map(|one| one.address.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|one| one.account.to_string()).collect::<Vec<_>>())
    .bind(rows.iter().map(|one| one.at.utc()).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}
