//! A ticket's page.

use std::collections::BTreeMap;

use axum::extract::{Query, State};
use axum::response::Response;
use contracts::fields::{CustomStatuses, TicketField};
use serde::Deserialize;
use serde_json::Value;
use sqlx::PgConnection;
use web::{Failure, Viewer};

use self::sees::Asked;
use self::shown::show;
use self::talk::Talk;
use super::form::Sent;
use super::{Number, Pages, Team, changed};
use crate::rules::people::EndUser;
use crate::rules::pingpong;
use crate::rules::sharing::{Agreement, Share};
use crate::store::ticket::Kept;
use crate::store::{cc, custom_status, field, person, rule, setting, sharing, ticket};

pub(super) mod props;
pub(super) mod sees;
mod shown;
mod talk;

/// Why what was sent is shown again and not saved.
pub(super) enum Trouble {
    /// Somebody else changed these meanwhile.
    Conflict(Vec<String>),
    /// These fields cannot hold what was typed.
    Wrong(BTreeMap<String, &'static str>),
    /// The ticket is closed.
    Closed,
    /// Nobody can be put in the requester's place so: the key of why.
    Requester(&'static str),
    /// It cannot be merged: the key of why.
    Merge(&'static str),
}
/// All that a page is made from.
struct Known {
    /// The stream of its changes.
    live: String,
    kept: Kept,
    agreements: Vec<Agreement>,
    shares: Vec<Share>,
    team: Team,
    fields: Vec<TicketField>,
    statuses: CustomStatuses,
    secure: bool,
    asker: EndUser,
    ccs: Vec<EndUser>,
    talk: Talk,
    /// Whether the whole conversation was asked for.
    all: bool,
    paused: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    all: Option<String>,
}

pub(super) async fn page(
    State(pages): State<Pages>,
    viewer: Viewer,
    Number(number): Number,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Failure> {
    let mut connection = pages.pool().acquire().await?;
    let known = load(&viewer, &mut connection, number, wanted.all.is_some()).await?;
    show(&viewer, known, Typed::of(&Sent::default()), None, &Asked::Not)
}

/// What somebody sent that was not saved.
#[derive(Clone, Copy)]
pub(super) struct Typed<'a> {
    /// The form.
    pub sent: &'a Sent,
    /// Its files, which are kept for now.
    pub files: &'a [Value],
}

impl<'a> Typed<'a> {
    /// A form that has no files.
    pub fn of(sent: &'a Sent) -> Self {
        Self { sent, files: &[] }
    }
}

/// The page with what was typed, and why it was not saved.
pub(super) async fn again(
    pages: &Pages,
    viewer: &Viewer,
    number: i64,
    typed: &Typed<'_>,
    trouble: Trouble,
) -> Result<Response, Failure> {
    let mut connection = pages.pool().acquire().await?;
    let known = load(viewer, &mut connection, number, false).await?;
    show(viewer, known, *typed, Some(&trouble), &Asked::Not)
}

/// The page with what was typed, as if nothing had been sent.
pub(super) async fn as_typed(
    pages: &Pages,
    viewer: &Viewer,
    number: i64,
    typed: &Typed<'_>,
) -> Result<Response, Failure> {
    let mut connection = pages.pool().acquire().await?;
    let known = load(viewer, &mut connection, number, false).await?;
    show(viewer, known, *typed, None, &Asked::Not)
}

/// The page with what was typed, and what the line says of who will see it.
pub(super) async fn with_sees(
    pages: &Pages,
    viewer: &Viewer,
    number: i64,
    typed: &Typed<'_>,
) -> Result<Response, Failure> {
    let mut connection = pages.pool().acquire().await?;
    let known = load(viewer, &mut connection, number, false).await?;
    drop(connection);
    let asked = sees::ask(pages, viewer, number, &known.shares).await?;
    show(viewer, known, *typed, None, &asked)
}

async fn load(
    viewer: &Viewer,
    connection: &mut PgConnection,
    number: i64,
    all: bool,
) -> Result<Known, Failure> {
    let account = viewer.account.as_str();
    let live = changed::path(connection, account, Some(number)).await?;
    let kept = ticket::find(connection, account, number).await?.ok_or(Failure::NotFound)?;
    let agreements = sharing::agreements(connection, account).await?;
    let shares = sharing::of_ticket(connection, account, number).await?;
    let team = Team::of(connection, account).await?;
    let fields = field::list(connection, account).await?;
    let statuses = custom_status::all(connection, account).await?;
    let asker = person::find(connection, account, &kept.ticket.requester).await?;
    let asker = asker.unwrap_or_else(|| EndUser {
        id: kept.ticket.requester.clone(),
        name: kept.requester_name.clone(),
        email: None,
        partner: None,
    });
    let secure = setting::find(connection, account).await?.secure_downloads;
    let ccs = cc::list(connection, account, number).await?;
    let around = talk::Around {
        viewer,
        agreements: &agreements,
        shares: &shares,
        team: &team,
        fields: &fields,
        statuses: &statuses,
    };
    let talk = talk::lines(connection, &around, number, all).await?;
    let paused = pingpong::pauses(rule::published(connection, account, number).await?);
    Ok(Known {
        live,
        kept,
        agreements,
        shares,
        team,
        fields,
        statuses,
        secure,
        asker,
        ccs,
        talk,
        all,
        paused,
    })
}
