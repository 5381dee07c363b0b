//! People of the account: added with a sign-in link that is shown once, given a role, let out.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use uuid::Uuid;
use web::people::{self, NewPerson, PersonRow};
use web::{Failure, Html, Page, StaffRole, Viewer, see_other_said};

use super::Pages;

struct Row {
    id: Uuid,
    name: String,
    email: String,
    role: StaffRole,
    signed_in: Html,
    is_disabled: bool,
    is_me: bool,
}

/// A link that was made just now.
struct Made {
    name: String,
    link: String,
}

#[derive(Template)]
#[template(path = "people.html")]
struct People<'a> {
    viewer: &'a Viewer,
    rows: Vec<Row>,
    made: Option<Made>,
    error: Option<String>,
    name: &'a str,
    email: &'a str,
}

fn row(viewer: &Viewer, person: PersonRow) -> Row {
    Row {
        id: person.id,
        role: person.role(),
        signed_in: person
            .signed_in_at
            .map_or_else(|| Html::text(&viewer.say("people.never")), |at| viewer.time(at)),
        is_disabled: person.disabled_at.is_some(),
        is_me: person.id == viewer.person,
        name: person.name,
        email: person.email,
    }
}

#[derive(Default)]
struct Shown<'a> {
    made: Option<Made>,
    error: Option<String>,
    name: &'a str,
    email: &'a str,
}

async fn shown(pages: &Pages, viewer: &Viewer, shown: Shown<'_>) -> Result<Response, Failure> {
    let all = people::list(&pages.pool, &viewer.account).await?;
    let is_wrong = shown.error.is_some();
    let content = People {
        viewer,
        rows: all.into_iter().map(|person| row(viewer, person)).collect(),
        made: shown.made,
        error: shown.error,
        name: shown.name,
        email: shown.email,
    };
    let status = if is_wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Page::new(viewer, viewer.say("nav.people"))
        .section("people")
        .class("main--form")
        .status(status)
        .body(&content)
}

pub(super) async fn page(State(pages): State<Pages>, viewer: Viewer) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    shown(&pages, &viewer, Shown::default()).await
}

#[derive(Deserialize)]
pub(super) struct New {
    name: String,
    email: String,
    role: String,
}

pub(super) async fn add(
    State(pages): State<Pages>,
    viewer: Viewer,
    Form(new): Form<New>,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let (name, email) = (new.name.trim(), new.email.trim());
    let role = StaffRole::of_word(&new.role).ok_or_else(|| Failure::Invalid(String::new()))?;
    let refused = |key: &str| Shown {
        error: Some(viewer.say(key).into_owned()),
        name,
        email,
        ..Shown::default()
    };
    let is_possible = |text: &str| (1..=200).contains(&text.len()) && !text.contains('\0');
    if !is_possible(name) || !is_possible(email) || !email.contains('@') {
        return shown(&pages, &viewer, refused("people.wrong")).await;
    }
    let new = NewPerson { account: &viewer.account, email, name, role };
    let Some(person) = people::add(&pages.pool, new).await? else {
        return shown(&pages, &viewer, refused("people.known")).await;
    };
    let made = made(&pages, person, name).await?;
    shown(&pages, &viewer, Shown { made: Some(made), ..Shown::default() }).await
}

async fn made(pages: &Pages, person: Uuid, name: &str) -> Result<Made, Failure> {
    let path = people::make_link(&pages.pool, person).await?;
    Ok(Made { name: name.to_owned(), link: format!("{}{path}", pages.public_url) })
}

#[derive(Deserialize)]
pub(super) struct Change {
    what: String,
}

pub(super) async fn change(
    State(pages): State<Pages>,
    viewer: Viewer,
    Path(id): Path<Uuid>,
    Form(change): Form<Change>,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let (pool, account) = (&pages.pool, viewer.account.as_str());
    let person = people::find(pool, account, id).await?.ok_or(Failure::NotFound)?;
    let last_admin = || Failure::Conflict(viewer.say("people.last_admin").into_owned());
    match change.what.as_str() {
        "link" if person.disabled_at.is_none() => {
            let made = made(&pages, id, &person.name).await?;
            return shown(&pages, &viewer, Shown { made: Some(made), ..Shown::default() }).await;
        }
        "disable" if !people::disable(pool, account, id).await? => return Err(last_admin()),
        "disable" => {}
        "enable" => drop(people::enable(pool, account, id).await?),
        word => {
            let role = StaffRole::of_word(word).ok_or_else(|| Failure::Invalid(String::new()))?;
            if !people::set_role(pool, account, id, role).await? {
                return Err(last_admin());
            }
        }
    }
    Ok(see_other_said("/people", "said.saved"))
}
