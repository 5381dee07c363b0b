//! Groups that work on tickets.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use web::{Failure, Page, Reader, Role, Viewer, see_other_said};

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
}

pub(in crate::pages) async fn list(
    State(pages): State<Pages>,
    viewer: Viewer,
) -> Result<Response, Failure> {
    viewer.must_be(Role::Admin)?;
    let mut connection = pages.pool().acquire().await?;
    let groups = group::list(&mut connection, &viewer.account).await?;
    Page::new(&viewer, viewer.say("settings.groups"))
        .section("settings")
        .side(side(&viewer, HERE))
        .body(&List { t: &viewer, groups })
}

pub(in crate::pages) async fn add(
    State(pages): State<Pages>,
    viewer: Viewer,
    sent: Sent,
) -> Result<Response, Failure> {
    viewer.must_be(Role::Admin)?;
    let name = sent.text("name").filter(|name| name.chars().count() <= 100);
    let Some(name) = name else {
        return Err(Failure::Invalid(viewer.say("groups.error").into_owned()));
    };
    let group = Group { id: new_id(), name: name.to_owned() };
    let mut connection = pages.pool().acquire().await?;
    if !group::add(&mut connection, &viewer.account, &group).await? {
        return Err(Failure::Conflict(viewer.say("groups.known").into_owned()));
    }
    let account = viewer.account.as_str();
    audit::add(&mut connection, account, &viewer.name, "audit.group_added", name).await?;
    Ok(see_other_said(HERE, "said.saved"))
}
