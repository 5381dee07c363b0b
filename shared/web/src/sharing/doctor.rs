//! The field doctor: how the custom fields of an agreement's two accounts fit. Asked
//! by a button; the page that follows shows what the account was told.

use axum::extract::{Form, Path, State};
use axum::response::Response;
use contracts::command::AgreementCompare;
use contracts::delivery::AgreementState;
use contracts::fields::FieldType;
use contracts::{Message, Receipt};
use desk::store::read;
use serde::Deserialize;
use serde_json::json;
use url::form_urlencoded::byte_serialize;

use super::list::partner;
use super::rules::doctor::{Fix, Row, SideField, Way, rows};
use super::rules::group::{AgreementGroup, group};
use super::{SharingEdge, WAIT, refusal, store};
use crate::clock::new_id;
use crate::failure::{Failure, see_other};
use crate::html::Html;
use crate::role::StaffRole;
use crate::viewer::Viewer;
use crate::views;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    key: String,
    #[serde(default)]
    cursor: String,
}

pub(super) async fn compare<E: SharingEdge>(
    State(edge): State<E>,
    viewer: Viewer,
    Path(id): Path<String>,
    Form(asked): Form<Asked>,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let desk = edge.desk();
    let state = store::agreement(&desk.pool, &viewer.account, &id).await?;
    let id = state.ok_or(Failure::NotFound)?.agreement_id.to_string();
    let mut content = json!({ "agreement_id": id });
    if !asked.cursor.is_empty() {
        content["cursor"] = json!(asked.cursor);
    }
    // Answered or not, refused or not: the page that follows says it.
    desk.send(&viewer, AgreementCompare::NAME, &asked.key, content, WAIT).await?;
    let key: String = byte_serialize(asked.key.as_bytes()).collect();
    Ok(see_other(&format!("/sharing/agreements/{id}?compared={key}")))
}

/// The panel.
pub(super) struct Doctor {
    /// Of the next question.
    pub key: String,
    /// Of the question for the page after.
    pub next_key: String,
    /// Of the one that it shows.
    pub asked: String,
    pub partner: String,
    pub answer: Answer,
}

pub(super) enum Answer {
    NotAsked,
    Waits,
    Refused(String),
    /// The answer is older than what is kept.
    Gone,
    Compared(Compared),
}

pub(super) struct Compared {
    pub cross: usize,
    pub stay: usize,
    pub next: Option<String>,
    pub rows: Vec<ShownRow>,
}

pub(super) struct ShownRow {
    pub title: String,
    pub crosses: bool,
    pub own: ShownField,
    pub partner: ShownField,
    pub result: Vec<Html>,
    pub options: Vec<Html>,
    pub own_fix: Vec<String>,
    pub partner_fix: Vec<String>,
}

pub(super) struct ShownField {
    pub kind: String,
    pub off_form: bool,
}

/// The panel of an agreement; nothing where there is nothing to compare: it is over, or its terms
/// carry no custom fields.
pub(super) async fn panel<E: SharingEdge>(
    edge: &E,
    viewer: &Viewer,
    state: &AgreementState,
    compared: &str,
) -> Result<Option<Doctor>, Failure> {
    let is_offered = state.terms.custom_fields && group(state) != AgreementGroup::Past;
    if !is_offered && compared.is_empty() {
        return Ok(None);
    }
    Ok(Some(Doctor {
        key: new_id().to_string(),
        next_key: new_id().to_string(),
        asked: byte_serialize(compared.as_bytes()).collect(),
        partner: partner(state).display_name.clone(),
        answer: answer(edge, viewer, state, compared).await?,
    }))
}

async fn answer<E: SharingEdge>(
    edge: &E,
    viewer: &Viewer,
    state: &AgreementState,
    compared: &str,
) -> Result<Answer, Failure> {
    if compared.is_empty() {
        return Ok(Answer::NotAsked);
    }
    let pool = &edge.desk().pool;
    let row = read::command(pool, &viewer.account, "agreement", compared).await?;
    let Some(row) = row.filter(|row| row.command_type == AgreementCompare::NAME) else {
        return Ok(Answer::Gone);
    };
    let Some(receipt) = row.receipt else { return Ok(Answer::Waits) };
    let receipt: Receipt =
        serde_json::from_str(&receipt).map_err(|error| Failure::internal(&error))?;
    if let Some(why) = refusal(viewer, &receipt) {
        return Ok(Answer::Refused(why));
    }
    let id = state.agreement_id.to_string();
    let told = store::comparison(pool, &viewer.account, &id, compared).await?;
    let Some(told) = told else { return Ok(Answer::Gone) };
    let rows: Vec<ShownRow> = rows(&told).iter().map(|row| shown(viewer, state, row)).collect();
    let cross = rows.iter().filter(|row| row.crosses).count();
    Ok(Answer::Compared(Compared {
        cross,
        stay: rows.len() - cross,
        next: receipt.next_cursor,
        rows,
    }))
}

fn shown(viewer: &Viewer, state: &AgreementState, row: &Row) -> ShownRow {
    let field = |field: Option<SideField>| ShownField {
        kind: match field {
            Some(field) => type_name(viewer, field.field_type),
            None => viewer.say("doctor.none").into_owned(),
        },
        off_form: field.is_some_and(|field| !field.on_default_form),
    };
    let option = |it: &contracts::delivery::OptionDiffers| {
        let values: [(&str, &dyn std::fmt::Display); 3] =
            [("name", &it.name), ("own", &it.own), ("partner", &it.partner)];
        viewer.html_with("doctor.option", &values)
    };
    let fixes = |fixes: &[Fix]| fixes.iter().map(|fix| fix_text(viewer, fix)).collect();
    ShownRow {
        title: row.title.clone(),
        crosses: row.crosses(),
        own: field(row.own),
        partner: field(row.partner),
        result: row.result.iter().map(|way| way_shown(viewer, state, way)).collect(),
        options: row.options.iter().map(option).collect(),
        own_fix: fixes(&row.own_fix),
        partner_fix: fixes(&row.partner_fix),
    }
}

fn type_name(viewer: &Viewer, field_type: FieldType) -> String {
    viewer.say(&format!("field_type.{}", field_type.name())).into_owned()
}

fn way_shown(viewer: &Viewer, state: &AgreementState, way: &Way) -> Html {
    let (level, icon, what) = match &way.stays {
        None => ("ok", "check", viewer.say("doctor.crosses")),
        Some(stays) => {
            let what = match stays.reason {
                Some(_) if stays.is_own_form => viewer.say("doctor.not_on_own_form"),
                Some(reason) => viewer.reason(reason),
                None => viewer.say("doctor.stays"),
            };
            (if stays.is_mendable { "bad" } else { "off" }, "stay", what)
        }
    };
    let values: [(&str, &dyn std::fmt::Display); 2] =
        [("partner", &partner(state).display_name), ("what", &what)];
    views::health(level, icon, &viewer.say_with(way.direction.key(), &values))
}

fn fix_text(viewer: &Viewer, fix: &Fix) -> String {
    match fix {
        Fix::Told(how) => how.clone(),
        Fix::Known(key, None) => viewer.say(key).into_owned(),
        Fix::Known(key, Some(kind)) => {
            viewer.say_of(key, "type", type_name(viewer, *kind)).into_owned()
        }
    }
}
