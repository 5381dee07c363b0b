//! The page on which an admin sets up the account's identity provider.

use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Form, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use uuid::Uuid;

use super::Oidc;
use super::provider::{Client, Fault};
use super::rules::{self, GivenSettings, KeptSettings, Unfit, WrongSetting};
use super::store::{self, Bound, NewProvider, Provider};
use crate::failure::{Failure, see_other_said};
use crate::html::Html;
use crate::page::Page;
use crate::reader::Reader;
use crate::role::StaffRole;
use crate::sharing::SharingEdge;
use crate::token::Token;
use crate::viewer::Viewer;
use crate::views;

const HERE: &str = "/settings/sign-in";
const FORM_BYTES: usize = 32 * 1024;
/// What a provider says of a code that it never made, to a client that it knows.
const NO_CODE: &str = "invalid_grant";

/// The page `/settings/sign-in` of an edge.
pub fn router<E: SharingEdge>(edge: E) -> Router {
    Router::new()
        .route("/settings/sign-in", get(page::<E>).post(save::<E>))
        .route("/settings/sign-in/test", post(test::<E>))
        .route("/settings/sign-in/remove", post(remove::<E>))
        .route("/settings/sign-in/people/{id}", post(forget::<E>))
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .with_state(edge)
}

#[derive(Template)]
#[template(path = "provider.html")]
struct Content<'a> {
    viewer: &'a Viewer,
    redirect_uri: &'a str,
    /// What stands in the form.
    given: &'a GivenSettings,
    is_kept: bool,
    roles: [StaffRole; 2],
    error: Option<(&'static str, Html)>,
    /// What the test found: nothing wrong, or what.
    found: Option<Result<Html, Html>>,
    people: Vec<Bound>,
}

impl Content<'_> {
    fn error(&self, input: &str) -> Option<&Html> {
        self.error.as_ref().filter(|(name, _)| *name == input).map(|(_, text)| text)
    }
}

/// Where the operator gave no key.
#[derive(Template)]
#[template(path = "provider_off.html")]
struct Off<'a> {
    viewer: &'a Viewer,
}

/// What an admin sees of it now.
#[derive(Default)]
struct Shown {
    given: Option<GivenSettings>,
    error: Option<(&'static str, Html)>,
    found: Option<Result<Html, Html>>,
}

fn entered(provider: &Provider) -> GivenSettings {
    let people = provider.new_people();
    GivenSettings {
        issuer: provider.issuer.clone(),
        client_id: provider.client_id.clone(),
        client_secret: String::new(),
        is_required: provider.is_required,
        new_role: people.role.map_or("", StaffRole::word).to_owned(),
        domains: people.domains.join(", "),
    }
}

fn framed<'a, E: SharingEdge>(edge: &E, viewer: &'a Viewer) -> Page<'a> {
    edge.beside_people(viewer, Page::new(viewer, viewer.say("oidc.title")), HERE)
        .class("main--form")
}

async fn shown<E: SharingEdge>(
    edge: &E,
    viewer: &Viewer,
    shown: Shown,
) -> Result<Response, Failure> {
    let Some(oidc) = edge.oidc() else { return framed(edge, viewer).body(&Off { viewer }) };
    let pool = &edge.desk().pool;
    let provider = store::of(pool, &viewer.account).await?;
    let people = match &provider {
        Some(provider) => store::bound(pool, &viewer.account, &provider.issuer).await?,
        None => Vec::new(),
    };
    let status =
        if shown.error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let kept = provider.as_ref().map(entered).unwrap_or_default();
    let content = Content {
        viewer,
        redirect_uri: oidc.redirect_uri(),
        given: &shown.given.unwrap_or(kept),
        is_kept: provider.is_some(),
        roles: [StaffRole::Agent, StaffRole::LightAgent],
        error: shown.error,
        found: shown.found,
        people,
    };
    framed(edge, viewer).status(status).body(&content)
}

async fn page<E: SharingEdge>(State(edge): State<E>, viewer: Viewer) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    shown(&edge, &viewer, Shown::default()).await
}

#[derive(Deserialize)]
struct Sent {
    issuer: String,
    client_id: String,
    #[serde(default)]
    client_secret: String,
    #[serde(default)]
    is_required: Option<String>,
    #[serde(default)]
    new_role: String,
    #[serde(default)]
    domains: String,
}

impl Sent {
    fn given(self) -> GivenSettings {
        GivenSettings {
            issuer: self.issuer.trim().to_owned(),
            client_id: self.client_id.trim().to_owned(),
            client_secret: self.client_secret.trim().to_owned(),
            is_required: self.is_required.is_some(),
            new_role: self.new_role,
            domains: self.domains,
        }
    }
}

async fn save<E: SharingEdge>(
    State(edge): State<E>,
    viewer: Viewer,
    Form(sent): Form<Sent>,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let oidc = edge.oidc().ok_or(Failure::NotFound)?;
    let (pool, account) = (&edge.desk().pool, viewer.account.as_str());
    let given = sent.given();
    let kept = store::of(pool, account).await?;
    // No database takes a NUL, and no issuer has one.
    let is_tried =
        !given.issuer.contains('\0') && { store::is_tried(pool, account, &given.issuer).await? };
    let known = KeptSettings { issuer: kept.as_ref().map(|kept| kept.issuer.as_str()), is_tried };
    let wrong = |wrong: WrongSetting, given| {
        let input = wrong.input();
        let error = Some((input, viewer.html(&format!("oidc.wrong.{input}"))));
        Shown { given: Some(given), error, found: None }
    };
    let people = match rules::settings(&given, known) {
        Ok(people) => people,
        Err(why) => return shown(&edge, &viewer, wrong(why, given)).await,
    };
    // Of another issuer it is read at once whether it is one: it is typed by hand.
    if known.issuer != Some(given.issuer.as_str())
        && let Err(fault) = oidc.read_provider(&given.issuer).await
    {
        let error = Some((WrongSetting::Issuer.input(), said(&viewer, &fault)));
        return shown(&edge, &viewer, Shown { given: Some(given), error, found: None }).await;
    }
    let sealed = if given.client_secret.is_empty() {
        None
    } else {
        let sealed = oidc.0.seal.seal(account, &given.client_secret);
        Some(sealed.ok_or_else(|| Failure::internal(&"the system gives no random numbers"))?)
    };
    let new = NewProvider {
        account,
        issuer: &given.issuer,
        client_id: &given.client_id,
        client_secret: sealed.as_deref(),
        is_required: given.is_required,
        people: &people,
    };
    store::save(pool, new, &viewer.session).await?;
    edge.note(&viewer, "audit.provider", &given.issuer).await?;
    Ok(see_other_said(HERE, "said.saved"))
}

/// Asks the provider that is kept for all that a sign-in asks for, with a code that it never made:
/// what it says to that shows whether it knows us.
async fn test<E: SharingEdge>(State(edge): State<E>, viewer: Viewer) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let oidc = edge.oidc().ok_or(Failure::NotFound)?;
    let provider = store::of(&edge.desk().pool, &viewer.account).await?;
    let provider = provider.ok_or(Failure::NotFound)?;
    let verifier = Token::new()?;
    let found = match tested(oidc, &provider, &verifier).await {
        Ok(keys) => Ok(viewer.html_of("oidc.test.good", "keys", keys)),
        Err(fault) => Err(said(&viewer, &fault)),
    };
    shown(&edge, &viewer, Shown { found: Some(found), ..Shown::default() }).await
}

async fn tested(oidc: &Oidc, provider: &Provider, verifier: &Token) -> Result<usize, Fault> {
    let known = oidc.read_provider(&provider.issuer).await?;
    let secret = oidc.0.seal.open(&provider.account, &provider.client_secret);
    let secret = secret.ok_or(Fault::Unreadable)?;
    let client = Client { id: &provider.client_id, secret: &secret };
    match oidc.exchange(&known.metadata, client, "test", verifier.reveal()).await {
        Ok(_) => Ok(known.keys()),
        Err(Fault::Refused(word)) if word == NO_CODE => Ok(known.keys()),
        Err(fault) => Err(fault),
    }
}

#[derive(Deserialize)]
struct Sure {
    #[serde(default)]
    sure: Option<String>,
}

async fn remove<E: SharingEdge>(
    State(edge): State<E>,
    viewer: Viewer,
    Form(sent): Form<Sure>,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    edge.oidc().ok_or(Failure::NotFound)?;
    if sent.sure.is_none() {
        let error = Some(("sure", viewer.html("oidc.wrong.sure")));
        return shown(&edge, &viewer, Shown { error, ..Shown::default() }).await;
    }
    store::remove(&edge.desk().pool, &viewer.account).await?;
    edge.note(&viewer, "audit.provider_removed", "").await?;
    Ok(see_other_said(HERE, "said.provider_removed"))
}

async fn forget<E: SharingEdge>(
    State(edge): State<E>,
    viewer: Viewer,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let name = store::forget(&edge.desk().pool, &viewer.account, id).await?;
    edge.note(&viewer, "audit.subject_forgotten", &name.ok_or(Failure::NotFound)?).await?;
    Ok(see_other_said(HERE, "said.subject_forgotten"))
}

/// What is wrong with a provider, in the reader's words. Why a connection failed is said as the
/// client says it, in English.
pub(super) fn said(reader: &Reader, fault: &Fault) -> Html {
    let of = |asked: super::provider::Asked| reader.say(&format!("oidc.asked.{}", asked.word()));
    match fault {
        Fault::Unreachable(asked, error) => {
            reader.html_of_two("oidc.fault.unreachable", &("what", of(*asked)), &("why", error))
        }
        Fault::Status(asked, status) => {
            reader.html_of_two("oidc.fault.status", &("what", of(*asked)), &("status", status))
        }
        Fault::NotJson(asked) => reader.html_of("oidc.fault.not_json", "what", of(*asked)),
        Fault::Unfit(Unfit::Issuer(theirs)) => {
            reader.html_of("oidc.fault.issuer", "issuer", theirs)
        }
        Fault::Unfit(Unfit::Address(name)) => reader.html_of("oidc.fault.address", "name", name),
        Fault::Unfit(Unfit::Without(name)) => reader.html_of("oidc.fault.without", "name", name),
        Fault::NoKeys => reader.html("oidc.fault.no_keys"),
        Fault::Refused(word) => reader.html_of("oidc.fault.refused", "word", word),
        Fault::Untrusted(why) => {
            let why = reader.say(&format!("oidc.untrusted.{}", why.word()));
            reader.html_of("oidc.fault.untrusted", "why", why)
        }
        Fault::Unreadable => reader.html("oidc.fault.unreadable"),
    }
}
