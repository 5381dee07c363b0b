//! Whom people who ask belong to.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

/// An organisation of an account.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Organisation {
    /// Which.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// What is kept of it, by the fields' keys.
    pub fields: Json<BTreeMap<String, String>>,
}

/// All of an account, by their names.
///
/// # Errors
/// The database.
pub async fn list(connection: &mut PgConnection, account: &str) -> sqlx::Result<Vec<Organisation>> {
    sqlx::query_as(
        "select id, name, fields from organisation where account = $1 \
         order by lower(name) limit 1000",
    )
    .bind(account)
    .fetch_all(connection)
    .await
}

/// One of them.
///
/// # Errors
/// The database.
pub async fn find(
    connection: &mut PgConnection,
    account: &str,
    id: Uuid,
) -> sqlx::Result<Option<Organisation>> {
    sqlx::query_as("select id, name, fields from organisation where account = $1 and id = $2")
        .bind(account)
        .bind(id)
        .fetch_optional(connection)
        .await
}

/// One of them, locked until the transaction ends.
///
/// # Errors
/// The database.
pub async fn lock(
    connection: &mut PgConnection,
    account: &str,
    id: Uuid,
) -> sqlx::Result<Option<Organisation>> {
    sqlx::query_as(
        "select id, name, fields from organisation where account = $1 and id = $2 for update",
    )
    .bind(account)
    .bind(id)
    .fetch_optional(connection)
    .await
}

/// Keeps one; whether no other has its name.
///
/// # Errors
/// The database.
pub async fn save(
    connection: &mut PgConnection,
    account: &str,
    organisation: &Organisation,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "insert into organisation (account, id, name, fields)
         select $1, $2, $3, $4 where not exists (select from organisation
             where account = $1 and lower(name) = lower($3) and id <> $2)
         on conflict (account, id) do update set name = excluded.name, fields = excluded.fields",
    )
    .bind(account)
    .bind(organisation.id)
    .bind(&organisation.name)
    .bind(&organisation.fields)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}
