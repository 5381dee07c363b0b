//! Calls to a third-party system: how they go, and what an admin does about it.

use axum::extract::{Form, Path, State};
use axum::response::Response;
use contracts::delivery::AgreementState;
use desk::calls::{CallAct, CallFailure, PausedBy};
use serde::Deserialize;

use super::SharingEdge;
use super::decide::of_admin;
use super::list::partner;
use crate::bridge::Said;
use crate::failure::{Failure, see_other_said};
use crate::html::Html;
use crate::viewer::Viewer;
use crate::views;

/// What the panel shows.
pub(super) struct Calls {
    pub said: Said,
    /// Why the last one failed, in the reader's words.
    pub why: String,
    /// Who has them wait, as a badge.
    pub paused: Html,
    /// Whether the admin may have them wait, or go on.
    pub may_pause: bool,
    pub may_resume: bool,
}

/// The panel; nothing where no bridge calls the partner, or none can be asked.
pub(super) async fn panel<E: SharingEdge>(
    edge: &E,
    viewer: &Viewer,
    state: &AgreementState,
) -> Option<Calls> {
    let bridge = edge.bridge().filter(|_| partner(state).sharing_url.is_some())?;
    let said = bridge.health(&viewer.address, state.agreement_id.as_str()).await;
    let known = match &said {
        Said::Known(known) => Some(known),
        Said::Unknown | Said::Nothing => None,
    };
    let paused_by = known.and_then(|known| known.paused_by);
    let failure = known.and_then(|known| known.last_failure.as_ref());
    Some(Calls {
        why: failure.map_or_else(String::new, |failure| why(viewer, failure)),
        paused: paused_by.map_or_else(|| Html::text(""), |by| paused(viewer, by)),
        may_pause: paused_by.is_none(),
        may_resume: paused_by == Some(PausedBy::Account),
        said,
    })
}

fn paused(viewer: &Viewer, by: PausedBy) -> Html {
    let key = match by {
        PausedBy::Account => "calls.paused",
        PausedBy::Operator => "calls.paused_by_operator",
    };
    views::badge("warn", "clock", &viewer.say(key))
}

/// Why a call was not taken, in the reader's language as far as there are words for it.
fn why(viewer: &Viewer, failure: &CallFailure) -> String {
    if let Some(status) = failure.status {
        return viewer.say_of("calls.why.status", "status", status).into_owned();
    }
    let key = format!("calls.why.{}", failure.code.as_deref().unwrap_or_default());
    let key = if viewer.has(&key) { &key } else { "calls.why.other" };
    viewer.say(key).into_owned()
}

#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    act: CallAct,
}

pub(super) async fn act<E: SharingEdge>(
    State(edge): State<E>,
    viewer: Viewer,
    Path(id): Path<String>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, Failure> {
    let state = of_admin(&edge, &viewer, &id).await?;
    let bridge = edge.bridge().filter(|_| partner(&state).sharing_url.is_some());
    let bridge = bridge.ok_or(Failure::NotFound)?;
    if !bridge.act(&viewer.address, state.agreement_id.as_str(), wanted.act).await {
        return Err(Failure::Unavailable);
    }
    let (said, note) = match wanted.act {
        CallAct::Retry => ("said.calls_retried", "audit.calls_retried"),
        CallAct::Pause => ("said.calls_paused", "audit.calls_paused"),
        CallAct::Resume => ("said.calls_resumed", "audit.calls_resumed"),
    };
    edge.note(&viewer, note, &partner(&state).display_name).await?;
    Ok(see_other_said(&format!("/sharing/agreements/{id}"), said))
}
