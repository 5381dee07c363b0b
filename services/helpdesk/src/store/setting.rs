//! What an account has set that is one value.

use sqlx::PgConnection;

/// What an admin sets for tickets and mails.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct TicketSettings {
    /// Whether the form to ask is there.
    pub asks: bool,
    /// Language of mails to people who have chosen none: a tag.
    pub language: String,
    /// Addresses and `@domains` at which the account takes tickets elsewhere.
    pub support_addresses: Vec<String>,
    /// Whether files of shared comments stay here.
    pub secure_downloads: bool,
}

impl Default for TicketSettings {
    fn default() -> Self {
        Self {
            asks: true,
            language: "en".to_owned(),
            support_addresses: Vec::new(),
            secure_downloads: false,
        }
    }
}

/// What an account has set.
///
/// # Errors
/// The database.
pub async fn find(connection: &mut PgConnection, account: &str) -> sqlx::Result<TicketSettings> {
    let found = sqlx::query_as(
        "select asks, language, support_addresses, secure_downloads from account_setting
         where account = $1",
    )
    .bind(account)
    .fetch_optional(connection)
    .await?;
    Ok(found.unwrap_or_default())
}

/// Keeps it.
///
/// # Errors
/// The database.
pub async fn save(
    connection: &mut PgConnection,
    account: &str,
    settings: &TicketSettings,
) -> sqlx::Result<()> {
    sqlx::query(
        "insert into account_setting (account, asks, language, support_addresses, secure_downloads)
         values ($1, $2, $3, $4, $5)
         on conflict (account) do update set asks = excluded.asks, language = excluded.language,
             support_addresses = excluded.support_addresses,
             secure_downloads = excluded.secure_downloads",
    )
    .bind(account)
    .bind(settings.asks)
    .bind(&settings.language)
    .bind(&settings.support_addresses)
    .bind(settings.secure_downloads)
    .execute(connection)
    .await
    .map(drop)
}
