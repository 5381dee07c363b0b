//! Sessions: rows behind a cookie.

use axum::http::header::{COOKIE, HeaderMap, HeaderValue};
use sqlx::PgPool;
use uuid::Uuid;

use crate::failure::Failure;
use crate::token::Token;

/// `__Host-`: over TLS (or on loopback) only, of this host alone, for every path.
const COOKIE_NAME: &str = "__Host-deskmesh";
/// By what a browser is known again that comes back from an identity provider.
pub(crate) const FLOW_COOKIE: &str = "__Host-deskmesh-flow";

/// Days after which a session ends, however much it is used.
pub(crate) const DAYS: i32 = 14;
/// Hours without a request after which it ends.
pub(crate) const IDLE_HOURS: i32 = 12;

/// A session with its person.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct SessionRow {
    pub account: String,
    pub address: String,
    pub organisation: String,
    pub person: Uuid,
    pub name: String,
    pub email: String,
    pub role: String,
    pub language: Option<String>,
    pub zone: Option<String>,
    pub theme: Option<String>,
    pub position: i64,
    /// Invites that an admin has to decide.
    pub invites: i64,
}

/// The token of a request's session.
pub(crate) fn token_of(headers: &HeaderMap) -> Option<Token> {
    token_named(COOKIE_NAME, headers)
}

/// The token of a request's cookie with this name.
pub(crate) fn token_named(cookie: &str, headers: &HeaderMap) -> Option<Token> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';'));
    let value = pairs.find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == cookie).then_some(value)
    });
    value.and_then(Token::read)
}

/// What sets the cookie; the browser drops it when it is closed.
pub(crate) fn cookie(token: &Token) -> Result<HeaderValue, Failure> {
    let text = format!("{COOKIE_NAME}={}; Path=/; Secure; HttpOnly; SameSite=Lax", token.reveal());
    HeaderValue::from_str(&text).map_err(|error| Failure::internal(&error))
}

/// What a browser is given for the way to a provider and back. `Lax`, as the session is: the way
/// back begins at the provider.
pub(crate) fn flow_cookie(token: &Token, minutes: i64) -> Result<HeaderValue, Failure> {
    let (token, seconds) = (token.reveal(), minutes * 60);
    let text =
        format!("{FLOW_COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}");
    HeaderValue::from_str(&text).map_err(|error| Failure::internal(&error))
}

/// What takes it away.
pub(crate) fn no_cookie() -> HeaderValue {
    HeaderValue::from_static("__Host-deskmesh=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")
}

/// The session of a token, if it goes on; that it was used is noted once a minute.
pub(crate) async fn find(pool: &PgPool, hash: &[u8]) -> sqlx::Result<Option<SessionRow>> {
    let found: Option<SessionRow> = sqlx::query_as(
        "select person.account, desk.address, desk.display_name as organisation,
             person.id as person, person.name, person.email, person.role,
             person.language, person.zone, person.theme, desk.position,
             case when person.role = 'admin' then (
                 select count(*) from desk_agreement agreement
                 where agreement.account = person.account
                     and agreement.state ->> 'status' = 'pending'
                     and agreement.state ->> 'side' = 'receiver')
             else 0 end as invites
         from web_session session
         join web_person person on person.id = session.person
         join desk_account desk on desk.account = person.account
         where session.hash = $1
             and session.started_at > now() - make_interval(days => $2)
             and session.seen_at > now() - make_interval(hours => $3)
             and person.disabled_at is null and desk.ended_at is null",
    )
    .bind(hash)
    .bind(DAYS)
    .bind(IDLE_HOURS)
    .fetch_optional(pool)
    .await?;
    if found.is_some() {
        sqlx::query(
            "update web_session set seen_at = now()
             where hash = $1 and seen_at < now() - interval '1 minute'",
        )
        .bind(hash)
        .execute(pool)
        .await?;
    }
    Ok(found)
}

/// Begins a session.
pub(crate) async fn start(pool: &PgPool, person: Uuid) -> Result<Token, Failure> {
    let token = Token::new()?;
    sqlx::query("insert into web_session (hash, person) values ($1, $2)")
        .bind(token.hash())
        .bind(person)
        .execute(pool)
        .await?;
    sqlx::query("update web_person set signed_in_at = now() where id = $1")
        .bind(person)
        .execute(pool)
        .await?;
    Ok(token)
}

/// Ends a session.
pub(crate) async fn end(pool: &PgPool, hash: &[u8]) -> sqlx::Result<()> {
    sqlx::query("delete from web_session where hash = $1").bind(hash).execute(pool).await.map(drop)
}

/// Ends all of a person's sessions but this one.
pub(crate) async fn end_others(pool: &PgPool, person: Uuid, but: &[u8]) -> sqlx::Result<()> {
    sqlx::query("delete from web_session where person = $1 and hash <> $2")
        .bind(person)
        .bind(but)
        .execute(pool)
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others_and_nothing_else_is_taken_for_it() {
        let token = "ab".repeat(32);
        for (cookies, found) in [
            (format!("a=b; {COOKIE_NAME}={token}; c=d"), true),
            (format!("{COOKIE_NAME}={token}"), true),
            (format!("x{COOKIE_NAME}={token}"), false),
            (format!("{COOKIE_NAME}=short"), false),
            (String::new(), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::from_str(&cookies).unwrap());
            assert_eq!(token_of(&headers).is_some(), found, "{cookies}");
        }
    }

    #[test]
    fn the_cookie_is_for_this_host_over_tls_and_for_no_script() {
        let token = Token::read(&"ab".repeat(32)).unwrap();
        for cookie in [cookie(&token).unwrap(), no_cookie(), flow_cookie(&token, 10).unwrap()] {
            let text = cookie.to_str().unwrap().to_owned();
            for part in ["__Host-", "; Path=/;", "; Secure;", "; HttpOnly;", "; SameSite=Lax"] {
                assert!(text.contains(part), "{text}");
            }
            assert!(!text.contains("Domain"), "{text}");
        }
    }
}
