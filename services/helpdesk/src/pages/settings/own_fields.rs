//! Fields that the account keeps of people and organisations.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use web::{Failure, Page, Reader, StaffRole, Viewer, see_other_said};

use super::side;
use crate::pages::Pages;
use crate::pages::form::Sent;
use crate::rules::field::key_of;
use crate::store::audit;
use crate::store::own_field::{self, FieldOf, OwnField};

const HERE: &str = "/settings/own-fields";
/// Fields of each kind, at most.
const MOST: i64 = 100;

#[derive(Template)]
#[template(path = "own_fields.html")]
struct Lists<'a> {
    t: &'a Reader,
    lists: [(&'static str, String, Vec<OwnField>); 2],
}

pub(in crate::pages) async fn list(
    State(pages): State<Pages>,
    viewer: Viewer,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let mut connection = pages.pool().acquire().await?;
    let account = viewer.account.as_str();
    let person = own_field::list(&mut connection, account, FieldOf::Person).await?;
    let organisation = own_field::list(&mut connection, account, FieldOf::Organisation).await?;
    let lists = [
        (FieldOf::Person.word(), viewer.say("own_fields.person").into_owned(), person),
        (
            FieldOf::Organisation.word(),
            viewer.say("own_fields.organisation").into_owned(),
            organisation,
        ),
    ];
    Page::new(&viewer, viewer.say("settings.own_fields"))
        .section("settings")
        .side(side(&viewer, HERE))
        .body(&Lists { t: &viewer, lists })
}

/// Adds a field, or takes one away.
pub(in crate::pages) async fn change(
    State(pages): State<Pages>,
    viewer: Viewer,
    sent: Sent,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let about = sent.one("about").and_then(FieldOf::of).ok_or(Failure::NotFound)?;
    let account = viewer.account.as_str();
    let mut transaction = pages.pool().begin().await?;
    let (what, subject) = if let Some(key) = sent.text("delete") {
        if !own_field::delete(&mut transaction, account, about, key).await? {
            return Err(Failure::NotFound);
        }
        ("audit.field_deleted", key.to_owned())
    } else {
        let title = sent
            .name("title")
            .ok_or_else(|| Failure::Invalid(viewer.say("own_fields.error").into_owned()))?;
        let known = own_field::list(&mut transaction, account, about).await?;
        let taken: Vec<String> = known.into_iter().map(|field| field.key).collect();
        let field = OwnField { key: key_of(title, &taken), title: title.to_owned() };
        if !own_field::add(&mut transaction, account, about, &field, MOST).await? {
            return Err(Failure::Invalid(viewer.say("own_fields.error").into_owned()));
        }
        ("audit.field_saved", title.to_owned())
    };
    audit::add(&mut transaction, account, &viewer.name, what, &subject).await?;
    transaction.commit().await?;
    Ok(see_other_said(HERE, "said.saved"))
}
