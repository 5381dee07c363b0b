//! Whoever asks, their organisations, and what the account keeps of both.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use sqlx::types::Json;
use uuid::Uuid;
use web::{Failure, Page, Reader, StaffRole, Viewer, see_other_said};

use super::form::Sent;
use super::{Choice, Pages};
use crate::clock::new_id;
use crate::store::known_person::{self, KnownPerson};
use crate::store::organisation::{self, Organisation};
use crate::store::own_field::{self, FieldOf, OwnField};
use crate::work::people::{self, PersonEdit, PersonError};

/// People that a page shows.
const SHOWN: i64 = 100;
/// Characters of what is kept in one field.
const FIELD: usize = 2000;

pub(super) fn routes() -> Router<Pages> {
    Router::new()
        .route("/people", get(list))
        .route("/people/{id}", get(person).post(change))
        .route("/organisations", get(organisations).post(add_organisation))
        .route("/organisations/{id}", get(one_organisation).post(save_organisation))
}

/// A field with what is kept in it.
struct FieldRow {
    key: String,
    title: String,
    value: String,
}

fn rows(fields: Vec<OwnField>, held: &BTreeMap<String, String>) -> Vec<FieldRow> {
    let row = |field: OwnField| FieldRow {
        value: held.get(&field.key).cloned().unwrap_or_default(),
        key: field.key,
        title: field.title,
    };
    fields.into_iter().map(row).collect()
}

/// The fields that a form changed: those that it says as they were when it was shown stay, whatever
/// somebody else made of them meanwhile.
fn edited(fields: &[OwnField], sent: &Sent) -> BTreeMap<String, String> {
    let changed = |field: &OwnField| {
        let value = changed(sent, &format!("field:{}", field.key))?;
        Some((field.key.clone(), value.chars().take(FIELD).collect()))
    };
    fields.iter().filter_map(changed).collect()
}

/// What a form says of an input, unless that is what it said when it was shown.
fn changed<'a>(sent: &'a Sent, name: &str) -> Option<&'a str> {
    let was = sent.one(&format!("was:{name}"));
    sent.one(name).filter(|value| Some(*value) != was)
}

#[derive(Template)]
#[template(path = "askers.html")]
struct List<'a> {
    t: &'a Reader,
    words: &'a str,
    people: Vec<KnownPerson>,
}

#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(default)]
    q: String,
}

async fn list(
    State(pages): State<Pages>,
    viewer: Viewer,
    Query(Asked { q }): Query<Asked>,
) -> Result<Response, Failure> {
    let mut connection = pages.pool().acquire().await?;
    let people = known_person::search(&mut connection, &viewer.account, q.trim(), SHOWN).await?;
    Page::new(&viewer, viewer.say("people.askers")).section("people").body(&List {
        t: &viewer,
        words: &q,
        people,
    })
}

#[derive(Template)]
#[template(path = "asker.html")]
struct PersonPage<'a> {
    t: &'a Reader,
    person: &'a KnownPerson,
    fields: Vec<FieldRow>,
    organisations: Vec<Choice>,
    was_organisation: String,
    may_work: bool,
}

async fn person(
    State(pages): State<Pages>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut connection = pages.pool().acquire().await?;
    let account = viewer.account.as_str();
    let found = known_person::find(&mut connection, account, &id).await?;
    let found = found.ok_or(Failure::NotFound)?;
    let fields = own_field::list(&mut connection, account, FieldOf::Person).await?;
    let organisations = organisation::list(&mut connection, account).await?;
    let choice = |it: Organisation| {
        Choice::new(it.id.to_string(), it.name, Some(it.id) == found.organisation)
    };
    let body = PersonPage {
        t: &viewer,
        fields: rows(fields, &found.fields),
        organisations: organisations.into_iter().map(choice).collect(),
        was_organisation: found.organisation.map(|id| id.to_string()).unwrap_or_default(),
        may_work: viewer.role >= StaffRole::Agent,
        person: &found,
    };
    Page::new(&viewer, found.name.clone())
        .section("people")
        .crumb("/people", viewer.say("people.askers"))
        .class("main--form")
        .body(&body)
}

/// Saves, deletes or merges somebody.
async fn change(
    State(pages): State<Pages>,
    viewer: Viewer,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Agent)?;
    let account = viewer.account.as_str();
    let gone = viewer.say("people.deleted").into_owned();
    let refused = |error: PersonError| match error {
        PersonError::Database(error) => error.into(),
        PersonError::NotFound => Failure::NotFound,
        PersonError::Placeholder => Failure::Conflict(viewer.say("people.placeholder").into()),
    };
    match sent.one("do") {
        Some("delete") => {
            people::delete(pages.pool(), account, &id, &gone).await.map_err(refused)?;
            Ok(see_other_said("/people", "said.deleted"))
        }
        Some("merge") => {
            let into = sent.text("into").unwrap_or_default();
            let merged = people::merge(pages.pool(), account, &id, (into, &gone)).await;
            let target = merged.map_err(refused)?;
            Ok(see_other_said(&format!("/people/{target}"), "said.saved"))
        }
        _ => {
            let name = sent.name("name");
            let Some(name) = name else {
                return Err(Failure::Invalid(viewer.say("ask.error.name").into_owned()));
            };
            let mut connection = pages.pool().acquire().await?;
            let fields = own_field::list(&mut connection, account, FieldOf::Person).await?;
            drop(connection);
            let edit = PersonEdit {
                name: changed(&sent, "name").map(|_| name.to_owned()),
                organisation: changed(&sent, "organisation").map(|_| sent.id("organisation")),
                fields: edited(&fields, &sent),
            };
            people::save(pages.pool(), account, &id, edit).await.map_err(refused)?;
            Ok(see_other_said(&format!("/people/{id}"), "said.saved"))
        }
    }
}

#[derive(Template)]
#[template(path = "organisations.html")]
struct OrganisationsPage<'a> {
    t: &'a Reader,
    organisations: Vec<Organisation>,
    may_work: bool,
}

async fn organisations(State(pages): State<Pages>, viewer: Viewer) -> Result<Response, Failure> {
    let mut connection = pages.pool().acquire().await?;
    let organisations = organisation::list(&mut connection, &viewer.account).await?;
    let may_work = viewer.role >= StaffRole::Agent;
    Page::new(&viewer, viewer.say("people.organisations"))
        .section("people")
        .crumb("/people", viewer.say("people.askers"))
        .body(&OrganisationsPage { t: &viewer, organisations, may_work })
}

fn name_of<'a>(viewer: &Viewer, sent: &'a Sent) -> Result<&'a str, Failure> {
    let name = sent.name("name");
    name.ok_or_else(|| Failure::Invalid(viewer.say("groups.error").into_owned()))
}

async fn add_organisation(
    State(pages): State<Pages>,
    viewer: Viewer,
    sent: Sent,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Agent)?;
    let name = name_of(&viewer, &sent)?.to_owned();
    let new = Organisation { id: new_id(), name, fields: Json::default() };
    let mut connection = pages.pool().acquire().await?;
    if !organisation::save(&mut connection, &viewer.account, &new).await? {
        return Err(Failure::Conflict(viewer.say("people.organisation_known").into_owned()));
    }
    Ok(see_other_said(&format!("/organisations/{}", new.id), "said.saved"))
}

#[derive(Template)]
#[template(path = "organisation.html")]
struct OrganisationPage<'a> {
    t: &'a Reader,
    organisation: &'a Organisation,
    fields: Vec<FieldRow>,
    may_work: bool,
}

async fn one_organisation(
    State(pages): State<Pages>,
    viewer: Viewer,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    let mut connection = pages.pool().acquire().await?;
    let account = viewer.account.as_str();
    let found = organisation::find(&mut connection, account, id).await?;
    let found = found.ok_or(Failure::NotFound)?;
    let fields = own_field::list(&mut connection, account, FieldOf::Organisation).await?;
    let body = OrganisationPage {
        t: &viewer,
        fields: rows(fields, &found.fields),
        may_work: viewer.role >= StaffRole::Agent,
        organisation: &found,
    };
    Page::new(&viewer, found.name.clone())
        .section("people")
        .crumb("/organisations", viewer.say("people.organisations"))
        .class("main--form")
        .body(&body)
}

async fn save_organisation(
    State(pages): State<Pages>,
    viewer: Viewer,
    Path(id): Path<Uuid>,
    sent: Sent,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Agent)?;
    let account = viewer.account.as_str();
    let name = name_of(&viewer, &sent)?.to_owned();
    let mut transaction = pages.pool().begin().await?;
    let held = organisation::lock(&mut transaction, account, id).await?;
    let mut wanted = held.ok_or(Failure::NotFound)?;
    let fields = own_field::list(&mut transaction, account, FieldOf::Organisation).await?;
    if changed(&sent, "name").is_some() {
        wanted.name = name;
    }
    wanted.fields.extend(edited(&fields, &sent));
    if !organisation::save(&mut transaction, account, &wanted).await? {
        return Err(Failure::Conflict(viewer.say("people.organisation_known").into_owned()));
    }
    transaction.commit().await?;
    Ok(see_other_said(&format!("/organisations/{id}"), "said.saved"))
}
