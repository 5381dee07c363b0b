//! A view's tickets, and what a search finds.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use chrono::DateTime;
use contracts::delivery::Side;
use serde::Deserialize;
use sqlx::PgConnection;
use web::{Failure, Html, Page, Reader, StaffRole, Viewer};

use super::views::{self, View};
use super::{Pages, changed};
use crate::rules::sharing::Share;
use crate::rules::ticket::status_word;
use crate::store::rule::Kind;
use crate::store::ticket::Kept;
use crate::store::view::{After, COUNTED};
use crate::store::{custom_status, rule, search, sharing, view};

/// Tickets of a page.
const PAGE: i64 = 50;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    view: String,
    after: Option<String>,
}

#[derive(Template)]
#[template(path = "list.html")]
struct List<'a> {
    t: &'a Reader,
    title: &'a str,
    about: String,
    rows: Vec<Row>,
    next: Option<String>,
    here: String,
    may_work: bool,
    edit: Option<String>,
}

/// A ticket as a line.
struct Row {
    number: i64,
    subject: String,
    requester: String,
    is_placeholder: bool,
    status: &'static str,
    custom_status: Option<String>,
    partners: Vec<Partner>,
    updated: Html,
}

struct Partner {
    inbound: bool,
    live: bool,
    name: String,
    number: Option<String>,
}

pub(super) async fn view(
    State(pages): State<Pages>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let mut connection = pages.pool().acquire().await?;
    let account = viewer.account.as_str();
    let live = changed::path(&mut connection, account, None).await?;
    let agreements = sharing::agreements(&mut connection, account).await?;
    let own = rule::list(&mut connection, account, Kind::View).await?;
    let views = views::of(&viewer, &agreements, &own);
    let key = if asked.view.is_empty() { "unsolved" } else { asked.view.as_str() };
    let shown: &View = views.iter().find(|view| view.key == key).ok_or(Failure::NotFound)?;
    let after = asked.after.as_deref().map(after_of).transpose()?;
    let me = viewer.person;
    let mut tickets =
        view::page(&mut connection, account, me, &shown.when, after, PAGE + 1).await?;
    let next = next_of(&mut tickets).map(|next| format!("{}&after={next}", views::path(key)));
    let rows = rows(&viewer, &mut connection, &tickets).await?;
    let conditions: Vec<_> = views.iter().map(|view| &view.when).collect();
    let counts = pages.counts.of(&mut connection, account, me, &conditions).await?;
    let is_all = asked.after.is_none() && next.is_none();
    let count = if is_all {
        i64::try_from(rows.len()).ok()
    } else {
        views.iter().zip(&counts).find(|(view, _)| view.key == key).map(|(_, it)| *it)
    };
    let may_edit = viewer.role == StaffRole::Admin;
    let here = match &asked.after {
        Some(after) => format!("{}&after={after}", views::path(key)),
        None => views::path(key),
    };
    let body = List {
        t: &viewer,
        title: &shown.title,
        about: counted(&viewer, count.unwrap_or_default()),
        rows,
        next,
        here,
        may_work: viewer.role >= StaffRole::Agent,
        edit: shown.own.filter(|_| may_edit).map(|id| format!("/settings/rules/view/{id}")),
    };
    Page::new(&viewer, shown.title.clone())
        .section("tickets")
        .side(views::side(&viewer, &views, &counts, key))
        .live(&live)
        .renews(body.here.clone(), &["#list-head", "#rows"])
        .body(&body)
}

/// How many there are, as far as is counted.
fn counted(viewer: &Viewer, count: i64) -> String {
    let key = if count >= COUNTED { "list.count_many" } else { "list.count" };
    viewer.say_with(key, &[("n", &count)]).into_owned()
}

#[derive(Debug, Deserialize)]
pub(super) struct Searched {
    #[serde(default)]
    q: String,
}

pub(super) async fn search(
    State(pages): State<Pages>,
    viewer: Viewer,
    Query(Searched { q }): Query<Searched>,
) -> Result<Response, Failure> {
    if q.contains('\0') {
        return Err(Failure::NotFound);
    }
    let mut connection = pages.pool().acquire().await?;
    let account = viewer.account.as_str();
    let live = changed::path(&mut connection, account, None).await?;
    let tickets = search::tickets(&mut connection, account, &q, PAGE).await?;
    let rows = rows(&viewer, &mut connection, &tickets).await?;
    let title = viewer.say_with("search.title", &[("words", &q)]).into_owned();
    let query: String = url::form_urlencoded::byte_serialize(q.as_bytes()).collect();
    let body = List {
        t: &viewer,
        title: &title,
        about: viewer.say_with("search.count", &[("n", &rows.len())]).into_owned(),
        rows,
        next: None,
        here: format!("/search?q={query}"),
        may_work: viewer.role >= StaffRole::Agent,
        edit: None,
    };
    Page::new(&viewer, title.clone())
        .section("tickets")
        .live(&live)
        .renews(body.here.clone(), &["#list-head", "#rows"])
        .body(&body)
}

async fn rows(
    viewer: &Viewer,
    connection: &mut PgConnection,
    tickets: &[Kept],
) -> sqlx::Result<Vec<Row>> {
    let numbers: Vec<i64> = tickets.iter().map(|kept| kept.ticket.number).collect();
    let mut shares: BTreeMap<i64, Vec<Share>> =
        sharing::of_tickets(connection, &viewer.account, &numbers).await?;
    let statuses = custom_status::all(connection, &viewer.account).await?;
    let row = |kept: &Kept| {
        let shares = shares.remove(&kept.ticket.number).unwrap_or_default();
        Row {
            number: kept.ticket.number,
            subject: kept.ticket.subject.clone(),
            requester: kept.requester_name.clone(),
            is_placeholder: kept.ticket.requester.starts_with("placeholder-"),
            status: status_word(kept.ticket.status),
            custom_status: kept
                .ticket
                .standing()
                .settled(&statuses)
                .name(&statuses)
                .map(str::to_owned),
            partners: shares.into_iter().map(partner).collect(),
            updated: viewer.time(kept.updated_at),
        }
    };
    Ok(tickets.iter().map(row).collect())
}

fn partner(share: Share) -> Partner {
    Partner {
        inbound: share.side == Side::Receiver,
        live: share.live,
        name: share.partner_name,
        number: share.partner_number,
    }
}

/// Cuts a page off what was read, and says where the next begins.
fn next_of(tickets: &mut Vec<Kept>) -> Option<String> {
    let size = usize::try_from(PAGE).unwrap_or(usize::MAX);
    if tickets.len() <= size {
        return None;
    }
    tickets.truncate(size);
    let last = tickets.last()?;
    Some(format!("{}.{}", last.updated_at.timestamp_micros(), last.ticket.number))
}

fn after_of(text: &str) -> Result<After, Failure> {
    let read = text.split_once('.').and_then(|(at, number)| {
        let at = DateTime::from_timestamp_micros(at.parse().ok()?)?;
        Some((at, number.parse().ok()?))
    });
    read.ok_or(Failure::NotFound)
}
