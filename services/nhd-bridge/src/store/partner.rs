//! Sharing URLs and their accounts.

use sqlx::PgPool;

/// Remembers a partner; whether the line has its account already.
///
/// # Errors
/// The database.
pub async fn keep(pool: &PgPool, account: &str, sharing_url: &str) -> sqlx::Result<bool> {
    sqlx::query(
        "insert into partner (account, sharing_url) values ($1, $2)
         on conflict (account) do nothing",
    )
    .bind(account)
    .bind(sharing_url)
    .execute(pool)
    .await?;
    sqlx::query_scalar("select registered_at is not null from partner where account = $1")
        .bind(account)
        .fetch_one(pool)
        .await
}

/// The line has its account.
///
/// # Errors
/// The database.
pub async fn registered(pool: &PgPool, account: &str) -> sqlx::Result<()> {
    sqlx::query("update partner set registered_at = now() where account = $1")
        .bind(account)
        .execute(pool)
        .await
        .map(drop)
}
