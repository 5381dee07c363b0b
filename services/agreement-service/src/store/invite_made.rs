//! Table `invite_made`.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use contracts::{AccountName, Timestamp};
use messaging::DecideError;
use sqlx::PgConnection;

use super::{list, stored};

const TABLE: &str = "invite_made";

/// Reads when the accounts invited last, of each so many at most.
pub(super) async fn load(
    connection: &mut PgConnection,
    inviting: &BTreeSet<String>,
    most: usize,
) -> Result<Vec<(AccountName, Timestamp)>, DecideError> {
    if inviting.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(String, DateTime<Utc>)> = sqlx::query_as(
        "select account, at
         from unnest($1::text[]) as inviting (name)
         cross join lateral (
           select account, at from invite_made where account = inviting.name
           order by at desc limit $2) as made",
    )
    .bind(list(inviting))
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await?;
    let made = |(account, at)| {
        let account = AccountName::new(account).map_err(|error| stored(TABLE, &error))?;
        Ok((account, Timestamp::from(at)))
    };
    rows.into_iter().map(made).collect()
}

/// Notes invites.
pub(super) async fn insert(
    connection: &mut PgConnection,
    made: &[(AccountName, Timestamp)],
) -> Result<(), DecideError> {
    if made.is_empty() {
        return Ok(());
    }
    let (accounts, times): (Vec<String>, Vec<DateTime<Utc>>) =
        made.iter().map(|(account, at)| (account.to_string(), at.utc())).unzip();
    sqlx::query(
        "insert into invite_made (account, at) select * from unnest($1::text[], $2::timestamptz[])",
    )
    .bind(accounts)
    .bind(times)
    .execute(connection)
    .await?;
    Ok(())
}
