//! Files: what is kept of them beside their bytes.

pub mod copy;

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool};
use uuid::Uuid;

use crate::rules::link::AttachedFile;
use crate::rules::quota::Quota;

/// A file that is about to arrive.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// By what it is deleted, and where its bytes lie.
    pub id: Uuid,
    /// Whose it is.
    pub account: String,
    /// What it is called.
    pub filename: String,
    /// What it is.
    pub content_type: String,
}

/// A file that arrived.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct FileRow {
    /// By what it is deleted, and where its bytes lie.
    pub id: Uuid,
    /// What it is called.
    pub filename: String,
    /// What it is.
    pub content_type: String,
    /// Its bytes.
    pub size: i64,
    /// Their hash.
    pub sha256: Vec<u8>,
    /// Whether a command named it.
    pub linked: bool,
    /// When its upload began.
    pub created_at: DateTime<Utc>,
}

/// A file with the hash of its link.
#[derive(sqlx::FromRow)]
struct OfCapability {
    capability: Vec<u8>,
    #[sqlx(flatten)]
    file: FileRow,
}

const COLUMNS: &str =
    "id, filename, content_type, size, sha256, linked_at is not null as linked, created_at";

/// Makes room for a file; whether there is any.
///
/// # Errors
/// The database.
pub async fn begin(pool: &PgPool, file: &NewFile, bytes: u64, most: u64) -> sqlx::Result<bool> {
    let mut transaction = pool.begin().await?;
    let used = used(&mut transaction, &file.account, file.id).await?;
    if !(Quota { used, most }).has_room(bytes) {
        return Ok(false);
    }
    sqlx::query(
        "insert into file (id, account, filename, content_type, size) values ($1, $2, $3, $4, $5)",
    )
    .bind(file.id)
    .bind(&file.account)
    .bind(&file.filename)
    .bind(&file.content_type)
    .bind(signed(bytes))
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(true)
}

/// Makes more room for a file that arrives, `bytes` in all; whether there is so much.
///
/// # Errors
/// The database.
pub async fn grow(pool: &PgPool, file: &NewFile, bytes: u64, most: u64) -> sqlx::Result<bool> {
    let mut transaction = pool.begin().await?;
    let used = used(&mut transaction, &file.account, file.id).await?;
    if !(Quota { used, most }).has_room(bytes) {
        return Ok(false);
    }
    sqlx::query("update file set size = $2 where id = $1")
        .bind(file.id)
        .bind(signed(bytes))
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(true)
}

/// What the account's other files take. Uploads of one account that begin or grow at the same time
/// wait here for each other.
async fn used(connection: &mut PgConnection, account: &str, but: Uuid) -> sqlx::Result<u64> {
    sqlx::query("select from desk_account where account = $1 for no key update")
        .bind(account)
        .execute(&mut *connection)
        .await?;
    let used: i64 = sqlx::query_scalar(
        "select coalesce(sum(size), 0)::bigint from file
         where account = $1 and id <> $2 and taken_at is null",
    )
    .bind(account)
    .bind(but)
    .fetch_one(connection)
    .await?;
    Ok(u64::try_from(used).unwrap_or_default())
}

/// What the account's files take.
///
/// # Errors
/// The database.
pub async fn usage(pool: &PgPool, account: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "select coalesce(sum(size), 0)::bigint from file where account = $1 and taken_at is null",
    )
    .bind(account)
    .fetch_one(pool)
    .await
}

/// What the account's files take that nothing names yet.
///
/// # Errors
/// The database.
pub async fn unlinked(pool: &PgPool, account: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "select coalesce(sum(size), 0)::bigint from file
         where account = $1 and taken_at is null and linked_at is null",
    )
    .bind(account)
    .fetch_one(pool)
    .await
}

/// Its bytes are all there: from now on its link answers. Whether it was still waited for.
///
/// # Errors
/// The database.
pub async fn arrived(
    pool: &PgPool,
    id: Uuid,
    size: u64,
    sha256: &[u8],
    capability: &[u8],
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "update file set size = $2, sha256 = $3, capability = $4, arrived_at = now(), upload = null
         where id = $1 and taken_at is null",
    )
    .bind(id)
    .bind(signed(size))
    .bind(sha256)
    .bind(capability)
    .execute(pool)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The account's files, the newest first, before the one of this time and id.
///
/// # Errors
/// The database.
pub async fn list(
    pool: &PgPool,
    account: &str,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> sqlx::Result<Vec<FileRow>> {
    let (at, id) = before.unzip();
    let statement = sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from file
         where account = $1 and arrived_at is not null and taken_at is null
             and ($2::timestamptz is null or (created_at, id) < ($2, $3))
         order by created_at desc, id desc limit $4"
    ));
    sqlx::query_as(statement).bind(account).bind(at).bind(id).bind(limit).fetch_all(pool).await
}

/// The file whose link has this hash.
///
/// # Errors
/// The database.
pub async fn of_capability(pool: &PgPool, hash: &[u8]) -> sqlx::Result<Option<FileRow>> {
    let statement = sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from file where capability = $1 and taken_at is null"
    ));
    sqlx::query_as(statement).bind(hash).fetch_optional(pool).await
}

/// The account's own files whose links have these hashes, each with its hash.
///
/// # Errors
/// The database.
pub async fn own_of_capabilities(
    database: impl PgExecutor<'_>,
    account: &str,
    hashes: &[Vec<u8>],
) -> sqlx::Result<Vec<(Vec<u8>, FileRow)>> {
    let statement = sqlx::AssertSqlSafe(format!(
        "select capability, {COLUMNS} from file
         where account = $1 and capability = any($2) and taken_at is null"
    ));
    let rows: Vec<OfCapability> =
        sqlx::query_as(statement).bind(account).bind(hashes).fetch_all(database).await?;
    Ok(rows.into_iter().map(|row| (row.capability, row.file)).collect())
}

/// Takes a file's link away; whether there was one.
///
/// # Errors
/// The database.
pub async fn take_away(pool: &PgPool, account: &str, id: Uuid) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "update file set taken_at = now()
         where id = $1 and account = $2 and taken_at is null and arrived_at is not null",
    )
    .bind(id)
    .bind(account)
    .execute(pool)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Notes what S3 calls an upload in parts; whether the file is still waited for.
///
/// # Errors
/// The database.
pub async fn upload_began(pool: &PgPool, id: Uuid, upload: &str) -> sqlx::Result<bool> {
    let done = sqlx::query("update file set upload = $2 where id = $1 and taken_at is null")
        .bind(id)
        .bind(upload)
        .execute(pool)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Gives up a file that did not arrive; what its upload in parts is called, if there is one.
///
/// # Errors
/// The database.
pub async fn give_up(pool: &PgPool, id: Uuid) -> sqlx::Result<Option<String>> {
    let upload = sqlx::query_scalar(
        "update file set taken_at = coalesce(taken_at, now()) where id = $1 returning upload",
    );
    upload.bind(id).fetch_optional(pool).await.map(Option::flatten)
}

/// Notes that an account's command names its files. Another account's are not its to keep, and one
/// that was taken away stays so.
///
/// # Errors
/// The database.
pub async fn link(
    connection: &mut PgConnection,
    account: &str,
    files: &[AttachedFile],
) -> sqlx::Result<()> {
    if files.is_empty() {
        return Ok(());
    }
    let hashes: Vec<Vec<u8>> = files.iter().map(|file| file.capability.hash().to_vec()).collect();
    let comments: Vec<&str> = files.iter().map(|file| file.comment.as_str()).collect();
    let attachments: Vec<&str> = files.iter().map(|file| file.attachment.as_str()).collect();
    sqlx::query(
        "with named as (
             select * from unnest($2::bytea[], $3::text[], $4::text[])
                 as it (hash, comment, attachment)
         ), linked as (
             update file set linked_at = coalesce(linked_at, now())
             where account = $1 and taken_at is null and capability in (select hash from named)
             returning id, capability
         )
         insert into file_link (account, comment, attachment, file)
         select $1, comment, attachment, id from named join linked on capability = hash
         on conflict do nothing",
    )
    .bind(account)
    .bind(hashes)
    .bind(comments)
    .bind(attachments)
    .execute(connection)
    .await
    .map(drop)
}

/// Takes the links of a comment's files away, or of one of its attachments. A file that another
/// comment names too goes with it: its bytes are what must not be seen. What was still to be copied
/// is not.
///
/// # Errors
/// The database.
pub async fn redact(
    connection: &mut PgConnection,
    account: &str,
    comment: &str,
    attachment: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query(
        "update file set taken_at = now()
         from file_link where file_link.file = file.id and file.account = $1
             and file_link.account = $1 and comment = $2 and ($3::text is null or attachment = $3)
             and taken_at is null",
    )
    .bind(account)
    .bind(comment)
    .bind(attachment)
    .execute(&mut *connection)
    .await?;
    copy::redact(connection, account, comment, attachment).await
}

/// Takes away what no command named in time, and what did not arrive.
///
/// # Errors
/// The database.
pub async fn take_unlinked(
    pool: &PgPool,
    unlinked: Duration,
    arriving: Duration,
) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "update file set taken_at = now()
         where linked_at is null and taken_at is null
             and case when arrived_at is null then created_at < now() - make_interval(secs => $2)
                 else arrived_at < now() - make_interval(secs => $1) end",
    )
    .bind(unlinked.as_secs_f64())
    .bind(arriving.as_secs_f64())
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

/// Files whose bytes shall go, and their uploads in parts that have not ended.
///
/// # Errors
/// The database.
pub async fn taken(pool: &PgPool, limit: i64) -> sqlx::Result<Vec<(Uuid, Option<String>)>> {
    let taken = "select id, upload from file where taken_at is not null order by taken_at limit $1";
    sqlx::query_as(taken).bind(limit).fetch_all(pool).await
}

/// Lets a file whose bytes could not be removed wait behind all others.
///
/// # Errors
/// The database.
pub async fn put_back(pool: &PgPool, id: Uuid) -> sqlx::Result<()> {
    sqlx::query("update file set taken_at = now() where id = $1 and taken_at is not null")
        .bind(id)
        .execute(pool)
        .await
        .map(drop)
}

/// Forgets a file whose bytes are gone.
///
/// # Errors
/// The database.
pub async fn forget(pool: &PgPool, id: Uuid) -> sqlx::Result<()> {
    sqlx::query("delete from file where id = $1 and taken_at is not null")
        .bind(id)
        .execute(pool)
        .await
        .map(drop)
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
