//! Table `notice`, as messages fill it.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use contracts::sync::Notice;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::rules::notice::Mail;

/// Which of `ids` are there already.
///
/// # Errors
/// The database's.
pub async fn known(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashSet<Uuid>, sqlx::Error> {
    let found: Vec<Uuid> = sqlx::query_scalar("select id from notice where id = any($1)")
        .bind(ids)
        .fetch_all(connection)
        .await?;
    Ok(found.into_iter().collect())
}

/// Inserts new mails: pending and due at once, or suppressed. One that is there already is a unique
/// violation, which means that another transaction was faster.
///
/// # Errors
/// The database's.
pub async fn insert(connection: &mut PgConnection, mails: &[Mail]) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = mails.iter().map(|mail| mail.id).collect();
    let messages: Vec<&str> = mails.iter().map(|mail| mail.message_id.as_str()).collect();
    let recipients: Vec<&str> = mails.iter().map(Mail::recipient).collect();
    let notices: Vec<Json<&Notice>> = mails.iter().map(|mail| Json(&mail.notice)).collect();
    let reasons: Vec<Option<&str>> = mails.iter().map(|mail| mail.suppressed.as_deref()).collect();
    let created: Vec<DateTime<Utc>> = mails.iter().map(|mail| mail.created_at.utc()).collect();
    sqlx::query(
        "insert into notice (id, message_id, recipient, notice, state, reason, next_attempt_at, \
         created_at)
         select id, message_id, recipient, notice,
                case when reason is null then 'pending' else 'suppressed' end, reason,
                case when reason is null then created_at end, created_at
         from unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[], $5::text[], $6::timestamptz[])
              as new (id, message_id, recipient, notice, reason, created_at)
         order by id",
    )
    .bind(ids)
    .bind(messages)
    .bind(recipients)
    .bind(notices)
    .bind(reasons)
    .bind(created)
    .execute(connection)
    .await?;
    Ok(())
}
