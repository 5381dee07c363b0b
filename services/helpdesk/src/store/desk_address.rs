//! The accounts as whoever asks knows them: by their addresses.

use sqlx::PgConnection;
use uuid::Uuid;

/// An account that takes requests.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct AskedDesk {
    /// The account.
    pub account: String,
    /// What partners invite and links name.
    pub address: String,
    /// How it calls itself.
    pub organisation: String,
    /// Whether its form is there.
    pub asks: bool,
}

/// The account of an address; not the edge itself.
///
/// # Errors
/// The database.
pub async fn find(connection: &mut PgConnection, address: &str) -> sqlx::Result<Option<AskedDesk>> {
    sqlx::query_as(
        "select desk.account, desk.address, desk.display_name as organisation,
             coalesce(setting.asks, true) as asks
         from desk_account desk left join account_setting setting using (account)
         where desk.address = $1 and desk.ended_at is null and desk.account like 'helpdesk-%'",
    )
    .bind(address)
    .fetch_optional(connection)
    .await
}

/// What links in an account's mails are signed with; made where there is none.
///
/// # Errors
/// The database.
pub async fn link_key(
    connection: &mut PgConnection,
    account: &str,
    new: [Uuid; 2],
) -> sqlx::Result<Vec<u8>> {
    let known: Option<Vec<u8>> = sqlx::query_scalar(
        "select link_key from account_setting where account = $1 and link_key is not null",
    )
    .bind(account)
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(key) = known {
        return Ok(key);
    }
    let new = [new[0].as_bytes().as_slice(), new[1].as_bytes()].concat();
    sqlx::query_scalar(
        "insert into account_setting (account, link_key) values ($1, $2)
         on conflict (account)
         do update set link_key = coalesce(account_setting.link_key, excluded.link_key)
         returning link_key",
    )
    .bind(account)
    .bind(new)
    .fetch_one(connection)
    .await
}
