//! Signing in through the organisation's identity provider: to it, and back.

use std::net::SocketAddr;
use std::sync::Arc;

use askama::Template;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{Extensions, HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use url::Url;
use uuid::Uuid;

use super::Oidc;
use super::provider::{Client, Fault, Tokens};
use super::rules::{
    self, AnswerRefused, Claims, ExpectedClaims, NoEntry, ProvenIdentity, ProviderAnswer,
    ProviderMetadata, ProviderProfile,
};
use super::settings::said;
use super::store::{self, FlowRow, NewFlow, Provider};
use crate::clock::now;
use crate::failure::{Failure, see_other};
use crate::html::Html;
use crate::page::bare;
use crate::reader::Reader;
use crate::serve::{Asked, Web};
use crate::session::{self, FLOW_COOKIE};
use crate::sign_in::{local, with_cookie};
use crate::throttle::{MINUTES, Tries};
use crate::token::Token;
use crate::views;

/// Pages of people who come from a provider.
pub(crate) fn router(web: Web) -> Router {
    Router::new()
        .route("/sign-in/organisation", get(choose))
        .route("/sign-in/organisation/go", get(go))
        .route("/sign-in/organisation/back", get(back))
        .with_state(web)
}

/// How one gets to the provider from another page.
#[derive(Clone, Debug)]
pub(crate) struct ProviderWay {
    pub path: String,
    /// Whether the account has no other.
    pub is_only: bool,
}

/// The way from the sign-in page, where an account's address may have been given; none where nobody
/// signs in so.
pub(crate) async fn way(web: &Web, address: &str, next: &str) -> sqlx::Result<Option<ProviderWay>> {
    if web.oidc.is_none() {
        return Ok(None);
    }
    let provider = if address.is_empty() { None } else { store::at(&web.pool, address).await? };
    let way = |page: &str, address: &str, is_only| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if !address.is_empty() {
            query.append_pair("account", address);
        }
        if local(next).is_some() {
            query.append_pair("next", next);
        }
        ProviderWay { path: format!("/sign-in/organisation{page}?{}", query.finish()), is_only }
    };
    Ok(Some(match provider {
        Some(provider) => way("/go", &provider.address, provider.is_required),
        None => way("", "", false),
    }))
}

#[derive(Debug, Deserialize)]
struct Wanted {
    #[serde(default)]
    account: String,
    #[serde(default)]
    next: String,
}

#[derive(Template)]
#[template(path = "organisation.html")]
struct Choice<'a> {
    reader: &'a Reader,
    account: &'a str,
    next: &'a str,
    /// Where it goes on, by which host.
    way: Option<(ProviderWay, String)>,
    error: Option<Html>,
}

/// Asks for the organisation, and shows where it goes on: a link, because a form may lead to no
/// other site.
async fn choose(
    State(web): State<Web>,
    Extension(asked): Extension<Arc<Asked>>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Failure> {
    let (account, next) = (wanted.account.trim(), wanted.next.as_str());
    let given = way(&web, account, next).await?.ok_or(Failure::NotFound)?;
    let provider = if account.is_empty() { None } else { store::at(&web.pool, account).await? };
    let is_unknown = provider.is_none() && !account.is_empty();
    let page = Choice {
        reader: &asked.reader,
        account,
        next,
        way: provider.map(|provider| (given, host(&provider.issuer))),
        error: is_unknown.then(|| asked.reader.html("oidc.unknown_account")),
    };
    let status = if is_unknown { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    bare(&asked, &asked.reader.say("oidc.do"), status, &page)
}

/// The host of an issuer, as people know it.
fn host(issuer: &str) -> String {
    let host = Url::parse(issuer).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| issuer.to_owned())
}

/// Leads to the provider.
async fn go(
    State(web): State<Web>,
    Extension(asked): Extension<Arc<Asked>>,
    extensions: Extensions,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Failure> {
    let oidc = web.oidc.as_ref().ok_or(Failure::NotFound)?;
    let tries = tries(&extensions);
    if tries.left(&web.pool).await? == 0 {
        let text = asked.reader.say_with("sign_in.paused", &[("minutes", &MINUTES)]);
        return Err(Failure::TooMany(text.into_owned()));
    }
    tries.count(&web.pool).await?;
    let provider = store::at(&web.pool, &wanted.account).await?.ok_or(Failure::NotFound)?;
    let known = match oidc.provider(&provider.issuer).await {
        Ok(known) => known,
        Err(fault) => return failed(&asked, Some(&provider), &fault),
    };
    // One cookie for all that a browser has under way: two windows do not take it from each other.
    let browser = session::token_named(FLOW_COOKIE, &headers).map_or_else(Token::new, Ok)?;
    let (state, nonce, verifier) = (Token::new()?, Token::new()?, Token::new()?);
    let flow = NewFlow {
        state: &state.hash(),
        browser: &browser.hash(),
        account: &provider.account,
        nonce: nonce.reveal(),
        verifier: verifier.reveal(),
        next: local(&wanted.next).unwrap_or(asked.site.home),
    };
    store::begin(&web.pool, flow).await?;
    let sent = [
        ("response_type", "code"),
        ("scope", "openid email profile"),
        ("client_id", &provider.client_id),
        ("redirect_uri", oidc.redirect_uri()),
        ("state", state.reveal()),
        ("nonce", nonce.reveal()),
        ("code_challenge", &challenge(&verifier)),
        ("code_challenge_method", "S256"),
    ];
    let to = authorization(&known.metadata, &sent).ok_or(Failure::Internal)?;
    Ok(with_cookie(see_other(&to), session::flow_cookie(&browser, rules::LASTS_MINUTES)?))
}

fn authorization(metadata: &ProviderMetadata, sent: &[(&str, &str)]) -> Option<String> {
    let mut url = Url::parse(&metadata.authorization).ok()?;
    url.query_pairs_mut().extend_pairs(sent);
    Some(url.into())
}

/// What the provider is told of a secret that only its exchange shows (RFC 7636).
fn challenge(verifier: &Token) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.reveal().as_bytes()))
}

/// Each way to a provider and back is work for it and for us: it counts for the place that it comes
/// from, as passwords do, unless somebody signs in.
fn tries(extensions: &Extensions) -> Tries {
    Tries::at(extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip()))
}

/// Why nobody is signed in.
enum Stopped {
    Refused(AnswerRefused),
    Fault(Fault),
    NoEntry(NoEntry, Option<String>),
    Failure(Failure),
}

impl From<Fault> for Stopped {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<sqlx::Error> for Stopped {
    fn from(error: sqlx::Error) -> Self {
        Self::Failure(error.into())
    }
}

/// Takes the provider's answer.
async fn back(
    State(web): State<Web>,
    Extension(asked): Extension<Arc<Asked>>,
    extensions: Extensions,
    headers: HeaderMap,
    Query(answer): Query<ProviderAnswer>,
) -> Result<Response, Failure> {
    let oidc = web.oidc.as_ref().ok_or(Failure::NotFound)?;
    let flow = match Token::read(&answer.state) {
        Some(state) => store::take(&web.pool, &state.hash()).await?,
        None => None,
    };
    let provider = match &flow {
        Some(flow) => store::of(&web.pool, &flow.account).await?,
        None => None,
    };
    let browser = session::token_named(FLOW_COOKIE, &headers).map(|token| token.hash());
    let entered = match (&flow, &provider) {
        (Some(flow), Some(provider)) => {
            let given = Arrived { answer: &answer, flow, browser: browser.as_deref() };
            entered(&web.pool, oidc, provider, given).await
        }
        _ => Err(Stopped::Refused(AnswerRefused::Unknown)),
    };
    let person = match entered {
        Ok(person) => person,
        Err(Stopped::Failure(failure)) => return Err(failure),
        Err(Stopped::Fault(fault)) => return failed(&asked, provider.as_ref(), &fault),
        Err(Stopped::Refused(why)) => return refused(&asked, provider.as_ref(), &why),
        Err(Stopped::NoEntry(why, email)) => {
            return no_entry(&asked, provider.as_ref(), why, email.as_deref());
        }
    };
    tries(&extensions).give_back(&web.pool).await?;
    let session = session::start(&web.pool, person).await?;
    let next = flow.as_ref().and_then(|flow| local(&flow.next)).unwrap_or(asked.site.home);
    Ok(with_cookie(see_other(next), session::cookie(&session)?))
}

/// What came back, and what it is held against.
#[derive(Clone, Copy)]
struct Arrived<'a> {
    answer: &'a ProviderAnswer,
    flow: &'a FlowRow,
    browser: Option<&'a [u8]>,
}

/// Who came in.
async fn entered(
    pool: &PgPool,
    oidc: &Oidc,
    provider: &Provider,
    given: Arrived<'_>,
) -> Result<Uuid, Stopped> {
    let Arrived { answer, flow, browser } = given;
    let code = rules::code(answer, Some(&flow.flow()), browser, &provider.issuer, now())
        .map_err(Stopped::Refused)?;
    let secret = oidc.0.seal.open(&provider.account, &provider.client_secret);
    let secret = secret.ok_or(Fault::Unreadable)?;
    let client = Client { id: &provider.client_id, secret: &secret };
    let known = oidc.provider(&provider.issuer).await?;
    let tokens = oidc.exchange(&known.metadata, client, code, &flow.verifier).await?;
    let claims: Claims = oidc.verified(&provider.issuer, &tokens.id_token).await?;
    let expected = ExpectedClaims {
        issuer: &provider.issuer,
        client_id: &provider.client_id,
        nonce: &flow.nonce,
    };
    let profile = rules::identity(claims, expected, now()).map_err(Fault::Untrusted)?;
    let profile = whole(oidc, &known.metadata, &tokens, profile).await?;
    let identity = profile.identity().ok_or(Fault::Untrusted(rules::Untrusted::Malformed))?;
    enter(pool, provider, &identity).await
}

/// The profile with its address: providers that leave it out of ID tokens tell it when asked. What
/// they say of another subject is not taken (OpenID Connect Core 5.3.2).
async fn whole(
    oidc: &Oidc,
    metadata: &ProviderMetadata,
    tokens: &Tokens,
    profile: ProviderProfile,
) -> Result<ProviderProfile, Fault> {
    let is_asked = profile.email.is_none() && !tokens.access_token.is_empty();
    let Some(address) = metadata.userinfo.as_ref().filter(|_| is_asked) else {
        return Ok(profile);
    };
    let told = oidc.profile(address, tokens).await?;
    Ok(if told.sub == profile.sub { told } else { profile })
}

async fn enter(
    pool: &PgPool,
    provider: &Provider,
    identity: &ProvenIdentity,
) -> Result<Uuid, Stopped> {
    // Twice, if somebody with the same address or subject comes in at the same time.
    for _ in 0..2 {
        let mut transaction = pool.begin().await?;
        let known = store::known(&mut transaction, provider, identity).await?;
        let entry = rules::entry(identity, known, &provider.new_people())
            .map_err(|why| Stopped::NoEntry(why, identity.email.clone()))?;
        if let Some(person) = store::enter(&mut transaction, provider, identity, entry).await? {
            transaction.commit().await?;
            return Ok(person);
        }
        transaction.rollback().await?;
    }
    Err(Stopped::Failure(Failure::Unavailable))
}

#[derive(Template)]
#[template(path = "refused.html")]
struct Page<'a> {
    reader: &'a Reader,
    why: Html,
    /// What to do.
    hint: Html,
    again: String,
}

fn answer(
    asked: &Asked,
    provider: Option<&Provider>,
    status: StatusCode,
    (why, hint): (Html, Html),
) -> Result<Response, Failure> {
    let address = provider.map_or("", |provider| provider.address.as_str());
    let address: String = url::form_urlencoded::byte_serialize(address.as_bytes()).collect();
    let again = format!("/sign-in?account={address}");
    let page = Page { reader: &asked.reader, why, hint, again };
    bare(asked, &asked.reader.say("oidc.refused"), status, &page)
}

fn refused(
    asked: &Asked,
    provider: Option<&Provider>,
    why: &AnswerRefused,
) -> Result<Response, Failure> {
    let reader = &asked.reader;
    let (text, hint) = match why {
        AnswerRefused::Denied(word) => {
            (reader.html_of("oidc.refused.denied", "word", word), "oidc.refused.denied.hint")
        }
        AnswerRefused::OtherIssuer | AnswerRefused::Empty => {
            (reader.html("oidc.refused.answer"), "oidc.refused.again")
        }
        AnswerRefused::Unknown | AnswerRefused::OtherBrowser | AnswerRefused::TooLate => (
            reader.html_of("oidc.refused.state", "minutes", rules::LASTS_MINUTES),
            "oidc.refused.again",
        ),
    };
    let texts = (text, reader.html(hint));
    answer(asked, provider, StatusCode::UNPROCESSABLE_ENTITY, texts)
}

fn no_entry(
    asked: &Asked,
    provider: Option<&Provider>,
    why: NoEntry,
    email: Option<&str>,
) -> Result<Response, Failure> {
    let reader = &asked.reader;
    let values: [(&str, &dyn std::fmt::Display); 2] = [
        ("email", &email.unwrap_or("–")),
        ("organisation", &provider.map_or("–", |provider| provider.organisation.as_str())),
    ];
    let key = format!("oidc.no_entry.{}", why.word());
    let texts = (reader.html_with(&key, &values), reader.html(&format!("{key}.hint")));
    tracing::info!(why = why.word(), "nobody was signed in by a provider");
    answer(asked, provider, StatusCode::FORBIDDEN, texts)
}

/// The provider did not do its part.
fn failed(asked: &Asked, provider: Option<&Provider>, fault: &Fault) -> Result<Response, Failure> {
    let account = provider.map_or("", |provider| provider.account.as_str());
    tracing::warn!(cause = fault.word(), account, "an identity provider signs nobody in");
    let texts = (said(&asked.reader, fault), asked.reader.html("oidc.fault.hint"));
    answer(asked, provider, StatusCode::BAD_GATEWAY, texts)
}
