//! What admins changed.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// One line.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct AuditRecord {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub who: String,
    /// What they did, as a key of the texts: `audit.field_saved`.
    pub what: String,
    /// To what.
    pub subject: String,
}

/// Writes a line.
///
/// # Errors
/// The database.
pub async fn add(
    connection: &mut PgConnection,
    account: &str,
    who: &str,
    what: &'static str,
    subject: &str,
) -> sqlx::Result<()> {
    sqlx::query("insert into audit (account, who, what, subject) values ($1, $2, $3, $4)")
        .bind(account)
        .bind(who)
        .bind(what)
        .bind(subject)
        .execute(connection)
        .await
        .map(drop)
}

/// The newest lines, the newest first.
///
/// # Errors
/// The database.
pub async fn newest(
    connection: &mut PgConnection,
    account: &str,
    limit: i64,
) -> sqlx::Result<Vec<AuditRecord>> {
    sqlx::query_as(
        "select at, who, what, subject from audit where account = $1 order by place desc limit $2",
    )
    .bind(account)
    .bind(limit)
    .fetch_all(connection)
    .await
}
