//! Signing in and out, and a person's own settings.

use std::net::SocketAddr;

use askama::Template;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Form, Query, State};
use axum::http::header::{HeaderValue, SET_COOKIE};
use axum::http::{Extensions, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use chrono_tz::TZ_VARIANTS;
use serde::Deserialize;

use crate::failure::{Failure, see_other, see_other_said};
use crate::html::Html;
use crate::language::Language;
use crate::link;
use crate::oidc::{self, ProviderWay};
use crate::page::{Page, bare};
use crate::people::{self, Shown};
use crate::reader::Reader;
use crate::serve::{Asked, Web};
use crate::throttle::{MINUTES, Tries};
use crate::viewer::Viewer;
use crate::{password, session, views};

/// A form of text: nothing here is long.
const FORM_BYTES: usize = 16 * 1024;

pub(crate) fn router(web: Web) -> Router {
    Router::new()
        .route("/sign-in", get(form).post(sign_in))
        .route("/sign-in/link/{token}", get(link::page).post(link::use_up))
        .route("/sign-out", post(sign_out))
        .route("/me", get(me).post(save))
        .route("/me/password", post(change_password))
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .with_state(web)
}

/// Sign-in, from which it goes back.
pub(crate) fn path_and_back(back: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(back.as_bytes()).collect();
    format!("/sign-in?next={encoded}")
}

/// A path of ours: not the address of another host.
pub(crate) fn local(path: &str) -> Option<&str> {
    let is_local = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains(['\\', '\r', '\n'])
        && path.is_ascii();
    is_local.then_some(path)
}

#[derive(Debug, Default, Deserialize)]
struct Wanted {
    #[serde(default)]
    account: String,
    #[serde(default)]
    next: String,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    reader: &'a Reader,
    account: &'a str,
    email: &'a str,
    next: &'a str,
    error: Option<Html>,
    /// To the organisation's identity provider.
    way: Option<ProviderWay>,
}

impl SignInPage<'_> {
    /// Whether passwords sign nobody in here.
    fn has_no_passwords(&self) -> bool {
        self.way.as_ref().is_some_and(|way| way.is_only)
    }
}

async fn form(
    State(web): State<Web>,
    Extension(asked): Extension<std::sync::Arc<Asked>>,
    extensions: Extensions,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Failure> {
    if extensions.get::<Viewer>().is_some() {
        return Ok(see_other(local(&wanted.next).unwrap_or(asked.site.home)));
    }
    let page = SignInPage {
        reader: &asked.reader,
        account: &wanted.account,
        email: "",
        next: &wanted.next,
        error: None,
        way: oidc::way(&web, &wanted.account, &wanted.next).await?,
    };
    bare(&asked, &asked.reader.say("sign_in.title"), StatusCode::OK, &page)
}

#[derive(Deserialize)]
struct Credentials {
    account: String,
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

async fn sign_in(
    State(web): State<Web>,
    Extension(asked): Extension<std::sync::Arc<Asked>>,
    extensions: Extensions,
    Form(given): Form<Credentials>,
) -> Result<Response, Failure> {
    let place = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let (account, email) = (given.account.trim().to_lowercase(), given.email.trim());
    let tries = Tries::of(&account, email, place);
    if tries.left(&web.pool).await? == 0 {
        let text = asked.reader.say_with("sign_in.paused", &[("minutes", &MINUTES)]);
        return Err(Failure::TooMany(text.into_owned()));
    }
    let way = oidc::way(&web, &account, &given.next).await?;
    if way.as_ref().is_some_and(|way| way.is_only) {
        let page = SignInPage {
            reader: &asked.reader,
            account: &given.account,
            email,
            next: &given.next,
            error: None,
            way,
        };
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return bare(&asked, &asked.reader.say("sign_in.title"), status, &page);
    }
    tries.count(&web.pool).await?;
    let is_possible = given.password.len() <= password::LONGEST && !account.contains('\0');
    let login = if is_possible && !email.contains('\0') {
        people::login(&web.pool, &account, email).await?
    } else {
        None
    };
    let kept = login.as_ref().and_then(|login| login.password.clone());
    let is_right = password::is_right(given.password, kept).await?;
    let Some(login) = login.filter(|_| is_right) else {
        let left = tries.left(&web.pool).await?;
        let values: [(&str, &dyn std::fmt::Display); 2] = [("left", &left), ("minutes", &MINUTES)];
        let page = SignInPage {
            reader: &asked.reader,
            account: &given.account,
            email,
            next: &given.next,
            error: Some(asked.reader.html_with("sign_in.wrong", &values)),
            way,
        };
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return bare(&asked, &asked.reader.say("sign_in.title"), status, &page);
    };
    tries.forget(&web.pool).await?;
    let token = session::start(&web.pool, login.person).await?;
    let path = local(&given.next).unwrap_or(asked.site.home);
    Ok(with_cookie(see_other(path), session::cookie(&token)?))
}

pub(crate) fn with_cookie(mut response: Response, cookie: HeaderValue) -> Response {
    response.headers_mut().append(SET_COOKIE, cookie);
    response
}

#[derive(Deserialize)]
pub(crate) struct NewPassword {
    #[serde(default)]
    pub password: String,
    #[serde(default)]
    again: String,
}

/// What is wrong, and at which input.
pub(crate) struct Wrong {
    input: &'static str,
    text: Html,
}

impl Wrong {
    pub fn of(&self, input: &str) -> Option<&Html> {
        (self.input == input).then_some(&self.text)
    }
}

impl NewPassword {
    /// What is wrong with it.
    pub fn wrong(&self, reader: &Reader) -> Option<Wrong> {
        if !password::is_long_enough(&self.password) {
            let text = reader.html_with("password.short", &[("n", &password::SHORTEST)]);
            return Some(Wrong { input: "password", text });
        }
        let differ = || Wrong { input: "again", text: reader.html("password.differ") };
        (self.password != self.again).then(differ)
    }
}

async fn sign_out(State(web): State<Web>, viewer: Viewer) -> Result<Response, Failure> {
    session::end(&web.pool, &viewer.session).await?;
    let address: String = url::form_urlencoded::byte_serialize(viewer.address.as_bytes()).collect();
    let response = see_other(&format!("/sign-in?account={address}"));
    Ok(with_cookie(response, session::no_cookie()))
}

#[derive(Template)]
#[template(path = "me.html")]
struct MePage<'a> {
    viewer: &'a Viewer,
    languages: [Language; 3],
    zones: Vec<&'static str>,
    error: Option<Html>,
    wrong_password: Option<Wrong>,
    shortest: usize,
    has_password: bool,
}

/// Whether the viewer may sign in with a password.
async fn has_password(web: &Web, viewer: &Viewer) -> sqlx::Result<bool> {
    Ok(web.oidc.is_none() || !oidc::is_required(&web.pool, &viewer.account).await?)
}

impl<'a> MePage<'a> {
    fn wrong(&self, input: &str) -> Option<&Html> {
        self.wrong_password.as_ref().and_then(|wrong| wrong.of(input))
    }

    fn of(viewer: &'a Viewer, has_password: bool) -> Self {
        let zones = TZ_VARIANTS.iter().map(|zone| zone.name());
        Self {
            viewer,
            languages: Language::ALL,
            zones: zones.filter(|name| name.contains('/') || *name == "UTC").collect(),
            error: None,
            wrong_password: None,
            shortest: password::SHORTEST,
            has_password,
        }
    }

    fn answer(&self, status: StatusCode) -> Result<Response, Failure> {
        let page = Page::new(self.viewer, self.viewer.say("me.title"));
        page.class("main--form").status(status).body(self)
    }
}

async fn me(State(web): State<Web>, viewer: Viewer) -> Result<Response, Failure> {
    MePage::of(&viewer, has_password(&web, &viewer).await?).answer(StatusCode::OK)
}

#[derive(Deserialize)]
struct Settings {
    name: String,
    language: String,
    zone: String,
    theme: String,
}

async fn save(
    State(web): State<Web>,
    viewer: Viewer,
    Form(given): Form<Settings>,
) -> Result<Response, Failure> {
    let name = given.name.trim();
    if name.is_empty() || name.chars().count() > 100 || name.contains('\0') {
        let error = Some(viewer.html("me.name.wrong"));
        let page = MePage { error, ..MePage::of(&viewer, has_password(&web, &viewer).await?) };
        return page.answer(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let shown = Shown {
        name,
        language: Language::of_tag(&given.language).map(Language::tag),
        zone: TZ_VARIANTS.iter().map(|zone| zone.name()).find(|name| *name == given.zone),
        theme: ["light", "dark"].into_iter().find(|theme| *theme == given.theme),
    };
    people::set_shown(&web.pool, viewer.person, shown).await?;
    Ok(see_other_said("/me", "said.saved"))
}

#[derive(Deserialize)]
struct Changed {
    current: String,
    #[serde(flatten)]
    new: NewPassword,
}

async fn change_password(
    State(web): State<Web>,
    extensions: Extensions,
    viewer: Viewer,
    Form(given): Form<Changed>,
) -> Result<Response, Failure> {
    if !has_password(&web, &viewer).await? {
        return Err(Failure::Invalid(viewer.say("oidc.only").into_owned()));
    }
    let place = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let tries = Tries::of(&viewer.address, &viewer.email, place);
    if tries.left(&web.pool).await? == 0 {
        let text = viewer.say_with("sign_in.paused", &[("minutes", &MINUTES)]);
        return Err(Failure::TooMany(text.into_owned()));
    }
    let mut wrong = given.new.wrong(&viewer);
    if wrong.is_none() {
        tries.count(&web.pool).await?;
        let kept = people::password_of(&web.pool, viewer.person).await?;
        if password::is_right(given.current, kept).await? {
            tries.forget(&web.pool).await?;
        } else {
            wrong = Some(Wrong { input: "current", text: viewer.html("password.wrong") });
        }
    }
    if wrong.is_some() {
        let page = MePage { wrong_password: wrong, ..MePage::of(&viewer, true) };
        return page.answer(StatusCode::UNPROCESSABLE_ENTITY);
    }
    people::set_password(&web.pool, viewer.person, given.new.password).await?;
    session::end_others(&web.pool, viewer.person, &viewer.session).await?;
    Ok(see_other_said("/me", "said.password"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_to_a_path_of_ours_only() {
        for ours in ["/", "/sharing?show=past", "/a//b"] {
            assert_eq!(local(ours), Some(ours));
        }
        for other in ["", "sharing", "//evil.example", "/\\evil.example", "https://x", "/a\r\nB: c"]
        {
            assert_eq!(local(other), None, "{other}");
        }
    }
}
