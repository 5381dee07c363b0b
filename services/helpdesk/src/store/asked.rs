//! What was asked by addresses that nobody has confirmed yet.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

/// Requests that one address may have unconfirmed, at most.
const MOST: i64 = 5;

/// Who asked, unconfirmed.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Unconfirmed {
    /// Which confirmation.
    pub id: Uuid,
    /// The address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Language of their pages.
    pub language: String,
}

/// What they asked.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct AskedRow {
    /// The id that its first comment gets.
    pub id: Uuid,
    /// What it is about.
    pub subject: String,
    /// The text.
    pub body: String,
    /// Its files, each as the contract's `Attachment`.
    pub attachments: Json<Vec<Value>>,
    /// When.
    pub asked_at: DateTime<Utc>,
}

/// Keeps a request until its address is confirmed. The confirmation, and whether it is new: then it
/// is mailed.
///
/// # Errors
/// The database.
pub async fn keep(
    connection: &mut PgConnection,
    account: &str,
    who: &Unconfirmed,
    asked: &AskedRow,
) -> sqlx::Result<(Uuid, bool)> {
    let (confirmation, is_new): (Uuid, bool) = sqlx::query_as(
        "insert into confirmation (id, account, email, name, language)
         values ($1, $2, $3, $4, $5)
         on conflict (account, lower(email)) do update set name = excluded.name
         returning id, id = $1",
    )
    .bind(who.id)
    .bind(account)
    .bind(&who.email)
    .bind(&who.name)
    .bind(&who.language)
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query(
        "insert into unconfirmed_request (id, confirmation, subject, body, asked_at, attachments)
         select $1, $2, $3, $4, $5, $7
         where (select count(*) from unconfirmed_request where confirmation = $2) < $6
         on conflict do nothing",
    )
    .bind(asked.id)
    .bind(confirmation)
    .bind(&asked.subject)
    .bind(&asked.body)
    .bind(asked.asked_at)
    .bind(MOST)
    .bind(&asked.attachments)
    .execute(connection)
    .await?;
    Ok((confirmation, is_new))
}

/// Who is to confirm.
///
/// # Errors
/// The database.
pub async fn find(
    connection: &mut PgConnection,
    account: &str,
    id: Uuid,
) -> sqlx::Result<Option<Unconfirmed>> {
    sqlx::query_as(
        "select id, email, name, language from confirmation where account = $1 and id = $2",
    )
    .bind(account)
    .bind(id)
    .fetch_optional(connection)
    .await
}

/// Takes away what an address asked and has not confirmed, and the mails that asked it to.
///
/// # Errors
/// The database.
pub async fn forget(connection: &mut PgConnection, account: &str, email: &str) -> sqlx::Result<()> {
    for statement in [
        "delete from confirmation where account = $1 and lower(email) = lower($2)",
        "delete from mail where account = $1 and kind = 'confirm' and lower(recipient) = lower($2)",
    ] {
        sqlx::query(statement).bind(account).bind(email).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Takes out what was asked, the oldest first: it is confirmed now. Whoever comes second finds
/// nothing.
///
/// # Errors
/// The database.
pub async fn take(
    connection: &mut PgConnection,
    account: &str,
    id: Uuid,
) -> sqlx::Result<Vec<AskedRow>> {
    let locked: Option<Uuid> =
        sqlx::query_scalar("select id from confirmation where account = $1 and id = $2 for update")
            .bind(account)
            .bind(id)
            .fetch_optional(&mut *connection)
            .await?;
    if locked.is_none() {
        return Ok(Vec::new());
    }
    let asked = sqlx::query_as(
        "select id, subject, body, attachments, asked_at from unconfirmed_request
         where confirmation = $1 order by asked_at, id",
    )
    .bind(id)
    .fetch_all(&mut *connection)
    .await?;
    sqlx::query("delete from confirmation where id = $1").bind(id).execute(connection).await?;
    Ok(asked)
}
