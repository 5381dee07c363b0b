//! Calls of webhooks as `trace` tells of them, without what was sent or answered.

use desk::calls::CallRecord;
use sqlx::PgConnection;
use timeline::EdgeCall;

/// Rows of a kind in one answer, at most; the newest.
const MOST: i64 = 500;
/// Attempts of one webhook that are looked through, the newest.
const LOOKED_THROUGH: i64 = 5_000;

/// Calls for these accounts about these shares: those that were made, and those that wait because
/// an earlier one of the webhook's failed, or it is switched off.
///
/// # Errors
/// The database.
pub async fn calls(
    connection: &mut PgConnection,
    accounts: &[String],
    shares: &[String],
) -> sqlx::Result<Vec<EdgeCall>> {
    let rows: Vec<CallRecord> = sqlx::query_as(
        "with asked as (
             select account, position, type from desk_log
             where account = any($1) and share_id = any($2) order by told_at desc limit $3
         ), made as (
             select webhook.account, url, tried.type, tried.at, outcome,
                 coalesce(error, status::text) as reason, 0 as tried, null::timestamptz as next_at
             from webhook cross join lateral (
                 select * from webhook_attempt where webhook = webhook.id
                 order by id desc limit $4) tried
             join asked on asked.account = webhook.account and asked.position = tried.position
             order by tried.id desc limit $3
         ), waiting as (
             select webhook.account, url, asked.type, coalesce(failing_since, now()), 'waits',
                 reason, failures, case when state = 'active' then due_at end
             from webhook join asked
                 on asked.account = webhook.account and asked.position > webhook.position
             where failures > 0 or state = 'disabled' limit $3
         )
         select account, url, 'webhook of ' || type as kind, at, outcome, reason, tried, next_at
         from (select * from made union all select * from waiting) told order by at",
    )
    .bind(accounts)
    .bind(shares)
    .bind(MOST)
    .bind(LOOKED_THROUGH)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(CallRecord::traced).collect())
}
