//! What stands around all pages of an edge: who asks, what is refused, how failures look.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, HeaderMap};
use axum::http::{Extensions, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use chrono_tz::Tz;
use sqlx::PgPool;
use url::Url;

use crate::clock::now;
use crate::failure::Failure;
use crate::html::Html;
use crate::language::Language;
use crate::lost::{self, Lost};
use crate::oidc::{self, Oidc};
use crate::page::{self, NavItem, Search};
use crate::reader::Reader;
use crate::role::StaffRole;
use crate::session::{self, SessionRow};
use crate::texts::Texts;
use crate::viewer::Viewer;
use crate::{assets, headers, origin, sign_in};

/// What pages are reached by.
#[derive(Clone, Debug)]
pub struct PageSettings {
    /// Without a slash at its end.
    pub public_url: String,
}

/// What an edge's pages have in common.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// Where signing in leads, and the brand in the top bar.
    pub home: &'static str,
    /// The edge's own texts.
    pub texts: &'static Texts,
    /// The top navigation, for a person.
    pub nav: fn(&Viewer) -> Vec<NavItem>,
    /// The search in the top bar.
    pub search: Option<Search>,
}

/// Serves pages.
#[derive(Clone, Debug)]
pub struct Web {
    pub(crate) pool: PgPool,
    pub(crate) site: Site,
    pub(crate) oidc: Option<Oidc>,
    origin: Arc<str>,
}

/// What is known of a request before its page is made.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub reader: Reader,
    pub site: Site,
    uri: Uri,
}

impl Asked {
    pub fn of(extensions: &Extensions) -> Result<Arc<Self>, Failure> {
        let asked = extensions.get::<Arc<Self>>().cloned();
        asked.ok_or_else(|| Failure::internal(&"a page is served around `Web::serve`"))
    }

    /// What was done by the request that led here.
    pub fn said(&self) -> Option<Html> {
        let mut pairs = self.uri.query().unwrap_or_default().split('&');
        let key = pairs.find_map(|pair| pair.strip_prefix("said="))?;
        (key.starts_with("said.") && self.reader.has(key)).then(|| self.reader.html(key))
    }
}

impl Web {
    /// Pages of these tables, reached so.
    #[must_use]
    pub fn new(pool: PgPool, settings: &PageSettings, site: Site) -> Self {
        let origin = Url::parse(&settings.public_url).map(|url| url.origin().ascii_serialization());
        let origin = origin.unwrap_or_else(|_| settings.public_url.clone());
        Self { pool, site, oidc: None, origin: origin.into() }
    }

    /// The same, where people sign in through identity providers too.
    #[must_use]
    pub fn with_oidc(mut self, oidc: Option<Oidc>) -> Self {
        self.oidc = oidc;
        self
    }

    /// The edge's pages with what all edges have: sign-in, a person's own settings, styles, errors.
    pub fn serve(self, pages: Router) -> Router {
        pages
            .merge(sign_in::router(self.clone()))
            .merge(oidc::router(self.clone()))
            .merge(assets::router())
            .fallback(async || Failure::NotFound)
            .layer(from_fn_with_state(self, around))
    }

    /// Who asks, in which language.
    async fn who(
        &self,
        headers: &HeaderMap,
        uri: &Uri,
    ) -> (Asked, Result<Option<Viewer>, Failure>) {
        let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let reader = Reader {
            language: Language::accepted(accepted.unwrap_or_default()),
            zone: Tz::UTC,
            theme: "",
            now: now(),
            texts: self.site.texts,
        };
        let mut asked = Asked { reader, site: self.site, uri: uri.clone() };
        let is_asset = uri.path().starts_with("/assets/");
        let Some(token) = session::token_of(headers).filter(|_| !is_asset) else {
            return (asked, Ok(None));
        };
        let hash = token.hash();
        match session::find(&self.pool, &hash).await {
            Ok(Some(row)) => {
                asked.reader = shown_to(&row, asked.reader);
                let viewer = viewer(row, hash, &asked);
                (asked, Ok(Some(viewer)))
            }
            Ok(None) => (asked, Ok(None)),
            Err(error) => (asked, Err(error.into())),
        }
    }
}

fn shown_to(row: &SessionRow, reader: Reader) -> Reader {
    Reader {
        language: row.language.as_deref().and_then(Language::of_tag).unwrap_or(reader.language),
        zone: row.zone.as_deref().and_then(|zone| zone.parse().ok()).unwrap_or(reader.zone),
        theme: match row.theme.as_deref() {
            Some("light") => "light",
            Some("dark") => "dark",
            _ => "",
        },
        ..reader
    }
}

fn viewer(row: SessionRow, session: Vec<u8>, asked: &Asked) -> Viewer {
    Viewer {
        account: row.account,
        address: row.address,
        organisation: row.organisation,
        person: row.person,
        name: row.name,
        email: row.email,
        role: StaffRole::of_word(&row.role).unwrap_or(StaffRole::LightAgent),
        session,
        position: row.position,
        invites: row.invites,
        reader: asked.reader,
        asked: Arc::new(asked.clone()),
    }
}

async fn around(State(web): State<Web>, mut request: Request, next: Next) -> Response {
    let (asked, viewer) = web.who(request.headers(), request.uri()).await;
    let asked = Arc::new(asked);
    let (viewer, refused) = match viewer {
        Ok(viewer) => (viewer, None),
        Err(failure) => (None, Some(failure)),
    };
    // No name has a NUL character, and no database takes one.
    let parts = [Some(request.uri().path()), request.uri().query()];
    let has_nul = parts.into_iter().flatten().any(|part| part.contains("%00"));
    let is_ours = origin::is_ours(request.method(), request.headers(), &web.origin);
    let mut lost = Lost::default();
    let response = match refused {
        Some(failure) => failure.into_response(),
        None if has_nul => Failure::NotFound.into_response(),
        None if !is_ours => {
            let why = asked.reader.say("failure.other_origin").into_owned();
            Failure::Forbidden(why).into_response()
        }
        None => {
            request.extensions_mut().insert(Arc::clone(&asked));
            if let Some(viewer) = &viewer {
                request.extensions_mut().insert(viewer.clone());
            }
            if viewer.is_none() {
                (request, lost) = lost::read(request, &web.origin).await;
            }
            next.run(request).await
        }
    };
    let mut response = shown(response, &asked, viewer.as_ref(), &lost);
    headers::add(response.headers_mut(), web.origin.starts_with("https:"));
    response
}

/// An answer that is no page as one.
fn shown(mut response: Response, asked: &Asked, viewer: Option<&Viewer>, lost: &Lost) -> Response {
    let status = response.status();
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let is_page = content_type.is_some_and(|it| it.starts_with("text/html"));
    if !(status.is_client_error() || status.is_server_error()) || is_page {
        return response;
    }
    let failure = response.extensions_mut().remove::<Failure>();
    let failure = failure.unwrap_or_else(|| Failure::of_status(status, String::new()));
    match page::of_failure(asked, viewer, &failure, lost) {
        Ok(mut page) => {
            for (name, value) in response.headers() {
                page.headers_mut().entry(name).or_insert(value.clone());
            }
            page
        }
        Err(_) => failure.status().into_response(),
    }
}
