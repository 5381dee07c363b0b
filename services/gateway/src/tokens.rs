//! A token is made: for the operator, or on the account's own page.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use sqlx::PgPool;

use crate::clock::{new_id, now};
use crate::rules::scope;
use crate::rules::token::Token;
use crate::store::token::{self, TokenRow};

/// A token to be made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    pub name: String,
    pub scopes: Option<Vec<String>>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// Why none was made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotMade {
    #[error("{0:?} is no scope: *, read, ticket.*, ticket.update, …")]
    Scope(String),
    #[error("the system gave no random numbers; try again")]
    Chance,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Makes one; without scopes it may do everything.
pub(crate) async fn make(
    pool: &PgPool,
    account: &str,
    wanted: Wanted,
) -> Result<(TokenRow, Token), NotMade> {
    let scopes = wanted.scopes.unwrap_or_else(|| vec![scope::ALL.to_owned()]);
    if let Some(wrong) = scopes.iter().find(|word| !scope::is_scope(word)) {
        return Err(NotMade::Scope(wrong.clone()));
    }
    let mut chance = [0; 32];
    getrandom::fill(&mut chance).map_err(|_| NotMade::Chance)?;
    let token = Token::of(chance);
    let row = TokenRow {
        id: new_id(),
        account: account.to_owned(),
        name: wanted.name,
        scopes,
        created_at: now().utc(),
        expires_at: wanted.expires_at,
        last_used_at: None,
    };
    token::insert(pool, &row, &token.hash()).await?;
    Ok((row, token))
}
