//! Groups that work on tickets.

use sqlx::PgConnection;
use uuid::Uuid;

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Group {
    /// Which.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
}

/// An account's groups by their names.
///
/// # Errors
/// The database.
pub async fn list(connection: &mut PgConnection, account: &str) -> sqlx::Result<Vec<Group>> {
    sqlx::query_as("select id, name from agent_group where account = $1 order by name")
        .bind(account)
        .fetch_all(connection)
        .await
}

/// Makes a group; whether there was none of this name.
///
/// # Errors
/// The database.
pub async fn add(
    connection: &mut PgConnection,
    account: &str,
    group: &Group,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "insert into agent_group (account, id, name) values ($1, $2, $3) on conflict do nothing",
    )
    .bind(account)
    .bind(group.id)
    .bind(&group.name)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}
