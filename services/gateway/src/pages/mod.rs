//! Pages for people of accounts that join with HTTP: Ticket sharing, deliveries, tokens, people.

mod deliveries;
mod people;
mod tokens;

use std::sync::LazyLock;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use sqlx::PgPool;
use web::sharing::{self, SharingEdge};
use web::{
    Bridge, EdgeDesk, NavItem, Oidc, Page, PageSettings, Site, StaffRole, Texts, Viewer, Web, live,
    oidc, see_other,
};

/// The texts of these pages.
static TEXTS: LazyLock<Texts> = LazyLock::new(|| {
    Texts::read(
        include_str!("../../texts/en.txt"),
        include_str!("../../texts/de.txt"),
        include_str!("../../texts/it.txt"),
    )
});

/// A form of text: nothing here is long.
const FORM_BYTES: usize = 16 * 1024;

#[derive(Clone, Debug)]
struct Sharing {
    desk: EdgeDesk,
    bridge: Option<Bridge>,
    oidc: Option<Oidc>,
}

impl SharingEdge for Sharing {
    fn desk(&self) -> &EdgeDesk {
        &self.desk
    }

    fn bridge(&self) -> Option<&Bridge> {
        self.bridge.as_ref()
    }

    fn oidc(&self) -> Option<&Oidc> {
        self.oidc.as_ref()
    }

    fn beside_people<'a>(&self, viewer: &'a Viewer, page: Page<'a>, _: &str) -> Page<'a> {
        page.section("people").crumb("/people", viewer.say("nav.people"))
    }
}

/// What these pages are answered from.
#[derive(Clone, Debug)]
struct Pages {
    pool: PgPool,
    public_url: String,
}

/// What other servers are asked for pages, where there are such.
#[derive(Clone, Debug, Default)]
pub struct Others {
    /// The bridge: how third-party partners are called.
    pub bridge: Option<Bridge>,
    /// Identity providers: who somebody is.
    pub oidc: Option<Oidc>,
}

/// Every page, reached by `public_url`.
pub fn router(desk: EdgeDesk, public_url: &str, others: Others) -> Router {
    let Others { bridge, oidc } = others;
    let site = Site { home: "/", texts: &TEXTS, nav, search: None };
    let pool = desk.pool.clone();
    let settings = PageSettings { public_url: public_url.to_owned() };
    let web = Web::new(pool.clone(), &settings, site).with_oidc(oidc.clone());
    let own = Router::new()
        .route("/", get(home))
        .route("/deliveries", get(deliveries::page))
        .route("/deliveries/{position}", get(deliveries::one))
        .route("/tokens", get(tokens::page).post(tokens::make))
        .route("/tokens/{id}/revoke", post(tokens::revoke))
        .route("/people", get(people::page).post(people::add))
        .route("/people/{id}", post(people::change))
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .with_state(Pages { pool, public_url: public_url.to_owned() });
    let pages = own.merge(live::router(desk.clone()));
    let edge = Sharing { desk, bridge, oidc };
    web.serve(pages.merge(sharing::router(edge.clone())).merge(oidc::settings_router(edge)))
}

fn nav(viewer: &Viewer) -> Vec<NavItem> {
    let deliveries = NavItem::new("nav.deliveries", "deliveries", "/deliveries", "hook");
    if viewer.role < StaffRole::Admin {
        return vec![deliveries];
    }
    vec![
        NavItem::new("nav.sharing", "sharing", "/sharing", "both"),
        deliveries,
        NavItem::new("nav.tokens", "tokens", "/tokens", "key"),
        NavItem::new("nav.people", "people", "/people", "user"),
    ]
}

async fn home(viewer: Viewer) -> axum::response::Response {
    see_other(if viewer.role == StaffRole::Admin { "/sharing" } else { "/deliveries" })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn no_text_is_missing_and_every_key_is_there() {
        assert_eq!(TEXTS.check(), Vec::<String>::new());
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for folder in ["src/pages", "templates"] {
            assert_eq!(TEXTS.unknown_keys(&root.join(folder)), Vec::<String>::new());
        }
    }
}
