//! An identity provider on loopback: does the code flow over HTTP, with keys of its own, and
//! misbehaves as it is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::{Form, Query, State};
use axum::http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION,
};
use axum::http::{StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub const CLIENT: &str = "deskmesh";
pub const SECRET: &str = "client secret of this test: 50% & more";

/// How it signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signs {
    Es256,
    EdDsa,
    Rs256,
    /// With a key that it does not publish, under the name of one that it does.
    OtherKey,
    /// With a key that it publishes only from then on.
    NewKey,
    /// `alg: none`.
    Nothing,
    /// With the client's secret.
    Hs256,
}

/// What is wrong with one of its answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    Html,
    Huge,
    Slow,
    Fault,
}

/// How it behaves.
#[derive(Clone, Debug)]
pub struct Manner {
    pub signs: Signs,
    /// Claims that are other than they should be; `null`: missing.
    pub claims: Vec<(&'static str, Value)>,
    /// Members of its document that are other than they should be; `null`: missing.
    pub discovery: Vec<(&'static str, Value)>,
    /// What it adds to the way back, or sends instead.
    pub back: Vec<(&'static str, String)>,
    /// Which of its answers is broken, by path.
    pub broken: Option<(&'static str, Broken)>,
    /// Tells the address only when it is asked for the profile.
    pub thin: bool,
    /// The subject of that profile.
    pub profile_sub: &'static str,
    /// What is registered.
    pub redirect_uri: String,
}

struct Code {
    challenge: String,
    nonce: String,
    redirect_uri: String,
}

struct Inner {
    issuer: String,
    manner: Mutex<Manner>,
    codes: Mutex<HashMap<String, Code>>,
    keys: Keys,
}

struct Keys {
    ec: EcdsaKeyPair,
    other_ec: EcdsaKeyPair,
    ed: Ed25519KeyPair,
    rsa: RsaKeyPair,
}

/// A provider that runs until it is dropped.
pub struct Provider {
    inner: Arc<Inner>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Provider {
    /// One at which the pages of `url` are registered.
    pub async fn start(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let issuer = format!("http://{}", listener.local_addr().expect("an address"));
        let manner = Manner {
            signs: Signs::Es256,
            claims: Vec::new(),
            discovery: Vec::new(),
            back: Vec::new(),
            broken: None,
            thin: false,
            profile_sub: "user-7",
            redirect_uri: format!("{url}/sign-in/organisation/back"),
        };
        let inner = Arc::new(Inner {
            issuer,
            manner: Mutex::new(manner),
            codes: Mutex::default(),
            keys: Keys::new(),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo))
            .layer(from_fn_with_state(Arc::clone(&inner), breaking))
            .with_state(Arc::clone(&inner));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });
        Self { inner, serving }
    }

    pub fn issuer(&self) -> &str {
        &self.inner.issuer
    }

    /// Has it behave otherwise.
    pub fn set(&self, change: impl FnOnce(&mut Manner)) {
        change(&mut self.inner.manner());
    }

    /// Nobody answers there any more.
    pub fn stop(&self) {
        self.serving.abort();
    }
}

impl Keys {
    fn new() -> Self {
        let chance = SystemRandom::new();
        let ec = || {
            let way = &ECDSA_P256_SHA256_FIXED_SIGNING;
            let key = EcdsaKeyPair::generate_pkcs8(way, &chance).expect("a key");
            EcdsaKeyPair::from_pkcs8(way, key.as_ref(), &chance).expect("a key")
        };
        let ed = Ed25519KeyPair::generate_pkcs8(&chance).expect("a key");
        // `ring` makes none of these. It protects nothing: it is this test's alone.
        let rsa = include_str!("provider_rsa.txt").replace('\n', "");
        let rsa = STANDARD.decode(rsa).expect("a key in base64");
        Self {
            ec: ec(),
            other_ec: ec(),
            ed: Ed25519KeyPair::from_pkcs8(ed.as_ref()).expect("a key"),
            rsa: RsaKeyPair::from_der(&rsa).expect("a key"),
        }
    }
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Inner {
    fn manner(&self) -> MutexGuard<'_, Manner> {
        self.manner.lock().expect("nobody panicked")
    }

    fn codes(&self) -> MutexGuard<'_, HashMap<String, Code>> {
        self.codes.lock().expect("nobody panicked")
    }

    fn signed(&self, claims: &Value) -> String {
        let signs = self.manner().signs;
        let (algorithm, kid) = match signs {
            Signs::Es256 | Signs::OtherKey => ("ES256", "ec"),
            Signs::NewKey => ("ES256", "new"),
            Signs::EdDsa => ("EdDSA", "ed"),
            Signs::Rs256 => ("RS256", "rsa"),
            Signs::Nothing => ("none", "ec"),
            Signs::Hs256 => ("HS256", "ec"),
        };
        let header = json!({ "alg": algorithm, "kid": kid, "typ": "JWT" });
        let message = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
        let (bytes, chance) = (message.as_bytes(), SystemRandom::new());
        let signature = match signs {
            Signs::Es256 => self.keys.ec.sign(&chance, bytes).expect("signed").as_ref().to_vec(),
            Signs::OtherKey | Signs::NewKey => {
                self.keys.other_ec.sign(&chance, bytes).expect("signed").as_ref().to_vec()
            }
            Signs::EdDsa => self.keys.ed.sign(bytes).as_ref().to_vec(),
            Signs::Rs256 => {
                let mut signature = vec![0; self.keys.rsa.public().modulus_len()];
                let signed = self.keys.rsa.sign(&RSA_PKCS1_SHA256, &chance, bytes, &mut signature);
                signed.expect("signed");
                signature
            }
            Signs::Nothing => Vec::new(),
            Signs::Hs256 => {
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
                ring::hmac::sign(&key, bytes).as_ref().to_vec()
            }
        };
        format!("{message}.{}", encoded(signature))
    }
}

fn changed(mut object: Value, changes: &[(&'static str, Value)]) -> Value {
    let members = object.as_object_mut().expect("an object");
    for (name, value) in changes {
        members.remove(*name);
        if !value.is_null() {
            members.insert((*name).to_owned(), value.clone());
        }
    }
    object
}

async fn breaking(
    State(inner): State<Arc<Inner>>,
    uri: Uri,
    request: axum::extract::Request,
    next: Next,
) -> Response {
    let broken = inner.manner().broken.filter(|(path, _)| *path == uri.path());
    let mut answer = match broken.map(|(_, how)| how) {
        None => next.run(request).await,
        Some(Broken::Html) => "<!DOCTYPE html><title>Maintenance</title>".into_response(),
        Some(Broken::Huge) => Body::from(vec![b' '; 1024 * 1024]).into_response(),
        Some(Broken::Slow) => {
            tokio::time::sleep(Duration::from_mins(1)).await;
            StatusCode::OK.into_response()
        }
        Some(Broken::Fault) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    // No connection outlasts the provider.
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

async fn discovery(State(inner): State<Arc<Inner>>) -> Json<Value> {
    let issuer = &inner.issuer;
    let document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize?tenant=acme"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "response_types_supported": ["code", "id_token"],
        "code_challenge_methods_supported": ["S256"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "EdDSA"],
    });
    Json(changed(document, &inner.manner().discovery))
}

async fn keys(State(inner): State<Arc<Inner>>) -> Json<Value> {
    let ec = |pair: &EcdsaKeyPair, kid: &str| {
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        json!({ "kty": "EC", "crv": "P-256", "kid": kid, "use": "sig", "x": encoded(x),
            "y": encoded(y) })
    };
    let PublicKeyComponents { n, e }: PublicKeyComponents<Vec<u8>> = inner.keys.rsa.public().into();
    let mut keys = vec![
        ec(&inner.keys.ec, "ec"),
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": "ed", "alg": "EdDSA",
            "x": encoded(inner.keys.ed.public_key()) }),
        json!({ "kty": "RSA", "kid": "rsa", "use": "sig", "alg": "RS256", "n": encoded(n),
            "e": encoded(e) }),
        // What nobody here knows does no harm.
        json!({ "kty": "AKP", "kid": "later", "alg": "ML-DSA-44", "pub": "AAAA" }),
        json!({ "kty": "RSA", "kid": "ec", "use": "enc", "n": "AAAA", "e": "AQAB" }),
    ];
    if inner.manner().signs == Signs::NewKey {
        keys.push(ec(&inner.keys.other_ec, "new"));
    }
    Json(json!({ "keys": keys }))
}

/// Whoever comes is signed in there already.
async fn authorize(
    State(inner): State<Arc<Inner>>,
    Query(asked): Query<HashMap<String, String>>,
) -> Response {
    let of = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let manner = inner.manner().clone();
    let is_right = of("response_type") == "code"
        && of("scope").split(' ').any(|scope| scope == "openid")
        && of("client_id") == CLIENT
        && of("redirect_uri") == manner.redirect_uri
        && of("code_challenge_method") == "S256"
        && of("tenant") == "acme";
    if !is_right {
        return (StatusCode::BAD_REQUEST, "redirect_uri_mismatch").into_response();
    }
    let code = format!("{:032x}", fastrand::u128(..));
    let made = Code {
        challenge: of("code_challenge"),
        nonce: of("nonce"),
        redirect_uri: of("redirect_uri"),
    };
    inner.codes().insert(code.clone(), made);
    let mut back = vec![("code", code), ("state", of("state"))];
    for (name, value) in manner.back {
        back.retain(|(known, _)| *known != name);
        back.push((name, value));
    }
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(back).finish();
    let to = format!("{}?{query}", manner.redirect_uri);
    (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response()
}

fn refused(status: StatusCode, word: &str) -> Response {
    (status, Json(json!({ "error": word, "error_description": "told to nobody" }))).into_response()
}

async fn token(
    State(inner): State<Arc<Inner>>,
    headers: HeaderMap,
    Form(given): Form<HashMap<String, String>>,
) -> Response {
    let of = |name: &str| given.get(name).map(String::as_str).unwrap_or_default();
    let login: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair(CLIENT, SECRET)
        .finish()
        .replace('=', ":");
    let login = format!("Basic {}", STANDARD.encode(login));
    let is_basic = headers.get(AUTHORIZATION).is_some_and(|shown| shown == login.as_str());
    let is_posted = of("client_id") == CLIENT && of("client_secret") == SECRET;
    if is_basic == is_posted {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    // A code is good for one try.
    let code = inner.codes().remove(of("code"));
    let challenge = encoded(Sha256::digest(of("code_verifier").as_bytes()));
    let code = code.filter(|code| {
        of("grant_type") == "authorization_code"
            && code.redirect_uri == of("redirect_uri")
            && code.challenge == challenge
    });
    let Some(code) = code else { return refused(StatusCode::BAD_REQUEST, "invalid_grant") };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let mut claims = json!({ "iss": inner.issuer, "aud": CLIENT, "sub": "user-7",
        "exp": now + 300, "iat": now, "nonce": code.nonce, "name": "Sam Rivers" });
    let manner = inner.manner().clone();
    if !manner.thin {
        claims["email"] = json!("sam@acme.example");
        claims["email_verified"] = json!(true);
    }
    let id_token = inner.signed(&changed(claims, &manner.claims));
    Json(json!({ "id_token": id_token, "access_token": "an access token", "token_type": "Bearer",
        "expires_in": 300 }))
    .into_response()
}

async fn userinfo(State(inner): State<Arc<Inner>>, headers: HeaderMap) -> Response {
    if headers.get(AUTHORIZATION).is_none_or(|shown| shown != "Bearer an access token") {
        return refused(StatusCode::UNAUTHORIZED, "invalid_token");
    }
    let profile = json!({ "sub": inner.manner().profile_sub, "email": "sam@acme.example",
        "email_verified": true, "name": "Sam Rivers" });
    ([(CONTENT_TYPE, "application/json")], profile.to_string()).into_response()
}
