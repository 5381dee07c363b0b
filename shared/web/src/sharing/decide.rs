//! Accept, later, decline; withdraw; end for good.

use axum::extract::{Form, Path, State};
use axum::response::Response;
use contracts::Message;
use contracts::command::{AgreementAccept, AgreementDeactivate, AgreementDecline};
use contracts::delivery::AgreementState;
use serde::Deserialize;
use serde_json::json;

use super::list::partner;
use super::rules::group::{AgreementGroup, group};
use super::{SharingEdge, WAIT, refusal, settled, store};
use crate::failure::{Failure, see_other_said};
use crate::role::StaffRole;
use crate::viewer::Viewer;

#[derive(Debug, Deserialize)]
pub(super) struct Decided {
    decision: String,
    key: String,
}

pub(super) async fn decide<E: SharingEdge>(
    State(edge): State<E>,
    viewer: Viewer,
    Path(id): Path<String>,
    Form(given): Form<Decided>,
) -> Result<Response, Failure> {
    let state = of_admin(&edge, &viewer, &id).await?;
    let (command, said, note) = match given.decision.as_str() {
        "accept" => (AgreementAccept::NAME, "said.accepted", "audit.accepted"),
        "decline" => (AgreementDecline::NAME, "said.declined", "audit.declined"),
        // The invite stays, and the partner is told nothing.
        "later" => return Ok(see_other_said("/sharing", "said.later")),
        _ => return Err(Failure::Invalid(String::new())),
    };
    done(&edge, &viewer, &state, (command, &given.key), (said, note)).await
}

#[derive(Debug, Deserialize)]
pub(super) struct Ended {
    key: String,
    sure: Option<String>,
}

pub(super) async fn deactivate<E: SharingEdge>(
    State(edge): State<E>,
    viewer: Viewer,
    Path(id): Path<String>,
    Form(given): Form<Ended>,
) -> Result<Response, Failure> {
    let state = of_admin(&edge, &viewer, &id).await?;
    let is_withdrawn = group(&state) == AgreementGroup::ForThem;
    // What is in force is asked once; what nobody answered yet is only taken back.
    if !is_withdrawn && given.sure.is_none() {
        return Err(Failure::Invalid(viewer.say("agreement.not_sure").into_owned()));
    }
    let said = if is_withdrawn {
        ("said.withdrawn", "audit.withdrawn")
    } else {
        ("said.deactivated", "audit.deactivated")
    };
    done(&edge, &viewer, &state, (AgreementDeactivate::NAME, &given.key), said).await
}

pub(super) async fn of_admin<E: SharingEdge>(
    edge: &E,
    viewer: &Viewer,
    id: &str,
) -> Result<AgreementState, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let state = store::agreement(&edge.desk().pool, &viewer.account, id).await?;
    state.ok_or(Failure::NotFound)
}

async fn done<E: SharingEdge>(
    edge: &E,
    viewer: &Viewer,
    state: &AgreementState,
    (command, key): (&str, &str),
    (said, note): (&str, &'static str),
) -> Result<Response, Failure> {
    let desk = edge.desk();
    let id = state.agreement_id.to_string();
    let content = json!({ "agreement_id": id, "actor": viewer.actor() });
    let receipt = desk.send(viewer, command, key, content, WAIT).await?;
    let path = format!("/sharing/agreements/{id}");
    if let Some(why) = receipt.as_ref().and_then(|receipt| refusal(viewer, receipt)) {
        return Err(Failure::Conflict(why));
    }
    // What has no receipt yet is sent all the same.
    edge.note(viewer, note, &partner(state).display_name).await?;
    if receipt.is_none() {
        return Ok(see_other_said(&path, "said.sent"));
    }
    settled(desk, &viewer.account, &id, Some(state)).await?;
    let path = if said == "said.declined" { "/sharing" } else { &path };
    Ok(see_other_said(path, said))
}
