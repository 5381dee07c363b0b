//! Files that are still to be copied, and what became of those that were.

use std::time::Duration;

use desk::outbox::{self, FileOfComment};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::rules::capability::Capability;
use crate::rules::fetch::FetchFault;
use crate::rules::foreign::Foreign;
use crate::rules::link::AttachedFile;

/// Copies that one account may have under way before another's go first.
const OF_ONE_ACCOUNT: i64 = 4;

/// A file that is to be copied now.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct CopyRow {
    /// The command that names it.
    pub command: i64,
    /// Which of the command's files it is.
    pub place: i32,
    /// Whose it is.
    pub account: String,
    /// The comment's id.
    pub comment: String,
    /// The attachment's id.
    pub attachment: String,
    /// Where it lies.
    pub url: String,
    /// What it is called.
    pub filename: String,
    /// What it is, if that was said.
    pub content_type: Option<String>,
    /// Attempts that failed.
    pub attempts: i32,
}

/// What became of a file of a command, for the account whose command it is.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct CopyState {
    /// The comment's id.
    pub comment: String,
    /// The attachment's id.
    pub attachment: String,
    /// `waits`, `copied` or `failed`.
    pub state: String,
    /// Why it is not copied, a code.
    pub failure: Option<String>,
    /// The same as a sentence.
    pub detail: Option<String>,
}

/// A copy that is kept.
#[derive(Clone, Debug)]
pub struct Copied {
    /// The file.
    pub file: Uuid,
    /// Its link.
    pub url: String,
    /// That link's capability.
    pub capability: Capability,
    /// What it is.
    pub content_type: String,
    /// Its bytes.
    pub size: u64,
}

/// Notes what a command that was accepted in this transaction names, and holds it until that is
/// copied.
///
/// # Errors
/// The database fails: the transaction must not be committed.
pub async fn insert(
    connection: &mut PgConnection,
    request: &outbox::Request,
    files: &[Foreign],
) -> sqlx::Result<()> {
    let command = outbox::hold(connection, request).await?;
    let column = |of: fn(&Foreign) -> &str| files.iter().map(of).collect::<Vec<_>>();
    sqlx::query(
        "insert into file_copy
             (command, place, account, comment, attachment, url, filename, content_type)
         select $1, place - 1, $2, comment, attachment, url, filename, content_type
         from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
             with ordinality named (comment, attachment, url, filename, content_type, place)",
    )
    .bind(command)
    .bind(request.account.as_str())
    .bind(column(|file| &file.comment))
    .bind(column(|file| &file.attachment))
    .bind(column(|file| &file.url))
    .bind(column(|file| &file.filename))
    .bind(files.iter().map(|file| file.content_type.as_deref()).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map(drop)
}

/// Takes what is due, what waited longest first, so much at most. It is held by `lease` for so
/// long, so that no replica copies it at the same time.
///
/// # Errors
/// The database.
pub async fn claim(
    pool: &PgPool,
    (lease, lease_for): (Uuid, Duration),
    limit: i64,
) -> sqlx::Result<Vec<CopyRow>> {
    sqlx::query_as(
        "with busy as materialized (
             select account from file_copy where due_at is not null and leased_until >= now()
             group by account having count(*) >= $4)
         update file_copy set lease = $1, leased_until = now() + make_interval(secs => $2)
         where (command, place) in (
             select command, place from file_copy due
             where due_at <= now() and leased_until < now() and account not in (table busy)
             order by due_at limit $3 for update of due skip locked)
         returning command, place, account, comment, attachment, url, filename, content_type,
             attempts",
    )
    .bind(lease)
    .bind(lease_for.as_secs_f64())
    .bind(limit)
    .bind(OF_ONE_ACCOUNT)
    .fetch_all(pool)
    .await
}

/// Holds a copy for so long again, if `lease` still holds it.
///
/// # Errors
/// The database.
pub async fn renew(
    pool: &PgPool,
    (row, lease): (&CopyRow, Uuid),
    lease_for: Duration,
) -> sqlx::Result<()> {
    sqlx::query(
        "update file_copy set leased_until = now() + make_interval(secs => $4)
         where command = $1 and place = $2 and lease = $3 and due_at is not null",
    )
    .bind(row.command)
    .bind(row.place)
    .bind(lease)
    .bind(lease_for.as_secs_f64())
    .execute(pool)
    .await
    .map(drop)
}

/// Lets go what is under way.
///
/// # Errors
/// The database.
pub async fn let_go(pool: &PgPool, lease: Uuid) -> sqlx::Result<()> {
    sqlx::query(
        "update file_copy set lease = null, leased_until = '-infinity'
         where lease = $1 and due_at is not null",
    )
    .bind(lease)
    .execute(pool)
    .await
    .map(drop)
}

/// Puts the copy in the file's place, and lets the command go if that was its last one. Whether the
/// copy is used: it is not if another replica holds the file now, or a redaction took it away.
///
/// # Errors
/// The database: nothing is changed.
pub async fn copied(
    pool: &PgPool,
    (row, lease): (&CopyRow, Uuid),
    copied: Copied,
) -> sqlx::Result<bool> {
    let mut transaction = pool.begin().await?;
    let sent =
        json!({ "url": copied.url, "size": copied.size, "content_type": copied.content_type });
    let named = outbox::replace_file(&mut transaction, row.command, of_comment(row), &sent, &sent);
    let is_named = named.await?;
    let file = is_named.then_some(copied.file);
    let is_ours = done((row, lease), &mut transaction, file, None).await?;
    if is_ours {
        if is_named {
            let named = AttachedFile {
                capability: copied.capability,
                comment: row.comment.clone(),
                attachment: row.attachment.clone(),
            };
            super::link(&mut transaction, &row.account, &[named]).await?;
        }
        transaction.commit().await?;
    }
    Ok(is_ours && is_named)
}

/// The command goes without the file. The line, which takes no empty link, says so in its receipt;
/// at home the file stays where it lies.
///
/// # Errors
/// The database: nothing is changed.
pub async fn given_up(
    pool: &PgPool,
    (row, lease): (&CopyRow, Uuid),
    fault: &FetchFault,
) -> sqlx::Result<()> {
    let mut transaction = pool.begin().await?;
    let (sent, at_home) = (json!({ "url": "" }), Value::Null);
    outbox::replace_file(&mut transaction, row.command, of_comment(row), &sent, &at_home).await?;
    if done((row, lease), &mut transaction, None, Some(fault)).await? {
        transaction.commit().await?;
    }
    Ok(())
}

/// It is tried again after so long. An attempt that failed by our own fault does not count.
///
/// # Errors
/// The database.
pub async fn again(
    pool: &PgPool,
    (row, lease): (&CopyRow, Uuid),
    (fault, counts): (&FetchFault, bool),
    delay: Duration,
) -> sqlx::Result<()> {
    sqlx::query(
        "update file_copy set due_at = now() + make_interval(secs => $4),
             attempts = attempts + $5, failure = $6, detail = $7,
             lease = null, leased_until = '-infinity'
         where command = $1 and place = $2 and lease = $3 and due_at is not null",
    )
    .bind(row.command)
    .bind(row.place)
    .bind(lease)
    .bind(delay.as_secs_f64())
    .bind(i32::from(counts))
    .bind(&fault.code)
    .bind(&fault.detail)
    .execute(pool)
    .await
    .map(drop)
}

/// Notes that a file has come to its end, and lets its command go if that was the last one; whether
/// `lease` still held it.
async fn done(
    (row, lease): (&CopyRow, Uuid),
    connection: &mut PgConnection,
    file: Option<Uuid>,
    fault: Option<&FetchFault>,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "update file_copy set due_at = null, url = null, file = $4, failure = $5, detail = $6
         where command = $1 and place = $2 and lease = $3 and due_at is not null",
    )
    .bind(row.command)
    .bind(row.place)
    .bind(lease)
    .bind(file)
    .bind(fault.map(|fault| &fault.code))
    .bind(fault.map(|fault| &fault.detail))
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    release_if_done(connection, row.command).await?;
    Ok(true)
}

/// Lets a command go of whose files none is still to be copied. Two that end at the same time wait
/// here for each other, so that one of them sees the other's end.
async fn release_if_done(connection: &mut PgConnection, command: i64) -> sqlx::Result<()> {
    sqlx::query("select from desk_outbox where number = $1 for update")
        .bind(command)
        .execute(&mut *connection)
        .await?;
    let waits: bool = sqlx::query_scalar(
        "select exists (select from file_copy where command = $1 and due_at is not null)",
    )
    .bind(command)
    .fetch_one(&mut *connection)
    .await?;
    if !waits {
        outbox::release(connection, command).await?;
    }
    Ok(())
}

/// What a redaction takes away is no longer copied, and holds up no command.
pub(super) async fn redact(
    connection: &mut PgConnection,
    account: &str,
    comment: &str,
    attachment: Option<&str>,
) -> sqlx::Result<()> {
    let commands: Vec<i64> = sqlx::query_scalar(
        "delete from file_copy
         where account = $1 and comment = $2 and ($3::text is null or attachment = $3)
         returning command",
    )
    .bind(account)
    .bind(comment)
    .bind(attachment)
    .fetch_all(&mut *connection)
    .await?;
    for command in commands {
        release_if_done(connection, command).await?;
    }
    Ok(())
}

/// What became of a command's files, in their order.
///
/// # Errors
/// The database.
pub async fn states(
    pool: &PgPool,
    account: &str,
    entity: &str,
    key: &str,
) -> sqlx::Result<Vec<CopyState>> {
    sqlx::query_as(
        "select copy.comment, copy.attachment, copy.failure, copy.detail,
             case when copy.due_at is not null then 'waits' when copy.failure is null then 'copied'
                 else 'failed' end as state
         from desk_outbox sent join file_copy copy on copy.command = sent.number
         where sent.account = $1 and sent.entity = $2 and sent.key = $3 order by copy.place",
    )
    .bind(account)
    .bind(entity)
    .bind(key)
    .fetch_all(pool)
    .await
}

fn of_comment(row: &CopyRow) -> FileOfComment<'_> {
    FileOfComment { comment: &row.comment, attachment: &row.attachment, url: &row.url }
}
