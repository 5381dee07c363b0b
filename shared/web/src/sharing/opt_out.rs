//! Declining all invites: a setting of the account, saved by a button and not in
//! passing.

use std::time::Duration;

use axum::extract::{Form, State};
use axum::response::Response;
use contracts::Message;
use contracts::command::{AccountShow, AccountUpdate};
use serde::Deserialize;
use serde_json::json;

use super::{SharingEdge, WAIT, refusal, store};
use crate::clock::new_id;
use crate::failure::{Failure, see_other_said};
use crate::role::Role;
use crate::viewer::Viewer;

/// How long a page waits for the setting the first time.
const FIRST: Duration = Duration::from_secs(2);

#[derive(Debug, Deserialize)]
pub(super) struct OptOut {
    #[serde(default)]
    decline: Option<String>,
}

/// Whether the account declines all invites. Where nobody asked yet it is asked now; nothing if there
/// is no answer in time.
pub(super) async fn known<E: SharingEdge>(
    edge: &E,
    viewer: &Viewer,
) -> Result<Option<bool>, Failure> {
    let desk = edge.desk();
    if let Some(known) = store::declines(&desk.pool, &viewer.account).await? {
        return Ok(Some(known));
    }
    // The same key for all who ask meanwhile, so that one question goes out.
    let hour = viewer.now.timestamp() / 3_600;
    let key = format!("pages-show-{hour}");
    desk.send(viewer, AccountShow::NAME, &key, json!({}), FIRST).await?;
    Ok(store::declines(&desk.pool, &viewer.account).await?)
}

pub(super) async fn save<E: SharingEdge>(
    State(edge): State<E>,
    viewer: Viewer,
    Form(given): Form<OptOut>,
) -> Result<Response, Failure> {
    viewer.must_be(Role::Admin)?;
    let declines = given.decline.is_some();
    let content = json!({ "actor": viewer.actor(), "decline_invites": declines });
    let key = new_id().to_string();
    let receipt = edge.desk().send(&viewer, AccountUpdate::NAME, &key, content, WAIT).await?;
    if let Some(why) = receipt.as_ref().and_then(|receipt| refusal(&viewer, receipt)) {
        return Err(Failure::Invalid(why));
    }
    let said = match (receipt.is_some(), declines) {
        (false, _) => "said.sent",
        (true, true) => "said.declines",
        (true, false) => "said.declines_not",
    };
    Ok(see_other_said("/sharing", said))
}
