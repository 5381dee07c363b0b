//! The address that partners invite. Another one ends every agreement.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use contracts::{Reason, ReceiptOutcome};
use serde_json::json;
use web::{Failure, Page, Reader, StaffRole, Viewer, see_other_said};

use super::side;
use crate::clock::new_id;
use crate::pages::Pages;
use crate::pages::form::Sent;
use crate::rules::sharing::ended_by_rename;
use crate::store::{audit, sharing};

const HERE: &str = "/settings/address";
const WAIT: Duration = Duration::from_secs(10);

#[derive(Template)]
#[template(path = "address.html")]
struct Form<'a> {
    t: &'a Reader,
    key: String,
    address: &'a str,
    understood: bool,
    /// The input, and what is wrong with it.
    error: Option<(&'static str, String)>,
    ends: Vec<(String, String)>,
}

impl Form<'_> {
    fn error(&self, input: &str) -> Option<&str> {
        let error = self.error.as_ref().filter(|(name, _)| *name == input);
        error.map(|(_, text)| text.as_str())
    }
}

pub(in crate::pages) async fn form(
    State(pages): State<Pages>,
    viewer: Viewer,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    show(&pages, &viewer, &viewer.address, false, None).await
}

/// The form with what was typed, and why it was not taken.
async fn show(
    pages: &Pages,
    viewer: &Viewer,
    address: &str,
    understood: bool,
    error: Option<(&'static str, String)>,
) -> Result<Response, Failure> {
    let status = error.as_ref().map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    let mut connection = pages.pool().acquire().await?;
    let agreements = sharing::agreements(&mut connection, &viewer.account).await?;
    let ends = ended_by_rename(&agreements)
        .into_iter()
        .map(|it| (it.partner_name.clone(), it.name.clone()))
        .collect();
    let key = new_id().to_string();
    Page::new(viewer, viewer.say("settings.address"))
        .section("settings")
        .side(side(viewer, HERE))
        .class("main--form")
        .status(status)
        .body(&Form { t: viewer, key, address, understood, error, ends })
}

pub(in crate::pages) async fn save(
    State(pages): State<Pages>,
    viewer: Viewer,
    sent: Sent,
) -> Result<Response, Failure> {
    viewer.must_be(StaffRole::Admin)?;
    let address = sent.text("address").unwrap_or_default().to_lowercase();
    if address == viewer.address {
        return Ok(see_other_said(HERE, "said.saved"));
    }
    if sent.one("understood").is_none() {
        let why = viewer.say("address.error").into_owned();
        return show(&pages, &viewer, &address, false, Some(("understood", why))).await;
    }
    let key = sent.id("key").unwrap_or_else(new_id).to_string();
    let content = json!({ "address": address, "actor": viewer.actor() });
    let receipt = pages.desk.send(&viewer, "account.rename.v1", &key, content, WAIT).await?;
    let Some(receipt) = receipt else {
        return Ok(see_other_said(HERE, "said.waits"));
    };
    if receipt.outcome == ReceiptOutcome::Rejected {
        let reason = receipt.reason.unwrap_or(Reason::Malformed);
        let why = format!("{}. {}", viewer.reason(reason), viewer.what_to_do(reason));
        return show(&pages, &viewer, &address, true, Some(("address", why))).await;
    }
    let mut transaction = pages.pool().begin().await?;
    sqlx::query("update desk_account set address = $2 where account = $1")
        .bind(&viewer.account)
        .bind(&address)
        .execute(&mut *transaction)
        .await?;
    let account = viewer.account.as_str();
    audit::add(&mut transaction, account, &viewer.name, "audit.renamed", &address).await?;
    transaction.commit().await?;
    Ok(see_other_said(HERE, "said.saved"))
}
