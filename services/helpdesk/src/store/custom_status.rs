//! An account's custom statuses, and whether it uses them.

use contracts::fields::{CustomStatus, CustomStatuses};
use sqlx::PgConnection;

use crate::rules::ticket::{status_of, status_word};

type Row = (Option<String>, Option<String>, Option<String>, Option<bool>, bool);

/// All of an account, in their order.
///
/// # Errors
/// The database.
pub async fn all(connection: &mut PgConnection, account: &str) -> sqlx::Result<CustomStatuses> {
    let rows: Vec<Row> = sqlx::query_as(
        "select status.key, status.name, status.category, status.is_default,
             coalesce(setting.custom_statuses, false)
         from (select $1::text as account) asked
         left join account_setting setting using (account)
         left join custom_status status using (account)
         order by status.position, status.key",
    )
    .bind(account)
    .fetch_all(connection)
    .await?;
    let enabled = rows.first().is_some_and(|row| row.4);
    let status = |(key, name, category, default, _): Row| {
        let category = status_of(&category?)?;
        Some(CustomStatus { key: key?, name: name?, category, default: default? })
    };
    Ok(CustomStatuses { enabled, statuses: rows.into_iter().filter_map(status).collect() })
}

/// Keeps everybody else from changing them until the transaction ends.
///
/// # Errors
/// The database.
pub async fn lock(connection: &mut PgConnection, account: &str) -> sqlx::Result<()> {
    sqlx::query(
        "insert into account_setting (account) values ($1)
         on conflict (account) do update set account = excluded.account",
    )
    .bind(account)
    .execute(connection)
    .await
    .map(drop)
}

/// Gives tickets whose custom status their category does not have its default, or none.
///
/// # Errors
/// The database.
pub async fn settle_tickets(connection: &mut PgConnection, account: &str) -> sqlx::Result<()> {
    sqlx::query(
        "update ticket set custom_status = wanted.key, changed_at = clock_timestamp()
         from (select held.number, usual.key from ticket held
             left join custom_status usual on usual.account = held.account
                 and usual.category = held.status and usual.is_default
             where held.account = $1 and held.custom_status is distinct from usual.key
                 and not exists (select from custom_status own where own.account = $1
                     and own.key = held.custom_status and own.category = held.status)) wanted
         where ticket.account = $1 and ticket.number = wanted.number",
    )
    .bind(account)
    .execute(connection)
    .await
    .map(drop)
}

/// Puts these in the place of all that the account has, in this order.
///
/// # Errors
/// The database.
pub async fn replace(
    connection: &mut PgConnection,
    account: &str,
    statuses: &CustomStatuses,
) -> sqlx::Result<()> {
    sqlx::query(
        "insert into account_setting (account, custom_statuses) values ($1, $2)
         on conflict (account) do update set custom_statuses = excluded.custom_statuses",
    )
    .bind(account)
    .bind(statuses.enabled)
    .execute(&mut *connection)
    .await?;
    sqlx::query("delete from custom_status where account = $1")
        .bind(account)
        .execute(&mut *connection)
        .await?;
    let column =
        |of: fn(&CustomStatus) -> &str| -> Vec<&str> { statuses.statuses.iter().map(of).collect() };
    sqlx::query(
        "insert into custom_status (account, key, name, category, is_default, position)
         select $1, key, name, category, is_default, position
         from unnest($2::text[], $3::text[], $4::text[], $5::bool[])
             with ordinality as status (key, name, category, is_default, position)",
    )
    .bind(account)
    .bind(column(|status| &status.key))
    .bind(column(|status| &status.name))
    .bind(column(|status| status_word(status.category)))
    .bind(statuses.statuses.iter().map(|status| status.default).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map(drop)
}
