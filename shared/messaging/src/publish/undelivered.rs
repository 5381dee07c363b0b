//! Outputs that a desk's queue did not take, or that are not tried because it took nothing before:
//! kept until it does.

use std::collections::BTreeMap;

use contracts::{AccountName, Timestamp, topology};
use sqlx::types::{Json, Uuid};
use sqlx::{PgExecutor, PgPool};

use crate::message::output::StoredOutput;
use crate::publish::desk_away;
use crate::publish::publisher::Refused;

/// Keeps what was returned or refused; from now on its desk is away. A row that is there already
/// stays as it is.
pub(crate) async fn keep_refused(
    pool: &PgPool,
    outputs: &[&StoredOutput],
    refused: &Refused,
    now: Timestamp,
) -> sqlx::Result<()> {
    if outputs.is_empty() {
        return Ok(());
    }
    let cause = |stored: &StoredOutput| refused.cause(&stored.id.to_string()).unwrap_or_default();
    let causes = outputs.iter().map(|stored| (account(stored), cause(stored))).collect();
    let mut transaction = pool.begin().await?;
    keep(&mut *transaction, outputs, now).await?;
    desk_away::went(&mut transaction, &causes, now).await?;
    transaction.commit().await?;
    tell(outputs, refused);
    Ok(())
}

/// Keeps what is not tried, because its desk is away. That does not make it so: a desk that has
/// just come back would be taken for away again, for as long as more comes for it.
pub(crate) async fn keep(
    database: impl PgExecutor<'_>,
    outputs: &[&StoredOutput],
    now: Timestamp,
) -> sqlx::Result<()> {
    if outputs.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into undelivered (id, account, output, reason, first_failed_at, next_attempt_at, \
         attempts)
         select id, account, output, 'queue_missing_or_full', $4, $4 + interval '1 second', 0
         from unnest($1::uuid[], $2::text[], $3::jsonb[]) as kept (id, account, output)
         order by id
         on conflict (id) do nothing",
    )
    .bind(outputs.iter().map(|stored| stored.id).collect::<Vec<Uuid>>())
    .bind(outputs.iter().map(|stored| account(stored)).collect::<Vec<_>>())
    .bind(outputs.iter().map(Json).collect::<Vec<_>>())
    .bind(now.utc())
    .execute(database)
    .await?;
    metrics::counter!("deskmesh_undelivered_total").increment(outputs.len() as u64);
    Ok(())
}

/// One line for each account, with the first delivery.
pub(crate) fn tell(outputs: &[&StoredOutput], refused: &Refused) {
    let mut by_desk: BTreeMap<_, Vec<&StoredOutput>> = BTreeMap::new();
    for stored in outputs {
        let cause = refused.cause(&stored.id.to_string());
        by_desk.entry((stored.output.desk(), cause)).or_default().push(stored);
    }
    for ((desk, cause), waiting) in by_desk {
        let first = waiting[0];
        let about = first.output.share_id().or(first.output.correlation_id());
        tracing::warn!(
            account = desk.map(ToString::to_string),
            queue = desk.map(topology::desk_queue),
            cause,
            count = waiting.len(),
            message_id = %first.id,
            message_type = first.output.message_type(),
            about,
            trace_id = first.trace.trace_id(),
            "deliveries wait for a desk's queue"
        );
    }
}

fn account(stored: &StoredOutput) -> &str {
    stored.output.desk().map(AccountName::as_str).unwrap_or_default()
}
