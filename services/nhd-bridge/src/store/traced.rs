//! Calls as `trace` tells of them, without what was answered: that may repeat a ticket's text.

use desk::calls::CallRecord;
use sqlx::PgConnection;
use timeline::EdgeCall;

/// Rows of a kind in one answer, at most; the newest.
const MOST: i64 = 500;

/// Calls about shares and agreements of these ids: those that were made, and those that wait.
///
/// # Errors
/// The database.
pub async fn calls(connection: &mut PgConnection, ids: &[String]) -> sqlx::Result<Vec<EdgeCall>> {
    let rows: Vec<CallRecord> = sqlx::query_as(
        "with asked as (
             select agreement, uuid as ticket from shared where share_id = any($1)
             union all
             select id, '' from agreement where id = any($1)
         ), made as (
             select account, agreement, kind, at, outcome, reason, 0 as tried,
                 null::timestamptz as next_at
             from attempt join asked using (agreement, ticket)
             where kind <> 'received' order by attempt.id desc limit $2
         ), waiting as (
             select agreement.account, agreement, kind, call.created_at, 'waits',
                 case when call.failures > 0 then last_failure end, call.failures,
                 case when paused_at is null then call.due_at end
             from call join asked using (agreement, ticket)
                 join agreement on agreement.id = call.agreement
             order by call.id desc limit $2
         )
         select told.account, partner_url as url, kind, at, outcome, reason, tried, next_at
         from (select * from made union all select * from waiting) told
             join agreement on agreement.id = told.agreement order by at",
    )
    .bind(ids)
    .bind(MOST)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(CallRecord::traced).collect())
}
