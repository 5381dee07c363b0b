//! Tickets under agreements.

use std::collections::BTreeSet;

use desk::store::shown;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use crate::rules::change::Held;

/// A ticket as it is kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct SharedRow {
    /// Deskmesh's agreement.
    pub agreement: String,
    /// The protocol's id.
    pub uuid: String,
    /// Deskmesh's share.
    pub share_id: String,
    /// The partner's number, of a ticket that it shared.
    pub number: Option<String>,
    /// How often it was shared.
    pub generation: i32,
    /// `asked`, `live`, `ended` or `refused`.
    pub state: String,
    /// The tags that the partner sent last.
    pub sent_tags: Vec<String>,
}

const SELECT: &str =
    "select agreement, uuid, share_id, number, generation, state, sent_tags from shared";

impl SharedRow {
    /// Whether it is shared, or about to be.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.state == "asked" || self.state == "live"
    }
}

/// A ticket of an agreement, locked.
///
/// # Errors
/// The database.
pub async fn locked(
    connection: &mut PgConnection,
    agreement: &str,
    uuid: &str,
) -> sqlx::Result<Option<SharedRow>> {
    sqlx::query_as(AssertSqlSafe(format!("{SELECT} where agreement = $1 and uuid = $2 for update")))
        .bind(agreement)
        .bind(uuid)
        .fetch_optional(connection)
        .await
}

/// The ticket of a share.
///
/// # Errors
/// The database.
pub async fn of_share(
    connection: &mut PgConnection,
    account: &str,
    share_id: &str,
) -> sqlx::Result<Option<SharedRow>> {
    sqlx::query_as(AssertSqlSafe(format!(
        "{SELECT} where share_id = $2
             and exists (select from agreement where id = shared.agreement and account = $1)"
    )))
    .bind(account)
    .bind(share_id)
    .fetch_optional(connection)
    .await
}

/// The ticket that a command of the partner's account is about.
///
/// # Errors
/// The database.
pub async fn of_command(
    connection: &mut PgConnection,
    account: &str,
    key: &str,
) -> sqlx::Result<Option<SharedRow>> {
    sqlx::query_as(AssertSqlSafe(format!(
        "{SELECT} where exists (
             select from desk_outbox sent where sent.account = $1 and sent.entity = 'ticket'
                 and sent.key = $2 and (sent.share_id = shared.share_id or exists (
                     select from number where number.account = $1 and number.number = sent.ticket
                         and number.agreement = shared.agreement and number.uuid = shared.uuid)))
         limit 1"
    )))
    .bind(account)
    .bind(key)
    .fetch_optional(connection)
    .await
}

/// Keeps a ticket that is shared, for the first time or again.
///
/// # Errors
/// The database.
pub async fn keep(connection: &mut PgConnection, row: &SharedRow) -> sqlx::Result<()> {
    sqlx::query(
        "insert into shared (agreement, uuid, share_id, number, generation, state, sent_tags)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (agreement, uuid) do update
         set share_id = excluded.share_id, number = excluded.number, state = excluded.state,
             generation = excluded.generation, sent_tags = excluded.sent_tags",
    )
    .bind(&row.agreement)
    .bind(&row.uuid)
    .bind(&row.share_id)
    .bind(&row.number)
    .bind(row.generation)
    .bind(&row.state)
    .bind(&row.sent_tags)
    .execute(connection)
    .await
    .map(drop)
}

/// Where a share stands from now on.
///
/// # Errors
/// The database.
pub async fn set_state(
    connection: &mut PgConnection,
    share_id: &str,
    state: &str,
) -> sqlx::Result<()> {
    sqlx::query("update shared set state = $2 where share_id = $1")
        .bind(share_id)
        .bind(state)
        .execute(connection)
        .await
        .map(drop)
}

/// A share that was asked for is live.
///
/// # Errors
/// The database.
pub async fn begun(connection: &mut PgConnection, share_id: &str) -> sqlx::Result<()> {
    sqlx::query("update shared set state = 'live' where share_id = $1 and state = 'asked'")
        .bind(share_id)
        .execute(connection)
        .await
        .map(drop)
}

/// The tags that the partner sent last.
///
/// # Errors
/// The database.
pub async fn set_tags(
    connection: &mut PgConnection,
    row: &SharedRow,
    tags: &BTreeSet<String>,
) -> sqlx::Result<()> {
    sqlx::query("update shared set sent_tags = $3 where agreement = $1 and uuid = $2")
        .bind(&row.agreement)
        .bind(&row.uuid)
        .bind(tags.iter().collect::<Vec<_>>())
        .execute(connection)
        .await
        .map(drop)
}

/// The number under which a partner's ticket is known: its own, if no other ticket has it; else its
/// uuid.
///
/// # Errors
/// The database.
pub async fn number(
    connection: &mut PgConnection,
    (account, agreement, uuid): (&str, &str, &str),
    wanted: Option<&str>,
) -> sqlx::Result<String> {
    for number in wanted.into_iter().chain([uuid]) {
        sqlx::query(
            "insert into number (account, number, agreement, uuid) values ($1, $2, $3, $4)
             on conflict do nothing",
        )
        .bind(account)
        .bind(number)
        .bind(agreement)
        .bind(uuid)
        .execute(&mut *connection)
        .await?;
        let given: Option<String> =
            sqlx::query_scalar("select number from number where agreement = $1 and uuid = $2")
                .bind(agreement)
                .bind(uuid)
                .fetch_optional(&mut *connection)
                .await?;
        if let Some(given) = given {
            return Ok(given);
        }
    }
    // Another agreement of the partner has a ticket of the same uuid.
    let number = format!("{uuid}/{agreement}");
    sqlx::query("insert into number (account, number, agreement, uuid) values ($1, $2, $3, $4)")
        .bind(account)
        .bind(&number)
        .bind(agreement)
        .bind(uuid)
        .execute(connection)
        .await?;
    Ok(number)
}

/// What is held of the partner's copy, own changes included that wait for their receipt.
///
/// # Errors
/// The database.
pub async fn held(
    connection: &mut PgConnection,
    account: &str,
    row: &SharedRow,
    comments: &[String],
) -> sqlx::Result<Held> {
    let found = match &row.number {
        Some(number) => shown::of_number(connection, account, number).await?,
        None => shown::of_share(connection, account, &row.share_id).await?,
    };
    let mut held = Held { sent_tags: row.sent_tags.iter().cloned().collect(), ..Held::default() };
    if let Some(found) = found {
        let fields = found.ticket.fields.into_iter();
        held.fields = fields.map(|(field, (value, _))| (field, value)).collect();
        held.comments = known(connection, found.id, comments).await?;
    }
    let number = row.number.as_deref().unwrap_or_default();
    let shares = [row.share_id.clone()];
    for sent in shown::waiting(connection, account, number, &shares).await? {
        held.fields.extend(sent.fields);
    }
    Ok(held)
}

async fn known(
    connection: &mut PgConnection,
    ticket: Uuid,
    comments: &[String],
) -> sqlx::Result<BTreeSet<String>> {
    let found = shown::comments(connection, ticket, Some(comments)).await?;
    Ok(found.into_iter().map(|(id, _)| id).collect())
}
