//! People who ask, and placeholders.

use sqlx::PgConnection;

use crate::rules::people::Person;

type Row = (String, String, Option<String>, Option<String>);

fn read((id, name, email, partner): Row) -> Person {
    Person { id, name, email, partner }
}

/// One person.
///
/// # Errors
/// The database.
pub async fn find(
    connection: &mut PgConnection,
    account: &str,
    id: &str,
) -> sqlx::Result<Option<Person>> {
    let row: Option<Row> = sqlx::query_as(
        "select id, name, email, partner from person where account = $1 and id = $2",
    )
    .bind(account)
    .bind(id)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(read))
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
) -> sqlx::Result<Person> {
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
