//! What identity providers are asked: what they say of themselves, their keys, and for a code who
//! somebody is.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use egress::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use egress::{HeaderValue, HttpCall, StatusCode};
use jsonwebtoken::jwk::Jwk;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::Oidc;
use super::rules::{self, ProviderDocument, ProviderMetadata, ProviderProfile, Unfit, Untrusted};
use super::token;

/// How long a provider may take for one answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most that one says at once.
const ANSWER_BYTES: u64 = 256 * 1024;
/// How long it is as it was read.
const FRESH: Duration = Duration::from_mins(10);
/// A key that is not known is looked for again after this at the soonest.
const AGAIN: Duration = Duration::from_secs(30);
/// Providers that are remembered.
const MOST: usize = 1_000;

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Discovery,
    Keys,
    Token,
    Userinfo,
}

impl Asked {
    /// The end of its text's key.
    pub fn word(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::Keys => "keys",
            Self::Token => "token",
            Self::Userinfo => "userinfo",
        }
    }
}

/// Why a provider does not tell who somebody is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Unreachable(Asked, egress::Error),
    Status(Asked, u16),
    /// What it says is not JSON, or lacks what it has to have.
    NotJson(Asked),
    Unfit(Unfit),
    NoKeys,
    /// It does not take our request; its word for it.
    Refused(String),
    Untrusted(Untrusted),
    /// The client's secret was kept under another secret of the operator.
    Unreadable,
}

impl Fault {
    /// What is logged: nothing of anybody.
    pub fn word(&self) -> String {
        match self {
            Self::Unreachable(asked, error) => format!("{}: {}", asked.word(), error.code()),
            Self::Status(asked, status) => format!("{}: status {status}", asked.word()),
            Self::NotJson(asked) => format!("{}: not JSON", asked.word()),
            Self::Unfit(_) => "unfit".to_owned(),
            Self::NoKeys => "no keys".to_owned(),
            Self::Refused(word) => format!("token: {word}"),
            Self::Untrusted(untrusted) => format!("ID token: {}", untrusted.word()),
            Self::Unreadable => "the client's secret cannot be read".to_owned(),
        }
    }
}

/// A provider as it was read.
#[derive(Clone, Debug)]
pub(super) struct Cached {
    read_at: Instant,
    pub metadata: Arc<ProviderMetadata>,
    keys: Arc<Vec<Jwk>>,
}

impl Cached {
    /// How many keys it has.
    pub fn keys(&self) -> usize {
        self.keys.len()
    }
}

/// What we are to a provider.
#[derive(Clone, Copy)]
pub(super) struct Client<'a> {
    pub id: &'a str,
    pub secret: &'a str,
}

/// What a code is exchanged for.
#[derive(Deserialize)]
pub(super) struct Tokens {
    pub id_token: String,
    #[serde(default)]
    pub access_token: String,
}

#[derive(Deserialize)]
struct NoTokens {
    error: String,
}

impl Oidc {
    /// The provider of an issuer: as it was read lately, or read anew.
    pub(super) async fn provider(&self, issuer: &str) -> Result<Cached, Fault> {
        match self.remembered(issuer).filter(|it| it.read_at.elapsed() < FRESH) {
            Some(known) => Ok(known),
            None => self.read_provider(issuer).await,
        }
    }

    fn remembered(&self, issuer: &str) -> Option<Cached> {
        self.0.cache.lock().unwrap_or_else(PoisonError::into_inner).get(issuer).cloned()
    }

    /// Reads it anew, whatever is known.
    pub(super) async fn read_provider(&self, issuer: &str) -> Result<Cached, Fault> {
        let document: ProviderDocument =
            self.json(Asked::Discovery, HttpCall::get(rules::address(issuer))).await?;
        let may_be_called = |address: &str| self.0.egress.check(address).is_ok();
        let metadata = rules::metadata(document, issuer, may_be_called).map_err(Fault::Unfit)?;
        let set = self.json(Asked::Keys, HttpCall::get(metadata.keys.as_str())).await?;
        let keys = token::keys(&set);
        if keys.is_empty() {
            return Err(Fault::NoKeys);
        }
        let (metadata, keys) = (Arc::new(metadata), Arc::new(keys));
        let read = Cached { read_at: Instant::now(), metadata, keys };
        let mut cache = self.0.cache.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut cache);
        cache.insert(issuer.to_owned(), read.clone());
        Ok(read)
    }

    /// What a token of the issuer says, if it is signed by a key of its; a key that is not known is
    /// looked for once more, because providers change them.
    pub(super) async fn verified<T: DeserializeOwned>(
        &self,
        issuer: &str,
        token: &str,
    ) -> Result<T, Fault> {
        let known = self.provider(issuer).await?;
        let said = match token::verified(token, &known.keys) {
            Err(Untrusted::Key) if known.read_at.elapsed() >= AGAIN => {
                token::verified(token, &self.read_provider(issuer).await?.keys)
            }
            said => said,
        };
        said.map_err(Fault::Untrusted)
    }

    /// Exchanges a code.
    pub(super) async fn exchange(
        &self,
        metadata: &ProviderMetadata,
        client: Client<'_>,
        code: &str,
        verifier: &str,
    ) -> Result<Tokens, Fault> {
        let form = self.form(metadata, client, code, verifier);
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        let mut call =
            HttpCall::post(metadata.token.as_str(), form).header(CONTENT_TYPE, form_type);
        if metadata.is_basic {
            let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let login =
                STANDARD.encode(format!("{}:{}", encoded(client.id), encoded(client.secret)));
            let shown = HeaderValue::from_str(&format!("Basic {login}"));
            call = call.header(AUTHORIZATION, shown.map_err(|_| Fault::Unreadable)?);
        }
        self.json(Asked::Token, call).await
    }

    fn form(
        &self,
        metadata: &ProviderMetadata,
        client: Client<'_>,
        code: &str,
        verifier: &str,
    ) -> String {
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", self.redirect_uri())
            .append_pair("code_verifier", verifier);
        if !metadata.is_basic {
            form.append_pair("client_id", client.id).append_pair("client_secret", client.secret);
        }
        form.finish()
    }

    /// Who somebody is, of providers whose ID tokens have no address.
    pub(super) async fn profile(
        &self,
        address: &str,
        tokens: &Tokens,
    ) -> Result<ProviderProfile, Fault> {
        let shown = HeaderValue::from_str(&format!("Bearer {}", tokens.access_token));
        let shown = shown.map_err(|_| Fault::NotJson(Asked::Token))?;
        self.json(Asked::Userinfo, HttpCall::get(address).header(AUTHORIZATION, shown)).await
    }

    async fn json<T: DeserializeOwned>(&self, asked: Asked, call: HttpCall) -> Result<T, Fault> {
        let accepted = HeaderValue::from_static("application/json");
        let call = call.header(ACCEPT, accepted).answer_bytes(ANSWER_BYTES).total_timeout(PATIENCE);
        let unreachable = |error| Fault::Unreachable(asked, error);
        let answer = self.0.egress.send(call).await.map_err(unreachable)?;
        let status = answer.status();
        let body = answer.collect().await.map_err(unreachable)?;
        if status == StatusCode::OK {
            return serde_json::from_slice(&body).map_err(|_| Fault::NotJson(asked));
        }
        let refused = serde_json::from_slice::<NoTokens>(&body);
        Err(match refused {
            Ok(NoTokens { error }) if asked == Asked::Token => Fault::Refused(rules::word(&error)),
            _ => Fault::Status(asked, status.as_u16()),
        })
    }
}

/// What is old goes when there are many, and all of it if that is not enough: it is read again.
fn make_room(cache: &mut HashMap<String, Cached>) {
    if cache.len() >= MOST {
        cache.retain(|_, known| known.read_at.elapsed() < FRESH);
    }
    if cache.len() >= MOST {
        cache.clear();
    }
}
