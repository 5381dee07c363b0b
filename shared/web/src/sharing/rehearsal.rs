//! Rehearsal: the newest tickets of an account through an agreement's terms, offered or in force.
//! The line says what would become of each; nothing is done, and the partner hears nothing.

use axum::extract::{Form, Path, State};
use axum::response::Response;
use contracts::Message;
use contracts::command::TicketShare;
use contracts::delivery::{AgreementState, AgreementStatus, Side};
use desk::outbox::{self, Request};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::list::partner;
use super::rules::group::{AgreementGroup, group};
use super::rules::rehearsal::{Rehearsed, rehearsed};
use super::{SharingEdge, store};
use crate::clock::new_id;
use crate::failure::{Failure, see_other};
use crate::role::StaffRole;
use crate::viewer::Viewer;

/// Tickets of a rehearsal, at most.
pub(super) const TICKETS: usize = 100;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    key: Uuid,
}

/// The panel.
pub(super) struct Rehearsal {
    /// Of the next one.
    pub key: String,
    pub partner: String,
    /// Whether nobody accepted the terms yet.
    pub is_draft: bool,
    pub result: Option<Shown>,
}

/// What one came to.
pub(super) struct Shown {
    pub tried: usize,
    pub all: Rehearsed,
    pub rows: Vec<Row>,
}

pub(super) struct Row {
    pub reason: String,
    pub what: String,
    pub items: usize,
    pub tickets: usize,
    /// One of them: its number and its page.
    pub example: Option<(String, String)>,
    pub what_to_do: String,
}

/// Whether an agreement can be rehearsed: this account would share under it, and has tickets here.
fn may_rehearse<E: SharingEdge>(edge: &E, state: &AgreementState) -> bool {
    state.side == Side::Sender
        && [AgreementGroup::Active, AgreementGroup::ForThem].contains(&group(state))
        && edge.ticket_path("1").is_some()
}

/// The panel of an agreement; nothing where it cannot be rehearsed.
pub(super) async fn panel<E: SharingEdge>(
    edge: &E,
    viewer: &Viewer,
    state: &AgreementState,
    rehearsed: Option<Uuid>,
) -> Result<Option<Rehearsal>, Failure> {
    if !may_rehearse(edge, state) {
        return Ok(None);
    }
    let result = match rehearsed {
        Some(key) => shown(edge, viewer, key).await?,
        None => None,
    };
    Ok(Some(Rehearsal {
        key: new_id().to_string(),
        partner: partner(state).display_name.clone(),
        is_draft: state.status == AgreementStatus::Pending,
        result,
    }))
}

async fn shown<E: SharingEdge>(
    edge: &E,
    viewer: &Viewer,
    key: Uuid,
) -> Result<Option<Shown>, Failure> {
    let keys: Vec<String> = (0..TICKETS).map(|place| key_of(key, place)).collect();
    let answers = store::receipts_of(&edge.desk().pool, &viewer.account, &keys).await?;
    if answers.is_empty() {
        return Ok(None);
    }
    let all = rehearsed(&answers);
    let row = |kept: &super::rules::rehearsal::ReasonEffect| Row {
        reason: viewer.reason(kept.reason).into_owned(),
        what: viewer
            .say(if kept.is_mapped { "outcome.mapped" } else { "outcome.withheld" })
            .into_owned(),
        items: kept.items,
        tickets: kept.tickets.len(),
        example: kept
            .tickets
            .first()
            .and_then(|number| Some((number.clone(), edge.ticket_path(number)?))),
        what_to_do: viewer.what_to_do(kept.reason).into_owned(),
    };
    Ok(Some(Shown { tried: answers.len(), rows: all.kept.iter().map(row).collect(), all }))
}

fn key_of(rehearsal: Uuid, place: usize) -> String {
    format!("{rehearsal}-{place}")
}

/// Asks for one. Sent twice it is one.
pub(super) async fn rehearse<E: SharingEdge>(
    State(edge): State<E>,
    viewer: Viewer,
    Path(id): Path<String>,
    Form(asked): Form<Asked>,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let desk = edge.desk();
    let state = store::agreement(&desk.pool, &viewer.account, &id).await?;
    let state = state.filter(|state| may_rehearse(&edge, state)).ok_or(Failure::NotFound)?;
    let account = viewer.account_name()?;
    let tickets = edge.newest_tickets(&viewer, TICKETS).await?;
    for (place, ticket) in tickets.into_iter().take(TICKETS).enumerate() {
        let content = json!({ "agreement_id": state.agreement_id, "ticket": ticket,
            "actor": viewer.actor(), "occurred_at": contracts::Timestamp::from(viewer.now),
            "dry_run": true });
        let request = Request {
            hash: Request::hash_of(TicketShare::NAME, &content),
            account: account.clone(),
            key: key_of(asked.key, place),
            command_type: TicketShare::NAME.to_owned(),
            content,
        };
        // One that no message can carry says nothing of the terms.
        if request.check().is_ok() {
            outbox::accept(&desk.pool, &request).await?;
        }
    }
    desk.new_command.notify_one();
    let id = &state.agreement_id;
    Ok(see_other(&format!("/sharing/agreements/{id}?rehearsed={}#rehearsal", asked.key)))
}
