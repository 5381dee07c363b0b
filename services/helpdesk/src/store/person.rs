//! People who ask, and placeholders.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use crate::rules::people::EndUser;

pub(super) type Row = (String, String, Option<String>, Option<String>);

/// What a person is read from: a placeholder's address is the one that it was given.
pub(super) const COLUMNS: &str =
    "person.id, person.name, coalesce(person.email, person.given_email), person.partner";

pub(super) fn read((id, name, email, partner): Row) -> EndUser {
    EndUser { id, name, email, partner }
}

/// One person.
///
/// # Errors
/// The database.
pub async fn find(
    connection: &mut PgConnection,
    account: &str,
    id: &str,
) -> sqlx::Result<Option<EndUser>> {
    let statement =
        sqlx::AssertSqlSafe(format!("select {COLUMNS} from person where account = $1 and id = $2"));
    let row: Option<Row> =
        sqlx::query_as(statement).bind(account).bind(id).fetch_optional(connection).await?;
    Ok(row.map(read))
}

/// People by their ids.
///
/// # Errors
/// The database.
pub async fn of_ids(
    connection: &mut PgConnection,
    account: &str,
    ids: &[&str],
) -> sqlx::Result<BTreeMap<String, EndUser>> {
    let statement = sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from person where account = $1 and id = any($2)"
    ));
    let rows: Vec<Row> =
        sqlx::query_as(statement).bind(account).bind(ids).fetch_all(connection).await?;
    Ok(rows.into_iter().map(read).map(|person| (person.id.clone(), person)).collect())
}

/// The account's own person of this address, who is made where there is none, with this id and
/// name. A placeholder is never meant.
///
/// # Errors
/// The database.
pub async fn of_address(
    connection: &mut PgConnection,
    account: &str,
    new_id: &str,
    name: &str,
    email: &str,
) -> sqlx::Result<EndUser> {
    let row: Row = sqlx::query_as(
        "insert into person (account, id, name, email) values ($1, $2, $3, $4)
         on conflict (account, lower(email)) where email is not null
         do update set name = person.name
         returning id, name, email, partner",
    )
    .bind(account)
    .bind(new_id)
    .bind(name)
    .bind(email)
    .fetch_one(connection)
    .await?;
    Ok(read(row))
}

/// A person of a partner's, as a placeholder: known by its id alone, whoever else has the name.
///
/// # Errors
/// The database.
pub async fn placeholder(
    connection: &mut PgConnection,
    account: &str,
    id: &str,
    name: &str,
    partner: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "insert into person (account, id, name, partner) values ($1, $2, $3, $4)
         on conflict (account, id) do update set name = excluded.name
         where person.partner is not null and person.name <> excluded.name",
    )
    .bind(account)
    .bind(id)
    .bind(name)
    .bind(partner)
    .execute(connection)
    .await
    .map(drop)
}

/// The account's own person of this address that somebody has confirmed.
///
/// # Errors
/// The database.
pub async fn confirmed(
    connection: &mut PgConnection,
    account: &str,
    email: &str,
) -> sqlx::Result<Option<EndUser>> {
    let statement = sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from person
         where account = $1 and lower(email) = lower($2) and confirmed_at is not null"
    ));
    let row: Option<Row> =
        sqlx::query_as(statement).bind(account).bind(email).fetch_optional(connection).await?;
    Ok(row.map(read))
}

/// Somebody showed that they read mail to this person's address; mails to them are in this
/// language.
///
/// # Errors
/// The database.
pub async fn confirm(
    connection: &mut PgConnection,
    account: &str,
    id: &str,
    language: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "update person set confirmed_at = coalesce(confirmed_at, now()), language = $3
         where account = $1 and id = $2 and partner is null",
    )
    .bind(account)
    .bind(id)
    .bind(language)
    .execute(connection)
    .await
    .map(drop)
}

/// Gives a placeholder an address, by which it is mailed; whether it is one.
///
/// # Errors
/// The database.
pub async fn give_address(
    connection: &mut PgConnection,
    account: &str,
    id: &str,
    address: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "update person set given_email = $3
         where account = $1 and id = $2 and partner is not null",
    )
    .bind(account)
    .bind(id)
    .bind(address)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}
