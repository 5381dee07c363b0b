//! Providers of accounts, who is who there, and sign-ins that are under way.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::rules::{BegunSignIn, KnownPeople, NewPeople, PersonStanding, ProvenIdentity, WayIn};
use crate::clock::new_id;
use crate::role::StaffRole;

/// The provider of an account.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Provider {
    pub account: String,
    pub address: String,
    pub organisation: String,
    pub issuer: String,
    pub client_id: String,
    pub client_secret: Vec<u8>,
    pub is_required: bool,
    new_role: Option<String>,
    domains: Vec<String>,
}

impl Provider {
    pub fn new_people(&self) -> NewPeople {
        let role = self.new_role.as_deref().and_then(StaffRole::of_word);
        NewPeople { role, domains: self.domains.clone() }
    }
}

const PROVIDER: &str = "select provider.account, desk.address, desk.display_name as organisation,
        issuer, client_id, client_secret, is_required, new_role, domains
    from web_provider provider
    join desk_account desk on desk.account = provider.account and desk.ended_at is null";

/// The one of the account with this address.
pub(super) async fn at(pool: &PgPool, address: &str) -> sqlx::Result<Option<Provider>> {
    // No database takes one.
    if address.contains('\0') {
        return Ok(None);
    }
    let statement = sqlx::AssertSqlSafe(format!("{PROVIDER} where desk.address = $1"));
    sqlx::query_as(statement).bind(address.trim().to_lowercase()).fetch_optional(pool).await
}

/// The account's.
pub(super) async fn of(pool: &PgPool, account: &str) -> sqlx::Result<Option<Provider>> {
    let statement = sqlx::AssertSqlSafe(format!("{PROVIDER} where provider.account = $1"));
    sqlx::query_as(statement).bind(account).fetch_optional(pool).await
}

/// Whether people of the account sign in by its provider alone.
pub(crate) async fn is_required(pool: &PgPool, account: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "select exists (select from web_provider where account = $1 and is_required)",
    )
    .bind(account)
    .fetch_one(pool)
    .await
}

/// A provider to be kept.
#[derive(Clone, Copy)]
pub(super) struct NewProvider<'a> {
    pub account: &'a str,
    pub issuer: &'a str,
    pub client_id: &'a str,
    /// As it is kept; nothing: the one that is.
    pub client_secret: Option<&'a [u8]>,
    pub is_required: bool,
    pub people: &'a NewPeople,
}

/// Keeps it. Where it becomes required all sessions of the account end but `session`: nobody is in
/// whom the provider did not let in.
pub(super) async fn save(pool: &PgPool, new: NewProvider<'_>, session: &[u8]) -> sqlx::Result<()> {
    let mut transaction = pool.begin().await?;
    let was_required: Option<bool> =
        sqlx::query_scalar("select is_required from web_provider where account = $1 for update")
            .bind(new.account)
            .fetch_optional(&mut *transaction)
            .await?;
    sqlx::query(
        "insert into web_provider (account, issuer, client_id, client_secret, is_required,
             new_role, domains)
         values ($1, $2, $3, coalesce($4, ''::bytea), $5, $6, $7)
         on conflict (account) do update set issuer = $2, client_id = $3,
             client_secret = coalesce($4, web_provider.client_secret), is_required = $5,
             new_role = $6, domains = $7, changed_at = now()",
    )
    .bind(new.account)
    .bind(new.issuer)
    .bind(new.client_id)
    .bind(new.client_secret)
    .bind(new.is_required)
    .bind(new.people.role.map(StaffRole::word))
    .bind(&new.people.domains)
    .execute(&mut *transaction)
    .await?;
    if new.is_required && was_required != Some(true) {
        sqlx::query(
            "delete from web_session session using web_person person
             where person.id = session.person and person.account = $1 and session.hash <> $2",
        )
        .bind(new.account)
        .bind(session)
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await
}

/// The account has none any more. Who is who there stays, for when it has it again.
pub(super) async fn remove(pool: &PgPool, account: &str) -> sqlx::Result<()> {
    sqlx::query("delete from web_provider where account = $1")
        .bind(account)
        .execute(pool)
        .await
        .map(drop)
}

/// Whether an admin of the account has signed in by this issuer.
pub(super) async fn is_tried(pool: &PgPool, account: &str, issuer: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "select exists (select from web_subject subject
             join web_person person on person.id = subject.person
             where subject.account = $1 and subject.issuer = $2 and person.account = $1
                 and person.role = 'admin' and person.disabled_at is null)",
    )
    .bind(account)
    .bind(issuer)
    .fetch_one(pool)
    .await
}

/// A sign-in that goes to the provider.
#[derive(Clone, Copy)]
pub(super) struct NewFlow<'a> {
    pub state: &'a [u8],
    pub browser: &'a [u8],
    pub account: &'a str,
    pub nonce: &'a str,
    pub verifier: &'a str,
    pub next: &'a str,
}

pub(super) async fn begin(pool: &PgPool, flow: NewFlow<'_>) -> sqlx::Result<()> {
    sqlx::query(
        "insert into web_flow (state, browser, account, nonce, verifier, next)
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(flow.state)
    .bind(flow.browser)
    .bind(flow.account)
    .bind(flow.nonce)
    .bind(flow.verifier)
    .bind(flow.next)
    .execute(pool)
    .await
    .map(drop)
}

/// A sign-in that came back.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct FlowRow {
    browser: Vec<u8>,
    started_at: DateTime<Utc>,
    pub account: String,
    pub nonce: String,
    pub verifier: String,
    pub next: String,
}

impl FlowRow {
    pub fn flow(&self) -> BegunSignIn {
        BegunSignIn { browser: self.browser.clone(), started_at: self.started_at }
    }
}

/// Takes it: whoever comes with the same state again finds nothing.
pub(super) async fn take(pool: &PgPool, state: &[u8]) -> sqlx::Result<Option<FlowRow>> {
    sqlx::query_as(
        "delete from web_flow where state = $1
         returning browser, started_at, account, nonce, verifier, next",
    )
    .bind(state)
    .fetch_optional(pool)
    .await
}

/// A row of [`PersonStanding`].
type Row = (Uuid, bool, bool);

fn standing((person, is_disabled, is_bound): Row) -> PersonStanding {
    PersonStanding { person, is_disabled, is_bound }
}

/// Whom the account knows by this subject and by this address. Their rows stay as they are until
/// the transaction ends.
pub(super) async fn known(
    connection: &mut PgConnection,
    provider: &Provider,
    identity: &ProvenIdentity,
) -> sqlx::Result<KnownPeople> {
    let bound: Option<Row> = sqlx::query_as(
        "select person.id, person.disabled_at is not null, true from web_subject subject
         join web_person person on person.id = subject.person and person.account = subject.account
         where subject.account = $1 and subject.issuer = $2 and subject.subject = $3
         for update of person",
    )
    .bind(&provider.account)
    .bind(&provider.issuer)
    .bind(&identity.subject)
    .fetch_optional(&mut *connection)
    .await?;
    let by_email: Option<Row> = sqlx::query_as(
        "select person.id, person.disabled_at is not null, exists (select from web_subject subject
             where subject.person = person.id and subject.issuer = $2)
         from web_person person
         where person.account = $1 and lower(person.email) = lower($3) for update",
    )
    .bind(&provider.account)
    .bind(&provider.issuer)
    .bind(identity.email.as_deref())
    .fetch_optional(connection)
    .await?;
    Ok(KnownPeople { bound: bound.map(standing), by_email: by_email.map(standing) })
}

/// Lets somebody in: who they are; nothing if somebody else came first, who is known now.
pub(super) async fn enter(
    connection: &mut PgConnection,
    provider: &Provider,
    identity: &ProvenIdentity,
    entry: WayIn,
) -> sqlx::Result<Option<Uuid>> {
    let person: Option<Uuid> = match entry {
        WayIn::As(person) => return Ok(Some(person)),
        WayIn::Bind(person) => Some(person),
        WayIn::Add(role) => {
            sqlx::query_scalar(
                "insert into web_person (id, account, email, name, role)
                 values ($1, $2, $3, $4, $5) on conflict do nothing returning id",
            )
            .bind(new_id())
            .bind(&provider.account)
            .bind(identity.email.as_deref())
            .bind(&identity.name)
            .bind(role.word())
            .fetch_optional(&mut *connection)
            .await?
        }
    };
    let Some(person) = person else { return Ok(None) };
    let bound = sqlx::query(
        "insert into web_subject (account, issuer, subject, person) values ($1, $2, $3, $4)
         on conflict do nothing",
    )
    .bind(&provider.account)
    .bind(&provider.issuer)
    .bind(&identity.subject)
    .bind(person)
    .execute(connection)
    .await?;
    Ok((bound.rows_affected() == 1).then_some(person))
}

/// Somebody who has signed in by a provider.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Bound {
    pub person: Uuid,
    pub name: String,
    pub email: String,
    pub since: DateTime<Utc>,
}

/// Who of the account has signed in by this issuer.
pub(super) async fn bound(pool: &PgPool, account: &str, issuer: &str) -> sqlx::Result<Vec<Bound>> {
    sqlx::query_as(
        "select subject.person, person.name, person.email, subject.bound_at as since
         from web_subject subject
         join web_person person on person.id = subject.person and person.account = $1
         where subject.account = $1 and subject.issuer = $2 order by lower(person.name), person.id",
    )
    .bind(account)
    .bind(issuer)
    .fetch_all(pool)
    .await
}

/// Forgets who somebody is at providers, so that their address counts the next time, and ends their
/// sessions; their name, if there is such a person.
pub(super) async fn forget(
    pool: &PgPool,
    account: &str,
    person: Uuid,
) -> sqlx::Result<Option<String>> {
    let mut transaction = pool.begin().await?;
    let name: Option<String> =
        sqlx::query_scalar("select name from web_person where account = $1 and id = $2")
            .bind(account)
            .bind(person)
            .fetch_optional(&mut *transaction)
            .await?;
    if name.is_some() {
        for ends in [
            "delete from web_subject where person = $1",
            "delete from web_session where person = $1",
        ] {
            sqlx::query(ends).bind(person).execute(&mut *transaction).await?;
        }
    }
    transaction.commit().await?;
    Ok(name)
}
