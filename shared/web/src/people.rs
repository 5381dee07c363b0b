//! People of accounts: rows of `web_person`.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

use crate::clock::new_id;
use crate::failure::Failure;
use crate::password;
use crate::role::StaffRole;
use crate::token::Token;

/// Days that a sign-in link works.
const LINK_DAYS: i32 = 7;

/// A person as pages show them.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct PersonRow {
    /// By what they are named.
    pub id: Uuid,
    /// Their address.
    pub email: String,
    /// Their name.
    pub name: String,
    role: String,
    /// Whether they have set a password.
    pub has_password: bool,
    /// When they last signed in.
    pub signed_in_at: Option<DateTime<Utc>>,
    /// Since when they may not.
    pub disabled_at: Option<DateTime<Utc>>,
}

impl PersonRow {
    /// What they may do.
    #[must_use]
    pub fn role(&self) -> StaffRole {
        StaffRole::of_word(&self.role).unwrap_or(StaffRole::LightAgent)
    }
}

const PERSON: &str = "select id, email, name, role, password is not null as has_password,
    signed_in_at, disabled_at from web_person";

/// A person to be added.
#[derive(Clone, Copy, Debug)]
pub struct NewPerson<'a> {
    /// Of which account.
    pub account: &'a str,
    /// Their address, by which they sign in.
    pub email: &'a str,
    /// Their name.
    pub name: &'a str,
    /// What they may do.
    pub role: StaffRole,
}

/// Adds a person; nothing if the account has one with this address.
///
/// # Errors
/// The database.
pub async fn add(pool: &PgPool, new: NewPerson<'_>) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar(
        "insert into web_person (id, account, email, name, role) values ($1, $2, $3, $4, $5)
         on conflict do nothing returning id",
    )
    .bind(new_id())
    .bind(new.account)
    .bind(new.email.trim())
    .bind(new.name.trim())
    .bind(new.role.word())
    .fetch_optional(pool)
    .await
}

/// All people of an account, by name.
///
/// # Errors
/// The database.
pub async fn list(database: impl PgExecutor<'_>, account: &str) -> sqlx::Result<Vec<PersonRow>> {
    let statement =
        sqlx::AssertSqlSafe(format!("{PERSON} where account = $1 order by lower(name), id"));
    sqlx::query_as(statement).bind(account).fetch_all(database).await
}

/// One of them.
///
/// # Errors
/// The database.
pub async fn find(pool: &PgPool, account: &str, id: Uuid) -> sqlx::Result<Option<PersonRow>> {
    let statement = sqlx::AssertSqlSafe(format!("{PERSON} where account = $1 and id = $2"));
    sqlx::query_as(statement).bind(account).bind(id).fetch_optional(pool).await
}

/// The one with this address.
///
/// # Errors
/// The database.
pub async fn by_email(
    pool: &PgPool,
    account: &str,
    email: &str,
) -> sqlx::Result<Option<PersonRow>> {
    let statement =
        sqlx::AssertSqlSafe(format!("{PERSON} where account = $1 and lower(email) = lower($2)"));
    sqlx::query_as(statement).bind(account).bind(email.trim()).fetch_optional(pool).await
}

/// Gives a role; whether there is such a person, and an admin is left.
///
/// # Errors
/// The database.
pub async fn set_role(
    pool: &PgPool,
    account: &str,
    id: Uuid,
    role: StaffRole,
) -> sqlx::Result<bool> {
    changed(
        pool,
        "update web_person set role = $3 where account = $1 and id = $2
         and ($3 = 'admin' or exists (select from web_person where account = $1 and id <> $2
             and role = 'admin' and disabled_at is null))",
        (account, id),
        Some(role.word()),
    )
    .await
}

/// Ends what a person may do, and their sessions; whether there is such a person, and an admin is
/// left.
///
/// # Errors
/// The database.
pub async fn disable(pool: &PgPool, account: &str, id: Uuid) -> sqlx::Result<bool> {
    let done = changed(
        pool,
        "update web_person set disabled_at = now() where account = $1 and id = $2
         and disabled_at is null and $3::text is null
         and exists (select from web_person where account = $1 and id <> $2
             and role = 'admin' and disabled_at is null)",
        (account, id),
        None,
    )
    .await?;
    if done {
        for ends in
            ["delete from web_session where person = $1", "delete from web_link where person = $1"]
        {
            sqlx::query(ends).bind(id).execute(pool).await?;
        }
    }
    Ok(done)
}

/// Lets them in again.
///
/// # Errors
/// The database.
pub async fn enable(pool: &PgPool, account: &str, id: Uuid) -> sqlx::Result<bool> {
    changed(
        pool,
        "update web_person set disabled_at = null where account = $1 and id = $2
         and $3::text is null",
        (account, id),
        None,
    )
    .await
}

async fn changed(
    pool: &PgPool,
    statement: &'static str,
    (account, id): (&str, Uuid),
    value: Option<&str>,
) -> sqlx::Result<bool> {
    let done = sqlx::query(statement).bind(account).bind(id).bind(value).execute(pool).await?;
    Ok(done.rows_affected() > 0)
}

/// The path of a link by which the person signs in once and sets a password, within seven days.
/// Earlier ones of theirs end.
///
/// # Errors
/// The database, or no random numbers.
pub async fn make_link(pool: &PgPool, person: Uuid) -> Result<String, Failure> {
    let token = Token::new()?;
    let mut transaction = pool.begin().await?;
    sqlx::query("delete from web_link where person = $1")
        .bind(person)
        .execute(&mut *transaction)
        .await?;
    sqlx::query(
        "insert into web_link (hash, person, expires_at)
         values ($1, $2, now() + make_interval(days => $3))",
    )
    .bind(token.hash())
    .bind(person)
    .bind(LINK_DAYS)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(format!("/sign-in/link/{}", token.reveal()))
}

/// Whose link it is, if it still works.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Linked {
    pub name: String,
    pub email: String,
    pub organisation: String,
    /// What partners invite.
    pub address: String,
    role: String,
    /// Whether the account's people sign in through its identity provider alone.
    pub is_provider_required: bool,
}

impl Linked {
    pub fn role(&self) -> StaffRole {
        StaffRole::of_word(&self.role).unwrap_or(StaffRole::LightAgent)
    }
}

pub(crate) async fn linked(pool: &PgPool, token: &Token) -> sqlx::Result<Option<Linked>> {
    sqlx::query_as(
        "select person.name, person.email, desk.display_name as organisation, desk.address,
             person.role, coalesce(provider.is_required, false) as is_provider_required
         from web_link link
         join web_person person on person.id = link.person
         join desk_account desk on desk.account = person.account
         left join web_provider provider on provider.account = person.account
         where link.hash = $1 and link.expires_at > now()
             and person.disabled_at is null and desk.ended_at is null",
    )
    .bind(token.hash())
    .fetch_optional(pool)
    .await
}

/// Uses a link up, and sets the password that was chosen; the person, if it was there.
pub(crate) async fn use_link(
    pool: &PgPool,
    token: &Token,
    password: Option<String>,
) -> Result<Option<Uuid>, Failure> {
    let hash = match password {
        Some(password) => Some(password::hash(password).await?),
        None => None,
    };
    let mut transaction = pool.begin().await?;
    let person: Option<Uuid> = sqlx::query_scalar(
        "delete from web_link link using web_person person, desk_account desk
         where link.hash = $1 and link.expires_at > now() and person.id = link.person
             and person.disabled_at is null
             and desk.account = person.account and desk.ended_at is null
         returning person.id",
    )
    .bind(token.hash())
    .fetch_optional(&mut *transaction)
    .await?;
    if let Some(person) = person {
        sqlx::query("update web_person set password = coalesce($2, password) where id = $1")
            .bind(person)
            .bind(hash)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("delete from web_session where person = $1")
            .bind(person)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(person)
}

/// Sets a password.
///
/// # Errors
/// The database, or no random numbers.
pub async fn set_password(pool: &PgPool, person: Uuid, password: String) -> Result<(), Failure> {
    let hash = password::hash(password).await?;
    sqlx::query("update web_person set password = $2 where id = $1")
        .bind(person)
        .bind(hash)
        .execute(pool)
        .await?;
    Ok(())
}

/// What is compared when somebody signs in.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Login {
    pub person: Uuid,
    pub password: Option<String>,
}

/// The person of an account's address and their own.
pub(crate) async fn login(
    pool: &PgPool,
    address: &str,
    email: &str,
) -> sqlx::Result<Option<Login>> {
    sqlx::query_as(
        "select person.id as person, person.password from web_person person
         join desk_account desk on desk.account = person.account
         where desk.address = $1 and lower(person.email) = lower($2)
             and person.disabled_at is null and desk.ended_at is null",
    )
    .bind(address)
    .bind(email)
    .fetch_optional(pool)
    .await
}

pub(crate) async fn password_of(pool: &PgPool, person: Uuid) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("select password from web_person where id = $1")
        .bind(person)
        .fetch_one(pool)
        .await
}

/// How pages are shown to a person.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'a> {
    pub name: &'a str,
    pub language: Option<&'a str>,
    pub zone: Option<&'a str>,
    pub theme: Option<&'a str>,
}

pub(crate) async fn set_shown(pool: &PgPool, person: Uuid, shown: Shown<'_>) -> sqlx::Result<()> {
    sqlx::query(
        "update web_person set name = $2, language = $3, zone = $4, theme = $5 where id = $1",
    )
    .bind(person)
    .bind(shown.name)
    .bind(shown.language)
    .bind(shown.zone)
    .bind(shown.theme)
    .execute(pool)
    .await
    .map(drop)
}
