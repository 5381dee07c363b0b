//! Tickets by words: PostgreSQL's full text over subjects, requesters and comments.

use sqlx::PgConnection;

use super::ticket::{COLUMNS, Kept, Row};

/// The newest tickets that have all these words, or this number.
///
/// # Errors
/// The database.
pub async fn tickets(
    connection: &mut PgConnection,
    account: &str,
    words: &str,
    limit: i64,
) -> sqlx::Result<Vec<Kept>> {
    let number: Option<i64> = words.trim().trim_start_matches('#').parse().ok();
    let statement = sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from ticket where account = $1 and number in (
             select number from ticket
                 where account = $1 and words @@ websearch_to_tsquery('simple', $2)
             union
             select ticket from comment
                 where account = $1 and words @@ websearch_to_tsquery('simple', $2)
             union select $3::bigint)
         order by updated_at desc, number desc limit $4"
    ));
    let rows: Vec<Row> = sqlx::query_as(statement)
        .bind(account)
        .bind(words)
        .bind(number)
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(Row::read).collect()
}
