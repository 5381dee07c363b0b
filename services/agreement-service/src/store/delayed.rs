//! Table `delayed_address`: what registrations and renames bring that wait on the delay ladder.

use std::collections::BTreeSet;

use messaging::DecideError;
use sqlx::PgConnection;

/// Those of `texts` that a registration or rename brings which waits at this time.
pub(super) async fn load(
    connection: &mut PgConnection,
    texts: &[String],
) -> Result<BTreeSet<String>, DecideError> {
    if texts.is_empty() {
        return Ok(BTreeSet::new());
    }
    // The ladder takes 6 s; a backlog behind it takes longer.
    let rows: Vec<String> = sqlx::query_scalar(
        "select text from delayed_address
         where text = any($1) and since > now() - interval '1 minute'",
    )
    .bind(texts)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().collect())
}

/// Notes what waits from now on.
pub(super) async fn insert(
    connection: &mut PgConnection,
    texts: &BTreeSet<String>,
) -> Result<(), DecideError> {
    if texts.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into delayed_address (text, since) select unnest($1), now()
         on conflict (text) do update set since = excluded.since",
    )
    .bind(super::list(texts))
    .execute(connection)
    .await?;
    Ok(())
}
