//! Who asks: the account of the token, which may do what its scopes say. Cookies mean nothing here.

use std::time::{Duration, Instant};

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use quick_cache::sync::Cache;
use sqlx::PgPool;

use super::Api;
use super::problem::Refusal;
use crate::rules::problem::{Problem, Why};
use crate::rules::scope;
use crate::rules::token::Token;
use crate::store::token::{self, Used};

/// How long a token that was looked up is taken for valid: so long a revoked one goes on.
const FRESH: Duration = Duration::from_secs(5);
const REMEMBERED: usize = 10_000;

/// Tokens that were looked up a moment ago.
pub(crate) struct Tokens(Cache<[u8; 32], (Instant, Used)>);

impl Tokens {
    pub fn new() -> Self {
        Self(Cache::new(REMEMBERED))
    }

    async fn find(&self, pool: &PgPool, token: &Token) -> sqlx::Result<Option<Used>> {
        let hash = token.hash();
        if let Some((since, row)) = self.0.get(&hash)
            && since.elapsed() < FRESH
        {
            return Ok(Some(row));
        }
        let found = token::used(pool, &hash).await?;
        match &found {
            Some(row) => self.0.insert(hash, (Instant::now(), row.clone())),
            None => drop(self.0.remove(&hash)),
        }
        Ok(found)
    }
}

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub account: String,
    /// How the account calls itself.
    pub display_name: String,
    /// What the token is called.
    pub name: String,
    scopes: Vec<String>,
}

impl Caller {
    /// Whether the token may do this: a command as `<entity>.<verb>`, or `read`.
    pub fn may(&self, wanted: &str) -> Result<(), Refusal> {
        if scope::allows(&self.scopes, wanted) {
            return Ok(());
        }
        let detail = format!("it would need the scope {wanted}; it has {}", self.scopes.join(", "));
        Err(Refusal(Problem::new(Why::WrongScope, detail)))
    }
}

impl FromRequestParts<Api> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Refusal> {
        let no_token = |detail: &str| Refusal(Problem::new(Why::NoToken, detail));
        let given = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(given) = given else {
            return Err(no_token("send Authorization: Bearer dm_…"));
        };
        let bearer = given.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("bearer "));
        let token = bearer.and_then(|_| Token::read(given[7..].trim()));
        let Some(token) = token else {
            return Err(no_token("the token is none of this gateway: it begins with dm_"));
        };
        let Some(row) = api.tokens.find(&api.pool, &token).await? else {
            return Err(no_token("the token is unknown, has expired or was revoked"));
        };
        api.limits.request(&row.account)?;
        let Used { account, display_name, name, scopes, .. } = row;
        Ok(Self { account, display_name, name, scopes })
    }
}
