//! Who else is told of a ticket's public replies.

use sqlx::PgConnection;

use super::person::{COLUMNS, Row, read};
use crate::rules::people::EndUser;

/// The CCs of a ticket, by their names.
///
/// # Errors
/// The database.
pub async fn list(
    connection: &mut PgConnection,
    account: &str,
    ticket: i64,
) -> sqlx::Result<Vec<EndUser>> {
    let statement = sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from ticket_cc cc join person on person.account = cc.account
             and person.id = cc.person
         where cc.account = $1 and cc.ticket = $2 order by person.name, person.id"
    ));
    let rows: Vec<Row> =
        sqlx::query_as(statement).bind(account).bind(ticket).fetch_all(connection).await?;
    Ok(rows.into_iter().map(read).collect())
}

/// Adds a person to a ticket that has fewer than `most`; whether they are there.
///
/// # Errors
/// The database.
pub async fn add(
    connection: &mut PgConnection,
    account: &str,
    ticket: i64,
    person: &str,
    most: usize,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "insert into ticket_cc (account, ticket, person)
         select $1, $2, $3 where (select count(*) from ticket_cc
             where account = $1 and ticket = $2 and person <> $3) < $4
         on conflict (account, ticket, person) do update set person = excluded.person",
    )
    .bind(account)
    .bind(ticket)
    .bind(person)
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Takes a person from a ticket; whether they were there.
///
/// # Errors
/// The database.
pub async fn remove(
    connection: &mut PgConnection,
    account: &str,
    ticket: i64,
    person: &str,
) -> sqlx::Result<bool> {
    let done =
        sqlx::query("delete from ticket_cc where account = $1 and ticket = $2 and person = $3")
            .bind(account)
            .bind(ticket)
            .bind(person)
            .execute(connection)
            .await?;
    Ok(done.rows_affected() > 0)
}
