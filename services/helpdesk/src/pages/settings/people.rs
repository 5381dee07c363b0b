//! Who signs in.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;
use web::people::{self, NewPerson, PersonRow};
use web::{Failure, Page, Reader, StaffRole, Viewer, see_other_said};

use super::side;
use crate::pages::confirm::{self, Question};
use crate::pages::form::Sent;
use crate::pages::new::is_address;
use crate::pages::{Choice, Pages};
use crate::store::audit;

const HERE: &str = "/settings/people";

#[derive(Template)]
#[template(path = "people.html")]
struct List<'a> {
    t: &'a Reader,
    people: Vec<Row>,
    roles: Vec<Choice>,
    link: Option<Link>,
    /// What was typed of somebody who was not added: name, address, and why not.
    typed: (String, String),
    error: Option<String>,
}

struct Row {
    id: Uuid,
    name: String,
    email: String,
    roles: Vec<Choice>,
    signed_in: String,
    is_disabled: bool,
    is_me: bool,
}

/// A sign-in link that was just made; it is told once.
struct Link {
    title: String,
    address: String,
}

const ROLES: [StaffRole; 3] = [StaffRole::Admin, StaffRole::Agent, StaffRole::LightAgent];

fn roles(viewer: &Viewer, chosen: StaffRole) -> Vec<Choice> {
    let choice = |role: StaffRole| {
        let label = viewer.say(&format!("role.{}", role.word()));
        Choice::new(role.word(), label, role == chosen)
    };
    ROLES.into_iter().map(choice).collect()
}

pub(in crate::pages) async fn list(
    State(pages): State<Pages>,
    viewer: Viewer,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    show(&pages, &viewer, None, &Sent::default(), None).await
}

/// Why somebody was not added: the status, and the key of the text.
type Why = (StatusCode, &'static str);

async fn show(
    pages: &Pages,
    viewer: &Viewer,
    link: Option<Link>,
    sent: &Sent,
    why: Option<Why>,
) -> Result<Response, Failure> {
    let known = people::list(pages.pool(), &viewer.account).await?;
    let row = |person: PersonRow| Row {
        roles: roles(viewer, person.role()),
        signed_in: match person.signed_in_at {
            Some(at) => viewer.time(at).to_string(),
            None => viewer.say("people.never").into_owned(),
        },
        is_disabled: person.disabled_at.is_some(),
        is_me: person.id == viewer.person,
        id: person.id,
        name: person.name,
        email: person.email,
    };
    let people = known.into_iter().map(row).collect();
    let typed = |name: &str| sent.one(name).unwrap_or_default().to_owned();
    let role = sent.one("role").and_then(StaffRole::of_word).unwrap_or(StaffRole::Agent);
    let body = List {
        t: viewer,
        people,
        roles: roles(viewer, role),
        link,
        typed: (typed("name"), typed("email")),
        error: why.map(|(_, key)| viewer.say(key).into_owned()),
    };
    Page::new(viewer, viewer.say("settings.members"))
        .section("settings")
        .side(side(viewer, HERE))
        .status(why.map_or(StatusCode::OK, |(status, _)| status))
        .body(&body)
}

/// Adds somebody, and shows the link by which they sign in first.
pub(in crate::pages) async fn add(
    State(pages): State<Pages>,
    viewer: Viewer,
    sent: Sent,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let role = sent.one("role").and_then(StaffRole::of_word).unwrap_or(StaffRole::Agent);
    let named = sent.name("name").zip(sent.text("email").filter(|email| is_address(email)));
    let Some((name, email)) = named else {
        let why = (StatusCode::UNPROCESSABLE_ENTITY, "people.error");
        return show(&pages, &viewer, None, &sent, Some(why)).await;
    };
    let new = NewPerson { account: &viewer.account, email, name, role };
    let added = people::add(pages.pool(), new).await?;
    let Some(id) = added else {
        let why = (StatusCode::CONFLICT, "people.known");
        return show(&pages, &viewer, None, &sent, Some(why)).await;
    };
    note(&pages, &viewer, "audit.person_added", name).await?;
    let link = link(&pages, &viewer, id, name).await?;
    show(&pages, &viewer, Some(link), &Sent::default(), None).await
}

async fn link(pages: &Pages, viewer: &Viewer, id: Uuid, name: &str) -> Result<Link, Failure> {
    let path = people::make_link(pages.pool(), id).await?;
    let title = viewer.say_with("people.link", &[("name", &name)]).into_owned();
    Ok(Link { title, address: format!("{}{path}", pages.public_url) })
}

async fn note(
    pages: &Pages,
    viewer: &Viewer,
    what: &'static str,
    subject: &str,
) -> Result<(), Failure> {
    let mut connection = pages.pool().acquire().await?;
    audit::add(&mut connection, &viewer.account, &viewer.name, what, subject).await?;
    Ok(())
}

/// Gives somebody another role, a new link, or an end.
pub(in crate::pages) async fn change(
    State(pages): State<Pages>,
    viewer: Viewer,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let id = Uuid::parse_str(&id).map_err(|_| Failure::NotFound)?;
    let account = viewer.account.as_str();
    let person = people::find(pages.pool(), account, id).await?.ok_or(Failure::NotFound)?;
    let (done, what) = match sent.one("do") {
        Some("link") => {
            note(&pages, &viewer, "audit.link_made", &person.name).await?;
            let link = link(&pages, &viewer, id, &person.name).await?;
            return show(&pages, &viewer, Some(link), &Sent::default(), None).await;
        }
        Some("disable") if !confirm::is_sure(&sent) => {
            let question = Question::of(&viewer, "disable", &person.name, format!("{HERE}/{id}"))
                .back_to(HERE)
                .in_settings(side(&viewer, HERE));
            return confirm::ask(&viewer, &sent, &question);
        }
        Some("disable") => {
            (people::disable(pages.pool(), account, id).await?, "audit.person_disabled")
        }
        Some("enable") => {
            (people::enable(pages.pool(), account, id).await?, "audit.person_enabled")
        }
        _ => {
            let role = sent.one("role").and_then(StaffRole::of_word).ok_or(Failure::NotFound)?;
            (people::set_role(pages.pool(), account, id, role).await?, "audit.role_changed")
        }
    };
    if !done {
        return Err(Failure::Conflict(viewer.say("people.last_admin").into_owned()));
    }
    note(&pages, &viewer, what, &person.name).await?;
    Ok(see_other_said(HERE, "said.saved"))
}
