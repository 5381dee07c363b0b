//! Settings of the account, each saved by a button and not in passing: declining all invites (R-16,
//! R-70), and letting partners see all custom fields when they compare.

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
use crate::role::StaffRole;
use crate::viewer::Viewer;

/// How long a page waits for the settings the first time.
const FIRST: Duration = Duration::from_secs(2);

const DECLINE: &str = "decline_invites";
const SHOW: &str = "show_fields";

/// What is known of them; nothing of what nobody was told yet.
pub(super) struct Settings {
    pub declines: Option<bool>,
    pub shows_fields: Option<bool>,
}

impl Settings {
    async fn read<E: SharingEdge>(edge: &E, viewer: &Viewer) -> sqlx::Result<Self> {
        let pool = &edge.desk().pool;
        Ok(Self {
            declines: store::switch(pool, &viewer.account, DECLINE).await?,
            shows_fields: store::switch(pool, &viewer.account, SHOW).await?,
        })
    }
}

/// The settings. Where nobody asked yet it is asked now; nothing if there is no answer in time.
pub(super) async fn known<E: SharingEdge>(edge: &E, viewer: &Viewer) -> Result<Settings, Failure> {
    let known = Settings::read(edge, viewer).await?;
    if known.declines.is_some() && known.shows_fields.is_some() {
        return Ok(known);
    }
    // The same key for all who ask meanwhile, so that one question goes out.
    let hour = viewer.now.timestamp() / 3_600;
    let key = format!("pages-show-{hour}");
    edge.desk().send(viewer, AccountShow::NAME, &key, json!({}), FIRST).await?;
    Ok(Settings::read(edge, viewer).await?)
}

#[derive(Debug, Deserialize)]
pub(super) struct OptOut {
    #[serde(default)]
    decline: Option<String>,
}

pub(super) async fn save_opt_out<E: SharingEdge>(
    State(edge): State<E>,
    viewer: Viewer,
    Form(given): Form<OptOut>,
) -> Result<Response, Failure> {
    let said = ["said.declines_not", "said.declines"];
    save(&edge, &viewer, DECLINE, given.decline.is_some(), said).await
}

#[derive(Debug, Deserialize)]
pub(super) struct ShowFields {
    #[serde(default)]
    show: Option<String>,
}

pub(super) async fn save_show_fields<E: SharingEdge>(
    State(edge): State<E>,
    viewer: Viewer,
    Form(given): Form<ShowFields>,
) -> Result<Response, Failure> {
    let said = ["said.shows_fields_not", "said.shows_fields"];
    save(&edge, &viewer, SHOW, given.show.is_some(), said).await
}

/// Saves a switch; `said` is what is told when it is off, and when it is on.
async fn save<E: SharingEdge>(
    edge: &E,
    viewer: &Viewer,
    name: &str,
    is_on: bool,
    said: [&str; 2],
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let content = json!({ "actor": viewer.actor(), name: is_on });
    let key = new_id().to_string();
    let receipt = edge.desk().send(viewer, AccountUpdate::NAME, &key, content, WAIT).await?;
    if let Some(why) = receipt.as_ref().and_then(|receipt| refusal(viewer, receipt)) {
        return Err(Failure::Invalid(why));
    }
    let note = match (name, is_on) {
        (DECLINE, true) => "audit.declines",
        (DECLINE, false) => "audit.declines_not",
        (_, true) => "audit.shows_fields",
        (_, false) => "audit.shows_fields_not",
    };
    edge.note(viewer, note, "").await?;
    let said = if receipt.is_none() { "said.sent" } else { said[usize::from(is_on)] };
    Ok(see_other_said("/sharing", said))
}
