//! What people see and do in a browser.

mod act;
mod changed;
mod confirm;
mod form;
mod help;
mod list;
mod new;
mod people;
mod settings;
mod text;
mod ticket;
mod told;
mod upload;
mod views;

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::{get, post};
use contracts::fields::CustomStatuses;
use files::Files;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;
use web::people::{self as members, PersonRow};
use web::sharing::{self, SharingEdge};
use web::{
    Bridge, Failure, NavItem, Oidc, Page, PageSettings, Reader, Search, SideGroup, Site, StaffRole,
    Texts, Viewer, Web, live, oidc, see_other_said,
};

use crate::clock::now;
use crate::rules::custom_status::TicketStatus;
use crate::rules::ticket::status_word;
use crate::store::audit;
use crate::store::group::{self, Group};
use crate::work::By;
use crate::work::agent::EditError;
use crate::work::changes::Changes;
use crate::work::counts::Counts;
use crate::work::settle::SettleError;
use crate::work::would;

/// The help desk's own texts.
pub static TEXTS: LazyLock<Texts> = LazyLock::new(|| {
    Texts::read(
        include_str!("../../texts/en.txt"),
        include_str!("../../texts/de.txt"),
        include_str!("../../texts/it.txt"),
    )
});

/// What every page is made from.
#[derive(Clone, Debug)]
pub struct Pages {
    desk: web::EdgeDesk,
    changes: Arc<Changes>,
    counts: Arc<Counts>,
    files: Files,
    public_url: Arc<str>,
    bridge: Option<Bridge>,
    oidc: Option<Oidc>,
}

impl Pages {
    /// Pages of these tables, reached so.
    #[must_use]
    pub fn new(
        desk: web::EdgeDesk,
        changes: Arc<Changes>,
        files: Files,
        public_url: String,
    ) -> Self {
        let (counts, public_url) = (Arc::default(), public_url.into());
        Self { desk, changes, counts, files, public_url, bridge: None, oidc: None }
    }

    /// The same, where third-party systems are called by this bridge.
    #[must_use]
    pub fn with_bridge(mut self, bridge: Option<Bridge>) -> Self {
        self.bridge = bridge;
        self
    }

    /// The same, where people sign in through their organisation's identity provider.
    #[must_use]
    pub fn with_oidc(mut self, oidc: Option<Oidc>) -> Self {
        self.oidc = oidc;
        self
    }

    fn pool(&self) -> &PgPool {
        &self.desk.pool
    }

    /// Something was kept that is to be sent.
    fn sent(&self) {
        self.desk.new_command.notify_one();
    }

    /// Every route.
    pub fn router(self) -> Router {
        let settings = PageSettings { public_url: self.public_url.to_string() };
        let web = Web::new(self.pool().clone(), &settings, SITE());
        let pages = Router::new()
            .route("/", get(async || web::see_other("/tickets")))
            .route("/tickets", get(list::view).post(new::open).layer(unbounded()))
            .route("/tickets/new", get(new::form))
            .route("/tickets/live", get(changed::stream))
            .route("/tickets/{number}", get(ticket::page).post(act::save).layer(unbounded()))
            .route("/tickets/{number}/fields", post(ticket::props::look))
            .route("/tickets/{number}/sees", post(ticket::sees::look))
            .route("/tickets/{number}/share", post(act::share))
            .route("/tickets/{number}/unshare", post(act::unshare))
            .route("/tickets/{number}/requester", post(act::requester))
            .route("/tickets/{number}/requester/address", post(told::address))
            .route("/tickets/{number}/ccs", post(told::ccs))
            .route("/tickets/{number}/redact", post(act::redact))
            .route("/tickets/{number}/merge", post(act::merge))
            .route("/search", get(list::search))
            .merge(settings::routes())
            .merge(help::routes())
            .merge(people::routes())
            .with_state(self.clone())
            .merge(live::router(self.desk.clone()))
            .merge(sharing::router(self.clone()))
            .merge(oidc::settings_router(self));
        web.serve(pages)
    }
}

/// Files are held to their own bounds while they arrive.
fn unbounded() -> DefaultBodyLimit {
    DefaultBodyLimit::disable()
}

#[expect(non_snake_case, reason = "a value that is made once, of parts that are no constants")]
fn SITE() -> Site {
    Site {
        home: "/tickets",
        texts: &TEXTS,
        nav,
        search: Some(Search { action: "/search", label: "search.label" }),
    }
}

fn nav(viewer: &Viewer) -> Vec<NavItem> {
    let mut nav = vec![NavItem::new("nav.tickets", "tickets", "/tickets", "list")];
    nav.push(NavItem::new("nav.people", "people", "/people", "user"));
    if viewer.role == StaffRole::Admin {
        nav.push(NavItem::new("nav.sharing", "sharing", "/sharing", "both"));
        nav.push(NavItem::new("nav.settings", "settings", "/settings/people", "gear"));
    }
    nav
}

/// The Ticket sharing pages stand among the settings.
impl SharingEdge for Pages {
    fn desk(&self) -> &web::EdgeDesk {
        &self.desk
    }

    fn bridge(&self) -> Option<&Bridge> {
        self.bridge.as_ref()
    }

    fn oidc(&self) -> Option<&Oidc> {
        self.oidc.as_ref()
    }

    fn beside_people<'a>(&self, viewer: &'a Viewer, page: Page<'a>, path: &str) -> Page<'a> {
        page.section("settings").side(settings::side(viewer, path))
    }

    fn ticket_path(&self, number: &str) -> Option<String> {
        Some(format!("/tickets/{number}"))
    }

    async fn newest_tickets(&self, viewer: &Viewer, limit: usize) -> Result<Vec<Value>, Failure> {
        let mut connection = self.pool().acquire().await?;
        Ok(would::shares(&mut connection, &viewer.account, limit).await?)
    }

    async fn note(&self, viewer: &Viewer, what: &'static str, subject: &str) -> sqlx::Result<()> {
        let mut connection = self.pool().acquire().await?;
        audit::add(&mut connection, &viewer.account, &viewer.name, what, subject).await
    }

    fn side(&self, viewer: &Viewer) -> Vec<SideGroup> {
        settings::side(viewer, "/sharing")
    }
}

/// Who does something now.
fn by(viewer: &Viewer) -> Result<By, Failure> {
    Ok(By { account: viewer.account_name()?, actor: viewer.actor(), now: now() })
}

/// A ticket's number in a path; what is none is no ticket.
struct Number(i64);

impl<S: Send + Sync> FromRequestParts<S> for Number {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        let number = path.ok().and_then(|path| path.parse().ok());
        number.map(Self).ok_or(Failure::NotFound)
    }
}

/// What every act on a ticket ends with: what it has the line told goes at once, and its page says
/// so.
fn done(pages: &Pages, number: i64, said: &str) -> Response {
    pages.sent();
    see_other_said(&format!("/tickets/{number}"), said)
}

fn failure(viewer: &Viewer, error: EditError) -> Failure {
    match error {
        EditError::NotFound => Failure::NotFound,
        EditError::Closed => Failure::Conflict(viewer.say("ticket.closed").into_owned()),
        EditError::Conflict(_) => Failure::Conflict(viewer.say("ticket.conflict").into_owned()),
        EditError::Settle(error) => settle_failure(viewer, error),
    }
}

fn settle_failure(viewer: &Viewer, error: SettleError) -> Failure {
    use crate::rules::sharing::NoShare;
    match error {
        SettleError::Database(error) => error.into(),
        SettleError::Request(error) => Failure::Invalid(error.to_string()),
        SettleError::NoSuchAccount | SettleError::NoShare(NoShare::NoAgreement) => {
            Failure::NotFound
        }
        SettleError::NoShare(why) => Failure::Conflict(no_share(viewer, &why)),
    }
}

/// Why a ticket is not shared, in the reader's words.
fn no_share(viewer: &Viewer, why: &crate::rules::sharing::NoShare) -> String {
    use crate::rules::sharing::NoShare;
    match why {
        NoShare::Closed => viewer.say("share.closed").into_owned(),
        NoShare::Already(partner) => {
            viewer.say_with("share.already", &[("partner", partner)]).into_owned()
        }
        NoShare::NoAgreement => viewer.say("share.no_agreement").into_owned(),
        NoShare::CameFromThere(partner) => {
            viewer.say_with("share.came_from", &[("partner", partner)]).into_owned()
        }
    }
}

/// A status as people read it: by its custom name, or its category's.
fn status_name(reader: &Reader, known: &CustomStatuses, standing: &TicketStatus) -> String {
    let category = || reader.say(&format!("status.{}", status_word(standing.category)));
    standing.name(known).map_or_else(|| category().into_owned(), str::to_owned)
}

/// The account's agents and groups, by which ids become names.
struct Team {
    agents: Vec<PersonRow>,
    groups: Vec<Group>,
}

impl Team {
    async fn of(connection: &mut PgConnection, account: &str) -> sqlx::Result<Self> {
        let agents = members::list(&mut *connection, account).await?;
        let groups = group::list(connection, account).await?;
        Ok(Self { agents, groups })
    }

    fn agent(&self, id: Uuid) -> Option<&str> {
        self.agents.iter().find(|agent| agent.id == id).map(|agent| agent.name.as_str())
    }

    fn group(&self, id: Uuid) -> Option<&str> {
        self.groups.iter().find(|group| group.id == id).map(|group| group.name.as_str())
    }

    /// Agents to whom a ticket can be given.
    fn assignable(&self) -> impl Iterator<Item = &PersonRow> {
        self.agents
            .iter()
            .filter(|agent| agent.disabled_at.is_none() && agent.role() >= StaffRole::Agent)
    }
}

/// One choice of a form: value, label and whether it is chosen.
#[derive(Clone, Debug)]
struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

impl Choice {
    fn new(value: impl Into<String>, label: impl Into<String>, chosen: bool) -> Self {
        Self { value: value.into(), label: label.into(), chosen }
    }
}
