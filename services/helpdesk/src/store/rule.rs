//! Triggers, automations and views.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::rules::action::RuleAction;
use crate::rules::condition::Conditions;
use crate::rules::trigger::Rule;

/// What a rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Runs when a ticket is created or changed.
    Trigger,
    /// Runs hourly.
    Automation,
    /// Shows tickets.
    View,
}

impl Kind {
    /// As rows and paths have it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Automation => "automation",
            Self::View => "view",
        }
    }

    /// The kind of this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        [Self::Trigger, Self::Automation, Self::View].into_iter().find(|kind| kind.word() == word)
    }
}

/// What a rule says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// When it fires, or which tickets it shows.
    #[serde(flatten)]
    pub when: Conditions,
    /// What it does; of a view nothing.
    #[serde(default)]
    pub actions: Vec<RuleAction>,
}

/// A rule as it is kept.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct KeptRule {
    /// Which.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// Its place among those of its kind.
    pub position: i32,
    /// Whether it is in force.
    pub is_on: bool,
    /// What it says.
    pub definition: Json<Definition>,
    /// Who changed it last.
    pub changed_by: String,
    /// When.
    pub changed_at: DateTime<Utc>,
}

impl KeptRule {
    /// As it runs.
    #[must_use]
    pub fn rule(&self) -> Rule {
        let Definition { when, actions } = self.definition.0.clone();
        Rule { id: self.id, name: self.name.clone(), when, actions }
    }
}

const COLUMNS: &str = "id, name, position, is_on, definition, changed_by, changed_at";

/// An account's rules of a kind, in their order.
///
/// # Errors
/// The database.
pub async fn list(
    connection: &mut PgConnection,
    account: &str,
    kind: Kind,
) -> sqlx::Result<Vec<KeptRule>> {
    let statement = sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from rule where account = $1 and kind = $2 order by position, id"
    ));
    sqlx::query_as(statement).bind(account).bind(kind.word()).fetch_all(connection).await
}

/// Those in force, as they run.
///
/// # Errors
/// The database.
pub async fn in_force(
    connection: &mut PgConnection,
    account: &str,
    kind: Kind,
) -> sqlx::Result<Vec<Rule>> {
    let rules = list(connection, account, kind).await?;
    Ok(rules.iter().filter(|rule| rule.is_on).map(KeptRule::rule).collect())
}

/// One rule.
///
/// # Errors
/// The database.
pub async fn find(
    connection: &mut PgConnection,
    account: &str,
    kind: Kind,
    id: Uuid,
) -> sqlx::Result<Option<KeptRule>> {
    let statement = sqlx::AssertSqlSafe(format!(
        "select {COLUMNS} from rule where account = $1 and kind = $2 and id = $3"
    ));
    sqlx::query_as(statement)
        .bind(account)
        .bind(kind.word())
        .bind(id)
        .fetch_optional(connection)
        .await
}

/// What somebody saves of a rule.
#[derive(Clone, Debug)]
pub struct Saved<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Whether it is in force.
    pub is_on: bool,
    /// What it says.
    pub definition: &'a Definition,
    /// Who saves it.
    pub by: &'a str,
}

/// Keeps a rule; a new one comes last. Whether that was done: an id of another account's or kind's
/// changes nothing.
///
/// # Errors
/// The database.
pub async fn save(
    connection: &mut PgConnection,
    account: &str,
    kind: Kind,
    id: Uuid,
    saved: &Saved<'_>,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "insert into rule (account, id, kind, name, position, is_on, definition, changed_by)
         values ($1, $2, $3, $4,
             (select coalesce(max(position), 0) + 1 from rule where account = $1 and kind = $3),
             $5, $6, $7)
         on conflict (account, id) do update set name = excluded.name, is_on = excluded.is_on,
             definition = excluded.definition, changed_by = excluded.changed_by, changed_at = now()
         where rule.kind = excluded.kind",
    )
    .bind(account)
    .bind(id)
    .bind(kind.word())
    .bind(saved.name)
    .bind(saved.is_on)
    .bind(Json(saved.definition))
    .bind(saved.by)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Takes a rule away; whether there was one.
///
/// # Errors
/// The database.
pub async fn delete(
    connection: &mut PgConnection,
    account: &str,
    kind: Kind,
    id: Uuid,
) -> sqlx::Result<bool> {
    let done = sqlx::query("delete from rule where account = $1 and kind = $2 and id = $3")
        .bind(account)
        .bind(kind.word())
        .bind(id)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Puts a rule one place earlier.
///
/// # Errors
/// The database.
pub async fn earlier(
    connection: &mut PgConnection,
    account: &str,
    kind: Kind,
    id: Uuid,
) -> sqlx::Result<()> {
    sqlx::query(
        "with this as (
             select position from rule where account = $1 and kind = $2 and id = $3),
         before as (
             select id, position from rule, this where account = $1 and kind = $2
                 and rule.position < this.position order by position desc limit 1)
         update rule set position = case when rule.id = $3
                 then before.position else (select position from this) end
         from before where account = $1 and kind = $2 and rule.id in ($3, before.id)",
    )
    .bind(account)
    .bind(kind.word())
    .bind(id)
    .execute(connection)
    .await
    .map(drop)
}

/// What rules had the line told of a ticket in the last hour.
///
/// # Errors
/// The database.
pub async fn published(
    connection: &mut PgConnection,
    account: &str,
    ticket: i64,
) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "select count(*) from rule_publish
         where account = $1 and ticket = $2 and at > now() - interval '1 hour'",
    )
    .bind(account)
    .bind(ticket)
    .fetch_one(connection)
    .await
}

/// A rule had the line told something of a ticket.
///
/// # Errors
/// The database.
pub async fn publishes(
    connection: &mut PgConnection,
    account: &str,
    ticket: i64,
) -> sqlx::Result<()> {
    sqlx::query("insert into rule_publish (account, ticket) values ($1, $2)")
        .bind(account)
        .bind(ticket)
        .execute(connection)
        .await
        .map(drop)
}
