//! What the account was told: the one log that long polls, streams and webhooks read.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use contracts::delivery::DeliveryBody;
use serde::Deserialize;
use web::{Failure, Html, Page, StaffRole, Viewer};

use super::Pages;
use crate::store::delivery::{self, DeliveryRow};
use crate::store::webhook;

/// Rows of a page.
const ROWS: usize = 50;

#[derive(Debug, Deserialize)]
pub(super) struct Shown {
    before: Option<i64>,
    #[serde(default, rename = "type")]
    kind: String,
}

struct Row {
    position: i64,
    at: Html,
    kind: String,
    about: String,
    is_refused: bool,
}

struct Hook {
    url: String,
    health: Html,
    waiting: i64,
    since: Html,
}

#[derive(Template)]
#[template(path = "deliveries.html")]
struct Deliveries<'a> {
    viewer: &'a Viewer,
    here: String,
    kinds: &'static [&'static str],
    kind: &'a str,
    rows: Vec<Row>,
    cursor: String,
    older: Option<String>,
    hooks: Vec<Hook>,
}

fn path(kind: &str, before: Option<i64>) -> String {
    let before = before.map(|before| format!("&before={before}")).unwrap_or_default();
    format!("/deliveries?type={kind}{before}")
}

fn row(viewer: &Viewer, row: DeliveryRow) -> Row {
    let receipt = row.receipt.as_deref().map(serde_json::from_str::<serde_json::Value>);
    let receipt = receipt.and_then(Result::ok).unwrap_or_default();
    Row {
        position: row.position,
        at: viewer.time(row.told_at),
        about: row.about.unwrap_or_default(),
        is_refused: receipt["outcome"] == "rejected",
        kind: row.message_type,
    }
}

pub(super) async fn page(
    State(pages): State<Pages>,
    viewer: Viewer,
    Query(shown): Query<Shown>,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Agent)?;
    let (pool, account) = (&pages.pool, viewer.account.as_str());
    let kinds = DeliveryBody::NAMES;
    let kind = kinds.iter().copied().find(|kind| *kind == shown.kind).unwrap_or_default();
    let mut rows = delivery::newest(pool, account, kind, shown.before, ROWS + 1).await?;
    let is_more = rows.len() > ROWS;
    rows.truncate(ROWS);
    let last = rows.last().filter(|_| is_more).map(|row| row.position);
    let hooks = webhook::of_account(pool, account).await?.into_iter().map(|hook| {
        let (level, icon, key) = match (hook.state.as_str(), hook.failing_since) {
            ("disabled", _) => ("off", "pause", "hooks.off"),
            (_, Some(_)) => ("bad", "alert", "hooks.failing"),
            (_, None) => ("ok", "check", "hooks.well"),
        };
        Hook {
            url: hook.url,
            health: web::views::health(level, icon, &viewer.say(key)),
            waiting: hook.waiting,
            since: hook.failing_since.map_or_else(Html::default, |at| viewer.time(at)),
        }
    });
    let head = desk::log::head(pool, account).await?;
    let content = Deliveries {
        here: path(kind, shown.before),
        older: last.map(|last| path(kind, Some(last))),
        rows: rows.into_iter().map(|it| row(&viewer, it)).collect(),
        cursor: head.map(|head| head.to_string()).unwrap_or_default(),
        hooks: hooks.collect(),
        kind,
        kinds,
        viewer: &viewer,
    };
    Page::new(&viewer, viewer.say("nav.deliveries"))
        .section("deliveries")
        .class("main--wide")
        .live("/live")
        .body(&content)
}

#[derive(Template)]
#[template(path = "delivery.html")]
struct One<'a> {
    viewer: &'a Viewer,
    kind: &'a str,
    message_id: &'a str,
    at: Html,
    body: String,
}

pub(super) async fn one(
    State(pages): State<Pages>,
    viewer: Viewer,
    Path(position): Path<i64>,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Agent)?;
    let found = delivery::one(&pages.pool, &viewer.account, position).await?;
    let found = found.ok_or(Failure::NotFound)?;
    let body: serde_json::Value =
        serde_json::from_str(&found.body).map_err(|error| Failure::internal(&error))?;
    let content = One {
        viewer: &viewer,
        kind: &found.message_type,
        message_id: &found.message_id,
        at: viewer.time(found.told_at),
        body: format!("{body:#}"),
    };
    Page::new(&viewer, viewer.say("delivery.title"))
        .section("deliveries")
        .crumb("/deliveries", viewer.say("nav.deliveries"))
        .class("main--wide")
        .body(&content)
}
