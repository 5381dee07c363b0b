//! Tokens: what is kept of them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgPool;
use uuid::Uuid;

/// A token as it is shown: never the token itself.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
pub struct TokenRow {
    /// By what it is revoked.
    pub id: Uuid,
    /// Whose it is.
    pub account: String,
    /// What it was called.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Until when it is valid.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A valid token and whose it is.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Used {
    id: Uuid,
    /// Whose it is.
    pub account: String,
    /// How the account calls itself.
    pub display_name: String,
    /// What the token is called.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
}

const COLUMNS: &str = "id, account, name, scopes, created_at, expires_at, last_used_at";

/// Keeps a new token.
///
/// # Errors
/// The database.
pub async fn insert(pool: &PgPool, row: &TokenRow, hash: &[u8]) -> sqlx::Result<()> {
    sqlx::query(
        "insert into token (id, account, name, hash, scopes, expires_at)
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(row.id)
    .bind(&row.account)
    .bind(&row.name)
    .bind(hash)
    .bind(&row.scopes)
    .bind(row.expires_at)
    .execute(pool)
    .await
    .map(drop)
}

/// The token with this hash, if it is valid now; that it was used is noted once a minute.
///
/// # Errors
/// The database.
pub async fn used(pool: &PgPool, hash: &[u8]) -> sqlx::Result<Option<Used>> {
    let row: Option<Used> = sqlx::query_as(
        "select id, account, name, scopes, display_name
         from token join desk_account using (account)
         where hash = $1 and revoked_at is null and (expires_at is null or expires_at > now())
             and ended_at is null",
    )
    .bind(hash)
    .fetch_optional(pool)
    .await?;
    if let Some(row) = &row {
        sqlx::query(
            "update token set last_used_at = now()
             where id = $1
             and (last_used_at is null or last_used_at < now() - interval '1 minute')",
        )
        .bind(row.id)
        .execute(pool)
        .await?;
    }
    Ok(row)
}

/// The valid tokens of an account, the oldest first.
///
/// # Errors
/// The database.
pub async fn of_account(pool: &PgPool, account: &str) -> sqlx::Result<Vec<TokenRow>> {
    let statement = sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from token where account = $1 and revoked_at is null
             and (expires_at is null or expires_at > now()) order by created_at"
    ));
    sqlx::query_as(statement).bind(account).fetch_all(pool).await
}

/// Ends a token; whether there was one.
///
/// # Errors
/// The database.
pub async fn revoke(pool: &PgPool, account: &str, id: Uuid) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "update token set revoked_at = now() where id = $1 and account = $2 and revoked_at is null",
    )
    .bind(id)
    .bind(account)
    .execute(pool)
    .await?;
    Ok(done.rows_affected() > 0)
}
