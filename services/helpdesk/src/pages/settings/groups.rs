//! Groups that work on tickets.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use web::{Failure, Page, Reader, StaffRole, Viewer, see_other_said};

use super::side;
use crate::clock::new_id;
use crate::pages::Pages;
use crate::pages::form::Sent;
use crate::store::audit;
use crate::store::group::{self, Group};

const HERE: &str = "/settings/groups";

#[derive(Template)]
#[template(path = "groups.html")]
struct List<'a> {
    t: &'a Reader,
    groups: Vec<Group>,
    typed: &'a str,
    error: Option<String>,
}

pub(in crate::pages) async fn list(
    State(pages): State<Pages>,
    viewer: Viewer,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    show(&pages, &viewer, "", None).await
}

/// Why a group was not added: the status, and the key of the text.
type Why = (StatusCode, &'static str);

async fn show(
    pages: &Pages,
    viewer: &Viewer,
    typed: &str,
    why: Option<Why>,
) -> Result<Response, Failure> {
    let mut connection = pages.pool().acquire().await?;
    let groups = group::list(&mut connection, &viewer.account).await?;
    let error = why.map(|(_, key)| viewer.say(key).into_owned());
    Page::new(viewer, viewer.say("settings.groups"))
        .section("settings")
        .side(side(viewer, HERE))
        .status(why.map_or(StatusCode::OK, |(status, _)| status))
        .body(&List { t: viewer, groups, typed, error })
}

pub(in crate::pages) async fn add(
    State(pages): State<Pages>,
    viewer: Viewer,
    sent: Sent,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let typed = sent.one("name").unwrap_or_default();
    let Some(name) = sent.name("name") else {
        let why = (StatusCode::UNPROCESSABLE_ENTITY, "groups.error");
        return show(&pages, &viewer, typed, Some(why)).await;
    };
    let group = Group { id: new_id(), name: name.to_owned() };
    let mut connection = pages.pool().acquire().await?;
    if !group::add(&mut connection, &viewer.account, &group).await? {
        drop(connection);
        let why = (StatusCode::CONFLICT, "groups.known");
        return show(&pages, &viewer, typed, Some(why)).await;
    }
    let account = viewer.account.as_str();
    audit::add(&mut connection, account, &viewer.name, "audit.group_added", name).await?;
    Ok(see_other_said(HERE, "said.saved"))
}
