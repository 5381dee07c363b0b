//! Comments that partners were told.

use std::collections::BTreeMap;

use sqlx::{PgConnection, PgPool};

/// Remembers what a partner is about to be told.
///
/// # Errors
/// The database.
pub async fn remember(
    pool: &PgPool,
    account: &str,
    share_id: &str,
    comments: &BTreeMap<String, String>,
) -> sqlx::Result<()> {
    if comments.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into told_comment (account, uuid, comment, share_id)
         select $1, told.uuid, told.comment, $2
         from unnest($3::text[], $4::text[]) told (uuid, comment) on conflict do nothing",
    )
    .bind(account)
    .bind(share_id)
    .bind(comments.keys().collect::<Vec<_>>())
    .bind(comments.values().collect::<Vec<_>>())
    .execute(pool)
    .await
    .map(drop)
}

/// Which of these uuids a partner was told, with the share by which it was.
///
/// # Errors
/// The database.
pub async fn told(
    connection: &mut PgConnection,
    account: &str,
    uuids: &[String],
) -> sqlx::Result<BTreeMap<String, String>> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "select uuid, share_id from told_comment where account = $1 and uuid = any($2)",
    )
    .bind(account)
    .bind(uuids)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().collect())
}
