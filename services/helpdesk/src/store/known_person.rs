//! Whoever asks, with what an account keeps of them.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

/// Somebody who asks, or a placeholder.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct KnownPerson {
    /// Which.
    pub id: String,
    /// How they are called.
    pub name: String,
    /// Their address, also one that a placeholder was given.
    pub email: Option<String>,
    /// The partner whose person a placeholder stands for.
    pub partner: Option<String>,
    /// Whom they belong to.
    pub organisation: Option<Uuid>,
    /// What is kept of them, by the fields' keys.
    pub fields: Json<BTreeMap<String, String>>,
}

const COLUMNS: &str =
    "id, name, coalesce(email, given_email) as email, partner, organisation, fields";

/// People whose name or address has these words in it, by name.
///
/// # Errors
/// The database.
pub async fn search(
    connection: &mut PgConnection,
    account: &str,
    words: &str,
    limit: i64,
) -> sqlx::Result<Vec<KnownPerson>> {
    let statement = sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from person where account = $1 and deleted_at is null
             and ($2 = '' or strpos(lower(name), lower($2)) > 0
                 or strpos(lower(coalesce(email, given_email, '')), lower($2)) > 0)
         order by lower(name), id limit $3"
    ));
    sqlx::query_as(statement).bind(account).bind(words).bind(limit).fetch_all(connection).await
}

/// One of them.
///
/// # Errors
/// The database.
pub async fn find(
    connection: &mut PgConnection,
    account: &str,
    id: &str,
) -> sqlx::Result<Option<KnownPerson>> {
    one(connection, account, id, "").await
}

/// One of them, locked until the transaction ends.
///
/// # Errors
/// The database.
pub async fn lock(
    connection: &mut PgConnection,
    account: &str,
    id: &str,
) -> sqlx::Result<Option<KnownPerson>> {
    one(connection, account, id, "for update").await
}

async fn one(
    connection: &mut PgConnection,
    account: &str,
    id: &str,
    lock: &str,
) -> sqlx::Result<Option<KnownPerson>> {
    let statement = sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from person where account = $1 and id = $2 and deleted_at is null {lock}"
    ));
    sqlx::query_as(statement).bind(account).bind(id).fetch_optional(connection).await
}

/// The account's own person of this address, locked.
///
/// # Errors
/// The database.
pub async fn lock_by_address(
    connection: &mut PgConnection,
    account: &str,
    email: &str,
) -> sqlx::Result<Option<KnownPerson>> {
    let statement = sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from person where account = $1 and lower(email) = lower($2)
             and deleted_at is null for update"
    ));
    sqlx::query_as(statement).bind(account).bind(email).fetch_optional(connection).await
}

/// Keeps what is kept of somebody.
///
/// # Errors
/// The database.
pub async fn save(
    connection: &mut PgConnection,
    account: &str,
    person: &KnownPerson,
) -> sqlx::Result<()> {
    sqlx::query(
        "update person set name = $3, organisation = $4, fields = $5
         where account = $1 and id = $2",
    )
    .bind(account)
    .bind(&person.id)
    .bind(&person.name)
    .bind(person.organisation)
    .bind(&person.fields)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "update ticket set requester_name = $3, changed_at = clock_timestamp()
         where account = $1 and requester = $2 and requester_name <> $3",
    )
    .bind(account)
    .bind(&person.id)
    .bind(&person.name)
    .execute(connection)
    .await
    .map(drop)
}

/// Takes somebody's name, address and fields away, also from tickets, of which they stay the
/// requester, and from mails; `called` is what is shown instead.
///
/// # Errors
/// The database.
pub async fn delete(
    connection: &mut PgConnection,
    account: &str,
    id: &str,
    called: &str,
) -> sqlx::Result<()> {
    for statement in [
        "update person set name = $3, email = null, organisation = null, fields = '{}',
             confirmed_at = null, language = null, deleted_at = now()
         where account = $1 and id = $2",
        "update ticket set requester_name = $3, changed_at = clock_timestamp()
         where account = $1 and requester = $2",
        "update comment set author_name = $3
         where account = $1 and author_id = $2 and author_role = 'end_user'",
        "delete from ticket_cc where account = $1 and person = $2 and $3 <> ''",
        "update mail set state = 'failed', reason = 'the recipient was deleted',
           next_attempt_at = null
         where account = $1 and person = $2 and state = 'pending' and $3 <> ''",
        "update mail set recipient = '', name = $3 where account = $1 and person = $2",
    ] {
        sqlx::query(statement)
            .bind(account)
            .bind(id)
            .bind(called)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Gives one person's tickets, what they wrote, copies and mails that wait to another. Nobody is
/// mailed what they are mailed already, or wrote.
///
/// # Errors
/// The database.
pub async fn hand_over(
    connection: &mut PgConnection,
    account: &str,
    from: &str,
    to: &KnownPerson,
) -> sqlx::Result<()> {
    sqlx::query(
        "update ticket set requester = $3, requester_name = $4, changed_at = clock_timestamp()
         where account = $1 and requester = $2",
    )
    .bind(account)
    .bind(from)
    .bind(&to.id)
    .bind(&to.name)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "update comment set author_id = $3, author_name = $4
         where account = $1 and author_id = $2 and author_role = 'end_user'",
    )
    .bind(account)
    .bind(from)
    .bind(&to.id)
    .bind(&to.name)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "insert into ticket_cc (account, ticket, person)
         select account, ticket, $3 from ticket_cc where account = $1 and person = $2
         on conflict do nothing",
    )
    .bind(account)
    .bind(from)
    .bind(&to.id)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "update mail set person = $3, name = $4, recipient = $5
         where account = $1 and person = $2 and state = 'pending'
             and not exists (select from mail other where other.account = $1 and other.person = $3
                 and other.kind = mail.kind and other.ticket = mail.ticket
                 and other.comment is not distinct from mail.comment
                 and other.text is not distinct from mail.text)
             and not exists (select from comment said where said.account = $1
                 and said.ticket = mail.ticket and said.id = mail.comment and said.author_id = $3)",
    )
    .bind(account)
    .bind(from)
    .bind(&to.id)
    .bind(&to.name)
    .bind(to.email.as_deref().unwrap_or_default())
    .execute(connection)
    .await
    .map(drop)
}
