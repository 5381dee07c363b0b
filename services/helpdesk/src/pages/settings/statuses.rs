//! Custom statuses.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use contracts::fields::CustomStatus;
use web::{Failure, Page, Reader, StaffRole, Viewer, see_other_said};

use super::side;
use crate::pages::form::Sent;
use crate::pages::{Choice, Pages, by, settle_failure, status_name};
use crate::rules::custom_status::{CATEGORIES, CustomStatusChange, NoStatusChange, TicketStatus};
use crate::rules::ticket::{status_of, status_word};
use crate::store::custom_status;
use crate::work::settings;

const HERE: &str = "/settings/statuses";

#[derive(Template)]
#[template(path = "statuses.html")]
struct List<'a> {
    t: &'a Reader,
    enabled: bool,
    statuses: Vec<Row>,
    categories: Vec<Choice>,
}

struct Row {
    key: String,
    name: String,
    category: &'static str,
    is_default: bool,
}

pub(in crate::pages) async fn list(
    State(pages): State<Pages>,
    viewer: Viewer,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let mut connection = pages.pool().acquire().await?;
    let known = custom_status::all(&mut connection, &viewer.account).await?;
    let categories = CATEGORIES.map(|category| {
        let label = status_name(&viewer, &known, &TicketStatus::of_category(category));
        Choice::new(status_word(category), label, false)
    });
    let row = |status: &CustomStatus| Row {
        key: status.key.clone(),
        name: status.name.clone(),
        category: status_word(status.category),
        is_default: status.default,
    };
    let of = |category| known.statuses.iter().filter(move |it| it.category == category);
    let statuses = CATEGORIES.into_iter().flat_map(of).map(row).collect();
    let body = List { t: &viewer, enabled: known.enabled, statuses, categories: categories.into() };
    Page::new(&viewer, viewer.say("settings.statuses"))
        .section("settings")
        .side(side(&viewer, HERE))
        .body(&body)
}

/// What the form asks for.
fn asked(sent: &Sent) -> Option<CustomStatusChange> {
    let text = |name: &str| sent.text(name).unwrap_or_default().to_owned();
    let key = || text("key");
    match sent.one("do")? {
        "use" => Some(CustomStatusChange::Use(true)),
        "leave" => Some(CustomStatusChange::Use(false)),
        "add" => Some(CustomStatusChange::Add(text("name"), status_of(sent.one("category")?)?)),
        "rename" => Some(CustomStatusChange::Rename(key(), text("name"))),
        "default" => Some(CustomStatusChange::MakeDefault(key())),
        "remove" => Some(CustomStatusChange::Remove(key())),
        _ => None,
    }
}

pub(in crate::pages) async fn change(
    State(pages): State<Pages>,
    viewer: Viewer,
    sent: Sent,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let change = asked(&sent).ok_or(Failure::NotFound)?;
    let done = settings::change_statuses(pages.pool(), &by(&viewer)?, change)
        .await
        .map_err(|error| settle_failure(&viewer, error))?;
    if let Err(why) = done {
        return Err(refused(&viewer, why));
    }
    pages.sent();
    Ok(see_other_said(HERE, "said.saved"))
}

fn refused(viewer: &Viewer, why: NoStatusChange) -> Failure {
    let say = |key: &str| viewer.say(key).into_owned();
    match why {
        NoStatusChange::NotFound => Failure::NotFound,
        NoStatusChange::Name => Failure::Invalid(say("statuses.error.name")),
        NoStatusChange::TooMany => Failure::Invalid(say("statuses.error.many")),
        NoStatusChange::NameTaken => Failure::Conflict(say("statuses.error.taken")),
        NoStatusChange::IsDefault => Failure::Conflict(say("statuses.error.default")),
    }
}
