//! The accounts that an edge keeps.

use std::collections::BTreeSet;

use messaging::ReceivedMessage;
use sqlx::{PgConnection, PgPool};

use crate::told::ToldDelivery;

/// An account as its edge knows it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct KeptAccount {
    /// Its name, for ever.
    pub account: String,
    /// What partners invite.
    pub address: String,
    /// How it calls itself.
    pub display_name: String,
}

/// Begins to keep an account; again: its display name is put right. An account that had ended is
/// kept again.
///
/// # Errors
/// The database.
pub async fn keep(pool: &PgPool, kept: &KeptAccount) -> sqlx::Result<()> {
    sqlx::query(
        "insert into desk_account (account, address, display_name) values ($1, $2, $3)
         on conflict (account) do update
         set address = excluded.address, display_name = excluded.display_name, ended_at = null",
    )
    .bind(&kept.account)
    .bind(&kept.address)
    .bind(&kept.display_name)
    .execute(pool)
    .await
    .map(drop)
}

/// Begins to keep those accounts below the edge's name that are told something and are not kept
/// yet.
pub(crate) async fn keep_told(
    connection: &mut PgConnection,
    edge: &str,
    batch: &[&ReceivedMessage<ToldDelivery>],
) -> sqlx::Result<()> {
    let below = |name: &str| name.strip_prefix(edge).is_some_and(|rest| rest.starts_with('-'));
    let names: BTreeSet<&str> =
        batch.iter().map(|received| received.account.as_str()).filter(|it| below(it)).collect();
    if names.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into desk_account (account, address, display_name)
         select account, account, account from unnest($1::text[]) told (account)
         order by account on conflict do nothing",
    )
    .bind(names.into_iter().collect::<Vec<_>>())
    .execute(connection)
    .await
    .map(drop)
}

/// The account of this name, unless it has ended.
///
/// # Errors
/// The database.
pub async fn find(pool: &PgPool, account: &str) -> sqlx::Result<Option<KeptAccount>> {
    sqlx::query_as(
        "select account, address, display_name from desk_account
         where account = $1 and ended_at is null",
    )
    .bind(account)
    .fetch_optional(pool)
    .await
}
