//! What waits for a person, and for desks' queues.
//!
//! With the operator's secret the services tell more, and replay and discard from here; without it
//! the page shows the lines to type.

mod choice;
mod door;
mod group;
mod lines;
mod piles;
mod run;
mod runs;
mod told;
mod typed;

use askama::Template;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use contracts::topology::Service;
use futures_util::future::join_all;
use timeline::harmless;
use web_base::{Html, parts};

use self::piles::{PileGroup, deeds, grouped};
use self::runs::ParkedRun;
use self::told::{DeedTold, ServiceParked};
use super::form::Fields;
use super::watch::Seen;
use super::{Console, advice, frame};

pub use self::door::ParkedDoor;
pub use self::runs::Runs;

/// Lines of "Who did what".
const DEEDS: usize = 50;

#[derive(Template)]
#[template(path = "parked_groups.html")]
struct Content<'a> {
    fields: &'a Fields,
    /// That can be chosen.
    services: Vec<Service>,
    told: Vec<(Service, ServiceParked)>,
    groups: Vec<PileGroup>,
    gaps: Vec<String>,
    runs: Vec<ParkedRun>,
    seen: Seen,
    has_broker: bool,
}

/// Pages about parked messages.
pub fn router() -> Router<Console> {
    Router::new()
        .route("/parked", get(page))
        .route("/parked/actions/{number}", get(run::page))
        .route("/parked/actions/{number}/cancel", post(run::cancel))
        .route("/parked/{service}/{reason}", get(group::page).post(run::begin))
}

impl Content<'_> {
    fn open(&self) -> u64 {
        self.groups.iter().map(|group| group.count).sum()
    }

    fn deeds(&self) -> Vec<(Service, &DeedTold)> {
        let mut deeds = deeds(&self.told);
        deeds.truncate(DEEDS);
        deeds
    }

    /// Whether nothing waits for any desk's queue.
    fn is_all_delivered(&self) -> bool {
        self.told.iter().all(|(_, it)| it.waiting.is_empty())
    }
}

/// `/parked`, of one service or account where it is asked for.
async fn page(State(console): State<Console>, RawQuery(query): RawQuery) -> Response {
    let Some(door) = &console.door else { return typed::page(&console) };
    let fields = Fields::of(&query.unwrap_or_default());
    let services = door.services().await;
    let wanted = services
        .iter()
        .copied()
        .filter(|service| fields.given("service").is_none_or(|wanted| wanted == service.name()));
    let asked = wanted.map(|service| async move { (service, door.standing(service).await) });
    let (mut told, mut gaps) = (Vec::new(), Vec::new());
    for (service, standing) in join_all(asked).await {
        match standing {
            Ok(standing) => told.push((service, standing)),
            Err(cause) => gaps.push(gap(service, &cause)),
        }
    }
    let content = Content {
        groups: grouped(&told, fields.given("account")),
        fields: &fields,
        services,
        told,
        gaps,
        runs: console.runs.all(),
        seen: console.watch.seen(),
        has_broker: console.broker.is_some(),
    };
    shown(&console, frame::html(&content))
}

fn shown(console: &Console, content: Html) -> Response {
    let can_sign_out = console.can_sign_out();
    let (title, section) = ("Parked", "parked");
    let page = frame::Page { title, section, asked: "", can_sign_out, content };
    frame::page(StatusCode::OK, &page)
}

fn gap(service: Service, cause: &str) -> String {
    format!("{} does not tell what is parked: {cause}", service.name())
}

/// What somebody did, for people.
fn deed(deed: &DeedTold) -> String {
    let what = match deed.action.as_str() {
        "replayed" => "Replayed",
        "discarded" => "Discarded",
        "journal_replayed" => "Replayed from the journal",
        other => other,
    };
    let because = deed.because.iter().map(|because| format!(": “{}”", harmless(because)));
    format!("{what}{}", because.collect::<String>())
}

/// Text in which words between backquotes are code.
fn code(text: &str) -> Html {
    let parts = text.split('`').enumerate().map(|(place, part)| {
        let part = Html::text(part);
        if place % 2 == 1 { format!("<code>{part}</code>") } else { part.to_string() }
    });
    Html::trusted(parts.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_code_and_text_stays_text() {
        assert_eq!(code("see `a<b` & c").as_str(), "see <code>a&lt;b</code> &amp; c");
    }
}
